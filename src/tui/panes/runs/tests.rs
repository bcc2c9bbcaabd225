//! The runs pane as a person sees and uses it.

use std::path::PathBuf;

use semihv_domain::FailureKind;
use semihv_engine::{Cause, Ending, LaunchSpec};

use super::*;
use crate::keys::Key;
use crate::pane::PaneKind;
use crate::testing::{SIZES, pane_text};

fn run(name: &str, state: AttemptState) -> RunView {
    let started = 1_795_788_000_000;
    RunView {
        run: format!("20261127-140155-{name}"),
        attempt: 1,
        recipe: "tune".to_owned(),
        host: None,
        took_ms: state.is_over().then_some(130_000),
        state,
        command: ["torchrun", "train.py", "--lr", "1e-5"]
            .map(str::to_owned)
            .to_vec(),
        is_from_checkpoint: false,
        asked_at: started,
        started_at: Some(started),
        ended_at: None,
        by: "ana".to_owned(),
        log: PathBuf::from("/ws/runs/log"),
        folder: PathBuf::from("/ws/runs/attempt-1"),
        job: None,
        ending: None,
        trouble: None,
    }
}

fn recipe(name: &str, values: &[&str]) -> RecipeView {
    RecipeView {
        name: name.to_owned(),
        description: None,
        values: values.iter().map(|it| (*it).to_owned()).collect(),
        trouble: None,
    }
}

fn launched() -> Launched {
    let why = || "torchrun: No such file or directory".to_owned();
    Launched {
        runs: vec![
            RunView {
                host: Some("gpu01".to_owned()),
                ..run("tune-3f9a", AttemptState::Running)
            },
            RunView {
                attempt: 2,
                ..run("tune-11aa", AttemptState::Failed { code: 3 })
            },
            RunView {
                ending: Some(Ending {
                    cause: Cause::DiskFull,
                    line: 4,
                    evidence: "OSError: [Errno 28] No space left on device".to_owned(),
                }),
                ..run("tune-12ab", AttemptState::Failed { code: 1 })
            },
            run("tune-22bb", AttemptState::RunningUnsupervised),
            run("tune-33cc", AttemptState::StartFailed { why: why() }),
            run(
                "tune-44dd",
                AttemptState::Cancelled {
                    by: "bo".to_owned(),
                },
            ),
            run("tune-55ee", AttemptState::Succeeded),
        ],
        recipes: vec![
            recipe("anneal", &[]),
            recipe("tune", &["lr=1e-5", "name=a b"]),
        ],
    }
}

fn shared() -> Shared {
    Shared {
        now: 1_795_788_042,
        focus: PaneKind::Runs,
        ..Shared::default()
    }
}

fn loaded() -> State {
    State {
        launched: Load::Ready(launched()),
        ..State::default()
    }
}

fn press(state: &mut State, msg: Msg) -> Vec<Effect> {
    update(state, msg, &mut shared())
}

fn keys(state: &mut State, keys: &str) -> Vec<Effect> {
    let keys = Key::parse_all(keys).unwrap().into_iter();
    keys.flat_map(|key| typed(state, Input::Key(key), &mut shared()))
        .collect()
}

/// Answers what was asked last with this plan.
fn plan(state: &mut State, effects: &[Effect], answer: Result<Reply, Failure>) -> Vec<Effect> {
    let Some(Effect::Ask(ticket, Query::PlanRun(_))) = effects.last() else {
        panic!("{effects:?}");
    };
    reply(state, *ticket, &answer, &mut shared()).unwrap()
}

fn planned() -> Reply {
    Reply::PlannedRun {
        command: "torchrun train.py --lr 1e-5".to_owned(),
        warnings: vec!["there are changes that are not committed".to_owned()],
    }
}

fn refusal() -> Failure {
    Failure::new("run", FailureKind::User, "lr takes a number, not \"x\"")
}

#[test]
fn the_form_offers_the_last_values_and_launches_what_it_shows() {
    let mut state = loaded();
    let asked = press(&mut state, Msg::Launch(None));
    let spec = |given: &[&str]| LaunchSpec {
        recipe: "tune".to_owned(),
        given: given.iter().map(|it| (*it).to_owned()).collect(),
        ..LaunchSpec::default()
    };
    let Some(Effect::Ask(_, Query::PlanRun(asked_for))) = asked.last() else {
        panic!("{asked:?}");
    };
    assert_eq!(*asked_for, spec(&["lr=1e-5", "name=a b"]));
    plan(&mut state, &asked, Ok(planned()));
    let asked = keys(&mut state, "<Backspace>c'");
    plan(&mut state, &asked, Ok(planned()));
    let started = keys(&mut state, "<Enter>");
    assert_eq!(
        started,
        [Effect::Edit(Edit::Launch(spec(&["lr=1e-5", "name=a bc"])))]
    );
    assert!(!is_typing(&state));
}

#[test]
fn enter_before_the_answer_launches_when_it_comes_and_not_what_is_refused() {
    let mut state = loaded();
    let asked = press(&mut state, Msg::Launch(Some("tune".to_owned())));
    assert_eq!(keys(&mut state, "<Enter>"), []);
    let started = plan(&mut state, &asked, Ok(planned()));
    assert!(
        matches!(started[..], [Effect::Edit(Edit::Launch(_))]),
        "{started:?}"
    );
    let asked = press(&mut state, Msg::Launch(Some("tune".to_owned())));
    keys(&mut state, "<Enter>");
    assert_eq!(plan(&mut state, &asked, Err(refusal())), []);
    assert_eq!(keys(&mut state, "<Enter>"), []);
    assert!(is_typing(&state), "what was typed stays");
    keys(&mut state, "<Esc>");
    assert!(!is_typing(&state));
}

#[test]
fn other_recipes_are_chosen_and_one_that_is_gone_is_no_other() {
    let mut state = loaded();
    press(&mut state, Msg::Launch(None));
    keys(&mut state, "<Backspace>c<Down>");
    assert_eq!(state.form.as_ref().unwrap().recipe, "anneal");
    keys(&mut state, "<Up>");
    let form = state.form.as_ref().unwrap();
    assert_eq!(
        (form.recipe.as_str(), form.line.text()),
        ("tune", "lr=1e-5 'name=a bc")
    );
    keys(&mut state, "<Esc>");
    assert_eq!(press(&mut state, Msg::Launch(Some("gone".to_owned()))), []);
    assert!(!is_typing(&state));
    assert_eq!(
        super::command("launch-tune"),
        Some(Msg::Launch(Some("tune".to_owned())))
    );
}

#[test]
fn what_runs_is_cancelled_and_what_is_over_gets_another_attempt() {
    let mut state = loaded();
    let name = |at: usize| launched().runs[at].run.clone();
    assert_eq!(press(&mut state, Msg::Cancel), []);
    press(&mut state, Msg::Up);
    assert_eq!(
        press(&mut state, Msg::Cancel),
        [],
        "another key came between"
    );
    let cancelled = press(&mut state, Msg::Cancel);
    assert_eq!(cancelled, [Effect::Edit(Edit::CancelRun { run: name(0) })]);
    assert_eq!(press(&mut state, Msg::Resume), []);
    press(&mut state, Msg::Down);
    assert_eq!(press(&mut state, Msg::Cancel), []);
    let resumed = press(&mut state, Msg::Resume);
    assert_eq!(resumed, [Effect::Edit(Edit::ResumeRun { run: name(1) })]);
    let mut shared = Shared {
        is_read_only: true,
        ..shared()
    };
    for msg in [Msg::Cancel, Msg::Resume, Msg::Launch(None)] {
        assert_eq!(update(&mut state, msg, &mut shared), []);
    }
    update(&mut state, Msg::Bottom, &mut shared);
    assert_eq!(shared.selection.run, Some(name(6)));
}

#[test]
fn the_cursor_stays_on_its_run_and_goes_to_one_that_was_launched() {
    let mut state = loaded();
    press(&mut state, Msg::Down);
    let mut later = launched();
    later.runs.insert(0, run("tune-new", AttemptState::Running));
    let come = |state: &mut State| {
        let asked = ask(state);
        let [Effect::Ask(ticket, Query::Launched)] = asked[..] else {
            panic!("{asked:?}");
        };
        reply(
            state,
            ticket,
            &Ok(Reply::Launched(later.clone())),
            &mut shared(),
        )
        .unwrap();
    };
    come(&mut state);
    assert_eq!(state.cursor, 2);
    let asked = press(&mut state, Msg::Launch(None));
    plan(&mut state, &asked, Ok(planned()));
    keys(&mut state, "<Enter>");
    come(&mut state);
    assert_eq!(state.cursor, 0);
}

#[test]
fn a_run_that_ended_is_news_once() {
    let mut state = loaded();
    let mut later = launched();
    later.runs[0].state = AttemptState::Failed { code: 1 };
    for expected in [1, 0] {
        let asked = ask(&mut state);
        let [Effect::Ask(ticket, Query::Launched)] = asked[..] else {
            panic!("{asked:?}");
        };
        let answer = Ok(Reply::Launched(later.clone()));
        reply(&mut state, ticket, &answer, &mut shared()).unwrap();
        let news = state.take_news();
        assert_eq!(news.len(), expected, "{news:?}");
    }
}

#[test]
fn keys_on_an_empty_list_do_nothing() {
    let mut state = State::default();
    for msg in [
        Msg::Down,
        Msg::Up,
        Msg::Cancel,
        Msg::Resume,
        Msg::Open,
        Msg::Launch(None),
    ] {
        assert_eq!(press(&mut state, msg), []);
    }
}

#[test]
fn screens() {
    let mut empty = launched();
    empty.runs.clear();
    let at = |cursor: usize| State { cursor, ..loaded() };
    let mut form = loaded();
    let asked = press(&mut form, Msg::Launch(None));
    plan(&mut form, &asked, Ok(planned()));
    let mut refused = loaded();
    let asked = press(&mut refused, Msg::Launch(None));
    plan(&mut refused, &asked, Err(refusal()));
    let mut armed = loaded();
    press(&mut armed, Msg::Cancel);
    let of = |launched| State {
        launched,
        ..State::default()
    };
    let failure = Failure::new(
        "runs",
        FailureKind::Config,
        "cannot read the folder of runs",
    );
    for (name, state) in [
        ("empty", of(Load::Ready(empty))),
        ("no_recipe", of(Load::Ready(Launched::default()))),
        ("loading", of(Load::Loading { stale: None })),
        ("failed", of(Load::Failed(failure))),
        ("loaded", loaded()),
        ("disk_full", at(2)),
        ("unsupervised", at(3)),
        ("start_failed", at(4)),
        ("armed", armed),
        ("form", form),
        ("refused", refused),
    ] {
        for (size, area) in SIZES {
            let text = pane_text(area, |theme, area, buffer| {
                view(&state, &shared(), theme, area, buffer);
            });
            insta::assert_snapshot!(format!("runs_{name}_{size}"), text);
        }
    }
}
