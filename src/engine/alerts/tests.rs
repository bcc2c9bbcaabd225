use std::fs::OpenOptions;
use std::io::Write;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use semihv_runs::{Alert, AlertCause};

use crate::tests::Bench;
use crate::{Changed, Event};

const PATIENCE: Duration = Duration::from_mins(1);

fn bench(recipes: &str) -> Bench {
    let bench = Bench::new();
    let manifest = bench.folder.path().join("ws/semihv.toml");
    let mut file = OpenOptions::new().append(true).open(manifest).unwrap();
    file.write_all(recipes.as_bytes()).unwrap();
    bench
}

fn append(bench: &Bench, text: &str) {
    let path = bench.folder.path().join("train.jsonl");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// It watches when it tells of what grew.
#[track_caller]
fn wait_for_the_watcher(bench: &Bench, events: &Receiver<Event>, loss: &str) {
    let due = Instant::now() + PATIENCE;
    for step in 2.. {
        assert!(Instant::now() < due, "nothing is watched");
        append(bench, &format!("{{\"step\": {step}, \"loss\": {loss}}}\n"));
        match events.recv_timeout(Duration::from_millis(100)) {
            Ok(Event::LogChanged { .. }) => return,
            Ok(Event::Alert(alert)) => panic!("{alert:?}"),
            _ => {}
        }
    }
}

/// The next alert.
#[track_caller]
fn told(events: &Receiver<Event>) -> Alert {
    loop {
        if let Event::Alert(alert) = events.recv_timeout(PATIENCE).expect("an alert") {
            return alert;
        }
    }
}

const LOG: &str = "\n[log.tune]\npath = \"../train.jsonl\"\n";

#[test]
fn a_log_that_turns_to_no_number_is_told_once_and_not_after_reopening() {
    let bench = bench(LOG);
    append(&bench, "{\"step\": 1, \"loss\": 1.5}\n");
    let engine = bench.open();
    let events = engine.subscribe();
    engine.follow_changes();
    wait_for_the_watcher(&bench, &events, "1.5");
    append(&bench, "{\"step\": 9000, \"loss\": NaN}\n");
    let alert = told(&events);
    assert_eq!(
        (alert.run.as_str(), alert.cause, alert.step),
        ("tune", AlertCause::NotFinite, Some(9_000))
    );
    assert_eq!(alert.words, "loss is NaN at step 9000");
    // Told means on disk: another program knows it, and a second one that looks says nothing.
    let other = bench.open();
    assert_eq!(other.alerts().unwrap().len(), 1);
    let of_other = other.subscribe();
    other.follow_changes();
    wait_for_the_watcher(&bench, &of_other, "NaN");
    super::looking::look_at_log(&other, "tune", &bench.folder.path().join("train.jsonl"));
    engine.see_alerts(None).unwrap();
    // What is told of others' alerts is that there are others.
    let mut is_told = false;
    while !is_told {
        match of_other.recv_timeout(PATIENCE).unwrap() {
            Event::Changed(Changed::Alerts) => is_told = true,
            Event::Alert(alert) => panic!("{alert:?}"),
            _ => {}
        }
    }
    let known = other.alerts().unwrap();
    assert_eq!((known.len(), known[0].is_seen), (1, true));
}
