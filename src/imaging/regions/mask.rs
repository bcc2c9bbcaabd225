//! Pixels of a slice that belong together, and what they measure.

use semihv_domain::Shape;

use crate::{Extent, Framing, Ink, Pixels, Raster};

/// A piece of a slice, cropped to what it covers; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
    /// Rows from the top.
    bits: Vec<bool>,
}

impl Mask {
    /// The pixels of a slice of this size for which `covers`; `None` when there is none.
    pub fn of(extent: Extent, covers: impl Fn(u32, u32) -> bool) -> Option<Self> {
        Self::within((0..extent.width, 0..extent.height), covers)
    }

    /// The same, where it is known that nothing lies outside of some columns and rows.
    fn within(
        (columns, rows): (std::ops::Range<u32>, std::ops::Range<u32>),
        covers: impl Fn(u32, u32) -> bool,
    ) -> Option<Self> {
        let (mut left, mut right) = (u32::MAX, 0);
        let (mut top, mut bottom) = (u32::MAX, 0);
        let width = columns.len();
        let mut all = Vec::with_capacity(width * rows.len());
        for y in rows.clone() {
            for x in columns.clone() {
                let is_covered = covers(x, y);
                all.push(is_covered);
                if is_covered {
                    (left, right) = (left.min(x), right.max(x));
                    (top, bottom) = (top.min(y), bottom.max(y));
                }
            }
        }
        if left > right {
            return None;
        }
        let skipped = (left - columns.start) as usize;
        let kept = (right - left + 1) as usize;
        let lines = all.chunks(width.max(1));
        let lines = lines.skip((top - rows.start) as usize);
        let bits = lines
            .take((bottom - top + 1) as usize)
            .flat_map(|line| line.iter().skip(skipped).take(kept).copied());
        Some(Self {
            left,
            top,
            width: right - left + 1,
            height: bottom - top + 1,
            bits: bits.collect(),
        })
    }

    /// The pixels whose centres lie in a shape; a point is its pixel.
    pub fn of_shape(shape: &Shape, extent: Extent) -> Option<Self> {
        if !shape.is_sound() {
            return None;
        }
        let (x, y, width, height) = shape.bounds();
        let side = |from: f64, length: f64, most: u32| {
            let most = f64::from(most);
            let end = (from + length).ceil().max(from.floor() + 1.0);
            from.floor().clamp(0.0, most) as u32..end.clamp(0.0, most) as u32
        };
        let part = (side(x, width, extent.width), side(y, height, extent.height));
        Self::within(part, |x, y| {
            contains(shape, (f64::from(x) + 0.5, f64::from(y) + 0.5))
        })
    }

    pub fn contains(&self, x: u32, y: u32) -> bool {
        let (Some(x), Some(y)) = (x.checked_sub(self.left), y.checked_sub(self.top)) else {
            return false;
        };
        x < self.width
            && self
                .bits
                .get(y as usize * self.width as usize + x as usize)
                .is_some_and(|bit| *bit)
    }

    /// The covered pixels, row by row.
    pub fn pixels(&self) -> impl Iterator<Item = (u32, u32)> {
        let width = self.width.max(1);
        let all = (0_u32..).zip(&self.bits).filter(|(_, bit)| **bit);
        all.map(move |(at, _)| (self.left + at % width, self.top + at / width))
    }

    /// The smallest box around it.
    pub fn bounds(&self) -> Shape {
        Shape::Box {
            x: f64::from(self.left),
            y: f64::from(self.top),
            width: f64::from(self.width),
            height: f64::from(self.height),
        }
    }
}

fn contains(shape: &Shape, (x, y): (f64, f64)) -> bool {
    match shape {
        &Shape::Box {
            x: left,
            y: top,
            width,
            height,
        } => x >= left && x < left + width && y >= top && y < top + height,
        &Shape::Ellipse { cx, cy, rx, ry } => {
            rx > 0.0 && ry > 0.0 && ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2) <= 1.0
        }
        Shape::Polygon { points } => is_inside(points, (x, y)),
        &Shape::Point { x: left, y: top } => {
            let is_same = |a: f64, b: f64| a.floor() as i64 == b.floor() as i64;
            is_same(left, x) && is_same(top, y)
        }
        Shape::Mask { .. } => false,
    }
}

/// By the even-odd rule.
pub(super) fn is_inside(points: &[(f64, f64)], (x, y): (f64, f64)) -> bool {
    let next = points.iter().cycle().skip(1);
    let crossings = points.iter().zip(next).filter(|((ax, ay), (bx, by))| {
        (*ay > y) != (*by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax
    });
    crossings.count() % 2 == 1
}

/// What a region of a slice measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    pub pixels: u64,
    /// In square millimetres, where the size of a pixel is known.
    pub area: Option<f64>,
    /// Of grey pixels that are numbers.
    pub values: Option<Values>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Values {
    pub mean: f64,
    /// Of all pixels, not of a sample of them.
    pub deviation: f64,
    pub low: f32,
    pub high: f32,
}

/// Measures the pixels of a mask; `spacing` is that of the slice, across and down in millimetres.
pub fn measure(mask: &Mask, pixels: &Pixels, spacing: Option<[f32; 2]>) -> Measure {
    let mut count = 0_u64;
    let (mut known, mut sum, mut squares) = (0_u64, 0.0_f64, 0.0_f64);
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for (x, y) in mask.pixels() {
        count += 1;
        let Some(value) = pixels.value(x, y).filter(|value| value.is_finite()) else {
            continue;
        };
        known += 1;
        sum += f64::from(value);
        squares += f64::from(value).powi(2);
        (low, high) = (low.min(value), high.max(value));
    }
    let mean = sum / known as f64;
    let values = (known > 0).then(|| Values {
        mean,
        deviation: (squares / known as f64 - mean * mean).max(0.0).sqrt(),
        low,
        high,
    });
    let area = spacing.map(|[across, down]| count as f64 * f64::from(across) * f64::from(down));
    Measure {
        pixels: count,
        area,
        values,
    }
}

/// Every so many pixels a line of the hatching.
const HATCHING: u32 = 7;

/// Draws the border of a mask, hatched inside where `is_filled`: greys stay visible between the
/// lines, and a picture of few colours stays small on the wire.
pub fn mask_drawn(
    raster: Raster,
    mask: &Mask,
    framing: &Framing,
    ink: Ink,
    is_filled: bool,
) -> Raster {
    let (width, height) = (raster.width(), raster.height());
    let part = |at: u32, side: u32| (f64::from(at) + 0.5) / f64::from(side.max(1));
    let covered = Mask::of(Extent { width, height }, |x, y| {
        let (x, y) = framing.pixel_at(part(x, width), part(y, height));
        mask.contains(x, y)
    });
    let Some(covered) = covered else {
        return raster;
    };
    let reach = u32::from(ink.width.max(1));
    let is_border = |x: u32, y: u32| {
        let near = |at: u32| at.saturating_sub(reach)..=at + reach;
        // Outside of the picture nothing is known: no border is drawn along its sides.
        let is_open = |x: u32, y: u32| x < width && y < height && !covered.contains(x, y);
        near(x).any(|x| is_open(x, y)) || near(y).any(|y| is_open(x, y))
    };
    let mut canvas = raster.into_colour();
    for (x, y) in covered.pixels() {
        let Some(pixel) = canvas.get_pixel_mut_checked(x, y) else {
            continue;
        };
        if is_border(x, y) || (is_filled && (x + y) % HATCHING == 0) {
            pixel.0 = ink.colour;
        }
    }
    Raster::Colour(canvas)
}

#[cfg(test)]
mod tests {
    use image::GrayImage;

    use super::*;
    use crate::{Look, Plane};

    const SMALL: Extent = Extent {
        width: 8,
        height: 6,
    };

    fn drawn(mask: &Mask) -> Vec<String> {
        let line = |y| {
            let mark = |x| if mask.contains(x, y) { '#' } else { '.' };
            (0..SMALL.width).map(mark).collect()
        };
        (0..SMALL.height).map(line).collect()
    }

    #[test]
    fn shapes_cover_the_pixels_whose_centres_they_hold() {
        let square = Shape::Box {
            x: 1.0,
            y: 2.0,
            width: 3.0,
            height: 2.0,
        };
        let mask = Mask::of_shape(&square, SMALL).unwrap();
        assert_eq!(
            drawn(&mask)[1..5],
            ["........", ".###....", ".###....", "........"]
        );
        assert_eq!(mask.bounds(), square);
        let triangle = Shape::Polygon {
            points: vec![(0.0, 0.0), (6.0, 0.0), (0.0, 6.0)],
        };
        let mask = Mask::of_shape(&triangle, SMALL).unwrap();
        assert_eq!(drawn(&mask)[4], "#.......");
        let point = Shape::Point { x: 7.9, y: 5.0 };
        let mask = Mask::of_shape(&point, SMALL).unwrap();
        assert_eq!((mask.left, mask.top, mask.pixels().count()), (7, 5, 1));
        let outside = Shape::Point { x: 8.0, y: 5.0 };
        assert_eq!(Mask::of_shape(&outside, SMALL), None);
    }

    #[test]
    fn values_that_are_no_numbers_count_for_the_area_alone() {
        let values = vec![1.0, 3.0, f32::NAN, 9.0];
        let pixels = Pixels::Grey(Plane::new(4, 1, values).unwrap());
        let extent = Extent {
            width: 4,
            height: 1,
        };
        let mask = Mask::of(extent, |x, _| x < 3).unwrap();
        let measure = measure(&mask, &pixels, Some([0.5, 2.0]));
        assert_eq!((measure.pixels, measure.area), (3, Some(3.0)));
        let values = measure.values.unwrap();
        assert_eq!((values.mean, values.deviation), (2.0, 1.0));
        assert_eq!((values.low, values.high), (1.0, 3.0));
    }

    #[test]
    fn a_mask_is_drawn_as_its_border_whatever_the_turn() {
        let extent = Extent {
            width: 4,
            height: 4,
        };
        let mask = Mask::of(extent, |x, y| x < 2 && y < 3).unwrap();
        let look = Look {
            turn: crate::Turn::default().mirrored(),
            ..Look::default()
        };
        let room = Extent {
            width: 16,
            height: 16,
        };
        let framing = Framing::of(extent, 1.0, &look, room);
        let ink = Ink {
            colour: [255, 0, 0],
            width: 1,
        };
        let picture = mask_drawn(
            Raster::Grey(GrayImage::new(16, 16)),
            &mask,
            &framing,
            ink,
            true,
        );
        let red = |x, y| picture.rgb(x, y)[0];
        assert_eq!((red(7, 5), red(8, 5), red(12, 11)), (0, 255, 255));
        assert_eq!((red(12, 5), red(12, 12)), (0, 0));
        // Along the side of the picture there is no border.
        assert_eq!((red(15, 5), red(14, 7)), (0, 255));
    }
}
