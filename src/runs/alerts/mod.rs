//! What a person should know of a run without looking at it, told from its log and how it stands.
//!
//! Detectors are pure: they take figures, times and states, and say what is wrong. What was told is
//! remembered by the [`AlertBook`], so that it is told once for each run and cause.

mod book;
mod disk;
mod figures;
mod pace;

use serde::{Deserialize, Serialize};

use crate::ending::{Cause, Ending};
use crate::plain_line::plain_line;

pub use book::{AlertBook, KnownAlert};
pub use disk::{DiskRoom, disk_room};
pub use figures::FigureWatch;
pub use pace::{Pace, is_stalled};

/// How soon somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Low,
    Medium,
    High,
}

/// What an alert is about. Each is told once of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertCause {
    /// A loss is no number any more.
    NotFinite,
    /// A loss is far above what it was.
    LossSpike,
    /// A loss gets no better.
    Plateau,
    /// It runs, and writes nothing.
    Stall,
    /// Steps take much longer than they did.
    SlowDown,
    OutOfMemory,
    NcclTimeout,
    DiskFull,
    DiskAlmostFull,
    TimeLimit,
    NodeFailed,
    Preempted,
    /// Its host cannot be asked.
    Unreachable,
}

impl AlertCause {
    pub fn name(self) -> &'static str {
        match self {
            Self::NotFinite => "not-finite",
            Self::LossSpike => "loss-spike",
            Self::Plateau => "plateau",
            Self::Stall => "stall",
            Self::SlowDown => "slow-down",
            Self::OutOfMemory => "out-of-memory",
            Self::NcclTimeout => "nccl-timeout",
            Self::DiskFull => "disk-full",
            Self::DiskAlmostFull => "disk-almost-full",
            Self::TimeLimit => "time-limit",
            Self::NodeFailed => "node-failed",
            Self::Preempted => "preempted",
            Self::Unreachable => "unreachable",
        }
    }

    pub fn severity(self) -> Severity {
        match self {
            Self::NotFinite
            | Self::OutOfMemory
            | Self::NcclTimeout
            | Self::DiskFull
            | Self::TimeLimit
            | Self::NodeFailed => Severity::High,
            Self::LossSpike
            | Self::Stall
            | Self::DiskAlmostFull
            | Self::Preempted
            | Self::Unreachable => Severity::Medium,
            Self::Plateau | Self::SlowDown => Severity::Low,
        }
    }
}

/// What a detector found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub cause: AlertCause,
    pub words: String,
    pub step: Option<u64>,
    /// Of the log, from 1, as editors count.
    pub line: Option<u64>,
}

impl Finding {
    pub fn new(cause: AlertCause, words: impl Into<String>) -> Self {
        Self {
            cause,
            words: words.into(),
            step: None,
            line: None,
        }
    }

    /// What the end of a log says, where another one may want to know at once. An exception or a
    /// wish to end is told by how the run ended.
    pub fn of_ending(ending: &Ending) -> Option<Self> {
        let cause = match &ending.cause {
            Cause::TimeLimit { .. } => AlertCause::TimeLimit,
            Cause::NodeFailed { .. } => AlertCause::NodeFailed,
            Cause::Preempted { .. } => AlertCause::Preempted,
            Cause::NcclTimeout { .. } => AlertCause::NcclTimeout,
            Cause::CudaOutOfMemory { .. } => AlertCause::OutOfMemory,
            Cause::DiskFull => AlertCause::DiskFull,
            Cause::Cancelled { .. } | Cause::Exception { .. } => return None,
        };
        Some(Self::new(cause, ending.cause.said()))
    }
}

/// What is told, and remembered as told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    pub run: String,
    pub cause: AlertCause,
    pub severity: Severity,
    pub words: String,
    #[serde(default)]
    pub step: Option<u64>,
    /// Of the log, from 1.
    #[serde(default)]
    pub line: Option<u64>,
    /// When it was noticed, in seconds since 1970.
    pub at: i64,
}

impl Alert {
    pub fn new(run: &str, finding: Finding, at: i64) -> Self {
        Self {
            run: run.to_owned(),
            cause: finding.cause,
            severity: finding.cause.severity(),
            // Some of it is what a log said.
            words: plain_line(finding.words.as_bytes()),
            step: finding.step,
            line: finding.line,
            at,
        }
    }
}

#[cfg(test)]
mod tests;
