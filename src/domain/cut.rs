//! How a volume is cut into slices.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The plane of the slices that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// As the file stores its slices.
    #[default]
    Stored,
    Axial,
    Coronal,
    Sagittal,
}

impl Cut {
    pub const ALL: [Self; 4] = [Self::Stored, Self::Axial, Self::Coronal, Self::Sagittal];

    pub fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no plane.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{given}` is no plane; choose stored, axial, coronal or sagittal")]
pub struct UnknownCut {
    given: String,
}

impl FromStr for Cut {
    type Err = UnknownCut;

    fn from_str(text: &str) -> Result<Self, UnknownCut> {
        let known = Self::ALL.into_iter().find(|cut| cut.name() == text);
        known.ok_or_else(|| UnknownCut {
            given: text.chars().take(40).collect(),
        })
    }
}
