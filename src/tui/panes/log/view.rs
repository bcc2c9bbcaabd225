//! Drawing of the lines.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use semihv_domain::LineCount;
use semihv_engine::{Level, LineFilter};

use super::State;
use crate::flow::{self, Block};
use crate::notice;
use crate::pane::PaneKind;
use crate::pen::{Pen, grouped, wrapped};
use crate::reader::input_line;
use crate::shared::{Glyphs, Load, Shared};
use crate::theme::{Role, Theme};

pub fn view(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if state.log.value().is_none() {
        return nothing(state, shared, theme, area, buffer);
    }
    lines(state, shared, theme, body(state, area), buffer);
    state.find.draw(theme, area, buffer);
    if let Some(line) = &state.typed_filter {
        let row = area.height.saturating_sub(1);
        input_line("&", line, theme, (area, row), buffer);
    }
}

/// A typed line takes one row.
fn body(state: &State, area: Rect) -> Rect {
    let line = u16::from(super::is_typing(state) && area.height > 1);
    Rect {
        height: area.height - line,
        ..area
    }
}

/// Keeps the cursor's line in view once the layout is known.
pub fn fit(state: &mut State, _shared: &Shared, area: Rect) {
    let body = body(state, area);
    state.top = top(state, body);
    state.page = usize::from(body.height.saturating_sub(1)).max(1);
}

pub(super) fn row_at(state: &State, area: Rect, row: u16) -> Option<usize> {
    let body = body(state, Rect { x: 0, y: 0, ..area });
    let mut below = 0;
    for at in top(state, body)..state.rows.len() {
        below += height(state, at, body.width);
        if row < below {
            return Some(at);
        }
    }
    None
}

pub(super) fn title(state: &State, shared: &Shared) -> String {
    let mut parts: Vec<String> = state.run.iter().cloned().collect();
    if let Some(log) = state.log.value() {
        parts.push(match log.total_lines {
            LineCount::Exact(1) => "1 line".to_owned(),
            LineCount::Exact(lines) => format!("{} lines", grouped(lines)),
            LineCount::Estimated(lines) => format!("about {} lines", grouped(lines)),
        });
        parts.extend(log.modified.map(|at| ago(shared.now.saturating_sub(at))));
        if log.reading.is_behind() {
            let share = share(log.reading.done, log.reading.total);
            parts.push(format!("reading {share} %"));
        }
        if let Some(finding) = &state.finding {
            parts.push(format!("searching {} %", share(finding.place(), log.size)));
        }
        if log.is_cut {
            parts.push("not all looked at".to_owned());
        }
    }
    parts.extend(state.said.clone());
    if state.is_following {
        parts.push("following".to_owned());
    }
    parts.extend(only(&state.only));
    if !state.find.pattern().is_empty() {
        parts.push(format!("/{}", state.find.pattern()));
    }
    parts.join(" · ")
}

fn only(only: &LineFilter) -> Vec<String> {
    let level = match only.level {
        Some(Level::Error) => Some("errors alone".to_owned()),
        Some(Level::Warning) => Some("warnings and errors".to_owned()),
        Some(Level::Plain) | None => None,
    };
    let pattern = (!only.pattern.is_empty()).then(|| format!("&{}", only.pattern));
    level.into_iter().chain(pattern).collect()
}

fn share(done: u64, total: u64) -> u64 {
    done.min(total).saturating_mul(100) / total.max(1)
}

fn ago(seconds: i64) -> String {
    match seconds {
        ..=0 => "now".to_owned(),
        1..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// Cells left of the lines: their numbers.
fn gutter(state: &State) -> u16 {
    let last = state.number_of(state.rows.len().saturating_sub(1));
    let Some((number, _)) = last else { return 0 };
    let digits = (number + 1).to_string().len();
    u16::try_from(digits.max(4)).unwrap_or(4) + 2
}

fn height(state: &State, row: usize, width: u16) -> u16 {
    let line = state.line_of(row).filter(|_| state.is_wrapped);
    let room = width.saturating_sub(gutter(state)).max(1);
    let rows = line.map_or(1, |line| wrapped(&line.text, room).len());
    u16::try_from(rows).unwrap_or(u16::MAX).max(1)
}

/// The first row drawn: as before while that keeps the cursor in view.
fn top(state: &State, area: Rect) -> usize {
    let mut left = area.height.max(1);
    // The lowest top with which all of the cursor's row is seen.
    let mut lowest = state.cursor;
    for row in (0..=state.cursor).rev() {
        let height = height(state, row, area.width).min(area.height.max(1));
        if height > left {
            break;
        }
        left -= height;
        lowest = row;
    }
    let wanted = state.top.clamp(lowest, state.cursor.max(lowest));
    // No empty rows below the last line.
    let mut left = area.height;
    let mut last = state.rows.len();
    while last > 0 {
        let height = height(state, last - 1, area.width);
        if height > left {
            break;
        }
        left -= height;
        last -= 1;
    }
    wanted.min(last.max(lowest))
}

fn lines(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let gutter = gutter(state);
    let mut below = 0;
    for row in top(state, area)..state.rows.len() {
        if below >= area.height {
            break;
        }
        let tall = height(state, row, area.width).min(area.height - below);
        let here = Rect {
            y: area.y + below,
            height: tall,
            ..area
        };
        line(state, shared, theme, (row, gutter), (here, buffer));
        below += tall;
    }
    if state.rows.is_empty() {
        let text = if state.only == LineFilter::default() {
            "The log is empty so far."
        } else {
            "No line passes the filter; Esc shows all."
        };
        Pen::new(buffer, area, 0).text(text, theme.style(Role::Muted));
    }
}

fn line(
    state: &State,
    shared: &Shared,
    theme: &Theme,
    (row, gutter): (usize, u16),
    (area, buffer): (Rect, &mut Buffer),
) {
    let (Some(line), Some(folded)) = (state.line_of(row), state.rows.get(row)) else {
        return;
    };
    let style = line_style(line.level, row == state.cursor, shared, theme);
    if row == state.cursor {
        buffer.set_style(area, style);
    }
    let muted = theme.style(Role::Muted);
    let sign = match (line.level, shared.glyphs) {
        (Level::Error, Glyphs::Unicode) => "✗",
        (Level::Error, Glyphs::Ascii) => "x",
        (Level::Warning, _) => "!",
        (Level::Plain, _) => " ",
    };
    if let Some((number, is_counted)) = state.number_of(row) {
        let width = usize::from(gutter.saturating_sub(2));
        let about = if is_counted { " " } else { "~" };
        Pen::new(buffer, area, 0)
            .text(&format!("{:>width$}", number + 1), muted)
            .text(if sign == " " { about } else { sign }, style);
    }
    let text = Rect {
        x: area.x + gutter.min(area.width),
        width: area.width.saturating_sub(gutter),
        ..area
    };
    let parts = if state.is_wrapped {
        wrapped(&line.text, text.width.max(1))
    } else {
        vec![line.text.clone()]
    };
    let matched = theme.style(Role::Match);
    for (at, part) in (0..area.height).zip(&parts) {
        let mut block = Block::new(part, style);
        let found = state.matcher.iter().flat_map(|it| it.find_iter(part));
        for found in found.filter(|found| !found.is_empty()) {
            flow::restyle(&mut block, (found.start(), found.end()), matched, None);
        }
        let mut pen = Pen::new(buffer, text, at);
        if at == 0 && folded.count > 1 {
            let again = match shared.glyphs {
                Glyphs::Unicode => format!(" ×{}", grouped(folded.count as u64)),
                Glyphs::Ascii => format!(" x{}", grouped(folded.count as u64)),
            };
            pen.right(&again, theme.style(Role::Info));
        }
        for piece in &block.pieces {
            pen.text(&piece.text, piece.style);
        }
    }
}

fn line_style(level: Level, is_cursor: bool, shared: &Shared, theme: &Theme) -> Style {
    let role = match level {
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
    match (&state.log, state.runs.load()) {
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
            "The log of a training run stands here, and no run is known.",
            "Launch a recipe (r in the pane runs), or name a log in semihv.toml ([log.NAME] with its path); it is followed from then on.",
            theme,
            area,
            buffer,
        ),
    }
}
