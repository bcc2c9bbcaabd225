//! Runs of this machine's folder that Slurm starts: asked for, cancelled, begun again.

use std::path::Path;

use semihv_domain::{Failure, FailureKind};
use semihv_runs::{
    After, AttemptState, BeginError, JobView, SlurmError, StartRecord, SubmitError, begin,
    cancel_job, job_of, submit_job, tasks,
};
use semihv_workspace::JobError;

use super::local::{LocalRuns, keep};
use super::view::RunView;
use crate::code::Code;
use crate::failures::{Blame, OrFail};

impl LocalRuns {
    /// In the queue, or known not to be, when it returns; asked twice for the same run, there is one
    /// job. Of an array the first task is seen.
    pub(super) fn launch_job(
        &self,
        record: &StartRecord,
        code: Option<&Code>,
    ) -> Result<RunView, Failure> {
        let tasks = tasks(record).or_fail("run")?;
        // Where it cannot be asked nothing is begun.
        self.slurm.queue().or_fail("run")?;
        let dependency = self.dependency(&record.after)?;
        let mut begun = Vec::new();
        for task in &tasks {
            match begin(self.root(), task) {
                Ok(attempt) => begun.push(attempt),
                Err(BeginError::Begun { .. }) => {}
                Err(error) => return Err(error).or_fail("run"),
            }
        }
        if let (Some(code), Some(first)) = (code, begun.first()) {
            keep(code, record, first)?;
        }
        self.submit(record, &dependency, &begun)?;
        let first = tasks.first().map_or(&record.run, |task| &task.run);
        self.view(first)
    }

    /// What Slurm refuses was never a run.
    fn submit(
        &self,
        record: &StartRecord,
        dependency: &str,
        begun: &[std::path::PathBuf],
    ) -> Result<(), Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::of("run", FailureKind::Internal, &error))?;
        let asked = submit_job((&program, self.root()), record, dependency, &self.slurm);
        if let Err(SubmitError::Slurm(SlurmError::Refused { .. } | SlurmError::Missing { .. })) =
            &asked
        {
            for attempt in begun {
                let _ = std::fs::remove_dir_all(attempt);
                // Only where it was the first attempt.
                let _ = attempt.parent().map(std::fs::remove_dir);
            }
        }
        asked.or_fail("run")
    }

    /// The next attempt of a job that is over, as a job of its own.
    pub(super) fn resume_job(
        &self,
        record: &StartRecord,
        attempt: &Path,
    ) -> Result<RunView, Failure> {
        self.submit(record, "", &[attempt.to_owned()])?;
        self.view(&record.run)
    }

    /// As `sbatch --dependency` takes it; runs that are over are not waited for.
    fn dependency(&self, after: &[After]) -> Result<String, Failure> {
        let mut parts = Vec::new();
        for After { run, must_succeed } in after {
            let view = self.view(run)?;
            let is_over = view.state.is_over();
            if is_over && *must_succeed && view.state != AttemptState::Succeeded {
                let said = view.said();
                let summary = format!("{run} {said}, and this waits for its success");
                return Err(Failure::new("run", FailureKind::User, summary));
            }
            if is_over {
                continue;
            }
            let job = job_of(&view.folder).ok_or_else(|| {
                let summary = format!("{run} is no job of Slurm, so that Slurm cannot wait for it");
                Failure::new("run", FailureKind::User, summary)
            })?;
            let kind = if *must_succeed { "afterok" } else { "afterany" };
            parts.push(format!("{kind}:{job}"));
        }
        Ok(parts.join(","))
    }

    /// The supervisor hears the wish; where there is none yet, Slurm ends the job.
    pub(super) fn cancel_job(&self, before: &RunView, job: &JobView) -> Result<(), Failure> {
        let is_supervised = matches!(
            before.state,
            AttemptState::Running | AttemptState::Ending { .. }
        );
        // One that waits for another try inside its job is heard too.
        let runs = job.reason.is_empty() && !job.nodes.is_empty() && before.started_at.is_some();
        if is_supervised || runs && before.ended_at.is_none() {
            return Ok(());
        }
        // Written down: a supervisor hears it, also one that begins later.
        if job.silent.is_some() {
            return Ok(());
        }
        self.slurm.forget_queue();
        cancel_job(&job.job).or_fail("cancel")
    }
}

impl Blame for SlurmError {
    fn blame(&self) -> FailureKind {
        match self {
            Self::Missing { .. } | Self::Silent { .. } => FailureKind::Config,
            Self::Refused { .. } => FailureKind::User,
        }
    }
}

impl Blame for JobError {
    fn blame(&self) -> FailureKind {
        FailureKind::User
    }
}

impl Blame for SubmitError {
    fn blame(&self) -> FailureKind {
        match self {
            // It may be in the queue all the same: it is asked again.
            Self::Slurm(SlurmError::Silent { .. }) => FailureKind::Network,
            Self::Slurm(error) => error.blame(),
            Self::Job(error) => error.blame(),
            Self::NoJob { .. } => FailureKind::Data,
            Self::Io { .. } => FailureKind::Config,
        }
    }
}
