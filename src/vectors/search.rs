//! Finds the documents nearest to a vector: codes are scanned, the best ranked again by vectors.

use std::sync::Arc;

use crate::best::Best;
use crate::encode::{codes, singles_into};
use crate::fuse::{Fused, VectorError};
use crate::index::{State, VectorIndex};
use crate::kernels::{Kernel, prefetch};
use crate::rows::{Chosen, Half, Pool, RowSet};

/// Rows ranked again by their vectors.
const LEAST_CANDIDATES: usize = 50;
const CANDIDATES_A_HIT: usize = 5;

/// Rows scanned at once: their codes stay in a core's cache while every query looks at them.
const BLOCK: usize = 256;

/// Rows whose scores are compared at once: among so few there is mostly none of the best.
const FEW: usize = 32;

/// Rows ahead whose vectors are asked for while one is ranked.
const AHEAD: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("the vector index has no pool {pool}; it has {known}")]
    NoPool { pool: String, known: String },
    #[error("the query cannot be searched for")]
    Query(#[from] VectorError),
    #[error("the rows were chosen in pool {chosen} and the search is in {pool}; choose them there")]
    OtherPool { chosen: String, pool: String },
}

/// What is wanted of a search.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// How many documents.
    pub k: usize,
    /// The documents that may be found; `None`: all.
    pub among: Option<&'a RowSet>,
    pub how: How,
}

impl<'a> Ask<'a> {
    /// The `k` nearest of all documents.
    pub fn nearest(k: usize) -> Self {
        Self {
            k,
            among: None,
            how: How::Auto,
        }
    }

    #[must_use]
    pub fn among(self, set: &'a RowSet) -> Self {
        Self {
            among: Some(set),
            ..self
        }
    }
}

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum How {
    #[default]
    /// By a graph where there is one and it is cheaper, else all rows.
    Auto,
    Exact,
    /// By a graph wherever there is one.
    Graph,
}

/// How it was searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    FlatExact,
    /// By a graph of neighbours, `ef` wide.
    Hnsw {
        ef: usize,
    },
}

/// A document and its cosine with the query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    pub key: i64,
    pub score: f32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The nearest first; of equally near ones the lower key.
    pub hits: Vec<Near>,
    pub kind: Kind,
    /// Rows whose codes were looked at.
    pub scanned: usize,
}

impl VectorIndex {
    pub fn search(&self, pool: &str, query: &[f32], ask: Ask<'_>) -> Result<Found, SearchError> {
        let found = self.search_many(pool, &[query], ask)?;
        Ok(found.into_iter().next().unwrap_or(Found {
            hits: Vec::new(),
            kind: Kind::FlatExact,
            scanned: 0,
        }))
    }

    /// Several queries in one pass over the rows.
    pub fn search_many(
        &self,
        pool: &str,
        queries: &[&[f32]],
        ask: Ask<'_>,
    ) -> Result<Vec<Found>, SearchError> {
        let Ask { k, among, how } = ask;
        if let Some(set) = among.filter(|set| set.pool != pool) {
            return Err(SearchError::OtherPool {
                chosen: set.pool.clone(),
                pool: pool.to_owned(),
            });
        }
        let state = among.map_or_else(|| self.state(), |set| Arc::clone(&set.state));
        let searched = pool_of(&state, pool)?;
        let dim = state.generation.manifest.dim();
        let queries = queries.iter().map(|query| Asked::new(query, dim, k));
        let mut queries = queries.collect::<Result<Vec<_>, _>>()?;
        let by_graph = crate::graph::search(searched, &mut queries, (k, how), among);
        Ok(by_graph.unwrap_or_else(|| {
            for query in &mut queries {
                query.begin_again(k);
            }
            flat(searched, &mut queries, k, among)
        }))
    }
}

fn pool_of<'a>(state: &'a State, pool: &str) -> Result<&'a Pool, SearchError> {
    state.pools.get(pool).ok_or_else(|| {
        let known: Vec<&str> = state.pools.keys().map(String::as_str).collect();
        SearchError::NoPool {
            pool: pool.to_owned(),
            known: if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            },
        }
    })
}

/// A query under way.
pub(crate) struct Asked {
    vector: Fused,
    pub(crate) codes: Vec<i8>,
    /// Of the generation and of the tail.
    pub(crate) best: [Best; 2],
}

impl Asked {
    pub(crate) fn new(query: &[f32], dim: usize, k: usize) -> Result<Self, VectorError> {
        if query.len() != dim {
            return Err(VectorError::Dimension {
                found: query.len(),
                expected: dim,
            });
        }
        let vector = Fused::of(query)?;
        let (codes, _) = codes(vector.as_slice());
        Ok(Self {
            vector,
            codes,
            best: candidates(k),
        })
    }

    fn begin_again(&mut self, k: usize) {
        self.best = candidates(k);
    }
}

fn candidates(k: usize) -> [Best; 2] {
    let wanted = LEAST_CANDIDATES.max(k.saturating_mul(CANDIDATES_A_HIT));
    [Best::new(wanted), Best::new(wanted)]
}

/// By the codes of all rows that may be found.
pub(crate) fn flat(
    pool: &Pool,
    queries: &mut [Asked],
    k: usize,
    among: Option<&RowSet>,
) -> Vec<Found> {
    let kernel = Kernel::best();
    let chosen = among.map(|set| set.halves.each_ref());
    let [in_generation, in_tail] = match chosen {
        Some([generation, tail]) => [Some(generation), Some(tail)],
        None => [None, None],
    };
    let mut scanned = 0;
    let sides = [(&pool.generation, in_generation), (&pool.tail, in_tail)];
    for (side, (half, chosen)) in sides.iter().enumerate() {
        scanned += match chosen {
            Some(chosen) => scan_chosen(kernel, half, chosen, queries, side),
            None => scan_all(kernel, half, queries, side),
        };
    }
    let mut all = found(pool, queries, k, among);
    for found in &mut all {
        found.scanned = scanned;
    }
    all
}

/// The candidates of each query, ranked by their vectors.
pub(crate) fn found(
    pool: &Pool,
    queries: &mut [Asked],
    k: usize,
    among: Option<&RowSet>,
) -> Vec<Found> {
    let chosen = among.map(|set| set.halves.each_ref());
    let [in_generation, in_tail] = match chosen {
        Some([generation, tail]) => [Some(generation), Some(tail)],
        None => [None, None],
    };
    let sides = [(&pool.generation, in_generation), (&pool.tail, in_tail)];
    queries
        .iter_mut()
        .map(|query| {
            let mut hits = Vec::new();
            for ((half, chosen), best) in sides.iter().zip(&mut query.best) {
                let best = std::mem::replace(best, Best::new(0));
                rank(half, *chosen, &query.vector, best, &mut hits);
            }
            hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.key.cmp(&b.key)));
            hits.truncate(k);
            Found {
                hits,
                kind: Kind::FlatExact,
                scanned: 0,
            }
        })
        .collect()
}

pub(crate) fn scan_all(kernel: Kernel, half: &Half, queries: &mut [Asked], side: usize) -> usize {
    let columns = &half.columns;
    let stride = columns.stride();
    let mut products = [0i32; BLOCK];
    let blocks = columns.codes.as_slice().chunks(stride * BLOCK);
    for (block, (codes, scales)) in blocks
        .zip(columns.scales.as_slice().chunks(BLOCK))
        .enumerate()
    {
        for query in &mut *queries {
            kernel.run(codes, &query.codes, &mut products);
            let Some(best) = query.best.get_mut(side) else {
                continue;
            };
            let few = products.chunks(FEW).zip(scales.chunks(FEW));
            for (at, (products, scales)) in few.enumerate() {
                if is_any_worth(best, products, scales) {
                    offer(half, block * BLOCK + at * FEW, best, (products, scales));
                }
            }
        }
    }
    columns.rows()
}

/// Without a branch: several at once.
#[inline]
fn is_any_worth(best: &Best, products: &[i32], scales: &[f32]) -> bool {
    let pairs = products.iter().zip(scales);
    pairs.fold(false, |is_any, (&product, &scale)| {
        is_any | best.is_worth(product as f32 * scale)
    })
}

/// The rows from `first` on.
fn offer(half: &Half, first: usize, best: &mut Best, (products, scales): (&[i32], &[f32])) {
    for (row, (&product, &scale)) in (first..).zip(products.iter().zip(scales)) {
        let score = product as f32 * scale;
        if best.is_worth(score) && half.is_row_live(row) {
            best.offer(score, row as u32);
        }
    }
}

pub(crate) fn scan_chosen(
    kernel: Kernel,
    half: &Half,
    chosen: &Chosen,
    queries: &mut [Asked],
    side: usize,
) -> usize {
    let rows: Vec<u32> = chosen.rows.iter().map(|row| row as u32).collect();
    scan_rows(kernel, half, &rows, queries, side);
    rows.len()
}

/// Only these rows.
pub(crate) fn scan_rows(
    kernel: Kernel,
    half: &Half,
    rows: &[u32],
    queries: &mut [Asked],
    side: usize,
) {
    let (codes, scales) = (
        half.columns.codes.as_slice(),
        half.columns.scales.as_slice(),
    );
    let mut products = [0i32; BLOCK];
    for rows in rows.chunks(BLOCK) {
        for query in &mut *queries {
            kernel.picked(codes, &query.codes, rows, &mut products);
            let Some(best) = query.best.get_mut(side) else {
                continue;
            };
            for (&product, &row) in products.iter().zip(rows) {
                let scale = scales.get(row as usize).copied().unwrap_or(0.0);
                best.offer(product as f32 * scale, row);
            }
        }
    }
}

/// The documents of the best rows with their exact scores.
fn rank(half: &Half, chosen: Option<&Chosen>, query: &Fused, best: Best, hits: &mut Vec<Near>) {
    let mut vector = vec![0.0f32; half.columns.dim];
    let mut rows: Vec<usize> = best
        .into_kept()
        .iter()
        .map(|(_, row)| *row as usize)
        .collect();
    rows.sort_unstable();
    for (at, &row) in rows.iter().enumerate() {
        if let Some(next) = rows
            .get(at + AHEAD)
            .and_then(|&row| half.columns.fused(row))
        {
            prefetch(next);
        }
        let Some(fused) = half.columns.fused(row) else {
            continue;
        };
        singles_into(fused, &mut vector);
        let score = dot(&vector, query.as_slice());
        for document in half.columns.documents_of(row) {
            let passes = match chosen {
                Some(chosen) => chosen.documents.contains(document),
                None => half.is_live(document),
            };
            if let Some(key) = half.columns.key(document).filter(|_| passes) {
                hits.push(Near { key, score });
            }
        }
    }
}

/// In eight sums, which the compiler keeps in one register.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
