use semihv_engine::ModelScore;

use super::*;
use crate::pane::PaneKind;
use crate::pane_testing::{INSIDES, failure, question_detail, screen};
use crate::shared::{Glyphs, Load};

fn shared() -> Shared {
    let mut shared = Shared {
        question: Load::Ready(Box::new(question_detail())),
        focus: PaneKind::Rationales,
        ..Shared::default()
    };
    shared.selection.question = Some(QuestionId(1));
    shared
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
    let mut waiting = Shared {
        spinner_frame: Some(0),
        ..Shared::default()
    };
    waiting.question.reload();
    let failed = Shared {
        question: Load::Failed(failure()),
        ..Shared::default()
    };
    let state = State::default();
    shown("empty", &state, &Shared::default());
    shown("loading", &state, &waiting);
    shown("loaded", &state, &shared());
    shown("failed", &state, &failed);
}

#[test]
fn differences_have_signs() {
    let state = State {
        compare: Compare::Gold,
        ..State::default()
    };
    shown("against-gold", &state, &shared());
    let ascii = Shared {
        glyphs: Glyphs::Ascii,
        ..shared()
    };
    shown("against-gold-ascii", &state, &ascii);
}

#[test]
fn four_models_stand_one_under_the_other_when_it_is_narrow() {
    let mut shared = shared();
    shared.selection.models = ["anneal", "base", "chat", "zh"].map(str::to_owned).to_vec();
    shown("four", &State::default(), &shared);
}

#[track_caller]
fn check(messages: &[Msg], expected: &str) {
    let (mut state, mut shared) = (State::default(), shared());
    for msg in messages {
        update(&mut state, msg.clone(), &mut shared);
    }
    assert_eq!(chosen(&state, &shared).join(" "), expected);
}

#[rustfmt::skip]
mod choosing {
    use super::*;

    #[test] fn the_first_two_by_name()       { check(&[], "anneal base"); }
    #[test] fn another_in_the_first_column() { check(&[Msg::NextModel], "chat base"); }
    #[test] fn another_in_the_second()       { check(&[Msg::Right, Msg::NextModel], "anneal chat"); }
    #[test] fn one_more()                    { check(&[Msg::AddModel], "anneal base chat"); }
    #[test] fn never_more_than_there_are()   { check(&[Msg::AddModel, Msg::AddModel, Msg::AddModel], "anneal base chat zh"); }
    #[test] fn one_less()                    { check(&[Msg::RemoveModel], "base"); }
    #[test] fn never_none()                  { check(&[Msg::RemoveModel, Msg::RemoveModel], "base"); }
}

#[test]
fn a_wide_pane_shows_as_many_models_as_read_well() {
    let (mut state, shared) = (State::default(), shared());
    for (width, expected) in [(78, 2), (158, 3), (300, 4)] {
        fit(
            &mut state,
            &shared,
            ratatui::layout::Rect::new(0, 0, width, 40),
        );
        assert_eq!(chosen(&state, &shared).len(), expected, "{width} cells");
    }
}

#[test]
fn a_model_that_did_not_answer_says_so() {
    let mut shared = shared();
    shared.overview.models.push(ModelScore {
        model: "other".to_owned(),
        answers: 1,
        right: 1,
        wrong: 0,
        unparsed: 0,
        unjudged: 0,
    });
    shared.selection.models = vec!["other".to_owned()];
    let text = screen((80, 20), |theme, area, buffer| {
        view(&State::default(), &shared, theme, area, buffer);
    });
    assert!(text.contains("did not answer this question"), "{text}");
}

#[test]
fn the_diff_goes_from_gold_to_the_first_model_to_none() {
    let (mut state, mut shared) = (State::default(), shared());
    let mut seen = Vec::new();
    for _ in 0..3 {
        update(&mut state, Msg::Diff, &mut shared);
        seen.push(title(&state, &shared).right);
    }
    assert_eq!(
        seen,
        [
            "ct-017-1 · against gold",
            "ct-017-1 · against anneal",
            "ct-017-1"
        ]
    );
}

#[test]
fn no_size_is_too_small() {
    for size in [(0, 0), (1, 1), (2, 3), (5, 1), (100, 2)] {
        let mut state = State::default();
        fit(&mut state, &shared(), Rect::new(0, 0, size.0, size.1));
        screen(size, |theme, area, buffer| {
            view(&state, &shared(), theme, area, buffer);
        });
    }
}
