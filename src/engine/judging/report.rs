//! The figures of an evaluation.

use std::collections::BTreeMap;

use semihv_domain::{Alpha, Failure, Pool};
use semihv_evaluation::ranking::{
    Comparison, FittedAlpha, Measure, Run, Served, compare, evaluate, fit_alpha,
};
use serde::Serialize;

use super::{ENOUGH_JUDGED, EvaluateSpec, Runs};
use crate::Engine;
use crate::retrieving::{PoolWeight, Weights};

/// One list of a pool: means in the order of the report's measures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListReport {
    pub name: String,
    pub means: Vec<f64>,
    /// Against the better single list, with the interval of the difference.
    pub against_single: Vec<Comparison>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PoolReport {
    pub pool: Pool,
    /// Judged queries.
    pub queries: usize,
    /// Those for which nothing was found: they count as 0.
    pub unanswered: Vec<String>,
    /// Those of which nothing is relevant: they count as 0 too.
    pub without_relevant: Vec<String>,
    pub lists: Vec<ListReport>,
    /// The weight of the convex combination by the first measure; none where there is one list,
    /// or too few queries for five folds.
    pub fitted: Option<FittedAlpha>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RetrievalReport {
    pub encoder: Option<String>,
    pub measures: Vec<Measure>,
    pub seed: u64,
    pub pools: Vec<PoolReport>,
    /// By pool and list, for files in TREC's format.
    #[serde(skip)]
    pub runs: BTreeMap<(Pool, String), Run>,
}

impl RetrievalReport {
    pub(super) fn new(spec: &EvaluateSpec, encoder: Option<String>, pools: Vec<Runs>) -> Self {
        Self {
            encoder,
            measures: spec.measures.clone(),
            seed: spec.seed,
            pools: pools.iter().map(|runs| of_pool(spec, runs)).collect(),
            runs: pools.into_iter().flat_map(named).collect(),
        }
    }

    /// Keeps the weights of pools that were judged enough; the others keep theirs. Which pools
    /// those are.
    pub fn keep_weights(&self, engine: &Engine) -> Result<Vec<Pool>, Failure> {
        let encoder = self.encoder.clone().unwrap_or_default();
        let known = Weights::read(engine)?.filter(|known| known.encoder == encoder);
        let mut weights = known.unwrap_or(Weights {
            encoder,
            pools: BTreeMap::new(),
        });
        let mut kept = Vec::new();
        for pool in &self.pools {
            let Some(fitted) = pool
                .fitted
                .as_ref()
                .filter(|_| pool.queries >= ENOUGH_JUDGED)
            else {
                continue;
            };
            weights
                .pools
                .insert(pool.pool, weight(fitted, pool.queries, self.seed));
            kept.push(pool.pool);
        }
        if !kept.is_empty() {
            weights.write(engine)?;
        }
        Ok(kept)
    }
}

/// Where fusing does not pay, the weight that leaves the better list alone.
fn weight(fitted: &FittedAlpha, queries: usize, seed: u64) -> PoolWeight {
    let alone = |alpha: f64| Alpha::new(alpha).unwrap_or(Alpha::HALF);
    PoolWeight {
        alpha: match fitted.served {
            Served::Hybrid => fitted.alpha,
            Served::Dense => alone(1.0),
            Served::Lexical => alone(0.0),
        },
        fitted: fitted.alpha,
        low: fitted.alpha_interval.low,
        high: fitted.alpha_interval.high,
        queries,
        measure: fitted.measure.to_string(),
        dense: fitted.dense,
        words: fitted.lexical,
        both: fitted.cross_validated,
        seed,
    }
}

const WORDS: &str = "words";
const VECTORS: &str = "vectors";
const BY_RANKS: &str = "by ranks";

fn named(runs: Runs) -> Vec<((Pool, String), Run)> {
    let pool = runs.pool;
    let lists = [
        (WORDS, runs.words),
        (VECTORS, runs.dense),
        (BY_RANKS, runs.by_ranks),
    ];
    let named = lists
        .into_iter()
        .map(|(name, run)| ((pool, name.to_owned()), run));
    named.collect()
}

fn of_pool(spec: &EvaluateSpec, runs: &Runs) -> PoolReport {
    let (judgements, measures) = (&runs.judged, &spec.measures);
    let words = evaluate(&runs.words, judgements, measures);
    let dense = evaluate(&runs.dense, judgements, measures);
    let is_dense_better = dense.means.first() > words.means.first();
    let single = if is_dense_better {
        &runs.dense
    } else {
        &runs.words
    };
    let list = |name: &str, run: &Run, means: &[f64], is_single: bool| ListReport {
        name: name.to_owned(),
        means: means.to_vec(),
        against_single: if is_single {
            Vec::new()
        } else {
            compare((single, run), judgements, measures, spec.seed)
        },
    };
    let mut lists = vec![
        list(WORDS, &runs.words, &words.means, !is_dense_better),
        list(VECTORS, &runs.dense, &dense.means, is_dense_better),
    ];
    let mut fitted = None;
    if runs.has_both() {
        let ranks = evaluate(&runs.by_ranks, judgements, measures);
        lists.push(list(BY_RANKS, &runs.by_ranks, &ranks.means, false));
        let pair = (&runs.dense, &runs.words);
        let by = measures.first().copied();
        fitted = by.and_then(|by| fit_alpha(pair, judgements, by, spec.seed).ok());
    }
    let any = if is_dense_better { dense } else { words };
    PoolReport {
        pool: runs.pool,
        queries: any.topics.len(),
        unanswered: any.unanswered,
        without_relevant: any.without_relevant,
        lists,
        fitted,
    }
}
