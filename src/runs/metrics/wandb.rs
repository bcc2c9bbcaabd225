//! Weights & Biases' offline runs: a header, then blocks of LevelDB's log, in them records.
//!
//! `:W&B`, `0xBEE1`, version 0; blocks of 32 KiB, counted from the file's start; in each chunks of
//! `u32 crc32, u16 length, u8 kind` and bytes; kinds 1 whole, 2 first, 3 middle, 4 last.

use super::TIME;
use super::protobuf::fields;
use super::records::{Read, Records};

const MAGIC: [u8; 7] = [0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0x00];
const BLOCK: usize = 32 << 10;
const HEAD: usize = 7;
/// A longer record is no history.
const LONGEST: usize = 64 << 20;

#[derive(Debug, Clone, Default)]
pub(crate) struct WandbRun {
    /// Of the file: blocks are counted from there.
    offset: usize,
    /// Chunks of a record that is not whole yet.
    pending: Vec<u8>,
}

pub(super) fn is_it(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}

impl Records for WandbRun {
    fn next(&mut self, bytes: &[u8]) -> Option<(usize, Read)> {
        let (used, read) = self.step(bytes)?;
        self.offset += used;
        Some((used, read))
    }
}

impl WandbRun {
    fn step(&mut self, bytes: &[u8]) -> Option<(usize, Read)> {
        if self.offset == 0 {
            return bytes.get(..HEAD).map(|_| (HEAD, Read::Nothing));
        }
        let left = BLOCK - self.offset % BLOCK;
        if left < HEAD {
            // Too little for a chunk: filled with zeros.
            return bytes.get(..left).map(|_| (left, Read::Nothing));
        }
        let head = bytes.first_chunk::<HEAD>()?;
        let [c0, c1, c2, c3, l0, l1, kind] = *head;
        let length = usize::from(u16::from_le_bytes([l0, l1]));
        if kind == 0 || HEAD + length > left {
            // Nothing is said of this block any more: the next one may be good.
            self.pending.clear();
            return bytes.get(..left).map(|_| (left, Read::Damaged));
        }
        let chunk = bytes.get(HEAD..HEAD + length)?;
        let mut crc = crc32fast::Hasher::new();
        crc.update(&[kind]);
        crc.update(chunk);
        let used = HEAD + length;
        if crc.finalize() != u32::from_le_bytes([c0, c1, c2, c3]) {
            self.pending.clear();
            return Some((used, Read::Damaged));
        }
        Some((used, self.chunk(kind, chunk)))
    }

    fn chunk(&mut self, kind: u8, chunk: &[u8]) -> Read {
        if matches!(kind, 1 | 2) {
            self.pending.clear();
        }
        if self.pending.len() + chunk.len() > LONGEST {
            self.pending.clear();
            return Read::Nothing;
        }
        self.pending.extend_from_slice(chunk);
        if matches!(kind, 1 | 4) {
            return record(&std::mem::take(&mut self.pending));
        }
        Read::Nothing
    }
}

fn record(bytes: &[u8]) -> Read {
    for (number, value) in fields(bytes) {
        match (number, value.bytes()) {
            (2, Some(history)) => return of_history(history),
            (18, Some(exit)) => {
                let code = fields(exit).find(|(number, _)| *number == 1);
                let code = code.and_then(|(_, value)| value.varint()).unwrap_or(0);
                return Read::Exit(code as i32);
            }
            _ => {}
        }
    }
    Read::Nothing
}

fn of_history(history: &[u8]) -> Read {
    let (mut step, mut figures) = (None, Vec::new());
    for (number, value) in fields(history) {
        let inside = value.bytes().unwrap_or_default();
        match number {
            1 => figures.extend(item(inside)),
            2 => {
                let number = fields(inside).find(|(number, _)| *number == 1);
                step = number.and_then(|(_, value)| value.varint());
            }
            _ => {}
        }
    }
    let said = figures.iter().find(|(name, _)| name == "_step");
    let step = said.map(|(_, step)| *step as u64).or(step);
    let time = figures.iter().find(|(name, _)| name == "_timestamp");
    let time = time.map(|(_, time)| (TIME.to_owned(), *time));
    // `_runtime`, `_timestamp` and their like are no figures of the run.
    figures.retain(|(name, _)| !name.starts_with('_'));
    if !figures.is_empty() {
        figures.extend(time);
    }
    Read::figures(step.or(Some(0)), figures)
}

fn item(item: &[u8]) -> Option<(String, f64)> {
    let (mut names, mut number) = (Vec::new(), None);
    for (field, value) in fields(item) {
        match field {
            1 => names = vec![value.text()?],
            2 => names.push(value.text()?),
            16 => number = json_number(&value.text()?),
            _ => {}
        }
    }
    number.map(|number| (names.join("."), number))
}

/// W&B writes NaN and Infinity bare or as texts.
fn json_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let bare = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    super::dict::number(bare.unwrap_or(text))
}
