//! How well a graph finds what a scan of all rows finds, and what is done about it.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::encode::singles;
use crate::graph::attached::Audit;
use crate::graph::serve::search_at;
use crate::rows::Pool;
use crate::search::{Asked, flat};

/// Of ten thousand: the bar is 0.99, and the queries are few.
const ENOUGH: u32 = 9_930;
const QUERIES: usize = 500;
const SELVES: usize = 2_000;

/// Widths of the search that are tried; each is an eighth to a fifth more than the one before.
const WIDTHS: [u32; 30] = [
    16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512,
    640, 768, 1024, 1280, 1536, 2048, 2560, 3072, 4096,
];

/// Queries of one scan.
const TOGETHER: usize = 25;

impl Audit {
    /// The width of the search for so many.
    pub(crate) fn width(&self, k: usize) -> usize {
        let (few, many) = (self.ef_10 as usize, self.ef_100 as usize);
        match k {
            0..=10 => few,
            11..=100 => few + many.saturating_sub(few) * (k - 10) / 90,
            _ => many.saturating_mul(k) / 100,
        }
    }

    /// Rows that a search of this width looks at.
    pub(crate) fn looked_at(&self, ef: usize) -> f64 {
        let (few, many) = (f64::from(self.ef_10), f64::from(self.ef_100));
        let (at_few, at_many) = (f64::from(self.looked_at_10), f64::from(self.looked_at_100));
        let slope = (at_many - at_few) / (many - few).max(1.0);
        (at_few + slope * (ef as f64 - few)).max(ef as f64)
    }
}

/// How many rows were asked for themselves, and those that were not found.
pub(crate) fn selves_missed(pool: &Pool, ef: u32) -> (u32, Vec<u32>) {
    let columns = &pool.generation.columns;
    let tried = sample(columns.rows(), SELVES, 0);
    let is_missed = |&row: &u32| {
        let key = columns.key(columns.documents_of(row as usize).start);
        let vector = columns.fused(row as usize).map(singles).unwrap_or_default();
        let found = searched(pool, &[vector], 1, Some(ef)).pop();
        found.is_none_or(|(keys, _)| keys.first().copied() != key)
    };
    let missed = tried.iter().copied().filter(is_missed).collect();
    (tried.len() as u32, missed)
}

/// The least widths with which enough is found; false where none of both is wide enough: then the
/// figures are those of the widest.
pub(crate) fn audit(pool: &Pool) -> (Audit, bool) {
    let queries = moved(pool);
    let mut audit = Audit {
        queries: queries.len() as u32,
        ..Audit::default()
    };
    let few = least(pool, &queries, 10);
    let many = least(pool, &queries, 100);
    (audit.ef_10, audit.recall_10, audit.looked_at_10) = few;
    (audit.ef_100, audit.recall_100, audit.looked_at_100) = many;
    audit.ef_100 = audit.ef_100.max(audit.ef_10);
    let is_enough = audit.recall_10 >= ENOUGH && audit.recall_100 >= ENOUGH;
    (audit, is_enough)
}

/// Width, recall and rows looked at: of the least width that is enough, or of the widest.
fn least(pool: &Pool, queries: &[Vec<f32>], k: usize) -> (u32, u32, u32) {
    let truth = searched(pool, queries, k, None);
    let k = k.min(pool.documents());
    let try_width = |ef: u32| {
        let found = searched(pool, queries, k, Some(ef));
        let (mut common, mut wanted, mut looked_at) = (0, 0, 0);
        for ((truth, _), (found, scanned)) in truth.iter().zip(&found) {
            let truth: HashSet<&i64> = truth.iter().collect();
            wanted += truth.len();
            common += found.iter().filter(|key| truth.contains(key)).count();
            looked_at += scanned;
        }
        let recall = common * 10_000 / wanted.max(1);
        (ef, recall as u32, (looked_at / queries.len().max(1)) as u32)
    };
    let widths: Vec<u32> = WIDTHS.into_iter().filter(|&ef| ef as usize >= k).collect();
    // Wider finds more: the first that is enough is found by halving.
    let at = widths.partition_point(|&ef| try_width(ef).1 < ENOUGH);
    let widest = widths.last().copied().unwrap_or(k as u32);
    try_width(widths.get(at).copied().unwrap_or(widest))
}

/// Keys and rows looked at, for each query; without a width by a scan of all rows.
fn searched(
    pool: &Pool,
    queries: &[Vec<f32>],
    k: usize,
    width: Option<u32>,
) -> Vec<(Vec<i64>, usize)> {
    let dim = pool.generation.columns.dim;
    let mut all = Vec::with_capacity(queries.len());
    for queries in queries.chunks(TOGETHER) {
        let asked = queries
            .iter()
            .filter_map(|query| Asked::new(query, dim, k).ok());
        let mut asked: Vec<Asked> = asked.collect();
        let found = match width {
            None => flat(pool, &mut asked, k, None),
            Some(ef) => search_at(pool, &mut asked, (k, ef as usize), None).unwrap_or_default(),
        };
        all.extend(found.into_iter().map(|found| {
            let keys = found.hits.iter().map(|hit| hit.key).collect();
            (keys, found.scanned)
        }));
    }
    all
}

/// Rows moved by half the difference of two others: near rows, but none of them.
fn moved(pool: &Pool) -> Vec<Vec<f32>> {
    let columns = &pool.generation.columns;
    let rows = columns.rows();
    let vector = |row: u32| columns.fused(row as usize).map(singles).unwrap_or_default();
    let of = sample(rows, QUERIES, 1);
    let (from, to) = (sample(rows, QUERIES, 2), sample(rows, QUERIES, 3));
    let three = of.into_iter().zip(from.into_iter().zip(to));
    three
        .map(|(of, (from, to))| {
            let (of, (from, to)) = (vector(of), (vector(from), vector(to)));
            let moved = of.iter().zip(from.iter().zip(&to));
            moved
                .map(|(of, (from, to))| of + (to - from) / 2.0)
                .collect()
        })
        .collect()
}

/// Rows here and there, always the same for a seed.
fn sample(rows: usize, count: usize, seed: u64) -> Vec<u32> {
    let hash = |at: u64| xxh3_64_with_seed(&at.to_le_bytes(), seed);
    let rows = rows as u64;
    (0..(count as u64).min(rows))
        .map(|at| (hash(at) % rows) as u32)
        .collect()
}
