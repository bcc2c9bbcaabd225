//! Drawing of the chart, of its legend, and of many small charts.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use semihv_engine::{Axis, Curve};

use super::{Smoothing, State, nearest};
use crate::notice;
use crate::pane::PaneKind;
use crate::pen::{Pen, grouped, wrapped};
use crate::plot::{AXIS, Plot, PlotLine, PlotPoint, Scale, short, smoothed};
use crate::shared::{Glyphs, Load, Shared};
use crate::theme::{Role, Theme};

/// Of the runs over each other, in turn; the letter in the legend tells them apart as well.
const ROLES: [Role; 5] = [
    Role::ChartLine,
    Role::ChartLineOther,
    Role::Evidence,
    Role::Good,
    Role::Inference,
];
/// A small chart is at least so large.
const LEAST: (u16, u16) = (30, 7);
/// Rows of the legend.
const MOST_ROWS: usize = 5;

pub fn view(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    match state.curves.value() {
        None => nothing(state, shared, theme, area, buffer),
        Some(curves) if curves.metrics.is_empty() => {
            let text = if curves.reading.is_behind() {
                "The log is being read; no figure so far."
            } else {
                "The log says no figures that are known here."
            };
            if curves.troubles.is_empty() {
                Pen::new(buffer, area, 0).text(text, theme.style(Role::Muted));
            }
            let troubles = curves.troubles.iter();
            let rows =
                troubles.flat_map(|(run, why)| wrapped(&format!("{run}: {why}"), area.width));
            for (row, text) in (0..area.height).zip(rows) {
                Pen::new(buffer, area, row).text(&text, theme.style(Role::Bad));
            }
        }
        Some(_) if state.shows_all => small_charts(state, shared, theme, area, buffer),
        Some(_) => one_chart(state, shared, theme, area, buffer),
    }
}

/// Nothing is scrolled but by moving.
pub fn fit(_state: &mut State, _shared: &Shared, _area: Rect) {}

pub(super) fn title(state: &State) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(metric) = state.metric() {
        let names = state.metrics();
        let at = names.iter().position(|name| *name == metric);
        parts.push(match at {
            Some(at) if names.len() > 1 => format!("{metric} {} of {}", at + 1, names.len()),
            _ => metric.to_owned(),
        });
    }
    if let Smoothing::Keep(keep) = state.smoothing {
        parts.push(format!("ema {keep}"));
    }
    if state.scale == Scale::Log {
        parts.push("log y".to_owned());
    }
    parts.push(match &state.axis {
        Axis::Step => "by step".to_owned(),
        Axis::Time => "by time".to_owned(),
        Axis::Series(name) => format!("by {name}"),
    });
    if state.span.is_some() {
        parts.push("zoomed".to_owned());
    }
    if let Some(curves) = state.curves.value().filter(|it| it.reading.is_behind()) {
        let reading = curves.reading;
        let share = reading.done.saturating_mul(100) / reading.total.max(1);
        parts.push(format!("reading {share} %"));
    }
    parts.join(" · ")
}

/// The share of the axis at a column of the pane.
pub(super) fn share_at(state: &State, inside: Rect, column: u16) -> Option<f64> {
    let width = inside.width.checked_sub(AXIS + 1).filter(|it| *it > 0)?;
    let column = column.checked_sub(AXIS)?;
    (!state.shows_all).then(|| f64::from(column) / f64::from(width))
}

/// A place on the axis in words.
fn place(axis: &Axis, x: f64) -> String {
    match axis {
        Axis::Step => grouped(x.max(0.0) as u64),
        Axis::Time => took(x),
        Axis::Series(_) => short(x),
    }
}

fn took(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// A run in the legend.
pub(super) struct LegendRow {
    letter: char,
    role: Role,
    run: String,
    value: String,
    place: String,
    /// From the baseline.
    difference: String,
    /// What is wrong with it.
    trouble: String,
}

impl LegendRow {
    pub(super) fn text(&self) -> String {
        let parts = [
            &self.run,
            &self.value,
            &self.place,
            &self.difference,
            &self.trouble,
        ];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.cloned().collect::<Vec<_>>().join("  ")
    }
}

/// The value at a place, the place, and how many values are no numbers there.
fn value_at(curves: &[&Curve], x: Option<f64>, axis: &Axis) -> Option<(f64, f64, u64)> {
    let mut points: Vec<_> = curves
        .iter()
        .flat_map(|curve| curve.points.iter().copied())
        .collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    let point = nearest(&points, x)?;
    // At the end the last value is what a person wants; in a bucket its mean.
    let value = if x.is_none() || point.count == 1 {
        point.last
    } else {
        point.mean
    };
    let is_step = *axis == Axis::Step && x.is_none();
    let place = if is_step { point.step as f64 } else { point.x };
    Some((value, place, point.troubles))
}

pub(super) fn legend(state: &State) -> Vec<LegendRow> {
    let Some(metric) = state.metric() else {
        return Vec::new();
    };
    let of_run = |run: &str| {
        let curves = state.curves_of(metric).filter(|curve| curve.run == run);
        curves.collect::<Vec<&Curve>>()
    };
    let baseline = state.baseline.as_deref();
    let base = baseline.and_then(|run| value_at(&of_run(run), state.cursor, &state.axis));
    let runs = state.runs_drawn();
    let rows = runs.iter().zip('a'..='z').zip(ROLES.iter().cycle());
    rows.map(|((run, letter), role)| {
        let curves = of_run(run);
        let found = value_at(&curves, state.cursor, &state.axis);
        let trouble = curves.iter().find_map(|curve| curve.trouble);
        let difference = match (found, base) {
            _ if baseline == Some(run) => "baseline".to_owned(),
            (Some(found), Some(base)) if (found.0 - base.0).is_finite() => {
                format!("Δ {}", signed(found.0 - base.0))
            }
            _ => String::new(),
        };
        LegendRow {
            letter,
            role: *role,
            run: run.clone(),
            value: found.map_or("–".to_owned(), |found| short(found.0)),
            place: found.map_or(String::new(), |found| place(&state.axis, found.1)),
            difference,
            trouble: trouble.map_or(String::new(), |point| {
                format!("first {} at {}", short(point.value), grouped(point.step))
            }),
        }
    })
    .collect()
}

fn signed(value: f64) -> String {
    if value >= 0.0 {
        format!("+{}", short(value))
    } else {
        short(value)
    }
}

fn one_chart(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let rows = legend(state);
    let fitting = usize::from(area.height / 3).clamp(1, MOST_ROWS);
    let shown = u16::try_from(rows.len().min(fitting)).unwrap_or(1);
    for (row, text) in (0..shown).zip(&rows) {
        let is_last = row + 1 == shown && rows.len() > usize::from(shown);
        let more = rows.len().saturating_sub(usize::from(shown));
        let more = if is_last {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let trouble = match shared.glyphs {
            Glyphs::Unicode => text.difference.clone(),
            Glyphs::Ascii => text.difference.replace('Δ', "d"),
        };
        let mut pen = Pen::new(buffer, area, row);
        pen.text(&format!("{} ", text.letter), theme.style(text.role));
        pen.text_within(&text.run, area.width / 2, theme.style(Role::Text));
        pen.text(&format!("  {}", text.value), theme.style(Role::Strong));
        pen.text(&format!("  at {}", text.place), theme.style(Role::Muted));
        pen.text(&format!("  {trouble}"), theme.style(Role::Info));
        pen.text(&format!("  {}", text.trouble), theme.style(Role::Bad));
        pen.text(&more, theme.style(Role::Muted));
    }
    let below = Rect {
        y: area.y + shown,
        height: area.height.saturating_sub(shown),
        ..area
    };
    if let Some(metric) = state.metric() {
        plot(state, metric, shared.glyphs).draw(theme, below, buffer);
    }
}

fn plot(state: &State, metric: &str, glyphs: Glyphs) -> Plot {
    let runs = state.runs_drawn();
    let mut lines = Vec::new();
    for (run, role) in runs.iter().zip(ROLES.iter().cycle()) {
        for curve in state.curves_of(metric).filter(|curve| curve.run == *run) {
            lines.push(PlotLine {
                points: points(curve, state.smoothing),
                role: *role,
            });
        }
    }
    let whole = state.curves.value().map(|curves| curves.whole);
    let span = state.span.or(whole).filter(|(first, last)| first < last);
    let (first, last) = span.unwrap_or_default();
    Plot {
        lines,
        scale: state.scale,
        span,
        marker: state.cursor,
        ends: (place(&state.axis, first), place(&state.axis, last)),
        glyphs,
    }
}

fn points(curve: &Curve, smoothing: Smoothing) -> Vec<PlotPoint> {
    let means = curve
        .points
        .iter()
        .map(|point| (point.mean, point.count - point.troubles));
    let values = match smoothing {
        Smoothing::Off => means.map(|(mean, _)| mean).collect(),
        Smoothing::Keep(keep) => smoothed(means, keep),
    };
    let points = curve.points.iter().zip(values);
    let points = points.map(|(point, value)| PlotPoint {
        x: point.x,
        value,
        low: point.low,
        high: point.high,
        has_trouble: point.troubles > 0,
    });
    points.collect()
}

fn small_charts(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let names = state.metrics();
    let names: Vec<&str> = names.into_iter().skip(state.top).collect();
    // As few columns as they need: few charts are large.
    let count = u16::try_from(names.len()).unwrap_or(u16::MAX).max(1);
    let most = (
        (area.width / LEAST.0).max(1),
        (area.height / LEAST.1).max(1),
    );
    let columns = count.div_ceil(most.1).min(most.0);
    let rows = count.div_ceil(columns).min(most.1);
    let place = state
        .metric()
        .and_then(|metric| names.iter().position(|it| *it == metric));
    // The marked one is on the page that is seen.
    let page = usize::from(columns * rows);
    let from = place.unwrap_or(0) / page * page;
    let shown = names.iter().skip(from).take(page);
    let (width, height) = (area.width / columns, area.height / rows);
    for (at, name) in (0..).zip(shown) {
        let cell = Rect {
            x: area.x + at % columns * width,
            y: area.y + at / columns * height,
            width: width.saturating_sub(1),
            height,
        };
        small_chart(state, shared, theme, name, (cell, buffer));
    }
}

fn small_chart(
    state: &State,
    shared: &Shared,
    theme: &Theme,
    name: &str,
    (cell, buffer): (Rect, &mut Buffer),
) {
    let is_marked = state.metric() == Some(name);
    let style = name_style(is_marked, shared, theme);
    let last = state.curves_of(name).next().map(|curve| curve.last.value);
    Pen::new(buffer, cell, 0)
        .right(&last.map_or(String::new(), short), theme.style(Role::Muted))
        .text(name, style);
    let below = Rect {
        y: cell.y + 1,
        height: cell.height.saturating_sub(2),
        ..cell
    };
    plot(state, name, shared.glyphs).draw(theme, below, buffer);
}

fn name_style(is_marked: bool, shared: &Shared, theme: &Theme) -> Style {
    match (is_marked, shared.focus == PaneKind::Curves) {
        (true, true) => theme.style(Role::Selection),
        (true, false) => theme.style(Role::SelectionInactive),
        (false, _) => theme.style(Role::Strong),
    }
}

fn nothing(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    match (&state.curves, state.runs.load()) {
        (Load::Failed(failure), _) | (_, Load::Failed(failure)) => {
            notice::failed(failure, theme, area, buffer);
        }
        (Load::Loading { .. }, _) | (_, Load::Loading { .. }) => {
            notice::loading("Reading figures", shared, theme, area, buffer);
        }
        _ => notice::empty(
            "The curves of a run stand here, and no run is known.",
            "Launch a recipe (r in the pane runs), or name a log in semihv.toml ([log.NAME] with its path).",
            theme,
            area,
            buffer,
        ),
    }
}
