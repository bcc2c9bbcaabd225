//! What a generation says of itself: points of the collection that are no rows.
//!
//! They are in the collection, and not in a file here, because others read it from other machines.
//! They have no pool, so that no search and no count of a pool meets them.

use std::collections::{BTreeMap, HashMap};

use semihv_vectors::Fingerprint;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::weights::{Counted, Summary};

/// Raise it when rows are written in another way.
pub(crate) const FORMAT: u32 = 1;

/// The number of a point: a name and a key within it.
pub(crate) fn point_number(name: &str, key: i64) -> u128 {
    u128::from(xxh3_64(name.as_bytes())) << 64 | u128::from(key as u64)
}

/// As Qdrant writes ids that are no small numbers.
pub(crate) fn point_id(number: u128) -> String {
    let digits = format!("{number:032x}");
    let cuts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    let groups: Vec<&str> = cuts
        .iter()
        .filter_map(|&(from, to)| digits.get(from..to))
        .collect();
    groups.join("-")
}

pub(crate) fn row_number(pool: &str, key: i64) -> u128 {
    point_number(&format!("row {pool}"), key)
}

pub(crate) fn row_id(pool: &str, key: i64) -> String {
    point_id(row_number(pool, key))
}

pub(crate) fn about_id() -> String {
    point_id(point_number("about", 0))
}

pub(crate) fn bucket_id(pool: &str, bucket: u32) -> String {
    point_id(point_number(&format!("terms {pool}"), i64::from(bucket)))
}

/// How far a generation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Building,
    Complete,
}

/// A generation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) format: u32,
    pub(crate) state: State,
    pub(crate) generation: u64,
    /// What it is built from; another build must not go on with it.
    pub(crate) mark: String,
    #[serde(with = "as_text")]
    pub(crate) fingerprint: Fingerprint,
    pub(crate) pools: BTreeMap<String, AboutPool>,
}

/// Integers of Qdrant have a sign, and a seed may be larger than they are.
mod as_text {
    use semihv_vectors::Fingerprint;
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(of: &Fingerprint, to: S) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(of).map_err(S::Error::custom)?;
        to.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Fingerprint, D::Error> {
        let text = String::deserialize(from)?;
        serde_json::from_str(&text).map_err(D::Error::custom)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AboutPool {
    #[serde(flatten)]
    pub(crate) summary: Summary,
    pub(crate) buckets: u32,
}

impl About {
    pub(crate) fn known_pools(&self) -> Vec<String> {
        self.pools.keys().cloned().collect()
    }
}

/// In how many rows some terms of a pool stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bucket {
    pub(crate) terms: Vec<u32>,
    pub(crate) rows: Vec<u32>,
}

impl Bucket {
    pub(crate) fn counts(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.terms.iter().copied().zip(self.rows.iter().copied())
    }
}

pub(crate) fn bucket_of(term: u32, buckets: u32) -> u32 {
    term % buckets.max(1)
}

/// The buckets of a pool, each with its number.
pub(crate) fn buckets(counted: &Counted) -> Vec<(u32, Bucket)> {
    let count = counted.buckets();
    let mut sorted: HashMap<u32, Vec<(u32, u32)>> = HashMap::new();
    for (&term, &rows) in &counted.documents_with {
        let bucket = sorted.entry(bucket_of(term, count)).or_default();
        bucket.push((term, rows));
    }
    let all = (0..count).map(|number| {
        let mut counts = sorted.remove(&number).unwrap_or_default();
        counts.sort_unstable();
        let (terms, rows) = counts.into_iter().unzip();
        (number, Bucket { terms, rows })
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_qdrant_writes_them() {
        assert_eq!(point_id(0x2a), "00000000-0000-0000-0000-00000000002a");
        let id = row_id("case", -1);
        assert!(id.ends_with("-ffff-ffffffffffff"), "{id}");
    }

    #[test]
    fn rows_of_two_pools_and_of_no_pool_differ() {
        let ids = [
            row_id("case", 1),
            row_id("guideline", 1),
            bucket_id("case", 1),
            about_id(),
        ];
        let different: std::collections::BTreeSet<&String> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
    }
}
