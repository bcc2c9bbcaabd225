//! What an importer hands over: rows that refer to each other by the source's own keys, because
//! the store's ids do not exist yet.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::{Modality, QuestionKind, RegionSlice, Section, Shape, Verdict};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CaseDraft {
    pub key: String,
    pub title: String,
    pub patient: Option<String>,
    pub modality: Option<Modality>,
    pub body_part: Option<String>,
    pub year: Option<i32>,
    /// Empty means English.
    pub language: String,
    pub licence: Option<String>,
    pub sections: Vec<Section>,
    pub images: Vec<ImageDraft>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ImageDraft {
    pub key: String,
    /// A file path, or `ARCHIVE!/inner/path`.
    pub location: String,
    /// The importer looked and the file is not there.
    pub is_missing: bool,
    pub modality: Option<Modality>,
    pub plane: Option<String>,
    pub captions: Vec<CaptionDraft>,
    pub regions: Vec<RegionDraft>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptionDraft {
    pub text: String,
    pub language: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegionDraft {
    pub label: String,
    #[serde(flatten)]
    pub shape: Shape,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<RegionSlice>,
}

impl RegionDraft {
    /// On the picture, or where its file says.
    pub fn new(label: impl Into<String>, shape: Shape) -> Self {
        Self {
            label: label.into(),
            shape,
            slice: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionDraft {
    pub key: String,
    /// The key of a case of the same source.
    pub case_key: Option<String>,
    /// The key of an image of that case.
    pub image_key: Option<String>,
    pub text: String,
    pub kind: QuestionKind,
    pub options: Vec<String>,
    pub gold: String,
    pub gold_rationale: Option<String>,
    pub language: String,
    pub class: Option<String>,
    pub split: Option<String>,
}

/// Joined to its question by key, never by position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerDraft {
    /// The source whose question is answered; `None` when the key alone must decide.
    pub question_source: Option<String>,
    pub question_key: String,
    pub model: String,
    pub text: String,
    pub rationale: Option<String>,
    /// A verdict the file itself carries.
    pub verdict: Option<Verdict>,
    /// Where in the file this stands, so that an answer without its question can be skipped aloud.
    pub at: SkippedAt,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuidelineDraft {
    pub key: String,
    pub title: String,
    pub developer: Option<String>,
    pub year: Option<i32>,
    pub licence: Option<String>,
    pub language: String,
    pub passages: Vec<PassageDraft>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassageDraft {
    pub headings: Vec<String>,
    pub text: String,
    /// Where `text` begins in the text under its headings, in bytes. A passage may begin before
    /// the one ahead of it ends. `None`: passages follow each other and share nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Imported {
    Case(CaseDraft),
    Question(QuestionDraft),
    Answer(AnswerDraft),
    Guideline(GuidelineDraft),
}

/// A place in the input.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedAt {
    /// Relative to the imported path where possible.
    pub file: String,
    /// From 1. In a file without lines: the number of the element.
    pub line: Option<u64>,
}

/// A row that was not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    pub at: SkippedAt,
    pub reason: String,
}

/// Where an importer puts what it reads. `Break` asks it to stop soon (cancelled, or the store
/// failed): it returns without an error.
pub trait Sink {
    fn accept(&mut self, row: Imported) -> ControlFlow<()>;
    fn skip(&mut self, skipped: Skipped);
    /// Bytes of input read so far and, where known, in all.
    fn progress(&mut self, done: u64, total: Option<u64>);
}

impl Sink for (Vec<Imported>, Vec<Skipped>) {
    fn accept(&mut self, row: Imported) -> ControlFlow<()> {
        self.0.push(row);
        ControlFlow::Continue(())
    }

    fn skip(&mut self, skipped: Skipped) {
        self.1.push(skipped);
    }

    fn progress(&mut self, _done: u64, _total: Option<u64>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows are recognised by the hash of their draft: those imported before must stay the same.
    #[test]
    fn a_passage_without_a_place_is_written_as_it_always_was() {
        let passage = PassageDraft {
            headings: vec!["A".to_owned()],
            text: "b".to_owned(),
            start: None,
        };
        let written = serde_json::to_string(&passage).unwrap();
        assert_eq!(written, r#"{"headings":["A"],"text":"b"}"#);
        assert_eq!(
            serde_json::from_str::<PassageDraft>(&written).unwrap(),
            passage
        );
    }
}
