//! Half-blocks: two pixels a cell, in as many colours as the terminal has.

use ratatui::style::{Color, Style};
use semihv_imaging::{Ground, Raster, brightened, luminance};
use semihv_terminal::ColourDepth;

use super::cells::Cells;

/// Thresholds that spread four greys over a picture without noise.
const BAYER: [[u8; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];
/// The greys among sixteen colours.
const GREYS: [Color; 4] = [Color::Black, Color::DarkGray, Color::Gray, Color::White];
/// Channels further apart than this are colour, not grey.
const COLOUR_THRESHOLD: u8 = 40;

/// A raster with two rows for each row of cells.
pub(crate) fn blocks(
    raster: &Raster,
    (columns, rows): (u16, u16),
    depth: ColourDepth,
    ground: Ground,
) -> Cells {
    let rgb = |x: u16, y: u16| raster.rgb(u32::from(x), u32::from(y));
    Cells::of(columns, rows, |x, row| {
        let (above, below) = (
            row.saturating_mul(2),
            row.saturating_mul(2).saturating_add(1),
        );
        let colour = |y: u16| match depth {
            ColourDepth::True => {
                let [red, green, blue] = calmed(rgb(x, y));
                Color::Rgb(red, green, blue)
            }
            ColourDepth::Ansi256 => Color::Indexed(nearest_256(rgb(x, y))),
            ColourDepth::Ansi16 | ColourDepth::None => nearest_16(rgb(x, y), x, y),
        };
        if depth == ColourDepth::None {
            let is_lit = |y: u16| is_lit(rgb(x, y), x, y) == (ground == Ground::Dark);
            let symbol = match (is_lit(above), is_lit(below)) {
                (false, false) => ' ',
                (true, false) => '▀',
                (false, true) => '▄',
                (true, true) => '█',
            };
            return (symbol, Style::new());
        }
        let (upper, lower) = (colour(above), colour(below));
        if upper == lower {
            (' ', Style::new().bg(lower))
        } else {
            ('▀', Style::new().fg(upper).bg(lower))
        }
    })
}

/// Greys in 52 steps: noise that nobody sees would give every cell a colour of its own, and a
/// colour is written anew for each cell that has another than the one before.
fn calmed(rgb: [u8; 3]) -> [u8; 3] {
    let [red, green, blue] = rgb;
    if red != green || green != blue {
        return rgb;
    }
    [(red / 5) * 5; 3]
}

/// Black or white, dithered: for terminals without colours.
fn is_lit(rgb: [u8; 3], x: u16, y: u16) -> bool {
    u16::from(brightened(luminance(rgb))) * 16 / 255 > u16::from(threshold(x, y))
}

fn threshold(x: u16, y: u16) -> u8 {
    BAYER
        .get(usize::from(y % 4))
        .and_then(|row| row.get(usize::from(x % 4)))
        .copied()
        .unwrap_or(8)
}

fn spread([red, green, blue]: [u8; 3]) -> u8 {
    red.max(green).max(blue) - red.min(green).min(blue)
}

/// The nearest of the grey ramp or the colour cube of 256.
fn nearest_256(rgb: [u8; 3]) -> u8 {
    if spread(rgb) < 12 {
        return match luminance(rgb) {
            0..=3 => 16,
            247..=255 => 231,
            grey => 232 + grey.saturating_sub(3).div_euclid(10).min(23),
        };
    }
    let step = |value: u8| match value {
        0..=47 => 0,
        48..=114 => 1,
        _ => (value - 35) / 40,
    };
    let [red, green, blue] = rgb.map(step);
    16 + 36 * red + 6 * green + blue
}

/// Greys are dithered over the four there are; clear colours take the nearest of eight.
fn nearest_16(rgb: [u8; 3], x: u16, y: u16) -> Color {
    if spread(rgb) > COLOUR_THRESHOLD {
        let limit = rgb.iter().copied().max().unwrap_or(0) / 2;
        return match rgb.map(|value| value > limit) {
            [true, false, false] => Color::LightRed,
            [false, true, false] => Color::LightGreen,
            [false, false, true] => Color::LightBlue,
            [true, true, false] => Color::LightYellow,
            [true, false, true] => Color::LightMagenta,
            [false, true, true] => Color::LightCyan,
            [true, true, true] | [false, false, false] => Color::White,
        };
    }
    let scaled = u16::from(luminance(rgb)) * 3 * 16 / 255;
    let level = (scaled + u16::from(threshold(x, y))) / 16;
    GREYS
        .get(usize::from(level.min(3)))
        .copied()
        .unwrap_or(Color::White)
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma};
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn each_cell_holds_two_pixels() {
        let grey = GrayImage::from_raw(1, 4, vec![10, 200, 90, 90]).unwrap();
        let blocks = blocks(&Raster::Grey(grey), (1, 2), ColourDepth::True, Ground::Dark);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 1, 2));
        blocks.draw(buffer.area, &mut buffer);
        assert_eq!(buffer[(0, 0)].symbol(), "▀");
        assert_eq!(buffer[(0, 0)].fg, Color::Rgb(10, 10, 10));
        assert_eq!(buffer[(0, 0)].bg, Color::Rgb(200, 200, 200));
        assert_eq!(buffer[(0, 1)].symbol(), " ");
        assert_eq!(buffer[(0, 1)].bg, Color::Rgb(90, 90, 90));
    }

    #[test]
    fn greys_take_the_ramp_of_256_colours() {
        assert_eq!(nearest_256([0; 3]), 16);
        assert_eq!(nearest_256([8; 3]), 232);
        assert_eq!(nearest_256([128; 3]), 244);
        assert_eq!(nearest_256([238; 3]), 255);
        assert_eq!(nearest_256([255; 3]), 231);
    }

    #[test]
    fn colours_take_the_cube_of_256_colours() {
        assert_eq!(nearest_256([255, 0, 0]), 196);
        assert_eq!(nearest_256([95, 135, 175]), 67);
    }

    #[test]
    fn sixteen_colours_dither_a_middle_grey() {
        let colours: std::collections::BTreeSet<String> = (0..16)
            .map(|at| nearest_16([60; 3], at % 4, at / 4).to_string())
            .collect();
        assert_eq!(
            colours.into_iter().collect::<Vec<_>>(),
            ["Black", "DarkGray"]
        );
        assert_eq!(nearest_16([255; 3], 0, 0), Color::White);
        assert_eq!(nearest_16([0; 3], 3, 0), Color::Black);
    }

    #[test]
    fn without_colours_light_is_dithered() {
        let grey = GrayImage::from_fn(8, 8, |x, _| Luma([if x < 4 { 0 } else { 255 }]));
        let raster = Raster::Grey(grey);
        let drawn = |ground| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 4));
            blocks(&raster, (8, 4), ColourDepth::None, ground).draw(buffer.area, &mut buffer);
            buffer
        };
        assert_eq!(drawn(Ground::Dark), Buffer::with_lines(["    ████"; 4]));
        assert_eq!(drawn(Ground::Light), Buffer::with_lines(["████    "; 4]));
    }
}
