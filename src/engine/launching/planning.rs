//! What a recipe would start: everything is known before anything happens.

use std::collections::BTreeMap;
use std::path::PathBuf;

use semihv_domain::{Failure, FailureKind};
use semihv_runs::{After, FillError, StartRecord, fill, fill_word, parameters, plain, values};
use semihv_workspace::{JobEntry, RecipeEntry};
use xxhash_rust::xxh3::xxh3_128;

use super::{LaunchSpec, Planned};
use crate::Engine;
use crate::code::Code;
use crate::failures::OrFail;

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
        let host = recipe.host.clone().filter(|host| host != "local");
        let known = parameters(&recipe.parameters).or_fail("run")?;
        let parameters = values(&known, &spec.given).or_fail("run")?;
        let asked_at = jiff::Timestamp::now().as_millisecond();
        let run = run_name(&spec.recipe, asked_at);
        // A parameter of that name is the recipe's own.
        let mut named = parameters.clone();
        named
            .entry("run".to_owned())
            .or_insert_with(|| toml::Value::String(run.clone()));
        let Filled {
            command,
            sets,
            checkpoints,
        } = filled(recipe, &named).or_fail("run")?;
        let folder = self.folder_of(recipe, host.as_deref())?;
        let job = self.job_of(recipe, host.as_deref())?;
        let seed = seed_of(recipe, &parameters)?;
        // Not the run's name, which is another one every time.
        let hashed =
            serde_json::json!([recipe.command, folder, recipe.sets, parameters]).to_string();
        let code = if host.is_none() {
            Code::read(&folder, &self.inner.places.runs())
        } else {
            None
        };
        let record = StartRecord {
            run,
            attempt: 1,
            recipe: spec.recipe.clone(),
            host,
            command,
            folder,
            asked_at,
            by: self.settings().author.value,
            config_hash: format!("{:032x}", xxh3_128(hashed.as_bytes())),
            seed,
            inherits: recipe.inherits.clone(),
            logs: recipe
                .logs
                .iter()
                .map(|log| self.inner.places.resolve(log))
                .collect(),
            checkpoints,
            resume: recipe.resume.clone(),
            resumed_words: None,
            not_before: None,
            retries: recipe.retries,
            after: self.after(spec, recipe.host.as_deref())?,
            parameters,
            sets,
            git: code.as_ref().map(|code| code.state.clone()),
            job,
        };
        let warnings = self.warnings(&record)?;
        Ok(Planned {
            record,
            warnings,
            code,
            checks: recipe.checks.clone(),
        })
    }

    /// On another machine the workspace's folder means nothing: the host says where it works.
    fn folder_of(&self, recipe: &RecipeEntry, host: Option<&str>) -> Result<PathBuf, Failure> {
        let start = match host {
            Some(host) => {
                let entry = self.host_entry(host)?;
                // A cluster whose login node this is.
                if entry.is_here() && entry.folder.as_os_str().is_empty() {
                    self.inner.places.root().to_owned()
                } else {
                    entry.folder
                }
            }
            None => self.inner.places.root().to_owned(),
        };
        // Joining nothing would add a slash.
        let wanted = recipe.folder.as_ref();
        let folder = wanted.map_or_else(|| start.clone(), |wanted| start.join(wanted));
        if host.is_none() && !folder.is_dir() {
            let summary = format!("there is no folder {}", folder.display());
            return Err(Failure::new("run", FailureKind::User, summary));
        }
        Ok(folder)
    }

    /// What a scheduler is asked for, where the host has one.
    fn job_of(
        &self,
        recipe: &RecipeEntry,
        host: Option<&str>,
    ) -> Result<Option<JobEntry>, Failure> {
        let entry = host.map(|host| self.host_entry(host)).transpose()?;
        let Some(entry) = entry.filter(|entry| entry.scheduler.is_some()) else {
            if recipe.job.is_none() {
                return Ok(None);
            }
            let host = host.unwrap_or("this machine");
            let summary = format!("the recipe asks for a job, and {host} has no scheduler");
            return Err(Failure::new("run", FailureKind::User, summary).with_hint(
                "give the recipe a `host` whose [host.NAME] says scheduler = \"slurm\"",
            ));
        };
        let job = recipe.job.clone().unwrap_or_default().over(entry.job);
        job.check().or_fail("run")?;
        Ok(Some(job))
    }

    /// By their whole names; a supervisor sees only the runs of its own machine.
    fn after(&self, spec: &LaunchSpec, host: Option<&str>) -> Result<Vec<After>, Failure> {
        let host = host.filter(|host| *host != "local");
        let all = spec.after.iter().map(|after| {
            let run = self.find_run(&after.run)?;
            if self.host_of(&run)?.as_deref() != host {
                let summary =
                    format!("{run} is on another machine, where nobody here can wait for it");
                return Err(Failure::new("run", FailureKind::User, summary));
            }
            let must_succeed = after.must_succeed;
            Ok(After { run, must_succeed })
        });
        all.collect()
    }

    fn warnings(&self, record: &StartRecord) -> Result<Vec<String>, Failure> {
        let mut warnings = Vec::new();
        let same = |other: &StartRecord| {
            other.config_hash == record.config_hash && other.git == record.git
        };
        let is_clean = record.git.as_ref().is_some_and(|git| !git.is_dirty);
        let runs = self.local_runs();
        for name in runs.names()?.iter().rev().filter(|_| is_clean) {
            let before = runs.newest_attempt(name).ok().flatten();
            let before = before.and_then(|attempt| StartRecord::read(&attempt).ok());
            if before.as_ref().is_some_and(same) {
                warnings.push(format!("the same command on the same commit ran as {name}"));
                break;
            }
        }
        match &record.git {
            None if record.host.is_some() => {}
            None => warnings.push(
                "the folder is in no git repository: which code ran is not recorded".to_owned(),
            ),
            Some(git) if git.is_dirty => warnings.push(
                "there are changes that are not committed: they are kept beside the run".to_owned(),
            ),
            Some(_) => {}
        }
        let not_kept = record.git.as_ref().map_or(0, |git| git.not_kept);
        if not_kept > 0 {
            warnings.push(format!(
                "{not_kept} files that git does not know are not kept beside the run: too large, too many or links"
            ));
        }
        Ok(warnings)
    }
}

/// What of a recipe has parameters in it.
struct Filled {
    command: Vec<String>,
    sets: BTreeMap<String, String>,
    checkpoints: Option<String>,
}

fn filled(
    recipe: &RecipeEntry,
    named: &BTreeMap<String, toml::Value>,
) -> Result<Filled, FillError> {
    let one = |word: &String| fill_word(word, named);
    let sets = recipe.sets.iter();
    let sets = sets.map(|(name, value)| Ok((name.clone(), one(value)?)));
    Ok(Filled {
        command: fill(&recipe.command, named)?,
        sets: sets.collect::<Result<_, FillError>>()?,
        checkpoints: recipe.checkpoints.as_ref().map(one).transpose()?,
    })
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

fn seed_of(
    recipe: &RecipeEntry,
    values: &BTreeMap<String, toml::Value>,
) -> Result<Option<i64>, Failure> {
    let Some(name) = &recipe.seed else {
        return Ok(None);
    };
    let value = values.get(name).ok_or_else(|| {
        let summary = format!("the seed is to be {name}, and the recipe has no such parameter");
        Failure::new("run", FailureKind::User, summary)
    })?;
    Ok(value.as_integer().or_else(|| plain(value).parse().ok()))
}
