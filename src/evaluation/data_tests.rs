//! Real question sets: a gold answer given as the answer must be marked right, whatever its
//! language and spelling.

use std::path::{Path, PathBuf};

use semihv_domain::{Question, QuestionId, QuestionKind, SourceId, Verdict};

use crate::mark;

/// `$SEMIHV_DATA`, else the data folder beside the checkout.
fn data() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let found = std::env::var_os("SEMIHV_DATA").map_or(beside, PathBuf::from);
    if found.is_dir() {
        return Some(found);
    }
    assert_ne!(
        std::env::var("CI").as_deref(),
        Ok("true"),
        "the shared data must be there in CI"
    );
    println!("not run: no shared data (set SEMIHV_DATA)");
    None
}

fn question(row: &serde_json::Value) -> Option<Question> {
    let text = |key: &str| match &row[key] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_closed = text("answer_type").trim() == "CLOSED";
    is_closed.then(|| Question {
        id: QuestionId(1),
        source: SourceId(1),
        source_name: String::new(),
        key: String::new(),
        case: None,
        image: None,
        text: text("question"),
        kind: QuestionKind::Closed,
        options: Vec::new(),
        gold: text("answer"),
        gold_rationale: None,
        language: String::new(),
        class: None,
        split: None,
    })
}

#[track_caller]
fn check(file: &str, expected_closed: usize) {
    let Some(data) = data() else { return };
    let text = std::fs::read_to_string(data.join(file)).unwrap();
    let rows: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let questions: Vec<Question> = rows.iter().filter_map(question).collect();
    assert_eq!(questions.len(), expected_closed);
    for question in &questions {
        let marked = mark(question, &question.gold);
        assert_eq!(
            marked.verdict,
            Verdict::Right,
            "{} {:?}",
            question.text,
            question.gold
        );
        let other = mark(question, "不确定");
        assert_ne!(
            other.verdict,
            Verdict::Right,
            "{} {:?}",
            question.text,
            question.gold
        );
    }
}

#[test]
fn every_closed_gold_answer_of_slake_is_right() {
    check("slake/Slake1.0/train.json", 3881);
}

#[test]
fn every_closed_gold_answer_of_vqa_rad_is_right() {
    check("vqa-rad/data_RAD/trainset.json", 1823);
}
