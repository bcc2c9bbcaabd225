//! What the retriever is worth, measured on human judgements, and the weights fitted on them.

mod job;
mod journal;
mod report;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use semihv_domain::{Failure, FailureKind, Fused, Fusion, Pool};
use semihv_evaluation::ranking::{Judgements, Measure, Ranked, Run};

use crate::Engine;
use crate::RetrieveSpec;
use crate::failures::OrFail;
use crate::retrieving::{Looked, fused};

pub(crate) use job::run;
pub(crate) use journal::KeptJournal;
pub use journal::{JudgedRows, OwnJudgements};
pub use report::{ListReport, PoolReport, RetrievalReport};

/// A weight is served from so many judged queries on (design, hybrid fusion).
pub const ENOUGH_JUDGED: usize = 50;
/// Rows of each list: deep enough for measures of the first hundred after passages became
/// documents.
pub const EVALUATED_DEPTH: usize = 300;

/// A query with its name in the judgements.
#[derive(Debug, Clone, PartialEq)]
pub struct Topic {
    pub name: String,
    pub spec: RetrieveSpec,
}

/// What is measured.
#[derive(Debug, Clone)]
pub struct EvaluateSpec {
    pub topics: Vec<Topic>,
    pub judgements: Judgements,
    pub measures: Vec<Measure>,
    /// The first is what weights are fitted by.
    pub seed: u64,
}

/// The lists of one pool over all topics.
pub(crate) struct Runs {
    pub(crate) pool: Pool,
    /// What was judged of this pool.
    pub(crate) judged: Judgements,
    pub(crate) dense: Run,
    pub(crate) words: Run,
    pub(crate) by_ranks: Run,
}

/// Names of documents as judgements know them.
struct Names<'a> {
    engine: &'a Engine,
    judgements: &'a Judgements,
    /// Passages are judged, not only guidelines as a whole.
    is_by_passage: bool,
}

impl Engine {
    /// Searches for every topic and measures each list. `heard` is told how many are done, and
    /// stops it by false: then there is no report.
    pub fn evaluate_retrieval(
        &self,
        spec: &EvaluateSpec,
        heard: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Option<RetrievalReport>, Failure> {
        let judged: Vec<&Topic> = spec
            .topics
            .iter()
            .filter(|topic| spec.judgements.of(&topic.name).is_some())
            .collect();
        if judged.is_empty() {
            let summary = "none of the queries is judged";
            return Err(Failure::new("retrieval eval", FailureKind::User, summary)
                .with_hint("the first column of the judgements must name the queries' ids"));
        }
        let names = Names::new(self, &spec.judgements);
        let mut pools: Vec<Runs> = Pool::ALL.map(Runs::new).into_iter().collect();
        let mut encoder = None;
        for (done, topic) in judged.iter().enumerate() {
            if !heard(done, judged.len()) {
                return Ok(None);
            }
            let looked = Looked::measured(self, &topic.spec)?;
            encoder = encoder.or_else(|| looked.encoder().map(str::to_owned));
            for runs in &mut pools {
                runs.add(&names, &topic.name, &looked)?;
            }
        }
        let mut known = Vec::new();
        for runs in &mut pools {
            let (judged, is_known) = names.judged(runs.pool, &spec.judgements)?;
            runs.judged = judged;
            known.push(is_known);
        }
        let mut known = known.into_iter();
        // Judged and not found counts as zero; what is of no pool says nothing of any.
        pools.retain(|runs| known.next().unwrap_or(false) && runs.was_asked());
        if pools.is_empty() {
            let summary = "nothing that was judged is of a pool that was asked";
            return Err(Failure::new("retrieval eval", FailureKind::User, summary).with_hint(
                "judgements name cases by their keys, guidelines by theirs, or passages as KEY#NUMBER",
            ));
        }
        Ok(Some(RetrievalReport::new(spec, encoder, pools)))
    }
}

impl Runs {
    fn new(pool: Pool) -> Self {
        Self {
            pool,
            judged: Judgements::default(),
            dense: Run::default(),
            words: Run::default(),
            by_ranks: Run::default(),
        }
    }

    fn add(&mut self, names: &Names<'_>, topic: &str, looked: &Looked) -> Result<(), Failure> {
        let Some(lists) = looked.lists(self.pool) else {
            return Ok(());
        };
        let fused = fused(lists, Fusion::default());
        let rows: Vec<i64> = fused.iter().map(|row| row.id).collect();
        let named = names.of(self.pool, &rows, topic)?;
        let of = |score: &dyn Fn(&Fused<i64>) -> Option<f64>| -> Vec<Ranked> {
            let scored = fused.iter().filter_map(|row| {
                Some(Ranked {
                    doc: named.get(&row.id)?.clone(),
                    score: score(row)?,
                })
            });
            scored.collect()
        };
        self.dense
            .put(topic, of(&|row| row.dense.map(|share| share.score)));
        self.words
            .put(topic, of(&|row| row.lexical.map(|share| share.score)));
        // Documents of several passages are fused by their best passage.
        self.by_ranks.put(topic, of(&|row| Some(row.score)));
        Ok(())
    }

    fn was_asked(&self) -> bool {
        self.by_ranks.topics().next().is_some()
    }

    /// Both lists found something.
    pub(crate) fn has_both(&self) -> bool {
        let is_something = |run: &Run| run.topics().any(|(_, list)| !list.is_empty());
        is_something(&self.dense) && is_something(&self.words)
    }
}

impl<'a> Names<'a> {
    fn new(engine: &'a Engine, judgements: &'a Judgements) -> Self {
        let mut docs = judgements.topics().flat_map(|(_, grades)| grades.keys());
        let is_passage = |doc: &String| {
            let number = doc.rsplit_once('#').map(|(_, number)| number);
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        };
        Self {
            engine,
            judgements,
            is_by_passage: docs.any(is_passage),
        }
    }

    /// Without what is known to be of the other pool: who judged passages for a query said nothing
    /// of its cases. And whether anything is known to be of this one.
    fn judged(&self, pool: Pool, judgements: &Judgements) -> Result<(Judgements, bool), Failure> {
        self.engine.with_store(|store| {
            let is_of = |pool: Pool, doc: &str| match pool {
                Pool::Case => store.case_by_key(doc).map(|found| found.is_some()),
                Pool::Guideline => {
                    let key = doc.rsplit_once('#').filter(|_| self.is_by_passage);
                    store.has_guideline(key.map_or(doc, |(key, _)| key))
                }
            };
            let mut own = Judgements::default();
            let mut is_known = false;
            for (topic, grades) in judgements.topics() {
                for (doc, grade) in grades {
                    let is_own = is_of(pool, doc).or_fail("retrieval eval")?;
                    is_known |= is_own;
                    let of_other = || {
                        Pool::ALL
                            .iter()
                            .any(|other| *other != pool && is_of(*other, doc).unwrap_or(false))
                    };
                    if is_own || !of_other() {
                        // Each stands there once: nothing can be contradicted.
                        let _ = own.add(topic.to_owned(), doc.clone(), *grade);
                    }
                }
            }
            Ok((own, is_known))
        })
    }

    /// A passage by its own name where that is judged for the topic, else by its guideline's.
    fn of(&self, pool: Pool, rows: &[i64], topic: &str) -> Result<HashMap<i64, String>, Failure> {
        let is_judged = |name: &str| {
            let grades = self.judgements.of(topic);
            grades.is_some_and(|grades| grades.contains_key(name))
        };
        self.engine.with_store(|store| match pool {
            Pool::Case => store.keys_of_cases(rows).or_fail("retrieval eval"),
            Pool::Guideline => {
                let keys = store.keys_of_passages(rows).or_fail("retrieval eval")?;
                let named = keys.into_iter().map(|(row, (key, ordinal))| {
                    let passage = format!("{key}#{ordinal}");
                    let is_whole = !is_judged(&passage) && is_judged(&key);
                    let name = if self.is_by_passage && !is_whole {
                        passage
                    } else {
                        key
                    };
                    (row, name)
                });
                Ok(named.collect())
            }
        })
    }
}
