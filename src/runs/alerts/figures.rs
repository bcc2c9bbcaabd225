//! What is wrong with the losses of a log: no number, a spike, no progress.
//!
//! Only losses are judged: a norm of gradients that is infinite now and then is how mixed precision
//! finds its scale, and a mean speed is no number until there is one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;

use semihv_domain::MetricPoint;

use super::pace::median;
use super::{AlertCause, Finding};
use crate::plain_line::plain_line;
use crate::series::Series;

/// A value is held against so many before it.
const WINDOW: usize = 200;
/// At its start a loss may do anything.
const WARM_UP: usize = 50;
/// A spike is above the median by so many deviations (by the median absolute deviation, which is
/// 1/1.4826 of a deviation where values are normal) ...
const DEVIATIONS: f64 = 8.0 * 1.4826;
/// ... and by so much of itself.
const LEAST_RISE: f64 = 0.5;
/// So many points are enough to say that nothing gets better, and better is by so much.
const ENOUGH: u64 = 2_000;
const BETTER: f64 = 0.001;

/// The losses of one log, as far as they were looked at.
#[derive(Debug, Default)]
pub struct FigureWatch {
    losses: BTreeMap<String, Loss>,
    /// Said once of a log.
    told: BTreeSet<AlertCause>,
}

#[derive(Debug, Default)]
struct Loss {
    seen: u64,
    window: VecDeque<f64>,
    finite: usize,
    /// Points at which it is asked next whether it still gets better.
    flat_due: u64,
}

impl FigureWatch {
    /// Reads what is new in the figures. What was found once is not found again.
    pub fn look(&mut self, series: &Series) -> io::Result<Vec<Finding>> {
        let mut found = Vec::new();
        for view in series.views() {
            if !is_loss(&view.name) {
                continue;
            }
            let loss = self.losses.entry(view.name.clone()).or_default();
            if view.count < loss.seen {
                // The log began again.
                *loss = Loss::default();
            }
            let after = loss.seen;
            series.points_after(&view.name, after, &mut |point| {
                found.extend(loss.take(&view.name, point));
                true
            })?;
            if loss.seen >= loss.flat_due.max(ENOUGH) {
                loss.flat_due = loss.seen + loss.seen / 4;
                found.extend(flat(series, &view.name, loss.seen)?);
            }
        }
        found.sort_by_key(|finding: &Finding| finding.line);
        found.retain(|finding| self.told.insert(finding.cause));
        Ok(found)
    }
}

impl Loss {
    fn take(&mut self, name: &str, point: &MetricPoint) -> Option<Finding> {
        self.seen += 1;
        let name = || plain_line(name.as_bytes());
        let said = |cause, words| Finding {
            step: Some(point.step),
            line: Some(point.line + 1),
            ..Finding::new(cause, words)
        };
        if !point.value.is_finite() {
            let words = format!("{} is {} at step {}", name(), point.value, point.step);
            return Some(said(AlertCause::NotFinite, words));
        }
        let usual = self.is_ready().then(|| self.below(point.value)).flatten();
        self.finite += 1;
        self.window.push_back(point.value);
        if self.window.len() > WINDOW {
            self.window.pop_front();
        }
        let words = format!(
            "{} jumped from {:.4} to {:.4} at step {}",
            name(),
            usual?,
            point.value,
            point.step
        );
        Some(said(AlertCause::LossSpike, words))
    }

    fn is_ready(&self) -> bool {
        self.finite >= WARM_UP
    }

    /// What it was, where this value is far above.
    fn below(&self, value: f64) -> Option<f64> {
        // The first far one is larger than all before it: few values are looked at more closely.
        if self.window.iter().any(|known| *known >= value) {
            return None;
        }
        let usual = median(self.window.iter().copied())?;
        let deviation = median(self.window.iter().map(|it| (it - usual).abs()))?;
        let is_far =
            value > usual + DEVIATIONS * deviation && value >= usual + LEAST_RISE * usual.abs();
        is_far.then_some(usual)
    }
}

/// The last quarter of a loss is no better than the quarter before.
fn flat(series: &Series, name: &str, count: u64) -> io::Result<Option<Finding>> {
    let quarter = count / 4;
    let mut sums = [(0.0, 0_u64); 2];
    let (mut at, mut last) = (0, None);
    series.points_after(name, count - 2 * quarter, &mut |point| {
        let [first, second] = &mut sums;
        let sum = if at < quarter { first } else { second };
        at += 1;
        last = Some(*point);
        if point.value.is_finite() {
            sum.0 += point.value;
            sum.1 += 1;
        }
        at < 2 * quarter
    })?;
    let [before, after] = sums.map(|(sum, count)| sum / count as f64);
    let is_flat = before.is_finite() && after.is_finite() && after > before - BETTER * before.abs();
    let Some(last) = last.filter(|_| is_flat) else {
        return Ok(None);
    };
    let name = plain_line(name.as_bytes());
    let words =
        format!("{name} gets no better: {after:.4} over {quarter} points, {before:.4} before");
    Ok(Some(Finding {
        step: Some(last.step),
        line: Some(last.line + 1),
        ..Finding::new(AlertCause::Plateau, words)
    }))
}

/// `loss`, `lm loss`, `train_loss`, `binary_logloss`, llm.c's `trl` and `tel`; no loss scale.
fn is_loss(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut words = name.split(|it: char| !it.is_ascii_alphanumeric());
    let is_scale = |word: &str| word.starts_with("scal") || word.starts_with("lossscal");
    if words.clone().any(is_scale) {
        return false;
    }
    words.any(|word| word.ends_with("loss") || matches!(word, "trl" | "tel" | "nll"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: bool) {
        assert_eq!(is_loss(name), expected, "{name}");
    }

    #[rustfmt::skip]
    mod names {
        use super::*;

        #[test] fn plain()    { check("loss", true); }
        #[test] fn of_words() { check("lm loss", true); check("Train/Loss", true); check("val_logloss", true); }
        #[test] fn llm_c()    { check("trl", true); }
        #[test] fn a_scale()  { check("loss scale", false); check("loss_scaler", false); }
        #[test] fn others()   { check("grad_norm", false); check("glossary", false); check("lr", false); }
    }
}
