//! Decoders of the compressed streams that medical files carry. Each takes one frame's bytes and
//! gives its samples as coded; what they mean is said elsewhere.

use std::fmt;

pub(crate) mod jpeg;
pub(crate) mod jpeg_2000;
pub(crate) mod jpeg_ls;

/// Samples of a decoded frame, interleaved by pixel, rows from the top; each below 2 to the power
/// of `precision`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Samples {
    pub width: u32,
    pub height: u32,
    pub components: u8,
    pub precision: u8,
    pub values: Vec<u16>,
}

/// Why a stream gives no samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodecError {
    Damaged(&'static str),
    Unsupported(&'static str),
    TooLarge,
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(reason) => write!(f, "the stream is damaged: {reason}"),
            Self::Unsupported(what) => write!(f, "{what} is not supported"),
            Self::TooLarge => f.write_str("the stream holds too many samples"),
        }
    }
}

impl std::error::Error for CodecError {}
