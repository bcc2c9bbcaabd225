//! What went wrong, said so that a researcher knows what to do next.

use serde::{Deserialize, Serialize};

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureKind {
    /// The request itself cannot be done as asked.
    User,
    /// The manifest, settings or machine set-up.
    Config,
    Network,
    /// The input files.
    Data,
    /// A defect of semihv.
    Internal,
}

/// The one shape in which every error reaches a person: stored, shown, printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{summary}")]
pub struct Failure {
    /// The verb or stage that failed: `import`, `index`, `open`.
    pub stage: String,
    pub kind: FailureKind,
    pub summary: String,
    /// From the nearest cause to the root.
    pub causes: Vec<String>,
    /// What to do, as a full clause: "free some space and run the import again".
    pub hint: Option<String>,
    /// Where in a typed query the trouble is: characters before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

impl Failure {
    pub fn new(stage: &str, kind: FailureKind, summary: impl Into<String>) -> Self {
        Self {
            stage: stage.to_owned(),
            kind,
            summary: summary.into(),
            causes: Vec::new(),
            hint: None,
            column: None,
        }
    }

    /// Takes the summary and the causes from an error and its sources.
    pub fn of(stage: &str, kind: FailureKind, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut failure = Self::new(stage, kind, error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            let said = cause.to_string();
            if failure.causes.last() != Some(&said) && failure.summary != said {
                failure.causes.push(said);
            }
            source = cause.source();
        }
        failure
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
