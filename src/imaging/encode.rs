//! Pictures as PNG bytes.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};

#[derive(Debug, thiserror::Error)]
#[error("the picture cannot be written as PNG")]
pub struct EncodeError(#[from] image::ImageError);

/// Keeps the depth and the channels of the picture.
pub fn png(picture: &DynamicImage) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}
