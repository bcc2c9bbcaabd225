//! Drawing of the chart and of the lines.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use semihv_domain::LineCount;

use super::{Level, Smoothing, State, level};
use crate::flow::{self, Block};
use crate::notice;
use crate::pane::PaneKind;
use crate::pen::{Pen, grouped};
use crate::plot::{Plot, Scale, short, smoothed};
use crate::shared::{Glyphs, Load, Shared};
use crate::theme::{Role, Theme};

/// How much of the past the running mean keeps.
const KEEP: f64 = 0.9;
/// Below this there is room for lines alone.
const ROOM_FOR_CHART: u16 = 12;

pub fn view(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if state.log.value().is_none() {
        return nothing(state, shared, theme, area, buffer);
    }
    let (chart_area, lines_area) = parts(state, area);
    chart(state, shared.glyphs, theme, chart_area, buffer);
    lines(state, shared, theme, lines_area, buffer);
    state.find.draw(theme, area, buffer);
}

/// Keeps the cursor's line in view once the layout is known.
pub fn fit(state: &mut State, _shared: &Shared, area: Rect) {
    let height = parts(state, area).1.height;
    state.top = top(state, height);
    state.page = u64::from(height.saturating_sub(1)).max(1);
}

pub(super) fn line_at(state: &State, area: Rect, row: u16) -> Option<u64> {
    let lines = parts(state, Rect { x: 0, y: 0, ..area }).1;
    let row = row.checked_sub(lines.y)?;
    (row < lines.height).then(|| top(state, lines.height) + u64::from(row))
}

pub(super) fn title(state: &State, shared: &Shared) -> String {
    let mut parts: Vec<String> = state.run.iter().cloned().collect();
    if let Some(runs) = state.runs.value().filter(|runs| runs.len() > 1) {
        let at = runs
            .iter()
            .position(|run| Some(&run.name) == state.run.as_ref());
        parts.extend(at.map(|at| format!("run {} of {}", at + 1, runs.len())));
    }
    if let Some(log) = state.log.value() {
        parts.push(match log.total_lines {
            LineCount::Exact(lines) => format!("{} lines", grouped(lines)),
            LineCount::Estimated(lines) => format!("about {} lines", grouped(lines)),
        });
        parts.extend(
            log.modified
                .map(|modified| ago(shared.now.saturating_sub(modified))),
        );
    }
    if state.is_following {
        parts.push("following".to_owned());
    }
    if !state.find.pattern().is_empty() {
        parts.push(format!("/{}", state.find.pattern()));
    }
    parts.join(" · ")
}

fn ago(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..120 => format!("{seconds} s ago"),
        seconds @ 120..7200 => format!("{} min ago", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

/// The chart above (one row of words and the curve), a free row, the lines, the search line.
fn parts(state: &State, area: Rect) -> (Rect, Rect) {
    let typing = u16::from(state.find.is_typing() && area.height > 1);
    let room = area.height - typing;
    let has_chart = room >= ROOM_FOR_CHART && state.metric().is_some();
    let chart = if has_chart { (room * 2 / 5).min(18) } else { 0 };
    let gap = u16::from(has_chart);
    (
        Rect {
            height: chart,
            ..area
        },
        Rect {
            y: area.y + chart + gap,
            height: room - chart - gap,
            ..area
        },
    )
}

fn chart(state: &State, glyphs: Glyphs, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let Some(metric) = state.metric().filter(|_| area.height > 2) else {
        return;
    };
    let raw: Vec<(u64, f64)> = metric
        .points
        .iter()
        .map(|point| (point.step, point.value))
        .collect();
    let not_finite = raw.iter().filter(|(_, value)| !value.is_finite()).count();
    let muted = theme.style(Role::Muted);
    let mut words = vec![match state.smoothing {
        Smoothing::Off => "as logged",
        Smoothing::Ema => "ema .9",
    }];
    if state.scale == Scale::Log {
        words.push("log y");
    }
    let point = state.point_at_cursor();
    let mut pen = Pen::new(buffer, area, 0);
    if let Some(point) = point {
        let said = format!("step {} : {}", grouped(point.step), short(point.value));
        pen.right(&said, theme.style(Role::Text));
    }
    pen.text(&metric.name, theme.style(Role::Strong));
    if not_finite > 0 {
        let said = format!("  ! {not_finite} not a number");
        pen.text(&said, theme.style(Role::Bad));
    }
    let said = format!(
        "  {} · by step{}",
        words.join(" · "),
        place(state, &metric.name)
    );
    pen.text(&said, muted);
    let plot = Plot {
        points: match state.smoothing {
            Smoothing::Off => raw,
            Smoothing::Ema => smoothed(&raw, KEEP),
        },
        scale: state.scale,
        marker: point
            .map(|point| point.step)
            .filter(|_| !state.is_following),
        glyphs,
    };
    let below = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    plot.draw(theme, below, buffer);
}

/// ` · 2 of 5 figures`, when there is more than one.
fn place(state: &State, name: &str) -> String {
    let metrics = state
        .log
        .value()
        .map_or(&[][..], |log| log.metrics.as_slice());
    match metrics.iter().position(|metric| metric.name == name) {
        Some(at) if metrics.len() > 1 => format!(" · {} of {} figures", at + 1, metrics.len()),
        _ => String::new(),
    }
}

/// The first line drawn: as before while that keeps the cursor in view.
fn top(state: &State, height: u16) -> u64 {
    let height = u64::from(height.max(1));
    let (first, end) = state.span();
    let last = end.saturating_sub(height).max(first);
    let lowest = (state.cursor + 1).saturating_sub(height);
    state
        .top
        .clamp(lowest, state.cursor.max(lowest))
        .clamp(first, last)
}

fn lines(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let (_, end) = state.span();
    let from = top(state, area.height);
    let width = u16::try_from(end.to_string().len()).unwrap_or(0).max(4);
    let first_bad = state
        .metric()
        .and_then(|metric| metric.points.iter().find(|point| !point.value.is_finite()))
        .map(|point| point.line);
    for (row, number) in (0..area.height).zip(from..end) {
        let Some(line) = state.line(number) else {
            break;
        };
        let style = line_style(line, number == state.cursor, shared, theme);
        if number == state.cursor {
            let here = Rect {
                y: area.y + row,
                height: 1,
                ..area
            };
            buffer.set_style(here, style);
        }
        let mut pen = Pen::new(buffer, area, row);
        if Some(number) == first_bad {
            let sign = match shared.glyphs {
                Glyphs::Unicode => "◂ first not a number",
                Glyphs::Ascii => "< first not a number",
            };
            pen.right(sign, theme.style(Role::Bad));
        }
        pen.text(
            &format!("{:>1$} ", number + 1, usize::from(width)),
            theme.style(Role::Muted),
        );
        let mut blocks = [Block::new(line, style)];
        let matched = theme.style(Role::Match);
        flow::highlight(&mut blocks, state.find.pattern(), (matched, matched), None);
        for piece in blocks.iter().flat_map(|block| &block.pieces) {
            pen.text(&piece.text, piece.style);
        }
    }
    if state.span().0 == end {
        Pen::new(buffer, area, 0).text("The log is empty so far.", theme.style(Role::Muted));
    }
}

fn line_style(line: &str, is_cursor: bool, shared: &Shared, theme: &Theme) -> Style {
    let role = match level(line) {
        Level::Error => Role::Bad,
        Level::Warning => Role::Warn,
        Level::Plain => Role::Text,
    };
    match (is_cursor, shared.focus == PaneKind::Log) {
        (true, true) => theme.style(Role::Selection).patch(theme.style(role)),
        (true, false) => theme
            .style(Role::SelectionInactive)
            .patch(theme.style(role)),
        (false, _) => theme.style(role),
    }
}

fn nothing(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    match (&state.log, &state.runs) {
        (Load::Failed(failure), _) | (_, Load::Failed(failure)) => {
            notice::failed(failure, theme, area, buffer);
        }
        (Load::Loading { .. }, _) => {
            notice::loading("Reading the log", shared, theme, area, buffer);
        }
        (_, Load::Loading { .. }) => {
            notice::loading("Looking for runs", shared, theme, area, buffer);
        }
        _ => notice::empty(
            "The log of a training run and the curve of its loss stand here, and no run is known.",
            "Name a log in semihv.toml ([log.NAME] with its path); it is followed from then on.",
            theme,
            area,
            buffer,
        ),
    }
}
