//! An open workspace: its settings, connections, index, jobs and listeners.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, mpsc};

use semihv_domain::{Failure, FailureKind, Job, JobId, UnixSeconds};
use semihv_retrieval::Index;
use semihv_vectors::VectorIndex;
use semihv_workspace::{
    Durability, FileSystem, Journal, Layer, Manifest, Places, Settings, SettingsFile, Store,
    StoreMode, UserFile, UserPlaces, file_system, read_toml, remember_workspace,
};

use crate::failures::OrFail;
use crate::{Changed, Event, Reply, query::Query};

/// Whether this process may change the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    Allowed,
    /// `--read-only`, or a disk that cannot be written.
    Refused,
}

/// How to open a workspace.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    pub root: PathBuf,
    pub user: UserPlaces,
    pub writing: Writing,
    /// What flags say.
    pub flags: SettingsFile,
}

/// An open workspace. Cheap to clone; every clone is the same workspace.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) places: Places,
    pub(crate) options: OpenOptions,
    pub(crate) manifest: RwLock<Manifest>,
    pub(crate) settings: RwLock<Settings>,
    pub(crate) user_keys: RwLock<Vec<semihv_workspace::KeyEntry>>,
    pub(crate) writing: Writing,
    pub(crate) journal: Journal,
    pub(crate) file_system: FileSystem,
    /// Connections that nobody uses right now.
    pub(crate) scans: crate::scans::Scans,
    idle: Mutex<Vec<Store>>,
    /// The connection of what people write; its `data_version` tells of other writers.
    pub(crate) pen: Mutex<Option<Store>>,
    pub(crate) index: Mutex<Option<Arc<Index>>>,
    pub(crate) vectors: Mutex<Option<Arc<VectorIndex>>>,
    pub(crate) served: Mutex<crate::served::KeptServed>,
    pub(crate) encoding: Mutex<crate::encoding::KeptEncoding>,
    pub(crate) searches: crate::retrieving::KeptSearches,
    pub(crate) judged: Mutex<crate::judging::KeptJournal>,
    /// Why an older generation of the vectors is used.
    pub(crate) vectors_damage: Mutex<Option<String>>,
    pub(crate) vector_plan: Mutex<crate::VectorPlan>,
    pub(crate) running: Mutex<BTreeMap<JobId, Running>>,
    pub(crate) indexing: Mutex<Indexing>,
    pub(crate) follows_hosts: AtomicBool,
    pub(crate) gpus: crate::launching::KeptGpus,
    pub(crate) hosts: Mutex<crate::launching::KeptHosts>,
    pub(crate) endings: Mutex<crate::launching::KeptEndings>,
    pub(crate) logs: crate::logs::KeptLogs,
    pub(crate) alerts: crate::alerts::KeptAlerts,
    listeners: Mutex<Vec<mpsc::Sender<Event>>>,
}

/// A job of this process.
pub(crate) struct Running {
    pub(crate) job: Job,
    pub(crate) cancel: Arc<AtomicBool>,
}

/// The one index run of this process. A second wish while it runs makes it look once more at its
/// end, instead of starting another that would wait for the same lock.
#[derive(Debug, Default)]
pub(crate) struct Indexing {
    pub(crate) job: Option<Job>,
    pub(crate) is_wanted_again: bool,
}

/// Seconds since 1970; the only clock of the engine.
pub fn now() -> UnixSeconds {
    jiff::Timestamp::now().as_second()
}

impl Engine {
    pub fn open(options: OpenOptions) -> Result<Self, Failure> {
        let places = Places::new(&options.root);
        let manifest = Manifest::read(&places.manifest()).or_fail("open")?;
        Self::open_with(options, manifest)
    }

    /// For what needs nothing of the manifest: an error in it must not keep a run from being ended.
    pub fn open_without_manifest(options: OpenOptions) -> Result<Self, Failure> {
        Self::open_with(options, Manifest::default())
    }

    fn open_with(options: OpenOptions, manifest: Manifest) -> Result<Self, Failure> {
        let places = Places::new(&options.root);
        let (settings, user_keys) = layered_settings(&options, &manifest)?;
        let file_system = file_system(&options.root).or_fail("open")?;
        let journal = match settings.store_mode.value {
            StoreMode::Safe => Journal::Rollback,
            StoreMode::Auto if file_system.is_network() => Journal::Rollback,
            StoreMode::Wal | StoreMode::Auto => Journal::Wal,
        };
        let (first, writing) = open_first(&places, &options, journal)?;
        let engine = Self {
            inner: Arc::new(Inner {
                places,
                manifest: RwLock::new(manifest),
                settings: RwLock::new(settings),
                user_keys: RwLock::new(user_keys),
                writing,
                journal,
                file_system,
                scans: crate::scans::Scans::default(),
                idle: Mutex::new(Vec::new()),
                pen: Mutex::new(Some(first)),
                index: Mutex::new(None),
                vectors: Mutex::new(None),
                served: Mutex::new(None),
                encoding: Mutex::default(),
                searches: crate::retrieving::KeptSearches::default(),
                judged: Mutex::new(None),
                vectors_damage: Mutex::default(),
                vector_plan: Mutex::default(),
                running: Mutex::new(BTreeMap::new()),
                indexing: Mutex::new(Indexing::default()),
                follows_hosts: AtomicBool::new(false),
                gpus: crate::launching::KeptGpus::default(),
                hosts: Mutex::default(),
                endings: Mutex::default(),
                logs: crate::logs::KeptLogs::default(),
                alerts: crate::alerts::KeptAlerts::default(),
                listeners: Mutex::new(Vec::new()),
                options,
            }),
        };
        if writing == Writing::Allowed {
            let list = engine.inner.options.user.known_workspaces();
            // The list only saves typing: a home that cannot be written must not stop the work.
            if let Err(error) = remember_workspace(&list, &engine.inner.options.root, now()) {
                tracing::warn!(%error, "cannot remember the workspace");
            }
        }
        Ok(engine)
    }

    pub fn root(&self) -> &Path {
        self.inner.places.root()
    }

    /// The name in the header: the manifest's, else the folder's.
    pub fn name(&self) -> String {
        let named = self.manifest().workspace.name;
        named.unwrap_or_else(|| {
            self.root()
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        })
    }

    /// Sources and corpora of the manifest whose kind no importer knows.
    pub fn unknown_kinds(&self) -> Vec<Failure> {
        let manifest = self.manifest();
        let sources = manifest.source.iter().map(|entry| ("source", entry));
        let corpora = manifest.corpus.iter().map(|entry| ("corpus", entry));
        sources
            .chain(corpora)
            .filter_map(|(table, (name, entry))| {
                let error = semihv_curation::importer(&entry.kind).err()?;
                let summary = format!("semihv.toml: [{table}.{name}]: {error}");
                Some(Failure::new("settings", FailureKind::User, summary))
            })
            .chain(self.unusable_figures())
            .collect()
    }

    pub fn writing(&self) -> Writing {
        self.inner.writing
    }

    pub fn manifest(&self) -> Manifest {
        self.inner
            .manifest
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub fn settings(&self) -> Settings {
        self.inner
            .settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Key bindings of the user's file, then of the workspace: the later one wins.
    pub fn keys(&self) -> Vec<semihv_workspace::KeyEntry> {
        let user = self
            .inner
            .user_keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        user.into_iter().chain(self.manifest().keys).collect()
    }

    pub fn user_places(&self) -> &UserPlaces {
        &self.inner.options.user
    }

    /// Events from now on.
    pub fn subscribe(&self) -> mpsc::Receiver<Event> {
        let (sender, receiver) = mpsc::channel();
        locked(&self.inner.listeners).push(sender);
        receiver
    }

    pub(crate) fn tell(&self, event: &Event) {
        // What is said of hits or runs is no part of a search.
        if let Event::Changed(changed) = event
            && !matches!(changed, Changed::Judged | Changed::Alerts)
        {
            self.inner.searches.forget();
        }
        locked(&self.inner.listeners).retain(|listener| listener.send(event.clone()).is_ok());
    }

    /// Reads the files again; on an error the old settings stay.
    pub(crate) fn reload_settings(&self) -> Result<(), Failure> {
        let manifest = Manifest::read(&self.inner.places.manifest()).or_fail("settings")?;
        let (settings, user_keys) = layered_settings(&self.inner.options, &manifest)?;
        self.inner.searches.forget();
        self.forget_served();
        let before = self.manifest();
        if (&before.log, &before.recipe) != (&manifest.log, &manifest.recipe) {
            self.forget_logs();
        }
        *self
            .inner
            .manifest
            .write()
            .unwrap_or_else(PoisonError::into_inner) = manifest;
        *self
            .inner
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = settings;
        *self
            .inner
            .user_keys
            .write()
            .unwrap_or_else(PoisonError::into_inner) = user_keys;
        Ok(())
    }

    /// Answers on the calling thread.
    pub fn ask(&self, query: &Query) -> Result<Reply, Failure> {
        crate::reading::answer(self, query)
    }

    /// Lends a connection; several threads read at once.
    pub(crate) fn with_store<T>(
        &self,
        use_it: impl FnOnce(&mut Store) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let idle = locked(&self.inner.idle).pop();
        let mut store = match idle {
            Some(store) => store,
            None => self.connect(Durability::PowerCut)?,
        };
        let outcome = use_it(&mut store);
        let mut idle = locked(&self.inner.idle);
        // More connections than threads that read are not worth their cache.
        if idle.len() < 4 {
            idle.push(store);
        }
        outcome
    }

    pub(crate) fn connect(&self, durability: Durability) -> Result<Store, Failure> {
        let path = self.inner.places.store();
        match self.inner.writing {
            Writing::Allowed => Store::open(&path, self.inner.journal, durability),
            Writing::Refused => Store::open_read_only(&path),
        }
        .or_fail("open")
    }

    /// What the session was when the workbench was last left; `None` at the first visit.
    pub fn session(&self) -> Option<String> {
        std::fs::read_to_string(self.inner.places.session()).ok()
    }

    pub fn save_session(&self, text: &str) -> Result<(), Failure> {
        if self.inner.writing == Writing::Refused {
            return Ok(());
        }
        semihv_workspace::write_atomically(&self.inner.places.session(), text.as_bytes())
            .or_fail("session")
    }

    /// Puts a copied text where a terminal without a clipboard can find it.
    pub fn keep_copied_text(&self, text: &str) -> Result<PathBuf, Failure> {
        let path = self.inner.options.user.copied_text();
        semihv_workspace::write_atomically(&path, text.as_bytes()).or_fail("copy")?;
        Ok(path)
    }

    /// The texts of the user's own themes.
    pub fn own_themes(&self) -> Vec<String> {
        let folder = self.inner.options.user.themes();
        let Ok(files) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        let mut paths: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
        paths.sort();
        paths
            .iter()
            .filter_map(|path| std::fs::read_to_string(path).ok())
            .collect()
    }

    pub fn log_file(&self) -> PathBuf {
        self.inner.places.log()
    }

    pub fn crash_report(&self) -> PathBuf {
        self.inner.places.crash_report()
    }

    pub(crate) fn refuse_when_read_only(&self, stage: &str) -> Result<(), Failure> {
        match self.inner.writing {
            Writing::Allowed => Ok(()),
            Writing::Refused => Err(Failure::new(
                stage,
                FailureKind::User,
                "the workspace is open read-only",
            )
            .with_hint("open it without --read-only, in a folder that you may write to")),
        }
    }
}

/// A lock of plain data: a panic elsewhere leaves it usable.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Layered = (Settings, Vec<semihv_workspace::KeyEntry>);

fn layered_settings(options: &OpenOptions, manifest: &Manifest) -> Result<Layered, Failure> {
    let login = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    let user: UserFile = match read_toml(&options.user.settings()) {
        Ok(file) => file,
        Err(error) if error.is_missing() => UserFile::default(),
        Err(error) => return Err(error).or_fail("settings"),
    };
    let settings = Settings::builtin(&login.unwrap_or_else(|_| "someone".to_owned()))
        .overlay(user.settings, Layer::User)
        .overlay(manifest.settings.clone(), Layer::Workspace)
        .overlay(options.flags.clone(), Layer::Flag);
    Ok((settings, user.keys))
}

/// Opens the store for writing, or for reading where the disk refuses writes.
fn open_first(
    places: &Places,
    options: &OpenOptions,
    journal: Journal,
) -> Result<(Store, Writing), Failure> {
    if options.writing == Writing::Refused || !is_writable(places) {
        let store = Store::open_read_only(&places.store()).or_fail("open")?;
        return Ok((store, Writing::Refused));
    }
    let store = Store::open(&places.store(), journal, Durability::PowerCut).or_fail("open")?;
    Ok((store, Writing::Allowed))
}

/// Tries it: permission bits lie to root, and a mount may be read-only.
fn is_writable(places: &Places) -> bool {
    let folder = places.hidden();
    if std::fs::create_dir_all(&folder).is_err() {
        return false;
    }
    let probe = folder.join(format!(".probe-{}", std::process::id()));
    let is_writable = match std::fs::File::create(&probe) {
        Ok(_) => true,
        // A full disk is not a read-only one: opening says what is wrong, writing fails clearly.
        Err(error) => error.kind() == std::io::ErrorKind::StorageFull,
    };
    let _ = std::fs::remove_file(&probe);
    is_writable
}
