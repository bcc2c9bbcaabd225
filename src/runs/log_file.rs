//! A log as a file: opened with care, read at places.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use semihv_domain::UnixSeconds;

use crate::window::window;

#[derive(Debug, thiserror::Error)]
pub enum ReadLogError {
    #[error("no log at {path}; check the path in the manifest or wait until the run writes it")]
    Missing { path: PathBuf },
    #[error("{path} is not a file; name the log itself")]
    NotAFile { path: PathBuf },
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: io::Error },
}

impl ReadLogError {
    pub(crate) fn of(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            _ => Self::Read { path, source },
        }
    }
}

/// The last lines of a log of any size, oldest first, printable; a line without its end is among
/// them.
pub fn last_lines(path: &Path, count: usize) -> Result<Vec<String>, ReadLogError> {
    let (file, size) = open(path)?;
    let lines = window(&file, size, (count, 0)).map_err(|source| ReadLogError::of(path, source))?;
    Ok(lines.into_iter().map(|line| line.text).collect())
}

/// Opens a regular file: a named pipe or a device could block or never end.
pub(crate) fn open(path: &Path) -> Result<(File, u64), ReadLogError> {
    let metadata = path
        .metadata()
        .map_err(|source| ReadLogError::of(path, source))?;
    if !metadata.is_file() {
        return Err(ReadLogError::NotAFile {
            path: path.to_path_buf(),
        });
    }
    let file = File::open(path).map_err(|source| ReadLogError::of(path, source))?;
    let size = file
        .metadata()
        .map_err(|source| ReadLogError::of(path, source))?
        .len();
    Ok((file, size))
}

pub(crate) fn read_fully(file: &File, block: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

pub(crate) fn modified(file: &File) -> Option<UnixSeconds> {
    let since = file
        .metadata()
        .ok()?
        .modified()
        .ok()?
        .duration_since(UNIX_EPOCH)
        .ok()?;
    i64::try_from(since.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn log(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[track_caller]
    fn check(text: &str, count: usize, expected: &[&str]) {
        let file = log(text.as_bytes());
        assert_eq!(last_lines(file.path(), count).unwrap(), expected);
    }

    #[rustfmt::skip]
    mod small {
        use super::*;

        #[test] fn the_last_two_lines()           { check("a\nb\nc\n", 2, &["b", "c"]); }
        #[test] fn a_torn_line_is_shown()         { check("a\nb\nc", 2, &["b", "c"]); }
        #[test] fn more_lines_than_there_are()    { check("a\nb\n", 9, &["a", "b"]); }
        #[test] fn an_empty_log()                 { check("", 9, &[]); }
        #[test] fn empty_lines_count()            { check("\n\n", 9, &["", ""]); }
        #[test] fn one_line_end()                 { check("\n", 9, &[""]); }
    }

    #[test]
    fn a_log_of_ten_gigabytes_opens_at_its_end() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(10 << 30).unwrap();
        let end: Vec<String> = (0..5000)
            .map(|n| format!("{{\"step\": {n}, \"loss\": 1.5}}"))
            .collect();
        let end = format!("\n{}", end.join("\n"));
        file.as_file().write_at(end.as_bytes(), 10 << 30).unwrap();
        file.flush().unwrap();
        let lines = last_lines(file.path(), 1000).unwrap();
        assert_eq!(lines.len(), 1000);
        assert_eq!(lines.last().unwrap(), "{\"step\": 4999, \"loss\": 1.5}");
    }

    #[test]
    fn a_line_of_fifty_megabytes_is_cut() {
        let file = log(&vec![b'x'; 50 << 20]);
        let lines = last_lines(file.path(), 10).unwrap();
        assert_eq!(lines.len(), 1);
        assert!(lines[0].len() < 20_000);
    }

    #[test]
    fn a_missing_log_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = last_lines(&folder.path().join("no.log"), 1).unwrap_err();
        assert!(matches!(error, ReadLogError::Missing { .. }), "{error}");
    }

    #[test]
    fn a_folder_is_no_log() {
        let folder = tempfile::tempdir().unwrap();
        let error = last_lines(folder.path(), 1).unwrap_err();
        assert!(matches!(error, ReadLogError::NotAFile { .. }), "{error}");
    }

    proptest! {
        #[test]
        fn the_tail_is_the_end_of_all_lines(lines in proptest::collection::vec("[a-z]{0,12}", 0..40), wanted in 1_usize..50) {
            let text = if lines.is_empty() { String::new() } else { lines.join("\n") + "\n" };
            let tail = last_lines(log(text.as_bytes()).path(), wanted).unwrap();
            let from = lines.len().saturating_sub(wanted);
            prop_assert_eq!(&tail, &lines[from..]);
        }
    }
}
