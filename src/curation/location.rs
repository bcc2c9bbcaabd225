//! Reading the bytes behind an image's location: a file, or `ARCHIVE!/inner/path`.

use std::io::{self, Read};
use std::path::Path;

use crate::origin::{Archive, name};

/// The largest image file that is read. A whole-slide tile or a film at full size stays below it.
pub const MAX_IMAGE_BYTES: u64 = 256 << 20;

const IN_ARCHIVE: &str = "!/";

#[derive(Debug, thiserror::Error)]
pub enum ReadImageError {
    #[error("{location} is not there any more; put it back or import the source again")]
    Missing { location: String },
    #[error("{location} is over {} MB, more than is read of one image", MAX_IMAGE_BYTES >> 20)]
    TooLarge { location: String },
    #[error("cannot read {location}")]
    Read { location: String, source: io::Error },
}

/// The bytes of an image file, wherever it lies.
pub fn read_bytes(location: &str) -> Result<Vec<u8>, ReadImageError> {
    let opened = if Path::new(location).exists() {
        open_file(Path::new(location))
    } else {
        open_member(location)
    };
    let read = opened.and_then(Opened::read);
    let location = location.to_owned();
    match read {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(ReadImageError::TooLarge { location }),
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            Err(ReadImageError::Missing { location })
        }
        Err(source) => Err(ReadImageError::Read { location, source }),
    }
}

struct Opened {
    reader: Box<dyn Read>,
    /// As the file system or the archive says.
    size: Option<u64>,
}

impl Opened {
    /// Nothing if there is too much of it.
    fn read(self) -> io::Result<Option<Vec<u8>>> {
        if self.size.is_some_and(|size| size > MAX_IMAGE_BYTES) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.reader
            .take(MAX_IMAGE_BYTES + 1)
            .read_to_end(&mut bytes)?;
        Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= MAX_IMAGE_BYTES))
    }
}

fn open_file(path: &Path) -> io::Result<Opened> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        // A pipe would wait forever.
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a plain file",
        ));
    }
    Ok(Opened {
        reader: Box::new(std::fs::File::open(path)?),
        size: Some(metadata.len()),
    })
}

/// Tries every `!/` as the border, since a folder may be called so.
fn open_member(location: &str) -> io::Result<Opened> {
    for (border, _) in location.match_indices(IN_ARCHIVE) {
        let (archive, inner) = location.split_at(border);
        let Some(inner) = inner.get(IN_ARCHIVE.len()..).and_then(name::clean) else {
            continue;
        };
        if Path::new(archive).is_file()
            && let Some(archive) = Archive::open(Path::new(archive))?
        {
            return Ok(Opened {
                reader: archive.read(&inner)?,
                size: archive.size(&inner),
            });
        }
    }
    Err(io::ErrorKind::NotFound.into())
}
