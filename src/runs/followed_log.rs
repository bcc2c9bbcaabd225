//! One log that is looked at again and again: its end, and the figures of all of it.

use std::path::{Path, PathBuf};

use semihv_domain::{LineCount, Metric};

use crate::follower::{Follower, Growth, Segment};
use crate::metrics::MetricReader;
use crate::tail::{ReadLogError, Tail, estimate_lines_before, open, tail_of_counted};

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
    follower: Option<Follower>,
    reader: MetricReader,
    is_counted: bool,
}

impl FollowedLog {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            follower: None,
            reader: MetricReader::default(),
            is_counted: true,
        }
    }

    /// Reads what was appended since the last call and the last `lines` lines.
    pub fn refresh(&mut self, lines: usize) -> Result<LogSnapshot, ReadLogError> {
        let follower = match &mut self.follower {
            Some(follower) => follower,
            vacant @ None => {
                let (_, size) = open(&self.path)?;
                self.is_counted = size <= READ_AT_MOST;
                vacant.insert(if self.is_counted {
                    Follower::new(&self.path)
                } else {
                    let offset = size - READ_AT_MOST;
                    let line = estimate_lines_before(&self.path, offset)?;
                    Follower::from_offset(&self.path, offset, line)
                })
            }
        };
        let reader = &mut self.reader;
        let growth = follower.poll(&mut |segment| match segment {
            Segment::StartsOver => *reader = MetricReader::default(),
            Segment::Text { line, bytes } => reader.read(line, &String::from_utf8_lossy(bytes)),
        })?;
        if growth == Growth::StartedOver {
            self.is_counted = true;
        }
        let complete = if self.is_counted {
            LineCount::Exact(follower.lines())
        } else {
            LineCount::Estimated(follower.lines())
        };
        Ok(LogSnapshot {
            tail: tail_of_counted(&self.path, lines, complete)?,
            metrics: self.reader.metrics().to_vec(),
        })
    }
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
