//! What the decoder learns while it reads: one memory for each class of neighbourhood, and two
//! for the samples that end runs (T.87 A.6 and A.7.2).

/// Classes of neighbourhoods, those of opposite signs counted once.
pub(super) const CONTEXTS: usize = 365;

/// Memory of a class of neighbourhoods.
#[derive(Clone, Copy)]
pub(super) struct Context {
    magnitude: u32,
    count: i32,
    bias: i32,
    correction: i16,
    /// Low bits of the next code.
    k: u8,
    /// All ones where the roles of positive and negative errors are changed over.
    flip: i8,
}

impl Context {
    pub(super) fn new(range: u32) -> Self {
        let magnitude = first_magnitude(range);
        let k = low_bits(magnitude, 1) as u8;
        Self {
            magnitude,
            count: 1,
            bias: 0,
            correction: 0,
            k,
            flip: 0,
        }
    }

    #[inline]
    pub(super) fn k(&self) -> u32 {
        self.k.into()
    }

    #[inline]
    pub(super) fn correction(&self) -> i32 {
        self.correction.into()
    }

    /// The error a code's value stands for.
    #[inline]
    pub(super) fn error(&self, mapped: u32) -> i32 {
        let mapped = mapped as i32;
        (mapped >> 1) ^ -(mapped & 1) ^ i32::from(self.flip)
    }

    /// Learns from an error; `difference` is what it means in samples.
    #[inline]
    pub(super) fn learn(&mut self, error: i32, difference: i32, near: i32, reset: u32) {
        let mut count = self.count;
        let mut magnitude = self.magnitude + error.unsigned_abs();
        let mut bias = self.bias + difference;
        if count == reset as i32 {
            count >>= 1;
            magnitude >>= 1;
            bias >>= 1;
        }
        count += 1;
        // Written without branches: whether the bias is high or low is hard to foretell.
        let is_low = i32::from(bias <= -count);
        let is_high = i32::from(bias > 0);
        let bias = (bias + (count & -is_low) - (count & -is_high))
            .max(1 - count)
            .min(0);
        let correction = (i32::from(self.correction) + is_high - is_low).clamp(-128, 127);
        let k = low_bits(magnitude, count as u32);
        let is_flipped = k == 0 && near == 0 && 2 * bias <= -count;
        *self = Self {
            magnitude,
            count,
            bias,
            correction: correction as i16,
            k: k as u8,
            flip: -i8::from(is_flipped),
        };
    }
}

/// How the left neighbour and the one above stand at the end of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RunEnd {
    Differ = 0,
    Alike = 1,
}

/// Memory of the samples that end runs.
#[derive(Clone, Copy)]
pub(super) struct RunContext {
    magnitude: u32,
    count: u32,
    negatives: u32,
}

impl RunContext {
    pub(super) fn new(range: u32) -> Self {
        Self {
            magnitude: first_magnitude(range),
            count: 1,
            negatives: 0,
        }
    }

    pub(super) fn k(&self, end: RunEnd) -> u32 {
        low_bits(self.magnitude + (self.count >> 1) * end as u32, self.count)
    }

    /// The error a code's value stands for, learnt from at once.
    pub(super) fn error(&mut self, mapped: u32, k: u32, end: RunEnd, reset: u32) -> i32 {
        let doubled = mapped + end as u32;
        let size = doubled.div_ceil(2);
        let odd_is_negative = k != 0 || 2 * self.negatives >= self.count;
        let is_negative = (doubled % 2 == 1) == odd_is_negative && size != 0;
        self.negatives += u32::from(is_negative);
        self.magnitude += (mapped + 1 - end as u32) >> 1;
        if self.count == reset {
            self.magnitude >>= 1;
            self.count >>= 1;
            self.negatives >>= 1;
        }
        self.count += 1;
        if is_negative {
            -(size as i32)
        } else {
            size as i32
        }
    }
}

fn first_magnitude(range: u32) -> u32 {
    ((range + 32) / 64).max(2)
}

/// The smallest k with `count << k` not below `magnitude`.
#[inline]
fn low_bits(magnitude: u32, count: u32) -> u32 {
    let k = count
        .leading_zeros()
        .saturating_sub(magnitude.leading_zeros());
    k + u32::from(count << k < magnitude)
}
