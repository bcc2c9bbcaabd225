//! `retrieval train`: a retriever over the frozen encoders, from this workspace to a checkpoint.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use semihv_engine::{Engine, Said, TrainSpec, Training};

use crate::output::{Output, VerbError, is_watched};
use crate::retrieval::left_out;
use crate::retrieval_args::TrainArguments;

pub(crate) fn train(
    engine: &Engine,
    arguments: &TrainArguments,
    output: &mut Output,
) -> Result<(), VerbError> {
    let spec = TrainSpec {
        out: arguments.out.clone(),
        without: left_out(arguments.without.as_deref())?,
        epochs: arguments.epochs,
        batch: arguments.batch,
        lr: arguments.lr,
        dim: arguments.dim,
        seed: arguments.seed,
    };
    let mut shown = Shown::new(output);
    let trained = engine.train_retriever(&spec, &mut |event| shown.hear(event));
    let last = shown.end()?;
    let Some(checkpoint) = trained? else {
        return Ok(());
    };
    if output.is_json() {
        return Ok(());
    }
    if let Some(last) = last {
        output.line(&last)?;
    }
    let named = named(engine.root(), &checkpoint);
    output.line(&format!("the retriever is in {}", checkpoint.display()))?;
    Ok(output.line(&format!(
        "use it: retriever = {named:?} under [settings] of semihv.toml (`semihv config` says what is in force), then `semihv vectors`"
    ))?)
}

/// As settings name it: relative where it lies in the workspace, so that both can move.
fn named(root: &Path, checkpoint: &Path) -> String {
    let inside = checkpoint.strip_prefix(root).unwrap_or(checkpoint);
    inside.display().to_string()
}

/// What a person or a program sees on the way.
struct Shown<'a> {
    output: &'a mut Output,
    bar: Option<ProgressBar>,
    epochs: u64,
    last: Option<String>,
    failed: Option<std::io::Error>,
}

impl<'a> Shown<'a> {
    fn new(output: &'a mut Output) -> Self {
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {eta}");
        let bar = (is_watched() && !output.is_json()).then(|| {
            let bar = ProgressBar::new(0);
            match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Self {
            output,
            bar,
            epochs: 0,
            last: None,
            failed: None,
        }
    }

    /// False once nobody reads any more.
    fn hear(&mut self, event: &Training<'_>) -> bool {
        if self.output.is_json() {
            let said = match event {
                Training::Features { .. } => Ok(()),
                Training::Written(None) => self
                    .output
                    .json(&serde_json::json!({"event": "features", "kept": true})),
                Training::Written(Some(counts)) => self.output.json(&serde_json::json!({
                    "event": "features", "kept": false, "pairs": counts.pairs,
                    "cases": counts.cases, "left": counts.left,
                })),
                Training::Line { line, .. } => self.output.json(line),
            };
            self.failed = self.failed.take().or(said.err());
            return self.failed.is_none();
        }
        match event {
            Training::Features { done, total } => self.draw(*done, *total, "cases"),
            Training::Written(counts) => {
                let said = match counts {
                    None => "features: kept from before".to_owned(),
                    Some(counts) => format!(
                        "features: {} pairs of {} cases, {} images left out",
                        counts.pairs, counts.cases, counts.left
                    ),
                };
                self.tell(&said);
            }
            Training::Line { said, .. } => self.said(said),
        }
        self.failed.is_none()
    }

    fn said(&mut self, said: &Said) {
        match said {
            Said::Begin {
                pairs,
                epoch,
                step,
                spec,
            } => {
                self.epochs = spec.epochs;
                let steps = pairs / spec.batch.min(*pairs).max(1) * spec.epochs;
                self.draw(*step, steps.max(*step), "steps");
                if *epoch > 0 {
                    self.tell(&format!("goes on after epoch {epoch}"));
                }
            }
            Said::Step { epoch, step, loss } => {
                let total = self.bar.as_ref().and_then(ProgressBar::length);
                let said = format!("steps, epoch {epoch} of {}, loss {loss:.3}", self.epochs);
                self.draw(*step, total.unwrap_or(*step), &said);
            }
            Said::Epoch {
                epoch,
                loss,
                recall_at_1,
                recall_at_10,
            } => {
                let recall = recall_at_1.zip(*recall_at_10).map(|(first, ten)| {
                    format!(
                        "; of the texts held back {:.1} % find an image of their case first, {:.1} % among ten",
                        first * 100.0,
                        ten * 100.0
                    )
                });
                let recall = recall.unwrap_or_default();
                self.last = Some(format!("epoch {epoch}: loss {loss:.3}{recall}"));
            }
            Said::Done { .. } | Said::Other => {}
        }
    }

    fn draw(&self, done: u64, total: u64, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(what.to_owned());
        }
    }

    fn tell(&mut self, said: &str) {
        let mut print = || {
            self.output.line(said)?;
            self.output.finish()
        };
        let said = match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        };
        self.failed = self.failed.take().or(said.err());
    }

    /// The last epoch in words.
    fn end(self) -> Result<Option<String>, std::io::Error> {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.last),
        }
    }
}
