//! `semihv.toml`: what belongs to a workspace. Every key is documented in the template.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::FieldMapping;
use crate::job::JobEntry;
use crate::settings::SettingsFile;
use crate::toml_file::{ReadTomlError, read_toml};

/// The whole manifest. Unknown keys are errors.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Manifest {
    pub workspace: About,
    /// Sets of cases and questions, by the name that `--as` would give.
    pub source: BTreeMap<String, SourceEntry>,
    /// Guidelines.
    pub corpus: BTreeMap<String, SourceEntry>,
    pub model: BTreeMap<String, ModelEntry>,
    pub endpoint: BTreeMap<String, EndpointEntry>,
    pub recipe: BTreeMap<String, RecipeEntry>,
    /// Training logs to follow in the log pane.
    pub log: BTreeMap<String, LogEntry>,
    pub layout: BTreeMap<String, LayoutEntry>,
    pub keys: Vec<KeyEntry>,
    pub settings: SettingsFile,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct About {
    /// Shown in the header; the folder's name when absent.
    pub name: Option<String>,
    pub description: Option<String>,
}

/// Where a source or a corpus is read from, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceEntry {
    /// The importer: see `semihv import --help`.
    pub kind: String,
    pub path: PathBuf,
    #[serde(default)]
    pub copy: bool,
    /// Only for `jsonl` and `csv`.
    #[serde(default)]
    pub fields: Option<FieldMapping>,
    /// Only for `predictions`: the source whose questions are answered.
    #[serde(default)]
    pub questions: Option<String>,
    /// Only for `predictions` in files that name no model.
    #[serde(default)]
    pub model: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelEntry {
    /// The name on screen.
    pub label: Option<String>,
    /// False hides the model from side-by-side views.
    pub compare: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointEntry {
    pub base_url: String,
    pub model: String,
    /// The environment variable that holds the key; the key itself is never written to a file.
    pub api_key_env: Option<String>,
}

/// How a run is launched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecipeEntry {
    pub description: Option<String>,
    /// Words in which `{NAME}` stands for a parameter.
    pub command: Vec<String>,
    /// Defaults, each a plain value or a table with `default`, `choices`, `min`, `max` and `help`.
    pub parameters: BTreeMap<String, toml::Value>,
    /// Where the command runs; default: the workspace.
    pub folder: Option<PathBuf>,
    /// Variables that are passed on, by name; `CUDA_*` stands for all that begin so.
    pub inherits: Vec<String>,
    /// Variables with their values, parameters filled in.
    pub sets: BTreeMap<String, String>,
    /// The parameter that is the seed.
    pub seed: Option<String>,
    /// Commands that must succeed before the start.
    pub checks: Vec<Vec<String>>,
    /// What the command writes to resume from: `out/checkpoint-*`.
    pub checkpoints: Option<String>,
    /// Words for the end of the command when a run is resumed; `{checkpoint}` is the latest.
    pub resume: Vec<String>,
    /// How often a run is tried again that a node or a time-out of NCCL ended.
    pub retries: u32,
    pub host: Option<String>,
    /// What it asks a scheduler for; only for a host that has one.
    pub job: Option<JobEntry>,
    pub key: Option<String>,
    pub logs: Vec<PathBuf>,
    /// Figures that what it prints says in a form of their own.
    pub figures: BTreeMap<String, FigureEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogEntry {
    pub path: PathBuf,
    /// Figures that its lines say in a form of their own.
    #[serde(default)]
    pub figures: BTreeMap<String, FigureEntry>,
}

/// How a figure is found in a line: by one of both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FigureEntry {
    /// A regular expression with a group `value` and perhaps one `step`.
    pub pattern: Option<String>,
    /// Keys of a JSON object, with dots between.
    pub path: Option<String>,
}

/// Rows of panes from top to bottom; `image:3` is three times as wide as `text`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayoutEntry {
    pub rows: Vec<Vec<String>>,
    #[serde(default)]
    pub heights: Vec<u16>,
}

/// One key binding, in the shape of the built-in table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// The pane, or `global`.
    #[serde(rename = "in")]
    pub place: String,
    pub on: Vec<String>,
    pub run: String,
    #[serde(default)]
    pub desc: String,
}

impl Manifest {
    pub fn read(path: &Path) -> Result<Self, ReadTomlError> {
        read_toml(path)
    }

    /// The source or corpus of that name.
    pub fn source_entry(&self, name: &str) -> Option<&SourceEntry> {
        self.source.get(name).or_else(|| self.corpus.get(name))
    }
}
