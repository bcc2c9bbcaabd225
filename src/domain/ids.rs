//! Identities: row numbers of the store, one type each, so that none is taken for another.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

id! {
    /// A place rows came from (one import of one published set).
    SourceId,
    /// One clinical example.
    CaseId,
    /// One picture of a case.
    ImageId,
    /// A human-labelled region of an image.
    RegionId,
    /// A question about a case.
    QuestionId,
    /// What one model said to one question.
    AnswerId,
    /// A guideline document.
    GuidelineId,
    /// A passage of a guideline: what is retrieved.
    PassageId,
    /// A note somebody wrote.
    NoteId,
    /// A piece of long work.
    JobId,
}
