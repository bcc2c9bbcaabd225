//! Logs that are followed: those that the manifest names and those of launched runs.
//!
//! A log is read by one thread, in parts, so that a question for its lines or curves waits for one
//! part at most. What was read of the figures stays in `.semihv/figures`.

mod curves;
mod export;
mod lines;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use semihv_domain::{Failure, FailureKind, MetricPoint, UnixSeconds};
use semihv_runs::{
    FigureRule, FigureRules, FollowedLog, Reading, SeriesView, StartRecord, last_figures,
};
use semihv_workspace::{FigureEntry, RecipeEntry};
use serde::Serialize;

use crate::engine::{Writing, locked, now};
use crate::{Engine, Event};

pub(crate) use curves::curves;
pub use curves::{Axis, Curve, CurvePoint, Curves, CurvesAsk, MetricView};
pub use export::{cell as csv_cell, curves_svg};
pub use lines::{FindInLog, FoundInLog, LineFilter, LogAsk, LogLine, LogView};
pub(crate) use lines::{find_in_log, log};

/// More than a list shows.
const MOST_OPEN: usize = 128;
/// Launched runs among the logs.
const SHOWN_RUNS: usize = 50;
/// Read between two questions: some 20 ms.
const PART: u64 = 4 << 20;
/// Between two parts of a log that is far behind.
const LEFT_TO_OTHERS: Duration = Duration::from_millis(1);
/// While much is to be read, screens are told no more often.
const NEWS: Duration = Duration::from_millis(100);
/// A list of logs reads logs up to this size for their figures, larger ones from their end.
const READ_FOR_LIST: u64 = 16 << 20;
/// Figures of logs that nobody looked at for so long are dropped.
const KEPT_FOR: Duration = Duration::from_hours(60 * 24);

/// A followed log in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunSummary {
    pub name: String,
    pub path: PathBuf,
    pub last_step: Option<u64>,
    pub last_loss: Option<f64>,
    /// The log grew within the last minute.
    pub is_growing: bool,
    /// Set when the file cannot be read.
    pub trouble: Option<String>,
}

type SharedLog = Arc<Mutex<FollowedLog>>;

/// Logs stay open between questions, so that only what was appended is read: the ones that were
/// looked at last, as each holds two files open.
#[derive(Debug, Default)]
pub(crate) struct KeptLogs {
    open: Mutex<OpenLogs>,
    /// Runs and logs that are to be read on.
    wanted: Mutex<Option<Sender<(String, PathBuf)>>>,
}

#[derive(Debug, Default)]
struct OpenLogs {
    by_path: BTreeMap<PathBuf, (u64, SharedLog)>,
    /// Counts the looks.
    looks: u64,
}

impl OpenLogs {
    fn look(&mut self, path: &Path) -> Option<SharedLog> {
        self.looks += 1;
        let (looked, log) = self.by_path.get_mut(path)?;
        *looked = self.looks;
        Some(Arc::clone(log))
    }

    /// With what is closed for it: the one that nobody has and that was looked at longest ago.
    fn add(&mut self, path: &Path, log: SharedLog) -> Option<SharedLog> {
        let closed = (self.by_path.len() >= MOST_OPEN).then(|| self.oldest());
        let closed = closed.flatten().and_then(|path| self.by_path.remove(&path));
        self.by_path.insert(path.to_owned(), (self.looks, log));
        closed.map(|(_, log)| log)
    }

    fn oldest(&self) -> Option<PathBuf> {
        let free = self.by_path.iter();
        let free = free.filter(|(_, (_, log))| Arc::strong_count(log) == 1);
        let oldest = free.min_by_key(|(_, (looked, _))| *looked);
        oldest.map(|(path, _)| path.clone())
    }
}

/// Names and paths: `[log.NAME]` entries, then the logs of recipes.
pub(crate) fn logs_of_manifest(engine: &Engine) -> Vec<(String, PathBuf)> {
    let manifest = engine.manifest();
    let mut logs: Vec<(String, PathBuf)> = manifest
        .log
        .iter()
        .map(|(name, log)| (name.clone(), engine.inner.places.resolve(&log.path)))
        .collect();
    for (name, recipe) in &manifest.recipe {
        for (number, path) in recipe.logs.iter().enumerate() {
            let name = if number == 0 {
                name.clone()
            } else {
                format!("{name}-{}", number + 1)
            };
            logs.push((name, engine.inner.places.resolve(path)));
        }
    }
    logs
}

/// The state of every followed log: those of the manifest, and the newest launched runs.
pub(crate) fn summaries(engine: &Engine) -> Vec<RunSummary> {
    let mut logs = logs_of_manifest(engine);
    logs.extend(engine.logs_of_runs(SHOWN_RUNS));
    let summaries = logs.into_iter().map(|(name, path)| {
        let figures = engine.last_figures(&path);
        let modified = modified(&path);
        let (last, trouble) = match figures {
            Ok(figures) => {
                let loss = loss_of(figures.iter().map(|it| it.name.as_str()));
                let loss = loss.and_then(|at| figures.get(at));
                (loss.map(|it| it.last), None)
            }
            Err(error) => (None, Some(error.to_string())),
        };
        RunSummary {
            name,
            path,
            last_step: last.map(|point| point.step),
            last_loss: last.map(|point| point.value),
            is_growing: modified.is_some_and(|modified| now() - modified < 60),
            trouble,
        }
    });
    summaries.collect()
}

fn rules_of(figures: &BTreeMap<String, FigureEntry>) -> Vec<FigureRule> {
    let rules = figures.iter().map(|(name, figure)| FigureRule {
        name: name.clone(),
        pattern: figure.pattern.clone(),
        path: figure.path.clone(),
    });
    rules.collect()
}

pub(crate) fn modified(path: &Path) -> Option<UnixSeconds> {
    let modified = path.metadata().ok()?.modified().ok()?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// Which figure a person means by "loss": not its scale, unless nothing else is one; else the first.
fn loss_of<'a>(names: impl Iterator<Item = &'a str>) -> Option<usize> {
    let rank = |name: &str| {
        let name = name.to_lowercase();
        let is_loss = [
            name == "loss",
            name.ends_with("loss"),
            name.contains("loss"),
        ];
        is_loss
            .iter()
            .position(|is_it| *is_it)
            .unwrap_or(is_loss.len())
    };
    let ranked = names.enumerate().map(|(at, name)| (rank(name), at));
    ranked.min().map(|(_, at)| at)
}

impl Engine {
    /// The full name of a log or run, and its logs: of a run that was resumed, those of all its
    /// attempts, oldest first.
    pub(crate) fn logs_named(&self, run: &str) -> Result<(String, Vec<PathBuf>), Failure> {
        let named = logs_of_manifest(self);
        if let Some((name, path)) = named.into_iter().find(|(name, _)| name == run) {
            return Ok((name, vec![path]));
        }
        // Any part of a run's name, however old it is.
        let Ok(name) = self.find_run(run) else {
            let summary = format!("no log and no run called {run}");
            return Err(Failure::new("log", FailureKind::User, summary).with_hint(
                "`semihv log` and `semihv runs` list them; [log.NAME] in semihv.toml adds one",
            ));
        };
        let attempts = semihv_runs::attempts(&self.inner.places.runs().join(&name));
        let attempts = attempts.map_err(|error| Failure::of("log", FailureKind::Data, &error))?;
        let logs = attempts.into_iter().map(|(_, folder)| folder.join("log"));
        Ok((name, logs.collect()))
    }

    pub(crate) fn is_followed(&self, path: &Path) -> bool {
        let open = locked(&self.inner.logs.open);
        open.by_path.contains_key(path)
    }

    pub(crate) fn followed(&self, path: &Path) -> SharedLog {
        let mut open = locked(&self.inner.logs.open);
        if let Some(log) = open.look(path) {
            return log;
        }
        let log = Arc::new(Mutex::new(self.opened_log(path)));
        let closed = open.add(path, Arc::clone(&log));
        // Writes down what it read, which nobody waits for.
        drop(open);
        drop(closed);
        log
    }

    fn opened_log(&self, path: &Path) -> FollowedLog {
        let rules = FigureRules::new(&self.figure_rules(path)).unwrap_or_default();
        if self.inner.writing == Writing::Refused {
            return FollowedLog::new(path).with_rules(rules);
        }
        let folder = self.inner.places.figures();
        if let Err(error) = std::fs::create_dir_all(&folder) {
            tracing::info!(%error, "figures stay in memory");
            return FollowedLog::new(path).with_rules(rules);
        }
        // Two logs of one name in there do not harm: a log is known by more than its name.
        let mut hash = DefaultHasher::new();
        path.hash(&mut hash);
        let name = format!("{:016x}", hash.finish());
        FollowedLog::with_cache(path, folder.join(name)).with_rules(rules)
    }

    /// How the manifest has figures of a log found: as its entry says, or its run's recipe.
    fn figure_rules(&self, path: &Path) -> Vec<FigureRule> {
        let manifest = self.manifest();
        let places = &self.inner.places;
        let named = manifest.log.values();
        let mut named = named.filter(|log| places.resolve(&log.path) == path);
        if let Some(log) = named.next() {
            return rules_of(&log.figures);
        }
        let is_own = |recipe: &&RecipeEntry| {
            let mut logs = recipe.logs.iter();
            logs.any(|log| places.resolve(log) == path)
        };
        if let Some(recipe) = manifest.recipe.values().find(is_own) {
            return rules_of(&recipe.figures);
        }
        let record = path
            .parent()
            .and_then(|folder| StartRecord::read(folder).ok());
        let recipe = record.and_then(|record| manifest.recipe.get(&record.recipe));
        recipe.map_or_else(Vec::new, |recipe| rules_of(&recipe.figures))
    }

    /// Rules for figures that cannot be used.
    pub(crate) fn unusable_figures(&self) -> Vec<Failure> {
        let manifest = self.manifest();
        let of_logs = manifest.log.values().map(|log| &log.figures);
        let of_recipes = manifest.recipe.values().map(|recipe| &recipe.figures);
        let rules = of_logs.chain(of_recipes).map(rules_of);
        let wrong = rules.filter_map(|rules| FigureRules::new(&rules).err());
        wrong
            .map(|error| Failure::of("settings", FailureKind::Config, &error))
            .collect()
    }

    /// What was read by rules that may be others now is read anew when it is asked for.
    pub(crate) fn forget_logs(&self) {
        let open = std::mem::take(&mut *locked(&self.inner.logs.open));
        drop(open);
    }

    fn last_figures(&self, path: &Path) -> Result<Vec<SeriesView>, semihv_runs::ReadLogError> {
        let size = path.metadata().map_or(0, |metadata| metadata.len());
        if size > READ_FOR_LIST {
            return last_figures(path);
        }
        let log = self.followed(path);
        let mut log = locked(&log);
        log.read_all(&mut |_| true)?;
        Ok(log.series().views())
    }

    /// The last point of each figure of a run's newest log; of a large one those that its end says.
    pub fn last_of_log(&self, run: &str) -> Vec<(String, MetricPoint)> {
        let logs = self.logs_named(run).map(|(_, logs)| logs);
        let newest = logs.unwrap_or_default().pop();
        let figures = newest.and_then(|path| self.last_figures(&path).ok());
        let figures = figures.unwrap_or_default().into_iter();
        figures.map(|series| (series.name, series.last)).collect()
    }

    /// Reads a log to its end now, for a verb. `go_on` hears how far it is.
    pub fn read_log(
        &self,
        run: &str,
        go_on: &mut dyn FnMut(Reading) -> bool,
    ) -> Result<(), Failure> {
        for path in self.logs_named(run)?.1 {
            let log = self.followed(&path);
            let read = locked(&log).read_all(go_on);
            read.map_err(|error| Failure::of("log", FailureKind::Data, &error))?;
        }
        Ok(())
    }

    /// A thread reads on; screens hear of it when there is more than they were told.
    pub(crate) fn read_on(&self, run: &str, path: &Path) {
        let mut wanted = locked(&self.inner.logs.wanted);
        let wish = (run.to_owned(), path.to_owned());
        if let Some(sender) = wanted.as_ref()
            && sender.send(wish.clone()).is_ok()
        {
            return;
        }
        let (sender, receiver) = channel();
        let _ = sender.send(wish);
        let engine = self.clone();
        let spawned = std::thread::Builder::new()
            .name("logs".to_owned())
            .spawn(move || {
                drop_old(&engine.inner.places.figures());
                read_wanted(&engine, &receiver);
            });
        match spawned {
            Ok(_) => *wanted = Some(sender),
            Err(error) => tracing::warn!(%error, "logs are not read"),
        }
    }

    /// A file that is followed grew. One that nobody looks at, and that is too large to be read for
    /// alerts alone, is read when somebody does.
    pub(crate) fn log_grew(&self, run: &str, path: &Path) {
        if self.is_followed(path) || self.is_read_for_alerts(path) {
            self.read_on(run, path);
        } else {
            let run = run.to_owned();
            self.tell(&Event::LogChanged { run });
        }
    }
}

fn read_wanted(engine: &Engine, wanted: &Receiver<(String, PathBuf)>) {
    let mut queue: VecDeque<(String, PathBuf)> = VecDeque::new();
    let mut telling = Telling::default();
    loop {
        if queue.is_empty() {
            let first = match telling.next() {
                None => wanted.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(pause) => wanted.recv_timeout(pause),
            };
            match first {
                Ok(wish) => queue.push_back(wish),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        for wish in wanted.try_iter() {
            if !queue.contains(&wish) {
                queue.push_back(wish);
            }
        }
        if let Some((run, path)) = queue.pop_front() {
            let log = engine.followed(&path);
            let (reading, is_news) = read_part(&mut locked(&log));
            engine.want_alerts_of_log(&run, &path);
            if is_news {
                telling.owed.insert(run.clone());
            }
            if reading.is_behind() {
                queue.push_back((run, path));
                // Who waits for the log comes first: a lock that is taken again at once is never theirs.
                std::thread::sleep(LEFT_TO_OTHERS);
            }
        }
        for run in telling.due() {
            engine.tell(&Event::LogChanged { run });
        }
    }
}

/// How far it is, and whether there is something to say: that it cannot be read is said once.
fn read_part(log: &mut FollowedLog) -> (Reading, bool) {
    let had_trouble = log.trouble().is_some();
    match log.advance(PART) {
        Ok(reading) => (reading, reading.is_news || had_trouble),
        Err(_) => (Reading::default(), !had_trouble),
    }
}

/// What grew is told at once, and what grows all the time no more often than it can be seen.
#[derive(Default)]
struct Telling {
    told: BTreeMap<String, Instant>,
    owed: BTreeSet<String>,
}

impl Telling {
    fn pause(&self, run: &str) -> Duration {
        let told = self.told.get(run);
        told.map_or(Duration::ZERO, |told| NEWS.saturating_sub(told.elapsed()))
    }

    /// Until the next run is to be told of; none where nothing is owed.
    fn next(&self) -> Option<Duration> {
        self.owed.iter().map(|run| self.pause(run)).min()
    }

    fn due(&mut self) -> Vec<String> {
        let is_due = |run: &&String| self.pause(run).is_zero();
        let due: Vec<String> = self.owed.iter().filter(is_due).cloned().collect();
        for run in &due {
            self.owed.remove(run);
            self.told.insert(run.clone(), Instant::now());
        }
        due
    }
}

fn drop_old(folder: &Path) {
    let Ok(files) = folder.read_dir() else { return };
    for file in files.flatten() {
        let age = file.metadata().and_then(|it| it.modified());
        let age = age.ok().and_then(|it| it.elapsed().ok());
        if age.is_some_and(|age| age > KEPT_FOR) {
            let _ = std::fs::remove_file(file.path());
        }
    }
}

#[cfg(test)]
mod tests;
