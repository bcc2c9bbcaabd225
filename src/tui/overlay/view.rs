//! Drawing of what lies over the panes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::widgets::{Clear, Widget};

use super::{Chooser, Confirm, Overlay, Prompt};
use crate::alerts;
use crate::pen::{Pen, wrapped};
use crate::state::{State, Tone};
use crate::text_edit::TextEdit;
use crate::theme::{Role, Theme};
use crate::view::box_lines;

/// A window in the upper middle, as large as wanted and as the screen allows.
pub(crate) fn window(state: &State, width: u16, height: u16) -> Rect {
    let screen = state.screen();
    let width = width.min(screen.width);
    let height = height.min(screen.height.saturating_sub(2));
    Rect {
        x: (screen.width - width) / 2,
        y: 1 + (screen.height.saturating_sub(2) - height) / 4,
        width,
        height,
    }
}

/// Clears a window, draws its border and gives its inside.
pub(crate) fn frame(
    title: &str,
    area: Rect,
    state: &State,
    (theme, buffer): (&Theme, &mut Buffer),
) -> Rect {
    let area = area.intersection(*buffer.area());
    Clear.render(area, buffer);
    let style = theme.style(Role::BorderFocused);
    box_lines(area, style, state.shared.glyphs, buffer);
    let line = Rect {
        x: area.x.saturating_add(2),
        width: area.width.saturating_sub(4),
        height: area.height.min(1),
        ..area
    };
    Pen::new(buffer, line, 0).text(&format!(" {title} "), theme.style(Role::Title));
    Rect {
        x: area.x.saturating_add(2),
        y: area.y.saturating_add(1),
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    }
}

pub(crate) fn view(overlay: &Overlay, state: &State, theme: &Theme, buffer: &mut Buffer) {
    match overlay {
        Overlay::Chooser(chooser) => chooser_view(chooser, state, theme, buffer),
        Overlay::Prompt(prompt) => prompt_view(prompt, state, theme, buffer),
        Overlay::Confirm(confirm) => confirm_view(confirm, state, theme, buffer),
        Overlay::Alerts { scroll } => alerts_view(*scroll, state, theme, buffer),
        Overlay::Messages { scroll } => messages_view(*scroll, state, theme, buffer),
    }
}

/// The line that is typed into, with its cursor.
fn input_line(lead: &str, edit: &TextEdit, theme: &Theme, (area, buffer): (Rect, &mut Buffer)) {
    let mut pen = Pen::new(buffer, area, 0);
    pen.text(lead, theme.style(Role::Accent));
    let room = pen.room();
    let window = edit.window(room);
    pen.text(window.shown, theme.style(Role::Strong));
    let x = area
        .right()
        .saturating_sub(room)
        .saturating_add(window.cursor);
    if x < area.right()
        && area.height > 0
        && let Some(cell) = buffer.cell_mut((x, area.y))
    {
        cell.set_style(theme.style(Role::Strong).add_modifier(Modifier::REVERSED));
    }
}

fn chooser_view(chooser: &Chooser, state: &State, theme: &Theme, buffer: &mut Buffer) {
    let area = window(state, 76, 22);
    let inside = frame(chooser.title, area, state, (theme, buffer));
    input_line(": ", &chooser.edit, theme, (inside, buffer));
    let muted = theme.style(Role::Muted);
    if let Some(trouble) = &chooser.trouble {
        Pen::new(buffer, inside, 1).text(trouble, theme.style(Role::Bad));
    }
    let rows = usize::from(inside.height.saturating_sub(2));
    let first = (chooser.cursor + 1).saturating_sub(rows);
    if chooser.found().len() == 0 {
        Pen::new(buffer, inside, 2).text("no command like that", muted);
    }
    for (line, (choice, at)) in (2..inside.height).zip(chooser.found().zip(0..).skip(first)) {
        let is_cursor = at == chooser.cursor;
        let base = theme.style(if is_cursor {
            Role::Selection
        } else {
            Role::Text
        });
        if is_cursor {
            let row = Rect {
                y: inside.y + line,
                height: 1,
                ..inside
            };
            buffer.set_style(row.intersection(*buffer.area()), base);
        }
        let mut pen = Pen::new(buffer, inside, line);
        pen.right(&choice.keys, base.patch(theme.style(Role::Key)));
        pen.column(&choice.command, inside.width * 2 / 5, base)
            .skip(1);
        pen.text(&choice.words, if is_cursor { base } else { muted });
    }
}

fn prompt_view(prompt: &Prompt, state: &State, theme: &Theme, buffer: &mut Buffer) {
    let area = window(state, 48, 12);
    let inside = frame(&prompt.question, area, state, (theme, buffer));
    input_line("> ", &prompt.edit, theme, (inside, buffer));
    if let Some(trouble) = &prompt.trouble {
        Pen::new(buffer, inside, 1).text(trouble, theme.style(Role::Bad));
        return;
    }
    for (line, (word, at)) in (1..inside.height).zip(prompt.offered().into_iter().zip(0..)) {
        let role = if prompt.chosen == Some(at) {
            Role::Selection
        } else {
            Role::Muted
        };
        Pen::new(buffer, inside, line)
            .skip(2)
            .text(word, theme.style(role));
    }
}

fn confirm_view(confirm: &Confirm, state: &State, theme: &Theme, buffer: &mut Buffer) {
    let lines = wrapped(&confirm.question, 44);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let area = window(state, 50, height.saturating_add(4));
    let inside = frame("sure?", area, state, (theme, buffer));
    for (line, text) in (0_u16..).zip(&lines) {
        Pen::new(buffer, inside, line).text(text, theme.style(Role::Text));
    }
    Pen::new(buffer, inside, height + 1)
        .text("y", theme.style(Role::Key))
        .text(" yes   ", theme.style(Role::Muted))
        .text("n", theme.style(Role::Key))
        .text(" no", theme.style(Role::Muted));
}

fn messages_view(scroll: usize, state: &State, theme: &Theme, buffer: &mut Buffer) {
    let area = window(state, 90, 24);
    let inside = frame("messages", area, state, (theme, buffer));
    if state.toasts.is_empty() {
        let muted = theme.style(Role::Muted);
        Pen::new(buffer, inside, 0).text("Nothing was said yet.", muted);
    }
    let mut lines = Vec::new();
    for toast in state.toasts.iter().rev() {
        let role = match toast.tone {
            Tone::Good => Role::Good,
            Tone::Plain => Role::Text,
            Tone::Bad => Role::Bad,
        };
        lines.extend(
            wrapped(&toast.text, inside.width)
                .into_iter()
                .map(|line| (line, role)),
        );
        if let Some(hint) = &toast.hint {
            let hint = format!("  {hint}");
            lines.extend(
                wrapped(&hint, inside.width)
                    .into_iter()
                    .map(|line| (line, Role::Muted)),
            );
        }
    }
    scrolled(&lines, scroll, inside, (theme, buffer));
}

/// Newest first.
fn alerts_view(scroll: usize, state: &State, theme: &Theme, buffer: &mut Buffer) {
    let area = window(state, 90, 24);
    let inside = frame("alerts", area, state, (theme, buffer));
    if state.shared.alerts.is_empty() {
        let muted = theme.style(Role::Muted);
        Pen::new(buffer, inside, 0).text("Nothing was wrong with a run yet.", muted);
    }
    let mut lines = Vec::new();
    for known in state.shared.alerts.iter().rev() {
        let said = alerts::said(known, state.shared.now);
        let said = wrapped(&said, inside.width).into_iter();
        lines.extend(said.map(|line| (line, alerts::role(&known.alert))));
    }
    scrolled(&lines, scroll, inside, (theme, buffer));
}

fn scrolled(
    lines: &[(String, Role)],
    scroll: usize,
    inside: Rect,
    (theme, buffer): (&Theme, &mut Buffer),
) {
    let first = scroll.min(lines.len().saturating_sub(usize::from(inside.height)));
    for (line, (text, role)) in (0..inside.height).zip(lines.iter().skip(first)) {
        Pen::new(buffer, inside, line).text(text, theme.style(*role));
    }
}

/// What may follow the keys pressed so far, above the footer.
pub(crate) fn which_key(state: &State, theme: &Theme, buffer: &mut Buffer) {
    let rows = state.keymap.continuations(state.focus(), &state.pending);
    let columns = (state.size.0 / 40).clamp(1, 4);
    let height = u16::try_from(rows.len())
        .unwrap_or(u16::MAX)
        .div_ceil(columns);
    let screen = state.screen();
    let height = height
        .saturating_add(2)
        .min(screen.height.saturating_sub(1));
    let area = Rect {
        y: screen.height.saturating_sub(1 + height),
        height,
        ..screen
    };
    let title = crate::keys::shown(&state.pending);
    let inside = frame(&title, area, state, (theme, buffer));
    let width = inside.width / columns;
    for ((key, words), at) in rows.iter().zip(0_u16..) {
        let (column, line) = (at / inside.height.max(1), at % inside.height.max(1));
        let cell = Rect {
            x: inside.x.saturating_add(column * width),
            width: width.saturating_sub(1),
            ..inside
        };
        if column < columns {
            Pen::new(buffer, cell, line)
                .column(key, 8, theme.style(Role::Key))
                .text(words, theme.style(Role::Text));
        }
    }
}
