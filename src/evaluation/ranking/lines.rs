//! What judgements and runs have in common as texts: rows of words or JSON objects.

use semihv_domain::{Skipped, SkippedAt};
use serde::de::DeserializeOwned;

/// TREC's rows are parted by blanks, so that no name may hold one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` holds a blank or is empty, which TREC's rows cannot say; write JSON lines instead"
)]
pub struct BlankInName {
    pub name: String,
}

pub(super) fn word(name: &str) -> Result<&str, BlankInName> {
    if name.is_empty() || name.chars().any(char::is_whitespace) {
        return Err(BlankInName {
            name: name.to_owned(),
        });
    }
    Ok(name)
}

/// A row of words or of JSON, told apart by its first character.
pub(super) enum RowText<'a> {
    Words(Vec<&'a str>),
    Object(&'a str),
}

/// Hands every row that is not blank to `take`; what it refuses is skipped with its line.
pub(super) fn each_row<'a>(
    file: &str,
    text: &'a str,
    mut take: impl FnMut(u64, RowText<'a>) -> Result<(), String>,
) -> Vec<Skipped> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut skipped = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let row = if line.starts_with('{') {
            RowText::Object(line)
        } else {
            RowText::Words(line.split_whitespace().collect())
        };
        if let Err(reason) = take(number, row) {
            skipped.push(Skipped {
                at: SkippedAt {
                    file: file.to_owned(),
                    line: Some(number),
                },
                reason,
            });
        }
    }
    skipped
}

pub(super) fn object<T: DeserializeOwned>(line: &str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| {
        let said = error.to_string();
        let what = said.split(" at line ").next().unwrap_or(&said);
        format!("{what} (column {})", error.column())
    })
}

/// A name that JSON may hold as a text or as a number.
#[derive(serde::Deserialize)]
#[serde(untagged)]
pub(super) enum Name {
    Text(String),
    Number(serde_json::Number),
}

impl Name {
    pub(super) fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}
