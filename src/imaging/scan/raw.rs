//! A volume as a file holds it: numbers one after the other, read a slice at a time.
//!
//! Nothing is converted before it is looked at, so that a large volume costs its bytes and no more.

use std::sync::Arc;

use super::geometry::{Geometry, Layout, Walk};
use crate::{DecodeError, Plane};

/// How one number is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberKind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

impl NumberKind {
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// Numbers with the first axis running fastest, `times` volumes one after the other.
#[derive(Debug, Clone)]
pub(crate) struct RawVolume {
    bytes: Arc<Vec<u8>>,
    start: usize,
    kind: NumberKind,
    is_big_endian: bool,
    extent: [u32; 3],
    times: u32,
    /// Numbers between neighbours along each axis, and between volumes.
    strides: [usize; 4],
    slope: f64,
    intercept: f64,
}

/// What is said of the numbers besides their shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coding {
    pub kind: NumberKind,
    pub is_big_endian: bool,
    pub slope: f64,
    pub intercept: f64,
}

impl RawVolume {
    /// Volumes that the bytes do not hold whole are left out; without the first there is none.
    pub(crate) fn new(
        bytes: Arc<Vec<u8>>,
        start: usize,
        coding: Coding,
        (extent, times): ([u32; 3], u32),
    ) -> Option<Self> {
        let [columns, rows, slices] = extent.map(|side| side as usize);
        let plane = columns.checked_mul(rows)?;
        let volume = plane.checked_mul(slices)?;
        let size = volume.checked_mul(coding.kind.bytes())?;
        let held = bytes.len().checked_sub(start)?.checked_div(size)?;
        let times = times.min(u32::try_from(held).unwrap_or(u32::MAX));
        (times > 0).then_some(Self {
            bytes,
            start,
            kind: coding.kind,
            is_big_endian: coding.is_big_endian,
            extent,
            times,
            strides: [1, columns, plane, volume],
            slope: coding.slope,
            intercept: coding.intercept,
        })
    }

    pub(crate) fn times(&self) -> u32 {
        self.times
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The slice of a cut, laid out for the screen.
    pub(crate) fn plane(
        &self,
        layout: Layout,
        slice: u32,
        time: u32,
    ) -> Result<Plane, DecodeError> {
        let (width, height) = (
            self.extent[layout.across.axis],
            self.extent[layout.down.axis],
        );
        let across = self.steps(layout.across);
        let down = self.steps(layout.down);
        let through = self.steps(layout.through);
        let slice = slice.min(self.extent[layout.through.axis].saturating_sub(1));
        let base = time.min(self.times - 1) as usize * self.strides[3] + through.at(slice);
        let grid = Grid {
            base,
            across,
            down,
            width,
            height,
        };
        let values = self.numbers(&grid);
        Plane::new(width, height, values).ok_or(DecodeError::Empty)
    }

    fn steps(&self, walk: Walk) -> Steps {
        Steps {
            stride: self.strides[walk.axis],
            last: self.extent[walk.axis].saturating_sub(1),
            is_reversed: walk.is_reversed,
        }
    }

    fn numbers(&self, grid: &Grid) -> Vec<f32> {
        macro_rules! read {
            ($number:ty) => {
                if self.is_big_endian {
                    self.gather(grid, |bytes| <$number>::from_be_bytes(bytes) as f64)
                } else {
                    self.gather(grid, |bytes| <$number>::from_le_bytes(bytes) as f64)
                }
            };
        }
        match self.kind {
            NumberKind::U8 => read!(u8),
            NumberKind::I8 => read!(i8),
            NumberKind::U16 => read!(u16),
            NumberKind::I16 => read!(i16),
            NumberKind::U32 => read!(u32),
            NumberKind::I32 => read!(i32),
            NumberKind::U64 => read!(u64),
            NumberKind::I64 => read!(i64),
            NumberKind::F32 => read!(f32),
            NumberKind::F64 => read!(f64),
        }
    }

    fn gather<const N: usize>(&self, grid: &Grid, read: impl Fn([u8; N]) -> f64) -> Vec<f32> {
        let data = self.bytes.get(self.start..).unwrap_or_default();
        let (numbers, _) = data.as_chunks::<N>();
        let mut values = Vec::with_capacity(grid.width as usize * grid.height as usize);
        let scaled = |bytes: &[u8; N]| (read(*bytes) * self.slope + self.intercept) as f32;
        for y in 0..grid.height {
            let row = grid.base + grid.down.at(y);
            if grid.across.stride == 1 && !grid.across.is_reversed {
                let row = numbers
                    .get(row..row + grid.width as usize)
                    .unwrap_or_default();
                values.extend(row.iter().map(scaled));
            } else {
                let at = |x| numbers.get(row + grid.across.at(x));
                values.extend((0..grid.width).map(|x| at(x).map_or(0.0, scaled)));
            }
        }
        values
    }
}

/// A stored slice, its rows and columns walked as a cut wants them.
pub(crate) fn rearranged(plane: Plane, layout: Layout) -> Option<Plane> {
    let extent = [plane.width, plane.height];
    let strides = [1, plane.width as usize];
    let steps = |walk: Walk| {
        Some(Steps {
            stride: *strides.get(walk.axis)?,
            last: extent.get(walk.axis)?.saturating_sub(1),
            is_reversed: walk.is_reversed,
        })
    };
    let (across, down) = (steps(layout.across)?, steps(layout.down)?);
    let (width, height) = (across.last + 1, down.last + 1);
    let values = plane.values();
    let at = |x, y| {
        values
            .get(across.at(x) + down.at(y))
            .copied()
            .unwrap_or(0.0)
    };
    let walked = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    Plane::new(width, height, walked.map(|(x, y)| at(x, y)).collect())
}

struct Grid {
    base: usize,
    across: Steps,
    down: Steps,
    width: u32,
    height: u32,
}

#[derive(Clone, Copy)]
struct Steps {
    stride: usize,
    last: u32,
    is_reversed: bool,
}

impl Steps {
    fn at(self, step: u32) -> usize {
        let step = if self.is_reversed {
            self.last - step.min(self.last)
        } else {
            step
        };
        step as usize * self.stride
    }
}

impl Geometry {
    /// Voxels of a volume.
    pub(crate) fn voxels(&self) -> Option<usize> {
        self.extent
            .iter()
            .try_fold(1_usize, |product, &side| product.checked_mul(side as usize))
    }
}
