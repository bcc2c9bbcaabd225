//! Notices what other processes do to the workspace: another workbench's tags, an edited
//! manifest, a growing log. Sleeps until the kernel says that a file changed.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher};
use semihv_domain::Failure;
use semihv_runs::AttemptState;

use crate::engine::locked;
use crate::{Changed, Engine, Event};

/// What changes together is told together, and what changes all the time no more often than this.
const TOGETHER: Duration = Duration::from_millis(4);
const BETWEEN: Duration = Duration::from_millis(50);
/// The store is asked no more often whether others wrote to it: what follows is much work.
const BETWEEN_ROWS: Duration = Duration::from_millis(250);
/// Network file systems do not tell of remote writers, so they are asked.
const POLL: Duration = Duration::from_secs(5);

impl Engine {
    /// For a workbench: notices what others write, and brings the index up to date. Returns at
    /// once; the first frame waits for neither.
    pub fn follow_changes(&self) {
        self.watch();
        self.watch_for_alerts();
        let engine = self.clone();
        let spawned = std::thread::Builder::new()
            .name("index".to_owned())
            .spawn(move || {
                engine.follow_hosts();
                if let Err(failure) = engine.index_if_behind() {
                    tracing::warn!(%failure, "the search index was not brought up to date");
                }
            });
        if let Err(error) = spawned {
            tracing::warn!(%error, "the search index was not brought up to date");
        }
    }

    /// Starts watching on a thread of its own; it ends when the engine's last clone is gone or
    /// the process ends.
    fn watch(&self) {
        let engine = self.clone();
        let spawned = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || {
                if let Err(error) = watch(&engine) {
                    tracing::warn!(%error, "changes by other processes are not noticed");
                }
            });
        if let Err(error) = spawned {
            tracing::warn!(%error, "changes by other processes are not noticed");
        }
    }
}

fn watch(engine: &Engine) -> notify::Result<()> {
    let (sender, receiver) = channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading is no news, and would wake the watcher that reads.
        let is_news = event.as_ref().is_ok_and(|event| !event.kind.is_access());
        if let (true, Ok(event)) = (is_news, event) {
            let is_growth = event.kind.is_modify();
            for path in event.paths {
                let _ = sender.send(path);
            }
            // Meanwhile the kernel makes one of many writes to the same file.
            if is_growth {
                std::thread::sleep(TOGETHER);
            }
        }
    })?;
    let places = &engine.inner.places;
    watcher.watch(places.root(), RecursiveMode::NonRecursive)?;
    watcher.watch(&places.hidden(), RecursiveMode::NonRecursive)?;
    if let Some(folder) = engine.user_places().settings().parent()
        && folder.exists()
    {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    for (_, path) in crate::logs::logs_of_manifest(engine) {
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        if folder.exists() && watcher.watch(&folder, RecursiveMode::NonRecursive).is_err() {
            tracing::warn!(folder = %folder.display(), "this log is not followed");
        }
    }
    let mut runs = Runs::new(engine);
    runs.watch(&mut watcher);
    follow(engine, &receiver, (&mut runs, &mut watcher));
    Ok(())
}

/// The runs that were launched, as they were last told of.
struct Runs<'a> {
    engine: &'a Engine,
    folder: PathBuf,
    is_watched: bool,
    states: Vec<(String, u32, AttemptState)>,
    looked_at: Instant,
}

impl<'a> Runs<'a> {
    fn new(engine: &'a Engine) -> Self {
        let mut runs = Self {
            engine,
            folder: engine.inner.places.runs(),
            is_watched: false,
            states: Vec::new(),
            looked_at: Instant::now(),
        };
        runs.states = runs.now();
        runs
    }

    /// True where it is watched from now on, and something may have been missed.
    fn watch(&mut self, watcher: &mut impl Watcher) -> bool {
        if self.is_watched || !self.folder.exists() {
            return false;
        }
        let watched = watcher.watch(&self.folder, RecursiveMode::Recursive);
        self.is_watched = watched.is_ok();
        self.is_watched
    }

    /// Something may happen to a run that no file tells of: its supervisor is killed.
    fn has_live(&self) -> bool {
        self.states.iter().any(|(_, _, state)| state.may_be_alive())
    }

    fn now(&self) -> Vec<(String, u32, AttemptState)> {
        let views = self.engine.launched_runs().unwrap_or_default();
        views
            .into_iter()
            .map(|view| (view.run, view.attempt, view.state))
            .collect()
    }

    /// Other files may change all the time: that must not keep us from looking.
    fn is_due(&self) -> bool {
        self.has_live() && self.looked_at.elapsed() >= POLL
    }

    /// Tells only of what is another than before.
    fn look(&mut self) {
        self.looked_at = Instant::now();
        let now = self.now();
        if now != self.states {
            self.states = now;
            self.engine.tell(&Event::Changed(Changed::Runs));
            self.engine.want_alerts_of_runs();
            // One of them may be on a host, begun by another process.
            self.engine.follow_hosts();
        }
    }

    fn is_record(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str());
        // A heartbeat tells nothing, but comes as long as something may have happened unheard; what lies
        // in a folder that was just made was written before anybody watched it.
        let is_told = name.is_some_and(|name| {
            let records = [
                "start.toml",
                "events.jsonl",
                "exit.json",
                "heartbeat",
                "last.json",
            ];
            records.contains(&name) || name.starts_with("attempt-")
        });
        let is_run = path.parent() == Some(&self.folder);
        path.starts_with(&self.folder) && (is_told || is_run)
    }
}

fn follow(
    engine: &Engine,
    changed: &Receiver<PathBuf>,
    (runs, watcher): (&mut Runs<'_>, &mut impl Watcher),
) {
    let mut rows = Rows {
        seen: data_version(engine),
        asked_at: Instant::now(),
        is_due: false,
    };
    let mut told_at = Instant::now();
    loop {
        let is_asked = engine.inner.file_system.is_network() || runs.has_live();
        let patience = match (rows.is_due, is_asked) {
            (true, _) => Some(BETWEEN_ROWS),
            (false, true) => Some(POLL),
            (false, false) => None,
        };
        let Some(paths) = gathered(changed, patience, told_at) else {
            return;
        };
        told_at = Instant::now();
        tell_of(engine, &paths);
        let is_new = runs.watch(watcher);
        let has_waited = paths.is_empty() && !rows.is_due;
        if is_new || runs.is_due() || has_waited || paths.iter().any(|path| runs.is_record(path)) {
            runs.look();
        }
        rows.look(engine);
    }
}

/// Paths that changed, none when nothing did for so long; `None` when nobody watches any more.
fn gathered(
    changed: &Receiver<PathBuf>,
    patience: Option<Duration>,
    told_at: Instant,
) -> Option<Vec<PathBuf>> {
    let first = match patience {
        Some(patience) => match changed.recv_timeout(patience) {
            Ok(path) => Some(path),
            Err(RecvTimeoutError::Timeout) => return Some(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => return None,
        },
        None => Some(changed.recv().ok()?),
    };
    let mut paths: Vec<PathBuf> = first.into_iter().collect();
    let due = (told_at + BETWEEN).max(Instant::now() + TOGETHER);
    loop {
        let left = due.saturating_duration_since(Instant::now());
        match changed.recv_timeout(left) {
            Ok(path) if !paths.contains(&path) => paths.push(path),
            Ok(_) if !left.is_zero() => {}
            _ => return Some(paths),
        }
    }
}

/// Whether others wrote to the store.
struct Rows {
    seen: Option<i64>,
    asked_at: Instant,
    /// Something changed since it was asked.
    is_due: bool,
}

impl Rows {
    fn look(&mut self, engine: &Engine) {
        self.is_due = self.asked_at.elapsed() < BETWEEN_ROWS;
        if self.is_due {
            return;
        }
        self.asked_at = Instant::now();
        let now = data_version(engine);
        if now != self.seen {
            self.seen = now;
            engine.tell(&Event::Changed(Changed::Rows));
        }
    }
}

fn tell_of(engine: &Engine, paths: &[PathBuf]) {
    let settings = [
        engine.inner.places.manifest(),
        engine.user_places().settings(),
    ];
    if paths.iter().any(|path| settings.contains(path)) {
        let trouble = engine
            .reload_settings()
            .err()
            .map(|failure: Failure| failure.summary);
        engine.tell(&Event::SettingsChanged { trouble });
    }
    if paths.contains(&engine.inner.places.alerts()) {
        engine.tell(&Event::Changed(Changed::Alerts));
    }
    let named = crate::logs::logs_of_manifest(engine).into_iter();
    let named = named.filter(|(_, log)| paths.contains(log));
    let folder = engine.inner.places.runs();
    let of_run = |path: &PathBuf| Some((run_of_log(path, &folder)?, path.clone()));
    let launched: Vec<(String, PathBuf)> = paths.iter().filter_map(of_run).collect();
    for (run, path) in named.chain(launched) {
        engine.log_grew(&run, &path);
    }
}

/// `RUNS/RUN/attempt-N/log`: told by its path, since runs may be many and logs grow all the time.
fn run_of_log(path: &Path, runs: &Path) -> Option<String> {
    let inside = path.strip_prefix(runs).ok()?;
    let parts: Vec<&str> = inside.iter().filter_map(|part| part.to_str()).collect();
    match parts.as_slice() {
        [run, _, "log"] => Some((*run).to_owned()),
        _ => None,
    }
}

/// Asked on the connection that writes what people type: it changes only when others wrote.
fn data_version(engine: &Engine) -> Option<i64> {
    locked(&engine.inner.pen)
        .as_ref()
        .and_then(|store| store.data_version().ok())
}
