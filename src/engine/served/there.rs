//! One search of an index on a server, told in the rows of this store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use semihv_domain::{Failure, FailureKind, Pool, VectorsUsed};
use semihv_remote::{Among, Scored, VectorPools, Wanted, WordPools};
use semihv_vectors::{Fingerprint, How, Parts};

use super::ServedIndex;
use super::names::{Local, local_case, local_passage, shared_case, shared_passage, shared_patient};
use crate::Engine;
use crate::engine::locked;
use crate::failures::OrFail;
use crate::retrieving::{Barred, RetrieveSpec};

/// A filter that lets more rows pass is not sent.
const MOST_AMONG: usize = 20_000;

type Place = (Pool, i64);

pub(crate) struct There {
    index: Arc<ServedIndex>,
    /// The server's keys of rows that were found, by their keys here.
    keys: Mutex<HashMap<Place, i64>>,
    parts: Mutex<HashMap<Place, Parts>>,
    /// Rows that were found and are not in this store.
    unknown: AtomicUsize,
}

/// A row that was found there and is here.
pub(crate) struct Found {
    pub(crate) local: Local,
    pub(crate) score: f32,
}

impl There {
    pub(crate) fn new(index: Arc<ServedIndex>) -> Self {
        Self {
            index,
            keys: Mutex::default(),
            parts: Mutex::default(),
            unknown: AtomicUsize::new(0),
        }
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.index.generation.fingerprint()
    }

    pub(crate) fn used(&self, is_exact: bool) -> VectorsUsed {
        let fingerprint = self.fingerprint();
        VectorsUsed {
            fingerprint: fingerprint.short(),
            encoder: fingerprint.name,
            generation: self.index.generation.generation(),
            search: if is_exact { "qdrant exact" } else { "qdrant" }.to_owned(),
            rows: self.index.rows,
        }
    }

    pub(crate) fn nearest(
        &self,
        engine: &Engine,
        (pool, query): (Pool, &[f32]),
        wanted: &Wanted,
    ) -> Result<Vec<Found>, Failure> {
        let found = self.index.generation.nearest(pool.name(), query, wanted);
        self.known_here(engine, pool, found.or_fail("server")?)
    }

    pub(crate) fn by_words(
        &self,
        engine: &Engine,
        (pool, text): (Pool, &str),
        wanted: &Wanted,
    ) -> Result<Vec<Found>, Failure> {
        let found = self.index.generation.by_words(pool.name(), text, wanted);
        self.known_here(engine, pool, found.or_fail("server")?)
    }

    /// The raw vectors of rows that were found, asked for once.
    pub(crate) fn parts(&self, pool: Pool, keys: &[i64]) -> Result<HashMap<i64, Parts>, Failure> {
        let here: HashMap<i64, i64> = {
            let (known, parts) = (locked(&self.keys), locked(&self.parts));
            let missing = keys
                .iter()
                .filter(|key| !parts.contains_key(&(pool, **key)));
            missing
                .filter_map(|key| Some((*known.get(&(pool, *key))?, *key)))
                .collect()
        };
        if !here.is_empty() {
            let there: Vec<i64> = here.keys().copied().collect();
            let read = self.index.generation.parts(pool.name(), &there);
            let read = read.or_fail("server")?;
            let of_here = |(key, parts)| Some(((pool, *here.get(&key)?), parts));
            locked(&self.parts).extend(read.into_iter().filter_map(of_here));
        }
        let parts = locked(&self.parts);
        let known = keys
            .iter()
            .filter_map(|key| Some((*key, parts.get(&(pool, *key))?.clone())));
        Ok(known.collect())
    }

    pub(crate) fn remark(&self) -> Option<String> {
        match self.unknown.load(Ordering::Relaxed) {
            0 => None,
            count => Some(format!(
                "{count} rows that the server found are not in this workspace and left out: import what is there"
            )),
        }
    }

    fn known_here(
        &self,
        engine: &Engine,
        pool: Pool,
        scored: Vec<Scored>,
    ) -> Result<Vec<Found>, Failure> {
        let mut known = Vec::new();
        engine.with_store(|store| {
            for scored in scored {
                let local = match pool {
                    Pool::Case => local_case(store, &scored)?,
                    Pool::Guideline => local_passage(store, &scored)?,
                };
                let Some(local) = local else {
                    self.unknown.fetch_add(1, Ordering::Relaxed);
                    continue;
                };
                locked(&self.keys).insert((pool, local.key), scored.key);
                let score = scored.score;
                known.push(Found { local, score });
            }
            Ok(())
        })?;
        Ok(known)
    }
}

/// What the rule of the query is on the server.
pub(crate) fn wanted(
    engine: &Engine,
    (spec, pool): (&RetrieveSpec, Pool),
    barred: &Barred,
) -> Result<Wanted, Failure> {
    let mut wanted = Wanted::best(spec.depth);
    wanted.how = if spec.exact { How::Exact } else { How::Auto };
    wanted.licences.clone_from(&spec.licences);
    let passing = barred.passing(pool);
    if let Some(passing) = passing.filter(|passing| passing.len() > MOST_AMONG) {
        let summary = format!(
            "the filter lets {} rows pass, and a server is sent at most {MOST_AMONG}",
            passing.len()
        );
        return Err(Failure::new("server", FailureKind::User, summary)
            .with_hint("narrow the filter, or search with retrieval_engine = \"local\""));
    }
    engine.with_store(|store| {
        let shared = |rows: &[i64]| -> Result<Vec<i64>, Failure> {
            let shared = rows.iter().map(|row| match pool {
                Pool::Case => shared_case(store, *row),
                Pool::Guideline => shared_passage(store, *row),
            });
            let shared: Result<Vec<_>, _> = shared.collect();
            Ok(shared?.into_iter().flatten().collect())
        };
        let among = passing.map(&shared).transpose()?;
        let rows: Vec<i64> = barred.besides_licence(pool).collect();
        let rows = shared(&rows)?;
        match pool {
            Pool::Case => {
                wanted.among = among.map(Among::Cases);
                wanted.barred.cases = rows;
            }
            Pool::Guideline => {
                wanted.among = among.map(Among::Keys);
                wanted.barred.keys = rows;
            }
        }
        // Also cases of the patient that are there and not here.
        if let Some(case) = spec.case.filter(|_| pool == Pool::Case) {
            let named = store.name_of_case(case.0).or_fail("server")?;
            wanted.barred.patients = named
                .and_then(|it| shared_patient(&it.source, it.patient.as_deref()))
                .into_iter()
                .collect();
        }
        Ok(wanted)
    })
}
