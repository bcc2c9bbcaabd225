//! Passages that stand word for word in several guidelines of a source (disclaimers, licences,
//! reprints): a search would show the same words again and again, so the first is kept.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};

use semihv_domain::PassageDraft;

/// What has been kept so far. Holds 64-bit hashes, not texts.
#[derive(Default)]
pub(crate) struct Repeats {
    kept: HashSet<u64>,
    hasher: RandomState,
}

impl Repeats {
    /// Drops the passages that are there already, and says how many they were. Texts are compared
    /// in lower case and with white space collapsed. What is left counts from [`Self::keep`] on:
    /// a guideline may yet be refused.
    pub(crate) fn drop_from(&self, passages: &mut Vec<PassageDraft>) -> (usize, Fresh) {
        let before = passages.len();
        let mut fresh = HashSet::new();
        passages.retain(|passage| {
            let hash = self.hash(&passage.text);
            !self.kept.contains(&hash) && fresh.insert(hash)
        });
        (before - passages.len(), Fresh(fresh))
    }

    pub(crate) fn keep(&mut self, fresh: Fresh) {
        self.kept.extend(fresh.0);
    }

    fn hash(&self, text: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for word in text.split_whitespace() {
            hasher.write(word.to_lowercase().as_bytes());
            hasher.write_u8(b' ');
        }
        hasher.finish()
    }
}

/// Passages that were not there before.
pub(crate) struct Fresh(HashSet<u64>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_passages_is_kept() {
        let passage = |text: &str| PassageDraft {
            headings: Vec::new(),
            text: text.to_owned(),
            start: None,
        };
        let mut repeats = Repeats::default();
        let mut first = vec![passage("All rights reserved."), passage("A"), passage("a ")];
        let (dropped, fresh) = repeats.drop_from(&mut first);
        assert_eq!(dropped, 1);
        assert_eq!(repeats.drop_from(&mut first).0, 0, "not kept yet");
        repeats.keep(fresh);
        let mut second = vec![
            passage("ALL  rights\nreserved."),
            passage("ab"),
            passage("a b"),
        ];
        assert_eq!(repeats.drop_from(&mut second).0, 1);
        assert_eq!(second.len(), 2);
    }
}
