//! How much of the store the vectors and the words hold.

use std::path::PathBuf;

use semihv_domain::Failure;
use semihv_workspace::write_atomically;
use serde::{Deserialize, Serialize};

use crate::Engine;
use crate::engine::locked;
use crate::failures::OrFail;

/// The change of the store up to which every row has its vector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Covered {
    pub(crate) up_to: u64,
    /// How many there were then: a damaged tail looks like one that was never written.
    #[serde(default)]
    pub(crate) rows: usize,
}

impl Covered {
    fn path(engine: &Engine) -> PathBuf {
        engine.inner.places.vectors().with_extension("json")
    }

    pub(crate) fn keep(self, engine: &Engine) -> Result<(), Failure> {
        let text = serde_json::to_string(&self).unwrap_or_default();
        write_atomically(&Self::path(engine), text.as_bytes()).or_fail("vectors")
    }

    /// Nothing is known to be complete where the file is missing or damaged.
    fn read(engine: &Engine) -> Self {
        let text = std::fs::read(Self::path(engine)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }
}

impl Engine {
    /// What is wrong with the vectors that are searched, in words.
    pub(crate) fn vectors_trouble(&self) -> Vec<String> {
        let damage = locked(&self.inner.vectors_damage).clone();
        let damage = damage.map(|why| {
            format!(
                "the vectors are damaged and older ones are searched, {why}: run `semihv vectors`"
            )
        });
        let covered = Covered::read(self);
        let behind = self.with_store(|store| {
            let behind = store.cases_and_passages_since(covered.up_to);
            behind.or_fail("retrieve")
        });
        let behind = match behind {
            Ok(0) | Err(_) => None,
            Ok(_) if covered.up_to == 0 => {
                Some("the vectors were not made to the end: run `semihv vectors`".to_owned())
            }
            Ok(count) => Some(format!(
                "the vectors do not hold {count} cases and passages that are new or changed: run `semihv vectors`"
            )),
        };
        let counts = self.with_store(|store| store.counts().or_fail("retrieve"));
        let is_lost = counts.is_ok_and(|counts| counts.cases + counts.passages == 0);
        let lost = is_lost.then(|| {
            "nothing is imported here, though there are vectors: was the store removed?".to_owned()
        });
        let short = match self.vectors() {
            Ok(Some(index)) if index.all_rows() < covered.rows => Some(format!(
                "the vectors hold {} rows of {} that were made: run `semihv vectors`",
                index.all_rows(),
                covered.rows
            )),
            _ => None,
        };
        let troubles = [damage, behind, short, lost];
        troubles.into_iter().flatten().collect()
    }

    /// What the words that are searched do not hold.
    pub fn words_trouble(&self) -> Option<String> {
        let index = match self.index() {
            Ok(index) => index,
            Err(failure) => return Some(format!("without words, {}", failure.summary)),
        };
        let behind = self.behind(&index).ok().flatten();
        behind.map(|it| format!("{it}: run `semihv index`"))
    }
}
