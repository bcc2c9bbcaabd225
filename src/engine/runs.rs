//! The logs that the manifest names.

use std::path::PathBuf;

use semihv_domain::{Failure, FailureKind, Metric};

use crate::engine::now;
use crate::{Engine, LogView, Reply, RunSummary};

/// Names and paths: `[log.NAME]` entries, then the logs of recipes.
pub(crate) fn logs(engine: &Engine) -> Vec<(String, PathBuf)> {
    let manifest = engine.manifest();
    let mut logs: Vec<(String, PathBuf)> = manifest
        .log
        .iter()
        .map(|(name, log)| (name.clone(), engine.inner.places.resolve(&log.path)))
        .collect();
    for (name, recipe) in &manifest.recipe {
        for (number, path) in recipe.logs.iter().enumerate() {
            let name = if number == 0 { name.clone() } else { format!("{name}-{}", number + 1) };
            logs.push((name, engine.inner.places.resolve(path)));
        }
    }
    logs
}
