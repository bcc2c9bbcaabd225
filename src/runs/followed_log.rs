//! One log that is looked at again and again: its end, and the figures of all of it.

use std::path::{Path, PathBuf};

use semihv_domain::{LineCount, Metric};

use crate::follower::{Follower, Growth, Segment};
use crate::metrics::{MetricReader, RECORD_START, RecordFile};
use crate::record_log::RecordLog;
use crate::state_file::{self, START, StateFile};
use crate::tail::{ReadLogError, Tail, estimate_lines_before, open, read_fully, tail_of_counted};

/// A log up to this size is read from its beginning, a larger one from this far before its end.
const READ_AT_MOST: u64 = 64 << 20;

/// What a log holds now.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSnapshot {
    pub tail: Tail,
    /// In the order in which they first appeared.
    pub metrics: Vec<Metric>,
}

/// Keeps the place in the log and the figures read so far.
#[derive(Debug)]
pub struct FollowedLog {
    path: PathBuf,
    source: Option<Source>,
    reader: MetricReader,
    is_counted: bool,
}

/// What kind of file it is, by its first bytes.
#[derive(Debug)]
enum Source {
    Lines(Follower),
    Records(RecordLog),
    State(StateFile),
}

impl FollowedLog {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            source: None,
            reader: MetricReader::default(),
            is_counted: true,
        }
    }

    /// Reads what was appended since the last call and the last `lines` lines.
    pub fn refresh(&mut self, lines: usize) -> Result<LogSnapshot, ReadLogError> {
        let source = match &mut self.source {
            Some(source) => source,
            vacant @ None => {
                let (source, is_counted) = opened(&self.path)?;
                self.is_counted = is_counted;
                vacant.insert(source)
            }
        };
        let reader = &mut self.reader;
        let tail = match source {
            Source::Lines(follower) => read_lines(follower, (reader, &mut self.is_counted), lines)?,
            Source::Records(log) => log.poll(reader)?,
            Source::State(state) => state.poll(reader)?,
        };
        Ok(LogSnapshot {
            tail,
            metrics: self.reader.metrics().to_vec(),
        })
    }
}

fn read_lines(
    follower: &mut Follower,
    (reader, is_counted): (&mut MetricReader, &mut bool),
    lines: usize,
) -> Result<Tail, ReadLogError> {
    let growth = follower.poll(&mut |segment| match segment {
        Segment::StartsOver => *reader = MetricReader::default(),
        Segment::Text { line, bytes } => reader.read(line, &String::from_utf8_lossy(bytes)),
    })?;
    if growth == Growth::StartedOver {
        *is_counted = true;
    }
    let complete = if *is_counted {
        LineCount::Exact(follower.lines())
    } else {
        LineCount::Estimated(follower.lines())
    };
    tail_of_counted(follower.path(), lines, complete)
}

/// By its first bytes; and whether its lines are counted from the beginning.
fn opened(path: &Path) -> Result<(Source, bool), ReadLogError> {
    let (file, size) = open(path)?;
    let mut start = vec![0; START];
    let read = read_fully(&file, &mut start, 0).map_err(|source| ReadLogError::of(path, source))?;
    start.truncate(read);
    if let Some(records) = start.get(..RECORD_START).and_then(RecordFile::of) {
        return Ok((Source::Records(RecordLog::new(path, records)), true));
    }
    if state_file::is_it(&start) {
        return Ok((Source::State(StateFile::new(path)), true));
    }
    if size <= READ_AT_MOST {
        return Ok((Source::Lines(Follower::new(path)), true));
    }
    let offset = size - READ_AT_MOST;
    let line = estimate_lines_before(path, offset)?;
    Ok((
        Source::Lines(Follower::from_offset(path, offset, line)),
        false,
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    #[test]
    fn figures_and_lines_grow_with_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        fs::write(&path, "{\"step\": 1, \"loss\": 2.5}\n{\"step\": 2, \"lo").unwrap();
        let mut log = FollowedLog::new(&path);
        let first = log.refresh(10).unwrap();
        assert_eq!(first.metrics[0].points.len(), 1);
        assert_eq!(first.tail.total_lines, LineCount::Exact(2));

        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"ss\": NaN}\n").unwrap();
        let second = log.refresh(1).unwrap();
        assert!(second.metrics[0].points[1].value.is_nan());
        assert_eq!(second.metrics[0].points[1].line, 1);
        assert_eq!((second.tail.first_line, second.tail.lines.len()), (1, 1));
    }

    #[test]
    fn a_replaced_log_forgets_the_old_figures() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.log");
        fs::write(&path, "step=1 loss=2\nstep=2 loss=1\n").unwrap();
        let mut log = FollowedLog::new(&path);
        log.refresh(10).unwrap();
        fs::write(&path, "step=7 loss=9\n").unwrap();
        let snapshot = log.refresh(10).unwrap();
        let steps: Vec<u64> = snapshot.metrics[0]
            .points
            .iter()
            .map(|point| point.step)
            .collect();
        assert_eq!(steps, [7]);
    }

    #[test]
    fn lines_of_a_huge_log_are_estimated_and_its_end_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.log");
        let file = fs::File::create(&path).unwrap();
        file.set_len(1 << 30).unwrap();
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"\nstep=8 loss=0.5\n").unwrap();
        let snapshot = FollowedLog::new(&path).refresh(1).unwrap();
        assert_eq!(snapshot.tail.lines, ["step=8 loss=0.5"]);
        assert!(matches!(snapshot.tail.total_lines, LineCount::Estimated(_)));
        assert_eq!(snapshot.metrics[0].points.len(), 1);
    }
}
