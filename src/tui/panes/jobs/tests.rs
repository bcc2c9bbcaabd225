//! The jobs pane as a person sees and uses it.

use semihv_domain::{FailureKind, JobId, JobKind, JobProgress};

use super::*;
use crate::testing::{SIZES, pane_text};

fn job(id: i64, state: JobState, done: u64) -> Job {
    Job {
        id: JobId(id),
        kind: JobKind::Import,
        command: "semihv import medpix2 /data/medpix --as medpix".to_owned(),
        state,
        progress: JobProgress {
            done,
            total: Some(1000),
            unit: "files".to_owned(),
            rows: done * 2,
            skipped: 3,
        },
        started: 1_000,
        ended: None,
    }
}

fn loaded() -> State {
    let failure = Failure {
        causes: vec!["No space left on device".to_owned()],
        ..Failure::new("import", FailureKind::Data, "cannot write the store")
    };
    let failure = failure.with_hint("free some space and run the import again");
    State {
        jobs: Load::Ready(vec![
            job(3, JobState::Running, 420),
            job(2, JobState::Failed { failure }, 90),
            job(1, JobState::Interrupted, 90),
        ]),
        ..State::default()
    }
}

fn shared() -> Shared {
    Shared {
        now: 1_042,
        focus: crate::pane::PaneKind::Jobs,
        ..Shared::default()
    }
}

fn press(state: &mut State, msg: Msg) -> Vec<Effect> {
    update(state, msg, &mut shared())
}

#[test]
fn a_running_job_is_cancelled_and_a_finished_one_is_not() {
    let mut state = loaded();
    assert_eq!(press(&mut state, Msg::Cancel), [Effect::Cancel(JobId(3))]);
    press(&mut state, Msg::Down);
    assert_eq!(press(&mut state, Msg::Cancel), []);
}

#[test]
fn a_failed_job_runs_again_from_its_own_command() {
    let mut state = loaded();
    press(&mut state, Msg::Down);
    let effects = press(&mut state, Msg::Again);
    let [Effect::Start(semihv_engine::JobSpec::Import(spec))] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(spec.kind, "medpix2");
    assert_eq!(spec.name.as_deref(), Some("medpix"));
}

#[test]
fn keys_on_an_empty_list_do_nothing() {
    let mut state = State::default();
    for msg in [Msg::Down, Msg::Up, Msg::Cancel, Msg::Again, Msg::Line(7)] {
        assert_eq!(press(&mut state, msg), []);
    }
}

#[test]
fn a_job_that_is_heard_of_twice_stands_once_and_ends_once() {
    let mut state = State::default();
    assert!(!state.heard(job(1, JobState::Running, 1)));
    assert!(state.heard(job(1, JobState::Cancelled, 2)));
    assert!(!state.heard(job(1, JobState::Cancelled, 2)));
    assert_eq!(state.all().len(), 1);
}

#[test]
fn screens() {
    let failed = Failure::new("jobs", FailureKind::Internal, "the store is locked");
    let mut story = loaded();
    story.cursor = 1;
    for (name, state) in [
        (
            "empty",
            State {
                jobs: Load::Ready(Vec::new()),
                ..State::default()
            },
        ),
        (
            "loading",
            State {
                jobs: Load::Loading { stale: None },
                ..State::default()
            },
        ),
        ("loaded", loaded()),
        ("story", story),
        (
            "failed",
            State {
                jobs: Load::Failed(failed),
                ..State::default()
            },
        ),
    ] {
        for (size, area) in SIZES {
            let text = pane_text(area, |theme, area, buffer| {
                view(&state, &shared(), theme, area, buffer);
            });
            insta::assert_snapshot!(format!("jobs_{name}_{size}"), text);
        }
    }
}
