//! The accelerator: a graph of neighbours over the codes of a pool, as a file beside them.
//!
//! It is built by hnsw_rs in a process of its own ([`build_graph`]), because that can exit, panic and
//! print; what is left of it here is lists of row numbers, checked before they are followed. Losing
//! a graph loses no answer: every row is scanned then.

mod attached;
mod audit;
mod build;
mod insert;
mod refine;
mod serve;
mod shape;
#[cfg(test)]
mod tests;
mod walk;

use std::sync::{Mutex, PoisonError};

pub use attached::{Audit, GraphReport};
pub use build::{GraphError, GraphSettings, build_graph};

pub(crate) use attached::{Attached, graphs_path};
pub(crate) use serve::search;

use crate::columns::Column;
use shape::Shape;
use walk::Scratch;

/// Lists that were checked, and how well they serve.
#[derive(Debug)]
pub(crate) struct Graph {
    words: Column<u32>,
    shape: Shape,
    pub(crate) audit: Audit,
    /// Of walks that ended, for the next ones.
    spare: Mutex<Vec<Scratch>>,
}

impl Graph {
    /// `None`: the words are no graph over this many rows with these codes.
    fn of(words: Column<u32>, rows: usize, codes: u64, audit: Audit) -> Option<Self> {
        let shape = Shape::of(words.as_slice(), rows, codes)?;
        Some(Self {
            words,
            shape,
            audit,
            spare: Mutex::default(),
        })
    }

    fn words(&self) -> &[u32] {
        self.words.as_slice()
    }

    fn scratch(&self) -> Scratch {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        spare.pop().unwrap_or_default()
    }

    fn give_back(&self, scratch: Scratch) {
        self.spare
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(scratch);
    }
}
