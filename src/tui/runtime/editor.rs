//! `$EDITOR` on a text: the file is private and gone afterwards.

use std::io::Write;
use std::process::Command;

use semihv_domain::{Failure, FailureKind};

/// Larger texts were not written by hand.
const LARGEST: u64 = 1 << 20;

#[derive(Debug, thiserror::Error)]
enum EditError {
    #[error("cannot write a file for the editor; look at TMPDIR")]
    Write { source: std::io::Error },
    #[error("cannot start `{editor}`; set EDITOR to your editor")]
    Start {
        editor: String,
        source: std::io::Error,
    },
    #[error("`{editor}` ended with an error; the text stays as it was")]
    Ended { editor: String },
    #[error("what `{editor}` left is not text or too long")]
    Read {
        editor: String,
        source: std::io::Error,
    },
}

/// Blocks until the editor is left. The terminal must have been given back before.
pub(super) fn edit(text: &str) -> Result<String, Failure> {
    edit_in(text).map_err(|error| Failure::of("editor", FailureKind::Config, &error))
}

fn edit_in(text: &str) -> Result<String, EditError> {
    let editor = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| "vi".to_owned());
    let mut file = tempfile::Builder::new()
        .prefix("semihv-note-")
        .suffix(".md")
        .tempfile()
        .map_err(|source| EditError::Write { source })?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.flush())
        .map_err(|source| EditError::Write { source })?;
    // Through the shell, because EDITOR may hold arguments.
    let status = Command::new("sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("semihv")
        .arg(file.path())
        .status()
        .map_err(|source| EditError::Start {
            editor: editor.clone(),
            source,
        })?;
    if !status.success() {
        return Err(EditError::Ended { editor });
    }
    // Read by name: editors replace the file instead of writing into it.
    read_text(file.path()).map_err(|source| EditError::Read { editor, source })
}

fn read_text(path: &std::path::Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?
        .take(LARGEST)
        .read_to_string(&mut text)?;
    Ok(text)
}
