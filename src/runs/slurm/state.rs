//! What is known of an attempt that Slurm runs: a pure fold over its own records and Slurm's word.
//!
//! Its own exit record is believed first; what only says that it was told to end is explained by Slurm.

use super::status::{JobStatus, Stage};
use crate::attempt::{AttemptState, EndReason, Event, ExitRecord, Journal, asked, ended, waiting};

/// A job that nobody finds so long after its folder was made was never asked for.
const SUBMITTED_WITHIN_MS: i64 = 5 * 60 * 1_000;
/// What the command is told to end with.
const KILLS: [i32; 2] = [15, 9];

/// Slurm's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    Said(JobStatus),
    /// It is said to be over since a moment ago: one that was told to end may yet be begun again.
    Settling(JobStatus),
    /// Slurm answers, and knows no such job.
    Forgotten,
    /// It answers, and no job was seen yet; milliseconds since the folder was made.
    NotSubmitted {
        age_ms: i64,
    },
    /// It cannot be asked.
    Silent,
}

/// `by` is who asked that it ends.
pub(super) fn state_in_queue(
    journal: &Journal,
    exit: Option<&ExitRecord>,
    word: &Word,
    by: Option<&str>,
) -> AttemptState {
    if let Some(exit) = exit.filter(|exit| says_all(exit)) {
        return ended(exit);
    }
    match word {
        Word::Settling(_) if !journal.lines.is_empty() => AttemptState::Ending {
            by: by.unwrap_or("Slurm").to_owned(),
        },
        Word::Said(job) | Word::Settling(job) => said(journal, exit, job, by),
        // It may be begun again.
        Word::Silent => AttemptState::Unreachable,
        Word::Forgotten => exit.map_or(AttemptState::Lost, ended),
        Word::NotSubmitted { age_ms } if *age_ms < SUBMITTED_WITHIN_MS => AttemptState::Starting,
        Word::NotSubmitted { .. } => AttemptState::StartFailed {
            why: "Slurm never heard of it".to_owned(),
        },
    }
}

/// False where something outside ended it: Slurm knows why, and whether it begins again.
fn says_all(exit: &ExitRecord) -> bool {
    match exit.reason {
        EndReason::Exited | EndReason::Cancelled | EndReason::StartFailed => true,
        EndReason::Signalled => {
            exit.was_out_of_memory || !exit.signal.is_some_and(|signal| KILLS.contains(&signal))
        }
        EndReason::Terminated | EndReason::TimeLimit => false,
    }
}

fn said(
    journal: &Journal,
    exit: Option<&ExitRecord>,
    job: &JobStatus,
    by: Option<&str>,
) -> AttemptState {
    let was_begun = !journal.lines.is_empty();
    match &job.stage {
        Stage::Pending => AttemptState::Queued {
            why: in_queue(&job.reason, was_begun),
        },
        Stage::Suspended => AttemptState::Queued {
            why: "suspended by Slurm".to_owned(),
        },
        Stage::Configuring => AttemptState::Starting,
        Stage::Running | Stage::Completing | Stage::Other(_) => match exit {
            Some(_) => AttemptState::Ending {
                by: by.unwrap_or("Slurm").to_owned(),
            },
            None => alive(journal),
        },
        Stage::Completed => AttemptState::Succeeded,
        Stage::Failed => exit.map_or_else(|| failed(journal, job), ended),
        Stage::Cancelled if job.reason == "DependencyNeverSatisfied" => AttemptState::StartFailed {
            why: "a run that it waited for did not succeed (DependencyNeverSatisfied)".to_owned(),
        },
        Stage::Cancelled => AttemptState::Cancelled {
            by: by.unwrap_or("somebody, in Slurm").to_owned(),
        },
        Stage::TimeLimit => AttemptState::TimeLimit,
        Stage::NodeFailed => AttemptState::NodeFailed,
        Stage::Preempted => AttemptState::Preempted,
        Stage::OutOfMemory => AttemptState::OutOfMemory,
    }
}

fn in_queue(reason: &str, was_begun: bool) -> String {
    let again = if was_begun { ", begun again" } else { "" };
    if reason.is_empty() {
        format!("in Slurm{again}")
    } else {
        format!("in Slurm{again} ({reason})")
    }
}

fn alive(journal: &Journal) -> AttemptState {
    if journal.lines.is_empty() {
        return AttemptState::Starting;
    }
    let has_begun = |event: &Event| matches!(event, Event::Started { .. });
    if journal.lines.iter().any(|line| has_begun(&line.event)) {
        asked(&journal.lines)
    } else {
        waiting(&journal.lines)
    }
}

/// The batch script is the supervisor, whose code is the command's.
fn failed(journal: &Journal, job: &JobStatus) -> AttemptState {
    match job.code {
        Some(code) if journal.lines.is_empty() => AttemptState::StartFailed {
            why: format!("the batch script ended with {code} before it began; see its log"),
        },
        Some(code) if code != 0 => AttemptState::Failed { code },
        _ => AttemptState::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{Line, Moment, ProcessId};

    const AT: Moment = Moment {
        wall_ms: 0,
        boot_ms: 0,
    };

    fn journal(events: &[&str]) -> Journal {
        let id = || ProcessId {
            boot_id: "b".to_owned(),
            pid: 1,
            start_time: 1,
        };
        let event = |name: &&str| match *name {
            "supervised" => Event::Supervised {
                supervisor: id(),
                host: "n".to_owned(),
            },
            "asked" => Event::Asked {
                by: "ana".to_owned(),
            },
            _ => Event::Started { child: id() },
        };
        let line = |(seq, event)| Line {
            seq,
            at: AT,
            boot_id: "b".to_owned(),
            event,
        };
        Journal {
            lines: (1..).zip(events.iter().map(event)).map(line).collect(),
            skipped: 0,
        }
    }

    fn exit(reason: EndReason, code: Option<i32>, signal: Option<i32>) -> ExitRecord {
        ExitRecord {
            reason,
            code,
            signal,
            has_core: false,
            was_out_of_memory: false,
            disk_was_full: false,
            by: Some("ana".to_owned()),
            trouble: None,
            boot_id: "b".to_owned(),
            started: AT,
            ended: AT,
        }
    }

    fn job(stage: Stage, reason: &str, code: Option<i32>) -> Word {
        Word::Said(JobStatus {
            stage,
            reason: reason.to_owned(),
            partition: "gpu".to_owned(),
            nodes: "n1".to_owned(),
            code,
        })
    }

    const BEGUN: [&str; 2] = ["supervised", "started"];

    #[track_caller]
    fn check(events: &[&str], exit: Option<ExitRecord>, word: &Word, expected: &str) {
        let found = state_in_queue(&journal(events), exit.as_ref(), word, None);
        assert_eq!(found.said(), expected);
    }

    #[test]
    fn slurm_is_believed_where_there_is_no_exit_record() {
        let word = |stage| job(stage, "", None);
        let waits = job(Stage::Pending, "Priority", None);
        check(&[], None, &waits, "queued in Slurm (Priority)");
        check(
            &BEGUN,
            None,
            &waits,
            "queued in Slurm, begun again (Priority)",
        );
        check(&[], None, &word(Stage::Configuring), "starting");
        check(&[], None, &word(Stage::Running), "starting");
        check(&BEGUN, None, &word(Stage::Running), "running");
        let asked = ["supervised", "started", "asked"];
        check(&asked, None, &word(Stage::Running), "ending by ana");
        check(&BEGUN, None, &word(Stage::Other("X".to_owned())), "running");
        check(&BEGUN, None, &word(Stage::Completed), "succeeded");
        check(&BEGUN, None, &word(Stage::TimeLimit), "time limit");
        check(&BEGUN, None, &word(Stage::NodeFailed), "node failed");
        check(&BEGUN, None, &word(Stage::Preempted), "preempted");
        check(&BEGUN, None, &word(Stage::OutOfMemory), "out of memory");
        let by = "cancelled by somebody, in Slurm";
        check(&BEGUN, None, &word(Stage::Cancelled), by);
        check(&BEGUN, None, &job(Stage::Failed, "", Some(3)), "failed (3)");
        check(&BEGUN, None, &job(Stage::Failed, "", None), "lost");
        let early = "start failed: the batch script ended with 127 before it began; see its log";
        check(&[], None, &job(Stage::Failed, "", Some(127)), early);
        let never = job(Stage::Cancelled, "DependencyNeverSatisfied", None);
        let why =
            "start failed: a run that it waited for did not succeed (DependencyNeverSatisfied)";
        check(&[], None, &never, why);
    }

    #[test]
    fn a_slurm_that_cannot_be_asked_ends_nothing() {
        check(&BEGUN, None, &Word::Silent, "unreachable");
        check(&[], None, &Word::Silent, "unreachable");
        check(&BEGUN, None, &Word::Forgotten, "lost");
        let age_ms = SUBMITTED_WITHIN_MS;
        check(&[], None, &Word::NotSubmitted { age_ms: 5 }, "starting");
        let never = "start failed: Slurm never heard of it";
        check(&[], None, &Word::NotSubmitted { age_ms }, never);
    }

    #[test]
    fn the_exit_record_is_believed_first() {
        let failed = || Some(exit(EndReason::Exited, Some(3), None));
        for word in [
            Word::Silent,
            Word::Forgotten,
            job(Stage::Completed, "", Some(0)),
            job(Stage::Running, "", None),
        ] {
            check(&BEGUN, failed(), &word, "failed (3)");
        }
        let crashed = || Some(exit(EndReason::Signalled, None, Some(11)));
        check(&BEGUN, crashed(), &Word::Silent, "signalled (11)");
        let cancelled = || Some(exit(EndReason::Cancelled, None, Some(15)));
        let word = job(Stage::Failed, "", Some(143));
        check(&BEGUN, cancelled(), &word, "cancelled by ana");
    }

    #[test]
    fn an_end_that_was_just_said_ends_nothing_that_may_begin_again() {
        let Word::Said(failed) = job(Stage::Failed, "", Some(143)) else {
            return;
        };
        let word = Word::Settling(failed);
        let told = || Some(exit(EndReason::Terminated, None, Some(15)));
        check(&BEGUN, told(), &word, "ending by Slurm");
        check(&BEGUN, None, &word, "ending by Slurm");
        let ended = Some(exit(EndReason::Exited, Some(3), None));
        check(&BEGUN, ended, &word, "failed (3)");
        let early = "start failed: the batch script ended with 143 before it began; see its log";
        check(&[], None, &word, early);
    }

    #[test]
    fn slurm_explains_what_was_told_to_end() {
        let word = |stage| job(stage, "", None);
        for killed in [
            exit(EndReason::Terminated, None, Some(15)),
            exit(EndReason::Signalled, None, Some(9)),
        ] {
            let killed = || Some(killed.clone());
            check(&BEGUN, killed(), &word(Stage::TimeLimit), "time limit");
            check(&BEGUN, killed(), &word(Stage::Preempted), "preempted");
            check(
                &BEGUN,
                killed(),
                &word(Stage::Completing),
                "ending by Slurm",
            );
            check(&BEGUN, killed(), &Word::Silent, "unreachable");
            let again = "queued in Slurm, begun again";
            check(&BEGUN, killed(), &word(Stage::Pending), again);
        }
        let warned = || Some(exit(EndReason::TimeLimit, Some(0), None));
        check(&BEGUN, warned(), &word(Stage::Failed), "time limit");
        check(&BEGUN, warned(), &Word::Forgotten, "time limit");
        check(&BEGUN, warned(), &word(Stage::Preempted), "preempted");
    }
}
