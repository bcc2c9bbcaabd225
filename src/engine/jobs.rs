//! Running jobs: a thread each, progress as events, cancel by a flag, the outcome on disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use semihv_domain::{Failure, FailureKind, Job, JobId, JobKind, JobProgress, JobState};
use semihv_workspace::{Durability, Store};

use crate::engine::{Indexing, Running, locked, now};
use crate::failures::OrFail;
use crate::{Changed, Engine, Event, JobSpec, Rebuild};

/// How often listeners hear of progress.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// How often progress goes to disk, for other processes.
const KEEP_EVERY: Duration = Duration::from_secs(2);

/// How a job ended by itself.
pub(crate) enum Ending {
    Done { summary: String },
    Cancelled,
}

impl Engine {
    /// Starts a job on its own thread. The returned job has the id that events speak of.
    pub fn start(&self, spec: JobSpec) -> Result<Job, Failure> {
        let (kind, stage) = match &spec {
            JobSpec::Import(import) if import.is_dry_run => {
                let summary = "a dry run writes nothing; use `semihv import --dry-run`";
                return Err(Failure::new("import", FailureKind::User, summary));
            }
            JobSpec::Import(_) => (JobKind::Import, "import"),
            JobSpec::Index(_) => (JobKind::Index, "index"),
            JobSpec::Vectors(_) => (JobKind::Vectors, "vectors"),
            JobSpec::Push => (JobKind::Vectors, "push"),
            JobSpec::Measure => (JobKind::Measure, "measure"),
            JobSpec::Check { .. } => (JobKind::Check, "check"),
        };
        self.refuse_when_read_only(stage)?;
        let spec = match spec {
            JobSpec::Import(import) => JobSpec::Import(self.completed(import)?),
            other => other,
        };
        let mut indexing = locked(&self.inner.indexing);
        if let (JobSpec::Index(Rebuild::Incremental), Some(job)) = (&spec, indexing.job.clone()) {
            indexing.is_wanted_again = true;
            return Ok(job);
        }
        let store = self.connect(Durability::Kill)?;
        let job = store
            .add_job(kind, &command_of(&spec), now())
            .or_fail(stage)?;
        if matches!(spec, JobSpec::Index(_)) {
            indexing.job = Some(job.clone());
        }
        drop(indexing);
        let cancel = Arc::new(AtomicBool::new(false));
        let running = Running {
            job: job.clone(),
            cancel: Arc::clone(&cancel),
        };
        locked(&self.inner.running).insert(job.id, running);
        self.tell(&Event::Job(job.clone()));
        let engine = self.clone();
        let progress = Progress::new(self.clone(), job.clone(), store, cancel);
        std::thread::Builder::new()
            .name(format!("job-{}", job.id))
            .spawn(move || engine.run(&spec, progress))
            .or_fail(stage)?;
        Ok(job)
    }

    /// Asks a job to stop soon; what it stored stays. False when it is not one of this process.
    pub fn cancel(&self, job: JobId) -> bool {
        let running = locked(&self.inner.running);
        let found = running.get(&job);
        if let Some(running) = found {
            running.cancel.store(true, Ordering::Relaxed);
        }
        found.is_some()
    }

    /// Jobs of this process that are not over.
    pub fn running_jobs(&self) -> usize {
        locked(&self.inner.running)
            .values()
            .filter(|running| !running.job.state.is_over())
            .count()
    }

    fn run(&self, spec: &JobSpec, mut progress: Progress) {
        let outcome = catch_unwind(AssertUnwindSafe(|| match spec {
            JobSpec::Import(import) => crate::import::run(self, import, &mut progress),
            JobSpec::Index(rebuild) => crate::indexing::run(self, *rebuild, &mut progress),
            JobSpec::Vectors(rebuild) => crate::embedding::run(self, *rebuild, &mut progress),
            JobSpec::Measure => crate::judging::run(self, &mut progress),
            JobSpec::Push => crate::served::run(self, &mut progress),
            JobSpec::Check { source } => crate::check::run(self, source, &mut progress),
        }));
        let state = match outcome {
            Ok(Ok(Ending::Done { summary })) => JobState::Succeeded { summary },
            Ok(Ok(Ending::Cancelled)) => JobState::Cancelled,
            Ok(Err(failure)) => JobState::Failed { failure },
            Err(panic) => JobState::Failed {
                failure: of_panic(panic.as_ref()),
            },
        };
        if matches!(spec, JobSpec::Index(_)) {
            // A failed run leaves no promise behind.
            *locked(&self.inner.indexing) = Indexing::default();
        }
        let has_succeeded = matches!(state, JobState::Succeeded { .. });
        match spec {
            JobSpec::Index(_) | JobSpec::Vectors(_) | JobSpec::Push => {
                self.tell(&Event::Changed(Changed::Index));
            }
            JobSpec::Measure => self.tell(&Event::Changed(Changed::Judged)),
            JobSpec::Import(_) | JobSpec::Check { .. } => {
                self.tell(&Event::Changed(Changed::Rows));
            }
        }
        let indexes = has_succeeded && self.settings().index_after_import.value;
        progress.end(state);
        if indexes && matches!(spec, JobSpec::Import(_)) {
            let _ = self.start(JobSpec::Index(Rebuild::Incremental));
        }
    }
}

fn of_panic(panic: &(dyn std::any::Any + Send)) -> Failure {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    let said = semihv_domain::printable_line(&said).into_owned();
    Failure::new(
        "job",
        FailureKind::Internal,
        format!("semihv has a defect: {said}"),
    )
    .with_hint("run it again; what was stored is safe. `semihv doctor --report` helps to tell us")
}

/// The command line that does the same.
pub(crate) fn command_of(spec: &JobSpec) -> String {
    match spec {
        JobSpec::Import(import) => {
            let mut command = format!(
                "semihv import {} {} --as {}",
                import.kind,
                quoted(&import.path.to_string_lossy()),
                quoted(import.source_name())
            );
            for (flag, value) in [
                ("--model", &import.model),
                ("--questions", &import.questions),
            ] {
                if let Some(value) = value {
                    command.push_str(&format!(" {flag} {}", quoted(value)));
                }
            }
            if import.copies_images {
                command.push_str(" --copy");
            }
            command
        }
        JobSpec::Index(Rebuild::Incremental) => "semihv index".to_owned(),
        JobSpec::Index(Rebuild::FromNothing) => "semihv index --rebuild".to_owned(),
        JobSpec::Vectors(Rebuild::Incremental) => "semihv vectors".to_owned(),
        JobSpec::Vectors(Rebuild::FromNothing) => "semihv vectors --rebuild".to_owned(),
        JobSpec::Measure => "semihv retrieval eval --fit".to_owned(),
        JobSpec::Push => "semihv vectors --push".to_owned(),
        JobSpec::Check { source } => format!("semihv check {}", quoted(source)),
    }
}

/// As a POSIX shell reads it.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:+@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A job's voice: what it says goes to listeners often and to disk now and then.
pub(crate) struct Progress {
    engine: Engine,
    job: Job,
    store: Store,
    cancel: Arc<AtomicBool>,
    told: Instant,
    kept: Instant,
}

impl Progress {
    fn new(engine: Engine, job: Job, store: Store, cancel: Arc<AtomicBool>) -> Self {
        let now = Instant::now();
        Self {
            engine,
            job,
            store,
            cancel,
            told: now,
            kept: now,
        }
    }

    pub(crate) fn cancel_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancel)
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    pub(crate) fn say(&mut self, progress: JobProgress) {
        self.job.progress = progress;
        if self.told.elapsed() < TELL_EVERY {
            return;
        }
        self.told = Instant::now();
        self.publish();
    }

    /// The job when it is time to write it down for other processes. An import writes it into its
    /// own transaction: a second connection would wait for the first one, which is ours.
    pub(crate) fn due(&mut self) -> Option<&Job> {
        if self.kept.elapsed() < KEEP_EVERY {
            return None;
        }
        self.kept = Instant::now();
        Some(&self.job)
    }

    fn publish(&self) {
        if let Some(running) = locked(&self.engine.inner.running).get_mut(&self.job.id) {
            running.job = self.job.clone();
        }
        self.engine.tell(&Event::Job(self.job.clone()));
    }

    fn end(mut self, state: JobState) {
        self.job.state = state;
        self.job.ended = Some(now());
        if let Err(error) = self.store.update_job(&self.job) {
            tracing::error!(%error, "cannot keep the outcome of a job");
        }
        self.publish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_names_the_command_that_does_the_same() {
        let spec = JobSpec::Import(crate::ImportSpec {
            kind: "csv".into(),
            path: "/data/my set.csv".into(),
            name: Some("ward".into()),
            copies_images: true,
            is_dry_run: false,
            mapping: None,
            model: None,
            questions: None,
        });
        assert_eq!(
            command_of(&spec),
            "semihv import csv '/data/my set.csv' --as ward --copy"
        );
    }

    #[test]
    fn quotes_survive_a_shell() {
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }
}
