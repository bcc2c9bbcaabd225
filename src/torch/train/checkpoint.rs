//! The state of a training on disk: whole or not there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use semihv_encoders::tensors::{Named, Tensors, write as write_tensors};
use tch::Tensor;

use super::features::Features;
use super::spec::{Dice, Spec};
use super::step::Trainee;
use crate::fault::Fault;

/// The learned tensors first: whoever applies them reads nothing else.
const NAMES: [&str; 3] = ["text.weight", "image.weight", "logit_scale"];

pub(crate) struct State {
    pub trainee: Trainee,
    /// Whole epochs done.
    pub epoch: u64,
    pub step: u64,
    /// The mean of the last epoch.
    pub loss: f64,
}

impl State {
    /// Even random matrices; the scale is one over the temperature.
    pub(crate) fn begin(spec: &Spec, features: &Features) -> Result<Self, Fault> {
        let [text, image] = features.widths()?;
        let mut dice = Dice::new(spec.seed, "weights", 0);
        let mut matrix = |width: i64| -> Result<Tensor, Fault> {
            let bound = 1.0 / (width as f64).sqrt();
            let count = spec.dim * width as usize;
            let values: Vec<f32> = (0..count)
                .map(|_| ((dice.unit() * 2.0 - 1.0) * bound) as f32)
                .collect();
            Ok(Tensor::f_from_slice(&values)?.f_view([spec.dim as i64, width])?)
        };
        let scale = -(spec.temperature.ln()) as f32;
        let weights = [
            matrix(text)?,
            matrix(image)?,
            Tensor::f_from_slice(&[scale])?,
        ];
        Ok(Self {
            trainee: Trainee::new(weights)?,
            epoch: 0,
            step: 0,
            loss: 0.0,
        })
    }
}

fn named(name: &str, tensor: &Tensor) -> Result<Named, Fault> {
    let flat = tensor.f_contiguous()?.f_view([-1])?;
    let mut values = vec![0.0; flat.numel()];
    flat.f_copy_data(&mut values, flat.numel())?;
    Ok(Named {
        name: name.to_owned(),
        shape: tensor.size().iter().map(|side| *side as usize).collect(),
        values: values.into(),
    })
}

/// Replaces what lies at `path` in one go; returns the fingerprint.
pub(crate) fn write(
    path: &Path,
    state: &State,
    spec: &Spec,
    features: &Features,
) -> Result<String, Fault> {
    let trainee = &state.trainee;
    let mut tensors = Vec::new();
    for (prefix, part) in [
        ("", &trainee.weights),
        ("adam.mean.", &trainee.means),
        ("adam.square.", &trainee.squares),
    ] {
        for (name, tensor) in NAMES.iter().zip(part) {
            tensors.push(named(&format!("{prefix}{name}"), tensor)?);
        }
    }
    let spec_text = serde_json::to_string(spec).unwrap_or_default();
    let mut hasher = blake3::Hasher::new();
    for tensor in tensors.iter().take(NAMES.len()) {
        hasher.update(&tensor.values.bytes());
    }
    hasher.update(spec_text.as_bytes());
    hasher.update(features.hash.as_bytes());
    let fingerprint = hasher.finalize().to_hex().to_string();
    let metadata: BTreeMap<String, String> = [
        ("fingerprint", fingerprint.clone()),
        ("spec", spec_text),
        ("features", features.hash.clone()),
        ("epoch", state.epoch.to_string()),
        ("step", state.step.to_string()),
        ("loss", state.loss.to_string()),
        ("text_encoder", spec.text_encoder.clone()),
        ("image_encoder", spec.image_encoder.clone()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    replace(path, &tensors, &metadata).map_err(|source| Fault::Write {
        path: path.to_owned(),
        source,
    })?;
    Ok(fingerprint)
}

fn replace(path: &Path, tensors: &[Named], metadata: &BTreeMap<String, String>) -> io::Result<()> {
    let partial = path.with_extension("part");
    let mut out = BufWriter::new(File::create(&partial)?);
    write_tensors(&mut out, tensors, metadata)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    fs::rename(&partial, path)?;
    // The new name must survive a crash too.
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// None where there is no checkpoint; one of another training is refused, not overwritten.
pub(crate) fn read(path: &Path, spec: &Spec, features: &Features) -> Result<Option<State>, Fault> {
    if !path.exists() {
        return Ok(None);
    }
    let tensors = Tensors::open(path)?;
    let said = |key: &str| tensors.metadata(key).unwrap_or_default();
    let before: Option<Spec> = serde_json::from_str(said("spec")).ok();
    let is_same = before.is_some_and(|before| before.continues(spec));
    if !is_same || said("features") != features.hash {
        let what = if is_same { "features" } else { "values" };
        return Err(Fault::Input(format!(
            "{} is of a training with other {what}; choose another --out",
            path.display()
        )));
    }
    let part = |prefix: &str| -> Result<[Tensor; 3], Fault> {
        let [text, image, scale] = NAMES.map(|name| tensor(&tensors, &format!("{prefix}{name}")));
        Ok([text?, image?, scale?])
    };
    let number = |key: &str| -> Result<u64, Fault> {
        let wrong = |_| tensors.refuse(format!("{key} is no number"));
        Ok(said(key).parse().map_err(wrong)?)
    };
    let step = number("step")?;
    Ok(Some(State {
        trainee: Trainee {
            weights: part("")?,
            means: part("adam.mean.")?,
            squares: part("adam.square.")?,
            steps: step,
        },
        epoch: number("epoch")?,
        step,
        loss: said("loss").parse().unwrap_or(0.0),
    }))
}

fn tensor(tensors: &Tensors, name: &str) -> Result<Tensor, Fault> {
    let shape: Vec<i64> = tensors
        .entry(name)?
        .shape
        .iter()
        .map(|side| *side as i64)
        .collect();
    Ok(Tensor::f_from_slice(&tensors.f32s(name)?)?.f_view(&shape[..])?)
}
