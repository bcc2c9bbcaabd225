//! `train-retriever`: two linear projections over frozen features, by contrast within a batch.
//!
//! UniIR trains whole CLIPs; this trains what a machine without a GPU can: the last matrices. The
//! loss is CLIP's, both ways; pairs of one group (one case) are no negatives of each other.

mod checkpoint;
mod features;
mod spec;
mod step;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};
use tch::{Kind, Tensor};

use crate::arguments::TrainRetriever;
use crate::fault::Fault;
use checkpoint::State;
use features::Features;
use spec::Spec;
use step::Trainee;

/// Texts whose ranks are computed at once.
const CHUNK: i64 = 512;
/// More held-back pairs than this say nothing new about recall, and take long.
const MOST_HELD_BACK: usize = 20_000;

/// Progress goes to standard output, one JSON object a line.
pub(crate) fn run(how: &TrainRetriever) -> Result<(), Fault> {
    let features = Features::read(&how.features)?;
    let spec = Spec::resolve(how, &features)?;
    fs::create_dir_all(&how.out).map_err(|source| Fault::Write {
        path: how.out.clone(),
        source,
    })?;
    let _lock = lock(&how.out)?;
    let path = how.out.join("checkpoint.safetensors");
    let mut state = match checkpoint::read(&path, &spec, &features)? {
        Some(state) => state,
        None => State::begin(&spec, &features)?,
    };
    let (train, held_back) = features.split(spec.seed, spec.validation);
    if train.len() < 2 {
        return Err(Fault::Input(
            "fewer than two pairs are left to train on".to_owned(),
        ));
    }
    say(&json!({
        "event": "begin", "pairs": train.len(), "held_back": held_back.len(),
        "epoch": state.epoch, "step": state.step, "spec": spec,
    }))?;
    while state.epoch < spec.epochs {
        epoch(&mut state, &spec, &features, &train)?;
        let [first, tenth] = recall(&state.trainee, &features, &held_back)?;
        let fingerprint = checkpoint::write(&path, &state, &spec, &features)?;
        say(&json!({
            "event": "epoch", "epoch": state.epoch, "step": state.step, "loss": state.loss,
            "temperature": state.trainee.temperature()?, "recall_at_1": first,
            "recall_at_10": tenth, "fingerprint": fingerprint,
        }))?;
    }
    say(&json!({"event": "done", "epoch": state.epoch, "step": state.step, "checkpoint": path}))
}

fn say(value: &Value) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    let said = writeln!(out, "{value}").and_then(|()| out.flush());
    said.map_err(|source| Fault::Write {
        path: "standard output".into(),
        source,
    })
}

/// Two trainings of one folder would overwrite each other.
fn lock(folder: &Path) -> Result<File, Fault> {
    let path = folder.join(".lock");
    let open = OpenOptions::new().create(true).append(true).open(&path);
    let file = open.map_err(|source| Fault::Write {
        path: path.clone(),
        source,
    })?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let words = format!("another training writes to {}", folder.display());
        return Err(Fault::Input(words));
    }
    Ok(file)
}

fn epoch(state: &mut State, spec: &Spec, features: &Features, train: &[i64]) -> Result<(), Fault> {
    let order = spec::shuffled(train, spec.seed, state.epoch);
    let batch = spec.batch.min(order.len());
    let mut sum = 0.0;
    let mut count = 0.0;
    // A last batch that is smaller would have fewer negatives than all others.
    for rows in order.chunks_exact(batch) {
        let batch = features.batch(rows)?;
        let loss = state.trainee.step(&batch, spec)?;
        state.step += 1;
        if !loss.is_finite() {
            let words = format!(
                "the loss of step {} is no number; try a smaller learning rate than {}",
                state.step, spec.lr
            );
            return Err(Fault::Input(words));
        }
        sum += loss;
        count += 1.0;
        say(&json!({
            "event": "step", "epoch": state.epoch + 1, "step": state.step, "loss": loss,
            "temperature": state.trainee.temperature()?,
        }))?;
    }
    state.loss = sum / f64::max(count, 1.0);
    state.epoch += 1;
    Ok(())
}

/// The part of held-back texts that find an image of their group first, and among the first ten.
fn recall(trainee: &Trainee, features: &Features, rows: &[i64]) -> Result<[Option<f64>; 2], Fault> {
    let rows = rows.get(..MOST_HELD_BACK).unwrap_or(rows);
    if rows.is_empty() {
        return Ok([None, None]);
    }
    let _guard = tch::no_grad_guard();
    let batch = features.batch(rows)?;
    let (texts, images) = trainee.project(&batch)?;
    let count = rows.len() as i64;
    let mut hits = [0.0, 0.0];
    for begin in (0..count).step_by(CHUNK as usize) {
        let length = CHUNK.min(count - begin);
        let scores = texts
            .f_narrow(0, begin, length)?
            .f_mm(&images.f_transpose(0, 1)?)?;
        let own = batch.groups.f_narrow(0, begin, length)?.f_unsqueeze(1)?;
        let others = own.f_ne_tensor(&batch.groups.f_unsqueeze(0)?)?;
        let best = scores.f_masked_fill(&others, f64::NEG_INFINITY)?;
        let (best, _) = best.f_max_dim(1, true)?;
        let ranks = scores
            .f_gt_tensor(&best)?
            .f_sum_dim_intlist(1, false, Kind::Int64)?;
        for (hit, within) in hits.iter_mut().zip([1, 10]) {
            *hit += ranks
                .f_lt(within)?
                .f_sum(Kind::Double)?
                .f_double_value(&[])?;
        }
    }
    Ok(hits.map(|hit| Some(hit / count as f64)))
}

/// Some rows of the features.
pub(crate) struct Batch {
    pub text: Tensor,
    pub image: Tensor,
    pub groups: Tensor,
}
