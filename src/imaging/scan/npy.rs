//! NumPy's `.npy`: pictures as rows and columns, volumes as slices, rows and columns.

use std::sync::Arc;

use semihv_domain::printable_line;

use super::geometry::Geometry;
use super::raw::{Coding, NumberKind, RawVolume};
use crate::{DecodeError, Format};

const MAGIC: &[u8] = b"\x93NUMPY";

pub(crate) fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

pub(crate) fn read(bytes: Arc<Vec<u8>>) -> Result<(Geometry, RawVolume), DecodeError> {
    let (header, start) = header(&bytes).ok_or_else(|| damaged("its header is cut off"))?;
    let kind = value(header, "descr").unwrap_or_default();
    let kind = kind.trim_matches(['\'', '"']);
    let (order, name) = kind.split_at_checked(1).unwrap_or_default();
    let kind = match name {
        "u1" | "b1" => NumberKind::U8,
        "i1" => NumberKind::I8,
        "u2" => NumberKind::U16,
        "i2" => NumberKind::I16,
        "u4" => NumberKind::U32,
        "i4" => NumberKind::I32,
        "u8" => NumberKind::U64,
        "i8" => NumberKind::I64,
        "f4" => NumberKind::F32,
        "f8" => NumberKind::F64,
        _ => {
            return Err(unsupported(format!(
                "its numbers are `{}`",
                printable_line(kind)
            )));
        }
    };
    if value(header, "fortran_order") == Some("True") {
        let why = "its columns come first; save numpy.ascontiguousarray of it";
        return Err(unsupported(why.to_owned()));
    }
    let extent = extent(value(header, "shape").unwrap_or_default())?;
    let coding = Coding {
        kind,
        is_big_endian: order == ">",
        slope: 1.0,
        intercept: 0.0,
    };
    let volume = RawVolume::new(bytes, start, coding, (extent, 1));
    let volume = volume.ok_or_else(|| damaged("it ends before its numbers do"))?;
    Ok((Geometry::flat(extent), volume))
}

/// The header's text and where the numbers start.
fn header(bytes: &[u8]) -> Option<(&str, usize)> {
    let start = match bytes.get(6)? {
        1 => 10,
        _ => 12,
    };
    let size = bytes.get(8..start)?;
    let size = size
        .iter()
        .rev()
        .fold(0_usize, |size, &byte| size << 8 | usize::from(byte));
    let end = start.checked_add(size)?;
    let text = std::str::from_utf8(bytes.get(start..end)?).ok()?;
    Some((text, end))
}

/// What stands behind a key of the header's dictionary: a name, or a tuple with its brackets.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{key}':"))?;
    let rest = rest.trim_start();
    let end = if rest.starts_with('(') {
        rest.find(')')? + 1
    } else {
        rest.find([',', '}'])?
    };
    rest.get(..end).map(str::trim)
}

/// Columns, rows and slices.
fn extent(shape: &str) -> Result<[u32; 3], DecodeError> {
    let sides: Result<Vec<u32>, _> = shape
        .trim_matches(['(', ')'])
        .split(',')
        .map(str::trim)
        .filter(|side| !side.is_empty())
        .map(str::parse)
        .collect();
    match sides.as_deref() {
        Ok(&[rows, columns]) => Ok([columns, rows, 1]),
        Ok(&[slices, rows, columns]) => Ok([columns, rows, slices]),
        _ => {
            let shape = printable_line(shape);
            Err(unsupported(format!(
                "its shape is {shape}; two or three axes are read"
            )))
        }
    }
}

fn damaged(why: &str) -> DecodeError {
    DecodeError::Damaged {
        format: Format::Npy,
        why: why.to_owned(),
    }
}

fn unsupported(why: String) -> DecodeError {
    DecodeError::Unsupported {
        format: Format::Npy,
        why,
    }
}
