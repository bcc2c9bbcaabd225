//! What the engine tells of runs: said in the footer and to the terminal, counted in the header,
//! listed over the panes.

use semihv_domain::{Failure, printable_line};
use semihv_engine::{Alert, AlertSignal, Edit, KnownAlert, Query, Reply, Severity};

use crate::action::Effect;
use crate::overlay::Overlay;
use crate::state::{State, Tone};
use crate::theme::Role;

pub(crate) fn ask(state: &mut State) -> Effect {
    Effect::Ask(state.slots.alerts.ask(), Query::Alerts)
}

pub(crate) fn arrived(state: &mut State, reply: &Result<Reply, Failure>) {
    match reply {
        Ok(Reply::Alerts(alerts)) => state.shared.alerts.clone_from(alerts),
        Ok(_) => {}
        Err(failure) => state.say_failure(failure),
    }
}

/// Told once: here, and to whoever looks elsewhere.
pub(crate) fn heard(state: &mut State, alert: &Alert) -> Vec<Effect> {
    let words = printable_line(&format!("{}: {}", alert.run, alert.words)).into_owned();
    let tone = match alert.severity {
        Severity::Low => Tone::Plain,
        Severity::Medium | Severity::High => Tone::Bad,
    };
    state.say(tone, words.clone());
    let mut effects = vec![ask(state)];
    if state.signal != AlertSignal::None {
        effects.push(Effect::Signal(state.signal, words));
    }
    effects
}

/// The list; what it shows counts as seen.
pub(crate) fn open(state: &mut State) -> Vec<Effect> {
    state.overlay = Some(Overlay::Alerts { scroll: 0 });
    if unseen(state) == 0 || state.shared.is_read_only {
        return Vec::new();
    }
    vec![Effect::Edit(Edit::SeeAlerts { run: None })]
}

pub(crate) fn unseen(state: &State) -> usize {
    let alerts = state.shared.alerts.iter();
    alerts.filter(|known| !known.is_seen).count()
}

/// How it is drawn, beside the words that say it.
pub(crate) fn role(alert: &Alert) -> Role {
    match alert.severity {
        Severity::Low => Role::Text,
        Severity::Medium => Role::Warn,
        Severity::High => Role::Bad,
    }
}

/// `! RUN: what  5 min ago`, and where its log says it.
pub(crate) fn said(known: &KnownAlert, now: i64) -> String {
    let KnownAlert { alert, .. } = known;
    let line = alert.line.map(|line| format!(", line {line}"));
    let words = format!(
        "! {}: {}{}, {}",
        alert.run,
        alert.words,
        line.unwrap_or_default(),
        ago(now - alert.at)
    );
    printable_line(&words).into_owned()
}

fn ago(seconds: i64) -> String {
    match seconds.max(0) {
        0..60 => "just now".to_owned(),
        seconds @ 60..3_600 => format!("{} min ago", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h ago", seconds / 3_600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use semihv_engine::{AlertCause, Event};

    use super::*;
    use crate::action::Action;
    use crate::testing::{screen_text, state};
    use crate::update::update;

    fn alert() -> Alert {
        Alert {
            run: "tune\u{1b}]0;x".to_owned(),
            cause: AlertCause::NotFinite,
            severity: Severity::High,
            words: "loss is NaN at step 7".to_owned(),
            step: Some(7),
            line: Some(8),
            at: 100,
        }
    }

    /// A state to which an alert was told and listed.
    fn told() -> (State, Vec<Effect>) {
        let mut state = state(120, 30);
        update(&mut state, Action::Clock(400));
        let effects = update(&mut state, Action::Engine(Event::Alert(alert())));
        let Some(Effect::Ask(ticket, Query::Alerts)) = effects.first().cloned() else {
            panic!("{effects:?}");
        };
        let known = KnownAlert {
            alert: alert(),
            is_seen: false,
        };
        update(
            &mut state,
            Action::Reply(ticket, Ok(Reply::Alerts(vec![known]))),
        );
        (state, effects)
    }

    #[test]
    fn it_is_said_counted_and_signalled_without_an_escape() {
        let (state, effects) = told();
        let words = "tune·]0;x: loss is NaN at step 7".to_owned();
        assert!(effects.contains(&Effect::Signal(AlertSignal::Bell, words.clone())));
        let screen = screen_text(&state);
        assert!(screen.contains("! 1 alert"), "{screen}");
        assert!(screen.contains(&words), "{screen}");
    }

    #[test]
    fn opening_the_list_marks_them_as_seen() {
        let (mut state, _) = told();
        let effects = update(&mut state, Action::App(crate::app::Msg::Alerts));
        assert!(effects.contains(&Effect::Edit(Edit::SeeAlerts { run: None })));
        let screen = screen_text(&state);
        assert!(screen.contains("line 8, 5 min ago"), "{screen}");
    }

    #[test]
    fn nobody_is_disturbed_who_does_not_want_to_be() {
        let mut state = state(120, 30);
        state.signal = AlertSignal::None;
        let effects = update(&mut state, Action::Engine(Event::Alert(alert())));
        let is_signal = |effect: &Effect| matches!(effect, Effect::Signal(..));
        assert!(!effects.iter().any(is_signal));
    }
}
