//! Keys of cases that are files: the stem where no other file has it, else more of the path.

use std::collections::HashMap;

/// The parts of a file's name that a key is made of.
pub(super) struct Parts<'a> {
    pub(super) folder: &'a str,
    pub(super) stem: &'a str,
    /// The whole name below the origin, which no two files share.
    pub(super) whole: &'a str,
}

/// How much of its name a file needs to be told from the others.
#[derive(Clone, Copy)]
enum Needed {
    Stem,
    Path,
    Whole,
}

impl Needed {
    fn more(self) -> Option<Self> {
        match self {
            Self::Stem => Some(Self::Path),
            Self::Path => Some(Self::Whole),
            Self::Whole => None,
        }
    }

    fn of(self, parts: &Parts<'_>) -> String {
        match self {
            Self::Path if !parts.folder.is_empty() => format!("{}/{}", parts.folder, parts.stem),
            Self::Stem | Self::Path => parts.stem.to_owned(),
            Self::Whole => parts.whole.to_owned(),
        }
    }
}

/// A key for each file, all different.
pub(super) fn keys(files: &[Parts<'_>]) -> Vec<String> {
    let mut needed = vec![Needed::Stem; files.len()];
    loop {
        let keys: Vec<String> = needed.iter().zip(files).map(|(it, of)| it.of(of)).collect();
        let mut counts: HashMap<&str, u32> = HashMap::new();
        for key in &keys {
            *counts.entry(key).or_default() += 1;
        }
        let mut is_done = true;
        for (needed, key) in needed.iter_mut().zip(&keys) {
            let is_shared = counts.get(key.as_str()).is_some_and(|count| *count > 1);
            if let Some(more) = needed.more().filter(|_| is_shared) {
                *needed = more;
                is_done = false;
            }
        }
        if is_done {
            return keys;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::name;

    #[track_caller]
    fn check(files: &[&str], expected: &[&str]) {
        let parts: Vec<Parts<'_>> = files
            .iter()
            .map(|whole| Parts {
                folder: name::folder(whole),
                stem: name::stem(whole),
                whole,
            })
            .collect();
        assert_eq!(keys(&parts), expected);
    }

    #[test]
    fn a_stem_that_is_the_only_one_is_the_key() {
        check(&["images/a.png", "images/b.png"], &["a", "b"]);
    }

    #[test]
    fn stems_that_come_twice_need_their_path() {
        check(
            &["a.png", "train/a.png", "val/a.png", "val/b.png"],
            &["a", "train/a", "val/a", "b"],
        );
    }

    #[test]
    fn paths_that_come_twice_need_their_ending() {
        check(&["x/a.jpg", "x/a.png"], &["x/a.jpg", "x/a.png"]);
        check(
            &["a.jpg", "a.jpg.png", "a.png"],
            &["a.jpg", "a.jpg.png", "a.png"],
        );
    }
}
