//! DICOM RTSTRUCT: contours in millimetres of the patient (PS3.3 C.8.8.5 and C.8.8.6).

use std::collections::BTreeMap;

use super::mask::is_inside;
use super::transfer::Transfer;
use super::{Mask, Presence, RegionError, Segment};
use crate::dicom::{DataSet, tags};
use crate::{Cut, Geometry, Place};

/// Contours of every segment.
#[derive(Debug)]
pub(super) struct Contours {
    rings: Vec<Vec<Vec<[f64; 3]>>>,
}

/// A contour that leads over more slices than this lies across them.
const MOST_TILT: f64 = 1.0;

/// Contours of a segment on the stored slices of a scan, in voxels.
type Sliced = BTreeMap<i64, Vec<Vec<(f64, f64)>>>;

pub(super) fn read(data: &DataSet) -> (Vec<Segment>, Contours) {
    let names: Vec<(u32, String)> = data
        .items(tags::STRUCTURE_SET_ROI)
        .iter()
        .filter_map(|roi| {
            let name = roi.text(tags::ROI_NAME).unwrap_or_default();
            Some((roi.count(tags::ROI_NUMBER)?, name))
        })
        .collect();
    let mut segments = Vec::new();
    let mut rings = Vec::new();
    for roi in data.items(tags::ROI_CONTOUR) {
        let Some(number) = roi.count(tags::REFERENCED_ROI_NUMBER) else {
            continue;
        };
        let name = names.iter().find(|(known, _)| *known == number);
        let name = name.map(|(_, name)| name.clone()).unwrap_or_default();
        let colour = roi.numbers(tags::ROI_COLOUR);
        let colour = colour.first_chunk::<3>();
        segments.push(Segment {
            number,
            name: super::named(&name, number),
            colour: colour.map(|colour| colour.map(|value| value.clamp(0.0, 255.0) as u8)),
        });
        let contours = roi.items(tags::CONTOUR).into_iter().map(|contour| {
            let numbers = contour.numbers(tags::CONTOUR_DATA);
            let (points, _) = numbers.as_chunks::<3>();
            points.to_vec()
        });
        rings.push(contours.filter(|points| !points.is_empty()).collect());
    }
    (segments, Contours { rings })
}

impl Contours {
    pub(super) fn held_bytes(&self) -> usize {
        self.rings
            .iter()
            .flatten()
            .map(|ring| ring.len() * 24)
            .sum()
    }

    fn sliced(&self, segment: usize, onto: &Geometry) -> Result<Sliced, RegionError> {
        let transfer = Transfer::from_patient(onto).ok_or(RegionError::NoPlace)?;
        let mut sliced = Sliced::new();
        let mut tilted = 0;
        let rings = self.rings.get(segment).map(Vec::as_slice);
        for ring in rings.unwrap_or_default() {
            let voxels: Vec<[f64; 3]> = ring.iter().map(|point| transfer.apply(*point)).collect();
            let depths = voxels.iter().map(|voxel| voxel[2]);
            let (low, high) = depths.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| {
                (low.min(it), high.max(it))
            });
            let is_flat = high - low <= MOST_TILT;
            if !is_flat {
                tilted += 1;
                continue;
            }
            let ring = voxels.into_iter().map(|[x, y, _]| (x, y)).collect();
            let slice = f64::midpoint(low, high).round() as i64;
            sliced.entry(slice).or_default().push(ring);
        }
        if tilted > 0 && sliced.is_empty() {
            return Err(RegionError::Tilted);
        }
        Ok(sliced)
    }

    pub(super) fn mask(
        &self,
        segments: &[usize],
        onto: &Geometry,
        place: Place,
    ) -> Result<Option<Mask>, RegionError> {
        let all = segments.iter().map(|segment| self.sliced(*segment, onto));
        let all: Vec<Sliced> = all.collect::<Result<_, _>>()?;
        let slice = place.slice.min(onto.slices(place.cut) - 1);
        Ok(Mask::of(onto.slice_extent(place.cut), |x, y| {
            let [i, j, k] = onto.voxel(place.cut, slice, (x, y));
            let at = (f64::from(i), f64::from(j));
            all.iter().any(|sliced| {
                let rings = sliced.get(&i64::from(k)).map(Vec::as_slice);
                // Contours inside of others are holes.
                let around = rings.unwrap_or_default().iter();
                around.filter(|ring| covers(ring, at)).count() % 2 == 1
            })
        }))
    }

    pub(super) fn presence(&self, onto: &Geometry, cut: Cut) -> Result<Vec<Presence>, RegionError> {
        let all = (0..self.rings.len()).map(|segment| {
            let mut presence = Presence::none(onto.slices(cut));
            for (depth, ring) in self
                .sliced(segment, onto)?
                .iter()
                .flat_map(|(depth, rings)| rings.iter().map(move |ring| (*depth, ring)))
            {
                mark(&mut presence, (depth, ring), onto, cut);
            }
            Ok(presence)
        });
        all.collect()
    }
}

/// Rings of fewer than three points are the pixels of their points.
fn covers(ring: &[(f64, f64)], at: (f64, f64)) -> bool {
    if ring.len() < 3 {
        let mut points = ring.iter();
        return points.any(|(x, y)| (x.round(), y.round()) == at);
    }
    is_inside(ring, at)
}

/// Along the stored slices the size of the ring counts; across them, that it is there.
fn mark(
    presence: &mut Presence,
    (depth, ring): (i64, &Vec<(f64, f64)>),
    onto: &Geometry,
    cut: Cut,
) {
    let axis = onto.layout(cut).through.axis;
    let side = |axis: usize| {
        let along = ring
            .iter()
            .map(move |(x, y)| if axis == 0 { *x } else { *y });
        along.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| {
            (low.min(it), high.max(it))
        })
    };
    let (left, right) = side(0);
    let (top, bottom) = side(1);
    let size = ((right - left + 1.0) * (bottom - top + 1.0)).clamp(1.0, 1e9) as u32;
    let (first, last, count) = match axis {
        0 => (left, right, 1),
        1 => (top, bottom, 1),
        _ => (depth as f64, depth as f64, size),
    };
    let most = f64::from(onto.extent[axis].max(1) - 1);
    if last < -0.5 || first > most + 0.5 {
        return;
    }
    for at in first.round().clamp(0.0, most) as u32..=last.round().clamp(0.0, most) as u32 {
        let mut voxel = [0; 3];
        voxel[axis] = at;
        let (slice, _) = onto.shown_at(cut, voxel);
        presence.add(slice, count);
    }
}
