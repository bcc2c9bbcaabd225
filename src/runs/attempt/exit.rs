//! How an attempt ended: one file, whole or not there.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};
use serde::{Deserialize, Serialize};

use super::journal::Moment;

/// Set aside before the command begins, so that a full disk cannot keep the end from being written.
const RESERVED: u64 = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// The command ended by itself.
    Exited,
    Signalled,
    /// It ended after somebody asked for that.
    Cancelled,
    /// There was nothing to start.
    StartFailed,
    /// The machine or the scheduler told the supervisor to end.
    Terminated,
    /// The scheduler said that its time is over soon.
    TimeLimit,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitRecord {
    pub reason: EndReason,
    /// Of the command itself.
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub has_core: bool,
    /// The kernel killed something for want of memory while it ran, and the command was killed.
    pub was_out_of_memory: bool,
    /// Nothing could be written to the run's folder any more when it ended: its log may lack the end.
    #[serde(default)]
    pub disk_was_full: bool,
    /// Who asked for it.
    pub by: Option<String>,
    /// Why it could not be started.
    pub trouble: Option<String>,
    pub boot_id: String,
    pub started: Moment,
    pub ended: Moment,
}

impl ExitRecord {
    /// None where there is none yet.
    pub fn read(folder: &Path) -> io::Result<Option<Self>> {
        let bytes = match fs::read(path(folder)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(serde_json::from_slice(&bytes)?))
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("exit.json")
}

/// Room on the disk for the record.
#[derive(Debug)]
pub(super) struct Reserved {
    folder: PathBuf,
    file: File,
}

impl Reserved {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let part = folder.join("exit.json.part");
        let file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .open(part)?;
        if fallocate(&file, FallocateFlags::empty(), 0, RESERVED).is_err() {
            // Not every file system sets aside: then it is filled.
            file.write_all_at(&[b' '; RESERVED as usize], 0)?;
        }
        file.sync_all()?;
        Ok(Self {
            folder: folder.to_owned(),
            file,
        })
    }

    pub(super) fn write(self, record: &ExitRecord) -> io::Result<()> {
        let mut record = record.clone();
        let room = RESERVED as usize / 4;
        for text in [&mut record.by, &mut record.trouble].into_iter().flatten() {
            text.truncate(text.floor_char_boundary(room));
        }
        let bytes = serde_json::to_vec(&record)?;
        self.file.write_all_at(&bytes, 0)?;
        self.file.set_len(bytes.len() as u64)?;
        self.file.sync_all()?;
        fs::rename(self.folder.join("exit.json.part"), path(&self.folder))?;
        File::open(&self.folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> ExitRecord {
        let at = Moment {
            wall_ms: 5,
            boot_ms: 6,
        };
        ExitRecord {
            reason: EndReason::Exited,
            code: Some(3),
            signal: None,
            has_core: false,
            was_out_of_memory: false,
            disk_was_full: false,
            by: None,
            trouble: None,
            boot_id: "b".to_owned(),
            started: at,
            ended: at,
        }
    }

    #[test]
    fn a_record_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let reserved = Reserved::new(folder.path()).unwrap();
        assert_eq!(ExitRecord::read(folder.path()).unwrap(), None);
        reserved.write(&record()).unwrap();
        assert_eq!(ExitRecord::read(folder.path()).unwrap(), Some(record()));
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
        assert_eq!(names.len(), 1);
    }

    #[test]
    fn long_words_fit_into_what_was_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let long = ExitRecord {
            trouble: Some("肺".repeat(5_000)),
            by: Some("\"\\".repeat(5_000)),
            ..record()
        };
        Reserved::new(folder.path()).unwrap().write(&long).unwrap();
        let length = fs::metadata(folder.path().join("exit.json")).unwrap().len();
        assert!(length <= RESERVED, "{length}");
        ExitRecord::read(folder.path()).unwrap().unwrap();
    }
}
