//! Region outlines drawn into a picture.
//!
//! Coordinates come from strangers: they may be huge, negative or not numbers, so every line is
//! clipped to the picture before a pixel is touched.

use image::{Rgb, RgbImage};
use semihv_domain::Shape;

use crate::{Extent, Raster};

/// An ellipse is drawn as this many straight pieces.
const ELLIPSE_PIECES: u32 = 96;
/// Half the size of the cross that marks a point, in shown pixels.
const CROSS_ARM: f64 = 6.0;

/// With what a region is outlined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ink {
    pub colour: [u8; 3],
    /// Line width in shown pixels.
    pub width: u8,
}

type Point = (f64, f64);

/// Draws `shape`, given in the pixels of a picture of size `stored`, into its scaled raster.
pub fn outline(raster: Raster, shape: &Shape, stored: Extent, ink: Ink) -> Raster {
    if !shape.is_sound() || stored.width == 0 || stored.height == 0 {
        return raster;
    }
    let across = f64::from(raster.width()) / f64::from(stored.width);
    let down = f64::from(raster.height()) / f64::from(stored.height);
    let mut canvas = raster.into_colour();
    let scaled: Vec<Point> = corners(shape)
        .into_iter()
        .map(|(x, y)| (x * across, y * down))
        .collect();
    match (shape, scaled.as_slice()) {
        (Shape::Point { .. }, &[(x, y)]) => {
            line(&mut canvas, (x - CROSS_ARM, y), (x + CROSS_ARM, y), ink);
            line(&mut canvas, (x, y - CROSS_ARM), (x, y + CROSS_ARM), ink);
        }
        (_, points) => {
            let next = points.iter().cycle().skip(1);
            for (&from, &to) in points.iter().zip(next) {
                line(&mut canvas, from, to, ink);
            }
        }
    }
    Raster::Colour(canvas)
}

fn corners(shape: &Shape) -> Vec<Point> {
    match shape {
        &Shape::Box {
            x,
            y,
            width,
            height,
        } => vec![
            (x, y),
            (x + width, y),
            (x + width, y + height),
            (x, y + height),
        ],
        &Shape::Ellipse { cx, cy, rx, ry } => (0..ELLIPSE_PIECES)
            .map(|piece| {
                let angle = f64::from(piece) / f64::from(ELLIPSE_PIECES) * std::f64::consts::TAU;
                (cx + rx * angle.cos(), cy + ry * angle.sin())
            })
            .collect(),
        Shape::Polygon { points } => points.clone(),
        &Shape::Point { x, y } => vec![(x, y)],
        Shape::Mask { .. } => Vec::new(),
    }
}

/// One straight line, clipped; wider lines are drawn as neighbours towards the inside of the axis.
fn line(canvas: &mut RgbImage, from: Point, to: Point, ink: Ink) {
    let is_steep = (to.1 - from.1).abs() > (to.0 - from.0).abs();
    for offset in 0..ink.width.max(1) {
        let shift = f64::from(offset) - f64::from(ink.width.saturating_sub(1)) / 2.0;
        let moved = |(x, y): Point| {
            if is_steep {
                (x + shift, y)
            } else {
                (x, y + shift)
            }
        };
        thin_line(canvas, moved(from), moved(to), ink.colour);
    }
}

fn thin_line(canvas: &mut RgbImage, from: Point, to: Point, colour: [u8; 3]) {
    let (right, bottom) = (
        f64::from(canvas.width().saturating_sub(1)),
        f64::from(canvas.height().saturating_sub(1)),
    );
    let Some((from, to)) = clipped(from, to, (right, bottom)) else {
        return;
    };
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let steps = dx.abs().max(dy.abs()).ceil().max(1.0) as u32;
    for step in 0..=steps {
        let part = f64::from(step) / f64::from(steps);
        let x = (from.0 + dx * part).round().clamp(0.0, right) as u32;
        let y = (from.1 + dy * part).round().clamp(0.0, bottom) as u32;
        if let Some(pixel) = canvas.get_pixel_mut_checked(x, y) {
            *pixel = Rgb(colour);
        }
    }
}

/// The part of a line inside `(0, 0)` to `(right, bottom)`, by Liang and Barsky.
fn clipped(from: Point, to: Point, (right, bottom): Point) -> Option<(Point, Point)> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut enters, mut leaves) = (0.0_f64, 1.0_f64);
    let edges = [
        (-dx, from.0),
        (dx, right - from.0),
        (-dy, from.1),
        (dy, bottom - from.1),
    ];
    for (speed, distance) in edges {
        if speed == 0.0 {
            if distance < 0.0 {
                return None;
            }
            continue;
        }
        let at = distance / speed;
        if speed < 0.0 {
            enters = enters.max(at);
        } else {
            leaves = leaves.min(at);
        }
    }
    let point = |part: f64| (from.0 + dx * part, from.1 + dy * part);
    let (start, end) = (point(enters), point(leaves));
    let is_drawable = enters <= leaves
        && [start.0, start.1, end.0, end.1]
            .iter()
            .all(|value| value.is_finite());
    is_drawable.then_some((start, end))
}

#[cfg(test)]
mod tests {
    use image::GrayImage;
    use proptest::prelude::*;

    use super::*;

    const RED: Ink = Ink {
        colour: [255, 0, 0],
        width: 1,
    };

    fn drawn(shape: &Shape, stored: u32) -> Vec<String> {
        let stored = Extent {
            width: stored,
            height: stored,
        };
        let raster = outline(Raster::Grey(GrayImage::new(10, 10)), shape, stored, RED);
        (0..10)
            .map(|y| {
                (0..10)
                    .map(|x| {
                        if raster.rgb(x, y) == [255, 0, 0] {
                            '#'
                        } else {
                            '.'
                        }
                    })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn a_box_is_outlined_in_the_scaled_picture() {
        let shape = Shape::Box {
            x: 20.0,
            y: 30.0,
            width: 50.0,
            height: 20.0,
        };
        assert_eq!(
            drawn(&shape, 100)[2..7],
            [
                "..........",
                "..######..",
                "..#....#..",
                "..######..",
                ".........."
            ]
        );
    }

    #[test]
    fn an_ellipse_keeps_its_centre_free() {
        let rows = drawn(
            &Shape::Ellipse {
                cx: 5.0,
                cy: 5.0,
                rx: 3.0,
                ry: 2.0,
            },
            10,
        );
        assert_eq!(&rows[5][5..6], ".");
        assert_eq!(&rows[5][2..3], "#");
        assert_eq!(&rows[3][5..6], "#");
    }

    #[test]
    fn a_polygon_is_closed() {
        let rows = drawn(
            &Shape::Polygon {
                points: vec![(1.0, 1.0), (8.0, 1.0), (8.0, 8.0)],
            },
            10,
        );
        assert_eq!(rows[4], "....#...#.");
    }

    #[test]
    fn a_point_is_a_cross() {
        let rows = drawn(&Shape::Point { x: 5.0, y: 5.0 }, 10);
        assert_eq!(rows[5], "##########");
        assert_eq!(rows[0], ".....#....");
    }

    #[test]
    fn shapes_that_are_no_numbers_are_left_out() {
        let shape = Shape::Point {
            x: f64::NAN,
            y: 1.0,
        };
        assert!(drawn(&shape, 10).iter().all(|row| row == ".........."));
    }

    proptest! {
        #[test]
        fn no_coordinates_are_too_wild(
            points in prop::collection::vec((any::<f64>(), any::<f64>()), 0..6),
            stored in 1_u32..5000, width in 0_u8..5,
        ) {
            let stored = Extent { width: stored, height: stored };
            let ink = Ink { width, ..RED };
            let raster = Raster::Grey(GrayImage::new(17, 9));
            let shown = outline(raster, &Shape::Polygon { points }, stored, ink);
            prop_assert_eq!((shown.width(), shown.height()), (17, 9));
        }
    }
}
