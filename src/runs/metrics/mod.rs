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
mod rules;
mod shape;
mod table;
mod tfevents;
mod wandb;

use semihv_domain::MetricPoint;
use serde::{Deserialize, Serialize};

use crate::plain_line::without_escapes;
use crate::series::Series;
use line::{Found, Purpose, StepOf, TIMES, purpose, read_line};
pub use rules::{FigureRule, FigureRuleError, FigureRules};
use shape::{Fit, Shapes, Use};
use table::Table;

pub(crate) use records::{Read as RecordRead, RecordFile, START as RECORD_START};

/// The series of the moments, in seconds since 1970, of what is printed.
pub const TIME: &str = "_time";

/// Reads lines one after the other and keeps the series.
#[derive(Debug, Default)]
pub(crate) struct MetricReader {
    series: Series,
    place: Place,
    shapes: Shapes,
    rules: FigureRules,
    /// The line that said a step last, and the step.
    said: (u64, u64),
}

/// What of the lines before is needed to read the next one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Figures without a step seen so far.
    ordinal: u64,
    /// The log is a table.
    table: Option<Table>,
}

impl MetricReader {
    /// Goes on after `place`, up to which `series` holds what was read.
    pub(crate) fn resumed(series: Series, place: Place) -> Self {
        Self {
            series,
            place,
            ..Self::default()
        }
    }

    /// Finds these figures as well.
    pub(crate) fn with_rules(mut self, rules: FigureRules) -> Self {
        self.rules = rules;
        self
    }

    pub(crate) fn rules(&self) -> &FigureRules {
        &self.rules
    }

    /// Forgets all: the log begins again.
    pub(crate) fn start_over(&mut self) {
        self.series.clear();
        self.place = Place::default();
        self.shapes = Shapes::default();
    }

    /// Reads one line without its end, or one state of a line that ends with `\r`.
    pub(crate) fn read(&mut self, line: u64, bytes: &[u8]) {
        self.read_known(line, bytes);
        if !self.rules.is_empty() {
            self.read_by_rules(line, bytes);
        }
    }

    fn read_by_rules(&mut self, line: u64, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for found in self.rules.read(&without_escapes(&text)) {
            for (name, value) in found.figures {
                let Some(column) = self.series.column(&name) else {
                    continue;
                };
                let step = match found.step {
                    StepOf::Said(step) => step,
                    StepOf::Ordinal if self.said.0 == line && self.said.1 > 0 => self.said.1,
                    StepOf::Ordinal => self.series.count(column) + 1,
                };
                self.series.push(column, MetricPoint { step, value, line });
            }
        }
    }

    fn read_known(&mut self, line: u64, bytes: &[u8]) {
        if self.place.table.is_none()
            && let Some(fit) = self.shapes.read(bytes)
        {
            let step = self.step(match fit {
                Fit::Said(step) => StepOf::Said(step),
                Fit::Ordinal => StepOf::Ordinal,
            });
            self.said = (line, step);
            for (column, value) in &self.shapes.figures {
                let (step, value) = (step, *value);
                self.series.push(*column, MetricPoint { step, value, line });
            }
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        for segment in without_escapes(&text).split('\r') {
            self.read_segment(line, segment);
        }
    }

    fn read_segment(&mut self, line: u64, segment: &str) {
        if line == 0 && self.place.table.is_none() {
            self.place.table = Table::of(segment);
        }
        let found = match &self.place.table {
            Some(table) => table.read(segment),
            None => read_line(segment),
        };
        let Some(Found { step, figures }) = found else {
            return;
        };
        let step = self.step(step);
        self.said = (line, step);
        self.keep_all(step, line, &figures);
        if self.place.table.is_none() && segment.starts_with('{') {
            self.learn(segment);
        }
    }

    fn learn(&mut self, line: &str) {
        let series = &mut self.series;
        self.shapes.learn(line.as_bytes(), &mut |name, value| {
            Some(match purpose(name) {
                Purpose::Step => Use::Step,
                Purpose::Time if TIMES.contains(&value) => Use::Figure(series.column(TIME)?),
                Purpose::Frame | Purpose::Time => Use::Frame,
                Purpose::Figure => Use::Figure(series.column(name)?),
            })
        });
    }

    fn step(&mut self, step: StepOf) -> u64 {
        match step {
            StepOf::Said(step) => step,
            StepOf::Ordinal => {
                self.place.ordinal += 1;
                self.place.ordinal
            }
        }
    }

    /// Figures of one step.
    pub(crate) fn keep_all(&mut self, step: u64, line: u64, figures: &[(String, f64)]) {
        for (name, value) in figures {
            if let Some(column) = self.series.column(name) {
                let value = *value;
                self.series.push(column, MetricPoint { step, value, line });
            }
        }
    }

    /// All series in the order in which they first appeared.
    pub(crate) fn series(&self) -> &Series {
        &self.series
    }

    pub(crate) fn parts(&mut self) -> (&mut Series, &Place) {
        (&mut self.series, &self.place)
    }
}

#[cfg(test)]
pub(crate) mod tests;
