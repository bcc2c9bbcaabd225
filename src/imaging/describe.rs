//! A picture in words, for terminals that show none and for pipes.

use crate::{Format, Pixels};

/// `512 x 512 · PNG · 16-bit grey 0 to 4095, window 12 to 3010`.
pub fn describe(pixels: &Pixels, format: Format) -> String {
    let size = format!("{} x {} · {format}", pixels.width(), pixels.height());
    let depth = match pixels {
        Pixels::Grey8(_) => "8-bit grey",
        Pixels::Grey16(_) => "16-bit grey",
        Pixels::Rgb8(_) => "colour",
    };
    let range = pixels
        .grey_range()
        .map(|(low, high)| format!(" {low} to {high}"))
        .unwrap_or_default();
    let window = pixels
        .default_window()
        .map(|window| format!(", window {} to {}", window.black, window.white))
        .unwrap_or_default();
    format!("{size} · {depth}{range}{window}")
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, ImageBuffer, RgbImage};

    use super::*;

    #[test]
    fn grey_is_described_with_its_range() {
        let grey = GrayImage::from_raw(2, 1, vec![7, 240]).unwrap();
        assert_eq!(
            describe(&Pixels::Grey8(grey), Format::Jpeg),
            "2 x 1 · JPEG · 8-bit grey 7 to 240"
        );
    }

    #[test]
    fn sixteen_bits_are_described_with_their_window() {
        let deep = ImageBuffer::from_raw(2, 1, vec![10, 4000]).unwrap();
        assert_eq!(
            describe(&Pixels::Grey16(deep), Format::Tiff),
            "2 x 1 · TIFF · 16-bit grey 10 to 4000, window 10 to 4000"
        );
    }

    #[test]
    fn colour_has_no_grey_range() {
        assert_eq!(
            describe(&Pixels::Rgb8(RgbImage::new(3, 4)), Format::Bmp),
            "3 x 4 · BMP · colour"
        );
    }
}
