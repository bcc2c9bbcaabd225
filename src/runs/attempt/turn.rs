//! When an attempt may start: after its time, and after the runs that it waits for.

use std::path::Path;

use super::journal::Moment;
use super::look::look;
use super::record::{After, StartRecord};
use super::state::AttemptState;
use crate::folder::attempts;

/// What an attempt waits for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Now,
    /// `for tune-3f9a`.
    Later(String),
    /// Why it never comes.
    Never(String),
}

pub(super) fn turn(attempt: &Path, record: &StartRecord) -> Turn {
    if record
        .not_before
        .is_some_and(|time| Moment::now().wall_ms < time)
    {
        return Turn::Later("for another try".to_owned());
    }
    if record.job.is_some() {
        // The scheduler has waited for them.
        return Turn::Now;
    }
    // `RUNS/RUN/attempt-N`.
    let Some(runs) = attempt.parent().and_then(Path::parent) else {
        return Turn::Now;
    };
    let turns = record.after.iter().map(|after| of(runs, after));
    let waits = turns.into_iter().find(|turn| *turn != Turn::Now);
    waits.unwrap_or(Turn::Now)
}

fn of(runs: &Path, After { run, must_succeed }: &After) -> Turn {
    let newest = attempts(&runs.join(run))
        .ok()
        .and_then(|all| all.into_iter().last());
    let looked = newest.and_then(|(_, folder)| look(&folder).ok());
    let Some(looked) = looked else {
        return Turn::Never(format!("there is no run {run} to wait for"));
    };
    match looked.state {
        AttemptState::Succeeded => Turn::Now,
        state if !state.is_over() => Turn::Later(format!("for {run}")),
        _ if !must_succeed => Turn::Now,
        state => Turn::Never(format!(
            "{run} {}, and this waits for its success",
            state.said()
        )),
    }
}
