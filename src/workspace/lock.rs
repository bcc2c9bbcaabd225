//! Locks between processes: the kernel frees them when their holder dies, so none goes stale.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another semihv ({holder}) is doing this already; wait for it or cancel it there")]
    Held { holder: String },
    #[error("cannot lock {path}")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
}

/// Held until dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock at once or says who has it.
pub fn lock(path: &Path) -> Result<Lock, LockError> {
    let io = |source| LockError::Io {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(io)?;
    }
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(io)?;
    if let Err(errno) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
        if errno != rustix::io::Errno::WOULDBLOCK {
            return Err(io(errno.into()));
        }
        let mut holder = String::new();
        let _ = (&mut file).take(200).read_to_string(&mut holder);
        let holder = semihv_domain::printable_line(holder.trim()).into_owned();
        return Err(LockError::Held { holder });
    }
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let _ = file.set_len(0);
    let _ = file.rewind();
    let _ = write!(file, "process {} on {host}", std::process::id());
    Ok(Lock { _file: file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_names_its_holder_and_is_free_after_drop() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("import.lock");
        let held = lock(&path).unwrap();
        let refused = lock(&path).unwrap_err().to_string();
        assert!(
            refused.contains(&format!("process {}", std::process::id())),
            "{refused}"
        );
        drop(held);
        lock(&path).unwrap();
    }
}
