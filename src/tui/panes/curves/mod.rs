//! The curves pane: a figure of one run or of several over each other, or all figures of a run.
//!
//! The cursor is a place on the axis; the log pane follows it to the line, and back.

mod moving;
mod view;

use ratatui::layout::Rect;
use semihv_domain::Failure;
use semihv_engine::{Axis, Curve, CurvePoint, Curves, CurvesAsk, Query, Reply};

use crate::action::Effect;
use crate::pane::{Hint, Input, Mouse, MouseKind, PaneKind, Title};
use crate::plot::Scale;
use crate::run_list::RunList;
use crate::shared::{LinkedLine, Load, Shared};
use crate::slot::{Slot, SlotName, Ticket};

use moving::nearest;
pub use view::{fit, view};

/// As many as the widest screens have dots.
const BUCKETS: usize = 512;
/// Of each of many small charts.
const FEW_BUCKETS: usize = 128;
/// More small charts nobody looks at.
const MOST_CHARTS: usize = 24;

/// How much of the past the running mean keeps.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Smoothing {
    #[default]
    Off,
    Keep(f64),
}

impl Smoothing {
    fn next(self) -> Self {
        match self {
            Self::Off => Self::Keep(0.6),
            Self::Keep(keep) if keep < 0.7 => Self::Keep(0.9),
            Self::Keep(keep) if keep < 0.95 => Self::Keep(0.99),
            Self::Keep(_) => Self::Off,
        }
    }
}

/// The pane's own view state.
#[derive(Debug, Clone)]
pub struct State {
    runs: RunList,
    curves: Load<Box<Curves>>,
    /// What `curves` answers, or is asked for.
    asked: Option<CurvesAsk>,
    /// The run that leads; the kept ones stand behind it.
    run: Option<String>,
    kept: Vec<String>,
    /// The run that others are measured against.
    baseline: Option<String>,
    /// `None`: the loss, or what comes first.
    metric: Option<String>,
    shows_all: bool,
    axis: Axis,
    scale: Scale,
    smoothing: Smoothing,
    span: Option<(f64, f64)>,
    /// A place on the axis.
    cursor: Option<f64>,
    /// The line that another pane pointed at last.
    pointed: Option<LinkedLine>,
    /// It grew while its answer was on its way.
    is_stale: bool,
    /// The first of the small charts.
    top: usize,
    slot: Slot,
}

impl Default for State {
    fn default() -> Self {
        Self {
            runs: RunList::new(SlotName::CurvesRuns),
            curves: Load::Empty,
            asked: None,
            run: None,
            kept: Vec::new(),
            baseline: None,
            metric: None,
            shows_all: false,
            axis: Axis::Step,
            scale: Scale::Linear,
            smoothing: Smoothing::Off,
            span: None,
            cursor: None,
            pointed: None,
            is_stale: false,
            top: 0,
            slot: Slot::new(SlotName::Curves),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Msg {
    Left,
    Right,
    FarLeft,
    FarRight,
    Start,
    End,
    /// A place was clicked: the share of the axis.
    Place(f64),
    NextMetric,
    PreviousMetric,
    AllMetrics,
    ZoomIn,
    ZoomOut,
    Whole,
    Smooth,
    /// Logarithmic values, and back.
    Scale,
    Axis,
    FirstTrouble,
    OpenLine,
    Keep,
    KeepNone,
    Baseline,
    NextRun,
    PreviousRun,
    Export,
    Back,
}

pub fn command(name: &str) -> Option<Msg> {
    Some(match name {
        "left" => Msg::Left,
        "right" => Msg::Right,
        "far-left" => Msg::FarLeft,
        "far-right" => Msg::FarRight,
        "start" => Msg::Start,
        "end" => Msg::End,
        "next-metric" => Msg::NextMetric,
        "previous-metric" => Msg::PreviousMetric,
        "all-metrics" => Msg::AllMetrics,
        "zoom-in" => Msg::ZoomIn,
        "zoom-out" => Msg::ZoomOut,
        "whole" => Msg::Whole,
        "smooth" => Msg::Smooth,
        "log-scale" => Msg::Scale,
        "axis" => Msg::Axis,
        "first-trouble" => Msg::FirstTrouble,
        "open-line" => Msg::OpenLine,
        "keep" => Msg::Keep,
        "keep-none" => Msg::KeepNone,
        "baseline" => Msg::Baseline,
        "next-run" => Msg::NextRun,
        "previous-run" => Msg::PreviousRun,
        "export" => Msg::Export,
        "back" => Msg::Back,
        _ => return None,
    })
}

impl State {
    /// The runs that are drawn, the leading one first.
    fn runs_drawn(&self) -> Vec<String> {
        let kept = self
            .kept
            .iter()
            .filter(|run| Some(*run) != self.run.as_ref());
        self.run.iter().chain(kept).cloned().collect()
    }

    fn metrics(&self) -> Vec<&str> {
        let curves = self.curves.value();
        curves.map_or_else(Vec::new, |curves| {
            let names = curves.metrics.iter().map(|metric| metric.name.as_str());
            names.collect()
        })
    }

    /// The figure that is drawn, or marked among the small charts.
    fn metric(&self) -> Option<&str> {
        let drawn = self.curves.value()?.curves.first();
        self.metric
            .as_deref()
            .or_else(|| drawn.map(|curve| curve.metric.as_str()))
    }

    /// The curves of the figure, the leading run's first.
    fn curves_of<'a>(&'a self, metric: &'a str) -> impl Iterator<Item = &'a Curve> {
        let curves = self
            .curves
            .value()
            .map_or(&[][..], |it| it.curves.as_slice());
        curves.iter().filter(move |curve| curve.metric == metric)
    }

    /// The points along which the cursor moves: those of the leading run.
    fn leading(&self) -> Vec<CurvePoint> {
        let Some(metric) = self.metric() else {
            return Vec::new();
        };
        let leads = |curve: &&Curve| Some(&curve.run) == self.run.as_ref();
        let mut points: Vec<CurvePoint> = self
            .curves_of(metric)
            .filter(leads)
            .flat_map(|curve| curve.points.iter().copied())
            .collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        points
    }

    fn wanted(&self) -> Option<CurvesAsk> {
        let runs = self.runs_drawn();
        if runs.is_empty() {
            return None;
        }
        let metrics = match (self.shows_all, &self.metric) {
            (true, _) => {
                let shown = self.metrics().into_iter().skip(self.top).take(MOST_CHARTS);
                shown.map(str::to_owned).collect()
            }
            (false, metric) => metric.iter().cloned().collect(),
        };
        Some(CurvesAsk {
            runs,
            metrics,
            axis: self.axis.clone(),
            span: self.span,
            buckets: if self.shows_all { FEW_BUCKETS } else { BUCKETS },
        })
    }

    fn ask(&mut self) -> Vec<Effect> {
        self.asked = self.wanted();
        let Some(ask) = self.asked.clone() else {
            return Vec::new();
        };
        self.is_stale = false;
        self.curves.reload();
        vec![Effect::Ask(self.slot.ask(), Query::Curves(ask))]
    }

    /// The log pane goes to where the figure is said.
    fn point(&self, shared: &mut Shared) {
        let pointed = self.at_cursor().filter(|_| self.cursor.is_some());
        if let (Some(point), Some(run)) = (pointed, &self.run) {
            shared.selection.line = Some(LinkedLine {
                run: run.clone(),
                line: point.line,
                by: PaneKind::Curves,
            });
        }
    }

    fn other_run(&mut self, shared: &mut Shared, by: i64) -> Vec<Effect> {
        let Some(run) = self.runs.beside(self.run.as_deref(), by) else {
            return Vec::new();
        };
        shared.selection.run = Some(run.clone());
        self.lead(run)
    }

    fn lead(&mut self, run: String) -> Vec<Effect> {
        if self.run.as_ref() != Some(&run) && self.kept.is_empty() {
            self.span = None;
            self.cursor = None;
        }
        self.run = Some(run);
        self.ask()
    }

    fn keep(&mut self) {
        let Some(run) = self.run.clone() else {
            return;
        };
        match self.kept.iter().position(|kept| *kept == run) {
            Some(at) => {
                self.kept.remove(at);
            }
            None => self.kept.push(run),
        }
    }
}

pub fn update(state: &mut State, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
    let quarter = (state.leading().len() / 4).max(1) as i64;
    let by = match msg {
        Msg::Left => -1,
        Msg::Right => 1,
        Msg::FarLeft => -quarter,
        Msg::FarRight => quarter,
        Msg::Start => i64::MIN / 4,
        Msg::End => i64::MAX / 4,
        msg => return look(state, msg, shared),
    };
    state.move_by(by);
    state.point(shared);
    state.pan()
}

fn look(state: &mut State, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
    match msg {
        Msg::Place(share) => {
            let whole = state.curves.value().map(|curves| curves.whole);
            if let Some((first, last)) = state.span.or(whole) {
                state.cursor = Some(first + (last - first) * share);
                state.move_by(0);
                state.point(shared);
            }
        }
        Msg::FirstTrouble => {
            state.first_trouble();
            state.point(shared);
        }
        Msg::OpenLine => {
            state.cursor = state.at_cursor().map(|point| point.x);
            state.point(shared);
        }
        Msg::Smooth => state.smoothing = state.smoothing.next(),
        Msg::Scale => {
            state.scale = match state.scale {
                Scale::Linear => Scale::Log,
                Scale::Log => Scale::Linear,
            };
        }
        Msg::Keep => state.keep(),
        Msg::Baseline => {
            let is_it = state.baseline == state.run;
            state.baseline = state.run.clone().filter(|_| !is_it);
            if state
                .run
                .as_ref()
                .is_some_and(|run| !is_it && !state.kept.contains(run))
            {
                state.keep();
            }
        }
        Msg::NextRun => return state.other_run(shared, 1),
        Msg::PreviousRun => return state.other_run(shared, -1),
        msg => return ask_other(state, msg),
    }
    Vec::new()
}

/// What needs other curves.
fn ask_other(state: &mut State, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::NextMetric => return state.cycle_metric(1),
        Msg::PreviousMetric => return state.cycle_metric(-1),
        Msg::ZoomIn => return state.zoom(0.5),
        Msg::ZoomOut => return state.zoom(2.0),
        Msg::AllMetrics => {
            state.metric = state.metric().map(str::to_owned);
            state.shows_all = !state.shows_all;
        }
        Msg::Whole => state.span = None,
        Msg::Axis => {
            state.axis = state.next_axis();
            (state.span, state.cursor) = (None, None);
        }
        Msg::KeepNone => (state.kept, state.baseline) = (Vec::new(), None),
        Msg::Export => {
            let ask = state.asked.clone().map(Box::new);
            return ask.map(Effect::SaveCurves).into_iter().collect();
        }
        Msg::Back => {
            state.cursor = None;
            if state.span.take().is_none() {
                return Vec::new();
            }
        }
        _ => return Vec::new(),
    }
    state.ask()
}

/// Asks for the runs once, and for curves of what is selected now.
pub fn refresh(state: &mut State, shared: &Shared) -> Vec<Effect> {
    let mut effects: Vec<Effect> = state.runs.ask().into_iter().collect();
    if let Some(run) = shared.selection.run.clone()
        && state.run.as_ref() != Some(&run)
    {
        effects.extend(state.lead(run));
    } else if state.asked.is_none() {
        effects.extend(state.ask());
    }
    let pointed = shared.selection.line.as_ref();
    let pointed =
        pointed.filter(|it| it.by == PaneKind::Log && Some(&it.run) == state.run.as_ref());
    if let Some(line) = pointed
        && state.pointed.as_ref() != Some(line)
    {
        let before = state.pointed.replace(line.clone());
        // Following the end is no pointing.
        if before.is_some() {
            let points = state.leading();
            let at = points.iter().rev().find(|point| point.line <= line.line);
            state.cursor = at.map(|point| point.x);
        }
    }
    effects
}

/// A followed log grew, or more of it was read.
pub fn grew(state: &mut State, run: &str) -> Vec<Effect> {
    if !state.runs_drawn().iter().any(|drawn| drawn == run) {
        return Vec::new();
    }
    if state.slot.is_waiting() {
        state.is_stale = true;
        return Vec::new();
    }
    state.ask()
}

/// There are other runs: the next refresh asks which.
pub fn forget_list(state: &mut State) {
    state.runs.forget();
}

/// The manifest or the files changed: the next refresh asks again.
pub fn forget(state: &mut State) {
    state.runs.forget();
    state.asked = None;
}

pub fn reply(
    state: &mut State,
    ticket: Ticket,
    reply: &Result<Reply, Failure>,
    shared: &mut Shared,
) -> Option<Vec<Effect>> {
    if state.runs.takes(ticket, reply) {
        let run = state.runs.wanted(shared);
        let other = run.filter(|run| state.run.as_ref() != Some(run));
        return Some(other.map_or_else(Vec::new, |run| state.lead(run)));
    }
    if !state.slot.accepts(ticket) {
        return None;
    }
    let named = state.metrics().len();
    match reply {
        Ok(Reply::Curves(curves)) => state.curves = Load::Ready(curves.clone()),
        Ok(_) => {}
        Err(failure) => state.curves = Load::Failed(failure.clone()),
    }
    let is_more = state.shows_all && state.metrics().len() != named;
    Some(if state.is_stale || is_more {
        state.ask()
    } else {
        Vec::new()
    })
}

pub fn mouse(state: &State, _shared: &Shared, mouse: Mouse, inside: Rect) -> Option<Msg> {
    match mouse.kind {
        MouseKind::ScrollUp => Some(Msg::ZoomIn),
        MouseKind::ScrollDown => Some(Msg::ZoomOut),
        MouseKind::Click => view::share_at(state, inside, mouse.column).map(Msg::Place),
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
    Title {
        right: view::title(state),
    }
}

pub fn hints(state: &State, _shared: &Shared) -> Vec<Hint> {
    let hint = |command, text| Hint { command, text };
    let mut hints = vec![
        hint("curves.next-metric", "next figure"),
        hint("curves.all-metrics", "all figures"),
        hint("curves.zoom-in", "zoom"),
        hint("curves.smooth", "smooth"),
        hint("curves.log-scale", "log y"),
        hint("curves.axis", "x axis"),
        hint("curves.open-line", "its line"),
        hint("curves.keep", "keep"),
        hint("curves.export", "save"),
    ];
    if state.span.is_some() {
        hints.insert(0, hint("curves.whole", "all of it"));
    }
    hints
}

/// The values under the cursor, as the legend says them.
pub fn copy(state: &State, _shared: &Shared) -> Option<String> {
    let rows = view::legend(state);
    (!rows.is_empty()).then(|| {
        rows.iter()
            .map(view::LegendRow::text)
            .collect::<Vec<_>>()
            .join("\n")
    })
}

#[cfg(test)]
mod tests;
