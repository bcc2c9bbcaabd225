//! What tests of panes share: values to show, and a screen as text.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_domain::{
    Answer, AnswerId, Caption, Case, CaseId, Failure, FailureKind, Image, ImageId, ImageState,
    Modality, Question, QuestionId, QuestionKind, Section, SourceId, Verdict,
};
use semihv_engine::{AnswerRow, CaseDetail, QuestionDetail};

use crate::theme::Theme;

/// The insides of a pane that fills an 80x24 and a 160x50 terminal.
pub(crate) const INSIDES: [(u16, u16); 2] = [(78, 20), (158, 46)];

/// The screen as text; nothing a terminal would obey may be in it.
#[track_caller]
pub(crate) fn screen(size: (u16, u16), draw: impl FnOnce(&Theme, Rect, &mut Buffer)) -> String {
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buffer = Buffer::empty(area);
    draw(&Theme::default(), area, &mut buffer);
    let mut text = String::new();
    for y in 0..area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..area.width {
            let symbol = buffer[(x, y)].symbol();
            assert!(
                !symbol.chars().any(char::is_control),
                "{symbol:?} at {x},{y}"
            );
            if skip == 0 {
                line.push_str(symbol);
                skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            } else {
                skip -= 1;
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

pub(crate) fn failure() -> Failure {
    Failure::new("open", FailureKind::Data, "the store cannot be read")
        .with_hint("Free some space and press Space r.")
}

pub(crate) fn case_detail() -> CaseDetail {
    let section = |heading: &str, text: &str| Section {
        heading: heading.to_owned(),
        text: text.to_owned(),
    };
    CaseDetail {
        case: Case {
            id: CaseId(1),
            source: SourceId(1),
            source_name: "demo".to_owned(),
            key: "ct-017".to_owned(),
            title: "Solitary nodule in the right upper lobe".to_owned(),
            patient: Some("p17".to_owned()),
            modality: Some(Modality::Ct),
            body_part: Some("thorax".to_owned()),
            year: Some(2021),
            language: "en".to_owned(),
            licence: Some("CC0".to_owned()),
            sections: vec![
                section(
                    "History",
                    "A smoker of 61 years with a cough for three weeks. A nodule was seen on a film taken before an operation, and no older film is at hand to compare it with.",
                ),
                section(
                    "Findings",
                    "A solid nodule of 8 mm with a spiculated margin.\x1b[31m No calcification.",
                ),
                section(
                    "讨论",
                    "右肺上叶见一枚实性结节，边缘毛刺，直径约八毫米，建议三个月后复查。",
                ),
                section("Outcome", ""),
            ],
        },
        images: vec![Image {
            id: ImageId(1),
            case: CaseId(1),
            key: "slice-42".to_owned(),
            location: "ct-017/42.png".to_owned(),
            state: ImageState::Missing,
            modality: Some(Modality::Ct),
            plane: Some("axial".to_owned()),
            captions: vec![Caption {
                text: "Axial slice through the nodule, lung window.".to_owned(),
                language: "en".to_owned(),
            }],
            regions: Vec::new(),
        }],
        questions: Vec::new(),
        tags: Vec::new(),
        notes: Vec::new(),
    }
}

pub(crate) fn answer(model: &str, text: &str, rationale: &str, verdict: Verdict) -> AnswerRow {
    AnswerRow {
        answer: Answer {
            id: AnswerId(1),
            question: QuestionId(1),
            model: model.to_owned(),
            text: text.to_owned(),
            rationale: (!rationale.is_empty()).then(|| rationale.to_owned()),
            verdict,
            judged_by: "closed-1".to_owned(),
            source_name: "demo".to_owned(),
        },
        tags: Vec::new(),
    }
}

pub(crate) fn question_detail() -> QuestionDetail {
    QuestionDetail {
        question: Question {
            id: QuestionId(1),
            source: SourceId(1),
            source_name: "demo".to_owned(),
            key: "ct-017-1".to_owned(),
            case: Some(CaseId(1)),
            image: Some(ImageId(1)),
            text: "Which lobe holds the nodule?".to_owned(),
            kind: QuestionKind::Closed,
            options: ["right upper lobe", "right lower lobe", "left upper lobe"].map(str::to_owned).to_vec(),
            gold: "right upper lobe".to_owned(),
            gold_rationale: Some("The nodule lies above the minor fissure in the right upper lobe. It is solid, 8 mm, with a spiculated margin.".to_owned()),
            language: "en".to_owned(),
            class: None,
            split: None,
        },
        image: Some(ImageId(1)),
        answers: vec![
            answer("anneal", "A", "The nodule lies in the right upper lobe. It is solid with a spiculated margin.", Verdict::Right),
            answer("base", "right lower lobe", "A 12 mm nodule lies\x1b[2J in the right lower lobe.", Verdict::Wrong),
            answer("chat", "It may be either.", "", Verdict::Unparsed),
            answer("zh", "右肺上叶", "结节位于右肺上叶，边缘有毛刺。", Verdict::Right),
        ],
        tags: Vec::new(),
        notes: Vec::new(),
    }
}

#[test]
fn every_suggested_key_has_its_command() {
    let table: toml::Table = toml::from_str(include_str!("panes/keymap-rows.toml")).unwrap();
    let rows = table["keys"].as_array().unwrap();
    for row in rows {
        let run = row["run"].as_str().unwrap();
        let (pane, rest) = run.split_once('.').unwrap();
        assert_eq!(row["in"].as_str(), Some(pane));
        assert!(crate::panes::command(pane, rest).is_some(), "{run}");
    }
    let bound = |row: &toml::Value| (row["in"].to_string(), row["on"].to_string());
    let mut keys: Vec<_> = rows.iter().map(bound).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), rows.len(), "a key is bound twice");
}
