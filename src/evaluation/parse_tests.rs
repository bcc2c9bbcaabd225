use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::choice::{Choice, Polarity};

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

fn strings(value: &serde_json::Value) -> Vec<String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    match value {
        serde_json::Value::Object(map) => map.values().map(text).collect(),
        serde_json::Value::Array(list) => list.iter().map(text).collect(),
        other => vec![text(other)],
    }
}

/// `answered B`, `answered A,C`, `answered yes`, `multiple` …
fn spell(parsed: &Parsed) -> String {
    match &parsed.outcome {
        Outcome::Answered(Choice::Options(labels)) => {
            let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
            format!("answered {}", labels.join(","))
        }
        Outcome::Answered(Choice::Polarity(Polarity::Yes)) => "answered yes".to_owned(),
        Outcome::Answered(Choice::Polarity(Polarity::No)) => "answered no".to_owned(),
        Outcome::Answered(Choice::Phrase(phrase)) => format!("answered '{phrase}'"),
        other => other.name().to_owned(),
    }
}

#[test]
fn every_published_case_is_read_as_expected() {
    let Some(data) = data() else { return };
    let text = std::fs::read_to_string(data.join("answer_parsing/cases.jsonl")).unwrap();
    let mut differing = Vec::new();
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let options = strings(&case["options"]);
        let question = case["question"].as_str().unwrap();
        let form = match case["kind"].as_str().unwrap() {
            "yesno" => Form::YesNo { question },
            "multi" => Form::AllThatApply(&options),
            _ => Form::One(&options),
        };
        let response = case["response"].as_str().unwrap();
        let status = case["expect"]["status"].as_str().unwrap();
        let expected = match &case["expect"]["parsed"] {
            serde_json::Value::Null => status.to_owned(),
            parsed => format!("{status} {}", strings(parsed).join(",")),
        };
        let found = parse(response, form);
        if spell(&found) != expected {
            differing.push(format!(
                "{}: {response:?}: {expected}, not {}",
                case["id"],
                spell(&found)
            ));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[track_caller]
fn check(options: &str, response: &str, expected: &str) {
    let options: Vec<String> = options.split('|').map(str::to_owned).collect();
    assert_eq!(
        spell(&parse(response, Form::One(&options))),
        expected,
        "{response:?}"
    );
}

const TUMOURS: &str = "Glioblastoma|Meningioma|Metastasis|Abscess";
const FLUIDS: &str = "Pneumothorax|Effusion|Oedema|Atelectasis|Cannot be determined";

#[rustfmt::skip]
mod options {
    use super::*;

    #[test] fn a_declaration_in_brackets()        { check(TUMOURS, "The answer is (B).", "answered B"); }
    #[test] fn a_denied_declaration_is_none()     { check(TUMOURS, "The answer is not A. The answer is C.", "answered C"); }
    #[test] fn a_choice_in_the_first_person()     { check(TUMOURS, "I would go with option C here", "answered C"); }
    #[test] fn a_conclusion()                     { check(TUMOURS, "A is intra-axial. Therefore, B.", "answered B"); }
    #[test] fn a_chinese_declaration()            { check("脑膜瘤|胶质瘤|转移瘤|脓肿", "答案是B", "answered B"); }
    #[test] fn a_full_width_choice()              { check("脑膜瘤|胶质瘤|转移瘤|脓肿", "故选Ｂ项", "answered B"); }
    #[test] fn a_chinese_denial()                 { check("脑膜瘤|胶质瘤|转移瘤|脓肿", "不是胶质瘤，而是脓肿", "answered D"); }
    #[test] fn a_chinese_pair()                   { check("脑膜瘤|胶质瘤|转移瘤|脓肿", "B或C", "multiple"); }
    #[test] fn a_pair()                           { check(TUMOURS, "B and C", "multiple"); }
    #[test] fn a_declared_pair()                  { check(TUMOURS, "The answer is B or C.", "multiple"); }
    #[test] fn label_and_text_disagree()          { check(FLUIDS, "B. Pneumothorax", "conflict"); }
    #[test] fn declared_label_and_text_disagree() { check(FLUIDS, "The answer is B: Pneumothorax", "conflict"); }
    #[test] fn an_article_is_no_label()           { check(FLUIDS, "A large effusion-like shadow, a mass.", "answered B"); }
    #[test] fn an_article_alone_is_no_label()     { check(TUMOURS, "A large mass is present.", "no_answer"); }
    #[test] fn a_declared_article_is_no_label()   { check(TUMOURS, "The answer is a large mass", "no_answer"); }
    #[test] fn a_denied_label()                   { check(TUMOURS, "It is not B.", "no_answer"); }
    #[test] fn a_denied_list()                    { check(TUMOURS, "It is not glioblastoma, metastasis or abscess.", "no_answer"); }
    #[test] fn the_longest_text_wins()            { check("Carcinoma|Squamous cell carcinoma", "Squamous cell carcinoma", "answered B"); }
    #[test] fn a_text_inside_a_word_is_none()     { check("Normal|Enlarged", "The lung is abnormal.", "no_answer"); }
    #[test] fn a_hyphen_is_a_blank()              { check("Ground glass opacity|Nodule", "ground-glass opacity", "answered A"); }
    #[test] fn a_chinese_refusal()                { check(TUMOURS, "抱歉，我无法判断。", "refusal"); }
    #[test] fn an_option_may_sound_like_refusal() { check(FLUIDS, "Cannot be determined.", "answered E"); }
    #[test] fn thinking_that_never_ended()        { check(TUMOURS, "<think>so B. But A could", "truncated"); }
    #[test] fn the_options_repeated()             { check(TUMOURS, "A. Glioblastoma\nB. Meningioma\nC. Metastasis\nD. Abscess", "no_answer"); }
    #[test] fn a_boxed_label()                    { check(TUMOURS, "A was tempting: $\\boxed{B}$", "answered B"); }
    #[test] fn a_json_answer()                    { check(TUMOURS, "{\"answer\": \"C\"}", "answered C"); }
    #[test] fn a_label_line_beats_a_bracket()     { check(TUMOURS, "B. Meningioma\nUnlike glioblastoma (choice A) it is dural.", "answered B"); }
    #[test] fn hepatitis_b_is_no_label()          { check(TUMOURS, "Hepatitis B serology would help", "no_answer"); }
    #[test] fn a_b_cell_is_no_label()             { check(TUMOURS, "B-cell infiltrate", "no_answer"); }
    #[test] fn a_species_is_no_label()            { check("Staphylococcus|Proteus|Candida|Klebsiella|Pseudomonas", "E. coli", "no_answer"); }
    #[test] fn a_markdown_heading()               { check(TUMOURS, "## Final Response\n\n**B**", "answered B"); }
    #[test] fn a_label_outside_the_options()      { check("Left|Right", "D", "no_answer"); }
    #[test] fn no_doubt_denies_nothing()          { check(TUMOURS, "This is no doubt a meningioma", "answered B"); }
}

#[track_caller]
fn check_polarity(question: &str, response: &str, expected: &str) {
    assert_eq!(
        spell(&parse(response, Form::YesNo { question })),
        expected,
        "{response:?}"
    );
}

#[rustfmt::skip]
mod polarity {
    use super::*;

    #[test] fn one_letter()                   { check_polarity("Is it left?", "y", "answered yes"); }
    #[test] fn a_declared_no()                { check_polarity("Is it left?", "The final answer is: no", "answered no"); }
    #[test] fn both_is_ambiguous()            { check_polarity("Is it left?", "Yes and no.", "ambiguous"); }
    #[test] fn no_doubt_is_ambiguous()        { check_polarity("Is it left?", "No doubt it is left", "ambiguous"); }
    #[test] fn leading_denial()               { check_polarity("Is there a mass?", "There is no mass.", "answered no"); }
    #[test] fn the_question_restated()        { check_polarity("Is the heart enlarged?", "The heart is enlarged.", "answered yes"); }
    #[test] fn the_question_denied()          { check_polarity("Is the heart enlarged?", "The heart is not enlarged.", "answered no"); }
    #[test] fn another_statement_is_none()    { check_polarity("Is the heart enlarged?", "The lungs are clear.", "no_answer"); }
    #[test] fn abnormal_is_not_no()           { check_polarity("Is the lung normal?", "The lung is abnormal.", "no_answer"); }
    #[test] fn no_abnormality_for_normal()    { check_polarity("Is the lung normal?", "No abnormality seen.", "ambiguous"); }
    #[test] fn a_hedge_alone()                { check_polarity("Is it left?", "Maybe, hard to say", "no_answer"); }
    #[test] fn a_chinese_yes()                { check_polarity("图中有肿块吗？", "是的，有肿块", "answered yes"); }
    #[test] fn a_chinese_no()                 { check_polarity("图像包含肝脏吗？", "不包含", "answered no"); }
    #[test] fn a_chinese_doubt()              { check_polarity("图中有肿块吗？", "不确定", "no_answer"); }
    #[test] fn a_chinese_refusal()            { check_polarity("图中有肿块吗？", "无法判断", "refusal"); }
    #[test] fn a_refusal()                    { check_polarity("Is it left?", "I cannot view the image.", "refusal"); }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*", question in "\\PC{0,40}") {
        let options = vec!["Left".to_owned(), "右".to_owned(), "No".to_owned()];
        parse(&text, Form::One(&options));
        parse(&text, Form::AllThatApply(&options));
        parse(&text, Form::YesNo { question: &question });
        parse(&text, Form::Phrase { question: &question, gold: "Left" });
    }

    #[test]
    fn a_bare_label_is_always_read(position in 0_usize..5, lower in any::<bool>()) {
        let options: Vec<String> = ["v", "w", "x", "y", "z"].map(str::to_owned).to_vec();
        let letter = char::from(b'A' + u8::try_from(position).unwrap());
        let said = if lower { letter.to_ascii_lowercase() } else { letter };
        let parsed = parse(&said.to_string(), Form::One(&options));
        prop_assert_eq!(spell(&parsed), format!("answered {letter}"));
    }
}
