//! A picture as a model takes it: a square of eight-bit RGB, resized as PIL resizes.
//!
//! Weights, rounding and the order of the two passes are PIL's (`Resample.c`), because the models
//! were trained on what it makes: results are those of Pillow 11 in every bit. (Pillow 13 begins
//! with the other pass for some shapes, and differs by one level there.) Only what the
//! crop keeps is computed, so a picture of one line costs no more than a square one.

use image::RgbImage;
use semihv_domain::worker::{Crop, Interpolation, PictureSpec, Resize};
use semihv_imaging::Raster;

/// Bits behind the point in PIL's whole-number weights.
const PRECISION: u32 = 32 - 8 - 2;

/// `side * side` RGB pixels of eight bits, rows from the top. Nothing for an empty picture.
pub fn prepare(picture: &Raster, spec: &PictureSpec) -> Option<Vec<u8>> {
    let (width, height) = (picture.width(), picture.height());
    if width == 0 || height == 0 || spec.side == 0 {
        return None;
    }
    let across = Pass::new(width, resized(width, height, spec), spec);
    let down = Pass::new(height, resized(height, width, spec), spec);
    let rows = down.span();
    let mut wide = RgbImage::new(spec.side, rows.1 - rows.0);
    for (y, row) in (rows.0..rows.1).zip(0..) {
        for (x, taps) in (0..spec.side).zip(&across.taps) {
            wide.put_pixel(x, row, image::Rgb(taps.sum(|at| picture.rgb(at, y))));
        }
    }
    let mut pixels = Vec::with_capacity((spec.side * spec.side * 3) as usize);
    for taps in &down.taps {
        for x in 0..spec.side {
            pixels.extend(taps.sum(|at| wide.get_pixel(x, at - rows.0).0));
        }
    }
    Some(pixels)
}

/// How long an edge is after resizing, before the crop.
fn resized(edge: u32, other: u32, spec: &PictureSpec) -> u64 {
    match spec.resize {
        Resize::Squash => u64::from(spec.side),
        Resize::ShortestEdge(shortest) => {
            let shortest = u64::from(shortest.max(spec.side));
            let longer = shortest * u64::from(edge) / u64::from(edge.min(other));
            longer.max(shortest)
        }
    }
}

/// The first pixel that the crop keeps.
fn crop(length: u64, spec: &PictureSpec) -> u64 {
    let spare = length - u64::from(spec.side);
    // Python's round: a half goes to the even neighbour.
    let is_up = spec.crop == Crop::CentreEven && spare % 4 == 3;
    spare / 2 + u64::from(is_up)
}

/// One direction of resizing.
struct Pass {
    taps: Vec<Taps>,
}

/// What one new pixel is made of.
struct Taps {
    first: u32,
    weights: Vec<i32>,
}

impl Pass {
    /// The kept pixels of an edge of `from` pixels that becomes `to` pixels long.
    fn new(from: u32, to: u64, spec: &PictureSpec) -> Self {
        let first = crop(to, spec);
        let kept = first..first + u64::from(spec.side);
        if to == u64::from(from) {
            // PIL leaves the pass out.
            let same = |at| Taps {
                first: at as u32,
                weights: vec![1 << PRECISION],
            };
            return Self {
                taps: kept.map(same).collect(),
            };
        }
        let scale = f64::from(from) / to as f64;
        let taps = kept.map(|at| Taps::new((at as f64 + 0.5) * scale, scale, from, spec));
        Self {
            taps: taps.collect(),
        }
    }

    /// The old pixels that any new one needs.
    fn span(&self) -> (u32, u32) {
        let first = self.taps.iter().map(|taps| taps.first).min();
        let last = self
            .taps
            .iter()
            .map(|taps| taps.first + taps.weights.len() as u32)
            .max();
        (first.unwrap_or(0), last.unwrap_or(0))
    }
}

impl Taps {
    fn new(centre: f64, scale: f64, from: u32, spec: &PictureSpec) -> Self {
        let stretch = scale.max(1.0);
        let support = stretch
            * match spec.interpolation {
                Interpolation::Bilinear => 1.0,
                Interpolation::Bicubic => 2.0,
            };
        let first = (centre - support + 0.5).max(0.0) as u32;
        let last = ((centre + support + 0.5) as u32).min(from);
        let shrink = 1.0 / stretch;
        let weigh = |at: u32| {
            let away = (f64::from(at) - centre + 0.5) * shrink;
            weight(away, spec.interpolation)
        };
        let weights: Vec<f64> = (first..last).map(weigh).collect();
        let sum: f64 = weights.iter().sum();
        let whole = |weight: &f64| {
            let share = if sum == 0.0 { *weight } else { weight / sum };
            let scaled = share * f64::from(1_u32 << PRECISION);
            (scaled + 0.5_f64.copysign(scaled)) as i32
        };
        Self {
            first,
            weights: weights.iter().map(whole).collect(),
        }
    }

    fn sum(&self, pixel: impl Fn(u32) -> [u8; 3]) -> [u8; 3] {
        let mut sums = [1_i32 << (PRECISION - 1); 3];
        for (at, weight) in (self.first..).zip(&self.weights) {
            for (sum, value) in sums.iter_mut().zip(pixel(at)) {
                *sum += i32::from(value) * weight;
            }
        }
        sums.map(|sum| (sum >> PRECISION).clamp(0, 255) as u8)
    }
}

fn weight(away: f64, interpolation: Interpolation) -> f64 {
    /// PIL's; other programs use -0.75.
    const A: f64 = -0.5;
    let away = away.abs();
    match interpolation {
        Interpolation::Bilinear => (1.0 - away).max(0.0),
        Interpolation::Bicubic if away < 1.0 => ((A + 2.0) * away - (A + 3.0)) * away * away + 1.0,
        Interpolation::Bicubic if away < 2.0 => (((away - 5.0) * away + 8.0) * away - 4.0) * A,
        Interpolation::Bicubic => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use image::GrayImage;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Golden {
        width: u32,
        height: u32,
        grey: bool,
        spec: PictureSpec,
        /// All bytes, in base64.
        expected: String,
    }

    /// The same numbers as `tests/golden/encoders.py` draws.
    fn noise(count: u32, seed: u32) -> Vec<u8> {
        let mut state = seed;
        let draw = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..count).map(draw).collect()
    }

    fn picture(golden: &Golden) -> Raster {
        let (width, height) = (golden.width, golden.height);
        let count = width * height;
        if golden.grey {
            let grey = GrayImage::from_raw(width, height, noise(count, width * 1000 + height));
            return Raster::Grey(grey.unwrap());
        }
        let colour = RgbImage::from_raw(width, height, noise(count * 3, width * 1000 + height));
        Raster::Colour(colour.unwrap())
    }

    #[test]
    fn pictures_are_pils_in_every_bit() {
        let goldens: Vec<Golden> =
            serde_json::from_str(include_str!("testdata/prepare.json")).unwrap();
        assert!(goldens.len() >= 12);
        for golden in goldens {
            let ours = prepare(&picture(&golden), &golden.spec).unwrap();
            let theirs = semihv_domain::worker::unpack_picture(&golden.expected).unwrap();
            assert_eq!(ours.len(), theirs.len());
            let worst = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max();
            let shape = (golden.width, golden.height, &golden.spec);
            assert_eq!(worst, Some(0), "{shape:?}");
        }
    }

    #[test]
    fn a_very_long_picture_costs_little() {
        let line = Raster::Grey(GrayImage::new(60_000, 1));
        let spec = PictureSpec {
            side: 224,
            resize: Resize::ShortestEdge(224),
            crop: Crop::CentreDown,
            interpolation: Interpolation::Bicubic,
            mean: [0.0; 3],
            std: [1.0; 3],
        };
        assert_eq!(prepare(&line, &spec).unwrap().len(), 224 * 224 * 3);
        let empty = Raster::Grey(GrayImage::new(0, 7));
        assert_eq!(prepare(&empty, &spec), None);
    }
}
