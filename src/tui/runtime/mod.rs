//! The shell around the pure core: performs effects, reads the terminal, draws frames.
//!
//! The only place that spawns, sleeps, and reads the clock. Nothing ticks: without a key, an
//! answer or an event nothing wakes and no byte is written.

mod clicks;
mod clipboard;
mod editor;
mod frame_budget;
mod keyboard;
mod picker;
mod pictures;
mod screen;
mod signal;
mod signals;
mod work;
mod workbench;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use semihv_domain::{Failure, FailureKind};

use crate::backend::Backend;

pub use picker::{Picked, pick};

/// Questions that are still being answered do not hold up the end.
const FAREWELL: Duration = Duration::from_millis(200);
/// Threads that may wait for the engine at once: one a slot on screen and one for edits.
const THREADS: usize = 8;

/// What flags and the environment decide.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub is_read_only: bool,
    /// Off leaves the mouse to the terminal.
    pub has_mouse: bool,
    /// Where a panic's report is written.
    pub reports: Option<PathBuf>,
}

/// Why the workbench ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Quit,
    OpenWorkspace(PathBuf),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("standard output is not a terminal; use the verbs of the command line instead")]
    NoTerminal,
    #[error("cannot take the terminal")]
    Terminal { source: std::io::Error },
    #[error("cannot start the runtime")]
    Runtime { source: std::io::Error },
}

impl RunError {
    pub(crate) fn told(&self) -> Failure {
        let kind = match self {
            Self::NoTerminal => FailureKind::User,
            Self::Terminal { .. } => FailureKind::Config,
            Self::Runtime { .. } => FailureKind::Internal,
        };
        Failure::of("workbench", kind, self)
    }
}

/// Runs the workbench until it is left, the terminal is gone, or a signal ends it.
pub fn run(backend: Arc<dyn Backend>, options: Options) -> Result<Outcome, Failure> {
    use std::io::IsTerminal;
    if !std::io::stdout().is_terminal() {
        return Err(RunError::NoTerminal.told());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(THREADS)
        .build()
        .map_err(|source| RunError::Runtime { source }.told())?;
    screen::report_panics(options.reports.clone());
    let outcome = runtime.block_on(workbench::run(backend, options));
    runtime.shutdown_timeout(FAREWELL);
    outcome.map_err(|error| error.told())
}
