//! Reads a growing log from where it stopped, across truncation and rotation.
//!
//! An event of the file system only wakes the reader; the truth is the file's identity and size.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use memchr::memchr2_iter;

use crate::log_file::{ReadLogError, open, read_fully};

const BLOCK: usize = 256 << 10;
/// A segment is kept up to this length; a longer one loses its rest.
const LONGEST_SEGMENT: usize = 64 << 10;
/// Enough to tell one log from another.
const REMEMBERED: usize = 64;

/// What a call of [`Follower::poll`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    Nothing,
    Grew,
    /// The file was cut or replaced: numbers start over, and what was read before is another file's.
    StartedOver,
}

/// Where the reading stands.
#[derive(Debug)]
pub(crate) struct Follower {
    path: PathBuf,
    file: Option<File>,
    offset: u64,
    /// Complete lines before `offset`.
    lines: u64,
    /// Read, but not yet ended.
    torn: Vec<u8>,
    /// Where the segment begins that is not yet ended.
    torn_at: u64,
    /// The last bytes before `offset`: another file of the same name has others.
    before: Vec<u8>,
    size: u64,
}

impl Follower {
    /// Follows from the beginning.
    pub(crate) fn new(path: &Path) -> Self {
        Self::resumed(path, 0, 0)
    }

    /// Follows from a place where a segment of line `lines` begins.
    pub(crate) fn resumed(path: &Path, offset: u64, lines: u64) -> Self {
        Self {
            path: path.to_path_buf(),
            file: None,
            offset,
            lines,
            torn: Vec::new(),
            torn_at: offset,
            before: Vec::new(),
            size: 0,
        }
    }

    /// Bytes read.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Where reading can go on later, and the number of the line there.
    pub(crate) fn place(&self) -> (u64, u64) {
        (self.torn_at, self.lines)
    }

    /// The open file and its size when it was looked at last.
    pub(crate) fn file(&self) -> Option<(&File, u64)> {
        self.file.as_ref().map(|file| (file, self.size))
    }

    /// Reads of what was appended `most` bytes or a little more. `on_segment` gets every piece
    /// ended by `\n` or `\r` with the number of its line; a torn end waits for the rest. The file
    /// was known to have `known` bytes: when it has fewer, it begins again.
    pub(crate) fn poll(
        &mut self,
        (known, most): (u64, u64),
        on_segment: &mut dyn FnMut(Segment<'_>),
    ) -> Result<Growth, ReadLogError> {
        let is_known = self.file.is_some();
        self.size = match &self.file {
            None => self.reopen()?,
            Some(file) => size_of(file, &self.path)?,
        };
        let mut started_over = false;
        if self.size < self.offset.max(known) || self.is_rewritten() {
            self.start_over(on_segment);
            started_over = true;
        }
        let mut grew = self.read_on(most, on_segment)?;
        // What the old file still gets is read before the new one begins at its first byte.
        if is_known && self.offset >= self.size && self.is_replaced() {
            self.start_over(on_segment);
            self.size = self.reopen()?;
            grew |= self.read_on(most, on_segment)?;
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
        self.torn_at = 0;
        self.before.clear();
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

    /// It was cut and has grown past where we were: what stands before is not what was read.
    fn is_rewritten(&self) -> bool {
        let Some(file) = self.file.as_ref().filter(|_| self.size > self.offset) else {
            return false;
        };
        let mut now = vec![0; self.before.len()];
        let read = read_fully(file, &mut now, self.offset - self.before.len() as u64);
        read.is_ok_and(|read| read == now.len()) && now != self.before
    }

    fn read_on(
        &mut self,
        most: u64,
        on_segment: &mut dyn FnMut(Segment<'_>),
    ) -> Result<bool, ReadLogError> {
        let end = self.offset.saturating_add(most).min(self.size);
        let left = end.saturating_sub(self.offset);
        let mut block = vec![0; BLOCK.min(left as usize)];
        let start = self.offset;
        while self.offset < end {
            let Some(file) = &self.file else { break };
            let read = read_fully(file, &mut block, self.offset)
                .map_err(|source| ReadLogError::of(&self.path, source))?;
            let Some(bytes) = block.get(..read).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            self.take(bytes, on_segment);
            self.remember(bytes);
        }
        Ok(self.offset > start)
    }

    fn remember(&mut self, bytes: &[u8]) {
        self.before.extend_from_slice(
            bytes
                .get(bytes.len().saturating_sub(REMEMBERED)..)
                .unwrap_or(bytes),
        );
        let spare = self.before.len().saturating_sub(REMEMBERED);
        self.before.drain(..spare);
    }

    fn take(&mut self, bytes: &[u8], on_segment: &mut dyn FnMut(Segment<'_>)) {
        let line = |lines: u64, bytes: &[u8], on_segment: &mut dyn FnMut(Segment<'_>)| {
            let bytes = bytes.get(..LONGEST_SEGMENT).unwrap_or(bytes);
            if !bytes.is_empty() {
                on_segment(Segment::Text { line: lines, bytes });
            }
        };
        let mut start = 0;
        for end in memchr2_iter(b'\n', b'\r', bytes) {
            let text = bytes.get(start..end).unwrap_or_default();
            if self.torn.is_empty() {
                line(self.lines, text, on_segment);
            } else {
                self.tear(text);
                line(self.lines, &self.torn, on_segment);
                self.torn.clear();
            }
            self.lines += u64::from(bytes.get(end) == Some(&b'\n'));
            start = end + 1;
        }
        if start > 0 {
            self.torn_at = self.offset + start as u64;
        }
        self.tear(bytes.get(start..).unwrap_or_default());
        self.offset += bytes.len() as u64;
    }

    fn tear(&mut self, text: &[u8]) {
        let room = LONGEST_SEGMENT.saturating_sub(self.torn.len());
        self.torn
            .extend_from_slice(text.get(..room).unwrap_or(text));
    }
}

/// A piece of a line as it was written, or the sign that the file begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Segment<'a> {
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
                .poll((0, u64::MAX), &mut |segment| {
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
    fn reading_goes_on_at_its_place_in_parts() {
        let mut bench = Bench::new("first\nsecond\nthi");
        bench.poll(Growth::Grew, "0:first 1:second");
        let (offset, line) = bench.follower.place();
        bench.append("rd\n");
        bench.follower = Follower::resumed(&bench.path(), offset, line);
        bench.poll(Growth::Grew, "2:third");
    }

    #[test]
    fn a_log_that_was_cut_and_has_grown_past_its_place_starts_over() {
        let mut bench = Bench::new("old old\n");
        bench.poll(Growth::Grew, "0:old old");
        fs::write(bench.path(), "new new new\n").unwrap();
        bench.poll(Growth::StartedOver, "over 0:new new new");
    }

    #[test]
    fn a_segment_without_end_stays_small() {
        let mut bench = Bench::new(&"x".repeat(1 << 20));
        bench.poll(Growth::Grew, "");
        assert!(bench.follower.torn.len() <= LONGEST_SEGMENT);
    }
}
