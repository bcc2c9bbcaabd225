//! What can go wrong in the worker, and what the client is told of it.

use std::io;
use std::path::{Path, PathBuf};

use semihv_domain::worker::{Refusal, RefusalCode};
use semihv_encoders::tensors::TensorsError;

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("{path} holds no model that is known: {why}")]
    Model { path: PathBuf, why: String },
    #[error("{0}{because}", because = because(.0))]
    Tensors(#[from] TensorsError),
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Input(String),
    #[error("the vector of {what} {at} is no number; are the weights whole?")]
    NotANumber { what: &'static str, at: usize },
    #[error("{count} vectors of {dim} numbers do not fit in a line; ask for at most {most}")]
    TooMany {
        count: usize,
        dim: usize,
        most: usize,
    },
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[from] tch::TchError),
}

/// The rest is a backtrace of C++.
fn first_line(error: &tch::TchError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

fn because(error: &TensorsError) -> String {
    std::error::Error::source(error).map_or(String::new(), |source| format!(": {source}"))
}

impl Fault {
    pub fn model(path: &Path, why: impl Into<String>) -> Self {
        Self::Model {
            path: path.to_owned(),
            why: why.into(),
        }
    }

    pub(crate) fn no_texts() -> Self {
        Self::Input("this model takes no texts, only pictures".to_owned())
    }

    pub(crate) fn no_pictures() -> Self {
        Self::Input("this model takes no pictures".to_owned())
    }

    pub fn refusal(&self) -> Refusal {
        let code = match self {
            Self::Model { .. } | Self::Tensors(_) => RefusalCode::BadModel,
            Self::Read { .. } | Self::Write { .. } => RefusalCode::Io,
            Self::Input(_) => RefusalCode::BadInput,
            Self::NotANumber { .. } => RefusalCode::NotANumber,
            Self::TooMany { .. } => RefusalCode::TooMany,
            Self::Torch(error) if is_memory(&error.to_string()) => RefusalCode::OutOfMemory,
            Self::Torch(_) => RefusalCode::Internal,
        };
        Refusal {
            code,
            msg: self.to_string(),
            retriable: matches!(code, RefusalCode::OutOfMemory | RefusalCode::TooMany),
        }
    }
}

fn is_memory(words: &str) -> bool {
    words.contains("out of memory") || words.contains("not enough memory")
}
