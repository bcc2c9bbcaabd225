//! Pixel buffers: what a file held, and what can be shown of it.

use image::imageops::crop_imm;
use image::{DynamicImage, GrayImage, Luma, LumaA, Rgb, RgbImage};

use crate::{Extent, Plane, Window};

/// Two channels closer than this are one: JPEG rounding is no colour.
const GREY_TOLERANCE: u8 = 2;

/// A decoded picture at its stored size and depth.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// Shown as it is.
    Grey8(GrayImage),
    /// Shown through a window.
    Grey(Plane),
    Rgb8(RgbImage),
}

/// A picture in the eight bits that screens show.
#[derive(Debug, Clone, PartialEq)]
pub enum Raster {
    Grey(GrayImage),
    Colour(RgbImage),
}

impl Pixels {
    /// Composites alpha on black and drops channels that carry nothing.
    pub(crate) fn from_decoded(image: DynamicImage) -> Self {
        match image {
            DynamicImage::ImageLuma8(grey) => Self::Grey8(grey),
            DynamicImage::ImageLuma16(grey) => {
                let (width, height) = grey.dimensions();
                deep(width, height, grey.into_raw().into_iter().map(f32::from))
            }
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
                let over_black = veiled.pixels().map(|LumaA([grey, alpha])| {
                    (u32::from(*grey) * u32::from(*alpha) / 65_535) as f32
                });
                deep(width, height, over_black)
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
            Self::Grey(plane) => plane.width,
            Self::Rgb8(colour) => colour.width(),
        }
    }

    pub fn height(&self) -> u32 {
        match self {
            Self::Grey8(grey) => grey.height(),
            Self::Grey(plane) => plane.height,
            Self::Rgb8(colour) => colour.height(),
        }
    }

    /// Darkest and brightest value; none for colour.
    pub fn grey_range(&self) -> Option<(f32, f32)> {
        match self {
            Self::Grey8(grey) => {
                let (low, high) = (grey.as_raw().iter().min(), grey.as_raw().iter().max());
                low.zip(high)
                    .map(|(low, high)| (f32::from(*low), f32::from(*high)))
            }
            Self::Grey(plane) => plane.range(),
            Self::Rgb8(_) => None,
        }
    }

    /// The value under a pixel; none for colour and outside of the picture.
    pub fn value(&self, x: u32, y: u32) -> Option<f32> {
        match self {
            Self::Grey8(grey) => grey
                .get_pixel_checked(x, y)
                .map(|grey| f32::from(grey.0[0])),
            Self::Grey(plane) => plane.value(x, y),
            Self::Rgb8(_) => None,
        }
    }

    /// Counts of values in equal steps from the smallest to the largest; none for colour.
    pub fn histogram(&self, bins: usize) -> Vec<u64> {
        match self {
            Self::Grey(plane) => plane.histogram(bins),
            Self::Grey8(grey) => {
                let values = grey.as_raw().iter().map(|value| f32::from(*value));
                Plane::new(grey.width(), grey.height(), values.collect())
                    .map(|plane| plane.histogram(bins))
                    .unwrap_or_default()
            }
            Self::Rgb8(_) => Vec::new(),
        }
    }

    /// The window that leaves half a percent at either end clipped: scanners put markers and
    /// metal there. None for eight-bit pictures, which are shown as they are.
    pub fn default_window(&self) -> Option<Window> {
        let Self::Grey(plane) = self else {
            return None;
        };
        let (black, white) = plane.clipped_range(0.005)?;
        Some(Window::between(black, white))
    }

    /// Eight bits for the screen; grey through `window`, else through its
    /// [`Pixels::default_window`].
    pub fn into_raster(self, window: Option<Window>) -> Raster {
        let window = window.or_else(|| self.default_window());
        match (self, window) {
            (Self::Grey8(grey), None) => Raster::Grey(grey),
            (Self::Grey8(grey), Some(window)) => {
                Raster::Grey(GrayImage::from_fn(grey.width(), grey.height(), {
                    let (black, white) = window.ends();
                    let scale = 255.0 / (white - black).max(f32::MIN_POSITIVE);
                    move |x, y| {
                        let value = f32::from(grey.get_pixel(x, y).0[0]);
                        Luma([((value - black) * scale + 0.5) as u8])
                    }
                }))
            }
            (Self::Rgb8(colour), _) => Raster::Colour(colour),
            (Self::Grey(plane), window) => Raster::Grey(window.unwrap_or_default().apply(&plane)),
        }
    }
}

/// More than eight bits of grey.
fn deep(width: u32, height: u32, values: impl Iterator<Item = f32>) -> Pixels {
    match Plane::new(width, height, values.collect()) {
        Some(plane) => Pixels::Grey(plane),
        None => Pixels::Grey8(GrayImage::new(width, height)),
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

    /// Greys rounded to one of `levels`, black and white among them; colours stay.
    pub fn with_grey_levels(mut self, levels: u8) -> Self {
        let last = u32::from(levels.max(2) - 1);
        if let Self::Grey(grey) = &mut self {
            for value in grey.iter_mut() {
                let level = (u32::from(*value) * last + 127) / 255;
                *value = (level * 255 / last) as u8;
            }
        }
        self
    }

    /// The part that begins at a pixel; what lies outside is left out.
    pub fn cropped(&self, left: u32, top: u32, part: Extent) -> Self {
        let Extent { width, height } = part;
        match self {
            Self::Grey(grey) => Self::Grey(crop_imm(grey, left, top, width, height).to_image()),
            Self::Colour(colour) => {
                Self::Colour(crop_imm(colour, left, top, width, height).to_image())
            }
        }
    }

    /// Bright where it was dark.
    pub fn inverted(mut self) -> Self {
        let bytes = match &mut self {
            Self::Grey(grey) => grey.as_mut(),
            Self::Colour(colour) => colour.as_mut(),
        };
        for byte in bytes {
            *byte = !*byte;
        }
        self
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
        let values: Vec<f32> = values.into_iter().map(f32::from).collect();
        Pixels::Grey(Plane::new(values.len() as u32, 1, values).unwrap())
    }

    #[test]
    fn the_ends_of_the_window_are_black_and_white() {
        let Raster::Grey(shown) = deep(vec![100, 150, 200]).into_raster(None) else {
            panic!("grey stays grey");
        };
        assert_eq!(shown.into_raw(), [0, 128, 255]);
    }

    #[test]
    fn a_flat_sixteen_bit_picture_divides_by_nothing() {
        let Raster::Grey(shown) = deep(vec![700; 50]).into_raster(None) else {
            panic!("grey stays grey");
        };
        assert!(shown.as_raw().iter().all(|&value| value == 0));
    }

    #[test]
    fn eight_bit_pictures_are_shown_as_they_are_unless_a_window_is_asked_for() {
        let grey = GrayImage::from_raw(2, 1, vec![40, 90]).unwrap();
        let pixels = Pixels::Grey8(grey.clone());
        assert_eq!(pixels.clone().into_raster(None), Raster::Grey(grey));
        let Raster::Grey(shown) = pixels.into_raster(Some(Window::between(40.0, 90.0))) else {
            panic!("grey stays grey");
        };
        assert_eq!(shown.into_raw(), [0, 255]);
    }
}
