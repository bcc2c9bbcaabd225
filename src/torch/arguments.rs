//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Holds the models of semihv: encoders over JSON lines, and the training of a retriever.
#[derive(Debug, Parser)]
#[command(name = "semihv-torch", version, arg_required_else_help = true)]
pub struct Arguments {
    /// Print what this worker is, as JSON
    #[arg(long)]
    pub describe: bool,

    /// Threads that compute; all there are, if left out
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<usize>,

    #[command(subcommand)]
    pub verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Answer requests, one JSON object a line
    Serve(Serve),
    /// Train two projections over frozen features of texts and images
    TrainRetriever(Box<TrainRetriever>),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Serve {
    /// On standard input and output, until the input ends
    #[arg(long)]
    pub stdio: bool,

    /// On a Unix socket that only you may open
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct TrainRetriever {
    /// Safetensors with `text` N x dt, `image` N x di (F32) and `group` N (I64)
    #[arg(long, value_name = "FILE")]
    pub features: PathBuf,

    /// Folder for checkpoint.safetensors; a checkpoint that is there is resumed
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,

    /// TOML with any of the values below; a flag wins
    #[arg(long, value_name = "FILE")]
    pub spec: Option<PathBuf>,

    #[command(flatten)]
    pub flags: Flags,
}

/// All optional: what is left out comes from the spec, then from the defaults.
#[derive(Debug, Clone, Default, Args)]
pub struct Flags {
    /// Times that all pairs are seen
    #[arg(long)]
    pub epochs: Option<u64>,
    /// Pairs of a step
    #[arg(long)]
    pub batch: Option<usize>,
    /// Learning rate
    #[arg(long)]
    pub lr: Option<f64>,
    /// Weight decay of the matrices
    #[arg(long)]
    pub decay: Option<f64>,
    /// Temperature to begin with, as in CLIP
    #[arg(long)]
    pub temperature: Option<f64>,
    /// Numbers of a projected vector
    #[arg(long)]
    pub dim: Option<usize>,
    /// Of the first weights, the order of pairs and what is held back
    #[arg(long)]
    pub seed: Option<u64>,
    /// Part of the groups that is held back to measure recall, from 0 to 0.5
    #[arg(long)]
    pub validation: Option<f64>,
    /// Which encoder made the texts; else what the features say
    #[arg(long, value_name = "NAME")]
    pub text_encoder: Option<String>,
    /// Which encoder made the images; else what the features say
    #[arg(long, value_name = "NAME")]
    pub image_encoder: Option<String>,
}
