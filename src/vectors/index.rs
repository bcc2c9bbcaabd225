//! The index as it is searched, followed while others write to it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::encode::StoredRow;
use crate::files::{self, Steps, current_path, generation_folder, log_path};
use crate::fingerprint::{Difference, Fingerprint};
use crate::generation::Generation;
use crate::graph::{self, Attached, GraphReport};
use crate::log::{self, End, Record};
use crate::manifest::Damage;
use crate::rows::{Parts, Pool, RowSet};

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the vector index cannot be used, {file} is damaged: {why}; build it anew")]
    Damaged { file: PathBuf, why: String },
}

/// How an index was found.
#[derive(Debug)]
pub enum Opened {
    Ready(VectorIndex),
    /// There is none.
    Missing,
    /// Something is damaged; what is left is served.
    Repaired {
        index: VectorIndex,
        why: String,
    },
}

impl Opened {
    pub fn into_index(self) -> Option<VectorIndex> {
        match self {
            Self::Ready(index) | Self::Repaired { index, .. } => Some(index),
            Self::Missing => None,
        }
    }
}

/// A vector index in a folder of its own. Any number of threads may search it while one updates.
#[derive(Debug)]
pub struct VectorIndex {
    pub(crate) root: PathBuf,
    state: RwLock<Arc<State>>,
    pub(crate) steps: Steps,
}

/// A generation and the tail on it, as searched.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) generation: Arc<Generation>,
    pub(crate) pools: BTreeMap<String, Pool>,
    pub(crate) log: LogPlace,
    graphs: Arc<Attached>,
    stamp: Vec<Stamp>,
}

/// Where the next record goes.
#[derive(Debug, Clone)]
pub(crate) struct LogPlace {
    pub(crate) generation: u64,
    pub(crate) path: PathBuf,
    pub(crate) good: u64,
    pub(crate) records: u64,
    pub(crate) end: End,
}

/// Which of the stamps is of the graphs.
const GRAPHS: usize = 2;

type Stamp = Option<(i64, i64, u64, u64)>;

impl VectorIndex {
    /// Opens what is in `root` and verifies every file.
    pub fn open(root: &Path) -> Result<Opened, OpenError> {
        let Some((state, trouble)) = State::load(root, None)? else {
            return Ok(Opened::Missing);
        };
        let index = Self {
            root: root.to_owned(),
            state: RwLock::new(Arc::new(state)),
            steps: Steps::default(),
        };
        Ok(if trouble.is_empty() {
            Opened::Ready(index)
        } else {
            Opened::Repaired {
                index,
                why: trouble.join("; "),
            }
        })
    }

    pub fn fingerprint(&self) -> Fingerprint {
        self.state().generation.manifest.fingerprint.clone()
    }

    /// Whether this model may ask.
    pub fn expect(&self, loaded: &Fingerprint) -> Result<(), Difference> {
        match self.fingerprint().differs(loaded) {
            None => Ok(()),
            Some((key, index, loaded)) => Err(Difference { key, index, loaded }),
        }
    }

    pub fn generation(&self) -> u64 {
        self.state().generation.number()
    }

    pub fn pools(&self) -> Vec<String> {
        self.state().pools.keys().cloned().collect()
    }

    /// Documents of a pool.
    pub fn rows(&self, pool: &str) -> usize {
        self.state().pools.get(pool).map_or(0, Pool::documents)
    }

    /// Documents of all pools.
    pub fn all_rows(&self) -> usize {
        self.state().pools.values().map(Pool::documents).sum()
    }

    /// Documents that are not in the generation yet; many make a search slower.
    pub fn tail_rows(&self) -> usize {
        let state = self.state();
        state
            .pools
            .values()
            .map(|pool| pool.tail.columns.documents())
            .sum()
    }

    /// The documents that pass.
    pub fn allowed(&self, pool: &str, mut allow: impl FnMut(i64) -> bool) -> RowSet {
        let state = self.state();
        let halves = state.pools.get(pool).map(|pool| pool.chosen(&mut allow));
        RowSet {
            pool: pool.to_owned(),
            halves: halves.unwrap_or_default(),
            state,
        }
    }

    /// All documents but these.
    pub fn all_but(&self, pool: &str, keys: &HashSet<i64>) -> RowSet {
        let state = self.state();
        let halves = state.pools.get(pool).map(|pool| pool.all_but(keys));
        RowSet {
            pool: pool.to_owned(),
            halves: halves.unwrap_or_default(),
            state,
        }
    }

    /// The raw vectors of a document.
    pub fn parts(&self, pool: &str, key: i64) -> Option<Parts> {
        let state = self.state();
        let pool = state.pools.get(pool)?;
        let (side, document) = pool.find(key)?;
        pool.half(side).columns.parts(document)
    }

    /// The graph of a pool, also one that was built and found to be of no use.
    pub fn graph(&self, pool: &str) -> Option<GraphReport> {
        self.state().graphs.reports.get(pool).cloned()
    }

    /// Rows of a pool that a graph would be over: those of the generation.
    pub fn settled_rows(&self, pool: &str) -> usize {
        let state = self.state();
        let columns = state.generation.pools.get(pool);
        columns.map_or(0, |columns| columns.rows())
    }

    /// What each document was made from, so that only what changed is embedded again.
    pub fn content_hashes(&self, pool: &str) -> HashMap<i64, u64> {
        let state = self.state();
        let Some(pool) = state.pools.get(pool) else {
            return HashMap::new();
        };
        let halves = [&pool.generation, &pool.tail].into_iter();
        halves
            .flat_map(|half| {
                let live = half.live_documents();
                live.filter_map(|(document, key)| Some((key, half.columns.content(document)?)))
            })
            .collect()
    }

    /// The newest state, also when another process wrote it.
    pub(crate) fn state(&self) -> Arc<State> {
        let known = Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner));
        if known.stamp == stamp(&self.root, known.generation.number(), known.log.generation) {
            return known;
        }
        match self.reload(&known) {
            Ok(state) => state,
            Err(error) => {
                tracing::warn!(%error, "the vector index changed but cannot be read");
                known
            }
        }
    }

    pub(crate) fn reload(&self, known: &State) -> Result<Arc<State>, OpenError> {
        let Some((state, trouble)) = State::load(&self.root, Some(known))? else {
            return Err(OpenError::Damaged {
                file: self.root.clone(),
                why: "it was removed".to_owned(),
            });
        };
        if !trouble.is_empty() {
            tracing::warn!(?trouble, "the vector index is damaged");
        }
        let state = Arc::new(state);
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&state);
        Ok(state)
    }
}

impl State {
    /// `None`: there is no index. With what is damaged.
    fn load(root: &Path, known: Option<&Self>) -> Result<Option<(Self, Vec<String>)>, OpenError> {
        let mut trouble: Vec<Damage> = Vec::new();
        let current = files::current(root);
        let candidates = candidates(root, current);
        if current.is_none() && (current_path(root).exists() || !candidates.is_empty()) {
            trouble.push(Damage::new(&current_path(root), "it names no generation"));
        }
        if candidates.is_empty() && trouble.is_empty() {
            return Ok(None);
        }
        for number in candidates {
            let is_known = |known: &&Self| known.generation.number() == number;
            let known = known.filter(|known| is_known(known) && Some(number) == current);
            let opened = match known {
                Some(known) => Ok(Arc::clone(&known.generation)),
                None => Generation::open(root, number).map(Arc::new),
            };
            match opened {
                Ok(generation) => {
                    let mut state = Self::with_tail(root, generation, current, &mut trouble);
                    state.attach(root, known);
                    trouble.extend_from_slice(&state.graphs.damage);
                    let trouble = trouble.iter().map(Damage::to_string).collect();
                    return Ok(Some((state, trouble)));
                }
                Err(damage) => trouble.push(damage),
            }
        }
        let first = trouble.into_iter().next();
        let Damage { file, why } =
            first.unwrap_or_else(|| Damage::new(root, "no generation can be read"));
        Err(OpenError::Damaged { file, why })
    }

    fn with_tail(
        root: &Path,
        generation: Arc<Generation>,
        current: Option<u64>,
        trouble: &mut Vec<Damage>,
    ) -> Self {
        let served = generation.number();
        let dim = generation.manifest.fingerprint.dim;
        let pools = generation.pools.iter();
        let mut pools: BTreeMap<String, Pool> = pools
            .map(|(name, columns)| (name.clone(), Pool::of(Arc::clone(columns))))
            .collect();
        let mut last = served;
        let mut log = log::read(&log_path(root, last), last, dim);
        replay(&log, &mut pools, dim, trouble);
        // A damaged generation that was made from this one: its tail continues this one's.
        for later in served + 1..=current.unwrap_or(served).min(served + 64) {
            let next = log::read(&log_path(root, later), later, dim);
            if next.follows == Some(last) {
                replay(&next, &mut pools, dim, trouble);
                (log, last) = (next, later);
            }
        }
        let stamp = stamp(root, served, last);
        Self {
            generation,
            pools,
            log: LogPlace {
                generation: last,
                records: log.records.len() as u64,
                path: log.path,
                good: log.good,
                end: log.end,
            },
            graphs: Arc::default(),
            stamp,
        }
    }

    /// What accelerates the search of this generation; it is read again only when it changed.
    fn attach(&mut self, root: &Path, known: Option<&Self>) {
        let is_same = |known: &&Self| {
            known.generation.number() == self.generation.number()
                && known.stamp.get(GRAPHS) == self.stamp.get(GRAPHS)
        };
        self.graphs = match known.filter(is_same) {
            Some(known) => Arc::clone(&known.graphs),
            None => Arc::new(Attached::read(root, &self.generation)),
        };
        for (name, graph) in &self.graphs.graphs {
            if let Some(pool) = self.pools.get_mut(name) {
                pool.graph = Some(Arc::clone(graph));
            }
        }
    }
}

/// Complete generations: the current one, older ones, and last those never announced.
fn candidates(root: &Path, current: Option<u64>) -> Vec<u64> {
    let mut numbers = files::generations(root);
    numbers.reverse();
    let is_later = |&number: &u64| current.is_some_and(|current| number > current);
    let (later, rest): (Vec<u64>, Vec<u64>) = numbers.into_iter().partition(is_later);
    let mut found: Vec<u64> = current.into_iter().collect();
    for number in rest.into_iter().chain(later) {
        if Some(number) != current && files::is_complete(root, number) {
            found.push(number);
        }
    }
    found
}

fn replay(log: &log::Log, pools: &mut BTreeMap<String, Pool>, dim: u32, trouble: &mut Vec<Damage>) {
    for record in &log.records {
        apply(record, pools, dim as usize);
    }
    match &log.end {
        End::Whole => {}
        End::Torn => trouble.push(Damage::new(
            &log.path,
            "its unfinished last record was dropped",
        )),
        End::Damaged(why) => trouble.push(Damage::new(&log.path, why)),
    }
}

fn apply(record: &Record, pools: &mut BTreeMap<String, Pool>, dim: usize) {
    let empty = || Pool::of(Arc::new(crate::columns::Columns::empty(dim)));
    match record {
        Record::Put { pool, rows } => {
            let pool = pools.entry(pool.clone()).or_insert_with(empty);
            for row in rows {
                // It was checked before it was written.
                if let Ok(stored) = StoredRow::of(dim, row.text.as_deref(), row.image.as_deref()) {
                    pool.put(row.key, row.content, &stored);
                }
            }
        }
        Record::Erase { pool, keys } => {
            if let Some(pool) = pools.get_mut(pool) {
                for &key in keys {
                    pool.erase(key);
                }
            }
        }
    }
}

fn stamp(root: &Path, generation: u64, log: u64) -> Vec<Stamp> {
    let manifest = generation_folder(root, generation).join(files::MANIFEST);
    let graphs = graph::graphs_path(root, generation);
    [current_path(root), manifest, graphs, log_path(root, log)]
        .iter()
        .map(|path| {
            let meta = fs::metadata(path).ok()?;
            Some((meta.mtime(), meta.mtime_nsec(), meta.ino(), meta.len()))
        })
        .collect()
}
