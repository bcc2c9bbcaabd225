//! The weight of a convex combination, fitted on judged topics, and whether fusing pays at all.

use std::collections::BTreeMap;

use semihv_domain::{Alpha, Fusion, fuse};
use serde::Serialize;

use super::compare::differences;
use super::judgements::Judgements;
use super::measure::{Measure, mean};
use super::random::Random;
use super::resample::{Interval, SAMPLES, interval, paired_bootstrap};
use super::run::{Ranked, Run};

const FOLDS: usize = 5;
/// Weights in steps of a twentieth: the optimum is flat (design, hybrid fusion).
const STEPS: u8 = 20;

/// What a search should answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Served {
    Hybrid,
    Dense,
    Lexical,
}

/// One fold: fitted on all other topics, measured on these.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fold {
    pub alpha: Alpha,
    pub topics: Vec<String>,
    /// The mean over `topics`.
    pub score: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FittedAlpha {
    pub measure: Measure,
    /// Fitted on all topics: what is to be used from now on.
    pub alpha: Alpha,
    /// Of `alpha`, by drawing topics with replacement and fitting again.
    pub alpha_interval: Interval,
    pub folds: Vec<Fold>,
    pub dense: f64,
    pub lexical: f64,
    /// Of topics that took no part in fitting their weight.
    pub cross_validated: f64,
    /// Cross-validated minus the better single list, topic by topic.
    pub gain: Interval,
    pub served: Served,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{topics} judged topics are too few to fit a weight; judge at least {FOLDS}, or fuse by reciprocal rank"
)]
pub struct NothingToFit {
    pub topics: usize,
}

/// Fits the weight by 5-fold cross-validation. Hybrid is served unless the paired bootstrap (95 %)
/// shows it to be worse than the better single list.
pub fn fit_alpha(
    (dense, lexical): (&Run, &Run),
    judgements: &Judgements,
    measure: Measure,
    seed: u64,
) -> Result<FittedAlpha, NothingToFit> {
    let topics = judgements.len();
    if topics < FOLDS {
        return Err(NothingToFit { topics });
    }
    let table = Table::new((dense, lexical), judgements, measure);
    let folds = folds(topics, seed);
    let single = |run: &Run| -> Vec<f64> {
        let of = judgements.topics();
        of.map(|(topic, grades)| measure.of(run.of(topic), grades))
            .collect()
    };
    let (dense, lexical) = (single(dense), single(lexical));
    let fitted: Vec<(usize, &Vec<usize>)> = folds
        .iter()
        .map(|held_out| {
            let others = (0..topics).filter(|topic| !held_out.contains(topic));
            (table.best(others), held_out)
        })
        .collect();
    let held_out: BTreeMap<usize, f64> = fitted
        .iter()
        .flat_map(|(step, held_out)| {
            held_out
                .iter()
                .map(|topic| (*topic, table.at(*topic, *step)))
        })
        .collect();
    let hybrid: Vec<f64> = held_out.into_values().collect();
    let (dense_mean, lexical_mean) = (of(&dense), of(&lexical));
    let (better, alone) = if dense_mean > lexical_mean {
        (&dense, Served::Dense)
    } else {
        (&lexical, Served::Lexical)
    };
    let gain = paired_bootstrap(&differences(better, &hybrid), seed);
    let (Some(gain), Some(alpha_interval)) = (gain, table.alpha_interval(topics, seed)) else {
        return Err(NothingToFit { topics });
    };
    Ok(FittedAlpha {
        measure,
        alpha: table.weight(table.best(0..topics)),
        alpha_interval,
        folds: fitted
            .into_iter()
            .map(|(step, topics)| table.fold(step, topics))
            .collect(),
        dense: dense_mean,
        lexical: lexical_mean,
        cross_validated: of(&hybrid),
        gain,
        served: served(gain, alone),
    })
}

/// Hybrid as long as the interval of its gain does not lie below nothing as a whole.
fn served(gain: Interval, alone: Served) -> Served {
    if gain.high >= 0.0 {
        Served::Hybrid
    } else {
        alone
    }
}

fn of(scores: &[f64]) -> f64 {
    mean(scores.iter().copied())
}

/// Topics dealt out by lot, in nearly equal numbers.
fn folds(topics: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut shuffled: Vec<usize> = (0..topics).collect();
    Random::new(seed).shuffle(&mut shuffled);
    (0..FOLDS)
        .map(|fold| shuffled.iter().copied().skip(fold).step_by(FOLDS).collect())
        .collect()
}

/// The measure of every topic at every weight.
struct Table {
    topics: Vec<String>,
    weights: Vec<Alpha>,
    scores: Vec<Vec<f64>>,
}

impl Table {
    fn new((dense, lexical): (&Run, &Run), judgements: &Judgements, measure: Measure) -> Self {
        let weights: Vec<Alpha> = (0..=STEPS)
            .filter_map(|step| Alpha::new(f64::from(step) / f64::from(STEPS)))
            .collect();
        let pairs = |run: &Run, topic: &str| -> Vec<(String, f64)> {
            let list = run.of(topic).iter();
            list.map(|ranked| (ranked.doc.clone(), ranked.score))
                .collect()
        };
        let scores = judgements
            .topics()
            .map(|(topic, grades)| {
                let (dense, lexical) = (pairs(dense, topic), pairs(lexical, topic));
                let at = |alpha: &Alpha| {
                    let fusion = Fusion::Convex { alpha: *alpha };
                    let fused = fuse(fusion, &dense, &lexical).into_iter();
                    let mut run = Run::default();
                    let list = fused.map(|hit| Ranked {
                        doc: hit.id,
                        score: hit.score,
                    });
                    run.put(topic, list.collect());
                    measure.of(run.of(topic), grades)
                };
                weights.iter().map(at).collect()
            })
            .collect();
        Self {
            topics: judgements
                .topics()
                .map(|(topic, _)| topic.to_owned())
                .collect(),
            weights,
            scores,
        }
    }

    fn at(&self, topic: usize, step: usize) -> f64 {
        let scores = self.scores.get(topic);
        scores
            .and_then(|scores| scores.get(step))
            .copied()
            .unwrap_or(0.0)
    }

    /// The weight with the highest mean; of equal ones the nearest to the middle.
    fn best(&self, topics: impl Iterator<Item = usize>) -> usize {
        let mut sums = vec![0.0; self.weights.len()];
        for scores in topics.filter_map(|topic| self.scores.get(topic)) {
            for (sum, score) in sums.iter_mut().zip(scores) {
                *sum += score;
            }
        }
        let highest = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let middle = usize::from(STEPS) / 2;
        (0..sums.len())
            .filter(|step| sums.get(*step).is_some_and(|sum| highest - sum < 1e-9))
            .min_by_key(|step| step.abs_diff(middle))
            .unwrap_or(middle)
    }

    fn weight(&self, step: usize) -> Alpha {
        self.weights.get(step).copied().unwrap_or(Alpha::HALF)
    }

    fn fold(&self, step: usize, topics: &[usize]) -> Fold {
        Fold {
            alpha: self.weight(step),
            topics: topics
                .iter()
                .filter_map(|topic| self.topics.get(*topic).cloned())
                .collect(),
            score: mean(topics.iter().map(|topic| self.at(*topic, step))),
        }
    }

    fn alpha_interval(&self, topics: usize, seed: u64) -> Option<Interval> {
        let mut random = Random::new(seed);
        let drawn = (0..SAMPLES)
            .map(|_| {
                self.weight(self.best((0..topics).map(|_| random.below(topics))))
                    .get()
            })
            .collect();
        interval(self.weight(self.best(0..topics)).get(), drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEASURE: Measure = Measure::ReciprocalRank;

    /// Topics in which each list has the right document at the place given, among ten.
    fn runs(places: impl Iterator<Item = (usize, usize)>) -> (Judgements, Run, Run) {
        let mut judgements = Judgements::default();
        let (mut dense, mut lexical) = (Run::default(), Run::default());
        for (topic, (in_dense, in_lexical)) in places.enumerate() {
            let topic = format!("t{topic:03}");
            judgements
                .add(topic.clone(), "right".to_owned(), 1)
                .unwrap();
            let list = |right: usize, name: &str| -> Vec<Ranked> {
                let doc = |place| {
                    if place == right {
                        "right".to_owned()
                    } else {
                        format!("{name}{place}")
                    }
                };
                (0..10)
                    .map(|place| Ranked {
                        doc: doc(place),
                        score: 10.0 - place as f64,
                    })
                    .collect()
            };
            dense.put(topic.clone(), list(in_dense, "d"));
            lexical.put(topic, list(in_lexical, "l"));
        }
        (judgements, dense, lexical)
    }

    #[test]
    fn lists_that_complete_each_other_are_served_fused() {
        let places = (0..60).map(|topic| if topic % 2 == 0 { (0, 2) } else { (2, 0) });
        let (judgements, dense, lexical) = runs(places);
        let fitted = fit_alpha((&dense, &lexical), &judgements, MEASURE, 1).unwrap();
        assert_eq!(fitted.served, Served::Hybrid);
        assert!(fitted.gain.low > 0.0, "{fitted:?}");
        assert!(fitted.cross_validated > 0.999);
        assert_eq!(fitted.folds.len(), 5);
        let held_out: usize = fitted.folds.iter().map(|fold| fold.topics.len()).sum();
        assert_eq!(held_out, 60);
        assert_eq!(
            fit_alpha((&dense, &lexical), &judgements, MEASURE, 1),
            Ok(fitted)
        );
    }

    #[test]
    fn a_list_that_knows_nothing_gets_no_weight() {
        let (judgements, dense, lexical) = runs((0..40).map(|topic| (topic % 2, 99)));
        let fitted = fit_alpha((&dense, &lexical), &judgements, MEASURE, 1).unwrap();
        assert!(fitted.alpha.get() > 0.5, "{fitted:?}");
        assert!(fitted.alpha_interval.low <= fitted.alpha.get());
    }

    #[test]
    fn a_fusion_that_is_worse_is_not_served() {
        let served_with =
            |differences: &[f64]| served(paired_bootstrap(differences, 1).unwrap(), Served::Dense);
        assert_eq!(
            served_with(&[-0.2, -0.1, 0.0, -0.2].repeat(10)),
            Served::Dense
        );
        assert_eq!(
            served_with(&[-0.2, 0.1, 0.0, 0.05].repeat(10)),
            Served::Hybrid
        );
        assert_eq!(served_with(&[0.0; 10]), Served::Hybrid);
    }

    #[test]
    fn too_few_topics_say_what_to_do() {
        let (judgements, dense, lexical) = runs([(0, 0); 4].into_iter());
        let said = fit_alpha((&dense, &lexical), &judgements, MEASURE, 1).unwrap_err();
        assert_eq!(
            said.to_string(),
            "4 judged topics are too few to fit a weight; judge at least 5, or fuse by reciprocal rank"
        );
    }
}
