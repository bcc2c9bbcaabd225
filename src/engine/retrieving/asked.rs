//! The query's own vectors.

use std::sync::Arc;

use semihv_domain::{Failure, FailureKind};
use semihv_encoders::{encode_picture, encode_text};
use semihv_imaging::{Extent, Limits, Raster, Scan, render};
use semihv_vectors::fuse;

use super::{QueryImage, RetrieveSpec};
use crate::Engine;
use crate::embedding::{is_something, seen_first};
use crate::failures::OrFail;

/// A part of an image is shown at least this large before it is described.
const PART_SIDE: f32 = 256.0;
/// No image is drawn larger than this to look at a part of it.
const LARGEST: f32 = 4_096.0;

/// Raw vectors of text and image, and their sum, normalised once.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) text: Option<Vec<f32>>,
    pub(crate) image: Option<Vec<f32>>,
    /// Of the image as a whole, where a part of it is looked for: it tells the same image.
    pub(crate) whole_image: Option<Vec<f32>>,
    pub(crate) fused: Vec<f32>,
}

/// `None`: the query holds nothing that the encoder sees.
pub(crate) fn asked(
    engine: &Engine,
    spec: &RetrieveSpec,
    text: &str,
) -> Result<Option<Asked>, Failure> {
    let text = Some(encode_text(text)).filter(|vector| is_something(vector));
    let scan = match &spec.image {
        None => None,
        Some(QueryImage::File(path)) => Some(Arc::new(crate::read_scan(path)?)),
        Some(QueryImage::Stored(image)) => {
            let found = engine.with_store(|store| store.image(*image).or_fail("retrieve"))?;
            let found = found.ok_or_else(|| {
                let summary = format!("there is no image {image}");
                Failure::new("retrieve", FailureKind::User, summary)
            })?;
            Some(engine.open_scan(&found.location)?)
        }
    };
    let described =
        |picture: &Raster| Some(encode_picture(picture)).filter(|vector| is_something(vector));
    let (mut image, mut whole_image) = (None, None);
    if let Some(scan) = &scan {
        whole_image = described(&seen_first(scan)?);
        image = match spec.part {
            None => whole_image.clone(),
            Some(part) => described(&part_of(scan, part)?),
        };
    }
    if text.is_none() && image.is_none() {
        return Ok(None);
    }
    let fused = fuse(text.as_deref(), image.as_deref()).or_fail("retrieve")?;
    Ok(Some(Asked {
        fused: fused.as_slice().to_vec(),
        text,
        image,
        whole_image,
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
