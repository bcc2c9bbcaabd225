//! Pixels that a terminal paints over the cells at the cursor: iTerm2's pictures and sixel.
//!
//! ratatui-image sends grey pictures to iTerm2 as PNG, twice what a JPEG of quality 85 takes
//! (`benches/wire.rs`), and can be given no other encoder.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError};
use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::layout::Rect;
use semihv_imaging::Raster;

use super::inks::Inks;
use super::kitty::{Wrap, png};
use super::sixel::sixel;

const JPEG_QUALITY: u8 = 85;

/// A picture as the text that paints it.
pub(crate) struct Painted {
    columns: u16,
    rows: u16,
    sequence: String,
}

impl Painted {
    pub(crate) fn wire_bytes(&self) -> usize {
        self.sequence.len()
    }

    pub(crate) fn iterm2(
        raster: &Raster,
        size: (u16, u16),
        wrap: Wrap,
    ) -> Result<Self, ImageError> {
        let (jpeg, png) = (jpeg(raster)?, png(raster)?);
        // Flat drawings are smaller, and sharper, as PNG.
        let file = if png.len() < jpeg.len() { png } else { jpeg };
        let picture = format!(
            "\x1b]1337;File=inline=1;size={};width={}px;height={}px;doNotMoveCursor=1:{}\x07",
            file.len(),
            raster.width(),
            raster.height(),
            STANDARD.encode(&file)
        );
        Ok(Self::of(&picture, size, wrap))
    }

    pub(crate) fn sixel(raster: &Raster, inks: Inks, size: (u16, u16), wrap: Wrap) -> Self {
        Self::of(&sixel(raster, &[inks.region, inks.marked]), size, wrap)
    }

    /// Erases what stood there, paints, and leaves the cursor where a character would.
    fn of(picture: &str, (columns, rows): (u16, u16), wrap: Wrap) -> Self {
        let erased = format!("\x1b[{columns}X\x1b[1B").repeat(usize::from(rows));
        let painting = format!("\x1b7{erased}\x1b8{picture}\x1b8");
        let painting = match wrap {
            Wrap::Plain => painting,
            Wrap::Tmux => {
                let wrapped = semihv_terminal::wrapped_for_tmux(painting.as_bytes());
                String::from_utf8_lossy(&wrapped).into_owned()
            }
        };
        Self {
            columns,
            rows,
            sequence: painting + "\x1b[C",
        }
    }

    pub(crate) fn draw(&self, place: Rect, buffer: &mut Buffer) {
        if place.width < self.columns || place.height < self.rows {
            return;
        }
        let covered = Rect {
            width: self.columns,
            height: self.rows,
            ..place
        };
        for position in covered.positions() {
            if let Some(cell) = buffer.cell_mut(position) {
                cell.reset();
                cell.set_diff_option(CellDiffOption::Skip);
            }
        }
        if let Some(first) = buffer.cell_mut(covered.as_position()) {
            first
                .set_symbol(&self.sequence)
                .set_diff_option(CellDiffOption::ForcedWidth(std::num::NonZeroU16::MIN));
        }
    }
}

fn jpeg(raster: &Raster) -> Result<Vec<u8>, ImageError> {
    let mut file = Cursor::new(Vec::new());
    let colour = match raster {
        Raster::Grey(_) => ExtendedColorType::L8,
        Raster::Colour(_) => ExtendedColorType::Rgb8,
    };
    JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY).write_image(
        raster.as_bytes(),
        raster.width(),
        raster.height(),
        colour,
    )?;
    Ok(file.into_inner())
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma};

    use super::*;

    fn textured() -> Raster {
        let mut seed = 1_u32;
        Raster::Grey(GrayImage::from_fn(90, 54, |x, y| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Luma([(x + y) as u8 + (seed >> 29) as u8])
        }))
    }

    #[test]
    fn a_textured_picture_travels_as_jpeg_and_comes_back_alike() {
        let Raster::Grey(sent) = textured() else {
            panic!("grey");
        };
        let painted = Painted::iterm2(&textured(), (10, 3), Wrap::Plain).unwrap();
        let payload = painted.sequence.split_once("doNotMoveCursor=1:").unwrap().1;
        let file = STANDARD
            .decode(payload.split_once('\x07').unwrap().0)
            .unwrap();
        assert_eq!(
            image::guess_format(&file).unwrap(),
            image::ImageFormat::Jpeg
        );
        let received = image::load_from_memory(&file).unwrap().into_luma8();
        let apart: u64 = sent
            .pixels()
            .zip(received.pixels())
            .map(|(a, b)| u64::from(a.0[0].abs_diff(b.0[0])))
            .sum();
        assert!(apart / (90 * 54) < 3, "{apart}");
    }

    #[test]
    fn a_flat_picture_travels_as_png() {
        let flat = Raster::Grey(GrayImage::from_pixel(90, 54, Luma([7])));
        let painted = Painted::iterm2(&flat, (10, 3), Wrap::Plain).unwrap();
        assert!(painted.sequence.contains(&STANDARD.encode(b"\x89PNG")[..6]));
    }

    #[test]
    fn one_cell_paints_and_the_others_are_left_alone() {
        let painted = Painted::sixel(&textured(), Inks::default(), (10, 3), Wrap::Plain);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 4));
        painted.draw(Rect::new(1, 1, 10, 3), &mut buffer);
        let empty = Buffer::empty(buffer.area);
        let written: Vec<_> = empty
            .diff(&buffer)
            .into_iter()
            .map(|(x, y, _)| (x, y))
            .collect();
        assert_eq!(written, [(1, 1)]);
    }

    #[test]
    fn tmux_is_handed_all_of_it_but_the_step_of_the_cursor() {
        let painted = Painted::sixel(&textured(), Inks::default(), (10, 3), Wrap::Tmux);
        let inner = painted.sequence.strip_prefix("\x1bPtmux;").unwrap();
        let inner = inner.strip_suffix("\x1b\\\x1b[C").unwrap();
        assert!(inner.starts_with("\x1b\x1b7"));
        assert!(inner.ends_with("\x1b\x1b8"));
    }
}
