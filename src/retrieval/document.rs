//! What is indexed: one document a case, question or guideline passage.

use semihv_domain::{DocumentKind, Modality, QuestionKind, Verdict};

/// Something a document has; asked for with `has:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Has {
    Image,
    MissingImage,
    Region,
    Caption,
    Rationale,
    GoldRationale,
    Options,
}

impl Has {
    pub const ALL: [Self; 7] = [
        Self::Image,
        Self::MissingImage,
        Self::Region,
        Self::Caption,
        Self::Rationale,
        Self::GoldRationale,
        Self::Options,
    ];

    /// The name used in queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::MissingImage => "missing-image",
            Self::Region => "region",
            Self::Caption => "caption",
            Self::Rationale => "rationale",
            Self::GoldRationale => "gold-rationale",
            Self::Options => "options",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|has| has.name() == name)
    }
}

/// Everything the index knows of one row of the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub kind: DocumentKind,
    /// The row: a case, question or passage id, by `kind`.
    pub id: i64,
    pub key: String,
    /// Searched together with the body; need not stand in it again.
    pub title: String,
    /// All searchable text. Beyond the first megabyte it is neither searched nor shown.
    pub body: String,
    pub source: String,
    pub modality: Option<Modality>,
    pub body_part: Option<String>,
    pub year: Option<i32>,
    pub language: String,
    pub licence: Option<String>,
    pub class: Option<String>,
    pub split: Option<String>,
    /// Of a question its kind; of a case the kinds of its questions.
    pub question_kinds: Vec<QuestionKind>,
    /// By model name.
    pub verdicts: Vec<(String, Verdict)>,
    pub has: Vec<Has>,
}

impl Document {
    /// A document of which only its identity is known.
    pub fn new(kind: DocumentKind, id: i64) -> Self {
        Self {
            kind,
            id,
            key: String::new(),
            title: String::new(),
            body: String::new(),
            source: String::new(),
            modality: None,
            body_part: None,
            year: None,
            language: String::new(),
            licence: None,
            class: None,
            split: None,
            question_kinds: Vec::new(),
            verdicts: Vec::new(),
            has: Vec::new(),
        }
    }
}

/// One step from what the index holds to what the store holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Adds the document, or replaces the one with the same kind and id.
    Put(Box<Document>),
    Delete(DocumentKind, i64),
}

/// A change under the store's change number; several rows may share one number.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedChange {
    pub number: u64,
    pub change: Change,
}
