//! What happens: every action changes the state and asks for effects. Total, pure, never waits.
//!
//! After each action the consequences are drawn once, whatever caused them: a changed selection
//! loads its case and question, panes that came into sight ask for what they show.

use std::time::Duration;

use ratatui::layout::Rect;
use semihv_domain::{
    CaseId, Failure, Job, JobState, PassageId, Pool, QuestionId, Target, printable_line,
};
use semihv_engine::{AttemptState, Changed, Edit, Event, Query, Reply};

use crate::action::{Action, Effect};
use crate::alerts;
use crate::annotate;
use crate::control;
use crate::input;
use crate::list;
use crate::pane::PaneKind;
use crate::panes::{self, curves, image, log, notes};
use crate::session;
use crate::shared::{Load, Selection};
use crate::slot::Ticket;
use crate::state::{State, Tone};

const TOAST: Duration = Duration::from_secs(5);
/// A failure has a hint to be read.
const BAD_TOAST: Duration = Duration::from_secs(15);

/// What to ask before the first frame.
pub fn opening(state: &mut State, saved: Option<&str>) -> Vec<Effect> {
    if saved.is_some_and(|json| !session::restore(state, json)) {
        state.say(
            Tone::Plain,
            "the last session could not be read; starting fresh",
        );
    }
    let mut effects = vec![Effect::Ask(state.slots.overview.ask(), Query::Overview)];
    effects.extend(state.panes.jobs.ask());
    // From now on it is told when one ends, whatever is on screen.
    effects.extend(panes::runs::ask(&mut state.panes.runs));
    effects.push(alerts::ask(state));
    effects.extend(load_selection(state, &Selection::default()));
    state.is_refresh_due = true;
    let before = Before::of(state);
    effects.extend(settle(state, &before));
    effects
}

pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    let before = Before::of(state);
    let mut effects = dispatch(state, action);
    effects.extend(settle(state, &before));
    effects
}

/// What the consequences are measured against.
struct Before {
    selection: Selection,
    seen: Vec<PaneKind>,
    focus: PaneKind,
    active: usize,
    toasts_said: u64,
}

impl Before {
    fn of(state: &State) -> Self {
        Self {
            selection: state.shared.selection.clone(),
            seen: seen(state),
            focus: state.shared.focus,
            active: state.layouts.active_index(),
            toasts_said: state.toasts_said,
        }
    }
}

fn seen(state: &State) -> Vec<PaneKind> {
    let insides = state.areas().insides();
    insides.into_iter().map(|(kind, _)| kind).collect()
}

/// Handles one action without its consequences; commands come back here with theirs.
pub(crate) fn dispatch(state: &mut State, action: Action) -> Vec<Effect> {
    let State { shared, panes, .. } = state;
    match action {
        Action::App(msg) => control::perform(state, msg),
        Action::Cases(list::Msg::Open) => control::go(state, PaneKind::Image),
        Action::Questions(list::Msg::Open) => control::go(state, PaneKind::Rationales),
        Action::Cases(msg) => panes::cases::update(&mut panes.cases, msg, shared),
        Action::Questions(msg) => panes::questions::update(&mut panes.questions, msg, shared),
        Action::Image(msg) => annotate::image(state, msg),
        Action::Text(msg) => panes::text::update(&mut panes.text, msg, shared),
        Action::Hits(panes::hits::Msg::Open) => go_to_hit(state),
        Action::Hits(msg) => panes::hits::update(&mut panes.hits, msg, shared),
        Action::Guidelines(msg) => panes::guidelines::update(&mut panes.guidelines, msg, shared),
        Action::Rationales(msg) => panes::rationales::update(&mut panes.rationales, msg, shared),
        Action::Log(msg) => log::update(&mut panes.log, msg, shared),
        Action::Curves(curves::Msg::OpenLine) => go_to_line(state),
        Action::Curves(msg) => curves::update(&mut panes.curves, msg, shared),
        Action::Dataset(msg) => panes::dataset::update(&mut panes.dataset, msg, shared),
        Action::Gpus(panes::gpus::Msg::Open) => go_to_run(state),
        Action::Gpus(msg) => panes::gpus::update(&mut panes.gpus, msg, shared),
        Action::Runs(panes::runs::Msg::Open) => go_to_log(state),
        Action::Runs(msg) => panes::runs::update(&mut panes.runs, msg, shared),
        Action::Jobs(msg) => panes::jobs::update(&mut panes.jobs, msg, shared),
        Action::Notes(msg) => annotate::notes(state, msg),
        Action::Key(key) => input::key(state, key),
        Action::Paste(text) => input::paste(state, text),
        Action::Mouse(mouse) => input::mouse(state, mouse),
        Action::Resize(columns, rows) => {
            state.size = (columns, rows);
            Vec::new()
        }
        Action::Clock(now) => {
            shared.now = now;
            Vec::new()
        }
        told => outcome(state, told),
    }
}

fn go_to_log(state: &mut State) -> Vec<Effect> {
    let State { shared, panes, .. } = state;
    let mut effects = panes::runs::update(&mut panes.runs, panes::runs::Msg::Open, shared);
    effects.extend(control::go(state, PaneKind::Log));
    effects
}

fn go_to_line(state: &mut State) -> Vec<Effect> {
    let State { shared, panes, .. } = state;
    let mut effects = curves::update(&mut panes.curves, curves::Msg::OpenLine, shared);
    effects.extend(control::go(state, PaneKind::Log));
    effects
}

/// The log of what computes on a GPU, where it is a run of this workspace.
fn go_to_run(state: &mut State) -> Vec<Effect> {
    let Some(run) = state.panes.gpus.run().map(str::to_owned) else {
        return Vec::new();
    };
    if !state.panes.runs.knows(&run) {
        let run = printable_line(&run);
        state.say(Tone::Plain, format!("{run} is no run of this workspace"));
        return Vec::new();
    }
    state.shared.selection.run = Some(run);
    control::go(state, PaneKind::Log)
}

/// A case is shown by the image pane, a passage by the guidelines'.
fn go_to_hit(state: &mut State) -> Vec<Effect> {
    let hit = state.panes.hits.current().cloned();
    let own = |state: &mut State| {
        let State { shared, panes, .. } = state;
        panes::hits::update(&mut panes.hits, panes::hits::Msg::Open, shared)
    };
    // Something else than a hit is under the cursor.
    let Some(hit) = hit else {
        return own(state);
    };
    if hit.pool == Pool::Case {
        let mut effects = own(state);
        effects.extend(control::go(state, PaneKind::Image));
        return effects;
    }
    let terms = hit.reason.terms.iter().map(|term| term.term.to_lowercase());
    let passage = PassageId(hit.row);
    state.shared.selection.passage = Some(passage);
    let open = panes::guidelines::open_passage;
    let mut effects = open(&mut state.panes.guidelines, passage, terms.collect());
    effects.extend(control::go(state, PaneKind::Guidelines));
    effects
}

/// Answers to effects and what the engine tells.
fn outcome(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Reply(ticket, reply) => replied(state, ticket, &reply),
        Action::Drawn(ticket, drawn) => {
            let drawn = state.panes.drawn(ticket, &drawn, &state.shared);
            drawn.unwrap_or_default()
        }
        Action::Woke(ticket) => woke(state, ticket),
        Action::Engine(event) => heard(state, event),
        Action::Edited(edit, outcome) => {
            annotate::edited(state, &edit, outcome);
            Vec::new()
        }
        Action::Started(outcome) => {
            if let Err(failure) = outcome {
                state.say_failure(&failure);
            }
            Vec::new()
        }
        Action::Copied(outcome) => {
            match outcome {
                Ok(words) => state.say(Tone::Good, words),
                Err(failure) => state.say_failure(&failure),
            }
            Vec::new()
        }
        Action::EditorClosed { target, text } => match text {
            Ok(text) => state.panes.notes.came_back(target, &text),
            Err(failure) => {
                state.say_failure(&failure);
                Vec::new()
            }
        },
        Action::Settings(settings) => {
            state.apply(&settings);
            state.say(Tone::Good, "settings read again");
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn replied(state: &mut State, ticket: Ticket, reply: &Result<Reply, Failure>) -> Vec<Effect> {
    if state.slots.overview.accepts(ticket) {
        match reply {
            Ok(Reply::Overview(overview)) => {
                state.shared.is_read_only |= overview.read_only;
                state.shared.overview = overview.clone();
            }
            Ok(_) => {}
            Err(failure) => state.say_failure(failure),
        }
        return Vec::new();
    }
    if state.slots.case.accepts(ticket) {
        case_arrived(state, reply);
        return Vec::new();
    }
    if state.slots.question.accepts(ticket) {
        question_arrived(state, reply);
        return Vec::new();
    }
    if state.slots.tags.accepts(ticket) {
        annotate::tags_arrived(state, reply);
        return Vec::new();
    }
    if state.slots.alerts.accepts(ticket) {
        alerts::arrived(state, reply);
        return Vec::new();
    }
    let State { shared, panes, .. } = state;
    let effects = panes.reply(ticket, reply, shared).unwrap_or_default();
    for run in state.panes.runs.take_news() {
        let tone = match run.state {
            AttemptState::Succeeded => Tone::Good,
            AttemptState::Cancelled { .. } => Tone::Plain,
            _ => Tone::Bad,
        };
        state.say(tone, format!("{} {}", run.run, run.said()));
    }
    effects
}

fn case_arrived(state: &mut State, reply: &Result<Reply, Failure>) {
    state.is_refresh_due = true;
    let detail = match reply {
        Ok(Reply::Case(detail)) => detail,
        Ok(_) => return,
        Err(failure) => return state.shared.case.settle(Err(failure.clone())),
    };
    let selection = &mut state.shared.selection;
    let has = |image| detail.images.iter().any(|known| Some(known.id) == image);
    if !has(selection.image) {
        let asked_about = state
            .shared
            .question
            .value()
            .and_then(|question| question.image);
        selection.image = if has(asked_about) {
            asked_about
        } else {
            detail.images.first().map(|image| image.id)
        };
        selection.region = None;
    }
    if selection.question.is_none() {
        selection.question = detail.questions.first().map(|question| question.id);
    }
    state.shared.case.settle(Ok(detail.clone()));
}

fn question_arrived(state: &mut State, reply: &Result<Reply, Failure>) {
    state.is_refresh_due = true;
    let detail = match reply {
        Ok(Reply::Question(detail)) => detail,
        Ok(_) => return,
        Err(failure) => return state.shared.question.settle(Err(failure.clone())),
    };
    let known = state.shared.question.value().map(|known| known.question.id);
    let is_another = known != Some(detail.question.id);
    let selection = &mut state.shared.selection;
    if is_another && detail.question.case != selection.case {
        selection.case = detail.question.case;
    }
    if is_another && detail.image.is_some() && selection.image != detail.image {
        selection.image = detail.image;
        selection.region = None;
    }
    state.shared.question.settle(Ok(detail.clone()));
}

fn woke(state: &mut State, ticket: Ticket) -> Vec<Effect> {
    if state.slots.toast.accepts(ticket) {
        state.is_toast_shown = false;
        return Vec::new();
    }
    if state.slots.which_key.accepts(ticket) {
        state.is_which_key_shown = !state.pending.is_empty();
        return Vec::new();
    }
    if state.panes.gpus.woke(ticket) {
        // Out of sight nobody looks.
        let is_seen = seen(state).contains(&PaneKind::Gpus);
        if is_seen {
            return panes::gpus::ask(&mut state.panes.gpus);
        }
        return Vec::new();
    }
    if let Some(effects) = image::woke(&mut state.panes.image, ticket, &mut state.shared) {
        return effects;
    }
    state.panes.notes.woke(ticket).unwrap_or_default()
}

fn heard(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::Job(job) => job_moved(state, job),
        Event::Changed(changed) => rows_changed(state, &changed),
        Event::EditFailed { edit, failure } => {
            annotate::edited(state, &edit, Err(failure));
            Vec::new()
        }
        Event::SettingsChanged { trouble: None } => vec![Effect::ReadSettings],
        Event::SettingsChanged {
            trouble: Some(trouble),
        } => {
            state.say(Tone::Bad, format!("the old settings stay: {trouble}"));
            Vec::new()
        }
        Event::LogChanged { run } => log_changed(state, &run),
        Event::Alert(alert) => alerts::heard(state, &alert),
    }
}

fn log_changed(state: &mut State, run: &str) -> Vec<Effect> {
    let seen = seen(state);
    let mut effects = Vec::new();
    if seen.contains(&PaneKind::Log) {
        effects.extend(log::grew(&mut state.panes.log, run));
    }
    if seen.contains(&PaneKind::Curves) {
        effects.extend(curves::grew(&mut state.panes.curves, run));
    }
    effects
}

fn job_moved(state: &mut State, job: Job) -> Vec<Effect> {
    let name = job.kind.name();
    let end = job.state.clone();
    if !state.panes.jobs.heard(job) {
        return Vec::new();
    }
    match end {
        JobState::Succeeded { summary } => state.say(Tone::Good, format!("{name}: {summary}")),
        JobState::Failed { failure } => state.say_failure(&failure),
        JobState::Cancelled => state.say(Tone::Plain, format!("{name} cancelled")),
        JobState::Interrupted => state.say(Tone::Bad, format!("{name} was interrupted")),
        JobState::Queued | JobState::Running => {}
    }
    Vec::new()
}

/// Asks again for exactly what shows the changed rows.
fn rows_changed(state: &mut State, changed: &Changed) -> Vec<Effect> {
    let mut effects = vec![Effect::Ask(state.slots.overview.ask(), Query::Overview)];
    match changed {
        Changed::Annotations(targets) => {
            effects.extend(state.panes.cases.list.annotations_changed(targets));
            effects.extend(state.panes.questions.list.annotations_changed(targets));
            if targets.iter().any(|target| concerns(state, *target)) {
                effects.extend(reload_details(state));
            }
        }
        Changed::Rows => {
            effects.extend(reload(state));
            effects.extend(state.panes.jobs.ask());
        }
        Changed::Runs => {
            effects = panes::runs::ask(&mut state.panes.runs);
            log::forget_list(&mut state.panes.log);
            curves::forget_list(&mut state.panes.curves);
            if let Some(run) = state.shared.selection.run.clone() {
                effects.extend(log::grew(&mut state.panes.log, &run));
            }
            state.is_refresh_due = true;
        }
        Changed::Alerts => return vec![alerts::ask(state)],
        Changed::Judged => {
            panes::hits::forget(&mut state.panes.hits);
            state.is_refresh_due = true;
        }
        Changed::Index => {
            for list in [&mut state.panes.cases.list, &mut state.panes.questions.list] {
                if !list.filter().is_empty() {
                    effects.extend(list.reopen());
                }
            }
            state.panes.forget();
            state.is_refresh_due = true;
        }
    }
    effects
}

fn concerns(state: &State, target: Target) -> bool {
    let selection = &state.shared.selection;
    match target {
        Target::Case(id) => selection.case == Some(id),
        Target::Question(id) => selection.question == Some(id),
        Target::Image(_) | Target::Answer(_) | Target::Passage(_) => true,
    }
}

/// Asks again for everything on screen.
pub(crate) fn reload(state: &mut State) -> Vec<Effect> {
    let mut effects = state.panes.cases.list.reopen();
    effects.extend(state.panes.questions.list.reopen());
    effects.extend(reload_details(state));
    state.panes.forget();
    state.is_refresh_due = true;
    effects
}

fn reload_details(state: &mut State) -> Vec<Effect> {
    let mut effects = Vec::new();
    let selection = state.shared.selection.clone();
    effects.extend(selection.case.map(|id| ask_case(state, id)));
    effects.extend(selection.question.map(|id| ask_question(state, id)));
    effects
}

fn ask_case(state: &mut State, id: CaseId) -> Effect {
    state.shared.case.reload();
    Effect::Ask(state.slots.case.ask(), Query::Case(id))
}

fn ask_question(state: &mut State, id: QuestionId) -> Effect {
    state.shared.question.reload();
    Effect::Ask(state.slots.question.ask(), Query::Question(id))
}

/// Loads what is selected now and was not before, once for all panes.
fn load_selection(state: &mut State, before: &Selection) -> Vec<Effect> {
    let now = state.shared.selection.clone();
    let mut effects = Vec::new();
    if now.case != before.case {
        if let Some(id) = now.case {
            effects.push(ask_case(state, id));
        } else {
            state.slots.case.drop_answer();
            state.shared.case = Load::Empty;
        }
    }
    if now.question != before.question {
        if let Some(id) = now.question {
            effects.push(ask_question(state, id));
        } else {
            state.slots.question.drop_answer();
            state.shared.question = Load::Empty;
        }
    }
    effects
}

/// Draws the consequences of what an action changed.
fn settle(state: &mut State, before: &Before) -> Vec<Effect> {
    if !state.panes.is_typing(PaneKind::Notes)
        && let Some(from) = state.note_from.take()
    {
        state.layouts.set_focus(from);
    }
    state.shared.focus = state.layouts.focus();
    let mut effects = Vec::new();
    let is_moved = state.shared.selection != before.selection;
    if is_moved {
        effects.extend(load_selection(state, &before.selection));
    }
    let is_due = std::mem::take(&mut state.is_refresh_due) || is_moved;
    let insides = state.areas().insides();
    // Who shows the selection needs one, also where no list is in sight that would choose.
    let is_list =
        |(kind, _): &(PaneKind, Rect)| matches!(kind, PaneKind::Cases | PaneKind::Questions);
    let is_unseen = !insides.iter().any(is_list) && state.panes.cases.list.is_unopened();
    if is_due && is_unseen && state.shared.selection.case.is_none() {
        effects.extend(state.panes.cases.list.refresh(None));
    }
    for (kind, _) in &insides {
        if is_due || !before.seen.contains(kind) {
            effects.extend(state.panes.refresh(*kind, &state.shared));
        }
    }
    for (kind, inside) in insides {
        effects.extend(match kind {
            PaneKind::Cases => state.panes.cases.list.set_height(inside.height),
            PaneKind::Questions => state.panes.questions.list.set_height(inside.height),
            PaneKind::Image => frame_picture(state, inside),
            kind => {
                state.panes.fit(kind, &state.shared, inside);
                Vec::new()
            }
        });
    }
    let is_elsewhere =
        before.focus != state.shared.focus || before.active != state.layouts.active_index();
    // A line that is pointed at is not remembered.
    let is_kept = |selection: &Selection| {
        let line = None;
        let selection = selection.clone();
        Selection { line, ..selection }
    };
    let is_another = is_kept(&state.shared.selection) != is_kept(&before.selection);
    if is_another || is_elsewhere {
        effects.push(Effect::SaveSession);
    }
    if state.toasts_said != before.toasts_said {
        let is_bad = state
            .toasts
            .back()
            .is_some_and(|toast| toast.tone == Tone::Bad);
        let shown = if is_bad { BAD_TOAST } else { TOAST };
        effects.push(Effect::Wake(state.slots.toast.ask(), shown));
    }
    effects
}

/// Tells the image pane how much room it has and whether something lies over it: pixels would
/// shine through.
fn frame_picture(state: &mut State, inside: Rect) -> Vec<Effect> {
    let popup = state.panes.is_typing(PaneKind::Notes)
        && state.areas().inside_of(PaneKind::Notes).is_none();
    let is_covered = state.overlay.is_some() || state.is_which_key_shown || popup;
    let State { shared, panes, .. } = state;
    let (columns, rows) = (inside.width, inside.height);
    let mut effects =
        panes::image::update(&mut panes.image, image::Msg::Covered(is_covered), shared);
    let resized = image::Msg::Resized { columns, rows };
    effects.extend(panes::image::update(&mut panes.image, resized, shared));
    effects
}

/// What is to be done before leaving: the draft is kept, the session saved.
pub fn leaving(state: &mut State) -> Vec<Effect> {
    let mut effects = notes::leave(&mut state.panes.notes);
    effects.push(Effect::SaveSession);
    effects
}

/// True for an edit that a person did not ask for by name.
pub(crate) fn is_silent(edit: &Edit) -> bool {
    matches!(
        edit,
        Edit::KeepDraft { .. } | Edit::DropDraft { .. } | Edit::SeeAlerts { .. }
    )
}
