//! The frame: header, panes in their borders, footer, overlays. Reads the state, asks nothing.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use semihv_domain::JobState;
use unicode_width::UnicodeWidthStr;

use crate::alerts;
use crate::layout::{Areas, Body};
use crate::overlay;
use crate::pane::PaneKind;
use crate::panes::{jobs, notes};
use crate::pen::{Pen, grouped};
use crate::shared::Glyphs;
use crate::state::{State, Tone};
use crate::theme::{Role, Theme};

/// Draws the whole screen.
pub fn view(state: &State, theme: &Theme, buffer: &mut Buffer) {
    let areas = state.areas();
    match &areas.body {
        Body::TooSmall => return too_small(theme, state.screen(), buffer),
        Body::Tabs { tabs, pane, inside } => {
            tab_line(state, theme, *tabs, buffer);
            let area = inside.intersection(*buffer.area());
            state
                .panes
                .view(*pane, &state.shared, theme, (area, buffer));
        }
        Body::Boxes { panes, .. } => {
            for (kind, rect) in panes {
                border(state, theme, *kind, (*rect, buffer));
            }
            for (kind, inside) in areas.insides() {
                let area = inside.intersection(*buffer.area());
                state.panes.view(kind, &state.shared, theme, (area, buffer));
            }
        }
    }
    header(state, theme, areas.header, buffer);
    footer(state, theme, areas.footer, buffer);
    overlays(state, theme, &areas, buffer);
    if state.shared.glyphs == Glyphs::Ascii {
        spell_in_ascii(buffer);
    }
}

/// Our own punctuation in ASCII, wherever it stands; what data says in other scripts stays.
fn spell_in_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let plain = match cell.symbol() {
            "·" | "–" | "—" | "•" => "-",
            "…" => "~",
            "›" | "→" => ">",
            "‹" | "←" => "<",
            "×" => "x",
            "✓" => "+",
            "✗" => "!",
            "↑" => "^",
            "↓" => "v",
            _ => continue,
        };
        cell.set_symbol(plain);
    }
}

fn too_small(theme: &Theme, screen: Rect, buffer: &mut Buffer) {
    let style = theme.style(Role::Muted);
    Pen::new(buffer, screen, screen.height / 2).text("too small", style);
}

/// Where each layout's name stands in the header.
fn layout_tabs(state: &State) -> Vec<(u16, u16, String)> {
    let mut x = 3 + cells(&workspace_name(state)).min(24);
    let tab = |(at, name): (usize, &str)| {
        let text = if at < 9 {
            format!("{} {name}", at + 1)
        } else {
            name.to_owned()
        };
        let width = cells(&text);
        let start = x;
        x = x.saturating_add(width).saturating_add(2);
        (start, width, text)
    };
    state.layouts.names().enumerate().map(tab).collect()
}

fn cells(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

fn workspace_name(state: &State) -> String {
    let name = &state.shared.overview.workspace;
    let name = if name.is_empty() { "semihv" } else { name };
    semihv_domain::printable_line(name).into_owned()
}

/// The layout whose name stands in this cell of the header.
pub(crate) fn layout_tab_at(state: &State, column: u16, row: u16) -> Option<usize> {
    if row != 0 || state.areas().body == Body::TooSmall {
        return None;
    }
    layout_tabs(state)
        .iter()
        .position(|(x, width, _)| (*x..x.saturating_add(*width)).contains(&column))
}

/// The name of what is on screen among its like: told by weight and underline, not by colour.
fn active_tab(theme: &Theme) -> Style {
    theme
        .style(Role::Accent)
        .add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
}

fn header(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(1)
        .text_within(&workspace_name(state), 24, theme.style(Role::Title));
    for (text, role) in header_right(state).iter().rev() {
        pen.right(text, theme.style(*role));
    }
    let end = pen.end();
    for (at, (x, width, text)) in layout_tabs(state).into_iter().enumerate() {
        if x.saturating_add(width) > end {
            break;
        }
        let style = if at == state.layouts.active_index() {
            active_tab(theme)
        } else {
            theme.style(Role::Muted)
        };
        Pen::new(buffer, Rect { x, width, ..area }, 0).text(&text, style);
    }
}

/// Alerts, running jobs and counts, in the order they stand.
fn header_right(state: &State) -> Vec<(String, Role)> {
    let mut parts = Vec::new();
    match alerts::unseen(state) {
        0 => {}
        1 => parts.push(("! 1 alert ".to_owned(), Role::Bad)),
        many => parts.push((format!("! {many} alerts "), Role::Bad)),
    }
    let all = state.panes.jobs.all();
    let is_failed = |job: &&semihv_domain::Job| matches!(job.state, JobState::Failed { .. });
    let failed = all.iter().filter(is_failed).count();
    if failed > 0 {
        parts.push((format!("! {failed} "), Role::Bad));
    }
    for job in all
        .iter()
        .filter(|job| job.state == JobState::Running)
        .take(2)
    {
        let name = job.kind.name();
        let text = match jobs::percent(job) {
            Some(percent) => format!("{name} {percent} % "),
            None => format!(
                "{name} {} ",
                grouped(job.progress.rows.max(job.progress.done))
            ),
        };
        parts.push((text, Role::Accent));
    }
    let overview = &state.shared.overview;
    if overview.unindexed > 0 {
        parts.push((
            format!("{} unindexed ", grouped(overview.unindexed)),
            Role::Warn,
        ));
    }
    if state.shared.is_read_only {
        parts.push(("read-only ".to_owned(), Role::Warn));
    }
    if overview.cases > 0 && state.size.0 >= 100 {
        let of = |count: u64, one: &str| {
            let plural = if count == 1 { "" } else { "s" };
            format!("{} {one}{plural}", grouped(count))
        };
        let (cases, questions) = (
            of(overview.cases, "case"),
            of(overview.questions, "question"),
        );
        let counts = format!("{cases}  {questions} ");
        parts.push((counts, Role::Muted));
    }
    parts
}

/// Where each pane's name stands in the tab line of a small screen.
fn pane_tabs(state: &State, area: Rect) -> Vec<(PaneKind, u16, u16)> {
    let mut x = area.x + 1;
    let tab = |kind: PaneKind| {
        let (start, width) = (x, cells(kind.name()));
        x = x.saturating_add(width).saturating_add(2);
        (kind, start, width)
    };
    state.layouts.tree().panes().into_iter().map(tab).collect()
}

pub(crate) fn pane_tab_at(state: &State, column: u16, row: u16) -> Option<PaneKind> {
    let Body::Tabs { tabs, .. } = state.areas().body else {
        return None;
    };
    let tabs = if row == tabs.y {
        pane_tabs(state, tabs)
    } else {
        Vec::new()
    };
    let hit = tabs
        .into_iter()
        .find(|(_, x, width)| (*x..x.saturating_add(*width)).contains(&column));
    hit.map(|(kind, ..)| kind)
}

fn tab_line(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let focus = state.focus();
    let mut end = area.x;
    for (kind, x, width) in pane_tabs(state, area) {
        if x.saturating_add(width) > area.right() {
            break;
        }
        let style = if kind == focus {
            active_tab(theme)
        } else {
            theme.style(Role::Muted)
        };
        Pen::new(buffer, Rect { x, width, ..area }, 0).text(kind.name(), style);
        end = x + width;
    }
    let title = state.panes.title(focus, &state.shared);
    let rest = Rect {
        x: end,
        width: area.right().saturating_sub(end + 1),
        ..area
    };
    Pen::new(buffer, rest, 0)
        .skip(2)
        .right(&title.right, theme.style(Role::Muted));
}

fn border(state: &State, theme: &Theme, kind: PaneKind, (rect, buffer): (Rect, &mut Buffer)) {
    let has_keys = kind == state.focus();
    let role = if has_keys {
        Role::BorderFocused
    } else {
        Role::Border
    };
    box_lines(rect, theme.style(role), state.shared.glyphs, buffer);
    if rect.width < 6 || rect.height == 0 {
        return;
    }
    let line = Rect {
        x: rect.x + 2,
        width: rect.width - 4,
        height: 1,
        ..rect
    };
    let name = if has_keys { Role::Title } else { Role::Text };
    let mut pen = Pen::new(buffer, line, 0);
    pen.text(&format!(" {} ", kind.name()), theme.style(name));
    let title = state.panes.title(kind, &state.shared);
    if !title.right.is_empty() {
        let room = usize::from(pen.room()).saturating_sub(3);
        let right = cut(&title.right, room);
        pen.right(&format!(" {right} "), theme.style(Role::Muted));
    }
}

/// The end of a title says most (`41 of 60`), so the front is cut.
fn cut(text: &str, room: usize) -> String {
    let safe = semihv_domain::printable_line(text);
    if safe.width() <= room {
        return safe.into_owned();
    }
    let mut kept: Vec<char> = Vec::new();
    let mut used = 1;
    for c in safe.chars().rev() {
        used += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used > room {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept.into_iter().rev().collect()
}

pub(crate) fn box_lines(rect: Rect, style: Style, glyphs: Glyphs, buffer: &mut Buffer) {
    use ratatui::symbols::border;
    use ratatui::widgets::{Block, Widget};
    let plain = border::Set {
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: "-",
        horizontal_bottom: "-",
    };
    let set = match glyphs {
        Glyphs::Unicode => border::ROUNDED,
        Glyphs::Ascii => plain,
    };
    Block::bordered()
        .border_set(set)
        .border_style(style)
        .render(rect.intersection(*buffer.area()), buffer);
}

fn footer(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(1);
    if let Some(toast) = state.toasts.back().filter(|_| state.is_toast_shown) {
        let (sign, role) = match toast.tone {
            Tone::Good => ("", Role::Good),
            Tone::Plain => ("", Role::Text),
            Tone::Bad => ("! ", Role::Bad),
        };
        pen.text(sign, theme.style(role))
            .text(&toast.text, theme.style(role));
        if let Some(hint) = &toast.hint {
            pen.text(" — ", theme.style(Role::Muted))
                .text(hint, theme.style(Role::Text));
        }
        return;
    }
    if !state.pending.is_empty() {
        let keys = crate::keys::shown(&state.pending);
        pen.text(&format!("{keys} …"), theme.style(Role::Key));
        return;
    }
    if state.panes.is_typing(state.focus()) || state.overlay.is_some() {
        return;
    }
    pen.right("? help ", theme.style(Role::Muted));
    for hint in state.panes.hints(state.focus(), &state.shared) {
        let Some(key) = state.keymap.key_of(hint.command) else {
            continue;
        };
        if pen.room() < cells(&key) + cells(hint.text) + 3 {
            break;
        }
        pen.text(&key, theme.style(Role::Key))
            .skip(1)
            .text(hint.text, theme.style(Role::Muted))
            .skip(2);
    }
}

fn overlays(state: &State, theme: &Theme, areas: &Areas, buffer: &mut Buffer) {
    if let Some(editor) = state.panes.notes.editor()
        && areas.inside_of(PaneKind::Notes).is_none()
    {
        let area = overlay::view::window(state, 64, 10);
        let inside = overlay::view::frame("note", area, state, (theme, buffer));
        notes::editor_view(editor, theme, inside, buffer);
    }
    if state.is_which_key_shown {
        overlay::view::which_key(state, theme, buffer);
    }
    if let Some(open) = &state.overlay {
        overlay::view::view(open, state, theme, buffer);
    }
}

#[cfg(test)]
mod tests;
