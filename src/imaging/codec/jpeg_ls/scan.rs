//! Scans: stretches of lines between restart markers, put in their places in the frame.

use super::CodecError::{self, Damaged};
use super::bits::has_ff;
use super::header::{Frame, Interleave, MOST_COMPONENTS, ScanHeader, Settings};
use super::line::Decoder;
use super::parameters::{General, Parameters, Plain, Quantiser, Rule};

/// Decodes the scan that `bytes` start with into its components of `values` and says how many
/// bytes it has.
pub(super) fn decode(
    bytes: &[u8],
    frame: &Frame,
    header: &ScanHeader,
    settings: &Settings,
    values: &mut [u16],
) -> Result<usize, CodecError> {
    let parameters = Parameters::new(frame.precision, header.near, settings)?;
    let quantiser = Quantiser::new(&parameters).ok_or(CodecError::TooLarge)?;
    let scan = Scan {
        header,
        width: frame.width.into(),
        stride: frame.components(),
        restart_lines: settings.restart_lines as usize,
        parameters: &parameters,
        quantiser: &quantiser,
    };
    if parameters.is_plain() {
        scan.decode(bytes, Plain::new(&parameters), values)
    } else {
        scan.decode(bytes, General::new(&parameters), values)
    }
}

struct Scan<'a> {
    header: &'a ScanHeader,
    width: usize,
    /// Components in the frame.
    stride: usize,
    restart_lines: usize,
    parameters: &'a Parameters,
    quantiser: &'a Quantiser,
}

impl Scan<'_> {
    fn decode<R: Rule>(
        &self,
        bytes: &[u8],
        rule: R,
        values: &mut [u16],
    ) -> Result<usize, CodecError> {
        let row = self.width * self.stride;
        let stretch = match self.restart_lines {
            0 => values.len(),
            lines => lines.saturating_mul(row).min(values.len()),
        };
        let mut position = 0;
        for (number, rows) in values.chunks_mut(stretch).enumerate() {
            if number > 0 {
                let expected = 0xD0 + ((number - 1) % 8) as u8;
                position += restart_length(&bytes[position..], expected)?;
            }
            let data = coded_data(&bytes[position..])?;
            let decoder = Decoder::new(data, rule, self.parameters, self.quantiser);
            self.stretch(decoder, rows)?;
            position += data.len();
        }
        Ok(position)
    }

    fn stretch<R: Rule>(
        &self,
        mut decoder: Decoder<R>,
        values: &mut [u16],
    ) -> Result<(), CodecError> {
        match (self.header.interleave, self.header.components().len()) {
            (Interleave::Sample, 2) => self.pixels::<R, 2>(&mut decoder, values)?,
            (Interleave::Sample, 3) => self.pixels::<R, 3>(&mut decoder, values)?,
            (Interleave::Sample, 4) => self.pixels::<R, 4>(&mut decoder, values)?,
            _ => self.lines(&mut decoder, values)?,
        }
        if !decoder.bits.is_used_up() {
            return Err(Damaged("a scan has more data than lines"));
        }
        Ok(())
    }

    fn lines<R: Rule>(
        &self,
        decoder: &mut Decoder<R>,
        values: &mut [u16],
    ) -> Result<(), CodecError> {
        let components = self.header.components();
        let mut run_indices = [0; MOST_COMPONENTS];
        let mut buffers: Vec<Lines<u16>> = components
            .iter()
            .map(|_| Lines::new(0, self.width))
            .collect();
        for row in values.chunks_exact_mut(self.width * self.stride) {
            let states = buffers.iter_mut().zip(&mut run_indices);
            for (&component, (lines, run_index)) in components.iter().zip(states) {
                let (above, line) = lines.next();
                decoder.line(above, line, run_index)?;
                check_data(decoder)?;
                if self.stride == 1 {
                    row.copy_from_slice(&line[1..]);
                    continue;
                }
                for (pixel, &sample) in row.chunks_exact_mut(self.stride).zip(&line[1..]) {
                    pixel[component] = sample;
                }
            }
        }
        Ok(())
    }

    fn pixels<R: Rule, const N: usize>(
        &self,
        decoder: &mut Decoder<R>,
        values: &mut [u16],
    ) -> Result<(), CodecError> {
        let mut run_index = 0;
        let mut lines = Lines::new([0; N], self.width);
        for row in values.chunks_exact_mut(self.width * self.stride) {
            let (above, line) = lines.next();
            decoder.pixels(above, line, &mut run_index)?;
            check_data(decoder)?;
            for (pixel, samples) in row.chunks_exact_mut(self.stride).zip(&line[1..]) {
                for (&component, &sample) in self.header.components().iter().zip(samples) {
                    pixel[component] = sample;
                }
            }
        }
        Ok(())
    }
}

/// The line above and the one being decoded. Before the first sample of each there is room for the
/// one that counts as its left neighbour, after the last for that one once more.
struct Lines<T> {
    above: Vec<T>,
    current: Vec<T>,
}

impl<T: Copy> Lines<T> {
    fn new(zero: T, width: usize) -> Self {
        Self {
            above: vec![zero; width + 2],
            current: vec![zero; width + 2],
        }
    }

    /// The line above and room for the next line, without its end.
    fn next(&mut self) -> (&[T], &mut [T]) {
        std::mem::swap(&mut self.above, &mut self.current);
        let width = self.above.len() - 2;
        self.above[width + 1] = self.above[width];
        self.current[0] = self.above[1];
        (&self.above, &mut self.current[..=width])
    }
}

fn check_data<R: Rule>(decoder: &Decoder<R>) -> Result<(), CodecError> {
    if decoder.bits.is_overdrawn() {
        return Err(Damaged("a scan has less data than lines"));
    }
    Ok(())
}

/// The bytes up to the next marker: an FF with no stuffed zero bit after it.
fn coded_data(bytes: &[u8]) -> Result<&[u8], CodecError> {
    let mut position = 0;
    loop {
        while let Some(next) = bytes[position..].first_chunk::<8>() {
            if has_ff(u64::from_be_bytes(*next)) {
                break;
            }
            position += 8;
        }
        match bytes[position..] {
            [0xFF, next, ..] if next >= 0x80 => return Ok(&bytes[..position]),
            [_, _, ..] => position += 1,
            _ => return Err(Damaged("a scan ends too early")),
        }
    }
}

fn restart_length(bytes: &[u8], expected: u8) -> Result<usize, CodecError> {
    let fill = bytes.iter().take_while(|&&byte| byte == 0xFF).count();
    if fill == 0 || bytes.get(fill) != Some(&expected) {
        return Err(Damaged("a restart marker is missing"));
    }
    Ok(fill + 1)
}
