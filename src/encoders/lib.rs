//! The encoder that needs no model: texts and pictures become vectors by counting.
//!
//! Good for "cases that look like this one" and for texts that share words or parts of words; it
//! has learned nothing, so no word is near a picture. Its vectors have one space for texts and one
//! for pictures: raw vectors of both can be summed and normalised as UniIR's score fusion does.
//!
//! Beside it is what models need that run in another process: pictures prepared for them, the
//! client of the worker, and the projection that is trained over them.
//!
//! Deliberately absent: the models themselves, indexes.

pub mod lines;
mod picture;
mod prepare;
mod projection;
pub mod tensors;
mod text;
pub mod worker;

pub use picture::encode_picture;
pub use prepare::prepare;
pub use projection::{OtherDimension, Projection};
pub use text::encode_text;

/// What is written into every index made with it. Raise the number with every change of a vector.
pub const NAME: &str = "counted-1";

/// Numbers of a vector.
pub const DIM: usize = TEXT + PICTURE;
/// The first of them count parts of words.
const TEXT: usize = 640;
/// The others describe greys, edges, layout and colours of a picture.
const PICTURE: usize = PICTURE_DIM;

/// The last numbers of a vector are those of the picture.
pub const PICTURE_DIM: usize = 384;

/// Makes the length of a vector 1; one that is nothing stays so.
fn normalise(values: &mut [f32]) {
    let square: f64 = values.iter().map(|it| f64::from(*it).powi(2)).sum();
    if square > 0.0 {
        let scale = 1.0 / square.sqrt();
        for value in values {
            *value = (f64::from(*value) * scale) as f32;
        }
    }
}
