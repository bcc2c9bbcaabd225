//! The workspace's own judgements: what people say of hits, and the queries they said it of.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use semihv_domain::{Failure, FailureKind, HitVerdict, Pool};
use semihv_evaluation::ranking::Judgements;
use semihv_workspace::{Judged, JudgedQuery, append_judged, read_judged, standing};
use xxhash_rust::xxh3::xxh3_64;

use super::Topic;
use crate::engine::{locked, now};
use crate::failures::OrFail;
use crate::{Engine, QueryImage, RetrieveSpec};

/// All that was judged in this workspace.
#[derive(Debug, Clone, Default)]
pub struct OwnJudgements {
    pub topics: Vec<Topic>,
    pub judgements: Judgements,
    /// The queries as the journal has them, by topic.
    pub queries: BTreeMap<String, JudgedQuery>,
    /// Lines and queries that cannot be used any more, and why.
    pub remarks: Vec<String>,
}

/// What was said of the rows of one query, by row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JudgedRows {
    pub grades: HashMap<(Pool, i64), i32>,
    pub pinned: Vec<(Pool, i64)>,
    pub excluded: Vec<(Pool, i64)>,
    /// Queries of the workspace that are judged.
    pub queries: usize,
}

/// What stands of the journal, by topic.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    topics: BTreeMap<String, Vec<Judged>>,
    /// Topics of which rows have grades.
    graded: usize,
}

/// The journal with the length and time of the file it was read from.
pub(crate) type KeptJournal = Option<(Option<(u64, SystemTime)>, Arc<Journal>)>;

impl Engine {
    /// Says something of a row that a query found: on disk when it returns.
    pub fn judge(
        &self,
        spec: &RetrieveSpec,
        (pool, row): (Pool, i64),
        verdict: HitVerdict,
    ) -> Result<(), Failure> {
        self.refuse_when_read_only("judge")?;
        let query = self.judged_query(spec)?;
        let doc = self.doc_of(pool, row)?.ok_or_else(|| {
            let summary = "that row is gone; search again";
            Failure::new("judge", FailureKind::User, summary)
        })?;
        let judged = Judged {
            at: now(),
            by: self.settings().author.value,
            topic: topic_of(&query),
            query,
            pool,
            doc,
            verdict,
        };
        append_judged(&self.inner.places.retrieval_judgements(), &judged).or_fail("judge")
    }

    /// What stands of what was said of this query's rows.
    pub fn judged_rows(&self, spec: &RetrieveSpec) -> Result<JudgedRows, Failure> {
        let journal = self.journal()?;
        if journal.topics.is_empty() {
            return Ok(JudgedRows::default());
        }
        let mut rows = JudgedRows {
            queries: journal.graded,
            ..JudgedRows::default()
        };
        let topic = topic_of(&self.judged_query(spec)?);
        for line in journal.topics.get(&topic).into_iter().flatten() {
            let Some(row) = self.row_of(line.pool, &line.doc)? else {
                continue;
            };
            let place = (line.pool, row);
            match line.verdict {
                HitVerdict::Grade { grade } => rows.grades.extend(grade.map(|it| (place, it))),
                HitVerdict::Pin { .. } => rows.pinned.push(place),
                HitVerdict::Exclude { .. } => rows.excluded.push(place),
            }
        }
        Ok(rows)
    }

    /// The journal as it stands, read again when the file has changed.
    fn journal(&self) -> Result<Arc<Journal>, Failure> {
        let path = self.inner.places.retrieval_judgements();
        let found = std::fs::metadata(&path).ok();
        let stamp = found.and_then(|found| Some((found.len(), found.modified().ok()?)));
        let mut kept = locked(&self.inner.judged);
        if let Some((of, journal)) = kept.as_ref()
            && *of == stamp
        {
            return Ok(Arc::clone(journal));
        }
        let (all, _) = read_judged(&path).or_fail("judge")?;
        let mut journal = Journal::default();
        for line in standing(&all) {
            let topic = journal.topics.entry(line.topic.clone());
            topic.or_default().push(line.clone());
        }
        let is_grade = |line: &Judged| matches!(line.verdict, HitVerdict::Grade { .. });
        let topics = journal.topics.values();
        journal.graded = topics.filter(|lines| lines.iter().any(is_grade)).count();
        let journal = Arc::new(journal);
        *kept = Some((stamp, Arc::clone(&journal)));
        Ok(journal)
    }

    /// All judged queries, ready to be asked again.
    pub fn own_judgements(&self) -> Result<OwnJudgements, Failure> {
        let path = self.inner.places.retrieval_judgements();
        let (all, skipped) = read_judged(&path).or_fail("retrieval")?;
        let mut own = OwnJudgements::default();
        for line in skipped {
            let at = line.at.line.unwrap_or_default();
            let said = format!("{}:{at}: {}", line.at.file, line.reason);
            own.remarks.push(said);
        }
        for line in standing(&all) {
            let HitVerdict::Grade { grade: Some(grade) } = line.verdict else {
                continue;
            };
            own.queries
                .entry(line.topic.clone())
                .or_insert_with(|| line.query.clone());
            // Keys are unique in a topic after `standing`.
            let added = own
                .judgements
                .add(line.topic.clone(), line.doc.clone(), grade);
            own.remarks.extend(added.err());
        }
        for (topic, query) in &own.queries {
            match self.spec_of(query) {
                Ok(spec) => own.topics.push(Topic {
                    name: topic.clone(),
                    spec,
                }),
                Err(failure) => own.remarks.push(format!("{topic}: {}", failure.summary)),
            }
        }
        Ok(own)
    }

    /// The query by names that outlive the store's numbers.
    fn judged_query(&self, spec: &RetrieveSpec) -> Result<JudgedQuery, Failure> {
        self.with_store(|store| {
            let image = match &spec.image {
                None => None,
                Some(QueryImage::File(path)) => Some(path.clone()),
                Some(QueryImage::Stored(image)) => store.key_of_image(*image).or_fail("judge")?,
            };
            let case = match spec.case {
                None => None,
                Some(case) => store.case(case).or_fail("judge")?.map(|case| case.key),
            };
            let question = match spec.question {
                None => None,
                Some(question) => store
                    .question(question)
                    .or_fail("judge")?
                    .map(|question| question.key),
            };
            Ok(JudgedQuery {
                text: spec.text.clone(),
                image,
                part: spec.part,
                case,
                question,
                reads_case: spec.reads_case,
            })
        })
    }

    fn spec_of(&self, query: &JudgedQuery) -> Result<RetrieveSpec, Failure> {
        let gone = |what: &str, key: &str| {
            let summary = format!("the {what} {key} is gone");
            Failure::new("retrieval", FailureKind::Data, summary)
        };
        let image = match &query.image {
            None => None,
            Some(key) => Some(match self.find_image(key)? {
                Some(image) => QueryImage::Stored(image.id),
                None => QueryImage::File(key.clone()),
            }),
        };
        let case = match &query.case {
            None => None,
            Some(key) => Some(self.find_case(key)?.ok_or_else(|| gone("case", key))?),
        };
        let question = match (&query.question, case) {
            (Some(key), Some(case)) => {
                let found =
                    self.with_store(|store| store.question_by_key(case, key).or_fail("retrieval"))?;
                Some(found.ok_or_else(|| gone("question", key))?)
            }
            _ => None,
        };
        Ok(RetrieveSpec {
            text: query.text.clone(),
            image,
            part: query.part,
            case,
            question,
            reads_case: query.reads_case,
            ..RetrieveSpec::default()
        })
    }

    fn doc_of(&self, pool: Pool, row: i64) -> Result<Option<String>, Failure> {
        self.with_store(|store| match pool {
            Pool::Case => {
                let mut keys = store.keys_of_cases(&[row]).or_fail("judge")?;
                Ok(keys.remove(&row))
            }
            Pool::Guideline => {
                let mut keys = store.keys_of_passages(&[row]).or_fail("judge")?;
                let found = keys.remove(&row);
                Ok(found.map(|(key, ordinal)| format!("{key}#{ordinal}")))
            }
        })
    }

    /// A row by the name that judgements give it.
    pub fn find_retrieved(&self, doc: &str) -> Result<Option<(Pool, i64)>, Failure> {
        for pool in [Pool::Guideline, Pool::Case] {
            if let Some(row) = self.row_of(pool, doc)? {
                return Ok(Some((pool, row)));
            }
        }
        Ok(None)
    }

    fn row_of(&self, pool: Pool, doc: &str) -> Result<Option<i64>, Failure> {
        match pool {
            Pool::Case => Ok(self.find_case(doc)?.map(|case| case.0)),
            Pool::Guideline => {
                let Some((key, ordinal)) = doc.rsplit_once('#') else {
                    return Ok(None);
                };
                let Ok(ordinal) = ordinal.parse::<u32>() else {
                    return Ok(None);
                };
                self.with_store(|store| store.passage_at(key, ordinal).or_fail("judge"))
            }
        }
    }
}

/// The same for the same query, whoever asks it and when.
fn topic_of(query: &JudgedQuery) -> String {
    let said = serde_json::to_vec(query).unwrap_or_default();
    format!("{:016x}", xxh3_64(&said))
}
