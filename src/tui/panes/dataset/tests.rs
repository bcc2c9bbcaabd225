use semihv_engine::Share;

use super::*;
use crate::pane::PaneKind;
use crate::pane_testing::{INSIDES, failure, screen};

fn source(name: &str, cases: u64, is_complete: bool) -> SourceRow {
    SourceRow {
        name: name.to_owned(),
        kind: "medpix2".to_owned(),
        path: format!("/data/{name}"),
        cases,
        images: cases * 3,
        missing_images: 2,
        questions: 0,
        answers: 0,
        passages: 0,
        skipped: 7,
        imported: 0,
        is_complete,
    }
}

fn share(name: &str, count: u64) -> Share {
    Share {
        name: name.to_owned(),
        count,
    }
}

fn dataset() -> Dataset {
    Dataset {
        sources: vec![
            source("medpix", 671, true),
            source("ro\x1b[2Jco", 1_234_567, false),
        ],
        modalities: vec![
            share("CT", 3115),
            share("MR", 2131),
            share("X-ray", 1561),
            share("DSA", 3),
        ],
        skipped_reasons: vec![
            share("the image is missing", 12),
            share("no answer in the row", 2),
        ],
    }
}

fn shared() -> Shared {
    Shared {
        focus: PaneKind::Dataset,
        spinner_frame: Some(0),
        ..Shared::default()
    }
}

fn ticket(effects: &[Effect]) -> Ticket {
    match effects {
        [Effect::Ask(ticket, _)] => *ticket,
        other => panic!("{other:?}"),
    }
}

fn answered(answer: Result<Reply, Failure>) -> State {
    let mut state = State::default();
    let effects = refresh(&mut state, &shared());
    reply(&mut state, ticket(&effects), &answer, &mut shared()).unwrap();
    state
}

fn loaded() -> State {
    answered(Ok(Reply::Dataset(dataset())))
}

fn opened(rows: Vec<SkippedRow>) -> State {
    let mut state = loaded();
    let effects = update(&mut state, Msg::Open, &mut shared());
    reply(
        &mut state,
        ticket(&effects),
        &Ok(Reply::Skipped(rows)),
        &mut shared(),
    )
    .unwrap();
    state
}

fn skipped(line: u64) -> SkippedRow {
    SkippedRow {
        source: "medpix".to_owned(),
        file: "cases.json".to_owned(),
        line: Some(line),
        reason: "the image is missing".to_owned(),
    }
}

fn shown(name: &str, state: &State) {
    for size in INSIDES {
        let text = screen(size, |theme, area, buffer| {
            view(state, &shared(), theme, area, buffer);
        });
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text);
    }
}

#[test]
fn screens() {
    shown("empty", &answered(Ok(Reply::Dataset(Dataset::default()))));
    let mut waiting = State::default();
    refresh(&mut waiting, &shared());
    shown("loading", &waiting);
    shown("failed", &answered(Err(failure())));
    shown("loaded", &loaded());
    shown("skipped", &opened(vec![skipped(3), skipped(9)]));
    shown("nothing-skipped", &opened(Vec::new()));
}

#[test]
fn it_is_counted_once_and_again_after_rows_changed() {
    let mut state = loaded();
    assert_eq!(refresh(&mut state, &shared()), []);
    forget(&mut state);
    assert_eq!(refresh(&mut state, &shared()).len(), 1);
}

#[test]
fn enter_asks_for_the_skipped_rows_of_the_source_under_the_cursor() {
    let mut state = loaded();
    update(&mut state, command("down").unwrap(), &mut shared());
    let effects = update(&mut state, command("open").unwrap(), &mut shared());
    let [
        Effect::Ask(
            _,
            Query::Skipped {
                source: Some(source),
                ..
            },
        ),
    ] = &effects[..]
    else {
        panic!("{effects:?}");
    };
    assert_eq!(source, "ro\x1b[2Jco");
    update(&mut state, Msg::Back, &mut shared());
    assert_eq!(title(&state, &shared()).right, "2 sources");
}

#[test]
fn no_key_does_anything_where_nothing_is() {
    let mut state = State::default();
    for name in ["down", "up", "top", "bottom", "open", "back", "find"] {
        assert_eq!(
            update(&mut state, command(name).unwrap(), &mut shared()),
            []
        );
    }
}

#[test]
fn no_size_is_too_small() {
    for size in [(0, 0), (1, 1), (2, 3), (5, 1), (30, 9), (120, 4)] {
        for state in [&mut loaded(), &mut opened(vec![skipped(1)])] {
            fit(state, &shared(), Rect::new(0, 0, size.0, size.1));
            screen(size, |theme, area, buffer| {
                view(state, &shared(), theme, area, buffer);
            });
        }
    }
}
