//! The index on disk behind the same traits: vectors of `semihv-vectors`, words of tantivy.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use semihv_domain::DocumentKind;
use semihv_remote::{Facets, PoolError, Row, Scored, VectorPools, Wanted, WordPools};
use semihv_retrieval::{Change, Document, Index, NumberedChange};
use semihv_vectors::{Ask, Fingerprint, NewRow, Parts, SearchError, UpdateError, VectorIndex};
use tempfile::TempDir;

use crate::samples::{Both, POOLS, Peer, Rows, WordPeer, fingerprint, passes};

pub(crate) struct Local;

impl Peer for Local {
    fn vectors(&self, rows: &Rows) -> Box<dyn VectorPools> {
        Box::new(OnDisk::filled(rows))
    }
}

impl WordPeer for Local {
    fn engine(&self, rows: &Rows) -> Box<dyn Both> {
        Box::new(OnDisk::filled(rows))
    }
}

struct OnDisk {
    _folder: TempDir,
    vectors: VectorIndex,
    words: Arc<Index>,
    revision: AtomicU64,
    /// The index knows no facets; the store does, in the program.
    rows: Mutex<BTreeMap<(String, i64), Row>>,
}

impl OnDisk {
    fn filled(rows: &Rows) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("vectors");
        let mut builder = VectorIndex::build(&root, fingerprint()).unwrap();
        for (pool, row) in rows.iter().filter(|(_, row)| has_vector(row)) {
            builder.push(pool, new_row(row)).unwrap();
        }
        builder.finish(&mut |_| {}).unwrap();
        let words = Index::open(&folder.path().join("words")).unwrap();
        let filled = Self {
            vectors: VectorIndex::open(&root).unwrap().into_index().unwrap(),
            words: Arc::new(words.into_index()),
            revision: AtomicU64::new(0),
            rows: Mutex::default(),
            _folder: folder,
        };
        for pool in POOLS {
            let rows = rows.iter().filter(|(of, _)| *of == pool);
            filled.put(pool, rows.map(|(_, row)| row));
        }
        filled
    }

    fn put<'a>(&self, pool: &str, rows: impl Iterator<Item = &'a Row>) {
        let mut known = self.rows.lock().unwrap();
        let mut changes = Vec::new();
        for row in rows {
            known.insert((pool.to_owned(), row.key), row.clone());
            if let Some(words) = &row.words {
                let mut document = Document::new(kind(pool), row.key);
                document.title.clone_from(&words.title);
                document.body.clone_from(&words.body);
                changes.push(Change::Put(Box::new(document)));
            }
        }
        self.change(changes);
    }

    fn change(&self, changes: Vec<Change>) {
        let revision = self.revision.fetch_add(1, Ordering::Relaxed) + 1;
        let changes = changes.into_iter().map(|change| {
            Ok(NumberedChange {
                number: revision,
                change,
            })
        });
        let never = AtomicBool::new(false);
        self.words
            .update(changes, revision, &|_| {}, &never)
            .unwrap();
    }

    fn known(&self, pool: &str) -> Result<bool, PoolError> {
        if !POOLS.contains(&pool) {
            return Err(PoolError::NoPool {
                pool: pool.to_owned(),
                known: POOLS.join(", "),
            });
        }
        Ok(self.vectors.pools().iter().any(|known| known == pool))
    }

    fn passes(&self, pool: &str, key: i64, wanted: &Wanted) -> bool {
        let rows = self.rows.lock().unwrap();
        let row = rows.get(&(pool.to_owned(), key));
        row.is_some_and(|row| passes(row, wanted))
    }

    fn scored(&self, pool: &str, key: i64, score: f32) -> Scored {
        let rows = self.rows.lock().unwrap();
        let facets = rows.get(&(pool.to_owned(), key)).map(|row| &row.facets);
        let case = facets.and_then(|Facets { case, .. }| *case);
        Scored {
            key,
            score,
            case,
            source: facets.map(|it| it.source.clone()).unwrap_or_default(),
            name: facets.map(|it| it.name.clone()).unwrap_or_default(),
        }
    }
}

fn kind(pool: &str) -> DocumentKind {
    match pool {
        "case" => DocumentKind::Case,
        "guideline" => DocumentKind::Passage,
        _ => DocumentKind::Question,
    }
}

fn has_vector(row: &Row) -> bool {
    row.text.is_some() || row.image.is_some()
}

fn new_row(row: &Row) -> NewRow<'_> {
    NewRow {
        key: row.key,
        content_hash: row.content_hash,
        text: row.text.as_deref(),
        image: row.image.as_deref(),
    }
}

impl VectorPools for OnDisk {
    fn generation(&self) -> u64 {
        self.vectors.generation()
    }

    fn fingerprint(&self) -> Fingerprint {
        self.vectors.fingerprint()
    }

    fn pools(&self) -> Vec<String> {
        POOLS.map(str::to_owned).into()
    }

    fn rows(&self, pool: &str) -> Result<u64, PoolError> {
        self.known(pool)?;
        Ok(self.vectors.rows(pool) as u64)
    }

    fn nearest(
        &self,
        pool: &str,
        query: &[f32],
        wanted: &Wanted,
    ) -> Result<Vec<Scored>, PoolError> {
        if !self.known(pool)? {
            return Ok(Vec::new());
        }
        let among = self
            .vectors
            .allowed(pool, |key| self.passes(pool, key, wanted));
        let ask = Ask {
            how: wanted.how,
            ..Ask::nearest(wanted.k).among(&among)
        };
        let found = self
            .vectors
            .search(pool, query, ask)
            .map_err(|error| match error {
                SearchError::Query(source) => PoolError::Query(source),
                other => PoolError::engine(other),
            })?;
        let hits = found.hits.into_iter();
        Ok(hits
            .map(|near| self.scored(pool, near.key, near.score))
            .collect())
    }

    fn parts(&self, pool: &str, keys: &[i64]) -> Result<HashMap<i64, Parts>, PoolError> {
        self.known(pool)?;
        let keys = keys.iter();
        Ok(keys
            .filter_map(|key| Some((*key, self.vectors.parts(pool, *key)?)))
            .collect())
    }

    fn content_hashes(&self, pool: &str) -> Result<HashMap<i64, u64>, PoolError> {
        self.known(pool)?;
        Ok(self.vectors.content_hashes(pool))
    }

    fn append(&self, pool: &str, rows: &[Row]) -> Result<(), PoolError> {
        self.known(pool)?;
        for row in rows {
            row.fused(self.fingerprint().dim)?;
        }
        let vectors: Vec<NewRow<'_>> = rows
            .iter()
            .filter(|row| has_vector(row))
            .map(new_row)
            .collect();
        self.vectors
            .append(pool, &vectors)
            .map_err(|error| match error {
                UpdateError::Vector { key, source } => PoolError::Vector { key, source },
                other => PoolError::engine(other),
            })?;
        self.put(pool, rows.iter());
        Ok(())
    }

    fn erase(&self, pool: &str, keys: &[i64]) -> Result<(), PoolError> {
        self.known(pool)?;
        self.vectors.erase(pool, keys).map_err(PoolError::engine)?;
        let gone = keys.iter().map(|key| Change::Delete(kind(pool), *key));
        self.change(gone.collect());
        let mut rows = self.rows.lock().unwrap();
        for key in keys {
            rows.remove(&(pool.to_owned(), *key));
        }
        Ok(())
    }
}

impl WordPools for OnDisk {
    fn texts(&self, pool: &str) -> Result<u64, PoolError> {
        self.known(pool)?;
        let rows = self.rows.lock().unwrap();
        let texts = rows
            .iter()
            .filter(|((of, _), row)| of == pool && row.words.is_some());
        Ok(texts.count() as u64)
    }

    fn by_words(&self, pool: &str, text: &str, wanted: &Wanted) -> Result<Vec<Scored>, PoolError> {
        self.known(pool)?;
        let like = self.words.free_text(kind(pool), text);
        let like = like.map_err(PoolError::engine)?;
        let hits = like.ranked(10_000).map_err(PoolError::engine)?;
        let passing = hits
            .into_iter()
            .filter(|hit| self.passes(pool, hit.id, wanted));
        let mut found: Vec<Scored> = passing
            .map(|hit| self.scored(pool, hit.id, hit.score))
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.key.cmp(&b.key)));
        found.truncate(wanted.k);
        Ok(found)
    }
}
