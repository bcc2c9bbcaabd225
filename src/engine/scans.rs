//! Opened pictures and volumes, a few of them kept: going through slices reads a file once.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use semihv_curation::read_bytes;
use semihv_domain::{Failure, FailureKind, Image};
use semihv_imaging::{
    Extent, HeatMap, Limits, Raster, RegionFile, Scan, directory, is_directory, render,
};

use crate::Engine;
use crate::kept::Kept;
use crate::pictures::relative_location;

/// Scans beyond this are forgotten, the one used longest ago first; the newest always stays.
const MOST_BYTES: usize = 160 << 20;
/// Files of up to this size are read ahead.
const MOST_WARMED: u64 = 16 << 20;
/// No series has more files.
const MOST_FILES: usize = 20_000;

/// Region files beyond this are forgotten.
const MOST_REGION_BYTES: usize = 96 << 20;

const MOST_THUMBNAIL_BYTES: usize = 16 << 20;
/// Pixels of a thumbnail's longer side.
const THUMBNAIL: u32 = 192;
/// Letters of an exported picture's name.
const MOST_OF_A_NAME: usize = 80;
/// Files beyond this are too dear to be opened for a thumbnail.
const MOST_BYTES_OF_SMALL: u64 = 64 << 20;

/// Opened files, kept while there is room for them.
#[derive(Debug)]
pub(crate) struct Scans {
    opened: Kept<Scan>,
    regions: Kept<RegionFile>,
    heat_maps: Kept<HeatMap>,
    thumbnails: Kept<Raster>,
}

impl Default for Scans {
    fn default() -> Self {
        Self {
            opened: Kept::new(MOST_BYTES, Scan::held_bytes),
            regions: Kept::new(MOST_REGION_BYTES, RegionFile::held_bytes),
            heat_maps: Kept::new(MOST_BYTES, HeatMap::held_bytes),
            thumbnails: Kept::new(MOST_THUMBNAIL_BYTES, |it| it.as_bytes().len()),
        }
    }
}

impl Engine {
    /// Opens what lies at an image's location: a file, a member of an archive, or a folder of
    /// DICOM files.
    pub fn open_scan(&self, location: &str) -> Result<Arc<Scan>, Failure> {
        let path = self.resolve_location(location);
        let location = path.to_string_lossy();
        self.inner.scans.opened.open(&location, read_scan)
    }

    /// Opens a file of regions: DICOM SEG or RTSTRUCT, a label map, a picture of labels.
    pub fn open_regions(&self, location: &str) -> Result<Arc<RegionFile>, Failure> {
        let path = self.resolve_location(location);
        let location = path.to_string_lossy();
        self.inner.scans.regions.open(&location, read_regions)
    }

    /// The values of a scan, to be laid over another.
    pub fn open_heat_map(&self, location: &str) -> Result<Arc<HeatMap>, Failure> {
        let path = self.resolve_location(location);
        let location = path.to_string_lossy();
        self.inner.scans.heat_maps.open(&location, |location| {
            let scan = self.inner.scans.opened.open(location, read_scan)?;
            HeatMap::of(&scan, Limits::default())
                .map_err(|error| Failure::of("overlay", FailureKind::Data, &error))
        })
    }

    /// A small picture of a scan's first look.
    pub fn thumbnail(&self, location: &str) -> Result<Arc<Raster>, Failure> {
        let path = self.resolve_location(location);
        let location = path.to_string_lossy();
        self.inner.scans.thumbnails.open(&location, read_thumbnail)
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
                .opened
                .warm(&path.to_string_lossy(), read_scan)
        {
            tracing::debug!(%failure.summary, "a neighbour cannot be read");
        }
    }

    /// Writes a picture below `exports` in the workspace, never over another; says where.
    pub fn keep_picture(&self, name: &str, png: &[u8]) -> Result<PathBuf, Failure> {
        self.keep_export((name, "png"), png)
    }

    /// The same for any file, whose name ends so.
    pub(crate) fn keep_export(
        &self,
        (name, extension): (&str, &str),
        bytes: &[u8],
    ) -> Result<PathBuf, Failure> {
        self.refuse_when_read_only("export")?;
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let plain = |letter| if is_plain(letter) { letter } else { '_' };
        let name: String = name.chars().take(MOST_OF_A_NAME).map(plain).collect();
        let name = name.trim_start_matches('.');
        let folder = self.inner.places.exports();
        let said = |error| {
            Failure::of("export", FailureKind::User, &error)
                .with_hint(format!("{} cannot be written", folder.display()))
        };
        std::fs::create_dir_all(&folder).map_err(said)?;
        for number in 1..u32::MAX {
            let path = folder.join(format!("{name}-{number}.{extension}"));
            let mut options = std::fs::OpenOptions::new();
            match options.write(true).create_new(true).open(&path) {
                Ok(mut file) => {
                    let written = file.write_all(bytes).and_then(|()| file.sync_all());
                    if written.is_err() {
                        // Half a picture is none.
                        let _ = std::fs::remove_file(&path);
                    }
                    return written.map(|()| path).map_err(said);
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(said(error)),
            }
        }
        let summary = "there are too many files of that name";
        Err(Failure::new("export", FailureKind::User, summary))
    }

    /// A file as the store names it: from the workspace on where it lies inside.
    pub fn known_location(&self, path: &Path) -> Result<String, Failure> {
        let path = std::path::absolute(path)
            .map_err(|error| Failure::of("regions", FailureKind::User, &error))?;
        Ok(relative_location(&path.to_string_lossy(), self.root()))
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

/// Opens a picture, a volume, a folder of DICOM files or the disc of a DICOMDIR that belongs to no
/// workspace.
pub fn read_scan(location: &str) -> Result<Scan, Failure> {
    let path = Path::new(location);
    if path.is_dir() {
        return read_series(path);
    }
    let refused = |error| Failure::of("picture", FailureKind::Data, &error);
    let (bytes, data) = read_pair(location)?;
    if is_directory(&bytes) {
        return read_disc(path, bytes);
    }
    Scan::open(bytes, data, Limits::default()).map_err(refused)
}

fn read_thumbnail(location: &str) -> Result<Raster, Failure> {
    let size = std::fs::metadata(location).map_or(0, |metadata| metadata.len());
    if size > MOST_BYTES_OF_SMALL {
        let summary = format!("{location} is too large for a thumbnail");
        return Err(Failure::new("picture", FailureKind::Data, summary));
    }
    let scan = read_scan(location)?;
    let room = Extent {
        width: THUMBNAIL,
        height: THUMBNAIL,
    };
    render(&scan, &scan.first_look(), room, Limits::default())
        .map_err(|error| Failure::of("picture", FailureKind::Data, &error))
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

/// What cannot be had, with what to do about it.
fn refused(summary: String, hint: impl Into<String>) -> Failure {
    Failure::new("picture", FailureKind::Data, summary).with_hint(hint)
}

fn unread(path: &Path, error: &std::io::Error) -> Failure {
    Failure::of("picture", FailureKind::Data, error)
        .with_hint(format!("{} cannot be read", path.display()))
}

fn read_series(folder: &Path) -> Result<Scan, Failure> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| unread(folder, &error))? {
        let path = entry.map_err(|error| unread(folder, &error))?.path();
        if path.is_file() && paths.len() < MOST_FILES {
            paths.push(path);
        }
    }
    // Nothing but its list lies at the top of a disc.
    let list = folder.join("DICOMDIR");
    if paths == [list.as_path()] {
        let bytes = std::fs::read(&list).map_err(|error| unread(&list, &error))?;
        return read_disc(&list, bytes);
    }
    paths.sort();
    read_files(&paths, folder)
}

/// The largest series among the files that a DICOMDIR lists. Those that did not come with it are
/// left out.
fn read_disc(path: &Path, bytes: Vec<u8>) -> Result<Scan, Failure> {
    let series = "give the folder of one series";
    if !path.is_file() {
        return Err(refused(
            "a DICOMDIR in an archive is not followed".to_owned(),
            format!("unpack the archive, or {series}"),
        ));
    }
    let listed = directory(bytes, Limits::default());
    if listed.is_empty() {
        return Err(refused("this DICOMDIR lists no file".to_owned(), series));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let folder = if folder == Path::new("") {
        Path::new(".")
    } else {
        folder
    };
    let folder = std::fs::canonicalize(folder).map_err(|error| unread(folder, &error))?;
    let inside = listed.iter().filter_map(|names| beneath(&folder, names));
    let mut paths: Vec<PathBuf> = inside.take(MOST_FILES).collect();
    paths.sort();
    paths.dedup();
    if paths.is_empty() {
        return Err(refused(
            format!(
                "none of the {} files that this DICOMDIR lists is there",
                listed.len()
            ),
            format!("copy the folders that lie beside it on its disc as well, or {series}"),
        ));
    }
    read_files(&paths, &folder)
}

/// The file that a DICOMDIR means, where it is there and lies in the DICOMDIR's own folder, links
/// followed. `folder` is free of links.
fn beneath(folder: &Path, names: &[String]) -> Option<PathBuf> {
    if !names.iter().all(|name| is_plain(name)) {
        return None;
    }
    let as_written = names.iter().collect::<PathBuf>();
    // Some systems show the names of a disc in small letters.
    let small = names
        .iter()
        .map(|name| name.to_lowercase())
        .collect::<PathBuf>();
    [as_written, small]
        .iter()
        .filter_map(|inner| std::fs::canonicalize(folder.join(inner)).ok())
        .find(|path| path.starts_with(folder) && path.is_file())
}

/// A name and nothing else: it comes from a stranger.
fn is_plain(name: &str) -> bool {
    let is_apart = |sign: char| matches!(sign, '/' | '\\' | ':') || sign.is_control();
    !matches!(name, "" | "." | "..") && !name.contains(is_apart)
}

fn read_files(paths: &[PathBuf], folder: &Path) -> Result<Scan, Failure> {
    let mut files = Vec::new();
    let mut held = 0_u64;
    let most = Limits::default().memory;
    for path in paths {
        let bytes = std::fs::read(path).map_err(|error| unread(path, &error))?;
        held += bytes.len() as u64;
        if held > most {
            return Err(refused(
                format!("the folder holds more than {} MB", most >> 20),
                "give one series a folder of its own",
            ));
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

#[cfg(test)]
mod tests {
    use semihv_testkit::real_data;

    use super::*;

    fn element(tag: u32, representation: [u8; 2], value: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(((tag >> 16) as u16).to_le_bytes());
        bytes.extend((tag as u16).to_le_bytes());
        bytes.extend(representation);
        if matches!(&representation, b"SQ" | b"OW") {
            bytes.extend([0, 0]);
            bytes.extend((value.len() as u32).to_le_bytes());
        } else {
            bytes.extend((value.len() as u16).to_le_bytes());
        }
        bytes.extend(value);
        bytes
    }

    fn file(class: &str, data: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        bytes.extend(element(0x0002_0002, *b"UI", class.as_bytes()));
        bytes.extend(element(0x0002_0010, *b"UI", b"1.2.840.10008.1.2.1\0"));
        bytes.extend(data.concat());
        bytes
    }

    fn disc(files: &[&str]) -> Vec<u8> {
        let items: Vec<Vec<u8>> = files
            .iter()
            .map(|names| {
                let content = element(0x0004_1500, *b"CS", names.as_bytes());
                let length = (content.len() as u32).to_le_bytes().to_vec();
                [vec![0xFE, 0xFF, 0x00, 0xE0], length, content].concat()
            })
            .collect();
        let records = element(0x0004_1220, *b"SQ", &items.concat());
        file("1.2.840.10008.1.3.10", &[records])
    }

    /// A picture of two by one pixels in a series.
    fn picture(series: &str) -> Vec<u8> {
        let short = |tag, value: u16| element(tag, *b"US", &value.to_le_bytes());
        file(
            "1.2.840.10008.5.1.4.1.1.7",
            &[
                element(0x0020_000E, *b"UI", series.as_bytes()),
                short(0x0028_0010, 1),
                short(0x0028_0011, 2),
                short(0x0028_0100, 16),
                element(0x7FE0_0010, *b"OW", &[1, 0, 2, 0]),
            ],
        )
    }

    fn written(folder: &Path, name: &str, bytes: &[u8]) -> String {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    }

    #[test]
    fn a_disc_opens_with_its_largest_series_and_without_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (name, series) in [("P/A/1", "1.1"), ("P/B/1", "1.2"), ("p/b/2", "1.2")] {
            written(root, name, &picture(series));
        }
        let list = disc(&["P\\A\\1", "P\\B\\1", "P\\B\\2", "P\\B\\3"]);
        let list = written(root, "DICOMDIR", &list);
        assert_eq!(read_scan(&list).unwrap().geometry.extent, [2, 1, 2]);
        // The folder itself says no more than its list.
        let folder = root.to_string_lossy();
        assert_eq!(read_scan(&folder).unwrap().geometry.extent, [2, 1, 2]);
    }

    #[test]
    fn a_disc_never_leads_out_of_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let outside = written(root, "outside", &picture("1.1"));
        std::fs::create_dir_all(root.join("disc/inside")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&outside, root.join("disc/LINK")).unwrap();
        for names in [
            "..\\outside",
            "../outside",
            "inside\\..\\..\\outside",
            &outside,
            "LINK",
        ] {
            let list = written(root, "disc/DICOMDIR", &disc(&[names]));
            let failure = read_scan(&list).unwrap_err();
            assert!(failure.summary.contains("none of the 1 files"), "{names}");
        }
    }

    #[test]
    fn a_disc_without_its_files_says_what_to_copy() {
        let folder = tempfile::tempdir().unwrap();
        let list = written(folder.path(), "DICOMDIR", &disc(&["P\\1", "P\\2"]));
        let failure = read_scan(&list).unwrap_err();
        let said = (failure.summary.as_str(), failure.hint.unwrap_or_default());
        assert_eq!(
            said.0,
            "none of the 2 files that this DICOMDIR lists is there"
        );
        assert!(said.1.starts_with("copy the folders"), "{}", said.1);
        let list = written(folder.path(), "DICOMDIR", &disc(&[]));
        assert!(
            read_scan(&list)
                .unwrap_err()
                .summary
                .contains("lists no file")
        );
    }

    #[test]
    fn a_real_disc_opens_though_some_of_its_files_are_missing() {
        let Some(data) = real_data() else {
            return;
        };
        let path = data.join("dicom/pydicom-test-files/dicomdirtests/DICOMDIR");
        let scan = read_scan(&path.to_string_lossy()).unwrap();
        assert!(scan.is_volume(), "{:?}", scan.geometry.extent);
    }
}
