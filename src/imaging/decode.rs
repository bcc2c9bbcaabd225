//! From the bytes of a picture file to pixels, without trusting a single one of them.
//!
//! A file may claim any size: the header is read first and the decoder gets no more memory than
//! [`Limits`] allows.

use std::fmt;
use std::io::Cursor;

use image::{DynamicImage, ImageError, ImageFormat, ImageReader};

use crate::Pixels;

/// How much a picture may cost before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest side in pixels.
    pub side: u32,
    /// Bytes that decoding may hold at any one time.
    pub memory: u64,
}

impl Default for Limits {
    /// Enough for a stitched radiograph or a slide's overview, too little for a bomb.
    fn default() -> Self {
        Self {
            side: 32_768,
            memory: 512 * 1024 * 1024,
        }
    }
}

/// The published formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Png,
    Jpeg,
    Tiff,
    WebP,
    Gif,
    Bmp,
    Dicom,
    Nifti,
    Npy,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Tiff => "TIFF",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Dicom => "DICOM",
            Self::Nifti => "NIfTI",
            Self::Npy => "NPY",
        })
    }
}

/// What the header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    pub width: u32,
    pub height: u32,
    pub format: Format,
}

/// Why there are no pixels.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the file is empty; fetch it again from its source")]
    Empty,
    #[error(
        "this is no PNG, JPEG, TIFF, WebP, GIF, BMP, DICOM, NIfTI or NPY file; convert it to one \
         of them"
    )]
    UnknownFormat,
    #[error(
        "the picture claims {width} x {height} pixels, more than the {side} a side that are read; \
         scale it down first"
    )]
    TooLarge { width: u32, height: u32, side: u32 },
    #[error("the picture needs more than {} MB to decode; scale it down first", memory >> 20)]
    TooMuchMemory { memory: u64 },
    #[error("the {format} file is damaged or cut off ({why}); fetch it again from its source")]
    Damaged { format: Format, why: String },
    #[error("this kind of {format} is not read ({why}); convert it to another")]
    Unsupported { format: Format, why: String },
    #[error("this DICOM object holds no picture{}", if what.is_empty() { String::new() } else { format!(": its modality is {what}") })]
    NoPixels { what: String },
}

/// Reads size and format from the first bytes; touches no pixel.
pub fn probe(bytes: &[u8]) -> Result<Probe, DecodeError> {
    let (format, codec) = recognise(bytes)?;
    let mut reader = ImageReader::new(Cursor::new(bytes));
    reader.set_format(codec);
    let (width, height) = reader
        .into_dimensions()
        .map_err(|source| refusal(format, Limits::default(), source))?;
    Ok(Probe {
        width,
        height,
        format,
    })
}

/// Decodes a picture; the first frame of an animation.
pub fn decode(bytes: &[u8], limits: Limits) -> Result<Pixels, DecodeError> {
    let Probe {
        width,
        height,
        format,
    } = probe(bytes)?;
    if width > limits.side || height > limits.side {
        return Err(DecodeError::TooLarge {
            width,
            height,
            side: limits.side,
        });
    }
    // The smallest pixel kept is one byte: what cannot fit is not even begun.
    if u64::from(width) * u64::from(height) > limits.memory {
        return Err(DecodeError::TooMuchMemory {
            memory: limits.memory,
        });
    }
    let decoded = decode_as(bytes, format, limits)?;
    if decoded.width() == 0 || decoded.height() == 0 {
        return Err(DecodeError::Empty);
    }
    Ok(Pixels::from_decoded(decoded))
}

fn decode_as(bytes: &[u8], format: Format, limits: Limits) -> Result<DynamicImage, DecodeError> {
    let (_, codec) = recognise(bytes)?;
    let mut reader = ImageReader::new(Cursor::new(bytes));
    reader.set_format(codec);
    let mut allowed = image::Limits::default();
    allowed.max_image_width = Some(limits.side);
    allowed.max_image_height = Some(limits.side);
    allowed.max_alloc = Some(limits.memory);
    reader.limits(allowed);
    reader
        .decode()
        .map_err(|source| refusal(format, limits, source))
}

fn recognise(bytes: &[u8]) -> Result<(Format, ImageFormat), DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let codec = image::guess_format(bytes).map_err(|_| DecodeError::UnknownFormat)?;
    let format = match codec {
        ImageFormat::Png => Format::Png,
        ImageFormat::Jpeg => Format::Jpeg,
        ImageFormat::Tiff => Format::Tiff,
        ImageFormat::WebP => Format::WebP,
        ImageFormat::Gif => Format::Gif,
        ImageFormat::Bmp => Format::Bmp,
        _ => return Err(DecodeError::UnknownFormat),
    };
    Ok((format, codec))
}

fn refusal(format: Format, limits: Limits, source: ImageError) -> DecodeError {
    match source {
        ImageError::Limits(_) => DecodeError::TooMuchMemory {
            memory: limits.memory,
        },
        ImageError::Unsupported(_) => DecodeError::Unsupported {
            format,
            why: source.to_string(),
        },
        source => DecodeError::Damaged {
            format,
            why: source.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use image::{GrayAlphaImage, GrayImage, ImageBuffer, Luma, LumaA, Rgb, RgbImage};

    use super::*;

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn ramp() -> DynamicImage {
        GrayImage::from_fn(40, 30, |x, y| Luma([(x * 5 + y) as u8])).into()
    }

    #[test]
    fn every_published_format_is_probed_and_decoded() {
        for (format, name) in [
            (ImageFormat::Png, Format::Png),
            (ImageFormat::Jpeg, Format::Jpeg),
            (ImageFormat::Tiff, Format::Tiff),
            (ImageFormat::WebP, Format::WebP),
            (ImageFormat::Gif, Format::Gif),
            (ImageFormat::Bmp, Format::Bmp),
        ] {
            let source = match format {
                ImageFormat::Gif | ImageFormat::WebP => ramp().to_rgba8().into(),
                _ => ramp(),
            };
            let bytes = encoded(&source, format);
            let expected = Probe {
                width: 40,
                height: 30,
                format: name,
            };
            assert_eq!(probe(&bytes).unwrap(), expected);
            let pixels = decode(&bytes, Limits::default()).unwrap();
            assert_eq!((pixels.width(), pixels.height()), (40, 30), "{name}");
        }
    }

    #[test]
    fn sixteen_bit_grey_keeps_its_depth_in_png_and_tiff() {
        let deep: DynamicImage =
            ImageBuffer::<Luma<u16>, _>::from_fn(8, 8, |x, y| Luma([(x * 4000 + y * 10) as u16]))
                .into();
        for format in [ImageFormat::Png, ImageFormat::Tiff] {
            let pixels = decode(&encoded(&deep, format), Limits::default()).unwrap();
            assert!(matches!(pixels, Pixels::Grey(_)), "{format:?}");
            assert_eq!(pixels.grey_range(), Some((0.0, 28_070.0)));
        }
    }

    #[test]
    fn transparency_becomes_black() {
        let veiled: DynamicImage =
            GrayAlphaImage::from_fn(4, 1, |x, _| LumaA([200, [0, 255, 128, 0][x as usize]])).into();
        let pixels = decode(&encoded(&veiled, ImageFormat::Png), Limits::default()).unwrap();
        let Pixels::Grey8(grey) = pixels else {
            panic!("grey with alpha stays grey");
        };
        assert_eq!(grey.into_raw(), [0, 200, 100, 0]);
    }

    #[test]
    fn colour_is_kept_where_there_is_some() {
        let stained: DynamicImage = RgbImage::from_pixel(3, 3, Rgb([200, 40, 120])).into();
        let pixels = decode(&encoded(&stained, ImageFormat::Png), Limits::default()).unwrap();
        assert!(matches!(pixels, Pixels::Rgb8(_)));
    }

    #[test]
    fn grey_stored_as_colour_is_recognised_as_grey() {
        let bytes = encoded(&ramp().to_rgb8().into(), ImageFormat::Png);
        let pixels = decode(&bytes, Limits::default()).unwrap();
        assert!(matches!(pixels, Pixels::Grey8(_)));
    }

    /// A PNG header that claims `width` x `height` and holds nothing.
    fn bomb(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = encoded(&GrayImage::new(1, 1).into(), ImageFormat::Png);
        bytes.splice(16..20, width.to_be_bytes());
        bytes.splice(20..24, height.to_be_bytes());
        let checksum = crc32(&bytes[12..29]);
        bytes.splice(29..33, checksum.to_be_bytes());
        bytes
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0_u32, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| {
                (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
            })
        })
    }

    #[test]
    fn a_bomb_is_refused_before_it_costs_memory() {
        assert!(matches!(
            decode(&bomb(400_000, 10), Limits::default()),
            Err(DecodeError::TooLarge { width: 400_000, .. })
        ));
        assert!(matches!(
            decode(&bomb(30_000, 30_000), Limits::default()),
            Err(DecodeError::TooMuchMemory { .. })
        ));
    }

    #[test]
    fn what_is_wrong_is_said_for_a_person() {
        let cut = {
            let mut bytes = encoded(&ramp(), ImageFormat::Png);
            bytes.truncate(bytes.len() / 2);
            bytes
        };
        let said = |bytes: &[u8]| decode(bytes, Limits::default()).unwrap_err().to_string();
        assert_eq!(
            said(&[]),
            "the file is empty; fetch it again from its source"
        );
        assert!(said(b"<html>404</html>").starts_with("this is no PNG, JPEG"));
        assert!(said(&cut).starts_with("the PNG file is damaged or cut off"));
    }
}
