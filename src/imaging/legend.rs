//! Words below a picture that leaves the program: what it shows, and what its colours mean.

use font8x8::UnicodeFonts;
use image::{Rgb, RgbImage, imageops};

use crate::Raster;

/// A line of a legend; with the colour that it explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegendLine {
    pub colour: Option<[u8; 3]>,
    pub text: String,
}

/// Pixels of a letter's side at its smallest.
const LETTER: u32 = 8;
/// Between lines, in parts of a letter.
const LINE: u32 = 12;
const MARGIN: u32 = 8;
const INK: [u8; 3] = [224, 224, 224];
/// Wider pictures have larger letters, so that they are still read when it is scaled down.
const LETTERS_ACROSS: u32 = 90;
/// Longer legends are no help.
const MOST_LINES: usize = 40;

/// The picture with a legend below it; long lines are broken.
pub fn with_legend(raster: Raster, lines: &[LegendLine]) -> Raster {
    let (width, height) = (raster.width(), raster.height());
    let scale = (width / (LETTERS_ACROSS * LETTER)).max(1);
    let room = (width.saturating_sub(2 * MARGIN) / (LETTER * scale)).max(8) as usize;
    let rows: Vec<LegendLine> = lines
        .iter()
        .flat_map(|line| broken(line, room))
        .take(MOST_LINES)
        .collect();
    if rows.is_empty() {
        return raster;
    }
    let below = rows.len() as u32 * LINE * scale + 2 * MARGIN;
    // A narrow picture must not cut its words off.
    let least = (room as u32 * LETTER * scale + 2 * MARGIN).max(width);
    let mut sheet = RgbImage::new(least, height + below);
    let left = i64::from((least - width) / 2);
    imageops::replace(&mut sheet, &raster.into_colour(), left, 0);
    for (at, row) in (0_u32..).zip(&rows) {
        let top = height + MARGIN + at * LINE * scale;
        let mut letters: Vec<char> = row.text.chars().collect();
        if row.colour.is_some() {
            letters.splice(0..0, ['\u{2588}', ' ']);
        }
        for (place, letter) in (0_u32..).zip(letters) {
            let left = MARGIN + place * LETTER * scale;
            let colour = row.colour.filter(|_| place == 0).unwrap_or(INK);
            put(&mut sheet, (letter, colour), (left, top), scale);
        }
    }
    Raster::Colour(sheet)
}

fn put(
    sheet: &mut RgbImage,
    (letter, colour): (char, [u8; 3]),
    (left, top): (u32, u32),
    scale: u32,
) {
    // What has no shape in the font is still seen to be there.
    let shape = shape_of(letter)
        .or_else(|| shape_of('?'))
        .unwrap_or_default();
    for (y, row) in (0_u32..).zip(shape) {
        for x in (0..LETTER).filter(|x| row >> x & 1 == 1) {
            for dy in 0..scale {
                for dx in 0..scale {
                    let at = (left + x * scale + dx, top + y * scale + dy);
                    if let Some(pixel) = sheet.get_pixel_mut_checked(at.0, at.1) {
                        *pixel = Rgb(colour);
                    }
                }
            }
        }
    }
}

fn shape_of(letter: char) -> Option<[u8; 8]> {
    font8x8::BASIC_FONTS
        .get(letter)
        .or_else(|| font8x8::LATIN_FONTS.get(letter))
        .or_else(|| font8x8::GREEK_FONTS.get(letter))
        .or_else(|| font8x8::BLOCK_FONTS.get(letter))
}

/// At blanks where there are some; the colour stays with the first row.
fn broken(line: &LegendLine, room: usize) -> Vec<LegendLine> {
    let room = room.saturating_sub(2).max(1);
    let mut rows = vec![String::new()];
    for word in line.text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        while !word.is_empty() {
            let Some(row) = rows.last_mut() else { break };
            let used = row.chars().count();
            let gap = usize::from(used > 0);
            if used + gap + word.len() <= room {
                row.extend(std::iter::repeat_n(' ', gap).chain(word.drain(..)));
            } else if used == 0 {
                row.extend(word.drain(..room));
                rows.push(String::new());
            } else {
                rows.push(String::new());
            }
        }
    }
    let rows = rows
        .into_iter()
        .enumerate()
        .filter(|(at, text)| *at == 0 || !text.is_empty());
    rows.map(|(at, text)| LegendLine {
        colour: line.colour.filter(|_| at == 0),
        text,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use image::GrayImage;
    use proptest::prelude::*;

    use super::*;

    fn line(text: &str) -> LegendLine {
        LegendLine {
            colour: Some([9, 200, 30]),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_legend_stands_below_the_picture_in_its_colour() {
        let picture = Raster::Grey(GrayImage::from_pixel(200, 20, image::Luma([50])));
        let sheet = with_legend(picture, &[line("liver"), line("")]);
        assert_eq!((sheet.width(), sheet.height()), (200, 20 + 2 * 12 + 16));
        assert_eq!(sheet.rgb(3, 3), [50; 3]);
        // The square of the colour, then the `l` of the word.
        assert_eq!(sheet.rgb(MARGIN + 2, 20 + MARGIN + 2), [9, 200, 30]);
        let word = (MARGIN + 16..MARGIN + 24).any(|x| sheet.rgb(x, 20 + MARGIN + 3) == INK);
        assert!(word);
    }

    #[test]
    fn long_lines_are_broken_at_blanks() {
        let rows = broken(&line("one two three"), 9);
        let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        assert_eq!(texts, ["one two", "three"]);
        assert_eq!(rows[1].colour, None);
    }

    proptest! {
        #[test]
        fn whatever_is_said_fits_below(text in ".{0,200}", width in 1_u32..300) {
            let sheet = with_legend(Raster::Grey(GrayImage::new(width, 3)), &[line(&text)]);
            prop_assert!(sheet.width() >= width && sheet.height() > 3);
        }
    }
}
