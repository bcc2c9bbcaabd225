use std::fs;
use std::io::Write;
use std::path::Path;

use semihv_runs::{Direction, Level, Place};

use super::*;
use crate::tests::Bench;
use crate::{Query, Reply};

/// Two runs that say the same at other speeds: 2 s a step, and 5 s.
fn two(bench: &Bench) -> Engine {
    let manifest = bench.folder.path().join("ws/semihv.toml");
    let mut text = fs::read_to_string(&manifest).unwrap();
    for (name, pace) in [("slow", 5), ("quick", 2)] {
        let lines: String = (0..2000_u64).fold(String::new(), |mut lines, step| {
            let loss = 1000 - step / 2;
            let time = 1_700_000_000 + step * pace;
            lines += &format!(
                "{{\"ts\": {time}, \"step\": {step}, \"loss\": {loss}, \"tokens\": {}}}\n",
                step * 512
            );
            lines
        });
        let path = bench.write(&format!("{name}.jsonl"), &lines);
        text += &format!("\n[log.{name}]\npath = \"{}\"\n", path.display());
    }
    fs::write(manifest, text).unwrap();
    let engine = bench.open();
    for run in ["slow", "quick"] {
        engine.read_log(run, &mut |_| true).unwrap();
    }
    engine
}

fn curves(engine: &Engine, axis: Axis, span: Option<(f64, f64)>) -> Curves {
    let ask = CurvesAsk {
        runs: vec!["slow".to_owned(), "quick".to_owned()],
        metrics: Vec::new(),
        axis,
        span,
        buckets: 100,
    };
    match engine.ask(&Query::Curves(ask)).unwrap() {
        Reply::Curves(curves) => *curves,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_loss_is_drawn_when_nothing_is_named_and_no_point_is_left_out() {
    let bench = Bench::new();
    let found = curves(&two(&bench), Axis::Step, None);
    let names: Vec<&str> = found.metrics.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["loss", "tokens"]);
    assert_eq!((found.curves.len(), found.whole), (2, (0.0, 1999.0)));
    for curve in &found.curves {
        assert_eq!(curve.metric, "loss");
        assert_eq!(
            curve.points.iter().map(|point| point.count).sum::<u64>(),
            2000
        );
        assert_eq!((curve.points[0].high, curve.points[99].low), (1000.0, 1.0));
    }
}

#[test]
fn times_count_from_each_runs_own_beginning() {
    let bench = Bench::new();
    let engine = two(&bench);
    let found = curves(&engine, Axis::Time, None);
    assert_eq!(found.whole, (0.0, 1999.0 * 5.0));
    let last: Vec<f64> = found
        .curves
        .iter()
        .map(|it| it.points.last().unwrap().x)
        .collect();
    assert!(
        (last[0] - 9948.0).abs() < 60.0 && (last[1] - 3979.0).abs() < 30.0,
        "{last:?}"
    );
    // Of a part of the time: the same steps, whichever run is quicker.
    let part = curves(&engine, Axis::Time, Some((1000.0, 2000.0)));
    let steps = part
        .curves
        .iter()
        .map(|it| (it.points[0].step, it.points.last().unwrap().step));
    for ((first, last), pace) in steps.zip([5, 2]) {
        assert!(
            first.abs_diff(1000 / pace) < 12 && last.abs_diff(2000 / pace) < 12,
            "{first} {last}"
        );
    }
}

#[test]
fn a_series_that_rises_may_be_the_axis_and_one_that_is_missing_is_said() {
    let bench = Bench::new();
    let engine = two(&bench);
    let found = curves(&engine, Axis::Series("tokens".to_owned()), None);
    assert_eq!(found.whole, (0.0, 1999.0 * 512.0));
    let none = curves(&engine, Axis::Series("samples".to_owned()), None);
    assert_eq!((none.curves.len(), none.troubles.len()), (0, 2));
    assert!(none.troubles[0].1.contains("samples"));
}

fn log(engine: &Engine, ask: LogAsk) -> LogView {
    match engine.ask(&Query::Log(ask)).unwrap() {
        Reply::Log(view) => *view,
        other => panic!("{other:?}"),
    }
}

fn ask(place: Place, before: usize, after: usize) -> LogAsk {
    LogAsk {
        run: "slow".to_owned(),
        place,
        before,
        after,
        only: LineFilter::default(),
    }
}

fn append(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn windows_and_filters_tell_what_lies_beyond_them() {
    let bench = Bench::new();
    let engine = two(&bench);
    let path = bench.folder.path().join("slow.jsonl");
    append(
        &path,
        "ValueError: no\nplain\nRuntimeError: \x1b[31mworse\x1b[0m\n",
    );
    let middle = log(&engine, ask(Place::Line(1000), 5, 5));
    assert_eq!((middle.lines.len(), middle.first_line.value()), (10, 995));
    assert!(middle.has_before && middle.has_after);
    let end = log(&engine, ask(Place::End, 5, 0));
    assert!(end.has_before && !end.has_after);
    assert_eq!(end.total_lines.value(), 2003);

    let mut wanted = ask(Place::End, 50, 0);
    wanted.only.level = Some(Level::Error);
    let errors = log(&engine, wanted.clone());
    let texts: Vec<&str> = errors.lines.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(texts, ["ValueError: no", "RuntimeError: worse"]);
    assert!(!errors.has_before && !errors.is_cut);
    wanted.only.pattern = "WORSE".to_owned();
    assert_eq!(
        log(&engine, wanted.clone()).lines.len(),
        0,
        "capitals count"
    );
    wanted.only.pattern = "r: worse$".to_owned();
    assert_eq!(log(&engine, wanted).lines.len(), 1);
}

#[test]
fn a_search_goes_both_ways_and_ends() {
    let bench = Bench::new();
    let engine = two(&bench);
    let find = |pattern: &str, from: u64, direction: Direction| {
        let wanted = FindInLog {
            run: "slow".to_owned(),
            only: LineFilter {
                level: None,
                pattern: pattern.to_owned(),
            },
            from,
            direction,
        };
        match engine.ask(&Query::FindInLog(wanted)) {
            Ok(Reply::FoundInLog(found)) => Some(found),
            _ => None,
        }
    };
    let FoundInLog::At(place) = find("\"step\": 1500,", 0, Direction::Forward).unwrap() else {
        panic!("it is there");
    };
    assert_eq!(
        find("\"step\": 1500,", place + 1, Direction::Forward).unwrap(),
        FoundInLog::Nowhere
    );
    assert_eq!(
        find("\"step\": 1500,", u64::MAX, Direction::Backward).unwrap(),
        FoundInLog::At(place)
    );
    assert!(find("(", 0, Direction::Forward).is_none());
}

#[test]
fn figures_stay_beside_the_workspace_for_the_next_start() {
    let bench = Bench::new();
    let engine = two(&bench);
    let folder = engine.inner.places.figures();
    let sizes = || {
        let files = fs::read_dir(&folder).unwrap();
        files
            .map(|file| file.unwrap().metadata().unwrap().len())
            .collect::<Vec<_>>()
    };
    assert_eq!(sizes().len(), 2);
    assert!(sizes().iter().all(|size| *size > 1000), "{:?}", sizes());
}

#[test]
fn a_manifest_says_how_other_figures_are_found() {
    let bench = Bench::new();
    let path = bench.write(
        "odd.log",
        "at 10 reward -1.5\n{\"step\": 20, \"loss\": 1, \"m\": {\"acc\": 0.5}}\n",
    );
    let manifest = bench.folder.path().join("ws/semihv.toml");
    let rules = r#"
[log.odd.figures]
reward = { pattern = 'at (?<step>\d+) reward (?<value>\S+)' }
acc = { path = "m.acc" }
none = { }
"#;
    append(
        &manifest,
        &format!("\n[log.odd]\npath = \"{}\"\n{rules}", path.display()),
    );
    let engine = bench.open();
    let said = engine.unknown_kinds();
    assert!(said[0].summary.contains("none needs either"), "{said:?}");
    let text = fs::read_to_string(&manifest)
        .unwrap()
        .replace("none = { }\n", "");
    fs::write(&manifest, text).unwrap();
    engine.reload_settings().unwrap();
    engine.read_log("odd", &mut |_| true).unwrap();
    let mut found = Vec::new();
    let take = &mut |name: &str, point: &semihv_domain::MetricPoint| {
        found.push((name.to_owned(), point.step, point.value));
        true
    };
    engine.each_point("odd", &[], take).unwrap();
    let expected = [("reward", 10, -1.5), ("loss", 20, 1.0), ("acc", 20, 0.5)];
    assert_eq!(
        found,
        expected.map(|(name, step, value)| (name.to_owned(), step, value))
    );
}

#[test]
fn what_grows_all_the_time_is_told_at_once_and_then_now_and_again() {
    let mut telling = Telling::default();
    telling.owed.insert("a".to_owned());
    assert_eq!(telling.next(), Some(Duration::ZERO));
    assert_eq!(telling.due(), ["a"]);
    assert_eq!(telling.next(), None);
    telling.owed.insert("a".to_owned());
    telling.owed.insert("b".to_owned());
    assert_eq!(telling.due(), ["b"]);
    let pause = telling.next().unwrap();
    assert!(!pause.is_zero() && pause <= NEWS, "{pause:?}");
}

#[test]
fn a_loss_is_drawn_and_listed_before_its_scale() {
    #[track_caller]
    fn check(names: &[&str], expected: Option<usize>) {
        assert_eq!(loss_of(names.iter().copied()), expected, "{names:?}");
    }
    check(&["loss scale", "lr", "lm loss"], Some(2));
    check(&["eval_loss", "loss"], Some(1));
    check(&["lr", "loss scale"], Some(1));
    check(&["lr", "epoch"], Some(0));
    check(&[], None);
}

#[test]
fn few_logs_stay_open_however_many_are_looked_at() {
    let bench = Bench::new();
    let engine = bench.open();
    let held = engine.followed(Path::new("held"));
    for number in 0..3 * MOST_OPEN {
        engine.followed(&bench.folder.path().join(number.to_string()));
    }
    assert_eq!(locked(&engine.inner.logs.open).by_path.len(), MOST_OPEN);
    assert!(Arc::ptr_eq(&held, &engine.followed(Path::new("held"))));
    assert!(!engine.is_followed(&bench.folder.path().join("0")));
}

#[test]
fn a_log_that_is_not_there_is_said_where_its_curves_would_be() {
    let bench = Bench::new();
    let manifest = bench.folder.path().join("ws/semihv.toml");
    append(&manifest, "\n[log.slow]\npath = \"nowhere.log\"\n");
    let engine = bench.open();
    let ask = CurvesAsk {
        runs: vec!["slow".to_owned()],
        metrics: Vec::new(),
        axis: Axis::Step,
        span: None,
        buckets: 9,
    };
    let first = super::curves(&engine, &ask);
    assert!(first.reading.is_behind() && first.troubles.is_empty());
    let path = engine.logs_named("slow").unwrap().1.remove(0);
    let log = engine.followed(&path);
    assert!(read_part(&mut locked(&log)).1, "it is told");
    assert!(!read_part(&mut locked(&log)).1, "once");
    let then = super::curves(&engine, &ask);
    assert!(!then.reading.is_behind());
    assert!(
        then.troubles[0].1.contains("no log at"),
        "{:?}",
        then.troubles
    );
}
