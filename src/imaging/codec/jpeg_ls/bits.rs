//! The bits of a scan. Behind a byte of ones stands a byte of seven bits (T.87 9.1), and a byte
//! that begins with a one there is a marker.

pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Left-aligned.
    held: u64,
    count: u32,
    is_after_ones: bool,
    /// Bits that were asked for and are not there.
    missing: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            held: 0,
            count: 0,
            is_after_ones: false,
            missing: 0,
        }
    }

    /// Brings at least 32 bits in, zeros where there are no more.
    #[inline]
    fn fill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if !self.is_after_ones
            && let Some(next) = self.bytes.get(self.at..self.at + 4)
            && let Some(next) = next.first_chunk::<4>()
            && !next.contains(&0xFF)
        {
            self.held |= u64::from(u32::from_be_bytes(*next)) << (32 - self.count);
            self.count += 32;
            self.at += 4;
            return;
        }
        while self.count <= 56 {
            let Some(&byte) = self.bytes.get(self.at) else {
                return self.run_dry();
            };
            if self.is_after_ones {
                if byte >= 0x80 {
                    return self.run_dry();
                }
                self.held |= u64::from(byte) << (57 - self.count);
                self.count += 7;
            } else {
                self.held |= u64::from(byte) << (56 - self.count);
                self.count += 8;
            }
            self.is_after_ones = byte == 0xFF;
            self.at += 1;
        }
    }

    fn run_dry(&mut self) {
        if self.count < 32 {
            self.missing += 32 - self.count;
            self.count = 32;
        }
    }

    /// Whether more was read than is there: a few bits of padding are.
    pub(super) fn is_exhausted(&self) -> bool {
        self.missing > 64
    }

    #[inline]
    fn drop_bits(&mut self, bits: u32) {
        self.held <<= bits;
        self.count -= bits;
    }

    #[inline]
    pub(super) fn bit(&mut self) -> bool {
        self.take(1) == 1
    }

    /// Up to 16 bits.
    #[inline]
    pub(super) fn take(&mut self, bits: u32) -> u32 {
        if bits == 0 {
            return 0;
        }
        self.fill();
        let value = (self.held >> (64 - bits)) as u32;
        self.drop_bits(bits);
        value
    }

    /// Zeros before the next one, which is taken too; at most `most`.
    #[inline]
    pub(super) fn zeros(&mut self, most: u32) -> u32 {
        let mut zeros = 0;
        loop {
            self.fill();
            let run = self.held.leading_zeros().min(self.count);
            if run < self.count {
                self.drop_bits(run + 1);
                return zeros + run;
            }
            zeros += run;
            self.drop_bits(run);
            if zeros > most || self.is_exhausted() {
                return most + 1;
            }
        }
    }

    /// Leaves the bits of this part and goes behind a restart marker; false when there is none.
    pub(super) fn restart(&mut self) -> bool {
        let rest = self
            .bytes
            .get(self.at.saturating_sub(1)..)
            .unwrap_or_default();
        let is_marker = |pair: &[u8]| matches!(pair, [0xFF, 0xD0..=0xD7]);
        let Some(found) = rest.windows(2).position(is_marker) else {
            return false;
        };
        *self = Self {
            at: self.at.saturating_sub(1) + found + 2,
            ..Self::new(self.bytes)
        };
        true
    }

    /// Bytes before the marker that ends the scan.
    pub(super) fn taken(&self) -> usize {
        let from = self.at.saturating_sub(9);
        let rest = self.bytes.get(from..).unwrap_or_default();
        let is_marker = |pair: &[u8]| matches!(pair, [0xFF, 0x80..=0xFE]);
        from + rest.windows(2).position(is_marker).unwrap_or(rest.len())
    }
}
