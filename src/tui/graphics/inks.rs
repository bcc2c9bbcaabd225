//! The colours regions are outlined with, taken from the theme.

use ratatui::style::Color;

use crate::theme::{Role, Theme};

/// Outline colours as pixels need them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inks {
    pub region: [u8; 3],
    /// The region that is looked at.
    pub marked: [u8; 3],
}

impl Default for Inks {
    /// Yellow and orange stand out on grey pictures and differ for colour-blind eyes.
    fn default() -> Self {
        Self {
            region: [240, 228, 66],
            marked: [230, 97, 0],
        }
    }
}

impl Inks {
    pub fn of(theme: &Theme) -> Self {
        let default = Self::default();
        let ink = |role| theme.style(role).fg.and_then(rgb);
        Self {
            region: ink(Role::Region).unwrap_or(default.region),
            marked: ink(Role::Accent).unwrap_or(default.marked),
        }
    }
}

/// The sixteen colours as xterm shows them.
const ANSI: [[u8; 3]; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

/// None for the terminal's own colour, which nobody knows.
fn rgb(colour: Color) -> Option<[u8; 3]> {
    let named = match colour {
        Color::Rgb(red, green, blue) => return Some([red, green, blue]),
        Color::Indexed(index) => return Some(indexed(index)),
        Color::Reset => return None,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    ANSI.get(named).copied()
}

fn indexed(index: u8) -> [u8; 3] {
    if let Some(&named) = ANSI.get(usize::from(index)) {
        return named;
    }
    if index >= 232 {
        return [8 + (index - 232) * 10; 3];
    }
    let cube = index - 16;
    [cube / 36, cube / 6 % 6, cube % 6].map(|step| if step == 0 { 0 } else { 55 + step * 40 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexed_colours_become_pixels() {
        assert_eq!(rgb(Color::Indexed(196)), Some([255, 0, 0]));
        assert_eq!(rgb(Color::Indexed(244)), Some([128, 128, 128]));
        assert_eq!(rgb(Color::Indexed(11)), Some([255, 255, 0]));
    }

    #[test]
    fn a_theme_without_colours_still_outlines() {
        assert_eq!(Inks::of(&Theme::default()), Inks::default());
    }
}
