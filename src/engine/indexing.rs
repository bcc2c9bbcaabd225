//! Brings the search index up to the store, in the order of the store's change numbers.

use std::time::Duration;

use semihv_domain::{DocumentKind, Failure, FailureKind, JobProgress};
use semihv_retrieval::{
    Change, Document, Has, Index, NumberedChange, ReadChangesError, UpdateIndexError, UpdateSummary,
};
use semihv_workspace::{
    Durability, SearchableCase, SearchablePassage, SearchableQuestion, Store, StoreError,
};

use crate::engine::locked;
use crate::failures::OrFail;
use crate::jobs::{Ending, Progress};
use crate::{Engine, Rebuild};

/// Rows read at once.
const PAGE: usize = 2_000;

/// How often a held index is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(250);

pub(crate) fn run(
    engine: &Engine,
    rebuild: Rebuild,
    progress: &mut Progress,
) -> Result<Ending, Failure> {
    let index = engine.index()?;
    if rebuild == Rebuild::FromNothing {
        index.clear().or_fail("index")?;
    }
    let mut put = 0;
    let mut mended = None;
    loop {
        match bring_up(engine, &index, progress) {
            Ok(summary) if summary.was_cancelled => return Ok(Ending::Cancelled),
            Ok(summary) => {
                put += summary.put;
                let was_idle = summary.put + summary.deleted == 0;
                if was_idle
                    && mended.is_none()
                    && let Some(why) = damage(&index)
                {
                    tracing::warn!(%why, "the search index is written anew");
                    index.clear().or_fail("index")?;
                    mended = Some(why);
                    continue;
                }
            }
            // Another process indexes: what it leaves is looked at when it is done.
            Err(Trouble::Busy) => {
                if progress.is_cancelled() {
                    return Ok(Ending::Cancelled);
                }
                std::thread::sleep(TRY_AGAIN);
                continue;
            }
            Err(Trouble::Failed(failure)) => return Err(failure),
        }
        let mut indexing = locked(&engine.inner.indexing);
        if !std::mem::take(&mut indexing.is_wanted_again) {
            // Under the lock, so that a wish that comes now starts a run of its own.
            indexing.job = None;
            break;
        }
    }
    let mended = mended.map(|why| format!("; it was damaged, {why}"));
    let summary = format!("{put} documents indexed{}", mended.unwrap_or_default());
    Ok(Ending::Done { summary })
}

/// Which files are damaged. All of them are read: only where there is nothing else to do.
pub(crate) fn damage(index: &Index) -> Option<String> {
    match index.damaged_files() {
        Ok(files) => {
            let name = |file: &std::path::PathBuf| file.display().to_string();
            let names: Vec<String> = files.iter().map(name).collect();
            Some(names.join(", ")).filter(|names| !names.is_empty())
        }
        Err(error) => Some(Failure::of("index", FailureKind::Config, &error).summary),
    }
}

/// Why a pass over the changes did not end well.
enum Trouble {
    Busy,
    Failed(Failure),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

fn bring_up(
    engine: &Engine,
    index: &Index,
    progress: &mut Progress,
) -> Result<UpdateSummary, Trouble> {
    let mut store = engine.connect(Durability::Kill)?;
    // What is written while this runs has a higher number and waits for the next time.
    let up_to = store.last_change().or_fail("index")?;
    let since = index.revision();
    let total = store.changed_since(since).or_fail("index")?;
    let removals = store.removals_since(since).or_fail("index")?;
    let cancel = progress.cancel_flag();
    let progress = std::cell::RefCell::new(progress);
    let changes = Changes::new(&mut store, since, up_to, removals);
    let tell = |done: u64| {
        progress.borrow_mut().say(JobProgress {
            done,
            total: Some(total),
            unit: "documents".to_owned(),
            rows: done,
            skipped: 0,
        });
    };
    match index.update(changes, up_to, &tell, &cancel) {
        Ok(summary) => Ok(summary),
        Err(UpdateIndexError::Busy) => Err(Trouble::Busy),
        Err(error) => Err(Failure::of("index", FailureKind::Config, &error).into()),
    }
}

/// All changes after `since` with rising numbers, merged from the three kinds page by page, so
/// that a killed job can go on from the last number that was committed in full.
struct Changes<'a> {
    store: &'a mut Store,
    up_to: u64,
    removals: std::vec::IntoIter<(DocumentKind, i64)>,
    since: u64,
    cases: Paged<SearchableCase>,
    questions: Paged<SearchableQuestion>,
    passages: Paged<SearchablePassage>,
}

impl<'a> Changes<'a> {
    fn new(
        store: &'a mut Store,
        since: u64,
        up_to: u64,
        removals: Vec<(DocumentKind, i64)>,
    ) -> Self {
        Self {
            store,
            up_to,
            removals: removals.into_iter(),
            since,
            cases: Paged::new(since),
            questions: Paged::new(since),
            passages: Paged::new(since),
        }
    }

    fn next_change(&mut self) -> Result<Option<NumberedChange>, StoreError> {
        // A removal is harmless when repeated, so they all come first under the lowest number.
        if let Some((kind, row)) = self.removals.next() {
            let change = Change::Delete(kind, row);
            return Ok(Some(NumberedChange {
                number: self.since,
                change,
            }));
        }
        let store = &*self.store;
        self.cases
            .fill(|after| store.searchable_cases(after, PAGE))?;
        self.questions
            .fill(|after| store.searchable_questions(after, PAGE))?;
        self.passages
            .fill(|after| store.searchable_passages(after, PAGE))?;
        let next = [
            self.cases.number(),
            self.questions.number(),
            self.passages.number(),
        ];
        let Some(number) = next
            .into_iter()
            .flatten()
            .min()
            .filter(|next| *next <= self.up_to)
        else {
            return Ok(None);
        };
        let document = if self.cases.number() == Some(number) {
            self.cases.take().map(case_document)
        } else if self.questions.number() == Some(number) {
            self.questions.take().map(question_document)
        } else {
            self.passages.take().map(passage_document)
        };
        Ok(document.map(|document| NumberedChange {
            number,
            change: Change::Put(Box::new(document)),
        }))
    }
}

impl Iterator for Changes<'_> {
    type Item = Result<NumberedChange, ReadChangesError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_change()
            .map_err(ReadChangesError::from)
            .transpose()
    }
}

/// A row that knows its place in the order of changes.
trait Placed {
    fn place(&self) -> (u64, i64);
}

impl Placed for SearchableCase {
    fn place(&self) -> (u64, i64) {
        (self.change, self.id)
    }
}

impl Placed for SearchableQuestion {
    fn place(&self) -> (u64, i64) {
        (self.change, self.id)
    }
}

impl Placed for SearchablePassage {
    fn place(&self) -> (u64, i64) {
        (self.change, self.id)
    }
}

struct Paged<T> {
    page: std::iter::Peekable<std::vec::IntoIter<T>>,
    after: (u64, i64),
    is_over: bool,
}

impl<T: Placed> Paged<T> {
    fn new(since: u64) -> Self {
        Self {
            page: Vec::new().into_iter().peekable(),
            after: (since, i64::MAX),
            is_over: false,
        }
    }

    fn fill(
        &mut self,
        read: impl FnOnce((u64, i64)) -> Result<Vec<T>, StoreError>,
    ) -> Result<(), StoreError> {
        if self.is_over || self.page.peek().is_some() {
            return Ok(());
        }
        let page = read(self.after)?;
        match page.last() {
            Some(last) => self.after = last.place(),
            None => self.is_over = true,
        }
        self.page = page.into_iter().peekable();
        Ok(())
    }

    fn number(&mut self) -> Option<u64> {
        self.page.peek().map(|row| row.place().0)
    }

    fn take(&mut self) -> Option<T> {
        self.page.next()
    }
}

pub(crate) fn case_document(case: SearchableCase) -> Document {
    let mut has = Vec::new();
    let mut add = |condition: bool, what: Has| {
        if condition {
            has.push(what);
        }
    };
    add(case.images > case.missing_images, Has::Image);
    add(case.missing_images > 0, Has::MissingImage);
    add(case.has_region, Has::Region);
    add(case.has_caption, Has::Caption);
    let mut question_kinds = case.question_kinds;
    question_kinds.sort_unstable();
    Document {
        key: case.key,
        title: case.title,
        body: case.texts.join("\n"),
        source: case.source,
        modality: case.modality,
        body_part: case.body_part,
        year: case.year,
        language: case.language,
        licence: case.licence,
        question_kinds,
        verdicts: case.verdicts,
        has,
        ..Document::new(DocumentKind::Case, case.id)
    }
}

fn question_document(question: SearchableQuestion) -> Document {
    let mut has = Vec::new();
    let mut add = |condition: bool, what: Has| {
        if condition {
            has.push(what);
        }
    };
    add(question.has_image, Has::Image);
    add(question.has_region, Has::Region);
    add(question.has_rationale, Has::Rationale);
    add(question.gold_rationale.is_some(), Has::GoldRationale);
    add(!question.options.is_empty(), Has::Options);
    let mut body = vec![question.gold];
    body.extend(question.options);
    body.extend(question.gold_rationale);
    body.extend(question.answers);
    Document {
        key: question.key,
        title: question.text,
        body: body.join("\n"),
        source: question.source,
        modality: question.modality,
        body_part: question.body_part,
        year: question.year,
        language: question.language,
        licence: question.licence,
        class: question.class,
        split: question.split,
        question_kinds: vec![question.kind],
        verdicts: question.verdicts,
        has,
        ..Document::new(DocumentKind::Question, question.id)
    }
}

pub(crate) fn passage_document(passage: SearchablePassage) -> Document {
    let mut title = passage.guideline_title;
    for heading in &passage.headings {
        title.push_str(" › ");
        title.push_str(heading);
    }
    Document {
        key: passage.key,
        title,
        body: passage.text,
        source: passage.source,
        year: passage.year,
        language: passage.language,
        licence: passage.licence,
        ..Document::new(DocumentKind::Passage, passage.id)
    }
}
