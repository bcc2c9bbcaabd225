//! Drawing of the sources, the bars and the skipped rows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use semihv_engine::{Share, SkippedRow, SourceRow};
use unicode_width::UnicodeWidthStr;

use super::{Open, State};
use crate::flow::Block;
use crate::notice;
use crate::pane::PaneKind;
use crate::pen::{Pen, grouped};
use crate::shared::{Glyphs, Load, Shared};
use crate::theme::{Role, Theme};

/// From this width on the two bar charts stand side by side.
const WIDE: u16 = 100;
const HEADINGS: [&str; 7] = [
    "cases",
    "images",
    "missing",
    "questions",
    "answers",
    "passages",
    "skipped",
];

pub fn view(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if let Some(open) = &state.open {
        return skipped(open, shared, theme, area, buffer);
    }
    match &state.dataset {
        Load::Ready(dataset)
        | Load::Loading {
            stale: Some(dataset),
        } if !dataset.sources.is_empty() => {
            let (table, bars) = parts(state, area);
            sources(state, shared, theme, table, buffer);
            let look = Look {
                theme,
                glyphs: shared.glyphs,
            };
            let charts = [
                ("Modalities of images", &dataset.modalities),
                ("Skipped because", &dataset.skipped_reasons),
            ];
            shares(&charts, &look, bars, buffer);
        }
        Load::Failed(failure) => notice::failed(failure, theme, area, buffer),
        Load::Loading { stale: None } => notice::loading("Counting", shared, theme, area, buffer),
        Load::Empty | Load::Ready(_) | Load::Loading { .. } => notice::empty(
            "The sources of the workspace stand here with what was taken and what was skipped. There are none yet.",
            "`:import KIND PATH` brings one in; `semihv import` lists the kinds.",
            theme,
            area,
            buffer,
        ),
    }
}

/// Keeps the position within the skipped rows once the layout is known.
pub fn fit(state: &mut State, _shared: &Shared, area: Rect) {
    let Some(open) = &mut state.open else { return };
    if let Some(rows) = open.rows.value() {
        let theme = Theme::default();
        let rows = open.reader.rows(blocks(rows, &theme), area.width, &theme);
        let height = open.reader.body(area).height;
        open.reader.fit(&rows, height);
    }
}

struct Look<'a> {
    theme: &'a Theme,
    glyphs: Glyphs,
}

/// The table (heading, sources, sum) above, the bars below.
fn parts(state: &State, area: Rect) -> (Rect, Rect) {
    let wanted = u16::try_from(state.sources().len())
        .unwrap_or(u16::MAX)
        .saturating_add(2);
    let table = wanted.min((area.height / 2).max(3)).min(area.height);
    (
        Rect {
            height: table,
            ..area
        },
        Rect {
            y: area.y + (table + 1).min(area.height),
            height: area.height.saturating_sub(table + 1),
            ..area
        },
    )
}

/// Sources that are drawn: the cursor's among them.
fn window(state: &State, table: Rect) -> (usize, u16) {
    let room = table.height.saturating_sub(2);
    let first = (state.cursor + 1).saturating_sub(usize::from(room.max(1)));
    (first, room)
}

pub(super) fn source_at(state: &State, area: Rect, row: u16) -> Option<usize> {
    let (first, room) = window(state, parts(state, area).0);
    let at = row.checked_sub(1).filter(|at| *at < room)?;
    Some(first + usize::from(at)).filter(|at| *at < state.sources().len())
}

fn counts(row: &SourceRow) -> [u64; 7] {
    [
        row.cases,
        row.images,
        row.missing_images,
        row.questions,
        row.answers,
        row.passages,
        row.skipped,
    ]
}

/// The width of every column: wide enough for its heading and its longest number; one of zeros
/// gives up its place when room is short.
struct Widths {
    name: u16,
    kind: u16,
    counts: [u16; 7],
}

fn widths(sources: &[SourceRow], width: u16) -> Widths {
    let all = totals(sources);
    let mut columns = [0; 7];
    for ((column, heading), total) in columns.iter_mut().zip(HEADINGS).zip(all) {
        let needed = heading.len().max(grouped(total).len()) + 1;
        *column = u16::try_from(needed).unwrap_or(u16::MAX);
    }
    if width < WIDE {
        for (column, total) in columns.iter_mut().zip(all) {
            if total == 0 {
                *column = 0;
            }
        }
    }
    let names = width.saturating_sub(columns.iter().sum());
    let name = names * 3 / 5;
    Widths {
        name,
        kind: names - name,
        counts: columns,
    }
}

fn totals(sources: &[SourceRow]) -> [u64; 7] {
    let mut totals = [0_u64; 7];
    for row in sources {
        for (total, value) in totals.iter_mut().zip(counts(row)) {
            *total = total.saturating_add(value);
        }
    }
    totals
}

fn sources(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let widths = widths(state.sources(), area.width);
    let muted = theme.style(Role::Muted);
    let mut pen = Pen::new(buffer, area, 0);
    pen.column("source", widths.name, muted)
        .column("kind", widths.kind, muted);
    for (heading, width) in HEADINGS.into_iter().zip(widths.counts) {
        pen.column(&right(heading, width), width, muted);
    }
    let (first, room) = window(state, area);
    for (line, (at, row)) in (1..=room).zip(state.sources().iter().enumerate().skip(first)) {
        let style = match (at == state.cursor, shared.focus == PaneKind::Dataset) {
            (true, true) => theme.style(Role::Selection),
            (true, false) => theme.style(Role::SelectionInactive),
            (false, _) => theme.style(Role::Text),
        };
        let here = Rect {
            y: area.y + line,
            height: 1,
            ..area
        };
        buffer.set_style(here, style);
        source(row, &widths, (theme, style), here, buffer);
    }
    let strong = theme.style(Role::Strong);
    let rows = u16::try_from(state.sources().len()).unwrap_or(u16::MAX);
    let line = rows.saturating_add(1).min(area.height.saturating_sub(1));
    let mut pen = Pen::new(buffer, area, line);
    pen.column("all", widths.name + widths.kind, strong);
    for (total, width) in totals(state.sources()).into_iter().zip(widths.counts) {
        pen.column(&right(&grouped(total), width), width, strong);
    }
}

fn source(
    row: &SourceRow,
    widths: &Widths,
    (theme, style): (&Theme, Style),
    area: Rect,
    buffer: &mut Buffer,
) {
    let unfinished = if row.is_complete { "" } else { " (unfinished)" };
    let mut pen = Pen::new(buffer, area, 0);
    pen.column(
        &format!("{}{unfinished}", row.name),
        widths.name.saturating_sub(1),
        style,
    )
    .skip(1)
    .column(&row.kind, widths.kind, style);
    for ((value, heading), width) in counts(row).into_iter().zip(HEADINGS).zip(widths.counts) {
        let role = match (heading, value) {
            (_, 0) => Role::Muted,
            ("missing", _) => Role::Bad,
            ("skipped", _) => Role::Warn,
            _ => Role::Text,
        };
        let number = right(&grouped(value), width);
        pen.column(&number, width, style.patch(theme.style(role)));
    }
}

fn right(text: &str, width: u16) -> String {
    format!("{text:>0$}", usize::from(width))
}

fn shares(charts: &[(&str, &Vec<Share>); 2], look: &Look, area: Rect, buffer: &mut Buffer) {
    let [first, second] = charts;
    if area.width >= WIDE {
        let half = area.width / 2;
        let left = Rect {
            width: half - 2,
            ..area
        };
        let beside = Rect {
            x: area.x + half,
            width: area.width - half,
            ..area
        };
        chart(first, look, left, buffer);
        chart(second, look, beside, buffer);
        return;
    }
    // One under the other: the first gets what it needs, up to two thirds.
    let wanted = u16::try_from(first.1.len())
        .unwrap_or(u16::MAX)
        .saturating_add(1);
    let height = wanted.min(area.height * 2 / 3 + 1).min(area.height);
    chart(first, look, Rect { height, ..area }, buffer);
    let below = Rect {
        y: area.y + (height + 1).min(area.height),
        height: area.height.saturating_sub(height + 1),
        ..area
    };
    chart(second, look, below, buffer);
}

fn chart((heading, shares): &(&str, &Vec<Share>), look: &Look, area: Rect, buffer: &mut Buffer) {
    let theme = look.theme;
    let total: u64 = shares.iter().map(|share| share.count).sum();
    Pen::new(buffer, area, 0)
        .text(heading, theme.style(Role::Accent))
        .text(&format!("  {}", grouped(total)), theme.style(Role::Muted));
    if shares.is_empty() {
        Pen::new(buffer, area, 1).text("none", theme.style(Role::Muted));
    }
    let longest = shares.iter().map(|share| share.name.width()).max();
    let longest = u16::try_from(longest.unwrap_or(0)).unwrap_or(u16::MAX);
    let name = longest.saturating_add(2).min(area.width / 2);
    let bar = area.width.saturating_sub(name + 20);
    let room = usize::from(area.height.saturating_sub(1));
    let is_cut = shares.len() > room;
    let shown = if is_cut { room.saturating_sub(1) } else { room };
    for (row, share) in (1..area.height).zip(shares.iter().take(shown)) {
        let part = share.count as f64 / total.max(1) as f64;
        Pen::new(buffer, area, row)
            .column(&share.name, name.saturating_sub(1), theme.style(Role::Text))
            .skip(1)
            .column(&right(&grouped(share.count), 9), 9, theme.style(Role::Text))
            .column(
                &right(&format!("{:.1} %", part * 100.0), 9),
                10,
                theme.style(Role::Muted),
            )
            .text(&bar_of(part, bar, look.glyphs), theme.style(Role::Modality));
    }
    if is_cut && room > 0 {
        let rest = format!("… {} more", shares.len() - shown);
        Pen::new(buffer, area, area.height - 1).text(&rest, theme.style(Role::Muted));
    }
}

/// A whole bar is everything; what is there at all shows at least a sign.
fn bar_of(part: f64, width: u16, glyphs: Glyphs) -> String {
    let cells = (part * f64::from(width)).round() as usize;
    let sign = match glyphs {
        Glyphs::Unicode => "█",
        Glyphs::Ascii => "#",
    };
    if cells == 0 && part > 0.0 {
        return match glyphs {
            Glyphs::Unicode => "▏".to_owned(),
            Glyphs::Ascii => "|".to_owned(),
        };
    }
    sign.repeat(cells)
}

fn skipped(open: &Open, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    match &open.rows {
        Load::Ready(rows) | Load::Loading { stale: Some(rows) } if !rows.is_empty() => {
            let rows = open.reader.rows(blocks(rows, theme), area.width, theme);
            open.reader.draw(&rows, theme, area, buffer);
        }
        Load::Failed(failure) => notice::failed(failure, theme, area, buffer),
        Load::Loading { stale: None } => {
            notice::loading("Looking up skipped rows", shared, theme, area, buffer);
        }
        Load::Empty | Load::Ready(_) | Load::Loading { .. } => {
            let what = format!("Nothing of {} was skipped.", open.source);
            notice::empty(&what, "Esc goes back to the sources.", theme, area, buffer);
        }
    }
}

/// `train.json:17  the image is missing`.
fn blocks(rows: &[SkippedRow], theme: &Theme) -> Vec<Block> {
    let muted = theme.style(Role::Muted);
    let mut blocks: Vec<Block> = rows
        .iter()
        .map(|row| {
            let line = row.line.map_or_else(String::new, |line| format!(":{line}"));
            Block::new(&format!("{}{line}", row.file), theme.style(Role::Info))
                .and("  ", muted)
                .and(&row.reason, theme.style(Role::Text))
        })
        .collect();
    if rows.len() >= super::MOST_SKIPPED {
        blocks.push(Block::new(
            "There may be more: `semihv skipped` lists all.",
            muted,
        ));
    }
    blocks
}
