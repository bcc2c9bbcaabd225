//! Pixel buffers: what a file held, and what can be shown of it.

use image::{DynamicImage, GrayImage, ImageBuffer, Luma, Rgb, RgbImage};

/// Two channels closer than this are one: JPEG rounding is no colour.
const GREY_TOLERANCE: u8 = 2;

/// A decoded picture at its stored size and depth.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    Grey8(GrayImage),
    Grey16(ImageBuffer<Luma<u16>, Vec<u16>>),
    Rgb8(RgbImage),
}

/// A picture in the eight bits that screens show.
#[derive(Debug, Clone, PartialEq)]
pub enum Raster {
    Grey(GrayImage),
    Colour(RgbImage),
}

/// The grey values that become black and white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub black: u16,
    pub white: u16,
}

impl Pixels {
    /// Composites alpha on black and drops channels that carry nothing.
    pub(crate) fn from_decoded(image: DynamicImage) -> Self {
        match image {
            DynamicImage::ImageLuma8(grey) => Self::Grey8(grey),
            DynamicImage::ImageLuma16(grey) => Self::Grey16(grey),
            DynamicImage::ImageLumaA8(veiled) => Self::Grey8(GrayImage::from_fn(
                veiled.width(),
                veiled.height(),
                |x, y| {
                    let [grey, alpha] = veiled.get_pixel(x, y).0;
                    Luma([over_black(grey, alpha)])
                },
            )),
            DynamicImage::ImageLumaA16(veiled) => {
                let (width, height) = veiled.dimensions();
                Self::Grey16(ImageBuffer::from_fn(width, height, |x, y| {
                    let [grey, alpha] = veiled.get_pixel(x, y).0;
                    Luma([(u32::from(grey) * u32::from(alpha) / 65_535) as u16])
                }))
            }
            DynamicImage::ImageRgb8(colour) => Self::from_colour(colour),
            other if other.color().has_alpha() => {
                let veiled = other.into_rgba8();
                let (width, height) = veiled.dimensions();
                Self::from_colour(RgbImage::from_fn(width, height, |x, y| {
                    let [red, green, blue, alpha] = veiled.get_pixel(x, y).0;
                    Rgb([red, green, blue].map(|value| over_black(value, alpha)))
                }))
            }
            other => Self::from_colour(other.into_rgb8()),
        }
    }

    fn from_colour(colour: RgbImage) -> Self {
        let is_grey = colour
            .pixels()
            .all(|Rgb([red, green, blue])| is_near(*red, *green) && is_near(*green, *blue));
        if !is_grey {
            return Self::Rgb8(colour);
        }
        let (width, height) = colour.dimensions();
        Self::Grey8(GrayImage::from_fn(width, height, |x, y| {
            Luma([colour.get_pixel(x, y).0[1]])
        }))
    }

    pub fn width(&self) -> u32 {
        match self {
            Self::Grey8(grey) => grey.width(),
            Self::Grey16(grey) => grey.width(),
            Self::Rgb8(colour) => colour.width(),
        }
    }

    pub fn height(&self) -> u32 {
        match self {
            Self::Grey8(grey) => grey.height(),
            Self::Grey16(grey) => grey.height(),
            Self::Rgb8(colour) => colour.height(),
        }
    }

    /// Darkest and brightest stored value; none for colour.
    pub fn grey_range(&self) -> Option<(u16, u16)> {
        fn ends(values: impl Iterator<Item = u16>) -> Option<(u16, u16)> {
            values.fold(None, |ends, value| match ends {
                None => Some((value, value)),
                Some((low, high)) => Some((value.min(low), value.max(high))),
            })
        }
        match self {
            Self::Grey8(grey) => ends(grey.as_raw().iter().map(|&value| u16::from(value))),
            Self::Grey16(grey) => ends(grey.as_raw().iter().copied()),
            Self::Rgb8(_) => None,
        }
    }

    /// The window that leaves half a percent at either end clipped: scanners put markers and
    /// metal there. None for eight-bit pictures, which are shown as they are.
    pub fn default_window(&self) -> Option<Window> {
        let Self::Grey16(grey) = self else {
            return None;
        };
        let mut histogram = vec![0_u64; 1 << 16];
        for &value in grey.as_raw() {
            if let Some(count) = histogram.get_mut(usize::from(value)) {
                *count += 1;
            }
        }
        let clipped = grey.as_raw().len() as u64 / 200;
        let black = nth_value(histogram.iter().copied(), clipped)?;
        let white = u16::MAX - nth_value(histogram.iter().rev().copied(), clipped)?;
        Some(Window { black, white })
    }

    /// Eight bits for the screen, 16-bit grey through its [`Pixels::default_window`].
    pub fn into_raster(self) -> Raster {
        let window = self.default_window();
        match (self, window) {
            (Self::Grey8(grey), _) => Raster::Grey(grey),
            (Self::Rgb8(colour), _) => Raster::Colour(colour),
            (Self::Grey16(grey), window) => {
                let window = window.unwrap_or(Window {
                    black: 0,
                    white: u16::MAX,
                });
                Raster::Grey(window.apply(&grey))
            }
        }
    }
}

/// The first value below which more than `skipped` pixels lie.
fn nth_value(counts: impl Iterator<Item = u64>, skipped: u64) -> Option<u16> {
    let mut seen = 0;
    let position = counts.into_iter().position(|count| {
        seen += count;
        seen > skipped
    })?;
    u16::try_from(position).ok()
}

impl Window {
    /// Stretches the window over 0 to 255; what lies outside is clipped.
    pub fn apply(self, grey: &ImageBuffer<Luma<u16>, Vec<u16>>) -> GrayImage {
        let black = u32::from(self.black);
        let span = u32::from(self.white).saturating_sub(black).max(1);
        GrayImage::from_fn(grey.width(), grey.height(), |x, y| {
            let Luma([value]) = *grey.get_pixel(x, y);
            let above = u32::from(value).saturating_sub(black).min(span);
            Luma([((above * 255 + span / 2) / span) as u8])
        })
    }
}

impl Raster {
    pub fn width(&self) -> u32 {
        match self {
            Self::Grey(grey) => grey.width(),
            Self::Colour(colour) => colour.width(),
        }
    }

    pub fn height(&self) -> u32 {
        match self {
            Self::Grey(grey) => grey.height(),
            Self::Colour(colour) => colour.height(),
        }
    }

    /// Black outside of the picture.
    pub fn rgb(&self, x: u32, y: u32) -> [u8; 3] {
        match self {
            Self::Grey(grey) => grey
                .get_pixel_checked(x, y)
                .map_or([0; 3], |&Luma([value])| [value; 3]),
            Self::Colour(colour) => colour.get_pixel_checked(x, y).map_or([0; 3], |rgb| rgb.0),
        }
    }

    /// The bytes as stored, rows from the top.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Grey(grey) => grey.as_raw(),
            Self::Colour(colour) => colour.as_raw(),
        }
    }

    /// Three channels, whether needed or not: what an outline is drawn on.
    pub fn into_colour(self) -> RgbImage {
        match self {
            Self::Colour(colour) => colour,
            Self::Grey(grey) => DynamicImage::ImageLuma8(grey).into_rgb8(),
        }
    }

    pub fn to_dynamic(&self) -> DynamicImage {
        match self.clone() {
            Self::Grey(grey) => grey.into(),
            Self::Colour(colour) => colour.into(),
        }
    }
}

fn over_black(value: u8, alpha: u8) -> u8 {
    (u16::from(value) * u16::from(alpha) / 255) as u8
}

fn is_near(left: u8, right: u8) -> bool {
    left.abs_diff(right) <= GREY_TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deep(values: Vec<u16>) -> Pixels {
        Pixels::Grey16(ImageBuffer::from_raw(values.len() as u32, 1, values).unwrap())
    }

    #[test]
    fn the_default_window_clips_half_a_percent_at_either_end() {
        let mut values: Vec<u16> = (0..1000).map(|value| value + 2000).collect();
        values[0] = 0;
        values[999] = 65_535;
        let window = deep(values).default_window().unwrap();
        assert_eq!(
            window,
            Window {
                black: 2005,
                white: 2994
            }
        );
    }

    #[test]
    fn the_ends_of_the_window_are_black_and_white() {
        let Raster::Grey(shown) = deep(vec![100, 150, 200]).into_raster() else {
            panic!("grey stays grey");
        };
        assert_eq!(shown.into_raw(), [0, 128, 255]);
    }

    #[test]
    fn a_flat_sixteen_bit_picture_divides_by_nothing() {
        let Raster::Grey(shown) = deep(vec![700; 50]).into_raster() else {
            panic!("grey stays grey");
        };
        assert!(shown.as_raw().iter().all(|&value| value == 0));
    }

    #[test]
    fn eight_bit_pictures_are_shown_as_they_are() {
        let grey = GrayImage::from_raw(2, 1, vec![40, 90]).unwrap();
        assert_eq!(
            Pixels::Grey8(grey.clone()).into_raster(),
            Raster::Grey(grey)
        );
    }
}
