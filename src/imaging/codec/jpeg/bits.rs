//! The bits of an entropy-coded segment, most significant first, without the stuffed zero bytes.

use super::CodecError;

/// A small value on purpose: inner loops work on a copy, so that it stays in registers.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
    /// The next bits, left-aligned.
    window: u64,
    /// How many bits of the window are to be used.
    ready: u32,
    /// Zero bits at the end of the window that stand for data that is not there.
    invented: u32,
    is_broken: bool,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            position: 0,
            window: 0,
            ready: 0,
            invented: 0,
            is_broken: false,
        }
    }

    /// Makes at least 32 bits ready: the longest code (16) with the longest value (16).
    #[inline]
    pub(super) fn fill(&mut self) {
        if self.ready >= 32 {
            return;
        }
        let next = self
            .bytes
            .get(self.position..)
            .and_then(|rest| rest.first_chunk::<4>());
        let word = next.map_or(u32::MAX, |&next| u32::from_be_bytes(next));
        if has_marker_byte(word) {
            *self = self.filled_bytewise();
            return;
        }
        self.window |= u64::from(word) << (32 - self.ready);
        self.ready += 32;
        self.position += 4;
    }

    /// Takes and returns the whole value, so that no address of it leaves the inner loop.
    #[cold]
    #[inline(never)]
    fn filled_bytewise(mut self) -> Self {
        while self.ready <= 56 {
            let byte = match self.bytes.get(self.position..).unwrap_or_default() {
                [0xFF, 0, ..] => {
                    self.position += 2;
                    0xFF
                }
                [0xFF, ..] | [] => {
                    self.invented = self.invented.saturating_add(8);
                    0
                }
                [byte, ..] => {
                    self.position += 1;
                    *byte
                }
            };
            self.window |= u64::from(byte) << (56 - self.ready);
            self.ready += 8;
        }
        self
    }

    /// The next `count` bits (1 to 32), which stay.
    #[inline]
    pub(super) fn peek(&self, count: u32) -> usize {
        (self.window >> (64 - count)) as usize
    }

    /// Drops `count` bits; no more than 32 after each `fill`.
    #[inline]
    pub(super) fn skip(&mut self, count: u32) {
        self.window <<= count;
        self.ready -= count;
    }

    pub(super) fn set_broken(&mut self) {
        self.is_broken = true;
    }

    /// Says whether a code was wrong or more bits were used than the segment has.
    /// Asked once a row, so that the inner loops need no early return.
    pub(super) fn check(&self) -> Result<(), CodecError> {
        if self.is_broken {
            return Err(CodecError::Damaged("a code is not in the Huffman table"));
        }
        if self.invented > self.ready {
            return Err(CodecError::Damaged("the entropy-coded data ends too early"));
        }
        Ok(())
    }

    /// Goes on behind the next restart marker, which must be the `count`-th one (from 0).
    pub(super) fn restart(&mut self, count: usize) -> Result<(), CodecError> {
        while let Some(&byte) = self.bytes.get(self.position) {
            let follower = self.bytes.get(self.position + 1).copied().unwrap_or(0);
            self.position += 1;
            if byte != 0xFF || follower == 0 || follower == 0xFF {
                continue;
            }
            if usize::from(follower) != 0xD0 + count % 8 {
                return Err(CodecError::Damaged(
                    "a restart marker is missing or out of order",
                ));
            }
            *self = Self {
                position: self.position + 1,
                ..Self::new(self.bytes)
            };
            return Ok(());
        }
        Err(CodecError::Damaged(
            "the entropy-coded data ends before a restart marker",
        ))
    }

    /// Where the segment's reading ended: at or before the next marker.
    pub(super) fn position(&self) -> usize {
        self.position
    }
}

/// Whether one of the four bytes is 0xFF, that is, a zero byte of the complement.
fn has_marker_byte(word: u32) -> bool {
    (!word).wrapping_sub(0x0101_0101) & word & 0x8080_8080 != 0
}
