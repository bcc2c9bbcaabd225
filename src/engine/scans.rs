//! Opened pictures and volumes, a few of them kept: going through slices reads a file once.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use semihv_curation::read_bytes;
use semihv_domain::{Failure, FailureKind, Image};
use semihv_imaging::{Limits, Scan};

use crate::Engine;
use crate::engine::locked;

/// Scans beyond this are forgotten, the one used longest ago first; the newest always stays.
const MOST_BYTES: usize = 160 << 20;
/// Files of up to this size are read ahead.
const MOST_WARMED: u64 = 16 << 20;
/// No series has more files.
const MOST_FILES: usize = 20_000;

/// What a file looked like when it was read: another look means another file.
type Stamp = Option<(SystemTime, u64)>;

/// The newest last.
#[derive(Debug, Default)]
pub(crate) struct Scans(Mutex<VecDeque<(String, Stamp, Arc<Scan>)>>);

impl Engine {
    /// Opens what lies at an image's location: a file, a member of an archive, or a folder of
    /// DICOM files.
    pub fn open_scan(&self, location: &str) -> Result<Arc<Scan>, Failure> {
        let path = self.resolve_location(location);
        let location = path.to_string_lossy();
        self.inner.scans.open(&location)
    }

    /// Reads a scan before it is asked for. Large ones are left: they would push out what is looked
    /// at now.
    pub fn warm_scan(&self, location: &str) {
        let path = self.resolve_location(location);
        let size = std::fs::metadata(&path).map(|metadata| metadata.len());
        if size.is_ok_and(|size| size <= MOST_WARMED)
            && let Err(failure) = self.inner.scans.warm(&path.to_string_lossy())
        {
            tracing::debug!(%failure.summary, "a neighbour cannot be read");
        }
    }

    /// Where an image's file lies, for those who open it themselves.
    pub fn location_of(&self, image: &Image) -> String {
        let path = self.resolve_location(&image.location);
        path.to_string_lossy().into_owned()
    }
}

impl Scans {
    /// Kept as if it had been used long ago: it is the first to be forgotten.
    fn warm(&self, location: &str) -> Result<(), Failure> {
        let is_kept = |kept: &VecDeque<(String, Stamp, Arc<Scan>)>| {
            kept.iter().any(|(known, _, _)| known == location)
        };
        if is_kept(&locked(&self.0)) {
            return Ok(());
        }
        let stamp = stamp(location);
        let scan = Arc::new(read_scan(location)?);
        let mut kept = locked(&self.0);
        if !is_kept(&kept) {
            kept.push_front((location.to_owned(), stamp, scan));
            shrink(&mut kept);
        }
        Ok(())
    }

    fn open(&self, location: &str) -> Result<Arc<Scan>, Failure> {
        let stamp = stamp(location);
        {
            let mut kept = locked(&self.0);
            let at = kept
                .iter()
                .position(|(known, seen, _)| known == location && *seen == stamp);
            if let Some(entry) = at.and_then(|at| kept.remove(at)) {
                let scan = Arc::clone(&entry.2);
                kept.push_back(entry);
                return Ok(scan);
            }
            // What is about to be read needs the room.
            kept.retain(|(known, _, _)| known != location);
            shrink(&mut kept);
        }
        let scan = Arc::new(read_scan(location)?);
        let mut kept = locked(&self.0);
        kept.push_back((location.to_owned(), stamp, Arc::clone(&scan)));
        shrink(&mut kept);
        Ok(scan)
    }
}

fn shrink(kept: &mut VecDeque<(String, Stamp, Arc<Scan>)>) {
    let held = |kept: &VecDeque<(String, Stamp, Arc<Scan>)>| -> usize {
        kept.iter().map(|(_, _, scan)| scan.held_bytes()).sum()
    };
    while kept.len() > 1 && held(kept) > MOST_BYTES {
        kept.pop_front();
    }
}

/// Of the archive for its members.
fn stamp(location: &str) -> Stamp {
    let outer = location
        .split_once("!/")
        .map_or(location, |(outer, _)| outer);
    let metadata = std::fs::metadata(outer).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Opens a picture, a volume or a folder of DICOM files that belongs to no workspace.
pub fn read_scan(location: &str) -> Result<Scan, Failure> {
    let path = Path::new(location);
    if path.is_dir() {
        return read_series(path);
    }
    let refused = |error| Failure::of("picture", FailureKind::Data, &error);
    let read = |location: &str| {
        read_bytes(location).map_err(|error| Failure::of("image", FailureKind::Data, &error))
    };
    let (header, data) = pair(location);
    let data = data.map(|data| read(&data)).transpose()?;
    Scan::open(read(&header)?, data, Limits::default()).map_err(refused)
}

/// NIfTI in two files: the header and, where there is one, the file with the numbers.
fn pair(location: &str) -> (String, Option<String>) {
    for (header, data) in [(".hdr", ".img"), (".hdr.gz", ".img.gz")] {
        let stem = location
            .strip_suffix(header)
            .or_else(|| location.strip_suffix(data));
        if let Some(stem) = stem {
            let other = format!("{stem}{data}");
            let has_other = Path::new(&other).exists();
            return (format!("{stem}{header}"), has_other.then_some(other));
        }
    }
    (location.to_owned(), None)
}

fn read_series(folder: &Path) -> Result<Scan, Failure> {
    let refused = |error: std::io::Error| {
        Failure::of("picture", FailureKind::Data, &error)
            .with_hint(format!("{} cannot be read", folder.display()))
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        if path.is_file() && paths.len() < MOST_FILES {
            paths.push(path);
        }
    }
    paths.sort();
    let mut files = Vec::new();
    let mut held = 0_u64;
    let most = Limits::default().memory;
    for path in paths {
        let bytes = std::fs::read(&path).map_err(refused)?;
        held += bytes.len() as u64;
        if held > most {
            let summary = format!("the folder holds more than {} MB", most >> 20);
            return Err(Failure::new("picture", FailureKind::Data, summary)
                .with_hint("give one series a folder of its own"));
        }
        files.push(bytes);
    }
    let opened = Scan::open_series(files, Limits::default());
    let (scan, left_out) =
        opened.map_err(|error| Failure::of("picture", FailureKind::Data, &error))?;
    if left_out > 0 {
        tracing::info!(left_out, folder = %folder.display(), "files of no or another series");
    }
    Ok(scan)
}
