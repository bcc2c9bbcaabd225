//! The GPUs pane: what every GPU here and on the hosts does, and for which run.
//!
//! They are watched only while it is in sight: each answer asks to be woken for the next one.

mod figures;
mod view;

use std::time::Duration;

use ratatui::layout::Rect;
use semihv_domain::{Failure, Gpu};
use semihv_engine::{HostGpus, Query, Reply};

use crate::action::Effect;
use crate::pane::{Hint, Input, Mouse, MouseKind, Title};
use crate::shared::{Load, Shared};
use crate::slot::{Slot, SlotName, Ticket};

pub use view::view;

/// As often as there are new figures.
const LOOK: Duration = Duration::from_secs(2);
/// Until every machine has told something.
const FIRST: Duration = Duration::from_millis(300);

/// The pane's own view state.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) machines: Load<Vec<HostGpus>>,
    /// Of the lines.
    pub(super) cursor: usize,
    /// By a person; until then it stays on the first GPU.
    was_moved: bool,
    slot: Slot,
    next: Slot,
}

impl Default for State {
    fn default() -> Self {
        Self {
            machines: Load::Empty,
            cursor: 0,
            was_moved: false,
            slot: Slot::new(SlotName::Gpus),
            next: Slot::new(SlotName::GpusNext),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Down,
    Up,
    Top,
    Bottom,
    /// A line was clicked.
    Line(usize),
    /// To the log of the run that computes there.
    Open,
}

pub fn command(name: &str) -> Option<Msg> {
    Some(match name {
        "down" => Msg::Down,
        "up" => Msg::Up,
        "top" => Msg::Top,
        "bottom" => Msg::Bottom,
        "open" => Msg::Open,
        _ => return None,
    })
}

/// A line of the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Line<'a> {
    Machine(&'a HostGpus),
    Gpu(&'a HostGpus, &'a Gpu),
    /// The part of a divided GPU at this place.
    Instance(&'a HostGpus, &'a Gpu, usize),
}

impl State {
    /// All that may be shown; a machine without GPUs is left out where others are.
    pub(super) fn machines(&self) -> impl Iterator<Item = &HostGpus> {
        let all = self.machines.value().map_or(&[][..], Vec::as_slice);
        let has_others = all.len() > 1;
        all.iter()
            .filter(move |it| !(has_others && it.host.is_none() && it.has_no_tool()))
    }

    pub(super) fn lines(&self) -> Vec<Line<'_>> {
        let mut lines = Vec::new();
        for machine in self.machines() {
            lines.push(Line::Machine(machine));
            for gpu in &machine.gpus {
                lines.push(Line::Gpu(machine, gpu));
                let parts = 0..gpu.instances.len();
                lines.extend(parts.map(|at| Line::Instance(machine, gpu, at)));
            }
        }
        lines
    }

    pub(super) fn current(&self) -> Option<Line<'_>> {
        self.lines().get(self.cursor).copied()
    }

    /// The first run on the GPU under the cursor.
    pub(crate) fn run(&self) -> Option<&str> {
        let (Line::Gpu(_, gpu) | Line::Instance(_, gpu, _)) = self.current()? else {
            return None;
        };
        gpu.processes.iter().find_map(|it| it.run.as_deref())
    }

    /// True for the wake-up that was asked for.
    pub(crate) fn woke(&mut self, ticket: Ticket) -> bool {
        self.next.accepts(ticket)
    }

    fn move_to(&mut self, at: usize) {
        self.cursor = at.min(self.lines().len().saturating_sub(1));
    }
}

pub fn update(state: &mut State, msg: Msg, _shared: &mut Shared) -> Vec<Effect> {
    state.was_moved = true;
    match msg {
        Msg::Down => state.move_to(state.cursor + 1),
        Msg::Up => state.move_to(state.cursor.saturating_sub(1)),
        Msg::Top => state.move_to(0),
        Msg::Bottom => state.move_to(usize::MAX),
        Msg::Line(line) => state.move_to(line),
        // Whoever shows logs knows where: see `update`.
        Msg::Open => {}
    }
    Vec::new()
}

/// The pane came into sight, unless it is watching already.
pub fn refresh(state: &mut State, _shared: &Shared) -> Vec<Effect> {
    if state.slot.is_waiting() || state.next.is_waiting() {
        return Vec::new();
    }
    ask(state)
}

/// What is known by now; asking has the GPUs watched.
pub fn ask(state: &mut State) -> Vec<Effect> {
    state.machines.reload();
    vec![Effect::Ask(state.slot.ask(), Query::Gpus)]
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
        Ok(Reply::Gpus(machines)) => state.machines = Load::Ready(machines.clone()),
        Ok(_) => {}
        Err(failure) => state.machines = Load::Failed(failure.clone()),
    }
    let mut machines = state.machines.value().into_iter().flatten();
    let is_settled = machines.all(HostGpus::is_settled);
    let pause = if is_settled { LOOK } else { FIRST };
    let is_gpu = |line: &Line<'_>| matches!(line, Line::Gpu(..));
    let first = state.lines().iter().position(is_gpu);
    let at = first.filter(|_| !state.was_moved);
    state.move_to(at.unwrap_or(state.cursor));
    Some(vec![Effect::Wake(state.next.ask(), pause)])
}

pub fn mouse(state: &State, _shared: &Shared, mouse: Mouse, inside: Rect) -> Option<Msg> {
    let line = view::line_at(state, inside, mouse.row);
    match mouse.kind {
        MouseKind::Click => line.map(Msg::Line),
        MouseKind::DoubleClick => Some(Msg::Open),
        MouseKind::ScrollDown => Some(Msg::Down),
        MouseKind::ScrollUp => Some(Msg::Up),
        MouseKind::Drag => None,
    }
}

pub fn is_typing(_state: &State) -> bool {
    false
}

pub fn typed(_state: &mut State, _input: Input, _shared: &mut Shared) -> Vec<Effect> {
    Vec::new()
}

pub fn title(state: &State, _shared: &Shared) -> Title {
    let gpus = || state.machines().flat_map(|machine| &machine.gpus);
    let idle = gpus().filter(|gpu| gpu.is_idle()).count();
    let right = match (gpus().count(), idle) {
        (0, _) => String::new(),
        (all, 0) => figures::counted(all, "GPU"),
        (all, idle) => format!("{}  {idle} idle", figures::counted(all, "GPU")),
    };
    Title { right }
}

pub fn hints(state: &State, _shared: &Shared) -> Vec<Hint> {
    let hint = |command, text| Hint { command, text };
    let mut hints = Vec::new();
    if state.run().is_some() {
        hints.push(hint("gpus.open", "log of its run"));
    }
    if matches!(state.current(), Some(Line::Gpu(..) | Line::Instance(..))) {
        hints.push(hint("copy", "copy uuid"));
    }
    hints
}

/// What names a GPU to programs.
pub fn copy(state: &State, _shared: &Shared) -> Option<String> {
    match state.current()? {
        Line::Gpu(_, gpu) | Line::Instance(_, gpu, _) => gpu.card.uuid.clone(),
        Line::Machine(_) => None,
    }
}

#[cfg(test)]
mod tests;
