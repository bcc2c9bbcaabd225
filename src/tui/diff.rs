//! Which words differ between two texts. Chinese differs by the character.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Longer texts are not compared: nobody reads a difference of thousands of words, and the
/// comparison must not hold up a frame.
const MOST_WORDS: usize = 3000;

/// A run of the other text, or what the base has in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Same(String),
    /// Only the other text says it.
    Added(String),
    /// Only the base says it.
    Removed(String),
}

/// The other text with what it adds to `base` and what it leaves out; `None` when one of them is
/// too long to compare.
pub fn words(base: &str, other: &str) -> Option<Vec<Change>> {
    let (base, other) = (split(base), split(other));
    if base.len() > MOST_WORDS || other.len() > MOST_WORDS {
        return None;
    }
    let keys = |words: &[&str]| words.iter().map(|word| key(word)).collect::<Vec<_>>();
    let (base_keys, other_keys) = (keys(&base), keys(&other));
    let mut changes = Vec::new();
    for operation in capture_diff_slices(Algorithm::Patience, &base_keys, &other_keys) {
        let (removed, added) = match operation {
            DiffOp::Equal { new_index, len, .. } => {
                changes.push(Change::Same(joined(&other, new_index, len)));
                continue;
            }
            DiffOp::Delete {
                old_index, old_len, ..
            } => ((old_index, old_len), (0, 0)),
            DiffOp::Insert {
                new_index, new_len, ..
            } => ((0, 0), (new_index, new_len)),
            DiffOp::Replace {
                old_index,
                old_len,
                new_index,
                new_len,
            } => ((old_index, old_len), (new_index, new_len)),
        };
        if removed.1 > 0 {
            changes.push(Change::Removed(joined(&base, removed.0, removed.1)));
        }
        if added.1 > 0 {
            changes.push(Change::Added(joined(&other, added.0, added.1)));
        }
    }
    Some(changes)
}

/// Words with the blanks behind them.
fn split(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut last: Option<char> = None;
    for (at, c) in text.char_indices() {
        let is_border = last.is_some_and(|last| {
            is_single(last) && !c.is_whitespace()
                || is_single(c)
                || (last.is_whitespace() && !c.is_whitespace())
        });
        if is_border && at > start {
            words.extend(text.get(start..at));
            start = at;
        }
        last = Some(c);
    }
    words.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    words
}

/// Characters that are words of their own.
fn is_single(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{303f}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}')
}

/// Words that differ in case or in the mark behind them are the same word.
fn key(word: &str) -> String {
    let trimmed = word.trim();
    let bare = trimmed.trim_matches(|c: char| c.is_ascii_punctuation());
    let kept = if bare.is_empty() { trimmed } else { bare };
    kept.to_lowercase()
}

fn joined(words: &[&str], from: usize, count: usize) -> String {
    words.get(from..from + count).unwrap_or_default().concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spell(base: &str, other: &str) -> String {
        let parts: Vec<String> = words(base, other)
            .unwrap()
            .iter()
            .map(|change| match change {
                Change::Same(text) => text.trim().to_owned(),
                Change::Added(text) => format!("+{}", text.trim()),
                Change::Removed(text) => format!("-{}", text.trim()),
            })
            .collect();
        parts.join("|")
    }

    #[rustfmt::skip]
    mod differences {
        use super::*;

        #[test] fn a_word_is_replaced()           { assert_eq!(spell("right upper lobe", "right lower lobe"), "right|-upper|+lower|lobe"); }
        #[test] fn case_and_marks_do_not_count()  { assert_eq!(spell("a nodule.", "A nodule,"), "A nodule,"); }
        #[test] fn chinese_by_the_character()     { assert_eq!(spell("右肺结节", "左肺结节"), "-右|+左|肺结节"); }
        #[test] fn nothing_against_something()    { assert_eq!(spell("", "new"), "+new"); }
    }

    #[test]
    fn texts_of_many_words_are_not_compared() {
        assert_eq!(words("a", &"word ".repeat(MOST_WORDS + 1)), None);
    }

    proptest! {
        #[test]
        fn what_is_not_removed_is_the_other_text(base in "[a-c肺 .]{0,40}", other in "[a-c肺 .]{0,40}") {
            let kept: String = words(&base, &other)
                .unwrap()
                .into_iter()
                .filter_map(|change| match change {
                    Change::Same(text) | Change::Added(text) => Some(text),
                    Change::Removed(_) => None,
                })
                .collect();
            prop_assert_eq!(kept, other);
        }
    }
}
