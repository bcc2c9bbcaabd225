//! Pictures whose pixels are labels: one grey value or one colour for each thing outlined.

use std::collections::BTreeMap;

use super::layers::Layers;
use super::{Content, RegionError, Segment, named};
use crate::{Limits, Pixels, Place, Scan};

/// A picture of more values is one thing with soft edges.
const MOST_VALUES: usize = 32;
const WHITE_FROM: u8 = 128;

pub(super) fn read(scan: &Scan, limits: Limits) -> Result<(Vec<Segment>, Content), RegionError> {
    let slice = scan.slice(Place::default(), limits)?;
    let (values, colours) = values(&slice.pixels);
    let mut known: BTreeMap<u32, u8> = BTreeMap::new();
    for value in values.iter().filter(|value| **value > 0) {
        if known.len() > MOST_VALUES {
            break;
        }
        let next = u8::try_from(known.len() + 1).unwrap_or(u8::MAX);
        known.entry(*value).or_insert(next);
    }
    let is_soft = known.len() > MOST_VALUES;
    let labels: Vec<u8> = if is_soft {
        values
            .iter()
            .map(|value| u8::from(is_bright(*value)))
            .collect()
    } else {
        let label = |value: &u32| known.get(value).copied().unwrap_or(0);
        values.iter().map(label).collect()
    };
    let mut numbers: Vec<(u8, u32)> = known.into_iter().map(|(it, at)| (at, it)).collect();
    numbers.sort_unstable();
    if is_soft {
        numbers = vec![(1, u32::from(u8::MAX))];
    }
    let is_one = numbers.len() == 1;
    let segments: Vec<Segment> = numbers
        .into_iter()
        .map(|(_, number)| Segment {
            number,
            name: if is_one {
                "mask".to_owned()
            } else {
                named("", number)
            },
            colour: colours.then(|| packed(number)),
        })
        .collect();
    let layers = Layers::one(scan.geometry, labels, segments.len());
    Ok((segments, Content::Layers(layers)))
}

/// One number for each pixel: its grey value, or its colour as 0xRRGGBB. True for colours.
fn values(pixels: &Pixels) -> (Vec<u32>, bool) {
    match pixels {
        Pixels::Grey8(grey) => (
            grey.as_raw().iter().map(|it| u32::from(*it)).collect(),
            false,
        ),
        Pixels::Grey(plane) => {
            let values = plane.values().iter();
            (values.map(|it| it.max(0.0).round() as u32).collect(), false)
        }
        Pixels::Rgb8(colour) => {
            let is_grey = colour
                .pixels()
                .all(|it| it.0[0] == it.0[1] && it.0[1] == it.0[2]);
            let value = |pixel: &image::Rgb<u8>| {
                let [red, green, blue] = pixel.0.map(u32::from);
                if is_grey {
                    red
                } else {
                    red << 16 | green << 8 | blue
                }
            };
            (colour.pixels().map(value).collect(), !is_grey)
        }
    }
}

fn packed(value: u32) -> [u8; 3] {
    let [_, red, green, blue] = value.to_be_bytes();
    [red, green, blue]
}

fn is_bright(value: u32) -> bool {
    match value {
        0..=255 => value >= u32::from(WHITE_FROM),
        value => packed(value).into_iter().any(|part| part >= WHITE_FROM),
    }
}
