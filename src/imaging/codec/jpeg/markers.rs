//! The marker segments of a stream: what the frame looks like and which tables a scan uses.

use super::CodecError;
use super::huffman::{Class, Table};

pub(super) const END_OF_IMAGE: u8 = 0xD9;
pub(super) const START_OF_SCAN: u8 = 0xDA;

/// Walks over the segments of a stream.
pub(super) struct Segments<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Segments<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, CodecError> {
        if !bytes.starts_with(&[0xFF, 0xD8]) {
            return Err(CodecError::Damaged("it does not start like a JPEG stream"));
        }
        Ok(Self { bytes, position: 2 })
    }

    /// The next marker and the content of its segment. Steps over what is not a marker, as
    /// there may be unread entropy-coded data.
    pub(super) fn following(&mut self) -> Result<(u8, &'a [u8]), CodecError> {
        loop {
            let marker = match self.rest() {
                [0xFF, marker @ 0x01..=0xFE, ..] => *marker,
                [_, ..] => {
                    self.position += 1;
                    continue;
                }
                [] => {
                    return Err(CodecError::Damaged(
                        "it ends before the picture is complete",
                    ));
                }
            };
            self.position += 2;
            if matches!(marker, 0x01 | 0xD0..=0xD9) {
                return Ok((marker, &[]));
            }
            let length = match self.rest() {
                [high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
                _ => 0,
            };
            let body = self.rest().get(2..length);
            self.position += length;
            return Ok((
                marker,
                body.ok_or(CodecError::Damaged("a segment is cut off"))?,
            ));
        }
    }

    /// What lies behind the last segment.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.position += count;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    Lossless,
    Dct,
}

pub(super) struct Component {
    id: u8,
    /// The sampling factors, 1 to 4.
    pub(super) across: usize,
    pub(super) down: usize,
    pub(super) quantisation: usize,
}

pub(super) struct Frame {
    pub(super) process: Process,
    pub(super) precision: u8,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) components: Vec<Component>,
}

impl Frame {
    /// Reads a frame header; none if the marker does not announce a frame.
    pub(super) fn read(marker: u8, body: &[u8]) -> Result<Option<Self>, CodecError> {
        let process = match marker {
            0xC0 | 0xC1 => Process::Dct,
            0xC3 => Process::Lossless,
            0xC2 => return Err(CodecError::Unsupported("progressive JPEG")),
            0xC5..=0xC7 | 0xDE | 0xDF => return Err(CodecError::Unsupported("hierarchical JPEG")),
            0xC8..=0xCF => return Err(CodecError::Unsupported("arithmetic coding")),
            0xF7 => return Err(CodecError::Unsupported("JPEG-LS in a JPEG decoder")),
            _ => return Ok(None),
        };
        let [precision, y_high, y_low, x_high, x_low, count, specs @ ..] = body else {
            return Err(CodecError::Damaged("the frame header is too short"));
        };
        let components: Vec<_> = specs
            .chunks_exact(3)
            .take(usize::from(*count))
            .map(|spec| Component {
                id: spec[0],
                across: usize::from(spec[1] >> 4),
                down: usize::from(spec[1] & 15),
                quantisation: usize::from(spec[2]),
            })
            .collect();
        if components.len() != usize::from(*count) {
            return Err(CodecError::Damaged("the frame header is too short"));
        }
        let frame = Self {
            process,
            precision: *precision,
            width: usize::from(u16::from_be_bytes([*x_high, *x_low])),
            height: usize::from(u16::from_be_bytes([*y_high, *y_low])),
            components,
        };
        frame.check()?;
        Ok(Some(frame))
    }

    fn check(&self) -> Result<(), CodecError> {
        let is_sampling_valid = |component: &Component| {
            (1..=4).contains(&component.across) && (1..=4).contains(&component.down)
        };
        if self.width == 0 || !self.components.iter().all(is_sampling_valid) {
            return Err(CodecError::Damaged("the frame header makes no sense"));
        }
        if self.height == 0 {
            return Err(CodecError::Unsupported(
                "a height that follows the first scan",
            ));
        }
        match (self.components.len(), self.process, self.precision) {
            (1..=4, Process::Lossless, 2..=16) | (1..=4, Process::Dct, 8 | 12) => Ok(()),
            (1..=4, _, _) => Err(CodecError::Damaged(
                "the precision does not fit the process",
            )),
            _ => Err(CodecError::Unsupported("other than one to four components")),
        }
    }

    /// The largest sampling factors.
    pub(super) fn finest(&self) -> (usize, usize) {
        self.components
            .iter()
            .fold((1, 1), |(across, down), component| {
                (across.max(component.across), down.max(component.down))
            })
    }
}

/// A component of a scan and the numbers of its Huffman tables.
pub(super) struct Member {
    pub(super) component: usize,
    pub(super) first_table: usize,
    pub(super) second_table: usize,
}

pub(super) struct Scan {
    pub(super) members: Vec<Member>,
    pub(super) predictor: u8,
    pub(super) point_transform: u8,
}

impl Scan {
    pub(super) fn read(frame: &Frame, body: &[u8]) -> Result<Self, CodecError> {
        let damaged = CodecError::Damaged("the scan header makes no sense");
        let Some((&count, rest)) = body.split_first() else {
            return Err(damaged);
        };
        let Some((specs, rest)) = rest.split_at_checked(2 * usize::from(count)) else {
            return Err(damaged);
        };
        let [predictor, _, approximation, ..] = rest else {
            return Err(damaged);
        };
        let mut members: Vec<Member> = Vec::new();
        for spec in specs.chunks_exact(2) {
            let is_new = |place: &usize| members.iter().all(|member| member.component != *place);
            let found = (0..frame.components.len())
                .filter(is_new)
                .find(|&place| frame.components[place].id == spec[0]);
            let Some(component) = found else {
                return Err(damaged);
            };
            let (first_table, second_table) =
                (usize::from(spec[1] >> 4), usize::from(spec[1] & 15));
            members.push(Member {
                component,
                first_table,
                second_table,
            });
        }
        if members.is_empty() {
            return Err(damaged);
        }
        Ok(Self {
            members,
            predictor: *predictor,
            point_transform: approximation & 15,
        })
    }
}

/// What the segments between the scans define.
#[derive(Default)]
pub(super) struct Tables {
    differences: [Option<Table>; 4],
    coefficients: [Option<Table>; 4],
    /// In zigzag order, as the coefficients come.
    quantisation: [Option<[f32; 64]>; 4],
    /// In coded units; 0 means that there are no restarts.
    pub(super) restart_interval: usize,
    pub(super) adobe_transform: Option<u8>,
}

impl Tables {
    /// Takes in one segment; those without meaning for the samples are passed over.
    pub(super) fn read(&mut self, marker: u8, body: &[u8]) -> Result<(), CodecError> {
        match marker {
            0xC4 => self.read_huffman(body),
            0xDB => self.read_quantisation(body),
            0xDD => {
                let &[high, low, ..] = body else {
                    return Err(CodecError::Damaged("the restart interval is cut off"));
                };
                self.restart_interval = usize::from(u16::from_be_bytes([high, low]));
                Ok(())
            }
            0xEE => {
                // Some writers leave the flag out.
                if let (true, Some(&transform)) = (body.starts_with(b"Adobe"), body.get(11)) {
                    self.adobe_transform = Some(transform);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn read_huffman(&mut self, mut body: &[u8]) -> Result<(), CodecError> {
        while let Some((&target, rest)) = body.split_first() {
            let damaged = CodecError::Damaged("a Huffman table is cut off");
            let Some((counts, rest)) = rest.split_first_chunk::<16>() else {
                return Err(damaged);
            };
            let total = counts.iter().map(|&count| usize::from(count)).sum();
            let Some((symbols, rest)) = rest.split_at_checked(total) else {
                return Err(damaged);
            };
            let (class, tables) = match target >> 4 {
                0 => (Class::Difference, &mut self.differences),
                _ => (Class::Coefficient, &mut self.coefficients),
            };
            let Some(slot) = tables.get_mut(usize::from(target & 15)) else {
                return Err(damaged);
            };
            *slot = Some(Table::new(class, counts, symbols)?);
            body = rest;
        }
        Ok(())
    }

    fn read_quantisation(&mut self, mut body: &[u8]) -> Result<(), CodecError> {
        while let Some((&target, rest)) = body.split_first() {
            let damaged = CodecError::Damaged("a quantisation table is cut off");
            let width = if target >> 4 == 0 { 1 } else { 2 };
            let Some((steps, rest)) = rest.split_at_checked(64 * width) else {
                return Err(damaged);
            };
            let Some(slot) = self.quantisation.get_mut(usize::from(target & 15)) else {
                return Err(damaged);
            };
            let table = slot.insert([0.0; 64]);
            for (step, bytes) in table.iter_mut().zip(steps.chunks_exact(width)) {
                *step = bytes
                    .iter()
                    .fold(0.0, |high, &low| high * 256.0 + f32::from(low));
            }
            body = rest;
        }
        Ok(())
    }

    pub(super) fn differences(&self, number: usize) -> Result<&Table, CodecError> {
        let table = self.differences.get(number).and_then(Option::as_ref);
        table.ok_or(CodecError::Damaged("a Huffman table is missing"))
    }

    pub(super) fn coefficients(&self, number: usize) -> Result<&Table, CodecError> {
        let table = self.coefficients.get(number).and_then(Option::as_ref);
        table.ok_or(CodecError::Damaged("a Huffman table is missing"))
    }

    pub(super) fn quantisation(&self, number: usize) -> Result<&[f32; 64], CodecError> {
        let table = self.quantisation.get(number).and_then(Option::as_ref);
        table.ok_or(CodecError::Damaged("a quantisation table is missing"))
    }
}
