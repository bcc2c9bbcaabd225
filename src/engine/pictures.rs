//! Where a picture's bytes are: files, archives, copies inside the workspace.

use std::hash::Hasher;
use std::path::{Path, PathBuf};

use semihv_curation::read_bytes;
use semihv_domain::{Failure, FailureKind};

use crate::Engine;

impl Engine {
    /// Relative locations start at the workspace, so that it can be moved.
    pub(crate) fn resolve_location(&self, location: &str) -> PathBuf {
        self.inner.places.resolve(Path::new(location))
    }
}

/// The bytes of a picture that belongs to no workspace.
pub fn read_file_image(location: &str) -> Result<Vec<u8>, Failure> {
    read_bytes(location).map_err(|error| Failure::of("image", FailureKind::Data, &error))
}

/// A location inside the workspace without the workspace's own path.
pub(crate) fn relative_location(location: &str, root: &Path) -> String {
    Path::new(location).strip_prefix(root).map_or_else(
        |_| location.to_owned(),
        |inner| inner.to_string_lossy().into_owned(),
    )
}

/// Copies a picture once; its name holds a hash of where it came from, so that two `1.png` of two
/// folders do not meet.
pub(crate) fn copy_picture(location: &str, folder: &Path) -> Result<String, String> {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    hasher.update(location.as_bytes());
    let inner = location
        .rsplit_once("!/")
        .map_or(location, |(_, inner)| inner);
    let name = Path::new(inner)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let target = folder.join(format!("{:016x}-{name}", hasher.finish()));
    if !target.exists() {
        let bytes = read_bytes(location).map_err(|error| error.to_string())?;
        semihv_workspace::write_atomically(&target, &bytes).map_err(|error| error.to_string())?;
    }
    Ok(target.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_inside_the_workspace_moves_with_it() {
        let root = Path::new("/home/ana/chest");
        assert_eq!(
            relative_location("/home/ana/chest/demo/a.png", root),
            "demo/a.png"
        );
        assert_eq!(relative_location("/data/a.png", root), "/data/a.png");
        assert_eq!(
            relative_location("/home/ana/chest/z.zip!/a.png", root),
            "z.zip!/a.png"
        );
    }

    #[test]
    fn two_pictures_of_one_name_are_both_copied() {
        let folder = tempfile::tempdir().unwrap();
        let mut copies = Vec::new();
        for inner in ["a", "b"] {
            let path = folder.path().join(inner).join("1.png");
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, inner).unwrap();
            let copy =
                copy_picture(&path.to_string_lossy(), &folder.path().join("copies")).unwrap();
            assert_eq!(std::fs::read_to_string(&copy).unwrap(), inner);
            copies.push(copy);
        }
        assert_ne!(copies[0], copies[1]);
    }
}
