//! The end of a log of any size, read from its end.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use semihv_domain::{LineCount, UnixSeconds};

use crate::plain_line::plain_line;

/// Files below this are counted exactly: reading them takes a few milliseconds.
const COUNTED_BELOW: u64 = 64 << 20;
/// The most that is read from the end to find the lines asked for.
const WINDOW: usize = 8 << 20;
const BLOCK: usize = 256 << 10;

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

/// The last lines of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// Oldest first, printable; a last line without its line end is among them.
    pub lines: Vec<String>,
    /// Number (from 0) of the first of `lines`; as exact as `total_lines`.
    pub first_line: u64,
    pub total_lines: LineCount,
    pub modified: Option<UnixSeconds>,
}

/// Reads at most `lines` lines from the end of a log.
pub fn tail(path: &Path, lines: usize) -> Result<Tail, ReadLogError> {
    let (file, size) = open(path)?;
    let end = read_end(&file, size, lines).map_err(|source| ReadLogError::of(path, source))?;
    let total = if size < COUNTED_BELOW {
        LineCount::Exact(count_lines(&file, size).map_err(|source| ReadLogError::of(path, source))?)
    } else {
        LineCount::Estimated(estimate(&end, size))
    };
    Ok(end.numbered(total, modified(&file)))
}

/// The same when somebody has counted the complete lines already.
pub(crate) fn tail_of_counted(
    path: &Path,
    lines: usize,
    complete: LineCount,
) -> Result<Tail, ReadLogError> {
    let (file, size) = open(path)?;
    let end = read_end(&file, size, lines).map_err(|source| ReadLogError::of(path, source))?;
    let total = match complete {
        LineCount::Exact(count) => LineCount::Exact(count + u64::from(end.is_torn)),
        LineCount::Estimated(count) => LineCount::Estimated(count + u64::from(end.is_torn)),
    };
    Ok(end.numbered(total, modified(&file)))
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

/// The guess at how many lines stand before `offset`, from the lines at the end.
pub(crate) fn estimate_lines_before(path: &Path, offset: u64) -> Result<u64, ReadLogError> {
    let (file, size) = open(path)?;
    let end = read_end(&file, size, 10_000).map_err(|source| ReadLogError::of(path, source))?;
    Ok(estimate(&end, offset))
}

/// Raw lines from the end of a file.
struct End {
    lines: Vec<Vec<u8>>,
    bytes: u64,
    /// The last line has no line end yet.
    is_torn: bool,
}

impl End {
    fn numbered(self, total_lines: LineCount, modified: Option<UnixSeconds>) -> Tail {
        let lines: Vec<String> = self.lines.iter().map(|line| plain_line(line)).collect();
        Tail {
            first_line: total_lines.value().saturating_sub(lines.len() as u64),
            lines,
            total_lines,
            modified,
        }
    }
}

fn read_end(file: &File, size: u64, lines: usize) -> io::Result<End> {
    let mut window: Vec<u8> = Vec::new();
    let mut start = size;
    let mut ends = 0;
    // One more than asked for: the last line's own end, and the one before the first line.
    while start > 0 && ends <= lines && window.len() < WINDOW {
        let length = BLOCK.min(usize::try_from(start).unwrap_or(BLOCK));
        start -= length as u64;
        let mut block = vec![0; length];
        let read = read_fully(file, &mut block, start)?;
        block.truncate(read);
        ends += line_ends(&block);
        block.append(&mut window);
        window = block;
    }
    let is_torn = window.last().is_some_and(|last| *last != b'\n');
    let bytes = window.len() as u64;
    let text = window.strip_suffix(b"\n").unwrap_or(&window);
    let mut found: Vec<Vec<u8>> = if text.is_empty() && !is_torn && ends == 0 {
        Vec::new()
    } else {
        text.split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect()
    };
    // The window may begin inside a line.
    if start > 0 && found.len() > 1 {
        found.remove(0);
    }
    let surplus = found.len().saturating_sub(lines);
    found.drain(..surplus);
    Ok(End {
        lines: found,
        bytes,
        is_torn,
    })
}

fn estimate(end: &End, size: u64) -> u64 {
    let shown: u64 = end.lines.iter().map(|line| line.len() as u64 + 1).sum();
    let mean = if end.lines.is_empty() {
        end.bytes.max(1)
    } else {
        (shown / end.lines.len() as u64).max(1)
    };
    (size / mean).max(end.lines.len() as u64)
}

fn count_lines(file: &File, size: u64) -> io::Result<u64> {
    let mut block = vec![0; BLOCK];
    let mut offset = 0;
    let mut ends = 0_u64;
    let mut last = b'\n';
    while offset < size {
        let read = read_fully(file, &mut block, offset)?;
        let Some(bytes) = block.get(..read).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        ends += line_ends(bytes) as u64;
        last = *bytes.last().unwrap_or(&b'\n');
        offset += read as u64;
    }
    Ok(ends + u64::from(last != b'\n'))
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().map(|byte| usize::from(*byte == b'\n')).sum()
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
    fn check(text: &str, lines: usize, expected: &[&str], first_line: u64, total: u64) {
        let file = log(text.as_bytes());
        let tail = tail(file.path(), lines).unwrap();
        assert_eq!(tail.lines, expected);
        assert_eq!(
            (tail.first_line, tail.total_lines),
            (first_line, LineCount::Exact(total))
        );
    }

    #[rustfmt::skip]
    mod small {
        use super::*;

        #[test] fn the_last_two_lines()           { check("a\nb\nc\n", 2, &["b", "c"], 1, 3); }
        #[test] fn a_torn_line_is_shown()         { check("a\nb\nc", 2, &["b", "c"], 1, 3); }
        #[test] fn more_lines_than_there_are()    { check("a\nb\n", 9, &["a", "b"], 0, 2); }
        #[test] fn an_empty_log()                 { check("", 9, &[], 0, 0); }
        #[test] fn empty_lines_count()            { check("\n\n", 9, &["", ""], 0, 2); }
        #[test] fn one_line_end()                 { check("\n", 9, &[""], 0, 1); }
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
        let tail = tail(file.path(), 1000).unwrap();
        assert_eq!(tail.lines.len(), 1000);
        assert_eq!(
            tail.lines.last().unwrap(),
            "{\"step\": 4999, \"loss\": 1.5}"
        );
        assert!(matches!(tail.total_lines, LineCount::Estimated(lines) if lines > 1_000_000));
    }

    #[test]
    fn a_line_of_fifty_megabytes_is_cut() {
        let file = log(&vec![b'x'; 50 << 20]);
        let tail = tail(file.path(), 10).unwrap();
        assert_eq!(
            (tail.lines.len(), tail.total_lines),
            (1, LineCount::Exact(1))
        );
        assert!(tail.lines[0].len() < 20_000);
    }

    #[test]
    fn a_missing_log_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = tail(&folder.path().join("no.log"), 1).unwrap_err();
        assert!(matches!(error, ReadLogError::Missing { .. }), "{error}");
    }

    #[test]
    fn a_folder_is_no_log() {
        let folder = tempfile::tempdir().unwrap();
        let error = tail(folder.path(), 1).unwrap_err();
        assert!(matches!(error, ReadLogError::NotAFile { .. }), "{error}");
    }

    proptest! {
        #[test]
        fn the_tail_is_the_end_of_all_lines(lines in proptest::collection::vec("[a-z]{0,12}", 0..40), wanted in 1_usize..50) {
            let text = if lines.is_empty() { String::new() } else { lines.join("\n") + "\n" };
            let tail = tail(log(text.as_bytes()).path(), wanted).unwrap();
            let from = lines.len().saturating_sub(wanted);
            prop_assert_eq!(&tail.lines, &lines[from..]);
            prop_assert_eq!(tail.first_line, from as u64);
        }
    }
}
