//! `import`, `index` and `check`: long work with a bar for people and lines for programs.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use semihv_domain::{Job, JobProgress, JobState};
use semihv_engine::{Alone, Engine, JobSpec, Rebuild, VectorPlan, work_alone};

use crate::args::ImportArguments;
use crate::output::{Output, VerbError, grouped, is_watched};

/// How often a job says how far it is where nobody watches.
const TELL_EVERY: Duration = Duration::from_secs(30);

pub(crate) fn import(
    engine: &Engine,
    arguments: &ImportArguments,
    output: &mut Output,
) -> Result<(), VerbError> {
    let mut spec = engine.import_spec(
        &arguments.kind,
        arguments.path.as_deref(),
        arguments.name.as_deref(),
    )?;
    spec.copies_images |= arguments.copy;
    spec.model = arguments.model.clone().or(spec.model);
    spec.questions = arguments.questions.clone().or(spec.questions);
    if arguments.dry_run {
        return dry_run(engine, &spec, output);
    }
    run(engine, JobSpec::Import(spec.clone()), output)?;
    let skipped = engine
        .sources()?
        .into_iter()
        .find(|source| source.name == spec.source_name())
        .map_or(0, |source| source.skipped);
    if skipped > 0 && !output.is_json() {
        let line = format!(
            "{skipped} {} skipped: `semihv skipped {}` says why",
            if skipped == 1 { "row was" } else { "rows were" },
            spec.source_name()
        );
        output.line(&line)?;
    }
    if engine.settings().index_after_import.value {
        run(engine, JobSpec::Index(Rebuild::Incremental), output)?;
    }
    Ok(())
}

fn dry_run(
    engine: &Engine,
    spec: &semihv_engine::ImportSpec,
    output: &mut Output,
) -> Result<(), VerbError> {
    let found = engine.dry_run(spec, &AtomicBool::new(false))?;
    if output.is_json() {
        output.json(&serde_json::json!({ "dry_run": found.counts }))?;
        for skipped in &found.skipped {
            output.json(&serde_json::json!({ "skipped": skipped }))?;
        }
        return Ok(());
    }
    let counts = found.counts;
    output.line(&format!(
        "would import {} cases, {} images ({} missing), {} questions, {} answers, {} guidelines, \
         {} passages; skip {} rows. Nothing was stored.",
        counts.cases,
        counts.images,
        counts.missing_images,
        counts.questions,
        counts.answers,
        counts.guidelines,
        counts.passages,
        counts.skipped
    ))?;
    for skipped in &found.skipped {
        let line = skipped
            .at
            .line
            .map(|line| format!(":{line}"))
            .unwrap_or_default();
        output.line(&format!("  {}{line}: {}", skipped.at.file, skipped.reason))?;
    }
    Ok(())
}

pub(crate) fn index(engine: &Engine, rebuild: bool, output: &mut Output) -> Result<(), VerbError> {
    run(engine, JobSpec::Index(how(rebuild)), output)
}

pub(crate) fn vectors(
    engine: &Engine,
    (rebuild, graph_from, push): (bool, usize, bool),
    output: &mut Output,
) -> Result<(), VerbError> {
    engine.plan_vectors(VectorPlan {
        graph_from,
        ..VectorPlan::default()
    });
    // Bringing them to the server brings them up to date.
    if rebuild || !push {
        run(engine, JobSpec::Vectors(how(rebuild)), output)?;
    }
    if push {
        run(engine, JobSpec::Push, output)?;
    }
    Ok(())
}

/// The workbench goes first where there are few processors.
pub(crate) fn vectors_alone(folder: &Path, graph: Option<&str>) -> Result<(), VerbError> {
    let _ = rustix::process::nice(10);
    let work = graph.map_or(Alone::Compact, Alone::Graph);
    Ok(work_alone(folder, work, &mut std::io::stdout())?)
}

fn how(rebuild: bool) -> Rebuild {
    if rebuild {
        Rebuild::FromNothing
    } else {
        Rebuild::Incremental
    }
}

pub(crate) fn check(engine: &Engine, source: &str, output: &mut Output) -> Result<(), VerbError> {
    engine.require_source(source)?;
    run(
        engine,
        JobSpec::Check {
            source: source.to_owned(),
        },
        output,
    )
}

fn run(engine: &Engine, spec: JobSpec, output: &mut Output) -> Result<(), VerbError> {
    // A job's own indexing run afterwards is left to the verb, which shows it.
    let mut bar = (is_watched() && !output.is_json()).then(Bar::new);
    let mut broken = None;
    let mut told = Instant::now();
    let job = engine.run_to_end(spec, |job| {
        if let Some(bar) = &mut bar {
            bar.show(&job.progress);
        } else if output.is_json() && broken.is_none() {
            broken = output.json(&serde_json::json!({ "job": job })).err();
        } else if !output.is_json() && told.elapsed() > TELL_EVERY {
            told = Instant::now();
            // For a log that somebody reads later; the outcome goes to the output.
            let _ = writeln!(std::io::stderr(), "{}", so_far(job));
        }
    });
    if let Some(bar) = bar {
        bar.bar.finish_and_clear();
    }
    let job = job?;
    if let Some(error) = broken {
        return Err(error.into());
    }
    if !output.is_json() {
        output.line(&said(&job))?;
    }
    Ok(())
}

/// `vectors: 1 280 of 4 559 rows`.
fn so_far(job: &Job) -> String {
    let progress = &job.progress;
    let of = progress
        .total
        .map(|total| format!(" of {}", grouped(total)));
    format!(
        "{}: {}{} {}",
        job.kind.name(),
        grouped(progress.done),
        of.unwrap_or_default(),
        progress.unit
    )
}

fn said(job: &Job) -> String {
    let seconds = job.ended.map_or(0, |ended| ended - job.started);
    let outcome = match &job.state {
        JobState::Succeeded { summary } => summary.clone(),
        other => other.name().to_owned(),
    };
    match seconds {
        0 | 1 => format!("{}: {outcome}", job.kind.name()),
        seconds => format!("{}: {outcome} in {seconds} s", job.kind.name()),
    }
}

/// A bar once the total is known, a spinner before.
struct Bar {
    bar: ProgressBar,
    has_total: bool,
}

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            bar,
            has_total: false,
        }
    }

    fn show(&mut self, progress: &JobProgress) {
        if progress.total.is_some() && !self.has_total {
            let counts = if progress.unit == "bytes" {
                "{bytes}/{total_bytes} {bytes_per_sec} ETA {eta} {msg}"
            } else {
                "{pos}/{len} {per_sec} ETA {eta} {msg}"
            };
            // A template that cannot be read leaves the plain bar: no reason to stop an import.
            if let Ok(style) = ProgressStyle::with_template(&format!("{{bar:24}} {counts}")) {
                self.bar.set_style(style);
            }
            self.has_total = true;
        }
        // The graph of a pool is counted anew.
        if let Some(total) = progress.total {
            self.bar.set_length(total);
        }
        self.bar.set_position(progress.done);
        let skipped = match progress.skipped {
            0 => String::new(),
            skipped => format!(", {skipped} skipped"),
        };
        let message = match progress.unit.as_str() {
            // Of a step within the job.
            unit if unit.contains(": ") => unit.to_owned(),
            _ => format!("{} rows{skipped}", progress.rows),
        };
        self.bar.set_message(message);
    }
}
