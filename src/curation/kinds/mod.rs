//! One module per layout.

pub(crate) mod coco;
pub(crate) mod covid_chestxray;
pub(crate) mod csv;
pub(crate) mod jsonl;
mod mapped;
pub(crate) mod markdown;
pub(crate) mod medpix2;
pub(crate) mod ngc;
pub(crate) mod nih_boxes;
pub(crate) mod predictions;
pub(crate) mod slake;
pub(crate) mod vqa_med;
pub(crate) mod vqa_rad;

use semihv_domain::Imported;

use crate::error::{ImportError, Stop};
use crate::feed::{Feed, Seen};
use crate::origin::Origin;

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
