//! What is started, written down before it starts.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use semihv_workspace::JobEntry;
use serde::{Deserialize, Serialize};

/// Of every environment; the rest is named by the recipe.
const ALWAYS: [&str; 10] = [
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TZ", "TMPDIR", "SLURM_*",
];

#[derive(Debug, thiserror::Error)]
pub enum ReadRecordError {
    #[error("there is no start record at {path}")]
    Missing { path: PathBuf },
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is no start record")]
    Parse {
        path: PathBuf,
        source: Box<toml::de::Error>,
    },
}

/// The GPUs that a scheduler gave: without them a command would take those of others.
const OF_A_JOB: [&str; 5] = [
    "CUDA_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL",
    "ZE_AFFINITY_MASK",
];

/// One attempt of a run: everything that decides what it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StartRecord {
    pub run: String,
    /// From 1; a run that is resumed gets the next one.
    pub attempt: u32,
    pub recipe: String,
    /// None: the machine where this lies.
    pub host: Option<String>,
    /// With all parameters filled in.
    pub command: Vec<String>,
    pub folder: PathBuf,
    /// Milliseconds since 1970.
    pub asked_at: i64,
    pub by: String,
    /// Of command, folder, environment and parameters.
    pub config_hash: String,
    pub seed: Option<i64>,
    /// Names of variables that are passed on; `CUDA_*` stands for all that begin so. Values are not
    /// written down: some are secrets.
    #[serde(default)]
    pub inherits: Vec<String>,
    /// Logs of the command's own, beside what it prints.
    #[serde(default)]
    pub logs: Vec<PathBuf>,
    /// As the recipe had it: what to resume from, and with which words.
    pub checkpoints: Option<String>,
    #[serde(default)]
    pub resume: Vec<String>,
    /// How many words at the end of the command resume the attempt before.
    pub resumed_words: Option<usize>,
    /// Milliseconds since 1970: not before then.
    pub not_before: Option<i64>,
    /// How often it is tried again when it was not to blame.
    #[serde(default)]
    pub retries: u32,
    #[serde(default)]
    pub after: Vec<After>,
    #[serde(default)]
    pub parameters: BTreeMap<String, toml::Value>,
    #[serde(default)]
    pub sets: BTreeMap<String, String>,
    #[serde(default)]
    pub git: Option<GitState>,
    /// What is asked of a scheduler; none: it is started where its folder lies.
    #[serde(default)]
    pub job: Option<JobEntry>,
}

/// A run that must be over before another one starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    pub run: String,
    /// False: however it ends.
    pub must_succeed: bool,
}

/// The code that was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitState {
    pub commit: String,
    pub branch: Option<String>,
    /// Changed files beside the commit; the difference lies beside the record.
    pub is_dirty: bool,
    /// Small files that git does not know, copied beside the record.
    pub untracked: Vec<String>,
    /// Files that git does not know either and that are too large, too many or no plain files.
    #[serde(default)]
    pub not_kept: usize,
}

impl StartRecord {
    const NAME: &'static str = "start.toml";

    pub fn read(attempt: &Path) -> Result<Self, ReadRecordError> {
        let path = attempt.join(Self::NAME);
        let text = fs::read_to_string(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ReadRecordError::Missing { path: path.clone() },
            _ => ReadRecordError::Read {
                path: path.clone(),
                source,
            },
        })?;
        toml::from_str(&text).map_err(|source| ReadRecordError::Parse {
            path,
            source: Box::new(source),
        })
    }

    pub fn write(&self, attempt: &Path) -> io::Result<()> {
        let text = toml::to_string(self).map_err(io::Error::other)?;
        semihv_workspace::write_atomically(&attempt.join(Self::NAME), text.as_bytes())
    }

    /// The variables of the command, out of those of whoever starts it.
    pub(super) fn environment(
        &self,
        own: impl Iterator<Item = (String, String)>,
    ) -> BTreeMap<String, String> {
        let wanted: Vec<&str> = ALWAYS
            .into_iter()
            .chain(self.inherits.iter().map(String::as_str))
            .chain(OF_A_JOB.into_iter().filter(|_| self.job.is_some()))
            .collect();
        let is_wanted = |name: &str| {
            wanted.iter().any(|wanted| match wanted.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == *wanted,
            })
        };
        let mut variables: BTreeMap<String, String> =
            own.filter(|(name, _)| is_wanted(name)).collect();
        variables.extend(self.sets.clone());
        variables
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn record(folder: &Path, command: &[&str]) -> StartRecord {
        StartRecord {
            run: "r".to_owned(),
            attempt: 1,
            recipe: "tune".to_owned(),
            host: None,
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            folder: folder.to_owned(),
            asked_at: 5,
            by: "a".to_owned(),
            config_hash: "h".to_owned(),
            seed: Some(1),
            inherits: vec!["CUDA_*".to_owned(), "WANDB_API_KEY".to_owned()],
            logs: Vec::new(),
            checkpoints: None,
            resume: Vec::new(),
            resumed_words: None,
            not_before: None,
            retries: 0,
            after: vec![After {
                run: "before".to_owned(),
                must_succeed: true,
            }],
            parameters: BTreeMap::from([("lr".to_owned(), toml::Value::Float(1e-5))]),
            sets: BTreeMap::from([("SEED".to_owned(), "1".to_owned())]),
            git: Some(GitState {
                commit: "c".to_owned(),
                branch: None,
                is_dirty: true,
                untracked: vec!["a.py".to_owned()],
                not_kept: 0,
            }),
            job: None,
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was_and_holds_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let record = record(folder.path(), &["sh", "-c", "echo \"a\nb\""]);
        record.write(folder.path()).unwrap();
        assert_eq!(StartRecord::read(folder.path()).unwrap(), record);
        let missing = StartRecord::read(&folder.path().join("none")).unwrap_err();
        assert!(matches!(missing, ReadRecordError::Missing { .. }));
    }

    #[test]
    fn only_named_variables_are_passed_on() {
        let own = [
            ("PATH", "/bin"),
            ("CUDA_VISIBLE_DEVICES", "0"),
            ("WANDB_API_KEY", "secret"),
            ("AWS_SECRET", "no"),
            ("SEED", "7"),
        ];
        let own = own.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned()));
        let passed = record(Path::new("/"), &[]).environment(own);
        let passed: Vec<(&str, &str)> = passed
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        assert_eq!(
            passed,
            [
                ("CUDA_VISIBLE_DEVICES", "0"),
                ("PATH", "/bin"),
                ("SEED", "1"),
                ("WANDB_API_KEY", "secret"),
            ]
        );
    }
}
