//! Overlay planes: graphics of one bit a pixel over a picture (PS3.3 C.9.2).

use super::data_set::DataSet;
use super::tags;

/// Bits over a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    pub label: String,
    /// The picture's pixel under the first bit; may lie outside.
    pub left: i32,
    pub top: i32,
    pub width: u32,
    pub height: u32,
    pub bits: Vec<bool>,
}

/// Groups 6000 to 601E.
const PLANES: u16 = 16;

/// Planes of their own; bits hidden among those of pixels were retired in 2004 and are not read.
pub(crate) fn read(data: &DataSet) -> Vec<Overlay> {
    (0..PLANES).filter_map(|plane| one(data, plane)).collect()
}

fn one(data: &DataSet, plane: u16) -> Option<Overlay> {
    let tag = |element| tags::overlay(plane, element);
    let bytes = data.bytes(tag(0x3000))?;
    let words = |element| -> Vec<u16> {
        let (words, _) = data
            .bytes(tag(element))
            .unwrap_or_default()
            .as_chunks::<2>();
        words.iter().map(|word| word_of(data, *word)).collect()
    };
    let first = |element| words(element).first().copied();
    let (height, width) = (u32::from(first(0x0010)?), u32::from(first(0x0011)?));
    let pixels = width as usize * height as usize;
    if pixels == 0 || bytes.len() * 8 < pixels {
        return None;
    }
    let origin = words(0x0050);
    // Counted from 1.
    let place = |at: usize| origin.get(at).map_or(0, |word| i32::from(*word as i16) - 1);
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
    Some(Overlay {
        label: data
            .text(tag(0x1500))
            .unwrap_or_else(|| format!("overlay {}", plane + 1)),
        left: place(1),
        top: place(0),
        width,
        height,
        bits: bits.take(pixels).collect(),
    })
}

fn word_of(data: &DataSet, word: [u8; 2]) -> u16 {
    if data.is_big_endian() {
        u16::from_be_bytes(word)
    } else {
        u16::from_le_bytes(word)
    }
}
