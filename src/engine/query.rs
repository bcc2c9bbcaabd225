//! The read model: what can be asked, and the plain values that answer it.
//!
//! Every type here is owned data (`Clone + Debug`), cheap to hand between threads.

use std::path::PathBuf;
use std::sync::Arc;

use semihv_domain::{
    Answer, Case, CaseId, DocumentKind, Facet, FacetCount, Guideline, Hit, HitVerdict, Image,
    ImageId, Job, Note, NoteId, Passage, PassageId, Pool, Question, QuestionId, Region,
    RegionDraft, RegionId, Retrieved, Tag, Target,
};
use semihv_workspace::{
    CaseRow, FieldMapping, ModelScore, QuestionRow, Share, SkippedRow, SourceRow,
};
use serde::{Deserialize, Serialize};

use crate::logs::{Curves, CurvesAsk, FindInLog, FoundInLog, LogAsk, LogView, RunSummary};
use crate::{HostGpus, LaunchSpec, Launched, RetrieveSpec};

/// What the lists show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListKind {
    Cases,
    Questions,
}

/// A list to be opened: everything that matches `filter` (the query language; empty: all).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ListSpec {
    pub kind: ListKind,
    pub filter: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// Counts for the header and the empty states.
    Overview,
    /// Which rows a list holds, in order. The rows themselves come by [`Query::Rows`].
    List(ListSpec),
    /// The rows at these positions of a listing: at most 500 a call.
    Rows {
        kind: ListKind,
        ids: Vec<i64>,
    },
    Case(CaseId),
    Question(QuestionId),
    /// Guideline passages for a typed query, or for the selection when `text` is empty.
    Guidelines {
        text: String,
        case: Option<CaseId>,
        question: Option<QuestionId>,
        limit: usize,
    },
    Passage(PassageId),
    /// The few cases and guidelines nearest to an image, a text or both.
    Retrieve(Box<RetrieveSpec>),
    /// Sources, modalities, languages and licences of the candidates of a retrieval.
    RetrievedFacets(Box<RetrieveSpec>),
    /// Hits over any kind with facets: the command line's `search`.
    Search {
        kind: DocumentKind,
        text: String,
        limit: usize,
        facets: Vec<Facet>,
    },
    /// Values that could stand at `column` (characters from 0) of a query.
    Complete {
        text: String,
        column: usize,
    },
    Dataset,
    Jobs,
    Skipped {
        source: Option<String>,
        limit: usize,
    },
    Notes(Target),
    /// All tags in use, most used first.
    Tags,
    /// The logs that the manifest names.
    Runs,
    /// Lines of a run's log around a place.
    Log(LogAsk),
    /// The next line of a log that holds a pattern.
    FindInLog(FindInLog),
    /// Figures of runs as curves.
    Curves(CurvesAsk),
    /// The GPUs of this machine and of the hosts; asking has them watched for a while.
    Gpus,
    /// The runs that were launched here, and what can be launched.
    Launched,
    /// What was told of runs.
    Alerts,
    /// What a recipe would start with these values.
    PlanRun(LaunchSpec),
    /// What is left of a note that was being typed when the program ended.
    Draft(Target),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    Overview(Overview),
    List(Listing),
    Rows {
        kind: ListKind,
        rows: Vec<ListRow>,
    },
    Case(Box<CaseDetail>),
    Question(Box<QuestionDetail>),
    Guidelines(Vec<GuidelineHit>),
    Passage(Box<PassageDetail>),
    Retrieved(Box<Retrieved>),
    RetrievedFacets(Vec<(Facet, Vec<FacetCount>)>),
    Search {
        hits: Vec<Hit>,
        total: u64,
        facets: Vec<(Facet, Vec<FacetCount>)>,
    },
    Complete(Vec<CompletionItem>),
    Dataset(Dataset),
    Jobs(Vec<Job>),
    Skipped(Vec<SkippedRow>),
    Notes {
        target: Target,
        notes: Vec<Note>,
        tags: Vec<Tag>,
    },
    Tags(Vec<(Tag, u64)>),
    Runs(Vec<RunSummary>),
    Log(Box<LogView>),
    FoundInLog(FoundInLog),
    Curves(Box<Curves>),
    Gpus(Vec<HostGpus>),
    Launched(Launched),
    /// Oldest first.
    Alerts(Vec<semihv_runs::KnownAlert>),
    /// The command as a shell would take it, and what to know before.
    PlannedRun {
        command: String,
        warnings: Vec<String>,
    },
    Draft {
        target: Target,
        text: Option<String>,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Overview {
    pub workspace: String,
    pub root: PathBuf,
    pub cases: u64,
    pub images: u64,
    pub questions: u64,
    pub answers: u64,
    pub guidelines: u64,
    pub passages: u64,
    pub notes: u64,
    /// Models with answers, by name.
    pub models: Vec<ModelScore>,
    /// Documents in the search index, and rows that changed since it was built.
    pub indexed: u64,
    pub unindexed: u64,
    pub read_only: bool,
}

/// The ids of a list in order; shared, never copied.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    pub spec: ListSpec,
    pub ids: Arc<[i64]>,
    /// When the query could not be answered exactly, what to tell (`index is 3,000 rows behind`).
    pub remark: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ListRow {
    Case(CaseRow),
    Question(QuestionRow),
}

#[derive(Debug, Clone, PartialEq)]
pub struct CaseDetail {
    pub case: Case,
    pub images: Vec<Image>,
    pub questions: Vec<QuestionRow>,
    pub tags: Vec<Tag>,
    pub notes: Vec<Note>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct QuestionDetail {
    pub question: Question,
    /// The image asked about, or the case's first one.
    pub image: Option<ImageId>,
    pub answers: Vec<AnswerRow>,
    pub tags: Vec<Tag>,
    pub notes: Vec<Note>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AnswerRow {
    pub answer: Answer,
    pub tags: Vec<Tag>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct GuidelineHit {
    pub hit: Hit,
    pub passage: PassageId,
    pub headings: Vec<String>,
    pub guideline_title: String,
    pub year: Option<i32>,
}

/// A passage with its neighbours, for reading.
#[derive(Debug, Clone, PartialEq)]
pub struct PassageDetail {
    pub guideline: Guideline,
    pub passages: Vec<Passage>,
    /// Position in `passages` of the one asked for.
    pub at: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CompletionItem {
    /// What replaces the word under the cursor.
    pub insert: String,
    pub about: String,
    /// Character range of the query that is replaced.
    pub from: usize,
    pub to: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Dataset {
    pub sources: Vec<SourceRow>,
    /// Of images, largest first.
    pub modalities: Vec<Share>,
    pub skipped_reasons: Vec<Share>,
}

/// What a person changes. Acknowledged only after it is on disk; each can be undone.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    AddTag {
        targets: Vec<Target>,
        tag: Tag,
    },
    RemoveTag {
        targets: Vec<Target>,
        tag: Tag,
    },
    /// Writes a note and drops the draft of the same target.
    WriteNote {
        target: Target,
        text: String,
    },
    ReplaceNote {
        note: NoteId,
        text: String,
    },
    DeleteNote {
        note: NoteId,
    },
    /// Keeps what is being typed, so that a lost link or a kill loses nothing.
    KeepDraft {
        target: Target,
        text: String,
    },
    DropDraft {
        target: Target,
    },
    /// What somebody says of a row that a query found.
    Judge {
        spec: Box<RetrieveSpec>,
        pool: Pool,
        row: i64,
        verdict: HitVerdict,
    },
    /// A region on an image, by whoever uses the workspace.
    DrawRegion {
        image: ImageId,
        region: RegionDraft,
    },
    /// Puts a region that a person drew back, or gives it another shape or name.
    PutRegion {
        region: Box<Region>,
    },
    /// Gives a region that a person drew another name.
    NameRegion {
        region: RegionId,
        label: String,
    },
    /// Takes away a region that a person drew.
    EraseRegion {
        region: RegionId,
    },
    /// What was told of a run, or of all, was seen.
    SeeAlerts {
        run: Option<String>,
    },
    /// Starts a recipe.
    Launch(LaunchSpec),
    /// Asks a run to end.
    CancelRun {
        run: String,
    },
    /// Starts the next attempt of a run.
    ResumeRun {
        run: String,
    },
}

impl Edit {
    /// Told to a run, here or on a host: it may take its time and waits for no other edit.
    pub fn is_of_a_run(&self) -> bool {
        matches!(
            self,
            Self::Launch(_) | Self::CancelRun { .. } | Self::ResumeRun { .. }
        )
    }
}

/// Long work to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobSpec {
    Import(ImportSpec),
    /// Brings the search index up to date; `Rebuild::FromNothing` starts over.
    Index(Rebuild),
    /// Brings the vectors up to date.
    Vectors(Rebuild),
    /// Brings the vectors up to date, and with the words to the server of the settings.
    Push,
    /// Measures the retriever on what was judged, and serves the weights that were fitted.
    Measure,
    /// Looks at the header of every picture of a source that nobody has looked at.
    Check {
        source: String,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportSpec {
    pub kind: String,
    pub path: PathBuf,
    /// The source's name, `--as`; `None` takes the manifest's, else the kind's
    /// or, for shapes that many files have, the file's own.
    pub name: Option<String>,
    pub copies_images: bool,
    pub is_dry_run: bool,
    pub mapping: Option<FieldMapping>,
    /// For `predictions`: the model of answers that name none.
    pub model: Option<String>,
    /// For `predictions`: the source of the questions.
    pub questions: Option<String>,
}

impl ImportSpec {
    pub fn source_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.kind)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rebuild {
    Incremental,
    FromNothing,
}

/// What the engine tells without being asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A job started, moved or ended. At most about ten a second per job.
    Job(Job),
    /// Rows changed: by an edit here, by a job, or by another semihv on the same workspace.
    Changed(Changed),
    /// An edit was not stored; what was typed is given back so that nothing is lost.
    EditFailed {
        edit: Edit,
        failure: semihv_domain::Failure,
    },
    /// The manifest or the user's settings changed on disk; `trouble` when the new text has an
    /// error and the old settings stay.
    SettingsChanged { trouble: Option<String> },
    /// A followed log grew, or more of it was read.
    LogChanged { run: String },
    /// Something is wrong with a run; it is on disk, and told once.
    Alert(semihv_runs::Alert),
}

/// What changed, so that only what shows it is asked again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// Tags, notes or drafts of these targets.
    Annotations(Vec<Target>),
    /// Rows were imported, or another process wrote: everything may differ.
    Rows,
    /// The search index is fresh.
    Index,
    /// Something was said of retrieved rows.
    Judged,
    /// A run was launched, moved or ended.
    Runs,
    /// Something was told of a run, or somebody saw it.
    Alerts,
}
