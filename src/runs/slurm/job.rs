//! A run's job: asked for once, looked at, and begun again by Slurm.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use semihv_workspace::{JobEntry, JobError, LockError, lock, write_atomically};
use serde::{Deserialize, Serialize};

use super::ask::{Slurm, SlurmError, accounted, shown, submit};
use super::script::{Asked, TASK, job_name, script, words};
use super::state::{Word, state_in_queue};
use super::status::{JobStatus, Queued, Stage, parse_submitted};
use crate::attempt::{
    Attempt, EVENTS, ExitRecord, Journal, LookError, Moment, StartRecord, asked_by, look,
};
use crate::folder::{attempt_folder, attempts, begin};
use crate::resume::resumed;

const NAME: &str = "slurm.json";
const SCRIPT: &str = "batch.sh";
/// Between the end of a job that is requeued and its place in the queue lies less.
const SETTLING_MS: i64 = 5_000;
/// A queue that was asked for is not believed to lack a job that is younger than this.
const JUST_MADE_MS: i64 = 60_000;

#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    #[error(transparent)]
    Slurm(#[from] SlurmError),
    #[error(transparent)]
    Job(#[from] JobError),
    #[error("sbatch did not say which job it made: {said:?}")]
    NoJob { said: String },
    #[error("cannot write to {path}")]
    Io { path: PathBuf, source: io::Error },
}

/// Written beside the start record as soon as it is known.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    job: String,
    /// Its end: Slurm forgets.
    end: Option<JobStatus>,
    /// When it was first said to be over, in milliseconds since 1970.
    #[serde(default)]
    over_since: Option<i64>,
}

impl Kept {
    fn new(job: String) -> Self {
        Self {
            job,
            end: None,
            over_since: None,
        }
    }

    fn read(attempt: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(attempt.join(NAME)).ok()?).ok()
    }

    /// It was said to be over for so long that it is. A clock that was set back settles it as well.
    fn is_settled(&self) -> bool {
        let since = self.over_since.map(|since| Moment::now().wall_ms - since);
        self.end.is_some() && since.is_none_or(|since| !(0..SETTLING_MS).contains(&since))
    }

    fn write(&self, attempt: &Path) -> io::Result<()> {
        write_atomically(&attempt.join(NAME), &serde_json::to_vec(self)?)
    }
}

/// A run's job as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// `12`, or `12_3` of an array.
    pub job: String,
    /// As Slurm said them last; empty: not said.
    pub partition: String,
    pub reason: String,
    pub nodes: String,
    /// Why Slurm cannot be asked.
    pub silent: Option<String>,
}

impl JobView {
    /// `Job 12 in partition gpu, on n1`.
    pub fn said(&self) -> String {
        let mut said = format!("Job {}", self.job);
        let parts = [
            (" in partition ", &self.partition),
            (", on ", &self.nodes),
            (", waits: ", &self.reason),
        ];
        for (before, part) in parts.iter().filter(|(_, part)| !part.is_empty()) {
            said.push_str(before);
            said.push_str(part);
        }
        said
    }
}

/// The job of an attempt; none where it is not known yet.
pub fn job_of(attempt: &Path) -> Option<String> {
    Kept::read(attempt).map(|kept| kept.job)
}

/// One record for every task of an array, each a run of its own; else the record itself.
pub fn tasks(record: &StartRecord) -> Result<Vec<StartRecord>, JobError> {
    let job = record.job.clone().unwrap_or_default();
    let numbers = job.tasks()?;
    if numbers.is_empty() {
        return Ok(vec![record.clone()]);
    }
    let task = |number: u32| {
        let mut record = record.clone();
        record.run = format!("{}-{number}", record.run);
        record.job = Some(JobEntry {
            array: None,
            ..job.clone()
        });
        // One that is resumed alone is in no array any more.
        let number = number.to_string();
        record.sets.insert("SLURM_ARRAY_TASK_ID".to_owned(), number);
        record
    };
    Ok(numbers.into_iter().map(task).collect())
}

/// Asks Slurm for the job of a record whose attempts have begun in `runs`. Asked twice, also after an
/// answer that was lost, there is one job: it is known by its name.
pub fn submit_job(
    (program, runs): (&Path, &Path),
    record: &StartRecord,
    dependency: &str,
    slurm: &Slurm,
) -> Result<(), SubmitError> {
    let tasks = tasks(record)?;
    let folder = |record: &StartRecord| attempt_folder(runs, &record.run, record.attempt);
    let folders: Vec<PathBuf> = tasks.iter().map(folder).collect();
    let Some(first) = folders.first() else {
        return Ok(());
    };
    let io = |path: &Path, source| SubmitError::Io {
        path: path.to_owned(),
        source,
    };
    let _lock = match lock(&first.join("submit.lock")) {
        Ok(lock) => lock,
        // Somebody asks this very moment.
        Err(LockError::Held { .. }) => return Ok(()),
        Err(LockError::Io { path, source }) => return Err(SubmitError::Io { path, source }),
    };
    if Kept::read(first).is_some() {
        return Ok(());
    }
    slurm.forget_queue();
    let job = match named(record, slurm)? {
        Some(job) => job,
        None => ask(program, (record, runs, first), dependency, slurm)?,
    };
    slurm.forget_queue();
    let is_array = record.job.as_ref().is_some_and(|job| job.array.is_some());
    for (folder, task) in folders.iter().zip(&tasks) {
        let number = task.sets.get("SLURM_ARRAY_TASK_ID").filter(|_| is_array);
        let job = number.map_or_else(|| job.clone(), |number| format!("{job}_{number}"));
        let kept = Kept::new(job);
        kept.write(folder).map_err(|source| io(folder, source))?;
    }
    Ok(())
}

/// The number of the job with the record's name, without its task.
fn named(record: &StartRecord, slurm: &Slurm) -> Result<Option<String>, SlurmError> {
    let name = job_name(record);
    let queue = slurm.queue()?;
    let found = queue.iter().find(|queued| queued.name == name);
    Ok(found.map(|queued| {
        let job = queued.job.split('_').next();
        job.unwrap_or_default().to_owned()
    }))
}

fn ask(
    program: &Path,
    (record, runs, first): (&StartRecord, &Path, &Path),
    dependency: &str,
    slurm: &Slurm,
) -> Result<String, SubmitError> {
    let job = record.job.clone().unwrap_or_default();
    let is_array = job.array.is_some();
    let attempt = if is_array {
        let run = format!("{}-{TASK}", record.run);
        attempt_folder(runs, &run, record.attempt)
    } else {
        first.to_owned()
    };
    let path = first.join(SCRIPT);
    fs::write(&path, script(program, &attempt)).map_err(|source| SubmitError::Io {
        path: path.clone(),
        source,
    })?;
    let (job, attempt) = (&job, attempt.as_path());
    let mut words = words(Asked {
        record,
        job,
        attempt,
        dependency,
    });
    words.push(path.display().to_string());
    match submit(&words) {
        Ok(said) => parse_submitted(&said).ok_or(SubmitError::NoJob { said }),
        // It may have been accepted all the same.
        Err(error @ SlurmError::Silent { .. }) => {
            slurm.forget_queue();
            Ok(named(record, slurm)?.ok_or(error)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// An attempt that Slurm runs, as it stands now.
pub fn look_at_job(attempt: &Path, slurm: &Slurm) -> Result<(Attempt, Option<JobView>), LookError> {
    let record = StartRecord::read(attempt)?;
    // Slurm first: what ends in between has its record by then.
    let (word, view) = word(attempt, &record, slurm);
    let io = |source| LookError::Io {
        path: attempt.to_owned(),
        source,
    };
    let journal = Journal::read(&attempt.join(EVENTS)).map_err(io)?;
    let mut looked = look(attempt)?;
    let exit = ExitRecord::read(attempt).map_err(io)?;
    let by = asked_by(attempt);
    looked.state = state_in_queue(&journal, exit.as_ref(), &word, by.as_deref());
    Ok((looked, view))
}

fn word(attempt: &Path, record: &StartRecord, slurm: &Slurm) -> (Word, Option<JobView>) {
    let kept = Kept::read(attempt);
    let settled = kept.as_ref().filter(|kept| kept.is_settled());
    if let Some(Kept {
        job,
        end: Some(end),
        ..
    }) = settled
    {
        return (Word::Said(end.clone()), Some(view(job, Some(end), None)));
    }
    let queue = match slurm.queue() {
        Ok(queue) => queue,
        Err(error) => return unheard(attempt, kept, &error),
    };
    let kept = kept.or_else(|| {
        let job = named(record, slurm).ok().flatten()?;
        let kept = Kept::new(job);
        kept.write(attempt).ok()?;
        Some(kept)
    });
    let Some(kept) = kept else {
        let age_ms = Moment::now().wall_ms - record.asked_at;
        return (Word::NotSubmitted { age_ms }, None);
    };
    let job = &kept.job;
    let status = match in_queue(job, &queue) {
        Some(status) if status.stage == Stage::Failed => {
            accounted(job).or_else(|| shown(job)).or(Some(status))
        }
        Some(status) => Some(status),
        None => accounted(job).or_else(|| asked_anew(job, record, slurm)),
    };
    // What it said last, when it has forgotten meanwhile.
    let Some(status) = status.or_else(|| kept.end.clone()) else {
        return (Word::Forgotten, Some(view(job, None, None)));
    };
    let view = view(job, Some(&status), None);
    let is_settled = keep_end(attempt, &kept, &status);
    let word = if is_settled {
        Word::Said
    } else {
        Word::Settling
    };
    (word(status), Some(view))
}

fn in_queue(job: &str, queue: &[Queued]) -> Option<JobStatus> {
    let queued = queue.iter().find(|queued| queued.job == job);
    queued.map(|queued| queued.status.clone())
}

/// What the queue is now: the one at hand may be from before another process made the job.
fn asked_anew(job: &str, record: &StartRecord, slurm: &Slurm) -> Option<JobStatus> {
    if Moment::now().wall_ms - record.asked_at > JUST_MADE_MS {
        return None;
    }
    slurm.forget_queue();
    in_queue(job, &slurm.queue().ok()?)
}

/// Accounting may still answer; of a job that is not over it says what was.
fn unheard(attempt: &Path, kept: Option<Kept>, error: &SlurmError) -> (Word, Option<JobView>) {
    let Some(kept) = kept else {
        return (Word::Silent, None);
    };
    let job = &kept.job;
    if let Some(status) = accounted(job).filter(|status| status.stage.is_over()) {
        keep_end(attempt, &kept, &status);
        let view = view(job, Some(&status), None);
        return (Word::Said(status), Some(view));
    }
    let view = view(job, None, Some(error.to_string()));
    (Word::Silent, Some(view))
}

/// Whether it is over for good, or goes on. A job that is requeued is said to be over for a moment.
fn keep_end(attempt: &Path, kept: &Kept, status: &JobStatus) -> bool {
    let is_over = status.stage.is_over();
    let now = Moment::now().wall_ms;
    let over_since = is_over.then(|| kept.over_since.unwrap_or(now));
    let end = is_over.then(|| status.clone());
    let job = kept.job.clone();
    let next = Kept {
        job,
        end,
        over_since,
    };
    if next.end != kept.end || next.over_since != kept.over_since {
        // Asked again the next time.
        let _ = next.write(attempt);
    }
    !is_over || next.is_settled()
}

fn view(job: &str, status: Option<&JobStatus>, silent: Option<String>) -> JobView {
    let said = |of: fn(&JobStatus) -> &String| status.map(of).cloned().unwrap_or_default();
    JobView {
        job: job.to_owned(),
        partition: said(|status| &status.partition),
        reason: if status.is_some_and(|status| status.stage == Stage::Pending) {
            said(|status| &status.reason)
        } else {
            String::new()
        },
        nodes: said(|status| &status.nodes),
        silent,
    }
}

/// Which attempt a batch script is to supervise: a job that Slurm begins again goes on as the run's
/// next attempt, from its latest checkpoint.
pub(crate) fn attempt_of_job(attempt: &Path, restarts: u32) -> Result<PathBuf, String> {
    let run = attempt.parent().ok_or("the run's folder cannot be told")?;
    let all = attempts(run).map_err(|error| error.to_string())?;
    let same_job = |folder: &Path| job_of(folder) == job_of(attempt);
    let newest = all.into_iter().rev().find(|(_, folder)| same_job(folder));
    let newest = newest.map_or_else(|| attempt.to_owned(), |(_, folder)| folder);
    let journal = Journal::read(&newest.join(EVENTS)).map_err(|error| error.to_string())?;
    if restarts == 0 || journal.lines.is_empty() {
        return Ok(newest);
    }
    let before = StartRecord::read(&newest).map_err(|error| error.to_string())?;
    let next = resumed(&before).map_err(|error| error.to_string())?;
    begin_in_job(&newest, &next)
}

/// The next attempt in the job of the one before.
pub(crate) fn begin_in_job(before: &Path, next: &StartRecord) -> Result<PathBuf, String> {
    let runs = before.parent().and_then(Path::parent);
    let runs = runs.ok_or("the folder of runs cannot be told")?;
    let folder = begin(runs, next).map_err(|error| error.to_string())?;
    if let Some(job) = job_of(before) {
        let kept = Kept::new(job);
        kept.write(&folder).map_err(|error| error.to_string())?;
    }
    Ok(folder)
}
