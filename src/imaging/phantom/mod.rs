//! The demo's pictures, drawn in code: phantoms that look like CT, MR, X-ray, ultrasound and
//! histology, each with its finding where the demo's text says it is.
//!
//! Deterministic and fast; invented anatomy, nothing from a patient. Not a simulator: no physics
//! beyond what the eye needs, and no file is read or written here.

mod abdomen;
mod brain;
mod canvas;
mod ct;
mod form;
mod histology;
mod mr;
mod noise;
mod table;
#[cfg(test)]
mod tests;
mod ultrasound;
mod vessels;
mod xray;

use image::DynamicImage;

pub use table::{Finding, Outline, Phantom, Tone};
use table::{PHANTOMS, Scene};

/// All demo pictures with their findings, in the order of their keys' table.
pub fn phantoms() -> &'static [Phantom] {
    PHANTOMS
}

/// Draws the picture of this key (`ct-001`, `mr-003-b`); `None` when there is none.
///
/// 8-bit grey, except `ct-009` (16-bit grey, so that windows have something to do) and the
/// histology slides (8-bit colour).
pub fn draw(key: &str) -> Option<DynamicImage> {
    PHANTOMS
        .iter()
        .find(|phantom| phantom.key == key)
        .map(Phantom::draw)
}

impl Phantom {
    pub fn draw(&self) -> DynamicImage {
        let Self { seed, findings, .. } = *self;
        match self.scene {
            Scene::ChestCt(kind) => ct::chest(seed, kind, findings),
            Scene::AbdomenCt(kind) => abdomen::abdomen(seed, kind, findings),
            Scene::HeadCt(kind) => ct::head(seed, kind, findings),
            Scene::HeadMr(kind) => mr::head(seed, kind, findings),
            Scene::LumbarSpine => mr::lumbar_spine(seed, findings),
            Scene::ChestFilm(kind) => xray::chest(seed, kind, findings),
            Scene::Leg => xray::leg(seed, findings),
            Scene::Scan(kind) => ultrasound::scan(seed, kind, findings),
            Scene::Slide(tissue) => histology::field(seed, tissue, findings),
        }
    }
}
