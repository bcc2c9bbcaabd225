//! Two runs over the same judgements.

use serde::Serialize;

use super::judgements::Judgements;
use super::measure::{Measure, evaluate, mean};
use super::resample::{Interval, paired_bootstrap, paired_randomisation};
use super::run::Run;

/// One measure of two runs: `second` minus `first`, over all judged topics.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    pub measure: Measure,
    pub topics: usize,
    pub first: f64,
    pub second: f64,
    /// `None` where no topic is judged.
    pub difference: Option<Interval>,
    /// By paired randomisation, two-sided.
    pub p: f64,
}

pub type Comparisons = Vec<Comparison>;

/// Compares the runs by each measure; the seed makes the same figures again.
pub fn compare(
    (first, second): (&Run, &Run),
    judgements: &Judgements,
    measures: &[Measure],
    seed: u64,
) -> Comparisons {
    let (first, second) = (
        evaluate(first, judgements, measures),
        evaluate(second, judgements, measures),
    );
    let of = |(at, measure): (usize, &Measure)| {
        let column = |topics: &std::collections::BTreeMap<String, Vec<f64>>| -> Vec<f64> {
            let scores = topics.values().filter_map(|scores| scores.get(at));
            scores.copied().collect()
        };
        let (first, second) = (column(&first.topics), column(&second.topics));
        let differences = differences(&first, &second);
        Comparison {
            measure: *measure,
            topics: differences.len(),
            first: mean(first.into_iter()),
            second: mean(second.into_iter()),
            difference: paired_bootstrap(&differences, seed),
            p: paired_randomisation(&differences, seed),
        }
    };
    measures.iter().enumerate().map(of).collect()
}

pub(super) fn differences(first: &[f64], second: &[f64]) -> Vec<f64> {
    first
        .iter()
        .zip(second)
        .map(|(first, second)| second - first)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_always_better_is_said_to_be() {
        let mut judged = String::new();
        let (mut good, mut bad) = (String::new(), String::new());
        for topic in 0..20 {
            judged.push_str(&format!("{topic} 0 right 1\n"));
            good.push_str(&format!("{topic} Q0 right 1 2 g\n{topic} Q0 wrong 2 1 g\n"));
            bad.push_str(&format!("{topic} Q0 right 2 1 b\n{topic} Q0 wrong 1 2 b\n"));
        }
        let (judged, good, bad) = (
            Judgements::read("q", &judged).0,
            Run::read("g", &good).0,
            Run::read("b", &bad).0,
        );
        let found = &compare((&bad, &good), &judged, &[Measure::ReciprocalRank], 3)[0];
        assert_eq!((found.first, found.second, found.topics), (0.5, 1.0, 20));
        assert_eq!(
            found
                .difference
                .map(|difference| (difference.low, difference.high)),
            Some((0.5, 0.5))
        );
        assert!(found.p < 0.001);
        let same = &compare((&good, &good), &judged, &[Measure::ReciprocalRank], 3)[0];
        assert_eq!((same.difference.unwrap().high, same.p), (0.0, 1.0));
    }
}
