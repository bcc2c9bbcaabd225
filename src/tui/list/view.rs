//! Drawing of a list: one line a row, `…` where a row is still on its way.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Clear, Widget};
use semihv_domain::Verdict;
use semihv_engine::{CaseRow, ListKind, ListRow, QuestionRow};
use unicode_width::UnicodeWidthStr;

use super::{List, QueryLine};
use crate::pane::PaneKind;
use crate::pen::{Pen, grouped, placeholder};
use crate::shared::{Glyphs, Load, Shared};
use crate::theme::{Role, Theme};

/// Completions shown at once.
const OFFERED: u16 = 8;
/// Models whose verdicts fit in front of a question.
const MODELS: usize = 4;

/// `wrong model:b · 41 of 60`.
pub fn title(list: &List) -> String {
    let mut parts = Vec::new();
    if !list.filter.is_empty() {
        parts.push(list.filter.clone());
    }
    if !list.is_empty() {
        let (at, of) = (list.cursor as u64 + 1, list.len() as u64);
        parts.push(format!("{} of {}", grouped(at), grouped(of)));
    }
    if !list.marks.is_empty() {
        parts.push(format!("{} marked", grouped(list.marks.len() as u64)));
    }
    if list.anchor.is_some() {
        parts.push("range".to_owned());
    }
    parts.join(" · ")
}

/// Everything a row needs to know besides itself.
struct Look<'a> {
    shared: &'a Shared,
    theme: &'a Theme,
    /// The cursor row of this pane.
    cursor: Style,
    key_width: u16,
}

impl Look<'_> {
    fn sign(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.shared.glyphs {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        }
    }
}

pub fn view(list: &List, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let above = list.rows_above().min(area.height);
    let rows = Rect {
        y: area.y + above,
        height: area.height - above,
        ..area
    };
    match &list.listing {
        Load::Empty | Load::Loading { stale: None } => {
            placeholder(buffer, rows, &[("Loading…", theme.style(Role::Muted))]);
        }
        Load::Failed(failure) => {
            let hint = failure.hint.as_deref().unwrap_or("Space r asks again.");
            placeholder(
                buffer,
                rows,
                &[
                    (&failure.summary, theme.style(Role::Bad)),
                    (hint, theme.style(Role::Muted)),
                ],
            );
        }
        Load::Ready(_) | Load::Loading { stale: Some(_) } if list.is_empty() => {
            empty(list, theme, rows, buffer);
        }
        Load::Ready(_) | Load::Loading { stale: Some(_) } => {
            rows_view(list, shared, theme, rows, buffer);
            remark(list, theme, rows, buffer);
        }
    }
    if let Some(query) = &list.query {
        query_view(query, theme, area, buffer);
    }
}

fn empty(list: &List, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let (muted, text) = (theme.style(Role::Muted), theme.style(Role::Text));
    if list.filter.is_empty() {
        let what = match list.kind {
            ListKind::Cases => "No cases yet.",
            ListKind::Questions => "No questions yet.",
        };
        let how = "Press : and type import, or run `semihv import KIND PATH` in a shell.";
        placeholder(buffer, area, &[(what, text), (how, muted)]);
    } else {
        let what = format!("Nothing matches {}", list.filter);
        let how = "Esc clears the search, / changes it.";
        placeholder(buffer, area, &[(&what, text), (how, muted)]);
    }
}

/// What the engine had to say about the list, or why rows are missing.
fn remark(list: &List, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let said = list
        .listing
        .value()
        .and_then(|listing| listing.remark.as_deref());
    let (text, role) = match (&list.trouble, said) {
        (Some(failure), _) => (failure.summary.as_str(), Role::Bad),
        (None, Some(remark)) => (remark, Role::Warn),
        (None, None) => return,
    };
    let Some(last) = area.height.checked_sub(1) else {
        return;
    };
    let line = Rect {
        y: area.y + last,
        height: 1,
        ..area
    };
    Clear.render(line, buffer);
    Pen::new(buffer, line, 0).text(text, theme.style(role));
}

fn rows_view(list: &List, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let own = match list.kind {
        ListKind::Cases => PaneKind::Cases,
        ListKind::Questions => PaneKind::Questions,
    };
    let selected = if shared.focus == own {
        Role::Selection
    } else {
        Role::SelectionInactive
    };
    let look = Look {
        shared,
        theme,
        cursor: theme.style(selected),
        key_width: key_width(list, area.width),
    };
    let ids = list.ids().get(list.top..).unwrap_or_default();
    for (line, (id, position)) in (0..area.height).zip(ids.iter().zip(list.top..)) {
        let is_cursor = position == list.cursor;
        let base = if is_cursor {
            let row = Rect {
                y: area.y + line,
                height: 1,
                ..area
            };
            buffer.set_style(row.intersection(*buffer.area()), look.cursor);
            look.cursor
        } else {
            theme.style(Role::Text)
        };
        let in_range = list.anchor.is_some_and(|anchor| {
            (anchor.min(list.cursor)..=anchor.max(list.cursor)).contains(&position)
        });
        let mut pen = Pen::new(buffer, area, line);
        let mark = if list.marks.contains(id) {
            look.sign("●", "*")
        } else if in_range {
            look.sign("○", "+")
        } else {
            " "
        };
        pen.column(mark, 2, base.patch(foreground(theme, Role::Accent)));
        match list.rows.get(id) {
            Some(Some(ListRow::Case(row))) => case_row(row, &look, base, &mut pen),
            Some(Some(ListRow::Question(row))) => question_row(row, &look, base, &mut pen),
            Some(None) => drop(pen.text(
                "no longer there",
                base.patch(foreground(theme, Role::Muted)),
            )),
            None => drop(pen.text(
                look.sign("…", "..."),
                base.patch(foreground(theme, Role::Muted)),
            )),
        }
    }
}

/// As wide as the widest key in sight needs, in steps, so that scrolling seldom shifts columns.
fn key_width(list: &List, width: u16) -> u16 {
    let seen = list.ids().iter().skip(list.top).take(list.height);
    let widest = seen
        .filter_map(|id| list.row(*id))
        .map(|row| match row {
            ListRow::Case(row) => row.key.width(),
            ListRow::Question(row) => row.key.width(),
        })
        .max();
    let wanted = widest.unwrap_or(0).next_multiple_of(4).max(8);
    u16::try_from(wanted).unwrap_or(u16::MAX).min(width / 3)
}

/// A role's colour without its ground, to lie on a selected row.
fn foreground(theme: &Theme, role: Role) -> Style {
    Style {
        bg: None,
        ..theme.style(role)
    }
}

fn case_row(row: &CaseRow, look: &Look, base: Style, pen: &mut Pen) {
    let muted = base.patch(foreground(look.theme, Role::Muted));
    let modality = base.patch(foreground(look.theme, Role::Modality));
    pen.column(&row.key, look.key_width, base).skip(1);
    pen.column(
        row.modality.map_or("", |modality| modality.name()),
        7,
        modality,
    );
    pen.skip(1);
    if pen.room() > 24 {
        let counts = format!(
            "{:>2} {} {:>2} {}",
            row.images,
            look.sign("▣", "i"),
            row.questions,
            look.sign("?", "?"),
        );
        pen.right(&counts, muted);
    }
    tags(&row.tags, row.has_note, look, base, pen);
    pen.text(&row.title, base);
}

fn question_row(row: &QuestionRow, look: &Look, base: Style, pen: &mut Pen) {
    let muted = base.patch(foreground(look.theme, Role::Muted));
    for verdict in shown_verdicts(row, look.shared) {
        let (sign, role) = match verdict {
            Some(Verdict::Right) => (look.sign("✓", "+"), Role::Good),
            Some(Verdict::Wrong) => (look.sign("✗", "x"), Role::Bad),
            Some(Verdict::Unparsed) => ("?", Role::Warn),
            Some(Verdict::Unjudged) => (look.sign("·", "."), Role::Muted),
            None => (" ", Role::Muted),
        };
        pen.column(sign, 1, base.patch(foreground(look.theme, role)));
    }
    pen.skip(1);
    pen.column(&row.key, look.key_width, base).skip(1);
    pen.column(row.kind.name(), 7, muted);
    tags(&row.tags, row.has_note, look, base, pen);
    pen.text(&row.text, base);
}

/// The verdicts of the compared models in their order; all models when none is chosen.
fn shown_verdicts<'a>(
    row: &'a QuestionRow,
    shared: &'a Shared,
) -> impl Iterator<Item = Option<Verdict>> + 'a {
    let chosen = &shared.selection.models;
    let all = shared.overview.models.iter().map(|score| &score.model);
    let names: Vec<&String> = if chosen.is_empty() {
        all.take(MODELS).collect()
    } else {
        chosen.iter().take(MODELS).collect()
    };
    names.into_iter().map(|name| {
        row.verdicts
            .iter()
            .find(|(model, _)| model == name)
            .map(|(_, verdict)| *verdict)
    })
}

/// Tags stand right, as long as half of the line is left for the text.
fn tags(tags: &[semihv_domain::Tag], has_note: bool, look: &Look, base: Style, pen: &mut Pen) {
    let half = pen.room() / 2;
    let accent = base.patch(foreground(look.theme, Role::Accent));
    if has_note && pen.room() > half {
        pen.right(look.sign("✎", "n"), accent);
    }
    for tag in tags.iter().rev() {
        if pen.room() <= half {
            break;
        }
        pen.right(&format!("#{tag}"), accent);
    }
}

fn query_view(query: &QueryLine, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let mut pen = Pen::new(buffer, area, 0);
    pen.text("/ ", theme.style(Role::Accent));
    let window = query.edit().window(pen.room());
    pen.text(window.shown, theme.style(Role::Strong));
    let mut paint = |offset: u16, style: Style| {
        let x = area.x.saturating_add(2).saturating_add(offset);
        if let Some(cell) = buffer.cell_mut((x, area.y)).filter(|_| x < area.right()) {
            cell.set_style(style);
        }
    };
    if let Some(column) = query.trouble().and_then(|trouble| trouble.column) {
        let at = column.saturating_sub(window.hidden);
        let before: String = window.shown.chars().take(at).collect();
        let offset = u16::try_from(before.width()).unwrap_or(u16::MAX);
        paint(
            offset,
            theme.style(Role::Bad).add_modifier(Modifier::UNDERLINED),
        );
    }
    paint(
        window.cursor,
        theme.style(Role::Strong).add_modifier(Modifier::REVERSED),
    );
    below_query(query, theme, area, buffer);
}

/// The error with its hint, else the completions.
fn below_query(query: &QueryLine, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let mut lines: Vec<(String, Style)> = Vec::new();
    if let Some(trouble) = query.trouble() {
        lines.push((trouble.message.clone(), theme.style(Role::Bad)));
        if let Some(hint) = &trouble.hint {
            lines.push((hint.clone(), theme.style(Role::Muted)));
        }
    } else {
        let chosen = query.chosen().unwrap_or(0);
        let first = chosen.saturating_sub(usize::from(OFFERED) - 1);
        for (at, completion) in query
            .offered()
            .iter()
            .enumerate()
            .skip(first)
            .take(usize::from(OFFERED))
        {
            let style = if query.chosen() == Some(at) {
                theme.style(Role::Selection)
            } else {
                theme.style(Role::Text)
            };
            lines.push((
                format!("{:<20} {}", completion.insert, completion.about),
                style,
            ));
        }
    }
    for (line, (text, style)) in (1..area.height).zip(&lines) {
        let row = Rect {
            y: area.y + line,
            height: 1,
            ..area
        };
        Clear.render(row, buffer);
        let width = row.width;
        Pen::new(buffer, row, 0).text_within(&format!("  {text}"), width, *style);
    }
}
