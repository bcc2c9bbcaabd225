//! What happened to an attempt, in the order in which it happened: lines that are only appended.
//!
//! A line is one JSON object whose last member is a checksum of all before it. A torn last line is
//! no line yet; a damaged one is skipped and counted.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::identity::{ProcessId, boot_id};

/// Longer journals are read from their first part alone: no run has so many events.
const MOST_BYTES: u64 = 16 << 20;

/// When something happened, by both clocks: the one on the wall can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Milliseconds since 1970.
    pub wall_ms: i64,
    /// Milliseconds since the boot, sleep included.
    pub boot_ms: i64,
}

impl Moment {
    pub fn now() -> Self {
        let millis = |clock| {
            let time = clock_gettime(clock);
            time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
        };
        Self {
            wall_ms: millis(ClockId::Realtime),
            boot_ms: millis(ClockId::Boottime),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A supervisor took the attempt over.
    Supervised {
        supervisor: ProcessId,
        host: String,
    },
    /// It cannot start yet.
    Waiting {
        why: String,
    },
    Started {
        child: ProcessId,
    },
    /// Somebody wants it to end.
    Asked {
        by: String,
    },
    Signalled {
        signal: String,
        processes: u32,
    },
    /// The command ended and left others behind, which are waited for.
    LeftBehind {
        processes: u32,
    },
    /// Written after the exit record.
    Ended,
}

/// An event with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub seq: u64,
    #[serde(flatten)]
    pub at: Moment,
    pub boot_id: String,
    #[serde(flatten)]
    pub event: Event,
}

/// The journal as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    pub lines: Vec<Line>,
    /// Lines that are no event: damaged, or of a later version.
    pub skipped: usize,
}

impl Journal {
    /// An empty one where there is no file yet.
    pub fn read(path: &Path) -> io::Result<Self> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(file, MOST_BYTES), &mut bytes)?;
        Ok(Self::parse(&bytes))
    }

    fn parse(bytes: &[u8]) -> Self {
        let mut journal = Self::default();
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        let lines = bytes
            .get(..whole)
            .unwrap_or_default()
            .split(|it| *it == b'\n');
        for line in lines.filter(|line| !line.is_empty()) {
            match parse(line) {
                Some(line) => journal.lines.push(line),
                None => journal.skipped += 1,
            }
        }
        journal
    }
}

/// `,"crc":"1a2b3c4d"}` at the end of every line.
const SEAL: usize = 18;

fn sealed(body: &str) -> Option<String> {
    let open = body.strip_suffix('}')?;
    let crc = crc32fast::hash(open.as_bytes());
    Some(format!("{open},\"crc\":\"{crc:08x}\"}}\n"))
}

fn parse(line: &[u8]) -> Option<Line> {
    let (body, seal) = line.split_at_checked(line.len().checked_sub(SEAL)?)?;
    let crc = crc32fast::hash(body);
    if seal != format!(",\"crc\":\"{crc:08x}\"}}").as_bytes() {
        return None;
    }
    serde_json::from_slice(line).ok()
}

/// Appends events; the only writer is the supervisor, which holds the attempt's lock.
#[derive(Debug)]
pub(super) struct Writer {
    file: File,
    boot_id: String,
    next: u64,
}

impl Writer {
    /// Goes on behind what is there; a torn line is closed, so that the next one is whole.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let before = Journal::read(path)?;
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(path)?;
        let length = file.metadata()?.len();
        let mut last = [b'\n'];
        if length > 0 {
            std::os::unix::fs::FileExt::read_exact_at(&file, &mut last, length - 1)?;
        }
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
        Ok(Self {
            file,
            boot_id: boot_id()?,
            next: before.lines.last().map_or(1, |line| line.seq + 1),
        })
    }

    /// On disk when it returns.
    pub(super) fn append(&mut self, event: Event) -> io::Result<()> {
        let line = Line {
            seq: self.next,
            at: Moment::now(),
            boot_id: self.boot_id.clone(),
            event,
        };
        let body = serde_json::to_string(&line)?;
        let sealed = sealed(&body).ok_or(io::ErrorKind::InvalidData)?;
        // One write: two of them could be torn apart.
        self.file.write_all(sealed.as_bytes())?;
        self.file.sync_data()?;
        self.next += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(events: &[Event]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut writer = Writer::open(&path).unwrap();
        for event in events {
            writer.append(event.clone()).unwrap();
        }
        (folder, path)
    }

    fn events() -> Vec<Event> {
        vec![
            Event::Supervised {
                supervisor: ProcessId::current().unwrap(),
                host: "h".to_owned(),
            },
            Event::Asked {
                by: "somebody \"with\" quotes\n".to_owned(),
            },
            Event::Ended,
        ]
    }

    #[test]
    fn what_is_written_is_read_and_numbered() {
        let (_folder, path) = written(&events());
        let journal = Journal::read(&path).unwrap();
        let read: Vec<Event> = journal
            .lines
            .iter()
            .map(|line| line.event.clone())
            .collect();
        assert_eq!((read, journal.skipped), (events(), 0));
        Writer::open(&path).unwrap().append(Event::Ended).unwrap();
        let numbers: Vec<u64> = Journal::read(&path)
            .unwrap()
            .lines
            .iter()
            .map(|it| it.seq)
            .collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
    }

    #[test]
    fn a_torn_line_waits_and_is_closed_by_the_next_writer() {
        let (_folder, path) = written(&events());
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
        let journal = Journal::read(&path).unwrap();
        assert_eq!((journal.lines.len(), journal.skipped), (2, 0));
        Writer::open(&path).unwrap().append(Event::Ended).unwrap();
        let journal = Journal::read(&path).unwrap();
        assert_eq!((journal.lines.len(), journal.skipped), (3, 1));
        assert_eq!(journal.lines[2].seq, 3);
    }

    #[test]
    fn no_file_is_an_empty_journal() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::read(&folder.path().join("none")).unwrap();
        assert_eq!(journal, Journal::default());
    }

    proptest! {
        #[test]
        fn a_flipped_byte_costs_its_line_alone(at in any::<prop::sample::Index>(), flip in 1_u8..=255) {
            let (_folder, path) = written(&events());
            let mut bytes = std::fs::read(&path).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let read = Journal::parse(&bytes).lines;
            let whole = Journal::read(&path).unwrap().lines;
            // A line end more or less touches two lines.
            prop_assert!(read.len() + 2 >= whole.len());
            prop_assert!(read.iter().all(|line| whole.contains(line)));
        }

        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            Journal::parse(&bytes);
        }
    }
}
