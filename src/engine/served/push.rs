//! Brings vectors and words to the server: a new generation beside the one that is served.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use semihv_domain::{CaseId, Failure, FailureKind, JobProgress, Pool};
use semihv_remote::{Build, BuildError, BuildPlan, Corpus, Facets, Patience, Row, Watch, Words};
use semihv_retrieval::Document;
use semihv_vectors::VectorIndex;
use semihv_workspace::{Durability, SearchableCase, SearchablePassage, Store};
use xxhash_rust::xxh3::xxh3_64;

use super::names::{passage_name, shared_key, shared_patient};
use crate::embedding::key_of_case;
use crate::failures::OrFail;
use crate::indexing::{case_document, passage_document};
use crate::jobs::{Ending, Progress};
use crate::{Engine, Rebuild};

/// Cases and passages read at once.
const PAGE: usize = 500;

/// Why a pass over the rows ended before its end.
enum Stop {
    Cancelled,
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<BuildError> for Stop {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Cancelled => Self::Cancelled,
            error => match Err::<(), _>(error).or_fail("push") {
                Err(failure) => Self::Failed(failure),
                Ok(()) => Self::Cancelled,
            },
        }
    }
}

pub(crate) fn run(engine: &Engine, progress: &mut Progress) -> Result<Ending, Failure> {
    // Said before the long work.
    engine.server(Patience::default())?;
    if let Ending::Cancelled = crate::embedding::run(engine, Rebuild::Incremental, progress)? {
        return Ok(Ending::Cancelled);
    }
    let Some(vectors) = engine.vectors()? else {
        let summary = "there are no vectors to bring to the server";
        return Err(Failure::new("push", FailureKind::User, summary)
            .with_hint("make them with `semihv vectors`"));
    };
    match pushed(engine, &vectors, progress) {
        Ok(summary) => Ok(Ending::Done { summary }),
        Err(Stop::Cancelled) => Ok(Ending::Cancelled),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

fn pushed(
    engine: &Engine,
    vectors: &Arc<VectorIndex>,
    progress: &mut Progress,
) -> Result<String, Stop> {
    let server = engine.server(Patience::default())?;
    let rows = Rows {
        store: engine.connect(Durability::Kill)?,
        vectors,
    };
    let cancelled = progress.cancel_flag();
    let counts = rows.store.counts().or_fail("push")?;
    let total = counts.images + counts.cases + counts.passages;
    let mut corpus = Corpus::of_pools(Pool::ALL.map(Pool::name));
    let mut said = 0;
    rows.each_text(&mut |pool, words| {
        corpus.count(pool.name(), Some(&words));
        said += 1;
        progress.say(told(said, total * 2, 0));
        if progress.is_cancelled() {
            ControlFlow::Break(Stop::Cancelled)
        } else {
            ControlFlow::Continue(())
        }
    })?;
    let plan = BuildPlan {
        fingerprint: vectors.fingerprint(),
        corpus,
        rows: usize::try_from(total).unwrap_or(usize::MAX),
    };
    let mut tell = |at: semihv_vectors::Progress| {
        progress.say(told(total + at.done as u64, total * 2, at.done as u64));
    };
    let watch = Watch {
        progress: &mut tell,
        cancelled: &cancelled,
    };
    let mut build = server.build(plan, watch)?;
    rows.each_row(&mut build)?;
    let built = build.finish()?;
    engine.forget_served();
    let (vectors, texts) = built
        .pools
        .values()
        .fold((0, 0), |sum, pool| (sum.0 + pool.0, sum.1 + pool.1));
    let kept = match built.kept {
        0 => String::new(),
        kept => format!(", {kept} rows were there from before"),
    };
    let generation = built.generation;
    Ok(format!(
        "generation {generation} is served: {vectors} rows with vectors, {texts} with words{kept}"
    ))
}

fn told(done: u64, total: u64, rows: u64) -> JobProgress {
    JobProgress {
        done,
        total: Some(total.max(done)),
        unit: "rows".to_owned(),
        rows,
        skipped: 0,
    }
}

/// What is brought there.
struct Rows<'a> {
    store: Store,
    vectors: &'a VectorIndex,
}

type Each<'a> = &'a mut dyn FnMut(Pool, Words) -> ControlFlow<Stop>;

impl Rows<'_> {
    fn each_case(
        &self,
        each: &mut dyn FnMut(SearchableCase) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut after = (0, i64::MIN);
        loop {
            let page = self.store.searchable_cases(after, PAGE).or_fail("push")?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = (last.change, last.id);
            page.into_iter().try_for_each(&mut *each)?;
        }
    }

    fn each_passage(
        &self,
        each: &mut dyn FnMut(SearchablePassage) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut after = (0, i64::MIN);
        loop {
            let page = self.store.searchable_passages(after, PAGE);
            let page = page.or_fail("push")?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = (last.change, last.id);
            page.into_iter().try_for_each(&mut *each)?;
        }
    }

    fn each_text(&self, each: Each<'_>) -> Result<(), Stop> {
        let mut give = |pool, document| match each(pool, words(document)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(stop) => Err(stop),
        };
        self.each_case(&mut |case| give(Pool::Case, case_document(case)))?;
        self.each_passage(&mut |passage| give(Pool::Guideline, passage_document(passage)))
    }

    fn each_row(&self, build: &mut Build<'_>) -> Result<(), Stop> {
        let hashes = self.vectors.content_hashes(Pool::Case.name());
        self.each_case(&mut |case| self.push_case(case, &hashes, build))?;
        let hashes = self.vectors.content_hashes(Pool::Guideline.name());
        self.each_passage(&mut |passage| {
            let row = Row {
                key: shared_key(&passage.source, &[&passage.key]),
                facets: Facets {
                    source: passage.source.clone(),
                    name: passage_name(&passage),
                    licence: passage.licence.clone(),
                    ..Facets::default()
                },
                ..Row::default()
            };
            let key = passage.id;
            let row = self.with_vector(Pool::Guideline, key, row, &hashes);
            let row = with_words(row, passage_document(passage));
            Ok(build.push(Pool::Guideline.name(), &row)?)
        })
    }

    /// A row for every image, and one for the words.
    fn push_case(
        &self,
        case: SearchableCase,
        hashes: &HashMap<i64, u64>,
        build: &mut Build<'_>,
    ) -> Result<(), Stop> {
        let pool = Pool::Case;
        let named = self.store.name_of_case(case.id).or_fail("push")?;
        let patient = named.and_then(|it| shared_patient(&it.source, it.patient.as_deref()));
        let own = shared_key(&case.source, &[&case.key]);
        let facets = Facets {
            source: case.source.clone(),
            name: vec![case.key.clone()],
            modality: case.modality.map(|modality| modality.to_string()),
            licence: case.licence.clone(),
            case: Some(own),
            patient,
        };
        let images = self.store.images(CaseId(case.id)).or_fail("push")?;
        for image in &images {
            let row = Row {
                key: shared_key(&case.source, &[&case.key, &image.key]),
                facets: Facets {
                    name: vec![case.key.clone(), image.key.clone()],
                    ..facets.clone()
                },
                ..Row::default()
            };
            let row = self.with_vector(pool, image.id.0, row, hashes);
            if row.text.is_some() || row.image.is_some() {
                build.push(pool.name(), &row)?;
            }
        }
        let row = Row {
            key: own,
            facets,
            ..Row::default()
        };
        let row = self.with_vector(pool, key_of_case(case.id), row, hashes);
        let row = with_words(row, case_document(case));
        Ok(build.push(pool.name(), &row)?)
    }

    fn with_vector(&self, pool: Pool, key: i64, row: Row, hashes: &HashMap<i64, u64>) -> Row {
        let parts = self.vectors.parts(pool.name(), key);
        let (text, image) = parts.map_or((None, None), |parts| (parts.text, parts.image));
        Row {
            content_hash: hashes.get(&key).copied().unwrap_or_default(),
            text,
            image,
            ..row
        }
    }
}

fn with_words(row: Row, document: Document) -> Row {
    let words = words(document);
    let is_alone = row.text.is_none() && row.image.is_none();
    let content_hash = if is_alone {
        xxh3_64(format!("{}\n{}", words.title, words.body).as_bytes())
    } else {
        row.content_hash
    };
    Row {
        content_hash,
        words: Some(words),
        ..row
    }
}

fn words(document: Document) -> Words {
    Words {
        title: document.title,
        body: document.body,
    }
}
