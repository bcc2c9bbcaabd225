use semihv_domain::Share;
use semihv_domain::{CosineParts, Kept, LeftOut, MatchedTerm, Reason, Snippet, VectorsUsed};

use super::*;
use crate::pane::PaneKind;
use crate::pane_testing::{INSIDES, failure, screen};

fn hit(rank: usize, pool: Pool, title: &str) -> RetrievedHit {
    let share = |rank: usize, score: f64| Share {
        rank,
        score,
        adds: 1.0 / (60.0 + rank as f64),
    };
    RetrievedHit {
        pool,
        rank,
        row: rank as i64 + 6,
        image: (pool == Pool::Case).then_some(ImageId(70 + rank as i64)),
        key: format!("ct-{rank}"),
        source: "demo".to_owned(),
        licence: None,
        title: title.to_owned(),
        headings: match pool {
            Pool::Case => Vec::new(),
            Pool::Guideline => vec!["Follow-up".to_owned(), "Solid\x1b[2J nodules".to_owned()],
        },
        snippet: Snippet {
            text: "Solid nodules of 6 to 8 mm: a scan after 6 to 12 months.".to_owned(),
            highlights: std::iter::once(6..13).collect(),
        },
        score: 0.04 / rank as f64,
        dense: Some(share(rank, 0.7 / rank as f64)),
        words: (rank != 2).then(|| share(rank + 1, 11.3)),
        parts: Some(CosineParts {
            text_text: 0.31,
            text_image: 0.0,
            image_text: 0.0,
            image_image: 0.39,
        }),
        reason: Reason {
            terms: vec![MatchedTerm {
                field: "text".to_owned(),
                term: "nodul".to_owned(),
                score: 3.0,
                idf: 2.5,
                frequency: 1.0,
                documents: 1200,
            }],
        },
        kept: match pool {
            Pool::Case => Kept::Score,
            Pool::Guideline => Kept::Quota {
                displaced: Some("Granuloma".to_owned()),
            },
        },
    }
}

fn found() -> Retrieved {
    Retrieved {
        hits: vec![
            hit(1, Pool::Case, "Solid nodule of the right upper lobe"),
            hit(2, Pool::Case, "Hamartoma"),
            hit(3, Pool::Guideline, "Pulmonary nodules"),
        ],
        fusion: Some(semihv_domain::Fusion::default()),
        vectors: Some(VectorsUsed {
            encoder: "counted-1".to_owned(),
            generation: 3,
            search: "exact".to_owned(),
            rows: 4_756,
        }),
        left_out: LeftOut {
            own_case: 1,
            same_patient: 2,
            ..LeftOut::default()
        },
        remarks: Vec::new(),
    }
}

fn shared() -> Shared {
    let mut shared = Shared {
        focus: PaneKind::Hits,
        spinner_frame: Some(0),
        ..Shared::default()
    };
    shared.selection.case = Some(CaseId(1));
    shared
}

fn asked(effects: &[Effect]) -> (Ticket, RetrieveSpec) {
    match effects {
        [Effect::Ask(ticket, Query::Retrieve(spec))] => (*ticket, (**spec).clone()),
        other => panic!("{other:?}"),
    }
}

fn loaded(shared: &mut Shared, found: Retrieved) -> State {
    let mut state = State::default();
    let (ticket, _) = asked(&refresh(&mut state, shared));
    let answer = Ok(Reply::Retrieved(Box::new(found)));
    reply(&mut state, ticket, &answer, shared).unwrap();
    state
}

fn shows(name: &str, state: &State, shared: &Shared) {
    for size in INSIDES {
        let text = screen(size, |theme, area, buffer| {
            view(state, shared, theme, area, buffer);
        });
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text);
    }
}

#[test]
fn screens_in_every_state() {
    let mut shared = shared();
    shows("empty", &State::default(), &Shared::default());
    let mut state = State::default();
    let _ = refresh(&mut state, &shared);
    shows("loading", &state, &shared);
    let mut state = loaded(&mut shared, found());
    shows("loaded", &state, &shared);
    update(&mut state, Msg::Read(reader::Msg::Bottom), &mut shared);
    shows("quota", &state, &shared);
    let nothing = Retrieved {
        hits: Vec::new(),
        remarks: vec!["there are no vectors yet: run `semihv vectors`".to_owned()],
        ..found()
    };
    shows("nothing", &loaded(&mut shared, nothing), &shared);
    let mut state = State::default();
    let (ticket, _) = asked(&refresh(&mut state, &shared));
    reply(&mut state, ticket, &Err(failure()), &mut shared).unwrap();
    shows("failed", &state, &shared);
}

#[test]
fn what_is_looked_for_goes_round_and_typed_words_take_the_cases_place() {
    let mut shared = shared();
    let mut state = State::default();
    let (_, spec) = asked(&refresh(&mut state, &shared));
    assert!(spec.reads_case && spec.case == Some(CaseId(1)));
    assert_eq!(
        refresh(&mut state, &shared),
        [],
        "the same is not asked twice"
    );
    update(&mut state, Msg::NextBy, &mut shared);
    assert_eq!(state.by, By::Image);
    update(&mut state, Msg::Read(reader::Msg::Find), &mut shared);
    assert!(is_typing(&state));
    typed(
        &mut state,
        Input::Paste("apical scar".to_owned()),
        &mut shared,
    );
    let effects = typed(&mut state, Input::Key(Key::ENTER), &mut shared);
    let (_, spec) = asked(&effects);
    assert_eq!(
        (spec.text.as_str(), spec.reads_case),
        ("apical scar", false)
    );
    let (_, spec) = asked(&update(&mut state, Msg::Back, &mut shared));
    assert!(spec.text.is_empty() && spec.reads_case);
}

#[test]
fn a_case_that_is_opened_becomes_the_selection() {
    let mut shared = shared();
    let mut state = loaded(&mut shared, found());
    update(&mut state, Msg::Read(reader::Msg::Down), &mut shared);
    update(&mut state, Msg::Open, &mut shared);
    assert_eq!(shared.selection.case, Some(CaseId(8)));
    assert_eq!(shared.selection.image, Some(ImageId(72)));
    let mut state = loaded(&mut shared, found());
    update(&mut state, Msg::Hit(2), &mut shared);
    update(&mut state, Msg::Open, &mut shared);
    assert_eq!(
        shared.selection.case,
        Some(CaseId(8)),
        "a passage is no case"
    );
}
