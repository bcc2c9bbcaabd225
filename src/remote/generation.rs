//! One generation on a server, searched and changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use semihv_vectors::{Fingerprint, Parts};
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::about::{About, AboutPool, Bucket, bucket_id, bucket_of, row_id};
use crate::http::{Call, CallError, Http};
use crate::pools::{PoolError, Row, Scored, VectorPools, Wanted, WordPools, checked_query};
use crate::qdrant::{count, points, scroll};
use crate::weights::{Asked, Sparse};
use crate::wire::{
    FUSED, Found, HOLDS_VECTOR, HOLDS_WORDS, Hashed, IMAGE, Keyed, Note, Point, QueryBody, Stored,
    TEXT, WORDS, holding, in_pool,
};

/// Points of one request; requests of many megabytes are refused by servers.
const POINTS_A_REQUEST: usize = 128;
const BYTES_A_REQUEST: usize = 8 << 20;
const IDS_A_REQUEST: usize = 1_000;

/// In how many rows the terms of a bucket stand.
type Counts = Arc<HashMap<u32, u32>>;

/// A generation. It stays the one that was opened; open again to see a newer one.
#[derive(Debug)]
pub struct Generation {
    http: Arc<Http>,
    /// Of the collection, not the alias: what is read belongs together.
    name: String,
    about: About,
    /// Buckets do not change while a generation lives.
    buckets: Mutex<HashMap<(String, u32), Counts>>,
}

impl Generation {
    pub(crate) fn new(http: Arc<Http>, name: String, about: About) -> Self {
        Self {
            http,
            name,
            about,
            buckets: Mutex::default(),
        }
    }

    /// The collection, as the server knows it.
    pub fn collection(&self) -> &str {
        &self.name
    }

    fn pool(&self, pool: &str) -> Result<AboutPool, PoolError> {
        let known = self.about.pools.get(pool).copied();
        known.ok_or_else(|| PoolError::no_pool(pool, &self.about.known_pools()))
    }

    fn search<V: Serialize>(&self, body: &QueryBody<'_, V>) -> Result<Vec<Scored>, PoolError> {
        let path = format!("/collections/{}/points/query", self.name);
        let call = Call::post("search", path).json(body);
        let found: Result<Found, _> = call.and_then(|call| self.http.ask(&call));
        let points = found.map_err(PoolError::engine)?.points.into_iter();
        let mut scored: Vec<Scored> = points
            .map(|point| Scored {
                key: point.payload.key,
                score: point.score,
                case: point.payload.case_id,
                source: point.payload.source,
                name: point.payload.name,
            })
            .collect();
        scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.key.cmp(&b.key)));
        Ok(scored)
    }

    /// In how many rows of the build these terms stand.
    fn rows_with(&self, pool: &str, terms: &Asked) -> Result<HashMap<u32, u32>, PoolError> {
        let count = self.pool(pool)?.buckets;
        let needed: BTreeSet<u32> = terms.numbers().map(|term| bucket_of(term, count)).collect();
        let mut found = HashMap::new();
        for number in self.fetched(pool, &needed)? {
            found.extend(terms.numbers().filter_map(|term| {
                let rows = number.get(&term)?;
                Some((term, *rows))
            }));
        }
        Ok(found)
    }

    /// Buckets, those not known yet from the server.
    fn fetched(&self, pool: &str, needed: &BTreeSet<u32>) -> Result<Vec<Counts>, PoolError> {
        let mut known = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let place = |bucket: u32| (pool.to_owned(), bucket);
        let missing: BTreeMap<String, u32> = needed
            .iter()
            .filter(|bucket| !known.contains_key(&place(**bucket)))
            .map(|bucket| (bucket_id(pool, *bucket), *bucket))
            .collect();
        if !missing.is_empty() {
            let ids: Vec<String> = missing.keys().cloned().collect();
            let read = points(&self.http, &self.name, &ids, &json!(false));
            let read: Vec<Stored<Note<Bucket>>> = read.map_err(PoolError::engine)?;
            for point in read {
                let counts = point.payload.note.counts().collect();
                if let Some(bucket) = missing.get(&point.id) {
                    known.insert(place(*bucket), Arc::new(counts));
                }
            }
        }
        let needed = needed.iter();
        Ok(needed
            .filter_map(|bucket| known.get(&place(*bucket)).cloned())
            .collect())
    }
}

impl VectorPools for Generation {
    fn generation(&self) -> u64 {
        self.about.generation
    }

    fn fingerprint(&self) -> Fingerprint {
        self.about.fingerprint.clone()
    }

    fn pools(&self) -> Vec<String> {
        self.about.known_pools()
    }

    fn rows(&self, pool: &str) -> Result<u64, PoolError> {
        self.pool(pool)?;
        count(&self.http, &self.name, &holding(pool, HOLDS_VECTOR)).map_err(PoolError::engine)
    }

    fn nearest(
        &self,
        pool: &str,
        query: &[f32],
        wanted: &Wanted,
    ) -> Result<Vec<Scored>, PoolError> {
        self.pool(pool)?;
        let query = checked_query(query, self.about.fingerprint.dim)?;
        if wanted.k == 0 {
            return Ok(Vec::new());
        }
        self.search(&QueryBody::new(&query.as_slice(), FUSED, pool, wanted))
    }

    fn parts(&self, pool: &str, keys: &[i64]) -> Result<HashMap<i64, Parts>, PoolError> {
        self.pool(pool)?;
        let mut parts = HashMap::new();
        for keys in keys.chunks(POINTS_A_REQUEST) {
            let ids: Vec<String> = keys.iter().map(|key| row_id(pool, *key)).collect();
            let read = points(&self.http, &self.name, &ids, &json!([TEXT, IMAGE]));
            let read: Vec<Stored<Keyed>> = read.map_err(PoolError::engine)?;
            for point in read {
                let vectors = point.vector.unwrap_or_default();
                if vectors.text.is_some() || vectors.image.is_some() {
                    let (text, image) = (vectors.text, vectors.image);
                    parts.insert(point.payload.key, Parts { text, image });
                }
            }
        }
        Ok(parts)
    }

    fn content_hashes(&self, pool: &str) -> Result<HashMap<i64, u64>, PoolError> {
        self.pool(pool)?;
        let mut hashes = HashMap::new();
        let fields = ["key", "content_hash"];
        let wanted = (in_pool(pool), fields.as_slice());
        scroll(&self.http, &self.name, wanted, &mut |point: Stored<
            Hashed,
        >| {
            // One that cannot be read counts as changed.
            if let Ok(hash) = u64::from_str_radix(&point.payload.content_hash, 16) {
                hashes.insert(point.payload.key, hash);
            }
        })
        .map_err(PoolError::engine)?;
        Ok(hashes)
    }

    fn append(&self, pool: &str, rows: &[Row]) -> Result<(), PoolError> {
        let weighed = (self.pool(pool)?.summary, self.about.fingerprint.dim);
        // All are looked at before the first is sent.
        let points = rows.iter().map(|row| Point::of(pool, row, weighed));
        let points = points.collect::<Result<Vec<_>, _>>()?;
        let mut batch = Batch::default();
        for point in &points {
            let full = batch.push(point).map_err(PoolError::engine)?;
            if let Some(body) = full {
                send(&self.http, &self.name, body).map_err(PoolError::engine)?;
            }
        }
        match batch.take() {
            Some(body) => send(&self.http, &self.name, body).map_err(PoolError::engine),
            None => Ok(()),
        }
    }

    fn erase(&self, pool: &str, keys: &[i64]) -> Result<(), PoolError> {
        self.pool(pool)?;
        let ids: Vec<String> = keys.iter().map(|key| row_id(pool, *key)).collect();
        erase(&self.http, &self.name, &ids).map_err(PoolError::engine)
    }
}

impl WordPools for Generation {
    fn texts(&self, pool: &str) -> Result<u64, PoolError> {
        self.pool(pool)?;
        count(&self.http, &self.name, &holding(pool, HOLDS_WORDS)).map_err(PoolError::engine)
    }

    fn by_words(&self, pool: &str, text: &str, wanted: &Wanted) -> Result<Vec<Scored>, PoolError> {
        let summary = self.pool(pool)?.summary;
        let asked = Asked::of(text);
        if wanted.k == 0 || asked.numbers().next().is_none() {
            return Ok(Vec::new());
        }
        let values: Sparse = asked.values(summary, &self.rows_with(pool, &asked)?);
        self.search(&QueryBody::new(&values, WORDS, pool, wanted))
    }
}

/// Points gathered for one request.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    points: Vec<u8>,
    count: usize,
}

impl Batch {
    /// The body of a request when there are enough.
    pub(crate) fn push(&mut self, point: &impl Serialize) -> Result<Option<Vec<u8>>, CallError> {
        let written = serde_json::to_vec(point).map_err(CallError::Request)?;
        let is_too_much = self.count > 0 && self.points.len() + written.len() > BYTES_A_REQUEST;
        let full = if is_too_much || self.count >= POINTS_A_REQUEST {
            self.take()
        } else {
            None
        };
        if self.count > 0 {
            self.points.push(b',');
        }
        self.points.extend_from_slice(&written);
        self.count += 1;
        Ok(full)
    }

    /// The body of a request for what is left.
    pub(crate) fn take(&mut self) -> Option<Vec<u8>> {
        if self.count == 0 {
            return None;
        }
        let points = std::mem::take(&mut self.points);
        self.count = 0;
        Some([br#"{"points":["#.as_slice(), &points, b"]}"].concat())
    }
}

/// Done, and seen by every search, when it returns.
pub(crate) fn write(name: &str, body: Vec<u8>) -> Call {
    let path = format!("/collections/{name}/points?wait=true");
    Call::put("write points", path).bytes(body)
}

fn send(http: &Http, name: &str, body: Vec<u8>) -> Result<(), CallError> {
    http.ask::<IgnoredAny>(&write(name, body))?;
    Ok(())
}

pub(crate) fn erase(http: &Http, name: &str, ids: &[String]) -> Result<(), CallError> {
    for ids in ids.chunks(IDS_A_REQUEST) {
        let path = format!("/collections/{name}/points/delete?wait=true");
        let body: Value = json!({"points": ids});
        http.ask::<IgnoredAny>(&Call::post("delete points", path).json(&body)?)?;
    }
    Ok(())
}
