//! Folds what was written since into a new generation of the vectors.

use semihv_domain::{Failure, FailureKind};
use semihv_vectors::VectorIndex;

use crate::Engine;
use crate::alone::{self, Alone, Outcome, said};
use crate::engine::locked;
use crate::failures::OrFail;
use crate::jobs::Progress;

const WHAT: &str = "folding new rows into the rest";

/// False when it was cancelled, which leaves the index as it was.
pub(crate) fn run(
    engine: &Engine,
    index: &VectorIndex,
    progress: &mut Progress,
) -> Result<bool, Failure> {
    let rows = index.all_rows();
    if rows < locked(&engine.inner.vector_plan).compact_alone_from {
        let mut say = |step: semihv_vectors::Progress| {
            progress.say(said(WHAT, step.step, (step.done as u64, step.of as u64)));
        };
        index.compact(&mut say).or_fail("vectors")?;
        return Ok(true);
    }
    match alone::run(engine, (Alone::Compact, WHAT), progress)? {
        Outcome::Done => Ok(true),
        Outcome::Cancelled => Ok(false),
        Outcome::Failed(why) => {
            let summary = format!("the vectors cannot be compacted: {why}");
            Err(Failure::new("vectors", FailureKind::Config, summary))
        }
    }
}
