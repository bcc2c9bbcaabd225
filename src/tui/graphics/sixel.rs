//! Sixel: bands of six rows, one line of runs for each colour that a band has.
//!
//! Of our own because ratatui-image's spends 87 KB on a grey frame of 720x720 (`benches/wire.rs`).
//! What saves most: the colour that a band has most of is laid under the whole band, and a pixel
//! keeps the grey of a neighbour in its band while that is nearly right.

use std::fmt::Write;

use color_quant::NeuQuant;
use semihv_imaging::Raster;

use super::few_colours::{FewColours, few_colours};

/// Steps of grey that are told apart.
const GREYS: u8 = 52;
/// A pixel keeps a neighbour's grey within this many of the 256 values: half a step, or what makes
/// a dear picture cheap and is seen as faint streaks in noise.
const EXACT: u8 = 3;
const TOLERANCE: u8 = 6;
/// Bytes from which on a picture is worth being made smaller.
const DEAR: usize = 50_000;
/// Rows of a band.
const BAND: usize = 6;
/// How thoroughly NeuQuant looks at a stain's colours: 1 is best, 30 fastest.
const SAMPLING: i32 = 10;

/// The whole sequence, from its introducer to its terminator. A picture that is dear is written
/// with more tolerance; `inks` are the colours that are never changed.
pub(crate) fn sixel(raster: &Raster, inks: &[[u8; 3]]) -> String {
    let exact = written(raster, inks, EXACT);
    if exact.len() <= DEAR {
        return exact;
    }
    written(raster, inks, TOLERANCE)
}

fn written(raster: &Raster, inks: &[[u8; 3]], tolerance: u8) -> String {
    let (width, height) = (raster.width(), raster.height());
    let few = match raster {
        Raster::Grey(grey) => greys(grey.as_raw(), width, tolerance),
        Raster::Colour(colour) => match few_colours(colour) {
            Some(few) => fewer_greys(few, width, tolerance),
            None => stained(colour.as_raw(), inks),
        },
    };
    let mut text = format!("\x1bP0;1;0q\"1;1;{width};{height}");
    for (number, colour) in few.palette.iter().enumerate() {
        let [red, green, blue] = colour.map(|value| (u16::from(value) * 100 + 127) / 255);
        let _ = write!(text, "#{number};2;{red};{green};{blue}");
    }
    for (number, band) in few.numbers.chunks(width.max(1) as usize * BAND).enumerate() {
        // None after the last: it would scroll a screen whose last row the picture touches.
        if number > 0 {
            text.push('-');
        }
        band_of(band, width as usize, &mut text);
    }
    text.push_str("\x1b\\");
    text
}

fn greys(values: &[u8], width: u32, tolerance: u8) -> FewColours {
    let width = width.max(1) as usize;
    let mut numbers: Vec<u8> = Vec::with_capacity(values.len());
    for (place, &value) in values.iter().enumerate() {
        // Black stays black: the grey of an edge would lead on through it as a streak.
        let near = if value == 0 { 0 } else { tolerance };
        let is_right = |number: &u8| grey_of(*number).abs_diff(value) <= near;
        let has_left = place % width > 0;
        let has_above = !(place / width).is_multiple_of(BAND);
        let left = numbers
            .last()
            .copied()
            .filter(|_| has_left)
            .filter(is_right);
        let above = place.checked_sub(width).filter(|_| has_above);
        let above = above
            .and_then(|place| numbers.get(place))
            .copied()
            .filter(is_right);
        numbers.push(above.or(left).unwrap_or_else(|| nearest(value)));
    }
    FewColours {
        palette: (0..GREYS).map(|number| [grey_of(number); 3]).collect(),
        numbers,
    }
}

fn nearest(value: u8) -> u8 {
    ((u16::from(value) * u16::from(GREYS - 1) + 127) / 255) as u8
}

fn grey_of(number: u8) -> u8 {
    (u16::from(number) * 255 / u16::from(GREYS - 1)) as u8
}

/// The same for greys with inks among them, which keep their colour.
fn fewer_greys(few: FewColours, width: u32, tolerance: u8) -> FewColours {
    let is_grey = |[red, green, blue]: [u8; 3]| red == green && green == blue;
    let colour = |number: u8| few.palette.get(usize::from(number)).copied();
    let values: Vec<u8> = few
        .numbers
        .iter()
        .map(|&number| colour(number).map_or(0, |[red, _, _]| red))
        .collect();
    let mut fewer = greys(&values, width, tolerance);
    let inks: Vec<(usize, [u8; 3])> = few
        .palette
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, colour)| !is_grey(*colour))
        .collect();
    for (number, old) in fewer.numbers.iter_mut().zip(&few.numbers) {
        if let Some(ink) = inks
            .iter()
            .position(|(place, _)| *place == usize::from(*old))
        {
            *number = GREYS + ink as u8;
        }
    }
    fewer
        .palette
        .extend(inks.into_iter().map(|(_, colour)| colour));
    fewer
}

/// A stain's colours, reduced to as many as fit them; an outline is too small to be among them.
fn stained(values: &[u8], inks: &[[u8; 3]]) -> FewColours {
    let opaque: Vec<u8> = values
        .chunks_exact(3)
        .flat_map(|colour| colour.iter().copied().chain([255]))
        .collect();
    let room = 256 - inks.len().min(64);
    let reduced = NeuQuant::new(SAMPLING, room, &opaque);
    let number = |colour: &[u8]| {
        let ink = inks.iter().position(|ink| colour.starts_with(ink));
        ink.map_or_else(|| reduced.index_of(colour), |ink| room + ink) as u8
    };
    let palette = reduced.color_map_rgb();
    let palette = palette
        .chunks_exact(3)
        .filter_map(|colour| colour.try_into().ok());
    FewColours {
        numbers: opaque.chunks_exact(4).map(number).collect(),
        palette: palette.chain(inks.iter().copied()).collect(),
    }
}

/// One band: the most frequent colour under all of it, the others over it.
fn band_of(band: &[u8], width: usize, text: &mut String) {
    let mut bits = vec![[0_u8; 256]; width];
    let mut counts = [0_u32; 256];
    for (row, line) in band.chunks(width.max(1)).enumerate() {
        for (column, &number) in bits.iter_mut().zip(line) {
            if let Some(bits) = column.get_mut(usize::from(number)) {
                *bits |= 1 << row;
            }
            if let Some(count) = counts.get_mut(usize::from(number)) {
                *count += 1;
            }
        }
    }
    let rows = band.len() / width.max(1);
    let all = ((1_u16 << rows.min(BAND)) - 1) as u8;
    let most = (0..256).max_by_key(|&number| counts.get(number).copied().unwrap_or(0));
    let ground = most.unwrap_or(0);
    let _ = write!(text, "#{ground}");
    run(all, width, text);
    for (number, _) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        if number == ground {
            continue;
        }
        let _ = write!(text, "$#{number}");
        line_of(
            bits.iter()
                .map(|column| column.get(number).copied().unwrap_or(0)),
            text,
        );
    }
}

/// The runs of one colour; what is empty at the end is left out.
fn line_of(bits: impl Iterator<Item = u8>, text: &mut String) {
    let (mut last, mut length) = (0, 0);
    for bits in bits {
        if bits == last {
            length += 1;
            continue;
        }
        run(last, length, text);
        (last, length) = (bits, 1);
    }
    if last != 0 {
        run(last, length, text);
    }
}

fn run(bits: u8, length: usize, text: &mut String) {
    let sign = char::from(b'?' + bits);
    match length {
        0..=3 => text.extend(std::iter::repeat_n(sign, length)),
        _ => {
            let _ = write!(text, "!{length}{sign}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use image::{GrayImage, Luma, Rgb, RgbImage};

    use super::*;

    const INK: [u8; 3] = [240, 228, 66];

    /// Reads a sequence back into pixels, as a terminal does.
    fn shown(sequence: &str, width: usize, height: usize) -> Vec<[u16; 3]> {
        let body = sequence
            .strip_prefix("\x1bP0;1;0q")
            .unwrap()
            .strip_suffix("\x1b\\")
            .unwrap();
        let mut pixels = vec![[999; 3]; width * height];
        let (mut palette, mut colour) = (HashMap::new(), 0);
        let (mut x, mut band, mut repeat) = (0, 0, 1);
        let mut rest = body;
        while let Some(sign) = rest.chars().next() {
            rest = &rest[1..];
            let end = rest
                .find(|c: char| !(c.is_ascii_digit() || c == ';'))
                .unwrap_or(rest.len());
            let numbers = || rest[..end].split(';').map(|n| n.parse::<usize>().unwrap());
            match sign {
                '"' => rest = &rest[end..],
                '#' => {
                    let said: Vec<usize> = numbers().collect();
                    colour = said[0];
                    if let [_, 2, red, green, blue] = said[..] {
                        palette.insert(colour, [red as u16, green as u16, blue as u16]);
                    }
                    rest = &rest[end..];
                }
                '!' => {
                    repeat = numbers().next().unwrap();
                    rest = &rest[end..];
                }
                '$' => x = 0,
                '-' => (x, band) = (0, band + 1),
                sixel => {
                    for column in x..x + repeat {
                        for row in (0..6).filter(|row| (sixel as u8 - b'?') & (1 << row) != 0) {
                            pixels[(band * 6 + row) * width + column] = palette[&colour];
                        }
                    }
                    (x, repeat) = (x + repeat, 1);
                }
            }
        }
        pixels
    }

    #[track_caller]
    fn check(raster: &Raster, tolerance: u16) {
        let (width, height) = (raster.width(), raster.height());
        let shown = shown(&sixel(raster, &[INK]), width as usize, height as usize);
        for (place, shown) in shown.iter().enumerate() {
            let (x, y) = (place as u32 % width, place as u32 / width);
            let wanted = raster.rgb(x, y).map(|value| u16::from(value) * 100 / 255);
            let is_near = shown
                .iter()
                .zip(wanted)
                .all(|(a, b)| a.abs_diff(b) <= tolerance);
            assert!(is_near, "{shown:?} for {wanted:?} at {x}, {y}");
        }
    }

    #[test]
    fn a_grey_picture_comes_back_within_three_percent() {
        let grey = GrayImage::from_fn(97, 45, |x, y| Luma([(x * 2 + y * 7 % 13) as u8]));
        check(&Raster::Grey(grey), 3);
    }

    #[test]
    fn outlines_keep_their_ink() {
        let picture = RgbImage::from_fn(60, 20, |x, y| match (x, y) {
            (10..=30, 5) => Rgb([230, 180, 80]),
            _ => Rgb([(x * 4) as u8; 3]),
        });
        check(&Raster::Colour(picture), 3);
    }

    #[test]
    fn a_stain_of_two_thousand_colours_is_near_them_on_average() {
        let colour = |x: u32, y: u32| [200, (x * 2) as u8, (90 + y * 3) as u8];
        let picture = RgbImage::from_fn(64, 30, |x, y| Rgb(colour(x, y)));
        let shown = shown(&sixel(&Raster::Colour(picture), &[INK]), 64, 30);
        let apart: u64 = shown
            .iter()
            .zip(0_u32..)
            .flat_map(|(shown, place)| {
                let wanted = colour(place % 64, place / 64);
                shown.iter().copied().zip(wanted)
            })
            .map(|(shown, wanted)| u64::from(shown.abs_diff(u16::from(wanted) * 100 / 255)))
            .sum();
        assert!(
            apart < 64 * 30 * 3 * 3,
            "{apart}: over three percent a channel"
        );
    }

    #[test]
    fn an_outline_on_a_stain_keeps_its_ink() {
        let picture = RgbImage::from_fn(90, 90, |x, y| match (x, y) {
            (40, 10..=20) => Rgb(INK),
            _ => Rgb([200, (x * 2) as u8, (90 + y) as u8]),
        });
        let shown = shown(&sixel(&Raster::Colour(picture), &[INK]), 90, 90);
        assert_eq!(shown[15 * 90 + 40], [94, 89, 26]);
    }

    #[test]
    fn a_dear_picture_is_made_cheaper_within_its_tolerance() {
        let mut seed = 1_u32;
        let grey = GrayImage::from_fn(400, 400, |_, _| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Luma([90 + (seed >> 28) as u8])
        });
        let raster = Raster::Grey(grey);
        assert!(written(&raster, &[], EXACT).len() > DEAR);
        assert!(sixel(&raster, &[]).len() < written(&raster, &[], EXACT).len());
        check(&raster, 4);
    }

    #[test]
    fn a_picture_of_one_pixel_is_one() {
        check(&Raster::Grey(GrayImage::from_pixel(1, 1, Luma([255]))), 0);
    }
}
