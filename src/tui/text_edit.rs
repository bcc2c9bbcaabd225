//! A small editor of plain text: one line for prompts, many for notes.
//!
//! The cursor is a byte offset that always stands on the border of a grapheme, so that accents,
//! emoji and Chinese are moved over and deleted as a person sees them.

use crossterm::event::{KeyCode, KeyModifiers};
use semihv_domain::printable;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::keys::Key;

/// More than anybody types; a paste beyond it is cut.
const LIMIT: usize = 1 << 20;

/// What a key did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// The text is another one now.
    Changed,
    /// Only the cursor moved.
    Moved,
    /// Not a key of the editor.
    Ignored,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextEdit {
    text: String,
    cursor: usize,
}

impl TextEdit {
    /// Starts with the cursor at the end.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            cursor: text.len(),
            text,
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Characters before the cursor.
    pub fn column(&self) -> usize {
        self.before().chars().count()
    }

    fn before(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    fn after(&self) -> &str {
        self.text.get(self.cursor..).unwrap_or_default()
    }

    /// Replaces the characters `from..to` and puts the cursor behind what was put in.
    pub fn replace(&mut self, from: usize, to: usize, with: &str) {
        let from = self.byte_of(from);
        let to = self.byte_of(to).max(from);
        self.text.replace_range(from..to, with);
        self.cursor = from + with.len();
    }

    fn byte_of(&self, character: usize) -> usize {
        self.text
            .char_indices()
            .nth(character)
            .map_or(self.text.len(), |(at, _)| at)
    }

    /// Puts text in at the cursor. Control characters are made harmless.
    pub fn insert(&mut self, text: &str) -> Typed {
        let safe = printable(text);
        let room = LIMIT.saturating_sub(self.text.len());
        let mut end = safe.len().min(room);
        while !safe.is_char_boundary(end) {
            end -= 1;
        }
        let Some(kept) = safe.get(..end).filter(|kept| !kept.is_empty()) else {
            return Typed::Ignored;
        };
        self.text.insert_str(self.cursor, kept);
        self.cursor += kept.len();
        Typed::Changed
    }

    /// Handles the keys that edit one line; `Enter`, `Up` and `Down` are left to the caller.
    pub fn key(&mut self, key: Key) -> Typed {
        if let Some(c) = key.typed() {
            return self.insert(c.encode_utf8(&mut [0; 4]));
        }
        let is_word = key
            .modifiers
            .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match (key.code, is_word) {
            (KeyCode::Backspace, false) => self.delete_back(self.grapheme_before()),
            (KeyCode::Delete, false) => self.delete_forward(self.grapheme_after()),
            (KeyCode::Left, false) => self.move_to(self.cursor - self.grapheme_before()),
            (KeyCode::Right, false) => self.move_to(self.cursor + self.grapheme_after()),
            (KeyCode::Left, true) => self.move_to(self.cursor - self.word_before()),
            (KeyCode::Right, true) => self.move_to(self.cursor + self.word_after()),
            (KeyCode::Home, _) => self.move_to(self.line_start()),
            (KeyCode::End, _) => self.move_to(self.line_end()),
            (KeyCode::Backspace | KeyCode::Char('w'), true) => self.delete_back(self.word_before()),
            (KeyCode::Char('u'), true) => self.delete_back(self.cursor - self.line_start()),
            (KeyCode::Char('k'), true) => self.delete_forward(self.line_end() - self.cursor),
            _ => Typed::Ignored,
        }
    }

    /// [`TextEdit::key`] with line feeds and moving between lines.
    pub fn key_in_lines(&mut self, key: Key) -> Typed {
        match key {
            Key::ENTER => self.insert("\n"),
            Key {
                code: KeyCode::Up, ..
            } => self.move_line(Vertical::Up),
            Key {
                code: KeyCode::Down,
                ..
            } => self.move_line(Vertical::Down),
            other => self.key(other),
        }
    }

    fn move_to(&mut self, position: usize) -> Typed {
        self.cursor = position.min(self.text.len());
        Typed::Moved
    }

    fn delete_back(&mut self, bytes: usize) -> Typed {
        let from = self.cursor.saturating_sub(bytes);
        if from == self.cursor {
            return Typed::Moved;
        }
        self.text.replace_range(from..self.cursor, "");
        self.cursor = from;
        Typed::Changed
    }

    fn delete_forward(&mut self, bytes: usize) -> Typed {
        if bytes == 0 {
            return Typed::Moved;
        }
        self.text
            .replace_range(self.cursor..self.cursor + bytes, "");
        Typed::Changed
    }

    fn grapheme_before(&self) -> usize {
        self.before()
            .graphemes(true)
            .next_back()
            .map_or(0, str::len)
    }

    fn grapheme_after(&self) -> usize {
        self.after().graphemes(true).next().map_or(0, str::len)
    }

    fn word_before(&self) -> usize {
        let trimmed = self.before().trim_end();
        let word = trimmed
            .split_word_bound_indices()
            .next_back()
            .map_or(0, |(at, _)| at);
        self.cursor - word
    }

    fn word_after(&self) -> usize {
        let after = self.after();
        let blanks = after.len() - after.trim_start().len();
        let word = after
            .trim_start()
            .split_word_bounds()
            .next()
            .map_or(0, str::len);
        blanks + word
    }

    fn line_start(&self) -> usize {
        self.before().rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        self.after()
            .find('\n')
            .map_or(self.text.len(), |at| self.cursor + at)
    }

    fn move_line(&mut self, direction: Vertical) -> Typed {
        let column = self.before().get(self.line_start()..).unwrap_or("").width();
        let start = match direction {
            Vertical::Up => match self.line_start().checked_sub(1) {
                Some(end) => self
                    .text
                    .get(..end)
                    .unwrap_or("")
                    .rfind('\n')
                    .map_or(0, |at| at + 1),
                None => return self.move_to(0),
            },
            Vertical::Down if self.line_end() == self.text.len() => {
                return self.move_to(self.text.len());
            }
            Vertical::Down => self.line_end() + 1,
        };
        let line = self
            .text
            .get(start..)
            .unwrap_or("")
            .split('\n')
            .next()
            .unwrap_or("");
        self.cursor = start + bytes_within(line, column);
        Typed::Moved
    }

    /// Lines with the cursor's line and column in cells, for drawing.
    pub fn lines(&self) -> (impl Iterator<Item = &str>, usize, usize) {
        let row = self.before().matches('\n').count();
        let column = self.before().get(self.line_start()..).unwrap_or("").width();
        (self.text.split('\n'), row, column)
    }

    /// The part of a one-line text that fits `width` cells around the cursor.
    pub fn window(&self, width: u16) -> Window<'_> {
        let width = usize::from(width).max(1);
        let before = self.before();
        let mut start = 0;
        let mut used = before.width();
        for grapheme in before.graphemes(true) {
            if used < width {
                break;
            }
            used -= grapheme.width();
            start += grapheme.len();
        }
        let rest = self.text.get(start..).unwrap_or("");
        let shown = rest.get(..bytes_within(rest, width)).unwrap_or(rest);
        Window {
            hidden: self.text.get(..start).unwrap_or("").chars().count(),
            shown,
            cursor: u16::try_from(used).unwrap_or(u16::MAX),
        }
    }
}

/// What can be seen of a one-line text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window<'a> {
    /// Characters left of it.
    pub hidden: usize,
    pub shown: &'a str,
    /// The cursor's cell in it.
    pub cursor: u16,
}

#[derive(Debug, Clone, Copy)]
enum Vertical {
    Up,
    Down,
}

/// How many bytes of `line` fit into `cells`.
fn bytes_within(line: &str, cells: usize) -> usize {
    let mut used = 0;
    line.grapheme_indices(true)
        .find(|(_, grapheme)| {
            used += grapheme.width();
            used > cells
        })
        .map_or(line.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(start: &str, keys: &str, expected: &str) {
        let mut edit = TextEdit::new(start);
        for key in Key::parse_all(keys).unwrap() {
            edit.key_in_lines(key);
        }
        let mut shown = edit.text.clone();
        shown.insert(edit.cursor, '|');
        assert_eq!(shown, expected);
    }

    #[test]
    fn letters_stand_where_they_are_typed() {
        check("", "abc<Left>x", "abx|c");
    }

    #[test]
    fn an_emoji_and_an_accent_are_one_step() {
        check("a👩‍⚕️e\u{301}", "<Backspace><Backspace>", "a|");
        check("肺结节", "<Left><Delete>", "肺结|");
    }

    #[test]
    fn words_are_deleted_with_their_blanks() {
        check("one two  ", "<C-w>", "one |");
        check("one two", "<Home><A-Right>x", "onex| two");
    }

    #[test]
    fn lines_are_moved_between_by_the_cell_on_screen() {
        check("long line\nab", "<Up>", "lo|ng line\nab");
        check("结节\nabcd", "<Up>", "结节|\nabcd");
        check("a\nb", "<Home><Up>c<Down>", "ca\nb|");
    }

    #[test]
    fn a_pasted_escape_sequence_is_harmless() {
        let mut edit = TextEdit::default();
        edit.insert("a\x1b[31mb");
        assert_eq!(edit.text(), "a·[31mb");
    }

    #[test]
    fn the_window_follows_the_cursor() {
        let edit = TextEdit::new("abcdefgh");
        let window = edit.window(4);
        assert_eq!((window.hidden, window.shown, window.cursor), (5, "fgh", 3));
    }

    proptest! {
        #[test]
        fn the_cursor_stays_on_a_border(start in "\\PC{0,12}", keys in proptest::collection::vec(0..12usize, 0..40)) {
            let known = ["<Left>", "<Right>", "<Up>", "<Down>", "<Home>", "<End>", "<Backspace>", "<Delete>", "<C-w>", "<A-Left>", "<A-Right>", "<Enter>"];
            let mut edit = TextEdit::new(start);
            for key in keys {
                edit.key_in_lines(Key::parse(known[key]).unwrap());
                prop_assert!(edit.text.is_char_boundary(edit.cursor));
                prop_assert!(edit.window(7).cursor <= 7);
            }
        }
    }
}
