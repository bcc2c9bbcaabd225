//! An attempt as it stands now, looked at on the machine where it runs.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::process::Signal;

use super::exit::ExitRecord;
use super::identity::{Presence, ProcessId};
use super::journal::{Event, Journal, Moment};
use super::record::{ReadRecordError, StartRecord};
use super::state::{AttemptState, Seen, processes, state};
use super::{EVENTS, LOG};

#[derive(Debug, thiserror::Error)]
pub enum LookError {
    #[error(transparent)]
    Record(#[from] ReadRecordError),
    #[error("cannot look at {path}")]
    Io { path: PathBuf, source: io::Error },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    pub folder: PathBuf,
    pub record: StartRecord,
    pub state: AttemptState,
    pub started: Option<Moment>,
    pub ended: Option<Moment>,
    pub log: PathBuf,
    /// As it was when it ended.
    pub disk_was_full: bool,
    /// Lines of the journal that cannot be read.
    pub skipped: usize,
}

pub fn look(attempt: &Path) -> Result<Attempt, LookError> {
    let io = |source| LookError::Io {
        path: attempt.to_owned(),
        source,
    };
    let record = StartRecord::read(attempt)?;
    // The journal first: what ends in between has its record by then.
    let journal = Journal::read(&attempt.join(EVENTS)).map_err(io)?;
    let seen = seen(&record, &journal).map_err(io)?;
    let exit = ExitRecord::read(attempt).map_err(io)?;
    let started = journal.lines.iter().find_map(|line| match line.event {
        Event::Started { .. } => Some(line.at),
        _ => None,
    });
    Ok(Attempt {
        folder: attempt.to_owned(),
        state: state(&journal, exit.as_ref(), Some(seen)),
        started,
        ended: exit.as_ref().map(|exit| exit.ended),
        disk_was_full: exit.as_ref().is_some_and(|exit| exit.disk_was_full),
        log: attempt.join(LOG),
        skipped: journal.skipped,
        record,
    })
}

/// SIGTERM to the supervisor, for where no wish can be written; false where it is gone.
pub fn terminate_supervisor(attempt: &Path) -> io::Result<bool> {
    let journal = Journal::read(&attempt.join(EVENTS))?;
    let (supervisor, _) = processes(&journal);
    supervisor.map_or(Ok(false), |id| id.signal(Signal::TERM))
}

/// SIGTERM to the command itself, for where no supervisor is left; false where it is gone.
pub fn terminate_child(attempt: &Path) -> io::Result<bool> {
    let journal = Journal::read(&attempt.join(EVENTS))?;
    let (_, child) = processes(&journal);
    child.map_or(Ok(false), |id| id.signal(Signal::TERM))
}

/// Numbers of the supervisor and of the command of an attempt, as far as they are alive.
pub(crate) fn live_processes(attempt: &Path) -> io::Result<Vec<i32>> {
    if ExitRecord::read(attempt)?.is_some() {
        return Ok(Vec::new());
    }
    let journal = Journal::read(&attempt.join(EVENTS))?;
    let (supervisor, child) = processes(&journal);
    let is_here = |id: &&ProcessId| id.presence().is_ok_and(|it| it == Presence::Here);
    let here = [supervisor, child].into_iter().flatten().filter(is_here);
    Ok(here.map(|id| id.pid).collect())
}

fn seen(record: &StartRecord, journal: &Journal) -> io::Result<Seen> {
    let (supervisor, child) = processes(journal);
    let presence = |id: Option<&ProcessId>| id.map_or(Ok(Presence::Gone), ProcessId::presence);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_millis() as i64);
    Ok(Seen {
        supervisor: presence(supervisor)?,
        child: presence(child)?,
        age_ms: now - record.asked_at,
    })
}
