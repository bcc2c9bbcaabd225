//! Where the imported files lie: a folder, one file, or an archive that is read in place.
//!
//! Importers name files by their path below the origin, with `/`, whatever the origin is. Such a
//! name never leads out of the origin: see [`name`].

mod archive;
mod folder;
mod gzip_tar;
pub(crate) mod name;
mod zip;

use std::io::Read;
use std::path::{Path, PathBuf};

pub(crate) use archive::Archive;
use folder::Folder;

use crate::error::ImportError;

/// What is behind an imported path.
pub(crate) struct Origin {
    /// Absolute: locations of images are kept in the store and must outlive the working folder.
    path: PathBuf,
    files: Files,
}

enum Files {
    Folder(Folder),
    Archive(Box<Archive>),
}

/// An archive member whose name or place is not one that may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejected {
    pub(crate) name: String,
    pub(crate) reason: String,
}

/// An image a row refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) location: String,
    pub(crate) is_missing: bool,
}

impl Origin {
    pub(crate) fn open(path: &Path) -> Result<Self, ImportError> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let Ok(metadata) = std::fs::metadata(&path) else {
            return Err(ImportError::NotThere { path });
        };
        if !metadata.is_dir() && !metadata.is_file() {
            // A pipe would wait forever.
            return Err(ImportError::Read {
                place: path.to_string_lossy().into_owned(),
                source: std::io::Error::new(std::io::ErrorKind::InvalidInput, "not a plain file"),
            });
        }
        let files = if metadata.is_dir() {
            Files::Folder(Folder::whole(path.clone()))
        } else if let Some(archive) =
            Archive::open(&path).map_err(|source| ImportError::DamagedArchive {
                path: path.clone(),
                source,
            })?
        {
            Files::Archive(Box::new(archive))
        } else {
            Files::Folder(Folder::of_one_file(&path))
        };
        Ok(Self { path, files })
    }

    /// As the person gave it, made absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn rejected(&self) -> &[Rejected] {
        match &self.files {
            Files::Folder(_) => &[],
            Files::Archive(archive) => archive.rejected(),
        }
    }

    /// The shallowest file called `file_name`, or nothing.
    pub(crate) fn find(&self, file_name: &str) -> Option<String> {
        match &self.files {
            Files::Folder(folder) => folder.find(file_name),
            Files::Archive(archive) => archive
                .names()
                .filter(|name| name::last(name) == file_name)
                .min_by_key(|name| (name.matches('/').count(), name.to_owned()))
                .map(str::to_owned),
        }
    }

    /// All files whose name ends in one of the extensions, sorted.
    pub(crate) fn with_extension(&self, extensions: &[&str]) -> Vec<String> {
        let fits = |name: &str| name::has_extension(name, extensions);
        match &self.files {
            Files::Folder(folder) => folder.all().into_iter().filter(|name| fits(name)).collect(),
            Files::Archive(archive) => archive
                .names()
                .filter(|name| fits(name))
                .map(str::to_owned)
                .collect(),
        }
    }

    pub(crate) fn size(&self, name: &str) -> Option<u64> {
        match &self.files {
            Files::Folder(folder) => folder.size(name),
            Files::Archive(archive) => archive.size(name),
        }
    }

    pub(crate) fn read(&self, name: &str) -> Result<Box<dyn Read>, ImportError> {
        let opened = match &self.files {
            Files::Folder(folder) => folder.read(name),
            Files::Archive(archive) => archive.read(name),
        };
        opened.map_err(|source| ImportError::Read {
            place: self.place(name),
            source,
        })
    }

    /// How the file is called in messages and in the store.
    pub(crate) fn place(&self, name: &str) -> String {
        match &self.files {
            Files::Folder(folder) => folder.path_of(name).to_string_lossy().into_owned(),
            Files::Archive(_) => format!("{}!/{name}", self.path.display()),
        }
    }

    /// The image of that name below the origin.
    pub(crate) fn image(&self, name: &str) -> Found {
        match &self.files {
            Files::Folder(folder) => {
                let path = folder.path_of(name);
                Found {
                    // A folder stands for the series of DICOM files in it.
                    is_missing: !folder::is_file(&path) && !path.is_dir(),
                    location: path
                        .into_os_string()
                        .into_string()
                        .unwrap_or_else(|path| path.to_string_lossy().into_owned()),
                }
            }
            Files::Archive(archive) => Found {
                location: self.place(name),
                is_missing: !archive.has(name),
            },
        }
    }

    /// The image at a path written in a file that lies in `folder`; the reason if that path leads
    /// out of the origin.
    pub(crate) fn image_written(&self, folder: &str, written: &str) -> Result<Found, String> {
        let below = match &self.files {
            Files::Folder(tree) => tree.below_root(written),
            Files::Archive(_) => None,
        };
        let name = match below {
            Some(below) => name::clean(&below),
            None => name::join(folder, written),
        };
        name.map(|name| self.image(&name))
            .ok_or_else(|| format!("the path `{written}` leaves the imported folder"))
    }
}
