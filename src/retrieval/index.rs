//! The index on disk: opened, set aside when it cannot be read, and kept fresh while others
//! write to it.

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use tantivy::directory::error::{OpenReadError, OpenWriteError};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{Directory, IndexReader, ReloadPolicy, Searcher, TantivyError};

use crate::analysis::{ANALYSIS, Analysis, Side};
use crate::directory::IndexFolder;
use crate::schema::{Fields, SCHEMA_VERSION};
use crate::values::Values;

/// Blocks of stored text kept unpacked for each segment.
const STORE_BLOCKS: usize = 16;

/// Where a damaged index lies.
const SET_ASIDE: &str = "set-aside";

const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug, thiserror::Error)]
pub enum OpenIndexError {
    #[error("cannot make the folder of the search index at {path}; check who may write there")]
    Create { path: PathBuf, source: io::Error },
    #[error("cannot read the search index at {path}")]
    Read { path: PathBuf, source: TantivyError },
    #[error(
        "the search index at {path} cannot be read and another semihv is indexing; try again when \
         it is done"
    )]
    Busy { path: PathBuf },
    #[error("cannot set aside the damaged search index at {path}; remove that folder")]
    SetAside { path: PathBuf, source: io::Error },
}

/// How an index was found.
#[derive(Debug)]
pub enum Opened {
    /// As it was left; a new one is empty with revision 0.
    Ready(Index),
    /// What was there could not be used and was set aside: the index is empty and everything has
    /// to be indexed again.
    Rebuilt { index: Index, why: String },
}

impl Opened {
    pub fn into_index(self) -> Index {
        match self {
            Self::Ready(index) | Self::Rebuilt { index, .. } => index,
        }
    }
}

/// A search index in a folder of its own. Any number of threads may search it while one updates.
pub struct Index {
    root: PathBuf,
    pub(crate) fields: Fields,
    reader: IndexReader,
    state: RwLock<Arc<State>>,
}

/// One commit of the index, as searched.
pub(crate) struct State {
    pub(crate) searcher: Searcher,
    revision: u64,
    stamp: Option<Stamp>,
    values: OnceLock<Arc<Values>>,
}

/// Changes whenever another commit is written.
type Stamp = (i64, i64, u64, u64);

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl Index {
    /// Opens the index in `root`, or makes an empty one.
    pub fn open(root: &Path) -> Result<Opened, OpenIndexError> {
        let folder = version_folder(root, SCHEMA_VERSION);
        if let Ok(Some(index)) = Self::load(root) {
            return Ok(Opened::Ready(index));
        }
        fs::create_dir_all(&folder).map_err(|source| OpenIndexError::Create {
            path: folder.clone(),
            source,
        })?;
        let Some(_lock) = lock(root).map_err(|source| OpenIndexError::Create {
            path: root.to_owned(),
            source,
        })?
        else {
            return Err(OpenIndexError::Busy { path: folder });
        };
        // Looked at again under the lock: somebody may have been faster.
        match Self::load(root) {
            Ok(Some(index)) => Ok(Opened::Ready(index)),
            Ok(None) => {
                let index = Self::create(root)?;
                Ok(match other_version(root) {
                    Some(found) => Opened::Rebuilt {
                        index,
                        why: format!(
                            "the search index was of version {found}, this semihv uses \
                             {SCHEMA_VERSION}"
                        ),
                    },
                    None => Opened::Ready(index),
                })
            }
            Err(error) if is_damage(&error) => {
                set_aside(root).map_err(|source| OpenIndexError::SetAside {
                    path: folder,
                    source,
                })?;
                Ok(Opened::Rebuilt {
                    index: Self::create(root)?,
                    why: format!("the search index could not be read: {error}"),
                })
            }
            Err(source) => Err(OpenIndexError::Read {
                path: folder,
                source,
            }),
        }
    }

    /// The store's change number up to which the index is complete.
    pub fn revision(&self) -> u64 {
        self.state().revision
    }

    pub fn documents(&self) -> u64 {
        self.state().searcher.num_docs()
    }

    /// Reads every file and names the damaged ones; slow, for `doctor`.
    pub fn damaged_files(&self) -> Result<Vec<PathBuf>, OpenIndexError> {
        let checked = guarded(|| self.reader.searcher().index().validate_checksum());
        let mut files: Vec<PathBuf> = checked
            .map_err(|source| OpenIndexError::Read {
                path: self.folder(),
                source,
            })?
            .into_iter()
            .collect();
        files.sort_unstable();
        Ok(files)
    }

    /// A damaged one was put beside it, and nobody has filled it since.
    pub fn was_set_aside(&self) -> bool {
        self.documents() == 0 && self.root.join(SET_ASIDE).is_dir()
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn folder(&self) -> PathBuf {
        version_folder(&self.root, SCHEMA_VERSION)
    }

    /// The newest commit, also when another process wrote it.
    pub(crate) fn state(&self) -> Arc<State> {
        let known = Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner));
        let stamp = stamp(&self.folder());
        if stamp.is_none() || stamp == known.stamp {
            return known;
        }
        match self.reload() {
            Ok(state) => state,
            Err(error) => {
                // Perhaps it is being built anew; what is open stays readable.
                tracing::warn!(%error, "the search index changed but cannot be read");
                known
            }
        }
    }

    pub(crate) fn reload(&self) -> tantivy::Result<Arc<State>> {
        let state = Arc::new(guarded(|| State::read(&self.reader, &self.folder()))?);
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&state);
        Ok(state)
    }

    /// `None`: there is no index yet.
    fn load(root: &Path) -> tantivy::Result<Option<Self>> {
        let folder = version_folder(root, SCHEMA_VERSION);
        if !folder.join("meta.json").exists() {
            return Ok(None);
        }
        guarded(|| {
            let mut index = open_tantivy(&folder, Analysis::new(Side::Document).shared())?;
            search_on_threads(&mut index)?;
            Self::with_index(root, index).map(Some)
        })
    }

    fn create(root: &Path) -> Result<Self, OpenIndexError> {
        let folder = version_folder(root, SCHEMA_VERSION);
        let created = fs::create_dir_all(&folder)
            .map_err(TantivyError::from)
            .and_then(|()| {
                let fields = Fields::new();
                let directory: Box<dyn Directory> = Box::new(IndexFolder::open(&folder)?);
                tantivy::Index::builder()
                    .schema(fields.schema)
                    .open_or_create(directory)
            });
        created
            .and_then(|mut index| {
                use_analysis(&mut index, Analysis::new(Side::Document).shared());
                search_on_threads(&mut index)?;
                Self::with_index(root, index)
            })
            .map_err(|source| OpenIndexError::Read {
                path: folder,
                source,
            })
    }

    fn with_index(root: &Path, index: tantivy::Index) -> tantivy::Result<Self> {
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(STORE_BLOCKS)
            .try_into()?;
        let state = State::read(&reader, &version_folder(root, SCHEMA_VERSION))?;
        Ok(Self {
            root: root.to_owned(),
            fields: Fields::new(),
            reader,
            state: RwLock::new(Arc::new(state)),
        })
    }
}

impl State {
    fn read(reader: &IndexReader, folder: &Path) -> tantivy::Result<Self> {
        // Taken first: a commit in between is then seen as a change the next time.
        let stamp = stamp(folder);
        reader.reload()?;
        let searcher = reader.searcher();
        let revision = revision(searcher.index())?;
        Ok(Self {
            searcher,
            revision,
            stamp,
            values: OnceLock::new(),
        })
    }

    /// The values of all fields, read on first use.
    pub(crate) fn values(&self, fields: &Fields) -> tantivy::Result<Arc<Values>> {
        if let Some(values) = self.values.get() {
            return Ok(Arc::clone(values));
        }
        let values = Arc::new(Values::read(&self.searcher, fields)?);
        Ok(Arc::clone(self.values.get_or_init(|| values)))
    }
}

/// Opens the files anew: another process may have changed their list since.
pub(crate) fn open_tantivy(folder: &Path, analysis: Analysis) -> tantivy::Result<tantivy::Index> {
    let mut index = tantivy::Index::open(IndexFolder::open(folder)?)?;
    if index.schema() != Fields::new().schema {
        return Err(TantivyError::SchemaError(
            "its fields are not those of this version".to_owned(),
        ));
    }
    use_analysis(&mut index, analysis);
    Ok(index)
}

/// More do not make a search over a handful of segments faster.
const MOST_SEARCH_THREADS: usize = 4;

/// Makes a search look at the segments side by side; the threads sleep in between.
fn search_on_threads(index: &mut tantivy::Index) -> tantivy::Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if threads > 1 {
        index.set_multithread_executor(threads.min(MOST_SEARCH_THREADS))?;
    }
    Ok(())
}

pub(crate) fn revision(index: &tantivy::Index) -> tantivy::Result<u64> {
    let payload = index.load_metas()?.payload;
    Ok(payload.and_then(|number| number.parse().ok()).unwrap_or(0))
}

thread_local! {
    /// This thread is inside of [`guarded`].
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Makes panics of tantivy lines of the log: they are errors here (`guarded`). Once a process.
pub fn log_panics_of_the_index() {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        let is_of_tantivy = thread
            .name()
            .is_some_and(|name| name.starts_with("tantivy-"));
        if is_of_tantivy || IS_GUARDED.get() {
            tracing::warn!(%panic, "a file of the search index is damaged");
        } else {
            previous(panic);
        }
    }));
}

/// Tantivy panics on some damaged files; that is an error like any other here.
pub(crate) fn guarded<T>(work: impl FnOnce() -> tantivy::Result<T>) -> tantivy::Result<T> {
    let was_guarded = IS_GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(was_guarded);
    outcome.unwrap_or_else(|_| {
        Err(TantivyError::InternalError(
            "a file of the search index is damaged".to_owned(),
        ))
    })
}

/// The right to write, one process and one thread at a time; `None` when somebody else has it.
pub(crate) fn lock(root: &Path) -> io::Result<Option<File>> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(root.join("lock"))?;
    patiently(|| match file.try_lock() {
        Ok(()) => Some(Ok(())),
        Err(fs::TryLockError::WouldBlock) => None,
        Err(fs::TryLockError::Error(error)) => Some(Err(error)),
    })
    .transpose()
    .map(|held| held.map(|()| file))
}

/// Asks for a lock a few times: a child that was just forked holds the files of this process
/// until it runs its own program, so a lock given up a moment ago can still look taken.
pub(crate) fn patiently<T>(mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    for _ in 0..LOCK_ATTEMPTS {
        let outcome = attempt();
        if outcome.is_some() {
            return outcome;
        }
        thread::sleep(LOCK_PAUSE);
    }
    attempt()
}

/// Folders of indexes of older versions are of no use once this one is complete.
pub(crate) fn remove_older_versions(root: &Path) {
    for version in 0..SCHEMA_VERSION {
        let folder = version_folder(root, version);
        if let Err(error) = fs::remove_dir_all(&folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, ?folder, "an old search index stays");
        }
    }
}

fn version_folder(root: &Path, version: u32) -> PathBuf {
    root.join(format!("v{version}"))
}

fn other_version(root: &Path) -> Option<u32> {
    let versions = fs::read_dir(root).ok()?.filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.strip_prefix('v')?.parse::<u32>().ok()
    });
    versions.filter(|&version| version != SCHEMA_VERSION).max()
}

/// Keeps the last damaged index for a look; an earlier one goes.
fn set_aside(root: &Path) -> io::Result<()> {
    let aside = root.join(SET_ASIDE);
    match fs::remove_dir_all(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(version_folder(root, SCHEMA_VERSION), aside)
}

/// Whether the files are at fault rather than the permission or the disk.
fn is_damage(error: &TantivyError) -> bool {
    let is_content = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::NotFound
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::InvalidData
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::Other
        )
    };
    match error {
        TantivyError::IoError(error)
        | TantivyError::OpenReadError(OpenReadError::IoError {
            io_error: error, ..
        })
        | TantivyError::OpenWriteError(OpenWriteError::IoError {
            io_error: error, ..
        }) => is_content(error),
        TantivyError::LockFailure(..) | TantivyError::OpenDirectoryError(_) => false,
        _ => true,
    }
}

fn stamp(folder: &Path) -> Option<Stamp> {
    let meta = fs::metadata(folder.join("meta.json")).ok()?;
    Some((meta.mtime(), meta.mtime_nsec(), meta.ino(), meta.len()))
}

fn use_analysis(index: &mut tantivy::Index, analysis: Analysis) {
    index
        .tokenizers()
        .register(ANALYSIS, TextAnalyzer::from(analysis));
}
