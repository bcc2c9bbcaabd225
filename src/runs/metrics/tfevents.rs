//! TensorBoard's event files: records with checksums, in each an event, in some of them scalars.
//!
//! `u64 length, u32 masked crc32c of it, bytes, u32 masked crc32c of them`.

use super::TIME;
use super::protobuf::{Wire, fields, only_varint};
use super::records::{Read, Records};

const HEAD: usize = 12;
const TAIL: usize = 4;
/// A longer record is damage, or nothing that we read: a graph may have some megabytes.
const LONGEST: usize = 256 << 20;

const FLOAT: u64 = 1;
const DOUBLE: u64 = 2;
const INT32: u64 = 3;
const INT64: u64 = 9;

#[derive(Debug, Clone, Default)]
pub(crate) struct TensorboardEvents;

pub(super) fn is_it(start: &[u8]) -> bool {
    head(start).is_some_and(|length| length > 0)
}

/// The length of the record, where its checksum says that it is one.
fn head(bytes: &[u8]) -> Option<usize> {
    let (length, after) = bytes.split_first_chunk::<8>()?;
    let (crc, _) = after.split_first_chunk::<4>()?;
    if masked(crc32c(length)) != u32::from_le_bytes(*crc) {
        return None;
    }
    usize::try_from(u64::from_le_bytes(*length))
        .ok()
        .filter(|it| *it <= LONGEST)
}

impl Records for TensorboardEvents {
    fn next(&mut self, bytes: &[u8]) -> Option<(usize, Read)> {
        if bytes.len() < HEAD {
            return None;
        }
        // Without a length nothing behind it can be found.
        let Some(length) = head(bytes) else {
            return Some((bytes.len(), Read::Damaged));
        };
        let whole = HEAD + length + TAIL;
        let record = bytes.get(HEAD..HEAD + length)?;
        let crc = bytes.get(HEAD + length..whole)?.first_chunk::<4>()?;
        if masked(crc32c(record)) != u32::from_le_bytes(*crc) {
            return Some((whole, Read::Damaged));
        }
        Some((whole, event(record)))
    }
}

fn event(record: &[u8]) -> Read {
    let (mut step, mut time, mut figures) = (0, None, Vec::new());
    for (number, value) in fields(record) {
        match number {
            1 => time = value.float(),
            2 => step = value.varint().unwrap_or(0),
            5 => {
                let summary = value.bytes().unwrap_or_default();
                let values = fields(summary).filter(|(number, _)| *number == 1);
                figures.extend(values.filter_map(|(_, value)| scalar(value.bytes()?)));
            }
            _ => {}
        }
    }
    if !figures.is_empty() {
        figures.extend(time.map(|time| (TIME.to_owned(), time)));
    }
    // Negative steps are written as huge ones.
    Read::figures(
        i64::try_from(step)
            .ok()
            .and_then(|it| u64::try_from(it).ok()),
        figures,
    )
}

fn scalar(value: &[u8]) -> Option<(String, f64)> {
    let (mut tag, mut number) = (String::new(), None);
    for (field, value) in fields(value) {
        match field {
            1 => tag = value.text()?,
            2 => number = value.float(),
            8 => number = number.or_else(|| tensor(value.bytes()?)),
            _ => {}
        }
    }
    number.map(|number| (tag, number))
}

/// A tensor of one number: texts and pictures are none.
fn tensor(tensor: &[u8]) -> Option<f64> {
    let (mut kind, mut content, mut listed) = (0, None, None);
    for (field, value) in fields(tensor) {
        match (field, value) {
            (1, value) => kind = value.varint()?,
            (4..=6, Wire::Bytes(bytes)) => content = Some(bytes),
            (7 | 10, Wire::Bytes(bytes)) => listed = only_varint(bytes).map(|it| it as i64 as f64),
            (5 | 6, value) => listed = value.float(),
            (7 | 10, Wire::Varint(number)) => listed = Some(number as i64 as f64),
            _ => {}
        }
    }
    if listed.is_some() {
        return listed;
    }
    let bytes = content?;
    match kind {
        FLOAT => <[u8; 4]>::try_from(bytes)
            .ok()
            .map(|it| f64::from(f32::from_le_bytes(it))),
        DOUBLE => <[u8; 8]>::try_from(bytes).ok().map(f64::from_le_bytes),
        INT32 => <[u8; 4]>::try_from(bytes)
            .ok()
            .map(|it| f64::from(i32::from_le_bytes(it))),
        INT64 => <[u8; 8]>::try_from(bytes)
            .ok()
            .map(|it| i64::from_le_bytes(it) as f64),
        _ => None,
    }
}

fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Castagnoli's polynomial, reflected, by a table.
fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut at = 0;
        while at < 256 {
            let mut value = at as u32;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 {
                    (value >> 1) ^ 0x82f6_3b78
                } else {
                    value >> 1
                };
                bit += 1;
            }
            table[at] = value;
            at += 1;
        }
        table
    };
    let mut crc = !0_u32;
    for byte in bytes {
        let at = (crc ^ u32::from(*byte)) & 0xff;
        crc = (crc >> 8) ^ TABLE.get(at as usize).copied().unwrap_or_default();
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
