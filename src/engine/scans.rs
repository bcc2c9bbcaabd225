//! Opened pictures and volumes, a few of them kept: going through slices reads a file once.

use std::path::Path;
use std::sync::Arc;

use semihv_curation::read_bytes;
use semihv_domain::{Failure, FailureKind, Image};
use semihv_imaging::{Limits, RegionFile, Scan};

use crate::Engine;
use crate::kept::Kept;

/// Scans beyond this are forgotten, the one used longest ago first; the newest always stays.
const MOST_BYTES: usize = 160 << 20;
/// Files of up to this size are read ahead.
const MOST_WARMED: u64 = 16 << 20;
/// No series has more files.
const MOST_FILES: usize = 20_000;

/// Region files beyond this are forgotten.
const MOST_REGION_BYTES: usize = 96 << 20;

/// Opened files, kept while there is room for them.
#[derive(Debug)]
pub(crate) struct Scans {
    scans: Kept<Scan>,
    regions: Kept<RegionFile>,
}

impl Default for Scans {
    fn default() -> Self {
        Self {
            scans: Kept::new(MOST_BYTES, Scan::held_bytes),
            regions: Kept::new(MOST_REGION_BYTES, RegionFile::held_bytes),
        }
    }
}

impl Engine {
    /// Opens what lies at an image's location: a file, a member of an archive, or a folder of
    /// DICOM files.
    pub fn open_scan(&self, location: &str) -> Result<Arc<Scan>, Failure> {
        let path = self.resolve_location(location);
        let location = path.to_string_lossy();
        self.inner.scans.scans.open(&location, read_scan)
    }

    /// Opens a file of regions: DICOM SEG or RTSTRUCT, a label map, a picture of labels.
    pub fn open_regions(&self, location: &str) -> Result<Arc<RegionFile>, Failure> {
        let path = self.resolve_location(location);
        let location = path.to_string_lossy();
        self.inner.scans.regions.open(&location, read_regions)
    }

    /// Reads a scan before it is asked for. Large ones are left: they would push out what is looked
    /// at now.
    pub fn warm_scan(&self, location: &str) {
        let path = self.resolve_location(location);
        let size = std::fs::metadata(&path).map(|metadata| metadata.len());
        if size.is_ok_and(|size| size <= MOST_WARMED)
            && let Err(failure) = self
                .inner
                .scans
                .scans
                .warm(&path.to_string_lossy(), read_scan)
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

/// Opens a file of regions that belongs to no workspace.
pub fn read_regions(location: &str) -> Result<RegionFile, Failure> {
    let (bytes, data) = read_pair(location)?;
    RegionFile::open(bytes, data, Limits::default()).map_err(|error| {
        let name = Path::new(location).file_name().unwrap_or_default();
        Failure::of("regions", FailureKind::Data, &error)
            .with_hint(format!("{} gives no regions", name.to_string_lossy()))
    })
}

/// The bytes of a file, and of the one with its numbers where there are two.
fn read_pair(location: &str) -> Result<(Vec<u8>, Option<Vec<u8>>), Failure> {
    let read = |location: &str| {
        read_bytes(location).map_err(|error| Failure::of("image", FailureKind::Data, &error))
    };
    let (header, data) = pair(location);
    let data = data.map(|data| read(&data)).transpose()?;
    Ok((read(&header)?, data))
}

/// Opens a picture, a volume or a folder of DICOM files that belongs to no workspace.
pub fn read_scan(location: &str) -> Result<Scan, Failure> {
    let path = Path::new(location);
    if path.is_dir() {
        return read_series(path);
    }
    let refused = |error| Failure::of("picture", FailureKind::Data, &error);
    let (bytes, data) = read_pair(location)?;
    Scan::open(bytes, data, Limits::default()).map_err(refused)
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
