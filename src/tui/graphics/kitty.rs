//! The kitty protocol without placeholders: a picture laid over the cells at the cursor.
//!
//! For kitty before 0.28 and terminals that know the protocol but no placeholders. Grey pictures
//! go out as grey PNG: a twentieth of the raw pixels.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError};
use semihv_imaging::Raster;

/// The protocol's limit for one piece of payload.
const PIECE: usize = 4096;

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

pub(crate) fn png(raster: &Raster) -> Result<Vec<u8>, ImageError> {
    let colour = match raster {
        Raster::Grey(_) => ExtendedColorType::L8,
        Raster::Colour(_) => ExtendedColorType::Rgb8,
    };
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Level(2), FilterType::Adaptive)
        .write_image(raster.as_bytes(), raster.width(), raster.height(), colour)?;
    Ok(png)
}

/// Sends a picture and shows it at the cursor, which stays where it is.
pub(crate) fn transmission(png: &[u8], number: ImageNumber) -> Vec<u8> {
    let payload = STANDARD.encode(png);
    let mut pieces = payload.as_bytes().chunks(PIECE).peekable();
    let mut sequence = Vec::with_capacity(payload.len() + payload.len() / 256 + 64);
    let mut keys = format!("a=T,f=100,i={},p=1,C=1,q=2,", number.0);
    while let Some(piece) = pieces.next() {
        let more = u8::from(pieces.peek().is_some());
        sequence.extend_from_slice(format!("\x1b_G{keys}m={more};").as_bytes());
        sequence.extend_from_slice(piece);
        sequence.extend_from_slice(b"\x1b\\");
        "q=2,".clone_into(&mut keys);
    }
    sequence
}

#[cfg(test)]
mod tests {
    use image::GrayImage;

    use super::*;

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
        let png = png(&Raster::Grey(grey.clone())).unwrap();
        let sent = String::from_utf8(transmission(&png, ImageNumber(7))).unwrap();
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
