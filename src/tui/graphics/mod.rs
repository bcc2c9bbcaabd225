//! Pictures in cells: from a file's bytes to what one terminal shows.
//!
//! [`prepare`] does all the work away from the screen's thread; drawing only copies. The encoders
//! are our own: `benches/wire.rs` holds what they cost, and each says what it was measured against.
//!
//! Deliberately absent: finding out what the terminal can do (that is `semihv-terminal`).

mod blocks;
mod cells;
mod characters;
mod diacritics;
mod drawing;
mod few_colours;
mod files;
mod inks;
mod kitty;
mod late_replies;
mod on_screen;
mod opened;
mod painted;
mod prepare;
mod regions;
mod sixel;
mod tiles;

pub use drawing::Drawing;
pub use files::{Files, NoFiles};
pub use inks::Inks;
pub use late_replies::LateReplies;
pub use on_screen::{OnScreen, Placement};
pub use prepare::{Canvas, exported, prepare};

#[cfg(test)]
pub(crate) use prepare::tests;
