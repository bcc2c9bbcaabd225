//! A DICOM file: its transfer syntax and its data set (PS3.10).

use std::io::Read;
use std::sync::Arc;

use super::data_set::{DataSet, Encoding};
use super::tags::{self, Tag};
use crate::{DecodeError, Format, Limits};

/// How pixel data are compressed (PS3.6 table A-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Rle,
    /// Baseline, extended and lossless: the stream itself says which.
    Jpeg,
    JpegLs,
    Jpeg2000,
    Unknown,
}

/// An object in memory.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub data: DataSet,
    pub compression: Compression,
    pub syntax: String,
}

const PREAMBLE: usize = 128;

/// Whether the bytes are a DICOM file, or a data set without its beginning.
pub(crate) fn is_dicom(bytes: &[u8]) -> bool {
    has_preamble(bytes) || is_bare(bytes)
}

pub(crate) fn has_preamble(bytes: &[u8]) -> bool {
    bytes.get(PREAMBLE..PREAMBLE + 4) == Some(b"DICM")
}

/// The group of elements in front of a data set, which says what follows.
pub(crate) fn meta(bytes: &Arc<Vec<u8>>) -> Option<DataSet> {
    let start = if has_preamble(bytes) { PREAMBLE + 4 } else { 0 };
    if bytes.get(start..start + 2) != Some(&[2, 0]) {
        return None;
    }
    let is_data = |tag: Tag| tag >> 16 > 2;
    Some(DataSet::read(
        bytes,
        start..bytes.len(),
        Encoding::EXPLICIT,
        is_data,
    ))
}

/// Old exports begin with the data set itself: with group 2 or 8, in either order.
fn is_bare(bytes: &[u8]) -> bool {
    let Some(&[first, second, low, high, kind @ ..]) = bytes.first_chunk::<8>() else {
        return false;
    };
    let is_explicit = kind.iter().take(2).all(u8::is_ascii_uppercase);
    let first_group = matches!([first, second], [8 | 2, 0] | [0, 8 | 2]);
    // Implicit: a short length of the first element, whose number is small.
    let is_implicit = [first, second, high] == [8, 0, 0] && kind[1..] == [0; 3] && low < 0x20;
    first_group && (is_explicit || is_implicit)
}

impl File {
    pub(crate) fn read(bytes: Arc<Vec<u8>>, limits: Limits) -> Result<Self, DecodeError> {
        let bare = if has_preamble(&bytes) {
            PREAMBLE + 4
        } else {
            0
        };
        let meta = meta(&bytes);
        let start = meta.as_ref().map_or(bare, DataSet::end);
        let syntax = meta.and_then(|meta| meta.text(tags::TRANSFER_SYNTAX));
        let rest = bytes.get(start..).unwrap_or_default();
        // Some writers state a syntax and use another: what is written counts.
        let encoding = match syntax.as_deref() {
            Some("1.2.840.10008.1.2.1.99") => Encoding::EXPLICIT,
            Some("1.2.840.10008.1.2.2") => Encoding {
                is_explicit: true,
                is_big_endian: true,
            },
            Some("1.2.840.10008.1.2") | None => seen(rest).unwrap_or(Encoding::IMPLICIT),
            Some(_) => seen(rest).unwrap_or(Encoding::EXPLICIT),
        };
        let (bytes, start) = match syntax.as_deref() {
            Some("1.2.840.10008.1.2.1.99") => (inflated(rest, limits)?, 0),
            _ => (bytes, start),
        };
        let end = bytes.len();
        let data = DataSet::read(&bytes, start..end, encoding, |_| false);
        if data.is_empty() {
            return Err(damaged("it holds no element"));
        }
        let syntax = syntax.unwrap_or_else(|| "1.2.840.10008.1.2.1".to_owned());
        Ok(Self {
            data,
            compression: compression(&syntax),
            syntax,
        })
    }
}

/// The encoding that the first element is written in; `None` when it could be any.
fn seen(data: &[u8]) -> Option<Encoding> {
    let &[a, b, _, _, e, f, ..] = data else {
        return None;
    };
    let is_explicit = e.is_ascii_uppercase() && f.is_ascii_uppercase();
    let is_big_endian = a == 0 && b != 0;
    match (is_explicit, is_big_endian) {
        (true, is_big_endian) => Some(Encoding {
            is_explicit: true,
            is_big_endian,
        }),
        (false, false) => Some(Encoding::IMPLICIT),
        (false, true) => None,
    }
}

fn compression(syntax: &str) -> Compression {
    let Some(number) = syntax.strip_prefix("1.2.840.10008.1.2") else {
        return Compression::Unknown;
    };
    match number {
        "" | ".1" | ".1.99" | ".2" => Compression::None,
        ".5" => Compression::Rle,
        ".4.50" | ".4.51" | ".4.57" | ".4.70" => Compression::Jpeg,
        ".4.80" | ".4.81" => Compression::JpegLs,
        ".4.90" | ".4.91" => Compression::Jpeg2000,
        _ => Compression::Unknown,
    }
}

/// What would be needed for a syntax that is not read.
pub(crate) fn not_read(syntax: &str) -> DecodeError {
    let number = syntax.strip_prefix("1.2.840.10008.1.2.4.").unwrap_or("");
    let name = match number {
        "53" | "55" => "progressive JPEG",
        "92" | "93" => "multi-component JPEG 2000",
        "100" | "101" | "100.1" | "101.1" => "MPEG-2 video",
        "102" | "103" | "104" | "105" | "106" => "MPEG-4 video",
        "107" | "108" => "HEVC video",
        "110" | "111" | "112" => "JPEG XL",
        "201" | "202" | "203" => "high-throughput JPEG 2000",
        _ => "an unknown compression",
    };
    let syntax: String = syntax.chars().take(64).filter(char::is_ascii).collect();
    DecodeError::Unsupported {
        format: Format::Dicom,
        why: format!("its transfer syntax is {syntax}: {name}"),
    }
}

fn inflated(bytes: &[u8], limits: Limits) -> Result<Arc<Vec<u8>>, DecodeError> {
    let mut data = Vec::new();
    let most = limits.memory / 2;
    let mut inflater = flate2::read::DeflateDecoder::new(bytes).take(most);
    // What was inflated before the damage is still looked at.
    let outcome = inflater.read_to_end(&mut data);
    if data.len() as u64 >= most {
        return Err(DecodeError::TooMuchMemory {
            memory: limits.memory,
        });
    }
    match outcome {
        Err(_) if data.is_empty() => Err(damaged("it cannot be inflated")),
        _ => Ok(data.into()),
    }
}

pub(crate) fn damaged(why: impl Into<String>) -> DecodeError {
    DecodeError::Damaged {
        format: Format::Dicom,
        why: why.into(),
    }
}
