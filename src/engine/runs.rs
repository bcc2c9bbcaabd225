//! The logs that the manifest names.

use std::path::PathBuf;

use semihv_domain::{Failure, FailureKind, LineCount, Metric};
use semihv_runs::{FollowedLog, LogSnapshot, ReadLogError, Tail};

use crate::engine::{locked, now};
use crate::{Engine, LogView, Reply, RunSummary};

/// Names and paths: `[log.NAME]` entries, then the logs of recipes.
pub(crate) fn logs_of_manifest(engine: &Engine) -> Vec<(String, PathBuf)> {
    let manifest = engine.manifest();
    let mut logs: Vec<(String, PathBuf)> = manifest
        .log
        .iter()
        .map(|(name, log)| (name.clone(), engine.inner.places.resolve(&log.path)))
        .collect();
    for (name, recipe) in &manifest.recipe {
        for (number, path) in recipe.logs.iter().enumerate() {
            let name = if number == 0 {
                name.clone()
            } else {
                format!("{name}-{}", number + 1)
            };
            logs.push((name, engine.inner.places.resolve(path)));
        }
    }
    logs
}

/// Those, and the newest launched runs.
pub(crate) fn logs(engine: &Engine) -> Vec<(String, PathBuf)> {
    let mut logs = logs_of_manifest(engine);
    logs.extend(engine.logs_of_runs(SHOWN_RUNS));
    logs
}

/// Launched runs among the logs.
const SHOWN_RUNS: usize = 50;

/// The state of every followed log, from its end alone.
pub(crate) fn summaries(engine: &Engine) -> Vec<RunSummary> {
    logs(engine)
        .into_iter()
        .map(|(name, path)| {
            let outcome = with_log(engine, &name, &path, 1);
            let (last, modified, trouble) = match outcome {
                Ok(snapshot) => {
                    let last = loss(&snapshot.metrics).and_then(|metric| metric.points.last());
                    (last.copied(), snapshot.tail.modified, None)
                }
                Err(error) => (None, None, Some(error.to_string())),
            };
            RunSummary {
                name,
                path,
                last_step: last.map(|point| point.step),
                last_loss: last.map(|point| point.value),
                is_growing: modified.is_some_and(|modified| now() - modified < 60),
                trouble,
            }
        })
        .collect()
}

/// The series a person means by "loss".
fn loss(metrics: &[Metric]) -> Option<&Metric> {
    metrics
        .iter()
        .find(|metric| metric.name == "loss")
        .or_else(|| metrics.iter().find(|metric| metric.name.contains("loss")))
        .or_else(|| metrics.first())
}

pub(crate) fn log(engine: &Engine, run: &str, lines: usize) -> Result<Reply, Failure> {
    let named = logs(engine).into_iter().find(|(name, _)| name == run);
    // Any part of a run's name, however old it is.
    let named = named.or_else(|| {
        let name = engine.find_run(run).ok()?;
        let log = engine.run_view(&name).ok()?.log;
        Some((name, log))
    });
    let Some((name, path)) = named else {
        let summary = format!("no log and no run called {run}");
        return Err(Failure::new("log", FailureKind::User, summary).with_hint(
            "`semihv log` and `semihv runs` list them; [log.NAME] in semihv.toml adds one",
        ));
    };
    let snapshot = match with_log(engine, &name, &path, lines) {
        // A run that waits for its turn has printed nothing, which is no failure.
        Err(ReadLogError::Missing { .. }) if path.starts_with(engine.inner.places.runs()) => {
            LogSnapshot {
                tail: Tail {
                    lines: Vec::new(),
                    first_line: 0,
                    total_lines: LineCount::Exact(0),
                    modified: None,
                },
                metrics: Vec::new(),
            }
        }
        read => read.map_err(|error| Failure::of("log", FailureKind::Data, &error))?,
    };
    Ok(Reply::Log(Box::new(LogView {
        run: name,
        path,
        lines: snapshot.tail.lines,
        first_line: snapshot.tail.first_line,
        total_lines: snapshot.tail.total_lines,
        metrics: snapshot.metrics,
        modified: snapshot.tail.modified,
    })))
}

/// A log stays open between questions, so that only what was appended is parsed.
fn with_log(
    engine: &Engine,
    name: &str,
    path: &std::path::Path,
    lines: usize,
) -> Result<LogSnapshot, ReadLogError> {
    let mut followed = locked(&engine.inner.followed);
    let log = followed
        .entry((name.to_owned(), path.to_owned()))
        .or_insert_with(|| FollowedLog::new(path));
    log.refresh(lines)
}
