//! `run`, `runs`, `cancel`, `resume`: recipes launched, and what became of them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use semihv_domain::{Failure, FailureKind};
use semihv_engine::{
    After, AttemptState, EndReason, Engine, JobView, KnownAlert, LaunchSpec, RunView, plain_line,
    shell_words,
};
use serde::Serialize;

use crate::output::{Output, VerbError};

/// How often a log that is followed is looked at.
const TICK: Duration = Duration::from_millis(200);

/// A process that was killed takes a moment to be gone.
const AFTER_GRACE: Duration = Duration::from_secs(5);
/// What a shell says of a command that SIGTERM ended.
const CANCELLED: i32 = 143;
/// Of a log that is printed at once.
const CHUNK: u64 = 1 << 20;

/// Stays with an attempt; in a batch script it ends as the command does.
pub(crate) fn supervise(attempt: &Path) -> Result<(), VerbError> {
    crate::log_to(&attempt.join("supervisor.log"));
    let exit = semihv_engine::supervise(attempt)
        .map_err(|error| Failure::of("supervise", FailureKind::Config, &error))?;
    match exit.code {
        // What was told to end has not succeeded, whatever it says: others may wait for its success.
        Some(0) if exit.reason != EndReason::Exited => Err(VerbError::Ended(CANCELLED)),
        Some(0) => Ok(()),
        Some(code) => Err(VerbError::Ended(code)),
        None => Err(VerbError::Ended(
            exit.signal.map_or(1, |signal| 128 + signal),
        )),
    }
}

/// Those that must succeed, then those that must only be over.
pub(crate) fn after(succeeded: &[String], over: &[String]) -> Vec<After> {
    let of = |runs: &[String], must_succeed| -> Vec<After> {
        let runs = runs.iter().cloned();
        runs.map(|run| After { run, must_succeed }).collect()
    };
    [of(succeeded, true), of(over, false)].concat()
}

pub(crate) fn run(
    engine: &Engine,
    spec: &LaunchSpec,
    (dry_run, wait): (bool, bool),
    output: &mut Output,
) -> Result<(), VerbError> {
    let planned = engine.plan_run(spec)?;
    let record = &planned.record;
    if dry_run && output.is_json() {
        let said = serde_json::json!({ "planned": record, "warnings": planned.warnings });
        return Ok(output.json(&said)?);
    }
    if !output.is_json() {
        output.line(&format!("$ {}", shell_words(&record.command)))?;
        for warning in &planned.warnings {
            output.line(warning)?;
        }
        output.finish()?;
    }
    if dry_run {
        return Ok(());
    }
    let started = engine.launch(&planned)?;
    follow(engine, started, wait, output)
}

pub(crate) fn resume(
    engine: &Engine,
    run: &str,
    wait: bool,
    output: &mut Output,
) -> Result<(), VerbError> {
    let run = engine.find_run(run)?;
    let started = engine.resume_run(&run)?;
    if !output.is_json() {
        output.line(&format!("$ {}", shell_words(&started.command)))?;
        if !started.is_from_checkpoint {
            output.line("there is no checkpoint to go on from: it starts at its beginning")?;
        }
    }
    follow(engine, started, wait, output)
}

/// Asks, and says what became of it: the grace is waited for, and a little more.
pub(crate) fn cancel(
    engine: &Engine,
    run: &str,
    grace: u32,
    output: &mut Output,
) -> Result<(), VerbError> {
    let run = engine.find_run(run)?;
    let mut view = engine.cancel_run(&run, grace)?;
    let deadline = Instant::now() + Duration::from_secs(u64::from(grace)) + AFTER_GRACE;
    while !view.state.is_over() && Instant::now() < deadline {
        thread::sleep(TICK);
        engine.look_at_hosts()?;
        view = engine.run_view(&run)?;
    }
    if output.is_json() {
        return Ok(output.json(&view)?);
    }
    Ok(output.line(&line(&view))?)
}

/// Says what was started; where it is wished, prints what it prints until it ends.
fn follow(
    engine: &Engine,
    started: RunView,
    wait: bool,
    output: &mut Output,
) -> Result<(), VerbError> {
    if output.is_json() {
        output.json(&started)?;
    } else {
        output.line(&line(&started))?;
        output.line(&format!("log: {}", started.log.display()))?;
        output.finish()?;
    }
    if let AttemptState::StartFailed { why } = &started.state {
        let summary = format!("{} did not start: {why}", started.run);
        return Err(Failure::new("run", FailureKind::User, summary).into());
    }
    if !wait {
        return Ok(());
    }
    let (mut offset, mut attempt) = (0, started.attempt);
    let mut over_since = None;
    loop {
        engine.look_at_hosts()?;
        // Asked first: what was printed before the end is read after it.
        let view = engine.run_view(&started.run)?;
        if view.attempt != attempt {
            (offset, attempt) = (0, view.attempt);
        }
        let since = *over_since.get_or_insert_with(Instant::now);
        let is_over = view.state.is_over() && since.elapsed() >= patience(&view);
        if !view.state.is_over() {
            over_since = None;
        }
        while !output.is_json() {
            let more = printed(&view.log, (offset, is_over), output)?;
            offset += more;
            if more == 0 {
                break;
            }
        }
        if is_over {
            return ended(&view, output);
        }
        thread::sleep(TICK);
    }
}

/// How long a run must be over: it may just be tried again.
fn patience(view: &RunView) -> Duration {
    let ending = view.ending.as_ref();
    if view.state == AttemptState::Succeeded {
        Duration::ZERO
    } else if ending.is_some_and(|ending| ending.cause.is_worth_a_retry()) {
        Duration::from_secs(3)
    } else {
        TICK
    }
}

fn ended(view: &RunView, output: &mut Output) -> Result<(), VerbError> {
    if output.is_json() {
        output.json(view)?;
    } else {
        output.line(&line(view))?;
    }
    output.finish()?;
    match view.state {
        AttemptState::Succeeded => Ok(()),
        AttemptState::Failed { code } => Err(VerbError::Ended(code)),
        // As a shell counts signals.
        AttemptState::Signalled { signal } => Err(VerbError::Ended(128 + signal)),
        AttemptState::Cancelled { .. } | AttemptState::Terminated => {
            Err(VerbError::Ended(CANCELLED))
        }
        _ => Err(VerbError::Ended(1)),
    }
}

/// What was appended to a log, made harmless; how many bytes that were. Whole lines, until it is
/// over: half a letter is none.
fn printed(log: &Path, (offset, is_over): (u64, bool), output: &mut Output) -> io::Result<u64> {
    let mut file = match File::open(log) {
        // What waits for its turn has printed nothing.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        opened => opened?,
    };
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(CHUNK).read_to_end(&mut bytes)?;
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map(|at| at + 1);
    let is_cut = is_over || bytes.len() as u64 == CHUNK;
    let length = whole.unwrap_or(if is_cut { bytes.len() } else { 0 });
    let lines = bytes.get(..length).unwrap_or_default();
    let text = String::from_utf8_lossy(lines);
    for line in text.lines() {
        // Of a bar that is drawn again and again, how it stood last.
        let last = line.rsplit('\r').find(|state| !state.trim().is_empty());
        output.line(&plain_line(last.unwrap_or_default().as_bytes()))?;
    }
    output.finish()?;
    Ok(length as u64)
}

pub(crate) fn hosts(
    engine: &Engine,
    place: Option<&str>,
    output: &mut Output,
) -> Result<(), VerbError> {
    if let Some(name) = place {
        engine.place_on_host(name)?;
    }
    for host in engine.hosts()? {
        if output.is_json() {
            output.json(&host)?;
            continue;
        }
        let scheduler = host.scheduler.map_or("", |_| ", Slurm");
        let state = match (&host.there, &host.version, &host.trouble) {
            (Some(there), Some(version), _) => format!("{there}, semihv {version}{scheduler}"),
            (_, _, trouble) => trouble.clone().unwrap_or_default(),
        };
        let sign = if host.trouble.is_none() { '✓' } else { '!' };
        output.line(&format!(
            "{sign} {:<16} {} live  {state}",
            host.name, host.live
        ))?;
    }
    Ok(())
}

pub(crate) fn runs(
    engine: &Engine,
    run: Option<&str>,
    output: &mut Output,
) -> Result<(), VerbError> {
    engine.look_at_hosts()?;
    if let Some(run) = run {
        let view = engine.run_view(&engine.find_run(run)?)?;
        let mut alerts = engine.alerts()?;
        alerts.retain(|known| known.alert.run == view.run);
        return one(&view, &alerts, output);
    }
    let views = engine.launched_runs()?;
    if output.is_json() {
        return views.iter().try_for_each(|view| Ok(output.json(view)?));
    }
    if views.is_empty() {
        return Ok(output.line("no runs yet: `semihv run RECIPE` starts one")?);
    }
    views
        .iter()
        .try_for_each(|view| Ok(output.line(&line(view))?))
}

#[derive(Serialize)]
struct WithAlerts<'a> {
    #[serde(flatten)]
    view: &'a RunView,
    alerts: &'a [KnownAlert],
}

fn one(view: &RunView, alerts: &[KnownAlert], output: &mut Output) -> Result<(), VerbError> {
    if output.is_json() {
        return Ok(output.json(&WithAlerts { view, alerts })?);
    }
    output.line(&line(view))?;
    let rows = [
        ("command", shell_words(&view.command)),
        ("by", view.by.clone()),
        (
            "job",
            view.job.as_ref().map(JobView::said).unwrap_or_default(),
        ),
        ("log", view.log.display().to_string()),
        ("folder", view.folder.display().to_string()),
        (
            "because",
            view.ending
                .as_ref()
                .map(|it| it.evidence.clone())
                .unwrap_or_default(),
        ),
        ("trouble", view.trouble.clone().unwrap_or_default()),
    ];
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        output.line(&format!("  {name:<9}{value}"))?;
    }
    for known in alerts {
        let words = plain_line(known.alert.words.as_bytes());
        output.line(&format!("  alert    {words}"))?;
    }
    Ok(())
}

/// `✓ 20261127-140155-tune-3f9a  succeeded  2 m 10 s`.
fn line(view: &RunView) -> String {
    let attempt = match view.attempt {
        0 | 1 => String::new(),
        number => format!(", attempt {number}"),
    };
    let took = view.took_ms.map(|took| format!("  {}", duration(took)));
    let trouble = view.trouble.as_ref().map(|trouble| format!("  {trouble}"));
    let host = view.host.as_ref().map(|host| format!(" on {host}"));
    format!(
        "{} {}{}  {}{attempt}{}{}",
        sign(&view.state),
        view.run,
        host.unwrap_or_default(),
        view.said(),
        took.unwrap_or_default(),
        trouble.unwrap_or_default(),
    )
}

fn sign(state: &AttemptState) -> char {
    match state {
        AttemptState::Succeeded => '✓',
        AttemptState::Failed { .. }
        | AttemptState::Signalled { .. }
        | AttemptState::OutOfMemory
        | AttemptState::NodeFailed
        | AttemptState::StartFailed { .. } => '!',
        AttemptState::Queued { .. } => '·',
        AttemptState::Cancelled { .. }
        | AttemptState::Terminated
        | AttemptState::TimeLimit
        | AttemptState::Preempted => '■',
        AttemptState::Starting | AttemptState::Running | AttemptState::Ending { .. } => '▸',
        AttemptState::RunningUnsupervised
        | AttemptState::HostRebooted
        | AttemptState::Lost
        | AttemptState::Unreachable => '?',
    }
}

/// `2 h 5 m`, `3 m 10 s`, `1.2 s`.
fn duration(millis: i64) -> String {
    let seconds = millis / 1_000;
    match seconds {
        0..60 => format!("{:.1} s", millis as f64 / 1_000.0),
        60..3_600 => format!("{} m {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} m", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        for (millis, expected) in [
            (1_234, "1.2 s"),
            (70_000, "1 m 10 s"),
            (7_500_000, "2 h 5 m"),
        ] {
            assert_eq!(duration(millis), expected);
        }
    }
}
