//! The command line's shape. Names of verbs are the names of the workbench's palette.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use semihv_engine::{ALONE_VERB, GRACE_SECONDS, VectorPlan};
use semihv_imaging::{ColourMap, Cut, WindowChoice};

use crate::metrics::MetricsArguments;
use crate::retrieval_args::{RetrievalVerb, RetrieveArguments};

/// A terminal workbench for medical multimodal research: why is this answer wrong?
///
/// Without a verb it opens the workbench on DIR, or on the nearest workspace upward.
#[derive(Debug, Parser)]
#[command(
    name = "semihv",
    version,
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
#[command(
    after_help = "Exit codes: 0 fine, 1 failed, 2 usage. `semihv demo` shows what it can do."
)]
pub struct Arguments {
    #[command(subcommand)]
    pub verb: Option<Verb>,
    #[command(flatten)]
    pub open: OpenArguments,
    /// The workspace's folder
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// Flags of the workbench; they win over every settings file.
#[derive(Debug, Clone, Default, Args)]
pub struct OpenArguments {
    /// Change nothing in the workspace
    #[arg(long)]
    pub read_only: bool,
    /// auto, dark, light, high-contrast, colour-blind, or a theme of your own
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
    /// auto, kitty, iterm, sixel, halfblocks, ascii or none
    #[arg(long, value_name = "PROTOCOL")]
    pub graphics: Option<String>,
    /// Only ASCII signs
    #[arg(long)]
    pub ascii: bool,
    /// Leave the mouse to the terminal
    #[arg(long)]
    pub no_mouse: bool,
}

/// What every verb that reads a workspace takes.
#[derive(Debug, Clone, Default, Args)]
pub struct Common {
    /// The workspace; default: the nearest one upward
    #[arg(short = 'w', long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    /// One JSON object a line instead of words
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make DIR a workspace
    Init { folder: PathBuf },
    /// Make the demo workspace and open it; without a terminal, print what is in it
    Demo {
        /// Where it lies; default: the user's data folder
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        open: OpenArguments,
    },
    /// Read a published data set, guidelines or models' answers into the workspace
    #[command(after_long_help = kinds_help())]
    Import(ImportArguments),
    /// Bring the search index up to date
    Index {
        /// Start from nothing
        #[arg(long)]
        rebuild: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Bring the vectors up to date: cases and guidelines by what they look like and say
    Vectors {
        /// Start from nothing
        #[arg(long)]
        rebuild: bool,
        /// Build a graph for pools of this many rows and more, where there is none
        #[arg(long, value_name = "ROWS", default_value_t = VectorPlan::default().graph_from)]
        graph_from: usize,
        /// Then bring vectors and words to the Qdrant server of the settings
        #[arg(long)]
        push: bool,
        #[command(flatten)]
        common: Common,
    },
    /// What `vectors` starts for long work: compacts, or builds the graph of a pool
    #[command(hide = true, name = ALONE_VERB)]
    VectorsAlone {
        folder: PathBuf,
        #[arg(long, value_name = "POOL")]
        graph: Option<String>,
    },
    /// The few cases and guidelines nearest to an image, a text or both, and why
    Retrieve(RetrieveArguments),
    /// Judge what is retrieved, and measure the retriever on judgements
    #[command(subcommand)]
    Retrieval(RetrievalVerb),
    /// Look at the pictures of a source: which are missing or unreadable?
    Check {
        source: String,
        #[command(flatten)]
        common: Common,
    },
    /// Find cases, questions or guideline passages
    Search(SearchArguments),
    /// Rows that imports did not take, and why
    Skipped {
        source: Option<String>,
        #[arg(long, default_value_t = 1_000)]
        limit: usize,
        #[command(flatten)]
        common: Common,
    },
    /// The sources with their counts
    Sources {
        #[command(flatten)]
        common: Common,
    },
    /// A case with its text, images, questions, tags and notes
    Case {
        key: String,
        #[command(flatten)]
        common: Common,
    },
    /// Tag cases or questions that match a query
    Tag {
        tag: String,
        /// The query language of the panes; `source:demo key:ct-001` is one row
        query: String,
        #[arg(long, value_enum, default_value_t = ListName::Questions)]
        kind: ListName,
        /// Take the tag away instead
        #[arg(long)]
        remove: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Write a note on a case
    Note {
        key: String,
        text: String,
        #[command(flatten)]
        common: Common,
    },
    /// The regions of an image; draw, name or erase your own
    Regions(RegionArguments),
    /// Imports, index runs and checks with their outcomes
    Jobs {
        #[command(flatten)]
        common: Common,
    },
    /// The end of the log of a run, or of one that the manifest names
    #[command(visible_alias = "logs")]
    Log(LogArguments),
    /// Figures of runs and logs: last, least and largest, all points, a drawing
    Metrics(MetricsArguments),
    /// Open logs that no workspace knows: their lines and their curves
    Watch {
        #[arg(required = true, value_name = "LOG")]
        logs: Vec<PathBuf>,
        #[command(flatten)]
        open: OpenArguments,
    },
    /// Launch a recipe of the manifest; it goes on when this shell ends
    Run {
        recipe: String,
        /// NAME=VALUE, over the recipe's defaults
        #[arg(value_name = "NAME=VALUE")]
        parameters: Vec<String>,
        /// Start when this run has succeeded
        #[arg(long, value_name = "RUN")]
        after: Vec<String>,
        /// Start when this run is over, however it ends
        #[arg(long, value_name = "RUN")]
        after_any: Vec<String>,
        /// Say what would be started, and start nothing
        #[arg(long)]
        dry_run: bool,
        /// Print its log until it ends, and end as it does
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        common: Common,
    },
    /// The runs that were launched here, or one of them
    Runs {
        run: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// What is wrong with runs: those that live, and those that ended within a week
    Alerts {
        /// Also those that somebody has seen
        #[arg(long)]
        all: bool,
        /// Mark them as seen
        #[arg(long)]
        seen: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Ask a run to end: SIGTERM, and SIGKILL when the grace is over
    Cancel {
        run: String,
        /// Seconds
        #[arg(long, default_value_t = GRACE_SECONDS)]
        grace: u32,
        #[command(flatten)]
        common: Common,
    },
    /// Start the next attempt of a run that is over, from its latest checkpoint
    Resume {
        run: String,
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        common: Common,
    },
    /// What the GPUs here and on your hosts do, and for which run
    Gpus {
        /// This host alone
        #[arg(long, value_name = "NAME")]
        host: Option<String>,
        /// Again whenever something changed, until it is ended
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        common: Common,
    },
    /// The machines of your settings where recipes may run
    Hosts {
        /// Copy this semihv into the host's ~/.cache/semihv
        #[arg(long, value_name = "HOST")]
        place: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// What runs on a host: answers on its standard input and output
    #[command(hide = true)]
    Agent,
    /// What `run` starts: stays with the command of an attempt until it ends
    #[command(hide = true)]
    Supervise { attempt: PathBuf },
    /// The settings in force, and where each came from
    Config {
        #[command(flatten)]
        common: Common,
    },
    /// Print an image inline: a file, a DICOM folder, or an image of the workspace by key
    Show {
        image: String,
        /// auto, kitty, iterm, sixel, halfblocks, ascii or none
        #[arg(long, value_name = "PROTOCOL", default_value = "auto")]
        graphics: String,
        /// Cells; default: the terminal's width
        #[arg(long)]
        width: Option<u16>,
        #[command(flatten)]
        look: LookArguments,
        #[command(flatten)]
        common: Common,
    },
    /// What this terminal, disk and workspace can do, and how to get what is missing
    Doctor {
        /// Write it to a file as well
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
    /// Workspaces that were open before
    Workspaces {
        #[arg(long)]
        json: bool,
    },
    /// Man page, shell completions, or the table of keys
    Generate {
        what: Generated,
        /// For completions; default: from $SHELL
        #[arg(long, value_enum)]
        shell: Option<clap_complete::Shell>,
    },
}

impl Verb {
    /// Of runs that were launched, whatever the manifest says by now.
    pub(crate) fn is_of_runs(&self) -> bool {
        matches!(
            self,
            Self::Runs { .. }
                | Self::Alerts { .. }
                | Self::Cancel { .. }
                | Self::Resume { .. }
                | Self::Log(_)
                | Self::Metrics(_)
                | Self::Gpus { .. }
        )
    }

    pub(crate) fn common(&self) -> Option<&Common> {
        match self {
            Self::Import(arguments) => Some(&arguments.common),
            Self::Search(arguments) => Some(&arguments.common),
            Self::Retrieve(arguments) => Some(&arguments.common),
            Self::Retrieval(verb) => Some(verb.common()),
            Self::Regions(arguments) => Some(&arguments.common),
            Self::Metrics(arguments) => Some(&arguments.common),
            Self::Log(arguments) => Some(&arguments.common),
            Self::Index { common, .. }
            | Self::Vectors { common, .. }
            | Self::Check { common, .. }
            | Self::Skipped { common, .. }
            | Self::Sources { common }
            | Self::Case { common, .. }
            | Self::Tag { common, .. }
            | Self::Note { common, .. }
            | Self::Jobs { common }
            | Self::Run { common, .. }
            | Self::Runs { common, .. }
            | Self::Alerts { common, .. }
            | Self::Cancel { common, .. }
            | Self::Resume { common, .. }
            | Self::Gpus { common, .. }
            | Self::Hosts { common, .. }
            | Self::Config { common }
            | Self::Show { common, .. }
            | Self::Doctor { common, .. } => Some(common),
            Self::Init { .. }
            | Self::VectorsAlone { .. }
            | Self::Supervise { .. }
            | Self::Agent
            | Self::Watch { .. }
            | Self::Demo { .. }
            | Self::Workspaces { .. }
            | Self::Generate { .. } => None,
        }
    }
}

#[derive(Debug, Args)]
pub struct LogArguments {
    pub(crate) run: Option<String>,
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(crate) lines: usize,
    /// Only lines that hold this regular expression
    #[arg(short, long, value_name = "PATTERN")]
    pub(crate) grep: Option<String>,
    /// Only errors
    #[arg(short, long)]
    pub(crate) errors: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Args)]
pub struct ImportArguments {
    /// The layout in which the data is published
    pub kind: String,
    /// A folder, file, zip or tar; default: the manifest's
    pub path: Option<PathBuf>,
    /// The source's name in the workspace; default: the manifest's, else the
    /// file's or folder's name
    #[arg(long = "as", value_name = "NAME")]
    pub name: Option<String>,
    /// Read everything, store nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Copy the pictures into the workspace instead of referring to them
    #[arg(long)]
    pub copy: bool,
    /// The model, for answers in files that name none
    #[arg(long)]
    pub model: Option<String>,
    /// The source whose questions are answered
    #[arg(long, value_name = "SOURCE")]
    pub questions: Option<String>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub struct SearchArguments {
    /// The query language of the panes: words, "phrases", field:value, -not, OR, (…)
    pub query: Vec<String>,
    #[arg(long, value_enum, default_value_t = SearchKind::Case)]
    pub kind: SearchKind,
    #[arg(short = 'n', long, default_value_t = 10)]
    pub limit: usize,
    /// Count the values of a field: source, modality, type, model, language, class, split, licence
    #[arg(long, value_name = "FIELD")]
    pub facet: Vec<String>,
    /// Show each term's part of the score
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SearchKind {
    #[value(name = "cases", alias = "case")]
    Case,
    #[value(name = "questions", alias = "question")]
    Question,
    #[value(name = "guidelines", alias = "guideline")]
    Guideline,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ListName {
    #[value(alias = "case")]
    Cases,
    #[value(alias = "question")]
    Questions,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Generated {
    Man,
    Completions,
    Keys,
}

/// Numbers with commas between them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Numbers<const N: usize>(pub [f64; N]);

impl<const N: usize> std::str::FromStr for Numbers<N> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(|part| part.trim().parse::<f64>());
        let numbers: Result<Vec<f64>, _> = parts.collect();
        let numbers = numbers.ok().and_then(|all| <[f64; N]>::try_from(all).ok());
        numbers
            .map(Self)
            .ok_or_else(|| format!("{N} numbers with commas between them are needed"))
    }
}

/// An image's regions, and what is changed of them.
#[derive(Debug, Clone, Args)]
pub struct RegionArguments {
    /// CASE/IMAGE, or the case alone for its first image
    pub image: String,
    /// Draw a box, in pixels from the top left
    #[arg(
        long = "box",
        value_name = "X,Y,W,H",
        allow_hyphen_values = true,
        group = "change"
    )]
    pub square: Option<Numbers<4>>,
    /// Draw a point
    #[arg(long, value_name = "X,Y", allow_hyphen_values = true, group = "change")]
    pub point: Option<Numbers<2>>,
    /// Add what a DICOM SEG or RTSTRUCT, a label map or a picture of labels outlines
    #[arg(long, group = "change")]
    pub file: Option<PathBuf>,
    /// Give a region of yours the name of --label
    #[arg(long, value_name = "ID", group = "change", requires = "label")]
    pub name: Option<i64>,
    /// Erase a region of yours
    #[arg(long, value_name = "ID", group = "change")]
    pub erase: Option<i64>,
    /// What the region is called
    #[arg(long, value_name = "NAME")]
    pub label: Option<String>,
    /// The slice that the box or the point lies on, counted from 1; default: every one
    #[arg(long, value_name = "N")]
    pub slice: Option<u32>,
    /// The plane of that slice; default: as it was acquired
    #[arg(long, value_name = "PLANE", requires = "slice")]
    pub plane: Option<Cut>,
    #[command(flatten)]
    pub common: Common,
}

/// What of an image is looked at, and where it goes.
#[derive(Debug, Clone, Args)]
pub struct LookArguments {
    /// lung, mediastinum, bone, brain, stroke, abdomen, full, percentile, auto or CENTRE,WIDTH
    #[arg(long, default_value = "auto", allow_hyphen_values = true)]
    pub window: WindowChoice,
    /// Slice or frame, counted from 1; default: the one in the middle
    #[arg(long, value_name = "N")]
    pub slice: Option<u32>,
    /// axial, coronal, sagittal or stored; default: as it was acquired
    #[arg(long, value_name = "PLANE")]
    pub plane: Option<Cut>,
    /// Volume of a 4-D file, counted from 1
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub volume: u32,
    /// Bright for dark
    #[arg(long)]
    pub invert: bool,
    /// Draw the regions that the workspace knows of the image, and the file's own graphics; with
    /// FILE those of a DICOM SEG or RTSTRUCT, a label map or a picture of labels
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "")]
    pub regions: Option<String>,
    /// Lay the values of another scan over it in colour, by their places in the patient
    #[arg(long, value_name = "IMAGE", conflicts_with = "sheet")]
    pub over: Option<String>,
    /// The colours of what is laid over: hot, viridis or grey
    #[arg(long, value_name = "MAP", default_value = "hot", requires = "over")]
    pub over_map: ColourMap,
    /// The values of the darkest and the brightest colour; default: the smallest value, and one
    /// that all but one in 2000 stay below
    #[arg(long, value_name = "LOW,HIGH", requires = "over", allow_hyphen_values = true,
          value_parser = range)]
    pub over_range: Option<(f32, f32)>,
    /// Up to N slices, evenly spaced, on one sheet
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "20")]
    pub sheet: Option<usize>,
    /// Write a PNG instead
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Say below the picture of the PNG what it shows and what its colours mean
    #[arg(long, requires = "out")]
    pub legend: bool,
}

/// `0,5`: two values in order.
fn range(given: &str) -> Result<(f32, f32), String> {
    let (low, high) = given.split_once(',').unwrap_or((given, ""));
    match (low.trim().parse::<f32>(), high.trim().parse::<f32>()) {
        (Ok(low), Ok(high)) if low < high => Ok((low, high)),
        _ => Err("give two values, the smaller one first, as in 0,5".to_owned()),
    }
}

/// Spells `-has:note` as `NOT has:note`, which means the same and is no flag.
pub(crate) fn with_exclusions_spelt_out(arguments: Vec<OsString>) -> Vec<OsString> {
    let takes_query = |word: &OsString| word == "search" || word == "tag";
    if !arguments.get(1).is_some_and(takes_query) {
        return arguments;
    }
    let spell = |argument: OsString| match argument.to_str().and_then(|text| text.strip_prefix('-'))
    {
        Some(rest) if is_exclusion(rest) => OsString::from(format!("NOT {rest}")),
        _ => argument,
    };
    arguments.into_iter().map(spell).collect()
}

/// `-has:note` and `-wrong`, but not `-n3`, `-w/data` or `--json`: a value glued to a short flag
/// that could be a word is written with a space.
fn is_exclusion(rest: &str) -> bool {
    let is_word = rest.chars().count() > 1 && rest.chars().all(char::is_alphabetic);
    !rest.starts_with('-') && (is_word || rest.contains([':', '"', '(', ' ']))
}

fn kinds_help() -> String {
    let mut help = String::from("Kinds:\n");
    for importer in semihv_engine::importers() {
        help.push_str(&format!("  {:<16} {}\n", importer.kind(), importer.about()));
    }
    help.push_str(
        "\nRunning the same import again adds what is missing and changes what differs;\n\
         `semihv skipped` lists the rows that were not taken.",
    );
    help
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exclusion_is_no_flag() {
        let spelt = |words: &[&str]| {
            let words = words.iter().map(|word| OsString::from(*word)).collect();
            with_exclusions_spelt_out(words)
        };
        assert_eq!(
            spelt(&["semihv", "search", "-has:note lung", "-w", "ws", "-n", "3"]),
            [
                "semihv",
                "search",
                "NOT has:note lung",
                "-w",
                "ws",
                "-n",
                "3"
            ]
        );
        assert_eq!(
            spelt(&["semihv", "search", "-wrong", "-n3", "-w/data"]),
            ["semihv", "search", "NOT wrong", "-n3", "-w/data"]
        );
        assert_eq!(
            spelt(&["semihv", "show", "-a:b"]),
            ["semihv", "show", "-a:b"]
        );
    }
}
