//! Lines of one component (T.87 annex A), with what lines of pixels share.

use super::CodecError::{self, Damaged};
use super::bits::{Bits, Code};
use super::context::{CONTEXTS, Context, RunContext, RunEnd};
use super::parameters::{Parameters, Quantiser, Rule};

const BAD_CODE: CodecError = Damaged("a code is out of range");

/// The neighbours a prediction is made from.
#[derive(Clone, Copy)]
pub(super) struct Around {
    pub(super) left: i32,
    pub(super) up: i32,
    pub(super) corner: i32,
}

/// The state of decoding between two restarts.
pub(super) struct Decoder<'a, R> {
    pub(super) bits: Bits<'a>,
    contexts: [Context; CONTEXTS],
    run_contexts: [RunContext; 2],
    code: Code,
    run_codes: [(u32, Code); 32],
    quantiser: &'a Quantiser,
    range: u32,
    reset: u32,
    rule: R,
}

impl<'a, R: Rule> Decoder<'a, R> {
    pub(super) fn new(
        data: &'a [u8],
        rule: R,
        parameters: &Parameters,
        quantiser: &'a Quantiser,
    ) -> Self {
        let range = parameters.range;
        Self {
            bits: Bits::new(data),
            contexts: [Context::new(range); CONTEXTS],
            run_contexts: [RunContext::new(range); 2],
            code: parameters.code(),
            run_codes: parameters.run_codes(),
            quantiser,
            range,
            reset: parameters.reset,
            rule,
        }
    }

    /// Decodes a line. Both lines start with the sample that counts as the left neighbour of their
    /// first; `above` ends with its last sample once more.
    pub(super) fn line(
        &mut self,
        above: &[u16],
        line: &mut [u16],
        run_index: &mut usize,
    ) -> Result<(), CodecError> {
        let above = &above[..=line.len()];
        let (mut corner, mut up) = (i32::from(above[0]), i32::from(above[1]));
        let mut left = i32::from(line[0]);
        let mut rise = self.class(up - corner);
        let mut bits = self.bits;
        let mut x = 1;
        while x < line.len() {
            let right = i32::from(above[x + 1]);
            let next_rise = self.class(right - up);
            let class = 81 * next_rise + 9 * rise + self.class(corner - left);
            if class == 0 {
                self.bits = bits;
                let length = self.run_length(line.len() - x, run_index)?;
                line[x..x + length].fill(left as u16);
                x += length;
                if x == line.len() {
                    return Ok(());
                }
                (corner, up) = (i32::from(above[x]), i32::from(above[x + 1]));
                left = self.run_end(left, corner, run_index)?;
                rise = self.class(up - corner);
                bits = self.bits;
            } else {
                left = self.regular(&mut bits, class, Around { left, up, corner })?;
                (corner, up, rise) = (up, right, next_rise);
            }
            line[x] = left as u16;
            x += 1;
        }
        self.bits = bits;
        Ok(())
    }

    #[inline]
    pub(super) fn class(&self, gradient: i32) -> i32 {
        self.quantiser.class(gradient)
    }

    /// A sample in regular mode.
    #[expect(
        clippy::inline_always,
        reason = "the innermost loop; a call costs a tenth"
    )]
    #[inline(always)]
    pub(super) fn regular(
        &mut self,
        bits: &mut Bits<'a>,
        class: i32,
        Around { left, up, corner }: Around,
    ) -> Result<i32, CodecError> {
        let sign = class >> 31;
        let context = &mut self.contexts[((class ^ sign) - sign) as usize];
        let mapped = bits.golomb(context.k(), self.code);
        if mapped > self.range {
            return Err(BAD_CODE);
        }
        let error = context.error(mapped);
        let edge = left + up - corner;
        let predicted = edge.max(left.min(up)).min(left.max(up));
        let corrected = predicted + ((context.correction() ^ sign) - sign);
        let difference = self.rule.scaled(error);
        context.learn(error, difference, self.rule.near(), self.reset);
        Ok(self
            .rule
            .sample(self.rule.clamped(corrected), (difference ^ sign) - sign))
    }

    /// How many samples a run has, `most` being left of the line.
    pub(super) fn run_length(
        &mut self,
        most: usize,
        run_index: &mut usize,
    ) -> Result<usize, CodecError> {
        let mut length = 0;
        while self.bits.bit() {
            let step = 1 << self.run_codes[*run_index].0;
            if step > most - length {
                return Ok(most);
            }
            length += step;
            *run_index = (*run_index + 1).min(31);
            if length == most {
                return Ok(most);
            }
        }
        length += self.bits.take(self.run_codes[*run_index].0) as usize;
        if length < most {
            Ok(length)
        } else {
            Err(Damaged("a run is longer than its line"))
        }
    }

    /// The sample that ends a run, in a line of one component.
    fn run_end(&mut self, left: i32, up: i32, run_index: &mut usize) -> Result<i32, CodecError> {
        let is_alike = (left - up).abs() <= self.rule.near();
        let end = if is_alike {
            RunEnd::Alike
        } else {
            RunEnd::Differ
        };
        let sample = self.run_end_sample(end, left, up, *run_index)?;
        *run_index = run_index.saturating_sub(1);
        Ok(sample)
    }

    pub(super) fn run_end_sample(
        &mut self,
        end: RunEnd,
        left: i32,
        up: i32,
        run_index: usize,
    ) -> Result<i32, CodecError> {
        let context = &mut self.run_contexts[end as usize];
        let k = context.k(end);
        let mapped = self.bits.golomb(k, self.run_codes[run_index].1);
        if mapped > self.range {
            return Err(BAD_CODE);
        }
        let difference = self.rule.scaled(context.error(mapped, k, end, self.reset));
        Ok(match end {
            RunEnd::Alike => self.rule.sample(left, difference),
            RunEnd::Differ if left > up => self.rule.sample(up, -difference),
            RunEnd::Differ => self.rule.sample(up, difference),
        })
    }
}
