//! The folder of an index: names, the lock, and writing that is on disk when it returns.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

pub(crate) const MANIFEST: &str = "manifest.json";

const CURRENT: &str = "CURRENT";
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug, thiserror::Error)]
#[error(
    "{name:?} cannot be the name of a pool; use 1 to 40 of the letters a to z, digits, `_` and `-`"
)]
pub struct PoolNameError {
    name: String,
}

pub(crate) fn check_pool(name: &str) -> Result<(), PoolNameError> {
    let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_' || c == b'-';
    if (1..=40).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(());
    }
    Err(PoolNameError {
        name: name.chars().take(60).collect(),
    })
}

/// What went wrong while writing: the index is as it was.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot write {path}; free some space or check who may write there, the index is as it was"
)]
pub struct WriteError {
    pub path: PathBuf,
    pub source: io::Error,
}

impl WriteError {
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self {
            path: path.to_owned(),
            source,
        }
    }
}

/// Called before each step of writing; tests stop there.
type Hook = Arc<dyn Fn(&str) -> io::Result<()> + Send + Sync>;

#[derive(Clone, Default)]
pub(crate) struct Steps(pub(crate) Option<Hook>);

impl std::fmt::Debug for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Steps")
    }
}

impl Steps {
    pub(crate) fn reach(&self, step: &str, path: &Path) -> Result<(), WriteError> {
        match &self.0 {
            Some(hook) => hook(step).map_err(WriteError::at(path)),
            None => Ok(()),
        }
    }

    /// Whether what was begun is removed after an error; a killed process would leave it.
    pub(crate) fn cleans_up(&self) -> bool {
        self.0.is_none()
    }
}

pub(crate) fn generation_folder(root: &Path, generation: u64) -> PathBuf {
    root.join(format!("gen-{generation:06}"))
}

pub(crate) fn log_path(root: &Path, generation: u64) -> PathBuf {
    root.join("tail").join(format!("wal-{generation:06}.log"))
}

pub(crate) fn current_path(root: &Path) -> PathBuf {
    root.join(CURRENT)
}

/// The generation that is current; `None` if the line is missing or makes no sense.
pub(crate) fn current(root: &Path) -> Option<u64> {
    let line = fs::read_to_string(current_path(root)).ok()?;
    let number = line.strip_prefix("gen-")?.split_once(' ')?.0.parse().ok()?;
    (line == current_line(number)).then_some(number)
}

/// With a hash: a changed digit may be the number of another generation.
fn current_line(generation: u64) -> String {
    let name = format!("gen-{generation:06}");
    format!("{name} {:016x}\n", xxh3_64(name.as_bytes()))
}

pub(crate) fn set_current(root: &Path, generation: u64, steps: &Steps) -> Result<(), WriteError> {
    let path = current_path(root);
    replace(&path, current_line(generation).as_bytes(), steps)
}

/// All generations that have a folder, complete or not, in order.
pub(crate) fn generations(root: &Path) -> Vec<u64> {
    numbered(root, "gen-", "")
}

fn logs(root: &Path) -> Vec<u64> {
    numbered(&root.join("tail"), "wal-", ".log")
}

fn numbered(folder: &Path, before: &str, after: &str) -> Vec<u64> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut numbers: Vec<u64> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let number = name.to_str()?.strip_prefix(before)?.strip_suffix(after)?;
            number.parse().ok()
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

pub(crate) fn is_complete(root: &Path, generation: u64) -> bool {
    generation_folder(root, generation).join(MANIFEST).exists()
}

/// A number that no generation and no log had.
pub(crate) fn next_generation(root: &Path) -> u64 {
    let last = generations(root).into_iter().chain(logs(root)).max();
    last.max(current(root)).unwrap_or(0) + 1
}

/// Removes what writers that died left behind.
pub(crate) fn remove_garbage(root: &Path) {
    let current = current(root);
    for generation in generations(root) {
        let was_never_current = current.is_some_and(|current| generation > current);
        if was_never_current || !is_complete(root, generation) {
            remove_generation(root, generation);
        }
    }
}

/// Keeps `current` and the one it was made from, with the logs that lead from one to the other.
pub(crate) fn remove_older(root: &Path, current: u64, previous: Option<u64>) {
    let first = previous.unwrap_or(current);
    for generation in generations(root) {
        if generation != current && Some(generation) != previous {
            remove_generation(root, generation);
        }
    }
    for log in logs(root) {
        if log < first || log > current {
            let _ = fs::remove_file(log_path(root, log));
        }
    }
}

/// The manifest goes first: what is left if this stops half-way is garbage.
pub(crate) fn remove_generation(root: &Path, generation: u64) {
    let folder = generation_folder(root, generation);
    let _ = fs::remove_file(folder.join(MANIFEST));
    if let Err(error) = fs::remove_dir_all(&folder)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, ?folder, "an old generation stays");
    }
}

/// The right to write; `None`: somebody else has it. The kernel frees it when its holder dies.
pub(crate) fn lock(root: &Path) -> Result<Option<File>, WriteError> {
    lock_named(root, "LOCK")
}

pub(crate) fn lock_named(root: &Path, name: &str) -> Result<Option<File>, WriteError> {
    let path = root.join(name);
    fs::create_dir_all(root).map_err(WriteError::at(root))?;
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    let file = options.open(&path).map_err(WriteError::at(&path))?;
    // A child that was just forked holds the files of this process for a moment.
    for _ in 0..LOCK_ATTEMPTS {
        match file.try_lock() {
            Ok(()) => {
                let _ = file.set_len(0);
                let _ = writeln!(&file, "process {}", std::process::id());
                return Ok(Some(file));
            }
            Err(fs::TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(fs::TryLockError::Error(error)) => return Err(WriteError::at(&path)(error)),
        }
    }
    Ok(None)
}

pub(crate) fn write_synced(path: &Path, bytes: &[u8], steps: &Steps) -> Result<(), WriteError> {
    steps.reach("write", path)?;
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(WriteError::at(path))
}

/// The old bytes or the new ones, whatever happens in between.
pub(crate) fn replace(path: &Path, bytes: &[u8], steps: &Steps) -> Result<(), WriteError> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    let outcome = write_synced(&fresh, bytes, steps)
        .and_then(|()| steps.reach("rename", path))
        .and_then(|()| fs::rename(&fresh, path).map_err(WriteError::at(path)));
    if outcome.is_err() && steps.cleans_up() {
        let _ = fs::remove_file(&fresh);
    }
    outcome?;
    sync_folder(path.parent().unwrap_or(path));
    steps.reach("after rename", path)
}

/// Some network file systems refuse to sync a folder; its entries are there all the same.
pub(crate) fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_named_plainly() {
        assert!(check_pool("case").is_ok());
        for bad in ["", "Case", "../case", "a/b", "a b", &"x".repeat(41)] {
            assert!(check_pool(bad).is_err(), "{bad}");
        }
    }
}
