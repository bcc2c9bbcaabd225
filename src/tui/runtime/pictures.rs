//! The seam to the terminal graphics: what is asked of them before, during and after a frame.

use std::sync::Arc;
use std::time::Instant;

use crossterm::event::KeyEvent;
use semihv_domain::{Failure, FailureKind};

use crate::picture::{Picture, PictureRequest};
use crate::state::State;

/// Fits the bytes of an image file into cells; called away from the drawing thread.
pub(super) type Prepare =
    Arc<dyn Fn(&[u8], &PictureRequest) -> Result<Picture, Failure> + Send + Sync>;

/// What the terminal can show, and what it holds of ours.
pub(super) struct Pictures {
    pub(super) is_light: Option<bool>,
}

impl Pictures {
    /// Asks the terminal, before anything else reads its input.
    pub(super) fn detect(_wanted: Option<&str>) -> Self {
        Self { is_light: None }
    }

    /// False for a key that is a piece of a late answer of the terminal.
    pub(super) fn admits(&mut self, _key: &KeyEvent, _now: Instant) -> bool {
        true
    }

    pub(super) fn prepare(&self) -> Prepare {
        Arc::new(|_bytes, _request| {
            let what = "this build shows no pictures";
            Err(Failure::new("picture", FailureKind::Config, what))
        })
    }

    /// Goes on to the next way of showing pictures.
    pub(super) fn next(&mut self) {}

    /// The bytes that follow the cells of a frame.
    pub(super) fn after_draw(&mut self, _state: &State) -> Vec<u8> {
        Vec::new()
    }

    pub(super) fn screen_was_cleared(&mut self) {}

    /// The bytes that remove everything of ours.
    pub(super) fn leave(&mut self) -> Vec<u8> {
        Vec::new()
    }
}
