//! Runs on hosts, as they are known here: the folder of such a run holds what its agent said last and
//! a copy of its log, so that nothing here waits for a link.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use semihv_domain::{Failure, FailureKind};
use semihv_runs::{AttemptState, BeginError, StartRecord, begin, tasks};
use semihv_workspace::{HostEntry, Scheduler, UserFile, read_toml, write_atomically};
use serde::{Deserialize, Serialize};

use super::Planned;
use super::agent::{AgentAsk, MOST_BYTES, Part};
use super::channel::{Channel, Reach};
use super::view::RunView;
use crate::engine::locked;
use crate::failures::OrFail;
use crate::{Changed, Engine, Event};

/// What the agent said last.
const LAST: &str = "last.json";
/// A launch is answered, or given up, within this time.
const IN_FLIGHT_MS: i64 = 10 * 60 * 1_000;
/// How often a host is asked by a workbench, and one that is silent.
const LOOK: Duration = Duration::from_secs(1);
const LOOK_AT_SILENT: Duration = Duration::from_secs(10);
/// What was seen so short a time ago is seen now.
const FRESH_MS: i64 = 10_000;
/// More of a log is fetched by the next look.
const PARTS: usize = 64;

/// Channels by the host's name; each is asked by one at a time.
#[derive(Debug, Default)]
pub(crate) struct KeptHosts(BTreeMap<String, Arc<Mutex<Option<Channel>>>>);

/// A host of the user's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostView {
    pub name: String,
    pub command: Vec<String>,
    /// `slurm`; none: semihv itself starts commands there.
    pub scheduler: Option<Scheduler>,
    /// Runs of this workspace that may be alive there.
    pub live: usize,
    /// What its agent calls the machine, and its version; none where it cannot be asked.
    pub there: Option<String>,
    pub version: Option<String>,
    pub trouble: Option<String>,
}

/// What a look at the hosts changed here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Some run is another than before, or its host is silent.
    pub has_moved: bool,
    /// Runs of which more was fetched.
    pub logs: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Last {
    view: RunView,
    /// Milliseconds since 1970.
    seen_at: i64,
    /// Why it could not be asked since.
    silent: Option<String>,
    /// All of the log is here.
    is_whole: bool,
}

impl Last {
    fn read(attempt: &Path) -> Option<Self> {
        let bytes = fs::read(attempt.join(LAST)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    fn write(&self, attempt: &Path) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        write_atomically(&attempt.join(LAST), &bytes)
            .map_err(|error| Failure::of("host", FailureKind::Config, &error))
    }

    /// What it said of its own folders means nothing here.
    fn view(&self, attempt: &Path, host: &str) -> RunView {
        let mut view = RunView {
            host: Some(host.to_owned()),
            log: attempt.join("log"),
            folder: attempt.to_owned(),
            ..self.view.clone()
        };
        if let Some(why) = self.silent.as_ref().filter(|_| view.state.may_be_alive()) {
            let seconds = (now() - self.seen_at) / 1_000;
            view.trouble = Some(format!(
                "last seen {seconds} s ago, {}: {why}",
                view.state.said()
            ));
            view.state = AttemptState::Unreachable;
        }
        view
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl Engine {
    /// Of the user's own settings.
    pub(super) fn host_entry(&self, name: &str) -> Result<HostEntry, Failure> {
        let mut hosts = self.host_entries()?;
        hosts.remove(name).ok_or_else(|| {
            let summary = format!("there is no host {name:?}");
            let file = self.inner.options.user.settings();
            Failure::new("host", FailureKind::User, summary).with_hint(format!(
                "add [host.{name}] to {}; a workspace may not name machines",
                file.display()
            ))
        })
    }

    fn host_entries(&self) -> Result<BTreeMap<String, HostEntry>, Failure> {
        let file: UserFile = match read_toml(&self.inner.options.user.settings()) {
            Err(error) if error.is_missing() => UserFile::default(),
            read => read.or_fail("host")?,
        };
        Ok(file.host)
    }

    pub(super) fn host_names(&self) -> Result<Vec<String>, Failure> {
        Ok(self.host_entries()?.into_keys().collect())
    }

    /// None: this machine.
    pub(super) fn host_of(&self, run: &str) -> Result<Option<String>, Failure> {
        let attempt = self.local_runs().attempt_of(run)?;
        let record = StartRecord::read(&attempt);
        Ok(record.ok().and_then(|record| record.host))
    }

    /// Asks the agent of a host, connecting where there is no channel; a channel that failed is
    /// not used again, and what may be asked twice is asked once more over a new one.
    pub(super) fn ask_host<T>(
        &self,
        host: &str,
        ask: impl Fn(&mut Channel) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut was_open = false;
        match self.ask_host_once(host, &ask, &mut was_open) {
            // The link broke since it was used last: it may be there again.
            Err(failure) if was_open && failure.kind == FailureKind::Network => {
                self.ask_host_once(host, &ask, &mut was_open)
            }
            answer => answer,
        }
    }

    fn ask_host_once<T>(
        &self,
        host: &str,
        ask: impl Fn(&mut Channel) -> Result<T, Failure>,
        was_open: &mut bool,
    ) -> Result<T, Failure> {
        let entry = self.host_entry(host)?;
        let slot = Arc::clone(
            locked(&self.inner.hosts)
                .0
                .entry(host.to_owned())
                .or_default(),
        );
        let mut slot = locked(&slot);
        let before = slot.take();
        *was_open = before.is_some();
        let mut channel = if let Some(channel) = before {
            channel
        } else {
            let name = host.to_owned();
            Channel::open(&Reach { name, entry })?
        };
        let answer = ask(&mut channel);
        let is_broken = answer
            .as_ref()
            .is_err_and(|failure| failure.kind == FailureKind::Network);
        *slot = (!is_broken).then_some(channel);
        answer
    }

    /// Written down here first: whatever becomes of the link, it is known that it was wanted, and
    /// asking again starts nothing twice.
    pub(super) fn launch_there(&self, planned: &Planned) -> Result<RunView, Failure> {
        let record = &planned.record;
        let host = record.host.clone().unwrap_or_default();
        // Connected before anything is written: a host that is not there starts nothing.
        self.ask_host(&host, |_| Ok(()))?;
        let runs = self.local_runs();
        let tasks = tasks(record).or_fail("run")?;
        let begun = tasks
            .iter()
            .map(|task| begin(runs.root(), task).or_fail("run"));
        let attempts: Vec<PathBuf> = begun.collect::<Result<_, _>>()?;
        let ask = || AgentAsk::Launch {
            record: Box::new(record.clone()),
            checks: planned.checks.clone(),
        };
        let started = self.ask_host(&host, |channel| channel.ask::<RunView>(ask()));
        match started {
            // Of an array, the first of its tasks; the others are heard of by the next look.
            Ok(view) => heard(&host, &runs.attempt_of(&view.run)?, view),
            // It was refused there: nothing runs, and nothing was ever a run.
            Err(failure) if failure.kind != FailureKind::Network => {
                for run in attempts.iter().filter_map(|attempt| attempt.parent()) {
                    let _ = fs::remove_dir_all(run);
                }
                Err(failure)
            }
            Err(failure) => Err(failure),
        }
    }

    pub(super) fn cancel_there(
        &self,
        host: &str,
        run: &str,
        (by, grace_seconds): (&str, u32),
    ) -> Result<RunView, Failure> {
        let ask = AgentAsk::Cancel {
            run: run.to_owned(),
            by: by.to_owned(),
            grace_seconds,
        };
        let view = self.ask_host(host, |channel| channel.ask(ask.clone()))?;
        heard(host, &self.local_runs().attempt_of(run)?, view)
    }

    pub(super) fn resume_there(&self, host: &str, run: &str) -> Result<RunView, Failure> {
        let run_there = run.to_owned();
        let ask = AgentAsk::Resume { run: run_there };
        // Once: a second one would be another attempt.
        let view: RunView =
            self.ask_host_once(host, |channel| channel.ask(ask.clone()), &mut false)?;
        let before = self.local_runs().attempt_of(run)?;
        let mut record = StartRecord::read(&before).or_fail("resume")?;
        record.attempt = view.attempt;
        record.command.clone_from(&view.command);
        record.asked_at = view.asked_at;
        heard(host, &self.next_attempt(&record)?, view)
    }

    /// Asks every host that may have something of this workspace's runs to tell, and fetches what
    /// they printed since. What fails is said by the runs themselves.
    pub fn look_at_hosts(&self) -> Result<Seen, Failure> {
        let mut by_host: BTreeMap<String, Vec<(String, PathBuf)>> = BTreeMap::new();
        let runs = self.local_runs();
        for run in runs.names()? {
            let Some(attempt) = runs.newest_attempt(&run)? else {
                continue;
            };
            let host = StartRecord::read(&attempt)
                .ok()
                .and_then(|record| record.host);
            let is_done =
                Last::read(&attempt).is_some_and(|last| last.view.state.is_over() && last.is_whole);
            if let Some(host) = host.filter(|_| !is_done) {
                by_host.entry(host).or_default().push((run, attempt));
            }
        }
        let mut seen = Seen::default();
        for (host, runs) in by_host {
            self.look_at_host(&host, &runs, &mut seen)?;
        }
        Ok(seen)
    }

    fn look_at_host(
        &self,
        host: &str,
        runs: &[(String, PathBuf)],
        seen: &mut Seen,
    ) -> Result<(), Failure> {
        let names: Vec<String> = runs.iter().map(|(run, _)| run.clone()).collect();
        let ask = AgentAsk::Look { runs: names };
        let views = match self.ask_host(host, |channel| channel.ask::<Vec<RunView>>(ask.clone())) {
            Ok(views) => views,
            Err(failure) => {
                for (_, attempt) in runs {
                    if let Some(last) = Last::read(attempt) {
                        let silent = Some(failure.summary.clone());
                        Last { silent, ..last }.write(attempt)?;
                    }
                }
                seen.has_moved = true;
                return Ok(());
            }
        };
        for (run, attempt) in runs {
            let before = Last::read(attempt);
            let Some(view) = views.iter().find(|view| view.run == *run) else {
                if before.is_none() {
                    seen.has_moved |= never_arrived(host, attempt)?;
                }
                continue;
            };
            if view.state == AttemptState::Unreachable
                && let Some(before) = before
            {
                // The host answers, and its scheduler does not.
                let silent = view.trouble.clone();
                Last { silent, ..before }.write(attempt)?;
                seen.has_moved = true;
                continue;
            }
            let (attempt, is_whole) = self.copy_logs(host, (run, attempt, view), seen)?;
            let last = Last {
                // Over and all fetched after that: nothing comes any more.
                is_whole: view.state.is_over() && is_whole,
                view: view.clone(),
                seen_at: now(),
                silent: None,
            };
            let is_new = |before: &Last| before.view != *view || before.silent.is_some();
            seen.has_moved |= before.as_ref().is_none_or(is_new);
            // What says nothing new is not written every second.
            let is_fresh = |before: &Last| last.seen_at - before.seen_at < FRESH_MS;
            let is_same = |before: &Last| !is_new(before) && before.is_whole == last.is_whole;
            if !before.is_some_and(|before| is_same(&before) && is_fresh(&before)) {
                last.write(&attempt)?;
            }
        }
        Ok(())
    }

    /// All that was printed since, by the attempt that is known here and by those that came after it
    /// there; the folder of the newest, and whether all of its log is here.
    fn copy_logs(
        &self,
        host: &str,
        (run, attempt, view): (&str, &Path, &RunView),
        seen: &mut Seen,
    ) -> Result<(PathBuf, bool), Failure> {
        let mut record = StartRecord::read(attempt).or_fail("host")?;
        let (mut folder, mut is_whole) = (attempt.to_owned(), false);
        for number in record.attempt..=view.attempt.max(record.attempt) {
            if number > record.attempt {
                record.attempt = number;
                record.command.clone_from(&view.command);
                folder = self.next_attempt(&record)?;
            }
            let length = || fs::metadata(folder.join("log")).map_or(0, |log| log.len());
            let had = length();
            is_whole = self.fetch(host, run, (&folder, number)).unwrap_or(false);
            if length() > had {
                seen.logs.push(run.to_owned());
            }
        }
        Ok((folder, is_whole))
    }

    /// The folder here of an attempt that was begun there.
    fn next_attempt(&self, record: &StartRecord) -> Result<PathBuf, Failure> {
        let runs = self.local_runs();
        match begin(runs.root(), record) {
            Err(BeginError::Begun { .. }) => runs.attempt_of(&record.run),
            begun => begun.or_fail("host"),
        }
    }

    /// Appends what the log there has more than the copy here; true when they are equally long.
    fn fetch(
        &self,
        host: &str,
        run: &str,
        (attempt, number): (&Path, u32),
    ) -> Result<bool, Failure> {
        let failed = |error: std::io::Error| Failure::of("host", FailureKind::Config, &error);
        let path = attempt.join("log");
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(failed)?;
        for _ in 0..PARTS {
            let offset = file.metadata().map_err(failed)?.len();
            let ask = AgentAsk::Read {
                run: run.to_owned(),
                attempt: number,
                offset,
            };
            let part: Part = self.ask_host(host, |channel| channel.ask(ask.clone()))?;
            let bytes = STANDARD.decode(&part.data_b64).unwrap_or_default();
            if bytes.is_empty() || bytes.len() > MOST_BYTES {
                return Ok(offset == part.size);
            }
            file.write_all(&bytes).map_err(failed)?;
        }
        Ok(false)
    }

    /// For a workbench: looks at the hosts for as long as something may be alive there.
    pub(crate) fn follow_hosts(&self) {
        let is_wanted = || {
            let runs = self.launched_runs().unwrap_or_default();
            runs.iter()
                .any(|run| run.host.is_some() && run.state.may_be_alive())
        };
        if !is_wanted() || self.inner.follows_hosts.swap(true, Ordering::Relaxed) {
            return;
        }
        let engine = self.clone();
        let spawned = thread::Builder::new()
            .name("hosts".to_owned())
            .spawn(move || {
                let mut silent = 0;
                while let Some(pause) = engine.look_while_alive(&mut silent) {
                    thread::sleep(pause);
                }
                engine.inner.follows_hosts.store(false, Ordering::Relaxed);
                // One may have been launched while this ended.
                engine.follow_hosts();
            });
        if let Err(error) = spawned {
            tracing::warn!(%error, "runs on hosts are not followed");
        }
    }

    /// How long to wait for the next look; none where there is nothing to wait for. A host that is
    /// silent is asked less and less often.
    fn look_while_alive(&self, silent: &mut u32) -> Option<Duration> {
        match self.look_at_hosts() {
            Ok(seen) => {
                if seen.has_moved {
                    self.tell(&Event::Changed(Changed::Runs));
                }
                for run in seen.logs {
                    let logs = self.logs_named(&run).map(|(_, logs)| logs);
                    if let Some(log) = logs.unwrap_or_default().last() {
                        self.log_grew(&run, log);
                    }
                }
            }
            Err(failure) => tracing::warn!(%failure, "the hosts could not be looked at"),
        }
        let runs = self.launched_runs().ok()?;
        let there = runs.iter().filter(|run| run.host.is_some());
        let states: Vec<&AttemptState> = there.map(|run| &run.state).collect();
        if states.contains(&&AttemptState::Unreachable) {
            *silent += 1;
            return Some((LOOK * *silent).min(LOOK_AT_SILENT));
        }
        *silent = 0;
        states
            .iter()
            .any(|state| state.may_be_alive())
            .then_some(LOOK)
    }

    /// The hosts of the user's settings, each asked for a hello.
    pub fn hosts(&self) -> Result<Vec<HostView>, Failure> {
        let runs = self.launched_runs()?;
        let views = self.host_entries()?.into_iter().map(|(name, entry)| {
            let asked = self.ask_host(&name, |channel| {
                Ok((channel.hello.host.clone(), channel.hello.version.clone()))
            });
            let is_live =
                |run: &&RunView| run.host.as_ref() == Some(&name) && run.state.may_be_alive();
            let (there, version, trouble) = match asked {
                Ok((there, version)) => (Some(there), Some(version), None),
                Err(failure) => (None, None, Some(failure.summary)),
            };
            HostView {
                live: runs.iter().filter(is_live).count(),
                command: entry.command,
                scheduler: entry.scheduler,
                there,
                version,
                trouble,
                name,
            }
        });
        Ok(views.collect())
    }

    /// Copies this program to a host.
    pub fn place_on_host(&self, name: &str) -> Result<(), Failure> {
        let reach = Reach {
            name: name.to_owned(),
            entry: self.host_entry(name)?,
        };
        reach.place()
    }
}

/// As it is known here.
pub(super) fn viewed(run: &str, attempt: &Path) -> Result<RunView, Failure> {
    let record = StartRecord::read(attempt).or_fail("runs")?;
    let Some(host) = record.host else {
        return RunView::look(run, attempt).or_fail("runs");
    };
    let Some(last) = Last::read(attempt) else {
        // Asked to start, and no answer came: it may run there.
        let view = RunView::unreadable(run, attempt, "nothing was heard of it yet".to_owned());
        return Ok(RunView {
            host: Some(host),
            state: AttemptState::Unreachable,
            recipe: record.recipe,
            attempt: record.attempt,
            command: record.command,
            by: record.by,
            asked_at: record.asked_at,
            ..view
        });
    };
    Ok(last.view(attempt, &host))
}

fn heard(host: &str, attempt: &Path, view: RunView) -> Result<RunView, Failure> {
    let last = Last {
        view,
        seen_at: now(),
        silent: None,
        is_whole: false,
    };
    last.write(attempt)?;
    Ok(last.view(attempt, host))
}

/// The host knows nothing of a run that it was asked to start so long ago that no answer is on
/// its way any more.
fn never_arrived(host: &str, attempt: &Path) -> Result<bool, Failure> {
    let record = StartRecord::read(attempt).or_fail("host")?;
    if now() - record.asked_at < IN_FLIGHT_MS {
        return Ok(false);
    }
    let why = format!("the launch never reached {host}");
    let view = RunView {
        recipe: record.recipe,
        attempt: record.attempt,
        command: record.command,
        by: record.by,
        asked_at: record.asked_at,
        state: AttemptState::StartFailed { why: why.clone() },
        ..RunView::unreadable(&record.run, attempt, why)
    };
    heard(host, attempt, view)?;
    Ok(true)
}
