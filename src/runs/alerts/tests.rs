use std::path::{Path, PathBuf};

use semihv_domain::MetricPoint;
use semihv_testkit::real_data;

use super::*;
use crate::metrics::TIME;
use crate::series::Series;
use crate::{FollowedLog, ending};

fn series(name: &str, values: impl IntoIterator<Item = f64>) -> Series {
    let mut series = Series::default();
    add(&mut series, name, values);
    series
}

fn add(series: &mut Series, name: &str, values: impl IntoIterator<Item = f64>) {
    let column = series.column(name).unwrap();
    let before = series.view(name).map_or(0, |view| view.count);
    for (at, value) in (before..).zip(values) {
        let (step, line) = (10 * at, at);
        series.push(column, MetricPoint { step, value, line });
    }
}

/// Falls slowly with a little noise.
fn falling(count: usize) -> Vec<f64> {
    let noise = |at: usize| (at * 7919 % 101) as f64 / 101.0 - 0.5;
    (0..count)
        .map(|at| 2.0 + 2.0 * 0.9996_f64.powf(at as f64) + 0.1 * noise(at))
        .collect()
}

fn with(mut values: Vec<f64>, at: usize, value: f64) -> Vec<f64> {
    values[at] = value;
    values
}

#[track_caller]
fn check(name: &str, values: Vec<f64>, expected: &[(AlertCause, u64)]) {
    let found = FigureWatch::default().look(&series(name, values)).unwrap();
    let found: Vec<(AlertCause, u64)> = found
        .iter()
        .map(|finding| (finding.cause, finding.step.unwrap()))
        .collect();
    assert_eq!(found, expected);
}

use AlertCause::{LossSpike, NotFinite, Plateau};

#[rustfmt::skip]
mod losses {
    use super::*;

    #[test] fn all_is_well()                  { check("loss", falling(3_000), &[]); }
    #[test] fn no_number()                    { check("loss", with(falling(300), 200, f64::NAN), &[(NotFinite, 2_000)]); }
    #[test] fn infinite()                     { check("lm loss", with(falling(300), 200, f64::INFINITY), &[(NotFinite, 2_000)]); }
    #[test] fn of_another_figure_it_is_usual(){ check("grad_norm", with(falling(300), 200, f64::INFINITY), &[]); }
    #[test] fn a_spike()                      { check("loss", with(falling(300), 200, 9.0), &[(LossSpike, 2_000)]); }
    #[test] fn a_spike_is_told_once()         { check("loss", with(with(falling(300), 200, 9.0), 250, 99.0), &[(LossSpike, 2_000)]); }
    #[test] fn a_small_rise_is_none()         { check("loss", with(falling(300), 200, 5.0), &[]); }
    #[test] fn at_its_start_it_may()          { check("loss", with(falling(300), 40, 99.0), &[]); }
    #[test] fn noise_is_no_spike()            { check("loss", (0..500).map(|at| [0.1, 0.9, 2.0][at % 3] + at as f64 / 1e4).collect(), &[]); }
    #[test] fn a_spike_of_a_flat_loss()       { check("loss", with(vec![1.0; 100], 90, 2.0), &[(LossSpike, 900)]); }
    #[test] fn a_negative_loss_jumps()        { check("loss", with((0..100).map(|at| -4.0 + at as f64 * 1e-3).collect(), 90, -0.5), &[(LossSpike, 900)]); }
    #[test] fn no_progress()                  { check("loss", vec![1.0; 2_000], &[(Plateau, 19_990)]); }
    #[test] fn too_few_for_a_plateau()        { check("loss", vec![1.0; 1_999], &[]); }
}

#[test]
fn what_comes_later_is_found_when_it_comes() {
    let mut series = series("loss", falling(1_000));
    let mut watch = FigureWatch::default();
    assert_eq!(watch.look(&series).unwrap(), []);
    add(&mut series, "loss", [f64::NAN]);
    let found = watch.look(&series).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].words, "loss is NaN at step 10000");
    assert_eq!((found[0].step, found[0].line), (Some(10_000), Some(1_001)));
    assert_eq!(watch.look(&series).unwrap(), []);
    add(&mut series, "loss", [f64::NAN]);
    assert_eq!(watch.look(&series).unwrap(), []);
}

#[track_caller]
fn check_pace(pauses: impl IntoIterator<Item = f64>, expected: Option<&str>) {
    let moments = pauses.into_iter().scan(1.7e9, |now, pause| {
        *now += pause;
        Some(*now)
    });
    let found = Pace::default().look(&series(TIME, moments)).unwrap();
    assert_eq!(found.map(|it| it.words).as_deref(), expected);
}

#[rustfmt::skip]
mod paces {
    use super::*;

    fn steps(count: usize, seconds: f64) -> impl Iterator<Item = f64> { std::iter::repeat_n(seconds, count) }

    #[test] fn even()            { check_pace(steps(2_000, 2.0), None); }
    #[test] fn slower()          { check_pace(steps(1_000, 2.0).chain(steps(100, 5.0)), Some("slower: 5.0 s a point, 2.0 s before")); }
    #[test] fn one_long_pause()  { check_pace(steps(1_000, 2.0).chain([9_000.0]).chain(steps(100, 2.0)), None); }
    #[test] fn not_known_yet()   { check_pace(steps(300, 2.0).chain(steps(100, 9.0)), None); }
    #[test] fn whole_seconds()   { check_pace(steps(1_000, 0.3).chain(steps(100, 1.0)), None); }
}

#[test]
fn a_run_may_be_quiet_for_ten_minutes_or_twenty_pauses() {
    for (silent, usual, expected) in [
        (599.0, None, false),
        (601.0, None, true),
        (601.0, Some(1.0), true),
        (1_900.0, Some(100.0), false),
        (2_100.0, Some(100.0), true),
    ] {
        assert_eq!(is_stalled(silent, usual), expected, "{silent} {usual:?}");
    }
}

#[test]
fn a_disk_is_almost_full_by_part_and_by_bytes() {
    const GB: u64 = 1_000_000_000;
    for (total, free, expected) in [
        (100 * GB, 4 * GB, true),
        (100 * GB, 6 * GB, false),
        (1_000 * GB, 21 * GB, false),
        (0, 0, false),
    ] {
        let found = DiskRoom { total, free }.finding();
        assert_eq!(found.is_some(), expected, "{free} of {total}");
    }
    assert!(disk_room(Path::new("/")).unwrap().total > 0);
}

fn alert(run: &str, cause: AlertCause) -> Alert {
    Alert::new(run, Finding::new(cause, "words"), 7)
}

#[test]
fn it_is_told_once_by_all_programs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.jsonl");
    let (mut one, mut other) = (AlertBook::new(&path), AlertBook::new(&path));
    assert!(one.add(&alert("a", NotFinite)).unwrap());
    assert!(!one.add(&alert("a", NotFinite)).unwrap());
    assert!(!other.add(&alert("a", NotFinite)).unwrap());
    assert!(other.add(&alert("a", LossSpike)).unwrap());
    assert!(!one.add(&alert("a", LossSpike)).unwrap());
    let mut later = AlertBook::new(&path);
    later.read_on().unwrap();
    assert!(!later.add(&alert("a", NotFinite)).unwrap());
    assert_eq!(later.alerts().len(), 2);
}

#[test]
fn what_was_seen_stays_seen_and_what_comes_later_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.jsonl");
    let mut book = AlertBook::new(&path);
    book.add(&alert("a", NotFinite)).unwrap();
    book.add(&alert("b", NotFinite)).unwrap();
    assert!(book.see(Some("a"), ("ana", 8)).unwrap());
    assert!(!book.see(Some("a"), ("ana", 8)).unwrap());
    book.add(&alert("a", LossSpike)).unwrap();
    let mut later = AlertBook::new(&path);
    later.read_on().unwrap();
    let unseen: Vec<(String, AlertCause)> = later
        .alerts()
        .into_iter()
        .filter(|known| !known.is_seen)
        .map(|known| (known.alert.run, known.alert.cause))
        .collect();
    assert_eq!(unseen, [("a".into(), LossSpike), ("b".into(), NotFinite)]);
}

#[test]
fn a_torn_line_and_one_of_a_later_version_spoil_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.jsonl");
    std::fs::write(&path, "{\"later\":1}\n{\"alert\":{\"run\":\"a\",\"ca").unwrap();
    let mut book = AlertBook::new(&path);
    book.read_on().unwrap();
    assert!(book.add(&alert("a", NotFinite)).unwrap());
    let mut later = AlertBook::new(&path);
    later.read_on().unwrap();
    assert_eq!(later.alerts().len(), 1);
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for file in std::fs::read_dir(folder).unwrap().flatten() {
        let path = file.path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// What is found in real logs; all that is not named here must raise nothing.
const OF_REAL_LOGS: &[(&str, &[AlertCause])] = &[
    ("06_megatron_slurm_timelimit.out", &[AlertCause::TimeLimit]),
    ("17_lightning_metrics_nan_heavy.csv", &[NotFinite]),
    ("23_nccl_desync_timeout.txt", &[AlertCause::NcclTimeout]),
    ("24_cuda_oom_traceback.txt", &[AlertCause::OutOfMemory]),
    (
        "27_events.out.tfevents.new_style_tensor_scalars",
        &[NotFinite],
    ),
];

#[test]
fn real_logs_raise_no_false_alarm() {
    let Some(data) = real_data() else { return };
    let mut paths = Vec::new();
    files(&data.join("training_logs"), &mut paths);
    files(&data.join("training_runs"), &mut paths);
    assert!(paths.len() > 30);
    let mut wrong = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut log = FollowedLog::new(&path);
        log.read_all(&mut |_| true).unwrap();
        let mut found = FigureWatch::default().look(log.series()).unwrap();
        found.extend(Pace::default().look(log.series()).unwrap());
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        found.extend(ending(text.lines()).as_ref().and_then(Finding::of_ending));
        let causes: Vec<AlertCause> = found.iter().map(|finding| finding.cause).collect();
        let expected = OF_REAL_LOGS.iter().find(|(known, _)| *known == name);
        if causes != expected.map_or(&[][..], |(_, causes)| causes) {
            wrong.push(format!("{name}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
