//! NIfTI-1 and NIfTI-2 headers (nifti.nimh.nih.gov), the volume behind them left as it is.
//!
//! Read by hand and not with a library: a header is a hundred lines, and the numbers behind it
//! have to stay where they are, so that the first slice of a large file is there at once.

use std::sync::Arc;

use super::geometry::Geometry;
use super::raw::{Coding, NumberKind, RawVolume};
use crate::{DecodeError, Format};

/// What a NIfTI file holds.
pub(crate) struct Nifti {
    pub geometry: Geometry,
    pub volume: RawVolume,
}

/// Whether the bytes begin like a header of either version and byte order.
pub(crate) fn is_nifti(bytes: &[u8]) -> bool {
    Head::of(bytes).is_some()
}

/// `data` is the `.img` beside a `.hdr`; none when header and numbers are one file.
pub(crate) fn read(bytes: Arc<Vec<u8>>, data: Option<Arc<Vec<u8>>>) -> Result<Nifti, DecodeError> {
    let head = Head::of(&bytes).ok_or_else(|| damaged("it has no header"))?;
    let header = head.header()?;
    let start = match (&data, header.start) {
        (Some(_), _) if head.is_single() => return Err(damaged("it is no header of a pair")),
        (Some(_), start) => start,
        (None, _) if !head.is_single() => {
            return Err(damaged(
                "its numbers are in an .img file, which is not beside it",
            ));
        }
        (None, start) => start.max(head.least_start()),
    };
    let volume = RawVolume::new(
        data.unwrap_or(bytes),
        start,
        header.coding,
        (header.geometry.extent, header.times),
    );
    let volume = volume.ok_or_else(|| damaged("it ends before its first volume does"))?;
    Ok(Nifti {
        geometry: header.geometry,
        volume,
    })
}

struct Header {
    geometry: Geometry,
    times: u32,
    coding: Coding,
    start: usize,
}

fn damaged(why: &str) -> DecodeError {
    DecodeError::Damaged {
        format: Format::Nifti,
        why: why.to_owned(),
    }
}

/// The bytes of a header with the version and the order that they are in.
struct Head<'a> {
    bytes: &'a [u8],
    is_second: bool,
    is_big_endian: bool,
}

impl<'a> Head<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let size = bytes.first_chunk::<4>()?;
        let (is_second, is_big_endian) =
            match (i32::from_le_bytes(*size), i32::from_be_bytes(*size)) {
                (348, _) => (false, false),
                (540, _) => (true, false),
                (_, 348) => (false, true),
                (_, 540) => (true, true),
                _ => return None,
            };
        let head = Self {
            bytes,
            is_second,
            is_big_endian,
        };
        matches!(head.magic()?, b"n+1" | b"ni1" | b"n+2" | b"ni2").then_some(head)
    }

    fn magic(&self) -> Option<&[u8]> {
        let at = if self.is_second { 4 } else { 344 };
        self.bytes.get(at..at + 3)
    }

    /// Whether the numbers follow in the same file.
    fn is_single(&self) -> bool {
        matches!(self.magic(), Some(b"n+1" | b"n+2"))
    }

    fn least_start(&self) -> usize {
        if self.is_second { 544 } else { 352 }
    }

    fn at<const N: usize>(&self, at: usize) -> [u8; N] {
        let found = self.bytes.get(at..).and_then(<[u8]>::first_chunk::<N>);
        let mut bytes = found.copied().unwrap_or([0; N]);
        if self.is_big_endian {
            bytes.reverse();
        }
        bytes
    }

    fn short(&self, at: usize) -> i64 {
        i64::from(i16::from_le_bytes(self.at(at)))
    }

    /// A whole number that the second version made wider.
    fn whole(&self, first: usize, second: usize) -> i64 {
        if self.is_second {
            i64::from(i32::from_le_bytes(self.at(second)))
        } else {
            self.short(first)
        }
    }

    fn number(&self, first: usize, second: usize) -> f32 {
        if self.is_second {
            f64::from_le_bytes(self.at(second)) as f32
        } else {
            f32::from_le_bytes(self.at(first))
        }
    }

    fn numbers<const N: usize>(&self, first: usize, second: usize) -> [f32; N] {
        std::array::from_fn(|at| self.number(first + at * 4, second + at * 8))
    }

    fn side(&self, at: usize) -> i64 {
        if self.is_second {
            i64::from_le_bytes(self.at(16 + at * 8))
        } else {
            self.short(40 + at * 2)
        }
    }

    fn header(&self) -> Result<Header, DecodeError> {
        let axes = self.side(0);
        if !(1..=7).contains(&axes) {
            return Err(damaged("its number of axes is not from 1 to 7"));
        }
        let side = |at: i64| {
            let side = if at <= axes {
                self.side(at as usize)
            } else {
                1
            };
            u32::try_from(side)
                .ok()
                .filter(|side| *side > 0 && *side <= 1 << 24)
        };
        let sides: Option<Vec<u32>> = (1..=7).map(side).collect();
        let sides = sides.ok_or_else(|| damaged("one of its sides is not positive"))?;
        let times = sides[3..]
            .iter()
            .try_fold(1_u32, |all, &side| all.checked_mul(side));
        Ok(Header {
            geometry: self.geometry([sides[0], sides[1], sides[2]]),
            times: times.ok_or_else(|| damaged("it claims too many volumes"))?,
            coding: self.coding()?,
            start: self.start()?,
        })
    }

    fn start(&self) -> Result<usize, DecodeError> {
        let start = if self.is_second {
            i64::from_le_bytes(self.at(168))
        } else {
            f32::from_le_bytes(self.at(108)) as i64
        };
        usize::try_from(start).map_err(|_| damaged("its numbers start before the file does"))
    }

    fn coding(&self) -> Result<Coding, DecodeError> {
        let code = i16::from_le_bytes(self.at(if self.is_second { 12 } else { 70 }));
        let kind = match code {
            2 => NumberKind::U8,
            256 => NumberKind::I8,
            4 => NumberKind::I16,
            512 => NumberKind::U16,
            8 => NumberKind::I32,
            768 => NumberKind::U32,
            1024 => NumberKind::I64,
            1280 => NumberKind::U64,
            16 => NumberKind::F32,
            64 => NumberKind::F64,
            code => {
                return Err(DecodeError::Unsupported {
                    format: Format::Nifti,
                    why: format!("its numbers are of data type {code}: colour or complex"),
                });
            }
        };
        let number = |first, second| {
            if self.is_second {
                f64::from_le_bytes(self.at(second))
            } else {
                f64::from(f32::from_le_bytes(self.at(first)))
            }
        };
        let (slope, intercept) = (number(112, 176), number(116, 184));
        // A slope of zero says: not scaled.
        let is_scaled = slope != 0.0 && slope.is_finite() && intercept.is_finite();
        let (slope, intercept) = if is_scaled {
            (slope, intercept)
        } else {
            (1.0, 0.0)
        };
        Ok(Coding {
            kind,
            is_big_endian: self.is_big_endian,
            slope,
            intercept,
        })
    }

    /// The sform where there is one, else the qform, else what nibabel takes: leftwards, forwards
    /// and upwards.
    fn geometry(&self, extent: [u32; 3]) -> Geometry {
        let steps: [f32; 3] = self.numbers(80, 112);
        let usable = |columns: &[[f32; 3]; 3]| columns.iter().all(|column| length(*column) > 0.0);
        let sform = (self.whole(254, 348) > 0).then(|| self.sform());
        let qform = (self.whole(252, 344) > 0).then(|| self.qform(steps));
        let found = sform
            .into_iter()
            .chain(qform)
            .find(|(columns, _)| usable(columns));
        let (columns, origin) = found.unwrap_or_else(|| {
            let [x, y, z] = steps.map(|step| if step > 0.0 { step } else { 1.0 });
            let columns = [[-x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, z]];
            (columns, [0.0; 3])
        });
        let lps = |[x, y, z]: [f32; 3]| [-x, -y, z];
        Geometry {
            extent,
            spacing: Some(columns.map(length)),
            directions: Some(columns.map(|column| {
                let long = length(column);
                lps(column.map(|part| part / long))
            })),
            origin: lps(origin),
        }
    }

    /// Columns and translation of the affine, in RAS millimetres.
    fn sform(&self) -> ([[f32; 3]; 3], [f32; 3]) {
        let rows: [[f32; 4]; 3] = [
            self.numbers(280, 400),
            self.numbers(296, 432),
            self.numbers(312, 464),
        ];
        let column = |at: usize| [rows[0][at], rows[1][at], rows[2][at]];
        ([column(0), column(1), column(2)], column(3))
    }

    /// The same from the unit quaternion (nifti1.h, method 2).
    fn qform(&self, steps: [f32; 3]) -> ([[f32; 3]; 3], [f32; 3]) {
        let vector: [f32; 3] = self.numbers(256, 352);
        let square = |at: usize| vector[at] * vector[at];
        let product = |at: usize, other: usize| vector[at] * vector[other];
        let real = (1.0 - square(0) - square(1) - square(2)).max(0.0).sqrt();
        let diagonal = |at: usize| {
            let others = square((at + 1) % 3) + square((at + 2) % 3);
            real * real + square(at) - others
        };
        // Column `at`, row `row`: the real part turns one way above the diagonal, one way below.
        let beside = |at: usize, row: usize| {
            let third = 3 - at - row;
            let turn = if (at + 1) % 3 == row { 1.0 } else { -1.0 };
            2.0 * (product(at, row) + turn * real * vector[third])
        };
        let handedness = if self.number(76, 104) < 0.0 {
            -1.0
        } else {
            1.0
        };
        let scales = [steps[0], steps[1], steps[2] * handedness];
        let columns = [0, 1, 2].map(|at| {
            [0, 1, 2].map(|row| {
                let part = if at == row {
                    diagonal(at)
                } else {
                    beside(at, row)
                };
                part * scales[at]
            })
        });
        (columns, self.numbers(268, 376))
    }
}

/// Of what is no number: zero.
fn length(column: [f32; 3]) -> f32 {
    let square: f32 = column.iter().map(|part| part * part).sum();
    if square.is_finite() {
        square.sqrt()
    } else {
        0.0
    }
}
