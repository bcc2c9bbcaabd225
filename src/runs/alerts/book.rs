//! What was told, on disk: an append-only journal of JSON lines that several programs share.
//!
//! Whoever wants to tell something first writes it down under a lock, and does not where another
//! program already did. So neither a restart nor a second workbench tells it again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Alert, AlertCause};

/// A journal beyond this is none of ours.
const LARGEST: u64 = 64 << 20;

/// One line. A line of a later version is passed over.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Alert(Alert),
    /// Somebody has seen all alerts of a run so far.
    Seen {
        run: String,
        by: String,
        at: i64,
    },
    /// A log that is over was looked at up to here.
    Looked {
        log: String,
        size: u64,
    },
}

/// An alert, and whether somebody has seen it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownAlert {
    #[serde(flatten)]
    pub alert: Alert,
    pub is_seen: bool,
}

/// The journal as it was read last.
#[derive(Debug)]
pub struct AlertBook {
    path: PathBuf,
    read: u64,
    alerts: BTreeMap<(String, AlertCause), KnownAlert>,
    looked: BTreeMap<String, u64>,
}

impl AlertBook {
    /// A book that is not there yet has told nothing.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            read: 0,
            alerts: BTreeMap::new(),
            looked: BTreeMap::new(),
        }
    }

    /// Takes over what others wrote.
    pub fn read_on(&mut self) -> io::Result<()> {
        match File::open(&self.path) {
            Ok(mut file) => self.take(&mut file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                *self = Self::new(&self.path);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Oldest first.
    pub fn alerts(&self) -> Vec<KnownAlert> {
        let mut alerts: Vec<KnownAlert> = self.alerts.values().cloned().collect();
        alerts.sort_by_key(|known| known.alert.at);
        alerts
    }

    /// True where it was not told before: it is on disk then, and may be told.
    pub fn add(&mut self, alert: &Alert) -> io::Result<bool> {
        let key = (alert.run.clone(), alert.cause);
        if self.alerts.contains_key(&key) {
            return Ok(false);
        }
        let line = Line::Alert(alert.clone());
        self.append(&line, |book| !book.alerts.contains_key(&key))
    }

    /// What is known of this run, or of all, was seen.
    pub fn see(&mut self, run: Option<&str>, (by, at): (&str, i64)) -> io::Result<bool> {
        self.read_on()?;
        let is_meant =
            |known: &&KnownAlert| !known.is_seen && run.is_none_or(|run| run == known.alert.run);
        let unseen = self.alerts.values().filter(is_meant);
        let mut runs: Vec<String> = unseen.map(|known| known.alert.run.clone()).collect();
        runs.dedup();
        for run in &runs {
            let (run, by) = (run.clone(), by.to_owned());
            self.append(&Line::Seen { run, by, at }, |_| true)?;
        }
        Ok(!runs.is_empty())
    }

    /// A log of this size was looked at after its run was over.
    pub fn has_looked(&self, log: &str, size: u64) -> bool {
        self.looked.get(log) == Some(&size)
    }

    /// Remembers that.
    pub fn looked(&mut self, log: &str, size: u64) -> io::Result<()> {
        let log = log.to_owned();
        self.append(&Line::Looked { log, size }, |_| true)?;
        Ok(())
    }

    /// Under the lock, what others wrote is read first; `is_new` says whether it is still wanted.
    fn append(&mut self, line: &Line, is_new: impl Fn(&Self) -> bool) -> io::Result<bool> {
        let mut options = OpenOptions::new();
        let mut file = options
            .append(true)
            .read(true)
            .create(true)
            .open(&self.path)?;
        file.lock()?;
        self.take(&mut file)?;
        if !is_new(self) {
            return Ok(false);
        }
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        // A line that a killed program left half-written is closed, so that it spoils no other.
        if file.metadata()?.len() > self.read {
            bytes.insert(0, b'\n');
        }
        file.write_all(&bytes)?;
        file.sync_all()?;
        self.take(&mut file)?;
        Ok(true)
    }

    /// Reads whole lines on from where it was; a file that became shorter is read anew.
    fn take(&mut self, file: &mut File) -> io::Result<()> {
        let size = file.metadata()?.len();
        if size > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if size < self.read {
            *self = Self::new(&self.path);
        }
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.take(size - self.read).read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n');
        let whole = bytes
            .get(..whole.map_or(0, |at| at + 1))
            .unwrap_or_default();
        self.read += whole.len() as u64;
        for line in whole.split(|byte| *byte == b'\n') {
            match serde_json::from_slice(line) {
                Ok(line) => self.apply(line),
                Err(error) if !line.trim_ascii().is_empty() => {
                    tracing::info!(%error, "a line of the alerts is passed over");
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn apply(&mut self, line: Line) {
        match line {
            Line::Alert(alert) => {
                let key = (alert.run.clone(), alert.cause);
                let is_seen = false;
                self.alerts
                    .entry(key)
                    .or_insert(KnownAlert { alert, is_seen });
            }
            Line::Seen { run, .. } => {
                let of_run = self.alerts.values_mut();
                for known in of_run.filter(|known| known.alert.run == run) {
                    known.is_seen = true;
                }
            }
            Line::Looked { log, size } => {
                self.looked.insert(log, size);
            }
        }
    }
}
