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

/// Planes of their own, and those in a bit of the pixels' words that no value uses (retired in
/// 2004): `hidden` gives such a bit of a picture of `extent`.
pub(crate) fn read(
    data: &DataSet,
    extent: (u32, u32),
    hidden: impl Fn(u32) -> Option<Vec<bool>>,
) -> Vec<Overlay> {
    let planes = (0..PLANES).map(|plane| Group { data, plane });
    planes
        .filter_map(|group| {
            if group.bytes(DATA).is_some() {
                group.own()
            } else {
                group.hidden(extent, &hidden)
            }
        })
        .collect()
}

const ROWS: u16 = 0x0010;
const COLUMNS: u16 = 0x0011;
const ORIGIN: u16 = 0x0050;
const BIT_POSITION: u16 = 0x0102;
const LABEL: u16 = 0x1500;
const DATA: u16 = 0x3000;

/// The elements of one plane.
#[derive(Clone, Copy)]
struct Group<'a> {
    data: &'a DataSet,
    plane: u16,
}

impl<'a> Group<'a> {
    fn bytes(self, element: u16) -> Option<&'a [u8]> {
        self.data.bytes(tags::overlay(self.plane, element))
    }

    fn words(self, element: u16) -> Vec<u16> {
        let (words, _) = self.bytes(element).unwrap_or_default().as_chunks::<2>();
        words.iter().map(|word| word_of(self.data, *word)).collect()
    }

    fn first(self, element: u16) -> Option<u32> {
        self.words(element).first().map(|word| u32::from(*word))
    }

    fn own(self) -> Option<Overlay> {
        let bytes = self.bytes(DATA)?;
        let (width, height) = (self.first(COLUMNS)?, self.first(ROWS)?);
        let pixels = width as usize * height as usize;
        if pixels == 0 || bytes.len() * 8 < pixels {
            return None;
        }
        let bits = bytes
            .iter()
            .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
        Some(self.overlay((width, height), bits.take(pixels).collect()))
    }

    /// Scanners announce planes that they never drew in: those are none.
    fn hidden(
        self,
        (width, height): (u32, u32),
        hidden: impl Fn(u32) -> Option<Vec<bool>>,
    ) -> Option<Overlay> {
        let bit = self.first(BIT_POSITION)?;
        let is_as_large = |element, side| self.first(element).is_none_or(|own| own == side);
        if !is_as_large(COLUMNS, width) || !is_as_large(ROWS, height) {
            return None;
        }
        let bits = hidden(bit).filter(|bits| bits.contains(&true))?;
        Some(self.overlay((width, height), bits))
    }

    fn overlay(self, (width, height): (u32, u32), bits: Vec<bool>) -> Overlay {
        let origin = self.words(ORIGIN);
        // Counted from 1.
        let place = |at: usize| origin.get(at).map_or(0, |word| i32::from(*word as i16) - 1);
        let label = self.data.text(tags::overlay(self.plane, LABEL));
        Overlay {
            label: label.unwrap_or_else(|| format!("overlay {}", self.plane + 1)),
            left: place(1),
            top: place(0),
            width,
            height,
            bits,
        }
    }
}

fn word_of(data: &DataSet, word: [u8; 2]) -> u16 {
    if data.is_big_endian() {
        u16::from_be_bytes(word)
    } else {
        u16::from_le_bytes(word)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Object;
    use super::super::made::{element, file, short};
    use super::*;
    use crate::{Limits, Pixels};

    /// Two by two pixels of 12 bits whose words are full, and an overlay in one of their bits.
    fn opened(bit: u16, rows: u16, words: [u16; 4]) -> Object {
        let pixels: Vec<u8> = words.into_iter().flat_map(u16::to_le_bytes).collect();
        let elements = [
            short(tags::ROWS, 2),
            short(tags::COLUMNS, 2),
            short(tags::BITS_ALLOCATED, 16),
            short(tags::BITS_STORED, 12),
            short(tags::HIGH_BIT, 11),
            short(tags::overlay(0, ROWS), rows),
            short(tags::overlay(0, COLUMNS), 2),
            short(tags::overlay(0, 0x0100), 16),
            short(tags::overlay(0, BIT_POSITION), bit),
            element(tags::PIXEL_DATA, *b"OW", &pixels),
        ];
        let bytes = file("1.2.840.10008.5.1.4.1.1.7", &elements);
        Object::read(bytes.into(), Limits::default()).unwrap()
    }

    #[test]
    fn a_plane_in_a_spare_bit_of_the_pixels_is_found_and_is_no_part_of_their_values() {
        let object = opened(13, 2, [0x2001, 0x0FFF, 0xD003, 0x3004]);
        let overlays = object.overlays(0);
        assert_eq!(overlays.len(), 1);
        assert_eq!(overlays[0].bits, [true, false, false, true]);
        assert_eq!((overlays[0].left, overlays[0].top), (0, 0));
        let Pixels::Grey(plane) = object.pixels(0).unwrap() else {
            panic!("grey");
        };
        assert_eq!(plane.values(), [1.0, 4095.0, 3.0, 4.0]);
    }

    #[test]
    fn bits_of_values_and_planes_never_drawn_in_are_no_overlay() {
        let full = [0xFFFF; 4];
        assert_eq!(opened(15, 2, full).overlays(0).len(), 1);
        assert!(opened(11, 2, full).overlays(0).is_empty());
        assert!(opened(0, 2, full).overlays(0).is_empty());
        assert!(opened(16, 2, full).overlays(0).is_empty());
        assert!(opened(15, 3, full).overlays(0).is_empty());
        assert!(opened(15, 2, [0x7FFF; 4]).overlays(0).is_empty());
    }
}
