//! What the retriever needs of an engine, whatever it is.

use std::collections::HashMap;
use std::error::Error;

use semihv_vectors::{Difference, Fingerprint, Fused, How, Parts, VectorError, fuse};

#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    #[error("there is no pool {pool}; the index has {known}")]
    NoPool { pool: String, known: String },
    #[error("the query cannot be searched for")]
    Query(#[source] VectorError),
    #[error("row {key} cannot be indexed; leave it out or embed it again")]
    Vector { key: i64, source: VectorError },
    #[error("the index in the network did not do it")]
    Engine(#[source] Box<dyn Error + Send + Sync>),
}

impl PoolError {
    pub fn engine(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Engine(Box::new(source))
    }

    pub(crate) fn no_pool(pool: &str, known: &[String]) -> Self {
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        Self::NoPool {
            pool: pool.to_owned(),
            known,
        }
    }
}

/// Pools of rows with a vector.
pub trait VectorPools: Send + Sync {
    fn generation(&self) -> u64;

    fn fingerprint(&self) -> Fingerprint;

    /// Whether this model may ask.
    fn expect(&self, loaded: &Fingerprint) -> Result<(), Difference> {
        match self.fingerprint().differs(loaded) {
            None => Ok(()),
            Some((key, index, loaded)) => Err(Difference { key, index, loaded }),
        }
    }

    fn pools(&self) -> Vec<String>;

    /// Rows of a pool that have a vector.
    fn rows(&self, pool: &str) -> Result<u64, PoolError>;

    /// The rows of which the cosine with the query is greatest, best first; of equally near ones
    /// the lower key. The query need not be normalised.
    fn nearest(&self, pool: &str, query: &[f32], wanted: &Wanted)
    -> Result<Vec<Scored>, PoolError>;

    /// The raw vectors of rows; what is not there is left out.
    fn parts(&self, pool: &str, keys: &[i64]) -> Result<HashMap<i64, Parts>, PoolError>;

    /// What each row was made from, so that only what changed is embedded again.
    fn content_hashes(&self, pool: &str) -> Result<HashMap<i64, u64>, PoolError>;

    /// Adds or replaces rows; they are found when this returns.
    fn append(&self, pool: &str, rows: &[Row]) -> Result<(), PoolError>;

    /// Removes rows; keys that are not there are no error.
    fn erase(&self, pool: &str, keys: &[i64]) -> Result<(), PoolError>;
}

/// Pools of rows with words.
pub trait WordPools: Send + Sync {
    /// Rows of a pool that have words.
    fn texts(&self, pool: &str) -> Result<u64, PoolError>;

    /// The rows in which the most telling words of a text stand, by BM25.
    fn by_words(&self, pool: &str, text: &str, wanted: &Wanted) -> Result<Vec<Scored>, PoolError>;
}

/// A row and its score.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    pub key: i64,
    pub score: f32,
    /// The case that it belongs to.
    pub case: Option<i64>,
    /// As in its facets: by these it is found where rows are numbered otherwise. Empty for engines
    /// that keep none.
    pub source: String,
    pub name: Vec<String>,
}

/// What is wanted of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// How many rows.
    pub k: usize,
    pub how: How,
    /// Only rows under one of these; empty: all.
    pub licences: Vec<String>,
    /// Only these rows.
    pub among: Option<Among>,
    pub barred: Barred,
}

impl Wanted {
    /// The best of all rows.
    pub fn best(k: usize) -> Self {
        Self {
            k,
            how: How::Auto,
            licences: Vec::new(),
            among: None,
            barred: Barred::default(),
        }
    }
}

/// What alone may be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Among {
    Keys(Vec<i64>),
    /// All rows of cases.
    Cases(Vec<i64>),
}

/// What must not be found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Barred {
    pub cases: Vec<i64>,
    pub patients: Vec<String>,
    pub keys: Vec<i64>,
}

/// A row: a vector, words, or both. An image of a case has a vector alone; the words of a case with
/// images are a row of their own.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    pub key: i64,
    pub content_hash: u64,
    /// Raw, not normalised.
    pub text: Option<Vec<f32>>,
    pub image: Option<Vec<f32>>,
    pub words: Option<Words>,
    pub facets: Facets,
}

/// The searched text of a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    pub title: String,
    pub body: String,
}

/// What a row is filtered by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facets {
    pub source: String,
    /// What the source calls it: others number its rows otherwise.
    pub name: Vec<String>,
    pub modality: Option<String>,
    pub licence: Option<String>,
    pub case: Option<i64>,
    /// Unique over all sources: two sources may number their patients alike.
    pub patient: Option<String>,
}

impl Row {
    /// The vector that is searched. `None`: it has words alone.
    pub fn fused(&self, dim: u32) -> Result<Option<Fused>, PoolError> {
        let key = self.key;
        let refused = |source| PoolError::Vector { key, source };
        if self.text.is_none() && self.image.is_none() {
            return match self.words {
                Some(_) => Ok(None),
                None => Err(refused(VectorError::Nothing)),
            };
        }
        let fused = fuse(self.text.as_deref(), self.image.as_deref()).map_err(refused)?;
        check_dimension(fused.as_slice(), dim).map_err(refused)?;
        Ok(Some(fused))
    }
}

/// A query as it is sent.
pub(crate) fn checked_query(query: &[f32], dim: u32) -> Result<Fused, PoolError> {
    check_dimension(query, dim).map_err(PoolError::Query)?;
    Fused::of(query).map_err(PoolError::Query)
}

fn check_dimension(vector: &[f32], dim: u32) -> Result<(), VectorError> {
    let (found, expected) = (vector.len(), dim as usize);
    if found == expected {
        Ok(())
    } else {
        Err(VectorError::Dimension { found, expected })
    }
}
