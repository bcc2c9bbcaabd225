//! How sure a difference is: resampling over topics, made again by the same seed.

use serde::{Deserialize, Serialize};

use super::measure::mean;
use super::random::Random;

/// How often is resampled: the interval's ends then move by about 1 % of its width.
pub const SAMPLES: u32 = 10_000;
const LOW: f64 = 0.025;
const HIGH: f64 = 0.975;
/// Sums in another order differ by less than this.
const ROUNDING: f64 = 1e-12;

/// A value and the 95 % of resamplings around it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// The percentile interval (95 %) of the mean difference: topics are drawn with replacement,
/// [`SAMPLES`] times. `None` for no topics.
pub fn paired_bootstrap(differences: &[f64], seed: u64) -> Option<Interval> {
    if differences.is_empty() {
        return None;
    }
    let mut random = Random::new(seed);
    let count = differences.len();
    let drawn = (0..SAMPLES)
        .map(|_| mean((0..count).filter_map(|_| differences.get(random.below(count)).copied())));
    interval(mean(differences.iter().copied()), drawn.collect())
}

/// The middle 95 % of `drawn`.
pub(super) fn interval(mean: f64, mut drawn: Vec<f64>) -> Option<Interval> {
    drawn.sort_by(f64::total_cmp);
    Some(Interval {
        mean,
        low: quantile(&drawn, LOW)?,
        high: quantile(&drawn, HIGH)?,
    })
}

/// Between the two nearest of the sorted values, linearly.
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let place = part * sorted.len().checked_sub(1)? as f64;
    let below = *sorted.get(place.floor() as usize)?;
    let above = *sorted.get(place.ceil() as usize)?;
    Some(below + (above - below) * place.fract())
}

/// How probable a mean difference at least as large (in either direction) is if the two runs were
/// interchangeable: the sign of every topic's difference is drawn by lot, [`SAMPLES`] times.
pub fn paired_randomisation(differences: &[f64], seed: u64) -> f64 {
    let mut random = Random::new(seed);
    let observed = differences.iter().sum::<f64>().abs() - ROUNDING;
    let as_large = (0..SAMPLES)
        .filter(|_| {
            let flipped = differences.iter().map(|difference| {
                if random.next() >> 63 == 0 {
                    *difference
                } else {
                    -difference
                }
            });
            flipped.sum::<f64>().abs() >= observed
        })
        .count();
    // The observed signs are one of the possible ones.
    (as_large as f64 + 1.0) / (f64::from(SAMPLES) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_differences_leave_no_doubt() {
        let found = paired_bootstrap(&[0.25; 12], 1).unwrap();
        assert_eq!((found.mean, found.low, found.high), (0.25, 0.25, 0.25));
        assert!(paired_randomisation(&[0.25; 12], 1) < 0.01);
    }

    #[test]
    fn no_difference_is_quite_probable_and_no_topics_have_no_interval() {
        assert!((paired_randomisation(&[0.0; 9], 1) - 1.0).abs() < 1e-12);
        assert_eq!(paired_bootstrap(&[], 1), None);
    }

    #[test]
    fn the_same_seed_gives_the_same_interval_and_it_holds_the_mean() {
        let differences: Vec<f64> = (0..40).map(|n| f64::from(n % 7) - 2.5).collect();
        let found = paired_bootstrap(&differences, 7).unwrap();
        assert_eq!(paired_bootstrap(&differences, 7), Some(found));
        assert!(found.low < found.mean && found.mean < found.high);
        // The normal approximation is near for forty topics.
        let spread = differences
            .iter()
            .map(|d| (d - found.mean).powi(2))
            .sum::<f64>()
            / 40.0;
        let half = 1.96 * (spread / 40.0).sqrt();
        assert!(
            (found.high - found.mean - half).abs() < 0.1 * half,
            "{found:?}"
        );
    }
}
