//! Why an import as a whole cannot go on. Single bad rows are never errors.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("no importer `{kind}`; {}known: {known}", nearest.map(|name| format!("did you mean `{name}`? ")).unwrap_or_default())]
    UnknownKind {
        kind: String,
        nearest: Option<&'static str>,
        known: String,
    },
    #[error("nothing at {path}; give the file, folder or archive to import")]
    NotThere { path: PathBuf },
    #[error("no {expected} in {path}; {advice}")]
    Layout {
        path: PathBuf,
        expected: &'static str,
        advice: &'static str,
    },
    #[error("the archive {path} is damaged or incomplete; download or copy it again")]
    DamagedArchive { path: PathBuf, source: io::Error },
    #[error("cannot read {place}")]
    Read { place: String, source: io::Error },
    #[error("{place} is not JSON from byte {byte} on ({why}); download it again or mend it")]
    NotJson {
        place: String,
        byte: u64,
        why: &'static str,
    },
    #[error("the mapping has no field `{field}`; the nearest is `{nearest}`")]
    UnknownField { field: String, nearest: String },
    #[error("the mapping names no `key` and no `image`, so that rows have no name of their own")]
    NoKey,
    #[error("{place} has no column `{column}`, which the mapping asks for; it has {columns}")]
    NoColumn {
        place: String,
        column: String,
        columns: String,
    },
}

/// Why an importer's loop ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The sink asked for it: no error.
    Asked,
    Failed(ImportError),
}

impl From<ImportError> for Stop {
    fn from(error: ImportError) -> Self {
        Self::Failed(error)
    }
}
