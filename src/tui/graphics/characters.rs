//! Characters: one a cell, dense where the picture is bright. For `--ascii` and NO_COLOR.

use ratatui::style::Style;
use semihv_imaging::Raster;

use super::Inks;
use super::cells::Cells;

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

fn density(rgb: [u8; 3], ground: Ground) -> char {
    let level = usize::from(brightened(luminance(rgb))) * (RAMP.len() - 1) / 255;
    let level = match ground {
        Ground::Dark => level,
        Ground::Light => RAMP.len() - 1 - level,
    };
    RAMP.get(level).copied().map_or(' ', char::from)
}

pub(crate) fn luminance([red, green, blue]: [u8; 3]) -> u8 {
    ((u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114) / 1000) as u8
}

/// Characters cover little of their cell, so middle greys would drown without this.
pub(crate) fn brightened(grey: u8) -> u8 {
    ((f32::from(grey) / 255.0).powf(0.65) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use image::GrayImage;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::*;

    fn drawn(raster: &Raster, ground: Ground) -> String {
        let area = Rect::new(0, 0, raster.width() as u16, 1);
        let mut buffer = Buffer::empty(area);
        characters(raster, (area.width, 1), ground, Inks::default()).draw(area, &mut buffer);
        buffer
            .content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect()
    }

    fn steps() -> Raster {
        Raster::Grey(GrayImage::from_raw(4, 1, vec![0, 90, 180, 255]).unwrap())
    }

    #[test]
    fn bright_is_dense_on_a_dark_screen() {
        assert_eq!(drawn(&steps(), Ground::Dark), " +X@");
    }

    #[test]
    fn bright_is_empty_on_a_light_screen() {
        assert_eq!(drawn(&steps(), Ground::Light), "@*; ");
    }

    #[test]
    fn outlines_are_letters() {
        let inks = Inks::default();
        let mut colour = image::RgbImage::new(2, 1);
        colour.put_pixel(0, 0, image::Rgb(inks.region));
        colour.put_pixel(1, 0, image::Rgb(inks.marked));
        assert_eq!(drawn(&Raster::Colour(colour), Ground::Dark), "oO");
    }
}
