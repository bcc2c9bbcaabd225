//! The bars of the words on judgements that are not ours.

use semihv_evaluation::ranking::Judgements;
use semihv_testkit::real_data;

use crate::tests::{Bench, import, index};
use crate::*;

#[test]
fn words_reach_their_bar_on_judged_medical_questions() {
    let Some(data) = real_data() else { return };
    let data = data.join("liveqa-med");
    let bench = Bench::new();
    let engine = bench.open();
    let answers = data.join("answers.jsonl");
    import(&engine, "guidelines-jsonl", &answers, "liveqa");
    index(&engine);
    let qrels = std::fs::read_to_string(data.join("qrels.tsv")).unwrap();
    let (judgements, skipped) = Judgements::read("qrels.tsv", &qrels);
    assert!(skipped.is_empty(), "{skipped:?}");
    let questions = std::fs::read_to_string(data.join("questions.jsonl")).unwrap();
    let topics = questions.lines().map(|line| {
        let question: serde_json::Value = serde_json::from_str(line).unwrap();
        Topic {
            name: question["id"].to_string(),
            spec: RetrieveSpec {
                text: question["summary"].as_str().unwrap().to_owned(),
                pools: vec![semihv_domain::Pool::Guideline],
                depth: EVALUATED_DEPTH,
                ..RetrieveSpec::default()
            },
        }
    });
    let spec = EvaluateSpec {
        topics: topics.collect(),
        judgements,
        measures: vec!["nDCGexp@10".parse().unwrap()],
        seed: 0,
    };
    let report = engine.evaluate_retrieval(&spec, &mut |_, _| true);
    let report = report.unwrap().unwrap();
    let pool = &report.pools[0];
    assert_eq!((pool.queries, pool.without_relevant.len()), (103, 7));
    let words = pool.lists.iter().find(|list| list.name == "words").unwrap();
    // Of the questions with an answer worth anything, as the reference counts (design, relevance).
    let mean = words.means[0] * 103.0 / 96.0;
    assert!(mean >= 0.59, "{mean}");
    // Being told to stop leaves no report of a part.
    let stopped = engine.evaluate_retrieval(&spec, &mut |done, _| done < 3);
    assert!(stopped.unwrap().is_none());
}
