//! Composes the stages: a [`Query`] is answered by a [`Reply`], a [`JobSpec`] becomes a running
//! job that tells [`Event`]s. The workbench and the command line are two faces of this.
//!
//! Deliberately absent: screens, key presses, argument parsing.

mod alerts;
mod alone;
mod check;
mod code;
mod compaction;
mod completeness;
mod demo;
mod demo_run;
mod edit;
mod embedding;
mod encoding;
mod engine;
mod failures;
mod features;
mod graphs;
mod import;
mod indexing;
mod jobs;
mod judging;
mod kept;
mod launching;
mod logs;
mod pictures;
mod query;
mod reading;
mod report;
mod resting;
mod retrieving;
mod scans;
mod searching;
mod served;
mod training;
mod watch;
mod watched;

pub use alone::{ALONE_VERB, Alone, VectorPlan, work_alone};
pub use demo::{DemoSummary, demo};
pub use edit::Edited;
pub use encoding::worker_command;
pub use engine::{Engine, OpenOptions, Writing, now};
pub use features::FeatureCounts;
pub use import::DryRun;
pub use judging::{
    ENOUGH_JUDGED, EVALUATED_DEPTH, EvaluateSpec, JudgedRows, ListReport, OwnJudgements,
    PoolReport, RetrievalReport, Topic,
};
pub use launching::{
    GRACE_SECONDS, HostGpus, HostView, LaunchSpec, Launched, Planned, RecipeView, RunView,
    SeenHosts, agent, shell_words,
};
pub use logs::{
    Axis, Curve, CurvePoint, Curves, CurvesAsk, FindInLog, FoundInLog, LineFilter, LogAsk, LogLine,
    LogView, MetricView, RunSummary, csv_cell, curves_svg,
};
pub use pictures::read_file_image;
pub use query::{
    AnswerRow, CaseDetail, Changed, CompletionItem, Dataset, Edit, Event, GuidelineHit, ImportSpec,
    JobSpec, ListKind, ListRow, ListSpec, Listing, Overview, PassageDetail, Query, QuestionDetail,
    Rebuild, Reply,
};
pub use report::{ServerReport, VectorsReport, WorkspaceReport};
pub use retrieving::{
    DEEP, FEW, LEAST_GUIDELINES, PoolWeight, QueryImage, RetrieveSpec, Weighing, Weights,
};
pub use scans::{read_regions, read_scan};
pub use semihv_curation::{Importer, importers};
pub use semihv_encoders::worker::libraries as worker_libraries;
pub use semihv_evaluation::ranking;
pub use semihv_retrieval::log_panics_of_the_index;
pub use semihv_runs::{
    After, Alert, AlertCause, AttemptState, Cause, Direction, EndReason, Ending, GpuTrouble,
    JobView, KnownAlert, Level, Place, Reading, Severity, StartRecord, SuperviseError, level,
    plain_line, supervise,
};
pub use semihv_workspace::{
    AlertSignal, CaseRow, FieldMapping, Graphics, ImportCounts, KeyEntry, KnownWorkspace, Layer,
    LayoutEntry, MANIFEST, Manifest, ModelScore, QuestionRow, RetrievalEngine, Settings,
    SettingsFile, Share, SkippedRow, SourceRow, UserPlaces, find_workspace, init, known_workspaces,
};
pub use training::{Length, Said, TrainSpec, Training};
pub use watched::watched_workspace;

#[cfg(test)]
mod tests;
