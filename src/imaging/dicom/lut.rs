//! Look-up tables and rescaling: from stored values to real ones, to grey and to colour
//! (PS3.3 C.11.1, C.11.2, C.7.6.3.1.5).

use super::data_set::DataSet;
use super::tags::{self, Tag};
use crate::{Window, WindowShape};

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
        let last = self.values.len().saturating_sub(1);
        let at = usize::try_from(value - self.first).unwrap_or(0).min(last);
        self.values.get(at).copied().unwrap_or(0)
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

/// A table written as points and straight lines between them (PS3.3 C.7.9.2).
fn segmented(data: &DataSet, descriptor: Tag, segments: Tag, is_signed: bool) -> Option<Table> {
    let mut table = Table::read(data, descriptor, segments, is_signed)?;
    let codes = data.numbers(segments);
    let mut codes = codes.into_iter();
    let mut values: Vec<u16> = Vec::new();
    while let (Some(kind), Some(length)) = (codes.next(), codes.next()) {
        let length = length as usize;
        if values.len() + length > 1 << 16 {
            return None;
        }
        match kind as u16 {
            0 => values.extend(codes.by_ref().take(length).map(|value| value as u16)),
            1 => {
                let from = f64::from(*values.last()?);
                let to = codes.next()?;
                let step = |at: usize| from + (to - from) * at as f64 / length as f64;
                values.extend((1..=length).map(|at| step(at).round() as u16));
            }
            // Repeated segments by their offset are not known from any real file.
            _ => return None,
        }
    }
    table.values = values;
    (!table.values.is_empty()).then_some(table)
}
