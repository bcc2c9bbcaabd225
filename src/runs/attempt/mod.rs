//! One start of a run, in a folder of its own: what is started, what happened to it, how it ended.
//!
//! `start.toml` is written by whoever launches; `events.jsonl`, `log`, `heartbeat` and `exit.json`
//! by the supervisor alone; `control.jsonl` by anybody who wants something of it.

mod control;
mod exit;
mod identity;
mod journal;
mod look;
mod record;
mod state;
mod supervise;
mod turn;

pub(crate) use control::asked_by;
pub use control::{Wish, wish};
pub use exit::{EndReason, ExitRecord};
pub(crate) use identity::ancestors;
pub use identity::{Presence, ProcessId};
pub use journal::{Event, Journal, Line, Moment};
pub(crate) use look::live_processes;
pub use look::{Attempt, LookError, look, terminate_child, terminate_supervisor};
pub use record::{After, GitState, ReadRecordError, StartRecord};
pub use state::{AttemptState, Seen, state};
pub(crate) use state::{asked, ended, waiting};
pub use supervise::{SuperviseError, supervise};

pub(crate) const EVENTS: &str = "events.jsonl";
pub(crate) const LOG: &str = "log";

#[cfg(test)]
pub(crate) use record::tests::record as test_record;
