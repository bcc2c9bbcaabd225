//! Builds the graph of a pool beside a generation that is searched meanwhile, and attaches it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use crate::builder::Progress;
use crate::columns::{Column, Columns};
use crate::files::{self, Steps, WriteError, generation_folder};
use crate::graph::Graph;
use crate::graph::attached::{Audit, GraphReport, codes_hash, graph_path, reports, write_reports};
use crate::graph::audit::{audit, selves_missed};
use crate::graph::insert::{self, Cosines};
use crate::graph::refine::{refine, unreached};
use crate::graph::shape::Lists;
use crate::index::{OpenError, Opened, State, VectorIndex};
use crate::manifest::FileEntry;
use crate::rows::Pool;

const LOCK: &str = "GRAPHS.LOCK";

/// A compaction may hold the index for as long.
const WAITS: u32 = 150;
const WAIT: Duration = Duration::from_millis(200);

/// Stragglers are scanned with every query: more than one row in so many is no use.
const ROWS_A_STRAGGLER: usize = 100;

#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    #[error("there is no vector index at {path}; make the vectors first")]
    Missing { path: PathBuf },
    #[error("another semihv is building a graph or writing to the vector index at {path}; wait")]
    Busy { path: PathBuf },
    #[error("the vector index has no pool {pool} with rows; make its vectors first")]
    NoRows { pool: String },
    #[error("the vectors of pool {pool} were written anew meanwhile; build the graph again")]
    Superseded { pool: String },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// How a graph is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphSettings {
    /// Of a row; twice as many among all rows.
    pub neighbours: usize,
    /// Looked at for a row that is inserted.
    pub candidates: usize,
}

impl Default for GraphSettings {
    fn default() -> Self {
        Self {
            neighbours: 16,
            candidates: 200,
        }
    }
}

/// Builds the graph of a pool of the current generation and attaches it. Only in a process of its
/// own: what builds it may print, panic and exit.
pub fn build_graph(
    root: &Path,
    pool: &str,
    settings: GraphSettings,
    progress: &mut dyn FnMut(Progress),
) -> Result<GraphReport, GraphError> {
    build_stepwise(root, pool, settings, (progress, &Steps::default()))
}

pub(crate) fn build_stepwise(
    root: &Path,
    pool: &str,
    settings: GraphSettings,
    (progress, steps): (&mut dyn FnMut(Progress), &Steps),
) -> Result<GraphReport, GraphError> {
    let busy = || GraphError::Busy {
        path: root.to_owned(),
    };
    let missing = || GraphError::Missing {
        path: root.to_owned(),
    };
    let opened = VectorIndex::open(root)?;
    if matches!(opened, Opened::Missing) {
        return Err(missing());
    }
    let _lock = files::lock_named(root, LOCK)?.ok_or_else(busy)?;
    let state = opened.into_index().ok_or_else(missing)?.state();
    remove_strays(root, state.generation.number());
    let columns = state.generation.pools.get(pool);
    let columns = columns.filter(|columns| columns.rows() > 0);
    let columns = columns.ok_or_else(|| GraphError::NoRows {
        pool: pool.to_owned(),
    })?;
    let codes = codes_hash(&state.generation, pool).unwrap_or_default();
    let made = made(columns, codes, settings, progress);
    progress(Progress {
        step: "attaching",
        done: 0,
        of: 1,
    });
    attach(root, &state, (pool, made), steps)
}

struct Made {
    words: Vec<u32>,
    report: GraphReport,
}

fn made(
    columns: &Arc<Columns>,
    codes: u64,
    settings: GraphSettings,
    progress: &mut dyn FnMut(Progress),
) -> Made {
    let cosines = Cosines::of(columns);
    let mut lists = insert::lists(&cosines, &settings, progress);
    let rows = columns.rows();
    let mut say = |step, done| progress(Progress { step, done, of: 2 });
    say("refining", 0);
    refine(&mut lists, &cosines);
    say("auditing", 1);
    let audit = audited(columns, &mut lists, codes);
    let most = rows / ROWS_A_STRAGGLER + 100;
    let (audit, is_enough) = audit.unwrap_or_default();
    let is_served = is_enough && (audit.stragglers as usize) < most;
    let words = if is_served {
        lists.words(codes)
    } else {
        Vec::new()
    };
    let bytes: &[u8] = bytemuck::cast_slice(&words);
    Made {
        report: GraphReport {
            is_served,
            rows: rows as u64,
            neighbours: settings.neighbours as u32,
            candidates: settings.candidates as u32,
            built_by: "hnsw_rs 0.3".to_owned(),
            audit,
            file: FileEntry::of(bytes.len() as u64, xxh3_64(bytes)),
        },
        words,
    }
}

/// With whether it finds enough at any width; `None`: the lists are no graph.
fn audited(columns: &Arc<Columns>, lists: &mut Lists, codes: u64) -> Option<(Audit, bool)> {
    lists.stragglers = unreached(lists);
    let words = Column::Owned(lists.words(codes));
    let graph = Graph::of(words, columns.rows(), codes, Audit::default())?;
    let mut pool = Pool::of(Arc::clone(columns));
    pool.graph = Some(Arc::new(graph));
    let (mut audit, is_enough) = audit(&pool);
    let (selves, missed) = selves_missed(&pool, audit.ef_10);
    audit.selves = selves;
    audit.selves_missed = missed.len() as u32;
    lists.stragglers.extend(missed);
    lists.stragglers.sort_unstable();
    lists.stragglers.dedup();
    audit.stragglers = lists.stragglers.len() as u32;
    Some((audit, is_enough))
}

/// The file first, then the manifest that lists it: a graph that is seen is whole.
fn attach(
    root: &Path,
    state: &State,
    (pool, made): (&str, Made),
    steps: &Steps,
) -> Result<GraphReport, GraphError> {
    let generation = state.generation.number();
    let folder = generation_folder(root, generation);
    let mut lock = files::lock(root)?;
    for _ in 0..WAITS {
        if lock.is_some() {
            break;
        }
        thread::sleep(WAIT);
        lock = files::lock(root)?;
    }
    if lock.is_none() {
        return Err(GraphError::Busy {
            path: root.to_owned(),
        });
    }
    if files::current(root) != Some(generation) || !files::is_complete(root, generation) {
        return Err(GraphError::Superseded {
            pool: pool.to_owned(),
        });
    }
    if made.report.is_served {
        let path = graph_path(&folder, pool, &made.report.file);
        files::replace(&path, bytemuck::cast_slice(&made.words), steps)?;
    }
    // Damaged reports are written anew: the graphs that they listed are built again.
    let mut pools = reports(root, generation).unwrap_or_default();
    pools.insert(pool.to_owned(), made.report.clone());
    write_reports(root, generation, pools, steps)?;
    steps.reach("remove strays", &folder)?;
    remove_strays(root, generation);
    Ok(made.report)
}

/// Graphs that are not listed: of builds that were killed, and those that were replaced.
fn remove_strays(root: &Path, generation: u64) {
    let folder = generation_folder(root, generation);
    let listed = reports(root, generation).unwrap_or_default();
    let listed: Vec<PathBuf> = listed
        .iter()
        .map(|(pool, report)| graph_path(&folder, pool, &report.file))
        .collect();
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let is_graph = name.to_string_lossy().contains(".graph");
        if is_graph && !listed.contains(&path) {
            let _ = fs::remove_file(path);
        }
    }
}
