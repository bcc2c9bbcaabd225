//! Where runs lie: a folder each, and in it one for every attempt.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::attempt::StartRecord;

#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// Whoever made the name started it already: asking twice starts nothing twice.
    #[error("the run {run} was begun already")]
    Begun { run: String },
    #[error("cannot write to {path}")]
    Io { path: PathBuf, source: io::Error },
}

/// Makes the folder of an attempt and writes down what is to be started there. Making the folder is
/// what happens at most once.
pub fn begin(runs: &Path, record: &StartRecord) -> Result<PathBuf, BeginError> {
    let run = runs.join(&record.run);
    let attempt = attempt_folder(runs, &record.run, record.attempt);
    let io = |source| BeginError::Io {
        path: attempt.clone(),
        source,
    };
    fs::create_dir_all(&run).map_err(io)?;
    if let Err(error) = fs::create_dir(&attempt) {
        return Err(match error.kind() {
            io::ErrorKind::AlreadyExists => BeginError::Begun {
                run: record.run.clone(),
            },
            _ => io(error),
        });
    }
    if let Err(error) = record.write(&attempt) {
        // Nothing was started: nothing may look as if it had been.
        let _ = fs::remove_dir_all(&attempt);
        let _ = fs::remove_dir(&run);
        return Err(io(error));
    }
    fs::File::open(&run)
        .and_then(|it| it.sync_all())
        .map_err(io)?;
    Ok(attempt)
}

/// Where an attempt lies.
pub fn attempt_folder(runs: &Path, run: &str, attempt: u32) -> PathBuf {
    runs.join(run).join(format!("{ATTEMPT}{attempt}"))
}

const ATTEMPT: &str = "attempt-";

/// Names of all runs, oldest first, as names begin with the time.
pub fn runs(runs: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(runs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_string();
        // Folders of other programs may lie beside them.
        if let Ok(name) = name
            && !attempts(&entry.path())?.is_empty()
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Folders of the attempts of a run, oldest first.
pub fn attempts(run: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    if !run.is_dir() {
        return Ok(Vec::new());
    }
    let mut attempts = Vec::new();
    for entry in fs::read_dir(run)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(ATTEMPT));
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            attempts.push((number, entry.path()));
        }
    }
    attempts.sort_unstable();
    Ok(attempts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::test_record;

    #[test]
    fn an_attempt_begins_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("runs");
        assert_eq!(runs(&root).unwrap(), Vec::<String>::new());
        let mut record = test_record(folder.path(), &["true"]);
        let attempt = begin(&root, &record).unwrap();
        assert_eq!(StartRecord::read(&attempt).unwrap(), record);
        let again = begin(&root, &record).unwrap_err();
        assert!(matches!(again, BeginError::Begun { .. }));
        record.attempt = 12;
        begin(&root, &record).unwrap();
        record.attempt = 2;
        begin(&root, &record).unwrap();
        fs::create_dir_all(root.join("another-program/x")).unwrap();
        assert_eq!(runs(&root).unwrap(), ["r"]);
        let numbers: Vec<u32> = attempts(&root.join("r"))
            .unwrap()
            .iter()
            .map(|it| it.0)
            .collect();
        assert_eq!(numbers, [1, 2, 12]);
    }
}
