//! The project directory: manifest, settings layers, the SQLite store, locks, atomic writes.
//!
//! The only crate that knows where things lie in a workspace.

mod atomic;
mod filesystem;
mod job;
mod judged;
mod known;
mod lock;
mod manifest;
mod mapping;
mod places;
mod settings;
mod store;
mod template;
mod toml_file;

pub use atomic::write_atomically;
pub use filesystem::{FileSystem, file_system, free_bytes};
pub use job::{JobEntry, JobError, Scheduler};
pub use judged::{Judged, JudgedQuery, append_judged, read_judged, standing};
pub use known::{KnownWorkspace, known_workspaces, remember_workspace};
pub use lock::{Lock, LockError, lock};
pub use manifest::{
    About, EndpointEntry, FigureEntry, KeyEntry, LayoutEntry, LogEntry, Manifest, ModelEntry,
    RecipeEntry, SourceEntry,
};
pub use mapping::FieldMapping;
pub use places::{MANIFEST, Places, UserPlaces, find_workspace};
pub use settings::{
    AlertSignal, Graphics, HostEntry, Layer, RetrievalEngine, Settings, SettingsFile, Sourced,
    StoreMode, UserFile,
};
pub use store::{
    Access, CaseRow, Durability, ImportCounts, ImportRows, Journal, Marker, ModelScore,
    OpenStoreError, QuestionRow, SearchableCase, SearchablePassage, SearchableQuestion, Share,
    SkippedRow, SourceRow, Store, StoreCounts, StoreError, sqlite_version,
};
pub use template::{InitError, init, init_demo};
pub use toml_file::{ReadTomlError, read_toml};
