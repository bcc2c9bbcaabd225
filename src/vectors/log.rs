//! The tail on disk: rows and erasures since a generation, each record with a checksum.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::files::{Steps, WriteError};

const MAGIC: u64 = u64::from_le_bytes(*b"SEMIHVT1");
const HEADER: usize = 40;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LoggedRow {
    pub(crate) key: i64,
    pub(crate) content: u64,
    pub(crate) text: Option<Vec<f32>>,
    pub(crate) image: Option<Vec<f32>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Record {
    Put { pool: String, rows: Vec<LoggedRow> },
    Erase { pool: String, keys: Vec<i64> },
}

/// How a log ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    /// The last record was never finished; nobody was told that it was there.
    Torn,
    /// What comes after cannot be read.
    Damaged(String),
}

#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) path: PathBuf,
    /// The log of which this one is the continuation.
    pub(crate) follows: Option<u64>,
    pub(crate) records: Vec<Record>,
    /// Bytes up to the end of the last good record.
    pub(crate) good: u64,
    pub(crate) end: End,
}

/// Bytes of an empty log.
pub(crate) fn header(generation: u64, follows: Option<u64>, dim: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER);
    for number in [
        MAGIC,
        generation,
        follows.unwrap_or(u64::MAX),
        u64::from(dim),
    ] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    let check = xxh3_64(&bytes);
    bytes.extend_from_slice(&check.to_le_bytes());
    bytes
}

/// Reads as far as it can be read.
pub(crate) fn read(path: &Path, generation: u64, dim: u32) -> Log {
    let mut log = Log {
        path: path.to_owned(),
        follows: None,
        records: Vec::new(),
        good: 0,
        end: End::Whole,
    };
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            log.end = End::Damaged(error.to_string());
            return log;
        }
    };
    let mut reader = Reader(&bytes);
    let Some(Follows(follows)) = reader.header(generation, dim) else {
        log.end = End::Damaged("its head is not that of this tail".to_owned());
        return log;
    };
    log.follows = follows;
    log.good = HEADER as u64;
    while !reader.0.is_empty() {
        let left = reader.0;
        match reader.record(log.records.len() as u64, dim as usize) {
            Ok(record) => log.records.push(record),
            Err(end) => {
                // A file that grew before its bytes came ends in zeros.
                log.end = if left.iter().all(|&byte| byte == 0) {
                    End::Torn
                } else {
                    end
                };
                break;
            }
        }
        log.good = (bytes.len() - reader.0.len()) as u64;
    }
    log
}

/// Adds records after the good ones and returns when they are on disk.
pub(crate) fn append(
    path: &Path,
    good: u64,
    first: u64,
    records: &[Record],
    steps: &Steps,
) -> Result<(), WriteError> {
    let mut bytes = Vec::new();
    for (number, record) in (first..).zip(records) {
        frame(number, &body(record), &mut bytes);
    }
    let mut file = File::options()
        .write(true)
        .open(path)
        .map_err(WriteError::at(path))?;
    let half = bytes.len() / 2;
    let (before, after) = bytes.split_at(half);
    let mut write = || {
        steps.reach("tail: write", path)?;
        let at = WriteError::at;
        file.set_len(good).map_err(at(path))?;
        file.seek(SeekFrom::Start(good)).map_err(at(path))?;
        file.write_all(before).map_err(at(path))?;
        steps.reach("tail: half written", path)?;
        file.write_all(after).map_err(at(path))?;
        steps.reach("tail: sync", path)?;
        file.sync_all().map_err(at(path))
    };
    let outcome = write();
    if outcome.is_err() && steps.cleans_up() {
        let _ = file.set_len(good);
    }
    outcome
}

fn frame(number: u64, body: &[u8], out: &mut Vec<u8>) {
    let length = (body.len() as u32).to_le_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&(xxh3_64_with_seed(&length, number) as u32).to_le_bytes());
    out.extend_from_slice(body);
    out.extend_from_slice(&xxh3_64_with_seed(body, number).to_le_bytes());
}

fn body(record: &Record) -> Vec<u8> {
    let mut out = Vec::new();
    let mut begin = |kind: u8, pool: &str, count: usize| {
        out.extend_from_slice(&[kind, pool.len() as u8]);
        out.extend_from_slice(pool.as_bytes());
        out.extend_from_slice(&(count as u32).to_le_bytes());
    };
    match record {
        Record::Erase { pool, keys } => {
            begin(2, pool, keys.len());
            for key in keys {
                out.extend_from_slice(&key.to_le_bytes());
            }
        }
        Record::Put { pool, rows } => {
            begin(1, pool, rows.len());
            for row in rows {
                out.extend_from_slice(&row.key.to_le_bytes());
                out.extend_from_slice(&row.content.to_le_bytes());
                let has = u8::from(row.text.is_some()) | u8::from(row.image.is_some()) << 1;
                out.push(has);
                for part in [&row.text, &row.image].into_iter().flatten() {
                    for value in part {
                        out.extend_from_slice(&value.to_le_bytes());
                    }
                }
            }
        }
    }
    out
}

/// A vector of a document is never empty.
fn some(part: Vec<f32>) -> Option<Vec<f32>> {
    (!part.is_empty()).then_some(part)
}

struct Follows(Option<u64>);

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn word(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn short(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// What the log follows, if this is the head of that log.
    fn header(&mut self, generation: u64, dim: u32) -> Option<Follows> {
        let head = self.take(HEADER)?;
        let mut fields = Reader(head);
        let (_, _, follows) = (fields.word()?, fields.word()?, fields.word()?);
        let follows = (follows != u64::MAX).then_some(follows);
        (head == header(generation, follows, dim)).then_some(Follows(follows))
    }

    fn record(&mut self, number: u64, dim: usize) -> Result<Record, End> {
        let damaged = || End::Damaged(format!("record {} cannot be read", number + 1));
        let length: [u8; 4] = self.array().ok_or(End::Torn)?;
        let check = self.short().ok_or(End::Torn)?;
        if check != xxh3_64_with_seed(&length, number) as u32 {
            return Err(damaged());
        }
        let length = u32::from_le_bytes(length) as usize;
        let body = self.take(length).ok_or(End::Torn)?;
        let check = self.word().ok_or(End::Torn)?;
        if check != xxh3_64_with_seed(body, number) {
            return Err(damaged());
        }
        Reader(body).body(dim).ok_or_else(damaged)
    }

    fn body(&mut self, dim: usize) -> Option<Record> {
        let [kind, length] = self.array()?;
        let pool = std::str::from_utf8(self.take(usize::from(length))?)
            .ok()?
            .to_owned();
        let count = self.short()?;
        match kind {
            1 => {
                let rows = (0..count).map(|_| self.row(dim)).collect::<Option<_>>()?;
                Some(Record::Put { pool, rows })
            }
            2 => {
                let keys = (0..count).map(|_| self.word().map(|key| key as i64));
                Some(Record::Erase {
                    pool,
                    keys: keys.collect::<Option<_>>()?,
                })
            }
            _ => None,
        }
    }

    fn row(&mut self, dim: usize) -> Option<LoggedRow> {
        let (key, content) = (self.word()? as i64, self.word()?);
        let [has] = self.array()?;
        Some(LoggedRow {
            key,
            content,
            text: some(self.part(has & 1 != 0, dim)?),
            image: some(self.part(has & 2 != 0, dim)?),
        })
    }
    /// An empty one where there is none; `None` if bytes are missing.
    fn part(&mut self, is_there: bool, dim: usize) -> Option<Vec<f32>> {
        if !is_there {
            return Some(Vec::new());
        }
        let (values, _) = self.take(dim.checked_mul(4)?)?.as_chunks::<4>();
        Some(
            values
                .iter()
                .map(|value| f32::from_le_bytes(*value))
                .collect(),
        )
    }
}
