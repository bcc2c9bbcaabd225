//! A run as it is listed: its newest attempt.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use semihv_runs::{
    Attempt, AttemptState, Cause, Ending, JobView, LookError, Slurm, ending, look, look_at_job,
};
use serde::{Deserialize, Serialize};

/// Of the end of a log, to say why it ended.
const ENDING_LINES: usize = 1_000;

/// A run by its newest attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    pub run: String,
    pub attempt: u32,
    pub recipe: String,
    /// None: this machine.
    #[serde(default)]
    pub host: Option<String>,
    #[serde(flatten)]
    pub state: AttemptState,
    pub command: Vec<String>,
    /// Its command ends with the words that resume the attempt before.
    #[serde(default)]
    pub is_from_checkpoint: bool,
    /// Milliseconds since 1970.
    pub asked_at: i64,
    pub started_at: Option<i64>,
    pub ended_at: Option<i64>,
    /// Between start and end, by the clock that nobody sets.
    pub took_ms: Option<i64>,
    /// Who launched it; `by` is who ended it.
    #[serde(rename = "launched_by")]
    pub by: String,
    pub log: PathBuf,
    pub folder: PathBuf,
    /// Its job, where a scheduler runs it.
    #[serde(default)]
    pub job: Option<JobView>,
    /// Why it ended so, where its log says that.
    pub ending: Option<Ending>,
    /// What of its records cannot be read, or since when its host is silent.
    pub trouble: Option<String>,
}

/// Endings of attempts that are over, by their folders: they do not change any more.
pub(crate) type KeptEndings = HashMap<PathBuf, Option<Ending>>;

impl RunView {
    /// `failed (1): out of GPU memory on GPU 0`.
    pub fn said(&self) -> String {
        let said = self.state.said();
        match &self.ending {
            // A scheduler's word may stand in its log as well.
            Some(ending) if ending.cause.said() != said => {
                format!("{said}: {}", ending.cause.said())
            }
            _ => said,
        }
    }

    /// As its folder on this machine says.
    pub(super) fn look(run: &str, attempt: &Path) -> Result<Self, LookError> {
        Ok(Self::of(run, look(attempt)?))
    }

    /// As its folder and the scheduler on this machine say.
    pub(super) fn look_at_job(run: &str, attempt: &Path, slurm: &Slurm) -> Result<Self, LookError> {
        let (looked, job) = look_at_job(attempt, slurm)?;
        let mut view = Self::of(run, looked);
        if let Some(why) = job.as_ref().and_then(|job| job.silent.clone()) {
            view.trouble.get_or_insert(why);
        }
        view.job = job;
        Ok(view)
    }

    fn of(run: &str, looked: Attempt) -> Self {
        let took = looked.started.zip(looked.ended);
        let trouble = match looked.skipped {
            0 => None,
            count => Some(format!("{count} lines of its journal are damaged")),
        };
        Self {
            run: run.to_owned(),
            attempt: looked.record.attempt,
            recipe: looked.record.recipe,
            host: None,
            state: looked.state,
            is_from_checkpoint: looked.record.resumed_words.is_some(),
            command: looked.record.command,
            asked_at: looked.record.asked_at,
            started_at: looked.started.map(|at| at.wall_ms),
            ended_at: looked.ended.map(|at| at.wall_ms),
            took_ms: took.map(|(started, ended)| ended.boot_ms - started.boot_ms),
            by: looked.record.by,
            log: looked.log,
            folder: looked.folder,
            job: None,
            ending: looked.disk_was_full.then(disk_full),
            trouble,
        }
    }

    pub(super) fn unreadable(run: &str, attempt: &Path, why: String) -> Self {
        Self {
            run: run.to_owned(),
            attempt: 0,
            recipe: String::new(),
            host: None,
            state: AttemptState::Lost,
            command: Vec::new(),
            is_from_checkpoint: false,
            asked_at: 0,
            started_at: None,
            ended_at: None,
            took_ms: None,
            by: String::new(),
            log: attempt.join("log"),
            folder: attempt.to_owned(),
            job: None,
            ending: None,
            trouble: Some(why),
        }
    }

    /// With why it ended, read from its log once.
    pub(super) fn with_ending(mut self, kept: &mut KeptEndings) -> Self {
        let is_told = self.ending.is_some();
        if self.state.is_over() && self.state != AttemptState::Succeeded && !is_told {
            let known = kept.entry(self.folder.clone());
            let found = known.or_insert_with(|| {
                let end = semihv_runs::last_lines(&self.log, ENDING_LINES).ok()?;
                ending(end.iter().map(String::as_str))
            });
            self.ending.clone_from(found);
        }
        self
    }
}

fn disk_full() -> Ending {
    Ending {
        cause: Cause::DiskFull,
        line: 0,
        evidence: "the disk of the run's folder was full when it ended".to_owned(),
    }
}

/// As a shell would take them.
pub fn shell_words(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_./=:,@%+".contains(it);
        if !word.is_empty() && word.chars().all(is_plain) {
            return word.clone();
        }
        format!("'{}'", word.replace('\'', "'\\''"))
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        let words = ["sh", "-c", "echo 'a b' > x", "", "--lr=1e-5"].map(str::to_owned);
        let expected = r"sh -c 'echo '\''a b'\'' > x' '' --lr=1e-5";
        assert_eq!(shell_words(&words), expected);
    }
}
