//! What a search is worth: graded judgements, ranked lists, measures, and whether one search is
//! better than another or only looks it.
//!
//! Figures are those of trec_eval, to the last digit (`tests/golden/ranking.py`). Deliberately
//! absent: files, clocks, the search itself, and words such as "significant": an interval and a
//! probability are given, with the seed that makes them again.

mod compare;
mod fit;
mod judgements;
mod lines;
mod measure;
mod overlap;
mod random;
mod resample;
mod run;

#[cfg(test)]
mod golden_tests;

pub use compare::{Comparison, Comparisons, compare};
pub use fit::{FittedAlpha, Fold, NothingToFit, Served, fit_alpha};
pub use judgements::Judgements;
pub use lines::BlankInName;
pub use measure::{Evaluation, Measure, UnknownMeasure, evaluate};
pub use overlap::{TopicOverlap, overlap};
pub use resample::{Interval, SAMPLES, paired_bootstrap, paired_randomisation};
pub use run::{Ranked, Run};
