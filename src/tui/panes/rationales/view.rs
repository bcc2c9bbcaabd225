//! Drawing: the question above, the columns below, side by side or one under the other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use semihv_engine::QuestionDetail;

use super::columns::{Column, columns, sign};
use super::{Compare, READS_WELL, State, chosen};
use crate::flow::{self, Block, Row};
use crate::notice;
use crate::pane::PaneKind;
use crate::pen::Pen;
use crate::shared::{Glyphs, Load, Shared};
use crate::theme::{Role, Theme};

/// Narrower columns are unreadable: then they stand one under the other.
const NARROWEST: u16 = 24;

pub fn view(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if let Some(detail) = shared.question.value() {
        let page = page(state, shared, detail, (theme, area));
        flow::draw(&page.head, 0, buffer, head_area(&page, area));
        let below = below(&page, area);
        let top = state.reader.top(&page.rows, page.height);
        match &page.body {
            Body::Stacked => flow::draw(&page.rows, top, buffer, body_area(&page, below)),
            Body::Beside(columns) => beside(columns, top, (theme, shared), below, buffer),
        }
        state.reader.find().draw(theme, area, buffer);
        return;
    }
    match &shared.question {
        Load::Failed(failure) => notice::failed(failure, theme, area, buffer),
        Load::Loading { .. } => notice::loading("Loading the answers", shared, theme, area, buffer),
        Load::Empty | Load::Ready(_) => notice::empty(
            "Gold and the models' rationales stand here side by side, and no question is selected.",
            "Tab goes to the list of questions. Answers come with `semihv import predictions FILE`.",
            theme,
            area,
            buffer,
        ),
    }
}

/// Keeps the position within the longest column once the layout is known, and says how many
/// models have room beside the gold column.
pub fn fit(state: &mut State, shared: &Shared, area: Rect) {
    state.room = usize::from(area.width / READS_WELL).saturating_sub(1);
    if let Some(detail) = shared.question.value() {
        let theme = Theme::default();
        let page = page(state, shared, detail, (&theme, area));
        state.reader.fit(&page.rows, page.height);
    }
}

pub(super) fn title(state: &State, shared: &Shared) -> String {
    let mut parts = Vec::new();
    if let Some(detail) = shared.question.value() {
        parts.push(detail.question.key.clone());
        let theme = Theme::default();
        let mut blocks: Vec<Block> = columns(state, shared, detail, &theme)
            .into_iter()
            .flat_map(|column| column.blocks)
            .collect();
        let find = state.reader.find();
        let count = find.highlight(&mut blocks, &theme);
        parts.push(find.summary(count));
    }
    parts.push(match state.compare {
        Compare::Nothing => String::new(),
        Compare::Gold => "against gold".to_owned(),
        Compare::First => chosen(state, shared)
            .first()
            .map_or_else(String::new, |model| format!("against {model}")),
    });
    parts.extend(state.walk.remark().map(str::to_owned));
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// What is drawn, before it is known from which row on.
struct Page {
    head: Vec<Row>,
    /// Every row of the body; side by side the columns' rows joined, to be counted and sought.
    rows: Vec<Row>,
    body: Body,
    /// Rows that the body has.
    height: u16,
}

enum Body {
    Stacked,
    Beside(Vec<(Heading, Vec<Row>)>),
}

/// A column's name with its verdict.
struct Heading {
    blocks: Block,
}

fn page(
    state: &State,
    shared: &Shared,
    detail: &QuestionDetail,
    (theme, area): (&Theme, Rect),
) -> Page {
    let mut head = flow::rows(&question(detail, shared.glyphs, theme), area.width);
    head.truncate(usize::from(area.height / 3));
    let columns = columns(state, shared, detail, theme);
    let count = u16::try_from(columns.len()).unwrap_or(u16::MAX);
    let is_beside = area.width / count.max(1) >= NARROWEST;
    let typing = u16::from(state.reader.is_typing() && area.height > 1);
    let left = area.height - u16::try_from(head.len()).unwrap_or(0) - typing;
    let headings: Vec<Heading> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| heading(column, at, state, (shared, theme)))
        .collect();
    if is_beside {
        let bodies = beside_rows(state, columns, area.width, theme);
        let rows = joined(&bodies);
        return Page {
            head,
            rows,
            body: Body::Beside(headings.into_iter().zip(bodies).collect()),
            height: left.saturating_sub(1),
        };
    }
    let mut blocks = Vec::new();
    for (heading, column) in headings.into_iter().zip(columns) {
        blocks.push(heading.blocks);
        blocks.extend(column.blocks.into_iter().map(|block| block.indented(2)));
        blocks.push(Block::blank());
    }
    Page {
        head,
        rows: state.reader.rows(blocks, area.width, theme),
        body: Body::Stacked,
        height: left,
    }
}

fn head_area(page: &Page, area: Rect) -> Rect {
    Rect {
        height: u16::try_from(page.head.len()).unwrap_or(0).min(area.height),
        ..area
    }
}

fn below(page: &Page, area: Rect) -> Rect {
    let head = head_area(page, area).height;
    Rect {
        y: area.y + head,
        height: area.height - head,
        ..area
    }
}

fn body_area(page: &Page, below: Rect) -> Rect {
    Rect {
        height: page.height.min(below.height),
        ..below
    }
}

/// Width of a column, without the line beside it and the blanks around that.
fn column_width(width: u16, columns: usize) -> u16 {
    let columns = u16::try_from(columns).unwrap_or(1).max(1);
    (width / columns).saturating_sub(3).max(1)
}

/// One search through all columns, then each wrapped by itself.
fn beside_rows(state: &State, columns: Vec<Column>, width: u16, theme: &Theme) -> Vec<Vec<Row>> {
    let count = columns.len();
    let lengths: Vec<usize> = columns.iter().map(|column| column.blocks.len()).collect();
    let mut blocks: Vec<Block> = columns
        .into_iter()
        .flat_map(|column| column.blocks)
        .collect();
    state.reader.find().highlight(&mut blocks, theme);
    let mut rest = blocks.into_iter();
    lengths
        .into_iter()
        .map(|length| {
            let own: Vec<Block> = rest.by_ref().take(length).collect();
            flow::rows(&own, column_width(width, count))
        })
        .collect()
}

fn joined(bodies: &[Vec<Row>]) -> Vec<Row> {
    let longest = bodies.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .map(|at| Row {
            pieces: bodies
                .iter()
                .filter_map(|rows| rows.get(at))
                .flat_map(|row| row.pieces.iter().cloned())
                .collect(),
            indent: 0,
        })
        .collect()
}

fn beside(
    columns: &[(Heading, Vec<Row>)],
    top: usize,
    (theme, shared): (&Theme, &Shared),
    area: Rect,
    buffer: &mut Buffer,
) {
    let width = column_width(area.width, columns.len());
    let line = match shared.glyphs {
        Glyphs::Unicode => "│",
        Glyphs::Ascii => "|",
    };
    let mut x = area.x;
    for (at, (heading, rows)) in columns.iter().enumerate() {
        if at > 0 {
            for row in 0..area.height {
                let beside = Rect { x: x - 2, ..area };
                Pen::new(buffer, beside, row).text(line, theme.style(Role::Border));
            }
        }
        let column = Rect {
            x,
            width: width.min(area.right().saturating_sub(x)),
            ..area
        };
        for row in flow::rows(std::slice::from_ref(&heading.blocks), width)
            .iter()
            .take(1)
        {
            row.draw(buffer, column, 0);
        }
        let body = Rect {
            y: column.y + 1,
            height: column.height.saturating_sub(1),
            ..column
        };
        flow::draw(rows, top, buffer, body);
        x = x.saturating_add(width + 3).min(area.right());
    }
}

fn heading(
    column: &Column,
    at: usize,
    state: &State,
    (shared, theme): (&Shared, &Theme),
) -> Heading {
    let is_current = at == state.column + 1 && shared.focus == PaneKind::Rationales;
    let mut style = theme.style(Role::Title).add_modifier(Modifier::BOLD);
    if is_current {
        style = theme.style(Role::Selection).add_modifier(Modifier::BOLD);
    }
    let mut block = Block::new(&column.name, style);
    if let Some(verdict) = column.verdict {
        let (sign, role) = sign(verdict, shared.glyphs);
        block = block
            .and(" ", theme.style(Role::Text))
            .and(sign, theme.style(role));
    }
    Heading { blocks: block }
}

/// The question and its options, the gold one marked.
fn question(detail: &QuestionDetail, glyphs: Glyphs, theme: &Theme) -> Vec<Block> {
    let question = &detail.question;
    let muted = theme.style(Role::Muted);
    let mut blocks = vec![
        Block::new(&question.text, theme.style(Role::Strong))
            .and("  ", muted)
            .and(question.kind.name(), muted),
    ];
    if !question.options.is_empty() {
        let mut options = Block::default();
        for (letter, option) in ('A'..='Z').zip(&question.options) {
            let is_gold = *option == question.gold || question.gold == letter.to_string();
            let (style, mark) = match (is_gold, glyphs) {
                (true, Glyphs::Unicode) => (theme.style(Role::Good), "✓"),
                (true, Glyphs::Ascii) => (theme.style(Role::Good), "+"),
                (false, _) => (theme.style(Role::Text), ""),
            };
            options = options
                .and(&format!("{letter}{mark} "), muted)
                .and(option, style)
                .and("   ", muted);
        }
        blocks.push(options);
    }
    blocks.push(Block::blank());
    blocks
}
