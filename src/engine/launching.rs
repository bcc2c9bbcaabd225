//! Runs of recipes: written down, started, listed, cancelled and resumed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use semihv_domain::{Failure, FailureKind};
use semihv_runs::{
    Attempt, AttemptState, BeginError, DetachError, Ending, FillError, LookError, StartRecord,
    Wish, begin, detach, ending, fill, look, parameters, plain, values, wish,
};
use semihv_workspace::RecipeEntry;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use crate::code::{self, Code};
use crate::engine::locked;
use crate::failures::{Blame, OrFail};
use crate::{Changed, Edit, Engine, Event, Reply};

/// How long a run may take to end by itself when it is cancelled.
pub const GRACE_SECONDS: u32 = 10;
/// Of what a check that failed said.
const SAID: usize = 500;
/// Of the end of a log, to say why it ended.
const ENDING_LINES: usize = 1_000;

/// A recipe and what of its parameters is given, as `NAME=VALUE`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaunchSpec {
    pub recipe: String,
    pub given: Vec<String>,
}

/// A recipe as it is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeView {
    pub name: String,
    pub description: Option<String>,
    /// `NAME=VALUE` of all its parameters: as they were last, else its defaults.
    pub values: Vec<String>,
    /// Set when the manifest's entry cannot be used.
    pub trouble: Option<String>,
}

/// Runs, newest first, and what can be launched.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Launched {
    pub runs: Vec<RunView>,
    pub recipes: Vec<RecipeView>,
}

/// What would be started.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub record: StartRecord,
    /// What a person should know before.
    pub warnings: Vec<String>,
    code: Option<Code>,
    checks: Vec<Vec<String>>,
}

/// A run by its newest attempt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunView {
    pub run: String,
    pub attempt: u32,
    pub recipe: String,
    #[serde(flatten)]
    pub state: AttemptState,
    pub command: Vec<String>,
    /// Milliseconds since 1970.
    pub asked_at: i64,
    pub started_at: Option<i64>,
    pub ended_at: Option<i64>,
    /// Between start and end, by the clock that nobody sets.
    pub took_ms: Option<i64>,
    pub by: String,
    pub log: PathBuf,
    pub folder: PathBuf,
    /// Why it ended so, where its log says that.
    pub ending: Option<Ending>,
    /// What of its records cannot be read.
    pub trouble: Option<String>,
}

/// Endings of attempts that are over, by their folders: they do not change any more.
pub(crate) type KeptEndings = HashMap<PathBuf, Option<Ending>>;

impl RunView {
    /// `failed (1): out of GPU memory on GPU 0`.
    pub fn said(&self) -> String {
        let said = self.state.said();
        match &self.ending {
            Some(ending) => format!("{said}: {}", ending.cause.said()),
            None => said,
        }
    }
}

impl Engine {
    pub fn plan_run(&self, spec: &LaunchSpec) -> Result<Planned, Failure> {
        let manifest = self.manifest();
        let recipe = manifest.recipe.get(&spec.recipe).ok_or_else(|| {
            let known: Vec<&str> = manifest.recipe.keys().map(String::as_str).collect();
            let summary = format!("there is no recipe {:?}", spec.recipe);
            let hint = if known.is_empty() {
                "add a [recipe.NAME] with its command to semihv.toml".to_owned()
            } else {
                format!("semihv.toml has {}", known.join(", "))
            };
            Failure::new("run", FailureKind::User, summary).with_hint(hint)
        })?;
        self.planned(recipe, spec)
    }

    fn planned(&self, recipe: &RecipeEntry, spec: &LaunchSpec) -> Result<Planned, Failure> {
        if let Some(host) = recipe.host.as_deref().filter(|host| *host != "local") {
            let summary = format!("the recipe runs on {host}; only this machine is there yet");
            return Err(Failure::new("run", FailureKind::User, summary)
                .with_hint("start semihv there, or take `host` out of the recipe"));
        }
        let known = parameters(&recipe.parameters).or_fail("run")?;
        let parameters = values(&known, &spec.given).or_fail("run")?;
        let command = fill(&recipe.command, &parameters).or_fail("run")?;
        let mut sets = recipe.sets.clone();
        for value in sets.values_mut() {
            let filled = fill(&["_".to_owned(), value.clone()], &parameters).or_fail("run")?;
            *value = filled.into_iter().nth(1).unwrap_or_default();
        }
        let places = &self.inner.places;
        let folder = match &recipe.folder {
            Some(folder) => places.resolve(folder),
            None => places.root().to_owned(),
        };
        let seed = recipe.seed.as_ref().and_then(|name| parameters.get(name));
        let asked_at = jiff::Timestamp::now().as_millisecond();
        let hashed = serde_json::json!([command, folder, sets, parameters]).to_string();
        let code = Code::read(&folder);
        let record = StartRecord {
            run: run_name(&spec.recipe, asked_at),
            attempt: 1,
            recipe: spec.recipe.clone(),
            command,
            folder,
            asked_at,
            by: self.settings().author.value,
            config_hash: format!("{:032x}", xxh3_128(hashed.as_bytes())),
            seed: seed.and_then(toml_integer),
            inherits: recipe.inherits.clone(),
            logs: recipe.logs.iter().map(|log| places.resolve(log)).collect(),
            checkpoints: recipe.checkpoints.clone(),
            resume: recipe.resume.clone(),
            resumed_words: None,
            parameters,
            sets,
            git: code.as_ref().map(|code| code.state.clone()),
        };
        let warnings = self.warnings(&record)?;
        Ok(Planned {
            record,
            warnings,
            code,
            checks: recipe.checks.clone(),
        })
    }

    fn warnings(&self, record: &StartRecord) -> Result<Vec<String>, Failure> {
        let mut warnings = Vec::new();
        let same = |other: &StartRecord| {
            other.config_hash == record.config_hash && other.git == record.git
        };
        let is_clean = record.git.as_ref().is_some_and(|git| !git.is_dirty);
        for name in self.run_names()?.iter().rev().filter(|_| is_clean) {
            let before = self.newest_attempt(name).ok().flatten();
            let before = before.and_then(|attempt| StartRecord::read(&attempt).ok());
            if before.as_ref().is_some_and(same) {
                warnings.push(format!("the same command on the same commit ran as {name}"));
                break;
            }
        }
        match &record.git {
            None => warnings.push(
                "the folder is in no git repository: which code ran is not recorded".to_owned(),
            ),
            Some(git) if git.is_dirty => warnings.push(
                "there are changes that are not committed: they are kept beside the run".to_owned(),
            ),
            Some(_) => {}
        }
        Ok(warnings)
    }

    /// Started, or known not to start, when it returns; both are on disk by then.
    pub fn launch(&self, planned: &Planned) -> Result<RunView, Failure> {
        self.refuse_when_read_only("run")?;
        for check in &planned.checks {
            passes(check, &planned.record.folder)?;
        }
        let runs = self.inner.places.runs();
        let attempt = begin(&runs, &planned.record).or_fail("run")?;
        if let Some(code) = &planned.code {
            code.keep(&planned.record.folder, &attempt)
                .map_err(|error| {
                    Failure::of("run", FailureKind::Config, &error)
                        .with_hint("the code could not be kept beside the run; is the disk full?")
                })?;
        }
        started(&planned.record.run, &attempt)
    }

    /// Runs of this workspace, oldest first; one that cannot be read says so in its place.
    pub fn launched_runs(&self) -> Result<Vec<RunView>, Failure> {
        let mut views = Vec::new();
        for run in self.run_names()? {
            let Some(attempt) = self.newest_attempt(&run)? else {
                continue;
            };
            let looked = view(&run, &attempt);
            let looked = looked.unwrap_or_else(|error| unreadable(&run, &attempt, &error));
            views.push(self.with_ending(looked));
        }
        Ok(views)
    }

    /// The one run whose name holds these letters.
    pub fn find_run(&self, part: &str) -> Result<String, Failure> {
        let names = self.run_names()?;
        if names.iter().any(|name| name == part) {
            return Ok(part.to_owned());
        }
        let found: Vec<&String> = names.iter().filter(|name| name.contains(part)).collect();
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(Failure::new(
                "runs",
                FailureKind::User,
                format!("there is no run {part:?}"),
            )
            .with_hint("`semihv runs` lists them")),
            many => {
                let many: Vec<&str> = many.iter().map(|name| name.as_str()).collect();
                let summary = format!("{part:?} may be {}", many.join(", "));
                Err(Failure::new("runs", FailureKind::User, summary)
                    .with_hint("give more of its name"))
            }
        }
    }

    /// Asks the run to end; it may take the grace, and is looked at again for that.
    pub fn cancel_run(&self, run: &str, grace_seconds: u32) -> Result<RunView, Failure> {
        self.refuse_when_read_only("cancel")?;
        let attempt = self.attempt_of(run)?;
        let before = view(run, &attempt).or_fail("cancel")?;
        if before.state.is_over() {
            let summary = format!("{run} is not running: {}", before.state.said());
            return Err(Failure::new("cancel", FailureKind::User, summary));
        }
        if before.state == AttemptState::RunningUnsupervised {
            let summary = format!("nobody stays with {run} any more who could end it");
            return Err(Failure::new("cancel", FailureKind::User, summary)
                .with_hint("end its process yourself; its start is in events.jsonl"));
        }
        let cancel = Wish::Cancel {
            by: self.settings().author.value,
            grace_seconds,
        };
        wish(&attempt, &cancel)
            .map_err(|error| Failure::of("cancel", FailureKind::Config, &error))?;
        view(run, &attempt).or_fail("cancel")
    }

    /// The next attempt of a run that is over, from its latest checkpoint where it has some.
    pub fn resume_run(&self, run: &str) -> Result<RunView, Failure> {
        self.refuse_when_read_only("resume")?;
        let before = look(&self.attempt_of(run)?).or_fail("resume")?;
        if !before.state.is_over() {
            let summary = format!("{run} is {}", before.state.said());
            return Err(Failure::new("resume", FailureKind::User, summary)
                .with_hint("cancel it first, or wait for its end"));
        }
        let record = resumed(before).or_fail("resume")?;
        let attempt = begin(&self.inner.places.runs(), &record).or_fail("resume")?;
        started(run, &attempt)
    }

    /// The run's newest attempt as it stands.
    pub fn run_view(&self, run: &str) -> Result<RunView, Failure> {
        let view = view(run, &self.attempt_of(run)?).or_fail("runs")?;
        Ok(self.with_ending(view))
    }

    fn with_ending(&self, view: RunView) -> RunView {
        let is_worth_it = view.state.is_over() && view.state != AttemptState::Succeeded;
        if !is_worth_it {
            return view;
        }
        let mut endings = locked(&self.inner.endings);
        let known = endings.entry(view.folder.clone());
        let ending = known.or_insert_with(|| {
            let end = semihv_runs::tail(&view.log, ENDING_LINES).ok()?;
            ending(end.lines.iter().map(String::as_str))
        });
        let ending = ending.clone();
        RunView { ending, ..view }
    }

    fn attempt_of(&self, run: &str) -> Result<PathBuf, Failure> {
        self.newest_attempt(run)?.ok_or_else(|| {
            Failure::new(
                "runs",
                FailureKind::User,
                format!("there is no run {run:?}"),
            )
            .with_hint("`semihv runs` lists them")
        })
    }

    pub(crate) fn run_names(&self) -> Result<Vec<String>, Failure> {
        semihv_runs::runs(&self.inner.places.runs())
            .map_err(|error| Failure::of("runs", FailureKind::Config, &error))
    }

    pub(crate) fn newest_attempt(&self, run: &str) -> Result<Option<PathBuf>, Failure> {
        let attempts = semihv_runs::attempts(&self.inner.places.runs().join(run))
            .map_err(|error| Failure::of("runs", FailureKind::Config, &error))?;
        Ok(attempts.into_iter().last().map(|(_, folder)| folder))
    }
}

pub(crate) fn launched(engine: &Engine) -> Result<Launched, Failure> {
    let mut runs = engine.launched_runs()?;
    runs.reverse();
    let recipes = engine.manifest().recipe.into_iter();
    let recipes = recipes.map(|(name, recipe)| {
        let last = runs.iter().find(|run| run.recipe == name);
        let last = last.and_then(|run| StartRecord::read(&run.folder).ok());
        let (values, trouble) = match offered(&recipe, last.as_ref()) {
            Ok(values) => (values, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        RecipeView {
            name,
            description: recipe.description,
            values,
            trouble,
        }
    });
    Ok(Launched {
        recipes: recipes.collect(),
        runs,
    })
}

/// Values that the recipe no longer takes are its defaults again.
fn offered(recipe: &RecipeEntry, last: Option<&StartRecord>) -> Result<Vec<String>, FillError> {
    let known = parameters(&recipe.parameters)?;
    let offered = known.iter().map(|parameter| {
        let before = last.and_then(|last| last.parameters.get(&parameter.name));
        let before = before.map(plain).filter(|it| parameter.parse(it).is_ok());
        let value = before.unwrap_or_else(|| plain(&parameter.default));
        format!("{}={value}", parameter.name)
    });
    Ok(offered.collect())
}

pub(crate) fn plan(engine: &Engine, spec: &LaunchSpec) -> Result<Reply, Failure> {
    let planned = engine.plan_run(spec)?;
    Ok(Reply::PlannedRun {
        command: shell_words(&planned.record.command),
        warnings: planned.warnings,
    })
}

/// False where the edit is none of a run.
pub(crate) fn edited(engine: &Engine, edit: &Edit) -> Result<bool, Failure> {
    let view = match edit {
        Edit::Launch(spec) => engine.launch(&engine.plan_run(spec)?)?,
        Edit::CancelRun { run } => engine.cancel_run(run, GRACE_SECONDS)?,
        Edit::ResumeRun { run } => engine.resume_run(run)?,
        _ => return Ok(false),
    };
    if let AttemptState::StartFailed { why } = &view.state {
        engine.tell(&Event::Changed(Changed::Runs));
        let summary = format!("{} did not start: {why}", view.run);
        return Err(Failure::new("run", FailureKind::User, summary));
    }
    Ok(true)
}

/// As a shell would take them.
pub fn shell_words(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_./=:,@%+".contains(it);
        if !word.is_empty() && word.chars().all(is_plain) {
            return word.clone();
        }
        format!("'{}'", word.replace('\'', "'\\''"))
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn started(run: &str, attempt: &Path) -> Result<RunView, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::of("run", FailureKind::Internal, &error))?;
    detach(&program, attempt).or_fail("run")?;
    view(run, attempt).or_fail("run")
}

/// The command of the first attempt with the words for resuming behind it.
fn resumed(before: Attempt) -> Result<StartRecord, FillError> {
    let mut record = before.record;
    let checkpoint = record
        .checkpoints
        .as_ref()
        .and_then(|pattern| code::latest(&record.folder, pattern));
    if let Some(checkpoint) = checkpoint.filter(|_| !record.resume.is_empty()) {
        let mut values = record.parameters.clone();
        let checkpoint = checkpoint.to_string_lossy().into_owned();
        values.insert("checkpoint".to_owned(), toml::Value::String(checkpoint));
        let words = fill(&record.resume, &values)?;
        if let Some(before) = record.resumed_words {
            record.command.truncate(record.command.len() - before);
        }
        record.resumed_words = Some(words.len());
        record.command.extend(words);
    }
    record.attempt += 1;
    record.asked_at = jiff::Timestamp::now().as_millisecond();
    Ok(record)
}

/// `20261127-140155-tune-3f9a`: sorted by time, read by people, never made twice.
fn run_name(recipe: &str, asked_at: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(asked_at).unwrap_or_default();
    let at = at.to_zoned(jiff::tz::TimeZone::UTC);
    let plain: String = recipe
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() { it } else { '-' })
        .collect();
    let told_apart = format!("{asked_at} {} {plain}", std::process::id());
    let letters = xxh3_128(told_apart.as_bytes()) & 0xffff;
    format!("{}-{plain}-{letters:04x}", at.strftime("%Y%m%d-%H%M%S"))
}

fn toml_integer(value: &toml::Value) -> Option<i64> {
    value.as_integer().or_else(|| plain(value).parse().ok())
}

/// A command that must succeed before the start.
fn passes(check: &[String], folder: &Path) -> Result<(), Failure> {
    let failed = |why: String| {
        let summary = format!("the check `{}` failed: {why}", check.join(" "));
        Err(Failure::new("run", FailureKind::User, summary)
            .with_hint("nothing was started; mend that, or take the check out of the recipe"))
    };
    let [program, arguments @ ..] = check else {
        return Ok(());
    };
    let ran = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    match ran {
        Ok(ran) if ran.status.success() => Ok(()),
        Ok(ran) => {
            let said = if ran.stderr.is_empty() {
                ran.stdout
            } else {
                ran.stderr
            };
            let end = said
                .get(said.len().saturating_sub(SAID)..)
                .unwrap_or_default();
            let said = String::from_utf8_lossy(end);
            let last = said.lines().rev().find(|line| !line.trim().is_empty());
            failed(format!("{} {}", ran.status, last.unwrap_or_default()))
        }
        Err(error) => failed(error.to_string()),
    }
}

fn view(run: &str, attempt: &Path) -> Result<RunView, LookError> {
    let looked = look(attempt)?;
    let took = looked.started.zip(looked.ended);
    let trouble = match looked.skipped {
        0 => None,
        count => Some(format!("{count} lines of its journal are damaged")),
    };
    Ok(RunView {
        run: run.to_owned(),
        attempt: looked.record.attempt,
        recipe: looked.record.recipe,
        state: looked.state,
        command: looked.record.command,
        asked_at: looked.record.asked_at,
        started_at: looked.started.map(|at| at.wall_ms),
        ended_at: looked.ended.map(|at| at.wall_ms),
        took_ms: took.map(|(started, ended)| ended.boot_ms - started.boot_ms),
        by: looked.record.by,
        log: looked.log,
        folder: looked.folder,
        ending: None,
        trouble,
    })
}

fn unreadable(run: &str, attempt: &Path, error: &LookError) -> RunView {
    RunView {
        run: run.to_owned(),
        attempt: 0,
        recipe: String::new(),
        state: AttemptState::Lost,
        command: Vec::new(),
        asked_at: 0,
        started_at: None,
        ended_at: None,
        took_ms: None,
        by: String::new(),
        log: attempt.join("log"),
        folder: attempt.to_owned(),
        ending: None,
        trouble: Some(error.to_string()),
    }
}

impl Blame for FillError {
    fn blame(&self) -> FailureKind {
        FailureKind::User
    }
}

impl Blame for BeginError {
    fn blame(&self) -> FailureKind {
        match self {
            Self::Begun { .. } => FailureKind::User,
            Self::Io { .. } => FailureKind::Config,
        }
    }
}

impl Blame for LookError {
    fn blame(&self) -> FailureKind {
        FailureKind::Data
    }
}

impl Blame for DetachError {
    fn blame(&self) -> FailureKind {
        FailureKind::Config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        let words = ["sh", "-c", "echo 'a b' > x", "", "--lr=1e-5"].map(str::to_owned);
        let expected = r"sh -c 'echo '\''a b'\'' > x' '' --lr=1e-5";
        assert_eq!(shell_words(&words), expected);
    }
}
