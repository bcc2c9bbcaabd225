use std::path::PathBuf;

use semihv_domain::LineCount;

use super::*;
use crate::keys::Key;
use crate::pane::PaneKind;
use crate::pane_testing::{INSIDES, failure, screen};
use crate::shared::Glyphs;

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

fn log(run: &str) -> LogView {
    let mut lines: Vec<String> = (0..60_u32)
        .map(|at| {
            format!(
                "{{'loss': {:.3}, 'learning_rate': 1e-05, 'epoch': 0.{at:02}}}",
                1.0 + 3.0 / f64::from(at + 1)
            )
        })
        .collect();
    lines[20] = "UserWarning: the loader is slow\x1b[31m".to_owned();
    lines[40] = "{'loss': nan, 'learning_rate': 1e-05}".to_owned();
    lines[50] = "RuntimeError: CUDA out of memory".to_owned();
    let points = (0..60_u64)
        .filter(|at| ![20, 50].contains(at))
        .map(|at| MetricPoint {
            step: (at + 1) * 10,
            value: if at == 40 {
                f64::NAN
            } else {
                1.0 + 3.0 / (at + 1) as f64
            },
            line: 1000 + at,
        })
        .collect();
    let metric = |name: &str, points| Metric {
        name: name.to_owned(),
        points,
    };
    let flat = vec![MetricPoint {
        step: 10,
        value: 1e-5,
        line: 1000,
    }];
    LogView {
        run: run.to_owned(),
        path: PathBuf::from("runs").join(run),
        lines,
        first_line: 1000,
        total_lines: LineCount::Exact(1060),
        metrics: vec![metric("learning_rate", flat), metric("loss", points)],
        modified: Some(1_000_000),
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

fn with_runs(shared: &mut Shared) -> (State, Vec<Effect>) {
    let mut state = State::default();
    let effects = refresh(&mut state, shared);
    let runs = Ok(Reply::Runs(vec![run("tune-a3"), run("anneal-a2")]));
    let effects = reply(&mut state, ticket(&effects), &runs, shared).unwrap();
    (state, effects)
}

fn loaded(shared: &mut Shared) -> State {
    let (mut state, effects) = with_runs(shared);
    let answer = Ok(Reply::Log(Box::new(log("tune-a3"))));
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
    let mut state = State::default();
    let effects = refresh(&mut state, &shared);
    reply(
        &mut state,
        ticket(&effects),
        &Ok(Reply::Runs(Vec::new())),
        &mut shared,
    )
    .unwrap();
    shown("empty", &state, &shared);
    let (mut state, effects) = with_runs(&mut shared);
    shown("loading", &state, &shared);
    reply(&mut state, ticket(&effects), &Err(failure()), &mut shared).unwrap();
    shown("failed", &state, &shared);
    let mut state = loaded(&mut shared);
    shown("loaded", &state, &shared);
    update(&mut state, Msg::FirstError, &mut shared);
    update(&mut state, Msg::Scale, &mut shared);
    update(&mut state, Msg::Smooth, &mut shared);
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
    assert_eq!(state.cursor, 1059);
    assert_eq!(
        title(&state, &shared).right,
        "tune-a3 · run 1 of 2 · 1 060 lines · 8 s ago · following"
    );
}

#[test]
fn growth_of_this_log_alone_asks_again() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    assert_eq!(refresh(&mut state, &shared), []);
    assert_eq!(grew(&mut state, "anneal-a2"), []);
    assert_eq!(grew(&mut state, "tune-a3").len(), 1);
    assert!(
        state.log.value().is_some(),
        "the old lines stay while the new ones come"
    );
}

#[test]
fn moving_up_stops_following_and_the_end_starts_it() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    update(&mut state, command("up").unwrap(), &mut shared);
    assert!(!state.is_following);
    update(&mut state, command("bottom").unwrap(), &mut shared);
    assert!(state.is_following);
}

#[test]
fn the_first_error_is_found_and_linked_to_its_step() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    update(&mut state, Msg::FirstError, &mut shared);
    assert_eq!(state.cursor, 1050);
    assert_eq!(state.point_at_cursor().unwrap().step, 500);
    assert_eq!(
        copy(&state, &shared).unwrap(),
        "RuntimeError: CUDA out of memory"
    );
}

#[test]
fn a_search_goes_around() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    update(&mut state, command("find").unwrap(), &mut shared);
    for key in Key::parse_all("warning<Enter>").unwrap() {
        typed(&mut state, Input::Key(key), &mut shared);
    }
    assert_eq!(state.cursor, 1020);
    update(&mut state, command("next-match").unwrap(), &mut shared);
    assert_eq!(state.cursor, 1020);
}

#[test]
fn the_next_metric_comes_after_the_last() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    assert_eq!(state.metric().unwrap().name, "loss");
    update(&mut state, Msg::NextMetric, &mut shared);
    assert_eq!(state.metric().unwrap().name, "learning_rate");
}

#[test]
fn another_run_is_selected_and_asked_for() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    let effects = update(&mut state, Msg::NextRun, &mut shared);
    assert_eq!(shared.selection.run.as_deref(), Some("anneal-a2"));
    assert!(matches!(&effects[..], [Effect::Ask(_, Query::Log { run, .. })] if run == "anneal-a2"));
    assert_eq!(refresh(&mut state, &shared), []);
}

#[test]
fn no_size_is_too_small() {
    let mut shared = shared();
    for size in [(0, 0), (1, 1), (2, 3), (5, 1), (12, 14)] {
        let mut state = loaded(&mut shared);
        fit(&mut state, &shared, Rect::new(0, 0, size.0, size.1));
        screen(size, |theme, area, buffer| {
            view(&state, &shared, theme, area, buffer);
        });
    }
}

#[test]
fn growth_reaches_the_pane_through_the_whole_workbench() {
    use crate::action::Action;
    use crate::testing::{World, type_keys};
    use crate::update::update;

    let asked = |effects: Vec<Effect>, wanted: fn(&Query) -> bool| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Ask(ticket, query) if wanted(&query) => Some(ticket),
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
    let answer = Ok(Reply::Log(Box::new(log("tune-a3"))));
    update(&mut workbench, Action::Reply(ticket, answer));
    let grown = |run: &str| {
        Action::Engine(semihv_engine::Event::LogChanged {
            run: run.to_owned(),
        })
    };
    assert_eq!(asked(update(&mut workbench, grown("other")), is_log), None);
    assert!(asked(update(&mut workbench, grown("tune-a3")), is_log).is_some());
    assert!(
        workbench.panes.log.top > 1000,
        "the layout keeps the last line in view"
    );
}
