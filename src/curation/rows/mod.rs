//! Cutting a stream into rows: lines, elements of a JSON array, CSV records.
//!
//! Every cutter holds at most [`MAX_ROW_BYTES`] of a row. A longer one is passed over without being
//! kept, reported with its size, and the next row is read as if nothing had happened.

pub(crate) mod delimited;
mod elements;
mod lines;

use serde::de::DeserializeOwned;

pub(crate) use elements::{Elements, Shape, shape};
pub(crate) use lines::Lines;

use crate::error::{ImportError, Stop};
use crate::feed::Feed;
use crate::origin::Origin;

/// The longest row that is read. Published rows are a few KB; the longest known ones, whole
/// transcripts, stay under 1 MB.
pub(crate) const MAX_ROW_BYTES: usize = 16 << 20;

/// One row as it stands in the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    /// From 1: the line, or the element of an array.
    pub(crate) number: u64,
    /// The name of the member, for the rows of a JSON object.
    pub(crate) name: Option<&'a str>,
    pub(crate) content: Content<'a>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content<'a> {
    Whole(&'a [u8]),
    TooLong { bytes: u64 },
}

impl Content<'_> {
    /// The row as text, or the reason why it is none.
    pub(crate) fn text(&self) -> Result<&str, String> {
        match self {
            Self::Whole(bytes) => std::str::from_utf8(bytes)
                .map_err(|error| format!("invalid UTF-8 at byte {}", error.valid_up_to() + 1)),
            Self::TooLong { bytes } => Err(too_long(*bytes)),
        }
    }

    /// Whether the row is JSON in square brackets.
    pub(crate) fn is_array(&self) -> bool {
        let Self::Whole(bytes) = self else {
            return false;
        };
        bytes.trim_ascii_start().first() == Some(&b'[')
    }
}

pub(crate) fn too_long(bytes: u64) -> String {
    format!(
        "{:.1} MB long; rows over {} MB are not read",
        bytes as f64 / 1e6,
        MAX_ROW_BYTES >> 20
    )
}

/// Reads one row of JSON, or says why not.
pub(crate) fn parse<T: DeserializeOwned>(content: &Content<'_>) -> Result<T, String> {
    serde_json::from_str(content.text()?).map_err(|error| {
        let said = error.to_string();
        let what = said.split(" at line ").next().unwrap_or(&said);
        format!("{what} (column {})", error.column())
    })
}

/// Hands every element of a file that is one JSON array to `take`; elements that are not a `T` are
/// skipped.
pub(crate) fn each_element<T: DeserializeOwned>(
    feed: &mut Feed<'_>,
    origin: &Origin,
    name: &str,
    mut take: impl FnMut(&mut Feed<'_>, u64, T) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut elements = Elements::new(feed.open(origin, name)?);
    while let Some(row) = elements
        .next()
        .map_err(|error| error.at(&origin.place(name)))?
    {
        match parse(&row.content) {
            Ok(element) => take(feed, row.number, element)?,
            Err(reason) => feed.skip(name, Some(row.number), reason),
        }
    }
    Ok(())
}

/// Why a file cannot be cut any further.
#[derive(Debug)]
pub(crate) enum CutError {
    Read(std::io::Error),
    NotJson { byte: u64, why: &'static str },
}

impl From<std::io::Error> for CutError {
    fn from(error: std::io::Error) -> Self {
        Self::Read(error)
    }
}

impl CutError {
    pub(crate) fn at(self, place: &str) -> ImportError {
        let place = place.to_owned();
        match self {
            Self::Read(source) => ImportError::Read { place, source },
            Self::NotJson { byte, why } => ImportError::NotJson { place, byte, why },
        }
    }
}
