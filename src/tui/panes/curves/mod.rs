//! The curves pane: a figure of one run or of several over each other, or all figures of a run.
//!
//! The cursor is a place on the axis; the log pane follows it to the line, and back.

mod view;

use ratatui::layout::Rect;
use semihv_domain::Failure;
use semihv_engine::{Axis, Curve, CurvePoint, Curves, CurvesAsk, Query, Reply, RunSummary};

use crate::action::Effect;
use crate::pane::{Hint, Input, Mouse, MouseKind, PaneKind, Title};
use crate::plot::Scale;
use crate::shared::{LinkedLine, Load, Shared};
use crate::slot::{Slot, SlotName, Ticket};

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
    runs: Load<Vec<RunSummary>>,
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
    runs_slot: Slot,
    slot: Slot,
}

impl Default for State {
    fn default() -> Self {
        Self {
            runs: Load::Empty,
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
            runs_slot: Slot::new(SlotName::CurvesRuns),
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

    fn move_by(&mut self, by: i64) {
        let points = self.leading();
        let Some(last) = points.len().checked_sub(1) else {
            return;
        };
        let at = match self.cursor {
            Some(x) => points.partition_point(|point| point.x < x).min(last) as i64,
            None => last as i64,
        };
        let at = (at + by).clamp(0, last as i64) as usize;
        self.cursor = points.get(at).map(|point| point.x);
    }

    /// The point under the cursor: the last one where there is none.
    fn at_cursor(&self) -> Option<CurvePoint> {
        let points = self.leading();
        nearest(&points, self.cursor)
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

    fn zoom(&mut self, by: f64) -> Vec<Effect> {
        let Some(curves) = self.curves.value() else {
            return Vec::new();
        };
        let whole = curves.whole;
        let (first, last) = self.span.unwrap_or(whole);
        let middle = self.cursor.unwrap_or(last);
        let half = (last / 2.0 - first / 2.0) * by;
        let least = if self.axis == Axis::Step { 2.0 } else { 1e-3 };
        if !half.is_finite() || half * 2.0 < least {
            return Vec::new();
        }
        let first = (middle - half)
            .max(whole.0)
            .min((whole.1 - 2.0 * half).max(whole.0));
        let span = (first, (first + 2.0 * half).min(whole.1));
        self.span = (span.0 > whole.0 || span.1 < whole.1).then_some(span);
        self.ask()
    }

    /// The cursor left what is seen: the part moves along.
    fn pan(&mut self) -> Vec<Effect> {
        let (Some((first, last)), Some(x)) = (self.span, self.cursor) else {
            return Vec::new();
        };
        let whole = self
            .curves
            .value()
            .map_or((first, last), |curves| curves.whole);
        let width = last - first;
        let edge = width / 50.0;
        let is_left = x <= first + edge && first > whole.0;
        let is_right = x >= last - edge && last < whole.1;
        if !is_left && !is_right {
            return Vec::new();
        }
        let first = (x - width / 2.0).clamp(whole.0, (whole.1 - width).max(whole.0));
        self.span = Some((first, first + width));
        self.ask()
    }

    fn cycle_metric(&mut self, by: i64) -> Vec<Effect> {
        let names = self.metrics();
        let at = names.iter().position(|name| Some(*name) == self.metric());
        let count = names.len() as i64;
        let next = (at.map_or(0, |at| at as i64) + by).checked_rem_euclid(count);
        let Some(next) = next.map(|next| next as usize) else {
            return Vec::new();
        };
        self.metric = names.get(next).map(|name| (*name).to_owned());
        if self.shows_all {
            let is_seen = (self.top..self.top + MOST_CHARTS).contains(&next);
            if is_seen {
                return Vec::new();
            }
            self.top = next / MOST_CHARTS * MOST_CHARTS;
        }
        self.ask()
    }

    /// Steps, times, and what counts tokens or samples where the runs say it.
    fn next_axis(&self) -> Axis {
        let counts = |name: &&str| {
            let name = name.to_lowercase();
            let is_rate = ["/", "per_", "_per", "throughput"]
                .iter()
                .any(|it| name.contains(it));
            let is_speed = name.ends_with("_s") || name.ends_with("_sec");
            let words = ["token", "samples", "epoch"];
            !is_rate && !is_speed && words.iter().any(|word| name.contains(word))
        };
        let names = self.metrics();
        let mut known = vec![Axis::Step, Axis::Time];
        let counting = names.into_iter().filter(counts);
        known.extend(counting.take(3).map(|name| Axis::Series(name.to_owned())));
        let at = known.iter().position(|axis| *axis == self.axis);
        let next = at.map_or(0, |at| (at + 1) % known.len());
        known.into_iter().nth(next).unwrap_or_default()
    }

    fn first_trouble(&mut self) {
        let points = self.leading();
        let trouble = points.iter().find(|point| point.troubles > 0);
        if let Some(point) = trouble {
            self.cursor = Some(point.x);
        }
    }

    fn other_run(&mut self, shared: &mut Shared, by: i64) -> Vec<Effect> {
        let runs = self.runs.value().map_or(&[][..], Vec::as_slice);
        let at = runs
            .iter()
            .position(|run| Some(&run.name) == self.run.as_ref());
        let next = (at.map_or(0, |at| at as i64) + by).checked_rem_euclid(runs.len() as i64);
        let Some(run) = next.and_then(|next| runs.get(next as usize)) else {
            return Vec::new();
        };
        let run = run.name.clone();
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

    fn keep(&mut self) -> Vec<Effect> {
        let Some(run) = self.run.clone() else {
            return Vec::new();
        };
        match self.kept.iter().position(|kept| *kept == run) {
            Some(at) => {
                self.kept.remove(at);
            }
            None => self.kept.push(run),
        }
        Vec::new()
    }
}

/// The point nearest to a place; the last one where there is none.
fn nearest(points: &[CurvePoint], x: Option<f64>) -> Option<CurvePoint> {
    let Some(x) = x else {
        return points.last().copied();
    };
    let away = |point: &&CurvePoint| (point.x - x).abs();
    points
        .iter()
        .min_by(|a, b| away(a).total_cmp(&away(b)))
        .copied()
}

pub fn update(state: &mut State, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
    let quarter = (state.leading().len() / 4).max(1) as i64;
    let mut moved = |by: i64| {
        state.move_by(by);
        state.point(shared);
        state.pan()
    };
    match msg {
        Msg::Left => moved(-1),
        Msg::Right => moved(1),
        Msg::FarLeft => moved(-quarter),
        Msg::FarRight => moved(quarter),
        Msg::Start => moved(i64::MIN / 4),
        Msg::End => moved(i64::MAX / 4),
        Msg::Place(share) => {
            let whole = state.curves.value().map(|curves| curves.whole);
            if let Some((first, last)) = state.span.or(whole) {
                state.cursor = Some(first + (last - first) * share);
                state.move_by(0);
                state.point(shared);
            }
            Vec::new()
        }
        Msg::NextMetric => state.cycle_metric(1),
        Msg::PreviousMetric => state.cycle_metric(-1),
        Msg::AllMetrics => {
            state.metric = state.metric().map(str::to_owned);
            state.shows_all = !state.shows_all;
            state.ask()
        }
        Msg::ZoomIn => state.zoom(0.5),
        Msg::ZoomOut => state.zoom(2.0),
        Msg::Whole => {
            state.span = None;
            state.ask()
        }
        Msg::Smooth => {
            state.smoothing = state.smoothing.next();
            Vec::new()
        }
        Msg::Scale => {
            state.scale = match state.scale {
                Scale::Linear => Scale::Log,
                Scale::Log => Scale::Linear,
            };
            Vec::new()
        }
        Msg::Axis => {
            state.axis = state.next_axis();
            (state.span, state.cursor) = (None, None);
            state.ask()
        }
        Msg::FirstTrouble => {
            state.first_trouble();
            state.point(shared);
            Vec::new()
        }
        Msg::OpenLine => {
            state.cursor = state.at_cursor().map(|point| point.x);
            state.point(shared);
            Vec::new()
        }
        Msg::Keep => state.keep(),
        Msg::KeepNone => {
            (state.kept, state.baseline) = (Vec::new(), None);
            state.ask()
        }
        Msg::Baseline => {
            let is_it = state.baseline == state.run;
            state.baseline = state.run.clone().filter(|_| !is_it);
            if state
                .run
                .as_ref()
                .is_some_and(|run| !is_it && !state.kept.contains(run))
            {
                return state.keep();
            }
            Vec::new()
        }
        Msg::NextRun => state.other_run(shared, 1),
        Msg::PreviousRun => state.other_run(shared, -1),
        Msg::Export => match state.asked.clone() {
            Some(ask) => vec![Effect::SaveCurves(Box::new(ask))],
            None => Vec::new(),
        },
        Msg::Back => {
            let had_span = state.span.take().is_some();
            state.cursor = None;
            if had_span { state.ask() } else { Vec::new() }
        }
    }
}

/// Asks for the runs once, and for curves of what is selected now.
pub fn refresh(state: &mut State, shared: &Shared) -> Vec<Effect> {
    let mut effects = Vec::new();
    if matches!(state.runs, Load::Empty) {
        state.runs.reload();
        effects.push(Effect::Ask(state.runs_slot.ask(), Query::Runs));
    }
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
    state.runs = Load::Empty;
}

/// The manifest or the files changed: the next refresh asks again.
pub fn forget(state: &mut State) {
    state.runs = Load::Empty;
    state.asked = None;
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

fn runs_came(state: &mut State, reply: &Result<Reply, Failure>, shared: &Shared) -> Vec<Effect> {
    match reply {
        Ok(Reply::Runs(runs)) => {
            state.runs = Load::Ready(runs.clone());
            let first = runs.first().map(|run| run.name.clone());
            match shared.selection.run.clone().or(first) {
                Some(run) if state.run.as_ref() != Some(&run) => state.lead(run),
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
            .map(|row| row.text())
            .collect::<Vec<_>>()
            .join("\n")
    })
}

#[cfg(test)]
mod tests;
