use std::path::PathBuf;

use semihv_engine::{FoundInLog, Reading, RunSummary};

use super::*;
use crate::keys::Key;
use crate::pane_testing::{INSIDES, failure, screen};
use crate::shared::Glyphs;

/// Bytes of a line of the test's log.
const BYTES: u64 = 100;

fn run(name: &str) -> RunSummary {
    RunSummary {
        name: name.to_owned(),
        path: PathBuf::from("runs").join(name),
        last_step: Some(40),
        last_loss: Some(1.1),
        is_growing: true,
        trouble: None,
    }
}

fn line(number: u64) -> LogLine {
    let (text, level) = match number {
        1020 => ("UserWarning: the loader is slow".to_owned(), Level::Warning),
        1030..=1033 => ("waiting for the other ranks".to_owned(), Level::Plain),
        1040 => (
            "{'loss': nan, 'learning_rate': 1e-05}".to_owned(),
            Level::Plain,
        ),
        1050 => ("RuntimeError: CUDA out of memory".to_owned(), Level::Error),
        number => {
            let loss = 1.0 + 3.0 / (number + 1) as f64;
            (
                format!("{{'loss': {loss:.4}, 'learning_rate': 1e-05, 'epoch': 0.{number}}}"),
                Level::Plain,
            )
        }
    };
    LogLine {
        at: number * BYTES,
        text,
        level,
    }
}

/// Lines of a log of 1060.
fn log(run: &str, lines: std::ops::Range<u64>) -> LogView {
    LogView {
        run: run.to_owned(),
        path: PathBuf::from("runs").join(run),
        first_line: LineCount::Exact(lines.start),
        has_before: lines.start > 0,
        has_after: lines.end < 1060,
        lines: lines.map(line).collect(),
        total_lines: LineCount::Exact(1060),
        size: 1060 * BYTES,
        modified: Some(1_000_000),
        reading: Reading::default(),
        is_cut: false,
    }
}

fn shared() -> Shared {
    Shared {
        focus: PaneKind::Log,
        spinner_frame: Some(0),
        now: 1_000_008,
        ..Shared::default()
    }
}

fn ticket(effects: &[Effect]) -> Ticket {
    match effects {
        [Effect::Ask(ticket, _)] => *ticket,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn asked(effects: &[Effect]) -> LogAsk {
    match effects {
        [Effect::Ask(_, Query::Log(ask))] => ask.clone(),
        other => panic!("{other:?}"),
    }
}

fn with_runs(shared: &mut Shared) -> (State, Vec<Effect>) {
    let mut state = State::default();
    let effects = refresh(&mut state, shared);
    let runs = Ok(Reply::Runs(vec![run("tune-a3"), run("anneal-a2")]));
    let effects = reply(&mut state, ticket(&effects), &runs, shared).unwrap();
    (state, effects)
}

fn answer(state: &mut State, effects: &[Effect], log: LogView, shared: &mut Shared) {
    let answer = Ok(Reply::Log(Box::new(log)));
    reply(state, ticket(effects), &answer, shared).unwrap();
}

fn loaded(shared: &mut Shared) -> State {
    let (mut state, effects) = with_runs(shared);
    answer(&mut state, &effects, log("tune-a3", 900..1060), shared);
    state
}

/// The log around its line 1050.
fn in_the_middle(shared: &mut Shared) -> State {
    let mut state = loaded(shared);
    let effects = update(&mut state, Msg::FirstError, shared);
    let found = Ok(Reply::FoundInLog(FoundInLog::At(1050 * BYTES)));
    let effects = reply(&mut state, ticket(&effects), &found, shared).unwrap();
    assert_eq!(effects, [], "it is among the lines that are held");
    state
}

fn number_at_cursor(state: &State) -> u64 {
    state.line_at_cursor().unwrap().at / BYTES
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
    let mut state = State::default();
    let effects = refresh(&mut state, &shared);
    let none = Ok(Reply::Runs(Vec::new()));
    reply(&mut state, ticket(&effects), &none, &mut shared).unwrap();
    shown("empty", &state, &shared);
    let (mut state, effects) = with_runs(&mut shared);
    shown("loading", &state, &shared);
    reply(&mut state, ticket(&effects), &Err(failure()), &mut shared).unwrap();
    shown("failed", &state, &shared);
    let state = loaded(&mut shared);
    shown("loaded", &state, &shared);
    let mut state = in_the_middle(&mut shared);
    update(&mut state, Msg::Wrap, &mut shared);
    let ascii = Shared {
        glyphs: Glyphs::Ascii,
        ..shared.clone()
    };
    shown("first-error-ascii", &state, &ascii);
}

#[test]
fn the_first_run_is_opened_and_followed() {
    let mut shared = shared();
    let state = loaded(&mut shared);
    assert_eq!(state.run.as_deref(), Some("tune-a3"));
    assert_eq!(number_at_cursor(&state), 1059);
    assert_eq!(
        title(&state, &shared).right,
        "tune-a3 · 1 060 lines · 8 s ago · following"
    );
}

#[test]
fn growth_of_this_log_alone_asks_again() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    assert_eq!(refresh(&mut state, &shared), []);
    assert_eq!(grew(&mut state, "anneal-a2"), []);
    assert_eq!(asked(&grew(&mut state, "tune-a3")).place, Place::End);
    assert!(
        state.log.value().is_some(),
        "the old lines stay while the new ones come"
    );
}

#[test]
fn moving_up_stops_following_and_growth_moves_nothing() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    update(&mut state, command("up").unwrap(), &mut shared);
    assert!(!state.is_following);
    let ask = asked(&grew(&mut state, "tune-a3"));
    assert_eq!(ask.place, Place::Byte(1058 * BYTES));
    let effects = update(&mut state, command("bottom").unwrap(), &mut shared);
    assert_eq!(asked(&effects).place, Place::End);
    assert!(state.is_following);
}

#[test]
fn near_the_edge_of_what_is_held_the_next_lines_are_asked_for_and_the_cursor_stays() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    state.page = 50;
    let mut effects = Vec::new();
    for _ in 0..2 {
        effects = update(&mut state, command("page-up").unwrap(), &mut shared);
    }
    assert_eq!(number_at_cursor(&state), 956);
    let at = 956 * BYTES;
    assert_eq!(asked(&effects).place, Place::Byte(at));
    answer(&mut state, &effects, log("tune-a3", 600..1060), &mut shared);
    assert_eq!(number_at_cursor(&state), 956);
}

#[test]
fn the_first_error_is_found_and_pointed_at() {
    let mut shared = shared();
    let state = in_the_middle(&mut shared);
    assert_eq!(number_at_cursor(&state), 1050);
    let pointed = shared.selection.line.clone().unwrap();
    assert_eq!((pointed.line, pointed.by), (1050, PaneKind::Log));
    assert_eq!(
        copy(&state, &shared).unwrap(),
        "RuntimeError: CUDA out of memory"
    );
}

#[test]
fn a_search_goes_part_after_part_and_around() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    update(&mut state, command("find").unwrap(), &mut shared);
    let mut effects = Vec::new();
    for key in Key::parse_all("nan").unwrap() {
        effects = typed(&mut state, Input::Key(key), &mut shared);
    }
    typed(&mut state, Input::Key(Key::ENTER), &mut shared);
    for (found, next) in [
        (FoundInLog::NotYet(105_950), 105_950),
        (FoundInLog::Nowhere, 0),
        (FoundInLog::NotYet(50_000), 50_000),
    ] {
        let found = Ok(Reply::FoundInLog(found));
        effects = reply(&mut state, ticket(&effects), &found, &mut shared).unwrap();
        let [Effect::Ask(_, Query::FindInLog(wanted))] = &effects[..] else {
            panic!("{effects:?}");
        };
        assert_eq!((wanted.from, wanted.only.pattern.as_str()), (next, "nan"));
    }
    assert!(title(&state, &shared).right.contains("searching 47 %"));
    let found = Ok(Reply::FoundInLog(FoundInLog::At(1040 * BYTES)));
    assert_eq!(
        reply(&mut state, ticket(&effects), &found, &mut shared).unwrap(),
        []
    );
    assert_eq!(number_at_cursor(&state), 1040);
    assert!(title(&state, &shared).right.contains("from the beginning"));
}

#[test]
fn what_is_nowhere_is_said_once_and_esc_ends_a_search() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    let nowhere = Ok(Reply::FoundInLog(FoundInLog::Nowhere));
    let mut effects = update(&mut state, Msg::FirstError, &mut shared);
    effects = reply(&mut state, ticket(&effects), &nowhere, &mut shared).unwrap();
    assert_eq!(
        reply(&mut state, ticket(&effects), &nowhere, &mut shared).unwrap(),
        []
    );
    assert!(title(&state, &shared).right.contains("no error"));
    let effects = update(&mut state, Msg::FirstError, &mut shared);
    update(&mut state, Msg::Back, &mut shared);
    let found = Ok(Reply::FoundInLog(FoundInLog::At(0)));
    reply(&mut state, ticket(&effects), &found, &mut shared).unwrap();
    assert_eq!(
        number_at_cursor(&state),
        1059,
        "a late answer moves nothing"
    );
}

#[test]
fn a_filter_asks_for_its_lines_and_esc_takes_it_away() {
    let mut shared = shared();
    let mut state = in_the_middle(&mut shared);
    update(&mut state, Msg::Filter, &mut shared);
    for key in Key::parse_all("loss").unwrap() {
        assert_eq!(typed(&mut state, Input::Key(key), &mut shared), []);
    }
    let effects = typed(&mut state, Input::Key(Key::ENTER), &mut shared);
    assert_eq!(asked(&effects).only.pattern, "loss");
    let effects = update(&mut state, Msg::Level, &mut shared);
    assert_eq!(asked(&effects).only.level, Some(Level::Warning));
    assert!(
        title(&state, &shared)
            .right
            .ends_with("warnings and errors · &loss")
    );
    let effects = update(&mut state, Msg::Back, &mut shared);
    assert_eq!(asked(&effects).only, LineFilter::default());
}

#[test]
fn repeated_lines_are_one_row_until_they_are_unfolded() {
    let mut shared = shared();
    let mut state = in_the_middle(&mut shared);
    let folded = state.rows.len();
    update(&mut state, Msg::Fold, &mut shared);
    assert_eq!(state.rows.len(), folded + 3);
    assert_eq!(number_at_cursor(&state), 1050);
}

#[test]
fn a_line_that_the_curves_point_at_is_gone_to() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    shared.selection.line = Some(LinkedLine {
        run: "tune-a3".to_owned(),
        line: 400,
        by: PaneKind::Curves,
    });
    let effects = refresh(&mut state, &shared);
    assert_eq!(asked(&effects).place, Place::Line(400));
    answer(&mut state, &effects, log("tune-a3", 100..700), &mut shared);
    assert_eq!(number_at_cursor(&state), 400);
    assert_eq!(refresh(&mut state, &shared), []);
}

#[test]
fn another_run_is_selected_and_asked_for() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    let effects = update(&mut state, Msg::NextRun, &mut shared);
    assert_eq!(shared.selection.run.as_deref(), Some("anneal-a2"));
    assert_eq!(asked(&effects).run, "anneal-a2");
    assert_eq!(refresh(&mut state, &shared), []);
}

#[test]
fn no_size_is_too_small() {
    let mut shared = shared();
    for size in [(0, 0), (1, 1), (2, 3), (5, 1), (12, 14)] {
        for is_wrapped in [false, true] {
            let mut state = loaded(&mut shared);
            state.is_wrapped = is_wrapped;
            fit(&mut state, &shared, Rect::new(0, 0, size.0, size.1));
            screen(size, |theme, area, buffer| {
                view(&state, &shared, theme, area, buffer);
            });
        }
    }
}

#[test]
fn growth_reaches_the_pane_through_the_whole_workbench() {
    use crate::action::Action;
    use crate::testing::{World, type_keys};
    use crate::update::update;

    let asked = |effects: Vec<Effect>, wanted: fn(&Query) -> bool| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Ask(ticket, query) if wanted(&query) && ticket.slot != SlotName::CurvesRuns => {
                Some(ticket)
            }
            _ => None,
        })
    };
    let mut workbench = World { cases: 3 }.opened(160, 50);
    let effects = type_keys(&mut workbench, "4");
    let runs =
        asked(effects, |query| *query == Query::Runs).expect("the train layout asks for runs");
    let answer = Ok(Reply::Runs(vec![run("tune-a3")]));
    let effects = update(&mut workbench, Action::Reply(runs, answer));
    let is_log = |query: &Query| matches!(query, Query::Log { .. });
    let ticket = asked(effects, is_log).expect("the first run's log is asked for");
    let answer = Ok(Reply::Log(Box::new(log("tune-a3", 900..1060))));
    update(&mut workbench, Action::Reply(ticket, answer));
    let grown = |run: &str| {
        Action::Engine(semihv_engine::Event::LogChanged {
            run: run.to_owned(),
        })
    };
    assert_eq!(asked(update(&mut workbench, grown("other")), is_log), None);
    assert!(asked(update(&mut workbench, grown("tune-a3")), is_log).is_some());
    assert!(
        workbench.panes.log.top > 100,
        "the layout keeps the last line in view"
    );
}
