//! A retriever trained by one command: the features of this workspace are written, and the worker
//! trains two projections over them in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::JoinHandle;

use semihv_domain::{Failure, FailureKind};
use semihv_encoders::worker::{ENVIRONMENT, libraries};
use serde::Deserialize;
use serde_json::Value;

use crate::Engine;
use crate::encoding::worker_command;
use crate::failures::OrFail;
use crate::features::FeatureCounts;

/// The end of what the worker said on its standard error.
const TAIL: usize = 4096;
const FEATURES: &str = "features.safetensors";
/// What the features beside it were made of.
const MADE_OF: &str = "features.json";

/// What is trained, where it is kept. What is left out is the worker's to choose.
#[derive(Debug, Clone, Default)]
pub struct TrainSpec {
    pub out: PathBuf,
    /// Keys of cases that are kept to be measured on.
    pub without: Vec<String>,
    pub epochs: Option<u64>,
    pub batch: Option<usize>,
    pub lr: Option<f64>,
    pub dim: Option<usize>,
    pub seed: Option<u64>,
}

/// What happens on the way.
#[derive(Debug)]
pub enum Training<'a> {
    /// Cases whose vectors are made.
    Features { done: u64, total: u64 },
    /// The features are on disk; `None` where they were there from before.
    Written(Option<FeatureCounts>),
    /// A line of the worker, as it said it.
    Line { line: &'a Value, said: Said },
}

/// What a line of the worker means.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Said {
    Begin {
        pairs: u64,
        epoch: u64,
        step: u64,
        spec: Length,
    },
    Step {
        epoch: u64,
        step: u64,
        loss: f64,
    },
    Epoch {
        epoch: u64,
        loss: f64,
        recall_at_1: Option<f64>,
        recall_at_10: Option<f64>,
    },
    Done {
        epoch: u64,
    },
    /// Of a newer worker.
    #[serde(other)]
    Other,
}

/// How long the worker trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Length {
    pub epochs: u64,
    pub batch: u64,
}

enum Features {
    /// From before.
    Kept,
    Written(FeatureCounts),
    Stopped,
}

impl Engine {
    /// Trains a retriever and returns its checkpoint. The same spec goes on where it ended.
    /// `heard` stops it by false; what the last whole epoch wrote stays.
    pub fn train_retriever(
        &self,
        spec: &TrainSpec,
        heard: &mut dyn FnMut(&Training<'_>) -> bool,
    ) -> Result<Option<PathBuf>, Failure> {
        let settings = self.settings();
        // Before the features, which may take long.
        let command = training_command(&worker_command(&settings.encoder_command.value))?;
        let out = std::path::absolute(&spec.out).map_err(|error| unwritable(&spec.out, &error))?;
        std::fs::create_dir_all(&out).map_err(|error| unwritable(&out, &error))?;
        // Without symbolic links, as the workspace's own root: one may lie in the other.
        let out = out.canonicalize().unwrap_or(out);
        let features = out.join(FEATURES);
        let written = match self.features_for(&features, spec, heard)? {
            Features::Kept => None,
            Features::Written(counts) => Some(counts),
            Features::Stopped => return Ok(None),
        };
        if !heard(&Training::Written(written)) {
            return Ok(None);
        }
        let mut child = begin(&command, spec, [&features, &out])?;
        let is_done = follow(&mut child, heard)?;
        Ok(is_done.then(|| out.join("checkpoint.safetensors")))
    }

    /// Writes the features, unless those that lie there are made of the same.
    fn features_for(
        &self,
        path: &Path,
        spec: &TrainSpec,
        heard: &mut dyn FnMut(&Training<'_>) -> bool,
    ) -> Result<Features, Failure> {
        let change = self.with_store(|store| store.last_change().or_fail("train"))?;
        let encoders = self.encoding()?.names();
        let mut without = spec.without.clone();
        without.sort_unstable();
        let made_of = serde_json::json!({
            "encoders": encoders, "change": change, "without": without,
        });
        let made_of = made_of.to_string();
        let beside = path.with_file_name(MADE_OF);
        let before = std::fs::read_to_string(&beside).unwrap_or_default();
        if before == made_of && path.is_file() {
            return Ok(Features::Kept);
        }
        let written = self.write_features(path, &spec.without, &mut |done, total| {
            heard(&Training::Features { done, total })
        })?;
        let Some(counts) = written else {
            return Ok(Features::Stopped);
        };
        std::fs::write(&beside, made_of).map_err(|error| unwritable(&beside, &error))?;
        Ok(Features::Written(counts))
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::of("train", FailureKind::User, error)
        .with_hint(format!("{} cannot be written", path.display()))
}

/// What starts the training, from what starts the serving: the words around `serve` stay.
fn training_command(serving: &[String]) -> Result<Vec<String>, Failure> {
    let by_hand = "write features with `semihv retrieval features FILE` and run `semihv-torch train-retriever` where the worker is";
    let refused =
        |summary: &str| Failure::new("train", FailureKind::Config, summary).with_hint(by_hand);
    let program = serving.first().map_or("", String::as_str);
    if program.ends_with("ssh") {
        return Err(refused(
            "`encoder_command` runs on another machine, which has not the features",
        ));
    }
    let Some(at) = serving.iter().position(|word| word == "serve") else {
        return Err(refused("`encoder_command` has no word `serve`"));
    };
    let mut command = Vec::new();
    let mut words = serving.iter().enumerate();
    while let Some((place, word)) = words.next() {
        match word.as_str() {
            _ if place == at => command.push("train-retriever".to_owned()),
            "--stdio" => {}
            "--socket" => {
                words.next();
            }
            _ => command.push(word.clone()),
        }
    }
    Ok(command)
}

fn begin(
    command: &[String],
    spec: &TrainSpec,
    [features, out]: [&Path; 2],
) -> Result<Child, Failure> {
    let [program, words @ ..] = command else {
        return Err(Failure::new("train", FailureKind::Config, "no command"));
    };
    let mut command = Command::new(program);
    command.args(words).envs(ENVIRONMENT).envs(libraries());
    command.arg("--features").arg(features);
    command.arg("--out").arg(out);
    let flags = [
        ("--epochs", spec.epochs.map(|it| it.to_string())),
        ("--batch", spec.batch.map(|it| it.to_string())),
        ("--lr", spec.lr.map(|it| it.to_string())),
        ("--dim", spec.dim.map(|it| it.to_string())),
        ("--seed", spec.seed.map(|it| it.to_string())),
    ];
    for (flag, value) in flags {
        if let Some(value) = value {
            command.arg(flag).arg(value);
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| {
            Failure::of("train", FailureKind::Config, &error).with_hint(format!(
                "{program} could not be started: build it with `cargo build --release -p semihv-torch`, set SEMIHV_TORCH or `encoder_command`"
            ))
        })
}

/// Hands on every line until the worker ends. What this process leaves behind when it is killed
/// is a worker whose next line finds no reader: it ends too, with the epochs it has written.
fn follow(
    child: &mut Child,
    heard: &mut dyn FnMut(&Training<'_>) -> bool,
) -> Result<bool, Failure> {
    let complaints = child.stderr.take().map(listen);
    let mut is_done = false;
    let mut garbled = None;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let Ok(line) = line else { break };
            let read = serde_json::from_slice::<Value>(&line).ok();
            let said = read.as_ref().map(Said::deserialize);
            let (Some(line), Some(Ok(said))) = (read, said) else {
                garbled = Some(String::from_utf8_lossy(&line).chars().take(200).collect());
                continue;
            };
            is_done |= matches!(said, Said::Done { .. });
            if !heard(&Training::Line { line: &line, said }) {
                let _ = child.kill();
                let _ = child.wait();
                return Ok(false);
            }
        }
    }
    let status = child
        .wait()
        .map_err(|error| Failure::of("train", FailureKind::Internal, &error))?;
    let complaints = complaints.and_then(|it| it.join().ok());
    if status.success() && is_done {
        return Ok(true);
    }
    let mut failure = Failure::new(
        "train",
        FailureKind::Config,
        format!("the worker ended before it was done ({status})"),
    )
    .with_hint(
        "the same command goes on after the last whole epoch; another one needs another --out",
    );
    let complaints = complaints.unwrap_or_default();
    failure.causes.extend(complaints.lines().map(str::to_owned));
    failure
        .causes
        .extend(garbled.map(|line: String| format!("it said: {line}")));
    Err(failure)
}

/// A thread, so that a full pipe never blocks the worker.
fn listen(mut stderr: ChildStderr) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut tail = Vec::new();
        let mut part = [0; 1024];
        while let Ok(count @ 1..) = stderr.read(&mut part) {
            tail.extend_from_slice(part.get(..count).unwrap_or_default());
            let spare = tail.len().saturating_sub(TAIL);
            tail.drain(..spare);
        }
        String::from_utf8_lossy(&tail).trim().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(serving: &str, training: &str) {
        let words: Vec<String> = serving.split(' ').map(str::to_owned).collect();
        assert_eq!(training_command(&words).unwrap().join(" "), training);
    }

    #[test]
    fn serving_becomes_training() {
        check("semihv-torch serve --stdio", "semihv-torch train-retriever");
        check(
            "nice /opt/semihv-torch serve --stdio --threads 2",
            "nice /opt/semihv-torch train-retriever --threads 2",
        );
        check(
            "semihv-torch --threads 2 serve --socket /run/s",
            "semihv-torch --threads 2 train-retriever",
        );
    }

    #[test]
    fn another_machine_has_no_features() {
        for command in ["ssh -T gpu semihv-torch serve --stdio", "my-worker"] {
            let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
            let failure = training_command(&words).unwrap_err();
            assert!(failure.hint.unwrap().contains("retrieval features"));
        }
    }

    #[test]
    fn lines_of_the_worker_are_understood_also_of_a_newer_one() {
        let read = |text: &str| serde_json::from_str::<Said>(text).unwrap();
        assert_eq!(
            read(r#"{"event":"done","epoch":3}"#),
            Said::Done { epoch: 3 }
        );
        assert_eq!(read(r#"{"event":"rest","for":3}"#), Said::Other);
        let begin = r#"{"event":"begin","pairs":9,"epoch":0,"step":0,"spec":{"epochs":2,"batch":4,"lr":1}}"#;
        assert!(matches!(read(begin), Said::Begin { spec, .. } if spec.batch == 4));
    }
}
