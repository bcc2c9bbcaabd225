//! Jobs: long work with progress, cancel and an outcome that is kept.

use serde::{Deserialize, Serialize};

use crate::{Failure, JobId, UnixSeconds};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    Import,
    Index,
    Check,
    Vectors,
    Measure,
}

impl JobKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Index => "index",
            Self::Check => "check",
            Self::Vectors => "vectors",
            Self::Measure => "measure",
        }
    }
}

/// How far a job is. `done` and `total` count `unit`s; an unknown total is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobProgress {
    pub done: u64,
    pub total: Option<u64>,
    /// `bytes`, `rows`, `documents`, `files`.
    pub unit: String,
    /// Rows accepted so far.
    pub rows: u64,
    pub skipped: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum JobState {
    Queued,
    Running,
    Succeeded {
        summary: String,
    },
    Failed {
        failure: Failure,
    },
    Cancelled,
    /// Its process ended without a word; running the same command again continues it.
    Interrupted,
}

impl JobState {
    pub fn is_over(&self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub kind: JobKind,
    /// The command line that does the same: `semihv import medpix2 …`.
    pub command: String,
    pub state: JobState,
    pub progress: JobProgress,
    pub started: UnixSeconds,
    pub ended: Option<UnixSeconds>,
}
