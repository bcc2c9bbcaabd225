//! A region and the slice of a scan that it is looked at on.

use std::sync::Arc;

use semihv_domain::{RegionSlice, Shape};

use super::{Mask, RegionError, RegionFile, mask_drawn};
use crate::{Cut, Extent, Framing, Geometry, Ink, Place, Raster, outline};

/// Okabe and Ito's colours, which differ for colour-blind eyes; black is no colour on a scan.
const TINTS: [[u8; 3]; 7] = [
    [86, 180, 233],
    [230, 159, 0],
    [0, 158, 115],
    [204, 121, 167],
    [240, 228, 66],
    [213, 94, 0],
    [0, 114, 178],
];

/// The colour of the regions with the n-th name among several.
pub fn tint(number: u8) -> [u8; 3] {
    let at = usize::from(number) % TINTS.len();
    TINTS.get(at).copied().unwrap_or_default()
}

/// A region with its file, where it has one.
#[derive(Debug, Clone)]
pub struct Drawable {
    pub shape: Shape,
    /// None: on every slice, or where the file says.
    pub slice: Option<RegionSlice>,
    pub file: Option<Arc<RegionFile>>,
}

/// What of a region lies on a slice.
#[derive(Debug, Clone, PartialEq)]
pub enum Covered {
    Nothing,
    Shape(Shape),
    Mask(Mask),
}

impl Drawable {
    pub fn on(&self, geometry: &Geometry, place: Place) -> Result<Covered, RegionError> {
        if let (Shape::Mask { segment, .. }, Some(file)) = (&self.shape, &self.file) {
            let mask = file.mask(*segment, geometry, place)?;
            return Ok(mask.map_or(Covered::Nothing, Covered::Mask));
        }
        let is_here = self.slice.is_none_or(|on| {
            on.slice == place.slice && geometry.layout(on.cut) == geometry.layout(place.cut)
        });
        match &self.shape {
            Shape::Mask { .. } => Ok(Covered::Nothing),
            shape if is_here => Ok(Covered::Shape(shape.clone())),
            _ => Ok(Covered::Nothing),
        }
    }

    /// The slices of a cut that it lies on, where it does not lie on all, and the one that shows
    /// most of it.
    pub fn slices(
        &self,
        geometry: &Geometry,
        cut: Cut,
    ) -> Result<(Vec<u32>, Option<u32>), RegionError> {
        if let (Shape::Mask { segment, .. }, Some(file)) = (&self.shape, &self.file) {
            let presence = file.presence(*segment, geometry, cut)?;
            return Ok((presence.slices().collect(), presence.largest()));
        }
        let own = self
            .slice
            .filter(|on| geometry.layout(on.cut) == geometry.layout(cut))
            .map(|on| on.slice);
        Ok((own.into_iter().collect(), own))
    }

    /// As its file wants it drawn.
    pub fn colour(&self) -> Option<[u8; 3]> {
        match (&self.shape, &self.file) {
            (Shape::Mask { segment, .. }, Some(file)) => file.segment(*segment)?.colour,
            _ => None,
        }
    }
}

impl Covered {
    pub fn draw(&self, raster: Raster, framing: &Framing, ink: Ink, is_filled: bool) -> Raster {
        match self {
            Self::Nothing => raster,
            Self::Shape(shape) => {
                let raster = match self.mask(framing.stored).filter(|_| is_filled) {
                    Some(mask) => mask_drawn(raster, &mask, framing, ink, true),
                    None => raster,
                };
                outline(raster, &framing.moved(shape), framing.part(), ink)
            }
            Self::Mask(mask) => mask_drawn(raster, mask, framing, ink, is_filled),
        }
    }

    /// The covered pixels of a slice of this size.
    pub fn mask(&self, stored: Extent) -> Option<Mask> {
        match self {
            Self::Nothing => None,
            Self::Shape(shape) => Mask::of_shape(shape, stored),
            Self::Mask(mask) => Some(mask.clone()),
        }
    }

    /// Something of which the bounds are those of the region.
    pub fn outline(&self) -> Option<Shape> {
        match self {
            Self::Nothing => None,
            Self::Shape(shape) => Some(shape.clone()),
            Self::Mask(mask) => Some(mask.bounds()),
        }
    }
}
