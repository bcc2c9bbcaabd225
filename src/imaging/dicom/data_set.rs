//! A DICOM data set as places in the bytes of its file (PS3.5 chapter 7).
//!
//! Walked by hand and not with dicom-rs: one changed length field makes dicom-object 0.10.1 fill
//! 3.9 GB, and nested sequences overflow its stack. Here nothing is copied, lengths are held
//! against what is there, and sequences are entered only when somebody asks for their items.

use std::sync::Arc;

use super::tags::{self, Tag};

/// Deeper nesting than any real object has is not followed.
const DEEPEST: usize = 48;
const UNDEFINED: u32 = u32::MAX;

/// How elements are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub is_explicit: bool,
    pub is_big_endian: bool,
}

impl Encoding {
    pub(crate) const IMPLICIT: Self = Self {
        is_explicit: false,
        is_big_endian: false,
    };
    pub(crate) const EXPLICIT: Self = Self {
        is_explicit: true,
        is_big_endian: false,
    };
}

#[derive(Debug, Clone, Copy)]
struct Element {
    tag: Tag,
    vr: [u8; 2],
    start: usize,
    end: usize,
    is_undefined: bool,
}

/// The elements of an object or of an item, found by their tags.
#[derive(Debug, Clone)]
pub(crate) struct DataSet {
    bytes: Arc<Vec<u8>>,
    encoding: Encoding,
    elements: Vec<Element>,
    /// Where the walk ended.
    end: usize,
}

impl DataSet {
    /// Reads until the end, until what makes no sense, or until an element for which `stops`.
    pub(crate) fn read(
        bytes: &Arc<Vec<u8>>,
        range: std::ops::Range<usize>,
        encoding: Encoding,
        stops: impl Fn(Tag) -> bool,
    ) -> Self {
        let mut walker = Walker {
            bytes,
            end: range.end.min(bytes.len()),
            at: range.start,
            encoding,
        };
        let mut elements = Vec::new();
        loop {
            let before = walker.at;
            match walker.element(0) {
                Some(element) if stops(element.tag) => {
                    walker.at = before;
                    break;
                }
                Some(element) => elements.push(element),
                None => break,
            }
        }
        let end = walker.at;
        // The standard wants ascending tags; files do not always comply.
        elements.sort_by_key(|element| element.tag);
        Self {
            bytes: Arc::clone(bytes),
            encoding,
            elements,
            end,
        }
    }

    /// Where the elements that were read end.
    pub(crate) fn end(&self) -> usize {
        self.end
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    pub(crate) fn is_big_endian(&self) -> bool {
        self.encoding.is_big_endian
    }

    fn find(&self, tag: Tag) -> Option<&Element> {
        let at = self
            .elements
            .binary_search_by_key(&tag, |element| element.tag);
        self.elements.get(at.ok()?)
    }

    pub(crate) fn has(&self, tag: Tag) -> bool {
        self.find(tag).is_some()
    }

    /// The value's bytes; of a sequence, its items as they are written.
    pub(crate) fn bytes(&self, tag: Tag) -> Option<&[u8]> {
        let element = self.find(tag)?;
        self.bytes.get(element.start..element.end)
    }

    /// Whether a value is written in words of two bytes.
    pub(crate) fn is_in_words(&self, tag: Tag) -> bool {
        self.find(tag).is_some_and(|element| &element.vr == b"OW")
    }

    /// Text without its padding; what is no UTF-8 is replaced.
    pub(crate) fn text(&self, tag: Tag) -> Option<String> {
        let text = String::from_utf8_lossy(self.bytes(tag)?);
        let text = text.trim_matches([' ', '\0']);
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A short name that is fit to be shown, whatever the file holds.
    pub(crate) fn word(&self, tag: Tag) -> String {
        let text = self.text(tag).unwrap_or_default();
        text.chars()
            .filter(char::is_ascii_graphic)
            .take(24)
            .collect()
    }

    /// One of the texts of a value, which backslashes part.
    pub(crate) fn texts(&self, tag: Tag) -> Vec<String> {
        let text = self.text(tag).unwrap_or_default();
        text.split('\\')
            .map(|part| part.trim().to_owned())
            .collect()
    }

    /// Every number of a value, whether written in digits or in binary.
    pub(crate) fn numbers(&self, tag: Tag) -> Vec<f64> {
        let Some(element) = self.find(tag) else {
            return Vec::new();
        };
        let value = self
            .bytes
            .get(element.start..element.end)
            .unwrap_or_default();
        let vr = match &element.vr {
            b"UN" | b"  " => tags::vr_of(tag),
            known => *known,
        };
        match &vr {
            b"US" | b"OW" => self.binary(value, |bytes| f64::from(u16::from_le_bytes(bytes))),
            b"SS" => self.binary(value, |bytes| f64::from(i16::from_le_bytes(bytes))),
            b"UL" | b"AT" => self.binary(value, |bytes| f64::from(u32::from_le_bytes(bytes))),
            b"SL" => self.binary(value, |bytes| f64::from(i32::from_le_bytes(bytes))),
            b"FL" | b"OF" => self.binary(value, |bytes| f64::from(f32::from_le_bytes(bytes))),
            b"FD" | b"OD" => self.binary(value, f64::from_le_bytes),
            b"UV" | b"OV" => self.binary(value, |bytes| u64::from_le_bytes(bytes) as f64),
            b"OB" => value.iter().map(|byte| f64::from(*byte)).collect(),
            _ => {
                let text = String::from_utf8_lossy(value);
                let numbers = text
                    .split('\\')
                    .map(|part| part.trim_matches([' ', '\0']).parse());
                numbers.map_while(Result::ok).collect()
            }
        }
    }

    fn binary<const N: usize>(&self, value: &[u8], read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        let (numbers, _) = value.as_chunks::<N>();
        let in_order = |mut bytes: [u8; N]| {
            if self.encoding.is_big_endian {
                bytes.reverse();
            }
            read(bytes)
        };
        numbers.iter().copied().map(in_order).collect()
    }

    pub(crate) fn number(&self, tag: Tag) -> Option<f64> {
        self.numbers(tag)
            .first()
            .copied()
            .filter(|it| it.is_finite())
    }

    /// A count; fractions and signs make no sense of it.
    pub(crate) fn count(&self, tag: Tag) -> Option<u32> {
        let number = self.number(tag)?;
        (number >= 0.0 && number <= f64::from(u32::MAX)).then_some(number as u32)
    }

    /// The items of a sequence; none when it is none.
    pub(crate) fn items(&self, tag: Tag) -> Vec<Self> {
        let Some(element) = self.find(tag) else {
            return Vec::new();
        };
        // What was written without a known representation is implicit (PS3.5 6.2.2).
        let encoding = match (&element.vr, element.is_undefined) {
            (b"UN", true) => Encoding::IMPLICIT,
            _ => self.encoding,
        };
        let mut walker = Walker {
            bytes: &self.bytes,
            end: element.end,
            at: element.start,
            encoding,
        };
        let mut items = Vec::new();
        while let Some(item) = walker.item(0) {
            items.push(Self::read(&self.bytes, item, encoding, |_| false));
        }
        items
    }

    /// The first item of a sequence.
    pub(crate) fn item(&self, tag: Tag) -> Option<Self> {
        self.items(tag).into_iter().next()
    }

    /// The pieces of encapsulated pixel data, the first of them the table of offsets; `None` when
    /// the value is not written in pieces.
    pub(crate) fn fragments(&self, tag: Tag) -> Option<Vec<&[u8]>> {
        let element = self.find(tag).filter(|element| element.is_undefined)?;
        let mut walker = Walker {
            bytes: &self.bytes,
            end: element.end,
            at: element.start,
            encoding: self.encoding,
        };
        let mut fragments = Vec::new();
        while let Some(range) = walker.fragment() {
            fragments.push(self.bytes.get(range)?);
        }
        Some(fragments)
    }
}

struct Walker<'a> {
    bytes: &'a [u8],
    end: usize,
    at: usize,
    encoding: Encoding,
}

impl Walker<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = *self.bytes.get(self.at..self.end)?.first_chunk::<N>()?;
        self.at += N;
        Some(bytes)
    }

    fn short(&mut self) -> Option<u16> {
        let bytes = self.take()?;
        Some(if self.encoding.is_big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    }

    fn long(&mut self) -> Option<u32> {
        let bytes = self.take()?;
        Some(if self.encoding.is_big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    fn tag(&mut self) -> Option<Tag> {
        Some(u32::from(self.short()?) << 16 | u32::from(self.short()?))
    }

    /// One element and, for those of undefined length, all that it holds. `None` at the end.
    fn element(&mut self, depth: usize) -> Option<Element> {
        let tag = self.tag()?;
        if tag >> 16 == 0xFFFE {
            return None;
        }
        let (vr, length) = self.length()?;
        let start = self.at;
        if length != UNDEFINED {
            // What is cut off ends with the file: its beginning may still be of use.
            let end = start.saturating_add(length as usize).min(self.end);
            self.at = end;
            return Some(Element {
                tag,
                vr,
                start,
                end,
                is_undefined: false,
            });
        }
        let end = self.skip_items((tag, vr), depth);
        Some(Element {
            tag,
            vr,
            start,
            end,
            is_undefined: true,
        })
    }

    fn length(&mut self) -> Option<([u8; 2], u32)> {
        let vr = match self.bytes.get(self.at..self.at + 2) {
            Some(&[a, b]) if self.encoding.is_explicit => [a, b],
            _ => return Some((*b"  ", self.long()?)),
        };
        if !vr.iter().all(u8::is_ascii_uppercase) {
            // A writer that forgot the representation wrote the length in its place.
            return Some((*b"UN", self.long()?));
        }
        self.at += 2;
        let is_long = matches!(
            &vr,
            b"OB"
                | b"OD"
                | b"OF"
                | b"OL"
                | b"OV"
                | b"OW"
                | b"SQ"
                | b"SV"
                | b"UC"
                | b"UN"
                | b"UR"
                | b"UT"
                | b"UV"
        );
        if is_long {
            self.take::<2>()?;
            return Some((vr, self.long()?));
        }
        Some((vr, u32::from(self.short()?)))
    }

    /// Returns where the items end and goes on behind their delimiter.
    fn skip_items(&mut self, (tag, vr): (Tag, [u8; 2]), depth: usize) -> usize {
        let outside = self.encoding;
        if vr == *b"UN" {
            self.encoding = Encoding::IMPLICIT;
        }
        let mut end = self.at;
        if tag == tags::PIXEL_DATA {
            while self.fragment().is_some() {
                end = self.at;
            }
        } else {
            while self.item(depth).is_some() {
                end = self.at;
            }
        }
        self.encoding = outside;
        end
    }

    /// The contents of the next item of a sequence; at the delimiter, or at nonsense, `None` and
    /// what was read is behind.
    fn item(&mut self, depth: usize) -> Option<std::ops::Range<usize>> {
        if self.tag()? != tags::ITEM {
            self.take::<4>();
            return None;
        }
        let length = self.long()?;
        let start = self.at;
        if length != UNDEFINED {
            self.at = start.saturating_add(length as usize).min(self.end);
            return Some(start..self.at);
        }
        if depth >= DEEPEST {
            self.at = self.end;
            return None;
        }
        let mut end = self.at;
        while self.element(depth + 1).is_some() {
            end = self.at;
        }
        // The item's delimiter ended the walk with its tag; its length follows.
        self.take::<4>();
        Some(start..end)
    }

    fn fragment(&mut self) -> Option<std::ops::Range<usize>> {
        if self.tag()? != tags::ITEM {
            self.take::<4>();
            return None;
        }
        let length = self.long()?;
        if length == UNDEFINED {
            return None;
        }
        let start = self.at;
        self.at = start.saturating_add(length as usize).min(self.end);
        Some(start..self.at)
    }
}
