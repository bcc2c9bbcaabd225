//! Reading a long text in a pane: where it stands, and searching in it.
//!
//! How many rows there are is known only with the width, so moves are wishes: drawing keeps them
//! within the text, and [`Reader::fit`] makes that lasting once the layout is known.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::flow::{self, Block, Mark, Row};
use crate::keys::Key;
use crate::pane::Input;
use crate::pen::Pen;
use crate::text_edit::TextEdit;
use crate::theme::{Role, Theme};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Msg {
    Down,
    Up,
    PageDown,
    PageUp,
    Top,
    Bottom,
    /// Opens the search line.
    Find,
    NextMatch,
    PreviousMatch,
}

pub fn command(name: &str) -> Option<Msg> {
    Some(match name {
        "down" => Msg::Down,
        "up" => Msg::Up,
        "page-down" => Msg::PageDown,
        "page-up" => Msg::PageUp,
        "top" => Msg::Top,
        "bottom" => Msg::Bottom,
        "find" => Msg::Find,
        "next-match" => Msg::NextMatch,
        "previous-match" => Msg::PreviousMatch,
        _ => return None,
    })
}

/// What the next drawing must bring into view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seek {
    Nothing,
    Match,
    Start,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Reader {
    top: usize,
    /// Rows of a page, as far as known.
    page: usize,
    seek: Seek,
    find: Find,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            top: 0,
            page: 20,
            seek: Seek::Nothing,
            find: Find::default(),
        }
    }
}

impl Reader {
    pub fn update(&mut self, msg: Msg) {
        match msg {
            Msg::Down => self.move_to(self.top.saturating_add(1)),
            Msg::Up => self.move_to(self.top.saturating_sub(1)),
            Msg::PageDown => self.move_to(self.top.saturating_add(self.page)),
            Msg::PageUp => self.move_to(self.top.saturating_sub(self.page)),
            Msg::Top => self.move_to(0),
            Msg::Bottom => self.move_to(usize::MAX / 2),
            Msg::Find => self.find.open(),
            Msg::NextMatch => self.seek_match(1),
            Msg::PreviousMatch => self.seek_match(-1),
        }
    }

    fn move_to(&mut self, top: usize) {
        self.top = top;
        self.seek = Seek::Nothing;
    }

    fn seek_match(&mut self, by: i64) {
        if self.find.step(by) {
            self.seek = Seek::Match;
        }
    }

    /// Another text: its beginning, the same search.
    pub fn restart(&mut self) {
        self.move_to(0);
    }

    /// Another text that is to be read from its [`Mark::Start`].
    pub fn restart_at_mark(&mut self) {
        self.top = 0;
        self.seek = Seek::Start;
    }

    /// Leaves the search; false when there was none.
    pub fn leave(&mut self) -> bool {
        self.find.leave()
    }

    pub fn is_typing(&self) -> bool {
        self.find.is_typing()
    }

    pub fn typed(&mut self, input: &Input) {
        if self.find.typed(input) {
            self.seek = Seek::Match;
        }
    }

    pub fn find(&self) -> &Find {
        &self.find
    }

    /// The rows of the text with its matches highlighted.
    pub fn rows(&self, mut blocks: Vec<Block>, width: u16, theme: &Theme) -> Vec<Row> {
        self.find.highlight(&mut blocks, theme);
        flow::rows(&blocks, width)
    }

    /// The first row to be drawn.
    pub fn top(&self, rows: &[Row], height: u16) -> usize {
        let height = usize::from(height);
        let last = rows.len().saturating_sub(height);
        let sought = match self.seek {
            Seek::Nothing => None,
            Seek::Start => rows.iter().position(|row| row.holds(Mark::Start)),
            Seek::Match => {
                let current = current_match(rows, &self.find);
                // In the upper third, so that what follows can be read too.
                current.map(|row| row.saturating_sub(height / 3))
            }
        };
        sought.unwrap_or(self.top).min(last)
    }

    /// Makes what drawing would show lasting, so that the next move starts from it.
    pub fn fit(&mut self, rows: &[Row], height: u16) {
        self.top = self.top(rows, height);
        self.page = usize::from(height.saturating_sub(1)).max(1);
        self.seek = Seek::Nothing;
    }

    /// Rows in which the text can stand: the search line takes one.
    pub fn body(&self, area: Rect) -> Rect {
        let line = u16::from(self.is_typing() && area.height > 1);
        Rect {
            height: area.height - line,
            ..area
        }
    }

    pub fn draw(&self, rows: &[Row], theme: &Theme, area: Rect, buffer: &mut Buffer) {
        let body = self.body(area);
        flow::draw(rows, self.top(rows, body.height), buffer, body);
        self.find.draw(theme, area, buffer);
    }
}

fn current_match(rows: &[Row], find: &Find) -> Option<usize> {
    let numbers = rows
        .iter()
        .flat_map(|row| &row.pieces)
        .filter_map(|piece| match piece.mark {
            Some(Mark::Match(number)) => Some(number),
            _ => None,
        });
    let count = numbers.max()? + 1;
    let current = find.current(count)?;
    rows.iter().position(|row| row.holds(Mark::Match(current)))
}

/// A search within a pane.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Find {
    line: Option<TextEdit>,
    pattern: String,
    /// Steps from the first match; taken modulo their number, which drawing knows.
    at: i64,
}

impl Find {
    pub fn open(&mut self) {
        self.line = Some(TextEdit::new(self.pattern.clone()));
    }

    pub fn is_typing(&self) -> bool {
        self.line.is_some()
    }

    /// What is looked for; empty: nothing.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// True when the pattern changed.
    pub fn typed(&mut self, input: &Input) -> bool {
        let Some(line) = &mut self.line else {
            return false;
        };
        match input {
            Input::Key(Key::ENTER) => self.line = None,
            Input::Key(Key::ESC) => {
                self.line = None;
                self.pattern.clear();
            }
            Input::Key(key) => {
                line.key(*key);
            }
            Input::Paste(text) => {
                line.insert(&text.replace('\n', " "));
            }
        }
        let typed = self.line.as_ref().map(|line| line.text().to_owned());
        match typed {
            Some(typed) if typed != self.pattern => {
                self.pattern = typed;
                self.at = 0;
                true
            }
            _ => false,
        }
    }

    /// Moves to another match; false when nothing is looked for.
    pub fn step(&mut self, by: i64) -> bool {
        self.at = self.at.saturating_add(by);
        !self.pattern.is_empty()
    }

    pub fn leave(&mut self) -> bool {
        let was_open = self.line.take().is_some() || !self.pattern.is_empty();
        self.pattern.clear();
        self.at = 0;
        was_open
    }

    /// Which of `count` matches is the current one.
    pub fn current(&self, count: usize) -> Option<usize> {
        let count = i64::try_from(count).ok().filter(|count| *count > 0)?;
        usize::try_from(self.at.rem_euclid(count)).ok()
    }

    /// Highlights the matches; returns how many there are.
    pub fn highlight(&self, blocks: &mut [Block], theme: &Theme) -> usize {
        if self.pattern.is_empty() {
            return 0;
        }
        let matched = theme.style(Role::Match);
        let current_style = matched.add_modifier(Modifier::REVERSED);
        let mut counted = blocks.to_vec();
        let count = flow::highlight(&mut counted, &self.pattern, (matched, matched), None);
        let current = self.current(count);
        flow::highlight(blocks, &self.pattern, (matched, current_style), current)
    }

    /// `2 of 7 “nodule”` for a title.
    pub fn summary(&self, count: usize) -> String {
        if self.pattern.is_empty() {
            return String::new();
        }
        match self.current(count) {
            Some(current) => format!("/{} {} of {count}", self.pattern, current + 1),
            None => format!("/{} not found", self.pattern),
        }
    }

    /// The search line at the foot of the pane.
    pub fn draw(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        if let Some(line) = &self.line {
            input_line(
                "/",
                line,
                theme,
                (area, area.height.saturating_sub(1)),
                buffer,
            );
        }
    }
}

/// A line that is typed into, with its cursor.
pub fn input_line(
    sign: &str,
    line: &TextEdit,
    theme: &Theme,
    (area, row): (Rect, u16),
    buffer: &mut Buffer,
) {
    let text: String = line.text().chars().collect();
    let column = line.column();
    let before: String = text.chars().take(column).collect();
    let under: String = text.chars().skip(column).take(1).collect();
    let after: String = text.chars().skip(column + 1).collect();
    let style = theme.style(Role::Text);
    let blank = " ".to_owned();
    let cursor = if under.is_empty() { &blank } else { &under };
    Pen::new(buffer, area, row)
        .text(sign, theme.style(Role::Key))
        .text(&before, style)
        .text(cursor, style.add_modifier(Modifier::REVERSED))
        .text(&after, style);
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn text() -> Vec<Block> {
        (0..30)
            .map(|line| {
                Block::new(
                    &format!("line {line} {}", if line % 10 == 5 { "nodule" } else { "" }),
                    Style::new(),
                )
            })
            .collect()
    }

    fn type_keys(reader: &mut Reader, keys: &str) {
        for key in Key::parse_all(keys).unwrap() {
            reader.typed(&Input::Key(key));
        }
    }

    #[track_caller]
    fn check_top(reader: &mut Reader, expected: usize) {
        let rows = reader.rows(text(), 40, &Theme::default());
        reader.fit(&rows, 6);
        assert_eq!(reader.top(&rows, 6), expected);
    }

    #[test]
    fn moving_past_the_end_stays_at_the_end() {
        let mut reader = Reader::default();
        reader.update(Msg::Bottom);
        check_top(&mut reader, 24);
        reader.update(Msg::Down);
        check_top(&mut reader, 24);
        reader.update(Msg::Up);
        check_top(&mut reader, 23);
    }

    #[test]
    fn a_page_is_one_row_less_than_the_pane() {
        let mut reader = Reader::default();
        check_top(&mut reader, 0);
        reader.update(Msg::PageDown);
        check_top(&mut reader, 5);
    }

    #[test]
    fn the_search_goes_to_its_matches_in_a_circle() {
        let mut reader = Reader::default();
        reader.update(Msg::Find);
        type_keys(&mut reader, "nodule<Enter>");
        check_top(&mut reader, 3);
        reader.update(Msg::NextMatch);
        check_top(&mut reader, 13);
        reader.update(Msg::PreviousMatch);
        reader.update(Msg::PreviousMatch);
        check_top(&mut reader, 23);
    }

    #[test]
    fn escape_forgets_the_search() {
        let mut reader = Reader::default();
        reader.update(Msg::Find);
        type_keys(&mut reader, "nod<Esc>");
        assert!(!reader.is_typing());
        assert_eq!(reader.find().pattern(), "");
    }

    #[test]
    fn what_is_not_there_is_said() {
        let mut reader = Reader::default();
        reader.update(Msg::Find);
        type_keys(&mut reader, "xyz<Enter>");
        assert_eq!(reader.find().summary(0), "/xyz not found");
    }
}
