//! The measures, each of one topic, and their means over all judged topics.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::judgements::Judgements;
use super::run::{Ranked, Run};

/// What is measured. Relevant is what is graded above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Measure {
    /// Discounted cumulated gain over the best that is possible; the gain is the grade itself and
    /// the discount the binary logarithm of the place plus one (trec_eval's `ndcg_cut`).
    NdcgAt(NonZeroUsize),
    /// The same with the gain `2^grade - 1`, which tells high grades further apart (Burges 2005).
    NdcgExpAt(NonZeroUsize),
    /// One over the place of the first relevant document.
    ReciprocalRank,
    /// Which part of all relevant documents is among the first.
    RecallAt(NonZeroUsize),
    /// 1 if any relevant document is among the first: what UniIR calls recall, trec_eval success.
    HitRateAt(NonZeroUsize),
    /// Which part of the first places a relevant document holds; places left empty count.
    PrecisionAt(NonZeroUsize),
    AveragePrecision,
}

impl Measure {
    /// Of one topic; 0 where nothing relevant is known.
    pub fn of(self, list: &[Ranked], grades: &BTreeMap<String, i32>) -> f64 {
        let gain = |ranked: &Ranked| grades.get(&ranked.doc).copied().unwrap_or(0).max(0);
        let relevant = grades.values().filter(|grade| **grade > 0).count();
        let found_in = |cut: NonZeroUsize| {
            let first = list.iter().take(cut.get());
            first.filter(|ranked| gain(ranked) > 0).count()
        };
        match self {
            Self::NdcgAt(cut) => ndcg(list.iter().map(gain), grades, cut, f64::from),
            Self::NdcgExpAt(cut) => ndcg(list.iter().map(gain), grades, cut, |grade| {
                f64::from(grade).exp2() - 1.0
            }),
            Self::ReciprocalRank => list
                .iter()
                .position(|ranked| gain(ranked) > 0)
                .map_or(0.0, |at| 1.0 / (at as f64 + 1.0)),
            Self::RecallAt(cut) => over(found_in(cut) as f64, relevant as f64),
            Self::HitRateAt(cut) => f64::from(u8::from(found_in(cut) > 0)),
            Self::PrecisionAt(cut) => found_in(cut) as f64 / cut.get() as f64,
            Self::AveragePrecision => over(precisions(list.iter().map(gain)), relevant as f64),
        }
    }
}

fn over(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// What the first places gain over the most that they could.
fn ndcg(
    found: impl Iterator<Item = i32>,
    grades: &BTreeMap<String, i32>,
    cut: NonZeroUsize,
    gain: impl Fn(i32) -> f64,
) -> f64 {
    let mut ideal: Vec<i32> = grades.values().map(|grade| (*grade).max(0)).collect();
    ideal.sort_unstable_by(|a, b| b.cmp(a));
    over(
        discounted(found.take(cut.get()).map(&gain)),
        discounted(ideal.into_iter().take(cut.get()).map(&gain)),
    )
}

fn discounted(gains: impl Iterator<Item = f64>) -> f64 {
    (2..)
        .zip(gains)
        .map(|(place, gain)| gain / f64::from(place).log2())
        .sum()
}

/// The sum of the precisions at each relevant document.
fn precisions(gains: impl Iterator<Item = i32>) -> f64 {
    let mut found = 0.0;
    let mut sum = 0.0;
    for (place, gain) in (1..).zip(gains) {
        if gain > 0 {
            found += 1.0;
            sum += found / f64::from(place);
        }
    }
    sum
}

impl fmt::Display for Measure {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NdcgAt(cut) => write!(to, "nDCG@{cut}"),
            Self::NdcgExpAt(cut) => write!(to, "nDCGexp@{cut}"),
            Self::ReciprocalRank => to.write_str("MRR"),
            Self::RecallAt(cut) => write!(to, "Recall@{cut}"),
            Self::HitRateAt(cut) => write!(to, "Hit@{cut}"),
            Self::PrecisionAt(cut) => write!(to, "P@{cut}"),
            Self::AveragePrecision => to.write_str("MAP"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no measure `{0}`; give nDCG@K, nDCGexp@K, Recall@K, Hit@K or P@K with K from 1, MRR or MAP"
)]
pub struct UnknownMeasure(String);

impl FromStr for Measure {
    type Err = UnknownMeasure;

    fn from_str(text: &str) -> Result<Self, UnknownMeasure> {
        let folded = text.trim().to_lowercase();
        let (name, cut) = match folded.split_once('@') {
            Some((name, cut)) => (name, cut.parse::<NonZeroUsize>().ok()),
            None => (folded.as_str(), None),
        };
        match (name, cut) {
            ("ndcg", Some(cut)) => Ok(Self::NdcgAt(cut)),
            ("ndcgexp", Some(cut)) => Ok(Self::NdcgExpAt(cut)),
            ("recall", Some(cut)) => Ok(Self::RecallAt(cut)),
            ("hit", Some(cut)) => Ok(Self::HitRateAt(cut)),
            ("p", Some(cut)) => Ok(Self::PrecisionAt(cut)),
            ("mrr", None) if folded == name => Ok(Self::ReciprocalRank),
            ("map", None) if folded == name => Ok(Self::AveragePrecision),
            _ => Err(UnknownMeasure(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Measure {
    type Error = UnknownMeasure;

    fn try_from(text: String) -> Result<Self, UnknownMeasure> {
        text.parse()
    }
}

impl From<Measure> for String {
    fn from(measure: Measure) -> Self {
        measure.to_string()
    }
}

/// One run measured against all judgements.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    pub measures: Vec<Measure>,
    /// By judged topic, in the order of `measures`.
    pub topics: BTreeMap<String, Vec<f64>>,
    /// Over all judged topics, in the order of `measures`; 0 where no topic is judged.
    pub means: Vec<f64>,
    /// Topics of the run that nobody judged: in no mean.
    pub unjudged: Vec<String>,
    /// Judged topics for which the run holds nothing: they count as 0.
    pub unanswered: Vec<String>,
    /// Judged topics of which nothing is relevant: they count as 0, whatever was found.
    pub without_relevant: Vec<String>,
}

pub fn evaluate(run: &Run, judgements: &Judgements, measures: &[Measure]) -> Evaluation {
    let topics: BTreeMap<String, Vec<f64>> = judgements
        .topics()
        .map(|(topic, grades)| {
            let list = run.of(topic);
            let of = measures.iter().map(|measure| measure.of(list, grades));
            (topic.to_owned(), of.collect())
        })
        .collect();
    let named = |is_so: &dyn Fn(&str, &BTreeMap<String, i32>) -> bool| -> Vec<String> {
        let found = judgements
            .topics()
            .filter(|(topic, grades)| is_so(topic, grades));
        found.map(|(topic, _)| topic.to_owned()).collect()
    };
    Evaluation {
        measures: measures.to_vec(),
        means: (0..measures.len())
            .map(|at| mean(topics.values().filter_map(|scores| scores.get(at).copied())))
            .collect(),
        unjudged: run
            .topics()
            .filter(|(topic, _)| judgements.of(topic).is_none())
            .map(|(topic, _)| topic.to_owned())
            .collect(),
        unanswered: named(&|topic, _| run.of(topic).is_empty()),
        without_relevant: named(&|_, grades| !grades.values().any(|grade| *grade > 0)),
        topics,
    }
}

/// 0 for nothing.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value;
        count += 1.0;
    }
    over(sum, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of grades; `.` is a document that nobody judged.
    #[track_caller]
    fn check(measure: &str, list: &str, missed: &[i32], expected: f64) {
        let mut grades = BTreeMap::new();
        let mut ranked = Vec::new();
        for (place, grade) in list.chars().enumerate() {
            let doc = place.to_string();
            if let Some(grade) = grade.to_digit(10) {
                grades.insert(doc.clone(), grade as i32);
            }
            ranked.push(Ranked {
                doc,
                score: -(place as f64),
            });
        }
        for (at, grade) in missed.iter().enumerate() {
            grades.insert(format!("missed {at}"), *grade);
        }
        let found = measure.parse::<Measure>().unwrap().of(&ranked, &grades);
        assert!(
            (found - expected).abs() < 1e-12,
            "{measure} of {list}: {found}"
        );
    }

    #[test]
    fn what_comes_first_counts_most() {
        check("nDCG@10", "21", &[], 1.0);
        check(
            "nDCG@10",
            "12",
            &[],
            (1.0 + 2.0 / 3_f64.log2()) / (2.0 + 1.0 / 3_f64.log2()),
        );
        check("nDCG@1", "12", &[], 0.5);
        check("nDCGexp@1", "13", &[], 1.0 / 7.0);
        check(
            "nDCGexp@2",
            "12",
            &[],
            (1.0 + 3.0 / 3_f64.log2()) / (3.0 + 1.0 / 3_f64.log2()),
        );
        check("nDCG@10", ".", &[-1, 0], 0.0);
    }

    #[test]
    fn the_first_relevant_document_decides_the_reciprocal_rank() {
        check("MRR", "0.31", &[], 1.0 / 3.0);
        check("mrr", "00", &[1], 0.0);
    }

    #[test]
    fn parts_of_what_is_relevant_and_of_what_is_shown() {
        check("Recall@2", "101", &[2], 1.0 / 3.0);
        check("Hit@2", "001", &[], 0.0);
        check("Hit@3", "001", &[], 1.0);
        check("P@5", "11", &[], 0.4);
        check("MAP", "101", &[], 5.0 / 6.0);
        check("MAP", "101", &[1], (1.0 + 2.0 / 3.0) / 3.0);
    }

    #[test]
    fn names_of_measures_are_read_as_they_are_written() {
        for name in ["nDCG@10", "MRR", "Recall@1", "Hit@5", "P@3", "MAP"] {
            assert_eq!(name.parse::<Measure>().unwrap().to_string(), name);
        }
        for name in ["nDCG", "nDCG@0", "MRR@x", "MAP@5", "", "F1"] {
            let said = name.parse::<Measure>().unwrap_err().to_string();
            assert!(said.contains("give nDCG@K"), "{said}");
        }
    }

    #[test]
    fn topics_outside_of_the_judgements_are_named_and_unanswered_ones_count() {
        let (judgements, _) = Judgements::read("q", "a 0 x 1\nb 0 x 1\nc 0 x 0\n");
        let (run, _) = Run::read("r", "a Q0 x 1 1 t\nz Q0 x 1 1 t\nc Q0 x 1 1 t\n");
        let found = evaluate(&run, &judgements, &[Measure::ReciprocalRank]);
        assert_eq!(found.means, [1.0 / 3.0]);
        assert_eq!(
            (&found.unjudged[..], &found.unanswered[..]),
            (&["z".to_owned()][..], &["b".to_owned()][..])
        );
        assert_eq!(found.without_relevant, ["c"]);
        let none = evaluate(&run, &Judgements::default(), &[Measure::AveragePrecision]);
        assert_eq!(none.means, [0.0]);
    }
}
