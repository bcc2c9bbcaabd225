//! The ways a terminal can be made to show a picture.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// How pictures are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase", tag = "name", content = "placement")]
pub enum Protocol {
    Kitty(Placement),
    Iterm2,
    Sixel,
    /// Two pixels a cell, as the colours of `▀`.
    Halfblocks,
    /// One character a cell, dense where the picture is bright.
    Ascii,
    /// Words only.
    None,
}

/// Where the kitty protocol puts a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// Cells hold placeholder characters, so the picture moves and goes with the text. kitty 0.28
    /// and Ghostty; the only way that survives tmux.
    Placeholders,
    /// The picture lies over the cells at the cursor and has to be removed by name.
    Direct,
}

impl Protocol {
    /// The name as typed after `--graphics`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kitty(_) => "kitty",
            Self::Iterm2 => "iterm",
            Self::Sixel => "sixel",
            Self::Halfblocks => "halfblocks",
            Self::Ascii => "ascii",
            Self::None => "none",
        }
    }

    /// True when pictures are sent as pixels rather than drawn with characters.
    pub fn sends_pixels(self) -> bool {
        matches!(self, Self::Kitty(_) | Self::Iterm2 | Self::Sixel)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the user asked for with `--graphics` or in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The best that the terminal can do.
    #[default]
    Auto,
    Kitty,
    Iterm2,
    Sixel,
    Halfblocks,
    Ascii,
    None,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` is no graphics protocol; choose auto, kitty, iterm, sixel, halfblocks, ascii or none"
)]
pub struct UnknownChoice {
    pub given: String,
}

impl Choice {
    pub const ALL: [Self; 7] = [
        Self::Auto,
        Self::Kitty,
        Self::Iterm2,
        Self::Sixel,
        Self::Halfblocks,
        Self::Ascii,
        Self::None,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Kitty => "kitty",
            Self::Iterm2 => "iterm",
            Self::Sixel => "sixel",
            Self::Halfblocks => "halfblocks",
            Self::Ascii => "ascii",
            Self::None => "none",
        }
    }

    /// What comes after `shown` when the protocols are tried one by one.
    pub fn after(shown: Protocol) -> Self {
        match shown {
            Protocol::Kitty(_) => Self::Iterm2,
            Protocol::Iterm2 => Self::Sixel,
            Protocol::Sixel => Self::Halfblocks,
            Protocol::Halfblocks => Self::Ascii,
            Protocol::Ascii => Self::None,
            Protocol::None => Self::Kitty,
        }
    }
}

impl FromStr for Choice {
    type Err = UnknownChoice;

    fn from_str(given: &str) -> Result<Self, UnknownChoice> {
        Self::ALL
            .into_iter()
            .find(|choice| choice.name() == given || (given == "iterm2" && *choice == Self::Iterm2))
            .ok_or_else(|| UnknownChoice {
                given: semihv_domain::printable_line(given).into_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_read_back_from_its_name() {
        for choice in Choice::ALL {
            assert_eq!(choice.name().parse(), Ok(choice));
        }
    }

    #[test]
    fn an_unknown_choice_names_the_known_ones() {
        let said = "chafa".parse::<Choice>().unwrap_err().to_string();
        assert!(said.starts_with("`chafa` is no graphics protocol; choose auto, kitty"));
    }
}
