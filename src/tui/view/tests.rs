//! Whole screens, and whole journeys of keys through the real keymap.

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_domain::{CaseId, Failure, FailureKind, ImageId, NoteId, QuestionId, Tag, Target};
use semihv_engine::{Edit, Edited, Event, Query};

use super::view;
use crate::action::{Action, Effect};
use crate::backend::Settings;
use crate::keys::Key;
use crate::pane::{Mouse, MouseKind, PaneKind};
use crate::state::State;
use crate::testing::{World, answer, screen_text, state, theme, type_keys};
use crate::update::{opening, update};

const SMALL: World = World { cases: 60 };

fn journey(state: &mut State, keys: &str) -> Vec<Effect> {
    let mut all = Vec::new();
    for key in Key::parse_all(keys).unwrap() {
        let effects = update(state, Action::Key(key));
        all.extend(effects.clone());
        answer(state, &SMALL, effects);
    }
    all
}

fn edits(effects: &[Effect]) -> Vec<Edit> {
    let only = |effect: &Effect| match effect {
        Effect::Edit(edit) => Some(edit.clone()),
        _ => None,
    };
    effects.iter().filter_map(only).collect()
}

/// As the runtime does it: stores each edit and tells so, with what takes it back.
fn store(state: &mut State, effects: &[Effect], undo: &Edit) {
    for edit in edits(effects) {
        let edited = Edited {
            changed: vec![Target::Case(CaseId(1))],
            undo: Some(undo.clone()),
        };
        update(state, Action::Edited(edit, Ok(edited)));
    }
}

fn tag(name: &str) -> Tag {
    Tag::parse(name).unwrap()
}

#[test]
fn opening_asks_for_the_overview_and_for_what_is_seen() {
    let mut state = state(160, 50);
    let effects = opening(&mut state, None);
    let asked: Vec<&Query> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Ask(_, query) => Some(query),
            _ => None,
        })
        .collect();
    assert_eq!(asked.len(), 5, "{asked:?}");
    assert_eq!(asked[0], &Query::Overview);
    assert!(matches!(asked[4], Query::List(spec) if spec.filter.is_empty()));
}

#[test]
fn moving_in_the_cases_moves_everything_else() {
    let mut state = SMALL.opened(160, 50);
    journey(&mut state, "jj");
    let selection = &state.shared.selection;
    assert_eq!(selection.case, Some(CaseId(3)));
    assert_eq!(selection.question, Some(QuestionId(3)));
    assert_eq!(selection.image, Some(ImageId(30)));
}

#[test]
fn holding_j_leaves_one_answer_to_wait_for() {
    let mut state = SMALL.opened(160, 50);
    let effects = type_keys(&mut state, "jjjjjjjj");
    let cases = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Ask(ticket, Query::Case(id)) => Some((*ticket, *id)),
            _ => None,
        })
        .collect::<Vec<_>>();
    let ((old, old_id), (new, new_id)) = (cases[0], cases[7]);
    let reply = |id: CaseId| {
        let detail = Box::new(crate::testing::case_detail(id.0));
        Ok(semihv_engine::Reply::Case(detail))
    };
    update(&mut state, Action::Reply(old, reply(old_id)));
    assert_ne!(
        state.shared.case.value().map(|detail| detail.case.id),
        Some(old_id)
    );
    update(&mut state, Action::Reply(new, reply(new_id)));
    assert_eq!(
        state.shared.case.value().map(|detail| detail.case.id),
        Some(CaseId(9))
    );
}

#[test]
fn brackets_walk_in_the_list_that_led_here() {
    let mut state = SMALL.opened(160, 50);
    journey(&mut state, "2jj");
    journey(&mut state, "<Tab>]");
    assert_eq!(state.focus(), PaneKind::Image);
    assert_eq!(state.shared.selection.question, Some(QuestionId(4)));
    journey(&mut state, "[[");
    assert_eq!(state.shared.selection.question, Some(QuestionId(2)));
    assert_eq!(
        state.panes.cases.list.cursor(),
        0,
        "the list that is not seen stays"
    );
    journey(&mut state, "1");
    assert_eq!(state.panes.cases.list.current(), Some(2));
}

#[test]
fn marked_rows_are_tagged_at_once_and_untagged_by_undo() {
    let mut state = SMALL.opened(160, 50);
    let effects = journey(&mut state, "mmmtlung<Enter>");
    let targets: Vec<Target> = [1, 2, 3].map(|id| Target::Case(CaseId(id))).into();
    let added = Edit::AddTag {
        targets: targets.clone(),
        tag: tag("lung"),
    };
    assert_eq!(edits(&effects), [added]);
    let removed = Edit::RemoveTag {
        targets,
        tag: tag("lung"),
    };
    store(&mut state, &effects, &removed);
    let effects = journey(&mut state, "u");
    assert_eq!(edits(&effects).first(), Some(&removed));
    store(&mut state, &effects, &removed);
    assert_eq!(
        edits(&journey(&mut state, "u")),
        [],
        "an undo is not undone"
    );
}

#[test]
fn a_row_that_has_the_tag_already_is_not_tagged_again() {
    let mut state = SMALL.opened(160, 50);
    let effects = journey(&mut state, "mmtlater<Tab><Enter>");
    let only_the_new = Edit::AddTag {
        targets: vec![Target::Case(CaseId(1))],
        tag: tag("laterality"),
    };
    assert_eq!(edits(&effects), [only_the_new]);
}

#[test]
fn a_note_is_written_from_any_pane_and_the_keys_go_back() {
    let mut state = SMALL.opened(160, 50);
    let effects = journey(&mut state, "nok<C-s>");
    assert_eq!(state.focus(), PaneKind::Notes);
    let written = Edit::WriteNote {
        target: Target::Case(CaseId(1)),
        text: "ok".to_owned(),
    };
    assert_eq!(edits(&effects).first(), Some(&written));
    store(&mut state, &effects, &written);
    assert_eq!(state.focus(), PaneKind::Cases);
}

#[test]
fn a_deleted_note_comes_back_by_undo() {
    let mut state = SMALL.opened(160, 50);
    let effects = journey(&mut state, "<Tab>d");
    assert_eq!(edits(&effects), [Edit::DeleteNote { note: NoteId(7) }]);
    let written = Edit::WriteNote {
        target: Target::Case(CaseId(1)),
        text: "Compare with the prior.".to_owned(),
    };
    store(&mut state, &effects, &written);
    assert_eq!(edits(&journey(&mut state, "u")), [written]);
}

#[test]
fn a_read_only_workspace_refuses_changes_with_words() {
    let mut state = SMALL.opened(160, 50);
    state.shared.is_read_only = true;
    for keys in ["tx<Enter>", "n", "u", "<Space>i"] {
        let effects = journey(&mut state, keys);
        assert_eq!(edits(&effects), [], "{keys}");
        assert!(
            !effects
                .iter()
                .any(|effect| matches!(effect, Effect::Start(_)))
        );
        assert!(
            state.toasts.back().unwrap().text.contains("read-only"),
            "{keys}"
        );
        journey(&mut state, "<Esc>");
    }
}

#[test]
fn the_popup_shows_what_may_follow_after_a_wait() {
    let mut state = SMALL.opened(160, 50);
    let effects = type_keys(&mut state, "<Space>");
    let [Effect::Wake(ticket, _)] = effects[..] else {
        panic!("{effects:?}");
    };
    assert!(!state.is_which_key_shown);
    update(&mut state, Action::Woke(ticket));
    assert!(screen_text(&state).contains("Choose a theme"));
    type_keys(&mut state, "<Esc>");
    assert!(!state.is_which_key_shown);
    assert_eq!(state.overlay, None);
}

#[test]
fn the_palette_runs_the_words_of_the_command_line() {
    let mut state = SMALL.opened(160, 50);
    let effects = journey(&mut state, ":index<Enter>");
    assert!(
        matches!(effects.last(), Some(Effect::Start(_))),
        "{effects:?}"
    );
    journey(&mut state, ":import<Space>nowhere<Enter>");
    assert!(screen_text(&state).contains("import needs a kind and a path"));
    journey(&mut state, "<Esc>:theme<Space>light<Enter>");
    assert_eq!(state.look.theme.name(), "light");
}

#[test]
fn changed_settings_that_are_wrong_leave_the_old_ones() {
    let mut state = SMALL.opened(160, 50);
    let trouble = Some("line 3: unknown key `them`".to_owned());
    let effects = update(
        &mut state,
        Action::Engine(Event::SettingsChanged { trouble }),
    );
    assert!(!effects.contains(&Effect::ReadSettings));
    assert!(screen_text(&state).contains("line 3: unknown key"));
    let settings = Settings {
        theme: Some("nowhere".to_owned()),
        ..Settings::default()
    };
    update(&mut state, Action::Settings(Box::new(settings)));
    assert_eq!(state.look.theme.name(), "dark");
}

#[test]
fn a_change_that_was_not_stored_is_told_with_its_hint() {
    let mut state = SMALL.opened(160, 50);
    let edit = Edit::AddTag {
        targets: vec![Target::Case(CaseId(1))],
        tag: tag("a"),
    };
    let failure = Failure::new("edit", FailureKind::Data, "the disk is full");
    let failure = failure.with_hint("free some space and try again");
    update(&mut state, Action::Edited(edit, Err(failure)));
    let text = screen_text(&state);
    assert!(
        text.contains("! the disk is full — free some space and try again"),
        "{text}"
    );
    assert_eq!(
        edits(&journey(&mut state, "u")),
        [],
        "nothing was done, so nothing is undone"
    );
}

#[test]
fn leaving_keeps_what_was_being_typed() {
    let mut state = SMALL.opened(160, 50);
    journey(&mut state, "nhalf");
    let effects = crate::update::leaving(&mut state);
    let kept = Edit::KeepDraft {
        target: Target::Case(CaseId(1)),
        text: "half".to_owned(),
    };
    assert_eq!(edits(&effects), [kept]);
}

#[test]
fn a_click_goes_to_a_row_a_tab_and_a_border() {
    let mut state = SMALL.opened(160, 50);
    let click = |state: &mut State, column, row, kind| {
        let effects = update(state, Action::Mouse(Mouse { column, row, kind }));
        answer(state, &SMALL, effects);
    };
    click(&mut state, 10, 6, MouseKind::Click);
    assert_eq!(state.shared.selection.case, Some(CaseId(5)));
    let analyse = screen_text(&state)
        .lines()
        .next()
        .unwrap()
        .find("analyse")
        .unwrap();
    click(
        &mut state,
        u16::try_from(analyse).unwrap(),
        0,
        MouseKind::Click,
    );
    assert_eq!(state.focus(), PaneKind::Questions);
    let before = state.areas().inside_of(PaneKind::Questions).unwrap();
    click(&mut state, before.right() + 1, 10, MouseKind::Click);
    click(&mut state, before.right() + 11, 10, MouseKind::Drag);
    let after = state.areas().inside_of(PaneKind::Questions).unwrap();
    assert!(after.width > before.width + 5, "{before} {after}");
}

#[test]
fn a_pane_is_split_maximised_and_closed() {
    let mut state = SMALL.opened(160, 50);
    journey(&mut state, "<Space>wvjobs<Enter>");
    assert_eq!(state.focus(), PaneKind::Jobs);
    assert!(state.areas().inside_of(PaneKind::Cases).is_some());
    journey(&mut state, "z");
    assert_eq!(state.areas().insides().len(), 1);
    journey(&mut state, "z<Space>wc");
    assert!(!state.layouts.tree().contains(PaneKind::Jobs));
    journey(&mut state, "<Space>wwmine<Enter>");
    assert!(state.layouts.names().any(|name| name == "mine"));
}

#[test]
fn screens_of_the_lists() {
    let failed = || Failure::new("list", FailureKind::Internal, "the store is locked");
    for (layout, name) in [("1", "cases"), ("2", "questions")] {
        for (columns, rows) in [(80, 24), (160, 50)] {
            let size = format!("{columns}x{rows}");
            let shot = |what: &str, state: &State| {
                insta::assert_snapshot!(format!("{name}_{what}_{size}"), screen_text(state));
            };
            let empty = World { cases: 0 };
            let mut loading = state(columns, rows);
            opening(&mut loading, None);
            type_keys(&mut loading, layout);
            shot("loading", &loading);
            let mut nothing = empty.opened(columns, rows);
            let effects = type_keys(&mut nothing, layout);
            answer(&mut nothing, &empty, effects);
            shot("empty", &nothing);
            let mut loaded = SMALL.opened(columns, rows);
            journey(&mut loaded, layout);
            journey(&mut loaded, "jmm");
            shot("loaded", &loaded);
            let mut broken = state(columns, rows);
            let mut effects = opening(&mut broken, None);
            effects.extend(type_keys(&mut broken, layout));
            for effect in effects {
                if let Effect::Ask(ticket, Query::List(_)) = effect {
                    update(&mut broken, Action::Reply(ticket, Err(failed())));
                }
            }
            shot("failed", &broken);
        }
    }
}

#[test]
fn screens_of_the_overlays() {
    for (name, keys) in [
        ("palette", ":lay"),
        ("help", "?"),
        ("tag", "mmt"),
        ("search", "/ct"),
    ] {
        let mut state = SMALL.opened(80, 24);
        journey(&mut state, keys);
        insta::assert_snapshot!(format!("overlay_{name}_80x24"), screen_text(&state));
    }
}

#[test]
fn ascii_has_no_other_sign() {
    let mut state = SMALL.opened(160, 50);
    journey(&mut state, "2jm:ascii<Enter>");
    let text = screen_text(&state);
    let odd: Vec<char> = text.chars().filter(|c| !c.is_ascii()).collect();
    assert!(odd.is_empty(), "{odd:?}\n{text}");
}

/// Keys that lead everywhere, some of them nowhere.
const KEYS: [&str; 40] = [
    "j",
    "k",
    "g",
    "G",
    "m",
    "v",
    "t",
    "T",
    "n",
    "u",
    "y",
    "z",
    "o",
    "/",
    ":",
    "?",
    "]",
    "[",
    "1",
    "2",
    "3",
    "4",
    "5",
    "<Tab>",
    "<S-Tab>",
    "<Esc>",
    "<Enter>",
    "<Space>",
    "w",
    "s",
    "c",
    "x",
    "a",
    "<Backspace>",
    "<Down>",
    "<PageDown>",
    "<C-s>",
    "<Left>",
    "+",
    "<lt>",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_keys_on_no_screen_can_break_it(
        steps in proptest::collection::vec((0..44usize, 1u16..180, 1u16..60), 1..60),
    ) {
        let mut state = SMALL.opened(120, 40);
        for (step, columns, rows) in steps {
            let action = match step {
                40 => Action::Resize(columns, rows),
                41 => Action::Mouse(Mouse { column: columns, row: rows, kind: MouseKind::Click }),
                42 => Action::Mouse(Mouse { column: columns, row: rows, kind: MouseKind::Drag }),
                43 => Action::Paste("肺\u{1b}[31m\nnodule".to_owned()),
                key => Action::Key(Key::parse(KEYS[key]).unwrap()),
            };
            let effects = update(&mut state, action);
            let stored = edits(&effects);
            answer(&mut state, &SMALL, effects);
            for edit in stored {
                let edited = Edited { changed: Vec::new(), undo: Some(edit.clone()) };
                let effects = update(&mut state, Action::Edited(edit, Ok(edited)));
                answer(&mut state, &SMALL, effects);
            }
            let wide = Rect::new(0, 0, state.size.0 + 3, state.size.1 + 2);
            let mut buffer = Buffer::empty(wide);
            view(&state, &theme(), &mut buffer);
            for y in 0..wide.height {
                for x in 0..wide.width {
                    let cell = &buffer[(x, y)];
                    let is_outside = x >= state.size.0 || y >= state.size.1;
                    prop_assert!(!is_outside || cell.symbol() == " ", "{x},{y}: {}", cell.symbol());
                    prop_assert!(!cell.symbol().chars().any(char::is_control));
                }
            }
            let mut narrow = Buffer::empty(Rect::new(0, 0, columns.min(state.size.0), rows.min(state.size.1)));
            view(&state, &theme(), &mut narrow);
        }
    }
}

#[test]
fn a_case_is_selected_where_no_list_is_in_sight() {
    let mut state = state(80, 24);
    type_keys(&mut state, "3");
    let effects = opening(&mut state, None);
    answer(&mut state, &SMALL, effects);
    assert!(screen_text(&state).contains("hits"));
    assert!(!screen_text(&state).contains("cases ─"));
    assert!(state.shared.selection.case.is_some());
}
