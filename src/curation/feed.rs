//! The way of rows to the sink: skips made harmless, progress counted, cancel turned into `?`.

use std::cell::Cell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use semihv_domain::{Imported, Sink, Skipped, SkippedAt, printable_line};

use crate::error::Stop;
use crate::origin::Origin;

/// Rows between two reports of progress: rare enough to cost nothing, often enough for a bar.
const ROWS_PER_REPORT: u32 = 512;
/// A reason may quote the input; nobody reads more than this of it.
const MAX_REASON_CHARS: usize = 300;

pub(crate) struct Feed<'a> {
    sink: &'a mut dyn Sink,
    bytes: Rc<Cell<u64>>,
    total: Option<u64>,
    unreported: u32,
}

impl<'a> Feed<'a> {
    pub(crate) fn new(sink: &'a mut dyn Sink) -> Self {
        Self {
            sink,
            bytes: Rc::new(Cell::new(0)),
            total: None,
            unreported: 0,
        }
    }

    /// Opens the imported path and reports the archive members that nobody may read.
    pub(crate) fn origin(&mut self, path: &std::path::Path) -> Result<Origin, Stop> {
        let origin = Origin::open(path)?;
        for rejected in origin.rejected() {
            self.skip(&rejected.name, None, rejected.reason.clone());
        }
        Ok(origin)
    }

    /// Says which files will be read, so that progress knows its total.
    pub(crate) fn expect(&mut self, origin: &Origin, names: &[impl AsRef<str>]) {
        self.total = names.iter().map(|name| origin.size(name.as_ref())).sum();
        self.report_progress();
    }

    /// Opens a file of the origin; what is read from it counts as progress.
    pub(crate) fn open(&self, origin: &Origin, name: &str) -> Result<impl BufRead + use<>, Stop> {
        let reader = origin.read(name)?;
        Ok(BufReader::with_capacity(
            1 << 16,
            Counted {
                reader,
                bytes: Rc::clone(&self.bytes),
            },
        ))
    }

    pub(crate) fn accept(&mut self, row: Imported) -> Result<(), Stop> {
        self.count_row();
        if self.sink.accept(row).is_break() {
            return Err(Stop::Asked);
        }
        Ok(())
    }

    pub(crate) fn skip(&mut self, file: &str, line: Option<u64>, reason: impl Into<String>) {
        self.count_row();
        let reason: String = reason.into();
        let mut shown: String = printable_line(&reason)
            .chars()
            .take(MAX_REASON_CHARS)
            .collect();
        if reason.chars().nth(MAX_REASON_CHARS).is_some() {
            shown.push('…');
        }
        self.sink.skip(Skipped {
            at: SkippedAt {
                file: printable_line(file).into_owned(),
                line,
            },
            reason: shown,
        });
    }

    pub(crate) fn report_progress(&mut self) {
        self.unreported = 0;
        self.sink.progress(self.bytes.get(), self.total);
    }

    fn count_row(&mut self) {
        self.unreported += 1;
        if self.unreported >= ROWS_PER_REPORT {
            self.report_progress();
        }
    }
}

struct Counted<R> {
    reader: R,
    bytes: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.bytes.set(self.bytes.get() + count as u64);
        Ok(count)
    }
}

/// Which keys an import has already used, and where: a key that comes twice would silently replace
/// the first row in the store. Keeps 64-bit hashes, not texts, so that a million keys cost 32 MB.
#[derive(Default)]
pub(crate) struct Seen {
    places: HashMap<u64, (u32, u32)>,
    files: Vec<String>,
    hasher: RandomState,
}

impl Seen {
    /// Where the first row with this key stands, if this one is not the first.
    pub(crate) fn earlier(&mut self, key: &str, file: &str, line: u64) -> Option<String> {
        if self.files.last().is_none_or(|last| last != file) {
            self.files.push(file.to_owned());
        }
        let place = (
            self.files.len().saturating_sub(1) as u32,
            u32::try_from(line).unwrap_or(u32::MAX),
        );
        match self.places.entry(self.hasher.hash_one(key)) {
            Entry::Vacant(vacant) => {
                vacant.insert(place);
                None
            }
            Entry::Occupied(occupied) => {
                let (in_file, row) = occupied.get();
                let first = self.files.get(*in_file as usize).map_or("", String::as_str);
                Some(if first == file {
                    format!("row {row}")
                } else {
                    format!("row {row} of {first}")
                })
            }
        }
    }
}
