//! The samples of a frame as its file holds them, and the values that they stand for.
//!
//! Real values are made in one pass over the bytes and without branches, so that a frame which is
//! not compressed costs little more than reading its memory once.

/// Where the value of a sample lies in its word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bits {
    shift: u32,
    mask: u32,
    /// The bit that counts negative; 0 where values have no sign.
    sign: u32,
}

impl Bits {
    /// Values of `width` bits that lie `shift` bits above the lowest of their word.
    pub(crate) fn new(width: u32, shift: u32, is_signed: bool) -> Self {
        let width = width.clamp(1, 32);
        Self {
            shift: shift.min(31),
            mask: u32::MAX >> (32 - width),
            sign: u32::from(is_signed) << (width - 1),
        }
    }

    pub(crate) fn value(self, word: u32) -> i32 {
        let value = word >> self.shift & self.mask;
        (value ^ self.sign).wrapping_sub(self.sign) as i32
    }

    /// Whether a bit of a word is no part of its value.
    pub(crate) fn is_spare(self, bit: u32) -> bool {
        let bit = 1_u32.checked_shl(bit).unwrap_or(0);
        bit != 0 && (self.mask << self.shift) & bit == 0
    }
}

/// Samples, interleaved by pixel.
#[derive(Debug)]
pub(crate) enum Stored<'a> {
    Bytes(&'a [u8], Bits),
    /// Low byte first.
    Words(&'a [[u8; 2]], Bits),
    /// What a decoder gave.
    Decoded(Vec<u16>, Bits),
    /// The same with room for every width.
    Wide(Vec<u32>, Bits),
    /// With their sign; those of 32 bits that have none are wrapped.
    Values(Vec<i32>),
}

impl Stored<'_> {
    /// What is made of every value. A closure that owns what it uses, numbers above all, becomes a
    /// loop over several values at a time; one that borrows does not. Results as large as what
    /// they are made of take its memory over.
    pub(crate) fn map<T>(self, make: impl Fn(i32) -> T) -> Vec<T> {
        match self {
            Self::Bytes(bytes, bits) => each(bytes.iter().copied(), move |byte| {
                make(bits.value(u32::from(byte)))
            }),
            Self::Words(words, bits) => each(words.iter().copied(), move |word| {
                make(bits.value(u32::from(u16::from_le_bytes(word))))
            }),
            Self::Decoded(words, bits) => each(words.into_iter(), move |word| {
                make(bits.value(u32::from(word)))
            }),
            Self::Wide(words, bits) => each(words.into_iter(), move |word| make(bits.value(word))),
            Self::Values(values) => each(values.into_iter(), make),
        }
    }
}

fn each<W, T>(words: impl Iterator<Item = W>, make: impl Fn(W) -> T) -> Vec<T> {
    words.map(make).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(stored: Stored<'_>) -> Vec<i32> {
        stored.map(|value| value)
    }

    #[test]
    fn what_lies_above_the_high_bit_is_no_part_of_a_value() {
        let words = [[0x01, 0xF0], [0xFF, 0x7F]];
        let twelve = |is_signed| values(Stored::Words(&words, Bits::new(12, 0, is_signed)));
        assert_eq!(twelve(false), [1, 0xFFF]);
        assert_eq!(twelve(true), [1, -1]);
    }

    #[test]
    fn values_may_lie_at_the_top_of_their_word() {
        let words = [[0x0F, 0x80], [0xF0, 0x7F]];
        let top = |is_signed| values(Stored::Words(&words, Bits::new(12, 4, is_signed)));
        assert_eq!(top(false), [0x800, 0x7FF]);
        assert_eq!(top(true), [-0x800, 0x7FF]);
    }

    #[test]
    fn whole_words_keep_their_sign_at_every_width() {
        let bytes = [0x80, 0x7F];
        assert_eq!(
            values(Stored::Bytes(&bytes, Bits::new(8, 0, true))),
            [-128, 127]
        );
        let decoded = Stored::Decoded(vec![0x8000, 1], Bits::new(16, 0, true));
        assert_eq!(values(decoded), [-32_768, 1]);
        assert_eq!(Bits::new(32, 0, true).value(0x8000_0000), i32::MIN);
        assert_eq!(Bits::new(32, 0, false).value(u32::MAX), -1);
    }

    #[test]
    fn spare_bits_are_those_outside_of_the_value() {
        let spare = |width, shift| -> Vec<u32> {
            let bits = Bits::new(width, shift, false);
            (0..16).filter(|bit| bits.is_spare(*bit)).collect()
        };
        assert_eq!(spare(12, 0), [12, 13, 14, 15]);
        assert_eq!(spare(12, 4), [0, 1, 2, 3]);
        assert!(!Bits::new(12, 0, false).is_spare(40));
    }
}
