//! Notes: nothing that was typed is lost.

use semihv_domain::{CaseId, FailureKind};

use super::*;
use crate::shared::Load;
use crate::testing::{SIZES, case_detail, pane_text};

const TARGET: Target = Target::Case(CaseId(1));

fn shared() -> Shared {
    let mut shared = Shared {
        focus: crate::pane::PaneKind::Notes,
        ..Shared::default()
    };
    shared.selection.case = Some(CaseId(1));
    shared.case = Load::Ready(Box::new(case_detail(1)));
    shared
}

fn type_keys(state: &mut State, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in Key::parse_all(keys).unwrap() {
        effects.extend(typed(state, Input::Key(key), &mut shared()));
    }
    effects
}

fn open() -> State {
    let mut state = State::default();
    update(&mut state, Msg::New(TARGET), &mut shared());
    state
}

fn edits(effects: Vec<Effect>) -> Vec<Edit> {
    let only = |effect| match effect {
        Effect::Edit(edit) => Some(edit),
        _ => None,
    };
    effects.into_iter().filter_map(only).collect()
}

fn written(text: &str) -> Edit {
    Edit::WriteNote {
        target: TARGET,
        text: text.to_owned(),
    }
}

#[test]
fn a_note_is_written_with_control_s() {
    let mut state = open();
    assert_eq!(edits(type_keys(&mut state, "ok<C-s>")), [written("ok")]);
    state.edited(&written("ok"), true);
    assert!(!is_typing(&state));
}

#[test]
fn a_note_that_could_not_be_stored_stays_in_the_editor() {
    let mut state = open();
    type_keys(&mut state, "ok<C-s>");
    state.edited(&written("ok"), false);
    assert_eq!(state.editor().unwrap().edit.text(), "ok");
    assert_eq!(edits(type_keys(&mut state, "<C-s>")), [written("ok")]);
}

#[test]
fn a_pause_in_typing_keeps_the_draft() {
    let mut state = open();
    let effects = type_keys(&mut state, "ab");
    let Some(Effect::Wake(ticket, _)) = effects.last() else {
        panic!("{effects:?}");
    };
    let kept = edits(state.woke(*ticket).unwrap());
    let text = "ab".to_owned();
    assert_eq!(
        kept,
        [Edit::KeepDraft {
            target: TARGET,
            text
        }]
    );
}

#[test]
fn typing_without_a_pause_is_kept_too() {
    let mut state = open();
    let effects = type_keys(&mut state, &"x".repeat(MOST_UNKEPT));
    assert!(matches!(edits(effects)[..], [Edit::KeepDraft { .. }]));
}

#[test]
fn escape_keeps_a_draft_that_the_next_note_starts_from() {
    let mut state = open();
    assert!(matches!(
        edits(type_keys(&mut state, "half<Esc>"))[..],
        [Edit::KeepDraft { .. }]
    ));
    update(&mut state, Msg::New(TARGET), &mut shared());
    assert_eq!(state.editor().unwrap().edit.text(), "half");
}

#[test]
fn a_draft_of_an_earlier_life_arrives_in_the_empty_editor() {
    let mut state = State::default();
    let effects = update(&mut state, Msg::New(TARGET), &mut shared());
    let [Effect::Ask(ticket, Query::Draft(TARGET))] = effects[..] else {
        panic!("{effects:?}");
    };
    let found = Ok(Reply::Draft {
        target: TARGET,
        text: Some("from before".to_owned()),
    });
    reply(&mut state, ticket, &found, &mut shared());
    assert_eq!(state.editor().unwrap().edit.text(), "from before");
}

#[test]
fn an_empty_note_is_not_written_and_drops_its_draft() {
    let mut state = open();
    let dropped = Edit::DropDraft { target: TARGET };
    assert_eq!(edits(type_keys(&mut state, "a<Backspace><C-s>")), [dropped]);
    assert!(!is_typing(&state));
}

#[test]
fn the_editor_rewrites_the_note_it_was_opened_with() {
    let mut state = State::default();
    let effects = update(&mut state, Msg::Editor, &mut shared());
    assert!(
        matches!(&effects[..], [Effect::OpenEditor { text, .. }] if text == "Compare with the prior.")
    );
    let edit = edits(state.came_back(TARGET, "Changed.\n"));
    let text = "Changed.".to_owned();
    assert_eq!(
        edit,
        [Edit::ReplaceNote {
            note: NoteId(7),
            text
        }]
    );
}

#[test]
fn nothing_is_written_in_read_only_mode() {
    let mut state = State::default();
    let mut shared = shared();
    shared.is_read_only = true;
    for msg in [Msg::New(TARGET), Msg::Edit, Msg::Delete, Msg::Editor] {
        assert_eq!(update(&mut state, msg, &mut shared), []);
    }
}

#[test]
fn screens() {
    let failure = Failure::new("case", FailureKind::Internal, "the store is locked");
    let mut failed = shared();
    failed.case = Load::Failed(failure);
    let mut loading = shared();
    loading.case = Load::Loading { stale: None };
    let mut editing = open();
    type_keys(&mut editing, "First line<Enter>肺结节 second");
    for (name, state, shared) in [
        ("empty", State::default(), Shared::default()),
        ("loading", State::default(), loading),
        ("loaded", State::default(), shared()),
        ("failed", State::default(), failed),
        ("editing", editing, shared()),
    ] {
        for (size, area) in SIZES {
            let text = pane_text(area, |theme, area, buffer| {
                view(&state, &shared, theme, area, buffer);
            });
            insta::assert_snapshot!(format!("notes_{name}_{size}"), text);
        }
    }
}
