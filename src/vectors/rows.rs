//! The state of a pool as searched: the columns of the generation, those of the tail, and what of
//! both was erased.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::bits::Bits;
use crate::columns::Columns;
use crate::encode::StoredRow;
use crate::graph::Graph;
use crate::index::State;

/// The raw vectors of a document, as far as it has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    pub text: Option<Vec<f32>>,
    pub image: Option<Vec<f32>>,
}

/// Where a row lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Generation,
    Tail,
}

/// Columns and what of them was erased.
#[derive(Debug, Clone)]
pub(crate) struct Half {
    pub(crate) columns: Arc<Columns>,
    /// Documents that are gone; `None`: none is.
    pub(crate) erased: Option<Bits>,
}

impl Half {
    pub(crate) fn of(columns: Arc<Columns>) -> Self {
        Self {
            columns,
            erased: None,
        }
    }

    pub(crate) fn is_live(&self, document: usize) -> bool {
        !self
            .erased
            .as_ref()
            .is_some_and(|erased| erased.contains(document))
    }

    pub(crate) fn is_row_live(&self, row: usize) -> bool {
        self.erased.is_none()
            || self
                .columns
                .documents_of(row)
                .any(|document| self.is_live(document))
    }

    fn erase(&mut self, document: usize) {
        let documents = self.columns.documents();
        let erased = self.erased.get_or_insert_with(Bits::default);
        erased.grow(documents);
        erased.insert(document);
    }

    pub(crate) fn live_documents(&self) -> impl Iterator<Item = (usize, i64)> + '_ {
        let keys = self.columns.keys.as_slice().iter().copied().enumerate();
        keys.filter(|(document, _)| self.is_live(*document))
    }

    pub(crate) fn live_count(&self) -> usize {
        self.columns.documents() - self.erased.as_ref().map_or(0, Bits::count)
    }

    /// All that are live, but not these: quicker than looking at each.
    fn all_but(&self, left_out: &[usize]) -> Chosen {
        let mut documents = Bits::all(self.columns.documents());
        let mut rows = Bits::all(self.columns.rows());
        let erased = self.erased.iter().flat_map(Bits::iter);
        let out: Vec<usize> = erased.chain(left_out.iter().copied()).collect();
        for &document in &out {
            documents.remove(document);
        }
        for &document in &out {
            let row = self.columns.row_of(document);
            let is_left = |document: usize| documents.contains(document);
            if !self.columns.documents_of(row).any(is_left) {
                rows.remove(row);
            }
        }
        Chosen { rows, documents }
    }

    fn chosen(&self, allow: &mut dyn FnMut(i64) -> bool) -> Chosen {
        let mut rows = Bits::none(self.columns.rows());
        let mut documents = Bits::none(self.columns.documents());
        for row in 0..self.columns.rows() {
            for document in self.columns.documents_of(row) {
                let key = self.columns.key(document);
                if self.is_live(document) && key.is_some_and(&mut *allow) {
                    documents.insert(document);
                    rows.insert(row);
                }
            }
        }
        Chosen { rows, documents }
    }
}

/// One pool.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    pub(crate) generation: Half,
    pub(crate) tail: Half,
    /// Of the live documents of the tail.
    pub(crate) tail_keys: Arc<HashMap<i64, u32>>,
    /// Over the rows of the generation, where there is one that is sound.
    pub(crate) graph: Option<Arc<Graph>>,
}

impl Pool {
    pub(crate) fn of(columns: Arc<Columns>) -> Self {
        let dim = columns.dim;
        Self {
            generation: Half::of(columns),
            tail: Half::of(Arc::new(Columns::empty(dim))),
            tail_keys: Arc::default(),
            graph: None,
        }
    }

    pub(crate) fn documents(&self) -> usize {
        self.generation.live_count() + self.tail.live_count()
    }

    pub(crate) fn half(&self, side: Side) -> &Half {
        match side {
            Side::Generation => &self.generation,
            Side::Tail => &self.tail,
        }
    }

    pub(crate) fn find(&self, key: i64) -> Option<(Side, usize)> {
        if let Some(&document) = self.tail_keys.get(&key) {
            return Some((Side::Tail, document as usize));
        }
        let document = self.generation.columns.find(key)?;
        self.generation
            .is_live(document)
            .then_some((Side::Generation, document))
    }

    pub(crate) fn put(&mut self, key: i64, content: u64, row: &StoredRow) {
        self.erase(key);
        let columns = Arc::make_mut(&mut self.tail.columns);
        let document = columns.documents() as u32;
        columns.push(key, content, row);
        Arc::make_mut(&mut self.tail_keys).insert(key, document);
        if let Some(erased) = &mut self.tail.erased {
            erased.grow(document as usize + 1);
        }
    }

    /// Whether there was such a document.
    pub(crate) fn erase(&mut self, key: i64) -> bool {
        match self.find(key) {
            Some((Side::Generation, document)) => self.generation.erase(document),
            Some((Side::Tail, document)) => {
                self.tail.erase(document);
                Arc::make_mut(&mut self.tail_keys).remove(&key);
            }
            None => return false,
        }
        true
    }

    pub(crate) fn all_but(&self, keys: &HashSet<i64>) -> [Chosen; 2] {
        let mut left_out = [Vec::new(), Vec::new()];
        for &key in keys {
            match self.find(key) {
                Some((Side::Generation, document)) => left_out[0].push(document),
                Some((Side::Tail, document)) => left_out[1].push(document),
                None => {}
            }
        }
        let [generation, tail] = &left_out;
        [self.generation.all_but(generation), self.tail.all_but(tail)]
    }

    pub(crate) fn chosen(&self, allow: &mut dyn FnMut(i64) -> bool) -> [Chosen; 2] {
        [self.generation.chosen(allow), self.tail.chosen(allow)]
    }
}

#[derive(Debug, Default)]
pub(crate) struct Chosen {
    pub(crate) rows: Bits,
    pub(crate) documents: Bits,
}

/// The documents of a pool that a search may find, as they were when they were chosen: a search
/// with it sees the index of that moment.
#[derive(Debug)]
pub struct RowSet {
    pub(crate) state: Arc<State>,
    pub(crate) pool: String,
    /// Of the generation and of the tail.
    pub(crate) halves: [Chosen; 2],
}

impl RowSet {
    pub fn len(&self) -> usize {
        let [generation, tail] = &self.halves;
        generation.documents.count() + tail.documents.count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
