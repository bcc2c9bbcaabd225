//! What has been learned of the errors in a context (T.87 A.3 to A.7).

use super::Coding;
use super::bits::Bits;

/// Of regular samples.
#[derive(Clone, Copy)]
pub(super) struct Context {
    /// Sum of the errors' sizes.
    sizes: i32,
    /// Sum of the errors, kept near zero by `correction`.
    bias: i32,
    correction: i32,
    count: i32,
}

/// Of samples that end a run.
#[derive(Clone, Copy)]
pub(super) struct RunContext {
    sizes: i32,
    count: i32,
    negatives: i32,
    /// 1 where the run's value and the one above are alike.
    kind: i32,
}

pub(super) fn first_sizes(range: i32) -> i32 {
    ((range + 32) / 64).max(2)
}

/// The least number of low bits for which `count` errors reach `sizes`.
#[inline]
fn low_bits(count: i32, sizes: i32) -> u32 {
    let mut bits = 0;
    while i64::from(count) << bits < i64::from(sizes) && bits < 16 {
        bits += 1;
    }
    bits
}

/// A code of at most `limit` bits (T.87 A.5.3).
#[inline]
fn code(bits: &mut Bits<'_>, low: u32, limit: u32, coding: &Coding) -> i32 {
    let most = limit.saturating_sub(coding.error_bits + 1);
    let high = bits.zeros(most);
    let code = if high < most {
        ((high << low) | bits.take(low)) as i32
    } else {
        bits.take(coding.error_bits.min(16)) as i32 + 1
    };
    // No sound error is larger: what is damaged must not overflow.
    code.min(2 * coding.range)
}

impl Context {
    pub(super) fn new(range: i32) -> Self {
        Self {
            sizes: first_sizes(range),
            bias: 0,
            correction: 0,
            count: 1,
        }
    }

    #[inline]
    pub(super) fn correction(&self) -> i32 {
        self.correction
    }

    /// Reads an error and learns from it.
    #[inline]
    pub(super) fn error(&mut self, bits: &mut Bits<'_>, coding: &Coding) -> i32 {
        let low = low_bits(self.count, self.sizes);
        let code = code(bits, low, coding.limit, coding);
        let is_shifted = coding.near == 0 && low == 0 && 2 * self.bias <= -self.count;
        // Even codes are the errors from zero upwards; shifted, those from minus one downwards.
        let error = if (code & 1 == 1) == is_shifted {
            code >> 1
        } else {
            -(code >> 1) - 1
        };
        self.learn(error, coding);
        error
    }

    #[inline]
    fn learn(&mut self, error: i32, coding: &Coding) {
        self.bias += error * (2 * coding.near + 1);
        self.sizes = (self.sizes + error.abs()).min(1 << 30);
        if self.count == coding.reset {
            self.sizes >>= 1;
            self.bias >>= 1;
            self.count >>= 1;
        }
        self.count += 1;
        if self.bias <= -self.count {
            self.bias = (self.bias + self.count).max(1 - self.count);
            self.correction = (self.correction - 1).max(-128);
        } else if self.bias > 0 {
            self.bias = (self.bias - self.count).min(0);
            self.correction = (self.correction + 1).min(127);
        }
    }
}

impl RunContext {
    pub(super) fn new(range: i32, kind: i32) -> Self {
        Self {
            sizes: first_sizes(range),
            count: 1,
            negatives: 0,
            kind,
        }
    }

    /// Reads the error of the sample that ends a run (T.87 A.7.2).
    pub(super) fn error(&mut self, bits: &mut Bits<'_>, limit: u32, coding: &Coding) -> i32 {
        let sizes = self.sizes + if self.kind == 1 { self.count >> 1 } else { 0 };
        let low = low_bits(self.count, sizes);
        let code = code(bits, low, limit, coding);
        let doubled = code + self.kind;
        let is_odd = doubled & 1 == 1;
        let size = (doubled + 1) >> 1;
        let odd_is_negative = low != 0 || 2 * self.negatives >= self.count;
        let error = if odd_is_negative == is_odd {
            -size
        } else {
            size
        };
        if error < 0 {
            self.negatives += 1;
        }
        self.sizes = (self.sizes + ((code + 1 - self.kind) >> 1)).min(1 << 30);
        if self.count == coding.reset {
            self.sizes >>= 1;
            self.count >>= 1;
            self.negatives >>= 1;
        }
        self.count += 1;
        error
    }
}
