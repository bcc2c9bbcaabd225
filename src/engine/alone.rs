//! Long work on the vectors by a process of its own, because what builds a graph may print, panic
//! or end its process, and because a wish to stop ends the process at once, whatever it does.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use semihv_domain::{Failure, FailureKind, JobProgress};
use semihv_vectors::{GraphSettings, Opened, VectorIndex, build_graph};
use serde::{Deserialize, Serialize};

use crate::Engine;
use crate::engine::locked;
use crate::failures::OrFail;
use crate::jobs::Progress;

/// The verb of that process.
pub const ALONE_VERB: &str = "vectors-alone";

/// Lines that wait to be read; then the child waits too.
const LINES: usize = 64;

/// How often a wish to stop is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is done when vectors are made, and by what.
#[derive(Debug, Clone)]
pub struct VectorPlan {
    /// Rows of a pool that get a graph. Below, a scan of all of them takes a few milliseconds and
    /// a graph minutes.
    pub graph_from: usize,
    /// Rows of all pools that are compacted in another process. Below, that takes a blink.
    pub compact_alone_from: usize,
    /// Whose [`ALONE_VERB`] is run; `None`: this program's.
    pub program: Option<PathBuf>,
}

impl Default for VectorPlan {
    fn default() -> Self {
        Self {
            graph_from: 100_000,
            compact_alone_from: 20_000,
            program: None,
        }
    }
}

/// What the process is to do.
#[derive(Debug, Clone, Copy)]
pub enum Alone<'a> {
    /// Builds the graph of a pool.
    Graph(&'a str),
    Compact,
}

/// A line of the child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Step { step: String, done: u64, of: u64 },
    Error(Failure),
}

/// How the child ended.
pub(crate) enum Outcome {
    Done,
    Cancelled,
    Failed(String),
}

impl Engine {
    /// For jobs that start from now on.
    pub fn plan_vectors(&self, plan: VectorPlan) {
        *locked(&self.inner.vector_plan) = plan;
    }
}

/// Runs a child to its end. `what` stands before its steps in the progress.
pub(crate) fn run(
    engine: &Engine,
    (work, what): (Alone<'_>, &str),
    progress: &mut Progress,
) -> Result<Outcome, Failure> {
    let plan = locked(&engine.inner.vector_plan).clone();
    let child = begin(&plan, &engine.inner.places.vectors(), work)?;
    Ok(followed(child, what, progress))
}

fn begin(plan: &VectorPlan, folder: &Path, work: Alone<'_>) -> Result<Child, Failure> {
    let program = match &plan.program {
        Some(program) => program.clone(),
        None => std::env::current_exe().or_fail("vectors")?,
    };
    let mut command = Command::new(program);
    command.arg(ALONE_VERB).arg(folder);
    if let Alone::Graph(pool) = work {
        command.arg("--graph").arg(pool);
    }
    command
        // The child ends when this pipe is closed, however this process ends.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .or_fail("vectors")
}

fn followed(mut child: Child, what: &str, progress: &mut Progress) -> Outcome {
    let Some(stdout) = child.stdout.take() else {
        return ended(child, None);
    };
    let (sender, lines) = mpsc::sync_channel(LINES);
    let reader = std::thread::spawn(move || read_lines(stdout, &sender));
    let mut error = None;
    let outcome = loop {
        if progress.is_cancelled() {
            let _ = child.kill();
            let _ = child.wait();
            break Outcome::Cancelled;
        }
        match lines.recv_timeout(LOOK_EVERY) {
            Ok(Line::Step { step, done, of }) => progress.say(said(what, &step, (done, of))),
            Ok(Line::Error(failure)) => error = Some(failure.summary),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break ended(child, error),
        }
    };
    drop(lines);
    let _ = reader.join();
    outcome
}

pub(crate) fn said(what: &str, step: &str, (done, of): (u64, u64)) -> JobProgress {
    JobProgress {
        done,
        total: Some(of),
        unit: format!("{what}: {step}"),
        rows: done,
        skipped: 0,
    }
}

fn ended(mut child: Child, error: Option<String>) -> Outcome {
    match child.wait() {
        Ok(status) if status.success() => Outcome::Done,
        Ok(status) => Outcome::Failed(error.unwrap_or_else(|| format!("it ended by {status}"))),
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

/// Only our own lines: hnsw_rs prints too.
fn read_lines(stdout: ChildStdout, lines: &mpsc::SyncSender<Line>) {
    for line in BufReader::new(stdout).split(b'\n') {
        let Ok(line) = line else {
            return;
        };
        if let Ok(line) = serde_json::from_slice(&line)
            && lines.send(line).is_err()
        {
            return;
        }
    }
}

/// What the child does: its work, telling how far it is in lines on `output`. It ends the process
/// when its input is closed.
pub fn work_alone(folder: &Path, work: Alone<'_>, output: &mut dyn Write) -> Result<(), Failure> {
    std::thread::spawn(|| {
        let mut rest = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut rest);
        std::process::exit(1);
    });
    let mut tell = |line: &Line| {
        let text = serde_json::to_string(line).unwrap_or_default();
        // Nobody listens any more: the thread above ends this process.
        let _ = writeln!(output, "{text}").and_then(|()| output.flush());
    };
    let mut step = |step: &str, done: usize, of: usize| {
        let (step, done, of) = (step.to_owned(), done as u64, of as u64);
        tell(&Line::Step { step, done, of });
    };
    let done = match work {
        Alone::Graph(pool) => {
            let built = build_graph(folder, pool, GraphSettings::default(), &mut |progress| {
                step(progress.step, progress.done, progress.of);
            });
            built
                .map(|_| ())
                .map_err(|error| Failure::of("vectors", FailureKind::Config, &error))
        }
        Alone::Compact => compacted(folder, &mut step),
    };
    done.inspect_err(|failure| tell(&Line::Error(failure.clone())))
}

fn compacted(folder: &Path, step: &mut dyn FnMut(&str, usize, usize)) -> Result<(), Failure> {
    let opened = VectorIndex::open(folder).or_fail("vectors")?;
    if let Opened::Ready(index) | Opened::Repaired { index, .. } = opened {
        let mut say = |progress: semihv_vectors::Progress| {
            step(progress.step, progress.done, progress.of);
        };
        index.compact(&mut say).or_fail("vectors")?;
    }
    Ok(())
}
