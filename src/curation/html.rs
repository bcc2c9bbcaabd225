//! The HTML of published guidelines, as text blocks: headings, paragraphs, list items, table rows.
//!
//! Not a browser: it knows block and inline tags, entities and emphasis, and takes any input
//! whatever. Emphasis matters because these texts mark their headings by it and not by `<h2>`.

use crate::entities::decode_entities;

/// A piece of running text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) kind: BlockKind,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockKind {
    /// 1 is the outermost.
    Heading(u8),
    Text,
}

/// A paragraph that is emphasised as a whole and not longer than this is a heading.
const MAX_HEADING_CHARS: usize = 120;
const MAX_LIST_DEPTH: usize = 8;

/// Cuts HTML into blocks; white space is collapsed, entities are decoded.
pub(crate) fn blocks(html: &str) -> Vec<Block> {
    let mut writer = Writer::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (text, from_tag) = rest.split_at(at);
        writer.text(text);
        let Some((tag, after)) = split_tag(from_tag) else {
            // A lone `<`, as in `p < 0.05`.
            writer.text("<");
            rest = from_tag.get(1..).unwrap_or_default();
            continue;
        };
        writer.tag(tag);
        rest = after;
        let is_code = ["script", "style"]
            .iter()
            .any(|name| Tag::parse(tag).opens(name));
        if is_code {
            rest = rest
                .find("</")
                .and_then(|end| rest.get(end..))
                .unwrap_or_default();
        }
    }
    writer.text(rest);
    writer.end_block();
    writer.blocks
}

/// The text of a fragment on one line.
pub(crate) fn line(html: &str) -> String {
    let texts: Vec<String> = blocks(html).into_iter().map(|block| block.text).collect();
    texts.join(" ")
}

/// The inside of a tag or comment, and what follows it.
fn split_tag(from: &str) -> Option<(&str, &str)> {
    let inside = from.strip_prefix('<')?;
    if let Some(comment) = inside.strip_prefix("!--") {
        let end = comment.find("-->")?;
        return Some(("!", comment.get(end + 3..)?));
    }
    if !inside.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
        return None;
    }
    let end = inside.find('>')?;
    Some((inside.get(..end)?, inside.get(end + 1..)?))
}

struct Tag<'a> {
    name: String,
    is_end: bool,
    attributes: &'a str,
}

impl<'a> Tag<'a> {
    fn parse(inside: &'a str) -> Self {
        let is_end = inside.starts_with('/');
        let inside = inside.trim_start_matches('/');
        let end = inside
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(inside.len());
        let (name, attributes) = inside.split_at(end);
        Self {
            name: name.to_ascii_lowercase(),
            is_end,
            attributes,
        }
    }

    fn opens(&self, name: &str) -> bool {
        !self.is_end && self.name == name
    }

    fn is_underline(&self) -> bool {
        self.name == "u" || (self.name == "span" && self.attributes.contains("underline"))
    }
}

#[derive(Default)]
struct Emphasis {
    strong: usize,
    italic: usize,
    underline: usize,
    /// For every open `<span>`, whether it underlines.
    spans: Vec<bool>,
}

/// How many letters and digits of a block stand under which emphasis.
#[derive(Default)]
struct Emphasised {
    all: usize,
    strong: usize,
    italic: usize,
    underline: usize,
}

/// The counter of a list; none for bullets.
type Counter = Option<u32>;

#[derive(Default)]
struct Writer {
    blocks: Vec<Block>,
    text: String,
    is_blank_due: bool,
    emphasis: Emphasis,
    emphasised: Emphasised,
    lists: Vec<Counter>,
    is_listed: bool,
    tables: usize,
    heading: Option<u8>,
}

impl Writer {
    fn text(&mut self, raw: &str) {
        let decoded = decode_entities(raw);
        for c in decoded.chars() {
            if c.is_whitespace() || c.is_control() {
                self.is_blank_due = true;
                continue;
            }
            if std::mem::take(&mut self.is_blank_due) && !self.text.is_empty() {
                self.text.push(' ');
            }
            self.text.push(c);
            if c.is_alphanumeric() {
                self.emphasised.all += 1;
                self.emphasised.strong += self.emphasis.strong.min(1);
                self.emphasised.italic += self.emphasis.italic.min(1);
                self.emphasised.underline += self.emphasis.underline.min(1);
            }
        }
    }

    fn tag(&mut self, inside: &str) {
        let tag = Tag::parse(inside);
        match tag.name.as_str() {
            "strong" | "b" => step(&mut self.emphasis.strong, tag.is_end),
            "em" | "i" => step(&mut self.emphasis.italic, tag.is_end),
            "u" => step(&mut self.emphasis.underline, tag.is_end),
            "span" => self.span(&tag),
            "ul" | "ol" => self.list(&tag),
            "li" => {
                self.end_block();
                self.is_listed = !tag.is_end;
                if let Some(Some(number)) = self.lists.last_mut().filter(|_| self.is_listed) {
                    *number = number.saturating_add(1);
                }
            }
            "table" => {
                self.end_block();
                step(&mut self.tables, tag.is_end);
            }
            "tr" => self.end_block(),
            "td" | "th" => self.cell(&tag),
            "br" => self.is_blank_due = true,
            "p" | "div" | "section" | "blockquote" | "dd" | "dt" | "dl" if self.tables > 0 => {
                self.is_blank_due = true;
            }
            "p" | "div" | "section" | "blockquote" | "dd" | "dt" | "dl" | "hr" | "pre" => {
                self.end_paragraph();
            }
            name => {
                if let Some(level) = heading_level(name) {
                    self.end_block();
                    self.heading = (!tag.is_end).then_some(level);
                }
            }
        }
    }

    fn span(&mut self, tag: &Tag<'_>) {
        if tag.is_end {
            if self.emphasis.spans.pop() == Some(true) {
                step(&mut self.emphasis.underline, true);
            }
        } else {
            self.emphasis.spans.push(tag.is_underline());
            if tag.is_underline() {
                step(&mut self.emphasis.underline, false);
            }
        }
    }

    fn list(&mut self, tag: &Tag<'_>) {
        self.end_block();
        self.is_listed = false;
        if tag.is_end {
            self.lists.pop();
        } else {
            let before_first = start_of(tag.attributes).saturating_sub(1);
            self.lists.push((tag.name == "ol").then_some(before_first));
        }
    }

    fn cell(&mut self, tag: &Tag<'_>) {
        self.is_blank_due = true;
        if !tag.is_end && !self.text.is_empty() {
            self.text.push_str(" |");
        }
    }

    /// A paragraph inside an item does not end the item's mark: `<li><p>…</p></li>`.
    fn end_paragraph(&mut self) {
        if !(self.is_listed && self.text.is_empty()) {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        let text = std::mem::take(&mut self.text);
        let emphasised = std::mem::take(&mut self.emphasised);
        self.is_blank_due = false;
        let text = text.trim_end_matches(" |").trim();
        if emphasised.all == 0 && !text.chars().any(char::is_alphanumeric) {
            return;
        }
        let level = self.heading.or_else(|| {
            let is_plain = !self.is_listed && self.tables == 0 && !text.ends_with('.');
            let is_short = text.chars().nth(MAX_HEADING_CHARS).is_none();
            emphasised.level().filter(|_| is_plain && is_short)
        });
        let block = match level {
            Some(level) => Block {
                kind: BlockKind::Heading(level),
                text: text.to_owned(),
            },
            None => Block {
                kind: BlockKind::Text,
                text: format!("{}{text}", self.mark()),
            },
        };
        self.blocks.push(block);
        self.is_listed = false;
    }

    /// The sign before a list item.
    fn mark(&self) -> String {
        if !self.is_listed {
            return String::new();
        }
        let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(MAX_LIST_DEPTH));
        match self.lists.last() {
            Some(Some(number)) => format!("{indent}{number}. "),
            _ => format!("{indent}- "),
        }
    }
}

impl Emphasised {
    /// How the whole of a block is emphasised, as the level it stands for.
    fn level(&self) -> Option<u8> {
        let is_whole = |count: usize| self.all > 0 && count == self.all;
        if is_whole(self.underline) {
            Some(1)
        } else if is_whole(self.strong) {
            Some(2)
        } else if is_whole(self.italic) {
            Some(3)
        } else {
            None
        }
    }
}

fn step(count: &mut usize, is_end: bool) {
    *count = if is_end {
        count.saturating_sub(1)
    } else {
        *count + 1
    };
}

fn heading_level(name: &str) -> Option<u8> {
    let digit = name.strip_prefix('h')?.parse().ok()?;
    (1..=6).contains(&digit).then_some(digit)
}

/// The number an ordered list starts from.
fn start_of(attributes: &str) -> u32 {
    attributes
        .split_once("start=")
        .map(|(_, value)| value.trim_start_matches(['"', '\'']))
        .and_then(|value| {
            value
                .split(|c: char| !c.is_ascii_digit())
                .next()?
                .parse()
                .ok()
        })
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &[&str]) {
        let found: Vec<String> = blocks(html)
            .into_iter()
            .map(|block| match block.kind {
                BlockKind::Heading(level) => format!("h{level} {}", block.text),
                BlockKind::Text => block.text,
            })
            .collect();
        assert_eq!(found, expected, "{html}");
    }

    #[test]
    fn paragraphs_and_items_are_blocks() {
        check(
            "<div><p>One&nbsp;&ge; 2 &#8226;</p>\r\n<ul><li>a <em>b</em></li><li><p>c</p></li></ul></div>",
            &["One ≥ 2 •", "- a b", "- c"],
        );
        check(
            "<ol start=\"3\"><li>x<ul><li>y</li></ul></li><li>z</li></ol>",
            &["3. x", "  - y", "4. z"],
        );
    }

    #[test]
    fn emphasised_paragraphs_are_headings() {
        check(
            "<p><span style=\"text-decoration: underline;\"><strong>A</strong></span></p><p><strong>B b</strong></p><p><em>C</em></p><p><strong>Note</strong>: d</p>",
            &["h1 A", "h2 B b", "h3 C", "Note: d"],
        );
        check("<h2>Real</h2>text", &["h2 Real", "text"]);
        check(
            "<p><strong>A whole sentence.</strong></p>",
            &["A whole sentence."],
        );
    }

    #[test]
    fn rows_of_a_table_keep_their_cells_apart() {
        check(
            "<table><tr><th>A</th><td><p><strong>B</strong></p></td></tr><tr><td>c</td><td> </td></tr></table>",
            &["A | B", "c"],
        );
    }

    #[test]
    fn what_is_no_markup_is_text() {
        check(
            "p < 0.05 & q > 1 &bogus; &#xZ;",
            &["p < 0.05 & q > 1 &bogus; &#xZ;"],
        );
        check("a<!-- <p> -->b<script>x < y</script>c", &["abc"]);
        check("un<closed", &["un<closed"]);
    }

    proptest! {
        #[test]
        fn any_text_becomes_blocks_without_controls(
            html in "(<[a-z/!]{0,3}(h1|p|li|ol|td|tr|table|span|script)?[ =\"0-9]{0,3}>|&[#a-z0-9]{0,4};?|[ <>&\\-a\u{e9}\u{1b}\n]){0,40}"
        ) {
            for block in blocks(&html) {
                prop_assert!(!block.text.trim().is_empty());
                prop_assert!(!block.text.chars().any(char::is_control));
            }
        }

        #[test]
        fn really_any_text_becomes_blocks(html in ".*") {
            blocks(&html);
        }
    }
}
