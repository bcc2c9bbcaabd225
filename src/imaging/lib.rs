//! Pixels: published picture files decoded under limits, windowed, fitted and outlined.
//!
//! Takes bytes and gives plain buffers. Deliberately absent: terminals, cells, paths, caches.

mod codec;
mod decode;
mod density;
mod describe;
mod dicom;
mod encode;
mod fit;
mod heat;
#[cfg(test)]
mod hostile_bytes;
mod legend;
mod look;
mod outline;
pub mod phantom;
mod pixels;
mod plane;
mod regions;
mod scan;
mod sheet;
#[cfg(test)]
mod test_data;
mod window;

pub use decode::{DecodeError, Format, Limits, Probe, decode, probe};
pub use density::{Ground, brightened, density, luminance};
pub use describe::describe;
pub use dicom::{Overlay, directory, is_directory};
pub use encode::{EncodeError, png};
pub use fit::{Extent, fit, fitted, resize};
pub use heat::{ColourMap, HeatError, HeatMap, UnknownColourMap, heated};
pub use legend::{LegendLine, with_legend};
pub use look::{Framing, Look, Turn, overlaid, shown};
pub use outline::{Ink, outline};
pub use pixels::{Pixels, Raster};
pub use plane::Plane;
pub use regions::{
    ALL_SEGMENTS, Covered, Drawable, Mask, Measure, Presence, RegionError, RegionFile, Segment,
    Values, mask_drawn, measure, tint,
};
pub use scan::{Geometry, Lps, Place, Scan, Slice};
pub use semihv_domain::{Cut, UnknownCut};
pub use sheet::{MOST_CHOSEN, Reason, chosen_slices, contact_sheet, framing, render};
pub use window::{Preset, UnknownWindow, Window, WindowChoice, WindowShape, short};
