//! Graphs over the vectors of large pools: each built by a process of its own, because what builds
//! it may print, panic or end its process. A pool without one is scanned.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use semihv_domain::{Failure, FailureKind, JobProgress, Pool};
use semihv_vectors::{GraphReport, GraphSettings, VectorIndex, build_graph};
use serde::{Deserialize, Serialize};

use crate::Engine;
use crate::engine::locked;
use crate::failures::OrFail;
use crate::jobs::Progress;

/// The verb of the process that builds one.
pub const GRAPH_VERB: &str = "vectors-graph";

/// Lines that wait to be read; then the child waits too.
const LINES: usize = 64;

/// How often a wish to stop is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// When graphs are built, and by what.
#[derive(Debug, Clone)]
pub struct GraphPlan {
    /// Rows of a pool. Below, a scan of all of them takes a few milliseconds and a graph minutes.
    pub from: usize,
    /// `None`: this program.
    pub program: Option<PathBuf>,
}

impl Default for GraphPlan {
    fn default() -> Self {
        Self {
            from: 100_000,
            program: None,
        }
    }
}

/// A line of the child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Graph { step: String, done: u64, of: u64 },
    Error(Failure),
}

/// How the graphs of all pools ended.
pub(crate) enum Graphs {
    /// What is to be said of them.
    Done(Vec<String>),
    Cancelled,
}

impl Engine {
    /// For jobs that start from now on.
    pub fn plan_graphs(&self, plan: GraphPlan) {
        *locked(&self.inner.graphs) = plan;
    }
}

/// Builds what is missing. A graph that cannot be built is no failure of the vectors.
pub(crate) fn run(
    engine: &Engine,
    index: &VectorIndex,
    progress: &mut Progress,
) -> Result<Graphs, Failure> {
    let plan = locked(&engine.inner.graphs).clone();
    let mut said = Vec::new();
    for pool in Pool::ALL {
        let name = pool.name();
        let is_wanted = index.settled_rows(name) >= plan.from.max(1);
        if !is_wanted || index.graph(name).is_some() {
            continue;
        }
        let child = begin(&plan, &engine.inner.places.vectors(), name)?;
        match followed(child, name, progress) {
            Outcome::Cancelled => return Ok(Graphs::Cancelled),
            Outcome::Failed(why) => {
                tracing::warn!(%why, pool = name, "no graph could be built");
                said.push(format!("no graph for {name}, every row is scanned: {why}"));
            }
            Outcome::Built => said.extend(index.graph(name).map(|report| told(name, &report))),
        }
    }
    Ok(Graphs::Done(said))
}

fn told(pool: &str, report: &GraphReport) -> String {
    let audit = &report.audit;
    if !report.is_served {
        return format!("the graph for {pool} finds too little, every row is scanned");
    }
    format!(
        "graph for {pool}: {:.1} % of the 10 nearest found at ef {}, {:.1} % of 100 at {}",
        f64::from(audit.recall_10) / 100.0,
        audit.ef_10,
        f64::from(audit.recall_100) / 100.0,
        audit.ef_100,
    )
}

fn begin(plan: &GraphPlan, folder: &Path, pool: &str) -> Result<Child, Failure> {
    let program = match &plan.program {
        Some(program) => program.clone(),
        None => std::env::current_exe().or_fail("vectors")?,
    };
    Command::new(program)
        .arg(GRAPH_VERB)
        .arg(folder)
        .arg(pool)
        // The child ends when this pipe is closed, however this process ends.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .or_fail("vectors")
}

enum Outcome {
    Built,
    Cancelled,
    Failed(String),
}

fn followed(mut child: Child, pool: &str, progress: &mut Progress) -> Outcome {
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
            Ok(Line::Graph { step, done, of }) => progress.say(JobProgress {
                done,
                total: Some(of),
                unit: format!("graph for {pool}: {step}"),
                rows: done,
                skipped: 0,
            }),
            Ok(Line::Error(failure)) => error = Some(failure.summary),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break ended(child, error),
        }
    };
    drop(lines);
    let _ = reader.join();
    outcome
}

fn ended(mut child: Child, error: Option<String>) -> Outcome {
    match child.wait() {
        Ok(status) if status.success() => Outcome::Built,
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

/// What the child does: builds one graph, tells how far it is in lines on `output`, and ends the
/// process when its input is closed.
pub fn build_graph_alone(folder: &Path, pool: &str, output: &mut dyn Write) -> Result<(), Failure> {
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
    let settings = GraphSettings::default();
    let built = build_graph(folder, pool, settings, &mut |progress| {
        tell(&Line::Graph {
            step: progress.step.to_owned(),
            done: progress.done as u64,
            of: progress.of as u64,
        });
    });
    built.map(|_| ()).map_err(|error| {
        let failure = Failure::of("vectors", FailureKind::Config, &error);
        tell(&Line::Error(failure.clone()));
        failure
    })
}
