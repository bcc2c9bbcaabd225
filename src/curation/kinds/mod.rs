//! One module per layout.

pub(crate) mod coco;
pub(crate) mod covid_chestxray;
pub(crate) mod csv;
pub(crate) mod guidelines_jsonl;
pub(crate) mod jsonl;
mod keys;
mod mapped;
pub(crate) mod markdown;
pub(crate) mod masks;
pub(crate) mod medpix2;
mod nearest;
pub(crate) mod ngc;
pub(crate) mod nih_boxes;
pub(crate) mod pdf;
pub(crate) mod predictions;
pub(crate) mod slake;
pub(crate) mod text;
pub(crate) mod vqa_med;
pub(crate) mod vqa_rad;
pub(crate) mod yolo;

use std::io::Read;

use semihv_domain::Imported;

use crate::error::{ImportError, Stop};
use crate::feed::{Feed, Seen};
use crate::origin::Origin;
use crate::rows::{MAX_ROW_BYTES, too_long};

/// The file of that name, or the error that says what the layout needs.
fn required(
    origin: &Origin,
    file_name: &'static str,
    advice: &'static str,
) -> Result<String, ImportError> {
    origin.find(file_name).ok_or_else(|| ImportError::Layout {
        path: origin.path().to_owned(),
        expected: file_name,
        advice,
    })
}

/// All files with one of the extensions; none is an error.
fn required_files(
    origin: &Origin,
    extensions: &[&str],
    expected: &'static str,
    advice: &'static str,
) -> Result<Vec<String>, ImportError> {
    let names = origin.with_extension(extensions);
    if names.is_empty() {
        return Err(ImportError::Layout {
            path: origin.path().to_owned(),
            expected,
            advice,
        });
    }
    Ok(names)
}

/// Accepts a row whose key must be the only one of its kind in the import.
fn accept_once(
    feed: &mut Feed<'_>,
    seen: &mut Seen,
    (file, line): (&str, u64),
    row: Imported,
) -> Result<bool, Stop> {
    let (what, key) = match &row {
        Imported::Case(case) => ("case", case.key.as_str()),
        Imported::Question(question) => ("question", question.key.as_str()),
        Imported::Answer(answer) => ("question", answer.question_key.as_str()),
        Imported::Guideline(guideline) => ("guideline", guideline.key.as_str()),
    };
    let reason = if key.is_empty() {
        format!("the {what} has an empty key")
    } else if let Some(first) = seen.earlier(key, file, line) {
        format!("the {what} `{key}` came already in {first}")
    } else {
        feed.accept(row)?;
        return Ok(true);
    };
    feed.skip(file, Some(line), reason);
    Ok(false)
}

/// A small file as text, or why it is none: one of many files that cannot be read ends no import.
fn whole_text(feed: &Feed<'_>, origin: &Origin, file: &str) -> Result<String, String> {
    let reader = feed.open(origin, file).map_err(unread)?;
    let mut bytes = Vec::new();
    let count = reader
        .take(MAX_ROW_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| unreadable(&source))?;
    if count > MAX_ROW_BYTES {
        return Err(too_long(origin.size(file).unwrap_or(count as u64)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        format!("invalid UTF-8 at byte {}", valid + 1)
    })
}

/// Why a file could not be opened; its place is said beside the reason.
fn unread(stop: Stop) -> String {
    match stop {
        Stop::Failed(ImportError::Read { source, .. }) => unreadable(&source),
        Stop::Failed(error) => error.to_string(),
        Stop::Asked => "the import was stopped".to_owned(),
    }
}

fn unreadable(source: &std::io::Error) -> String {
    format!("cannot be read: {source}")
}
