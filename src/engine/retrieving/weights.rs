//! The weights of the two lists as they were fitted on what was judged.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use semihv_domain::{Alpha, Failure, FailureKind, Fusion, Pool, Weighed};
use serde::{Deserialize, Serialize};

use crate::Engine;
use crate::failures::OrFail;

/// The weight of one pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoolWeight {
    /// What is served: 0 is words alone, 1 is vectors alone.
    pub alpha: Alpha,
    /// As fitted, before the question whether fusing pays.
    pub fitted: Alpha,
    /// 95 % of refits on topics drawn anew.
    pub low: f64,
    pub high: f64,
    /// Judged queries it was fitted on.
    pub queries: usize,
    pub measure: String,
    pub dense: f64,
    pub words: f64,
    /// By cross-validation.
    pub both: f64,
    pub seed: u64,
}

/// All weights that were fitted with one encoder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    pub encoder: String,
    pub pools: BTreeMap<Pool, PoolWeight>,
}

impl Weights {
    pub(crate) fn read(engine: &Engine) -> Result<Option<Self>, Failure> {
        let path = engine.inner.places.weights();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::of("retrieve", FailureKind::Internal, &error)),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            Failure::of("retrieve", FailureKind::Data, &error).with_hint(format!(
                "{} is damaged: remove it, and fit again with `semihv retrieval eval --fit`",
                path.display()
            ))
        })
    }

    pub(crate) fn write(&self, engine: &Engine) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Failure::of("retrieve", FailureKind::Internal, &error))?;
        semihv_workspace::write_atomically(&engine.inner.places.weights(), &text)
            .or_fail("retrieve")
    }
}

/// The rule of every pool. Scores of two pools can only be compared under rules of one kind: a
/// pool for which nothing was fitted takes the weight of the other.
pub(super) fn fusions(
    engine: &Engine,
    encoder: Option<&str>,
    wanted: Option<Fusion>,
    remarks: &mut Vec<String>,
) -> (BTreeMap<Pool, Fusion>, Weighed) {
    let for_all = |fusion| Pool::ALL.map(|pool| (pool, fusion)).into_iter().collect();
    if let Some(fusion) = wanted {
        return (for_all(fusion), Weighed::Asked);
    }
    // Ranks need no weight: a file that cannot be read stops nobody.
    let weights = Weights::read(engine).unwrap_or_else(|failure| {
        remarks.extend(failure.hint.or(Some(failure.summary)));
        None
    });
    let weights = weights.filter(|it| Some(it.encoder.as_str()) == encoder);
    let Some(weights) = weights else {
        return (for_all(Fusion::default()), Weighed::ByRanks);
    };
    let any = weights.pools.values().next();
    let Some(any) = any.map(|weight| weight.alpha) else {
        return (for_all(Fusion::default()), Weighed::ByRanks);
    };
    let of = |pool: Pool| {
        let own = weights.pools.get(&pool).map(|weight| weight.alpha);
        Fusion::Convex {
            alpha: own.unwrap_or(any),
        }
    };
    let fusions = Pool::ALL.map(|pool| (pool, of(pool)));
    (fusions.into_iter().collect(), Weighed::Fitted)
}
