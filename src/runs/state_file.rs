//! `trainer_state.json` of Hugging Face's Trainer: one document with the history of all figures,
//! written anew at every checkpoint.

use std::path::{Path, PathBuf};

use semihv_domain::UnixSeconds;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::followed_log::{Reading, Said};
use crate::log_file::{ReadLogError, modified, open, read_fully};
use crate::metrics::MetricReader;

/// The history stands behind a few settings.
const HISTORY: &[u8] = b"\"log_history\"";
pub(crate) const START: usize = 64 << 10;
/// A longer one is no state of a trainer.
const LONGEST: u64 = 256 << 20;

#[derive(Debug, Deserialize)]
struct State {
    log_history: Vec<Map<String, Value>>,
    best_metric: Option<f64>,
    best_global_step: Option<u64>,
    max_steps: Option<u64>,
    global_step: Option<u64>,
}

/// The document as it was when it was read last.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    seen: Option<(u64, Option<UnixSeconds>)>,
}

pub(crate) fn is_it(start: &[u8]) -> bool {
    let is_object = start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    is_object && start.windows(HISTORY.len()).any(|part| part == HISTORY)
}

impl StateFile {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            seen: None,
        }
    }

    /// A document that cannot be read, because it is just being written, leaves the one before.
    pub(crate) fn poll(
        &mut self,
        reader: &mut MetricReader,
        said: &mut Said,
    ) -> Result<Reading, ReadLogError> {
        let (file, size) = open(&self.path)?;
        let now = (size, modified(&file));
        let mut is_news = false;
        if self.seen != Some(now) && size <= LONGEST {
            let mut bytes = vec![0; size as usize];
            let read = read_fully(&file, &mut bytes, 0)
                .map_err(|source| ReadLogError::of(&self.path, source))?;
            bytes.truncate(read);
            if let Ok(state) = serde_json::from_slice::<State>(&bytes) {
                reader.start_over();
                said.lines = read_state(&state, reader);
                said.modified = now.1;
                self.seen = Some(now);
                is_news = true;
            }
        }
        Ok(Reading {
            done: size,
            total: size,
            is_news,
        })
    }
}

fn read_state(state: &State, reader: &mut MetricReader) -> Vec<String> {
    for (row, record) in (0_u64..).zip(&state.log_history) {
        let step = record.get("step").and_then(Value::as_u64).unwrap_or(row);
        let numbers = record.iter().filter(|(name, _)| *name != "step");
        let figures: Vec<(String, f64)> = numbers
            .filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)))
            .collect();
        reader.keep_all(step, row, &figures);
    }
    let rows = state.log_history.len();
    let mut line = format!("The state of a trainer: {rows} rows");
    if let Some(step) = state.global_step {
        line.push_str(&format!(", step {step}"));
        line.extend(state.max_steps.map(|most| format!(" of {most}")));
    }
    let mut lines = vec![line];
    if let Some(best) = state.best_metric {
        let step = state
            .best_global_step
            .map(|step| format!(" at step {step}"));
        lines.push(format!("best metric {best}{}", step.unwrap_or_default()));
    }
    lines
}
