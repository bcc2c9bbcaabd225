//! DICOM Segmentation: frames of one bit, of fractions or of labels (PS3.3 C.8.20).

use std::collections::BTreeMap;

use super::layers::{Layers, MOST_SEGMENTS};
use super::{RegionError, Segment};
use crate::dicom::{Axes, DataSet, Object, tags};
use crate::{DecodeError, Geometry, Limits};

/// How the pixels of a frame say what they belong to.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Binary,
    /// From half of this value on a pixel belongs to the segment.
    Fractional(f64),
    Labels,
}

/// Slices further apart than this many are a mistake, not a grid.
const MOST_SLICES: f32 = 20_000.0;

pub(super) fn read(object: &Object, limits: Limits) -> Result<(Vec<Segment>, Layers), RegionError> {
    let data = object.data();
    let segments: Vec<Segment> = data
        .items(tags::SEGMENTS)
        .iter()
        .filter_map(segment)
        .collect();
    if segments.len() > MOST_SEGMENTS {
        return Err(RegionError::TooMany {
            count: segments.len(),
        });
    }
    let kind = match data.text(tags::SEGMENTATION_TYPE).as_deref() {
        Some("FRACTIONAL") => {
            Kind::Fractional(data.number(tags::MOST_FRACTION).unwrap_or(255.0) / 2.0)
        }
        Some("LABELMAP") => Kind::Labels,
        _ => Kind::Binary,
    };
    let (geometry, depths) = grid(object);
    let size = geometry.extent.map(u64::from);
    let voxels = size[0].saturating_mul(size[1]).saturating_mul(size[2]);
    if voxels > limits.memory {
        let memory = limits.memory;
        return Err(DecodeError::TooMuchMemory { memory }.into());
    }
    let mut covered: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut held = 0_u64;
    for frame in 0..object.frames {
        let Some(depth) = depths.get(frame as usize) else {
            continue;
        };
        let owner = owner(object, frame, segments.len());
        let start = *depth as usize * (size[0] * size[1]) as usize;
        for (at, value) in object.stored(frame)?.into_iter().enumerate() {
            let number = match kind {
                Kind::Binary if value > 0 => owner,
                Kind::Fractional(half) if f64::from(value) > half => owner,
                Kind::Labels if value > 0 => u32::try_from(value).ok(),
                _ => continue,
            };
            let segment = segments.iter().position(|it| Some(it.number) == number);
            if let Some(segment) = segment {
                covered.entry(segment).or_default().push(start + at);
                held += 8;
            }
        }
        if held > limits.memory {
            let memory = limits.memory;
            return Err(DecodeError::TooMuchMemory { memory }.into());
        }
    }
    let mut layers = Layers::empty(geometry, segments.len());
    for (segment, covered) in covered {
        if !layers.put(segment, &covered, limits.memory) {
            let memory = limits.memory;
            return Err(DecodeError::TooMuchMemory { memory }.into());
        }
    }
    Ok((segments, layers))
}

fn segment(item: &DataSet) -> Option<Segment> {
    let number = item.count(tags::SEGMENT_NUMBER)?;
    let colour = item.numbers(tags::SEGMENT_COLOUR);
    Some(Segment {
        number,
        name: super::named(&item.text(tags::SEGMENT_LABEL).unwrap_or_default(), number),
        colour: colour.first_chunk::<3>().map(|lab| from_lab(*lab)),
    })
}

/// The number of the segment that a frame belongs to; without a word, segments follow each other.
fn owner(object: &Object, frame: u32, segments: usize) -> Option<u32> {
    if let Some(group) = object.group(frame, tags::SEGMENT_IDENTIFICATION) {
        return group.count(tags::REFERENCED_SEGMENT_NUMBER);
    }
    let each = object.frames / (segments.max(1) as u32);
    Some(frame.checked_div(each.max(1))? + 1)
}

/// The grid in which the frames lie, and the slice of each.
fn grid(object: &Object) -> (Geometry, Vec<u32>) {
    let (columns, rows) = object.extent();
    placed(object).unwrap_or_else(|| {
        let depths = sources(object);
        let slices = depths.iter().max().map_or(1, |last| last + 1);
        (Geometry::flat([columns, rows, slices]), depths)
    })
}

/// By the place of every frame along the normal of all.
fn placed(object: &Object) -> Option<(Geometry, Vec<u32>)> {
    let (columns, rows) = object.extent();
    let Axes {
        directions,
        in_plane: [down, across],
        gap,
    } = object.axes()?;
    let frames = 0..object.frames;
    let positions: Option<Vec<[f32; 3]>> = frames.map(|frame| object.position(frame)).collect();
    let positions = positions?;
    let along = |at: &[f32; 3]| -> f32 { at.iter().zip(directions[2]).map(|(a, b)| a * b).sum() };
    let first = positions
        .iter()
        .min_by(|a, b| along(a).total_cmp(&along(b)))?;
    let start = along(first);
    let mut steps: Vec<f32> = positions.iter().map(|at| along(at) - start).collect();
    let places = steps.clone();
    steps.sort_by(f32::total_cmp);
    let pairs = steps.iter().zip(steps.iter().skip(1));
    let least = pairs
        .map(|(near, far)| far - near)
        .filter(|step| *step > 1e-3)
        .min_by(f32::total_cmp);
    // What is written of slices counts less than where they lie.
    let gap = least.or(gap).unwrap_or(1.0);
    let depths: Vec<f32> = places.iter().map(|place| (place / gap).round()).collect();
    if depths
        .iter()
        .any(|depth| !(0.0..MOST_SLICES).contains(depth))
    {
        return None;
    }
    let depths: Vec<u32> = depths.into_iter().map(|depth| depth as u32).collect();
    let slices = depths.iter().max()? + 1;
    let geometry = Geometry {
        extent: [columns, rows, slices],
        spacing: Some([across, down, gap]),
        directions: Some(directions),
        origin: *first,
    };
    Some((geometry, depths))
}

/// By the frame of the source that every frame was drawn on, else in their order.
fn sources(object: &Object) -> Vec<u32> {
    let named = |frame| -> Option<u32> {
        let derivation = object.group(frame, tags::DERIVATION)?;
        let source = derivation.item(tags::SOURCE_IMAGES)?;
        source.count(tags::REFERENCED_FRAME)?.checked_sub(1)
    };
    let found: Option<Vec<u32>> = (0..object.frames).map(named).collect();
    let found = found.filter(|found| found.iter().all(|frame| *frame < MOST_SLICES as u32));
    found.unwrap_or_else(|| {
        let segments = object.data().items(tags::SEGMENTS).len().max(1) as u32;
        let each = (object.frames / segments).max(1);
        (0..object.frames).map(|frame| frame % each).collect()
    })
}

/// CIELab of 16 bits a number (PS3.3 C.10.7.1.1), under D50, to sRGB.
fn from_lab([lightness, red, blue]: [f64; 3]) -> [u8; 3] {
    let wide = |part: f64| part / 65_535.0 * 255.0 - 128.0;
    let base = (lightness / 65_535.0 * 100.0 + 16.0) / 116.0;
    let linear = |part: f64| {
        if part > 6.0 / 29.0 {
            part.powi(3)
        } else {
            3.0 * (6.0_f64 / 29.0).powi(2) * (part - 4.0 / 29.0)
        }
    };
    let x = 0.9642 * linear(base + wide(red) / 500.0);
    let y = linear(base);
    let z = 0.8251 * linear(base - wide(blue) / 200.0);
    let mixed = [
        3.1341 * x - 1.6174 * y - 0.4906 * z,
        -0.9788 * x + 1.9161 * y + 0.0335 * z,
        0.0719 * x - 0.2290 * y + 1.4052 * z,
    ];
    mixed.map(|value| {
        let value = value.clamp(0.0, 1.0);
        let curved = if value <= 0.003_130_8 {
            12.92 * value
        } else {
            1.055 * value.powf(1.0 / 2.4) - 0.055
        };
        (curved * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_segments_are_those_of_a_screen() {
        // White, black, and the red of sRGB as highdicom writes it (53.24, 80.09, 67.20 under D65
        // is 54.29, 80.82, 69.89 under D50).
        assert_eq!(from_lab([65_535.0, 32_896.0, 32_896.0]), [255, 255, 255]);
        assert_eq!(from_lab([0.0, 32_896.0, 32_896.0]), [0, 0, 0]);
        let wide = |part: f64| (part + 128.0) / 255.0 * 65_535.0;
        let [red, green, blue] = from_lab([54.29 * 655.35, wide(80.82), wide(69.89)]);
        assert!(
            red >= 253 && green <= 8 && blue <= 8,
            "{red} {green} {blue}"
        );
    }
}
