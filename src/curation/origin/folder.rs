//! A folder on disk, or one file of it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::name;

/// Deeper trees are no published data set; this also ends loops nobody else ends.
const MAX_DEPTH: usize = 16;
/// How far below the given folder a table may lie: people give the parent, or its parent.
const FIND_DEPTH: usize = 2;

pub(crate) struct Folder {
    root: PathBuf,
    /// Set when the person named one file: the others of the folder serve only as images.
    only: Option<String>,
}

impl Folder {
    pub(crate) fn whole(root: PathBuf) -> Self {
        Self { root, only: None }
    }

    pub(crate) fn of_one_file(path: &Path) -> Self {
        Self {
            root: path.parent().unwrap_or(Path::new("/")).to_owned(),
            only: path
                .file_name()
                .map(|last| last.to_string_lossy().into_owned()),
        }
    }

    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn size(&self, name: &str) -> Option<u64> {
        fs::metadata(self.path_of(name))
            .ok()
            .map(|metadata| metadata.len())
    }

    pub(crate) fn read(&self, name: &str) -> io::Result<Box<dyn Read>> {
        let path = self.path_of(name);
        if !fs::metadata(&path)?.is_file() {
            // A pipe would wait forever.
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a plain file",
            ));
        }
        Ok(Box::new(File::open(path)?))
    }

    /// A path written as absolute, seen from the root if it lies below it.
    pub(crate) fn below_root<'a>(&self, written: &'a str) -> Option<Cow<'a, str>> {
        if !written.starts_with('/') {
            return None;
        }
        let below = Path::new(written).strip_prefix(&self.root).ok()?;
        below.to_str().map(Cow::Borrowed)
    }

    pub(crate) fn find(&self, file_name: &str) -> Option<String> {
        if let Some(only) = &self.only {
            return (only == file_name).then(|| only.clone());
        }
        let mut level = vec![String::new()];
        for _ in 0..=FIND_DEPTH {
            for folder in &level {
                let candidate = name::join(folder, file_name)?;
                if is_file(&self.path_of(&candidate)) {
                    return Some(candidate);
                }
            }
            level = level
                .iter()
                .flat_map(|folder| self.list(folder).folders)
                .collect();
        }
        None
    }

    /// All files, sorted; litter left out.
    pub(crate) fn all(&self) -> Vec<String> {
        if let Some(only) = &self.only {
            return vec![only.clone()];
        }
        let mut files = Vec::new();
        let mut seen = HashSet::new();
        let mut level = vec![String::new()];
        for _ in 0..MAX_DEPTH {
            let mut deeper = Vec::new();
            for folder in level {
                // Links may lead to a folder that was listed already.
                if fs::canonicalize(self.path_of(&folder)).is_ok_and(|path| seen.insert(path)) {
                    let listing = self.list(&folder);
                    files.extend(listing.files);
                    deeper.extend(listing.folders);
                }
            }
            level = deeper;
        }
        files.sort_unstable();
        files
    }

    fn list(&self, folder: &str) -> Listing {
        let mut listing = Listing::default();
        let Ok(children) = fs::read_dir(self.path_of(folder)) else {
            return listing;
        };
        for child in children.flatten() {
            let Some(name) = child
                .file_name()
                .to_str()
                .and_then(|last| name::join(folder, last))
                .filter(|name| !name::is_litter(name))
            else {
                continue;
            };
            match fs::metadata(child.path()) {
                Ok(metadata) if metadata.is_dir() => listing.folders.push(name),
                Ok(metadata) if metadata.is_file() => listing.files.push(name),
                _ => {}
            }
        }
        listing.folders.sort_unstable();
        listing
    }
}

pub(crate) fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

#[derive(Default)]
struct Listing {
    files: Vec<String>,
    folders: Vec<String>,
}
