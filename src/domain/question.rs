//! Questions about cases and what models answered.

use serde::{Deserialize, Serialize};

use crate::{AnswerId, CaseId, ImageId, QuestionId, SourceId};

/// Closed questions are answered by choosing (yes/no, an option); open ones in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuestionKind {
    Closed,
    Open,
}

impl QuestionKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
        }
    }
}

/// A question with its gold answer and, where one exists, the gold rationale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub id: QuestionId,
    pub source: SourceId,
    pub source_name: String,
    /// The source's own id, unique within the source.
    pub key: String,
    pub case: Option<CaseId>,
    pub image: Option<ImageId>,
    pub text: String,
    pub kind: QuestionKind,
    /// Empty for yes/no and open questions.
    pub options: Vec<String>,
    pub gold: String,
    pub gold_rationale: Option<String>,
    pub language: String,
    /// The published class of the question (`PRES`, `Modality`), as written.
    pub class: Option<String>,
    pub split: Option<String>,
}

/// How an answer compares with the gold answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Right,
    Wrong,
    /// The answer does not commit to a choice. Counts as wrong in every figure.
    Unparsed,
    /// Nobody and nothing has judged it (an open answer without a judge or a published verdict).
    Unjudged,
}

impl Verdict {
    pub const ALL: [Self; 4] = [Self::Right, Self::Wrong, Self::Unparsed, Self::Unjudged];

    pub fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Unparsed => "unparsed",
            Self::Unjudged => "unjudged",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

/// What one model said to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub id: AnswerId,
    pub question: QuestionId,
    pub model: String,
    /// The raw text, never edited.
    pub text: String,
    pub rationale: Option<String>,
    pub verdict: Verdict,
    /// Who said so: `file` for a published verdict, else the rule's name and version.
    pub judged_by: String,
    pub source_name: String,
}
