//! What the workbench needs of the engine. The real engine implements it; tests have their own.
//!
//! Every call may block: the runtime makes them away from the thread that draws.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use semihv_domain::{Failure, JobId};
use semihv_engine::{AlertSignal, CurvesAsk, Edit, Edited, Event, JobSpec, Query, Reply};
use semihv_imaging::{HeatMap, Raster, RegionFile, Scan};

use crate::keymap::KeyRow;
use crate::layout::Layout;

pub trait Backend: Send + Sync + 'static {
    fn ask(&self, query: Query) -> Result<Reply, Failure>;

    /// Returns when the change is on disk, with what takes it back. Who shows the rows hears of
    /// the change by an event.
    fn edit(&self, edit: &Edit) -> Result<Edited, Failure>;

    /// Starts a job; what becomes of it is told by events.
    fn start(&self, spec: JobSpec) -> Result<JobId, Failure>;

    fn cancel(&self, job: JobId);

    /// Told from now on; the channel closes when the backend is gone.
    fn events(&self) -> Receiver<Event>;

    /// Opens the picture or the volume at an image's location.
    fn open_scan(&self, location: &str) -> Result<Arc<Scan>, Failure>;

    /// Opens a file that outlines regions.
    fn open_regions(&self, location: &str) -> Result<Arc<RegionFile>, Failure>;

    /// Opens the values of a scan, to be laid over another.
    fn open_heat_map(&self, location: &str) -> Result<Arc<HeatMap>, Failure>;

    /// A small picture of what lies at an image's location.
    fn thumbnail(&self, location: &str) -> Result<Arc<Raster>, Failure>;

    /// Reads what will probably be looked at next, if that is small.
    fn warm_scan(&self, location: &str);

    /// Replaces the remembered session as a whole.
    fn save_session(&self, json: &str) -> Result<(), Failure>;

    fn load_session(&self) -> Option<String>;

    /// Keeps a copied text where a terminal without a clipboard can find it; says where.
    fn keep_copied(&self, text: &str) -> Result<String, Failure>;

    /// Keeps a picture as a file of that name; says where.
    fn keep_picture(&self, name: &str, png: &[u8]) -> Result<String, Failure>;

    /// Writes curves as a table and a drawing; says where.
    fn save_curves(&self, ask: &CurvesAsk) -> Result<String, Failure>;

    fn settings(&self) -> Settings;
}

/// What a person's files and flags say about the workbench.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// `None`: chosen by the terminal's background.
    pub theme: Option<String>,
    /// A person's own themes, each the text of a TOML file.
    pub themes: Vec<String>,
    pub keys: Vec<KeyRow>,
    pub is_ascii: bool,
    /// The way of showing images that was asked for.
    pub graphics: Option<String>,
    /// What the link to the terminal carries, in kbit/s; 0: 4000 over SSH, any here.
    pub link_kbit: u64,
    /// How the terminal tells that something is wrong with a run.
    pub alert: AlertSignal,
    /// The layout to start with.
    pub layout: Option<String>,
    /// Layouts of the manifest, after the built-in ones.
    pub layouts: Vec<Layout>,
    /// What of the settings cannot be used, said once.
    pub troubles: Vec<Failure>,
    /// Known workspaces: name and folder.
    pub workspaces: Vec<(String, PathBuf)>,
}
