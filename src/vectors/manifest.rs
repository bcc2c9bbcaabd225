//! What a generation consists of: written last, so that a generation without one is not complete.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::files::{MANIFEST, Steps, WriteError, replace};
use crate::fingerprint::Fingerprint;

pub(crate) const SCHEMA: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) schema: u32,
    pub(crate) generation: u64,
    /// The generation that was current when this one was made.
    pub(crate) parent: Option<u64>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) pools: BTreeMap<String, PoolEntry>,
    /// Hash of this file with an empty one here.
    check: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoolEntry {
    pub(crate) rows: u64,
    pub(crate) documents: u64,
    /// By the ending of the file's name.
    pub(crate) files: BTreeMap<String, FileEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileEntry {
    pub(crate) bytes: u64,
    pub(crate) xxh3: String,
}

impl FileEntry {
    pub(crate) fn of(bytes: u64, hash: u64) -> Self {
        Self {
            bytes,
            xxh3: format!("{hash:016x}"),
        }
    }
}

/// A file that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) file: PathBuf,
    pub(crate) why: String,
}

impl Damage {
    pub(crate) fn new(file: &Path, why: impl ToString) -> Self {
        Self {
            file: file.to_owned(),
            why: why.to_string(),
        }
    }
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.why)
    }
}

impl Manifest {
    pub(crate) fn new(generation: u64, parent: Option<u64>, fingerprint: Fingerprint) -> Self {
        Self {
            schema: SCHEMA,
            generation,
            parent,
            fingerprint,
            pools: BTreeMap::new(),
            check: String::new(),
        }
    }

    pub(crate) fn dim(&self) -> usize {
        self.fingerprint.dim as usize
    }

    pub(crate) fn write(&self, folder: &Path, steps: &Steps) -> Result<(), WriteError> {
        let path = folder.join(MANIFEST);
        let checked = Self {
            check: self.hash(),
            ..self.clone()
        };
        let mut text = serde_json::to_vec_pretty(&checked)
            .map_err(|error| WriteError::at(&path)(error.into()))?;
        text.push(b'\n');
        replace(&path, &text, steps)
    }

    pub(crate) fn read(folder: &Path) -> Result<Self, Damage> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let path = folder.join(MANIFEST);
        let damage = |why: &dyn ToString| Damage::new(&path, why.to_string());
        let text = fs::read(&path).map_err(|error| damage(&error))?;
        let version: Version = serde_json::from_slice(&text).map_err(|error| damage(&error))?;
        if version.schema != SCHEMA {
            let found = version.schema;
            return Err(damage(&format!(
                "written by version {found}, this is {SCHEMA}"
            )));
        }
        let manifest: Self = serde_json::from_slice(&text).map_err(|error| damage(&error))?;
        if manifest.check != manifest.hash() {
            return Err(damage(&"it was changed after it was written"));
        }
        Ok(manifest)
    }

    fn hash(&self) -> String {
        let unchecked = Self {
            check: String::new(),
            ..self.clone()
        };
        let text = serde_json::to_vec(&unchecked).unwrap_or_default();
        format!("{:016x}", xxh3_64(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::sample;

    #[test]
    fn a_changed_number_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = Manifest::new(7, None, sample(64));
        manifest.write(folder.path(), &Steps::default()).unwrap();
        let read = Manifest::read(folder.path()).unwrap();
        assert_eq!(read.generation, 7);
        let path = folder.path().join(MANIFEST);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"dim\": 64", "\"dim\": 65")).unwrap();
        let damage = Manifest::read(folder.path()).unwrap_err();
        assert_eq!(damage.file, path);
        fs::write(&path, text.replace("\"schema\": 1", "\"schema\": 9")).unwrap();
        let damage = Manifest::read(folder.path()).unwrap_err();
        assert_eq!(damage.why, "written by version 9, this is 1");
    }
}
