//! Guidelines: documents cut into passages under their heading path.

use serde::{Deserialize, Serialize};

use crate::{GuidelineId, PassageId, SourceId};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guideline {
    pub id: GuidelineId,
    pub source: SourceId,
    pub source_name: String,
    pub key: String,
    pub title: String,
    pub developer: Option<String>,
    pub year: Option<i32>,
    pub licence: Option<String>,
    pub language: String,
}

/// What is retrieved: some paragraphs of a guideline that stand under one heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    pub id: PassageId,
    pub guideline: GuidelineId,
    /// Position within the guideline, from 0.
    pub ordinal: u32,
    /// From the outermost heading to the innermost.
    pub headings: Vec<String>,
    pub text: String,
}
