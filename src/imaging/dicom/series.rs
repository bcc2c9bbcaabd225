//! Files of one series, put in the order in which their frames lie in the patient.

use std::collections::BTreeMap;

use super::{Object, tags};
use crate::scan::Geometry;
use crate::{DecodeError, Limits, Pixels};

/// Frames one behind the other.
#[derive(Debug)]
pub(crate) struct Series {
    pub objects: Vec<Object>,
    /// Object and frame of every slice.
    pub slices: Vec<(usize, u32)>,
    pub geometry: Geometry,
}

/// Where a frame lies, as far as its file says.
struct Placed {
    slice: (usize, u32),
    position: Option<[f32; 3]>,
    number: f64,
}

/// How the frames of an object lie in the patient.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axes {
    /// Of rows, of columns, and of the normal.
    pub directions: [[f32; 3]; 3],
    /// Millimetres between rows and between columns.
    pub in_plane: [f32; 2],
    /// Millimetres between slices, as far as the file says.
    pub gap: Option<f32>,
}

impl Object {
    pub(crate) fn axes(&self) -> Option<Axes> {
        let [across, down] = orientation(self, 0)?;
        Some(Axes {
            directions: [across, down, normal(across, down)],
            in_plane: in_plane(self)?,
            gap: stated_gap(self),
        })
    }

    pub(crate) fn position(&self, frame: u32) -> Option<[f32; 3]> {
        position(self, frame)
    }
}

/// Sorts the frames of `objects`, which must be of one size.
pub(crate) fn assemble(objects: Vec<Object>) -> Result<Series, DecodeError> {
    let first = objects.first().ok_or(DecodeError::Empty)?;
    let (columns, rows) = first.extent();
    let axes = orientation(first, 0);
    let mut placed: Vec<Placed> = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        if object.extent() != (columns, rows) {
            continue;
        }
        let number = object.data().number(tags::INSTANCE_NUMBER).unwrap_or(0.0);
        placed.extend((0..object.frames).map(|frame| Placed {
            slice: (at, frame),
            position: position(object, frame),
            number,
        }));
    }
    let gap = sort(&mut placed, axes);
    let spacing = in_plane(first).map(|[down, across]| {
        let gap = gap.or_else(|| stated_gap(first)).unwrap_or(across);
        [across, down, gap]
    });
    let directions = axes.map(|[across, down]| [across, down, normal(across, down)]);
    let geometry = Geometry {
        extent: [
            columns,
            rows,
            u32::try_from(placed.len()).unwrap_or(u32::MAX),
        ],
        spacing,
        directions: directions.filter(|_| placed.iter().all(|one| one.position.is_some())),
        origin: placed
            .first()
            .and_then(|one| one.position)
            .unwrap_or_default(),
    };
    Ok(Series {
        slices: placed.into_iter().map(|one| one.slice).collect(),
        geometry,
        objects,
    })
}

/// By place along the normal where every frame has one of its own, else by instance number.
/// Returns the distance of neighbours.
fn sort(placed: &mut [Placed], axes: Option<[[f32; 3]; 2]>) -> Option<f32> {
    placed.sort_by(|a, b| a.number.total_cmp(&b.number));
    let [across, down] = axes?;
    let normal = normal(across, down);
    let along = |one: &Placed| one.position.map(|position| dot(position, normal));
    let mut places: Vec<f32> = placed.iter().map_while(along).collect();
    places.sort_by(f32::total_cmp);
    let pairs = places.iter().zip(places.iter().skip(1));
    let gaps: Vec<f32> = pairs.map(|(near, far)| far - near).collect();
    let is_each_elsewhere = places.len() == placed.len() && gaps.iter().all(|gap| *gap > 1e-3);
    if !is_each_elsewhere {
        return None;
    }
    placed.sort_by(|a, b| {
        let (a, b) = (along(a).unwrap_or(0.0), along(b).unwrap_or(0.0));
        a.total_cmp(&b)
    });
    let mut gaps = gaps;
    gaps.sort_by(f32::total_cmp);
    gaps.get(gaps.len() / 2).copied()
}

fn three(numbers: &[f64]) -> Option<[f32; 3]> {
    let numbers = numbers.first_chunk::<3>()?;
    let numbers = numbers.map(|number| number as f32);
    numbers
        .iter()
        .all(|number| number.is_finite())
        .then_some(numbers)
}

fn position(object: &Object, frame: u32) -> Option<[f32; 3]> {
    let group = object.group(frame, tags::PLANE_POSITION);
    let group = group.as_ref().unwrap_or(object.data());
    three(&group.numbers(tags::POSITION))
}

/// The directions of rows and of columns.
fn orientation(object: &Object, frame: u32) -> Option<[[f32; 3]; 2]> {
    let group = object.group(frame, tags::PLANE_ORIENTATION);
    let numbers = group
        .as_ref()
        .unwrap_or(object.data())
        .numbers(tags::ORIENTATION);
    let axes = [three(numbers.get(..3)?)?, three(numbers.get(3..6)?)?];
    let is_unit = |axis: &[f32; 3]| (dot(*axis, *axis) - 1.0).abs() < 0.05;
    axes.iter().all(is_unit).then_some(axes)
}

/// Millimetres between rows and between columns.
fn in_plane(object: &Object) -> Option<[f32; 2]> {
    let group = object.group(0, tags::PIXEL_MEASURES);
    let of = |tag| {
        let own = group.as_ref().map(|group| group.numbers(tag));
        let numbers = own
            .filter(|own| own.len() >= 2)
            .unwrap_or_else(|| object.data().numbers(tag));
        let pair = numbers.first_chunk::<2>()?.map(|number| number as f32);
        pair.iter()
            .all(|side| *side > 0.0 && side.is_finite())
            .then_some(pair)
    };
    of(tags::PIXEL_SPACING).or_else(|| of(tags::IMAGER_PIXEL_SPACING))
}

fn stated_gap(object: &Object) -> Option<f32> {
    let group = object.group(0, tags::PIXEL_MEASURES);
    let group = group.as_ref().unwrap_or(object.data());
    let number = |tag| {
        group
            .number(tag)
            .map(|gap| gap as f32)
            .filter(|gap| *gap > 0.0)
    };
    number(tags::SPACING_BETWEEN_SLICES).or_else(|| number(tags::SLICE_THICKNESS))
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn normal([ax, ay, az]: [f32; 3], [bx, by, bz]: [f32; 3]) -> [f32; 3] {
    [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx]
}

impl Series {
    pub(crate) fn of_one(object: Object) -> Result<Self, DecodeError> {
        assemble(vec![object])
    }

    /// The object and the frame of a slice.
    pub(crate) fn at(&self, slice: u32) -> Option<(&Object, u32)> {
        let last = self.slices.len().checked_sub(1)?;
        let (object, frame) = self.slices.get((slice as usize).min(last))?;
        Some((self.objects.get(*object)?, *frame))
    }

    pub(crate) fn pixels(&self, slice: u32) -> Result<Pixels, DecodeError> {
        let (object, frame) = self.at(slice).ok_or(DecodeError::Empty)?;
        object.pixels(frame)
    }
}

/// The objects of the largest series among files; what is no image is left out and counted.
pub(crate) fn largest_series(
    files: Vec<std::sync::Arc<Vec<u8>>>,
    limits: Limits,
) -> Result<(Vec<Object>, usize), DecodeError> {
    let mut groups: BTreeMap<String, Vec<Object>> = BTreeMap::new();
    let mut left_out = 0;
    let mut first_error = None;
    for bytes in files {
        match Object::read(bytes, limits) {
            Ok(object) => {
                let series = object.data().text(tags::SERIES).unwrap_or_default();
                groups.entry(series).or_default().push(object);
            }
            Err(error) => {
                left_out += 1;
                first_error.get_or_insert(error);
            }
        }
    }
    let total: usize = groups.values().map(Vec::len).sum();
    match groups.into_values().max_by_key(Vec::len) {
        Some(objects) => {
            let others = total - objects.len();
            Ok((objects, left_out + others))
        }
        None => Err(first_error.unwrap_or(DecodeError::Empty)),
    }
}
