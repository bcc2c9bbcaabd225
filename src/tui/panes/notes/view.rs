//! Drawing of notes and of the editor.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{Editor, Section, State, sections};
use crate::pane::PaneKind;
use crate::pen::{Pen, placeholder, wrapped};
use crate::shared::{Load, Shared};
use crate::theme::{Role, Theme};

pub fn view(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if let Some(editor) = &state.editor {
        editor_view(editor, theme, area, buffer);
        return;
    }
    let sections = sections(shared);
    if sections.is_empty() {
        return nothing(shared, theme, area, buffer);
    }
    let (lines, at) = lines(state, &sections, shared, theme, area.width);
    let height = usize::from(area.height);
    let first = (at + 2)
        .saturating_sub(height)
        .min(lines.len().saturating_sub(height));
    for (row, (text, style)) in (0..area.height).zip(lines.iter().skip(first)) {
        Pen::new(buffer, area, row).text(text, *style);
    }
}

fn nothing(shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let muted = theme.style(Role::Muted);
    let failure = match (&shared.case, &shared.question) {
        (Load::Failed(failure), _) | (_, Load::Failed(failure)) => Some(failure),
        _ => None,
    };
    match (failure, shared.target()) {
        (Some(failure), _) => {
            let hint = failure.hint.as_deref().unwrap_or("Space r asks again.");
            let summary = (failure.summary.as_str(), theme.style(Role::Bad));
            placeholder(buffer, area, &[summary, (hint, muted)]);
        }
        (None, Some(_)) => placeholder(buffer, area, &[("Loading…", muted)]),
        (None, None) => placeholder(
            buffer,
            area,
            &[(
                "Tags and notes of the selected case and question stand here.",
                muted,
            )],
        ),
    }
}

/// All lines, and the one at which the note under the cursor starts.
fn lines(
    state: &State,
    sections: &[Section],
    shared: &Shared,
    theme: &Theme,
    width: u16,
) -> (Vec<(String, Style)>, usize) {
    let muted = theme.style(Role::Muted);
    let selected = if shared.focus == PaneKind::Notes {
        Role::Selection
    } else {
        Role::SelectionInactive
    };
    let mut lines = Vec::new();
    let mut at = 0;
    let mut position = 0;
    for section in sections {
        if !lines.is_empty() {
            lines.push((String::new(), muted));
        }
        let tags: Vec<String> = section.tags.iter().map(|tag| format!("#{tag}")).collect();
        lines.push((section.name.clone(), theme.style(Role::Strong)));
        let tags = if tags.is_empty() {
            "no tags  (t adds one)".to_owned()
        } else {
            tags.join(" ")
        };
        let role = if section.tags.is_empty() {
            Role::Muted
        } else {
            Role::Accent
        };
        lines.extend(
            wrapped(&tags, width)
                .into_iter()
                .map(|line| (line, theme.style(role))),
        );
        for note in section.notes {
            let is_cursor = position == state.cursor;
            if is_cursor {
                at = lines.len();
            }
            let style = theme.style(if is_cursor { selected } else { Role::Text });
            lines.extend(
                wrapped(&note.text, width)
                    .into_iter()
                    .map(|line| (line, style)),
            );
            lines.push((format!("  — {}", note.author), muted));
            position += 1;
        }
        if section.notes.is_empty() {
            lines.push(("no notes  (n writes one)".to_owned(), muted));
        }
        if let Some(draft) = state.drafts.get(&section.target) {
            let first = draft.lines().next().unwrap_or_default();
            lines.push((format!("draft: {first}"), theme.style(Role::Warn)));
        }
    }
    (lines, at)
}

/// The editor alone: text above, the keys that end it below.
pub fn editor_view(editor: &Editor, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let below = u16::from(area.height > 2);
    let room = area.height - below;
    let (text, row, column) = editor.edit.lines();
    let first = (row + 1).saturating_sub(usize::from(room));
    let sideways = (column + 1).saturating_sub(usize::from(area.width));
    for (line, text) in (0..room).zip(text.skip(first)) {
        let shown = if sideways > 0 {
            skip_cells(text, sideways)
        } else {
            text
        };
        Pen::new(buffer, area, line).text(shown, theme.style(Role::Text));
    }
    let x = u16::try_from(column - sideways).unwrap_or(u16::MAX);
    let y = u16::try_from(row - first).unwrap_or(u16::MAX);
    if x < area.width
        && y < room
        && let Some(cell) = buffer.cell_mut((area.x + x, area.y + y))
    {
        cell.set_style(theme.style(Role::Text).add_modifier(Modifier::REVERSED));
    }
    if below > 0 {
        let keys = if editor.is_saving {
            "saving…"
        } else {
            "Ctrl-s save  Esc keep as draft  Ctrl-e $EDITOR"
        };
        Pen::new(buffer, area, room).text(keys, theme.style(Role::Muted));
    }
}

fn skip_cells(text: &str, cells: usize) -> &str {
    let mut used = 0;
    let at = text.char_indices().find(|(_, c)| {
        let is_past = used >= cells;
        used += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
        is_past
    });
    at.and_then(|(at, _)| text.get(at..)).unwrap_or("")
}
