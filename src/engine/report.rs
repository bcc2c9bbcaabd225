//! What `semihv doctor` says about a workspace and its disk.

use std::path::PathBuf;

use semihv_domain::Failure;
use semihv_remote::VectorPools as _;
use semihv_workspace::{Journal, RetrievalEngine, free_bytes};
use serde::Serialize;

use crate::Engine;
use crate::engine::Writing;
use crate::failures::OrFail;
use crate::indexing::damage;

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
    pub vectors: VectorsReport,
    /// Set when the settings name a server.
    pub server: Option<ServerReport>,
}

/// The vectors of this workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VectorsReport {
    pub rows: usize,
    /// What made them.
    pub encoder: Option<String>,
    /// Set when there are none, or they cannot be opened.
    pub trouble: Option<String>,
}

/// The index on a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerReport {
    pub url: String,
    pub collection: String,
    /// Searches go there.
    pub is_searched: bool,
    pub rows: usize,
    pub encoder: Option<String>,
    /// Set when it cannot be asked, with what to do about it.
    pub trouble: Option<String>,
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
            index_trouble: match index {
                Ok(index) if unindexed > 0 && index.was_set_aside() => self.words_trouble(),
                Ok(index) => damage(&index)
                    .map(|why| format!("damaged, {why}; `semihv index` writes it anew")),
                Err(failure) => Some(failure.summary),
            },
            vectors: self.vectors_report(),
            server: self.server_report(),
        })
    }

    fn vectors_report(&self) -> VectorsReport {
        match self.vectors() {
            Ok(Some(index)) => VectorsReport {
                rows: index.all_rows(),
                encoder: Some(index.fingerprint().name),
                trouble: Some(self.vectors_trouble().join("; ")).filter(|it| !it.is_empty()),
            },
            Ok(None) => VectorsReport::none("not made yet: `semihv vectors`".to_owned()),
            Err(failure) => VectorsReport::none(failure.summary),
        }
    }

    fn server_report(&self) -> Option<ServerReport> {
        let settings = self.settings();
        let is_searched = settings.retrieval_engine.value == RetrievalEngine::Qdrant;
        if !is_searched && settings.qdrant_url.value.is_empty() {
            return None;
        }
        let (rows, encoder, trouble) = match self.served() {
            Ok(index) => (index.rows, Some(index.generation.fingerprint().name), None),
            Err(failure) => (0, None, Some(with_hint(failure))),
        };
        Some(ServerReport {
            url: settings.qdrant_url.value,
            collection: settings.qdrant_collection.value,
            is_searched,
            rows,
            encoder,
            trouble,
        })
    }
}

impl VectorsReport {
    fn none(why: String) -> Self {
        Self {
            rows: 0,
            encoder: None,
            trouble: Some(why),
        }
    }
}

fn with_hint(failure: Failure) -> String {
    match failure.hint {
        Some(hint) => format!("{}; {hint}", failure.summary),
        None => failure.summary,
    }
}
