//! Text that flows: styled pieces broken to rows of a width, Chinese between any two characters.
//!
//! Pieces carry marks, so that a row can be found again after wrapping (a match, a passage).

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use semihv_domain::printable;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::pen::Pen;

/// Longer texts are cut on screen; the whole text stays in the store.
const LONGEST: usize = 400_000;

/// What a piece is marked as, besides its style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The n-th match of a search.
    Match(usize),
    /// Where reading should begin.
    Start,
}

/// A stretch of text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub style: Style,
    pub mark: Option<Mark>,
}

/// A paragraph. Line feeds inside its pieces are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    pub pieces: Vec<Piece>,
    /// Cells by which every row is indented.
    pub indent: u16,
}

impl Block {
    pub fn new(text: &str, style: Style) -> Self {
        Self::default().and(text, style)
    }

    pub fn blank() -> Self {
        Self::default()
    }

    pub fn and(mut self, text: &str, style: Style) -> Self {
        let end = text
            .char_indices()
            .map(|(at, _)| at)
            .find(|at| *at >= LONGEST)
            .unwrap_or(text.len());
        let shown = text.get(..end).unwrap_or_default();
        self.pieces.push(Piece {
            text: printable(shown).into_owned(),
            style,
            mark: None,
        });
        if end < text.len() {
            self.pieces.push(Piece {
                text: format!(" … ({} more bytes)", text.len() - end),
                style,
                mark: None,
            });
        }
        self
    }

    pub fn indented(mut self, cells: u16) -> Self {
        self.indent = cells;
        self
    }

    pub fn marked(mut self, mark: Mark) -> Self {
        if let Some(first) = self.pieces.first_mut() {
            first.mark = Some(mark);
        }
        self
    }

    /// The text without styles.
    pub fn text(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| piece.text.as_str())
            .collect()
    }
}

/// One row on screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    pub pieces: Vec<Piece>,
    pub indent: u16,
}

impl Row {
    pub fn holds(&self, mark: Mark) -> bool {
        self.pieces.iter().any(|piece| piece.mark == Some(mark))
    }

    pub fn draw(&self, buffer: &mut Buffer, area: Rect, row: u16) {
        let mut pen = Pen::new(buffer, area, row);
        pen.skip(self.indent);
        for piece in &self.pieces {
            pen.text(&piece.text, piece.style);
        }
    }
}

/// Breaks blocks to rows of at most `width` cells.
pub fn rows(blocks: &[Block], width: u16) -> Vec<Row> {
    let mut rows = Vec::new();
    for block in blocks {
        let indent = block.indent.min(width / 2);
        let mut breaker = Breaker::new(usize::from((width - indent).max(1)), indent);
        for piece in &block.pieces {
            breaker.take(piece);
        }
        rows.append(&mut breaker.finish());
    }
    rows
}

/// The width at which running text is still easy to read.
pub fn measure(width: u16) -> u16 {
    width.min(100)
}

/// Draws the rows from `top` on.
pub fn draw(rows: &[Row], top: usize, buffer: &mut Buffer, area: Rect) {
    for (line, row) in (0..area.height).zip(rows.iter().skip(top)) {
        row.draw(buffer, area, line);
    }
}

/// Collects a word until it is known on which row it stands.
struct Breaker {
    width: usize,
    done: Vec<Row>,
    row: Row,
    used: usize,
    word: Vec<Piece>,
    word_width: usize,
}

impl Breaker {
    fn new(width: usize, indent: u16) -> Self {
        Self {
            width,
            done: Vec::new(),
            row: Row {
                pieces: Vec::new(),
                indent,
            },
            used: 0,
            word: Vec::new(),
            word_width: 0,
        }
    }

    fn take(&mut self, piece: &Piece) {
        for grapheme in piece.text.graphemes(true) {
            match grapheme {
                "\n" => {
                    self.end_word();
                    self.end_row();
                }
                " " => {
                    self.end_word();
                    // A blank at the start of a broken row is not drawn.
                    if self.used > 0 || self.done.is_empty() {
                        self.put(piece, grapheme, 1);
                    }
                }
                grapheme => {
                    let cells = grapheme.width();
                    let is_wide = cells > 1;
                    if is_wide {
                        self.end_word();
                    }
                    push(&mut self.word, piece, grapheme);
                    self.word_width += cells;
                    if is_wide || self.word_width >= self.width {
                        self.end_word();
                    }
                }
            }
        }
    }

    fn put(&mut self, piece: &Piece, grapheme: &str, cells: usize) {
        // The word behind a blank that has no room breaks the row by itself.
        if self.used + cells > self.width {
            return;
        }
        push(&mut self.row.pieces, piece, grapheme);
        self.used += cells;
    }

    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        if self.used > 0 && self.used + self.word_width > self.width {
            self.end_row();
        }
        for piece in self.word.drain(..) {
            let joins = self
                .row
                .pieces
                .last_mut()
                .filter(|last| last.style == piece.style && last.mark == piece.mark);
            match joins {
                Some(last) => last.text.push_str(&piece.text),
                None => self.row.pieces.push(piece),
            }
        }
        self.used += self.word_width;
        self.word_width = 0;
    }

    fn end_row(&mut self) {
        let indent = self.row.indent;
        let row = std::mem::replace(
            &mut self.row,
            Row {
                pieces: Vec::new(),
                indent,
            },
        );
        self.done.push(row);
        self.used = 0;
    }

    fn finish(mut self) -> Vec<Row> {
        self.end_word();
        self.end_row();
        self.done
    }
}

fn push(pieces: &mut Vec<Piece>, like: &Piece, grapheme: &str) {
    match pieces.last_mut() {
        Some(last) if last.style == like.style && last.mark == like.mark => {
            last.text.push_str(grapheme);
        }
        _ => pieces.push(Piece {
            text: grapheme.to_owned(),
            style: like.style,
            mark: like.mark,
        }),
    }
}

/// Gives the parts of the blocks that `pattern` matches another style; returns how many there
/// are. The match `current` gets `current_style`.
pub fn highlight(
    blocks: &mut [Block],
    pattern: &str,
    styles: (Style, Style),
    current: Option<usize>,
) -> usize {
    let wanted: Vec<char> = pattern.chars().flat_map(char::to_lowercase).collect();
    if wanted.is_empty() {
        return 0;
    }
    let mut count = 0;
    for block in blocks {
        for (from, to) in matches(&block.text(), &wanted) {
            let style = if current == Some(count) {
                styles.1
            } else {
                styles.0
            };
            restyle(block, (from, to), style, Some(Mark::Match(count)));
            count += 1;
        }
    }
    count
}

/// Byte ranges of the matches, letter case aside, without overlap.
fn matches(text: &str, wanted: &[char]) -> Vec<(usize, usize)> {
    let folded: Vec<(usize, char)> = text
        .char_indices()
        .map(|(at, c)| (at, c.to_lowercase().next().unwrap_or(c)))
        .collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(window) = folded.get(at..at + wanted.len()) {
        if window.iter().map(|(_, c)| c).eq(wanted) {
            let from = window.first().map_or(0, |(from, _)| *from);
            let to = folded
                .get(at + wanted.len())
                .map_or(text.len(), |(to, _)| *to);
            found.push((from, to));
            at += wanted.len();
        } else {
            at += 1;
        }
    }
    found
}

/// Lays a style over a byte range of a block's text.
pub fn restyle(block: &mut Block, range: (usize, usize), style: Style, mark: Option<Mark>) {
    let mut offset = 0;
    let mut pieces = Vec::with_capacity(block.pieces.len() + 2);
    for piece in block.pieces.drain(..) {
        let end = offset + piece.text.len();
        let from = range.0.clamp(offset, end) - offset;
        let to = range.1.clamp(offset, end) - offset;
        let cuts = [
            (0, from, false),
            (from, to, true),
            (to, piece.text.len(), false),
        ];
        for (start, stop, is_inside) in cuts {
            let Some(text) = piece.text.get(start..stop).filter(|text| !text.is_empty()) else {
                continue;
            };
            pieces.push(Piece {
                text: text.to_owned(),
                style: if is_inside {
                    piece.style.patch(style)
                } else {
                    piece.style
                },
                mark: if is_inside {
                    mark.or(piece.mark)
                } else {
                    piece.mark
                },
            });
        }
        offset = end;
    }
    block.pieces = pieces;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::style::Modifier;

    use super::*;

    #[track_caller]
    fn check(text: &str, width: u16, expected: &[&str]) {
        let rows = rows(&[Block::new(text, Style::new())], width);
        let texts: Vec<String> = rows.iter().map(text_of).collect();
        assert_eq!(texts, expected);
    }

    fn text_of(row: &Row) -> String {
        let text: String = row.pieces.iter().map(|piece| piece.text.as_str()).collect();
        text.trim_end().to_owned()
    }

    #[rustfmt::skip]
    mod wrapping {
        use super::*;

        #[test] fn words_stay_whole()              { check("a bb ccc", 4, &["a bb", "ccc"]); }
        #[test] fn a_long_word_is_cut()            { check("abcdef", 4, &["abcd", "ef"]); }
        #[test] fn chinese_breaks_anywhere()       { check("肺部结节", 5, &["肺部", "结节"]); }
        #[test] fn line_feeds_are_kept()           { check("a\n\nb", 4, &["a", "", "b"]); }
        #[test] fn an_empty_block_is_a_blank_row() { check("", 4, &[""]); }
    }

    #[test]
    fn a_match_is_found_whatever_its_case_and_across_styles() {
        let mut blocks = [Block::new("The NOD", Style::new())
            .and("ule is solid", Style::new().add_modifier(Modifier::BOLD))];
        let bold = Style::new().add_modifier(Modifier::REVERSED);
        assert_eq!(highlight(&mut blocks, "nodule", (bold, bold), None), 1);
        let marked: String = blocks[0]
            .pieces
            .iter()
            .filter(|piece| piece.mark == Some(Mark::Match(0)))
            .map(|piece| piece.text.as_str())
            .collect();
        assert_eq!(marked, "NODule");
    }

    #[test]
    fn escape_sequences_do_not_reach_a_row() {
        let rows = rows(&[Block::new("a\x1b[31mb", Style::new())], 20);
        assert_eq!(text_of(&rows[0]), "a·[31mb");
    }

    proptest! {
        #[test]
        fn no_row_is_wider_than_asked_and_nothing_but_blanks_is_lost(text in "[a-z肺结节 \n]{0,80}", width in 2_u16..30) {
            let rows = rows(&[Block::new(&text, Style::new())], width);
            let mut kept = String::new();
            for row in &rows {
                let whole: String = row.pieces.iter().map(|piece| piece.text.as_str()).collect();
                prop_assert!(whole.trim_end().width() <= usize::from(width));
                kept.push_str(&whole);
            }
            let dense = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(dense(&kept), dense(&text));
        }
    }
}
