//! Files that are no text: which they are is told by their first bytes, and their records are read
//! as far as they are whole; a torn end waits for the rest.

use super::tfevents::{self, TensorboardEvents};
use super::wandb::{self, WandbRun};

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Read {
    Nothing,
    Figures {
        step: u64,
        figures: Vec<(String, f64)>,
    },
    /// The run ended with this code.
    Exit(i32),
    Damaged,
}

impl Read {
    pub(super) fn figures(step: Option<u64>, figures: Vec<(String, f64)>) -> Self {
        match step {
            Some(step) if !figures.is_empty() => Self::Figures { step, figures },
            _ => Self::Nothing,
        }
    }
}

pub(super) trait Records {
    /// The next record and how many bytes it took; `None` until it is whole.
    fn next(&mut self, bytes: &[u8]) -> Option<(usize, Read)>;
}

/// A file of records.
#[derive(Debug, Clone)]
pub(crate) enum RecordFile {
    Tensorboard(TensorboardEvents),
    Wandb(WandbRun),
}

/// Bytes that tell a file of records from text.
pub(crate) const START: usize = 12;

impl RecordFile {
    pub(crate) fn of(start: &[u8]) -> Option<Self> {
        if wandb::is_it(start) {
            return Some(Self::Wandb(WandbRun::default()));
        }
        tfevents::is_it(start).then_some(Self::Tensorboard(TensorboardEvents))
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Tensorboard(_) => "TensorBoard events",
            Self::Wandb(_) => "a W&B run",
        }
    }

    /// The same kind, at its beginning.
    pub(crate) fn anew(&self) -> Self {
        match self {
            Self::Tensorboard(_) => Self::Tensorboard(TensorboardEvents),
            Self::Wandb(_) => Self::Wandb(WandbRun::default()),
        }
    }

    pub(crate) fn next(&mut self, bytes: &[u8]) -> Option<(usize, Read)> {
        match self {
            Self::Tensorboard(events) => events.next(bytes),
            Self::Wandb(run) => run.next(bytes),
        }
    }
}
