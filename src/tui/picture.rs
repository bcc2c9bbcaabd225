//! Pictures on their way to the screen: what is asked for and what comes back.

use std::fmt;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_domain::{ImageId, Shape};

use crate::graphics::Drawing;

/// A picture to be decoded, windowed, outlined and fitted into cells.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureRequest {
    pub image: ImageId,
    pub location: String,
    /// Cells available.
    pub columns: u16,
    pub rows: u16,
    /// Outlined in the picture; empty when regions are hidden.
    pub regions: Vec<Shape>,
    /// Index into `regions` of the one that is looked at.
    pub marked: Option<usize>,
}

/// A picture ready to be drawn: encoded for one terminal at one size.
#[derive(Clone)]
pub struct Picture {
    pub request: PictureRequest,
    /// Cells covered, at most those asked for.
    pub columns: u16,
    pub rows: u16,
    /// Size, format and grey range in words.
    pub description: String,
    /// Of the pixels and how they are shown; two equal pictures are drawn alike.
    pub(crate) fingerprint: u64,
    pub(crate) drawing: Drawing,
}

impl Picture {
    /// Where the picture lies when it is centred in `area`; None when it does not fit, as after a
    /// resize before the new one has come.
    pub fn place(&self, area: Rect) -> Option<Rect> {
        let left = area.width.checked_sub(self.columns)?;
        let above = area.height.checked_sub(self.rows)?;
        Some(Rect {
            x: area.x + left / 2,
            y: area.y + above / 2,
            width: self.columns,
            height: self.rows,
        })
    }

    /// Draws into the middle of `area`. Returns false when nothing was drawn and words must do.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) -> bool {
        let Some(place) = self.place(area.intersection(buffer.area)) else {
            return false;
        };
        self.drawing.draw(place, buffer)
    }

    /// True when the terminal paints pixels over the cells: nothing may be drawn on top of them.
    pub fn lies_over_text(&self) -> bool {
        self.drawing.lies_over_text()
    }
}

impl PartialEq for Picture {
    fn eq(&self, other: &Self) -> bool {
        self.request == other.request
            && (self.columns, self.rows) == (other.columns, other.rows)
            && self.fingerprint == other.fingerprint
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture")
            .field("request", &self.request)
            .field("columns", &self.columns)
            .field("rows", &self.rows)
            .field("description", &self.description)
            .finish_non_exhaustive()
    }
}
