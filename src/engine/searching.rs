//! Answers that need the search index.

use std::sync::Arc;

use semihv_domain::{
    CaseId, DocumentKind, Facet, Failure, FailureKind, Hit, PassageId, QueryError, QuestionId,
};
use semihv_retrieval::{Index, LiveSets, Opened, QueryText};
use semihv_workspace::Store;

use crate::engine::{Writing, locked};
use crate::failures::OrFail;
use crate::{CompletionItem, Engine, GuidelineHit, ListKind, ListSpec, Listing, Rebuild, Reply};

impl Engine {
    /// The index, opened at first use. One that cannot be read was set aside and is empty then.
    pub(crate) fn index(&self) -> Result<Arc<Index>, Failure> {
        let mut slot = locked(&self.inner.index);
        if let Some(index) = slot.as_ref() {
            return Ok(Arc::clone(index));
        }
        let folder = self.inner.places.index();
        if self.inner.writing == Writing::Refused && !folder.exists() {
            let summary = "there is no search index, and the workspace is open read-only";
            return Err(Failure::new("search", FailureKind::User, summary)
                .with_hint("run `semihv index` where the workspace can be written"));
        }
        let opened = Index::open(&folder).or_fail("search")?;
        if let Opened::Rebuilt { why, .. } = &opened {
            tracing::warn!(%why, "the search index is made anew");
        }
        let index = Arc::new(opened.into_index());
        *slot = Some(Arc::clone(&index));
        Ok(index)
    }

    /// Starts indexing when the store has what the index has not.
    pub fn index_if_behind(&self) -> Result<(), Failure> {
        if self.inner.writing == Writing::Refused || !self.settings().index_after_import.value {
            return Ok(());
        }
        let seen = self.index()?.revision();
        let behind = self.with_store(|store| store.changed_since(seen).or_fail("index"))?;
        if behind > 0 {
            self.start(crate::JobSpec::Index(Rebuild::Incremental))?;
        }
        Ok(())
    }

    /// What searches cannot see yet, in words; `None` when the index is fresh.
    pub(crate) fn behind(&self, index: &Index) -> Result<Option<String>, Failure> {
        let seen = index.revision();
        let behind = self.with_store(|store| store.changed_since(seen).or_fail("search"))?;
        Ok(match behind {
            0 => None,
            _ if index.was_set_aside() => Some("the index was damaged and is set aside".to_owned()),
            1 => Some("the index is 1 row behind".to_owned()),
            rows => Some(format!("the index is {rows} rows behind")),
        })
    }
}

/// Tags and notes as they are this moment.
pub(crate) struct Live<'a>(pub(crate) &'a Engine);

impl LiveSets for Live<'_> {
    fn tagged(&self, kind: DocumentKind, tag: &str) -> Vec<i64> {
        self.0.live_rows(kind, Some(tag))
    }

    fn any_tagged(&self, kind: DocumentKind) -> Vec<i64> {
        self.0.live_rows(kind, None)
    }

    fn noted(&self, kind: DocumentKind) -> Vec<i64> {
        let rows = self
            .0
            .with_store(|store| store.noted_rows(kind.name()).or_fail("search"));
        rows.unwrap_or_default()
    }
}

pub(crate) fn parse(text: &str) -> Result<QueryText, Failure> {
    QueryText::parse(text).map_err(|error: QueryError| {
        let mut failure = Failure::new("search", FailureKind::User, error.to_string());
        failure.column = Some(error.column);
        failure.hint = error.hint;
        failure
    })
}

pub(crate) fn list(engine: &Engine, spec: &ListSpec) -> Result<Listing, Failure> {
    let query = parse(&spec.filter)?;
    let kind = match spec.kind {
        ListKind::Cases => DocumentKind::Case,
        ListKind::Questions => DocumentKind::Question,
    };
    let index = engine.index()?;
    let ids = index.ids(kind, &query, &Live(engine)).or_fail("search")?;
    let remark = engine.behind(&index)?;
    Ok(Listing {
        spec: spec.clone(),
        ids: Arc::from(ids),
        remark,
    })
}

pub(crate) fn search(
    engine: &Engine,
    kind: DocumentKind,
    text: &str,
    limit: usize,
    facets: &[Facet],
) -> Result<Reply, Failure> {
    let query = parse(text)?;
    let index = engine.index()?;
    let live = Live(engine);
    let (hits, total) = index.hits(kind, &query, limit, &live).or_fail("search")?;
    let facets = index
        .facets(kind, &query, facets, &live)
        .or_fail("search")?;
    Ok(Reply::Search {
        hits,
        total,
        facets,
    })
}

pub(crate) fn complete(engine: &Engine, text: &str, column: usize) -> Result<Reply, Failure> {
    let tags = engine.with_store(|store| store.tag_counts().or_fail("search"))?;
    let offers = engine
        .index()?
        .complete(text, column, &tags)
        .or_fail("search")?;
    let items = offers.into_iter().map(|offer| CompletionItem {
        insert: offer.insert,
        about: offer.about,
        from: offer.from,
        to: offer.to,
    });
    Ok(Reply::Complete(items.collect()))
}

/// A typed query, or what the selection is about.
pub(crate) fn guidelines(
    engine: &Engine,
    text: &str,
    case: Option<CaseId>,
    question: Option<QuestionId>,
    limit: usize,
) -> Result<Vec<GuidelineHit>, Failure> {
    let index = engine.index()?;
    let hits = if text.trim().is_empty() {
        let about = engine.with_store(|store| about(store, case, question))?;
        let like = index.free_text(DocumentKind::Passage, &about);
        let like = like.or_fail("search")?;
        let rows = like.ranked(limit).or_fail("search")?;
        like.explained(&rows).or_fail("search")?
    } else {
        let query = parse(text)?;
        index
            .hits(DocumentKind::Passage, &query, limit, &Live(engine))
            .or_fail("search")?
            .0
    };
    engine.with_store(|store| {
        hits.into_iter()
            .filter_map(|hit| guideline_hit(store, hit).transpose())
            .collect()
    })
}

/// `None` when the passage is gone since it was indexed.
fn guideline_hit(store: &Store, hit: Hit) -> Result<Option<GuidelineHit>, Failure> {
    let passage = PassageId(hit.id);
    let Some((guideline, passages)) = store.guideline_of(passage).or_fail("search")? else {
        return Ok(None);
    };
    let headings = passages
        .into_iter()
        .find(|found| found.id == passage)
        .map(|found| found.headings)
        .unwrap_or_default();
    Ok(Some(GuidelineHit {
        hit,
        passage,
        headings,
        guideline_title: guideline.title,
        year: guideline.year,
    }))
}

/// The words that stand for a selection: the question first, then what people saw in the case.
/// The gold answer is left out: a search by it would look better than any reader could.
pub(crate) fn about(
    store: &mut Store,
    case: Option<CaseId>,
    question: Option<QuestionId>,
) -> Result<String, Failure> {
    let mut words = String::new();
    if let Some(question) = question
        && let Some(question) = store.question(question).or_fail("search")?
    {
        words.push_str(&question.text);
        words.push('\n');
    }
    let Some(id) = case else { return Ok(words) };
    let Some(case) = store.case(id).or_fail("search")? else {
        return Ok(words);
    };
    words.push_str(&case.title);
    for section in &case.sections {
        words.push('\n');
        words.push_str(&section.text);
    }
    for image in store.images(id).or_fail("search")? {
        for caption in image.captions {
            words.push('\n');
            words.push_str(&caption.text);
        }
    }
    Ok(words)
}
