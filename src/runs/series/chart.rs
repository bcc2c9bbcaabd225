//! What a chart needs: a series gathered into a few buckets by its steps.

use std::io;

use super::{Series, Summary};

/// Steps from the first to the last, both inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub first: u64,
    pub last: u64,
}

/// Points of neighbouring steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Which of the buckets of the span, from 0.
    pub at: usize,
    pub count: u64,
    /// Values that are no numbers.
    pub troubles: u64,
    /// The least and the largest step.
    pub steps: (u64, u64),
    /// Of the finite values; not finite themselves where there are none.
    pub low: f64,
    pub high: f64,
    pub mean: f64,
    /// Of the point that was read last, with its line.
    pub last: f64,
    pub line: u64,
}

impl Bucket {
    fn of(at: usize, summary: &Summary) -> Self {
        let finite = summary.count.saturating_sub(summary.troubles);
        Self {
            at,
            count: u64::from(summary.count),
            troubles: u64::from(summary.troubles),
            steps: summary.steps,
            low: summary.low,
            high: summary.high,
            mean: summary.sum / f64::from(finite),
            last: summary.last.value,
            line: summary.last.line,
        }
    }
}

/// The bucket that was filled last: the next step is mostly in it, and told without a division.
struct Near {
    bucket: usize,
    steps: (u64, u64),
}

impl Span {
    /// The first step of a bucket, and the first behind it.
    fn steps_of(self, bucket: usize, count: usize) -> (u64, u64) {
        let width = u128::from(self.last - self.first) + 1;
        let edge = |bucket: usize| {
            let steps = (bucket as u128 * width).div_ceil(count as u128);
            u64::try_from(u128::from(self.first) + steps).unwrap_or(u64::MAX)
        };
        (edge(bucket), edge(bucket + 1))
    }

    fn contains(self, step: u64) -> bool {
        (self.first..=self.last).contains(&step)
    }

    /// The bucket of a step inside the span.
    fn bucket(self, step: u64, count: usize) -> usize {
        let width = u128::from(self.last - self.first) + 1;
        let from_start = u128::from(step - self.first);
        (from_start * count as u128 / width) as usize
    }
}

impl Series {
    /// At most `count` buckets of a series, those that hold points, in order.
    ///
    /// # Errors
    /// Where the blocks cannot be read again.
    pub fn buckets(&self, name: &str, span: Span, count: usize) -> io::Result<Vec<Bucket>> {
        let Some(column) = self.named(name).filter(|_| span.first <= span.last) else {
            return Ok(Vec::new());
        };
        let mut gathered: Vec<Option<Summary>> = vec![None; count];
        let mut near = Near {
            bucket: 0,
            steps: span.steps_of(0, count),
        };
        let mut add = |step: u64, summary: &Summary| {
            if !(near.steps.0..near.steps.1).contains(&step) {
                near.bucket = span.bucket(step, count);
                near.steps = span.steps_of(near.bucket, count);
            }
            if let Some(slot) = gathered.get_mut(near.bucket) {
                match slot {
                    Some(sum) => sum.add(summary),
                    None => *slot = Some(*summary),
                }
            }
        };
        for block in &column.blocks {
            let (first, last) = block.summary.steps;
            if last < span.first || first > span.last {
                continue;
            }
            let is_inside = span.contains(first) && span.contains(last);
            if is_inside && span.bucket(first, count) == span.bucket(last, count) {
                add(first, &block.summary);
                continue;
            }
            for point in self.kept.unpack(block)? {
                if span.contains(point.step) {
                    add(point.step, &Summary::of_one(point));
                }
            }
        }
        for point in column.open.iter().filter(|it| span.contains(it.step)) {
            add(point.step, &Summary::of_one(*point));
        }
        let found = gathered.iter().enumerate();
        let found = found.filter_map(|(at, it)| Some(Bucket::of(at, it.as_ref()?)));
        Ok(found.collect())
    }
}
