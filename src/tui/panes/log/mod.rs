//! The log pane: the end of a run's log below, a chart of its figures above, linked by the step.

mod level;
mod view;

use ratatui::layout::Rect;
use semihv_domain::{Failure, Metric, MetricPoint};
use semihv_engine::{LogView, Query, Reply, RunSummary};

use crate::action::Effect;
use crate::pane::{Hint, Input, Mouse, MouseKind, Title};
use crate::plot::Scale;
use crate::reader::{self, Find};
use crate::shared::{Load, Shared};
use crate::slot::{Slot, SlotName, Ticket};

use level::{Level, level};
pub use view::{fit, view};

/// Lines that are asked for.
const LINES: usize = 2000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Smoothing {
    #[default]
    Off,
    /// The running mean that keeps nine tenths of the past.
    Ema,
}

/// The pane's own view state.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) runs: Load<Vec<RunSummary>>,
    pub(super) log: Load<Box<LogView>>,
    /// The run that `log` is of or is asked for.
    pub(super) run: Option<String>,
    /// The metric on the chart, by name; `None`: the loss, or the first.
    metric: Option<String>,
    pub(super) scale: Scale,
    pub(super) smoothing: Smoothing,
    /// The cursor stays on the last line.
    pub(super) is_following: bool,
    /// Number of the cursor's line in the file.
    pub(super) cursor: u64,
    /// Number of the first line drawn.
    pub(super) top: u64,
    page: u64,
    pub(super) find: Find,
    runs_slot: Slot,
    log_slot: Slot,
}

impl Default for State {
    fn default() -> Self {
        Self {
            runs: Load::Empty,
            log: Load::Empty,
            run: None,
            metric: None,
            scale: Scale::Linear,
            smoothing: Smoothing::Off,
            is_following: true,
            cursor: 0,
            top: 0,
            page: 10,
            find: Find::default(),
            runs_slot: Slot::new(SlotName::Runs),
            log_slot: Slot::new(SlotName::Log),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Read(reader::Msg),
    /// A line of the pane was clicked.
    Line(u64),
    Follow,
    /// Logarithmic values, and back.
    Scale,
    Smooth,
    NextMetric,
    PreviousMetric,
    FirstError,
    NextRun,
    PreviousRun,
    Back,
}

pub fn command(name: &str) -> Option<Msg> {
    Some(match name {
        "follow" => Msg::Follow,
        "log-scale" => Msg::Scale,
        "smooth" => Msg::Smooth,
        "next-metric" => Msg::NextMetric,
        "previous-metric" => Msg::PreviousMetric,
        "first-error" => Msg::FirstError,
        "next-run" => Msg::NextRun,
        "previous-run" => Msg::PreviousRun,
        "back" => Msg::Back,
        name => return reader::command(name).map(Msg::Read),
    })
}

impl State {
    /// Numbers of the first line held and of the one behind the last.
    pub(super) fn span(&self) -> (u64, u64) {
        self.log.value().map_or((0, 0), |log| {
            (log.first_line, log.first_line + log.lines.len() as u64)
        })
    }

    pub(super) fn line(&self, number: u64) -> Option<&str> {
        let log = self.log.value()?;
        let at = usize::try_from(number.checked_sub(log.first_line)?).ok()?;
        log.lines.get(at).map(String::as_str)
    }

    pub(super) fn metric(&self) -> Option<&Metric> {
        let metrics = &self.log.value()?.metrics;
        let by_name = |name: &str| metrics.iter().find(|metric| metric.name == name);
        self.metric
            .as_deref()
            .and_then(by_name)
            .or_else(|| by_name("loss"))
            .or_else(|| {
                metrics
                    .iter()
                    .find(|metric| metric.name.to_lowercase().contains("loss"))
            })
            .or_else(|| metrics.first())
    }

    /// The point of the metric that the cursor's line says, or the last one before it.
    pub(super) fn point_at_cursor(&self) -> Option<&MetricPoint> {
        let points = &self.metric()?.points;
        points.iter().rev().find(|point| point.line <= self.cursor)
    }

    fn go(&mut self, number: u64) {
        let (first, end) = self.span();
        self.cursor = number.clamp(first, end.saturating_sub(1).max(first));
        self.is_following = end > 0 && self.cursor + 1 == end;
    }

    fn cycle_metric(&mut self, by: i64) {
        let names: Vec<String> = self.log.value().map_or_else(Vec::new, |log| {
            log.metrics
                .iter()
                .map(|metric| metric.name.clone())
                .collect()
        });
        let current = self.metric().map(|metric| metric.name.clone());
        let at = names.iter().position(|name| Some(name) == current.as_ref());
        self.metric = step_in(&names, at, by);
    }

    fn find_from(&mut self, by: i64) {
        let pattern = self.find.pattern().to_lowercase();
        if pattern.is_empty() {
            return;
        }
        let (first, end) = self.span();
        let length = end - first;
        let start = self.cursor.saturating_sub(first);
        let found = (1..=length).find_map(|away| {
            let at = if by > 0 {
                start + away
            } else {
                start + length - away
            };
            let number = first + at % length;
            let line = self.line(number)?;
            line.to_lowercase().contains(&pattern).then_some(number)
        });
        if let Some(number) = found {
            self.go(number);
        }
    }

    fn ask_log(&mut self, run: String) -> Vec<Effect> {
        if self.run.as_ref() != Some(&run) {
            self.log = Load::Empty;
            self.is_following = true;
            self.metric = None;
        }
        self.run = Some(run.clone());
        self.log.reload();
        vec![Effect::Ask(
            self.log_slot.ask(),
            Query::Log { run, lines: LINES },
        )]
    }
}

fn step_in(names: &[String], at: Option<usize>, by: i64) -> Option<String> {
    let count = i64::try_from(names.len()).ok().filter(|count| *count > 0)?;
    let at = i64::try_from(at.unwrap_or(0)).ok()?;
    names
        .get(usize::try_from((at + by).rem_euclid(count)).ok()?)
        .cloned()
}

pub fn update(state: &mut State, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
    match msg {
        Msg::Read(msg) => read(state, msg),
        Msg::Line(number) => state.go(number),
        Msg::Follow => {
            state.is_following = !state.is_following;
            state.stay_at_end();
        }
        Msg::Scale => {
            state.scale = match state.scale {
                Scale::Linear => Scale::Log,
                Scale::Log => Scale::Linear,
            };
        }
        Msg::Smooth => {
            state.smoothing = match state.smoothing {
                Smoothing::Off => Smoothing::Ema,
                Smoothing::Ema => Smoothing::Off,
            };
        }
        Msg::NextMetric => state.cycle_metric(1),
        Msg::PreviousMetric => state.cycle_metric(-1),
        Msg::FirstError => first_error(state),
        Msg::NextRun => return other_run(state, shared, 1),
        Msg::PreviousRun => return other_run(state, shared, -1),
        Msg::Back => {
            state.find.leave();
        }
    }
    Vec::new()
}

fn read(state: &mut State, msg: reader::Msg) {
    let (first, end) = state.span();
    match msg {
        reader::Msg::Down => state.go(state.cursor + 1),
        reader::Msg::Up => state.go(state.cursor.saturating_sub(1)),
        reader::Msg::PageDown => state.go(state.cursor + state.page),
        reader::Msg::PageUp => state.go(state.cursor.saturating_sub(state.page)),
        reader::Msg::Top => state.go(first),
        reader::Msg::Bottom => state.go(end),
        reader::Msg::Find => state.find.open(),
        reader::Msg::NextMatch => state.find_from(1),
        reader::Msg::PreviousMatch => state.find_from(-1),
    }
}

impl State {
    fn stay_at_end(&mut self) {
        let (first, end) = self.span();
        if self.is_following {
            self.cursor = end.saturating_sub(1).max(first);
        } else {
            self.cursor = self.cursor.clamp(first, end.saturating_sub(1).max(first));
        }
    }
}

fn first_error(state: &mut State) {
    let (first, end) = state.span();
    let is_bad = |number: &u64| {
        state
            .line(*number)
            .is_some_and(|line| level(line) == Level::Error)
    };
    let found = (first..end).find(is_bad);
    if let Some(number) = found {
        state.go(number);
        state.is_following = false;
    }
}

fn other_run(state: &mut State, shared: &mut Shared, by: i64) -> Vec<Effect> {
    let names: Vec<String> = state.runs.value().map_or_else(Vec::new, |runs| {
        runs.iter().map(|run| run.name.clone()).collect()
    });
    let at = names
        .iter()
        .position(|name| Some(name) == state.run.as_ref());
    let Some(run) = step_in(&names, at, by) else {
        return Vec::new();
    };
    shared.selection.run = Some(run.clone());
    state.ask_log(run)
}

/// Asks for the runs once, and for the log of the selected one when it is another.
pub fn refresh(state: &mut State, shared: &Shared) -> Vec<Effect> {
    let mut effects = Vec::new();
    if matches!(state.runs, Load::Empty) {
        state.runs.reload();
        effects.push(Effect::Ask(state.runs_slot.ask(), Query::Runs));
    }
    if let Some(run) = shared.selection.run.clone()
        && state.run.as_ref() != Some(&run)
    {
        effects.extend(state.ask_log(run));
    }
    effects
}

/// A followed log grew.
pub fn grew(state: &mut State, run: &str) -> Vec<Effect> {
    if state.run.as_deref() == Some(run) {
        state.ask_log(run.to_owned())
    } else {
        Vec::new()
    }
}

/// There are other runs: the next refresh asks which.
pub fn forget_list(state: &mut State) {
    state.runs = Load::Empty;
}

/// The manifest or the files changed: the next refresh asks again.
pub fn forget(state: &mut State) {
    state.runs = Load::Empty;
    state.run = None;
}

pub fn reply(
    state: &mut State,
    ticket: Ticket,
    reply: &Result<Reply, Failure>,
    shared: &mut Shared,
) -> Option<Vec<Effect>> {
    if state.runs_slot.accepts(ticket) {
        return Some(runs_came(state, reply, shared));
    }
    if !state.log_slot.accepts(ticket) {
        return None;
    }
    match reply {
        Ok(Reply::Log(log)) => {
            state.log = Load::Ready(log.clone());
            state.stay_at_end();
        }
        Ok(_) => {}
        Err(failure) => state.log = Load::Failed(failure.clone()),
    }
    Some(Vec::new())
}

fn runs_came(state: &mut State, reply: &Result<Reply, Failure>, shared: &Shared) -> Vec<Effect> {
    match reply {
        Ok(Reply::Runs(runs)) => {
            state.runs = Load::Ready(runs.clone());
            let first = runs.first().map(|run| run.name.clone());
            match shared.selection.run.clone().or(first) {
                Some(run) if state.run.as_ref() != Some(&run) => state.ask_log(run),
                _ => Vec::new(),
            }
        }
        Ok(_) => Vec::new(),
        Err(failure) => {
            state.runs = Load::Failed(failure.clone());
            Vec::new()
        }
    }
}

pub fn mouse(state: &State, _shared: &Shared, mouse: Mouse, inside: Rect) -> Option<Msg> {
    match mouse.kind {
        MouseKind::ScrollUp => Some(Msg::Read(reader::Msg::Up)),
        MouseKind::ScrollDown => Some(Msg::Read(reader::Msg::Down)),
        MouseKind::Click => view::line_at(state, inside, mouse.row).map(Msg::Line),
        MouseKind::DoubleClick | MouseKind::Drag => None,
    }
}

pub fn is_typing(state: &State) -> bool {
    state.find.is_typing()
}

pub fn typed(state: &mut State, input: Input, _shared: &mut Shared) -> Vec<Effect> {
    let is_here = |state: &State| {
        let pattern = state.find.pattern().to_lowercase();
        state
            .line(state.cursor)
            .is_some_and(|line| line.to_lowercase().contains(&pattern))
    };
    if state.find.typed(&input) && !is_here(state) {
        state.find_from(1);
    }
    Vec::new()
}

pub fn title(state: &State, shared: &Shared) -> Title {
    Title {
        right: view::title(state, shared),
    }
}

pub fn hints(state: &State, _shared: &Shared) -> Vec<Hint> {
    let hint = |command, text| Hint { command, text };
    let mut hints = vec![
        hint("log.first-error", "first error"),
        hint("log.follow", "follow"),
        hint("log.next-metric", "next figure"),
        hint("log.log-scale", "log y"),
        hint("log.smooth", "smooth"),
        hint("log.find", "search"),
    ];
    if state.runs.value().is_some_and(|runs| runs.len() > 1) {
        hints.insert(0, hint("log.next-run", "next run"));
    }
    hints
}

/// The line under the cursor.
pub fn copy(state: &State, _shared: &Shared) -> Option<String> {
    state.line(state.cursor).map(str::to_owned)
}

#[cfg(test)]
mod tests;
