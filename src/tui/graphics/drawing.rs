//! What a prepared picture holds for drawing.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use ratatui_image::protocol::Protocol as Encoded;

use super::cells::Cells;
use super::kitty::{ImageNumber, Wrap};

/// A picture encoded for one way of showing it; cheap to clone.
#[derive(Clone)]
pub struct Drawing(pub(crate) Arc<Kind>);

pub(crate) enum Kind {
    /// kitty's placeholders: text cells that name a picture the terminal keeps.
    Placeholders {
        encoded: Encoded,
        number: ImageNumber,
        wrap: Wrap,
    },
    /// Sixel or iTerm2: the picture is sent with the first of its cells.
    Painted(Encoded),
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
            Kind::Placeholders { encoded, .. } | Kind::Painted(encoded) => {
                ratatui_image::Image::new(encoded).render(place, buffer);
            }
            Kind::Direct { .. } => {}
            Kind::Cells(cells) => cells.draw(place, buffer),
            Kind::Words => return false,
        }
        true
    }

    /// Pixels that text cannot be written over: while anything covers them they are not drawn.
    pub(crate) fn lies_over_text(&self) -> bool {
        match &*self.0 {
            // Placeholders are text, but the first of them carries the picture itself and must
            // not be lost under something else.
            Kind::Placeholders { .. } | Kind::Painted(_) | Kind::Direct { .. } => true,
            Kind::Cells(_) | Kind::Words => false,
        }
    }
}
