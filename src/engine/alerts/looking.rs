//! A look at the runs: the detectors see what is new since the last one.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use semihv_domain::UnixSeconds;
use semihv_runs::{
    AlertCause, AttemptState, FigureWatch, Finding, FollowedLog, Pace, disk_room, is_stalled,
};

use crate::engine::{locked, now};
use crate::{Engine, HostGpus, RunView};

/// What ended before is no news.
const NEWS_FOR: UnixSeconds = 7 * 24 * 3_600;
/// A host may be silent for so long, as seen by this process: a laptop that was asleep was silent
/// itself.
const SILENT: Duration = Duration::from_mins(2);
/// A GPU of which less is used does nothing for the run.
const LEAST_USE: u8 = 5;

/// What the detectors know, by log and run.
#[derive(Debug, Default)]
pub(super) struct Looking {
    logs: BTreeMap<PathBuf, LogWatch>,
    silent: BTreeMap<String, Instant>,
    /// Logs of runs that are over: once looked at to their end, never again.
    ending: BTreeSet<PathBuf>,
}

#[derive(Debug, Default)]
struct LogWatch {
    figures: FigureWatch,
    pace: Pace,
}

/// Who reads the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    Now,
    /// The thread of the logs, which says when it has read some.
    Later,
}

/// When the next look is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    /// Nothing runs.
    Rests,
    Lives,
    /// What a GPU does is not known yet.
    WaitsForGpus,
}

/// All runs that may be alive or ended lately.
pub(super) fn look_at_runs(engine: &Engine, reads: Reads) -> Look {
    let views = engine.launched_runs().unwrap_or_default();
    let mut next = Look::Rests;
    for view in views.iter().filter(|view| is_news(view)) {
        look_at_ending(engine, view);
        look_at_host(engine, view);
        let is_live = view.state.may_be_alive();
        let size = view.log.metadata().map_or(0, |found| found.len());
        let name = view.log.to_string_lossy().into_owned();
        let is_known = !is_live && engine.with_book(|book| book.has_looked(&name, size));
        let is_read = engine.is_followed(&view.log) || size <= super::READ_FOR_ALERTS;
        if size > 0 && is_read && !is_known {
            if !is_live {
                let mut looking = locked(&engine.inner.alerts.looking);
                looking.ending.insert(view.log.clone());
            }
            match reads {
                Reads::Later => engine.read_on(&view.run, &view.log),
                Reads::Now => {
                    let log = engine.followed(&view.log);
                    if locked(&log).read_all(&mut |_| true).is_ok() {
                        look_at_log(engine, &view.run, &view.log);
                    }
                }
            }
        }
        if is_live {
            next = next.max(look_at_silence(engine, view));
        }
    }
    look_at_disk(engine, &views);
    next
}

fn is_news(view: &RunView) -> bool {
    let last = view.ended_at.or(view.started_at).unwrap_or(view.asked_at) / 1_000;
    view.state.may_be_alive() || now() - last < NEWS_FOR
}

fn look_at_ending(engine: &Engine, view: &RunView) {
    let of_log = view.ending.as_ref().and_then(Finding::of_ending);
    let of_state = match &view.state {
        AttemptState::OutOfMemory => Some(Finding::new(AlertCause::OutOfMemory, view.said())),
        AttemptState::HostRebooted => Some(Finding::new(AlertCause::NodeFailed, view.said())),
        _ => None,
    };
    if let Some(finding) = of_log.or(of_state) {
        engine.tell_finding(&view.run, finding);
    }
}

fn look_at_host(engine: &Engine, view: &RunView) {
    let since = {
        let mut looking = locked(&engine.inner.alerts.looking);
        if view.state != AttemptState::Unreachable {
            looking.silent.remove(&view.run);
            return;
        }
        let since = looking.silent.entry(view.run.clone());
        *since.or_insert_with(Instant::now)
    };
    if since.elapsed() > SILENT {
        let host = view.host.as_deref().unwrap_or("its host");
        let words = format!("{host} cannot be reached");
        engine.tell_finding(&view.run, Finding::new(AlertCause::Unreachable, words));
    }
}

/// Figures as far as they were read.
pub(super) fn look_at_log(engine: &Engine, run: &str, path: &Path) {
    let log = engine.followed(path);
    let log = locked(&log);
    let mut looking = locked(&engine.inner.alerts.looking);
    let watch = looking.logs.entry(path.to_owned()).or_default();
    let found = watch.look(&log);
    drop(looking);
    let reading = log.reading();
    drop(log);
    match found {
        Ok(found) => {
            for finding in found {
                engine.tell_finding(run, finding);
            }
        }
        Err(error) => tracing::warn!(%error, "the figures of a log are not looked at"),
    }
    if reading.is_behind() || !locked(&engine.inner.alerts.looking).ending.remove(path) {
        return;
    }
    let name = path.to_string_lossy();
    if let Err(error) = engine.with_book(|book| book.looked(&name, reading.total)) {
        tracing::info!(%error, "this log is looked at again");
    }
}

impl LogWatch {
    fn look(&mut self, log: &FollowedLog) -> io::Result<Vec<Finding>> {
        let mut found = self.figures.look(log.series())?;
        found.extend(self.pace.look(log.series())?);
        Ok(found)
    }
}

/// It runs and writes nothing, and no GPU works for it.
fn look_at_silence(engine: &Engine, view: &RunView) -> Look {
    let runs = matches!(
        view.state,
        AttemptState::Running | AttemptState::RunningUnsupervised
    );
    let Some(written) = crate::logs::modified(&view.log).filter(|_| runs) else {
        return Look::Lives;
    };
    let silent = (now() - written) as f64;
    if !is_stalled(silent, None) || !is_stalled(silent, usual_pause(engine, view, written)) {
        return Look::Lives;
    }
    match works(engine, view) {
        Works::NotKnownYet => Look::WaitsForGpus,
        Works::Yes => Look::Lives,
        Works::No => {
            let minutes = (now() - written) / 60;
            let words = format!("nothing was written for {minutes} min, and no GPU is used");
            engine.tell_finding(&view.run, Finding::new(AlertCause::Stall, words));
            Look::Lives
        }
        Works::NobodyKnows => {
            let words = format!("nothing was written for {} min", (now() - written) / 60);
            engine.tell_finding(&view.run, Finding::new(AlertCause::Stall, words));
            Look::Lives
        }
    }
}

/// By the moments in the log, else by how many points there are.
fn usual_pause(engine: &Engine, view: &RunView, written: UnixSeconds) -> Option<f64> {
    let looking = locked(&engine.inner.alerts.looking);
    let by_moments = looking.logs.get(&view.log).and_then(|it| it.pace.usual());
    drop(looking);
    if by_moments.is_some() {
        return by_moments;
    }
    let log = engine.followed(&view.log);
    let counts = locked(&log).series().views().into_iter().map(|it| it.count);
    let points = counts.max().filter(|count| *count > 0)?;
    let started = view.started_at? / 1_000;
    Some((written - started).max(0) as f64 / points as f64)
}

enum Works {
    Yes,
    No,
    NotKnownYet,
    NobodyKnows,
}

fn works(engine: &Engine, view: &RunView) -> Works {
    let machine = match &view.host {
        None => engine.gpus_here(),
        Some(host) => match engine.gpus_of(host) {
            Ok(machine) => machine,
            Err(_) => return Works::NobodyKnows,
        },
    };
    work_of(&machine, &view.run)
}

fn work_of(machine: &HostGpus, run: &str) -> Works {
    if machine.silent.is_some() || machine.trouble.is_some() {
        return Works::NobodyKnows;
    }
    if !machine.is_complete {
        return Works::NotKnownYet;
    }
    let is_its = |gpu: &&semihv_domain::Gpu| {
        let mut runs = gpu.processes.iter().map(|it| it.run.as_deref());
        runs.any(|of| of == Some(run))
    };
    let its = machine.gpus.iter().filter(is_its);
    let is_used = |gpu: &semihv_domain::Gpu| gpu.figures.use_percent > Some(LEAST_USE);
    let works = its.clone().any(is_used);
    // MIG instances do not say how much they are used.
    let is_hidden = its.clone().any(|gpu| gpu.figures.use_percent.is_none());
    match (works, is_hidden) {
        (true, _) => Works::Yes,
        (false, true) => Works::NobodyKnows,
        (false, false) => Works::No,
    }
}

/// Said of the newest run that may fill it.
fn look_at_disk(engine: &Engine, views: &[RunView]) {
    let is_here = |view: &&RunView| view.host.is_none() && view.state.may_be_alive();
    let Some(view) = views.iter().rev().find(is_here) else {
        return;
    };
    let room = disk_room(&engine.inner.places.runs());
    if let Some(finding) = room.ok().and_then(semihv_runs::DiskRoom::finding) {
        engine.tell_finding(&view.run, finding);
    }
}

#[cfg(test)]
mod tests {
    use semihv_domain::{Gpu, GpuProcess};

    use super::*;

    #[track_caller]
    fn check(used: Option<u8>, run: Option<&str>, expected: bool) {
        let mut gpu = Gpu::default();
        gpu.figures.use_percent = used;
        gpu.processes = vec![GpuProcess {
            run: run.map(str::to_owned),
            ..GpuProcess::default()
        }];
        let machine = HostGpus {
            gpus: vec![gpu],
            is_complete: true,
            ..HostGpus::default()
        };
        assert_eq!(matches!(work_of(&machine, "tune"), Works::Yes), expected);
    }

    #[rustfmt::skip]
    mod work {
        use super::*;

        #[test] fn of_the_run()        { check(Some(90), Some("tune"), true); }
        #[test] fn of_another()        { check(Some(90), Some("other"), false); }
        #[test] fn next_to_nothing()   { check(Some(3), Some("tune"), false); }
        #[test] fn nobody_says()       { check(None, Some("tune"), false); }
    }
}
