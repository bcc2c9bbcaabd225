//! TOML read so that an error names the file, the line and the nearest valid key.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// More than any manifest; a wrong path to a data file must not fill the memory.
const MAX_BYTES: u64 = 4 << 20;

#[derive(Debug, thiserror::Error)]
pub enum ReadTomlError {
    #[error("{path}: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is a folder; a text file is expected there")]
    Folder { path: PathBuf },
    #[error("{path} is larger than {} MB, so it is no settings file", MAX_BYTES >> 20)]
    TooLarge { path: PathBuf },
    #[error("{path}: not UTF-8 at byte {at}")]
    NotText { path: PathBuf, at: usize },
    #[error("{path}:{line}:{column}: {message}{}", nearest.as_ref().map(|key| format!("; did you mean `{key}`?")).unwrap_or_default())]
    Syntax {
        path: PathBuf,
        line: usize,
        column: usize,
        message: String,
        nearest: Option<String>,
    },
}

impl ReadTomlError {
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }
}

/// Reads and checks a whole file.
pub fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T, ReadTomlError> {
    let read = |source| ReadTomlError::Read {
        path: path.to_owned(),
        source,
    };
    if path.is_dir() {
        return Err(ReadTomlError::Folder {
            path: path.to_owned(),
        });
    }
    let file = std::fs::File::open(path).map_err(read)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(read)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ReadTomlError::TooLarge {
            path: path.to_owned(),
        });
    }
    let text = String::from_utf8(bytes).map_err(|error| ReadTomlError::NotText {
        path: path.to_owned(),
        at: error.utf8_error().valid_up_to(),
    })?;
    parse_toml(path, &text)
}

/// As [`read_toml`], on a text; `path` is only for the error.
pub(crate) fn parse_toml<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ReadTomlError> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let before = text.get(..at).unwrap_or_default();
        let message = semihv_domain::printable_line(error.message()).into_owned();
        ReadTomlError::Syntax {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before
                .rsplit('\n')
                .next()
                .unwrap_or_default()
                .chars()
                .count()
                + 1,
            nearest: nearest_key(&message),
            message,
        }
    })
}

/// Serde says "unknown field `thme`, expected one of `theme`, `keys`": picks the likeliest.
fn nearest_key(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return None;
    }
    let wrong = quoted.next()?;
    quoted
        .map(|key| (strsim::damerau_levenshtein(wrong, key), key))
        .filter(|(distance, key)| *distance <= key.chars().count().max(3) / 2 + 1)
        .min()
        .map(|(_, key)| key.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Manifest;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let error = parse_toml::<Manifest>(Path::new("semihv.toml"), text).unwrap_err();
        assert_eq!(error.to_string().lines().next().unwrap(), expected);
    }

    #[test]
    fn a_misspelt_key_is_named_with_its_line_and_the_nearest_one() {
        let error = parse_toml::<Manifest>(Path::new("semihv.toml"), "[settings]\nthme = 'dark'\n")
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("semihv.toml:2:1: unknown field `thme`"),
            "{error}"
        );
        assert!(error.ends_with("did you mean `theme`?"), "{error}");
    }

    #[test]
    fn a_wrong_type_is_named_with_its_line() {
        check(
            "[settings]\n\nmouse = 3\n",
            "semihv.toml:3:9: invalid type: integer `3`, expected a boolean",
        );
    }

    #[test]
    fn a_folder_in_the_place_of_the_manifest_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let error = read_toml::<Manifest>(folder.path())
            .unwrap_err()
            .to_string();
        assert!(
            error.ends_with("is a folder; a text file is expected there"),
            "{error}"
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("semihv.toml");
        std::fs::write(&path, b"[settings]\n\xff\xfe").unwrap();
        let error = read_toml::<Manifest>(&path).unwrap_err().to_string();
        assert!(error.ends_with("not UTF-8 at byte 11"), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,200}") {
            let _ = parse_toml::<Manifest>(Path::new("x"), &text);
        }

        #[test]
        fn no_broken_manifest_makes_it_panic(
            at in 0_usize..6000, with in "[\\[\\]=\"'{}\\n#a-z0-9.,é\u{0}-\u{1f}]{0,6}",
        ) {
            let template = include_str!("../../workspace-template/semihv.toml");
            let mut at = at % template.len();
            while !template.is_char_boundary(at) { at -= 1; }
            let text = format!("{}{with}{}", &template[..at], &template[at..]);
            let _ = parse_toml::<Manifest>(Path::new("x"), &text);
        }
    }
}
