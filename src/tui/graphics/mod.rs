//! Pictures in cells: from a file's bytes to what one terminal shows.
//!
//! [`prepare`] does all the work away from the screen's thread; drawing only copies. Pixels go
//! out through ratatui-image's encoders for sixel, iTerm2 and kitty's placeholders. Its `Picker`
//! is left out on purpose: it asks the terminal itself and switches tmux's pass-through on. kitty
//! before 0.28, half-blocks and characters are drawn here.
//!
//! Deliberately absent: finding out what the terminal can do (that is `semihv-terminal`).

mod blocks;
mod cells;
mod characters;
mod drawing;
mod inks;
mod kitty;
mod late_replies;
mod on_screen;
mod prepare;

pub use drawing::Drawing;
pub use inks::Inks;
pub use late_replies::LateReplies;
pub use on_screen::{OnScreen, Placement};
pub use prepare::{Canvas, prepare};

#[cfg(test)]
pub(crate) use prepare::tests;
