//! Regions: human-labelled areas of an image, in pixels of the stored picture.

use serde::{Deserialize, Serialize};

use crate::{Cut, ImageId, RegionId, UnixSeconds};

/// The outline of a region; origin at the top left, x to the right, y down, in pixels of the
/// picture or of the slice that it lies on.
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
    /// Pixels or contours of a file of their own: DICOM SEG, RTSTRUCT, a label map, a picture.
    Mask {
        file: String,
        /// Which of the file's segments: its number, or the value of its pixels; 0 is all of them.
        #[serde(default)]
        segment: u32,
    },
}

/// The slice of a volume that a shape lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionSlice {
    pub cut: Cut,
    /// Counted from 0.
    pub slice: u32,
}

/// A named area of an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Region {
    pub id: RegionId,
    pub image: ImageId,
    pub label: String,
    pub shape: Shape,
    /// None: the shape lies on every slice, as on a picture, or its file says where.
    pub slice: Option<RegionSlice>,
    /// Who drew it; the source's name for imported regions.
    pub author: String,
    /// When a person drew it; none for imported regions.
    pub written: Option<UnixSeconds>,
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
            // Only who reads the file knows more.
            Self::Mask { .. } => (0.0, 0.0, 0.0, 0.0),
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
