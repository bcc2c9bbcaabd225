//! Figures in the logs of common trainers, each under the name the log gives it.
//!
//! | shape | written by |
//! | --- | --- |
//! | `{'loss': 1.2, 'epoch': 0.1}`, also with quoted numbers | Hugging Face Trainer 4 and 5 |
//! | `{"step": 10, "loss": 1.2}` | LLaMA-Factory, our own trainer, anything that logs JSON lines |
//! | ` iteration 10/ 1000 \| lm loss: 1.2E+00 \| …` | Megatron-LM, Megatron-DeepSpeed |
//! | `s:10 trl:1.2`, `step:10/99 val_loss:1.2`, `steps: 10 loss: 1.2`, `iter 10: loss 1.2` | llm.c, nanoGPT and its kin, DeepSpeed |
//! | `10/99 [00:10<00:50, loss=1.2]` | tqdm |
//! | `epoch: 0 loss: 1.2` | bare prints |
//! | `step,epoch,train_loss` and numbers below | Lightning, timm |
//!
//! Files of records are told by their first bytes: TensorBoard's events, W&B's offline runs.
//!
//! A log that prints no step gives the ordinal of the figure as its step: the number on a
//! progress bar beside it is not its step when the output was buffered.

mod dict;
mod line;
mod pairs;
mod protobuf;
mod records;
mod table;
mod tfevents;
mod wandb;

use semihv_domain::{Metric, MetricPoint};

use crate::plain_line::without_escapes;
use line::{Found, StepOf, read_line};
use table::Table;

pub(crate) use records::{Read as RecordRead, RecordFile, START as RECORD_START};

/// A metric keeps at most this many points; when full, every other finite one is given up.
const MOST_POINTS: usize = 8192;
/// More names than this are not figures of a run.
const MOST_METRICS: usize = 64;

/// Reads lines one after the other and keeps the series.
#[derive(Debug, Clone, Default)]
pub struct MetricReader {
    series: Vec<Metric>,
    /// Figures without a step seen so far.
    ordinal: u64,
    /// The log is a table.
    table: Option<Table>,
}

impl MetricReader {
    /// Reads one line, or one state of a line that ends with `\r`.
    pub fn read(&mut self, line: u64, text: &str) {
        for segment in without_escapes(text).split('\r') {
            if line == 0 && self.table.is_none() {
                self.table = Table::of(segment);
            }
            let found = match &self.table {
                Some(table) => table.read(segment),
                None => read_line(segment),
            };
            let Some(Found { step, figures }) = found else {
                continue;
            };
            let step = match step {
                StepOf::Said(step) => step,
                StepOf::Ordinal => {
                    self.ordinal += 1;
                    self.ordinal
                }
            };
            for (name, value) in figures {
                self.keep(&name, MetricPoint { step, value, line });
            }
        }
    }

    /// Figures of one step.
    pub(crate) fn keep_all(&mut self, step: u64, line: u64, figures: &[(String, f64)]) {
        for (name, value) in figures {
            let value = *value;
            self.keep(name, MetricPoint { step, value, line });
        }
    }

    /// All series in the order in which they first appeared.
    pub fn metrics(&self) -> &[Metric] {
        &self.series
    }

    fn keep(&mut self, name: &str, point: MetricPoint) {
        let position = self.series.iter().position(|metric| metric.name == name);
        let Some(metric) = (match position {
            Some(position) => self.series.get_mut(position),
            None if self.series.len() < MOST_METRICS => {
                self.series.push(Metric {
                    name: name.to_owned(),
                    points: Vec::new(),
                });
                self.series.last_mut()
            }
            None => None,
        }) else {
            return;
        };
        // A progress bar says the same many times.
        if metric
            .points
            .last()
            .is_some_and(|last| last.step == point.step && last.line == point.line)
        {
            metric.points.pop();
        }
        metric.points.push(point);
        if metric.points.len() > MOST_POINTS {
            thin(&mut metric.points);
        }
    }
}

/// Gives up every other point, finite ones first: a NaN is the finding.
fn thin(points: &mut Vec<MetricPoint>) {
    let mut position = 0_usize;
    points.retain(|point| {
        position += 1;
        position % 2 == 1 || !point.value.is_finite()
    });
    if points.len() > MOST_POINTS * 3 / 4 {
        let mut position = 0_usize;
        points.retain(|_| {
            position += 1;
            position % 2 == 1
        });
    }
}

/// The figures of complete lines, numbered from 0.
pub fn metrics<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Metric> {
    let mut reader = MetricReader::default();
    for (number, line) in lines.into_iter().enumerate() {
        reader.read(number as u64, line);
    }
    reader.series
}

#[cfg(test)]
mod tests;
