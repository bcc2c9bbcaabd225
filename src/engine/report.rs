//! What `semihv doctor` says about a workspace and its disk.

use std::path::PathBuf;

use semihv_domain::Failure;
use semihv_workspace::{Journal, free_bytes};
use serde::Serialize;

use crate::Engine;
use crate::engine::Writing;
use crate::failures::OrFail;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkspaceReport {
    pub root: PathBuf,
    pub file_system: String,
    pub is_network: bool,
    pub free_bytes: u64,
    pub is_read_only: bool,
    /// The journal in use and why.
    pub journal: String,
    pub sqlite: String,
    pub documents: u64,
    /// Rows that the search index has not seen.
    pub unindexed: u64,
    /// Set when the index cannot be opened.
    pub index_trouble: Option<String>,
}

impl Engine {
    pub fn report(&self) -> Result<WorkspaceReport, Failure> {
        let index = self.index();
        let seen = index.as_ref().map_or(0, |index| index.revision());
        let (journal, unindexed) = self.with_store(|store| {
            let journal = store.journal_mode().or_fail("doctor")?;
            Ok((journal, store.changed_since(seen).or_fail("doctor")?))
        })?;
        let because = match (self.inner.journal, self.inner.file_system.is_network()) {
            (Journal::Wal, false) => "a local disk",
            (Journal::Wal, true) => "asked for by store_mode, on a network file system",
            (Journal::Rollback, true) => "a network file system: the safe mode",
            (Journal::Rollback, false) => "asked for by store_mode",
            (Journal::Untouched, _) => "read-only",
        };
        Ok(WorkspaceReport {
            root: self.root().to_owned(),
            file_system: self.inner.file_system.name().to_owned(),
            is_network: self.inner.file_system.is_network(),
            free_bytes: free_bytes(self.root()).or_fail("doctor")?,
            is_read_only: self.writing() == Writing::Refused,
            journal: format!("{journal} ({because})"),
            sqlite: semihv_workspace::sqlite_version().to_owned(),
            documents: index.as_ref().map_or(0, |index| index.documents()),
            unindexed,
            index_trouble: index.err().map(|failure| failure.summary),
        })
    }
}
