//! Characters: one a cell, dense where the picture is bright. For `--ascii` and NO_COLOR.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_imaging::Raster;

use super::Inks;

/// From dark to bright on a dark screen.
const RAMP: &[u8] = b" .,:;-=+*cxXZ#%@";
const REGION: char = 'o';
const MARKED: char = 'O';

/// Whether dense characters are bright or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    Dark,
    Light,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Characters {
    columns: u16,
    cells: Vec<char>,
}

impl Characters {
    /// A raster with one pixel for each cell; pixels in an ink's colour are outlines.
    pub(crate) fn of(raster: &Raster, columns: u16, rows: u16, ground: Ground, inks: Inks) -> Self {
        let cells = (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (column, row)))
            .map(|(x, y)| {
                let rgb = raster.rgb(u32::from(x), u32::from(y));
                match raster {
                    Raster::Colour(_) if rgb == inks.marked => MARKED,
                    Raster::Colour(_) if rgb == inks.region => REGION,
                    _ => density(rgb, ground),
                }
            })
            .collect();
        Self { columns, cells }
    }

    pub(crate) fn draw(&self, place: Rect, buffer: &mut Buffer) {
        let lines = self.cells.chunks(usize::from(self.columns.max(1)));
        for (y, line) in (place.top()..place.bottom()).zip(lines) {
            for (x, &character) in (place.left()..place.right()).zip(line) {
                if let Some(cell) = buffer.cell_mut((x, y)) {
                    cell.reset();
                    cell.set_char(character);
                }
            }
        }
    }
}

fn density([red, green, blue]: [u8; 3], ground: Ground) -> char {
    let bright = u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114;
    let level = bright as usize * RAMP.len() / 255_001;
    let level = match ground {
        Ground::Dark => level,
        Ground::Light => RAMP.len() - 1 - level.min(RAMP.len() - 1),
    };
    RAMP.get(level).copied().map_or(' ', char::from)
}

#[cfg(test)]
mod tests {
    use image::GrayImage;

    use super::*;

    fn drawn(ground: Ground) -> String {
        let grey = GrayImage::from_raw(4, 1, vec![0, 90, 180, 255]).unwrap();
        let shown = Characters::of(&Raster::Grey(grey), 4, 1, ground, Inks::default());
        shown.cells.into_iter().collect()
    }

    #[test]
    fn bright_is_dense_on_a_dark_screen() {
        assert_eq!(drawn(Ground::Dark), " -X@");
    }

    #[test]
    fn bright_is_empty_on_a_light_screen() {
        assert_eq!(drawn(Ground::Light), "@x; ");
    }

    #[test]
    fn outlines_are_letters() {
        let inks = Inks::default();
        let mut colour = image::RgbImage::new(2, 1);
        colour.put_pixel(0, 0, image::Rgb(inks.region));
        colour.put_pixel(1, 0, image::Rgb(inks.marked));
        let shown = Characters::of(&Raster::Colour(colour), 2, 1, Ground::Dark, inks);
        assert_eq!(shown.cells, ['o', 'O']);
    }
}
