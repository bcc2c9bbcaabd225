//! Runs on the machine where this process is: the workspace's own, or a host's, asked through the
//! agent there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use semihv_domain::{Failure, FailureKind};
use semihv_runs::{
    AttemptState, BeginError, DetachError, FillError, LookError, ReadRecordError, Slurm,
    StartRecord, Wish, begin, detach, resumed, terminate_child, terminate_supervisor, wish,
};

use super::view::RunView;
use crate::code::Code;
use crate::failures::{Blame, OrFail};

/// Of what a check that failed said.
const SAID: usize = 500;

/// A folder of runs.
#[derive(Debug, Clone)]
pub(crate) struct LocalRuns {
    root: PathBuf,
    pub(super) slurm: Arc<Slurm>,
}

impl LocalRuns {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self {
            root,
            slurm: Arc::default(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn unreadable(&self, error: &std::io::Error) -> Failure {
        let summary = format!("cannot read the runs in {}: {error}", self.root.display());
        Failure::new("runs", FailureKind::Config, summary)
            .with_hint("see that it is a folder that you may read and write")
    }

    pub(crate) fn names(&self) -> Result<Vec<String>, Failure> {
        semihv_runs::runs(&self.root).map_err(|error| self.unreadable(&error))
    }

    pub(crate) fn newest_attempt(&self, run: &str) -> Result<Option<PathBuf>, Failure> {
        let attempts = semihv_runs::attempts(&self.root.join(run));
        let attempts = attempts.map_err(|error| self.unreadable(&error))?;
        Ok(attempts.into_iter().last().map(|(_, folder)| folder))
    }

    pub(crate) fn attempt_of(&self, run: &str) -> Result<PathBuf, Failure> {
        self.newest_attempt(run)?.ok_or_else(|| {
            let summary = format!("there is no run {run:?}");
            Failure::new("runs", FailureKind::User, summary).with_hint("`semihv runs` lists them")
        })
    }

    pub(crate) fn log(&self, run: &str, attempt: u32) -> PathBuf {
        semihv_runs::attempt_folder(&self.root, run, attempt).join("log")
    }

    pub(crate) fn view(&self, run: &str) -> Result<RunView, Failure> {
        self.look(run, &self.attempt_of(run)?).or_fail("runs")
    }

    fn look(&self, run: &str, attempt: &Path) -> Result<RunView, LookError> {
        match StartRecord::read(attempt)?.job {
            Some(_) => RunView::look_at_job(run, attempt, &self.slurm),
            None => RunView::look(run, attempt),
        }
    }

    /// Started, or known not to start, when it returns; both are on disk by then. Asked twice for
    /// the same run, it is started once.
    pub(crate) fn launch(
        &self,
        record: &StartRecord,
        code: Option<&Code>,
        checks: &[Vec<String>],
    ) -> Result<RunView, Failure> {
        for check in checks {
            passes(check, &record.folder)?;
        }
        if record.job.is_some() {
            return self.launch_job(record, code);
        }
        let attempt = match begin(&self.root, record) {
            Err(BeginError::Begun { run }) => return self.view(&run),
            begun => begun.or_fail("run")?,
        };
        if let Some(code) = code {
            keep(code, record, &attempt)?;
        }
        started(&record.run, &attempt)
    }

    /// Asks the run to end; it may take the grace, and is looked at again for that.
    pub(crate) fn cancel(
        &self,
        run: &str,
        by: &str,
        grace_seconds: u32,
    ) -> Result<RunView, Failure> {
        let attempt = self.attempt_of(run)?;
        let before = self.look(run, &attempt).or_fail("cancel")?;
        if before.state.is_over() {
            let summary = format!("{run} is not running: {}", before.state.said());
            return Err(Failure::new("cancel", FailureKind::User, summary));
        }
        let failed = |error: std::io::Error| {
            let summary = format!("{run} could not be told to end: {error}");
            Failure::new("cancel", FailureKind::Config, summary)
                .with_hint(format!("see {}", attempt.display()))
        };
        if before.state == AttemptState::RunningUnsupervised {
            // Nobody will write down how it ended.
            terminate_child(&attempt).map_err(failed)?;
            return RunView::look(run, &attempt).or_fail("cancel");
        }
        let cancel = Wish::Cancel {
            by: by.to_owned(),
            grace_seconds,
        };
        if let Err(error) = wish(&attempt, &cancel) {
            // A full disk: its supervisor can still be told.
            if !terminate_supervisor(&attempt).map_err(failed)? {
                return Err(failed(error));
            }
        }
        if let Some(job) = &before.job {
            self.cancel_job(&before, job)?;
        }
        self.look(run, &attempt).or_fail("cancel")
    }

    /// The next attempt of a run that is over, from its latest checkpoint where it has some.
    pub(crate) fn resume(&self, run: &str) -> Result<RunView, Failure> {
        let before = self.view(run)?;
        if !before.state.is_over() {
            let summary = format!("{run} is {}", before.state.said());
            return Err(Failure::new("resume", FailureKind::User, summary)
                .with_hint("cancel it first, or wait for its end"));
        }
        let record = StartRecord::read(&before.folder).or_fail("resume")?;
        let record = resumed(&record).or_fail("resume")?;
        let attempt = begin(&self.root, &record).or_fail("resume")?;
        if record.job.is_some() {
            return self.resume_job(&record, &attempt);
        }
        started(run, &attempt)
    }
}

/// The code beside the run.
pub(super) fn keep(code: &Code, record: &StartRecord, attempt: &Path) -> Result<(), Failure> {
    code.keep(&record.folder, attempt).map_err(|error| {
        Failure::of("run", FailureKind::Config, &error)
            .with_hint("the code could not be kept beside the run; is the disk full?")
    })
}

fn started(run: &str, attempt: &Path) -> Result<RunView, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::of("run", FailureKind::Internal, &error))?;
    detach(&program, attempt).or_fail("run")?;
    RunView::look(run, attempt).or_fail("run")
}

/// A command that must succeed before the start.
fn passes(check: &[String], folder: &Path) -> Result<(), Failure> {
    let failed = |why: String| {
        let summary = format!("the check `{}` failed: {why}", check.join(" "));
        Err(Failure::new("run", FailureKind::User, summary)
            .with_hint("nothing was started; mend that, or take the check out of the recipe"))
    };
    let [program, arguments @ ..] = check else {
        return Ok(());
    };
    let ran = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    match ran {
        Ok(ran) if ran.status.success() => Ok(()),
        Ok(ran) => {
            let said = if ran.stderr.is_empty() {
                ran.stdout
            } else {
                ran.stderr
            };
            let end = said
                .get(said.len().saturating_sub(SAID)..)
                .unwrap_or_default();
            let said = String::from_utf8_lossy(end);
            let last = said.lines().rev().find(|line| !line.trim().is_empty());
            failed(format!("{} {}", ran.status, last.unwrap_or_default()))
        }
        Err(error) => failed(error.to_string()),
    }
}

impl Blame for FillError {
    fn blame(&self) -> FailureKind {
        FailureKind::User
    }
}

impl Blame for BeginError {
    fn blame(&self) -> FailureKind {
        match self {
            Self::Begun { .. } => FailureKind::User,
            Self::Io { .. } => FailureKind::Config,
        }
    }
}

impl Blame for ReadRecordError {
    fn blame(&self) -> FailureKind {
        FailureKind::Data
    }
}

impl Blame for LookError {
    fn blame(&self) -> FailureKind {
        FailureKind::Data
    }
}

impl Blame for DetachError {
    fn blame(&self) -> FailureKind {
        FailureKind::Config
    }
}
