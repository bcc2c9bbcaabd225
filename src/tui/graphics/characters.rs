//! Characters: one a cell, dense where the picture is bright. For `--ascii` and NO_COLOR.

use ratatui::style::Style;
use semihv_imaging::{Ground, Raster, density};

use super::Inks;
use super::cells::Cells;

const REGION: char = 'o';
const MARKED: char = 'O';

/// A raster with one pixel for each cell; pixels in an ink's colour are outlines.
pub(crate) fn characters(
    raster: &Raster,
    (columns, rows): (u16, u16),
    ground: Ground,
    inks: Inks,
) -> Cells {
    Cells::of(columns, rows, |x, y| {
        let rgb = raster.rgb(u32::from(x), u32::from(y));
        let symbol = match raster {
            Raster::Colour(_) if rgb == inks.marked => MARKED,
            Raster::Colour(_) if rgb == inks.region => REGION,
            _ => density(rgb, ground),
        };
        (symbol, Style::new())
    })
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn outlines_are_letters() {
        let inks = Inks::default();
        let mut colour = image::RgbImage::new(3, 1);
        colour.put_pixel(0, 0, image::Rgb(inks.region));
        colour.put_pixel(1, 0, image::Rgb(inks.marked));
        colour.put_pixel(2, 0, image::Rgb([255; 3]));
        let mut buffer = Buffer::empty(Rect::new(0, 0, 3, 1));
        let cells = characters(&Raster::Colour(colour), (3, 1), Ground::Dark, inks);
        cells.draw(buffer.area, &mut buffer);
        assert_eq!(buffer, Buffer::with_lines(["oO@"]));
    }
}
