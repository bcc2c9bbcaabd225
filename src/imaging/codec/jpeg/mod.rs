//! JPEG (ITU-T T.81) as DICOM uses it beyond common viewers: lossless Huffman (process 14) and
//! sequential DCT of 8 and 12 bits. Values come as coded; no colour is converted. Progressive,
//! hierarchical and arithmetic-coded streams are left to others.

mod bits;
mod dct;
mod huffman;
mod idct;
mod lossless;
mod markers;

#[cfg(test)]
mod goldens;
#[cfg(test)]
mod tests;

use markers::{Frame, Process, Scan, Segments, Tables};

use super::{CodecError, Samples};

#[derive(Debug)]
pub(crate) struct Decoded {
    pub samples: Samples,
    /// The colour transform of an Adobe segment: 0 none, 1 YCbCr, 2 YCCK.
    pub adobe_transform: Option<u8>,
}

/// Decodes the one frame of a stream; `most_samples` bounds width × height × components.
pub(crate) fn decode(bytes: &[u8], most_samples: usize) -> Result<Decoded, CodecError> {
    let mut segments = Segments::new(bytes)?;
    let mut tables = Tables::default();
    let mut picture = None;
    loop {
        let (marker, body) = segments.following()?;
        match marker {
            markers::START_OF_SCAN => {
                let Some(picture) = &mut picture else {
                    return Err(CodecError::Damaged("a scan precedes the frame header"));
                };
                let length = decode_scan(picture, &tables, body, segments.rest())?;
                segments.skip(length);
            }
            markers::END_OF_IMAGE => {
                return Err(CodecError::Damaged(
                    "it ends before the picture is complete",
                ));
            }
            _ => match Frame::read(marker, body)? {
                Some(_) if picture.is_some() => {
                    return Err(CodecError::Damaged("there are two frame headers"));
                }
                Some(frame) => picture = Some(Picture::new(frame, most_samples)?),
                None => tables.read(marker, body)?,
            },
        }
        // The end marker is not waited for: it may be missing.
        if let Some(finished) = picture.take_if(|picture| picture.missing.is_empty()) {
            return Ok(finished.decoded(tables.adobe_transform));
        }
    }
}

/// A frame in the making.
struct Picture {
    frame: Frame,
    values: Vec<u16>,
    /// The components that no scan has brought yet.
    missing: Vec<usize>,
}

impl Picture {
    fn new(frame: Frame, most_samples: usize) -> Result<Self, CodecError> {
        let components = frame.components.len();
        let count = frame.width.checked_mul(frame.height).and_then(|area| {
            area.checked_mul(components)
                .filter(|&count| count <= most_samples)
        });
        let values = vec![0; count.ok_or(CodecError::TooLarge)?];
        Ok(Self {
            frame,
            values,
            missing: (0..components).collect(),
        })
    }

    fn decoded(self, adobe_transform: Option<u8>) -> Decoded {
        let Self { frame, values, .. } = self;
        Decoded {
            samples: Samples {
                width: frame.width as u32,
                height: frame.height as u32,
                components: frame.components.len() as u8,
                precision: frame.precision,
                values,
            },
            adobe_transform,
        }
    }
}

fn decode_scan(
    picture: &mut Picture,
    tables: &Tables,
    header: &[u8],
    bytes: &[u8],
) -> Result<usize, CodecError> {
    let scan = Scan::read(&picture.frame, header)?;
    // Each scan must bring something new, or a small stream could keep us busy for long.
    for member in &scan.members {
        let Some(place) = picture
            .missing
            .iter()
            .position(|&lane| lane == member.component)
        else {
            return Err(CodecError::Damaged("a component is coded twice"));
        };
        picture.missing.swap_remove(place);
    }
    let decode = match picture.frame.process {
        Process::Lossless => lossless::decode_scan,
        Process::Dct => dct::decode_scan,
    };
    decode(&picture.frame, &scan, tables, bytes, &mut picture.values)
}
