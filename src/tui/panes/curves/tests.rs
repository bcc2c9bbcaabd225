use std::path::PathBuf;

use semihv_domain::MetricPoint;
use semihv_engine::{MetricView, RunSummary};

use super::*;
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

fn curve(run: &str, metric: &str, height: f64) -> Curve {
    let value = |step: u64| {
        if metric == "loss" && run == "anneal-a2" && step == 400 {
            f64::NAN
        } else {
            height * (-(step as f64) / 300.0).exp()
        }
    };
    let points = (0..100).map(|at| {
        let (step, value) = (at * 10, value(at * 10));
        CurvePoint {
            x: step as f64,
            low: value * 0.9,
            high: value * 1.1,
            mean: value,
            count: 10,
            troubles: u64::from(!value.is_finite()),
            last: value,
            step,
            line: at * 3,
        }
    });
    let point = |step: u64| MetricPoint {
        step,
        value: value(step),
        line: step / 10 * 3,
    };
    Curve {
        run: run.to_owned(),
        log: 0,
        metric: metric.to_owned(),
        points: points.collect(),
        last: point(990),
        count: 1000,
        trouble: (run == "anneal-a2" && metric == "loss").then(|| point(400)),
    }
}

/// What the engine would say.
fn curves(ask: &CurvesAsk) -> Curves {
    let names = ["learning_rate", "loss", "tokens_seen"];
    let metrics = names.map(|name| MetricView {
        name: name.to_owned(),
        runs: ask.runs.len(),
    });
    let wanted = if ask.metrics.is_empty() {
        vec!["loss".to_owned()]
    } else {
        ask.metrics.clone()
    };
    let heights = [4.0, 3.0, 2.0];
    let of_metric = |metric: &String| {
        let runs = ask.runs.iter().zip(heights);
        let own = runs.map(|(run, height)| curve(run, metric, height));
        own.collect::<Vec<_>>()
    };
    Curves {
        metrics: metrics.to_vec(),
        curves: wanted.iter().flat_map(of_metric).collect(),
        whole: (0.0, 990.0),
        ..Curves::default()
    }
}

fn shared() -> Shared {
    Shared {
        focus: PaneKind::Curves,
        spinner_frame: Some(0),
        ..Shared::default()
    }
}

#[track_caller]
fn asked(effects: &[Effect]) -> (Ticket, CurvesAsk) {
    match effects {
        [Effect::Ask(ticket, Query::Curves(ask))] => (*ticket, ask.clone()),
        other => panic!("{other:?}"),
    }
}

fn with_runs(shared: &mut Shared) -> (State, Vec<Effect>) {
    let mut state = State::default();
    let effects = refresh(&mut state, shared);
    let [Effect::Ask(ticket, Query::Runs)] = &effects[..] else {
        panic!("{effects:?}");
    };
    let runs = Ok(Reply::Runs(vec![run("tune-a3"), run("anneal-a2")]));
    let effects = reply(&mut state, *ticket, &runs, shared).unwrap();
    (state, effects)
}

/// Answers until nothing is asked.
fn answer(state: &mut State, mut effects: Vec<Effect>, shared: &mut Shared) {
    while !effects.is_empty() {
        let (ticket, ask) = asked(&effects);
        let answer = Ok(Reply::Curves(Box::new(curves(&ask))));
        effects = reply(state, ticket, &answer, shared).unwrap();
    }
}

fn act(state: &mut State, msg: Msg, shared: &mut Shared) {
    let effects = update(state, msg, shared);
    answer(state, effects, shared);
}

fn loaded(shared: &mut Shared) -> State {
    let (mut state, effects) = with_runs(shared);
    answer(&mut state, effects, shared);
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
    let (mut state, effects) = with_runs(&mut shared);
    shown("loading", &state, &shared);
    let (ticket, ask) = asked(&effects);
    reply(&mut state, ticket, &Err(failure()), &mut shared).unwrap();
    shown("failed", &state, &shared);
    state.slot.ask();
    let nothing = Curves {
        metrics: Vec::new(),
        curves: Vec::new(),
        ..curves(&ask)
    };
    state.curves = Load::Ready(Box::new(nothing));
    shown("empty", &state, &shared);
    if let Load::Ready(curves) = &mut state.curves {
        let why = "no log at /data/nowhere.log; check the path in the manifest or wait until the run writes it";
        curves.troubles.push(("tune-a3".to_owned(), why.to_owned()));
    }
    shown("missing-log", &state, &shared);
    let mut state = loaded(&mut shared);
    shown("loaded", &state, &shared);
    act(&mut state, Msg::Baseline, &mut shared);
    act(&mut state, Msg::NextRun, &mut shared);
    act(&mut state, Msg::FirstTrouble, &mut shared);
    act(&mut state, Msg::Smooth, &mut shared);
    shown("against-the-baseline", &state, &shared);
    act(&mut state, Msg::AllMetrics, &mut shared);
    let ascii = Shared {
        glyphs: Glyphs::Ascii,
        ..shared.clone()
    };
    shown("all-figures-ascii", &state, &ascii);
}

#[test]
fn the_cursor_moves_from_the_end_and_points_at_lines() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    act(&mut state, Msg::Left, &mut shared);
    assert_eq!(state.cursor, Some(980.0));
    let pointed = shared.selection.line.clone().unwrap();
    assert_eq!((pointed.line, pointed.by), (98 * 3, PaneKind::Curves));
    act(&mut state, Msg::Start, &mut shared);
    assert_eq!(state.cursor, Some(0.0));
    act(&mut state, Msg::Left, &mut shared);
    assert_eq!(state.cursor, Some(0.0));
}

#[test]
fn a_line_of_the_log_is_a_place_on_the_chart_once_it_is_left() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    for (line, cursor) in [(297, None), (151, Some(500.0))] {
        shared.selection.line = Some(LinkedLine {
            run: "tune-a3".to_owned(),
            line,
            by: PaneKind::Log,
        });
        assert_eq!(refresh(&mut state, &shared), []);
        assert_eq!(state.cursor, cursor);
    }
}

#[test]
fn zooming_keeps_the_cursor_inside_and_moving_takes_the_part_along() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    state.cursor = Some(500.0);
    act(&mut state, Msg::ZoomIn, &mut shared);
    assert_eq!(state.span, Some((252.5, 747.5)));
    act(&mut state, Msg::ZoomIn, &mut shared);
    let (first, last) = state.span.unwrap();
    state.cursor = Some(last - 1.0);
    act(&mut state, Msg::Right, &mut shared);
    let moved = state.span.unwrap();
    assert!(moved.0 > first && (moved.1 - moved.0 - (last - first)).abs() < 1e-9);
    for _ in 0..4 {
        act(&mut state, Msg::ZoomOut, &mut shared);
    }
    assert_eq!(state.span, None);
    for _ in 0..40 {
        act(&mut state, Msg::ZoomIn, &mut shared);
    }
    let (first, last) = state.span.unwrap();
    assert!(last - first >= 2.0, "{first} {last}");
}

#[test]
fn kept_runs_stand_behind_the_leading_one() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    act(&mut state, Msg::Keep, &mut shared);
    let effects = update(&mut state, Msg::NextRun, &mut shared);
    assert_eq!(asked(&effects).1.runs, ["anneal-a2", "tune-a3"]);
    answer(&mut state, effects, &mut shared);
    assert_eq!(view::legend(&state).len(), 2);
    let effects = update(&mut state, Msg::KeepNone, &mut shared);
    assert_eq!(asked(&effects).1.runs, ["anneal-a2"]);
}

#[test]
fn the_legend_says_the_difference_from_the_baseline() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    act(&mut state, Msg::Baseline, &mut shared);
    act(&mut state, Msg::NextRun, &mut shared);
    act(&mut state, Msg::Start, &mut shared);
    let rows = view::legend(&state);
    assert!(
        rows[0]
            .text()
            .contains("anneal-a2  4.0000  0  Δ +1.0000  first nan at 400"),
        "{}",
        rows[0].text()
    );
    assert!(rows[1].text().ends_with("baseline"), "{}", rows[1].text());
}

#[test]
fn the_axis_goes_by_what_counts() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    let mut seen = Vec::new();
    for _ in 0..3 {
        act(&mut state, Msg::Axis, &mut shared);
        seen.push(state.axis.clone());
    }
    let tokens = Axis::Series("tokens_seen".to_owned());
    assert_eq!(seen, [Axis::Time, tokens, Axis::Step]);
}

#[test]
fn growth_while_an_answer_is_on_its_way_asks_once_more() {
    let mut shared = shared();
    let (mut state, effects) = with_runs(&mut shared);
    assert_eq!(grew(&mut state, "tune-a3"), []);
    let (ticket, ask) = asked(&effects);
    let answer = Ok(Reply::Curves(Box::new(curves(&ask))));
    let effects = reply(&mut state, ticket, &answer, &mut shared).unwrap();
    assert_eq!(asked(&effects).1.runs, ["tune-a3"]);
    assert_eq!(grew(&mut state, "other"), []);
}

#[test]
fn no_size_is_too_small() {
    let mut shared = shared();
    let mut state = loaded(&mut shared);
    for _ in 0..2 {
        for size in [(0, 0), (1, 1), (2, 3), (5, 1), (12, 14), (40, 3)] {
            screen(size, |theme, area, buffer| {
                view(&state, &shared, theme, area, buffer);
            });
        }
        act(&mut state, Msg::AllMetrics, &mut shared);
    }
}
