//! Drawing of the hits with their reasons, and of an open passage.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_engine::{GuidelineHit, PassageDetail};

use super::{Open, State, reason};
use crate::flow::{self, Block, Mark};
use crate::notice;
use crate::pane::PaneKind;
use crate::pen::Pen;
use crate::reader::input_line;
use crate::shared::{Glyphs, Load, Shared};
use crate::theme::{Role, Theme};

/// Rows one hit takes.
const HIT: u16 = 2;
const BAR: u16 = 8;

pub fn view(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if let Some(open) = &state.open {
        return passage(open, shared, theme, area, buffer);
    }
    let typing = u16::from(state.line.is_some() && area.height > 1);
    let body = Rect {
        height: area.height - typing,
        ..area
    };
    hits(state, shared, theme, body, buffer);
    if let Some(line) = &state.line {
        input_line(
            "/",
            line,
            theme,
            (area, area.height.saturating_sub(1)),
            buffer,
        );
    }
}

/// Keeps the position within the open passage once the layout is known.
pub fn fit(state: &mut State, _shared: &Shared, area: Rect) {
    let Some(open) = &mut state.open else { return };
    if let Some(detail) = open.detail.value() {
        let theme = Theme::default();
        let rows = open.reader.rows(
            blocks(detail, &open.terms, &theme),
            flow::measure(area.width),
            &theme,
        );
        let height = open.reader.body(area).height;
        open.reader.fit(&rows, height);
    }
}

pub(super) fn title(state: &State) -> String {
    if let Some(open) = &state.open {
        let theme = Theme::default();
        let find = open.reader.find();
        let (name, count) = open.detail.value().map_or_else(
            || (String::new(), 0),
            |detail| {
                let mut blocks = blocks(detail, &open.terms, &theme);
                (
                    format!("{} of {}", detail.at + 1, detail.passages.len()),
                    find.highlight(&mut blocks, &theme),
                )
            },
        );
        let found = find.summary(count);
        return [name, found]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" · ");
    }
    let of = if state.text.is_empty() {
        "for the selection".to_owned()
    } else {
        state.text.clone()
    };
    match state.hits.value().map(Vec::len) {
        Some(1) => format!("{of} · 1 hit"),
        Some(count) => format!("{of} · {count} hits"),
        None => of,
    }
}

/// Rows that the list has; what is left below explains the hit under the cursor.
fn list_height(state: &State, area: Rect) -> u16 {
    let hits = u16::try_from(state.shown_hits().len()).unwrap_or(u16::MAX);
    let wanted = hits.saturating_mul(HIT);
    if area.height < 8 {
        return area.height;
    }
    wanted.min(area.height * 3 / 5)
}

fn first_shown(state: &State, area: Rect) -> usize {
    let room = usize::from((list_height(state, area) / HIT).max(1));
    (state.cursor + 1).saturating_sub(room)
}

pub(super) fn hit_at(state: &State, area: Rect, row: u16) -> Option<usize> {
    let at = first_shown(state, area) + usize::from(row / HIT);
    (row < list_height(state, area) && at < state.shown_hits().len()).then_some(at)
}

fn hits(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let shown = state.shown_hits();
    let Some(current) = shown.get(state.cursor) else {
        return nothing(state, shared, theme, area, buffer);
    };
    let height = list_height(state, area);
    let list = Rect { height, ..area };
    let best = shown
        .iter()
        .map(|hit| f64::from(hit.hit.score))
        .fold(0.0, f64::max);
    let first = first_shown(state, area);
    for (line, (at, found)) in (0..height / HIT).zip(shown.iter().enumerate().skip(first)) {
        let share = f64::from(found.hit.score) / best.max(f64::MIN_POSITIVE);
        let is_current = at == state.cursor;
        let look = Look {
            shared,
            theme,
            is_current,
        };
        hit(found, (at, share), &look, (list, line * HIT), buffer);
    }
    let below = Rect {
        y: area.y + (height + 1).min(area.height),
        height: area.height.saturating_sub(height + 1),
        ..area
    };
    explanation(current, shared, theme, below, buffer);
}

struct Look<'a> {
    shared: &'a Shared,
    theme: &'a Theme,
    is_current: bool,
}

fn hit(
    found: &GuidelineHit,
    (at, share): (usize, f64),
    look: &Look,
    (area, row): (Rect, u16),
    buffer: &mut Buffer,
) {
    let theme = look.theme;
    let selected = match (look.is_current, look.shared.focus == PaneKind::Guidelines) {
        (true, true) => theme.style(Role::Selection),
        (true, false) => theme.style(Role::SelectionInactive),
        (false, _) => theme.style(Role::Text),
    };
    if look.is_current {
        let rows = Rect {
            y: area.y + row,
            height: HIT.min(area.height.saturating_sub(row)),
            ..area
        };
        buffer.set_style(rows, selected);
    }
    let sign = match (look.is_current, look.shared.glyphs) {
        (true, Glyphs::Unicode) => "▸",
        (true, Glyphs::Ascii) => ">",
        (false, _) => " ",
    };
    let mut pen = Pen::new(buffer, area, row);
    pen.text(sign, selected)
        .column(&format!("{:>2} ", at + 1), 3, theme.style(Role::Muted))
        .column(&format!("{:>6.2} ", found.hit.score), 7, selected)
        .column(
            &reason::bar(share, BAR, look.shared.glyphs),
            BAR + 1,
            theme.style(Role::Accent),
        );
    if let Some(year) = found.year {
        pen.right(&year.to_string(), theme.style(Role::Muted));
    }
    pen.text(&found.guideline_title, selected);
    let headings = found.headings.join(" › ");
    let place = if headings.is_empty() {
        found.hit.snippet.text.clone()
    } else {
        headings
    };
    Pen::new(buffer, area, row + 1)
        .skip(4)
        .text(&place, theme.style(Role::Muted));
}

/// The matched text and the terms.
fn explanation(
    found: &GuidelineHit,
    shared: &Shared,
    theme: &Theme,
    area: Rect,
    buffer: &mut Buffer,
) {
    let mut block = Block::new(&found.hit.snippet.text, theme.style(Role::Text));
    for range in &found.hit.snippet.highlights {
        // Ranges are of the text as stored; made printable it may be another length.
        if block.text() == found.hit.snippet.text {
            flow::restyle(
                &mut block,
                (range.start, range.end),
                theme.style(Role::Match),
                None,
            );
        }
    }
    let rows = flow::rows(&[block], area.width);
    let room = area
        .height
        .saturating_sub(2 + u16::try_from(found.hit.reason.terms.len()).unwrap_or(u16::MAX));
    let shown = u16::try_from(rows.len())
        .unwrap_or(u16::MAX)
        .min(room.max(2))
        .min(area.height);
    flow::draw(
        &rows,
        0,
        buffer,
        Rect {
            height: shown,
            ..area
        },
    );
    let terms = Rect {
        y: area.y + (shown + 1).min(area.height),
        height: area.height.saturating_sub(shown + 1),
        ..area
    };
    reason::draw(&found.hit.reason, (theme, shared.glyphs), terms, buffer);
}

fn nothing(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if let Load::Failed(failure) = &state.hits {
        return notice::failed(failure, theme, area, buffer);
    }
    if matches!(state.hits, Load::Loading { .. }) {
        return notice::loading("Searching the guidelines", shared, theme, area, buffer);
    }
    let (what, help) = if shared.overview.passages == 0 {
        (
            "Passages of guidelines for the selected case stand here, and there are no guidelines yet.",
            "`:import ngc PATH` brings them in; `semihv import` lists the other kinds.",
        )
    } else if matches!(state.hits, Load::Empty) {
        (
            "Passages of guidelines for the selected case stand here, and none is selected.",
            "Tab goes to the list of cases; / asks a question of your own.",
        )
    } else if state.text.is_empty() {
        (
            "No guideline shares a word with this case.",
            "/ asks a question of your own; Space i brings the index up to date.",
        )
    } else {
        (
            "No guideline matches the query.",
            "/ changes it; Esc goes back to the selection.",
        )
    };
    notice::empty(what, help, theme, area, buffer);
}

fn passage(open: &Open, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    match &open.detail {
        Load::Ready(detail)
        | Load::Loading {
            stale: Some(detail),
        } => {
            let rows = open.reader.rows(
                blocks(detail, &open.terms, theme),
                flow::measure(area.width),
                theme,
            );
            open.reader.draw(&rows, theme, area, buffer);
        }
        Load::Failed(failure) => notice::failed(failure, theme, area, buffer),
        Load::Loading { stale: None } | Load::Empty => {
            let what = format!("Opening passage {}", open.id);
            notice::loading(&what, shared, theme, area, buffer);
        }
    }
}

/// The guideline's name, then its passages under their headings, the one asked for marked.
fn blocks(detail: &PassageDetail, terms: &[String], theme: &Theme) -> Vec<Block> {
    let guideline = &detail.guideline;
    let muted = theme.style(Role::Muted);
    let mut about = Block::new(&guideline.source_name, muted);
    let year = guideline.year.map(|year| year.to_string());
    for part in [guideline.developer.clone(), year, guideline.licence.clone()]
        .into_iter()
        .flatten()
    {
        about = about.and(" · ", muted).and(&part, muted);
    }
    let mut blocks = vec![
        Block::new(&guideline.title, theme.style(Role::Strong)),
        about,
    ];
    for (at, passage) in detail.passages.iter().enumerate() {
        let is_asked_for = at == detail.at;
        blocks.push(Block::blank());
        let role = if is_asked_for {
            Role::Accent
        } else {
            Role::Muted
        };
        let headings = if passage.headings.is_empty() {
            format!("passage {}", passage.ordinal + 1)
        } else {
            passage.headings.join(" › ")
        };
        let heading = Block::new(&headings, theme.style(role));
        let text = if is_asked_for {
            Role::Text
        } else {
            Role::Muted
        };
        let mut body = Block::new(&passage.text, theme.style(text));
        if is_asked_for {
            for word in words_of(&body.text(), terms) {
                flow::restyle(
                    &mut body,
                    (word.start, word.end),
                    theme.style(Role::Match),
                    None,
                );
            }
        }
        blocks.push(if is_asked_for {
            heading.marked(Mark::Start)
        } else {
            heading
        });
        blocks.push(body);
    }
    blocks
}

/// Words that begin with a term: the index may hold stems (`nodul` of `nodules`).
fn words_of(text: &str, terms: &[String]) -> Vec<Range<usize>> {
    use unicode_segmentation::UnicodeSegmentation;
    text.unicode_word_indices()
        .filter(|(_, word)| {
            let word = word.to_lowercase();
            terms.iter().any(|term| {
                word == *term || (term.chars().count() > 2 && word.starts_with(term.as_str()))
            })
        })
        .map(|(at, word)| at..at + word.len())
        .collect()
}
