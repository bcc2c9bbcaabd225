//! Where a query is searched: in the workspace's folder, or on a server.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use semihv_domain::{Failure, Pool, VectorsUsed};
use semihv_remote::Wanted;
use semihv_retrieval::{FreeText, RankedRow};
use semihv_vectors::{Ask, Fingerprint, How, Kind, Near, Parts, RowSet, VectorIndex};

use super::RetrieveSpec;
use super::left_out::Barred;
use super::looked::{ByVector, kind_of, owner};
use crate::Engine;
use crate::embedding::key_of_case;
use crate::failures::OrFail;
use crate::served::{There, wanted};

pub(crate) enum Searched {
    /// `None`: by words alone.
    Here(Option<Arc<VectorIndex>>),
    There(Box<There>),
}

/// A query of one pool, and what must not be found.
pub(super) struct InPool<'a> {
    pub(super) spec: &'a RetrieveSpec,
    pub(super) pool: Pool,
    pub(super) barred: &'a Barred,
}

impl Searched {
    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Self::Here(vectors) => Some(vectors.as_ref()?.fingerprint()),
            Self::There(there) => Some(there.fingerprint()),
        }
    }

    /// A model that asks for another than it was made with finds nothing by vectors.
    pub(super) fn by_words_alone(&mut self) {
        if let Self::Here(vectors) = self {
            *vectors = None;
        }
    }

    /// What makes the vectors those of the settings.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Here(_) => "run `semihv vectors`",
            Self::There(_) => "run `semihv vectors --push`, or choose the model of the server",
        }
    }

    /// By vectors, best first; of cases the best image. `None`: there are no vectors.
    pub(super) fn near(
        &self,
        engine: &Engine,
        asked: &InPool<'_>,
        query: &[f32],
    ) -> Result<Option<(Vec<ByVector>, VectorsUsed)>, Failure> {
        match self {
            Self::Here(None) => Ok(None),
            Self::Here(Some(vectors)) => near_here(engine, vectors, asked, query),
            Self::There(there) => {
                let (spec, pool) = (asked.spec, asked.pool);
                let rule = wanted(engine, (spec, pool), asked.barred)?;
                let found = there.nearest(engine, (pool, query), &rule)?;
                let found = found.into_iter().filter(|found| found.score > 0.0);
                let near = found.map(|found| ByVector {
                    row: found.local.row,
                    key: found.local.key,
                    cosine: f64::from(found.score),
                });
                Ok(Some((best_of_each(near), there.used(spec.exact))))
            }
        }
    }

    /// By words, best first, and what explains them: the index here knows where the words stand,
    /// whoever ranked the rows.
    pub(super) fn words(
        &self,
        engine: &Engine,
        asked: &InPool<'_>,
        text: &str,
    ) -> Result<(Vec<RankedRow>, FreeText), Failure> {
        let like = free_text(engine, asked, text)?;
        let Self::There(there) = self else {
            let ranked = like.ranked(asked.spec.depth).or_fail("retrieve")?;
            return Ok((ranked, like));
        };
        let (spec, pool) = (asked.spec, asked.pool);
        let rule = Wanted {
            how: How::Auto,
            ..wanted(engine, (spec, pool), asked.barred)?
        };
        let found = there.by_words(engine, (pool, text), &rule)?;
        let ids: Vec<i64> = found.iter().map(|found| found.local.row).collect();
        let here = like.clone().among(ids).ranked(found.len());
        let here = here.or_fail("retrieve")?;
        let here: HashMap<i64, RankedRow> = here.into_iter().map(|row| (row.id, row)).collect();
        let ranked = found.into_iter().filter_map(|found| {
            let mut row = *here.get(&found.local.row)?;
            row.score = found.score;
            Some(row)
        });
        Ok((ranked.collect(), like))
    }

    /// Cases and keys of the rows that are nearest to an image.
    pub(super) fn near_image(
        &self,
        engine: &Engine,
        own: &[f32],
        most: usize,
    ) -> Result<Vec<(i64, i64)>, Failure> {
        let pool = Pool::Case;
        match self {
            Self::Here(None) => Ok(Vec::new()),
            Self::Here(Some(vectors)) if !has_pool(vectors, pool) => Ok(Vec::new()),
            Self::Here(Some(vectors)) => {
                let found = vectors.search(pool.name(), own, Ask::nearest(most));
                let found = found.or_fail("retrieve")?.hits;
                let keys: Vec<i64> = found.iter().map(|near| near.key).collect();
                let owners = owners(engine, &keys)?;
                let case_of = |key: i64| Some((owner(&owners, key)?, key));
                Ok(keys.into_iter().filter_map(case_of).collect())
            }
            Self::There(there) => {
                let found = there.nearest(engine, (pool, own), &Wanted::best(most))?;
                let locals = found.into_iter().map(|found| found.local);
                Ok(locals.map(|local| (local.row, local.key)).collect())
            }
        }
    }

    /// The raw vectors of rows.
    pub(super) fn parts(&self, pool: Pool, keys: &[i64]) -> Result<HashMap<i64, Parts>, Failure> {
        match self {
            Self::Here(None) => Ok(HashMap::new()),
            Self::Here(Some(vectors)) => {
                let parts = keys
                    .iter()
                    .filter_map(|key| Some((*key, vectors.parts(pool.name(), *key)?)));
                Ok(parts.collect())
            }
            Self::There(there) => there.parts(pool, keys),
        }
    }

    /// What could not be had, in words.
    pub(super) fn remark(&self) -> Option<String> {
        match self {
            Self::Here(_) => None,
            Self::There(there) => there.remark(),
        }
    }
}

fn has_pool(vectors: &VectorIndex, pool: Pool) -> bool {
    vectors.pools().iter().any(|known| known == pool.name())
}

fn free_text(engine: &Engine, asked: &InPool<'_>, text: &str) -> Result<FreeText, Failure> {
    let like = engine.index()?.free_text(kind_of(asked.pool), text);
    let barred = asked.barred.of(asked.pool).collect();
    let like = like.or_fail("retrieve")?.without(barred);
    Ok(match asked.barred.passing(asked.pool) {
        None => like,
        Some(passing) => like.among(passing.to_vec()),
    })
}

fn near_here(
    engine: &Engine,
    vectors: &VectorIndex,
    asked: &InPool<'_>,
    query: &[f32],
) -> Result<Option<(Vec<ByVector>, VectorsUsed)>, Failure> {
    let (spec, pool) = (asked.spec, asked.pool);
    if !has_pool(vectors, pool) {
        return Ok(None);
    }
    let allowed = allowed(engine, vectors, asked)?;
    let ask = Ask {
        among: allowed.as_ref(),
        how: if spec.exact { How::Exact } else { How::Auto },
        ..Ask::nearest(spec.depth)
    };
    let found = vectors
        .search(pool.name(), query, ask)
        .or_fail("retrieve")?;
    let fingerprint = vectors.fingerprint();
    let used = VectorsUsed {
        fingerprint: fingerprint.short(),
        encoder: fingerprint.name,
        generation: vectors.generation(),
        search: match found.kind {
            Kind::FlatExact => "exact".to_owned(),
            Kind::Hnsw { ef } => format!("hnsw {ef}"),
        },
        rows: vectors.all_rows(),
    };
    // A row that shares nothing with the query is no candidate.
    let mut hits: Vec<Near> = found.hits;
    hits.retain(|near| near.score > 0.0);
    let near = match pool {
        Pool::Guideline => hits.iter().map(|near| by_vector(near.key, near)).collect(),
        Pool::Case => cases(engine, &hits)?,
    };
    Ok(Some((near, used)))
}

fn allowed(
    engine: &Engine,
    vectors: &VectorIndex,
    asked: &InPool<'_>,
) -> Result<Option<RowSet>, Failure> {
    let (pool, barred) = (asked.pool, asked.barred);
    let rows: Vec<i64> = barred.of(pool).collect();
    let passing = barred.passing(pool);
    if rows.is_empty() && passing.is_none() {
        return Ok(None);
    }
    let keys = |rows: &[i64]| keys_of(engine, pool, rows);
    let rows = keys(&rows)?;
    let Some(passing) = passing.map(keys).transpose()? else {
        return Ok(Some(vectors.all_but(pool.name(), &rows)));
    };
    Ok(Some(vectors.allowed(pool.name(), |key| {
        passing.contains(&key) && !rows.contains(&key)
    })))
}

/// The keys under which rows stand among the vectors.
fn keys_of(engine: &Engine, pool: Pool, rows: &[i64]) -> Result<HashSet<i64>, Failure> {
    if pool == Pool::Guideline {
        return Ok(rows.iter().copied().collect());
    }
    let images = engine.with_store(|store| store.images_of_cases(rows).or_fail("retrieve"))?;
    let alone = rows.iter().map(|case| key_of_case(*case));
    Ok(images.into_iter().chain(alone).collect())
}

fn by_vector(row: i64, near: &Near) -> ByVector {
    ByVector {
        row,
        key: near.key,
        cosine: f64::from(near.score),
    }
}

/// The best image of every case; those that are gone since the vectors were made are left out.
fn cases(engine: &Engine, hits: &[Near]) -> Result<Vec<ByVector>, Failure> {
    let keys: Vec<i64> = hits.iter().map(|near| near.key).collect();
    let owners = owners(engine, &keys)?;
    let owned = |near: &Near| Some(by_vector(owner(&owners, near.key)?, near));
    Ok(best_of_each(hits.iter().filter_map(owned)))
}

fn owners(engine: &Engine, keys: &[i64]) -> Result<HashMap<i64, i64>, Failure> {
    let images: Vec<i64> = keys.iter().copied().filter(|key| *key > 0).collect();
    engine.with_store(|store| store.cases_of_images(&images).or_fail("retrieve"))
}

fn best_of_each(near: impl Iterator<Item = ByVector>) -> Vec<ByVector> {
    let mut seen = HashSet::new();
    near.filter(|near| seen.insert(near.row)).collect()
}
