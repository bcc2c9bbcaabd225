//! A model folder opened, and what it makes of texts and pictures.

use std::path::{Path, PathBuf};

use semihv_domain::worker::{Fingerprint, LONGEST_LINE, OpenedModel, PictureSpec};
use tch::{Device, Kind, Tensor};

use crate::bert::{Bert, Pooling};
use crate::config::{Config, picture_of_open_clip, picture_of_transformers};
use crate::efficientnet::EfficientNet;
use crate::encoder::{Encoder, TextOnly};
use crate::fault::Fault;
use crate::open_clip::OpenClip;
use crate::pairs::{Clip, Siglip};
use crate::tokens::Tokens;
use crate::weights::{Weights, files, hash};

/// Tokens of a batch, filling included: more is no faster on CPUs.
const TOKENS_A_BATCH: usize = 4096;
const PICTURES_A_BATCH: usize = 8;
/// Room for what is not vectors in a reply.
const ENVELOPE: usize = 4096;

pub struct Model {
    encoder: Box<dyn Encoder>,
    /// None where it takes no texts.
    tokens: Option<Tokens>,
    opened: OpenedModel,
    device: Device,
}

/// What the kinds of folders differ in.
struct Parts {
    kind: &'static str,
    encoder: Box<dyn Encoder>,
    /// What the folder says of the longest text; the model itself may say less.
    context: usize,
    picture: Option<PictureSpec>,
    /// What else the vectors depend on.
    said: String,
    is_normalised: bool,
}

impl Model {
    pub fn open(folder: &Path, device: Device) -> Result<Self, Fault> {
        let _guard = tch::no_grad_guard();
        let weights = Weights::open(folder, device)?;
        let parts = parts(folder, &weights)?;
        let context = parts.context.min(parts.encoder.longest());
        let tokens = tokens(folder, parts.encoder.as_ref(), context)?;
        let fingerprint = fingerprint(folder, tokens.as_ref(), &parts, context)?;
        let mut model = Self {
            encoder: parts.encoder,
            tokens,
            opened: OpenedModel {
                name: name(folder, &fingerprint),
                kind: parts.kind.to_owned(),
                dim: 0,
                context,
                normalised: parts.is_normalised,
                picture: parts.picture,
                fingerprint,
            },
            device,
        };
        model.opened.dim = model.try_out(folder)?;
        Ok(model)
    }

    pub fn opened(&self) -> &OpenedModel {
        &self.opened
    }

    /// Runs it once, so that weights that do not fit together are found now.
    fn try_out(&self, folder: &Path) -> Result<usize, Fault> {
        let refuse = |fault: Fault| match fault {
            Fault::Torch(_) => Fault::model(folder, format!("its parts do not fit: {fault}")),
            other => other,
        };
        let text = match &self.tokens {
            None => None,
            Some(tokens) => {
                let ids = vec![tokens.encode("a")?];
                Some(self.encoder.texts(&ids).map_err(refuse)?.size2()?.1)
            }
        };
        let picture = match &self.opened.picture {
            None => None,
            Some(spec) => {
                let grey = vec![128; (spec.side * spec.side * 3) as usize];
                let pixels = pixels(&[grey], spec, self.device)?;
                Some(self.encoder.pictures(&pixels).map_err(refuse)?.size2()?.1)
            }
        };
        match (text, picture) {
            (Some(text), Some(picture)) if text != picture => {
                let why = format!("texts become {text} numbers, pictures {picture}");
                Err(Fault::model(folder, why))
            }
            (Some(dim), _) | (None, Some(dim)) => Ok(dim as usize),
            (None, None) => Err(Fault::model(folder, "it takes neither texts nor pictures")),
        }
    }

    /// Raw vectors, texts before pictures, one after the other.
    pub fn embed(&self, texts: &[String], pictures: &[Vec<u8>]) -> Result<Vec<f32>, Fault> {
        let count = texts.len() + pictures.len();
        let dim = self.opened.dim;
        let most = (LONGEST_LINE - ENVELOPE) / (dim * 16).div_ceil(3).max(1);
        if count == 0 {
            return Err(Fault::Input("neither a text nor a picture".to_owned()));
        }
        if count > most {
            return Err(Fault::TooMany { count, dim, most });
        }
        let _guard = tch::no_grad_guard();
        let mut values = self.texts(texts)?;
        values.extend(self.pictures(pictures)?);
        let odd = values.iter().position(|value| !value.is_finite());
        if let Some(at) = odd.map(|at| at / dim.max(1)) {
            let (what, at) = match at.checked_sub(texts.len()) {
                None => ("text", at),
                Some(at) => ("picture", at),
            };
            return Err(Fault::NotANumber { what, at });
        }
        Ok(values)
    }

    fn texts(&self, texts: &[String]) -> Result<Vec<f32>, Fault> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let tokens = self.tokens.as_ref().ok_or_else(Fault::no_texts)?;
        let mut rows = Vec::with_capacity(texts.len());
        for (at, text) in texts.iter().enumerate() {
            let ids = tokens.encode(text)?;
            if ids.is_empty() {
                return Err(Fault::Input(format!("text {at} has no tokens")));
            }
            rows.push((at, ids));
        }
        // Rows of one length need no filling, and are computed together.
        rows.sort_by_key(|(_, ids)| ids.len());
        let mut values = vec![0.0; texts.len() * self.opened.dim];
        for batch in batches(&rows) {
            let ids: Vec<Vec<u32>> = batch.iter().map(|(_, ids)| ids.clone()).collect();
            let vectors = self.read(&self.encoder.texts(&ids)?, ids.len())?;
            for ((at, _), vector) in batch.iter().zip(vectors.chunks_exact(self.opened.dim)) {
                let place = at * self.opened.dim;
                if let Some(room) = values.get_mut(place..place + self.opened.dim) {
                    room.copy_from_slice(vector);
                }
            }
        }
        Ok(values)
    }

    fn pictures(&self, pictures: &[Vec<u8>]) -> Result<Vec<f32>, Fault> {
        if pictures.is_empty() {
            return Ok(Vec::new());
        }
        let Some(spec) = &self.opened.picture else {
            return Err(Fault::no_pictures());
        };
        let side = spec.side as usize;
        let expected = side * side * 3;
        for (at, picture) in pictures.iter().enumerate() {
            if picture.len() != expected {
                let found = picture.len();
                return Err(Fault::Input(format!(
                    "picture {at} has {found} bytes, not {side} x {side} x 3 = {expected}"
                )));
            }
        }
        let mut values = Vec::new();
        for batch in pictures.chunks(PICTURES_A_BATCH) {
            let pixels = pixels(batch, spec, self.device)?;
            let vectors = self.encoder.pictures(&pixels)?;
            values.extend(self.read(&vectors, batch.len())?);
        }
        Ok(values)
    }

    fn read(&self, vectors: &Tensor, count: usize) -> Result<Vec<f32>, Fault> {
        let expected = count * self.opened.dim;
        let flat = vectors.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?;
        let flat = flat.f_contiguous()?.f_view([-1])?;
        if flat.numel() != expected {
            let found = flat.numel();
            let words = format!("{found} numbers came out of the model, not {expected}");
            return Err(Fault::Input(words));
        }
        let mut values = vec![0.0; expected];
        flat.f_copy_data(&mut values, expected)?;
        Ok(values)
    }
}

/// Neighbours in length, as long as filling them up stays cheap.
fn batches(rows: &[(usize, Vec<u32>)]) -> Vec<&[(usize, Vec<u32>)]> {
    let mut parts = Vec::new();
    let mut begin = 0;
    for end in 1..=rows.len() {
        let next = rows.get(end).map_or(usize::MAX, |(_, ids)| ids.len());
        let shortest = rows.get(begin).map_or(0, |(_, ids)| ids.len());
        let count = end + 1 - begin;
        let is_full =
            next.saturating_mul(count) > TOKENS_A_BATCH || next > shortest + shortest / 4 + 4;
        if is_full {
            parts.extend(rows.get(begin..end));
            begin = end;
        }
    }
    parts
}

/// Eight bits to what the model was trained on.
fn pixels(pictures: &[Vec<u8>], spec: &PictureSpec, device: Device) -> Result<Tensor, Fault> {
    let side = i64::from(spec.side);
    let bytes = pictures.concat();
    let shape = [pictures.len() as i64, side, side, 3];
    let bytes = Tensor::f_from_data_size(&bytes, &shape, Kind::Uint8)?;
    let channel = |values: &[f32; 3]| -> Result<Tensor, Fault> {
        let values = Tensor::f_from_slice(values)?;
        Ok(values.f_view([1, 3, 1, 1])?.f_to_device(device)?)
    };
    let values = bytes
        .f_to_device(device)?
        .f_permute([0, 3, 1, 2])?
        .f_to_kind(Kind::Float)?
        .f_div_scalar(255.0)?;
    let values = values
        .f_sub(&channel(&spec.mean)?)?
        .f_div(&channel(&spec.std)?)?;
    Ok(values.f_contiguous()?)
}

fn parts(folder: &Path, weights: &Weights) -> Result<Parts, Fault> {
    if let Some(config) = Config::read(folder, "open_clip_config.json")? {
        return open_clip(folder, weights, &config);
    }
    let Some(config) = Config::read(folder, "config.json")? else {
        return Err(Fault::model(folder, "there is no config.json"));
    };
    let kind: String = config.or("model_type", String::new())?;
    match kind.as_str() {
        "bert" => text_only(folder, weights, &config),
        "clip" => pair(folder, weights, &config, "clip"),
        "siglip" => pair(folder, weights, &config, "siglip"),
        "efficientnet-lite0" => pictures_only(folder, weights, &config),
        other => Err(config.refuse(format!(
            "model_type {other:?}; known are bert, clip, siglip, efficientnet-lite0 and folders of open_clip"
        ))),
    }
}

fn pair(
    folder: &Path,
    weights: &Weights,
    config: &Config,
    kind: &'static str,
) -> Result<Parts, Fault> {
    let (encoder, context): (Box<dyn Encoder>, usize) = match kind {
        "clip" => (Box::new(Clip::load(weights, config)?), 77),
        _ => (Box::new(Siglip::load(weights, config)?), 64),
    };
    let side = config.tower("vision_config").or("image_size", 224)?;
    Ok(Parts {
        kind,
        encoder,
        context: config
            .tower("text_config")
            .or("max_position_embeddings", context)?,
        picture: Some(preprocessor(folder, side)?),
        said: String::new(),
        is_normalised: false,
    })
}

fn preprocessor(folder: &Path, side: u32) -> Result<PictureSpec, Fault> {
    let Some(preprocessor) = Config::read(folder, "preprocessor_config.json")? else {
        return Err(Fault::model(folder, "there is no preprocessor_config.json"));
    };
    picture_of_transformers(&preprocessor, side)
}

fn pictures_only(folder: &Path, weights: &Weights, config: &Config) -> Result<Parts, Fault> {
    Ok(Parts {
        kind: "efficientnet-lite0",
        encoder: Box::new(EfficientNet::load(weights, config)?),
        context: 0,
        picture: Some(preprocessor(folder, config.or("image_size", 224)?)?),
        said: format!("{}", config.or("batch_norm_epsilon", 1e-3)?),
        is_normalised: false,
    })
}

fn open_clip(folder: &Path, weights: &Weights, config: &Config) -> Result<Parts, Fault> {
    let bert = Config::read(folder, "config.json")?.unwrap_or_else(|| config.part("none"));
    let model = config.part("model_cfg");
    let side = model.part("vision_cfg").or("image_size", 224)?;
    Ok(Parts {
        kind: "open-clip",
        encoder: Box::new(OpenClip::load(weights, config, &bert)?),
        context: model.part("text_cfg").or("context_length", 77)?,
        picture: Some(picture_of_open_clip(&config.part("preprocess_cfg"), side)?),
        said: String::new(),
        is_normalised: false,
    })
}

/// BERT by itself, or as sentence-transformers says.
fn text_only(folder: &Path, weights: &Weights, config: &Config) -> Result<Parts, Fault> {
    let probe = "embeddings.word_embeddings.weight";
    let bert = Bert::load(&weights.scope(&["", "bert."], probe)?, config)?;
    let said = Config::read(folder, "sentence_bert_config.json")?;
    let tokenizer = Config::read(folder, "tokenizer_config.json")?;
    let longest = bert.longest();
    let context = match (&said, &tokenizer) {
        (Some(said), _) if said.has("max_seq_length") => said.or("max_seq_length", longest)?,
        // Some files say 1e30 here, which is no number of tokens.
        (_, Some(tokenizer)) => tokenizer
            .get("model_max_length")
            .ok()
            .flatten()
            .unwrap_or(longest),
        _ => longest,
    };
    let pooling = pooling(folder)?;
    let is_normalised = is_normalised(folder)?;
    Ok(Parts {
        kind: "bert",
        said: format!("{pooling:?} {is_normalised}"),
        encoder: Box::new(TextOnly {
            bert,
            pooling,
            is_normalised,
        }),
        context,
        picture: None,
        is_normalised,
    })
}

/// `1_Pooling/config.json`; BERTs that no sentence was trained on speak by their first token.
fn pooling(folder: &Path) -> Result<Pooling, Fault> {
    let Some(config) = Config::read(folder, "1_Pooling/config.json")? else {
        return Ok(Pooling::First);
    };
    let is = |key: &str| config.or(&format!("pooling_mode_{key}"), false);
    match (is("mean_tokens")?, is("cls_token")?) {
        (true, false) => Ok(Pooling::Mean),
        (false, true) => Ok(Pooling::First),
        _ => Err(config.refuse("only the mean of all tokens or the first one is known")),
    }
}

fn is_normalised(folder: &Path) -> Result<bool, Fault> {
    let path = folder.join("modules.json");
    if !path.is_file() {
        return Ok(false);
    }
    let text = crate::weights::read_text(&path)?;
    let modules: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| Fault::model(folder, format!("modules.json: {error}")))?;
    let kinds: Vec<&str> = modules
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|module| module["type"].as_str()?.rsplit('.').next())
        .collect();
    let known = ["Transformer", "Pooling", "Normalize"];
    if let Some(odd) = kinds.iter().find(|kind| !known.contains(kind)) {
        let why = format!("modules.json names {odd}, which is not known");
        return Err(Fault::model(folder, why));
    }
    Ok(kinds.contains(&"Normalize"))
}

/// The tokenizer of a model that takes texts.
fn tokens(folder: &Path, encoder: &dyn Encoder, context: usize) -> Result<Option<Tokens>, Fault> {
    if encoder.longest() == 0 {
        return Ok(None);
    }
    let tokens = Tokens::open(folder, context)?;
    let (found, rows) = (tokens.vocabulary(), encoder.vocabulary());
    if found > rows {
        let why = format!("the tokenizer has {found} tokens, the model {rows}");
        return Err(Fault::model(folder, why));
    }
    Ok(Some(tokens))
}

fn fingerprint(
    folder: &Path,
    tokens: Option<&Tokens>,
    parts: &Parts,
    context: usize,
) -> Result<Fingerprint, Fault> {
    // The picture's numbers rather than a file of theirs: two files may say the same.
    let picture = serde_json::to_string(&parts.picture).unwrap_or_default();
    let preprocess = format!("{} {} {context} {picture}", parts.kind, parts.said);
    let weights: Vec<PathBuf> = files(folder)?;
    Ok(Fingerprint {
        weights: hash(&weights)?,
        tokenizer: match tokens {
            Some(tokens) => hash(tokens.files())?,
            None => "none".to_owned(),
        },
        preprocess: blake3::hash(preprocess.as_bytes()).to_hex().to_string(),
    })
}

/// The folder's name and a part of the hash: two folders of one name stay apart.
fn name(folder: &Path, fingerprint: &Fingerprint) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let all = serde_json::to_string(fingerprint).unwrap_or_default();
    let hash = blake3::hash(all.as_bytes()).to_hex();
    format!("{name}-{}", hash.get(..8).unwrap_or_default())
}
