//! Composes the stages: a [`Query`] is answered by a [`Reply`], a [`JobSpec`] becomes a running
//! job that tells [`Event`]s. The workbench and the command line are two faces of this.
//!
//! Deliberately absent: screens, key presses, argument parsing.

mod query;

pub use query::{
    AnswerRow, CaseDetail, CaseRow, Changed, CompletionItem, Dataset, Edit, Event, GuidelineHit,
    ImportSpec, JobSpec, ListKind, ListRow, ListSpec, Listing, LogView, ModelScore, Overview,
    PassageDetail, Query, QuestionDetail, QuestionRow, Rebuild, Reply, RunSummary, Share,
    SkippedRow, SourceRow,
};
