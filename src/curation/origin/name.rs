//! Names of files below an origin, and the guard that keeps them below it.
//!
//! The guard is about what the text says: a name that survives holds no `..`, no root, no drive.
//! Symbolic links in a folder are the user's own doing and are followed.

use std::borrow::Cow;

/// The name in plain form, or nothing if it leads out or is no name at all.
pub(crate) fn clean(written: &str) -> Option<String> {
    join("", written)
}

/// `written` as seen from `folder`. A `..` may step back, but never above the origin: data sets do
/// refer to `../images/x.png` from a sub-folder.
pub(crate) fn join(folder: &str, written: &str) -> Option<String> {
    let written = if written.contains('\\') {
        Cow::Owned(written.replace('\\', "/"))
    } else {
        Cow::Borrowed(written)
    };
    let has_drive = written.as_bytes().get(1) == Some(&b':')
        && written
            .as_bytes()
            .first()
            .is_some_and(u8::is_ascii_alphabetic);
    if written.starts_with('/') || has_drive || written.contains('\0') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in written.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The part after the last `/`.
pub(crate) fn last(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, last)| last)
}

/// The part before the last `/`, or nothing.
pub(crate) fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part without its extension.
pub(crate) fn stem(name: &str) -> &str {
    let last = last(name);
    last.rsplit_once('.')
        .map_or(last, |(stem, _)| if stem.is_empty() { last } else { stem })
}

pub(crate) fn has_extension(name: &str, extensions: &[&str]) -> bool {
    last(name).rsplit_once('.').is_some_and(|(_, found)| {
        extensions
            .iter()
            .any(|wanted| found.eq_ignore_ascii_case(wanted))
    })
}

/// What desktop systems leave behind in archives and folders; never a row.
pub(crate) fn is_litter(name: &str) -> bool {
    name.split('/').any(|part| {
        part == "__MACOSX" || part.starts_with("._") || matches!(part, ".DS_Store" | "Thumbs.db")
    })
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_lead_out_are_refused() {
        for name in [
            "../x",
            "a/../../x",
            "/etc/passwd",
            "C:\\x",
            "..\\x",
            "a\0b",
            "",
            ".",
            "a/..",
        ] {
            assert_eq!(clean(name), None, "{name:?}");
        }
        assert_eq!(join("a", "../../x"), None);
    }

    #[test]
    fn names_that_stay_are_made_plain() {
        assert_eq!(clean("./a//b\\c.png").as_deref(), Some("a/b/c.png"));
        assert_eq!(
            join("tables", "../images/x.png").as_deref(),
            Some("images/x.png")
        );
        assert_eq!(join("tables", "x.png").as_deref(), Some("tables/x.png"));
    }

    #[test]
    fn parts_of_a_name() {
        assert_eq!(
            (folder("a/b.tar.gz"), last("a/b.tar.gz"), stem("a/b.tar.gz")),
            ("a", "b.tar.gz", "b.tar")
        );
        assert_eq!((folder("x"), last("x"), stem(".x")), ("", "x", ".x"));
        assert!(is_litter("__MACOSX/a/._b.jpg") && is_litter("a/.DS_Store") && !is_litter("a/b"));
    }

    proptest! {
        #[test]
        fn no_name_ever_leaves(folder in "[a./\\\\]{0,12}", written in "[a.:/\\\\\0\u{e9}]{0,24}") {
            let Some(folder) = clean(&folder) else { return Ok(()) };
            if let Some(name) = join(&folder, &written) {
                prop_assert!(
                    Path::new(&name).components().all(|part| matches!(part, Component::Normal(_))),
                    "{name:?}"
                );
            }
        }
    }
}
