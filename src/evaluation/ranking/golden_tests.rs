//! trec_eval's own figures; `tests/golden/ranking.py` makes them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Judgements, Measure, Run, compare, evaluate};

#[derive(Deserialize)]
struct Golden {
    judgements: String,
    measures: Vec<Measure>,
    seed: u64,
    runs: Vec<GoldenRun>,
    compared: Vec<Compared>,
}

#[derive(Deserialize)]
struct GoldenRun {
    rows: String,
    topics: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct Compared {
    mean: f64,
    low: f64,
    high: f64,
    p: f64,
}

fn golden() -> (Golden, Judgements, Vec<Run>) {
    let text = include_str!("../../../tests/golden/ranking.json");
    let golden: Golden = serde_json::from_str(text).unwrap();
    let (judgements, skipped) = Judgements::read("judgements", &golden.judgements);
    assert_eq!(skipped, []);
    let read = |run: &GoldenRun| {
        let (read, skipped) = Run::read("run", &run.rows);
        assert_eq!(skipped, []);
        read
    };
    let runs = golden.runs.iter().map(read).collect();
    (golden, judgements, runs)
}

#[track_caller]
fn near(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() < 1e-9,
        "{what}: {found}, not {expected}"
    );
}

#[test]
fn every_measure_of_every_topic_is_that_of_trec_eval() {
    let (golden, judgements, runs) = golden();
    for (run, expected) in runs.iter().zip(&golden.runs) {
        let found = evaluate(run, &judgements, &golden.measures);
        assert_eq!(found.topics.len(), expected.topics.len());
        for (topic, scores) in &expected.topics {
            for (at, measure) in golden.measures.iter().enumerate() {
                near(
                    found.topics[topic][at],
                    scores[at],
                    &format!("{measure} of {topic}"),
                );
            }
        }
        assert_eq!(found.unjudged, ["nobody-judged-this"]);
        assert_eq!(found.unanswered, ["t5"]);
        assert!(found.without_relevant.contains(&"t3".to_owned()));
    }
}

#[test]
fn intervals_and_probabilities_are_those_of_the_script() {
    let (golden, judgements, runs) = golden();
    let found = compare(
        (&runs[0], &runs[1]),
        &judgements,
        &golden.measures,
        golden.seed,
    );
    for (found, expected) in found.iter().zip(&golden.compared) {
        let what = found.measure.to_string();
        let difference = found.difference.unwrap();
        near(difference.mean, expected.mean, &what);
        near(difference.low, expected.low, &what);
        near(difference.high, expected.high, &what);
        near(found.p, expected.p, &what);
    }
}
