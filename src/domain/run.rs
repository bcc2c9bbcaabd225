//! Figures of a training run, as its log says them.

use serde::{Deserialize, Serialize};

/// One value at one step. Not-a-number and infinities are kept: they are the finding.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricPoint {
    pub step: u64,
    pub value: f64,
    /// Line of the log it was read from, from 0.
    pub line: u64,
}

/// A named series of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    pub name: String,
    pub points: Vec<MetricPoint>,
}

/// How many lines a log holds. A log of gigabytes is not counted to show its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "counted", content = "lines", rename_all = "lowercase")]
pub enum LineCount {
    Exact(u64),
    /// From the mean length of the lines that were read.
    Estimated(u64),
}

impl LineCount {
    pub fn value(self) -> u64 {
        match self {
            Self::Exact(lines) | Self::Estimated(lines) => lines,
        }
    }
}
