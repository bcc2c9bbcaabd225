//! Lines of pages as blocks: what is set larger is a heading, what comes on every page is none of
//! the text.

use std::collections::HashMap;

use crate::html::{Block, BlockKind};
use crate::plain_text::{join_line, may_be_heading};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) text: String,
    /// Of its letters, in the page's units.
    pub(super) size: f64,
    /// The height of its base line on the page.
    pub(super) top: f64,
}

/// Larger by this than the running text is a heading.
const HEADING_SIZE: f64 = 1.12;
/// Base lines further apart than this, in sizes, part paragraphs.
const PARAGRAPH_GAP: f64 = 1.75;
/// Levels of headings that are told apart by size.
const MAX_LEVEL: usize = 4;
/// At the top and the foot of a page.
const MARGIN_LINES: usize = 2;
/// What stands there on at least so many pages, and on half of them, is a running head.
const MIN_PAGES: usize = 3;
const MAX_TITLE_LINES: usize = 3;
const MAX_TITLE_CHARS: usize = 200;

/// The largest line of a page, with those of its size that follow it closely.
pub(super) fn largest_line(lines: &[Line]) -> Option<String> {
    let largest = lines.iter().map(|line| line.size).fold(0.0, f64::max);
    let begin = lines
        .iter()
        .position(|line| same_size(line.size, largest))?;
    let mut title = String::new();
    let mut above: Option<&Line> = None;
    for line in lines.get(begin..)?.iter().take(MAX_TITLE_LINES) {
        if above.is_some_and(|above| is_parted(above, line)) {
            break;
        }
        join_line(&mut title, &line.text);
        above = Some(line);
    }
    let title: String = title.chars().take(MAX_TITLE_CHARS).collect();
    title.chars().any(char::is_alphabetic).then_some(title)
}

pub(super) fn blocks(mut pages: Vec<Vec<Line>>, title: Option<&str>) -> Vec<Block> {
    drop_running_heads(&mut pages);
    let body = body_size(&pages);
    let levels = heading_sizes(&pages, body);
    let mut writer = Writer::default();
    for (number, lines) in (1..).zip(&pages) {
        if levels.is_empty() && !lines.is_empty() {
            writer.blocks.push(Block {
                kind: BlockKind::Heading(1),
                text: format!("Page {number}"),
            });
        }
        let mut above: Option<&Line> = None;
        for line in lines {
            let is_title = number == 1 && title.is_some_and(|title| title.contains(&line.text));
            let level = levels.iter().position(|size| same_size(*size, line.size));
            if is_title && line.size > body * HEADING_SIZE {
                continue;
            }
            if let Some(level) = level.filter(|_| may_be_heading(&line.text)) {
                writer.heading(level as u8 + 1, line.text.clone());
            } else {
                if above.is_some_and(|above| is_parted(above, line)) {
                    writer.end_paragraph();
                }
                join_line(&mut writer.paragraph, &line.text);
            }
            above = Some(line);
        }
        if levels.is_empty() {
            writer.end_paragraph();
        }
    }
    writer.end_paragraph();
    writer.blocks
}

#[derive(Default)]
struct Writer {
    blocks: Vec<Block>,
    paragraph: String,
}

impl Writer {
    /// Headings of one level that follow each other are lines of one heading.
    fn heading(&mut self, level: u8, text: String) {
        self.end_paragraph();
        let kind = BlockKind::Heading(level);
        match self.blocks.last_mut() {
            Some(last) if last.kind == kind && !text.starts_with(|c: char| c.is_numeric()) => {
                last.text.push(' ');
                last.text.push_str(&text);
            }
            _ => self.blocks.push(Block { kind, text }),
        }
    }

    fn end_paragraph(&mut self) {
        if !self.paragraph.is_empty() {
            self.blocks.push(Block {
                kind: BlockKind::Text,
                text: std::mem::take(&mut self.paragraph),
            });
        }
    }
}

fn same_size(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.03 * a.max(b)
}

/// Further below than lines of a paragraph are. Going up is the next column, not a paragraph.
fn is_parted(above: &Line, line: &Line) -> bool {
    let gap = above.top - line.top;
    gap > PARAGRAPH_GAP * line.size || !same_size(above.size, line.size)
}

/// The size of most letters.
fn body_size(pages: &[Vec<Line>]) -> f64 {
    let mut letters: HashMap<i64, usize> = HashMap::new();
    for line in pages.iter().flatten() {
        *letters.entry(tenths(line.size)).or_default() += line.text.len();
    }
    let most = letters
        .into_iter()
        .max_by_key(|(size, count)| (*count, *size));
    most.map_or(0.0, |(size, _)| size as f64 / 10.0)
}

fn tenths(size: f64) -> i64 {
    (size * 10.0).round() as i64
}

/// The sizes of headings, largest first.
fn heading_sizes(pages: &[Vec<Line>], body: f64) -> Vec<f64> {
    let title = pages.first().and_then(|first| largest_line(first));
    let is_title = |line: &Line| {
        title
            .as_ref()
            .is_some_and(|title| title.contains(&line.text))
    };
    let lines = pages.iter().flatten();
    let mut sizes: Vec<f64> = lines
        .filter(|line| line.size > body * HEADING_SIZE && may_be_heading(&line.text))
        .filter(|line| !is_title(line))
        .map(|line| line.size)
        .collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    sizes.dedup_by(|a, b| same_size(*a, *b));
    sizes.truncate(MAX_LEVEL);
    sizes
}

fn drop_running_heads(pages: &mut [Vec<Line>]) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for lines in pages.iter() {
        let margin = margin(lines.len());
        for (at, line) in lines.iter().enumerate() {
            if margin(at) {
                *counts.entry(without_numbers(&line.text)).or_default() += 1;
            }
        }
    }
    let enough = MIN_PAGES.max(pages.len().div_ceil(2));
    for lines in pages {
        let margin = margin(lines.len());
        let mut at = 0;
        lines.retain(|line| {
            let is_margin = margin(at);
            at += 1;
            let text = without_numbers(&line.text);
            // A lone number is that of the page.
            let is_running = text == "#" || counts.get(&text).is_some_and(|count| *count >= enough);
            !(is_margin && is_running)
        });
    }
}

fn margin(lines: usize) -> impl Fn(usize) -> bool {
    move |at| at < MARGIN_LINES || at + MARGIN_LINES >= lines
}

/// `Page 3 of 12` is the same on every page.
fn without_numbers(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if !letter.is_ascii_digit() {
            plain.push(letter);
        } else if !plain.ends_with('#') {
            plain.push('#');
        }
    }
    plain
}
