//! The weights of a model folder: one file or several shards, read tensor by tensor.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use semihv_encoders::tensors::Tensors;
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use crate::fault::Fault;

/// Names of a whole model in one file, as transformers and open_clip write it.
const WHOLE: [&str; 2] = ["model.safetensors", "open_clip_model.safetensors"];
/// More than any encoder has.
const MOST_LAYERS: usize = 1000;
const INDEX: &str = "model.safetensors.index.json";

pub(crate) struct Weights {
    folder: PathBuf,
    shards: Vec<Tensors>,
    places: BTreeMap<String, usize>,
    device: Device,
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The files of the weights, in an order that does not change.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let index = folder.join(INDEX);
    if let Some(name) = WHOLE.iter().find(|name| folder.join(name).is_file()) {
        return Ok(vec![folder.join(name)]);
    }
    if !index.is_file() {
        let why = "there is no model.safetensors and no open_clip_model.safetensors";
        return Err(Fault::model(folder, why));
    }
    let text = read_text(&index)?;
    let index: Index = serde_json::from_str(&text)
        .map_err(|error| Fault::model(folder, format!("{INDEX}: {error}")))?;
    let mut names: Vec<&String> = index.weight_map.values().collect();
    names.sort_unstable();
    names.dedup();
    if let Some(odd) = names.iter().find(|name| name.contains('/')) {
        return Err(Fault::model(folder, format!("{INDEX} names {odd}")));
    }
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

pub(crate) fn read_text(path: &Path) -> Result<String, Fault> {
    fs::read_to_string(path).map_err(|source| Fault::Read {
        path: path.to_owned(),
        source,
    })
}

/// One hash over the contents of files.
pub(crate) fn hash(files: &[PathBuf]) -> Result<String, Fault> {
    let mut hasher = blake3::Hasher::new();
    for path in files {
        let read = |source: io::Error| Fault::Read {
            path: path.clone(),
            source,
        };
        let file = File::open(path).map_err(read)?;
        hasher.update_reader(file).map_err(read)?;
    }
    Ok(hasher.finalize().to_hex().to_string())
}

impl Weights {
    pub(crate) fn open(folder: &Path, device: Device) -> Result<Self, Fault> {
        let mut shards = Vec::new();
        let mut places = BTreeMap::new();
        for path in files(folder)? {
            let shard = Tensors::open(&path)?;
            places.extend(shard.names().map(|name| (name.to_owned(), shards.len())));
            shards.push(shard);
        }
        Ok(Self {
            folder: folder.to_owned(),
            shards,
            places,
            device,
        })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// The names under `prefix`; the first of `prefixes` that has any.
    pub(crate) fn scope(&self, prefixes: &[&str], probe: &str) -> Result<Scope<'_>, Fault> {
        let found = prefixes
            .iter()
            .find(|prefix| self.has(&format!("{prefix}{probe}")));
        let Some(prefix) = found else {
            return Err(self.refuse(format!("no tensor {probe}, under none of {prefixes:?}")));
        };
        Ok(Scope {
            weights: self,
            prefix: (*prefix).to_owned(),
        })
    }

    fn refuse(&self, why: String) -> Fault {
        Fault::model(&self.folder, why)
    }

    /// A tensor as single precision on the device.
    fn tensor(&self, name: &str) -> Result<Tensor, Fault> {
        let shard = self.places.get(name).and_then(|at| self.shards.get(*at));
        let Some(shard) = shard else {
            return Err(self.refuse(format!("no tensor {name}")));
        };
        let entry = shard.entry(name)?;
        let kind = match entry.dtype.as_str() {
            "F32" => Kind::Float,
            "F16" => Kind::Half,
            "BF16" => Kind::BFloat16,
            "F64" => Kind::Double,
            other => return Err(self.refuse(format!("{name} is of kind {other}"))),
        };
        let shape: Vec<i64> = entry.shape.iter().map(|side| *side as i64).collect();
        let bytes = shard.bytes(name)?;
        let tensor = Tensor::f_from_data_size(&bytes, &shape, kind)?;
        Ok(tensor.f_to_kind(Kind::Float)?.f_to_device(self.device)?)
    }
}

/// Tensors whose names begin alike.
#[derive(Clone)]
pub(crate) struct Scope<'a> {
    weights: &'a Weights,
    prefix: String,
}

impl Scope<'_> {
    pub(crate) fn sub(&self, name: impl std::fmt::Display) -> Self {
        Self {
            weights: self.weights,
            prefix: format!("{}{name}.", self.prefix),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.weights.has(&format!("{}{name}", self.prefix))
    }

    pub(crate) fn tensor(&self, name: &str) -> Result<Tensor, Fault> {
        self.weights.tensor(&format!("{}{name}", self.prefix))
    }

    pub(crate) fn maybe(&self, name: &str) -> Result<Option<Tensor>, Fault> {
        self.has(name).then(|| self.tensor(name)).transpose()
    }

    pub(crate) fn refuse(&self, why: impl std::fmt::Display) -> Fault {
        self.weights.refuse(format!("{}: {why}", self.prefix))
    }

    /// How many numbered parts there are: `name.0`, `name.1`, …
    pub(crate) fn count(&self, name: &str, probe: &str) -> usize {
        let is_there = |at: &usize| self.has(&format!("{name}.{at}.{probe}"));
        (0..MOST_LAYERS).take_while(is_there).count()
    }
}
