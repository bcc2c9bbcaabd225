//! The demo keeps its promises: enough cases, questions and passages, and three models of
//! clearly different quality that answer every question.
//!
//! That pictures and regions agree is tested beside the code that draws them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

const MODELS: [&str; 3] = ["orion-9b", "lumen-3b", "basalt-1b"];

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("workspace-template/demo")
}

fn rows(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(demo().join(name)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} in {row}"))
}

fn list<'a>(row: &'a Value, field: &str) -> &'a [Value] {
    row[field]
        .as_array()
        .unwrap_or_else(|| panic!("{field} in {row}"))
}

fn questions() -> Vec<Value> {
    rows("cases.jsonl")
        .iter()
        .flat_map(|case| list(case, "questions").to_vec())
        .collect()
}

/// By question key; a question answered twice is a failure.
fn answers(model: &str) -> BTreeMap<String, Value> {
    let mut answers = BTreeMap::new();
    for row in rows(&format!("answers-{model}.jsonl")) {
        assert_eq!(text(&row, "model"), model);
        let key = text(&row, "question").to_owned();
        assert!(
            answers.insert(key.clone(), row).is_none(),
            "{key} is answered twice"
        );
    }
    answers
}

fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn there_are_enough_cases_of_five_modalities() {
    let cases = rows("cases.jsonl");
    let keys: HashSet<&str> = cases.iter().map(|case| text(case, "key")).collect();
    assert_eq!(keys.len(), cases.len());
    assert!(cases.len() >= 24, "{}", cases.len());
    let modalities: BTreeSet<&str> = cases.iter().map(|case| text(case, "modality")).collect();
    assert_eq!(
        modalities,
        BTreeSet::from(["CT", "Histopathology", "MR", "US", "X-ray"])
    );
    assert!(cases.iter().any(|case| list(case, "images").len() == 2));
}

#[test]
fn every_case_has_its_sections_and_every_picture_a_caption() {
    for case in rows("cases.jsonl") {
        let headings: Vec<&str> = list(&case, "sections")
            .iter()
            .map(|section| text(section, "heading"))
            .collect();
        assert_eq!(
            headings,
            ["History", "Findings", "Impression", "Discussion"]
        );
        for image in list(&case, "images") {
            assert!(
                !list(image, "captions").is_empty(),
                "{}",
                text(&case, "key")
            );
            assert!(text(image, "path").starts_with("images/"));
        }
    }
}

#[test]
fn questions_are_unique_and_both_closed_and_open() {
    let questions = questions();
    let keys: HashSet<&str> = questions
        .iter()
        .map(|question| text(question, "key"))
        .collect();
    assert_eq!(keys.len(), questions.len());
    let open = questions
        .iter()
        .filter(|question| text(question, "kind") == "open")
        .count();
    assert!(
        open >= 24 && questions.len() - open >= 36,
        "{open} open of {}",
        questions.len()
    );
    let chinese = questions
        .iter()
        .filter(|question| text(question, "language") == "zh")
        .count();
    assert_eq!(chinese, 2);
}

#[test]
fn a_closed_question_is_answered_by_yes_no_or_one_of_its_options() {
    for question in questions()
        .iter()
        .filter(|question| text(question, "kind") == "closed")
    {
        let options: Vec<&str> = list(question, "options")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let gold = text(question, "gold");
        let is_offered = if options.is_empty() {
            ["yes", "no"].contains(&gold)
        } else {
            options.contains(&gold)
        };
        assert!(is_offered, "{}: {gold}", text(question, "key"));
    }
}

#[test]
fn a_question_is_about_a_picture_of_its_case() {
    for case in rows("cases.jsonl") {
        let images: Vec<&str> = list(&case, "images")
            .iter()
            .map(|image| text(image, "key"))
            .collect();
        for question in list(&case, "questions") {
            assert!(
                images.contains(&text(question, "image")),
                "{}",
                text(question, "key")
            );
        }
    }
}

#[test]
fn a_gold_rationale_has_at_least_two_sentences() {
    for question in questions() {
        let ends = text(&question, "gold_rationale")
            .matches(['.', '。'])
            .count();
        assert!(
            (2..=6).contains(&ends),
            "{}: {ends}",
            text(&question, "key")
        );
    }
}

#[test]
fn every_model_answers_every_question_with_a_rationale() {
    let asked: BTreeSet<String> = questions()
        .iter()
        .map(|question| text(question, "key").to_owned())
        .collect();
    for model in MODELS {
        let answers = answers(model);
        let answered: BTreeSet<String> = answers.keys().cloned().collect();
        assert_eq!(answered, asked, "{model}");
        for (key, answer) in &answers {
            assert!(!text(answer, "answer").is_empty(), "{model} {key}");
            assert!(!text(answer, "rationale").is_empty(), "{model} {key}");
            assert!(
                answer.get("verdict").is_none(),
                "{model} {key} brings its own verdict"
            );
        }
    }
}

#[test]
fn the_models_differ_clearly_on_closed_questions() {
    let questions = questions();
    let closed: Vec<&Value> = questions
        .iter()
        .filter(|question| text(question, "kind") == "closed")
        .collect();
    let share = |model: &str| {
        let answers = answers(model);
        let is_right = |question: &&&Value| {
            let answer = answers.get(text(question, "key")).unwrap();
            words(text(answer, "answer")) == words(text(question, "gold"))
        };
        closed.iter().filter(is_right).count() as f64 / closed.len() as f64
    };
    for (model, low, high) in [
        ("orion-9b", 0.80, 0.90),
        ("lumen-3b", 0.55, 0.70),
        ("basalt-1b", 0.30, 0.48),
    ] {
        let share = share(model);
        assert!((low..=high).contains(&share), "{model}: {share:.2}");
    }
}

#[test]
fn letters_beyond_ascii_stand_only_in_chinese_texts() {
    let is_expected = |c: char| {
        c.is_ascii()
            || ('\u{3000}'..='\u{9fff}').contains(&c)
            || ('\u{ff00}'..='\u{ffef}').contains(&c)
    };
    let folder = demo();
    let mut files = vec![folder.join("cases.jsonl")];
    files.extend(MODELS.map(|model| folder.join(format!("answers-{model}.jsonl"))));
    files.extend(guidelines());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let odd: BTreeSet<char> = text.chars().filter(|&c| !is_expected(c)).collect();
        assert!(odd.is_empty(), "{}: {odd:?}", file.display());
    }
}

fn guidelines() -> Vec<PathBuf> {
    let folder = fs::read_dir(demo().join("guidelines")).unwrap();
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn there_are_enough_guideline_passages_with_their_origin() {
    let mut passages = 0;
    for file in guidelines() {
        let text = fs::read_to_string(&file).unwrap();
        let blocks: Vec<&str> = text.split("\n\n").map(str::trim).collect();
        let head = blocks.first().copied().unwrap_or_default();
        assert!(head.starts_with("# "), "{}", file.display());
        for field in ["Developer: ", "Year: ", "Licence: "] {
            assert!(
                head.lines().any(|line| line.starts_with(field)),
                "{}",
                file.display()
            );
        }
        let body = blocks.iter().skip(1);
        passages += body
            .filter(|block| !block.is_empty() && !block.starts_with('#'))
            .count();
    }
    assert!(passages >= 16, "{passages}");
}

#[test]
fn one_log_is_finished_with_a_spike_and_one_is_cut_off() {
    let read = |name: &str| fs::read_to_string(demo().join("logs").join(name)).unwrap();
    let finished = read("tune-demo.log");
    let losses: Vec<f64> = finished
        .lines()
        .filter_map(|line| {
            line.strip_prefix("{'loss': ")?
                .split(',')
                .next()?
                .parse()
                .ok()
        })
        .collect();
    assert_eq!(losses.len(), 600);
    let highest = losses.iter().copied().fold(0.0, f64::max);
    let last = losses.last().copied().unwrap();
    assert!(highest > 3.0 && last < 1.2, "{highest} {last}");
    assert!(
        finished
            .trim_end()
            .lines()
            .last()
            .unwrap()
            .contains("'train_runtime'")
    );
    let growing = read("anneal-demo.log");
    assert!(!growing.ends_with('\n') && !growing.contains("train_runtime"));
}
