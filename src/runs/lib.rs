//! Starts training runs, stays with them, and reads what they leave behind.
//!
//! An attempt of a run is a folder that says everything of it; its supervisor is a process of its
//! own. Logs are tailed with bounded memory and followed across truncation and rotation, in the text
//! formats of common trainers and in their event files. Slurm's jobs are attempts
//! too. Deliberately absent: other hosts, which the engine reaches.

mod alerts;
mod attempt;
mod detach;
mod ending;
mod folder;
mod followed_log;
mod follower;
mod gpus;
mod level;
mod line_index;
mod log_file;
mod metrics;
mod plain_line;
mod recipe;
mod record_log;
mod resume;
mod series;
mod slurm;
mod state_file;
mod window;

pub use alerts::{
    Alert, AlertBook, AlertCause, DiskRoom, FigureWatch, Finding, KnownAlert, Pace, Severity,
    disk_room, is_stalled,
};
pub use attempt::{
    After, Attempt, AttemptState, EndReason, Event, ExitRecord, GitState, Journal, Line, LookError,
    Moment, Presence, ProcessId, ReadRecordError, Seen, StartRecord, SuperviseError, Wish, look,
    state, supervise, terminate_child, terminate_supervisor, wish,
};
pub use detach::{DetachError, detach};
pub use ending::{Cause, Ending, ending};
pub use folder::{BeginError, attempt_folder, attempts, begin, runs};
pub use followed_log::{FollowedLog, LogWindow, Reading, last_figures};
pub use gpus::{GpuMark, GpuNews, GpuNewsOf, GpuTrouble, GpuWatch, WatchedGpus};
pub use level::{Level, level};
pub use log_file::{ReadLogError, last_lines};
pub use metrics::{FigureRule, FigureRuleError, FigureRules, TIME};
pub use plain_line::plain_line;
pub use recipe::{FillError, Parameter, fill, fill_word, parameters, plain, values};
pub use resume::resumed;
pub use series::{Bucket, Series, SeriesView, Span};
pub use slurm::{
    JobView, Slurm, SlurmError, SubmitError, cancel_job, job_of, look_at_job, submit_job, tasks,
};
pub use window::{Direction, Place, PlacedLine, Search, search};
