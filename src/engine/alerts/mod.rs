//! Alerts: what is wrong with a run, noticed while a workbench is open or when a verb asks, on disk
//! before it is told, and told once.

mod command;
mod looking;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use semihv_domain::{Failure, FailureKind};
use semihv_runs::{Alert, AlertBook, AlertCause, Finding, KnownAlert};

use crate::engine::{Writing, locked, now};
use crate::{Changed, Engine, Event};

use looking::{Look, Looking, Reads};

/// While something runs, its silence is noticed no later than this.
const EVERY: Duration = Duration::from_mins(1);
/// What a GPU does is known so soon after it was asked for the first time.
const SOON: Duration = Duration::from_secs(5);
/// What grows all the time is looked at no more often.
const TOGETHER: Duration = Duration::from_millis(200);
/// Larger logs are not read but for somebody who opens them.
const READ_FOR_ALERTS: u64 = 1 << 30;

/// What is known and wanted of alerts.
#[derive(Debug, Default)]
pub(crate) struct KeptAlerts {
    book: Mutex<Option<AlertBook>>,
    /// Of a disk that takes no line any more: told in this process.
    unwritten: Mutex<BTreeSet<(String, AlertCause)>>,
    looking: Mutex<Looking>,
    /// Set while a thread looks.
    wanted: Mutex<Option<Sender<Wish>>>,
}

/// What is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wish {
    Runs,
    Log(String, PathBuf),
}

impl Engine {
    /// Everything that was told of runs, oldest first.
    pub fn alerts(&self) -> Result<Vec<KnownAlert>, Failure> {
        self.with_book(|book| {
            book.read_on()?;
            Ok(book.alerts())
        })
        .map_err(|error| unreadable(&error))
    }

    /// What was told of this run, or of all, was seen; on disk when it returns.
    pub fn see_alerts(&self, run: Option<&str>) -> Result<(), Failure> {
        self.refuse_when_read_only("alerts")?;
        let by = self.settings().author.value;
        let seen = self.with_book(|book| book.see(run, (&by, now())));
        if seen.map_err(|error| unreadable(&error))? {
            self.tell(&Event::Changed(Changed::Alerts));
        }
        Ok(())
    }

    /// Looks at all runs now, for a verb: those that may be alive, and those that ended lately.
    pub fn look_for_alerts(&self) {
        if self.inner.writing == Writing::Allowed {
            looking::look_at_runs(self, Reads::Now);
        }
    }

    fn with_book<T>(&self, act: impl FnOnce(&mut AlertBook) -> T) -> T {
        let mut book = locked(&self.inner.alerts.book);
        act(book.get_or_insert_with(|| AlertBook::new(&self.inner.places.alerts())))
    }

    /// For a workbench: looks whenever runs or their logs moved, on a thread of its own.
    pub(crate) fn watch_for_alerts(&self) {
        if self.inner.writing == Writing::Refused {
            return;
        }
        let (sender, receiver) = channel();
        let _ = sender.send(Wish::Runs);
        let engine = self.clone();
        let spawned = thread::Builder::new()
            .name("alerts".to_owned())
            .spawn(move || watch(&engine, &receiver));
        match spawned {
            Ok(_) => *locked(&self.inner.alerts.wanted) = Some(sender),
            Err(error) => tracing::warn!(%error, "nothing is told of runs"),
        }
    }

    pub(crate) fn want_alerts_of_runs(&self) {
        self.want_alerts(Wish::Runs);
    }

    /// More of this log was read.
    pub(crate) fn want_alerts_of_log(&self, run: &str, path: &Path) {
        self.want_alerts(Wish::Log(run.to_owned(), path.to_owned()));
    }

    fn want_alerts(&self, wish: Wish) {
        if let Some(sender) = locked(&self.inner.alerts.wanted).as_ref() {
            let _ = sender.send(wish);
        }
    }

    /// Its figures are read also where nobody looks at it.
    pub(crate) fn is_read_for_alerts(&self, path: &Path) -> bool {
        let is_watched = locked(&self.inner.alerts.wanted).is_some();
        is_watched && (path.metadata()).is_ok_and(|found| found.len() <= READ_FOR_ALERTS)
    }

    /// On disk first, then told; nothing where it was told before, by whomever.
    fn tell_finding(&self, run: &str, finding: Finding) {
        let alert = Alert::new(run, finding, now());
        let is_new = match self.with_book(|book| book.add(&alert)) {
            Ok(is_new) => is_new,
            Err(error) => {
                tracing::warn!(%error, "an alert is not on disk");
                let key = (alert.run.clone(), alert.cause);
                locked(&self.inner.alerts.unwritten).insert(key)
            }
        };
        if is_new {
            command::start(&self.settings().alert_command.value, &alert);
            self.tell(&Event::Alert(alert));
        }
    }
}

fn unreadable(error: &std::io::Error) -> Failure {
    Failure::of("alerts", FailureKind::Data, error)
}

/// Sleeps until something moved; while something runs, no longer than a minute.
fn watch(engine: &Engine, wanted: &Receiver<Wish>) {
    let mut due: Option<Instant> = None;
    loop {
        let first = match due {
            None => wanted.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => wanted.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        let first = match first {
            Ok(wish) => wish,
            Err(RecvTimeoutError::Timeout) => Wish::Runs,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let mut wishes = vec![first];
        for wish in wanted.try_iter() {
            if !wishes.contains(&wish) {
                wishes.push(wish);
            }
        }
        let is_due = due.is_some_and(|due| due <= Instant::now());
        if is_due || wishes.contains(&Wish::Runs) {
            due = match looking::look_at_runs(engine, Reads::Later) {
                Look::Rests => None,
                Look::Lives => Some(Instant::now() + EVERY),
                Look::WaitsForGpus => Some(Instant::now() + SOON),
            };
        }
        for wish in wishes {
            if let Wish::Log(run, path) = wish {
                looking::look_at_log(engine, &run, &path);
            }
        }
        thread::sleep(TOGETHER);
    }
}

#[cfg(test)]
mod tests;
