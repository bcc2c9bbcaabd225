//! Lines of whole pixels: components interleaved by sample (T.87 annex B.3).

use std::array::from_fn;

use super::CodecError;
use super::context::RunEnd;
use super::line::{Around, Decoder};
use super::parameters::Rule;

impl<R: Rule> Decoder<'_, R> {
    /// Decodes a line of pixels; the lines are laid out as lines of samples are.
    pub(super) fn pixels<const N: usize>(
        &mut self,
        above: &[[u16; N]],
        line: &mut [[u16; N]],
        run_index: &mut usize,
    ) -> Result<(), CodecError> {
        let above = &above[..=line.len()];
        let mut bits = self.bits;
        let mut x = 1;
        while x < line.len() {
            let (corner, up, right) = (above[x - 1], above[x], above[x + 1]);
            let left = line[x - 1];
            let classes: [i32; N] = from_fn(|at| {
                81 * self.step(up[at], right[at])
                    + 9 * self.step(corner[at], up[at])
                    + self.step(left[at], corner[at])
            });
            if classes.iter().fold(0, |all, class| all | class) != 0 {
                for at in 0..N {
                    let around = Around {
                        left: line[x - 1][at].into(),
                        up: above[x][at].into(),
                        corner: above[x - 1][at].into(),
                    };
                    line[x][at] = self.regular(&mut bits, classes[at], around)? as u16;
                }
                x += 1;
                continue;
            }
            self.bits = bits;
            let length = self.run_length(line.len() - x, run_index)?;
            line[x..x + length].fill(left);
            x += length;
            if x == line.len() {
                return Ok(());
            }
            for at in 0..N {
                let (left, up) = (left[at].into(), above[x][at].into());
                line[x][at] = self.run_end_sample(RunEnd::Differ, left, up, *run_index)? as u16;
            }
            *run_index = run_index.saturating_sub(1);
            bits = self.bits;
            x += 1;
        }
        self.bits = bits;
        Ok(())
    }

    #[inline]
    fn step(&self, from: u16, to: u16) -> i32 {
        self.class(i32::from(to) - i32::from(from))
    }
}
