//! The measuring of the retriever as a job of the workbench, on what was judged in the workspace.

use semihv_domain::{Failure, FailureKind, JobProgress};
use semihv_evaluation::ranking::Measure;

use super::{EVALUATED_DEPTH, EvaluateSpec, PoolReport, RetrievalReport, Topic};
use crate::jobs::{Ending, Progress};
use crate::{Engine, RetrieveSpec};

/// As the command line measures by itself.
const MEASURES: [&str; 4] = ["nDCG@10", "MRR", "Recall@10", "Hit@1"];

/// The weights that were fitted are served from then on, where enough was judged.
pub(crate) fn run(engine: &Engine, progress: &mut Progress) -> Result<Ending, Failure> {
    let own = engine.own_judgements()?;
    if own.topics.is_empty() {
        let summary = "nothing was judged in this workspace yet";
        return Err(Failure::new("measure", FailureKind::User, summary)
            .with_hint("judge hits with `r` in the hits pane"));
    }
    let topics = own.topics.into_iter().map(|topic| Topic {
        spec: RetrieveSpec {
            depth: EVALUATED_DEPTH,
            ..topic.spec
        },
        ..topic
    });
    let measures: Result<Vec<Measure>, _> = MEASURES.iter().map(|name| name.parse()).collect();
    let measures =
        measures.map_err(|error| Failure::of("measure", FailureKind::Internal, &error))?;
    let spec = EvaluateSpec {
        topics: topics.collect(),
        judgements: own.judgements,
        measures,
        seed: 0,
    };
    let mut heard = |done: usize, total: usize| {
        progress.say(JobProgress {
            done: done as u64,
            total: Some(total as u64),
            unit: "queries".to_owned(),
            ..JobProgress::default()
        });
        !progress.is_cancelled()
    };
    let Some(report) = engine.evaluate_retrieval(&spec, &mut heard)? else {
        return Ok(Ending::Cancelled);
    };
    let served = report.keep_weights(engine)?;
    let pools = report.pools.iter().map(|pool| {
        let is_served = served.contains(&pool.pool);
        said(&report, pool, is_served)
    });
    let summary = pools.collect::<Vec<_>>().join("; ");
    Ok(Ending::Done { summary })
}

/// `guideline: words 0.591, vectors 0.671, by ranks 0.722 of nDCG@10 in 96 queries`.
fn said(report: &RetrievalReport, pool: &PoolReport, is_served: bool) -> String {
    let lists = pool.lists.iter().map(|list| {
        let mean = list.means.first().copied().unwrap_or_default();
        format!("{} {mean:.3}", list.name)
    });
    let lists: Vec<String> = lists.collect();
    let measure = report.measures.first();
    let measure = measure.map(ToString::to_string).unwrap_or_default();
    let weight = match &pool.fitted {
        Some(fitted) if is_served => {
            format!(", weight {:.2} of vectors served now", fitted.alpha.get())
        }
        _ => String::new(),
    };
    format!(
        "{}: {} of {measure} in {} queries{weight}",
        pool.pool.name(),
        lists.join(", "),
        pool.queries
    )
}
