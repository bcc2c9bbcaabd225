//! Regions that come in files of their own: DICOM SEG and RTSTRUCT, NIfTI and NPY label maps,
//! pictures whose pixels are labels.
//!
//! A file is opened once; what of it lies on a slice of a scan is worked out when that slice is
//! looked at, by places in the patient where both know them.

mod contours;
mod drawable;
mod layers;
mod mask;
mod picture;
mod segmentation;
#[cfg(test)]
mod tests;
mod transfer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use contours::Contours;
pub use drawable::{Covered, Drawable, tint};
use layers::{Layers, MOST_SEGMENTS};
pub use mask::{Mask, Measure, Values, mask_drawn, measure};
pub(crate) use transfer::{SliceWalk, Transfer};

use crate::dicom::{self, tags};
use crate::{Cut, DecodeError, Format, Geometry, Limits, Place, Scan};

/// One of the things that a file outlines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub number: u32,
    pub name: String,
    /// As the file wants it drawn.
    pub colour: Option<[u8; 3]>,
}

/// An opened file of regions.
#[derive(Debug)]
pub struct RegionFile {
    segments: Vec<Segment>,
    content: Content,
    /// Its numbers are values, and no list of segments goes with them.
    is_map: bool,
    /// The last answer: slices are looked at one after the other.
    presence: Mutex<Option<Answer>>,
}

/// What of all segments lies on the slices of a cut through a scan.
#[derive(Debug)]
struct Answer {
    onto: Geometry,
    cut: Cut,
    all: Arc<Vec<Presence>>,
}

#[derive(Debug)]
enum Content {
    Layers(Layers),
    Contours(Contours),
}

/// How much of a segment lies on each slice of a cut, in voxels of its own grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence(Vec<u32>);

/// The number of a region that is all that its file outlines.
pub const ALL_SEGMENTS: u32 = 0;

/// Why there is no region.
#[derive(Debug, thiserror::Error)]
pub enum RegionError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(
        "the file holds {count} different labels, more than the {MOST_SEGMENTS} that are read; is it a picture and no label map?"
    )]
    TooMany { count: usize },
    #[error("the file's values are no labels; give a map of whole numbers")]
    NotLabels,
    #[error("nothing is outlined in the file")]
    Nothing,
    #[error(
        "the regions are drawn on {}, the scan has {}; give the file that belongs to it",
        sides(regions),
        sides(scan)
    )]
    Misfit { regions: [u32; 3], scan: [u32; 3] },
    #[error(
        "contours lie in the patient, and the scan does not say where it lies; open the DICOM series that they were drawn on"
    )]
    NoPlace,
    #[error(
        "the contours lie across the slices of this scan; open the series that they were drawn on"
    )]
    Tilted,
    #[error("the file has no segment {number}")]
    Unknown { number: u32 },
}

fn sides([width, height, depth]: &[u32; 3]) -> String {
    match depth {
        1 => format!("{width} x {height} pixels"),
        _ => format!("{width} x {height} x {depth} voxels"),
    }
}

impl PartialEq for RegionError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl RegionFile {
    /// Opens the bytes of one file; `beside` is the `.img` of an `.hdr`.
    pub fn open(
        bytes: Vec<u8>,
        beside: Option<Vec<u8>>,
        limits: Limits,
    ) -> Result<Self, RegionError> {
        let is_map = !dicom::is_dicom(&bytes);
        let (segments, content) = if is_map {
            let scan = Scan::open(bytes, beside, limits)?;
            match scan.format {
                Format::Nifti | Format::Npy => of_volume(&scan, limits)?,
                _ => picture::read(&scan, limits)?,
            }
        } else {
            of_dicom(bytes, limits)?
        };
        // A scan without a finding has an empty map; a list of no segments is a mistake.
        if segments.is_empty() && !is_map {
            return Err(RegionError::Nothing);
        }
        Ok(Self {
            segments,
            content,
            is_map,
            presence: Mutex::default(),
        })
    }

    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Bytes held for it, for caches to count.
    pub fn held_bytes(&self) -> usize {
        match &self.content {
            Content::Layers(layers) => layers.held_bytes(),
            Content::Contours(contours) => contours.held_bytes(),
        }
    }

    /// The positions of the segments that a number names.
    fn positions(&self, number: u32) -> Result<Vec<usize>, RegionError> {
        if number == ALL_SEGMENTS {
            return Ok((0..self.segments.len()).collect());
        }
        let at = self.segments.iter().position(|it| it.number == number);
        match at {
            Some(at) => Ok(vec![at]),
            // A map need not hold all that its data set has names for.
            None if self.is_map => Ok(Vec::new()),
            None => Err(RegionError::Unknown { number }),
        }
    }

    pub fn segment(&self, number: u32) -> Option<&Segment> {
        self.segments.iter().find(|it| it.number == number)
    }

    /// What of a segment lies on a slice of a scan; `None` when nothing does.
    pub fn mask(
        &self,
        number: u32,
        onto: &Geometry,
        place: Place,
    ) -> Result<Option<Mask>, RegionError> {
        let segments = self.positions(number)?;
        match &self.content {
            Content::Layers(layers) => layers.mask(&segments, onto, place),
            Content::Contours(contours) => contours.mask(&segments, onto, place),
        }
    }

    /// On which slices of a cut a segment lies.
    pub fn presence(
        &self,
        number: u32,
        onto: &Geometry,
        cut: Cut,
    ) -> Result<Presence, RegionError> {
        let segments = self.positions(number)?;
        let mut last = self.presence.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last
            .as_ref()
            .filter(|answer| answer.onto == *onto && answer.cut == cut);
        let all = if let Some(answer) = known {
            Arc::clone(&answer.all)
        } else {
            let all = Arc::new(match &self.content {
                Content::Layers(layers) => layers.presence(onto, cut)?,
                Content::Contours(contours) => contours.presence(onto, cut)?,
            });
            *last = Some(Answer {
                onto: *onto,
                cut,
                all: Arc::clone(&all),
            });
            all
        };
        let mut whole = Presence::none(onto.slices(cut));
        for presence in segments.iter().filter_map(|segment| all.get(*segment)) {
            for (slice, voxels) in (0_u32..).zip(presence.counts()) {
                whole.add(slice, *voxels);
            }
        }
        Ok(whole)
    }
}

impl Presence {
    pub(crate) fn none(slices: u32) -> Self {
        Self(vec![0; slices as usize])
    }

    fn add(&mut self, slice: u32, voxels: u32) {
        if let Some(count) = self.0.get_mut(slice as usize) {
            *count = count.saturating_add(voxels);
        }
    }

    pub fn counts(&self) -> &[u32] {
        &self.0
    }

    pub fn slices(&self) -> impl Iterator<Item = u32> {
        let all = (0_u32..).zip(&self.0).filter(|(_, count)| **count > 0);
        all.map(|(slice, _)| slice)
    }

    /// The slice with the most of it, the middle one of equals.
    pub fn largest(&self) -> Option<u32> {
        let most = self.0.iter().max().filter(|most| **most > 0)?;
        let all = (0_u32..).zip(&self.0).filter(|(_, count)| *count == most);
        let slices: Vec<u32> = all.map(|(slice, _)| slice).collect();
        slices.get(slices.len() / 2).copied()
    }
}

fn of_dicom(bytes: Vec<u8>, limits: Limits) -> Result<(Vec<Segment>, Content), RegionError> {
    let bytes = Arc::new(bytes);
    let data = dicom::data_set(&bytes, limits)?;
    if data.has(tags::ROI_CONTOUR) {
        let (segments, contours) = contours::read(&data);
        return Ok((segments, Content::Contours(contours)));
    }
    if !data.has(tags::SEGMENTS) {
        let what = data.word(tags::MODALITY);
        return Err(DecodeError::NoPixels { what }.into());
    }
    let object = dicom::Object::read(bytes, limits)?;
    let (segments, layers) = segmentation::read(&object, limits)?;
    Ok((segments, Content::Layers(layers)))
}

/// Whole numbers of a volume, each a segment; 0 is nothing.
fn of_volume(scan: &Scan, limits: Limits) -> Result<(Vec<Segment>, Content), RegionError> {
    let [width, height, depth] = scan.geometry.extent.map(u64::from);
    let voxels = width.saturating_mul(height).saturating_mul(depth);
    if voxels > limits.memory {
        let memory = limits.memory;
        return Err(DecodeError::TooMuchMemory { memory }.into());
    }
    let mut known: BTreeMap<u32, u8> = BTreeMap::new();
    let mut labels: Vec<u8> = Vec::with_capacity(voxels as usize);
    for slice in 0..scan.geometry.extent[2] {
        let place = Place {
            slice,
            ..Place::default()
        };
        let slice = scan.slice(place, limits)?;
        let plane = slice.plane().ok_or(RegionError::NotLabels)?;
        for value in plane.values() {
            labels.push(labelled(*value, &mut known)?);
        }
    }
    // Labels were numbered as they were met; people read them in order.
    let mut order = [0_u8; 256];
    let mut segments = Vec::new();
    for (at, (number, met)) in (1_u8..).zip(known) {
        if let Some(place) = order.get_mut(usize::from(met)) {
            *place = at;
        }
        segments.push(Segment {
            number,
            name: named("", number),
            colour: None,
        });
    }
    for label in &mut labels {
        *label = order.get(usize::from(*label)).copied().unwrap_or(0);
    }
    let layers = Layers::one(scan.geometry, labels, segments.len());
    Ok((segments, Content::Layers(layers)))
}

/// The position of a label and one; labels are numbered as they are met.
fn labelled(value: f32, known: &mut BTreeMap<u32, u8>) -> Result<u8, RegionError> {
    if value == 0.0 || value.is_nan() {
        return Ok(0);
    }
    if value < 0.0 || value.fract() != 0.0 || value >= 1e9 {
        return Err(RegionError::NotLabels);
    }
    let label = value as u32;
    if let Some(at) = known.get(&label) {
        return Ok(*at);
    }
    let Ok(next) = u8::try_from(known.len() + 1) else {
        let count = known.len() + 1;
        return Err(RegionError::TooMany { count });
    };
    known.insert(label, next);
    Ok(next)
}

/// What a segment is called when nobody says.
fn named(name: &str, number: u32) -> String {
    match name.trim() {
        "" => format!("label {number}"),
        name => name.to_owned(),
    }
}
