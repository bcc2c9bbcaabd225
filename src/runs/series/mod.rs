//! The figures of one log, in columns.
//!
//! Points are packed by the block ([`block`]); of every block its range of steps, its least and
//! largest value and its sum stay in memory. A chart of any number of points looks at these and
//! unpacks only the blocks that lie across the border of two buckets. Blocks lie in a file beside
//! the workspace's other caches, so that the next look at the log goes on where this one ended, or
//! in memory where no file can be had.

mod block;
mod chart;
mod file;

use std::io;
use std::path::Path;

use semihv_domain::MetricPoint;
use serde::Serialize;
use serde::de::DeserializeOwned;

use block::FULL;
pub use chart::{Bucket, Span};
use file::{Kept, Loaded};

/// More names than this are not figures of a run.
const MOST_NAMES: usize = 512;

/// What is known of a block without unpacking it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Summary {
    count: u32,
    /// Values that are no numbers.
    troubles: u32,
    /// The least and the largest step.
    steps: (u64, u64),
    /// Of the finite values; the least above the largest where there are none.
    low: f64,
    high: f64,
    sum: f64,
    /// The one read last.
    last: MetricPoint,
}

impl Summary {
    fn of(points: &[MetricPoint]) -> Option<Self> {
        let (first, last) = (points.first()?, points.last()?);
        let mut summary = Self {
            count: points.len() as u32,
            last: *last,
            ..Self::of_one(*first)
        };
        (summary.sum, summary.troubles) = (0.0, 0);
        for MetricPoint { step, value, .. } in points {
            summary.steps = (summary.steps.0.min(*step), summary.steps.1.max(*step));
            if value.is_finite() {
                summary.low = summary.low.min(*value);
                summary.high = summary.high.max(*value);
                summary.sum += value;
            } else {
                summary.troubles += 1;
            }
        }
        Some(summary)
    }

    fn of_one(point: MetricPoint) -> Self {
        let is_finite = point.value.is_finite();
        Self {
            count: 1,
            troubles: u32::from(!is_finite),
            steps: (point.step, point.step),
            low: if is_finite {
                point.value
            } else {
                f64::INFINITY
            },
            high: if is_finite {
                point.value
            } else {
                f64::NEG_INFINITY
            },
            sum: if is_finite { point.value } else { 0.0 },
            last: point,
        }
    }

    fn add(&mut self, later: &Self) {
        self.count = self.count.saturating_add(later.count);
        self.troubles = self.troubles.saturating_add(later.troubles);
        self.steps = (
            self.steps.0.min(later.steps.0),
            self.steps.1.max(later.steps.1),
        );
        self.low = self.low.min(later.low);
        self.high = self.high.max(later.high);
        self.sum += later.sum;
        self.last = later.last;
    }
}

/// A packed block: where it lies, and what is known of it.
#[derive(Debug, Clone, Copy)]
struct Block {
    at: u64,
    length: u32,
    summary: Summary,
}

#[derive(Debug, Default)]
struct Column {
    name: String,
    blocks: Vec<Block>,
    /// Not packed yet.
    open: Vec<MetricPoint>,
    count: u64,
    last: Option<MetricPoint>,
}

/// One series as a list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesView {
    pub name: String,
    pub count: u64,
    /// The least and the largest step.
    pub steps: (u64, u64),
    pub last: MetricPoint,
    /// Values that are no numbers.
    pub troubles: u64,
}

/// All series of a log, in the order in which they first appeared.
#[derive(Debug, Default)]
pub struct Series {
    columns: Vec<Column>,
    kept: Kept,
}

impl Series {
    /// Blocks in `path`, which is made where it is not there, and what was said at the last
    /// [`checkpoint`](Self::checkpoint). A file that cannot be used, because another process has
    /// it or the disk is full, leaves the blocks in memory.
    pub fn at<State: DeserializeOwned>(path: &Path) -> (Self, Option<State>) {
        match Loaded::of(path) {
            Ok(Loaded {
                kept,
                columns,
                state,
            }) => {
                let state = state.and_then(|it| serde_json::from_slice(&it).ok());
                (Self { columns, kept }, state)
            }
            Err(error) => {
                tracing::info!(path = %path.display(), %error, "figures stay in memory");
                (Self::default(), None)
            }
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.columns.clear();
        self.kept.clear();
    }

    /// The number of a series; `None` where there are too many.
    pub fn column(&mut self, name: &str) -> Option<usize> {
        if let Some(at) = self.columns.iter().position(|it| it.name == name) {
            return Some(at);
        }
        if self.columns.len() >= MOST_NAMES {
            return None;
        }
        self.kept.write_name(name);
        self.columns.push(Column {
            name: name.to_owned(),
            ..Column::default()
        });
        Some(self.columns.len() - 1)
    }

    /// Points of the series of this number.
    pub(crate) fn count(&self, column: usize) -> u64 {
        self.columns.get(column).map_or(0, |column| column.count)
    }

    /// Adds a point to the series of this number. A progress bar says the same many times: what
    /// was said of the same step in the same line is replaced.
    pub fn push(&mut self, column: usize, point: MetricPoint) {
        let Some(column_of) = self.columns.get_mut(column) else {
            return;
        };
        let is_same = |last: &MetricPoint| (last.step, last.line) == (point.step, point.line);
        if column_of.open.last().is_some_and(is_same) {
            column_of.open.pop();
            column_of.count -= 1;
        } else if column_of.open.len() >= FULL {
            self.kept.pack(column, column_of);
        }
        column_of.open.push(point);
        column_of.count += 1;
        column_of.last = Some(point);
    }

    /// Everything so far is in the file, and `state` beside it.
    pub fn checkpoint(&mut self, state: &impl Serialize) {
        for (number, column) in self.columns.iter_mut().enumerate() {
            self.kept.pack(number, column);
        }
        if let Ok(state) = serde_json::to_vec(state) {
            self.kept.write_state(&state);
        }
    }

    /// Those that are figures of the run; names with a `_` before them are ours.
    pub fn views(&self) -> Vec<SeriesView> {
        let figures = self.columns.iter().filter(|it| !it.name.starts_with('_'));
        figures.filter_map(Column::view).collect()
    }

    /// Of one series.
    pub fn view(&self, name: &str) -> Option<SeriesView> {
        self.named(name)?.view()
    }

    /// All points of a series in the order of the log, until `take` says false.
    pub fn points(&self, name: &str, take: &mut dyn FnMut(&MetricPoint) -> bool) -> io::Result<()> {
        let Some(column) = self.named(name) else {
            return Ok(());
        };
        for block in &column.blocks {
            if !self.kept.unpack(block)?.iter().all(&mut *take) {
                return Ok(());
            }
        }
        column.open.iter().all(take);
        Ok(())
    }

    /// Those behind the first `skipped`, in the order of the log, until `take` says false.
    pub fn points_after(
        &self,
        name: &str,
        skipped: u64,
        take: &mut dyn FnMut(&MetricPoint) -> bool,
    ) -> io::Result<()> {
        let Some(column) = self.named(name) else {
            return Ok(());
        };
        let mut left = skipped;
        for block in &column.blocks {
            let count = u64::from(block.summary.count);
            if left >= count {
                left -= count;
                continue;
            }
            let points = self.kept.unpack(block)?;
            let mut rest = points.iter().skip(left as usize);
            left = 0;
            if !rest.all(&mut *take) {
                return Ok(());
            }
        }
        column.open.iter().skip(left as usize).all(take);
        Ok(())
    }

    /// The first value that is no number.
    pub fn first_trouble(&self, name: &str) -> io::Result<Option<MetricPoint>> {
        let Some(column) = self.named(name) else {
            return Ok(None);
        };
        let is_trouble = |point: &&MetricPoint| !point.value.is_finite();
        for block in column.blocks.iter().filter(|it| it.summary.troubles > 0) {
            if let Some(point) = self.kept.unpack(block)?.iter().find(is_trouble) {
                return Ok(Some(*point));
            }
        }
        Ok(column.open.iter().find(is_trouble).copied())
    }

    /// The last point of a rising series for which `is_before` holds.
    pub(crate) fn mark(
        &self,
        name: &str,
        is_before: impl Fn(&MetricPoint) -> bool,
    ) -> io::Result<Option<MetricPoint>> {
        let Some(column) = self.named(name) else {
            return Ok(None);
        };
        // A block whose last point is before holds only such; the one behind it may hold some.
        let whole = column
            .blocks
            .partition_point(|block| is_before(&block.summary.last));
        let before = whole.checked_sub(1).and_then(|at| column.blocks.get(at));
        let unpacked = match column.blocks.get(whole) {
            Some(block) => self.kept.unpack(block)?,
            None => column.open.clone(),
        };
        let inside = unpacked.into_iter().take_while(is_before).last();
        Ok(inside.or(before.map(|block| block.summary.last)))
    }

    fn named(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Column {
    fn view(&self) -> Option<SeriesView> {
        let mut all = self
            .blocks
            .iter()
            .map(|it| it.summary)
            .chain(Summary::of(&self.open));
        let mut summary = all.next()?;
        let mut troubles = u64::from(summary.troubles);
        for later in all {
            troubles += u64::from(later.troubles);
            summary.add(&later);
        }
        Some(SeriesView {
            name: self.name.clone(),
            count: self.count,
            steps: summary.steps,
            last: self.last?,
            troubles,
        })
    }
}

#[cfg(test)]
mod tests;
