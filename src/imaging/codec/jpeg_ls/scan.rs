//! The samples of a scan, line by line (T.87 annex A, and B for interleaved components).

use super::bits::Bits;
use super::context::{Context, RunContext};
use super::{CodecError, Coding};

/// Lengths of runs, as powers of two, by how well runs went before (T.87 A.2.1).
const RUN_BITS: [u32; 32] = [
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13,
    14, 15,
];
/// Nine steps for each of three gradients, halved by their sign.
const CONTEXTS: usize = 365;
/// Gradients of up to this size are looked up.
const LOOKED_UP: i32 = 1 << 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interleave {
    /// A line of each component in turn; also a component alone.
    Line,
    Sample,
}

pub(super) struct Scan<'a> {
    bits: Bits<'a>,
    coding: Coding,
    width: usize,
    height: usize,
    /// Lines between restarts; 0 for none.
    restart: usize,
    contexts: Vec<Context>,
    ends: [RunContext; 2],
    steps: Vec<i8>,
}

/// Where a line of a component goes on.
#[derive(Clone, Default)]
struct Lines {
    /// With a sample more at either end.
    above: Vec<i32>,
    current: Vec<i32>,
    run_step: usize,
}

impl Lines {
    fn new(width: usize) -> Self {
        Self {
            above: vec![0; width + 2],
            current: vec![0; width + 2],
            run_step: 0,
        }
    }

    /// Makes the line that was read the one above.
    fn turn(&mut self) {
        std::mem::swap(&mut self.above, &mut self.current);
        let width = self.above.len() - 2;
        if let Some(&last) = self.above.get(width)
            && let Some(beyond) = self.above.last_mut()
        {
            *beyond = last;
        }
        if let (Some(&first), Some(left)) = (self.above.get(1), self.current.first_mut()) {
            *left = first;
        }
    }
}

impl<'a> Scan<'a> {
    pub(super) fn new(
        data: &'a [u8],
        coding: Coding,
        (width, height): (usize, usize),
        restart: usize,
    ) -> Self {
        let reach = coding.most.min(LOOKED_UP);
        Self {
            bits: Bits::new(data),
            coding,
            width,
            height,
            restart,
            contexts: vec![Context::new(coding.range); CONTEXTS],
            ends: [0, 1].map(|kind| RunContext::new(coding.range, kind)),
            steps: (-reach..=reach)
                .map(|gradient| step(gradient, &coding))
                .collect(),
        }
    }

    /// Fills `values`, in which pixels have `all` samples; returns the bytes taken.
    pub(super) fn decode(
        &mut self,
        interleave: Interleave,
        (places, all): (&[usize], usize),
        values: &mut [u16],
    ) -> Result<usize, CodecError> {
        let mut lines = vec![Lines::new(self.width); places.len()];
        for y in 0..self.height {
            if self.restart > 0 && y > 0 && y % self.restart == 0 {
                if !self.bits.restart() {
                    return Err(CodecError::Damaged("a restart marker is missing"));
                }
                self.contexts.fill(Context::new(self.coding.range));
                self.ends = [0, 1].map(|kind| RunContext::new(self.coding.range, kind));
                lines.fill(Lines::new(self.width));
            }
            match interleave {
                Interleave::Line => lines.iter_mut().for_each(|line| self.line(line)),
                Interleave::Sample => self.joined_line(&mut lines),
            }
            if self.bits.is_exhausted() {
                return Err(CodecError::Damaged("its samples are cut off"));
            }
            let row = values.get_mut(y * self.width * all..).unwrap_or_default();
            for (line, place) in lines.iter_mut().zip(places) {
                let samples = line.current.iter().skip(1);
                let targets = row.iter_mut().skip(*place).step_by(all).take(self.width);
                for (target, sample) in targets.zip(samples) {
                    *target = *sample as u16;
                }
                line.turn();
            }
        }
        Ok(self.bits.taken())
    }

    fn line(&mut self, line: &mut Lines) {
        let Lines {
            above,
            current,
            run_step,
        } = line;
        let mut x = 1;
        while x <= self.width {
            let around = Around::at(above, current, x);
            let context = self.context(&around);
            let value = if context == 0 && around.is_flat(self.coding.near) {
                let run = self.run(self.width + 1 - x, run_step);
                let end = x + run.length;
                if let Some(cells) = current.get_mut(x..end) {
                    cells.fill(around.left);
                }
                x = end;
                if !run.is_ended {
                    break;
                }
                let b = above.get(x).copied().unwrap_or(0);
                self.run_end(around.left, b, run_step)
            } else {
                self.regular(&around, context)
            };
            if let Some(cell) = current.get_mut(x) {
                *cell = value;
            }
            x += 1;
        }
    }

    /// Pixels of all components at once: a run holds for all of them.
    fn joined_line(&mut self, lines: &mut [Lines]) {
        let mut run_step = lines.first().map_or(0, |line| line.run_step);
        let mut x = 1;
        while x <= self.width {
            let near = self.coding.near;
            let is_flat = lines
                .iter()
                .all(|line| Around::at(&line.above, &line.current, x).is_flat(near));
            if !is_flat {
                for line in &mut *lines {
                    let around = Around::at(&line.above, &line.current, x);
                    let context = self.context(&around);
                    let value = self.regular(&around, context);
                    if let Some(cell) = line.current.get_mut(x) {
                        *cell = value;
                    }
                }
                x += 1;
                continue;
            }
            let run = self.run(self.width + 1 - x, &mut run_step);
            for line in &mut *lines {
                let left = line.current.get(x - 1).copied().unwrap_or(0);
                if let Some(cells) = line.current.get_mut(x..x + run.length) {
                    cells.fill(left);
                }
            }
            x += run.length;
            if !run.is_ended {
                break;
            }
            for line in &mut *lines {
                let left = line.current.get(x - 1).copied().unwrap_or(0);
                let above = line.above.get(x).copied().unwrap_or(0);
                let value = self.joined_end(left, above, run_step);
                if let Some(cell) = line.current.get_mut(x) {
                    *cell = value;
                }
            }
            run_step = run_step.saturating_sub(1);
            x += 1;
        }
        if let Some(first) = lines.first_mut() {
            first.run_step = run_step;
        }
    }

    /// The context of the gradients, negative when they were turned round; 0 where all are flat.
    #[inline]
    fn context(&self, around: &Around) -> i32 {
        let step = |gradient: i32| i32::from(self.step(gradient));
        let first = step(around.above_right - around.above);
        let second = step(around.above - around.above_left);
        let third = step(around.above_left - around.left);
        (first * 9 + second) * 9 + third
    }

    #[inline]
    fn step(&self, gradient: i32) -> i8 {
        let reach = (self.steps.len() / 2) as i32;
        match self.steps.get((gradient + reach) as usize) {
            Some(step) => *step,
            None => step(gradient, &self.coding),
        }
    }

    #[inline]
    fn regular(&mut self, around: &Around, context: i32) -> i32 {
        let sign = if context < 0 { -1 } else { 1 };
        let coding = self.coding;
        let Some(learned) = self.contexts.get_mut(context.unsigned_abs() as usize) else {
            return 0;
        };
        let guess = around.guess() + sign * learned.correction();
        let guess = guess.clamp(0, coding.most);
        let error = learned.error(&mut self.bits, &coding);
        coding.rebuilt(guess, sign * error)
    }

    /// How long the run at hand is, of at most `most` samples (T.87 A.7.1).
    fn run(&mut self, most: usize, run_step: &mut usize) -> Run {
        let mut length = 0;
        while self.bits.bit() {
            let whole = 1 << run_bits(*run_step);
            let left = most - length;
            length += left.min(whole);
            if left >= whole {
                *run_step = (*run_step + 1).min(RUN_BITS.len() - 1);
            }
            if length == most || self.bits.is_exhausted() {
                return Run {
                    length: most,
                    is_ended: false,
                };
            }
        }
        length += self.bits.take(run_bits(*run_step)) as usize;
        Run {
            // A damaged length would leave no room for the sample that ends the run.
            length: length.min(most - 1),
            is_ended: true,
        }
    }

    /// The sample that ends a run (T.87 A.7.2).
    fn run_end(&mut self, left: i32, above: i32, run_step: &mut usize) -> i32 {
        let coding = self.coding;
        let is_alike = (left - above).abs() <= coding.near;
        let limit = coding.limit.saturating_sub(run_bits(*run_step) + 1);
        let [apart, alike] = &mut self.ends;
        let learned = if is_alike { alike } else { apart };
        let error = learned.error(&mut self.bits, limit, &coding);
        *run_step = run_step.saturating_sub(1);
        if is_alike {
            coding.rebuilt(left, error)
        } else {
            coding.rebuilt(above, if left > above { -error } else { error })
        }
    }

    fn joined_end(&mut self, left: i32, above: i32, run_step: usize) -> i32 {
        let coding = self.coding;
        let limit = coding.limit.saturating_sub(run_bits(run_step) + 1);
        let [apart, _] = &mut self.ends;
        let error = apart.error(&mut self.bits, limit, &coding);
        coding.rebuilt(above, if left > above { -error } else { error })
    }
}

struct Run {
    length: usize,
    /// A sample of another value follows.
    is_ended: bool,
}

fn run_bits(run_step: usize) -> u32 {
    RUN_BITS.get(run_step).copied().unwrap_or(15)
}

/// The samples around the one to come.
struct Around {
    left: i32,
    above: i32,
    above_left: i32,
    above_right: i32,
}

impl Around {
    #[inline]
    fn at(above: &[i32], current: &[i32], x: usize) -> Self {
        let left = current.get(x - 1).copied().unwrap_or(0);
        match above.get(x - 1..x + 2) {
            Some(&[above_left, above, above_right]) => Self {
                left,
                above,
                above_left,
                above_right,
            },
            _ => Self {
                left,
                above: 0,
                above_left: 0,
                above_right: 0,
            },
        }
    }

    fn is_flat(&self, near: i32) -> bool {
        (self.above_right - self.above).abs() <= near
            && (self.above - self.above_left).abs() <= near
            && (self.above_left - self.left).abs() <= near
    }

    /// The middle of left, above and their plane (T.87 A.4.1).
    #[inline]
    fn guess(&self) -> i32 {
        let (low, high) = (self.left.min(self.above), self.left.max(self.above));
        (self.left + self.above - self.above_left).clamp(low, high)
    }
}

/// Quantises a gradient to -4 to 4 (T.87 A.3.3).
fn step(gradient: i32, coding: &Coding) -> i8 {
    let [t1, t2, t3] = coding.thresholds;
    let size = gradient.abs();
    let step = match size {
        _ if size <= coding.near => 0,
        _ if size < t1 => 1,
        _ if size < t2 => 2,
        _ if size < t3 => 3,
        _ => 4,
    };
    if gradient < 0 { -step } else { step }
}

impl Coding {
    /// The value that a guess and an error make (T.87 A.4.4 and A.4.5).
    #[inline]
    fn rebuilt(&self, guess: i32, error: i32) -> i32 {
        let step = 2 * self.near + 1;
        let mut value = guess + error * step;
        if value < -self.near {
            value += self.range * step;
        } else if value > self.most + self.near {
            value -= self.range * step;
        }
        value.clamp(0, self.most)
    }
}
