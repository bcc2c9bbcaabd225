use super::*;
use crate::keys::Key;
use crate::pane_testing::{INSIDES, case_detail, failure, screen};
use crate::shared::Load;

fn shared() -> Shared {
    let mut shared = Shared {
        case: Load::Ready(Box::new(case_detail())),
        ..Shared::default()
    };
    shared.selection.case = Some(CaseId(1));
    shared
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
    let mut waiting = Shared {
        spinner_frame: Some(0),
        ..Shared::default()
    };
    waiting.case.reload();
    let failed = Shared {
        case: Load::Failed(failure()),
        ..Shared::default()
    };
    let state = State::default();
    shown("empty", &state, &Shared::default());
    shown("loading", &state, &waiting);
    shown("loaded", &state, &shared());
    shown("failed", &state, &failed);
}

#[test]
fn a_search_shows_its_place_in_the_title() {
    let (mut state, mut shared) = (State::default(), shared());
    update(&mut state, command("find").unwrap(), &mut shared);
    assert!(is_typing(&state));
    for key in Key::parse_all("nodule<Enter>").unwrap() {
        typed(&mut state, Input::Key(key), &mut shared);
    }
    assert!(!is_typing(&state));
    assert_eq!(title(&state, &shared).right, "ct-017 · /nodule 1 of 4");
    update(&mut state, Msg::Back, &mut shared);
    assert_eq!(title(&state, &shared).right, "ct-017");
}

#[test]
fn another_case_begins_at_its_top() {
    let (mut state, mut shared) = (State::default(), shared());
    refresh(&mut state, &shared);
    update(&mut state, command("bottom").unwrap(), &mut shared);
    let area = Rect::new(0, 0, 20, 5);
    fit(&mut state, &shared, area);
    let end = screen((20, 5), |theme, area, buffer| {
        view(&state, &shared, theme, area, buffer);
    });
    assert!(end.contains("Licence"), "{end}");
    shared.selection.case = Some(CaseId(2));
    refresh(&mut state, &shared);
    let start = screen((20, 5), |theme, area, buffer| {
        view(&state, &shared, theme, area, buffer);
    });
    assert!(start.starts_with("Solitary nodule"), "{start}");
}

#[test]
fn no_size_is_too_small() {
    for size in [(0, 0), (1, 1), (2, 3), (5, 1)] {
        screen(size, |theme, area, buffer| {
            view(&State::default(), &shared(), theme, area, buffer);
        });
    }
}
