//! The import job: one thread reads and parses, this one stores, a bounded queue between them.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use semihv_curation::{ImportError, ImportRequest, Importer, importer};
use semihv_domain::{
    CaseDraft, Failure, FailureKind, Imported, JobProgress, Shape, Sink, Skipped, SkippedAt,
};
use semihv_workspace::{Durability, ImportCounts, ImportRows, StoreError, lock};
use serde::Serialize;

use crate::engine::now;
use crate::failures::OrFail;
use crate::jobs::{Ending, Progress};
use crate::pictures::{copy_picture, relative_location};
use crate::{Engine, ImportSpec};

/// Rows handed over at once.
const HANDFUL: usize = 256;
/// Handfuls that may wait. A full queue makes the reader wait for the disk.
const WAITING: usize = 16;
/// Pictures whose headers are read right after an import; more wait for `semihv check`.
const CHECKED_AT_ONCE: usize = 20_000;

/// What a dry run would import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DryRun {
    pub counts: ImportCounts,
    /// The first hundred.
    #[serde(skip)]
    pub skipped: Vec<Skipped>,
}

enum Handed {
    Row(Box<Imported>),
    Skipped(Skipped),
}

/// What both threads look at.
#[derive(Default)]
struct Pace {
    read: AtomicU64,
    /// 0 while unknown.
    total: AtomicU64,
    stop: AtomicBool,
    /// The input could not be read; what was read before stays.
    has_failed: AtomicBool,
}

pub(crate) fn run(
    engine: &Engine,
    spec: &ImportSpec,
    progress: &mut Progress,
) -> Result<Ending, Failure> {
    let _lock = lock(&engine.inner.places.lock("import")).or_fail("import")?;
    let importer = importer(&spec.kind).or_fail("import")?;
    let request = request(spec)?;
    let pace = Arc::new(Pace::default());
    let (sender, receiver) = sync_channel(WAITING);
    let copies_to = spec
        .copies_images
        .then(|| engine.inner.places.copied_images(spec.source_name()));
    let (stored, read) = std::thread::scope(|scope| {
        let reading = {
            let pace = Arc::clone(&pace);
            let request = &request;
            let copies_to = copies_to.as_deref();
            scope.spawn(move || read(importer, request, sender, pace, copies_to))
        };
        let stored = store(engine, spec, &receiver, &pace, progress);
        // Whatever ended the storing ends the reading: it finds the flag or a closed queue.
        pace.stop.store(true, Ordering::Relaxed);
        drop(receiver);
        (stored, reading.join())
    });
    let read = read.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let (counts, was_stopped) = stored?;
    read.or_fail("import")?;
    if was_stopped {
        return Ok(Ending::Cancelled);
    }
    if is_all_skipped(&counts) {
        return Err(all_skipped(engine, spec, counts.skipped));
    }
    check_pictures(engine, spec, progress)?;
    Ok(Ending::Done {
        summary: summary(&counts),
    })
}

fn is_all_skipped(counts: &ImportCounts) -> bool {
    counts.skipped > 0 && counts.cases + counts.questions + counts.answers + counts.guidelines == 0
}

/// Nothing was taken: that is no success, and the first reason says most.
fn all_skipped(engine: &Engine, spec: &ImportSpec, rows: u64) -> Failure {
    let name = spec.source_name();
    let first = engine.with_store(|store| store.skipped(Some(name), 1).or_fail("import"));
    let summary = format!("none of {rows} rows was taken");
    let mut failure = Failure::new("import", FailureKind::Data, summary);
    failure.causes = first
        .into_iter()
        .flatten()
        .map(|row| format!("the first: {}", row.reason))
        .collect();
    failure.with_hint(format!("`semihv skipped {name}` lists them all"))
}

fn check_pictures(
    engine: &Engine,
    spec: &ImportSpec,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let unchecked =
        engine.with_store(|store| store.unchecked_images(spec.source_name()).or_fail("import"))?;
    if unchecked.len() <= CHECKED_AT_ONCE {
        let depth = crate::check::Depth::Header;
        crate::check::check(engine, spec.source_name(), &unchecked, (depth, progress))?;
    }
    Ok(())
}

fn request(spec: &ImportSpec) -> Result<ImportRequest, Failure> {
    Ok(ImportRequest {
        path: std::path::absolute(&spec.path).or_fail("import")?,
        mapping: spec.mapping.clone(),
        model: spec.model.clone(),
        question_source: spec.questions.clone(),
    })
}

/// The reading thread.
fn read(
    importer: &dyn Importer,
    request: &ImportRequest,
    sender: SyncSender<Vec<Handed>>,
    pace: Arc<Pace>,
    copies_to: Option<&Path>,
) -> Result<(), ImportError> {
    let failing = Arc::clone(&pace);
    let mut hand = Hand {
        sender,
        pace,
        waiting: Vec::with_capacity(HANDFUL),
        copies_to,
    };
    let outcome = importer.read(request, &mut hand);
    // Told before the queue closes, which is what the other thread waits for.
    failing
        .has_failed
        .store(outcome.is_err(), Ordering::Relaxed);
    let _ = hand.give();
    outcome
}

struct Hand<'a> {
    sender: SyncSender<Vec<Handed>>,
    pace: Arc<Pace>,
    waiting: Vec<Handed>,
    copies_to: Option<&'a Path>,
}

impl Hand<'_> {
    fn give(&mut self) -> ControlFlow<()> {
        let handful = std::mem::replace(&mut self.waiting, Vec::with_capacity(HANDFUL));
        if self.pace.stop.load(Ordering::Relaxed) || self.sender.send(handful).is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn hand(&mut self, handed: Handed) -> ControlFlow<()> {
        self.waiting.push(handed);
        if self.waiting.len() >= HANDFUL {
            self.give()
        } else {
            ControlFlow::Continue(())
        }
    }

    /// A picture that cannot be copied stays referenced; the case is not lost over it.
    fn copy_pictures(&mut self, case: &mut CaseDraft) {
        let Some(folder) = self.copies_to else { return };
        for image in case.images.iter_mut().filter(|image| !image.is_missing) {
            let masks = image
                .regions
                .iter_mut()
                .filter_map(|region| match &mut region.shape {
                    Shape::Mask { file, .. } => Some(file),
                    _ => None,
                });
            for location in std::iter::once(&mut image.location).chain(masks) {
                match copy_picture(location, folder) {
                    Ok(copy) => *location = copy,
                    Err(reason) => {
                        let at = SkippedAt {
                            file: location.clone(),
                            line: None,
                        };
                        let reason = format!("the picture was not copied: {reason}");
                        self.waiting.push(Handed::Skipped(Skipped { at, reason }));
                    }
                }
            }
        }
    }
}

impl Sink for Hand<'_> {
    fn accept(&mut self, row: Imported) -> ControlFlow<()> {
        let row = match row {
            Imported::Case(mut case) => {
                self.copy_pictures(&mut case);
                Imported::Case(case)
            }
            other => other,
        };
        self.hand(Handed::Row(Box::new(row)))
    }

    fn skip(&mut self, skipped: Skipped) {
        let _ = self.hand(Handed::Skipped(skipped));
    }

    fn progress(&mut self, done: u64, total: Option<u64>) {
        self.pace.read.store(done, Ordering::Relaxed);
        self.pace.total.store(total.unwrap_or(0), Ordering::Relaxed);
    }
}

/// The storing thread. True when it was asked to stop.
fn store(
    engine: &Engine,
    spec: &ImportSpec,
    receiver: &Receiver<Vec<Handed>>,
    pace: &Pace,
    progress: &mut Progress,
) -> Result<(ImportCounts, bool), Failure> {
    // An input that cannot even be opened must not touch what an earlier import left.
    let first = receiver.recv().ok().filter(|handful| !handful.is_empty());
    if first.is_none() && pace.has_failed.load(Ordering::Relaxed) {
        return Ok((ImportCounts::default(), false));
    }
    let mut store = engine.connect(Durability::Kill)?;
    let path = std::path::absolute(&spec.path).or_fail("import")?;
    let path = path.to_string_lossy();
    let marker = |question: &semihv_domain::Question, answer: &str| {
        let marked = semihv_evaluation::mark(question, answer);
        (marked.verdict, marked.rule.to_owned())
    };
    let mut rows = store
        .begin_import((spec.source_name(), &spec.kind, &path), now(), &marker)
        .or_fail("import")?;
    for handful in first.into_iter().chain(receiver) {
        for handed in handful {
            put(engine, &mut rows, handed).or_fail("import")?;
        }
        progress.say(said(pace, rows.counts()));
        if let Some(job) = progress.due() {
            rows.keep_job(job).or_fail("import")?;
        }
        if progress.is_cancelled() {
            return rows.stop().map(|counts| (counts, true)).or_fail("import");
        }
    }
    rows.finish()
        .map(|counts| (counts, false))
        .or_fail("import")
}

fn put(engine: &Engine, rows: &mut ImportRows<'_>, handed: Handed) -> Result<(), StoreError> {
    match handed {
        Handed::Skipped(skipped) => rows.skip(&skipped),
        Handed::Row(mut row) => {
            if let Imported::Case(case) = row.as_mut() {
                for image in &mut case.images {
                    image.location = relative_location(&image.location, engine.root());
                    for region in &mut image.regions {
                        if let Shape::Mask { file, .. } = &mut region.shape {
                            *file = relative_location(file, engine.root());
                        }
                    }
                }
            }
            rows.put(&row)
        }
    }
}

fn said(pace: &Pace, counts: ImportCounts) -> JobProgress {
    let total = pace.total.load(Ordering::Relaxed);
    JobProgress {
        done: pace.read.load(Ordering::Relaxed),
        total: (total > 0).then_some(total),
        unit: "bytes".to_owned(),
        rows: counts.cases + counts.questions + counts.answers + counts.guidelines,
        skipped: counts.skipped,
    }
}

/// `28 cases, 62 questions, 3 skipped`, leaving out what there is none of.
fn summary(counts: &ImportCounts) -> String {
    let parts = [
        (counts.cases, "case", "cases"),
        (counts.images, "image", "images"),
        (counts.missing_images, "missing image", "missing images"),
        (counts.questions, "question", "questions"),
        (counts.answers, "answer", "answers"),
        (counts.guidelines, "guideline", "guidelines"),
        (counts.passages, "passage", "passages"),
        (counts.unchanged, "row unchanged", "rows unchanged"),
        (counts.skipped, "skipped", "skipped"),
    ];
    let said: Vec<String> = parts
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| format!("{count} {}", if *count == 1 { one } else { many }))
        .collect();
    if said.is_empty() {
        "nothing to import".to_owned()
    } else {
        said.join(", ")
    }
}

impl Engine {
    /// What an import means in this workspace: a manifest entry of that name (or the only one of
    /// that kind) lends its path, mapping and model; what is given here wins.
    pub fn import_spec(
        &self,
        kind: &str,
        path: Option<&Path>,
        name: Option<&str>,
    ) -> Result<ImportSpec, Failure> {
        importer(kind).or_fail("import")?;
        let manifest = self.manifest();
        let entries = manifest.source.iter().chain(&manifest.corpus);
        let fitting: Vec<_> = entries
            .filter(|(entry_name, entry)| {
                entry.kind == kind
                    && name.is_none_or(|name| name == entry_name.as_str())
                    && path.is_none_or(|path| {
                        std::path::absolute(path).ok()
                            == std::path::absolute(self.inner.places.resolve(&entry.path)).ok()
                    })
            })
            .collect();
        let entry = match fitting.as_slice() {
            [one] => Some(*one),
            _ => None,
        };
        let path = match (path, entry) {
            (Some(path), _) => path.to_owned(),
            (None, Some((_, entry))) => self.inner.places.resolve(&entry.path),
            (None, None) => {
                let summary = format!("no path for {kind}");
                return Err(Failure::new("import", FailureKind::User, summary).with_hint(format!(
                    "say `semihv import {kind} PATH`, or name it in the manifest as a [source.NAME]"
                )));
            }
        };
        // The mapping may also be asked for by name alone, for another file of the same shape.
        let lent = entry.map(|(_, entry)| entry).or_else(|| {
            name.and_then(|name| manifest.source_entry(name))
                .filter(|entry| entry.kind == kind)
        });
        let stem = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned());
        let own = match (kind, &stem) {
            ("predictions" | "jsonl" | "csv" | "markdown", Some(stem)) => stem,
            _ => kind,
        };
        let name = name
            .or_else(|| entry.map(|(name, _)| name.as_str()))
            .unwrap_or(own);
        Ok(ImportSpec {
            kind: kind.to_owned(),
            path,
            name: Some(name.to_owned()),
            copies_images: lent.is_some_and(|entry| entry.copy),
            is_dry_run: false,
            mapping: lent.and_then(|entry| entry.fields.clone()),
            model: lent.and_then(|entry| entry.model.clone()),
            questions: lent.and_then(|entry| entry.questions.clone()),
        })
    }

    /// Fills in what the manifest says of a source that was named by hand.
    pub(crate) fn completed(&self, spec: ImportSpec) -> Result<ImportSpec, Failure> {
        let lent = self.import_spec(&spec.kind, Some(&spec.path), spec.name.as_deref())?;
        Ok(ImportSpec {
            copies_images: spec.copies_images || lent.copies_images,
            is_dry_run: spec.is_dry_run,
            mapping: spec.mapping.or(lent.mapping),
            model: spec.model.or(lent.model),
            questions: spec.questions.or(lent.questions),
            ..lent
        })
    }

    /// Reads everything and stores nothing. Joins between rows are not checked.
    pub fn dry_run(&self, spec: &ImportSpec, cancel: &AtomicBool) -> Result<DryRun, Failure> {
        let mut counting = Counting {
            dry_run: DryRun::default(),
            cancel,
        };
        let importer = importer(&spec.kind).or_fail("import")?;
        importer
            .read(&request(spec)?, &mut counting)
            .or_fail("import")?;
        Ok(counting.dry_run)
    }
}

struct Counting<'a> {
    dry_run: DryRun,
    cancel: &'a AtomicBool,
}

impl Sink for Counting<'_> {
    fn accept(&mut self, row: Imported) -> ControlFlow<()> {
        let counts = &mut self.dry_run.counts;
        match row {
            Imported::Case(case) => {
                counts.cases += 1;
                counts.images += case.images.len() as u64;
                counts.missing_images +=
                    case.images.iter().filter(|image| image.is_missing).count() as u64;
            }
            Imported::Question(_) => counts.questions += 1,
            Imported::Answer(_) => counts.answers += 1,
            Imported::Guideline(guideline) => {
                counts.guidelines += 1;
                counts.passages += guideline.passages.len() as u64;
            }
        }
        if self.cancel.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn skip(&mut self, skipped: Skipped) {
        self.dry_run.counts.skipped += 1;
        if self.dry_run.skipped.len() < 100 {
            self.dry_run.skipped.push(skipped);
        }
    }

    fn progress(&mut self, _done: u64, _total: Option<u64>) {}
}
