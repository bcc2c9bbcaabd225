//! Moves of the cursor, of the part that is seen, of the figure and of the axis.

use semihv_engine::{Axis, CurvePoint};

use super::{MOST_CHARTS, State};
use crate::action::Effect;

impl State {
    pub(super) fn move_by(&mut self, by: i64) {
        let points = self.leading();
        let Some(last) = points.len().checked_sub(1) else {
            return;
        };
        let at = match self.cursor {
            Some(x) => points.partition_point(|point| point.x < x).min(last) as i64,
            None => last as i64,
        };
        let at = (at + by).clamp(0, last as i64) as usize;
        self.cursor = points.get(at).map(|point| point.x);
    }

    /// The point under the cursor: the last one where there is none.
    pub(super) fn at_cursor(&self) -> Option<CurvePoint> {
        let points = self.leading();
        nearest(&points, self.cursor)
    }

    pub(super) fn zoom(&mut self, by: f64) -> Vec<Effect> {
        let Some(curves) = self.curves.value() else {
            return Vec::new();
        };
        let whole = curves.whole;
        let (first, last) = self.span.unwrap_or(whole);
        let middle = self.cursor.unwrap_or(last);
        let half = (last / 2.0 - first / 2.0) * by;
        let least = if self.axis == Axis::Step { 2.0 } else { 1e-3 };
        if !half.is_finite() || half * 2.0 < least {
            return Vec::new();
        }
        let first = (middle - half)
            .max(whole.0)
            .min((whole.1 - 2.0 * half).max(whole.0));
        let span = (first, (first + 2.0 * half).min(whole.1));
        self.span = (span.0 > whole.0 || span.1 < whole.1).then_some(span);
        self.ask()
    }

    /// The cursor left what is seen: the part moves along.
    pub(super) fn pan(&mut self) -> Vec<Effect> {
        let (Some((first, last)), Some(x)) = (self.span, self.cursor) else {
            return Vec::new();
        };
        let whole = self
            .curves
            .value()
            .map_or((first, last), |curves| curves.whole);
        let width = last - first;
        let edge = width / 50.0;
        let is_left = x <= first + edge && first > whole.0;
        let is_right = x >= last - edge && last < whole.1;
        if !is_left && !is_right {
            return Vec::new();
        }
        let first = (x - width / 2.0).clamp(whole.0, (whole.1 - width).max(whole.0));
        self.span = Some((first, first + width));
        self.ask()
    }

    pub(super) fn cycle_metric(&mut self, by: i64) -> Vec<Effect> {
        let names = self.metrics();
        let at = names.iter().position(|name| Some(*name) == self.metric());
        let count = names.len() as i64;
        let next = (at.map_or(0, |at| at as i64) + by).checked_rem_euclid(count);
        let Some(next) = next.map(|next| next as usize) else {
            return Vec::new();
        };
        self.metric = names.get(next).map(|name| (*name).to_owned());
        if self.shows_all {
            let is_seen = (self.top..self.top + MOST_CHARTS).contains(&next);
            if is_seen {
                return Vec::new();
            }
            self.top = next / MOST_CHARTS * MOST_CHARTS;
        }
        self.ask()
    }

    /// Steps, times, and what counts tokens or samples where the runs say it.
    pub(super) fn next_axis(&self) -> Axis {
        let counts = |name: &&str| {
            let name = name.to_lowercase();
            let is_rate = ["/", "per_", "_per", "throughput"]
                .iter()
                .any(|it| name.contains(it));
            let is_speed = name.ends_with("_s") || name.ends_with("_sec");
            let words = ["token", "samples", "epoch"];
            !is_rate && !is_speed && words.iter().any(|word| name.contains(word))
        };
        let names = self.metrics();
        let mut known = vec![Axis::Step, Axis::Time];
        let counting = names.into_iter().filter(counts);
        known.extend(counting.take(3).map(|name| Axis::Series(name.to_owned())));
        let at = known.iter().position(|axis| *axis == self.axis);
        let next = at.map_or(0, |at| (at + 1) % known.len());
        known.into_iter().nth(next).unwrap_or_default()
    }

    pub(super) fn first_trouble(&mut self) {
        let points = self.leading();
        let trouble = points.iter().find(|point| point.troubles > 0);
        if let Some(point) = trouble {
            self.cursor = Some(point.x);
        }
    }
}

/// The point nearest to a place; the last one where there is none.
pub(super) fn nearest(points: &[CurvePoint], x: Option<f64>) -> Option<CurvePoint> {
    let Some(x) = x else {
        return points.last().copied();
    };
    let away = |point: &&CurvePoint| (point.x - x).abs();
    points
        .iter()
        .min_by(|a, b| away(a).total_cmp(&away(b)))
        .copied()
}
