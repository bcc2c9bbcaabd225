//! Bits of one stretch of coded data, without the zero bits stuffed after FF bytes.

/// Codes with fewer leading zeros than this need no more than the bits a refill guarantees.
const QUICK_ZEROS: u32 = 15;
const GUARANTEED: u32 = 32;

/// Shape of a length-limited Golomb code: from `most_zeros` leading zeros on, the value less one
/// follows in `escape_bits` bits.
#[derive(Clone, Copy)]
pub(super) struct Code {
    quick_zeros: u32,
    most_zeros: u32,
    escape_bits: u32,
}

impl Code {
    pub(super) fn new(limit: u32, escape_bits: u32) -> Self {
        let most_zeros = limit.saturating_sub(escape_bits + 1);
        Self {
            quick_zeros: most_zeros.min(QUICK_ZEROS),
            most_zeros,
            escape_bits,
        }
    }
}

/// Small and copied around the rare paths, so that the common one keeps it in registers.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    /// The next bits, from the top; below `count` there is only what will be there anyway.
    window: u64,
    count: u32,
    /// Zero bits made up after the end of the data.
    invented: u64,
    /// So many bits left are more than padding.
    padding: u64,
}

impl<'a> Bits<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        // Padding with ones may complete an FF byte, which then brings seven more bits with it.
        let padding = if let [.., 0xFF, _] = rest { 15 } else { 8 };
        Self {
            rest,
            window: 0,
            count: 0,
            invented: 0,
            padding,
        }
    }

    /// Whether more bits were taken than there were.
    pub(super) fn is_overdrawn(&self) -> bool {
        u64::from(self.count) < self.invented
    }

    /// Whether nothing but padding is left.
    pub(super) fn is_used_up(&self) -> bool {
        let unread = u64::from(self.count).checked_sub(self.invented);
        self.rest.is_empty() && unread.is_some_and(|unread| unread < self.padding)
    }

    #[inline]
    pub(super) fn bit(&mut self) -> bool {
        self.refill();
        let bit = self.window >> 63 == 1;
        self.skip(1);
        bit
    }

    /// The next `count` bits, at most 32.
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> u32 {
        self.refill();
        let value = self.window >> 1 >> (63 - count);
        self.skip(count);
        value as u32
    }

    /// A Golomb code with `k` low bits (at most 17); `u32::MAX` if it is none.
    #[inline]
    pub(super) fn golomb(&mut self, k: u32, code: Code) -> u32 {
        self.refill();
        let zeros = self.window.leading_zeros();
        if zeros >= code.quick_zeros {
            let value;
            (*self, value) = self.long_golomb(k, code);
            return value;
        }
        // The same as a shift by 64 less the length, in one step less.
        let tail = self.window.wrapping_shr(!(zeros + k)) as u32;
        self.skip(zeros + 1 + k);
        (zeros << k) + (tail - (1 << k))
    }

    #[cold]
    fn long_golomb(mut self, k: u32, code: Code) -> (Self, u32) {
        let mut zeros = 0;
        while zeros < code.most_zeros && !self.bit() {
            zeros += 1;
        }
        if zeros < code.most_zeros {
            let value = (zeros << k) + self.take(k);
            return (self, value);
        }
        let value = if self.bit() {
            self.take(code.escape_bits) + 1
        } else {
            u32::MAX
        };
        (self, value)
    }

    #[inline]
    fn skip(&mut self, count: u32) {
        self.window <<= count;
        self.count -= count;
    }

    #[inline]
    fn refill(&mut self) {
        if self.count < GUARANTEED {
            self.load();
        }
    }

    #[inline]
    fn load(&mut self) {
        if let Some(next) = self.rest.first_chunk::<8>() {
            let word = u64::from_be_bytes(*next);
            if !has_ff(word) {
                let loaded = (63 - self.count) / 8;
                self.window |= word >> self.count;
                self.count += loaded * 8;
                self.rest = &self.rest[loaded as usize..];
                return;
            }
        }
        *self = self.loaded_bytewise();
    }

    #[inline(never)]
    fn loaded_bytewise(mut self) -> Self {
        // An FF and its follower go in together, so that loading never starts between the two.
        while self.count <= 64 - 15 {
            match self.rest {
                [0xFF, next, rest @ ..] => {
                    self.push(0xFF << 7 | u64::from(*next), 15);
                    self.rest = rest;
                }
                [byte, rest @ ..] => {
                    self.push(u64::from(*byte), 8);
                    self.rest = rest;
                }
                [] => {
                    self.count += 8;
                    self.invented += 8;
                }
            }
        }
        self
    }

    fn push(&mut self, bits: u64, count: u32) {
        self.window |= bits << (64 - self.count - count);
        self.count += count;
    }
}

/// Whether one of the eight bytes is FF.
#[inline]
pub(super) fn has_ff(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    (!word).wrapping_sub(ONES) & word & (ONES << 7) != 0
}
