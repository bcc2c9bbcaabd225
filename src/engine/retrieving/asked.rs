//! The query's own vectors.

use std::sync::Arc;

use semihv_domain::{Failure, FailureKind};
use semihv_imaging::{Extent, Limits, Raster, Scan, render};
use semihv_vectors::fuse;

use super::instructions::instructed;
use super::{QueryImage, RetrieveSpec};
use crate::Engine;
use crate::embedding::seen_first;
use crate::encoding::Encoding;
use crate::failures::OrFail;

/// A part of an image is shown at least this large before it is described.
const PART_SIDE: f32 = 256.0;
/// No image is drawn larger than this to look at a part of it.
const LARGEST: f32 = 4_096.0;

/// Raw vectors of text and image, and their sum, normalised once.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) text: Option<Vec<f32>>,
    pub(crate) image: Option<Vec<f32>>,
    /// Of the image as a whole, where a part of it is looked for: it tells the same image.
    pub(crate) whole_image: Option<Vec<f32>>,
    /// What was put before the text.
    pub(crate) instruction: Option<&'static str>,
    pub(crate) fused: Vec<f32>,
}

/// Raw vectors of a query's image: of the part that is meant, and of the whole.
#[derive(Debug, Default)]
pub(crate) struct AskedImage {
    part: Option<Vec<f32>>,
    whole: Option<Vec<f32>>,
}

/// What is seen of a query's image: the part that is meant, and the whole.
#[derive(Default)]
pub(crate) struct Seen {
    whole: Option<Raster>,
    /// `None`: the whole is meant.
    part: Option<Raster>,
}

pub(crate) fn seen(engine: &Engine, spec: &RetrieveSpec) -> Result<Seen, Failure> {
    let scan = match &spec.image {
        None => return Ok(Seen::default()),
        Some(QueryImage::File(path)) => Arc::new(crate::read_scan(path)?),
        Some(QueryImage::Stored(image)) => {
            let found = engine.with_store(|store| store.image(*image).or_fail("retrieve"))?;
            let found = found.ok_or_else(|| {
                let summary = format!("there is no image {image}");
                Failure::new("retrieve", FailureKind::User, summary)
            })?;
            engine.open_scan(&found.location)?
        }
    };
    Ok(Seen {
        whole: Some(seen_first(&scan)?),
        part: spec.part.map(|part| part_of(&scan, part)).transpose()?,
    })
}

impl AskedImage {
    pub(crate) fn of(encoding: &Encoding, seen: &Seen) -> Result<Self, Failure> {
        let described = |picture: &Option<Raster>| -> Result<Option<Vec<f32>>, Failure> {
            let looked = picture.as_ref().and_then(|picture| encoding.look(picture));
            Ok(encoding.pictures(looked.into_iter().collect())?.pop())
        };
        let whole = described(&seen.whole)?;
        let part = match &seen.part {
            None => whole.clone(),
            part => described(part)?,
        };
        Ok(Self { part, whole })
    }
}

/// `None`: the query holds nothing that the encoder sees.
pub(crate) fn asked(
    encoding: &Encoding,
    image: &AskedImage,
    (text, instruction): (&str, Option<&'static str>),
) -> Result<Option<Asked>, Failure> {
    let said = match instruction {
        Some(instruction) => instructed(instruction, text),
        None => text.to_owned(),
    };
    let text = encoding.texts(&[&said])?.pop().flatten();
    if text.is_none() && image.part.is_none() {
        return Ok(None);
    }
    let fused = fuse(text.as_deref(), image.part.as_deref()).or_fail("retrieve")?;
    Ok(Some(Asked {
        fused: fused.as_slice().to_vec(),
        text,
        image: image.part.clone(),
        whole_image: image.whole.clone(),
        instruction,
    }))
}

/// The part of what is seen first.
fn part_of(scan: &Scan, [left, top, width, height]: [f32; 4]) -> Result<Raster, Failure> {
    let is_inside = |from: f32, length: f32| {
        (0.0..1.0).contains(&from) && length > 0.0 && from + length <= 1.0 + f32::EPSILON
    };
    if !is_inside(left, width) || !is_inside(top, height) {
        let summary = "the part of the image does not lie inside of it";
        return Err(
            Failure::new("retrieve", FailureKind::User, summary).with_hint(
                "give left, top, width and height as parts of the whole, as 0.25,0.25,0.5,0.5",
            ),
        );
    }
    let side = (PART_SIDE / width.min(height)).min(LARGEST) as u32;
    let room = Extent {
        width: side,
        height: side,
    };
    let whole = render(scan, &scan.first_look(), room, Limits::default())
        .map_err(|error| Failure::of("retrieve", FailureKind::Data, &error))?;
    let extent = Extent {
        width: whole.width(),
        height: whole.height(),
    };
    let at = |part: f32, length: u32| (part * length as f32).round() as u32;
    let (x, y) = (at(left, extent.width), at(top, extent.height));
    let room = Extent {
        width: at(width, extent.width).clamp(1, extent.width - x),
        height: at(height, extent.height).clamp(1, extent.height - y),
    };
    Ok(whole.cropped(x, y, room))
}
