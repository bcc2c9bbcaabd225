//! A case: one clinical example, its texts and its images.

use serde::{Deserialize, Serialize};

use crate::{CaseId, ImageId, Modality, Region, SourceId};

/// A part of a case's text under its published heading (`History`, `Findings`, `Discussion`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    pub heading: String,
    pub text: String,
}

/// One clinical example as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    pub id: CaseId,
    pub source: SourceId,
    /// The name of the source, as given with `--as`.
    pub source_name: String,
    /// The source's own id of the case, unique within the source.
    pub key: String,
    pub title: String,
    pub patient: Option<String>,
    pub modality: Option<Modality>,
    pub body_part: Option<String>,
    pub year: Option<i32>,
    /// BCP 47, lower case: `en`, `zh`.
    pub language: String,
    pub licence: Option<String>,
    pub sections: Vec<Section>,
}

/// Whether the pixels behind an image row can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ImageState {
    /// Not looked at yet.
    Unchecked,
    Readable {
        width: u32,
        height: u32,
    },
    Missing,
    Unreadable {
        reason: String,
    },
}

/// What a caption says of an image, in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caption {
    pub text: String,
    pub language: String,
}

/// One picture of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    pub id: ImageId,
    pub case: CaseId,
    /// The source's own id of the image, unique within the case.
    pub key: String,
    /// A file path, or `ARCHIVE!/inner/path` for a picture inside a zip or tar archive.
    pub location: String,
    pub state: ImageState,
    pub modality: Option<Modality>,
    pub plane: Option<String>,
    pub captions: Vec<Caption>,
    pub regions: Vec<Region>,
}
