//! Writing text into a buffer: left to right on one line, cut at an edge, made harmless.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use semihv_domain::printable_line;
use unicode_width::UnicodeWidthStr;

/// Writes along one line and never past its end.
pub struct Pen<'a> {
    buffer: &'a mut Buffer,
    x: u16,
    y: u16,
    end: u16,
}

impl<'a> Pen<'a> {
    /// At the start of line `row` (from 0) of `area`; below or outside of it nothing is written.
    pub fn new(buffer: &'a mut Buffer, area: Rect, row: u16) -> Self {
        let area = area.intersection(*buffer.area());
        let end = if row < area.height {
            area.right()
        } else {
            area.x
        };
        Self {
            buffer,
            x: area.x,
            y: area.y.saturating_add(row),
            end,
        }
    }

    /// Cells left on the line.
    pub fn room(&self) -> u16 {
        self.end.saturating_sub(self.x)
    }

    /// The first cell that is not written any more.
    pub fn end(&self) -> u16 {
        self.end
    }

    pub fn text(&mut self, text: &str, style: Style) -> &mut Self {
        let room = self.room();
        self.text_within(text, room, style)
    }

    /// At most `width` cells of the text; a cut is shown by `…`.
    pub fn text_within(&mut self, text: &str, width: u16, style: Style) -> &mut Self {
        let width = width.min(self.room());
        if width == 0 {
            return self;
        }
        let safe = printable_line(text);
        let (x, _) = self
            .buffer
            .set_stringn(self.x, self.y, &safe, usize::from(width), style);
        if width > 1 && exceeds(&safe, width) {
            let last = self.x + width - 1;
            if x > last {
                self.blank_from(last, style);
            }
            self.buffer.set_stringn(x.min(last), self.y, "…", 1, style);
            self.x = (x.min(last) + 1).min(self.end);
        } else {
            self.x = x;
        }
        self
    }

    /// A wide character that straddles the cut must not leave half of itself.
    fn blank_from(&mut self, x: u16, style: Style) {
        if let Some(cell) = self.buffer.cell_mut((x, self.y))
            && cell.symbol().width() > 1
        {
            cell.set_symbol(" ").set_style(style);
        }
        let before = x
            .checked_sub(1)
            .and_then(|x| self.buffer.cell_mut((x, self.y)));
        if let Some(cell) = before.filter(|cell| cell.symbol().width() > 1) {
            cell.set_symbol(" ").set_style(style);
        }
    }

    /// A column of fixed width: cut or filled with blanks.
    pub fn column(&mut self, text: &str, width: u16, style: Style) -> &mut Self {
        let end = self.x.saturating_add(width).min(self.end);
        self.text_within(text, width, style);
        self.x = end;
        self
    }

    pub fn skip(&mut self, cells: u16) -> &mut Self {
        self.x = self.x.saturating_add(cells).min(self.end);
        self
    }

    /// Writes against the right end and shortens the line by it, a blank between.
    pub fn right(&mut self, text: &str, style: Style) -> &mut Self {
        let safe = printable_line(text);
        let width = u16::try_from(safe.width()).unwrap_or(u16::MAX);
        if width == 0 || width >= self.room() {
            return self;
        }
        let x = self.end - width;
        self.buffer
            .set_stringn(x, self.y, &safe, usize::from(width), style);
        self.end = x.saturating_sub(1).max(self.x);
        self
    }
}

/// Looks at no more of a long text than it must.
fn exceeds(text: &str, width: u16) -> bool {
    let width = usize::from(width);
    if text.len() <= width {
        return false;
    }
    let mut used = 0;
    text.chars().any(|c| {
        used += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        used > width
    })
}

/// `12 400`: digits in threes.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Words broken to lines of at most `width` cells; a longer word is cut where it must be.
pub fn wrapped(text: &str, width: u16) -> Vec<String> {
    let width = usize::from(width.max(1));
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split(' ') {
            let needed = word.width();
            if used > 0 && used + 1 + needed > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            for c in word.chars() {
                let cells = unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
                if used + cells > width && used > 0 {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push(c);
                used += cells;
            }
        }
        lines.push(line);
    }
    lines
}

/// A message in the middle of an empty pane: what belongs here and the key that brings it.
pub fn placeholder(buffer: &mut Buffer, area: Rect, lines: &[(&str, Style)]) {
    let width = area.width.saturating_sub(2).min(64);
    let mut rows: Vec<(String, Style)> = Vec::new();
    for (text, style) in lines {
        rows.extend(wrapped(text, width).into_iter().map(|line| (line, *style)));
    }
    let height = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    let top = area.height.saturating_sub(height) / 3;
    for (at, (text, style)) in (0_u16..).zip(&rows) {
        let indent = area.width.saturating_sub(width) / 2;
        Pen::new(buffer, area, top.saturating_add(at))
            .skip(indent)
            .text(text, *style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, width: u16, expected: &str) {
        let area = Rect::new(0, 0, 10, 1);
        let mut buffer = Buffer::empty(area);
        Pen::new(&mut buffer, area, 0).text_within(text, width, Style::new());
        let shown: String = buffer
            .content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert_eq!(shown.trim_end(), expected);
    }

    #[test]
    fn a_text_that_fits_is_whole() {
        check("nodule", 6, "nodule");
    }

    #[test]
    fn a_cut_is_shown() {
        check("nodules", 6, "nodul…");
    }

    #[test]
    fn a_wide_character_is_never_halved() {
        check("肺结节", 5, "肺 结 …");
        check("肺结节", 4, "肺  …");
    }

    #[test]
    fn nothing_is_written_below_the_area() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 2));
        let blank = buffer.clone();
        Pen::new(&mut buffer, Rect::new(0, 0, 4, 1), 1).text("abc", Style::new());
        assert_eq!(buffer, blank);
    }

    #[test]
    fn digits_stand_in_threes() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(12_400), "12 400");
        assert_eq!(grouped(1_000_000), "1 000 000");
    }

    #[test]
    fn words_wrap_and_long_ones_are_cut() {
        assert_eq!(wrapped("a bb ccc", 4), ["a bb", "ccc"]);
        assert_eq!(wrapped("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(wrapped("肺结节肿瘤", 4), ["肺结", "节肿", "瘤"]);
    }
}
