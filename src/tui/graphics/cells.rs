//! A picture made of characters, whatever stands in them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Styled characters, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cells {
    columns: u16,
    cells: Vec<(char, Style)>,
}

impl Cells {
    pub(crate) fn count(&self) -> usize {
        self.cells.len()
    }

    /// Asks `cell` for every column and row.
    pub(crate) fn of(columns: u16, rows: u16, cell: impl Fn(u16, u16) -> (char, Style)) -> Self {
        let cells = (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (column, row)))
            .map(|(column, row)| cell(column, row))
            .collect();
        Self { columns, cells }
    }

    pub(crate) fn draw(&self, place: Rect, buffer: &mut Buffer) {
        let lines = self.cells.chunks(usize::from(self.columns.max(1)));
        for (y, line) in (place.top()..place.bottom()).zip(lines) {
            for (x, &(symbol, style)) in (place.left()..place.right()).zip(line) {
                if let Some(cell) = buffer.cell_mut((x, y)) {
                    cell.reset();
                    cell.set_char(symbol).set_style(style);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_never_leaves_its_place() {
        let cells = Cells::of(9, 5, |_, _| ('x', Style::new()));
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 3));
        cells.draw(Rect::new(1, 1, 2, 9), &mut buffer);
        assert_eq!(buffer, Buffer::with_lines(["    ", " xx ", " xx "]));
    }
}
