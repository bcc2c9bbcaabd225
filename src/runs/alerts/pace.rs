//! How fast a run goes by the moments that its log names, and whether it goes at all.

use std::collections::VecDeque;
use std::io;

use super::{AlertCause, Finding};
use crate::metrics::TIME;
use crate::series::Series;

/// Pauses of the last points against those of the points before.
const RECENT: usize = 50;
const BEFORE: usize = 500;
/// Looked at after so many points more.
const EVERY: usize = 25;
/// Moments are often whole seconds.
const LEAST_CHANGE: f64 = 1.0;
/// A run may be quiet for so long, in seconds, or for so many of its usual pauses.
const QUIET: f64 = 600.0;
const PAUSES: f64 = 20.0;

/// Nothing was written for too long: `silent` seconds, where `usual` lie between two points.
pub fn is_stalled(silent: f64, usual: Option<f64>) -> bool {
    silent > QUIET.max(PAUSES * usual.unwrap_or(0.0))
}

/// The pauses between the moments of one log, as far as it was looked at.
#[derive(Debug, Default)]
pub struct Pace {
    seen: u64,
    last: Option<f64>,
    pauses: VecDeque<f64>,
    unlooked: usize,
}

impl Pace {
    /// Reads what is new; the first time that steps are more than twice as slow as before.
    pub fn look(&mut self, series: &Series) -> io::Result<Option<Finding>> {
        let count = series.view(TIME).map_or(0, |it| it.count);
        if count < self.seen {
            *self = Self::default();
        }
        let mut found = None;
        let after = self.seen;
        series.points_after(TIME, after, &mut |point| {
            self.seen += 1;
            if let Some(last) = self.last.replace(point.value) {
                self.pauses.push_back((point.value - last).max(0.0));
                if self.pauses.len() > RECENT + BEFORE {
                    self.pauses.pop_front();
                }
                self.unlooked += 1;
            }
            if found.is_none() && self.unlooked >= EVERY {
                self.unlooked = 0;
                found = self.slower().map(|(before, recent)| Finding {
                    step: Some(point.step),
                    line: Some(point.line + 1),
                    ..Finding::new(
                        AlertCause::SlowDown,
                        format!("slower: {recent:.1} s a point, {before:.1} s before"),
                    )
                });
            }
            true
        })?;
        Ok(found)
    }

    /// Seconds that usually lie between two points.
    pub fn usual(&self) -> Option<f64> {
        median(self.pauses.iter().copied())
    }

    fn slower(&self) -> Option<(f64, f64)> {
        if self.pauses.len() < RECENT + BEFORE {
            return None;
        }
        let before = median(self.pauses.iter().take(BEFORE).copied())?;
        let recent = median(self.pauses.iter().skip(BEFORE).copied())?;
        let is_slower = before > 0.0 && recent > 2.0 * before && recent - before >= LEAST_CHANGE;
        is_slower.then_some((before, recent))
    }
}

/// The middle one; of two the larger.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let (_, value, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    Some(*value)
}
