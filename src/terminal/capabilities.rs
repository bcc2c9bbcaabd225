//! What was found out about the terminal: plain values.

use serde::Serialize;

use crate::{Choice, ColourDepth, Protocol};

pub type Rgb = [u8; 3];

/// A character cell in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct CellSize {
    pub width: u16,
    pub height: u16,
}

impl CellSize {
    /// Taken when nobody says: right for half-blocks, near enough for the rest.
    pub const GUESS: Self = Self {
        width: 9,
        height: 18,
    };

    /// None for sizes that no font has: a terminal that reports nonsense must not cost memory.
    pub fn sensible(width: u16, height: u16) -> Option<Self> {
        let is_sensible = (2..=128).contains(&width) && (4..=256).contains(&height);
        is_sensible.then_some(Self { width, height })
    }
}

/// What the kernel says of the window (TIOCGWINSZ); pixels are often zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct WindowSize {
    pub columns: u16,
    pub rows: u16,
    pub width_px: u16,
    pub height_px: u16,
}

impl WindowSize {
    pub fn cell(self) -> Option<CellSize> {
        CellSize::sensible(
            self.width_px.checked_div(self.columns)?,
            self.height_px.checked_div(self.rows)?,
        )
    }
}

/// The tmux around us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tmux {
    /// The outer terminal answered through tmux: pictures may be sent wrapped.
    pub passes_graphics: bool,
}

/// Everything that drawing has to know of the terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    pub protocol: Protocol,
    /// Why this protocol and no other, in a clause: `the terminal answered the kitty query`.
    pub why: String,
    pub cell: CellSize,
    pub background: Option<Rgb>,
    /// Mode 2026 was reported as known. The pair is harmless elsewhere too.
    pub sync_output: bool,
    /// As the terminal calls itself, else `TERM`.
    pub terminal: String,
    pub tmux: Option<Tmux>,
    pub colours: ColourDepth,
}

impl Capabilities {
    /// For a program that is not on a terminal, and for tests of screens.
    pub fn plain(protocol: Protocol, colours: ColourDepth) -> Self {
        Self {
            protocol,
            why: "no terminal was asked".to_owned(),
            cell: CellSize::GUESS,
            background: None,
            sync_output: false,
            terminal: "none".to_owned(),
            tmux: None,
            colours,
        }
    }

    /// True when dark text on light ground is shown; None: nobody said.
    pub fn is_light(&self) -> Option<bool> {
        let [red, green, blue] = self.background?.map(u32::from);
        Some(red * 299 + green * 587 + blue * 114 > 128 * 1000)
    }

    /// The same terminal with the next protocol, for trying them one by one.
    pub fn with_next_protocol(&self) -> Self {
        let choice = Choice::after(self.protocol);
        Self {
            protocol: crate::decide::chosen(choice, &self.terminal, self.tmux.is_some())
                .unwrap_or(self.protocol),
            why: "chosen by hand".to_owned(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_tells_the_cell_only_when_it_knows_pixels() {
        let window = WindowSize {
            columns: 80,
            rows: 24,
            width_px: 720,
            height_px: 432,
        };
        assert_eq!(window.cell(), Some(CellSize::GUESS));
        let mute = WindowSize {
            width_px: 0,
            ..window
        };
        assert_eq!(mute.cell(), None);
        assert_eq!(WindowSize::default().cell(), None);
    }

    #[test]
    fn stepping_through_the_protocols_comes_round() {
        let mut shown = Capabilities::plain(Protocol::Halfblocks, ColourDepth::True);
        let mut names = Vec::new();
        for _ in 0..6 {
            shown = shown.with_next_protocol();
            names.push(shown.protocol.name());
        }
        assert_eq!(
            names,
            ["ascii", "none", "kitty", "iterm", "sixel", "halfblocks"]
        );
    }
}
