//! Slurm's own programs, asked with a deadline: a controller that is down lets them hang.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::status::{JobStatus, QUEUE_FIELDS, Queued, parse_accounting, parse_queue, parse_shown};
use crate::plain_line::plain_line;

/// For one question; whoever looks from afar waits 20 s in all.
const PATIENCE: Duration = Duration::from_secs(6);
/// A busy controller takes its time to accept a job.
const SUBMIT: Duration = Duration::from_mins(1);
/// What was asked so short a time ago is not asked again: the controller is everybody's.
const FRESH: Duration = Duration::from_secs(3);
/// Of what a program says.
const MOST_BYTES: u64 = 32 << 20;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlurmError {
    #[error("there is no {program} here; is this the login node of a Slurm cluster?")]
    Missing { program: String },
    #[error("Slurm cannot be asked: {said}")]
    Silent { said: String },
    #[error("Slurm refused it: {said}")]
    Refused { said: String },
}

type Heard = (Instant, Result<Arc<Vec<Queued>>, SlurmError>);

/// The queue as it was seen last.
#[derive(Debug, Default)]
pub struct Slurm {
    last: Mutex<Option<Heard>>,
}

impl Slurm {
    /// All jobs of this user that Slurm has not forgotten.
    pub fn queue(&self) -> Result<Arc<Vec<Queued>>, SlurmError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, queue)) = last.as_ref()
            && at.elapsed() < FRESH
        {
            return queue.clone();
        }
        let words = ["--me", "-r", "-h", "-t", "all", "-o", QUEUE_FIELDS];
        let asked = ask("squeue", &words, PATIENCE);
        let queue = asked.map(|said| Arc::new(parse_queue(&said)));
        *last = Some((Instant::now(), queue.clone()));
        queue
    }

    /// After something was asked of it.
    pub fn forget_queue(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// By accounting, where there is some; none where that knows nothing of it.
pub(super) fn accounted(job: &str) -> Option<JobStatus> {
    let fields = "JobID,State,ExitCode,Partition,NodeList";
    let words = ["-X", "-n", "--parsable2", "-o", fields, "-j", job];
    let said = ask("sacct", &words, PATIENCE).ok()?;
    parse_accounting(&said).remove(job)
}

/// With its code, which the queue does not say.
pub(super) fn shown(job: &str) -> Option<JobStatus> {
    let said = ask("scontrol", &["show", "job", "-o", job], PATIENCE).ok()?;
    said.lines().find_map(parse_shown)
}

/// Ends a job, also one that waits.
pub fn cancel_job(job: &str) -> Result<(), SlurmError> {
    ask("scancel", &[job], PATIENCE).map(drop)
}

pub(super) fn submit(words: &[String]) -> Result<String, SlurmError> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    ask("sbatch", &words, SUBMIT)
}

fn ask(program: &str, words: &[&str], patience: Duration) -> Result<String, SlurmError> {
    let silent = |said: String| SlurmError::Silent { said };
    let spawned = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => SlurmError::Missing {
            program: program.to_owned(),
        },
        _ => silent(format!("{program}: {error}")),
    })?;
    let (send, heard) = channel();
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let errors = thread::spawn(move || read(errors));
    thread::spawn(move || send.send(read(output)));
    let Ok(said) = heard.recv_timeout(patience) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(silent(format!(
            "{program} said nothing within {} s",
            patience.as_secs()
        )));
    };
    let status = child.wait().map_err(|error| silent(error.to_string()))?;
    let complaint = errors.join().unwrap_or_default();
    if status.success() {
        return Ok(said);
    }
    let said = in_a_line(&complaint).unwrap_or_else(|| status.to_string());
    Err(if is_silence(&complaint) {
        silent(said)
    } else {
        SlurmError::Refused { said }
    })
}

/// The first lines of a complaint; the last one often says less.
fn in_a_line(complaint: &str) -> Option<String> {
    let lines = complaint
        .lines()
        .map(|line| plain_line(line.trim().as_bytes()));
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).take(3).collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// What its programs say where the controller, the network or the authentication is not there.
fn is_silence(complaint: &str) -> bool {
    let words = [
        "Unable to contact slurm controller",
        "Socket timed out",
        "Zero Bytes were transmitted",
        "Connection refused",
        "Communication",
        "authentication",
    ];
    words.iter().any(|word| complaint.contains(word))
}

fn read(from: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let _ = from.take(MOST_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
