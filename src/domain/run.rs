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
