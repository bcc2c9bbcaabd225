//! Another attempt of a run: asked for, or made by the supervisor when the run was not to blame.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::attempt::{EndReason, ExitRecord, Moment, StartRecord};
use crate::ending::ending;
use crate::folder::begin;
use crate::log_file::last_lines;
use crate::recipe::{FillError, fill};
use crate::slurm::begin_in_job;

/// The first try comes after so long, the next one after twice that.
const PAUSE_MS: i64 = 10_000;
/// Of a log, to say why it ended.
const ENDING_LINES: usize = 1_000;

/// The command of the first attempt with the words for resuming behind it.
pub fn resumed(before: &StartRecord) -> Result<StartRecord, FillError> {
    let mut record = before.clone();
    let checkpoint = record
        .checkpoints
        .as_ref()
        .and_then(|pattern| latest(&record.folder, pattern));
    // Those of the attempt before: its checkpoint may be gone.
    if let Some(before) = record.resumed_words.take() {
        let words = record.command.len().saturating_sub(before);
        record.command.truncate(words);
    }
    if let Some(checkpoint) = checkpoint.filter(|_| !record.resume.is_empty()) {
        let mut values = record.parameters.clone();
        let checkpoint = checkpoint.to_string_lossy().into_owned();
        values.insert("checkpoint".to_owned(), toml::Value::String(checkpoint));
        let run = toml::Value::String(record.run.clone());
        values.entry("run".to_owned()).or_insert(run);
        let words = fill(&record.resume, &values)?;
        record.resumed_words = Some(words.len());
        record.command.extend(words);
    }
    record.attempt += 1;
    record.not_before = None;
    record.after = Vec::new();
    record.asked_at = Moment::now().wall_ms;
    Ok(record)
}

/// The newest file or folder that matches `folder/NAME-*`: `*` stands for anything in one name, and
/// only in the last one.
fn latest(start: &Path, pattern: &str) -> Option<PathBuf> {
    let whole = start.join(pattern);
    let name = whole.file_name()?.to_str()?.to_owned();
    let (before, after) = name.split_once('*').unwrap_or((&name, ""));
    let is_it = |found: &str| {
        if !name.contains('*') {
            return found == name;
        }
        let is_long_enough = found.len() >= before.len() + after.len();
        is_long_enough && found.starts_with(before) && found.ends_with(after)
    };
    let entries = fs::read_dir(whole.parent()?).ok()?;
    let matching = entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_it));
    let dated = matching.filter_map(|entry| {
        let modified = entry.metadata().ok()?.modified().ok()?;
        Some((modified, entry.path()))
    });
    dated.max().map(|(_, path)| path)
}

/// Begins the next attempt where this one ended for a reason of the machines; its folder. Who looks
/// meanwhile sees one or the other.
pub(crate) fn try_again(
    attempt: &Path,
    record: &StartRecord,
    exit: &ExitRecord,
) -> Result<Option<PathBuf>, String> {
    let has_failed = matches!(exit.reason, EndReason::Exited | EndReason::Signalled);
    if exit.code == Some(0) || !has_failed || record.attempt > record.retries {
        return Ok(None);
    }
    let log = last_lines(&attempt.join("log"), ENDING_LINES).map_err(|error| error.to_string())?;
    let ending = ending(log.iter().map(String::as_str));
    if !ending.is_some_and(|ending| ending.cause.is_worth_a_retry()) {
        return Ok(None);
    }
    let mut next = resumed(record).map_err(|error| error.to_string())?;
    let pause = PAUSE_MS.saturating_mul(1 << record.attempt.saturating_sub(1).min(10));
    next.not_before = Some(next.asked_at + pause);
    if record.job.is_some() {
        return begin_in_job(attempt, &next).map(Some);
    }
    let runs = attempt.parent().and_then(Path::parent);
    let runs = runs.ok_or("the folder of runs cannot be told")?;
    let folder = begin(runs, &next).map_err(|error| error.to_string())?;
    Ok(Some(folder))
}

/// A supervisor of its own for another attempt.
pub(crate) fn supervise_again(folder: &Path) -> std::io::Result<()> {
    let said = File::options()
        .create(true)
        .append(true)
        .open(folder.join("supervisor.log"))?;
    Command::new(std::env::current_exe()?)
        .arg("supervise")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()
        .map(drop)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn the_latest_checkpoint_is_the_youngest() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        assert_eq!(latest(folder.path(), "out/step-*"), None);
        fs::create_dir(&out).unwrap();
        for (age, name) in [
            (10, "step-900"),
            (5, "step-1000"),
            (1, "other"),
            (0, "step"),
        ] {
            let file = fs::File::create(out.join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age))
                .unwrap();
        }
        assert_eq!(
            latest(folder.path(), "out/step-*"),
            Some(out.join("step-1000"))
        );
        assert_eq!(latest(folder.path(), "out/other"), Some(out.join("other")));
        assert_eq!(latest(folder.path(), "out/none-*.pt"), None);
    }
}
