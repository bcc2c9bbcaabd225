//! Starts a supervisor that outlives whoever starts it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::attempt::{AttemptState, LookError, look};

const TICK: Duration = Duration::from_millis(20);
/// A loaded machine takes its time; a supervisor that needs longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// What it says that is no event.
const SUPERVISOR_LOG: &str = "supervisor.log";
/// Of the end of that.
const SAID: usize = 500;

#[derive(Debug, thiserror::Error)]
pub enum DetachError {
    #[error("cannot start {program}")]
    Start { program: PathBuf, source: io::Error },
    #[error("the supervisor ended before the command began: {said}")]
    Ended { said: String },
    #[error("the supervisor did not begin within {} s; see {path}", PATIENCE.as_secs())]
    Slow { path: PathBuf },
    #[error(transparent)]
    Look(#[from] LookError),
}

/// Starts `program supervise ATTEMPT` and returns when the command began, or could not: both are
/// on disk by then.
pub fn detach(program: &Path, attempt: &Path) -> Result<(), DetachError> {
    let start = |source| DetachError::Start {
        program: program.to_owned(),
        source,
    };
    let log = attempt.join(SUPERVISOR_LOG);
    // Appended to: its tracing goes to the same file.
    let said = File::options().create(true).append(true).open(&log);
    let said = said.map_err(start)?;
    let mut supervisor = Command::new(program)
        .arg("supervise")
        .arg(attempt)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()
        .map_err(start)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Asked first: what ended has written down by then what became of it.
        let has_ended = supervisor.try_wait().map_err(start)?.is_some();
        let seen = look(attempt)?;
        let is_queued = matches!(seen.state, AttemptState::Queued { .. });
        if seen.started.is_some()
            || is_queued
            || seen.state.is_over() && seen.state != AttemptState::Lost
        {
            return Ok(());
        }
        if has_ended {
            let said = std::fs::read(&log).unwrap_or_default();
            let end = said
                .get(said.len().saturating_sub(SAID)..)
                .unwrap_or_default();
            let said = crate::plain_line(end).trim().to_owned();
            return Err(DetachError::Ended { said });
        }
        if Instant::now() >= deadline {
            return Err(DetachError::Slow { path: log });
        }
        thread::sleep(TICK);
    }
}
