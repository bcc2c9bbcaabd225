//! What a search answers: hits with the reason for every score.

use std::ops::Range;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentKind {
    Case,
    Question,
    Passage,
}

impl DocumentKind {
    pub const ALL: [Self; 3] = [Self::Case, Self::Question, Self::Passage];

    pub fn name(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::Question => "question",
            Self::Passage => "passage",
        }
    }
}

/// A piece of the matched text; `highlights` are byte ranges into `text` on character borders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snippet {
    pub text: String,
    pub highlights: Vec<Range<usize>>,
}

/// One term's part of a BM25 score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MatchedTerm {
    pub field: String,
    pub term: String,
    pub score: f32,
    pub idf: f32,
    /// How often the term stands in this document's field.
    pub frequency: f32,
    /// How many documents hold the term.
    pub documents: u64,
}

/// Why a hit has its score: the sum of the terms' parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    pub terms: Vec<MatchedTerm>,
}

/// One answer of a search, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    pub kind: DocumentKind,
    /// The row: a case, question or passage id, by `kind`.
    pub id: i64,
    pub score: f32,
    pub title: String,
    pub source: String,
    pub snippet: Snippet,
    pub reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Facet {
    Source,
    Modality,
    Type,
    Model,
    Language,
    Class,
    Split,
    Licence,
}

impl Facet {
    /// As the query language calls it.
    pub fn field(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Modality => "modality",
            Self::Type => "type",
            Self::Model => "model",
            Self::Language => "lang",
            Self::Class => "class",
            Self::Split => "split",
            Self::Licence => "licence",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacetCount {
    pub value: String,
    pub count: u64,
}

/// A query that cannot be read, with the place of the trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} (column {})", column + 1)]
pub struct QueryError {
    pub message: String,
    /// Characters (not bytes) before the trouble, from 0.
    pub column: usize,
    /// A nearest valid spelling, or what could stand here.
    pub hint: Option<String>,
}
