//! The demo's run that is not over: its log grows while somebody looks, a step every few seconds.
//!
//! Nothing is trained. The lines follow the curve of the log that the demo came with, so that the
//! log pane has something to follow.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use semihv_workspace::lock;

use crate::{Engine, Writing};

const LOG: &str = "demo/logs/anneal-demo.log";
const STEPS: u64 = 300;
const STEPS_AN_EPOCH: f64 = 150.0;
const WARM_UP: f64 = 9.0;
const PEAK_RATE: f64 = 1e-5;
const A_STEP: Duration = Duration::from_secs(4);

impl Engine {
    /// Lets the demo's unfinished run go on, on a thread of its own that ends with the run or the
    /// process. Of several workbenches on one demo, one does it.
    pub fn continue_demo_run(&self) {
        if self.writing() == Writing::Refused {
            return;
        }
        let log = self.inner.places.root().join(LOG);
        let Ok(lock) = lock(&self.inner.places.lock("demo-run")) else {
            return;
        };
        let spawned = std::thread::Builder::new()
            .name("demo run".to_owned())
            .spawn(move || {
                let _lock = lock;
                while let Ok(Some(text)) = next_lines(&log) {
                    std::thread::sleep(A_STEP);
                    if let Err(error) = append(&log, &text) {
                        tracing::warn!(%error, "the demo's log does not grow");
                        return;
                    }
                }
            });
        if let Err(error) = spawned {
            tracing::warn!(%error, "the demo's log does not grow");
        }
    }
}

fn append(log: &Path, text: &str) -> std::io::Result<()> {
    OpenOptions::new()
        .append(true)
        .open(log)?
        .write_all(text.as_bytes())
}

fn next_lines(log: &Path) -> std::io::Result<Option<String>> {
    let mut text = String::new();
    // A log of this run is 40 KB; something else in its place is left alone.
    let longest = 1 << 20;
    std::fs::File::open(log)?
        .take(longest)
        .read_to_string(&mut text)?;
    Ok(next_step(&text))
}

/// What a run whose log is `text` would write next; `None` when it is over.
fn next_step(text: &str) -> Option<String> {
    let (complete, begun) = text.rsplit_once('\n').unwrap_or(("", text));
    let done = complete
        .lines()
        .filter(|line| line.starts_with("{'loss'"))
        .count() as u64;
    if done >= STEPS {
        return None;
    }
    let line = step_line(done + 1);
    // The line that stopped in its middle is brought to its end.
    let mut rest = match line.strip_prefix(begun) {
        Some(rest) => rest.to_owned(),
        None => format!("\n{line}"),
    };
    rest.push('\n');
    match done + 1 {
        STEPS => rest.push_str("Training completed.\n"),
        step if step % 100 == 0 => {
            rest.push_str(&format!(
                "Saving model checkpoint to runs/anneal-demo/checkpoint-{step}\n"
            ));
        }
        _ => {}
    }
    Some(rest)
}

fn step_line(step: u64) -> String {
    let at = step as f64;
    let loss = 0.735 + 0.2 * (-at / 60.0).exp() + 0.03 * noise(step);
    let norm = 0.79 + 0.09 * noise(step + STEPS);
    let progress = (at - WARM_UP) / (STEPS as f64 - WARM_UP);
    let rate = 0.5 * PEAK_RATE * (1.0 + (std::f64::consts::PI * progress).cos());
    format!(
        "{{'loss': {loss:.4}, 'grad_norm': {norm:.4}, 'learning_rate': {}, 'epoch': {:.3}}}",
        scientific(rate),
        at / STEPS_AN_EPOCH,
    )
}

/// Between -1 and 1, the same for the same number.
fn noise(number: u64) -> f64 {
    let mixed = number
        .wrapping_add(1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(31)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// `5.404402e-06`, as Python writes it.
fn scientific(value: f64) -> String {
    let plain = format!("{value:.6e}");
    match plain.split_once("e-") {
        Some((digits, exponent)) => format!("{digits}e-{exponent:0>2}"),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../workspace-template/demo/logs/anneal-demo.log");

    #[test]
    fn the_shipped_log_is_continued_to_its_end_and_no_further() {
        let mut text = SHIPPED.to_owned();
        while let Some(more) = next_step(&text) {
            text.push_str(&more);
        }
        let steps: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("{'loss'"))
            .collect();
        assert_eq!(steps.len(), 300);
        assert!(steps.iter().all(|line| line.ends_with('}')));
        assert!(text.ends_with("Training completed.\n"));
        assert!(text.contains("checkpoint-200\n"));
    }

    #[test]
    fn what_stopped_in_the_middle_of_a_line_is_brought_to_its_end() {
        let next = next_step(SHIPPED).unwrap();
        assert!(!next.starts_with('\n') && !next.starts_with('{'), "{next}");
        assert!(next_step("{'loss': 9").unwrap().starts_with("\n{'loss'"));
    }
}
