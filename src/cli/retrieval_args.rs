//! The arguments of `retrieve` and `retrieval`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use semihv_domain::Pool;

use crate::args::Common;

#[derive(Debug, Args)]
pub struct RetrieveArguments {
    /// A file, or an image of the workspace by `CASE/IMAGE`
    #[arg(long, value_name = "IMAGE", required_unless_present_any = ["text", "case", "batch"])]
    pub image: Option<String>,
    #[arg(long)]
    pub text: Option<String>,
    /// The case that the query is about: it, its patient and its images are left out. Alone it is
    /// the query: its first image and what is written of it
    #[arg(long, value_name = "KEY")]
    pub case: Option<String>,
    /// Where to look: case, guideline
    #[arg(long, value_delimiter = ',', default_value = "case,guideline", value_parser = crate::retrieve::pool)]
    pub pool: Vec<Pool>,
    /// Hits in all
    #[arg(short = 'k', long = "k", value_name = "N", default_value_t = semihv_engine::FEW, value_parser = crate::retrieve::most)]
    pub most: usize,
    /// At least so many of them are guidelines
    #[arg(long, value_name = "N", default_value_t = semihv_engine::LEAST_GUIDELINES)]
    pub guidelines: usize,
    /// Only what matches this query of the panes: source:ngc year:2010..
    #[arg(long, value_name = "QUERY", default_value = "")]
    pub filter: String,
    /// Only what is under this licence; may be given several times
    #[arg(long, value_name = "LICENCE")]
    pub licence: Vec<String>,
    /// Only a part of the image: left,top,width,height as parts of the whole
    #[arg(long, value_name = "L,T,W,H", value_parser = crate::retrieve::part)]
    pub part: Option<[f32; 4]>,
    /// The weight of the vectors beside the words, 0 to 1; default: as fitted, else by ranks
    #[arg(long, value_name = "WEIGHT", value_parser = crate::retrieve::alpha)]
    pub alpha: Option<semihv_domain::Alpha>,
    /// Look at every vector, even where a graph would do
    #[arg(long)]
    pub exact: bool,
    /// Where to search, whatever the settings say: here (local), or on the Qdrant server
    #[arg(long, value_name = "WHERE", value_parser = crate::retrieve::engine)]
    pub engine: Option<semihv_engine::RetrievalEngine>,
    /// Draws the wording of the instruction, where `query_instructions` is set
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Show the cosine in its four parts and each term's part of the score
    #[arg(long)]
    pub explain: bool,
    /// Queries as JSON lines {"id", "image", "part", "text", "case"}; answers as JSON lines. - reads stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["image", "text", "case"])]
    pub batch: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Subcommand)]
pub enum RetrievalVerb {
    /// Measure words, vectors and both on judged queries; default: those judged in this workspace
    Eval(EvalArguments),
    /// Compare two run files: two indexes, two models, two days
    Compare(CompareArguments),
    /// Say how relevant a case or passage is for a query, pin it or exclude it
    Judge(JudgeArguments),
    /// Write the raw vectors of all image-text pairs: what `semihv-torch train-retriever` trains on
    Features {
        /// A safetensors file
        out: PathBuf,
        /// A file with keys of cases, one a line, that are left out to be measured on
        #[arg(long, value_name = "FILE")]
        without: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
    /// Train two projections, so that texts and images are compared: writes the features and runs
    /// the worker; the same command again goes on where it ended
    Train(TrainArguments),
    /// Write what was judged in this workspace as qrels and queries
    Judged {
        /// A folder that gets qrels.txt and queries.jsonl
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        #[command(flatten)]
        common: Common,
    },
}

impl RetrievalVerb {
    pub(crate) fn common(&self) -> &Common {
        match self {
            Self::Eval(arguments) => &arguments.common,
            Self::Compare(arguments) => &arguments.common,
            Self::Judge(arguments) => &arguments.common,
            Self::Train(arguments) => &arguments.common,
            Self::Judged { common, .. } | Self::Features { common, .. } => common,
        }
    }
}

/// What is left out is chosen by `semihv-torch train-retriever`.
#[derive(Debug, Args)]
pub struct TrainArguments {
    /// A folder that gets the features and checkpoint.safetensors
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Times that all pairs are seen
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub epochs: Option<u64>,
    /// Pairs of a step
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// Learning rate
    #[arg(long, value_name = "RATE")]
    pub lr: Option<f64>,
    /// Numbers of a projected vector
    #[arg(long, value_name = "N")]
    pub dim: Option<usize>,
    /// Of the first weights, the order of pairs and what is held back
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// A file with keys of cases, one a line, that are left out to be measured on
    #[arg(long, value_name = "FILE")]
    pub without: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub struct EvalArguments {
    /// Judgements: TREC's qrels, a table of query, document and grade, or JSON lines
    #[arg(requires = "queries")]
    pub qrels: Option<PathBuf>,
    /// The judged queries as JSON lines {"id", "image", "text", "case"}
    #[arg(long, value_name = "FILE", requires = "qrels")]
    pub queries: Option<PathBuf>,
    /// Where a line of the queries has its text
    #[arg(long, value_name = "FIELD", default_value = "text")]
    pub text_field: String,
    /// Where to look: case, guideline
    #[arg(long, value_delimiter = ',', default_value = "case,guideline", value_parser = crate::retrieve::pool)]
    pub pool: Vec<Pool>,
    /// nDCG@K, nDCGexp@K, Recall@K, Hit@K, P@K, MRR, MAP; weights are fitted by the first
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "nDCG@10,MRR,Recall@10,Hit@1"
    )]
    pub measure: Vec<semihv_engine::ranking::Measure>,
    /// Candidates of each list
    #[arg(long, value_name = "N", default_value_t = semihv_engine::EVALUATED_DEPTH)]
    pub depth: usize,
    /// Fixes folds and draws
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Serve the fitted weights from now on (50 judged queries or more)
    #[arg(long)]
    pub fit: bool,
    /// Write the lists as TREC run files into this folder
    #[arg(long, value_name = "DIR")]
    pub runs: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub struct CompareArguments {
    /// A run file, as `retrieval eval --runs` writes them, or any of TREC's
    pub first: PathBuf,
    pub second: PathBuf,
    /// Judgements: which of the two is better, and how surely
    #[arg(long, value_name = "FILE")]
    pub qrels: Option<PathBuf>,
    #[arg(long, value_delimiter = ',', default_value = "nDCG@10,MRR,Recall@10")]
    pub measure: Vec<semihv_engine::ranking::Measure>,
    /// How deep the lists are compared with each other
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub depth: usize,
    /// Queries that are named, those that agree least first
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub topics: usize,
    /// Fixes the draws
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub struct JudgeArguments {
    /// The key of a case, or GUIDELINE#PASSAGE
    pub hit: String,
    /// 0 is not relevant, 1 relevant, 2 and 3 more so
    #[arg(long, value_parser = clap::value_parser!(i32).range(0..=3))]
    pub grade: Option<i32>,
    /// It is handed on whatever its score
    #[arg(long)]
    pub pin: bool,
    /// It is not handed on
    #[arg(long, conflicts_with = "pin")]
    pub exclude: bool,
    /// Takes back what was said of it
    #[arg(long, conflicts_with_all = ["grade", "pin", "exclude"])]
    pub clear: bool,
    /// The query's image: a file, or `CASE/IMAGE`
    #[arg(long, value_name = "IMAGE", required_unless_present = "text")]
    pub image: Option<String>,
    #[arg(long)]
    pub text: Option<String>,
    /// The case that the query is about
    #[arg(long, value_name = "KEY")]
    pub case: Option<String>,
    #[command(flatten)]
    pub common: Common,
}
