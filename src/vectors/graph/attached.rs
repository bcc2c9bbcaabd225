//! The graphs of a generation: which there are and how well they serve, in a manifest of their own
//! that is written last. Without it a generation is scanned.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::columns::Column;
use crate::files::{Steps, WriteError, generation_folder, replace};
use crate::generation::{Generation, verified};
use crate::graph::Graph;
use crate::manifest::{Damage, FileEntry};

const SCHEMA: u32 = 1;

pub(crate) fn graphs_path(root: &Path, generation: u64) -> PathBuf {
    generation_folder(root, generation).join("graphs.json")
}

/// How well a graph finds what a scan of all rows finds. Shares are of ten thousand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// Rows moved a little, as queries.
    pub queries: u32,
    /// The least width of the search with which enough of the 10 and of the 100 nearest are found.
    pub ef_10: u32,
    pub ef_100: u32,
    pub recall_10: u32,
    pub recall_100: u32,
    /// Rows whose codes were looked at for a query, on average.
    pub looked_at_10: u32,
    pub looked_at_100: u32,
    /// Rows asked for themselves, and those that were not found.
    pub selves: u32,
    pub selves_missed: u32,
    /// Rows that no way leads to or that were missed; they are scanned with every query.
    pub stragglers: u32,
}

/// What there is for a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphReport {
    /// False: it was too bad at every width, every row is scanned.
    pub is_served: bool,
    pub rows: u64,
    pub neighbours: u32,
    pub candidates: u32,
    pub built_by: String,
    pub audit: Audit,
    pub(crate) file: FileEntry,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    schema: u32,
    generation: u64,
    pools: BTreeMap<String, GraphReport>,
    /// Hash of this file with an empty one here.
    check: String,
}

impl Manifest {
    fn hash(&self) -> String {
        let unchecked = Self {
            check: String::new(),
            ..self.clone()
        };
        let text = serde_json::to_vec(&unchecked).unwrap_or_default();
        format!("{:016x}", xxh3_64(&text))
    }
}

/// The name holds the hash: a graph that is built again never lies where a mapped one does.
pub(crate) fn graph_path(folder: &Path, pool: &str, file: &FileEntry) -> PathBuf {
    folder.join(format!("{pool}.{}.graph", file.xxh3))
}

/// Where the codes of a pool are the ones a graph was built over.
pub(crate) fn codes_hash(generation: &Generation, pool: &str) -> Option<u64> {
    let entry = generation.manifest.pools.get(pool)?.files.get("i8")?;
    u64::from_str_radix(&entry.xxh3, 16).ok()
}

/// Graphs as they are served.
#[derive(Debug, Default)]
pub(crate) struct Attached {
    pub(crate) reports: BTreeMap<String, GraphReport>,
    pub(crate) graphs: BTreeMap<String, Arc<Graph>>,
    pub(crate) damage: Vec<Damage>,
}

impl Attached {
    /// What of it is sound; none of it is needed.
    pub(crate) fn read(root: &Path, generation: &Generation) -> Self {
        let number = generation.number();
        let reports = match reports(root, number) {
            Ok(reports) => reports,
            Err(damage) => {
                return Self {
                    damage: vec![damage],
                    ..Self::default()
                };
            }
        };
        let mut attached = Self::default();
        for (pool, report) in &reports {
            if report.is_served {
                match open(root, generation, pool, report) {
                    Ok(graph) => {
                        attached.graphs.insert(pool.clone(), Arc::new(graph));
                    }
                    Err(damage) => attached.damage.push(damage),
                }
            }
        }
        attached.reports = reports;
        attached
    }
}

fn open(
    root: &Path,
    generation: &Generation,
    pool: &str,
    report: &GraphReport,
) -> Result<Graph, Damage> {
    let folder = generation_folder(root, generation.number());
    let path = graph_path(&folder, pool, &report.file);
    let words = Column::Mapped(verified(&path, &report.file)?);
    let rows = generation.pools.get(pool).map(|columns| columns.rows());
    let graph = rows
        .zip(codes_hash(generation, pool))
        .and_then(|(rows, codes)| Graph::of(words, rows, codes, report.audit.clone()));
    graph.ok_or_else(|| Damage::new(&path, "it is not a graph over these rows"))
}

/// None where there is no manifest.
pub(crate) fn reports(
    root: &Path,
    generation: u64,
) -> Result<BTreeMap<String, GraphReport>, Damage> {
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    let path = graphs_path(root, generation);
    let damage = |why: &dyn ToString| Damage::new(&path, why.to_string());
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(damage(&error)),
    };
    let version: Version = serde_json::from_slice(&text).map_err(|error| damage(&error))?;
    if version.schema != SCHEMA {
        let found = version.schema;
        return Err(damage(&format!(
            "written by version {found}, this is {SCHEMA}"
        )));
    }
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| damage(&error))?;
    if manifest.check != manifest.hash() {
        return Err(damage(&"it was changed after it was written"));
    }
    if manifest.generation != generation {
        let found = manifest.generation;
        return Err(damage(&format!(
            "it lists the graphs of generation {found}"
        )));
    }
    Ok(manifest.pools)
}

pub(crate) fn write_reports(
    root: &Path,
    generation: u64,
    pools: BTreeMap<String, GraphReport>,
    steps: &Steps,
) -> Result<(), WriteError> {
    let path = graphs_path(root, generation);
    let mut manifest = Manifest {
        schema: SCHEMA,
        generation,
        pools,
        check: String::new(),
    };
    manifest.check = manifest.hash();
    let mut text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| WriteError::at(&path)(error.into()))?;
    text.push(b'\n');
    replace(&path, &text, steps)
}
