//! The jobs pane: what runs, how far it is, what failed and what to do about it.

mod view;

use semihv_domain::{Failure, Job, JobState};
use semihv_engine::{Query, Reply};

use ratatui::layout::Rect;

use crate::action::Effect;
use crate::job_line;
use crate::pane::{Hint, Input, Mouse, MouseKind, Title};
use crate::shared::{Load, Shared};
use crate::slot::{Slot, SlotName, Ticket};

pub use view::{percent, view};

/// Lines one job takes in the list.
pub(crate) const LINES: u16 = 2;

/// The pane's own view state.
#[derive(Debug, Clone)]
pub struct State {
    pub jobs: Load<Vec<Job>>,
    pub cursor: usize,
    slot: Slot,
}

impl Default for State {
    fn default() -> Self {
        Self {
            jobs: Load::Empty,
            cursor: 0,
            slot: Slot::new(SlotName::Jobs),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Down,
    Up,
    /// A line of the list was clicked.
    Line(usize),
    Cancel,
    Again,
}

pub fn command(name: &str) -> Option<Msg> {
    Some(match name {
        "down" => Msg::Down,
        "up" => Msg::Up,
        "cancel" => Msg::Cancel,
        "again" => Msg::Again,
        _ => return None,
    })
}

impl State {
    /// Newest first, as they are shown.
    pub fn all(&self) -> &[Job] {
        self.jobs.value().map_or(&[], Vec::as_slice)
    }

    pub fn current(&self) -> Option<&Job> {
        self.all().get(self.cursor)
    }

    /// A job started, moved or ended. True when it ended just now.
    pub fn heard(&mut self, job: Job) -> bool {
        let is_over = job.state.is_over();
        let mut jobs = match std::mem::take(&mut self.jobs) {
            Load::Ready(jobs) | Load::Loading { stale: Some(jobs) } => jobs,
            _ => Vec::new(),
        };
        let known = jobs.iter_mut().find(|known| known.id == job.id);
        let ended = if let Some(known) = known {
            let ended = is_over && !known.state.is_over();
            *known = job;
            ended
        } else {
            jobs.insert(0, job);
            is_over
        };
        self.jobs = Load::Ready(jobs);
        ended
    }

    pub fn ask(&mut self) -> Vec<Effect> {
        self.jobs.reload();
        vec![Effect::Ask(self.slot.ask(), Query::Jobs)]
    }
}

pub fn update(state: &mut State, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
    let last = state.all().len().saturating_sub(1);
    match msg {
        Msg::Down => state.cursor = (state.cursor + 1).min(last),
        Msg::Up => state.cursor = state.cursor.saturating_sub(1),
        Msg::Line(line) => state.cursor = (line / usize::from(LINES)).min(last),
        Msg::Cancel => {
            let running = state.current().filter(|job| !job.state.is_over());
            return running
                .map(|job| Effect::Cancel(job.id))
                .into_iter()
                .collect();
        }
        Msg::Again if shared.is_read_only => {}
        Msg::Again => {
            let over = state.current().filter(|job| job.state.is_over());
            let spec = over.and_then(|job| job_line::parse(&job.command).ok());
            return spec.map(Effect::Start).into_iter().collect();
        }
    }
    Vec::new()
}

pub fn refresh(state: &mut State, _shared: &Shared) -> Vec<Effect> {
    if matches!(state.jobs, Load::Empty) {
        state.ask()
    } else {
        Vec::new()
    }
}

pub fn reply(
    state: &mut State,
    ticket: Ticket,
    reply: &Result<Reply, Failure>,
    _shared: &mut Shared,
) -> Option<Vec<Effect>> {
    if !state.slot.accepts(ticket) {
        return None;
    }
    match reply {
        Ok(Reply::Jobs(jobs)) => {
            let mut jobs = jobs.clone();
            jobs.sort_by_key(|job| std::cmp::Reverse(job.id));
            state.cursor = state.cursor.min(jobs.len().saturating_sub(1));
            state.jobs = Load::Ready(jobs);
        }
        Ok(_) => {}
        Err(failure) => state.jobs = Load::Failed(failure.clone()),
    }
    Some(Vec::new())
}

pub fn mouse(_state: &State, _shared: &Shared, mouse: Mouse, _inside: Rect) -> Option<Msg> {
    match mouse.kind {
        MouseKind::Click => Some(Msg::Line(usize::from(mouse.row))),
        MouseKind::ScrollDown => Some(Msg::Down),
        MouseKind::ScrollUp => Some(Msg::Up),
        MouseKind::DoubleClick | MouseKind::Drag => None,
    }
}

pub fn is_typing(_state: &State) -> bool {
    false
}

pub fn typed(_state: &mut State, _input: Input, _shared: &mut Shared) -> Vec<Effect> {
    Vec::new()
}

pub fn title(state: &State, _shared: &Shared) -> Title {
    let count =
        |wanted: fn(&JobState) -> bool| state.all().iter().filter(|job| wanted(&job.state)).count();
    let running = count(|state| !state.is_over());
    let failed = count(|state| matches!(state, JobState::Failed { .. }));
    let mut parts = Vec::new();
    if running > 0 {
        parts.push(format!("{running} running"));
    }
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    Title {
        right: parts.join("  "),
    }
}

pub fn hints(state: &State, _shared: &Shared) -> Vec<Hint> {
    let hint = |command, text| Hint { command, text };
    match state.current() {
        Some(job) if job.state.is_over() => {
            vec![
                hint("jobs.again", "run again"),
                hint("copy", "copy command"),
            ]
        }
        Some(_) => vec![hint("jobs.cancel", "cancel"), hint("copy", "copy command")],
        None => vec![hint("palette", "commands"), hint("index", "index")],
    }
}

/// The command that does the same in a shell.
pub fn copy(state: &State, _shared: &Shared) -> Option<String> {
    state.current().map(|job| job.command.clone())
}

#[cfg(test)]
mod tests;
