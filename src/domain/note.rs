//! What people add: tags and notes on anything they can select.

use serde::{Deserialize, Serialize};

use crate::{AnswerId, CaseId, ImageId, NoteId, PassageId, QuestionId, UnixSeconds};

/// What a tag or a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "lowercase")]
pub enum Target {
    Case(CaseId),
    Image(ImageId),
    Question(QuestionId),
    Answer(AnswerId),
    Passage(PassageId),
}

impl Target {
    pub fn kind(self) -> &'static str {
        match self {
            Self::Case(_) => "case",
            Self::Image(_) => "image",
            Self::Question(_) => "question",
            Self::Answer(_) => "answer",
            Self::Passage(_) => "passage",
        }
    }

    pub fn row(self) -> i64 {
        match self {
            Self::Case(CaseId(id))
            | Self::Image(ImageId(id))
            | Self::Question(QuestionId(id))
            | Self::Answer(AnswerId(id))
            | Self::Passage(PassageId(id)) => id,
        }
    }

    /// The inverse of [`Target::kind`] and [`Target::row`].
    pub fn from_parts(kind: &str, id: i64) -> Option<Self> {
        Some(match kind {
            "case" => Self::Case(CaseId(id)),
            "image" => Self::Image(ImageId(id)),
            "question" => Self::Question(QuestionId(id)),
            "answer" => Self::Answer(AnswerId(id)),
            "passage" => Self::Passage(PassageId(id)),
            _ => return None,
        })
    }
}

/// A short label: lower case letters, digits, `-`, `_`, `/`, other letters; 1 to 40 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

impl Tag {
    /// Folds case and blanks; `None` when nothing usable is left or it is too long.
    pub fn parse(text: &str) -> Option<Self> {
        let folded: String = text
            .trim()
            .to_lowercase()
            .chars()
            .map(|c| if c.is_whitespace() { '-' } else { c })
            .collect();
        let is_sound = folded
            .chars()
            .all(|c| c.is_alphanumeric() || "-_/.".contains(c));
        (is_sound && (1..=40).contains(&folded.chars().count())).then_some(Self(folded))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for Tag {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or_else(|| {
            format!("{text:?} is not a tag: 1 to 40 letters, digits, `-`, `_`, `/` or `.`")
        })
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub id: NoteId,
    pub target: Target,
    pub text: String,
    pub author: String,
    pub written: UnixSeconds,
}
