//! Huffman tables that give a code and the value bits behind it in one look-up.

use super::CodecError;
use super::bits::Bits;

const LOOK_AHEAD: u32 = 12;
const ENTRIES: usize = 1 << LOOK_AHEAD;

/// What the symbols of a table mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Bit counts of differences, 0 to 16.
    Difference,
    /// A run of zeros (high four bits) and the bit count of a coefficient (low four).
    Coefficient,
}

/// One look-up entry: value (16 bits), symbol (8), `WHOLE`, bits to skip (7).
/// Without `WHOLE` the bits to skip are the code alone; zero bits mean a longer code.
type Entry = u32;
const WHOLE: Entry = 0x80;

pub(super) struct Table {
    class: Class,
    lookup: Box<[Entry; ENTRIES]>,
    symbols: Vec<u8>,
    /// By code length: the end of its codes, left-aligned in 16 bits.
    ends: [u32; 17],
    /// By code length: what to add to a code to find its symbol (modulo 2^32).
    offsets: [u32; 17],
}

impl Table {
    /// `counts` says how many codes there are of each length from 1 to 16.
    pub(super) fn new(class: Class, counts: &[u8; 16], symbols: &[u8]) -> Result<Self, CodecError> {
        let mut table = Self {
            class,
            lookup: Box::new([0; ENTRIES]),
            symbols: symbols.to_vec(),
            ends: [0; 17],
            offsets: [0; 17],
        };
        if class == Class::Difference && symbols.iter().any(|&bits| bits > 16) {
            return Err(CodecError::Damaged(
                "a Huffman table has differences of over 16 bits",
            ));
        }
        let (mut code, mut used) = (0_u32, 0_u32);
        for (length, &count) in (1_u32..).zip(counts) {
            code <<= 1;
            table.offsets[length as usize] = used.wrapping_sub(code);
            for &symbol in symbols.iter().skip(used as usize).take(usize::from(count)) {
                table.enter(code, length, symbol);
                code += 1;
            }
            used += u32::from(count);
            if code > 1 << length {
                return Err(CodecError::Damaged("a Huffman table has too many codes"));
            }
            table.ends[length as usize] = code << (16 - length);
        }
        Ok(table)
    }

    fn enter(&mut self, code: u32, length: u32, symbol: u8) {
        let Some(free) = LOOK_AHEAD.checked_sub(length) else {
            return;
        };
        let size = self.class.value_bits(symbol);
        let start = (code as usize) << free;
        for (low, entry) in self
            .lookup
            .iter_mut()
            .skip(start)
            .take(1 << free)
            .enumerate()
        {
            *entry = u32::from(symbol) << 8 | length;
            if size <= free {
                let value = self.class.value(symbol, low as u32 >> (free - size));
                *entry = (*entry + size) | u32::from(value) << 16 | WHOLE;
            }
        }
    }

    /// The next difference, modulo 2^16.
    #[inline]
    pub(super) fn difference(&self, bits: &mut Bits) -> u16 {
        bits.fill();
        let entry = self.lookup[bits.peek(LOOK_AHEAD)];
        if entry & WHOLE != 0 {
            bits.skip(entry & 0x7F);
            return (entry >> 16) as u16;
        }
        let (rest, _, value) = self.long_value(*bits, entry);
        *bits = rest;
        value
    }

    /// The next symbol and the value behind it; the value of a zero bit count is 0.
    #[inline]
    pub(super) fn coefficient(&self, bits: &mut Bits) -> (u8, i16) {
        bits.fill();
        let entry = self.lookup[bits.peek(LOOK_AHEAD)];
        if entry & WHOLE != 0 {
            bits.skip(entry & 0x7F);
            return ((entry >> 8) as u8, (entry >> 16) as i16);
        }
        let (rest, symbol, value) = self.long_value(*bits, entry);
        *bits = rest;
        (symbol, value.cast_signed())
    }

    #[cold]
    #[inline(never)]
    fn long_value<'a>(&self, mut bits: Bits<'a>, entry: Entry) -> (Bits<'a>, u8, u16) {
        let known = entry & 0x7F;
        let found = if known == 0 {
            self.long_code(bits.peek(16) as u32)
        } else {
            Some((known, (entry >> 8) as u8))
        };
        let Some((length, symbol)) = found else {
            bits.set_broken();
            return (bits, 0, 0);
        };
        bits.skip(length);
        let size = self.class.value_bits(symbol);
        let low = if size == 0 { 0 } else { bits.peek(size) as u32 };
        bits.skip(size);
        (bits, symbol, self.class.value(symbol, low))
    }

    fn long_code(&self, next: u32) -> Option<(u32, u8)> {
        let length = (LOOK_AHEAD + 1..=16).find(|&length| next < self.ends[length as usize])?;
        let place = (next >> (16 - length)).wrapping_add(self.offsets[length as usize]);
        let symbol = self.symbols.get(place as usize)?;
        Some((length, *symbol))
    }
}

impl Class {
    /// How many bits follow the code. 16 stands for the one difference 32768 and has none.
    fn value_bits(self, symbol: u8) -> u32 {
        match self {
            Self::Difference if symbol == 16 => 0,
            Self::Difference => u32::from(symbol),
            Self::Coefficient => u32::from(symbol & 15),
        }
    }

    /// The signed value of the bits behind a symbol, modulo 2^16: a leading zero bit means a
    /// negative one.
    fn value(self, symbol: u8, low: u32) -> u16 {
        match self.value_bits(symbol) {
            0 if self == Self::Difference && symbol == 16 => 0x8000,
            0 => 0,
            size if low >> (size - 1) == 0 => (low + 1).wrapping_sub(1 << size) as u16,
            _ => low as u16,
        }
    }
}
