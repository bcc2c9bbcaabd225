//! JPEG-LS (ITU-T T.87), lossless and near-lossless, as DICOM uses it. No crate in Rust decodes it.

mod bits;
mod context;
mod scan;
#[cfg(test)]
mod tests;

use super::{CodecError, Samples};
use scan::{Interleave, Scan};

/// Decodes the one frame of a stream; `most_samples` bounds width x height x components.
pub(crate) fn decode(bytes: &[u8], most_samples: usize) -> Result<Samples, CodecError> {
    let mut reader = Reader { bytes, at: 0 };
    if reader.word()? != 0xFFD8 {
        return Err(CodecError::Damaged(
            "it does not begin with a JPEG-LS image",
        ));
    }
    let mut frame: Option<Frame> = None;
    let mut presets = Presets::default();
    let mut restart = 0;
    let mut decoded = 0;
    loop {
        match reader.marker()? {
            0xF7 => frame = Some(Frame::read(reader.segment()?, most_samples)?),
            0xF8 => presets.read(reader.segment()?)?,
            0xDD => {
                let segment = reader.segment()?;
                restart = segment
                    .iter()
                    .fold(0, |rows: usize, byte| rows << 8 | usize::from(*byte));
            }
            0xDA => {
                let frame = frame
                    .as_mut()
                    .ok_or(CodecError::Damaged("a scan comes first"))?;
                let header = reader.segment()?;
                let data = bytes.get(reader.at..).unwrap_or_default();
                let (components, taken) = frame.take_scan(header, &presets, restart, data)?;
                decoded += components;
                reader.at += taken;
                if decoded >= frame.components.len() {
                    break;
                }
            }
            0xD9 => break,
            0xC0..=0xCF => return Err(CodecError::Unsupported("JPEG in a JPEG-LS stream")),
            _ => {
                reader.segment()?;
            }
        }
    }
    let frame = frame.ok_or(CodecError::Damaged("it holds no frame"))?;
    if decoded < frame.components.len() {
        return Err(CodecError::Damaged("one of its components is missing"));
    }
    Ok(Samples {
        width: frame.width as u32,
        height: frame.height as u32,
        components: frame.components.len() as u8,
        precision: frame.precision,
        values: frame.values,
    })
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, CodecError> {
        let byte = self.bytes.get(self.at).copied();
        self.at += 1;
        byte.ok_or(CodecError::Damaged("it ends too early"))
    }

    fn word(&mut self) -> Result<u16, CodecError> {
        Ok(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// The next marker; bytes before it are padding.
    fn marker(&mut self) -> Result<u8, CodecError> {
        loop {
            if self.byte()? == 0xFF {
                let mut code = self.byte()?;
                while code == 0xFF {
                    code = self.byte()?;
                }
                if code >= 0x80 {
                    return Ok(code);
                }
            }
        }
    }

    fn segment(&mut self) -> Result<&'a [u8], CodecError> {
        let length = usize::from(self.word()?);
        let end = self.at + length.saturating_sub(2);
        let segment = self.bytes.get(self.at..end);
        self.at = end;
        segment.ok_or(CodecError::Damaged("one of its segments is cut off"))
    }
}

struct Frame {
    width: usize,
    height: usize,
    precision: u8,
    components: Vec<u8>,
    values: Vec<u16>,
}

impl Frame {
    fn read(segment: &[u8], most_samples: usize) -> Result<Self, CodecError> {
        let damaged = CodecError::Damaged("its frame header is damaged");
        let &[precision, h1, h2, w1, w2, count, ref rest @ ..] = segment else {
            return Err(damaged);
        };
        let height = usize::from(u16::from_be_bytes([h1, h2]));
        let width = usize::from(u16::from_be_bytes([w1, w2]));
        let (components, _) = rest.as_chunks::<3>();
        let components: Vec<u8> = components.iter().map(|[id, ..]| *id).collect();
        if width == 0 || height == 0 {
            return Err(CodecError::Unsupported("a JPEG-LS frame without a size"));
        }
        let is_sound = (2..=16).contains(&precision)
            && components.len() == usize::from(count)
            && (1..=4).contains(&count);
        if !is_sound {
            return Err(damaged);
        }
        let samples = width * height * components.len();
        if samples > most_samples {
            return Err(CodecError::TooLarge);
        }
        Ok(Self {
            width,
            height,
            precision,
            components,
            values: vec![0; samples],
        })
    }

    /// Decodes one scan; returns how many components it held and the bytes that it took.
    fn take_scan(
        &mut self,
        header: &[u8],
        presets: &Presets,
        restart: usize,
        data: &[u8],
    ) -> Result<(usize, usize), CodecError> {
        let damaged = CodecError::Damaged("its scan header is damaged");
        let (&count, rest) = header.split_first().ok_or(damaged)?;
        let (ids, rest) = rest
            .split_at_checked(usize::from(count) * 2)
            .ok_or(damaged)?;
        let &[near, interleave, point] = rest else {
            return Err(damaged);
        };
        let (ids, _) = ids.as_chunks::<2>();
        if ids.iter().any(|[_, table]| *table != 0) {
            return Err(CodecError::Unsupported("a JPEG-LS mapping table"));
        }
        if point != 0 {
            return Err(CodecError::Unsupported("a JPEG-LS point transform"));
        }
        let places: Option<Vec<usize>> = ids
            .iter()
            .map(|[id, _]| self.components.iter().position(|known| known == id))
            .collect();
        let places = places.filter(|places| !places.is_empty()).ok_or(damaged)?;
        let interleave = match (interleave, places.len()) {
            (_, 1) | (1, _) => Interleave::Line,
            (2, all) if all == self.components.len() && (2..=4).contains(&all) => {
                Interleave::Sample
            }
            _ => return Err(damaged),
        };
        let coding = presets.coding(self.precision, i32::from(near))?;
        let mut scan = Scan::new(data, coding, (self.width, self.height), restart);
        let layout = (places.as_slice(), self.components.len());
        let taken = scan.decode(interleave, layout, &mut self.values)?;
        Ok((places.len(), taken))
    }
}

/// What an LSE segment may say; zero stands for the default.
#[derive(Debug, Clone, Copy, Default)]
struct Presets {
    most: i32,
    thresholds: [i32; 3],
    reset: i32,
}

/// The numbers that a scan is coded with (T.87 C.2.4.1.1 and A.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coding {
    /// The largest value of a sample.
    pub most: i32,
    pub near: i32,
    pub thresholds: [i32; 3],
    pub reset: i32,
    pub range: i32,
    /// Bits of a quantised error.
    pub error_bits: u32,
    /// Longest code of an error.
    pub limit: u32,
}

impl Presets {
    fn read(&mut self, segment: &[u8]) -> Result<(), CodecError> {
        let word = |at: usize| {
            let bytes = segment.get(at..at + 2).and_then(<[u8]>::first_chunk::<2>);
            bytes.map(|bytes| i32::from(u16::from_be_bytes(*bytes)))
        };
        match segment.first() {
            Some(1) => {
                let damaged = CodecError::Damaged("its presets are cut off");
                let numbers: Option<Vec<i32>> = (0..5).map(|at| word(1 + at * 2)).collect();
                let &[most, t1, t2, t3, reset] = numbers.as_deref().ok_or(damaged)? else {
                    return Err(damaged);
                };
                *self = Self {
                    most,
                    thresholds: [t1, t2, t3],
                    reset,
                };
                Ok(())
            }
            Some(4) => Err(CodecError::Unsupported(
                "a JPEG-LS frame of more than 65,535 a side",
            )),
            _ => Err(CodecError::Unsupported("a JPEG-LS mapping table")),
        }
    }

    fn coding(&self, precision: u8, near: i32) -> Result<Coding, CodecError> {
        let damaged = CodecError::Damaged("its presets make no sense");
        let most = match self.most {
            0 => (1 << precision) - 1,
            most => most,
        };
        if most >= 1 << precision || near > 255.min(most / 2) {
            return Err(damaged);
        }
        let usual = usual_thresholds(most, near);
        let pick = |given: i32, usual: i32| if given == 0 { usual } else { given };
        let thresholds = [0, 1, 2].map(|at| pick(self.thresholds[at], usual[at]));
        let [t1, t2, t3] = thresholds;
        let reset = pick(self.reset, 64);
        let is_ordered = near < t1 && t1 <= t2 && t2 <= t3 && t3 <= most;
        if !is_ordered || !(3..=most.max(255)).contains(&reset) {
            return Err(damaged);
        }
        let range = (most + 2 * near) / (2 * near + 1) + 1;
        let bits = |values: i32| 32 - (values - 1).leading_zeros();
        let sample_bits = bits(most + 1).max(2);
        Ok(Coding {
            most,
            near,
            thresholds,
            reset,
            range,
            error_bits: bits(range),
            limit: 2 * (sample_bits + sample_bits.max(8)),
        })
    }
}

/// T.87 C.2.4.1.1.
fn usual_thresholds(most: i32, near: i32) -> [i32; 3] {
    let within = |value: i32, least: i32| {
        if value > most || value < least {
            least
        } else {
            value
        }
    };
    let (basic, factor) = ([3, 7, 21], (most.min(4095) + 128) / 256);
    let spread = [3, 5, 7].map(|weight| weight * near);
    let [v1, v2, v3] = if most >= 128 {
        [
            factor * (basic[0] - 2) + 2 + spread[0],
            factor * (basic[1] - 3) + 3 + spread[1],
            factor * (basic[2] - 4) + 4 + spread[2],
        ]
    } else {
        let factor = 256 / (most + 1);
        [
            (basic[0] / factor + spread[0]).max(2),
            (basic[1] / factor + spread[1]).max(3),
            (basic[2] / factor + spread[2]).max(4),
        ]
    };
    let t1 = within(v1, near + 1);
    let t2 = within(v2, t1);
    [t1, t2, within(v3, t2)]
}
