//! The columns of a pool: mapped from a generation or held in memory by the tail.

use std::ops::Range;

use bytemuck::AnyBitPattern;

use crate::encode::{StoredRow, singles, stride};
use crate::fuse::stretch;
use crate::mapped::Mapped;
use crate::rows::Parts;

/// Numbers in memory, of a file or our own.
#[derive(Debug)]
pub(crate) enum Column<T> {
    Mapped(Mapped),
    Owned(Vec<T>),
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self::Owned(Vec::new())
    }
}

impl<T: AnyBitPattern + Clone> Clone for Column<T> {
    fn clone(&self) -> Self {
        Self::Owned(self.as_slice().to_vec())
    }
}

impl<T: AnyBitPattern + Clone> Column<T> {
    /// A file begins at a page, so its numbers are aligned.
    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            Self::Mapped(mapped) => bytemuck::try_cast_slice(mapped.bytes()).unwrap_or_default(),
            Self::Owned(numbers) => numbers,
        }
    }

    fn get(&self, at: usize) -> Option<&T> {
        self.as_slice().get(at)
    }

    fn extend(&mut self, more: &[T]) {
        match self {
            Self::Owned(numbers) => numbers.extend_from_slice(more),
            Self::Mapped(_) => *self = Self::Owned([self.as_slice(), more].concat()),
        }
    }
}

/// Rows are different vectors; documents are what the caller knows. The documents of a row lie one
/// after the other, those of row `r` from `starts[r]` to `starts[r + 1]`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    pub(crate) dim: usize,
    pub(crate) codes: Column<i8>,
    pub(crate) scales: Column<f32>,
    pub(crate) fused: Column<u16>,
    pub(crate) parts: Column<u16>,
    pub(crate) keys: Column<i64>,
    pub(crate) content: Column<u64>,
    /// Where the parts of a document begin, in vectors, and which there are: see `part_word`.
    pub(crate) part: Column<u32>,
    pub(crate) starts: Column<u32>,
    /// Documents in the order of their keys.
    pub(crate) order: Column<u32>,
}

const HAS_TEXT: u32 = 1 << 31;
const HAS_IMAGE: u32 = 1 << 30;

/// More vectors of parts than this do not fit in a pool.
pub(crate) const MOST_PARTS: u32 = HAS_IMAGE - 1;

pub(crate) fn part_word(at: u32, row: &StoredRow) -> u32 {
    let text = if row.text.is_empty() { 0 } else { HAS_TEXT };
    let image = if row.image.is_empty() { 0 } else { HAS_IMAGE };
    at | text | image
}

impl Columns {
    pub(crate) fn empty(dim: usize) -> Self {
        Self {
            dim,
            starts: Column::Owned(vec![0]),
            ..Self::default()
        }
    }

    pub(crate) fn stride(&self) -> usize {
        stride(self.dim)
    }

    pub(crate) fn rows(&self) -> usize {
        self.scales.as_slice().len()
    }

    pub(crate) fn documents(&self) -> usize {
        self.keys.as_slice().len()
    }

    pub(crate) fn documents_of(&self, row: usize) -> Range<usize> {
        let (from, to) = (self.starts.get(row), self.starts.get(row + 1));
        from.copied().unwrap_or(0) as usize..to.copied().unwrap_or(0) as usize
    }

    pub(crate) fn row_of(&self, document: usize) -> usize {
        let starts = self.starts.as_slice();
        let after = starts.partition_point(|&start| start as usize <= document);
        after.saturating_sub(1)
    }

    pub(crate) fn key(&self, document: usize) -> Option<i64> {
        self.keys.get(document).copied()
    }

    pub(crate) fn content(&self, document: usize) -> Option<u64> {
        self.content.get(document).copied()
    }

    pub(crate) fn fused(&self, row: usize) -> Option<&[u16]> {
        self.fused.as_slice().get(stretch(row, self.dim))
    }

    /// Of a document, as stored; a part that is missing is empty.
    pub(crate) fn raw_parts(&self, document: usize) -> Option<(&[u16], &[u16])> {
        let word = *self.part.get(document)?;
        let at = (word & MOST_PARTS) as usize;
        let has_text = word & HAS_TEXT != 0;
        let vector = |is_there: bool, at: usize| {
            if is_there {
                self.parts.as_slice().get(stretch(at, self.dim))
            } else {
                Some(&[][..])
            }
        };
        let text = vector(has_text, at)?;
        let image = vector(word & HAS_IMAGE != 0, at + usize::from(has_text))?;
        Some((text, image))
    }

    pub(crate) fn parts(&self, document: usize) -> Option<Parts> {
        let (text, image) = self.raw_parts(document)?;
        Some(Parts {
            text: (!text.is_empty()).then(|| singles(text)),
            image: (!image.is_empty()).then(|| singles(image)),
        })
    }

    pub(crate) fn stored(&self, row: usize, document: usize) -> Option<StoredRow> {
        let (text, image) = self.raw_parts(document)?;
        Some(StoredRow {
            codes: self
                .codes
                .as_slice()
                .get(stretch(row, self.stride()))?
                .to_vec(),
            scale: *self.scales.get(row)?,
            fused: self.fused(row)?.to_vec(),
            text: text.to_vec(),
            image: image.to_vec(),
        })
    }

    /// Only where `order` is kept: not in the tail.
    pub(crate) fn find(&self, key: i64) -> Option<usize> {
        let order = self.order.as_slice();
        let at = order
            .binary_search_by_key(&Some(key), |&document| self.key(document as usize))
            .ok()?;
        order.get(at).map(|&document| document as usize)
    }

    /// A row of its own for the document.
    pub(crate) fn push(&mut self, key: i64, content: u64, row: &StoredRow) {
        let at = (self.parts.as_slice().len() / self.dim.max(1)) as u32;
        self.part.extend(&[part_word(at, row)]);
        self.codes.extend(&row.codes);
        self.scales.extend(&[row.scale]);
        self.fused.extend(&row.fused);
        self.parts.extend(&row.text);
        self.parts.extend(&row.image);
        self.keys.extend(&[key]);
        self.content.extend(&[content]);
        let documents = self.documents() as u32;
        self.starts.extend(&[documents]);
    }

    /// Whether lengths and numbers fit each other, so that nothing looked up is out of range.
    pub(crate) fn is_consistent(&self) -> bool {
        let (rows, documents) = (self.rows(), self.documents());
        let parts = self.parts.as_slice().len() / self.dim.max(1);
        let starts = self.starts.as_slice();
        self.codes.as_slice().len() == rows * self.stride()
            && self.fused.as_slice().len() == rows * self.dim
            && self.content.as_slice().len() == documents
            && self.part.as_slice().len() == documents
            && self.order.as_slice().len() == documents
            && starts.len() == rows + 1
            && starts.first() == Some(&0)
            && starts
                .last()
                .is_some_and(|&last| last as usize == documents)
            && starts.is_sorted()
            && self
                .order
                .as_slice()
                .iter()
                .all(|&at| (at as usize) < documents)
            && self.part.as_slice().iter().all(|&word| {
                let has = (word >> 31) + (word >> 30 & 1);
                (word & MOST_PARTS) as usize + has as usize <= parts
            })
    }
}
