//! What a prepared picture holds for drawing.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::cells::Cells;
use super::kitty::{ImageNumber, Wrap, draw_placeholders};
use super::painted::Painted;

/// A picture encoded for one way of showing it; cheap to clone.
#[derive(Clone)]
pub struct Drawing(pub(crate) Arc<Kind>);

pub(crate) enum Kind {
    /// kitty's placeholders: text cells that name a picture the terminal keeps. The picture itself
    /// is sent after the frame by [`super::OnScreen`].
    Placeholders {
        number: ImageNumber,
        size: (u16, u16),
        sequence: Vec<u8>,
        wrap: Wrap,
    },
    /// Sixel or iTerm2: the picture is sent with the first of its cells.
    Painted(Painted),
    /// Sent after the frame by [`super::OnScreen`]; the cells stay empty.
    Direct {
        number: ImageNumber,
        sequence: Vec<u8>,
    },
    /// Half-blocks or characters.
    Cells(Cells),
    /// The description has to do.
    Words,
}

impl Drawing {
    /// False when there is nothing to draw.
    pub(crate) fn draw(&self, place: Rect, buffer: &mut Buffer) -> bool {
        match &*self.0 {
            Kind::Placeholders { number, size, .. } => {
                draw_placeholders(*number, *size, place, buffer);
            }
            Kind::Painted(painted) => painted.draw(place, buffer),
            Kind::Direct { .. } => {}
            Kind::Cells(cells) => cells.draw(place, buffer),
            Kind::Words => return false,
        }
        true
    }

    /// Bytes that showing it costs: counted for pixels, guessed at for coloured cells.
    pub(crate) fn wire_bytes(&self) -> usize {
        const A_CELL: usize = 8;
        match &*self.0 {
            Kind::Placeholders { sequence, .. } | Kind::Direct { sequence, .. } => sequence.len(),
            Kind::Painted(painted) => painted.wire_bytes(),
            Kind::Cells(cells) => cells.count() * A_CELL,
            Kind::Words => 0,
        }
    }

    /// Pixels that text cannot be written over: while anything covers them they are not drawn.
    /// Placeholders are text themselves.
    pub(crate) fn lies_over_text(&self) -> bool {
        match &*self.0 {
            Kind::Painted(_) | Kind::Direct { .. } => true,
            Kind::Placeholders { .. } | Kind::Cells(_) | Kind::Words => false,
        }
    }
}
