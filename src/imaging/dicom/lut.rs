//! Look-up tables and rescaling: from stored values to real ones, to grey and to colour
//! (PS3.3 C.11.1, C.11.2, C.7.6.3.1.5).

use image::GrayImage;

use super::data_set::DataSet;
use super::tags::{self, Tag};
use crate::{Plane, Window, WindowShape};

/// A table from integers to integers; what lies outside takes the nearest entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    first: i64,
    values: Vec<u16>,
    /// Bits of an entry.
    pub bits: u32,
}

impl Table {
    /// Of a sequence item, or of an object's palette.
    pub(crate) fn read(
        data: &DataSet,
        descriptor: Tag,
        table: Tag,
        is_signed: bool,
    ) -> Option<Self> {
        let described = data.numbers(descriptor);
        let &[entries, first, bits] = described.first_chunk::<3>()?;
        // Zero stands for 2 to the power of 16; a negative count is an unsigned one misread.
        let entries = match entries as i64 {
            0 => 1 << 16,
            entries => entries as u16 as usize,
        };
        // The first value has the sign of the pixels, whatever the element's representation is.
        let first = if is_signed {
            i64::from(first as i64 as i16)
        } else {
            i64::from(first as i64 as u16)
        };
        let bytes = data.bytes(table)?;
        let values: Vec<u16> = if bytes.len() < entries * 2 {
            bytes.iter().map(|byte| u16::from(*byte)).collect()
        } else {
            let (words, _) = bytes.as_chunks::<2>();
            let in_order = |word: &[u8; 2]| {
                if data.is_big_endian() {
                    u16::from_be_bytes(*word)
                } else {
                    u16::from_le_bytes(*word)
                }
            };
            words.iter().take(entries).map(in_order).collect()
        };
        (!values.is_empty()).then_some(Self {
            first,
            values,
            bits: (bits as u32).clamp(1, 16),
        })
    }

    /// The entry of a stored value.
    pub(crate) fn at(&self, value: i64) -> u16 {
        let last = self.values.len().saturating_sub(1) as i64;
        let at = value.saturating_sub(self.first).clamp(0, last);
        self.values.get(at as usize).copied().unwrap_or(0)
    }

    /// The values that have entries of their own.
    pub(crate) fn span(&self) -> Window {
        let last = self.values.len().saturating_sub(1) as i64;
        Window::between(self.first as f32, (self.first + last) as f32)
    }

    /// Eight bits of every value; what is no number becomes black.
    pub(crate) fn apply(&self, plane: &Plane) -> GrayImage {
        let scale = 255.0 / ((1_u32 << self.bits) - 1) as f32;
        let bytes = plane.map(|value| match value {
            value if value.is_nan() => 0.0,
            value => f32::from(self.at(value as i64)) * scale,
        });
        GrayImage::from_raw(plane.width, plane.height, bytes).unwrap_or_default()
    }

    /// The eight most significant bits of the entry.
    pub(crate) fn grey(&self, value: i64) -> u8 {
        let entry = self.at(value);
        if self.bits >= 8 {
            (entry >> (self.bits - 8)) as u8
        } else {
            (entry << (8 - self.bits)) as u8
        }
    }

    /// A table of colours says 16 bits and holds 8: what it holds counts.
    pub(crate) fn fitted_bits(mut self) -> Self {
        let most = self.values.iter().copied().max().unwrap_or(0);
        if self.bits > 8 && most < 256 {
            self.bits = 8;
        }
        self
    }
}

/// From stored values to real ones.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rescale {
    Line { slope: f32, intercept: f32 },
    Table(Table),
}

impl Rescale {
    /// `group` is the frame's own transformation where the object is of many frames.
    pub(crate) fn of(data: &DataSet, group: Option<&DataSet>, is_signed: bool) -> Self {
        if let Some(item) = data.item(tags::MODALITY_LUT)
            && let Some(table) = Table::read(&item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, is_signed)
        {
            return Self::Table(table);
        }
        let number = |tag| {
            group
                .and_then(|group| group.number(tag))
                .or_else(|| data.number(tag))
        };
        let slope = number(tags::RESCALE_SLOPE).filter(|slope| *slope != 0.0);
        let dose = data.number(tags::DOSE_SCALING).unwrap_or(1.0);
        Self::Line {
            slope: (slope.unwrap_or(1.0) * dose) as f32,
            intercept: number(tags::RESCALE_INTERCEPT).unwrap_or(0.0) as f32,
        }
    }

    pub(crate) fn real(&self, stored: i64) -> f32 {
        match self {
            Self::Line { slope, intercept } => stored as f32 * slope + intercept,
            Self::Table(table) => f32::from(table.at(stored)),
        }
    }
}

/// The file's windows, with what it calls them.
pub(crate) fn windows(data: &DataSet, group: Option<&DataSet>) -> Vec<(String, Window)> {
    let source = group
        .filter(|group| group.has(tags::WINDOW_CENTRE))
        .unwrap_or(data);
    let shape = match source.text(tags::WINDOW_FUNCTION).as_deref() {
        Some("SIGMOID") => WindowShape::Sigmoid,
        Some("LINEAR_EXACT") => WindowShape::LinearExact,
        _ => WindowShape::Linear,
    };
    let names = source.texts(tags::WINDOW_NAME);
    let centres = source.numbers(tags::WINDOW_CENTRE);
    let widths = source.numbers(tags::WINDOW_WIDTH);
    let pairs = centres.into_iter().zip(widths).enumerate();
    pairs
        .filter(|(_, (centre, width))| centre.is_finite() && *width > 0.0)
        .map(|(at, (centre, width))| {
            let name = names.get(at).filter(|name| !name.is_empty());
            let window = Window {
                centre: centre as f32,
                width: width as f32,
                shape,
            };
            (
                name.cloned().unwrap_or_else(|| format!("file {}", at + 1)),
                window,
            )
        })
        .collect()
}

/// Three tables that turn an index into a colour.
pub(crate) struct Palette([Table; 3]);

impl Palette {
    pub(crate) fn of(data: &DataSet, is_signed: bool) -> Option<Self> {
        let table = |descriptor, plain, segments| {
            let whole = Table::read(data, descriptor, plain, is_signed);
            let table = whole.or_else(|| segmented(data, descriptor, segments, is_signed))?;
            Some(table.fitted_bits())
        };
        Some(Self([
            table(tags::RED_DESCRIPTOR, tags::RED_TABLE, tags::RED_SEGMENTS)?,
            table(
                tags::GREEN_DESCRIPTOR,
                tags::GREEN_TABLE,
                tags::GREEN_SEGMENTS,
            )?,
            table(tags::BLUE_DESCRIPTOR, tags::BLUE_TABLE, tags::BLUE_SEGMENTS)?,
        ]))
    }

    pub(crate) fn colour(&self, index: i64) -> [u8; 3] {
        let Self([red, green, blue]) = self;
        [red, green, blue].map(|table| table.grey(index))
    }
}

/// A table written as points, straight lines between them, and repetitions (PS3.3 C.7.9.2).
fn segmented(data: &DataSet, descriptor: Tag, segments: Tag, is_signed: bool) -> Option<Table> {
    let mut table = Table::read(data, descriptor, segments, is_signed)?;
    let bytes = data.bytes(segments)?;
    table.values = if table.bits <= 8 {
        let codes: Vec<u16> = bytes.iter().map(|byte| u16::from(*byte)).collect();
        expanded(&codes, 8)?
    } else {
        let (words, _) = bytes.as_chunks::<2>();
        let in_order = |word: &[u8; 2]| {
            if data.is_big_endian() {
                u16::from_be_bytes(*word)
            } else {
                u16::from_le_bytes(*word)
            }
        };
        let codes: Vec<u16> = words.iter().map(in_order).collect();
        expanded(&codes, 16)?
    };
    Some(table)
}

const POINTS: u16 = 0;
const LINE: u16 = 1;
const REPEAT: u16 = 2;
const MOST_ENTRIES: usize = 1 << 16;

/// The entries that segments of codes stand for, each code of `width` bits. `None` where they make
/// no sense.
fn expanded(codes: &[u16], width: u32) -> Option<Vec<u16>> {
    let mut values = Vec::new();
    let mut at = 0;
    while let Some(&[kind, count]) = codes.get(at..)?.first_chunk::<2>() {
        match (kind, count) {
            // What fills the value to an even length.
            (POINTS, 0) => break,
            (REPEAT, _) => {
                // The place of the first segment, in bytes, its low code first.
                let parts = codes.get(at + 2..at + 2 + (32 / width) as usize)?;
                let offset = parts
                    .iter()
                    .rev()
                    .fold(0_u32, |offset, part| offset << width | u32::from(*part));
                let mut from = (offset / (width / 8)) as usize;
                for _ in 0..count {
                    from = expand(codes, from, &mut values)?;
                }
                at += 2 + parts.len();
            }
            _ => at = expand(codes, at, &mut values)?,
        }
    }
    (!values.is_empty()).then_some(values)
}

/// Writes out the segment that begins at a code and returns where the next does. Repetitions are
/// not repeated: that could go on for ever.
fn expand(codes: &[u16], at: usize, values: &mut Vec<u16>) -> Option<usize> {
    let &[kind, count] = codes.get(at..)?.first_chunk::<2>()?;
    let count = usize::from(count);
    if count == 0 || values.len() + count > MOST_ENTRIES {
        return None;
    }
    let start = at + 2;
    match kind {
        POINTS => {
            values.extend(codes.get(start..start + count)?);
            Some(start + count)
        }
        LINE => {
            let from = f64::from(*values.last()?);
            let to = f64::from(*codes.get(start)?);
            let step = |at: usize| from + (to - from) * at as f64 / count as f64;
            values.extend((1..=count).map(|at| step(at).round() as u16));
            Some(start + 1)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_and_lines_follow_each_other() {
        let codes = [0, 2, 10, 20, 1, 4, 40, 0, 1, 7];
        assert_eq!(expanded(&codes, 16).unwrap(), [10, 20, 25, 30, 35, 40, 7]);
    }

    #[test]
    fn segments_are_repeated_from_where_the_table_stands() {
        // From byte 6, which is the line: it ends at 40 again but begins at 100.
        let codes = [0, 1, 20, 1, 2, 40, 0, 1, 100, 2, 1, 6, 0];
        assert_eq!(expanded(&codes, 16).unwrap(), [20, 30, 40, 100, 70, 40]);
        // Bytes: the place takes four of them, and is counted in them.
        let codes = [0, 1, 20, 1, 2, 40, 2, 2, 0, 0, 0, 0, 0];
        assert_eq!(expanded(&codes, 8).unwrap(), [20, 30, 40, 20, 30, 40]);
    }

    #[test]
    fn segments_that_make_no_sense_are_no_table() {
        for codes in [
            &[][..],
            // A line from nowhere, points that are cut off, an unknown kind.
            &[1, 4, 40],
            &[0, 4, 1, 2],
            &[0, 1, 1, 3, 1, 0, 0],
            // A repetition of itself, of what lies outside, of nothing that is whole.
            &[0, 1, 1, 2, 1, 6, 0],
            &[0, 1, 1, 2, 1, 0xFFFF, 0xFFFF],
            &[0, 1, 1, 2, 9, 0, 0],
            &[0, 1, 1, 2, 1],
        ] {
            assert_eq!(expanded(codes, 16), None, "{codes:?}");
        }
        // More entries than a value can choose from.
        let codes = [0, 1, 1, 1, 0xFFFF, 9, 1, 0xFFFF, 1];
        assert_eq!(expanded(&codes, 16), None);
    }
}
