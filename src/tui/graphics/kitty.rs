//! The kitty protocol: a picture that placeholder cells name or, for kitty before 0.28 and
//! terminals that know no placeholders, one laid over the cells at the cursor.
//!
//! Grey pictures go out as grey PNG, a twentieth of the raw pixels. ratatui-image sends four
//! channels under zlib, 352 KB for a frame of 720x720 that takes 106 KB here (`benches/wire.rs`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{GrayImage, ImageError};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use semihv_imaging::Raster;

use super::diacritics::diacritic;
use super::few_colours::{FewColours, few_colours};

/// The protocol's limit for one piece of payload.
const PIECE: usize = 4096;
/// The protocol's character for a cell of a picture.
const PLACEHOLDER: char = '\u{10eeee}';
/// Higher levels take twice the time for a hundredth of the bytes.
const DEFLATE_LEVEL: u8 = 6;
/// Bytes of a PNG from which on it is worth being made smaller.
const DEAR: usize = 64 << 10;

/// A picture that is kept by the terminal under a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ImageNumber(pub(crate) u32);

impl ImageNumber {
    /// Numbers are shared by all programs in a terminal: this process's pictures take theirs from
    /// the picture itself, so that the same picture sent twice replaces itself.
    pub(crate) fn of(fingerprint: u64) -> Self {
        let mixed = fingerprint ^ (u64::from(std::process::id()) << 20);
        let folded = (mixed ^ (mixed >> 24) ^ (mixed >> 48)) as u32;
        // 24 bits, as placeholders carry the number in their colour; zero is no number.
        Self((folded & 0x00ff_ffff).max(1))
    }

    /// Removes the picture and its data from the terminal.
    pub(crate) fn deletion(self, wrap: Wrap) -> Vec<u8> {
        let sequence = format!("\x1b_Ga=d,d=I,i={},q=2\x1b\\", self.0);
        match wrap {
            Wrap::Plain => sequence.into_bytes(),
            Wrap::Tmux => semihv_terminal::wrapped_for_tmux(sequence.as_bytes()),
        }
    }
}

/// Whether sequences have to be handed through tmux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrap {
    Plain,
    Tmux,
}

/// Grey as grey, greys with a few inks by a palette, and the rest in full colour. A noisy grey
/// picture that is dear loses its last bit: a sixth of its bytes say what nobody sees.
pub(crate) fn png(raster: &Raster) -> Result<Vec<u8>, ImageError> {
    let exact = exact_png(raster)?;
    match raster {
        Raster::Grey(grey) if exact.len() > DEAR => {
            let values = halved(grey.as_raw());
            written(raster, png::ColorType::Grayscale, &values, None)
        }
        Raster::Grey(_) | Raster::Colour(_) => Ok(exact),
    }
}

fn exact_png(raster: &Raster) -> Result<Vec<u8>, ImageError> {
    match raster {
        Raster::Grey(grey) if grey.iter().all(|value| value % 17 == 0) => sixteen_greys(grey),
        Raster::Grey(grey) => written(raster, png::ColorType::Grayscale, grey.as_raw(), None),
        Raster::Colour(colour) => match few_colours(colour) {
            Some(few) => written(raster, png::ColorType::Indexed, &few.numbers, Some(&few)),
            None => written(raster, png::ColorType::Rgb, colour.as_raw(), None),
        },
    }
}

/// Two pixels a byte, as drafts need no more. Differences of so few greys say nothing: no filter.
fn sixteen_greys(grey: &GrayImage) -> Result<Vec<u8>, ImageError> {
    let rows = grey.as_raw().chunks(grey.width().max(1) as usize);
    let packed = rows.flat_map(|row| {
        row.chunks(2).map(|pair| match *pair {
            [left, right] => ((left / 17) << 4) | (right / 17),
            [left] => (left / 17) << 4,
            _ => 0,
        })
    });
    let packed: Vec<u8> = packed.collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, grey.width(), grey.height());
    encoder.set_depth(png::BitDepth::Four);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_deflate_compression(png::DeflateCompression::Level(DEFLATE_LEVEL));
    encoder.set_filter(png::Filter::NoFilter);
    let outcome = encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&packed));
    outcome.map_err(|error| ImageError::IoError(error.into()))?;
    Ok(file)
}

/// The even value below: neighbours differ by half as much.
fn halved(values: &[u8]) -> Vec<u8> {
    values.iter().map(|value| value & 0xfe).collect()
}

fn written(
    raster: &Raster,
    colour: png::ColorType,
    values: &[u8],
    palette: Option<&FewColours>,
) -> Result<Vec<u8>, ImageError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, raster.width(), raster.height());
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_color(colour);
    encoder.set_deflate_compression(png::DeflateCompression::Level(DEFLATE_LEVEL));
    encoder.set_filter(png::Filter::Adaptive);
    if let Some(few) = palette {
        encoder.set_palette(few.palette.concat());
    }
    let outcome = encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(values));
    outcome.map_err(|error| ImageError::IoError(error.into()))?;
    Ok(file)
}

/// How a picture that was sent is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Showing {
    /// At the cursor, which stays where it is.
    AtCursor,
    /// Wherever placeholder cells name it.
    Placeholders { columns: u16, rows: u16 },
}

/// Sends a picture in pieces, each handed through tmux on its own where there is one.
pub(crate) fn transmission(
    png: &[u8],
    number: ImageNumber,
    showing: Showing,
    wrap: Wrap,
) -> Vec<u8> {
    let payload = STANDARD.encode(png);
    let mut pieces = payload.as_bytes().chunks(PIECE).peekable();
    let mut sequence = Vec::with_capacity(payload.len() + payload.len() / 256 + 64);
    let mut keys = match showing {
        Showing::AtCursor => format!("a=T,f=100,i={},p=1,C=1,q=2,", number.0),
        Showing::Placeholders { columns, rows } => {
            format!("a=T,f=100,i={},U=1,c={columns},r={rows},q=2,", number.0)
        }
    };
    while let Some(piece) = pieces.next() {
        let more = u8::from(pieces.peek().is_some());
        let mut one = format!("\x1b_G{keys}m={more};").into_bytes();
        one.extend_from_slice(piece);
        one.extend_from_slice(b"\x1b\\");
        match wrap {
            Wrap::Plain => sequence.extend(one),
            Wrap::Tmux => sequence.extend(semihv_terminal::wrapped_for_tmux(&one)),
        }
        "q=2,".clone_into(&mut keys);
    }
    sequence
}

/// The cells by which the terminal knows where a picture lies; the first of each row says which
/// row it is, the others count on from it.
pub(crate) fn draw_placeholders(
    number: ImageNumber,
    (columns, rows): (u16, u16),
    place: Rect,
    buffer: &mut Buffer,
) {
    let [_, red, green, blue] = number.0.to_be_bytes();
    let style = Style::new().fg(Color::Rgb(red, green, blue));
    for row in 0..rows.min(place.height) {
        let (Some(row_mark), Some(first_mark)) = (diacritic(row), diacritic(0)) else {
            return;
        };
        for column in 0..columns.min(place.width) {
            let Some(cell) = buffer.cell_mut((place.x + column, place.y + row)) else {
                continue;
            };
            cell.reset();
            if column == 0 {
                let symbol: String = [PLACEHOLDER, row_mark, first_mark].iter().collect();
                cell.set_symbol(&symbol);
            } else {
                cell.set_char(PLACEHOLDER);
            }
            cell.set_style(style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_greys_come_back_from_half_the_bytes() {
        let grey = GrayImage::from_fn(7, 3, |x, y| image::Luma([((x + y) % 16 * 17) as u8]));
        let bytes = png(&Raster::Grey(grey.clone())).unwrap();
        assert_eq!(bytes[24], 4, "bits of a sample");
        let back = image::load_from_memory(&bytes).unwrap().into_luma8();
        assert_eq!(back, grey);
    }

    #[test]
    fn what_is_sent_is_the_picture_in_pieces() {
        let mut seed = 1_u32;
        let noise: Vec<u8> = (0..200 * 150)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        let grey = GrayImage::from_raw(200, 150, noise).unwrap();
        assert!(exact_png(&Raster::Grey(grey.clone())).unwrap().len() < DEAR);
        let png = png(&Raster::Grey(grey.clone())).unwrap();
        let sent = String::from_utf8(transmission(
            &png,
            ImageNumber(7),
            Showing::AtCursor,
            Wrap::Plain,
        ))
        .unwrap();
        let pieces: Vec<&str> = sent
            .split_terminator("\x1b\\")
            .map(|piece| piece.strip_prefix("\x1b_G").unwrap())
            .collect();
        assert!(pieces.len() > 2);
        assert!(pieces[0].starts_with("a=T,f=100,i=7,p=1,C=1,q=2,m=1;"));
        assert!(pieces.last().unwrap().starts_with("q=2,m=0;"));
        let payload: String = pieces
            .iter()
            .map(|piece| piece.split_once(';').unwrap().1)
            .inspect(|piece| assert!(piece.len() <= PIECE))
            .collect();
        let received = image::load_from_memory(&STANDARD.decode(payload).unwrap()).unwrap();
        assert_eq!(received.into_luma8(), grey);
    }

    #[test]
    fn a_dear_picture_loses_at_most_one_step_and_is_cheaper() {
        let mut seed = 1_u32;
        let grey = GrayImage::from_fn(500, 500, |x, _| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            image::Luma([x as u8 / 4 + (seed >> 30) as u8])
        });
        let raster = Raster::Grey(grey.clone());
        let (exact, sent) = (exact_png(&raster).unwrap(), png(&raster).unwrap());
        assert!(
            exact.len() > DEAR && sent.len() * 100 < exact.len() * 95,
            "{} {}",
            exact.len(),
            sent.len()
        );
        let received = image::load_from_memory(&sent).unwrap().into_luma8();
        let pairs = received.pixels().zip(grey.pixels());
        assert!(pairs.into_iter().all(|(a, b)| a.0[0].abs_diff(b.0[0]) <= 1));
    }

    #[test]
    fn a_slice_with_outlines_is_no_dearer_than_without() {
        let mut seed = 1_u32;
        let grey = GrayImage::from_fn(200, 150, |x, _| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            image::Luma([x as u8 / 2 + (seed >> 29) as u8])
        });
        let mut outlined = image::DynamicImage::from(grey.clone()).into_rgb8();
        for x in 40..90 {
            outlined.put_pixel(x, 70, image::Rgb([230, 180, 80]));
        }
        let plain = png(&Raster::Grey(grey)).unwrap();
        let sent = png(&Raster::Colour(outlined.clone())).unwrap();
        assert!(
            sent.len() < plain.len() * 12 / 10,
            "{} {}",
            sent.len(),
            plain.len()
        );
        let received = image::load_from_memory(&sent).unwrap().into_rgb8();
        for (received, outlined) in received.pixels().zip(outlined.pixels()) {
            assert!(
                received
                    .0
                    .iter()
                    .zip(outlined.0)
                    .all(|(a, b)| a.abs_diff(b) <= 1)
            );
        }
    }

    #[test]
    fn placeholders_name_the_picture_and_their_row() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 5, 4));
        draw_placeholders(
            ImageNumber(0x01_02_03),
            (3, 2),
            Rect::new(1, 1, 4, 3),
            &mut buffer,
        );
        let symbols: Vec<&str> = (1..4).map(|x| buffer[(x, 2)].symbol()).collect();
        assert_eq!(
            symbols,
            ["\u{10eeee}\u{30d}\u{305}", "\u{10eeee}", "\u{10eeee}"]
        );
        assert_eq!(buffer[(1, 1)].fg, Color::Rgb(1, 2, 3));
        assert_eq!(buffer[(4, 1)].symbol(), " ");
        assert_eq!(buffer[(1, 3)].symbol(), " ");
    }

    #[test]
    fn every_piece_is_handed_through_tmux() {
        let showing = Showing::Placeholders {
            columns: 9,
            rows: 4,
        };
        let sent = transmission(&[7; 4000], ImageNumber(9), showing, Wrap::Tmux);
        let sent = String::from_utf8(sent).unwrap();
        assert!(sent.starts_with("\x1bPtmux;\x1b\x1b_Ga=T,f=100,i=9,U=1,c=9,r=4,q=2,m=1;"));
        assert_eq!(sent.matches("\x1bPtmux;").count(), 2);
    }

    #[test]
    fn numbers_fit_the_colour_of_a_cell_and_are_never_zero() {
        for fingerprint in [0, 1, u64::MAX, u64::from(std::process::id()) << 20] {
            let ImageNumber(number) = ImageNumber::of(fingerprint);
            assert!((1..=0x00ff_ffff).contains(&number));
        }
    }

    #[test]
    fn deleting_is_handed_through_tmux() {
        assert_eq!(
            ImageNumber(9).deletion(Wrap::Tmux),
            b"\x1bPtmux;\x1b\x1b_Ga=d,d=I,i=9,q=2\x1b\x1b\\\x1b\\"
        );
    }
}
