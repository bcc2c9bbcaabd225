//! Which model made the vectors: an index answers only questions put by the same one.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    pub name: String,
    pub weights: String,
    pub preprocess: String,
    pub tokenizer: String,
    pub context_length: u32,
    pub fusion: String,
    pub dim: u32,
    pub dtype: String,
    pub instructions: String,
    pub seed: u64,
}

impl Fingerprint {
    /// The only fusion there is.
    pub const FUSION: &'static str = "sum_raw_then_l2";

    /// The first thing in which they differ: (key, ours, theirs).
    pub fn differs(&self, other: &Self) -> Option<(&'static str, String, String)> {
        let ours = self.entries();
        ours.into_iter()
            .zip(other.entries())
            .find(|((_, ours), (_, theirs))| ours != theirs)
            .map(|((key, ours), (_, theirs))| (key, ours, theirs))
    }

    /// Eight hexadecimal digits of all of it, to be compared by eye.
    pub fn short(&self) -> String {
        let mut text = String::new();
        for (key, value) in self.entries() {
            text.push_str(&format!("{key}={value}\n"));
        }
        format!("{:08x}", xxh3_64(text.as_bytes()) >> 32)
    }

    fn entries(&self) -> [(&'static str, String); 10] {
        [
            ("name", self.name.clone()),
            ("weights", self.weights.clone()),
            ("preprocess", self.preprocess.clone()),
            ("tokenizer", self.tokenizer.clone()),
            ("context_length", self.context_length.to_string()),
            ("fusion", self.fusion.clone()),
            ("dim", self.dim.to_string()),
            ("dtype", self.dtype.clone()),
            ("instructions", self.instructions.clone()),
            ("seed", self.seed.to_string()),
        ]
    }
}

/// Why a model cannot ask this index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the index was built with {key} {index}, you loaded {loaded}: rebuild it or pick the other \
     model"
)]
pub struct Difference {
    pub key: &'static str,
    pub index: String,
    pub loaded: String,
}

#[cfg(test)]
pub(crate) fn sample(dim: u32) -> Fingerprint {
    Fingerprint {
        name: "clip-sf".to_owned(),
        weights: "3fa0".to_owned(),
        preprocess: "224".to_owned(),
        tokenizer: "bpe".to_owned(),
        context_length: 77,
        fusion: Fingerprint::FUSION.to_owned(),
        dim,
        dtype: "f16".to_owned(),
        instructions: "none".to_owned(),
        seed: 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_differing_key_is_named() {
        let ours = sample(8);
        assert_eq!(ours.differs(&ours.clone()), None);
        let mut theirs = ours.clone();
        theirs.weights = "9c1f".to_owned();
        let expected = ("weights", "3fa0".to_owned(), "9c1f".to_owned());
        assert_eq!(ours.differs(&theirs), Some(expected));
        assert_eq!(ours.short().len(), 8);
        assert_ne!(ours.short(), theirs.short());
    }

    #[test]
    fn every_field_is_compared() {
        let ours = serde_json::to_value(sample(8)).unwrap();
        let keys: Vec<&String> = ours.as_object().unwrap().keys().collect();
        let compared: Vec<&str> = sample(8).entries().iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, compared);
    }
}
