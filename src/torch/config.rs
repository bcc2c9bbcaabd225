//! What the JSON files of a model folder say; what they leave out is what transformers leaves out.

use std::path::Path;

use semihv_domain::worker::{Crop, Interpolation, PictureSpec, Resize};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::layers::Activation;
use crate::weights::read_text;

/// One JSON object of the folder.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    values: Map<String, Value>,
    /// For errors.
    name: String,
}

impl Config {
    /// None where there is no such file.
    pub(crate) fn read(folder: &Path, name: &str) -> Result<Option<Self>, Fault> {
        let path = folder.join(name);
        if !path.is_file() {
            return Ok(None);
        }
        let values = serde_json::from_str(&read_text(&path)?)
            .map_err(|error| Fault::model(folder, format!("{name}: {error}")))?;
        Ok(Some(Self {
            values,
            name: path.display().to_string(),
        }))
    }

    /// An object inside; empty where it is left out.
    pub(crate) fn part(&self, key: &str) -> Self {
        let values = self.values.get(key).and_then(Value::as_object);
        Self {
            values: values.cloned().unwrap_or_default(),
            name: format!("{}: {key}", self.name),
        }
    }

    /// As older files of CLIP have it: `text_config`, and `text_config_dict` that wins.
    pub(crate) fn tower(&self, key: &str) -> Self {
        let mut part = self.part(key);
        part.values.extend(self.part(&format!("{key}_dict")).values);
        part
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|value| !value.is_null())
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Fault> {
        let Some(value) = self.values.get(key).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let read = serde_json::from_value(value.clone());
        read.map(Some)
            .map_err(|error| self.refuse(format!("{key}: {error}")))
    }

    pub(crate) fn or<T: DeserializeOwned>(&self, key: &str, default: T) -> Result<T, Fault> {
        Ok(self.get(key)?.unwrap_or(default))
    }

    pub(crate) fn activation(&self, key: &str, default: Activation) -> Result<Activation, Fault> {
        let Some(name) = self.get::<String>(key)? else {
            return Ok(default);
        };
        Activation::named(&name).ok_or_else(|| self.refuse(format!("{key} {name} is not known")))
    }

    pub(crate) fn refuse(&self, why: impl std::fmt::Display) -> Fault {
        Fault::model(Path::new(&self.name), why.to_string())
    }
}

/// The largest picture that fits in a line.
const LARGEST_SIDE: u32 = 500;

/// `preprocessor_config.json` of transformers. `side` is what the model itself says.
pub(crate) fn picture_of_transformers(config: &Config, side: u32) -> Result<PictureSpec, Fault> {
    let size = size(config, "size")?;
    let is_cropped = config.or("do_center_crop", false)?;
    let cut = match self::size(config, "crop_size")? {
        Some(Resize::ShortestEdge(edge)) if is_cropped => edge,
        _ => side,
    };
    if cut != side {
        return Err(config.refuse(format!("pictures of {cut}, where the model takes {side}")));
    }
    let resize = match size {
        Some(Resize::ShortestEdge(edge)) if is_cropped => Resize::ShortestEdge(edge),
        Some(Resize::ShortestEdge(edge)) if edge != side => {
            return Err(config.refuse(format!("size {edge} without a crop to {side}")));
        }
        _ if is_cropped => Resize::ShortestEdge(side),
        _ => Resize::Squash,
    };
    let interpolation = match config.get::<u32>("resample")? {
        None | Some(3) => Interpolation::Bicubic,
        Some(2) => Interpolation::Bilinear,
        Some(other) => return Err(config.refuse(format!("resample {other} is not known"))),
    };
    finished(
        config,
        PictureSpec {
            side,
            resize,
            crop: Crop::CentreDown,
            interpolation,
            mean: config.or("image_mean", [0.5; 3])?,
            std: config.or("image_std", [0.5; 3])?,
        },
    )
}

/// A number, `{"shortest_edge": n}` or `{"height": n, "width": n}`.
fn size(config: &Config, key: &str) -> Result<Option<Resize>, Fault> {
    if let Ok(number) = config.get::<u32>(key) {
        return Ok(number.map(Resize::ShortestEdge));
    }
    let size = config.part(key);
    if let Some(edge) = size.get("shortest_edge")? {
        return Ok(Some(Resize::ShortestEdge(edge)));
    }
    let (height, width) = (size.get::<u32>("height")?, size.get::<u32>("width")?);
    match height.zip(width) {
        Some((height, width)) if height == width && key == "crop_size" => {
            Ok(Some(Resize::ShortestEdge(height)))
        }
        Some((height, width)) if height == width => Ok(Some(Resize::Squash)),
        _ => Err(config.refuse(format!("{key} is no square"))),
    }
}

/// `preprocess_cfg` of open_clip.
pub(crate) fn picture_of_open_clip(config: &Config, side: u32) -> Result<PictureSpec, Fault> {
    let resize = match config.or("resize_mode", "shortest".to_owned())?.as_str() {
        "shortest" => Resize::ShortestEdge(side),
        "squash" => Resize::Squash,
        other => return Err(config.refuse(format!("resize_mode {other} is not known"))),
    };
    let interpolation = match config.or("interpolation", "bicubic".to_owned())?.as_str() {
        "bicubic" => Interpolation::Bicubic,
        "bilinear" => Interpolation::Bilinear,
        other => return Err(config.refuse(format!("interpolation {other} is not known"))),
    };
    finished(
        config,
        PictureSpec {
            side,
            resize,
            crop: Crop::CentreEven,
            interpolation,
            mean: config.or("mean", CLIP_MEAN)?,
            std: config.or("std", CLIP_STD)?,
        },
    )
}

const CLIP_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const CLIP_STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

fn finished(config: &Config, spec: PictureSpec) -> Result<PictureSpec, Fault> {
    if spec.side == 0 || spec.side > LARGEST_SIDE {
        let side = spec.side;
        return Err(config.refuse(format!("pictures of {side}; at most {LARGEST_SIDE} fit")));
    }
    if spec.std.iter().any(|std| *std <= 0.0) {
        return Err(config.refuse("a standard deviation of nothing"));
    }
    Ok(spec)
}
