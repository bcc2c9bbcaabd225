//! Pictures on their way to the screen: what is asked for and what comes back.

use semihv_domain::ImageId;

/// A picture to be decoded, windowed and fitted into cells.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureRequest {
    pub image: ImageId,
    pub location: String,
    /// Cells available.
    pub columns: u16,
    pub rows: u16,
}

/// A picture ready to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    pub request: PictureRequest,
}
