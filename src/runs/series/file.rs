//! Where blocks lie: a file that only grows, or memory.
//!
//! After the first line, frames of `u32 length, u8 kind, bytes, u32 crc32` (of kind and bytes):
//! the name of the next series; a block of a series, after what is known of it; and what the
//! reader of the log wants to know when it goes on. What stands behind the last of these is not
//! believed: the log will be read again from there.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use semihv_domain::MetricPoint;

use super::block::{Bytes, pack, unpack, varint};
use super::{Block, Column, MOST_NAMES, Summary};

const FIRST_LINE: &[u8] = b"semihv figures 1\n";
/// Before and behind the bytes of a frame.
const HEAD: usize = 5;
const CRC: usize = 4;
/// A longer frame is damage.
const LONGEST: usize = 1 << 20;
/// Written together.
const GATHERED: usize = 256 << 10;

const NAME: u8 = 1;
const BLOCK: u8 = 2;
const STATE: u8 = 3;

/// Bytes that are kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// `None`: all is in memory.
    file: Option<File>,
    /// Bytes of the file before the gathered ones.
    written: u64,
    gathered: Vec<u8>,
}

impl Kept {
    pub(super) fn clear(&mut self) {
        self.gathered.clear();
        self.written = 0;
        let emptied = self.file.as_ref().map(|file| file.set_len(0));
        if matches!(emptied, Some(Err(_))) {
            self.file = None;
        }
        if self.file.is_some() {
            self.gathered.extend_from_slice(FIRST_LINE);
        }
    }

    pub(super) fn write_name(&mut self, name: &str) {
        self.frame(NAME, name.as_bytes());
    }

    pub(super) fn write_state(&mut self, state: &[u8]) {
        self.frame(STATE, state);
        self.flush();
    }

    /// Packs what is open.
    pub(super) fn pack(&mut self, number: usize, column: &mut Column) {
        let Some(summary) = Summary::of(&column.open) else {
            return;
        };
        let mut bytes = Vec::new();
        varint(&mut bytes, number as u64);
        write_summary(&mut bytes, &summary);
        let packed = pack(&column.open);
        let before = bytes.len();
        bytes.extend_from_slice(&packed);
        let start = self.frame(BLOCK, &bytes);
        column.blocks.push(Block {
            at: start + before as u64,
            length: packed.len() as u32,
            summary,
        });
        column.open.clear();
    }

    pub(super) fn unpack(&self, block: &Block) -> io::Result<Vec<MetricPoint>> {
        let length = block.length as usize;
        let mut read = Vec::new();
        let bytes = if let Some(at) = block.at.checked_sub(self.written) {
            self.gathered.get(at as usize..at as usize + length)
        } else {
            read.resize(length, 0);
            if let Some(file) = &self.file {
                file.read_exact_at(&mut read, block.at)?;
            }
            Some(read.as_slice())
        };
        let damaged =
            || io::Error::new(io::ErrorKind::InvalidData, "a block of figures is damaged");
        bytes.and_then(unpack).ok_or_else(damaged)
    }

    #[cfg(test)]
    pub(super) fn gathered_len(&self) -> usize {
        self.gathered.len()
    }

    /// Where its bytes begin.
    fn frame(&mut self, kind: u8, bytes: &[u8]) -> u64 {
        let start = self.written + self.gathered.len() as u64 + HEAD as u64;
        self.gathered.extend((bytes.len() as u32).to_le_bytes());
        self.gathered.push(kind);
        self.gathered.extend_from_slice(bytes);
        self.gathered.extend(crc(kind, bytes).to_le_bytes());
        if self.gathered.len() >= GATHERED {
            self.flush();
        }
        start
    }

    fn flush(&mut self) {
        let Some(file) = &mut self.file else { return };
        match file.write_all_at(&self.gathered, self.written) {
            Ok(()) => {
                self.written += self.gathered.len() as u64;
                self.gathered.clear();
            }
            Err(error) => {
                tracing::info!(%error, "figures stay in memory");
                self.leave_file();
            }
        }
    }

    /// What the file holds is needed once more, then it is not used.
    fn leave_file(&mut self) {
        let Some(file) = self.file.take() else { return };
        let mut all = vec![0; self.written as usize];
        // What cannot be read stays zero, and is damaged when it is asked for.
        let _ = file.read_exact_at(&mut all, 0);
        let _ = file.set_len(0);
        all.append(&mut self.gathered);
        self.gathered = all;
        self.written = 0;
    }
}

fn crc(kind: u8, bytes: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&[kind]);
    crc.update(bytes);
    crc.finalize()
}

fn write_summary(bytes: &mut Vec<u8>, summary: &Summary) {
    let last = summary.last;
    for number in [
        u64::from(summary.count),
        u64::from(summary.troubles),
        summary.steps.0,
        summary.steps.1,
        last.step,
        last.line,
    ] {
        varint(bytes, number);
    }
    for value in [summary.low, summary.high, summary.sum, last.value] {
        bytes.extend(value.to_le_bytes());
    }
}

fn read_summary(bytes: &mut Bytes<'_>) -> Option<Summary> {
    let count = u32::try_from(bytes.varint()?).ok()?;
    let troubles = u32::try_from(bytes.varint()?).ok()?;
    let steps = (bytes.varint()?, bytes.varint()?);
    let (step, line) = (bytes.varint()?, bytes.varint()?);
    let mut value = || {
        let taken = bytes.take(8)?.first_chunk::<8>()?;
        Some(f64::from_le_bytes(*taken))
    };
    let (low, high, sum, value) = (value()?, value()?, value()?, value()?);
    Some(Summary {
        count,
        troubles,
        steps,
        low,
        high,
        sum,
        last: MetricPoint { step, value, line },
    })
}

/// What a file held at its last state.
pub(super) struct Loaded {
    pub(super) kept: Kept,
    pub(super) columns: Vec<Column>,
    pub(super) state: Option<Vec<u8>>,
}

impl Loaded {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        // Held until the file is closed. Who comes second reads the log for itself.
        file.try_lock()?;
        let mut replay = Replay::default();
        replay.run(BufReader::with_capacity(GATHERED, &file));
        // What is not believed must not be met again behind the frames that come now.
        file.set_len(replay.believed)?;
        let kept = Kept {
            written: replay.believed,
            gathered: Vec::new(),
            file: Some(file),
        };
        let mut loaded = Self {
            kept,
            columns: replay.columns,
            state: replay.state,
        };
        if loaded.state.is_none() {
            loaded.columns.clear();
            loaded.kept.clear();
        }
        Ok(loaded)
    }
}

#[derive(Default)]
struct Replay {
    columns: Vec<Column>,
    state: Option<Vec<u8>>,
    /// Bytes up to behind the last state.
    believed: u64,
    /// Series and blocks of each before it.
    counts: Vec<usize>,
}

impl Replay {
    /// Reads frames as long as they are whole.
    fn run(&mut self, mut bytes: impl Read) {
        let mut first = [0; FIRST_LINE.len()];
        if bytes.read_exact(&mut first).is_err() || first != *FIRST_LINE {
            return;
        }
        let mut at = FIRST_LINE.len();
        let mut inside = Vec::new();
        while let Some(kind) = next_frame(&mut bytes, &mut inside) {
            at += HEAD;
            let is_good = match kind {
                NAME => self.name(&inside),
                BLOCK => self.block(&inside, at as u64).is_some(),
                _ => true,
            };
            if !is_good {
                break;
            }
            at += inside.len() + CRC;
            if kind == STATE {
                self.state = Some(inside.clone());
                self.believed = at as u64;
                self.counts = self.columns.iter().map(|it| it.blocks.len()).collect();
            }
        }
        self.columns.truncate(self.counts.len());
        for (column, count) in self.columns.iter_mut().zip(&self.counts) {
            column.blocks.truncate(*count);
            let counts = column.blocks.iter().map(|it| u64::from(it.summary.count));
            column.count = counts.sum();
            column.last = column.blocks.last().map(|it| it.summary.last);
        }
    }

    fn name(&mut self, bytes: &[u8]) -> bool {
        self.columns.push(Column {
            name: String::from_utf8_lossy(bytes).into_owned(),
            ..Column::default()
        });
        self.columns.len() <= MOST_NAMES
    }

    fn block(&mut self, inside: &[u8], start: u64) -> Option<()> {
        let mut bytes = Bytes(inside);
        let number = usize::try_from(bytes.varint()?).ok()?;
        let summary = read_summary(&mut bytes)?;
        let before = inside.len() - bytes.0.len();
        self.columns.get_mut(number)?.blocks.push(Block {
            at: start + before as u64,
            length: bytes.0.len() as u32,
            summary,
        });
        Some(())
    }
}

/// Its kind; `None` where there is no whole one.
fn next_frame(bytes: &mut impl Read, inside: &mut Vec<u8>) -> Option<u8> {
    let mut head = [0; HEAD];
    bytes.read_exact(&mut head).ok()?;
    let [l0, l1, l2, l3, kind] = head;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if length > LONGEST {
        return None;
    }
    inside.resize(length, 0);
    bytes.read_exact(inside).ok()?;
    let mut said = [0; CRC];
    bytes.read_exact(&mut said).ok()?;
    (crc(kind, inside) == u32::from_le_bytes(said)).then_some(kind)
}
