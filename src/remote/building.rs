//! A new generation, made beside the one that is served.
//!
//! It is a collection of its own until everything is in it and was counted; then the alias is
//! switched, which readers see from one request to the next. A build that was killed leaves its
//! collection behind, and the next build of the same rows sends only what is missing there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use semihv_vectors::{Fingerprint, Progress};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use crate::about::{
    About, AboutPool, FORMAT, State, about_id, bucket_id, buckets, point_id, row_number,
};
use crate::generation::{Batch, erase, write};
use crate::http::{Call, CallError};
use crate::pools::{PoolError, Row};
use crate::qdrant::{OpenError, Qdrant, count, scroll};
use crate::weights::Corpus;
use crate::wire::{
    FILTERED, HOLDS_VECTOR, HOLDS_WORDS, Marked, Point, Stored, holding, in_pool, new_collection,
    note,
};

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("the server did not do its part of the new index; run it again, and it goes on")]
    Call(#[source] CallError),
    #[error("it was cancelled; the old index is served, and the next run goes on from here")]
    Cancelled,
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Row(#[from] PoolError),
    #[error("row {key} is in pool {pool} already; give every row a key of its own")]
    Twice { pool: String, key: i64 },
    #[error(
        "the model's fingerprint says fusion {found}; it must be {}",
        Fingerprint::FUSION
    )]
    Fusion { found: String },
    #[error(
        "the server holds {found} rows with {what} in pool {pool} where {expected} were sent; the \
         old index is served, build anew"
    )]
    Counts {
        pool: String,
        what: &'static str,
        found: u64,
        expected: u64,
    },
    #[error(
        "the texts of pool {pool} are not those that were counted before; count them again and \
         build anew"
    )]
    OtherTexts { pool: String },
    #[error("the new index disappeared from the server; is another semihv building it?")]
    Gone,
}

impl From<CallError> for BuildError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Cancelled => Self::Cancelled,
            error if error.is_missing() => Self::Gone,
            error => Self::Call(error),
        }
    }
}

/// What is built.
#[derive(Debug, Clone)]
pub struct BuildPlan {
    pub fingerprint: Fingerprint,
    /// All texts, counted; and all pools, also empty ones.
    pub corpus: Corpus,
    /// For telling how far it is.
    pub rows: usize,
}

/// Who is told, and who may stop it.
pub struct Watch<'a> {
    pub progress: &'a mut dyn FnMut(Progress),
    pub cancelled: &'a AtomicBool,
}

/// What was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    pub generation: u64,
    /// Rows with a vector and rows with words of each pool.
    pub pools: BTreeMap<String, (u64, u64)>,
    /// Rows that an earlier, unfinished build had brought there.
    pub kept: usize,
}

/// A build under way. Dropped without `finish` it leaves its rows for the next one.
pub struct Build<'a> {
    qdrant: &'a Qdrant,
    watch: Watch<'a>,
    plan: BuildPlan,
    name: String,
    about: About,
    /// Rows that are there already, with the hash of each; the rest of them is erased at the end.
    there: HashMap<u128, u64>,
    pushed: HashSet<u128>,
    batch: Batch,
    counts: BTreeMap<String, (u64, u64)>,
    kept: usize,
}

impl std::fmt::Debug for Build<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Build")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Qdrant {
    /// Begins a generation, or goes on with one of the same rows that was left unfinished.
    pub fn build<'a>(&'a self, plan: BuildPlan, watch: Watch<'a>) -> Result<Build<'a>, BuildError> {
        if plan.fingerprint.fusion != Fingerprint::FUSION {
            return Err(BuildError::Fusion {
                found: plan.fingerprint.fusion,
            });
        }
        let mark = mark(&plan);
        let served = self.served()?.and_then(|name| self.number_of(&name));
        let numbers = self.numbers()?;
        let mut unfinished = None;
        for number in numbers.iter().rev() {
            if served.is_some_and(|served| *number <= served) {
                break;
            }
            let name = self.name_of(*number);
            match self.left(&name, &mark)? {
                Some(about) if unfinished.is_none() => unfinished = Some((name, about)),
                _ => self.delete(&name)?,
            }
        }
        let newest = numbers.last().copied().unwrap_or(0);
        let (name, about) = match unfinished {
            Some(found) => found,
            None => self.begun(newest + 1, &plan, mark, &watch)?,
        };
        let mut build = Build {
            qdrant: self,
            watch,
            counts: about
                .pools
                .keys()
                .map(|pool| (pool.clone(), (0, 0)))
                .collect(),
            plan,
            name,
            about,
            there: HashMap::new(),
            pushed: HashSet::new(),
            batch: Batch::default(),
            kept: 0,
        };
        build.look()?;
        Ok(build)
    }

    /// What an unfinished build of the same rows left. A note that cannot be read is of no use.
    fn left(&self, name: &str, mark: &str) -> Result<Option<About>, BuildError> {
        match self.about(name) {
            Ok(about) => Ok(about.filter(|about| about.mark == mark)),
            Err(OpenError::Call(error)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }

    /// A collection with all but its rows. Its note comes last: without one it is begun anew.
    fn begun(
        &self,
        generation: u64,
        plan: &BuildPlan,
        mark: String,
        watch: &Watch<'_>,
    ) -> Result<(String, About), BuildError> {
        let name = self.name_of(generation);
        let ask = |call: Call| self.ask::<IgnoredAny>(&call, watch.cancelled);
        let path = format!("/collections/{name}");
        let body = new_collection(plan.fingerprint.dim);
        ask(Call::put("make a collection", path).json(&body)?)?;
        for (field, kind) in FILTERED {
            let path = format!("/collections/{name}/index?wait=true");
            let body = json!({"field_name": field, "field_schema": kind});
            ask(Call::put("index a field", path).json(&body)?)?;
        }
        let mut batch = Batch::default();
        let mut pools = BTreeMap::new();
        for (pool, counted) in &plan.corpus.pools {
            for (number, bucket) in buckets(counted) {
                let full = batch.push(&note(&bucket_id(pool, number), &bucket))?;
                if let Some(body) = full {
                    ask(write(&name, body))?;
                }
            }
            let (summary, buckets) = (counted.summary, counted.buckets());
            pools.insert(pool.clone(), AboutPool { summary, buckets });
        }
        let about = About {
            format: FORMAT,
            state: State::Building,
            generation,
            mark,
            fingerprint: plan.fingerprint.clone(),
            pools,
        };
        if let Some(body) = batch.take() {
            ask(write(&name, body))?;
        }
        ask(note_call(&name, &about)?)?;
        Ok((name, about))
    }

    fn ask<T: DeserializeOwned>(
        &self,
        call: &Call,
        cancelled: &AtomicBool,
    ) -> Result<T, BuildError> {
        Ok(self.http.ask_unless(call, cancelled)?)
    }
}

impl Build<'_> {
    /// Rows that an earlier build brought here and that need not be sent again.
    pub fn already_there(&self) -> usize {
        self.there.len() + self.kept
    }

    /// Adds a row. Rows may come in any order.
    pub fn push(&mut self, pool: &str, row: &Row) -> Result<(), BuildError> {
        if self.watch.cancelled.load(Ordering::Relaxed) {
            return Err(BuildError::Cancelled);
        }
        let Some(known) = self.about.pools.get(pool) else {
            return Err(PoolError::no_pool(pool, &self.about.known_pools()).into());
        };
        let point = Point::of(pool, row, (known.summary, self.about.fingerprint.dim))?;
        let number = row_number(pool, row.key);
        if !self.pushed.insert(number) {
            return Err(BuildError::Twice {
                pool: pool.to_owned(),
                key: row.key,
            });
        }
        let counts = self.counts.entry(pool.to_owned()).or_default();
        counts.0 += u64::from(point.has_vector());
        counts.1 += u64::from(point.has_words());
        if self.there.remove(&number) == Some(point.row_hash()) {
            self.kept += 1;
            return Ok(());
        }
        if let Some(body) = self.batch.push(&point)? {
            self.send(body)?;
        }
        Ok(())
    }

    /// Makes the new generation the served one, after everything in it was counted.
    pub fn finish(mut self) -> Result<Built, BuildError> {
        if let Some(body) = self.batch.take() {
            self.send(body)?;
        }
        self.compare_texts()?;
        let gone: Vec<String> = self.there.keys().map(|gone| point_id(*gone)).collect();
        erase(&self.qdrant.http, &self.name, &gone)?;
        self.verify()?;
        let complete = About {
            state: State::Complete,
            ..self.about.clone()
        };
        let cancelled = self.watch.cancelled;
        self.qdrant
            .ask::<IgnoredAny>(&note_call(&self.name, &complete)?, cancelled)?;
        self.tell("switching", self.plan.rows);
        let before = self.qdrant.served()?;
        self.qdrant.switch_to(&self.name)?;
        self.remove_older(before.as_deref());
        Ok(Built {
            generation: self.about.generation,
            pools: self.counts,
            kept: self.kept,
        })
    }

    /// Gives up what was sent so far.
    pub fn abandon(self) -> Result<(), BuildError> {
        Ok(self.qdrant.delete(&self.name)?)
    }

    /// What an earlier build brought here.
    fn look(&mut self) -> Result<(), BuildError> {
        for pool in self.about.known_pools() {
            let wanted = (in_pool(&pool), ["key", "row_hash"].as_slice());
            let there = &mut self.there;
            let mut each = |point: Stored<Marked>| {
                // One that cannot be read is sent again.
                let hash = u64::from_str_radix(&point.payload.row_hash, 16).unwrap_or(0);
                there.insert(row_number(&pool, point.payload.key), hash);
            };
            scroll(&self.qdrant.http, &self.name, wanted, &mut each)?;
        }
        Ok(())
    }

    fn send(&mut self, body: Vec<u8>) -> Result<(), BuildError> {
        let call = write(&self.name, body);
        self.qdrant.ask::<IgnoredAny>(&call, self.watch.cancelled)?;
        self.tell("sending", self.pushed.len());
        Ok(())
    }

    fn tell(&mut self, step: &'static str, done: usize) {
        let of = self.plan.rows.max(done);
        (self.watch.progress)(Progress { step, done, of });
    }

    /// Weights depend on all texts of a pool; rows without a counted text would be weighed wrongly.
    fn compare_texts(&self) -> Result<(), BuildError> {
        for (pool, (_, texts)) in &self.counts {
            let known = self.about.pools.get(pool);
            if known.is_none_or(|known| known.summary.documents != *texts) {
                return Err(BuildError::OtherTexts { pool: pool.clone() });
            }
        }
        Ok(())
    }

    fn verify(&mut self) -> Result<(), BuildError> {
        self.tell("counting", self.pushed.len());
        for (pool, (vectors, words)) in &self.counts {
            for (what, expected) in [(HOLDS_VECTOR, *vectors), (HOLDS_WORDS, *words)] {
                let found = count(&self.qdrant.http, &self.name, &holding(pool, what))?;
                if found != expected {
                    let pool = pool.clone();
                    return Err(BuildError::Counts {
                        pool,
                        what,
                        found,
                        expected,
                    });
                }
            }
        }
        Ok(())
    }

    /// The one before stays: somebody may be reading it.
    fn remove_older(&self, before: Option<&str>) {
        let numbers = self.qdrant.numbers().unwrap_or_default();
        for number in numbers.range(..self.about.generation) {
            let name = self.qdrant.name_of(*number);
            if Some(name.as_str()) == before {
                continue;
            }
            if let Err(error) = self.qdrant.delete(&name) {
                tracing::warn!(%error, name, "an old index stays on the server");
            }
        }
    }
}

fn note_call(name: &str, about: &About) -> Result<Call, CallError> {
    let mut batch = Batch::default();
    batch.push(&note(&about_id(), about))?;
    Ok(write(name, batch.take().unwrap_or_default()))
}

/// What a build is known by.
fn mark(plan: &BuildPlan) -> String {
    let fingerprint: Value = json!(plan.fingerprint);
    let text = format!("{FORMAT} {fingerprint} {}", plan.corpus.mark());
    format!("{:016x}", xxh3_64(text.as_bytes()))
}
