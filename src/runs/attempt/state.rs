//! What is known of an attempt: a pure fold over its journal, its exit record and who is alive.

use serde::{Deserialize, Serialize};

use super::exit::{EndReason, ExitRecord};
use super::identity::{Presence, ProcessId};
use super::journal::{Event, Journal, Line};

/// A supervisor that said nothing for so long after its folder was made never came.
const STARTS_WITHIN_MS: i64 = 60_000;

/// Who is alive, as it was seen on the machine itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub supervisor: Presence,
    pub child: Presence,
    /// Milliseconds since the folder was made.
    pub age_ms: i64,
}

/// One state at a time; what is not known is never said to have failed or succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum AttemptState {
    /// Its turn has not come.
    Queued {
        why: String,
    },
    Starting,
    Running,
    /// Asked to end, and not ended yet.
    Ending {
        by: String,
    },
    /// Its supervisor is gone: it goes on, and how it ends will not be known.
    RunningUnsupervised,
    Succeeded,
    Failed {
        code: i32,
    },
    Signalled {
        signal: i32,
    },
    OutOfMemory,
    Cancelled {
        by: String,
    },
    Terminated,
    /// Its time was over.
    TimeLimit,
    NodeFailed,
    Preempted,
    StartFailed {
        why: String,
    },
    HostRebooted,
    /// Nothing of it is alive, and nobody saw how it ended.
    Lost,
    /// Its host cannot be asked.
    Unreachable,
}

impl AttemptState {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Ending { .. } => "ending",
            Self::RunningUnsupervised => "running, unsupervised",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Signalled { .. } => "signalled",
            Self::OutOfMemory => "out of memory",
            Self::Cancelled { .. } => "cancelled",
            Self::Terminated => "terminated",
            Self::TimeLimit => "time limit",
            Self::NodeFailed => "node failed",
            Self::Preempted => "preempted",
            Self::StartFailed { .. } => "start failed",
            Self::HostRebooted => "host rebooted",
            Self::Lost => "lost",
            Self::Unreachable => "unreachable",
        }
    }

    /// With its number, cause or who.
    pub fn said(&self) -> String {
        let name = self.name();
        match self {
            Self::Failed { code } => format!("{name} ({code})"),
            Self::Signalled { signal } => format!("{name} ({signal})"),
            Self::Ending { by } | Self::Cancelled { by } => format!("{name} by {by}"),
            Self::Queued { why } => format!("{name} {why}"),
            Self::StartFailed { why } => format!("{name}: {why}"),
            _ => name.to_owned(),
        }
    }

    /// Nothing will change any more.
    pub fn is_over(&self) -> bool {
        !self.may_be_alive()
    }

    /// Something of it may run.
    pub fn may_be_alive(&self) -> bool {
        matches!(
            self,
            Self::Queued { .. }
                | Self::Starting
                | Self::Running
                | Self::Ending { .. }
                | Self::RunningUnsupervised
                | Self::Unreachable
        )
    }
}

/// The processes that the last lines name.
pub(super) fn processes(journal: &Journal) -> (Option<&ProcessId>, Option<&ProcessId>) {
    let mut last = journal.lines.iter().rev();
    let supervisor = last.find_map(|line| match &line.event {
        Event::Supervised { supervisor, .. } => Some(supervisor),
        _ => None,
    });
    let mut last = journal.lines.iter().rev();
    let child = last.find_map(|line| match &line.event {
        Event::Started { child } => Some(child),
        _ => None,
    });
    (supervisor, child)
}

/// `seen` is none where the host could not be asked.
pub fn state(journal: &Journal, exit: Option<&ExitRecord>, seen: Option<Seen>) -> AttemptState {
    if let Some(exit) = exit {
        return ended(exit);
    }
    let Some(seen) = seen else {
        return AttemptState::Unreachable;
    };
    if journal.lines.is_empty() {
        return if seen.age_ms > STARTS_WITHIN_MS {
            AttemptState::Lost
        } else {
            AttemptState::Starting
        };
    }
    let (_, child) = processes(journal);
    match (seen.supervisor, seen.child) {
        (Presence::Here, _) if child.is_none() => waiting(&journal.lines),
        (Presence::Here, _) => asked(&journal.lines),
        (_, Presence::Here) => AttemptState::RunningUnsupervised,
        (Presence::OtherBoot, _) | (_, Presence::OtherBoot) => AttemptState::HostRebooted,
        (Presence::Gone, Presence::Gone) => AttemptState::Lost,
    }
}

pub(crate) fn waiting(lines: &[Line]) -> AttemptState {
    let last = lines.iter().rev().find_map(|line| match &line.event {
        Event::Waiting { why } => Some(why.clone()),
        _ => None,
    });
    last.map_or(AttemptState::Starting, |why| AttemptState::Queued { why })
}

pub(crate) fn asked(lines: &[Line]) -> AttemptState {
    let by = lines.iter().find_map(|line| match &line.event {
        Event::Asked { by } => Some(by.clone()),
        _ => None,
    });
    by.map_or(AttemptState::Running, |by| AttemptState::Ending { by })
}

pub(crate) fn ended(exit: &ExitRecord) -> AttemptState {
    let by = || exit.by.clone().unwrap_or_default();
    match exit.reason {
        EndReason::Cancelled => AttemptState::Cancelled { by: by() },
        EndReason::Terminated => AttemptState::Terminated,
        EndReason::TimeLimit => AttemptState::TimeLimit,
        EndReason::StartFailed => AttemptState::StartFailed {
            why: exit.trouble.clone().unwrap_or_default(),
        },
        EndReason::Exited | EndReason::Signalled => match (exit.code, exit.signal) {
            (Some(0), None) => AttemptState::Succeeded,
            (Some(code), None) => AttemptState::Failed { code },
            (_, Some(_)) if exit.was_out_of_memory => AttemptState::OutOfMemory,
            (_, Some(signal)) => AttemptState::Signalled { signal },
            // A record without either says nothing.
            (None, None) => AttemptState::Lost,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::journal::Moment;
    use super::*;
    use Presence::{Gone, Here, OtherBoot};

    const AT: Moment = Moment {
        wall_ms: 0,
        boot_ms: 0,
    };

    fn journal(events: &[Event]) -> Journal {
        let line = |(seq, event): (u64, &Event)| Line {
            seq,
            at: AT,
            boot_id: "b".to_owned(),
            event: event.clone(),
        };
        Journal {
            lines: (1..).zip(events).map(line).collect(),
            skipped: 0,
        }
    }

    fn id(pid: i32) -> ProcessId {
        ProcessId {
            boot_id: "b".to_owned(),
            pid,
            start_time: 1,
        }
    }

    fn supervised() -> Event {
        Event::Supervised {
            supervisor: id(1),
            host: "h".to_owned(),
        }
    }

    fn started() -> Event {
        Event::Started { child: id(2) }
    }

    #[track_caller]
    fn alive(events: &[Event], supervisor: Presence, child: Presence, expected: AttemptState) {
        let seen = Seen {
            supervisor,
            child,
            age_ms: 1_000,
        };
        assert_eq!(state(&journal(events), None, Some(seen)), expected);
    }

    #[test]
    fn who_is_alive_decides_while_there_is_no_exit_record() {
        let running = [supervised(), started()];
        let by = || "a".to_owned();
        let ending = [supervised(), started(), Event::Asked { by: by() }];
        alive(&[], Gone, Gone, AttemptState::Starting);
        alive(&running[..1], Here, Gone, AttemptState::Starting);
        let why = || "for another".to_owned();
        let queued = [supervised(), Event::Waiting { why: why() }];
        alive(&queued, Here, Gone, AttemptState::Queued { why: why() });
        alive(&queued, Gone, Gone, AttemptState::Lost);
        alive(&running, Here, Here, AttemptState::Running);
        // The command ended; what it left behind is waited for.
        alive(&running, Here, Gone, AttemptState::Running);
        alive(&ending, Here, Here, AttemptState::Ending { by: by() });
        alive(&running, Gone, Here, AttemptState::RunningUnsupervised);
        alive(&running, Gone, Gone, AttemptState::Lost);
        alive(&running, OtherBoot, OtherBoot, AttemptState::HostRebooted);
        alive(&running[..1], Gone, Gone, AttemptState::Lost);
        let late = Seen {
            supervisor: Gone,
            child: Gone,
            age_ms: STARTS_WITHIN_MS + 1,
        };
        assert_eq!(state(&journal(&[]), None, Some(late)), AttemptState::Lost);
        assert_eq!(
            state(&journal(&running), None, None),
            AttemptState::Unreachable
        );
    }

    fn exit(reason: EndReason, code: Option<i32>, signal: Option<i32>) -> ExitRecord {
        ExitRecord {
            reason,
            code,
            signal,
            has_core: false,
            was_out_of_memory: false,
            disk_was_full: false,
            by: Some("a".to_owned()),
            trouble: Some("no such file".to_owned()),
            boot_id: "b".to_owned(),
            started: AT,
            ended: AT,
        }
    }

    #[test]
    fn an_exit_record_is_believed_whatever_is_seen() {
        #[track_caller]
        fn check(exit: ExitRecord, expected: &str) {
            let found = state(&journal(&[supervised(), started()]), Some(&exit), None);
            assert_eq!(found.said(), expected);
            assert!(found.is_over());
        }
        use EndReason::{Cancelled, Exited, Signalled, StartFailed, Terminated};
        check(exit(Exited, Some(0), None), "succeeded");
        check(exit(Exited, Some(3), None), "failed (3)");
        check(exit(Signalled, None, Some(9)), "signalled (9)");
        check(exit(Cancelled, None, Some(15)), "cancelled by a");
        check(exit(Terminated, None, Some(15)), "terminated");
        check(exit(StartFailed, None, None), "start failed: no such file");
        check(exit(Exited, None, None), "lost");
        let killed = ExitRecord {
            was_out_of_memory: true,
            ..exit(Signalled, None, Some(9))
        };
        check(killed, "out of memory");
    }
}
