//! Pixels: published picture files decoded under limits, windowed, fitted and outlined.
//!
//! Takes bytes and gives plain buffers. Deliberately absent: terminals, cells, paths, caches.

mod decode;
mod density;
mod describe;
mod encode;
mod fit;
#[cfg(test)]
mod hostile_bytes;
mod outline;
pub mod phantom;
mod pixels;

pub use decode::{DecodeError, Format, Limits, Probe, decode, probe};
pub use density::{Ground, brightened, density, luminance};
pub use describe::describe;
pub use encode::{EncodeError, png};
pub use fit::{Extent, fit, fitted, resize};
pub use outline::{Ink, outline};
pub use pixels::{Pixels, Raster, Window};
