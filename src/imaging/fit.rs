//! Scaling a picture into the room there is.

use image::imageops::{FilterType, thumbnail};
use image::{GrayImage, RgbImage};

use crate::Raster;

/// Small pictures are enlarged at most this much; beyond it one sees squares, not findings.
const LARGEST_ENLARGEMENT: f64 = 4.0;

/// A size in pixels, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub width: u32,
    pub height: u32,
}

/// The largest extent with the shape of `picture` inside `room`.
pub fn fitted(picture: Extent, room: Extent) -> Extent {
    let across = f64::from(room.width.max(1)) / f64::from(picture.width.max(1));
    let down = f64::from(room.height.max(1)) / f64::from(picture.height.max(1));
    let scale = across.min(down).min(LARGEST_ENLARGEMENT);
    let side = |length: u32, limit: u32| {
        let scaled = (f64::from(length) * scale).round() as u32;
        scaled.clamp(1, limit.max(1))
    };
    Extent {
        width: side(picture.width, room.width),
        height: side(picture.height, room.height),
    }
}

/// Fits a picture into `room`, keeping its shape.
pub fn fit(picture: Raster, room: Extent) -> Raster {
    let extent = fitted(
        Extent {
            width: picture.width(),
            height: picture.height(),
        },
        room,
    );
    resize(picture, extent)
}

/// Scales to exactly `extent`: shrinking averages areas, enlarging interpolates.
pub fn resize(picture: Raster, extent: Extent) -> Raster {
    let Extent { width, height } = extent;
    if (picture.width(), picture.height()) == (width, height) {
        return picture;
    }
    let is_shrinking = width <= picture.width() && height <= picture.height();
    match picture {
        Raster::Grey(grey) => Raster::Grey(scale_grey(&grey, extent, is_shrinking)),
        Raster::Colour(colour) => Raster::Colour(scale_colour(&colour, extent, is_shrinking)),
    }
}

fn scale_grey(grey: &GrayImage, extent: Extent, is_shrinking: bool) -> GrayImage {
    if is_shrinking {
        thumbnail(grey, extent.width, extent.height)
    } else {
        image::imageops::resize(grey, extent.width, extent.height, FilterType::Triangle)
    }
}

fn scale_colour(colour: &RgbImage, extent: Extent, is_shrinking: bool) -> RgbImage {
    if is_shrinking {
        thumbnail(colour, extent.width, extent.height)
    } else {
        image::imageops::resize(colour, extent.width, extent.height, FilterType::Triangle)
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use proptest::prelude::*;

    use super::*;

    fn extent(width: u32, height: u32) -> Extent {
        Extent { width, height }
    }

    #[test]
    fn a_wide_picture_is_limited_by_its_width() {
        assert_eq!(
            fitted(extent(2000, 1000), extent(720, 720)),
            extent(720, 360)
        );
    }

    #[test]
    fn a_small_picture_is_enlarged_at_most_four_times() {
        assert_eq!(fitted(extent(64, 32), extent(720, 720)), extent(256, 128));
    }

    #[test]
    fn shrinking_averages_areas() {
        let stripes = GrayImage::from_fn(64, 64, |x, _| Luma([if x % 2 == 0 { 0 } else { 200 }]));
        let Raster::Grey(shown) = fit(Raster::Grey(stripes), extent(8, 8)) else {
            panic!("grey stays grey");
        };
        assert!(shown.as_raw().iter().all(|value| value.abs_diff(100) <= 1));
    }

    proptest! {
        #[test]
        fn what_is_fitted_never_leaves_its_room(
            width in 1_u32..40_000, height in 1_u32..40_000,
            across in 0_u32..2_000, down in 0_u32..2_000,
        ) {
            let fitted = fitted(extent(width, height), extent(across, down));
            prop_assert!((1..=across.max(1)).contains(&fitted.width));
            prop_assert!((1..=down.max(1)).contains(&fitted.height));
        }
    }
}
