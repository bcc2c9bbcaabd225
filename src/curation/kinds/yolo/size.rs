//! The size of a picture, from its header.

use std::io::Read;

use semihv_imaging::{Probe, probe};

use crate::error::Stop;
use crate::kinds::{unread, unreadable};
use crate::location::MAX_IMAGE_BYTES;
use crate::origin::Origin;

/// How much is read until the size is known: most headers; those behind comments and previews; all
/// of it, since TIFF may have its header at the end.
const ENOUGH_BYTES: [u64; 3] = [16 << 10, 256 << 10, MAX_IMAGE_BYTES + 1];

/// Width and height in pixels, or what is wrong with the picture.
pub(super) fn of(origin: &Origin, picture: &str) -> Result<(u32, u32), String> {
    let opened = origin.read(picture);
    let mut reader = opened.map_err(|error| unread(Stop::Failed(error)))?;
    let mut bytes = Vec::new();
    let mut why = "is empty".to_owned();
    for enough in ENOUGH_BYTES {
        read_to(&mut reader, enough, &mut bytes)?;
        if bytes.len() as u64 > MAX_IMAGE_BYTES {
            return Err(format!("is over {} MB", MAX_IMAGE_BYTES >> 20));
        }
        match probe(&bytes) {
            Ok(Probe { width, height, .. }) if width > 0 && height > 0 => {
                return Ok((width, height));
            }
            Ok(_) => return Err("has no size".to_owned()),
            Err(error) => why = format!("has no known size: {error}"),
        }
        if (bytes.len() as u64) < enough {
            break;
        }
    }
    Err(why)
}

/// Reads on until there are so many bytes in all.
fn read_to(reader: &mut dyn Read, count: u64, bytes: &mut Vec<u8>) -> Result<(), String> {
    let missing = count.saturating_sub(bytes.len() as u64);
    let read = reader.take(missing).read_to_end(bytes);
    read.map(drop).map_err(|source| unreadable(&source))
}
