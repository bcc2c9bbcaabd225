//! One log that is looked at again and again: its lines, and the figures of all of it.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use semihv_domain::{LineCount, UnixSeconds};
use serde::{Deserialize, Serialize};

use crate::follower::{Follower, Growth, Segment};
use crate::line_index::{LineIndex, place_of, start_of_line};
use crate::log_file::{ReadLogError, modified, open, read_fully};
use crate::metrics::{FigureRules, MetricReader, Place as ReaderPlace, RECORD_START, RecordFile};
use crate::record_log::RecordLog;
use crate::series::{Series, SeriesView};
use crate::state_file::{self, START, StateFile};
use crate::window::{Place, PlacedLine, estimate_lines, window};

/// So much is read between two checkpoints of the figures.
const CHECKPOINT: u64 = 8 << 20;
/// A log is known by so much of its beginning and of what stands before the place reached.
const KNOWN_BY: usize = 4096;
/// Of a log that is not read but for its end.
const LAST: u64 = 64 << 10;

/// How far a log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// Bytes, of the slower of lines and figures.
    pub done: u64,
    pub total: u64,
    /// There are others than before.
    pub is_news: bool,
}

/// Nobody has looked at it.
const UNREAD: Reading = Reading {
    done: 0,
    total: 1,
    is_news: false,
};

impl Reading {
    pub fn is_behind(self) -> bool {
        self.done < self.total
    }
}

/// A part of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogWindow {
    pub lines: Vec<PlacedLine>,
    /// Number of the first line, from 0; a guess where its line is not counted yet.
    pub first_line: LineCount,
    pub total_lines: LineCount,
    /// Bytes of the log.
    pub size: u64,
    pub modified: Option<UnixSeconds>,
}

/// Keeps the place in the log and the figures read so far.
#[derive(Debug)]
pub struct FollowedLog {
    path: PathBuf,
    /// Where figures stay between two processes.
    cache: Option<PathBuf>,
    source: Option<Source>,
    reader: MetricReader,
    index: LineIndex,
    /// Bytes read at the last checkpoint.
    kept_at: u64,
    reading: Reading,
    /// Why it could not be read on.
    trouble: Option<String>,
}

/// What kind of file it is, by its first bytes.
#[derive(Debug)]
enum Source {
    Lines(Follower),
    /// Files of records say a few lines of themselves.
    Records(RecordLog, Said),
    State(StateFile, Said),
}

/// The same, of a file that nobody has read.
#[derive(Debug)]
enum Kind {
    Lines,
    Records(RecordFile),
    State,
}

/// What stands where a log has its lines.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) lines: Vec<String>,
    pub(crate) modified: Option<UnixSeconds>,
}

/// What is said at a checkpoint: the log, and how far it was read.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    log: Identity,
    offset: u64,
    lines: u64,
    reader: ReaderPlace,
    index: LineIndex,
    /// By which rules figures were found.
    rules: Vec<String>,
}

/// Tells a log from another one that has its name, or its number after it was deleted.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Identity {
    device: u64,
    inode: u64,
    first: u32,
    before: u32,
}

impl Identity {
    fn of(file: &File, offset: u64) -> Option<Self> {
        let metadata = file.metadata().ok()?;
        let crc = |start: u64, end: u64| {
            let mut bytes = vec![0; (end - start) as usize];
            let read = read_fully(file, &mut bytes, start).ok()?;
            (read == bytes.len()).then(|| crc32fast::hash(&bytes))
        };
        let known = KNOWN_BY as u64;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            first: crc(0, offset.min(known))?,
            before: crc(offset.saturating_sub(known), offset)?,
        })
    }
}

impl FollowedLog {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            cache: None,
            source: None,
            reader: MetricReader::default(),
            index: LineIndex::default(),
            kept_at: 0,
            reading: UNREAD,
            trouble: None,
        }
    }

    /// The same, with a file where figures stay until the log is looked at again.
    pub fn with_cache(path: &Path, cache: PathBuf) -> Self {
        let mut log = Self::new(path);
        log.cache = Some(cache);
        log
    }

    /// Finds these figures beside those that are known by their form.
    pub fn with_rules(mut self, rules: FigureRules) -> Self {
        self.reader = MetricReader::default().with_rules(rules);
        self
    }

    /// Reads on, about `most` bytes of each of lines and figures. Lines are counted first: they
    /// are quick, and places in the log are told by them.
    pub fn advance(&mut self, most: u64) -> Result<Reading, ReadLogError> {
        let read = self.read_on(most);
        // What cannot be read is not on its way.
        self.reading = read.as_ref().copied().unwrap_or_default();
        self.trouble = read.as_ref().err().map(ToString::to_string);
        read
    }

    fn read_on(&mut self, most: u64) -> Result<Reading, ReadLogError> {
        if self.source.is_none() {
            self.source = Some(self.opened()?);
        }
        match &mut self.source {
            None => Ok(Reading::default()),
            Some(Source::Lines(_)) => self.read_lines(most),
            Some(Source::Records(log, said)) => log.poll(&mut self.reader, said, most),
            Some(Source::State(state, said)) => state.poll(&mut self.reader, said),
        }
    }

    /// Why the last [`advance`](Self::advance) failed.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Reads to the end. `go_on` hears how far it is.
    pub fn read_all(&mut self, go_on: &mut dyn FnMut(Reading) -> bool) -> Result<(), ReadLogError> {
        loop {
            let reading = self.advance(CHECKPOINT)?;
            if !reading.is_behind() || !go_on(reading) {
                self.keep();
                return Ok(());
            }
        }
    }

    /// How far it was read at the last [`advance`](Self::advance): behind, before there was one.
    pub fn reading(&self) -> Reading {
        self.reading
    }

    /// All figures so far.
    pub fn series(&self) -> &Series {
        self.reader.series()
    }

    /// Lines around a place, as far as they are there now: nothing else is read for them.
    pub fn window(&self, place: Place, around: (usize, usize)) -> Result<LogWindow, ReadLogError> {
        if let Some(Source::Records(_, said) | Source::State(_, said)) = &self.source {
            return Ok(window_of(said));
        }
        let (file, size) = open(&self.path)?;
        if self.source.is_none() && !matches!(self.kind(&file)?, Kind::Lines) {
            // What it says is known once it is read.
            return Ok(window_of(&Said::default()));
        }
        self.window_of(&file, (size, place), around)
            .map_err(|source| ReadLogError::of(&self.path, source))
    }

    fn window_of(
        &self,
        file: &File,
        (size, place): (u64, Place),
        (before, after): (usize, usize),
    ) -> std::io::Result<LogWindow> {
        let series = self.reader.series();
        let at = match place {
            Place::End => size,
            Place::Byte(byte) => start_of_line(file, byte.min(size))?,
            Place::Line(line) => place_of(file, line, series)?,
        };
        let lines = window(file, at, (before, after))?;
        let first = lines.first().map_or(at, |line| line.at);
        let guess = |offset: u64| {
            let rest = offset.saturating_sub(self.index.offset);
            let estimated = estimate_lines(file, size, rest)?;
            Ok::<u64, std::io::Error>(self.index.lines + estimated)
        };
        let first_line = match self.index.line_at(file, first, series)? {
            Some(line) => LineCount::Exact(line),
            None => LineCount::Estimated(guess(first)?),
        };
        let total_lines = match self.index.line_at(file, size, series)? {
            Some(ends) => {
                let has_torn = start_of_line(file, size)? < size;
                LineCount::Exact(ends + u64::from(has_torn))
            }
            None => LineCount::Estimated(guess(size)?),
        };
        Ok(LogWindow {
            lines,
            first_line,
            total_lines,
            size,
            modified: modified(file),
        })
    }

    fn read_lines(&mut self, most: u64) -> Result<Reading, ReadLogError> {
        let Some(Source::Lines(follower)) = &mut self.source else {
            return Ok(Reading::default());
        };
        let (reader, index) = (&mut self.reader, &mut self.index);
        let mut has_started_over = false;
        let mut on_segment = |segment: Segment<'_>| match segment {
            Segment::StartsOver => {
                reader.start_over();
                has_started_over = true;
            }
            Segment::Text { line, bytes } => reader.read(line, bytes),
        };
        // Figures wait until all lines are counted.
        let known = follower.file().map_or(0, |(_, size)| size);
        let read = if index.offset < known { 0 } else { most };
        let growth = follower.poll((index.offset, read), &mut on_segment)?;
        if has_started_over {
            *index = LineIndex::default();
            self.kept_at = 0;
        }
        let before = index.offset;
        let mut size = 0;
        if let Some((file, now)) = follower.file() {
            size = now;
            let due = most.min(size.saturating_sub(index.offset));
            index
                .advance(file, due, reader.parts().0)
                .map_err(|source| ReadLogError::of(&self.path, source))?;
        }
        let done = follower.offset().min(index.offset);
        let is_news = growth != Growth::Nothing || index.offset != before;
        if done >= self.kept_at + CHECKPOINT {
            self.keep();
        }
        Ok(Reading {
            done,
            total: size,
            is_news,
        })
    }

    /// What was read stays for the next process.
    pub fn keep(&mut self) {
        let Some(Source::Lines(follower)) = &self.source else {
            return;
        };
        let (offset, lines) = follower.place();
        if self.cache.is_none() || offset == self.kept_at {
            return;
        }
        self.kept_at = offset;
        let log = follower
            .file()
            .and_then(|(file, _)| Identity::of(file, offset));
        let rules = self.reader.rules().words();
        let (series, place) = self.reader.parts();
        if let Some(log) = log {
            let reader = place.clone();
            let index = self.index;
            series.checkpoint(&Kept {
                log,
                offset,
                lines,
                reader,
                index,
                rules,
            });
        }
    }

    fn opened(&mut self) -> Result<Source, ReadLogError> {
        let (file, _) = open(&self.path)?;
        Ok(match self.kind(&file)? {
            Kind::Records(records) => {
                Source::Records(RecordLog::new(&self.path, records), Said::default())
            }
            Kind::State => Source::State(StateFile::new(&self.path), Said::default()),
            Kind::Lines => Source::Lines(self.resumed(&file)),
        })
    }

    fn kind(&self, file: &File) -> Result<Kind, ReadLogError> {
        let mut start = vec![0; START];
        let read = read_fully(file, &mut start, 0)
            .map_err(|source| ReadLogError::of(&self.path, source))?;
        start.truncate(read);
        let records = start.get(..RECORD_START).and_then(RecordFile::of);
        Ok(match records {
            Some(records) => Kind::Records(records),
            None if state_file::is_it(&start) => Kind::State,
            None => Kind::Lines,
        })
    }

    /// Goes on where another process ended, if it is the same log.
    fn resumed(&mut self, file: &File) -> Follower {
        let Some(cache) = &self.cache else {
            return Follower::new(&self.path);
        };
        let (mut series, kept) = Series::at::<Kept>(cache);
        let rules = self.reader.rules().clone();
        let kept = kept.filter(|it| it.rules == rules.words());
        let kept = kept.filter(|it| Identity::of(file, it.offset).as_ref() == Some(&it.log));
        let Some(kept) = kept else {
            series.clear();
            self.reader = MetricReader::resumed(series, ReaderPlace::default()).with_rules(rules);
            return Follower::new(&self.path);
        };
        self.reader = MetricReader::resumed(series, kept.reader).with_rules(rules);
        self.index = kept.index;
        self.kept_at = kept.offset;
        Follower::resumed(&self.path, kept.offset, kept.lines)
    }
}

impl Drop for FollowedLog {
    fn drop(&mut self) {
        self.keep();
    }
}

/// The figures that the last lines of a log of any size say. A line without a step counts from
/// there. A file of records says none here.
pub fn last_figures(path: &Path) -> Result<Vec<SeriesView>, ReadLogError> {
    let (file, size) = open(path)?;
    let failed = |source| ReadLogError::of(path, source);
    let mut bytes = vec![0; LAST.min(size) as usize];
    let start = size - bytes.len() as u64;
    let read = read_fully(&file, &mut bytes, start).map_err(failed)?;
    bytes.truncate(read);
    let mut reader = MetricReader::default();
    let mut first = vec![0; RECORD_START];
    let length = read_fully(&file, &mut first, 0).map_err(failed)?;
    let is_records = first.get(..length).and_then(RecordFile::of).is_some();
    if !is_records {
        let whole = usize::from(start > 0);
        let lines = bytes.split(|byte| *byte == b'\n').skip(whole);
        // Not line 0, which may be the head of a table.
        (1..)
            .zip(lines)
            .for_each(|(line, text)| reader.read(line, text));
    }
    Ok(reader.series().views())
}

fn window_of(said: &Said) -> LogWindow {
    let lines = (0..).zip(&said.lines);
    let lines = lines.map(|(at, text)| PlacedLine {
        at,
        text: text.clone(),
    });
    LogWindow {
        lines: lines.collect(),
        first_line: LineCount::Exact(0),
        total_lines: LineCount::Exact(said.lines.len() as u64),
        size: said.lines.len() as u64,
        modified: said.modified,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    fn all(log: &mut FollowedLog) -> Vec<(u64, f64)> {
        log.read_all(&mut |_| true).unwrap();
        let mut points = Vec::new();
        let take = &mut |point: &semihv_domain::MetricPoint| {
            points.push((point.step, point.value));
            true
        };
        log.series().points("loss", take).unwrap();
        points
    }

    fn append(path: &Path, text: &str) {
        let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn figures_and_lines_grow_with_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        fs::write(&path, "{\"step\": 1, \"loss\": 2.5}\n{\"step\": 2, \"lo").unwrap();
        let mut log = FollowedLog::new(&path);
        assert_eq!(all(&mut log), [(1, 2.5)]);
        let first = log.window(Place::End, (10, 0)).unwrap();
        assert_eq!(
            (first.lines.len(), first.total_lines),
            (2, LineCount::Exact(2))
        );
        append(&path, "ss\": NaN}\n");
        let points = all(&mut log);
        assert!(points[1].1.is_nan());
        let second = log.window(Place::End, (1, 0)).unwrap();
        assert_eq!(
            (second.lines.len(), second.first_line),
            (1, LineCount::Exact(1))
        );
        assert_eq!(second.lines[0].at, 25);
    }

    #[test]
    fn a_replaced_log_forgets_the_old_figures() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.log");
        fs::write(&path, "step=1 loss=2\nstep=2 loss=1\n").unwrap();
        let mut log = FollowedLog::new(&path);
        assert_eq!(all(&mut log).len(), 2);
        fs::write(&path, "step=7 loss=9\n").unwrap();
        assert_eq!(all(&mut log), [(7, 9.0)]);
        let window = log.window(Place::End, (9, 0)).unwrap();
        assert_eq!(window.total_lines, LineCount::Exact(1));
    }

    #[test]
    fn the_end_of_a_huge_log_is_there_before_anything_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.log");
        fs::File::create(&path).unwrap().set_len(10 << 30).unwrap();
        append(&path, "\nstep=8 loss=0.5\n");
        let log = FollowedLog::new(&path);
        let window = log.window(Place::End, (1, 0)).unwrap();
        assert_eq!(window.lines[0].text, "step=8 loss=0.5");
        assert!(matches!(window.total_lines, LineCount::Estimated(_)));
    }

    #[test]
    fn an_event_file_is_never_shown_as_lines() {
        let Some(data) = semihv_testkit::real_data() else {
            return;
        };
        let path = data.join("training_logs/26_wandb_offline_with_history.wandb");
        let mut log = FollowedLog::new(&path);
        assert_eq!(log.window(Place::End, (9, 0)).unwrap().lines, []);
        log.read_all(&mut |_| true).unwrap();
        let window = log.window(Place::End, (9, 0)).unwrap();
        assert!(window.lines[0].text.starts_with("a W&B run"));
    }

    #[test]
    fn the_next_process_goes_on_where_this_one_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.log");
        let cache = folder.path().join("figures");
        let line = |step: u64| format!("{{'loss': {step}.5}}\n");
        fs::write(&path, (1..=3000).map(line).collect::<String>()).unwrap();
        let mut log = FollowedLog::with_cache(&path, cache.clone());
        assert_eq!(all(&mut log).len(), 3000);
        drop(log);
        append(&path, &line(3001));
        let mut log = FollowedLog::with_cache(&path, cache.clone());
        let reading = log.advance(1 << 30).unwrap();
        assert!(reading.is_news);
        assert_eq!(all(&mut log).len(), 3001);
        // A line without a step is counted on.
        assert_eq!(all(&mut log)[3000], (3001, 3001.5));
        let window = log.window(Place::Line(2999), (0, 1)).unwrap();
        assert_eq!(window.lines[0].text, "{'loss': 3000.5}");
        drop(log);
        // Another log of the same name.
        fs::write(&path, line(7)).unwrap();
        assert_eq!(all(&mut FollowedLog::with_cache(&path, cache)).len(), 1);
    }

    #[test]
    fn a_log_read_in_small_parts_says_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.log");
        let mut text = String::new();
        for step in 0..400 {
            let loss = step * 2;
            text += &format!("{{\"step\": {step}, \"loss\": {loss}}}\r\nnote {step}\n");
        }
        fs::write(&path, text).unwrap();
        let whole = all(&mut FollowedLog::new(&path));
        assert_eq!(whole.len(), 400);
        let mut log = FollowedLog::new(&path);
        while log.advance(97).unwrap().is_behind() {}
        assert_eq!(all(&mut log), whole);
    }
}
