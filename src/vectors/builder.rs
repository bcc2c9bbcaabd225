//! Builds a generation from vectors.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::encode::StoredRow;
use crate::files::{
    self, PoolNameError, Steps, WriteError, check_pool, generation_folder, log_path,
};
use crate::fingerprint::Fingerprint;
use crate::fuse::VectorError;
use crate::index::VectorIndex;
use crate::log;
use crate::manifest::Manifest;
use crate::pool_writer::{PoolWriter, PushError};
use crate::update::NewRow;

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("another semihv is building the vector index at {path}; wait for it")]
    Busy { path: PathBuf },
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Pool(#[from] PoolNameError),
    #[error("the model's fingerprint says {key} {found}; it must be {expected}")]
    Fingerprint {
        key: &'static str,
        found: String,
        expected: &'static str,
    },
    #[error(
        "the vector of document {key} cannot be indexed; leave the document out or embed it again"
    )]
    Vector { key: i64, source: VectorError },
    #[error("document {key} is in pool {pool} already; give every document one vector")]
    Twice { pool: String, key: i64 },
    #[error("pool {pool} is full; spread the documents over two pools")]
    Full { pool: String },
}

/// How far the writing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub step: &'static str,
    pub done: usize,
    pub of: usize,
}

/// What was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    pub generation: u64,
    /// Documents and different vectors of each pool.
    pub pools: BTreeMap<String, (u64, u64)>,
}

/// A new generation; nothing of it is seen before `finish`.
pub struct Builder {
    root: PathBuf,
    manifest: Manifest,
    pools: BTreeMap<String, PoolWriter>,
    follows: Option<u64>,
    steps: Steps,
    is_finished: bool,
    _lock: File,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl VectorIndex {
    /// Begins a generation with nothing in it; the current one is searched until it is finished.
    pub fn build(root: &Path, fingerprint: Fingerprint) -> Result<Builder, BuildError> {
        Builder::begin(root, fingerprint, Steps::default())
    }
}

impl Builder {
    pub(crate) fn begin(
        root: &Path,
        fingerprint: Fingerprint,
        steps: Steps,
    ) -> Result<Self, BuildError> {
        let wrong = |key, found: String, expected| BuildError::Fingerprint {
            key,
            found,
            expected,
        };
        if !(1..=65_536).contains(&fingerprint.dim) {
            return Err(wrong("dim", fingerprint.dim.to_string(), "1 to 65536"));
        }
        if fingerprint.fusion != Fingerprint::FUSION {
            return Err(wrong("fusion", fingerprint.fusion, Fingerprint::FUSION));
        }
        let Some(lock) = files::lock(root)? else {
            return Err(BuildError::Busy {
                path: root.to_owned(),
            });
        };
        files::remove_garbage(root);
        let is_complete = |number: &u64| files::is_complete(root, *number);
        let newest = || files::generations(root).into_iter().rfind(is_complete);
        let previous = files::current(root).filter(is_complete).or_else(newest);
        Ok(Self::under(lock, root, fingerprint, previous, steps)?)
    }

    /// With the lock held.
    pub(crate) fn under(
        lock: File,
        root: &Path,
        fingerprint: Fingerprint,
        previous: Option<u64>,
        steps: Steps,
    ) -> Result<Self, WriteError> {
        let generation = files::next_generation(root);
        let folder = generation_folder(root, generation);
        steps.reach("make folder", &folder)?;
        fs::create_dir_all(&folder).map_err(WriteError::at(&folder))?;
        let tail = root.join("tail");
        fs::create_dir_all(&tail).map_err(WriteError::at(&tail))?;
        Ok(Self {
            root: root.to_owned(),
            manifest: Manifest::new(generation, previous, fingerprint),
            pools: BTreeMap::new(),
            follows: None,
            steps,
            is_finished: false,
            _lock: lock,
        })
    }

    /// The tail of this generation continues another one's.
    pub(crate) fn continues(mut self, log: u64) -> Self {
        self.follows = Some(log);
        self
    }

    /// Adds a document: its raw vectors, not normalised.
    pub fn push(&mut self, pool: &str, row: NewRow<'_>) -> Result<(), BuildError> {
        let key = row.key;
        let stored = StoredRow::of(self.manifest.dim(), row.text, row.image)
            .map_err(|source| BuildError::Vector { key, source })?;
        self.push_stored(pool, key, row.content_hash, &stored)
    }

    pub(crate) fn push_stored(
        &mut self,
        pool: &str,
        key: i64,
        content: u64,
        row: &StoredRow,
    ) -> Result<(), BuildError> {
        if !self.pools.contains_key(pool) {
            check_pool(pool)?;
            let folder = generation_folder(&self.root, self.manifest.generation);
            self.pools
                .insert(pool.to_owned(), PoolWriter::create(&folder, pool)?);
        }
        let Some(writer) = self.pools.get_mut(pool) else {
            return Ok(());
        };
        writer.push(key, content, row).map_err(|error| match error {
            PushError::Write(error) => BuildError::Write(error),
            PushError::Twice(key) => BuildError::Twice {
                pool: pool.to_owned(),
                key,
            },
            PushError::Full => BuildError::Full {
                pool: pool.to_owned(),
            },
        })
    }

    pub fn documents(&self) -> usize {
        self.pools.values().map(PoolWriter::documents).sum()
    }

    /// Makes the new generation the current one.
    pub fn finish(mut self, progress: &mut dyn FnMut(Progress)) -> Result<Built, BuildError> {
        let pools = std::mem::take(&mut self.pools);
        let of = pools.len() + 1;
        let folder = generation_folder(&self.root, self.manifest.generation);
        let mut counts = BTreeMap::new();
        for (done, (name, writer)) in pools.into_iter().enumerate() {
            progress(Progress {
                step: "writing",
                done,
                of,
            });
            let entry = writer.finish(&self.steps)?;
            counts.insert(name.clone(), (entry.documents, entry.rows));
            self.manifest.pools.insert(name, entry);
        }
        progress(Progress {
            step: "switching",
            done: of - 1,
            of,
        });
        self.announce(&folder)?;
        Ok(Built {
            generation: self.manifest.generation,
            pools: counts,
        })
    }

    fn announce(&mut self, folder: &Path) -> Result<(), WriteError> {
        let generation = self.manifest.generation;
        let log = log_path(&self.root, generation);
        let header = log::header(generation, self.follows, self.manifest.fingerprint.dim);
        files::write_synced(&log, &header, &self.steps)?;
        files::sync_folder(&self.root.join("tail"));
        files::sync_folder(folder);
        self.manifest.write(folder, &self.steps)?;
        files::sync_folder(&self.root);
        self.steps.reach("announce", folder)?;
        files::set_current(&self.root, generation, &self.steps)?;
        self.is_finished = true;
        self.steps.reach("remove older", folder)?;
        files::remove_older(&self.root, generation, self.manifest.parent);
        Ok(())
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        let generation = self.manifest.generation;
        // After an error in the very last steps the line may name it already.
        let is_current = files::current(&self.root) == Some(generation);
        if !self.is_finished && !is_current && self.steps.cleans_up() {
            files::remove_generation(&self.root, generation);
            let _ = fs::remove_file(log_path(&self.root, generation));
        }
    }
}
