//! For tests: states of a given size, keys through the real keymap, buffers as text.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_domain::{
    Case, CaseId, Image, ImageId, ImageState, Modality, Note, NoteId, Question, QuestionId,
    QuestionKind, Section, SourceId, Tag, Target, Verdict,
};
use semihv_engine::{
    CaseDetail, CaseRow, ListKind, ListRow, Listing, ModelScore, Overview, Query, QuestionDetail,
    QuestionRow, Reply,
};

use crate::action::{Action, Effect};
use crate::keys::Key;
use crate::state::{Start, State};
use crate::theme::{Theme, Themes};
use crate::update::{opening, update};
use crate::view::view;

/// The inside of a pane on the two screens that every snapshot is made for.
pub(crate) const SIZES: [(&str, Rect); 2] = [
    ("80x24", Rect::new(0, 0, 78, 21)),
    ("160x50", Rect::new(0, 0, 78, 30)),
];

pub(crate) fn theme() -> Theme {
    Themes::built_in().theme("dark").unwrap()
}

/// A state on a screen of this size to which nothing has been answered.
pub(crate) fn state(columns: u16, rows: u16) -> State {
    State::new(&Start {
        size: (columns, rows),
        ..Start::default()
    })
}

/// Types keys through the real keymap and collects what is asked for.
pub(crate) fn type_keys(state: &mut State, keys: &str) -> Vec<Effect> {
    let keys = Key::parse_all(keys).unwrap();
    keys.into_iter()
        .flat_map(|key| update(state, Action::Key(key)))
        .collect()
}

/// Answers effects and everything that follows from them out of a small made-up workspace.
pub(crate) fn answer(state: &mut State, world: &World, effects: Vec<Effect>) {
    let mut open = std::collections::VecDeque::from(effects);
    while let Some(effect) = open.pop_front() {
        if let Effect::Ask(ticket, query) = effect
            && let Some(reply) = world.reply(&query)
        {
            open.extend(update(state, Action::Reply(ticket, Ok(reply))));
        }
    }
}

/// A workspace of so many cases with one question each.
pub(crate) struct World {
    pub(crate) cases: i64,
}

impl World {
    pub(crate) fn opened(&self, columns: u16, rows: u16) -> State {
        let mut state = state(columns, rows);
        let effects = opening(&mut state, None);
        answer(&mut state, self, effects);
        state
    }

    fn reply(&self, query: &Query) -> Option<Reply> {
        Some(match query {
            Query::Overview => Reply::Overview(overview(self.cases as u64)),
            Query::List(spec) => Reply::List(Listing {
                spec: spec.clone(),
                ids: match spec.filter.as_str() {
                    "nothing" => std::sync::Arc::from([]),
                    _ => (1..=self.cases).collect(),
                },
                remark: None,
            }),
            Query::Rows { kind, ids } => Reply::Rows {
                kind: *kind,
                rows: ids.iter().map(|id| row(*kind, *id)).collect(),
            },
            Query::Case(CaseId(id)) => Reply::Case(Box::new(case_detail(*id))),
            Query::Question(QuestionId(id)) => Reply::Question(Box::new(question_detail(*id))),
            Query::Jobs => Reply::Jobs(Vec::new()),
            Query::Tags => Reply::Tags(vec![(Tag::parse("laterality").unwrap(), 3)]),
            _ => return None,
        })
    }
}

fn overview(cases: u64) -> Overview {
    let score = |model: &str| ModelScore {
        model: model.to_owned(),
        answers: cases,
        right: cases / 2,
        wrong: cases / 2,
        unparsed: 0,
        unjudged: 0,
    };
    Overview {
        workspace: "demo".to_owned(),
        cases,
        questions: cases,
        models: vec![score("a"), score("b")],
        ..Overview::default()
    }
}

pub(crate) fn row(kind: ListKind, id: i64) -> ListRow {
    match kind {
        ListKind::Cases => ListRow::Case(CaseRow {
            id: CaseId(id),
            key: format!("ct-{id:03}"),
            title: format!("Solid nodule of the right upper lobe, number {id}"),
            source: "demo".to_owned(),
            modality: Some(Modality::Ct),
            images: 2,
            questions: 1,
            tags: if id == 2 {
                vec![Tag::parse("laterality").unwrap()]
            } else {
                Vec::new()
            },
            has_note: id == 1,
        }),
        ListKind::Questions => ListRow::Question(question_row(id)),
    }
}

fn question_row(id: i64) -> QuestionRow {
    QuestionRow {
        id: QuestionId(id),
        key: format!("q-{id:03}"),
        text: "Which lobe holds the nodule?".to_owned(),
        kind: QuestionKind::Closed,
        case: Some(CaseId(id)),
        source: "demo".to_owned(),
        modality: Some(Modality::Ct),
        verdicts: vec![
            ("a".to_owned(), Verdict::Right),
            ("b".to_owned(), Verdict::Wrong),
        ],
        tags: Vec::new(),
        has_note: false,
    }
}

pub(crate) fn case_detail(id: i64) -> CaseDetail {
    CaseDetail {
        case: Case {
            id: CaseId(id),
            source: SourceId(1),
            source_name: "demo".to_owned(),
            key: format!("ct-{id:03}"),
            title: format!("Solid nodule of the right upper lobe, number {id}"),
            patient: None,
            modality: Some(Modality::Ct),
            body_part: None,
            year: Some(2021),
            language: "en".to_owned(),
            licence: None,
            sections: vec![Section {
                heading: "Findings".to_owned(),
                text: "A solid nodule of 8 mm.".to_owned(),
            }],
        },
        images: vec![Image {
            id: ImageId(id * 10),
            case: CaseId(id),
            key: "1".to_owned(),
            location: "ct.png".to_owned(),
            state: ImageState::Unchecked,
            modality: None,
            plane: None,
            captions: Vec::new(),
            regions: Vec::new(),
        }],
        questions: vec![question_row(id)],
        tags: vec![Tag::parse("laterality").unwrap()],
        notes: vec![Note {
            id: NoteId(7),
            target: Target::Case(CaseId(id)),
            text: "Compare with the prior.".to_owned(),
            author: "ada".to_owned(),
            written: 0,
        }],
    }
}

fn question_detail(id: i64) -> QuestionDetail {
    QuestionDetail {
        question: Question {
            id: QuestionId(id),
            source: SourceId(1),
            source_name: "demo".to_owned(),
            key: format!("q-{id:03}"),
            case: Some(CaseId(id)),
            image: None,
            text: "Which lobe holds the nodule?".to_owned(),
            kind: QuestionKind::Closed,
            options: Vec::new(),
            gold: "right upper lobe".to_owned(),
            gold_rationale: None,
            language: "en".to_owned(),
            class: None,
            split: None,
        },
        image: Some(ImageId(id * 10)),
        answers: Vec::new(),
        tags: Vec::new(),
        notes: Vec::new(),
    }
}

/// The whole screen as text.
pub(crate) fn screen_text(state: &State) -> String {
    let mut buffer = Buffer::empty(state.screen());
    view(state, &state.look.theme, &mut buffer);
    text_of(&buffer)
}

/// One pane's inside as text.
pub(crate) fn pane_text(area: Rect, draw: impl FnOnce(&Theme, Rect, &mut Buffer)) -> String {
    let mut buffer = Buffer::empty(area);
    draw(&theme(), area, &mut buffer);
    text_of(&buffer)
}

fn text_of(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area().width).max(1);
    let mut text = String::new();
    for row in buffer.content.chunks(width) {
        let mut skip = 0;
        let mut line = String::new();
        for cell in row {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
