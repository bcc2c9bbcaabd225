//! Zip, tar, tar.gz and gzip files, read in place.
//!
//! All of them come down to one table: name, size, and where the bytes begin. The table is made
//! once; opening a member afterwards is one seek (in a tar.gz: decompressing up to it).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};

use super::{Rejected, gzip_tar, name, zip};

/// More members than any published set has; a table of this size takes about 1 GB.
const MAX_MEMBERS: usize = 5_000_000;

pub(crate) struct Archive {
    file: SharedFile,
    table: Table,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    members: BTreeMap<String, Member>,
    rejected: Vec<Rejected>,
}

/// Where a member's bytes are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    /// Without compression, where it is known.
    pub(crate) size: Option<u64>,
    pub(crate) packing: Packing,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Packing {
    /// As they are, from this byte of the file.
    Plain { offset: u64 },
    /// A zip member.
    Zip {
        offset: u64,
        packed: u64,
        method: Method,
        checksum: u32,
    },
    /// From this byte of what the whole file decompresses to.
    InGzip { offset: u64 },
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Method {
    Stored,
    Deflated,
}

impl Table {
    pub(crate) fn add(&mut self, written: &str, member: Member) -> io::Result<()> {
        match name::clean(written) {
            Some(name) if name::is_litter(&name) => {}
            Some(name) => {
                self.members.insert(name, member);
            }
            None => self.reject(written, "its name leads out of the archive"),
        }
        if self.members.len() + self.rejected.len() > MAX_MEMBERS {
            return Err(io::Error::other("more members than can be listed"));
        }
        Ok(())
    }

    pub(crate) fn reject(&mut self, written: &str, reason: impl Into<String>) {
        self.rejected.push(Rejected {
            name: written.to_owned(),
            reason: reason.into(),
        });
    }
}

impl Archive {
    /// Nothing if the file is not an archive.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = SharedFile::open(path)?;
        let mut start = [0; 512];
        let count = file.read_start(&mut start)?;
        let start = start.get(..count).unwrap_or_default();
        let table = if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
            zip::table(file.clone())?
        } else if start.starts_with(&[0x1f, 0x8b]) {
            gzip_tar::gzip_table(&file, path)?
        } else if gzip_tar::is_tar(start) {
            gzip_tar::tar_table(file.clone())?
        } else {
            return Ok(None);
        };
        Ok(Some(Self { file, table }))
    }

    pub(crate) fn rejected(&self) -> &[Rejected] {
        &self.table.rejected
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.table.members.keys().map(String::as_str)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.table.members.contains_key(name)
    }

    pub(crate) fn size(&self, name: &str) -> Option<u64> {
        self.table.members.get(name).and_then(|member| member.size)
    }

    pub(crate) fn read(&self, name: &str) -> io::Result<Box<dyn Read>> {
        let member = self
            .table
            .members
            .get(name)
            .ok_or(io::ErrorKind::NotFound)?;
        let limit = member.size.unwrap_or(u64::MAX);
        Ok(match member.packing {
            Packing::Plain { offset } => Box::new(self.file.section(offset, limit)),
            Packing::Zip {
                offset,
                packed,
                method,
                checksum,
            } => {
                let section = BufReader::new(self.file.section(offset, packed));
                let bytes: Box<dyn Read> = match method {
                    Method::Stored => Box::new(section),
                    Method::Deflated => Box::new(DeflateDecoder::new(section)),
                };
                Box::new(Checked::new(bytes, limit, checksum))
            }
            Packing::InGzip { offset } => {
                let mut bytes = MultiGzDecoder::new(BufReader::new(self.file.section(0, u64::MAX)));
                let passed = io::copy(&mut (&mut bytes).take(offset), &mut io::sink())?;
                if passed < offset {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Box::new(bytes.take(limit))
            }
        })
    }
}

/// Bytes whose length and checksum are known beforehand. A member that holds more than it says, as
/// a zip bomb may, ends with an error at that point.
struct Checked {
    bytes: Box<dyn Read>,
    left: u64,
    sum: Crc,
    expected: u32,
}

impl Checked {
    fn new(bytes: Box<dyn Read>, size: u64, expected: u32) -> Self {
        Self {
            bytes,
            left: size,
            sum: Crc::new(),
            expected,
        }
    }
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        let wrong = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        if count == 0 && !buffer.is_empty() && (self.left > 0 || self.sum.sum() != self.expected) {
            return wrong("the archive is damaged: a member differs from its checksum");
        }
        if count as u64 > self.left {
            return wrong("the archive is damaged: a member is longer than it says");
        }
        self.left -= count as u64;
        self.sum.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// A file that several readers read at their own positions.
#[derive(Clone)]
pub(crate) struct SharedFile {
    file: Arc<File>,
    length: u64,
    position: u64,
    end: u64,
}

impl SharedFile {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self {
            file: Arc::new(file),
            length,
            position: 0,
            end: length,
        })
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn section(&self, offset: u64, size: u64) -> Self {
        Self {
            position: offset,
            end: offset.saturating_add(size).min(self.length),
            ..self.clone()
        }
    }

    fn read_start(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut section = self.section(0, buffer.len() as u64);
        let mut count = 0;
        while let Some(rest) = buffer.get_mut(count..).filter(|rest| !rest.is_empty()) {
            match section.read(rest)? {
                0 => break,
                read => count += read,
            }
        }
        Ok(count)
    }
}

impl Read for SharedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_sub(self.position);
        let wanted = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(buffer) = buffer.get_mut(..wanted).filter(|buffer| !buffer.is_empty()) else {
            return Ok(0);
        };
        let count = self.file.read_at(buffer, self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
