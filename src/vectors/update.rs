//! Changes to an index: rows and erasures go to the tail, a compaction makes a generation of both.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use crate::builder::{BuildError, Builder, Built, Progress};
use crate::encode::StoredRow;
use crate::files::{self, PoolNameError, WriteError, check_pool};
use crate::fuse::VectorError;
use crate::index::{OpenError, State, VectorIndex};
use crate::log::{self, End, LoggedRow, Record};

/// Rows of one record of the tail.
const ROWS_A_RECORD: usize = 1024;

#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    #[error("another semihv is writing to the vector index at {path}; wait for it")]
    Busy { path: PathBuf },
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Pool(#[from] PoolNameError),
    #[error(
        "the vector of document {key} cannot be indexed; leave the document out or embed it again"
    )]
    Vector { key: i64, source: VectorError },
    #[error("{file} is damaged: {why}; compact the index, which keeps what can be read")]
    Tail { file: PathBuf, why: String },
    #[error("the index cannot be compacted")]
    Compact(#[source] BuildError),
}

/// A document to be added, or to replace the one with its key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NewRow<'a> {
    pub key: i64,
    pub content_hash: u64,
    pub text: Option<&'a [f32]>,
    pub image: Option<&'a [f32]>,
}

impl VectorIndex {
    /// Adds or replaces documents; they are on disk and found when this returns.
    pub fn append(&self, pool: &str, rows: &[NewRow<'_>]) -> Result<(), UpdateError> {
        check_pool(pool)?;
        let (_lock, state) = self.begin()?;
        let dim = state.generation.manifest.dim();
        for row in rows {
            let key = row.key;
            StoredRow::of(dim, row.text, row.image)
                .map_err(|source| UpdateError::Vector { key, source })?;
        }
        let records: Vec<Record> = rows
            .chunks(ROWS_A_RECORD)
            .map(|rows| Record::Put {
                pool: pool.to_owned(),
                rows: rows.iter().map(logged).collect(),
            })
            .collect();
        self.write(&state, &records)
    }

    /// Removes documents; keys that are not there are no error.
    pub fn erase(&self, pool: &str, keys: &[i64]) -> Result<(), UpdateError> {
        check_pool(pool)?;
        let (_lock, state) = self.begin()?;
        self.write(
            &state,
            &[Record::Erase {
                pool: pool.to_owned(),
                keys: keys.to_vec(),
            }],
        )
    }

    /// Makes a new generation of the current one and its tail.
    pub fn compact(&self, progress: &mut dyn FnMut(Progress)) -> Result<Built, UpdateError> {
        let (lock, state) = self.begin()?;
        files::remove_garbage(&self.root);
        let manifest = &state.generation.manifest;
        let fingerprint = manifest.fingerprint.clone();
        let served = Some(manifest.generation);
        let builder = Builder::under(lock, &self.root, fingerprint, served, self.steps.clone())?;
        let mut builder = builder.continues(state.log.generation);
        copy(&state, &mut builder, progress).map_err(UpdateError::Compact)?;
        let built = builder.finish(progress).map_err(UpdateError::Compact)?;
        self.reload(&state)?;
        Ok(built)
    }

    /// The right to write, and what is there now.
    fn begin(&self) -> Result<(File, Arc<State>), UpdateError> {
        let Some(lock) = files::lock(&self.root)? else {
            return Err(UpdateError::Busy {
                path: self.root.clone(),
            });
        };
        Ok((lock, self.state()))
    }

    fn write(&self, state: &State, records: &[Record]) -> Result<(), UpdateError> {
        let place = &state.log;
        if let End::Damaged(why) = &place.end {
            return Err(UpdateError::Tail {
                file: place.path.clone(),
                why: why.clone(),
            });
        }
        log::append(&place.path, place.good, place.records, records, &self.steps)?;
        self.reload(state)?;
        Ok(())
    }
}

fn logged(row: &NewRow<'_>) -> LoggedRow {
    LoggedRow {
        key: row.key,
        content: row.content_hash,
        text: row.text.map(<[f32]>::to_vec),
        image: row.image.map(<[f32]>::to_vec),
    }
}

fn copy(
    state: &State,
    builder: &mut Builder,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), BuildError> {
    let of = state.pools.values().map(crate::rows::Pool::documents).sum();
    for (name, pool) in &state.pools {
        for half in [&pool.generation, &pool.tail] {
            for row in 0..half.columns.rows() {
                let documents: BTreeSet<usize> = half.columns.documents_of(row).collect();
                for document in documents.into_iter().filter(|&at| half.is_live(at)) {
                    let columns = &half.columns;
                    let stored = columns.stored(row, document);
                    let (key, content) = (columns.key(document), columns.content(document));
                    if let (Some(stored), Some(key), Some(content)) = (stored, key, content) {
                        builder.push_stored(name, key, content, &stored)?;
                    }
                }
            }
            let done = builder.documents();
            progress(Progress {
                step: "copying",
                done,
                of,
            });
        }
    }
    Ok(())
}
