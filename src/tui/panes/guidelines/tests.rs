use semihv_domain::{
    DocumentKind, Guideline, GuidelineId, Hit, MatchedTerm, Passage, Reason, Snippet, SourceId,
};

use super::*;
use crate::pane::PaneKind;
use crate::pane_testing::{INSIDES, failure, screen};

fn hit(id: i64, score: f32) -> GuidelineHit {
    let text = "Solid nodules of 6 to 8 mm: a scan after 6 to 12 months.";
    let term = |term: &str, score: f32| MatchedTerm {
        field: "text".to_owned(),
        term: term.to_owned(),
        score,
        idf: 2.5,
        frequency: 1.0,
        documents: 1200,
    };
    GuidelineHit {
        hit: Hit {
            kind: DocumentKind::Passage,
            id,
            score,
            title: "Follow-up".to_owned(),
            source: "ngc".to_owned(),
            snippet: Snippet {
                text: text.to_owned(),
                highlights: std::iter::once(6..13).collect(),
            },
            reason: Reason {
                terms: vec![term("solid", 1.0), term("nodul", 3.0)],
            },
        },
        passage: PassageId(id),
        headings: vec![
            "Recommendations".to_owned(),
            "Solid\x1b[2J nodules".to_owned(),
        ],
        guideline_title: format!("Pulmonary nodules, part {id}"),
        year: Some(2017),
    }
}

fn passage(ordinal: u32, text: &str) -> Passage {
    Passage {
        id: PassageId(i64::from(ordinal)),
        guideline: GuidelineId(1),
        ordinal,
        headings: vec!["Recommendations".to_owned(), format!("Part {ordinal}")],
        text: text.to_owned(),
    }
}

fn detail() -> PassageDetail {
    PassageDetail {
        guideline: Guideline {
            id: GuidelineId(1),
            source: SourceId(1),
            source_name: "ngc".to_owned(),
            key: "g1".to_owned(),
            title: "Pulmonary nodules".to_owned(),
            developer: Some("A society".to_owned()),
            year: Some(2017),
            licence: None,
            language: "en".to_owned(),
        },
        passages: vec![
            passage(0, &"Background of the matter. ".repeat(60)),
            passage(
                1,
                "Solid nodules of 6 to 8 mm: a scan after 6 to 12 months.",
            ),
        ],
        at: 1,
    }
}

fn shared() -> Shared {
    let mut shared = Shared {
        focus: PaneKind::Guidelines,
        spinner_frame: Some(0),
        ..Shared::default()
    };
    shared.selection.case = Some(CaseId(1));
    shared.overview.passages = 4;
    shared
}

fn ticket(effects: &[Effect]) -> Ticket {
    match effects {
        [Effect::Ask(ticket, _)] => *ticket,
        other => panic!("{other:?}"),
    }
}

fn loaded(shared: &mut Shared) -> State {
    let mut state = State::default();
    let effects = refresh(&mut state, shared);
    let hits = Ok(Reply::Guidelines(vec![hit(1, 4.0), hit(2, 2.0)]));
    reply(&mut state, ticket(&effects), &hits, shared).unwrap();
    state
}

fn opened(shared: &mut Shared) -> State {
    let mut state = loaded(shared);
    let effects = update(&mut state, Msg::Open, shared);
    let answer = Ok(Reply::Passage(Box::new(detail())));
    reply(&mut state, ticket(&effects), &answer, shared).unwrap();
    state
}

fn shown(name: &str, state: &State, shared: &Shared) {
    for size in INSIDES {
        let text = screen(size, |theme, area, buffer| {
            view(state, shared, theme, area, buffer);
        });
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text);
    }
}

#[test]
fn screens() {
    let mut shared = shared();
    shown("empty", &State::default(), &Shared::default());
    let mut state = State::default();
    let effects = refresh(&mut state, &shared);
    shown("loading", &state, &shared);
    reply(&mut state, ticket(&effects), &Err(failure()), &mut shared).unwrap();
    shown("failed", &state, &shared);
    shown("loaded", &loaded(&mut shared), &shared);
    shown("opened", &opened(&mut shared), &shared);
}

#[test]
fn the_same_selection_is_asked_for_once() {
    let shared = shared();
    let mut state = State::default();
    assert_eq!(refresh(&mut state, &shared).len(), 1);
    assert_eq!(refresh(&mut state, &shared), []);
    forget(&mut state);
    assert_eq!(refresh(&mut state, &shared).len(), 1);
}

#[test]
fn a_typed_query_stands_instead_of_the_selection_until_escape() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    update(&mut state, command("find").unwrap(), &mut shared);
    let mut effects = Vec::new();
    for key in Key::parse_all("biopsy<Enter>").unwrap() {
        effects.extend(typed(&mut state, Input::Key(key), &mut shared));
    }
    let [
        Effect::Ask(
            _,
            Query::Guidelines {
                text, case: None, ..
            },
        ),
    ] = &effects[..]
    else {
        panic!("{effects:?}");
    };
    assert_eq!(text, "biopsy");
    let effects = update(&mut state, Msg::Back, &mut shared);
    assert!(matches!(
        &effects[..],
        [Effect::Ask(_, Query::Guidelines { case: Some(_), .. })]
    ));
}

#[test]
fn an_open_passage_begins_where_it_was_found() {
    let mut shared = shared();
    let state = opened(&mut shared);
    assert_eq!(shared.selection.passage, Some(PassageId(1)));
    let text = screen((40, 8), |theme, area, buffer| {
        view(&state, &shared, theme, area, buffer);
    });
    assert!(text.contains("Solid nodules of 6 to 8 mm"), "{text}");
}

#[test]
fn escape_leads_from_the_passage_back_to_the_hits() {
    let mut shared = shared();
    let mut state = opened(&mut shared);
    update(&mut state, Msg::Back, &mut shared);
    assert!(state.open.is_none());
    assert_eq!(title(&state, &shared).right, "for the selection · 2 hits");
}

#[test]
fn no_size_is_too_small() {
    let mut shared = shared();
    for size in [(0, 0), (1, 1), (2, 3), (5, 1), (30, 9)] {
        for state in [&mut loaded(&mut shared), &mut opened(&mut shared)] {
            fit(state, &shared, Rect::new(0, 0, size.0, size.1));
            screen(size, |theme, area, buffer| {
                view(state, &shared, theme, area, buffer);
            });
        }
    }
}
