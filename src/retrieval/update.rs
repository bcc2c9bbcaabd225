//! Brings the index up to a change number of the store, so that a kill at any moment leaves the
//! last commit and the rest can be continued.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use semihv_domain::DocumentKind;
use tantivy::directory::error::{LockError, OpenWriteError};
use tantivy::merge_policy::LogMergePolicy;
use tantivy::{IndexWriter, TantivyError};

use crate::analysis::{Analysis, Side};
use crate::index::{lock, open_tantivy, patiently, remove_older_versions, revision};
use crate::live::RowSet;
use crate::row_filter::RowFilter;
use crate::schema::{Fields, row_of};
use crate::{Change, Index, NumberedChange};

/// Memory of one indexing thread before it writes a segment.
const ARENA: usize = 64 << 20;

/// So many changes of an empty index are written by one thread into one segment where they fit:
/// each of four segments is searched for its own best, which takes half as long again in all.
const ONE_THREAD: u64 = 250_000;

const MOST_THREADS: usize = 4;

/// So much work at most is lost by a kill.
const COMMIT_EVERY: u64 = ONE_THREAD;

/// Text that may wait between here and the indexing threads, whose queue counts only documents.
const COMMIT_EVERY_BYTES: usize = 256 << 20;

const TELL_EVERY: u64 = 1_000;

/// Segments are cleaned up when so much of them is deleted.
const DELETED_SHARE: f32 = 0.2;

/// What went wrong while the store was being read.
pub type ReadChangesError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum UpdateIndexError {
    #[error("another semihv is indexing this workspace; wait for it or stop it")]
    Busy,
    #[error("no space is left for the search index at {path}; free some and index again")]
    Full { path: PathBuf },
    #[error("cannot write the search index at {path}")]
    Write { path: PathBuf, source: TantivyError },
    #[error("cannot read what changed in the store")]
    Changes(#[source] ReadChangesError),
}

/// What an update did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpdateSummary {
    pub put: u64,
    pub deleted: u64,
    /// What [`Index::revision`] is now.
    pub revision: u64,
    /// Stopped early on request; what was done until then is kept.
    pub was_cancelled: bool,
}

impl Index {
    /// Applies the changes, given with rising change numbers, and records `up_to` as the number
    /// that the index now holds. `progress` is told how many changes were applied.
    pub fn update(
        &self,
        changes: impl Iterator<Item = Result<NumberedChange, ReadChangesError>>,
        up_to: u64,
        progress: &dyn Fn(u64),
        cancel: &AtomicBool,
    ) -> Result<UpdateSummary, UpdateIndexError> {
        let _lock = self.lock_for_update()?;
        let failed = |source| self.write_error(source);
        let mut update = Update::begin(self, up_to).map_err(failed)?;
        let mut was_cancelled = false;
        for change in changes {
            if cancel.load(Ordering::Relaxed) {
                was_cancelled = true;
                break;
            }
            update
                .apply(change.map_err(UpdateIndexError::Changes)?)
                .map_err(failed)?;
            if update.applied().is_multiple_of(TELL_EVERY) {
                progress(update.applied());
            }
        }
        let revision = if was_cancelled {
            update.complete
        } else {
            up_to
        };
        let summary = update.finish(revision, was_cancelled).map_err(failed)?;
        progress(summary.put + summary.deleted);
        self.reload().map_err(failed)?;
        if !was_cancelled {
            remove_older_versions(self.root());
        }
        Ok(summary)
    }

    /// Forgets every document, so that the next update starts from nothing.
    pub fn clear(&self) -> Result<(), UpdateIndexError> {
        let _lock = self.lock_for_update()?;
        let failed = |source| self.write_error(source);
        let update = Update::begin(self, 0).map_err(failed)?;
        update.writer.delete_all_documents().map_err(failed)?;
        update.finish(0, false).map_err(failed)?;
        self.reload().map_err(failed)?;
        Ok(())
    }

    fn lock_for_update(&self) -> Result<std::fs::File, UpdateIndexError> {
        match lock(self.root()) {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(UpdateIndexError::Busy),
            Err(error) => Err(self.write_error(error.into())),
        }
    }

    fn write_error(&self, source: TantivyError) -> UpdateIndexError {
        let path = self.folder();
        match &source {
            TantivyError::LockFailure(LockError::LockBusy, _) => UpdateIndexError::Busy,
            error if is_full(error) => UpdateIndexError::Full { path },
            _ => UpdateIndexError::Write { path, source },
        }
    }
}

/// An update under way.
struct Update<'a> {
    fields: &'a Fields,
    writer: IndexWriter,
    /// Every change up to this number is among those applied.
    complete: u64,
    /// The number of the last change, of which more may follow.
    current: u64,
    uncommitted: u64,
    uncommitted_bytes: usize,
    put: u64,
    deleted: u64,
    /// Set when the index began empty: then only rows seen twice have anything to replace.
    seen: Option<SeenRows>,
}

impl<'a> Update<'a> {
    fn begin(index: &'a Index, up_to: u64) -> tantivy::Result<Self> {
        let tantivy = open_tantivy(&index.folder(), Analysis::new(Side::Document))?;
        let complete = revision(&tantivy)?;
        let is_empty = tantivy.searchable_segment_metas()?.is_empty();
        let is_small = is_empty && up_to.saturating_sub(complete) <= ONE_THREAD;
        let (threads, memory) = if is_small {
            (1, MOST_THREADS * ARENA)
        } else {
            let cores = thread::available_parallelism().map_or(1, usize::from);
            let threads = cores.min(MOST_THREADS);
            (threads, threads * ARENA)
        };
        let writer = patiently(|| match tantivy.writer_with_num_threads(threads, memory) {
            Err(TantivyError::LockFailure(LockError::LockBusy, _)) => None,
            outcome => Some(outcome),
        });
        let writer: IndexWriter =
            writer.unwrap_or_else(|| Err(TantivyError::LockFailure(LockError::LockBusy, None)))?;
        let mut policy = LogMergePolicy::default();
        policy.set_del_docs_ratio_before_merge(DELETED_SHARE);
        writer.set_merge_policy(Box::new(policy));
        Ok(Self {
            fields: &index.fields,
            writer,
            complete,
            current: complete,
            uncommitted: 0,
            uncommitted_bytes: 0,
            put: 0,
            deleted: 0,
            seen: is_empty.then(SeenRows::default),
        })
    }

    fn applied(&self) -> u64 {
        self.put + self.deleted
    }

    fn apply(&mut self, change: NumberedChange) -> tantivy::Result<()> {
        if change.number > self.current {
            // Only now is it known that nothing more comes under the number before.
            self.complete = self.current;
            self.current = change.number;
        }
        if self.uncommitted >= COMMIT_EVERY || self.uncommitted_bytes >= COMMIT_EVERY_BYTES {
            self.commit(self.complete)?;
        }
        self.uncommitted += 1;
        let outcome = match change.change {
            Change::Put(document) => {
                self.put += 1;
                self.uncommitted_bytes += document.title.len() + document.body.len();
                self.replace(document.kind, document.id)?;
                self.writer.add_document(self.fields.document(&document))
            }
            Change::Delete(kind, id) => {
                self.deleted += 1;
                self.delete(kind, id)
            }
        };
        match outcome {
            Ok(_) => Ok(()),
            // A dead worker says only that it is dead; the commit brings its last words.
            Err(error) => Err(self.writer.prepare_commit().err().unwrap_or(error)),
        }
    }

    fn replace(&mut self, kind: DocumentKind, id: i64) -> tantivy::Result<()> {
        let is_new = match &mut self.seen {
            Some(seen) => seen.is_first(row_of(kind, id)),
            None => false,
        };
        if !is_new {
            self.delete(kind, id)?;
        }
        Ok(())
    }

    fn delete(&self, kind: DocumentKind, id: i64) -> tantivy::Result<u64> {
        let row = RowFilter::Rows(Arc::new(RowSet::new(kind, vec![id])));
        self.writer.delete_query(Box::new(row))
    }

    fn commit(&mut self, revision: u64) -> tantivy::Result<()> {
        let mut commit = self.writer.prepare_commit()?;
        commit.set_payload(&revision.to_string());
        commit.commit()?;
        self.uncommitted = 0;
        self.uncommitted_bytes = 0;
        Ok(())
    }

    fn finish(mut self, revision: u64, was_cancelled: bool) -> tantivy::Result<UpdateSummary> {
        self.commit(revision)?;
        // What a killed indexer left behind goes; a file that cannot go is tried again next time.
        if let Err(error) = self.writer.garbage_collect_files().wait() {
            tracing::warn!(%error, "left-over files of the search index stay");
        }
        self.writer.wait_merging_threads()?;
        Ok(UpdateSummary {
            put: self.put,
            deleted: self.deleted,
            revision,
            was_cancelled,
        })
    }
}

/// Which rows a first build has put already, one bit a row.
#[derive(Default)]
struct SeenRows(Vec<u64>);

impl SeenRows {
    /// 128 MiB of bits; rows beyond count as seen, which is slower and still right.
    const MOST_WORDS: usize = 1 << 24;

    fn is_first(&mut self, row: i64) -> bool {
        let Ok(word) = usize::try_from(row / 64) else {
            return false;
        };
        if row < 0 || word >= Self::MOST_WORDS {
            return false;
        }
        if word >= self.0.len() {
            self.0.resize((word + 1).next_power_of_two(), 0);
        }
        let Some(bits) = self.0.get_mut(word) else {
            return false;
        };
        let bit = 1 << (row % 64);
        let is_first = *bits & bit == 0;
        *bits |= bit;
        is_first
    }
}

fn is_full(error: &TantivyError) -> bool {
    let is_full = |error: &std::io::Error| {
        matches!(
            error.kind(),
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
        )
    };
    match error {
        TantivyError::IoError(error)
        | TantivyError::OpenWriteError(OpenWriteError::IoError {
            io_error: error, ..
        }) => is_full(error),
        // From another thread only the text of the error comes through: ENOSPC or EDQUOT.
        TantivyError::InternalError(text)
        | TantivyError::ErrorInThread(text)
        | TantivyError::SystemError(text) => ["os error 28)", "os error 122)", "StorageFull"]
            .iter()
            .any(|sign| text.contains(sign)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_full_disk_is_known_in_every_dress() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert!(is_full(&full.into()));
        let told = "No space left on device (os error 28)".to_owned();
        assert!(is_full(&TantivyError::InternalError(told)));
        let other = io::Error::from(io::ErrorKind::PermissionDenied);
        assert!(!is_full(&other.into()));
    }
}
