//! Imaging modalities: the paper's classes (§3.2, A.4) and nothing finer.

use serde::{Deserialize, Serialize};

/// How an image was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Modality {
    #[serde(rename = "CT")]
    Ct,
    #[serde(rename = "MR")]
    Mr,
    #[serde(rename = "X-ray")]
    XRay,
    #[serde(rename = "US")]
    Ultrasound,
    #[serde(rename = "PET/SPECT")]
    Nuclear,
    #[serde(rename = "DSA")]
    Angiography,
    #[serde(rename = "Histopathology")]
    Histopathology,
    #[serde(rename = "Other")]
    Other,
}

impl Modality {
    pub const ALL: [Self; 8] = [
        Self::Ct,
        Self::Mr,
        Self::XRay,
        Self::Ultrasound,
        Self::Nuclear,
        Self::Angiography,
        Self::Histopathology,
        Self::Other,
    ];

    /// The name used in TOML, JSON, queries and on screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ct => "CT",
            Self::Mr => "MR",
            Self::XRay => "X-ray",
            Self::Ultrasound => "US",
            Self::Nuclear => "PET/SPECT",
            Self::Angiography => "DSA",
            Self::Histopathology => "Histopathology",
            Self::Other => "Other",
        }
    }

    /// Reads what published sets write: `MRI`, `CT - noncontrast`, `TAC`, `xray`, `HE`.
    ///
    /// `None` for an empty text; a text that names no known modality is [`Modality::Other`].
    pub fn parse(text: &str) -> Option<Self> {
        let folded: String = text.to_lowercase();
        let words: Vec<&str> = folded
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        if words.is_empty() {
            return None;
        }
        let any = |names: &[&str]| words.iter().any(|word| names.contains(word));
        let found = if any(&["pet", "spect", "scintigraphy", "nuclear", "nm", "pt"]) {
            Self::Nuclear
        } else if any(&["dsa", "angiography", "angiogram", "xa"]) && !any(&["ct", "mr", "mri"]) {
            Self::Angiography
        } else if any(&["ct", "tac", "cta", "tomography", "cbct"]) {
            Self::Ct
        } else if any(&["mr", "mri", "mra", "flair", "t1", "t2", "dwi", "magnetic"]) {
            Self::Mr
        } else if any(&[
            "ultrasound",
            "us",
            "sonography",
            "sonogram",
            "echo",
            "doppler",
        ]) {
            Self::Ultrasound
        } else if any(&[
            "xray",
            "xr",
            "cr",
            "dx",
            "radiograph",
            "radiography",
            "mammography",
            "ray",
            "cxr",
            "film",
        ]) {
            Self::XRay
        } else if any(&[
            "histopathology",
            "histology",
            "pathology",
            "microscopy",
            "he",
            "wsi",
            "stain",
        ]) {
            Self::Histopathology
        } else {
            Self::Other
        };
        Some(found)
    }
}

impl std::fmt::Display for Modality {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Modality>) {
        assert_eq!(Modality::parse(text), expected, "{text}");
    }

    #[test]
    fn published_spellings_are_read() {
        check("CT - noncontrast", Some(Modality::Ct));
        check("TAC", Some(Modality::Ct));
        check("MR - T2 weighted", Some(Modality::Mr));
        check("MRI", Some(Modality::Mr));
        check("X-Ray", Some(Modality::XRay));
        check("PET-CT", Some(Modality::Nuclear));
        check("CT angiography", Some(Modality::Ct));
        check("US", Some(Modality::Ultrasound));
        check("fundus photograph", Some(Modality::Other));
        check(" - ", None);
    }

    #[test]
    fn every_name_reads_back() {
        for modality in Modality::ALL {
            check(modality.name(), Some(modality));
        }
    }
}
