use proptest::prelude::*;
use semihv_domain::Metric;
use semihv_testkit::real_data;

use super::*;

/// The figures of complete lines, numbered from 0.
fn metrics<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Metric> {
    let mut reader = MetricReader::default();
    for (number, line) in lines.into_iter().enumerate() {
        reader.read(number as u64, line.as_bytes());
    }
    let mut metrics = figures(reader.series());
    let mut time = Vec::new();
    let take = &mut |point: &MetricPoint| {
        time.push(*point);
        true
    };
    reader.series().points(TIME, take).unwrap();
    if !time.is_empty() {
        metrics.insert(
            0,
            Metric {
                name: TIME.to_owned(),
                points: time,
            },
        );
    }
    metrics
}

pub(crate) fn figures(series: &Series) -> Vec<Metric> {
    let metrics = series.views().into_iter().map(|view| {
        let mut points = Vec::new();
        let take = &mut |point: &MetricPoint| {
            points.push(*point);
            true
        };
        series.points(&view.name, take).unwrap();
        Metric {
            name: view.name,
            points,
        }
    });
    metrics.collect()
}

fn same(found: f64, expected: &serde_json::Value, exactly: f64) -> bool {
    match expected.as_str() {
        Some("nan") => found.is_nan(),
        Some("inf") => found == f64::INFINITY,
        Some(other) => panic!("unknown value {other}"),
        None => (found - expected.as_f64().unwrap()).abs() <= exactly * found.abs().max(1e-9),
    }
}

#[test]
fn every_expected_point_of_real_logs_is_read() {
    let Some(data) = real_data() else { return };
    let folder = data.join("training_logs");
    let text = std::fs::read_to_string(folder.join("expectations.json")).unwrap();
    let expectations: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    assert_eq!(expectations.len(), 27);
    for expectation in &expectations {
        let file = expectation["file"].as_str().unwrap();
        check_log(&folder.join(file), expectation, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check_log(path: &std::path::Path, expectation: &serde_json::Value, wrong: &mut Vec<String>) {
    let file = path.file_name().unwrap().display();
    // Event files hold single precision.
    let is_single = file.to_string().contains("tfevents");
    let exactly = if is_single { 1e-6 } else { 1e-12 };
    let mut log = crate::FollowedLog::new(path);
    log.read_all(&mut |_| true).unwrap();
    let series = figures(log.series());
    let points = |name: &str| {
        let metric = series.iter().find(|metric| metric.name == name);
        metric.map_or(&[][..], |metric| metric.points.as_slice())
    };
    for (name, count) in expectation["counts"].as_object().unwrap() {
        let found = points(name).len() as u64;
        if Some(found) != count.as_u64() {
            wrong.push(format!("{file}: {name}: {found} points, not {count}"));
        }
    }
    for expected in expectation["expect"].as_array().unwrap() {
        let (step, name) = (expected[0].as_u64().unwrap(), expected[1].as_str().unwrap());
        let is_there = points(name)
            .iter()
            .any(|point| point.step == step && same(point.value, &expected[2], exactly));
        if !is_there {
            wrong.push(format!("{file}: {name} at {step} is not {}", expected[2]));
        }
    }
    let expects_none = expectation["counts"].as_object().unwrap().is_empty();
    if expects_none && !series.is_empty() {
        let names: Vec<&str> = series.iter().map(|metric| metric.name.as_str()).collect();
        wrong.push(format!("{file}: found {names:?} where nothing is"));
    }
}

#[track_caller]
fn check(line: &str, expected: &[(&str, u64, f64)]) {
    let found = metrics([line]);
    let found: Vec<(&str, u64, f64)> = found
        .iter()
        .flat_map(|metric| {
            metric
                .points
                .iter()
                .map(|point| (metric.name.as_str(), point.step, point.value))
        })
        .collect();
    assert_eq!(found, expected, "{line}");
}

#[rustfmt::skip]
mod shapes {
    use super::*;

    #[test] fn trainer_version_4()    { check("{'loss': 1.25, 'epoch': 0.5}", &[("loss", 1, 1.25), ("epoch", 1, 0.5)]); }
    #[test] fn trainer_version_5()    { check("{'loss': '1.25', 'epoch': '0.5'}", &[("loss", 1, 1.25), ("epoch", 1, 0.5)]); }
    #[test] fn json_lines()           { check(r#"{"step": 7, "loss": Infinity, "stage": "tune"}"#, &[("loss", 7, f64::INFINITY)]); }
    #[test] fn nano_gpt()             { check("iter 10: loss 2.5, time 100.00ms, mfu 1.5%", &[("loss", 10, 2.5), ("time", 10, 100.0), ("mfu", 10, 1.5)]); }
    #[test] fn nano_gpt_validation()  { check("step 250: train loss 2.5, val loss 2.75", &[("train loss", 250, 2.5), ("val loss", 250, 2.75)]); }
    #[test] fn step_at_the_end()      { check("loss=2.5 lr=0.1 step=10", &[("loss", 10, 2.5), ("lr", 10, 0.1)]); }
    #[test] fn a_progress_bar()       { check(" 10%|#  | 10/99 [00:10<00:50,  1.2it/s, loss=2.5]", &[("loss", 10, 2.5)]); }
    #[test] fn a_bar_is_no_step()     { check("| 200/8264 [23:37<15:44:25,  7.03s/it]{'loss': 2.5}", &[("loss", 1, 2.5)]); }
    #[test] fn colours_are_no_figure(){ check("\u{1b}[32mstep=3\u{1b}[0m loss=2.5", &[("loss", 3, 2.5)]); }
    #[test] fn a_template_is_none()   { check(r#"print(f"step:{step+1}/{n} val_loss:{loss:.4f}")"#, &[]); }
    #[test] fn a_config_is_none()     { check("{'loss_scale': 0, 'init_scale': 32768}", &[]); }
    #[test] fn engine_creation()      { check("[INFO] step=0, skipped=0, lr=[0.0, 0.0], mom=[(0.9, 0.999)]", &[]); }
    #[test] fn prose_is_none()        { check("The loss at step 3 was not computed: see above", &[]); }
}

#[test]
fn not_a_number_is_kept() {
    let found = metrics(["{\"step\": 3, \"loss\": NaN}"]);
    assert!(found[0].points[0].value.is_nan());
}

#[test]
fn lines_of_one_shape_say_what_each_says_alone() {
    let lines = [
        "{\"ts\": 1700000000.5, \"step\": 1, \"loss\": 2.5, \"note\": \"a b\", \"ok\": true}",
        "{\"ts\": 1700000001.5, \"step\": 2, \"loss\": NaN, \"note\": \"c\", \"ok\": true}",
        "{\"ts\": 1700000002.5, \"step\": 3, \"loss\": 1e-3, \"note\": \"7\", \"ok\": true}",
        "{\"ts\": 1700000003.5, \"step\": 4, \"loss\": 1.25, \"note\": \"a\\\"b\", \"ok\": true}",
        "{\"ts\": 1700000004.5, \"step\": 5, \"loss\": -1, \"note\": \"\", \"ok\": false}",
        "{\"ts\": 1700000005.5, \"step\": 6.7, \"loss\": 3, \"note\": \"\", \"ok\": true}",
        "{\"ts\": 1700000006.5, \"step\": -7, \"loss\": 3, \"note\": \"\", \"ok\": true}",
        "{\"ts\": 1700000007.5, \"step\": 8, \"loss\": 3, \"note\": \"x\", \"ok\": true} and more",
        "{'loss': '4.117', 'lr': '1e-05'}",
        "{'loss': '4.25', 'lr': '9e-06'}",
        "{'loss': 'n/a', 'lr': '8e-06'}",
        "{'loss': 4.5, 'lr': '8e-06'}",
    ];
    let together = metrics(lines);
    let mut alone: Vec<Metric> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        // A reader of its own knows no shape.
        for metric in metrics([*line]) {
            let at = alone.iter().position(|it| it.name == metric.name);
            let at = at.unwrap_or_else(|| {
                let (name, points) = (metric.name.clone(), Vec::new());
                alone.push(Metric { name, points });
                alone.len() - 1
            });
            for mut point in metric.points {
                point.line = number as u64;
                alone[at].points.push(point);
            }
        }
    }
    // Those without a step are numbered in the order of the log.
    let mut ordinal = 0;
    for point in alone
        .iter_mut()
        .flat_map(|it| &mut it.points)
        .filter(|it| it.line == 8)
    {
        point.step = 1;
    }
    for line in [8, 9, 11] {
        ordinal += 1;
        let points = alone.iter_mut().flat_map(|it| &mut it.points);
        points
            .filter(|it| it.line == line)
            .for_each(|it| it.step = ordinal);
    }
    assert_eq!(format!("{together:?}"), format!("{alone:?}"));
    assert_eq!(
        together
            .iter()
            .map(|it| it.name.as_str())
            .collect::<Vec<_>>(),
        ["_time", "loss", "note", "lr"]
    );
}

proptest! {
    #[test]
    fn no_line_makes_the_reader_panic(line in "\\PC{0,120}") {
        metrics([line.as_str()]);
    }

    #[test]
    fn nearly_a_report_does_not_panic(line in "[{}\\[\\]'\":=,|/ .0-9a-fstelopinr\r-]{0,60}") {
        metrics([line.as_str(), &format!("step=1 {line}"), &format!("{{'loss': {line}")]);
    }
}

/// The same run, written by two programs in two formats.
#[test]
fn an_event_file_says_what_the_state_of_its_trainer_says() {
    let Some(data) = real_data() else { return };
    let runs = data.join("training_runs");
    let read = |path: &str| {
        let mut log = crate::FollowedLog::new(&runs.join(path));
        log.read_all(&mut |_| true).unwrap();
        figures(log.series())
    };
    let events = read("tensorboard_smolvlm-endoscopy/events.out.tfevents.1795339271.vm");
    let state = read("hf-trainer_smolvlm-endoscopy/trainer_state.json");
    let loss = state.iter().find(|metric| metric.name == "loss");
    let loss = &loss.unwrap().points;
    assert_eq!(loss.len(), 90);
    let same = events
        .iter()
        .find(|metric| metric.name.ends_with("loss") && metric.points.len() == 90);
    for (found, expected) in same.unwrap().points.iter().zip(loss) {
        assert_eq!(found.step, expected.step);
        assert!((found.value - expected.value).abs() <= 1e-6 * expected.value.abs().max(1e-9));
    }
    let table = read("timm_lld-mmri-uniformer/summary.csv");
    assert!(
        table
            .iter()
            .any(|metric| metric.name == "train_loss" && metric.points.len() > 10)
    );
}
