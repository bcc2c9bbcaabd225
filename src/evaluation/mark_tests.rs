use semihv_domain::{QuestionId, SourceId};

use super::*;

fn question(text: &str, options: &str, gold: &str) -> Question {
    Question {
        id: QuestionId(1),
        source: SourceId(1),
        source_name: "vqa".to_owned(),
        key: "q1".to_owned(),
        case: None,
        image: None,
        text: text.to_owned(),
        kind: QuestionKind::Closed,
        options: options
            .split('|')
            .filter(|option| !option.is_empty())
            .map(str::to_owned)
            .collect(),
        gold: gold.to_owned(),
        gold_rationale: None,
        language: "en".to_owned(),
        class: None,
        split: None,
    }
}

#[track_caller]
fn check(text: &str, options: &str, gold: &str, answer: &str, expected: Verdict) {
    let marked = mark(&question(text, options, gold), answer);
    assert_eq!(marked.verdict, expected, "{answer:?}: {:?}", marked.parsed);
    assert_eq!(marked.rule, CLOSED_RULE);
}

#[test]
fn an_open_question_waits_for_a_judge() {
    let open = Question {
        kind: QuestionKind::Open,
        ..question("Describe.", "", "a mass")
    };
    let marked = mark(&open, "a mass");
    assert_eq!(
        (marked.verdict, marked.rule),
        (Verdict::Unjudged, OPEN_RULE)
    );
}

#[rustfmt::skip]
mod verdicts {
    use super::*;
    use Verdict::{Right, Unparsed, Wrong};

    #[test] fn gold_by_text()                 { check("Which?", "Liver|Spleen", "Spleen", "B", Right); }
    #[test] fn gold_by_letter()               { check("Which?", "Liver|Spleen", "B", "the spleen", Right); }
    #[test] fn gold_by_letter_and_text()      { check("Which?", "Liver|Spleen", "B. Spleen", "A", Wrong); }
    #[test] fn options_with_their_letters()   { check("Which?", "A. Liver|B. Spleen", "Spleen", "(b) spleen", Right); }
    #[test] fn two_options_named()            { check("Which?", "Liver|Spleen", "B", "liver or spleen", Unparsed); }
    #[test] fn several_golds()                { check("Which apply?", "Liver|Spleen|Colon", "A, C", "A and C", Right); }
    #[test] fn one_of_several_golds()         { check("Which apply?", "Liver|Spleen|Colon", "AC", "A", Wrong); }
    #[test] fn yes_and_no()                   { check("Is it left?", "", "Yes", "yes, it is", Right); }
    #[test] fn yes_for_no()                   { check("Is it left?", "", "No ", "Yes", Wrong); }
    #[test] fn a_hedge()                      { check("Is it left?", "", "no", "Possibly", Unparsed); }
    #[test] fn listed_yes_and_no()            { check("Is it left?", "Yes|No", "No", "B", Right); }
    #[test] fn listed_yes_and_no_in_words()   { check("Is there a mass?", "Yes|No", "No", "There is no mass", Right); }
    #[test] fn chinese_yes_and_no()           { check("图像包含肝脏吗？", "", "不包含", "没有", Right); }
    #[test] fn a_phrase()                     { check("Left or right lung?", "", "Left", "The left lung.", Right); }
    #[test] fn the_other_phrase()             { check("Left or right lung?", "", "Left", "right lung", Wrong); }
    #[test] fn both_phrases()                 { check("Is it in the left or right lung?", "", "Left", "left and right", Unparsed); }
    #[test] fn a_number_for_a_phrase()        { check("How many?", "", "2", "2", Right); }
    #[test] fn nothing_said()                 { check("Left or right lung?", "", "Left", " ", Unparsed); }
    #[test] fn a_chinese_phrase()             { check("图中是哪个器官？", "", "肝脏", "肝脏", Right); }
}
