//! From the voxels of one grid to those of another that shows the same patient.

use crate::scan::Walk;
use crate::{Geometry, Place};

/// A voxel of one grid as a place among those of another: `rows * voxel + offset`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Transfer {
    rows: [[f64; 3]; 3],
    offset: [f64; 3],
}

/// Sides of pictures may differ by this part and still be called alike.
const SAME_SHAPE: f64 = 0.01;

impl Transfer {
    /// By the places in the patient where both grids know them, else voxel by voxel, between grids
    /// of the same shape.
    pub(crate) fn between(from: &Geometry, to: &Geometry) -> Option<Self> {
        if let (Some(forwards), Some(backwards)) = (affine(from), affine(to).and_then(inverted)) {
            return Some(after(backwards, forwards));
        }
        let scale = [0, 1, 2]
            .map(|axis| f64::from(to.extent[axis].max(1)) / f64::from(from.extent[axis].max(1)));
        let is_alike =
            (scale[0] / scale[1] - 1.0).abs() < SAME_SHAPE && from.extent[2] == to.extent[2];
        is_alike.then(|| Self {
            rows: [0, 1, 2].map(|axis| {
                let mut row = [0.0; 3];
                row[axis] = scale[axis];
                row
            }),
            // Pixels are squares: their centres lie half a pixel in.
            offset: scale.map(|scale| scale / 2.0 - 0.5),
        })
    }

    /// From millimetres in the patient to the voxels of a grid.
    pub(super) fn from_patient(to: &Geometry) -> Option<Self> {
        affine(to).and_then(inverted)
    }

    pub(super) fn apply(&self, voxel: [f64; 3]) -> [f64; 3] {
        [0, 1, 2].map(|side| dot(self.rows[side], voxel) + self.offset[side])
    }

    /// What a step along an axis adds.
    pub(super) fn step(&self, axis: usize) -> [f64; 3] {
        self.rows.map(|row| row[axis])
    }
}

/// The pixels of a slice as places among the voxels of another grid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SliceWalk {
    start: [f64; 3],
    across: [f64; 3],
    down: [f64; 3],
}

impl SliceWalk {
    pub(crate) fn of(transfer: &Transfer, onto: &Geometry, place: Place) -> Self {
        let slice = place.slice.min(onto.slices(place.cut) - 1);
        let first = onto.voxel(place.cut, slice, (0, 0));
        let layout = onto.layout(place.cut);
        let along = |walk: Walk| {
            let sign = if walk.is_reversed { -1.0 } else { 1.0 };
            transfer.step(walk.axis).map(|step| step * sign)
        };
        Self {
            start: transfer.apply(first.map(f64::from)),
            across: along(layout.across),
            down: along(layout.down),
        }
    }

    pub(crate) fn at(&self, x: u32, y: u32) -> [f64; 3] {
        [0, 1, 2].map(|axis| {
            self.start[axis] + self.across[axis] * f64::from(x) + self.down[axis] * f64::from(y)
        })
    }
}

/// Columns are steps along the stored axes.
fn affine(geometry: &Geometry) -> Option<Transfer> {
    let (directions, spacing) = (geometry.directions?, geometry.spacing?);
    let rows = [0, 1, 2].map(|side| {
        [0, 1, 2].map(|axis| f64::from(directions[axis][side]) * f64::from(spacing[axis]))
    });
    let offset = geometry.origin.map(f64::from);
    let is_sound = rows
        .iter()
        .flatten()
        .chain(&offset)
        .all(|it| it.is_finite());
    is_sound.then_some(Transfer { rows, offset })
}

fn inverted(
    Transfer {
        rows: [a, b, c],
        offset,
    }: Transfer,
) -> Option<Transfer> {
    let determinant = dot(a, cross(b, c));
    if determinant.abs() < 1e-12 {
        return None;
    }
    let columns = [cross(b, c), cross(c, a), cross(a, b)];
    let rows = [0, 1, 2].map(|row| columns.map(|column| column[row] / determinant));
    let back = rows.map(|row| -dot(row, offset));
    Some(Transfer { rows, offset: back })
}

fn after(second: Transfer, first: Transfer) -> Transfer {
    let rows = second
        .rows
        .map(|row| [0, 1, 2].map(|axis| dot(row, first.rows.map(|inner| inner[axis]))));
    Transfer {
        rows,
        offset: second.apply(first.offset),
    }
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cross([ax, ay, az]: [f64; 3], [bx, by, bz]: [f64; 3]) -> [f64; 3] {
    [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: [f64; 3], b: [f64; 3]) -> bool {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4)
    }

    #[test]
    fn grids_meet_in_the_patient() {
        let fine = Geometry {
            extent: [10, 10, 10],
            spacing: Some([1.0, 1.0, 1.0]),
            directions: Some([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
            origin: [5.0, 0.0, -3.0],
        };
        let turned = Geometry {
            extent: [5, 5, 5],
            spacing: Some([2.0, 3.0, 4.0]),
            directions: Some([[0.0, -1.0, 0.0], [0.8, 0.0, 0.6], [-0.6, 0.0, 0.8]]),
            origin: [1.0, 2.0, 3.0],
        };
        let there = Transfer::between(&fine, &turned).unwrap();
        let back = Transfer::between(&turned, &fine).unwrap();
        assert!(near(
            back.apply(there.apply([1.0, 2.0, 3.0])),
            [1.0, 2.0, 3.0]
        ));
        // Voxel 0 of the turned grid lies at (1, 2, 3) in the patient.
        assert!(near(back.apply([0.0; 3]), [-4.0, 2.0, 6.0]));
        assert!(near(back.step(0), [0.0, -2.0, 0.0]));
    }

    #[test]
    fn pictures_without_a_place_meet_when_they_have_one_shape() {
        let small = Geometry::flat([100, 50, 1]);
        let large = Geometry::flat([200, 100, 1]);
        let scaled = Transfer::between(&small, &large).unwrap();
        assert!(near(scaled.apply([0.0; 3]), [0.5, 0.5, 0.0]));
        assert!(Transfer::between(&small, &Geometry::flat([100, 60, 1])).is_none());
        assert!(Transfer::between(&small, &Geometry::flat([100, 50, 2])).is_none());
        let flat = Geometry {
            spacing: Some([0.0; 3]),
            directions: Some([[0.0; 3]; 3]),
            ..small
        };
        assert!(Transfer::from_patient(&flat).is_none());
    }
}
