//! Regions: human-labelled areas of an image, in pixels of the stored picture.

use serde::{Deserialize, Serialize};

use crate::{ImageId, RegionId};

/// The outline of a region; origin at the top left, x to the right, y down, in pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "snake_case")]
pub enum Shape {
    Box {
        x: f64,
        y: f64,
        width: f64,
        height: f64,
    },
    Ellipse {
        cx: f64,
        cy: f64,
        rx: f64,
        ry: f64,
    },
    Polygon {
        points: Vec<(f64, f64)>,
    },
    Point {
        x: f64,
        y: f64,
    },
}

/// A named area of an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Region {
    pub id: RegionId,
    pub image: ImageId,
    pub label: String,
    pub shape: Shape,
    /// Who drew it; the source's name for imported regions.
    pub author: String,
}

impl Shape {
    /// The smallest upright box around the shape: (x, y, width, height) in pixels.
    pub fn bounds(&self) -> (f64, f64, f64, f64) {
        match self {
            Self::Box {
                x,
                y,
                width,
                height,
            } => (*x, *y, *width, *height),
            Self::Ellipse { cx, cy, rx, ry } => (cx - rx, cy - ry, 2.0 * rx, 2.0 * ry),
            Self::Point { x, y } => (*x, *y, 0.0, 0.0),
            Self::Polygon { points } => {
                let (mut left, mut top) = (f64::INFINITY, f64::INFINITY);
                let (mut right, mut bottom) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
                for &(x, y) in points {
                    left = left.min(x);
                    right = right.max(x);
                    top = top.min(y);
                    bottom = bottom.max(y);
                }
                if points.is_empty() {
                    (0.0, 0.0, 0.0, 0.0)
                } else {
                    (left, top, right - left, bottom - top)
                }
            }
        }
    }

    /// True when every number is finite and no size is negative.
    pub fn is_sound(&self) -> bool {
        let (x, y, width, height) = self.bounds();
        [x, y, width, height].iter().all(|value| value.is_finite()) && width >= 0.0 && height >= 0.0
    }
}
