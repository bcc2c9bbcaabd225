//! The vocabulary of semihv: cases, images, regions, questions, answers, guidelines, hits, runs.
//!
//! Plain values with serde and their invariants. Deliberately absent: I/O, async, clocks, paths
//! of a workspace, anything about screens.

mod case;
mod cut;
mod draft;
mod failure;
mod fusion;
mod gpu;
mod guideline;
mod ids;
mod job;
mod modality;
mod note;
mod question;
mod region;
mod retrieved;
mod run;
mod safe_text;
mod search;
pub mod worker;

pub use case::{Caption, Case, Image, ImageState, Section};
pub use cut::{Cut, UnknownCut};
pub use draft::{
    AnswerDraft, CaptionDraft, CaseDraft, GuidelineDraft, ImageDraft, Imported, PassageDraft,
    QuestionDraft, RegionDraft, Sink, Skipped, SkippedAt,
};
pub use failure::{Failure, FailureKind};
pub use fusion::{Alpha, AlphaOutOfRange, Fused, Fusion, Share, fuse};
pub use gpu::{Gpu, GpuCard, GpuFigures, GpuInstance, GpuProcess, GpuTool, IDLE_SECONDS, Throttle};
pub use guideline::{Guideline, Passage};
pub use ids::{
    AnswerId, CaseId, GuidelineId, ImageId, JobId, NoteId, PassageId, QuestionId, RegionId,
    SourceId,
};
pub use job::{Job, JobKind, JobProgress, JobState};
pub use modality::Modality;
pub use note::{Note, Tag, Target};
pub use question::{Answer, Question, QuestionKind, Verdict};
pub use region::{Region, RegionSlice, Shape};
pub use retrieved::{
    CosineParts, HitVerdict, Kept, LeftOut, Pool, Retrieved, RetrievedHit, UnknownPool,
    VectorsUsed, Weighed,
};
pub use run::{LineCount, Metric, MetricPoint};
pub use safe_text::{printable, printable_line};
pub use search::{DocumentKind, Facet, FacetCount, Hit, MatchedTerm, QueryError, Reason, Snippet};

/// Reads the time for those who may (the edge); everything below takes it as a value.
/// Seconds since 1970-01-01 UTC.
pub type UnixSeconds = i64;
