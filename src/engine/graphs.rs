//! Graphs over the vectors of large pools. A pool without one is scanned.

use semihv_domain::{Failure, Pool};
use semihv_vectors::{GraphReport, VectorIndex};

use crate::Engine;
use crate::alone::{self, Alone, Outcome};
use crate::engine::locked;
use crate::jobs::Progress;

/// How the graphs of all pools ended.
pub(crate) enum Graphs {
    /// What is to be said of them.
    Done(Vec<String>),
    Cancelled,
}

/// Builds what is missing. A graph that cannot be built is no failure of the vectors.
pub(crate) fn run(
    engine: &Engine,
    index: &VectorIndex,
    progress: &mut Progress,
) -> Result<Graphs, Failure> {
    let from = locked(&engine.inner.vector_plan).graph_from;
    let mut said = Vec::new();
    for pool in Pool::ALL {
        let name = pool.name();
        let is_wanted = index.settled_rows(name) >= from.max(1);
        if !is_wanted || index.graph(name).is_some() {
            continue;
        }
        let what = format!("graph for {name}");
        match alone::run(engine, (Alone::Graph(name), &what), progress)? {
            Outcome::Cancelled => return Ok(Graphs::Cancelled),
            Outcome::Failed(why) => {
                tracing::warn!(%why, pool = name, "no graph could be built");
                said.push(format!("no graph for {name}, every row is scanned: {why}"));
            }
            Outcome::Done => said.extend(index.graph(name).map(|report| told(name, &report))),
        }
    }
    Ok(Graphs::Done(said))
}

fn told(pool: &str, report: &GraphReport) -> String {
    let audit = &report.audit;
    if !report.is_served {
        return format!(
            "the graph for {pool} finds too little, every row is scanned: {:.1} % of the 10 nearest at ef {}, {:.1} % of 100 at {}",
            f64::from(audit.recall_10) / 100.0,
            audit.ef_10,
            f64::from(audit.recall_100) / 100.0,
            audit.ef_100,
        );
    }
    format!(
        "graph for {pool}: {:.1} % of the 10 nearest found at ef {}, {:.1} % of 100 at {}",
        f64::from(audit.recall_10) / 100.0,
        audit.ef_10,
        f64::from(audit.recall_100) / 100.0,
        audit.ef_100,
    )
}
