//! Windows: which values become black, which white, and what lies between.
//!
//! The functions are those of DICOM PS3.3 C.11.2.1.2; values are in real units (HU for CT).

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use image::GrayImage;
use semihv_domain::Modality;

use crate::Plane;

/// How values become grey between the ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowShape {
    /// DICOM's LINEAR, whose ends lie half a step inside.
    Linear,
    /// Straight from end to end.
    #[default]
    LinearExact,
    Sigmoid,
}

/// The values that become black and white, by their middle and their distance.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Window {
    pub centre: f32,
    pub width: f32,
    pub shape: WindowShape,
}

/// What a person may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowChoice {
    /// The file's own window, else the modality's, else [`WindowChoice::Percentile`].
    #[default]
    Auto,
    Preset(Preset),
    /// From the smallest to the largest value.
    Full,
    /// Half a percent clipped at either end.
    Percentile,
    Given(Window),
}

/// Windows with a name, for CT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    Lung,
    Mediastinum,
    Bone,
    Brain,
    Stroke,
    Abdomen,
}

impl Preset {
    pub const ALL: [Self; 6] = [
        Self::Lung,
        Self::Mediastinum,
        Self::Bone,
        Self::Brain,
        Self::Stroke,
        Self::Abdomen,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Lung => "lung",
            Self::Mediastinum => "mediastinum",
            Self::Bone => "bone",
            Self::Brain => "brain",
            Self::Stroke => "stroke",
            Self::Abdomen => "abdomen",
        }
    }

    /// Centre and width in HU, as commonly set.
    pub fn window(self) -> Window {
        let (centre, width) = match self {
            Self::Lung => (-600.0, 1500.0),
            Self::Mediastinum => (50.0, 350.0),
            Self::Bone => (400.0, 1800.0),
            Self::Brain => (40.0, 80.0),
            Self::Stroke => (32.0, 8.0),
            Self::Abdomen => (60.0, 400.0),
        };
        Window::around(centre, width)
    }

    /// Only where values mean the same in every scan.
    pub fn are_known_for(modality: Option<Modality>) -> bool {
        modality == Some(Modality::Ct)
    }
}

impl Window {
    pub fn around(centre: f32, width: f32) -> Self {
        Self {
            centre,
            width,
            shape: WindowShape::LinearExact,
        }
    }

    pub fn between(black: f32, white: f32) -> Self {
        Self::around(f32::midpoint(black, white), white - black)
    }

    /// The values that become black and white.
    pub fn ends(self) -> (f32, f32) {
        let half = self.width / 2.0;
        match self.shape {
            WindowShape::Linear => {
                let half = (self.width - 1.0).max(0.0) / 2.0;
                (self.centre - 0.5 - half, self.centre - 0.5 + half)
            }
            WindowShape::LinearExact | WindowShape::Sigmoid => {
                (self.centre - half, self.centre + half)
            }
        }
    }

    /// Eight bits of every value; what is no number becomes black.
    pub fn apply(self, plane: &Plane) -> GrayImage {
        let bytes = match self.shape {
            WindowShape::Sigmoid => {
                let slope = -4.0 / self.width.max(f32::MIN_POSITIVE);
                plane.map(|value| 255.0 / (1.0 + (slope * (value - self.centre)).exp()))
            }
            WindowShape::Linear | WindowShape::LinearExact => {
                let (black, white) = self.ends();
                let scale = 255.0 / (white - black).max(f32::MIN_POSITIVE);
                plane.map(|value| (value - black) * scale)
            }
        };
        GrayImage::from_raw(plane.width, plane.height, bytes).unwrap_or_default()
    }
}

impl fmt::Display for Window {
    /// `W 1500 L -600`, as viewers write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W {} L {}", short(self.width), short(self.centre))
    }
}

impl fmt::Display for WindowChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Preset(preset) => f.write_str(preset.name()),
            Self::Full => f.write_str("full"),
            Self::Percentile => f.write_str("percentile"),
            Self::Given(window) => window.fmt(f),
        }
    }
}

/// A value in the digits that matter.
pub fn short(value: f32) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || size.fract() == 0.0 => 0,
        size if size >= 1.0 => 1,
        _ => 4,
    };
    format!("{value:.digits$}")
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{given}` is no window; choose auto, full, percentile, lung, mediastinum, bone, brain, \
     stroke, abdomen, or CENTRE,WIDTH"
)]
pub struct UnknownWindow {
    given: String,
}

impl FromStr for WindowChoice {
    type Err = UnknownWindow;

    /// `lung`, `full`, or centre and width: `40,400`.
    fn from_str(text: &str) -> Result<Self, UnknownWindow> {
        let unknown = || UnknownWindow {
            given: text.chars().take(40).collect(),
        };
        match text {
            "auto" => return Ok(Self::Auto),
            "full" => return Ok(Self::Full),
            "percentile" => return Ok(Self::Percentile),
            _ => {}
        }
        if let Some(preset) = Preset::ALL.into_iter().find(|known| known.name() == text) {
            return Ok(Self::Preset(preset));
        }
        let (centre, width) = text.split_once(',').ok_or_else(unknown)?;
        let number = |text: &str| text.trim().parse::<f32>().ok().filter(|it| it.is_finite());
        let (centre, width) = (number(centre), number(width));
        let (Some(centre), Some(width)) = (centre, width.filter(|width| *width > 0.0)) else {
            return Err(unknown());
        };
        Ok(Self::Given(Window::around(centre, width)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(values: &[f32]) -> Plane {
        Plane::new(values.len() as u32, 1, values.to_vec()).unwrap()
    }

    fn shown(window: Window, values: &[f32]) -> Vec<u8> {
        window.apply(&plane(values)).into_raw()
    }

    #[test]
    fn linear_is_black_and_white_half_a_step_inside_as_dicom_says() {
        // PS3.3 C.11.2.1.2.1: centre 2048, width 4096 covers 0 to 4095.
        let window = Window {
            centre: 2048.0,
            width: 4096.0,
            shape: WindowShape::Linear,
        };
        assert_eq!(window.ends(), (0.0, 4095.0));
        assert_eq!(
            shown(window, &[-5.0, 0.0, 4095.0, 9000.0]),
            [0, 0, 255, 255]
        );
    }

    #[test]
    fn a_sigmoid_is_grey_in_its_middle_and_never_clips_hard() {
        let window = Window {
            centre: 0.0,
            width: 100.0,
            shape: WindowShape::Sigmoid,
        };
        assert_eq!(shown(window, &[-50.0, 0.0, 50.0]), [30, 128, 225]);
    }

    #[test]
    fn a_window_of_no_width_is_a_threshold() {
        let window = Window::around(10.0, 0.0);
        assert_eq!(shown(window, &[9.0, 10.0, 11.0, f32::NAN]), [0, 0, 255, 0]);
    }

    #[test]
    fn what_a_person_writes_is_understood_or_refused_with_the_choices() {
        assert_eq!("lung".parse(), Ok(WindowChoice::Preset(Preset::Lung)));
        assert_eq!(
            "40,400".parse(),
            Ok(WindowChoice::Given(Window::around(40.0, 400.0)))
        );
        for wrong in ["lungs", "40", "40,-1", "nan,5", ""] {
            let said = wrong.parse::<WindowChoice>().unwrap_err().to_string();
            assert!(said.contains("choose auto, full"), "{said}");
        }
    }
}
