//! What is handed to `sbatch`: its words, and a script whose process is the supervisor.

use std::path::Path;

use semihv_workspace::JobEntry;

use crate::attempt::StartRecord;

/// Seconds before its time limit.
const WARN_SECONDS: u32 = 60;

/// A job to ask for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) record: &'a StartRecord,
    pub(super) job: &'a JobEntry,
    /// Where it lies; of an array with [`TASK`] for the number.
    pub(super) attempt: &'a Path,
    /// `afterok:12:13,afterany:4`; empty: none.
    pub(super) dependency: &'a str,
}

/// Stands for the number of an array's task in a path.
pub(super) const TASK: &str = "@TASK@";

/// By which a job is found again when the answer was lost.
pub(super) fn job_name(record: &StartRecord) -> String {
    format!("{}.{}", record.run, record.attempt)
}

/// Nothing may stand between Slurm and the supervisor: Slurm ends what a script leaves behind, and
/// tells its first process alone that the time is nearly over.
pub(super) fn script(program: &Path, attempt: &Path) -> String {
    let program = quoted(&program.to_string_lossy());
    let attempt = quoted(&attempt.to_string_lossy());
    let attempt = attempt.replace(TASK, "'\"$SLURM_ARRAY_TASK_ID\"'");
    format!("#!/bin/sh\nexec {program} supervise {attempt}\n")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

pub(super) fn words(asked: Asked<'_>) -> Vec<String> {
    let Asked {
        record,
        job,
        attempt,
        dependency,
    } = asked;
    // To Slurm a percent sign begins one of its own names.
    let log = attempt.join(crate::attempt::LOG);
    let log = log.to_string_lossy().replace('%', "%%").replace(TASK, "%a");
    let warn = job.warn_seconds.unwrap_or(WARN_SECONDS);
    let does_requeue = job.requeue.unwrap_or(record.retries > 0);
    let mut words = vec![
        "--parsable".to_owned(),
        format!("--job-name={}", job_name(record)),
        format!("--output={log}"),
        "--open-mode=append".to_owned(),
        format!("--chdir={}", record.folder.display()),
        if does_requeue {
            "--requeue"
        } else {
            "--no-requeue"
        }
        .to_owned(),
    ];
    if warn > 0 {
        words.push(format!("--signal=B:USR1@{warn}"));
    }
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let wanted = [
        ("partition", job.partition.clone()),
        ("time", job.time.clone()),
        ("nodes", number(job.nodes)),
        ("cpus-per-task", number(job.cpus)),
        ("mem", job.memory.clone()),
        ("gres", gres(job)),
        ("array", job.array.clone()),
        (
            "dependency",
            (!dependency.is_empty()).then(|| dependency.to_owned()),
        ),
    ];
    for (name, value) in wanted {
        words.extend(value.map(|value| format!("--{name}={value}")));
    }
    if !dependency.is_empty() {
        // What can never start ends, and says so.
        words.push("--kill-on-invalid-dep=yes".to_owned());
    }
    words.extend(job.sbatch.iter().cloned());
    words
}

fn gres(job: &JobEntry) -> Option<String> {
    let gpus = job.gpus.map(|gpus| format!("gpu:{gpus}"));
    let all: Vec<String> = [gpus, job.gres.clone()].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::test_record;

    #[test]
    fn the_script_is_the_supervisor() {
        let made = script(Path::new("/opt/se mihv"), Path::new("/r/it's/attempt-1"));
        let expected = "#!/bin/sh\nexec '/opt/se mihv' supervise '/r/it'\\''s/attempt-1'\n";
        assert_eq!(made, expected);
        let made = script(Path::new("/s"), Path::new("/r/a-@TASK@/attempt-1"));
        let expected =
            "#!/bin/sh\nexec '/s' supervise '/r/a-'\"$SLURM_ARRAY_TASK_ID\"'/attempt-1'\n";
        assert_eq!(made, expected);
    }

    #[test]
    fn a_job_asks_for_what_was_said_and_for_nothing_else() {
        let record = test_record(Path::new("/work"), &["true"]);
        let asked = |written: &str, dependency: &str| {
            let job: JobEntry = toml::from_str(written).unwrap();
            let attempt = Path::new("/runs/100%/r-@TASK@/attempt-1");
            let (record, job) = (&record, &job);
            let made = words(Asked {
                record,
                job,
                attempt,
                dependency,
            });
            made.join(" ")
        };
        let always = "--parsable --job-name=r.1 --output=/runs/100%%/r-%a/attempt-1/log --open-mode=append --chdir=/work";
        assert_eq!(
            asked("", ""),
            format!("{always} --no-requeue --signal=B:USR1@60")
        );
        let written = "partition='p'\ntime='1:00:00'\nnodes=2\ncpus=4\nmemory='8G'\ngpus=2\ngres='disk:1'\narray='0-3%2'\nrequeue=true\nwarn_seconds=0\nsbatch=['--qos=low']";
        let expected = format!(
            "{always} --requeue --partition=p --time=1:00:00 --nodes=2 --cpus-per-task=4 --mem=8G --gres=gpu:2,disk:1 --array=0-3%2 --dependency=afterok:7 --kill-on-invalid-dep=yes --qos=low"
        );
        assert_eq!(asked(written, "afterok:7"), expected);
    }
}
