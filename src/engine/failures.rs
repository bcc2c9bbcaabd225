//! Errors of the stages as [`Failure`]s: whose turn it is, and what to do.

use semihv_curation::ImportError;
use semihv_domain::{Failure, FailureKind};
use semihv_retrieval::{OpenIndexError, SearchError, UpdateIndexError};
use semihv_workspace::{InitError, LockError, OpenStoreError, ReadTomlError, StoreError};

/// Names the stage in which an error happened.
pub(crate) trait OrFail<T> {
    fn or_fail(self, stage: &str) -> Result<T, Failure>;
}

/// Says whose turn it is for one kind of error.
pub(crate) trait Blame: std::error::Error + Sized + 'static {
    fn blame(&self) -> FailureKind;
}

impl<T, E: Blame> OrFail<T> for Result<T, E> {
    fn or_fail(self, stage: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::of(stage, error.blame(), &error))
    }
}

impl Blame for StoreError {
    fn blame(&self) -> FailureKind {
        match self {
            Self::ReadOnly => FailureKind::User,
            Self::DiskFull(_) | Self::Busy(_) => FailureKind::Config,
            Self::Sqlite(_) | Self::Row(_) => FailureKind::Internal,
        }
    }
}

impl Blame for OpenStoreError {
    fn blame(&self) -> FailureKind {
        match self {
            Self::Damaged { .. } => FailureKind::Data,
            _ => FailureKind::Config,
        }
    }
}

impl Blame for ImportError {
    fn blame(&self) -> FailureKind {
        match self {
            Self::UnknownKind { .. } | Self::NotThere { .. } => FailureKind::User,
            _ => FailureKind::Data,
        }
    }
}

impl Blame for OpenIndexError {
    fn blame(&self) -> FailureKind {
        FailureKind::Config
    }
}

impl Blame for UpdateIndexError {
    fn blame(&self) -> FailureKind {
        FailureKind::Config
    }
}

impl Blame for SearchError {
    fn blame(&self) -> FailureKind {
        FailureKind::Internal
    }
}

impl Blame for semihv_vectors::OpenError {
    fn blame(&self) -> FailureKind {
        FailureKind::Config
    }
}

impl Blame for semihv_vectors::BuildError {
    fn blame(&self) -> FailureKind {
        FailureKind::Config
    }
}

impl Blame for semihv_vectors::UpdateError {
    fn blame(&self) -> FailureKind {
        FailureKind::Config
    }
}

impl Blame for semihv_vectors::SearchError {
    fn blame(&self) -> FailureKind {
        FailureKind::Internal
    }
}

impl Blame for semihv_vectors::VectorError {
    fn blame(&self) -> FailureKind {
        FailureKind::Internal
    }
}

impl Blame for semihv_remote::SettingsError {
    fn blame(&self) -> FailureKind {
        FailureKind::Config
    }
}

impl Blame for semihv_remote::OpenError {
    fn blame(&self) -> FailureKind {
        FailureKind::Network
    }
}

impl Blame for semihv_remote::BuildError {
    fn blame(&self) -> FailureKind {
        FailureKind::Network
    }
}

impl Blame for semihv_remote::PoolError {
    fn blame(&self) -> FailureKind {
        FailureKind::Network
    }
}

impl Blame for ReadTomlError {
    fn blame(&self) -> FailureKind {
        FailureKind::Config
    }
}

impl Blame for InitError {
    fn blame(&self) -> FailureKind {
        FailureKind::User
    }
}

impl Blame for LockError {
    fn blame(&self) -> FailureKind {
        FailureKind::User
    }
}

impl Blame for std::io::Error {
    fn blame(&self) -> FailureKind {
        FailureKind::Config
    }
}
