//! Runs of recipes: planned, started here or on a host, listed, cancelled and resumed.

mod agent;
mod channel;
mod gpus;
mod hosts;
mod jobs;
mod local;
mod planning;
mod view;

use std::path::PathBuf;

use semihv_domain::{Failure, FailureKind};
use semihv_runs::{After, AttemptState, FillError, StartRecord, parameters, plain};
use semihv_workspace::RecipeEntry;

use crate::code::Code;
use crate::engine::locked;
use crate::{Changed, Edit, Engine, Event, Reply};

pub use agent::agent;
pub use gpus::HostGpus;
pub(crate) use gpus::KeptGpus;
pub(crate) use hosts::KeptHosts;
pub use hosts::{HostView, Seen as SeenHosts};
pub(crate) use local::LocalRuns;
pub(crate) use view::KeptEndings;
pub use view::{RunView, shell_words};

/// How long a run may take to end by itself when it is cancelled.
pub const GRACE_SECONDS: u32 = 10;

/// Of runs whose names hold what was given.
const MOST_NAMED: usize = 5;

/// A recipe and what of its parameters is given, as `NAME=VALUE`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaunchSpec {
    pub recipe: String,
    pub given: Vec<String>,
    /// Runs that must be over before.
    pub after: Vec<After>,
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

impl Engine {
    pub(crate) fn local_runs(&self) -> LocalRuns {
        LocalRuns::new(self.inner.places.runs())
    }

    /// Started, or known not to start, when it returns; both are on disk by then.
    pub fn launch(&self, planned: &Planned) -> Result<RunView, Failure> {
        self.refuse_when_read_only("run")?;
        if planned.record.host.is_some() {
            return self.launch_there(planned);
        }
        let code = planned.code.as_ref();
        self.local_runs()
            .launch(&planned.record, code, &planned.checks)
    }

    /// Runs of this workspace, oldest first, as they are known here; one that cannot be read says so
    /// in its place.
    pub fn launched_runs(&self) -> Result<Vec<RunView>, Failure> {
        let runs = self.local_runs();
        let mut views = Vec::new();
        for run in runs.names()? {
            let Some(attempt) = runs.newest_attempt(&run)? else {
                continue;
            };
            let view = hosts::viewed(&run, &attempt);
            let view =
                view.unwrap_or_else(|failure| RunView::unreadable(&run, &attempt, failure.summary));
            views.push(self.with_ending(view));
        }
        Ok(views)
    }

    /// The one run whose name holds these letters.
    pub fn find_run(&self, part: &str) -> Result<String, Failure> {
        let names = self.local_runs().names()?;
        if names.iter().any(|name| name == part) {
            return Ok(part.to_owned());
        }
        let found: Vec<&String> = names.iter().filter(|name| name.contains(part)).collect();
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => {
                let summary = format!("there is no run {part:?}");
                Err(Failure::new("runs", FailureKind::User, summary)
                    .with_hint("`semihv runs` lists them"))
            }
            many => {
                let newest = many.iter().rev().take(MOST_NAMED);
                let newest: Vec<&str> = newest.map(|name| name.as_str()).collect();
                let more = match many.len().saturating_sub(MOST_NAMED) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let summary = format!("{part:?} may be {}{more}", newest.join(", "));
                Err(Failure::new("runs", FailureKind::User, summary)
                    .with_hint("give more of its name"))
            }
        }
    }

    /// Asks the run to end; it may take the grace, and is looked at again for that.
    pub fn cancel_run(&self, run: &str, grace_seconds: u32) -> Result<RunView, Failure> {
        self.refuse_when_read_only("cancel")?;
        let by = self.settings().author.value;
        match self.host_of(run)? {
            Some(host) => self.cancel_there(&host, run, (&by, grace_seconds)),
            None => self.local_runs().cancel(run, &by, grace_seconds),
        }
    }

    /// The next attempt of a run that is over, from its latest checkpoint where it has some.
    pub fn resume_run(&self, run: &str) -> Result<RunView, Failure> {
        self.refuse_when_read_only("resume")?;
        match self.host_of(run)? {
            Some(host) => self.resume_there(&host, run),
            None => self.local_runs().resume(run),
        }
    }

    /// The run's newest attempt as it is known here.
    pub fn run_view(&self, run: &str) -> Result<RunView, Failure> {
        let attempt = self.local_runs().attempt_of(run)?;
        let view = hosts::viewed(run, &attempt)?;
        Ok(self.with_ending(view))
    }

    fn with_ending(&self, view: RunView) -> RunView {
        view.with_ending(&mut locked(&self.inner.endings))
    }

    /// Names and logs of the newest few: whoever looks for an older one names it.
    pub(crate) fn logs_of_runs(&self, most: usize) -> Vec<(String, PathBuf)> {
        let runs = self.local_runs();
        let names = runs
            .names()
            .unwrap_or_default()
            .into_iter()
            .rev()
            .take(most);
        let logs = names.filter_map(|run| {
            let attempt = runs.newest_attempt(&run).ok().flatten()?;
            Some((run, attempt.join("log")))
        });
        logs.collect()
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
    engine.follow_hosts();
    if let AttemptState::StartFailed { why } = &view.state {
        engine.tell(&Event::Changed(Changed::Runs));
        let summary = format!("{} did not start: {why}", view.run);
        return Err(Failure::new("run", FailureKind::User, summary));
    }
    Ok(true)
}
