//! One ranking out of two: by vectors (dense) and by words (lexical).
//!
//! Pure arithmetic, shared by the search that serves and by the evaluation that fits its weight.
//! Deliberately absent: the lists themselves, how deep they go, and which fusion is served.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The weight of the dense list in a convex combination, from 0 (words alone) to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Alpha(f64);

impl Alpha {
    pub const HALF: Self = Self(0.5);

    /// `None` outside of 0 to 1.
    pub fn new(alpha: f64) -> Option<Self> {
        (0.0..=1.0).contains(&alpha).then_some(Self(alpha))
    }

    pub fn get(self) -> f64 {
        self.0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("alpha is {0}; give a weight from 0 (words alone) to 1 (vectors alone)")]
pub struct AlphaOutOfRange(f64);

impl TryFrom<f64> for Alpha {
    type Error = AlphaOutOfRange;

    fn try_from(alpha: f64) -> Result<Self, Self::Error> {
        Self::new(alpha).ok_or(AlphaOutOfRange(alpha))
    }
}

impl From<Alpha> for f64 {
    fn from(alpha: Alpha) -> Self {
        alpha.0
    }
}

/// How two lists become one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fusion {
    /// `alpha * minmax(dense) + (1 - alpha) * lexical / max` (Bruch, Gai and Ingber 2023).
    Convex { alpha: Alpha },
    /// `1 / (k + rank)`, summed over the lists; knows no scores and needs no judgements.
    ReciprocalRank { k: u32 },
}

impl Default for Fusion {
    /// The one that needs no fitting, with the constant of Cormack, Clarke and Buettcher (2009).
    fn default() -> Self {
        Self::ReciprocalRank { k: 60 }
    }
}

/// What one list adds to a fused score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// From 1.
    pub rank: usize,
    /// As the list had it.
    pub score: f64,
    /// The part of the fused score that comes from this list.
    pub adds: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fused<Id> {
    pub id: Id,
    pub score: f64,
    /// `None`: not in that list.
    pub dense: Option<Share>,
    pub lexical: Option<Share>,
}

/// Fuses two lists, each best first. What only one list holds gets nothing from the other; of an id
/// that stands twice in a list the better place counts; scores that are no numbers are left out.
/// Ties are ordered by id, so that the same lists give the same order everywhere.
pub fn fuse<Id: Clone + Ord>(
    fusion: Fusion,
    dense: &[(Id, f64)],
    lexical: &[(Id, f64)],
) -> Vec<Fused<Id>> {
    let (dense, lexical) = (ranked(dense), ranked(lexical));
    let (dense, lexical) = match fusion {
        Fusion::Convex { alpha } => {
            let (lowest, highest) = range(&dense);
            let (_, best) = range(&lexical);
            (
                shares(dense, |_, score| {
                    alpha.get() * minmax(score, lowest, highest)
                }),
                shares(lexical, |_, score| (1.0 - alpha.get()) * part(score, best)),
            )
        }
        Fusion::ReciprocalRank { k } => {
            let adds = |rank: usize, _: f64| 1.0 / (f64::from(k) + rank as f64);
            (shares(dense, adds), shares(lexical, adds))
        }
    };
    merged(dense, lexical)
}

type Ranked<'a, Id> = Vec<(&'a Id, usize, f64)>;

fn ranked<Id: Ord>(list: &[(Id, f64)]) -> Ranked<'_, Id> {
    let finite = list.iter().filter(|(_, score)| score.is_finite());
    (1..)
        .zip(finite)
        .map(|(rank, (id, score))| (id, rank, *score))
        .collect()
}

fn range<Id>(list: &Ranked<'_, Id>) -> (f64, f64) {
    list.iter().fold(
        (f64::INFINITY, f64::NEG_INFINITY),
        |(low, high), (_, _, score)| (low.min(*score), high.max(*score)),
    )
}

/// A list whose scores are all the same says of each that it is among the best.
fn minmax(score: f64, lowest: f64, highest: f64) -> f64 {
    if highest > lowest {
        (score - lowest) / (highest - lowest)
    } else {
        1.0
    }
}

/// Scores of words are never negative; a best score of nothing is worth nothing.
fn part(score: f64, best: f64) -> f64 {
    if best > 0.0 {
        score.max(0.0) / best
    } else {
        0.0
    }
}

fn shares<Id: Ord>(list: Ranked<'_, Id>, adds: impl Fn(usize, f64) -> f64) -> BTreeMap<&Id, Share> {
    let mut shares = BTreeMap::new();
    for (id, rank, score) in list {
        shares.entry(id).or_insert_with(|| Share {
            rank,
            score,
            adds: adds(rank, score),
        });
    }
    shares
}

fn merged<Id: Clone + Ord>(
    dense: BTreeMap<&Id, Share>,
    mut lexical: BTreeMap<&Id, Share>,
) -> Vec<Fused<Id>> {
    let added = |share: Option<Share>| share.map_or(0.0, |share| share.adds);
    let mut fused: Vec<Fused<Id>> = dense
        .into_iter()
        .map(|(id, share)| (id, Some(share), lexical.remove(id)))
        .map(|(id, dense, lexical)| Fused {
            id: id.clone(),
            score: added(dense) + added(lexical),
            dense,
            lexical,
        })
        .collect();
    fused.extend(lexical.into_iter().map(|(id, share)| Fused {
        id: id.clone(),
        score: share.adds,
        dense: None,
        lexical: Some(share),
    }));
    fused.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
    fused
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DENSE: [(&str, f64); 3] = [("a", 0.9), ("b", 0.8), ("c", 0.5)];
    const LEXICAL: [(&str, f64); 2] = [("b", 12.0), ("d", 3.0)];

    #[track_caller]
    fn check(fusion: Fusion, expected: &[(&str, f64)]) {
        let fused = fuse(fusion, &DENSE, &LEXICAL);
        let found: Vec<&str> = fused.iter().map(|hit| hit.id).collect();
        let names: Vec<&str> = expected.iter().map(|(id, _)| *id).collect();
        assert_eq!(found, names);
        for (hit, (_, score)) in fused.iter().zip(expected) {
            assert!((hit.score - score).abs() < 1e-12, "{hit:?}");
        }
    }

    #[test]
    fn a_convex_combination_weighs_normalised_scores() {
        let alpha = Alpha::new(0.4).unwrap();
        let expected = [("b", 0.9), ("a", 0.4), ("d", 0.15), ("c", 0.0)];
        check(Fusion::Convex { alpha }, &expected);
    }

    #[test]
    fn reciprocal_ranks_know_no_scores() {
        let expected = [
            ("b", 1.0 / 62.0 + 1.0 / 61.0),
            ("a", 1.0 / 61.0),
            ("d", 1.0 / 62.0),
            ("c", 1.0 / 63.0),
        ];
        check(Fusion::default(), &expected);
    }

    #[test]
    fn a_fused_hit_says_where_its_score_comes_from() {
        let fused = fuse(Fusion::default(), &DENSE, &LEXICAL);
        let (dense, lexical) = (fused[0].dense.unwrap(), fused[0].lexical.unwrap());
        assert_eq!((dense.rank, lexical.rank), (2, 1));
        assert_eq!((dense.score, lexical.score), (0.8, 12.0));
        assert_eq!(fused[1].lexical, None);
    }

    #[test]
    fn empty_lists_equal_scores_and_no_numbers_are_harmless() {
        let alpha = Alpha::new(0.5).unwrap();
        let fusion = Fusion::Convex { alpha };
        assert!(fuse::<u32>(fusion, &[], &[]).is_empty());
        let fused = fuse(fusion, &[(1, 0.3), (2, 0.3), (3, f64::NAN)], &[(2, 0.0)]);
        let found: Vec<(u32, f64)> = fused.iter().map(|hit| (hit.id, hit.score)).collect();
        assert_eq!(found, [(1, 0.5), (2, 0.5)]);
    }

    #[test]
    fn a_weight_outside_of_its_range_does_not_exist() {
        assert!(Alpha::new(-0.1).is_none() && Alpha::new(f64::NAN).is_none());
        let said = serde_json::from_str::<Alpha>("1.5")
            .unwrap_err()
            .to_string();
        assert!(said.contains("give a weight from 0"), "{said}");
    }

    proptest! {
        #[test]
        fn every_id_is_there_once_and_the_best_come_first(
            dense in prop::collection::vec((0_u8..20, -1.0..1.0_f64), 0..20),
            lexical in prop::collection::vec((0_u8..20, 0.0..30.0_f64), 0..20),
            alpha in 0.0..=1.0_f64,
        ) {
            for fusion in [Fusion::default(), Fusion::Convex { alpha: Alpha::new(alpha).unwrap() }] {
                let fused = fuse(fusion, &dense, &lexical);
                let ids: std::collections::BTreeSet<u8> =
                    dense.iter().chain(&lexical).map(|(id, _)| *id).collect();
                prop_assert_eq!(fused.len(), ids.len());
                prop_assert!(fused.is_sorted_by(|a, b| a.score >= b.score));
                prop_assert!(fused.iter().all(|hit| (0.0..=1.0 + 1e-12).contains(&hit.score)));
            }
        }
    }
}
