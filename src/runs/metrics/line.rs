//! Which shape a line has, and the figures in it.

use super::TIME;
use super::dict::{Value, flat_dict};
use super::pairs::{number_with_unit, pairs};

/// Where the step of a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StepOf {
    Said(u64),
    /// The line prints none: it is counted.
    Ordinal,
}

#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) step: StepOf,
    pub(super) figures: Vec<(String, f64)>,
}

/// Keys of a dict that say the step.
const STEP_KEYS: [&str; 9] = [
    "step",
    "steps",
    "global_step",
    "current_steps",
    "iteration",
    "iter",
    "_step",
    "trainer/global_step",
    "batch_index",
];
/// Keys that describe the run, not a moment of it.
const FRAME_KEYS: [&str; 3] = ["total_steps", "max_steps", "num_train_epochs"];
/// Keys of a moment, in seconds since 1970.
const TIME_KEYS: [&str; 4] = ["ts", "timestamp", "_timestamp", "wall_time"];
/// From 1973 to 5138.
pub(super) const TIMES: std::ops::Range<f64> = 1e8..1e11;
/// Words that stand before the step in running text, the longer ones first.
const STEP_WORDS: [&str; 7] = [
    "global_step",
    "batch_index",
    "iteration",
    "steps",
    "step",
    "iter",
    "update",
];
/// What at least one pair of a line must be called for the line to be one of figures.
const FIGURES: [&str; 14] = [
    "loss",
    "trl",
    "tel",
    "ppl",
    "perplexity",
    "lr",
    "learning_rate",
    "norm",
    "acc",
    "train_time",
    "f1",
    "reward",
    "mfu",
    "bleu",
];

pub(super) fn read_line(text: &str) -> Option<Found> {
    if !text.contains([':', '='])
        || !text.contains(|c: char| c.is_ascii_digit() || c == 'n' || c == 'N')
    {
        return None;
    }
    if let Some(start) = text.find('{')
        && let Some(pairs) = text.get(start..).and_then(flat_dict)
    {
        // A dict is no other kind of line, whether it says figures or not.
        return of_dict(pairs);
    }
    megatron_line(text)
        .or_else(|| progress_bar(text))
        .or_else(|| step_line(text))
        .or_else(|| bare_line(text))
}

fn is_loss(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("loss")
}

fn is_figure(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|word| {
            FIGURES
                .iter()
                .any(|figure| word == *figure || word.ends_with(&format!("_{figure}")))
        })
}

/// Of a dict at the end of the line; a progress bar may be glued before it.
fn of_dict(pairs: Vec<(String, Value)>) -> Option<Found> {
    let mut step = StepOf::Ordinal;
    let mut figures = Vec::new();
    for (key, value) in pairs {
        let Value::Number(value) = value else {
            continue;
        };
        match purpose(&key) {
            Purpose::Step => step = StepOf::Said(whole(value)?),
            Purpose::Time if TIMES.contains(&value) => figures.push((TIME.to_owned(), value)),
            Purpose::Frame | Purpose::Time => {}
            Purpose::Figure => figures.push((key, value)),
        }
    }
    let is_report = match step {
        StepOf::Said(_) => figures.iter().any(|(name, _)| name != TIME),
        StepOf::Ordinal => figures.iter().any(|(name, _)| is_loss(name)),
    };
    is_report.then_some(Found { step, figures })
}

/// What a name in a dict is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Step,
    Time,
    Frame,
    Figure,
}

pub(super) fn purpose(name: &str) -> Purpose {
    if STEP_KEYS.contains(&name) {
        Purpose::Step
    } else if TIME_KEYS.contains(&name) {
        Purpose::Time
    } else if FRAME_KEYS.contains(&name) {
        Purpose::Frame
    } else {
        Purpose::Figure
    }
}

pub(super) fn whole(value: f64) -> Option<u64> {
    (0.0..1e15).contains(&value).then_some(value as u64)
}

/// ` iteration 10/ 1000 | name: value | …` and ` validation loss at iteration 10 | …`.
fn megatron_line(text: &str) -> Option<Found> {
    let (head, fields) = text.split_once('|')?;
    let (before, after) = head.split_once("iteration")?;
    let step = leading_integer(after.trim_start())?.0;
    let is_validation = before.trim_end().ends_with("loss at");
    let prefix = if is_validation { "validation " } else { "" };
    let figures: Vec<(String, f64)> = fields
        .split('|')
        .filter_map(|field| {
            let (name, value) = field.rsplit_once(':')?;
            let name = name.trim().trim_end_matches(" value");
            Some((format!("{prefix}{name}"), number_with_unit(value.trim())?))
        })
        .filter(|(name, _)| name.len() <= 64)
        .collect();
    (!figures.is_empty()).then_some(Found {
        step: StepOf::Said(step),
        figures,
    })
}

/// ` 10%|█ | 10/99 [00:10<00:50, 1.2it/s, loss=1.5]`.
fn progress_bar(text: &str) -> Option<Found> {
    let (head, rest) = text.rsplit_once('[')?;
    let inside = rest.trim_end().strip_suffix(']')?;
    let (_, count) = head.rsplit_once('|')?;
    let (done, total) = count.trim().split_once('/')?;
    total.trim().parse::<u64>().ok()?;
    let step = done.trim().parse().ok()?;
    let figures: Vec<(String, f64)> = inside
        .split(',')
        .filter_map(|field| {
            let (name, value) = field.trim().split_once('=')?;
            Some((name.to_owned(), number_with_unit(value)?))
        })
        .collect();
    figures
        .iter()
        .any(|(name, _)| is_figure(name))
        .then_some(Found {
            step: StepOf::Said(step),
            figures,
        })
}

/// A step by name, pairs around it.
fn step_line(text: &str) -> Option<Found> {
    let (before, step, after) = find_step(text)?;
    let mut figures = pairs(before).found;
    figures.extend(pairs(after).found);
    figures.retain(|(name, _)| !STEP_KEYS.contains(&name.as_str()));
    figures
        .iter()
        .any(|(name, _)| is_figure(name))
        .then_some(Found {
            step: StepOf::Said(step),
            figures,
        })
}

/// The text before the first named step, the step, the text behind it.
fn find_step(text: &str) -> Option<(&str, u64, &str)> {
    // llm.c writes `s:10` at the very start; elsewhere `s:` is the end of some word.
    if let Some(rest) = text.strip_prefix("s:")
        && let Some((step, behind)) = leading_integer(rest)
    {
        return Some(("", step, behind));
    }
    STEP_WORDS
        .iter()
        .filter_map(|word| find_step_word(text, word))
        .min_by_key(|(before, _, _)| before.len())
}

fn find_step_word<'a>(text: &'a str, word: &str) -> Option<(&'a str, u64, &'a str)> {
    let lower = text.to_ascii_lowercase();
    lower.match_indices(word).find_map(|(at, _)| {
        let before = text.get(..at)?;
        let is_apart = before
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '.' | '/'));
        let behind = text.get(at + word.len()..)?;
        let value = behind.trim_start();
        let value = value.strip_prefix([':', '=']).unwrap_or(value);
        let has_gap = value.len() < behind.len();
        let (step, rest) = leading_integer(value.trim_start())?;
        (is_apart && has_gap).then_some((before, step, rest))
    })
}

/// `10`, `10/99`, `10/ 99:`: the first number and what stands behind all of it.
fn leading_integer(text: &str) -> Option<(u64, &str)> {
    let (number, rest) = digits(text)?;
    let rest = match rest.trim_start().strip_prefix('/') {
        Some(total) => digits(total.trim_start())?.1,
        None => rest,
    };
    let is_longer = rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
        || (rest.starts_with('.')
            && rest
                .get(1..)
                .is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit())));
    let rest = rest.strip_prefix([':', ']', ')']).unwrap_or(rest);
    (!is_longer).then_some((number, rest))
}

fn digits(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, rest))
}

/// `epoch: 0 loss: 1.2`: nothing but pairs, one of them a loss. What is indented is source code
/// that a trainer put into its own log.
fn bare_line(text: &str) -> Option<Found> {
    if text.starts_with(char::is_whitespace) {
        return None;
    }
    let pairs = pairs(text);
    let is_report = pairs.is_all && pairs.found.iter().any(|(name, _)| is_loss(name));
    is_report.then_some(Found {
        step: StepOf::Ordinal,
        figures: pairs.found,
    })
}
