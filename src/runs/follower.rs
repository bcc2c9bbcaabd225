//! Reads a growing log from where it stopped, across truncation and rotation.
//!
//! An event of the file system only wakes the reader; the truth is the file's identity and size.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::tail::{ReadLogError, open, read_fully};

const BLOCK: usize = 256 << 10;
/// A segment is kept up to this length; a longer one loses its rest.
const LONGEST_SEGMENT: usize = 64 << 10;

/// What a call of [`Follower::poll`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    Nothing,
    Grew,
    /// The file was cut or replaced: numbers start over, and what was read before is another file's.
    StartedOver,
}

/// Where the reading stands.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    file: Option<File>,
    offset: u64,
    /// Complete lines before `offset`.
    lines: u64,
    /// Read, but not yet ended.
    torn: Vec<u8>,
    /// Begun inside a line whose start was not read: it is dropped up to its end.
    skips_first: bool,
}

impl Follower {
    /// Follows from the beginning.
    pub fn new(path: &Path) -> Self {
        Self::from_offset(path, 0, 0)
    }

    /// Follows from the first line that begins behind `offset`, which is line `line` or near it.
    pub fn from_offset(path: &Path, offset: u64, line: u64) -> Self {
        Self {
            path: path.to_path_buf(),
            file: None,
            offset,
            lines: line,
            torn: Vec::new(),
            skips_first: offset > 0,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Complete lines so far.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Reads what was appended. `on_segment` gets every piece ended by `\n` or `\r` with the
    /// number of its line; a torn end waits for the rest.
    pub fn poll(
        &mut self,
        on_segment: &mut dyn FnMut(Segment<'_>),
    ) -> Result<Growth, ReadLogError> {
        let is_known = self.file.is_some();
        let size = match &self.file {
            None => self.reopen()?,
            Some(file) => size_of(file, &self.path)?,
        };
        let mut started_over = false;
        if size < self.offset {
            self.start_over(on_segment);
            started_over = true;
        }
        let mut grew = self.read_to_end(on_segment)?;
        if is_known && self.is_replaced() {
            // What the old file still got was read above; the new one begins at its first byte.
            self.start_over(on_segment);
            self.reopen()?;
            grew |= self.read_to_end(on_segment)?;
            started_over = true;
        }
        Ok(match (started_over, grew) {
            (true, _) => Growth::StartedOver,
            (false, true) => Growth::Grew,
            (false, false) => Growth::Nothing,
        })
    }

    fn reopen(&mut self) -> Result<u64, ReadLogError> {
        let (file, size) = open(&self.path)?;
        self.file = Some(file);
        Ok(size)
    }

    fn start_over(&mut self, on_segment: &mut dyn FnMut(Segment<'_>)) {
        on_segment(Segment::StartsOver);
        self.offset = 0;
        self.lines = 0;
        self.torn.clear();
        self.skips_first = false;
    }

    /// The path names another file than the one that is open. A path that names nothing for a
    /// moment (between rename and create) is not replaced yet.
    fn is_replaced(&self) -> bool {
        let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
        let open = self.file.as_ref().and_then(|file| file.metadata().ok());
        let named = self.path.metadata().ok();
        match (open, named) {
            (Some(open), Some(named)) => identity(open) != identity(named),
            _ => false,
        }
    }

    fn read_to_end(
        &mut self,
        on_segment: &mut dyn FnMut(Segment<'_>),
    ) -> Result<bool, ReadLogError> {
        let mut block = vec![0; BLOCK];
        let mut grew = false;
        loop {
            let Some(file) = &self.file else {
                return Ok(grew);
            };
            let read = read_fully(file, &mut block, self.offset)
                .map_err(|source| ReadLogError::of(&self.path, source))?;
            let Some(bytes) = block.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return Ok(grew);
            };
            self.offset += read as u64;
            grew = true;
            self.take(bytes, on_segment);
        }
    }

    fn take(&mut self, bytes: &[u8], on_segment: &mut dyn FnMut(Segment<'_>)) {
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, end) = match piece.split_last() {
                Some((end @ (b'\n' | b'\r'), text)) => (text, Some(*end)),
                _ => (piece, None),
            };
            let room = LONGEST_SEGMENT.saturating_sub(self.torn.len());
            self.torn
                .extend_from_slice(text.get(..room).unwrap_or(text));
            let Some(end) = end else { continue };
            if !self.torn.is_empty() && !self.skips_first {
                on_segment(Segment::Text {
                    line: self.lines,
                    bytes: &self.torn,
                });
            }
            self.torn.clear();
            if end == b'\n' {
                self.lines += 1;
                self.skips_first = false;
            }
        }
    }
}

/// A piece of a line as it was written, or the sign that the file begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'a> {
    Text { line: u64, bytes: &'a [u8] },
    StartsOver,
}

fn size_of(file: &File, path: &Path) -> Result<u64, ReadLogError> {
    let metadata = file
        .metadata()
        .map_err(|source| ReadLogError::of(path, source))?;
    Ok(metadata.len())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    struct Bench {
        folder: tempfile::TempDir,
        follower: Follower,
    }

    impl Bench {
        fn new(text: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("run.log");
            fs::write(&path, text).unwrap();
            Self {
                follower: Follower::new(&path),
                folder,
            }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("run.log")
        }

        fn append(&self, text: &str) {
            let mut file = fs::OpenOptions::new()
                .append(true)
                .open(self.path())
                .unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        #[track_caller]
        fn poll(&mut self, expected: Growth, segments: &str) {
            let mut seen = Vec::new();
            let growth = self
                .follower
                .poll(&mut |segment| {
                    seen.push(match segment {
                        Segment::Text { line, bytes } => {
                            format!("{line}:{}", String::from_utf8_lossy(bytes))
                        }
                        Segment::StartsOver => "over".to_owned(),
                    });
                })
                .unwrap();
            assert_eq!((growth, seen.join(" ").as_str()), (expected, segments));
        }
    }

    #[test]
    fn only_what_was_appended_is_read_again() {
        let mut bench = Bench::new("a\nb\n");
        bench.poll(Growth::Grew, "0:a 1:b");
        bench.poll(Growth::Nothing, "");
        bench.append("c\n");
        bench.poll(Growth::Grew, "2:c");
    }

    #[test]
    fn a_torn_line_waits_for_its_end() {
        let mut bench = Bench::new("loss=1.");
        bench.poll(Growth::Grew, "");
        bench.append("25\n");
        bench.poll(Growth::Grew, "0:loss=1.25");
    }

    #[test]
    fn states_of_a_progress_bar_are_of_one_line() {
        let mut bench = Bench::new("\r1%\r2%\ndone\r\n");
        bench.poll(Growth::Grew, "0:1% 0:2% 1:done");
    }

    #[test]
    fn a_truncated_log_starts_over() {
        let mut bench = Bench::new("a\nb\n");
        bench.poll(Growth::Grew, "0:a 1:b");
        fs::write(bench.path(), "c\n").unwrap();
        bench.poll(Growth::StartedOver, "over 0:c");
    }

    #[test]
    fn a_rotated_log_gives_its_last_lines_before_the_new_one() {
        let mut bench = Bench::new("a\n");
        bench.poll(Growth::Grew, "0:a");
        bench.append("b\n");
        fs::rename(bench.path(), bench.folder.path().join("run.log.1")).unwrap();
        fs::write(bench.path(), "longer than before\n").unwrap();
        bench.poll(Growth::StartedOver, "1:b over 0:longer than before");
    }

    #[test]
    fn following_from_the_middle_begins_with_a_whole_line() {
        let mut bench = Bench::new("first\nsecond\nthird\n");
        bench.follower = Follower::from_offset(&bench.path(), 3, 0);
        bench.poll(Growth::Grew, "1:second 2:third");
    }

    #[test]
    fn a_segment_without_end_stays_small() {
        let mut bench = Bench::new(&"x".repeat(1 << 20));
        bench.poll(Growth::Grew, "");
        assert!(bench.follower.torn.len() <= LONGEST_SEGMENT);
    }
}
