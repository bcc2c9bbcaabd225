//! Answers queries from the store; what needs the search index is in `searching`.

use std::sync::Arc;

use semihv_domain::{CaseId, DocumentKind, Failure, FailureKind, PassageId, QuestionId, Target};
use semihv_workspace::{Store, StoreError};

use crate::engine::{Writing, locked};
use crate::failures::OrFail;
use crate::{
    AnswerRow, CaseDetail, Dataset, Engine, ListKind, ListRow, ListSpec, Listing, Overview,
    PassageDetail, Query, QuestionDetail, Reply, searching,
};

/// More rows than any screen shows.
const MOST_ROWS: usize = 500;

pub(crate) fn answer(engine: &Engine, query: &Query) -> Result<Reply, Failure> {
    match query {
        Query::Overview => overview(engine).map(Reply::Overview),
        Query::List(spec) => list(engine, spec).map(Reply::List),
        Query::Rows { kind, ids } => rows(engine, *kind, ids),
        Query::Case(id) => engine.with_store(|store| case(store, *id)),
        Query::Question(id) => engine.with_store(|store| question(store, *id)),
        Query::Guidelines {
            text,
            case,
            question,
            limit,
        } => searching::guidelines(engine, text, *case, *question, *limit).map(Reply::Guidelines),
        Query::Retrieve(spec) => {
            let found = crate::retrieving::retrieve(engine, spec)?;
            Ok(Reply::Retrieved(Box::new(found)))
        }
        Query::RetrievedFacets(spec) => {
            let facets = crate::retrieving::candidate_facets(engine, spec)?;
            Ok(Reply::RetrievedFacets(facets))
        }
        Query::Passage(id) => engine.with_store(|store| passage(store, *id)),
        Query::Search {
            kind,
            text,
            limit,
            facets,
        } => searching::search(engine, *kind, text, *limit, facets),
        Query::Complete { text, column } => searching::complete(engine, text, *column),
        Query::Dataset => engine.with_store(|store| dataset(store).or_fail("dataset")),
        Query::Jobs => jobs(engine).map(Reply::Jobs),
        Query::Skipped { source, limit } => engine.with_store(|store| {
            store
                .skipped(source.as_deref(), *limit)
                .map(Reply::Skipped)
                .or_fail("skipped")
        }),
        Query::Notes(target) => engine.with_store(|store| notes(store, *target).or_fail("notes")),
        Query::Tags => {
            engine.with_store(|store| store.tag_counts().map(Reply::Tags).or_fail("tags"))
        }
        Query::Runs => Ok(Reply::Runs(crate::logs::summaries(engine))),
        Query::Log(ask) => crate::logs::log(engine, ask),
        Query::FindInLog(wanted) => crate::logs::find_in_log(engine, wanted),
        Query::Curves(ask) => Ok(Reply::Curves(Box::new(crate::logs::curves(engine, ask)))),
        Query::Gpus => engine.gpus().map(Reply::Gpus),
        Query::Launched => crate::launching::launched(engine).map(Reply::Launched),
        Query::Alerts => engine.alerts().map(Reply::Alerts),
        Query::PlanRun(spec) => crate::launching::plan(engine, spec),
        Query::Draft(target) => engine.with_store(|store| {
            let text = store.draft(*target).or_fail("draft")?;
            Ok(Reply::Draft {
                target: *target,
                text,
            })
        }),
    }
}

fn overview(engine: &Engine) -> Result<Overview, Failure> {
    // The index may be missing or damaged: the counts are shown all the same.
    let index = engine.index().ok();
    let seen = index.as_ref().map_or(0, |index| index.revision());
    engine.with_store(|store| {
        let counts = store.counts().or_fail("overview")?;
        Ok(Overview {
            workspace: engine.name(),
            root: engine.root().to_owned(),
            cases: counts.cases,
            images: counts.images,
            questions: counts.questions,
            answers: counts.answers,
            guidelines: counts.guidelines,
            passages: counts.passages,
            notes: counts.notes,
            models: store.model_scores().or_fail("overview")?,
            indexed: index.map_or(0, |index| index.documents()),
            unindexed: store.changed_since(seen).or_fail("overview")?,
            read_only: engine.writing() == Writing::Refused,
        })
    })
}

fn list(engine: &Engine, spec: &ListSpec) -> Result<Listing, Failure> {
    if !spec.filter.trim().is_empty() {
        return searching::list(engine, spec);
    }
    let ids = engine.with_store(|store| {
        match spec.kind {
            ListKind::Cases => store.all_cases(),
            ListKind::Questions => store.all_questions(),
        }
        .or_fail("list")
    })?;
    Ok(Listing {
        spec: spec.clone(),
        ids: Arc::from(ids),
        remark: None,
    })
}

fn rows(engine: &Engine, kind: ListKind, ids: &[i64]) -> Result<Reply, Failure> {
    let ids = ids.get(..MOST_ROWS.min(ids.len())).unwrap_or(ids);
    engine.with_store(|store| {
        let rows = match kind {
            ListKind::Cases => store
                .case_rows(ids)
                .or_fail("list")?
                .into_iter()
                .map(ListRow::Case)
                .collect(),
            ListKind::Questions => store
                .question_rows(ids)
                .or_fail("list")?
                .into_iter()
                .map(ListRow::Question)
                .collect(),
        };
        Ok(Reply::Rows { kind, rows })
    })
}

fn gone(what: &str) -> Failure {
    Failure::new(
        "open",
        FailureKind::Data,
        format!("this {what} is no longer in the workspace"),
    )
}

fn case(store: &mut Store, id: CaseId) -> Result<Reply, Failure> {
    let case = store
        .case(id)
        .or_fail("case")?
        .ok_or_else(|| gone("case"))?;
    let target = Target::Case(id);
    Ok(Reply::Case(Box::new(CaseDetail {
        case,
        images: store.images(id).or_fail("case")?,
        questions: store.questions_of(id).or_fail("case")?,
        tags: store.tags(target).or_fail("case")?,
        notes: store.notes(target).or_fail("case")?,
    })))
}

fn question(store: &mut Store, id: QuestionId) -> Result<Reply, Failure> {
    let question = store
        .question(id)
        .or_fail("question")?
        .ok_or_else(|| gone("question"))?;
    let image = match (question.image, question.case) {
        (Some(image), _) => Some(image),
        (None, Some(case)) => store
            .images(case)
            .or_fail("question")?
            .first()
            .map(|image| image.id),
        (None, None) => None,
    };
    let target = Target::Question(id);
    Ok(Reply::Question(Box::new(QuestionDetail {
        image,
        answers: answers(store, id).or_fail("question")?,
        tags: store.tags(target).or_fail("question")?,
        notes: store.notes(target).or_fail("question")?,
        question,
    })))
}

fn answers(store: &Store, question: QuestionId) -> Result<Vec<AnswerRow>, StoreError> {
    store
        .answers(question)?
        .into_iter()
        .map(|answer| {
            let tags = store.tags(Target::Answer(answer.id))?;
            Ok(AnswerRow { answer, tags })
        })
        .collect()
}

fn passage(store: &mut Store, id: PassageId) -> Result<Reply, Failure> {
    let (guideline, passages) = store
        .guideline_of(id)
        .or_fail("passage")?
        .ok_or_else(|| gone("passage"))?;
    let at = passages
        .iter()
        .position(|passage| passage.id == id)
        .unwrap_or(0);
    Ok(Reply::Passage(Box::new(PassageDetail {
        guideline,
        passages,
        at,
    })))
}

fn dataset(store: &mut Store) -> Result<Reply, StoreError> {
    Ok(Reply::Dataset(Dataset {
        sources: store.sources()?,
        modalities: store.modality_counts()?,
        skipped_reasons: store.skipped_reasons()?,
    }))
}

fn notes(store: &mut Store, target: Target) -> Result<Reply, StoreError> {
    Ok(Reply::Notes {
        target,
        notes: store.notes(target)?,
        tags: store.tags(target)?,
    })
}

/// The store's jobs, those of this process with their newest progress.
pub(crate) fn jobs(engine: &Engine) -> Result<Vec<semihv_domain::Job>, Failure> {
    let mut jobs = engine.with_store(|store| store.jobs().or_fail("jobs"))?;
    let running = locked(&engine.inner.running);
    for job in &mut jobs {
        if let Some(own) = running.get(&job.id) {
            *job = own.job.clone();
        }
    }
    Ok(jobs)
}

impl Engine {
    /// An image by `CASE/IMAGE`, its own key, or a case's key: for the command line.
    pub fn find_image(&self, key: &str) -> Result<Option<semihv_domain::Image>, Failure> {
        self.with_store(|store| store.image_by_key(key).or_fail("show"))
    }

    pub fn find_case(&self, key: &str) -> Result<Option<CaseId>, Failure> {
        self.with_store(|store| store.case_by_key(key).or_fail("case"))
    }

    /// A slip in a source's name must not look like a source without faults.
    pub fn require_source(&self, name: &str) -> Result<(), Failure> {
        let sources = self.sources()?;
        if sources.iter().any(|source| source.name == name) {
            return Ok(());
        }
        let names: Vec<_> = sources.into_iter().map(|source| source.name).collect();
        let summary = format!("there is no source `{name}`");
        let hint = match names.as_slice() {
            [] => "nothing was imported yet; see `semihv import --help`".to_owned(),
            names => format!("there are: {}", names.join(", ")),
        };
        Err(Failure::new("sources", FailureKind::User, summary).with_hint(hint))
    }

    pub fn sources(&self) -> Result<Vec<semihv_workspace::SourceRow>, Failure> {
        self.with_store(|store| store.sources().or_fail("sources"))
    }

    /// Rows of tagged or noted kinds, for the query language.
    pub(crate) fn live_rows(&self, kind: DocumentKind, tag: Option<&str>) -> Vec<i64> {
        let rows = self.with_store(|store| store.tagged_rows(kind.name(), tag).or_fail("search"));
        rows.unwrap_or_default()
    }
}
