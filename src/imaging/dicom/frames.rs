//! The frames of a DICOM object: where each lies and what its samples are (PS3.5 chapter 8).

use super::data_set::DataSet;
use super::file::{Compression, File, damaged, not_read};
use super::stored::{Bits, Stored};
use super::{rle, tags};
use crate::codec::{CodecError, jpeg, jpeg_2000, jpeg_ls};
use crate::{DecodeError, Limits};

/// How a sample becomes grey or colour (PS3.3 C.7.6.3.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Photometric {
    Monochrome1,
    Monochrome2,
    Palette,
    Rgb,
    YbrFull,
    YbrFull422,
    /// Already turned into RGB by the JPEG 2000 decoder.
    YbrInCodec,
}

/// The attributes that say what pixel data are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub columns: u32,
    pub rows: u32,
    pub frames: u32,
    pub samples: u32,
    pub allocated: u32,
    pub stored: u32,
    high: u32,
    pub is_signed: bool,
    pub photometric: Photometric,
    is_planar: bool,
}

/// A decoded frame.
pub(crate) struct Frame<'a> {
    pub samples: Stored<'a>,
    /// The samples are YCbCr of the full range.
    pub is_ybr: bool,
}

impl Layout {
    pub(crate) fn of(data: &DataSet, limits: Limits) -> Result<Self, DecodeError> {
        let count = |tag| data.count(tag);
        let (columns, rows) = (count(tags::COLUMNS), count(tags::ROWS));
        let (Some(columns), Some(rows)) = (columns, rows) else {
            return Err(damaged("it does not say how large its picture is"));
        };
        if columns == 0 || rows == 0 {
            return Err(DecodeError::Empty);
        }
        let samples = count(tags::SAMPLES_PER_PIXEL).unwrap_or(1);
        let allocated = count(tags::BITS_ALLOCATED).unwrap_or(8);
        let stored = count(tags::BITS_STORED).unwrap_or(allocated);
        let high = count(tags::HIGH_BIT).unwrap_or(stored.saturating_sub(1));
        if !matches!(allocated, 1 | 8 | 16 | 32) || stored == 0 || stored > allocated {
            return Err(damaged(format!(
                "its samples have {stored} of {allocated} bits"
            )));
        }
        if !matches!(samples, 1 | 3) {
            return Err(damaged(format!("it has {samples} samples a pixel")));
        }
        let pixels = u64::from(columns) * u64::from(rows) * u64::from(samples);
        if pixels * 12 > limits.memory {
            return Err(DecodeError::TooMuchMemory {
                memory: limits.memory,
            });
        }
        Ok(Self {
            columns,
            rows,
            frames: count(tags::NUMBER_OF_FRAMES).unwrap_or(1).max(1),
            samples,
            allocated,
            stored,
            high,
            is_signed: count(tags::PIXEL_REPRESENTATION) == Some(1),
            photometric: photometric(data, samples)?,
            is_planar: count(tags::PLANAR_CONFIGURATION) == Some(1),
        })
    }

    fn pixels(&self) -> usize {
        self.columns as usize * self.rows as usize
    }

    /// Bits of an uncompressed frame.
    fn frame_bits(&self) -> u64 {
        let samples = match self.photometric {
            // Two pixels share their colour.
            Photometric::YbrFull422 => 2,
            _ => u64::from(self.samples),
        };
        self.pixels() as u64 * samples * u64::from(self.allocated)
    }

    /// Frames that an uncompressed value of `bytes` holds whole; a count in the header is only a
    /// claim.
    fn frames_in(&self, bytes: usize) -> u32 {
        let held = bytes as u64 * 8 / self.frame_bits().max(1);
        u32::try_from(held).unwrap_or(u32::MAX).min(self.frames)
    }

    /// Which bits of a word count.
    pub(crate) fn bits(&self) -> Bits {
        let shift = (self.high + 1).saturating_sub(self.stored);
        Bits::new(self.stored, shift, self.is_signed)
    }
}

fn photometric(data: &DataSet, samples: u32) -> Result<Photometric, DecodeError> {
    let text = data.text(tags::PHOTOMETRIC).unwrap_or_default();
    Ok(match (text.as_str(), samples) {
        ("MONOCHROME1", 1) => Photometric::Monochrome1,
        ("PALETTE COLOR", 1) => Photometric::Palette,
        (_, 1) => Photometric::Monochrome2,
        ("YBR_FULL", _) => Photometric::YbrFull,
        ("YBR_FULL_422" | "YBR_PARTIAL_422", _) => Photometric::YbrFull422,
        ("YBR_RCT" | "YBR_ICT", _) => Photometric::YbrInCodec,
        ("RGB" | "", _) => Photometric::Rgb,
        (other, _) => {
            let other: String = other
                .chars()
                .filter(char::is_ascii_graphic)
                .take(24)
                .collect();
            return Err(damaged(format!(
                "{samples} samples a pixel cannot be {other}"
            )));
        }
    })
}

/// How many frames can be had.
pub(crate) fn count(file: &File, layout: &Layout) -> u32 {
    if file.data.has(tags::FLOAT_PIXEL_DATA) || file.data.has(tags::DOUBLE_PIXEL_DATA) {
        return 1;
    }
    if let Some(fragments) = file.data.fragments(tags::PIXEL_DATA) {
        let pieces = fragments.len().saturating_sub(1);
        return layout.frames.min(u32::try_from(pieces).unwrap_or(u32::MAX));
    }
    let bytes = file.data.bytes(tags::PIXEL_DATA).map_or(0, <[u8]>::len);
    layout.frames_in(bytes)
}

/// Decodes one frame, counted from 0.
pub(crate) fn read<'a>(
    file: &'a File,
    layout: &Layout,
    frame: u32,
) -> Result<Frame<'a>, DecodeError> {
    if !file.data.has(tags::PIXEL_DATA) {
        return Err(DecodeError::NoPixels {
            what: file.data.word(tags::MODALITY),
        });
    }
    let fragments = file.data.fragments(tags::PIXEL_DATA);
    if let Some(fragments) = fragments {
        let bytes = frame_bytes(&fragments, layout, frame)?;
        return compressed(file, layout, &bytes);
    }
    if file.compression == Compression::Unknown {
        return Err(not_read(&file.syntax));
    }
    let bytes = file.data.bytes(tags::PIXEL_DATA).unwrap_or_default();
    if frame >= layout.frames_in(bytes.len()) {
        return Err(damaged("its pixel data are cut off"));
    }
    Ok(uncompressed(file, layout, bytes, frame))
}

/// A bit of every sample that is no part of its value: old files keep overlays there. Of what was
/// compressed, only run lengths keep them.
pub(crate) fn spare_bit(file: &File, layout: &Layout, frame: u32, bit: u32) -> Option<Vec<bool>> {
    let is_kept = matches!(file.compression, Compression::None | Compression::Rle);
    let is_spare = bit < layout.allocated && layout.bits().is_spare(bit);
    if !is_kept || !is_spare || layout.samples != 1 {
        return None;
    }
    let alone = Layout {
        stored: 1,
        high: bit,
        is_signed: false,
        ..*layout
    };
    let frame = read(file, &alone, frame).ok()?;
    Some(frame.samples.map(|value| value == 1))
}

/// The pieces of one frame: by the table of offsets, one each, or all of them.
fn frame_bytes(fragments: &[&[u8]], layout: &Layout, frame: u32) -> Result<Vec<u8>, DecodeError> {
    let missing = || damaged("one of its frames is missing");
    let (table, pieces) = fragments.split_first().ok_or_else(missing)?;
    if layout.frames == 1 {
        return Ok(pieces.concat());
    }
    let at = frame as usize;
    if pieces.len() == layout.frames as usize {
        return pieces
            .get(at)
            .map(|piece| piece.to_vec())
            .ok_or_else(missing);
    }
    let (offsets, _) = table.as_chunks::<4>();
    let offset = |at: usize| offsets.get(at).map(|bytes| u32::from_le_bytes(*bytes));
    let start = offset(at).ok_or_else(missing)?;
    let end = offset(at + 1).unwrap_or(u32::MAX);
    let mut place = 0_u32;
    let mut bytes = Vec::new();
    for piece in pieces {
        if place >= start && place < end {
            bytes.extend_from_slice(piece);
        }
        let length = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        place = place.saturating_add(length).saturating_add(8);
    }
    Ok(bytes)
}

fn uncompressed<'a>(file: &File, layout: &Layout, bytes: &'a [u8], frame: u32) -> Frame<'a> {
    let bits = layout.frame_bits();
    let first = u64::from(frame) * bits;
    if layout.allocated == 1 {
        return Frame {
            samples: Stored::Decoded(single_bits(bytes, first, bits), Bits::new(1, 0, false)),
            is_ybr: false,
        };
    }
    let is_big_endian = file.data.is_big_endian();
    let (start, length) = ((first / 8) as usize, (bits / 8) as usize);
    let range = start..start + length;
    if layout.samples == 1 && !is_big_endian && layout.allocated <= 16 {
        let bytes = bytes.get(range).unwrap_or_default();
        return Frame {
            samples: match layout.allocated {
                8 => Stored::Bytes(bytes, layout.bits()),
                _ => Stored::Words(bytes.as_chunks::<2>().0, layout.bits()),
            },
            is_ybr: false,
        };
    }
    // Bytes that were written as words stand the other way round.
    let swapped: Vec<u8>;
    let bytes = if layout.allocated == 8 && is_big_endian && file.data.is_in_words(tags::PIXEL_DATA)
    {
        let (pairs, _) = bytes.as_chunks::<2>();
        swapped = pairs
            .iter()
            .flat_map(|[first, second]| [*second, *first])
            .collect();
        &swapped
    } else {
        bytes
    };
    let bytes = bytes.get(range).unwrap_or_default();
    let values = words(bytes, layout, is_big_endian);
    let values = match layout.photometric {
        Photometric::YbrFull422 => shared_colour(&values),
        _ if layout.is_planar && layout.samples == 3 => interleaved(&values),
        _ => values,
    };
    Frame {
        samples: Stored::Values(values),
        is_ybr: is_ybr(layout),
    }
}

/// Frames of single bits follow each other without a gap: one may begin inside of a byte.
fn single_bits(bytes: &[u8], first: u64, count: u64) -> Vec<u16> {
    let (start, skipped, count) = ((first / 8) as usize, (first % 8) as usize, count as usize);
    let end = start + (skipped + count).div_ceil(8);
    let bytes = bytes.get(start..end).unwrap_or_default();
    let eight = |byte: &u8| [0, 1, 2, 3, 4, 5, 6, 7].map(|bit| u16::from(byte >> bit & 1));
    let mut values = bytes.iter().map(eight).collect::<Vec<_>>().into_flattened();
    values.drain(..skipped.min(values.len()));
    values.truncate(count);
    values
}

fn is_ybr(layout: &Layout) -> bool {
    matches!(
        layout.photometric,
        Photometric::YbrFull | Photometric::YbrFull422
    )
}

fn words(bytes: &[u8], layout: &Layout, is_big_endian: bool) -> Vec<i32> {
    let bits = layout.bits();
    match (layout.allocated, is_big_endian) {
        (16, false) => numbers(bytes, |word| {
            bits.value(u32::from(u16::from_le_bytes(word)))
        }),
        (16, true) => numbers(bytes, |word| {
            bits.value(u32::from(u16::from_be_bytes(word)))
        }),
        (32, false) => numbers(bytes, |word| bits.value(u32::from_le_bytes(word))),
        (32, true) => numbers(bytes, |word| bits.value(u32::from_be_bytes(word))),
        _ => numbers(bytes, |[byte]| bits.value(u32::from(byte))),
    }
}

fn numbers<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> i32) -> Vec<i32> {
    bytes
        .as_chunks::<N>()
        .0
        .iter()
        .map(|word| read(*word))
        .collect()
}

/// `Y Y Cb Cr` for two pixels becomes three samples for each.
fn shared_colour(values: &[i32]) -> Vec<i32> {
    let pairs = values.as_chunks::<4>().0.iter();
    pairs
        .flat_map(|&[first, second, blue, red]| [first, blue, red, second, blue, red])
        .collect()
}

/// Planes of red, green and blue become pixels.
fn interleaved(values: &[i32]) -> Vec<i32> {
    let (red, rest) = values.split_at(values.len() / 3);
    let (green, blue) = rest.split_at(rest.len() / 2);
    let pixels = red.iter().zip(green).zip(blue);
    pixels
        .flat_map(|((red, green), blue)| [*red, *green, *blue])
        .collect()
}

fn compressed(file: &File, layout: &Layout, bytes: &[u8]) -> Result<Frame<'static>, DecodeError> {
    let most = layout.pixels() * layout.samples as usize;
    let refused = |error| said(error, layout);
    let mut is_ybr = is_ybr(layout);
    let samples = match file.compression {
        Compression::Rle => {
            let values = rle::decode(bytes, layout.pixels(), layout.samples, layout.allocated / 8)
                .ok_or_else(|| damaged("its run-length code is damaged"))?;
            return Ok(Frame {
                samples: Stored::Wide(values, layout.bits()),
                is_ybr,
            });
        }
        Compression::Jpeg => {
            let decoded = jpeg::decode(bytes, most).map_err(refused)?;
            // The stream knows better than the header what its encoder did.
            is_ybr = match decoded.adobe_transform {
                Some(transform) => transform == 1,
                None => is_ybr,
            };
            decoded.samples
        }
        Compression::JpegLs => jpeg_ls::decode(bytes, most).map_err(refused)?,
        Compression::Jpeg2000 => jpeg_2000::decode(bytes, most).map_err(refused)?,
        Compression::None | Compression::Unknown => return Err(not_read(&file.syntax)),
    };
    let is_as_said = (samples.width, samples.height, u32::from(samples.components))
        == (layout.columns, layout.rows, layout.samples);
    if !is_as_said {
        return Err(damaged(
            "its pixel data have another size than its header says",
        ));
    }
    // Codecs give the stored bits; the header says which of them is the sign.
    let width = u32::from(samples.precision).max(layout.stored.min(16));
    let bits = Bits::new(width, 0, layout.is_signed);
    Ok(Frame {
        samples: Stored::Decoded(samples.values, bits),
        is_ybr,
    })
}

fn said(error: CodecError, layout: &Layout) -> DecodeError {
    match error {
        CodecError::Damaged(why) => damaged(why),
        CodecError::Unsupported(why) => DecodeError::Unsupported {
            format: crate::Format::Dicom,
            why: why.to_owned(),
        },
        CodecError::TooLarge => damaged(format!(
            "its pixel data are larger than the {} x {} that its header says",
            layout.columns, layout.rows
        )),
    }
}
