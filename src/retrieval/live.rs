//! What changes too often for the index: tags and notes, asked of the store at search time.

use semihv_domain::DocumentKind;

use crate::schema::{block_of, id_of, kind_number, row_of};

/// Rows that people marked.
pub trait LiveSets {
    /// The rows of the kind with this tag.
    fn tagged(&self, kind: DocumentKind, tag: &str) -> Vec<i64>;
    /// The rows of the kind with any tag.
    fn any_tagged(&self, kind: DocumentKind) -> Vec<i64>;
    /// The rows of the kind with a note.
    fn noted(&self, kind: DocumentKind) -> Vec<i64>;
}

/// Nobody marked anything: for searches over what has no tags and notes.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLiveSets;

impl LiveSets for NoLiveSets {
    fn tagged(&self, _kind: DocumentKind, _tag: &str) -> Vec<i64> {
        Vec::new()
    }

    fn any_tagged(&self, _kind: DocumentKind) -> Vec<i64> {
        Vec::new()
    }

    fn noted(&self, _kind: DocumentKind) -> Vec<i64> {
        Vec::new()
    }
}

/// Fewer rows are looked up; more are found by one pass over the row column.
const LOOKED_UP: usize = 512;

/// Ids of one kind, made for the question "is this row of the index one of them".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowSet {
    kind: DocumentKind,
    members: Members,
    /// Where its rows lie, when they are few.
    blocks: Option<Vec<i64>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Members {
    /// One bit an id, from 0: the ids of a store are dense.
    Bits(Vec<u64>),
    /// Sorted; for ids so few or so thin that bits would waste memory.
    Sorted(Vec<i64>),
}

impl RowSet {
    pub(crate) fn new(kind: DocumentKind, mut ids: Vec<i64>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        let blocks = (ids.len() <= LOOKED_UP).then(|| {
            let mut blocks: Vec<i64> = ids.iter().map(|&id| block_of(row_of(kind, id))).collect();
            blocks.dedup();
            blocks
        });
        let words = match (ids.first(), ids.last()) {
            (Some(&first), Some(&last)) if first >= 0 => (last as u64 / 64).saturating_add(1),
            _ => u64::MAX,
        };
        let is_dense =
            blocks.is_none() && words <= (ids.len() as u64).saturating_mul(64).max(1 << 16);
        let members = if is_dense {
            let mut bits = vec![0_u64; words as usize];
            for id in ids {
                if let Some(word) = bits.get_mut(id as usize / 64) {
                    *word |= 1 << (id % 64);
                }
            }
            Members::Bits(bits)
        } else {
            Members::Sorted(ids)
        };
        Self {
            kind,
            members,
            blocks,
        }
    }

    /// The blocks that its rows lie in; `None`: too many rows to look them up.
    pub(crate) fn blocks(&self) -> Option<&[i64]> {
        self.blocks.as_deref()
    }

    /// `row` is a number of the index's row column.
    pub(crate) fn contains(&self, row: i64) -> bool {
        if row & 3 != kind_number(self.kind) {
            return false;
        }
        let id = id_of(row);
        match &self.members {
            Members::Bits(bits) => {
                id >= 0
                    && bits
                        .get(id as usize / 64)
                        .is_some_and(|word| word & (1 << (id % 64)) != 0)
            }
            Members::Sorted(ids) => ids.binary_search(&id).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::schema::row_of;

    #[test]
    fn a_row_of_another_kind_is_no_member() {
        let set = RowSet::new(DocumentKind::Case, vec![1, 5]);
        assert!(set.contains(row_of(DocumentKind::Case, 5)));
        assert!(!set.contains(row_of(DocumentKind::Question, 5)));
    }

    proptest! {
        #[test]
        fn members_are_exactly_the_given_ids(
            ids in prop_oneof![
                prop::collection::vec(prop_oneof![-3_i64..200, 0..i64::MAX / 8], 0..50),
                prop::collection::vec(-3_i64..2_000, 600..700),
            ],
            asked in prop_oneof![-3_i64..200, 0..i64::MAX / 8],
        ) {
            let set = RowSet::new(DocumentKind::Passage, ids.clone());
            prop_assert_eq!(set.contains(row_of(DocumentKind::Passage, asked)), ids.contains(&asked));
            prop_assert!(ids.iter().all(|&id| set.contains(row_of(DocumentKind::Passage, id))));
        }
    }
}
