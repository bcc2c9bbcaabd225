//! Labelled voxels in a grid of their own, shown on the slices of a scan.

use super::transfer::{SliceWalk, Transfer};
use super::{Mask, Presence, RegionError};
use crate::{Cut, Extent, Geometry, Place};

/// Labels of every voxel; segments that overlap lie in different layers.
#[derive(Debug)]
pub(super) struct Layers {
    geometry: Geometry,
    /// 0 for nothing, else a segment's position and one.
    voxels: Vec<Vec<u8>>,
    /// The layer of every segment.
    homes: Vec<usize>,
}

/// A byte holds the positions of no more.
pub(super) const MOST_SEGMENTS: usize = 255;

impl Layers {
    pub(super) fn empty(geometry: Geometry, segments: usize) -> Self {
        Self {
            geometry,
            voxels: Vec::new(),
            homes: vec![0; segments.min(MOST_SEGMENTS)],
        }
    }

    pub(super) fn one(geometry: Geometry, voxels: Vec<u8>, segments: usize) -> Self {
        Self {
            voxels: vec![voxels],
            ..Self::empty(geometry, segments)
        }
    }

    #[cfg(test)]
    pub(super) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.voxels.iter().map(Vec::len).sum()
    }

    /// Puts a segment into the first layer where it covers no other. Returns false when there is
    /// no memory for one more layer.
    pub(super) fn put(&mut self, segment: usize, covered: &[usize], memory: u64) -> bool {
        let Some(value) = u8::try_from(segment + 1).ok().filter(|it| *it > 0) else {
            return false;
        };
        let is_free = |layer: &Vec<u8>| {
            covered
                .iter()
                .all(|at| layer.get(*at).is_none_or(|found| *found == 0))
        };
        let free = self.voxels.iter().position(is_free);
        let home = free.unwrap_or(self.voxels.len());
        if free.is_none() {
            let [x, y, z] = self.geometry.extent.map(|side| side as usize);
            let size = x.saturating_mul(y).saturating_mul(z);
            if (self.held_bytes().saturating_add(size)) as u64 > memory {
                return false;
            }
            self.voxels.push(vec![0; size]);
        }
        if let (Some(layer), Some(place)) = (self.voxels.get_mut(home), self.homes.get_mut(segment))
        {
            *place = home;
            for at in covered {
                if let Some(voxel) = layer.get_mut(*at) {
                    *voxel = value;
                }
            }
        }
        true
    }

    fn misfit(&self, onto: &Geometry) -> RegionError {
        RegionError::Misfit {
            regions: self.geometry.extent,
            scan: onto.extent,
        }
    }

    /// What of some segments lies on a slice of a scan: at every pixel the nearest voxel counts.
    pub(super) fn mask(
        &self,
        segments: &[usize],
        onto: &Geometry,
        place: Place,
    ) -> Result<Option<Mask>, RegionError> {
        let transfer = Transfer::between(onto, &self.geometry).ok_or_else(|| self.misfit(onto))?;
        // For every layer in which one of them lies, whether a value is one of theirs.
        let mut wanted: Vec<(&[u8], [bool; 256])> = Vec::new();
        for (home, layer) in self.voxels.iter().enumerate() {
            let mut is_wanted = [false; 256];
            for segment in segments
                .iter()
                .filter(|it| self.homes.get(**it) == Some(&home))
            {
                if let Some(value) = is_wanted.get_mut(segment + 1) {
                    *value = true;
                }
            }
            if is_wanted.contains(&true) {
                wanted.push((layer, is_wanted));
            }
        }
        let walk = SliceWalk::of(&transfer, onto, place);
        let [width, height, depth] = self.geometry.extent;
        Ok(Mask::of(onto.slice_extent(place.cut), |x, y| {
            let found = walk.at(x, y);
            let at = |axis: usize, side: u32| {
                let place = found[axis] + 0.5;
                (place >= 0.0 && place < f64::from(side)).then_some(place as usize)
            };
            let (Some(i), Some(j), Some(k)) = (at(0, width), at(1, height), at(2, depth)) else {
                return false;
            };
            let at = (k * height as usize + j) * width as usize + i;
            wanted.iter().any(|(layer, is_wanted)| {
                let value = layer.get(at).copied().unwrap_or(0);
                is_wanted.get(usize::from(value)).is_some_and(|it| *it)
            })
        }))
    }

    /// On which slices of a cut the segments lie.
    pub(super) fn presence(&self, onto: &Geometry, cut: Cut) -> Result<Vec<Presence>, RegionError> {
        let transfer = Transfer::between(&self.geometry, onto).ok_or_else(|| self.misfit(onto))?;
        let through = onto.layout(cut).through;
        let slices = onto.slices(cut);
        let mut found = vec![Presence::none(slices); self.homes.len()];
        let step = transfer.step(0)[through.axis];
        let [width, height, _] = self.geometry.extent.map(|side| side.max(1) as usize);
        for layer in &self.voxels {
            for (line, row) in layer.chunks(width).enumerate() {
                let voxel = [0.0, (line % height) as f64, (line / height) as f64];
                let start = transfer.apply(voxel)[through.axis];
                for (x, value) in row.iter().enumerate().filter(|(_, value)| **value > 0) {
                    let at = (start + step * x as f64).round();
                    if at < 0.0 || at >= f64::from(slices) {
                        continue;
                    }
                    let at = at as u32;
                    let slice = if through.is_reversed {
                        slices - 1 - at
                    } else {
                        at
                    };
                    if let Some(presence) = found.get_mut(usize::from(*value) - 1) {
                        presence.add(slice, 1);
                    }
                }
            }
        }
        Ok(found)
    }
}

impl Geometry {
    /// Pixels of a slice across and down.
    pub fn slice_extent(&self, cut: Cut) -> Extent {
        let layout = self.layout(cut);
        Extent {
            width: self.extent[layout.across.axis],
            height: self.extent[layout.down.axis],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Geometry {
        Geometry {
            extent: [4, 4, 3],
            spacing: Some([1.0, 1.0, 2.0]),
            directions: Some([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
            origin: [0.0; 3],
        }
    }

    /// Voxel (1, 2) of slice 1 and a second segment over it.
    fn overlapping() -> Layers {
        let mut layers = Layers::empty(grid(), 2);
        let at = 16 + 2 * 4 + 1;
        assert!(layers.put(0, &[at], 1_000));
        assert!(layers.put(1, &[at, at + 1], 1_000));
        layers
    }

    #[test]
    fn segments_that_overlap_are_both_seen() {
        let layers = overlapping();
        let place = Place {
            cut: Cut::Axial,
            slice: 1,
            time: 0,
        };
        let covered = |segment| -> Vec<(u32, u32)> {
            let mask = layers.mask(&[segment], &grid(), place).unwrap().unwrap();
            mask.pixels().collect()
        };
        assert_eq!(covered(0), [(1, 2)]);
        assert_eq!(covered(1), [(1, 2), (2, 2)]);
        let both = layers.mask(&[0, 1], &grid(), place).unwrap().unwrap();
        assert_eq!(both.pixels().count(), 2);
        let above = Place { slice: 2, ..place };
        assert_eq!(layers.mask(&[0], &grid(), above), Ok(None));
    }

    #[test]
    fn a_finer_scan_shows_a_coarse_mask_in_its_place() {
        let fine = Geometry {
            extent: [8, 8, 6],
            spacing: Some([0.5, 0.5, 1.0]),
            origin: [-0.25, -0.25, -0.5],
            ..grid()
        };
        let place = Place {
            cut: Cut::Axial,
            slice: 3,
            time: 0,
        };
        let mask = overlapping().mask(&[0], &fine, place).unwrap().unwrap();
        assert_eq!((mask.left, mask.top, mask.width, mask.height), (2, 4, 2, 2));
        let side = Place {
            cut: Cut::Sagittal,
            slice: 2,
            time: 0,
        };
        let mask = overlapping().mask(&[0], &fine, side).unwrap();
        // Sagittal slices are counted from the patient's right: column 2 of 8 is slice 5.
        assert!(mask.is_none());
        let mask = overlapping().mask(&[0], &fine, Place { slice: 5, ..side });
        assert_eq!(mask.unwrap().unwrap().pixels().count(), 4);
    }

    #[test]
    fn the_slices_of_a_segment_are_counted_in_every_cut() {
        let layers = overlapping();
        let counts = |cut| layers.presence(&grid(), cut).unwrap()[1].counts().to_vec();
        assert_eq!(counts(Cut::Axial), [0, 2, 0]);
        assert_eq!(counts(Cut::Sagittal), [0, 1, 1, 0]);
        assert_eq!(counts(Cut::Coronal), [0, 2, 0, 0]);
    }

    #[test]
    fn another_shape_is_said() {
        let layers = Layers::one(Geometry::flat([4, 4, 1]), vec![1; 16], 1);
        let error = layers
            .mask(&[0], &Geometry::flat([4, 5, 1]), Place::default())
            .unwrap_err();
        assert!(error.to_string().contains("4 x 4"), "{error}");
    }
}
