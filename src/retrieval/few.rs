//! The few hits that are handed on: the best of all pools, but never without a guideline.

use semihv_domain::Pool;

/// A candidate of one pool, best first in its list.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate<T> {
    pub pool: Pool,
    pub score: f64,
    pub what: T,
}

/// Why a candidate is among the few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChosenBy<T> {
    Score,
    /// It took the place of this one.
    Quota {
        instead_of: Option<T>,
    },
}

/// What was chosen, and whether the quota could be met.
#[derive(Debug, Clone, PartialEq)]
pub struct Few<T> {
    pub chosen: Vec<(Candidate<T>, ChosenBy<T>)>,
    /// Guidelines that are missing because the pool has no more.
    pub missing_guidelines: usize,
}

/// At most `most` candidates of both lists by their scores, among them at least `guidelines`
/// guidelines: a case's score holds a part between image and image that no text can have, so
/// guidelines would else be crowded out (paper, section 3.3). Of equal scores the guideline comes
/// first.
pub fn few<T: Clone>(
    cases: &[Candidate<T>],
    guidelines: &[Candidate<T>],
    most: usize,
    least_guidelines: usize,
) -> Few<T> {
    let mut all: Vec<&Candidate<T>> = guidelines.iter().chain(cases).collect();
    all.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut chosen: Vec<(Candidate<T>, ChosenBy<T>)> = all
        .into_iter()
        .take(most)
        .map(|candidate| (candidate.clone(), ChosenBy::Score))
        .collect();
    let is_guideline = |(candidate, _): &(Candidate<T>, _)| candidate.pool == Pool::Guideline;
    let there = chosen.iter().filter(|it| is_guideline(it)).count();
    let wanted = least_guidelines.min(most).saturating_sub(there);
    let more = guidelines.iter().skip(there).take(wanted);
    let mut missing = wanted;
    for guideline in more {
        missing -= 1;
        // The last case goes; the places of the others stay.
        let last = chosen.iter().rposition(|it| !is_guideline(it));
        let is_full = chosen.len() >= most;
        let gone = last.filter(|_| is_full).map(|at| chosen.remove(at).0.what);
        chosen.push((guideline.clone(), ChosenBy::Quota { instead_of: gone }));
    }
    Few {
        chosen,
        missing_guidelines: missing,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pool(pool: Pool, scores: &[f64]) -> Vec<Candidate<usize>> {
        let all = scores.iter().enumerate();
        all.map(|(what, score)| Candidate {
            pool,
            score: *score,
            what,
        })
        .collect()
    }

    fn shown(few: &Few<usize>) -> Vec<(Pool, usize, bool)> {
        let all = few.chosen.iter();
        all.map(|(it, by)| (it.pool, it.what, *by == ChosenBy::Score))
            .collect()
    }

    #[test]
    fn a_guideline_takes_the_last_cases_place() {
        let cases = pool(Pool::Case, &[0.9, 0.8, 0.7, 0.6, 0.5]);
        let few = few(&cases, &pool(Pool::Guideline, &[0.2, 0.1]), 4, 1);
        let expected = [
            (Pool::Case, 0, true),
            (Pool::Case, 1, true),
            (Pool::Case, 2, true),
            (Pool::Guideline, 0, false),
        ];
        assert_eq!(shown(&few), expected);
        assert_eq!(
            few.chosen[3].1,
            ChosenBy::Quota {
                instead_of: Some(3)
            }
        );
    }

    #[test]
    fn a_guideline_that_is_there_by_its_score_is_enough() {
        let cases = pool(Pool::Case, &[0.9, 0.8, 0.7]);
        let few = few(&cases, &pool(Pool::Guideline, &[0.8, 0.1]), 3, 1);
        let expected = [
            (Pool::Case, 0, true),
            (Pool::Guideline, 0, true),
            (Pool::Case, 1, true),
        ];
        assert_eq!(shown(&few), expected);
    }

    #[test]
    fn a_pool_without_guidelines_is_said() {
        let few = few(&pool(Pool::Case, &[0.9, 0.8]), &[], 4, 1);
        assert_eq!((few.chosen.len(), few.missing_guidelines), (2, 1));
    }

    proptest! {
        #[test]
        fn the_quota_holds_wherever_it_can(
            cases in prop::collection::vec(0.0..1.0_f64, 0..8),
            guidelines in prop::collection::vec(0.0..1.0_f64, 0..8),
            most in 0_usize..6,
            least in 0_usize..4,
        ) {
            let sorted = |mut all: Vec<f64>| {
                all.sort_by(|a, b| b.total_cmp(a));
                all
            };
            let cases = pool(Pool::Case, &sorted(cases));
            let guidelines = pool(Pool::Guideline, &sorted(guidelines));
            let few = few(&cases, &guidelines, most, least);
            prop_assert!(few.chosen.len() <= most);
            prop_assert_eq!(few.chosen.len(), most.min(cases.len() + guidelines.len()));
            let there = few.chosen.iter().filter(|(it, _)| it.pool == Pool::Guideline).count();
            prop_assert!(there >= least.min(most).min(guidelines.len()));
            prop_assert_eq!(few.missing_guidelines, least.min(most).saturating_sub(there));
        }
    }
}
