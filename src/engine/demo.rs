//! The demo workspace: drawn phantoms, invented cases, three invented models.

use std::path::Path;
use std::time::{Duration, Instant};

use semihv_domain::{Failure, FailureKind, Job, JobState};
use semihv_imaging::phantom;
use semihv_workspace::init_demo;
use serde::Serialize;

use crate::failures::OrFail;
use crate::{Engine, Event, JobSpec, OpenOptions, Overview, Query, Rebuild, Reply};

/// What `semihv demo` did, and how long each step took.
#[derive(Debug, Clone, Serialize)]
pub struct DemoSummary {
    pub overview: Overview,
    /// True when the workspace was there already and was kept.
    pub was_kept: bool,
    pub draw_ms: u128,
    pub import_ms: u128,
    pub index_ms: u128,
}

/// Makes the demo in `options.root`, or opens the one that is there and completes it.
pub fn demo(options: OpenOptions) -> Result<(Engine, DemoSummary), Failure> {
    let was_kept = options.root.join(semihv_workspace::MANIFEST).exists();
    init_demo(&options.root).or_fail("demo")?;
    let drawing = Instant::now();
    draw_pictures(&options.root)?;
    let draw_ms = drawing.elapsed().as_millis();
    let engine = Engine::open(options)?;
    let importing = Instant::now();
    import_manifest(&engine)?;
    let import_ms = importing.elapsed().as_millis();
    let indexing = Instant::now();
    run(&engine, JobSpec::Index(Rebuild::Incremental))?;
    let index_ms = indexing.elapsed().as_millis();
    let Reply::Overview(overview) = engine.ask(&Query::Overview)? else {
        return Err(Failure::new("demo", FailureKind::Internal, "no overview"));
    };
    Ok((
        engine,
        DemoSummary {
            overview,
            was_kept,
            draw_ms,
            import_ms,
            index_ms,
        },
    ))
}

/// Draws what is not there yet, on all cores: the pictures are code, not files.
fn draw_pictures(root: &Path) -> Result<(), Failure> {
    let folder = root.join("demo/images");
    std::fs::create_dir_all(&folder).or_fail("demo")?;
    let missing: Vec<&str> = phantom::phantoms()
        .iter()
        .map(|phantom| phantom.key)
        .filter(|key| !folder.join(format!("{key}.png")).exists())
        .collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = missing.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let folder = &folder;
        let drawing: Vec<_> = missing
            .chunks(share)
            .map(|keys| scope.spawn(move || keys.iter().try_for_each(|key| draw(key, folder))))
            .collect();
        drawing.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

fn draw(key: &str, folder: &Path) -> Result<(), Failure> {
    let Some(picture) = phantom::draw(key) else {
        return Ok(());
    };
    let png = semihv_imaging::png(&picture)
        .map_err(|error| Failure::of("demo", FailureKind::Internal, &error))?;
    semihv_workspace::write_atomically(&folder.join(format!("{key}.png")), &png).or_fail("demo")
}

/// Imports every source and corpus of the manifest that was never imported to its end. Answers
/// come last, since they are joined to questions.
fn import_manifest(engine: &Engine) -> Result<(), Failure> {
    let manifest = engine.manifest();
    let complete: Vec<String> = engine
        .sources()?
        .into_iter()
        .filter(|source| source.is_complete)
        .map(|source| source.name)
        .collect();
    let mut entries: Vec<_> = manifest.source.iter().chain(&manifest.corpus).collect();
    entries.sort_by_key(|(_, entry)| entry.kind == "predictions");
    for (name, entry) in entries {
        if !complete.contains(name) {
            let spec = engine.import_spec(&entry.kind, None, Some(name))?;
            run(engine, JobSpec::Import(spec))?;
        }
    }
    Ok(())
}

/// Starts a job and waits for its end.
pub(crate) fn run(engine: &Engine, spec: JobSpec) -> Result<Job, Failure> {
    engine.run_to_end(spec, |_| {})
}

impl Engine {
    /// Starts a job, hands its progress to `watch` and returns it when it is over. A failed job
    /// is returned as its failure.
    pub fn run_to_end(&self, spec: JobSpec, mut watch: impl FnMut(&Job)) -> Result<Job, Failure> {
        let events = self.subscribe();
        let started = self.start(spec)?;
        loop {
            // The time-out only guards against a job thread that could not say goodbye.
            match events.recv_timeout(Duration::from_secs(1)) {
                Ok(Event::Job(job)) if job.id == started.id => {
                    watch(&job);
                    if job.state.is_over() {
                        return match job.state {
                            JobState::Failed { failure } => Err(failure),
                            _ => Ok(job),
                        };
                    }
                }
                Ok(_) | Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                    let summary = "the job's thread vanished";
                    return Err(Failure::new("job", FailureKind::Internal, summary));
                }
            }
        }
    }
}
