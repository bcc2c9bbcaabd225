//! What lists show: narrow rows, read by the screenful.

use semihv_domain::{CaseId, Modality, QuestionId, QuestionKind, Tag, UnixSeconds, Verdict};
use serde::Serialize;

#[derive(Debug, Clone, PartialEq)]
pub struct CaseRow {
    pub id: CaseId,
    pub key: String,
    pub title: String,
    pub source: String,
    pub modality: Option<Modality>,
    pub images: u32,
    pub questions: u32,
    pub tags: Vec<Tag>,
    pub has_note: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct QuestionRow {
    pub id: QuestionId,
    pub key: String,
    pub text: String,
    pub kind: QuestionKind,
    pub case: Option<CaseId>,
    pub source: String,
    pub modality: Option<Modality>,
    /// By model name, sorted.
    pub verdicts: Vec<(String, Verdict)>,
    pub tags: Vec<Tag>,
    pub has_note: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelScore {
    pub model: String,
    pub answers: u64,
    pub right: u64,
    pub wrong: u64,
    pub unparsed: u64,
    pub unjudged: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceRow {
    pub name: String,
    pub kind: String,
    pub path: String,
    pub cases: u64,
    pub images: u64,
    pub missing_images: u64,
    pub questions: u64,
    pub answers: u64,
    pub passages: u64,
    pub skipped: u64,
    pub imported: UnixSeconds,
    /// False while an import is running or was cut off.
    pub is_complete: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Share {
    pub name: String,
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkippedRow {
    pub source: String,
    pub file: String,
    pub line: Option<u64>,
    pub reason: String,
}

/// Sums over all sources.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StoreCounts {
    pub cases: u64,
    pub images: u64,
    pub questions: u64,
    pub answers: u64,
    pub guidelines: u64,
    pub passages: u64,
    pub notes: u64,
}
