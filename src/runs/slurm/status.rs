//! What Slurm says of a job, read from the tables that its programs print.
//!
//! Deliberately not their JSON: its shape changed between 22.05 and 23.11, and some of what it says is
//! wrong there; these tables have stood since before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A job's state, without the many words for the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Waits, also for another try.
    Pending,
    /// Its nodes are made ready.
    Configuring,
    Running,
    Suspended,
    /// It ended, and Slurm cleans up after it.
    Completing,
    Completed,
    Failed,
    Cancelled,
    TimeLimit,
    NodeFailed,
    Preempted,
    OutOfMemory,
    /// A word of a later version.
    Other(String),
}

impl Stage {
    /// `CANCELLED by 1000` and `CANCELLED+` are CANCELLED.
    fn parse(text: &str) -> Self {
        let word = text.split([' ', '+']).next().unwrap_or_default();
        match word {
            "PENDING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD" | "SPECIAL_EXIT"
            | "RESV_DEL_HOLD" => Self::Pending,
            "CONFIGURING" => Self::Configuring,
            "RUNNING" | "RESIZING" | "SIGNALING" => Self::Running,
            "SUSPENDED" | "STOPPED" => Self::Suspended,
            "COMPLETING" | "STAGE_OUT" => Self::Completing,
            "COMPLETED" => Self::Completed,
            "FAILED" => Self::Failed,
            "CANCELLED" | "REVOKED" => Self::Cancelled,
            "TIMEOUT" | "DEADLINE" => Self::TimeLimit,
            "NODE_FAIL" | "BOOT_FAIL" => Self::NodeFailed,
            "PREEMPTED" => Self::Preempted,
            "OUT_OF_MEMORY" => Self::OutOfMemory,
            _ => Self::Other(word.to_owned()),
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(
            self,
            Self::Completed
                | Self::Failed
                | Self::Cancelled
                | Self::TimeLimit
                | Self::NodeFailed
                | Self::Preempted
                | Self::OutOfMemory
        )
    }
}

/// A job as Slurm knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStatus {
    pub stage: Stage,
    /// `Priority`, `Resources`, `DependencyNeverSatisfied`; empty: none.
    pub reason: String,
    pub partition: String,
    /// Empty: none yet.
    pub nodes: String,
    /// Of the batch script; only where it is over and was asked for.
    pub code: Option<i32>,
}

/// The fields of `squeue -o`, in the order in which they are read.
pub(super) const QUEUE_FIELDS: &str = "%i|%T|%r|%P|%N|%j";

/// A line of the queue: the job, how it is, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    pub job: String,
    pub status: JobStatus,
    pub name: String,
}

/// `squeue -r -h -o %i|%T|%r|%P|%N|%j`; lines that are none are passed over.
pub(super) fn parse_queue(text: &str) -> Vec<Queued> {
    let lines = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.trim().split('|').collect();
        let [job, state, reason, partition, nodes, name] = fields.as_slice() else {
            return None;
        };
        let status = JobStatus {
            stage: Stage::parse(state),
            reason: said(reason),
            partition: said(partition),
            nodes: said(nodes),
            code: None,
        };
        let (job, name) = ((*job).to_owned(), (*name).to_owned());
        is_job(&job).then_some(Queued { job, status, name })
    });
    lines.collect()
}

/// `sacct -X -n --parsable2 -o JobID,State,ExitCode,Partition,NodeList`, by the job; of one that was
/// begun again, the last line.
pub(super) fn parse_accounting(text: &str) -> BTreeMap<String, JobStatus> {
    let lines = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.trim().split('|').collect();
        let [job, state, exit, partition, nodes] = fields.as_slice() else {
            return None;
        };
        let status = JobStatus {
            stage: Stage::parse(state),
            reason: String::new(),
            partition: said(partition),
            nodes: said(nodes),
            code: code(exit),
        };
        is_job(job).then(|| ((*job).to_owned(), status))
    });
    lines.collect()
}

/// One line of `scontrol show job -o`: values may hold blanks, and a command may hold what looks like a
/// key, so that the first of a key counts.
pub(super) fn parse_shown(line: &str) -> Option<JobStatus> {
    let value = |key: &str| {
        let words = line.split_whitespace();
        let mut values = words.filter_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        values.next()
    };
    Some(JobStatus {
        stage: Stage::parse(value("JobState")?),
        reason: value("Reason").map(said).unwrap_or_default(),
        partition: value("Partition").map(said).unwrap_or_default(),
        nodes: value("NodeList").map(said).unwrap_or_default(),
        code: value("ExitCode").and_then(code),
    })
}

/// The number that `sbatch --parsable` says: `12`, or `12;cluster`.
pub(super) fn parse_submitted(text: &str) -> Option<String> {
    // What a site's plugin says stands before.
    let last = text.lines().rev().find(|line| !line.trim().is_empty())?;
    let job = last.trim().split(';').next().unwrap_or_default();
    is_job(job).then(|| job.to_owned())
}

/// `12` or `12_3`, and nothing that a program would take for an option.
pub(super) fn is_job(text: &str) -> bool {
    let is_number =
        |text: &str| (1..=10).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
    match text.split_once('_') {
        Some((job, task)) => is_number(job) && is_number(task),
        None => is_number(text),
    }
}

/// `3:0`, or `0:15` where a signal ended it, counted as a shell does.
fn code(text: &str) -> Option<i32> {
    let (code, signal) = text.split_once(':')?;
    let (code, signal): (i32, i32) = (code.parse().ok()?, signal.parse().ok()?);
    Some(if signal == 0 { code } else { 128 + signal })
}

fn said(text: &str) -> String {
    let is_nothing = matches!(text, "None" | "(null)" | "N/A" | "n/a" | "None assigned");
    if is_nothing {
        String::new()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn queue(line: &str, expected: &str) {
        let said = parse_queue(line).into_iter().map(|queued| {
            let JobStatus {
                stage,
                reason,
                partition,
                nodes,
                ..
            } = queued.status;
            format!(
                "{} {stage:?} {reason}/{partition}/{nodes} {}",
                queued.job, queued.name
            )
        });
        assert_eq!(said.collect::<Vec<_>>().join("; "), expected);
    }

    #[rustfmt::skip]
    mod queued {
        use super::*;

        #[test] fn running()  { queue("1|RUNNING|None|gpu|loop1|a.1", "1 Running /gpu/loop1 a.1"); }
        #[test] fn waiting()  { queue("6|PENDING|DependencyNeverSatisfied|gpu||b.1", "6 Pending DependencyNeverSatisfied/gpu/ b.1"); }
        #[test] fn a_task()   { queue("4_1|COMPLETING|None|gpu|n[1-2]|c.1", "4_1 Completing /gpu/n[1-2] c.1"); }
        #[test] fn preempted(){ queue("7|PREEMPTED|None|p|n|d", "7 Preempted /p/n d"); }
        #[test] fn no_node()  { queue("7|NODE_FAIL|None|p|(null)|d", "7 NodeFailed /p/ d"); }
        #[test] fn later()    { queue("7|POWER_UP_NODE|None|p|n|d", "7 Other(\"POWER_UP_NODE\") /p/n d"); }
        #[test] fn hostile()  { queue("--all|RUNNING|None|gpu|x|a\n|||||\nnonsense", ""); }
    }

    #[track_caller]
    fn accounted(line: &str, expected: Option<(Stage, Option<i32>)>) {
        let found = parse_accounting(line).into_values().next();
        assert_eq!(found.map(|status| (status.stage, status.code)), expected);
    }

    #[rustfmt::skip]
    mod accounting {
        use super::*;

        #[test] fn failed()    { accounted("3|FAILED|3:0|gpu|loop1", Some((Stage::Failed, Some(3)))); }
        #[test] fn cancelled() { accounted("3|CANCELLED by 1000|0:15|gpu|loop1", Some((Stage::Cancelled, Some(143)))); }
        #[test] fn timeout()   { accounted("4_2|TIMEOUT|0:0|short|loop1", Some((Stage::TimeLimit, Some(0)))); }
        #[test] fn oom()       { accounted("9|OUT_OF_MEMORY|0:125|gpu|n", Some((Stage::OutOfMemory, Some(253)))); }
        #[test] fn twice()     { accounted("9|NODE_FAIL|0:0|gpu|n\n9|COMPLETED|0:0|gpu|m", Some((Stage::Completed, Some(0)))); }
        #[test] fn a_step()    { accounted("9.batch|COMPLETED|0:0|gpu|n", None); }
        #[test] fn a_heading() { accounted("JobID|State|ExitCode|Partition|NodeList", None); }
    }

    #[test]
    fn a_shown_job_is_read() {
        let line = "JobId=7 JobName=x JobState=CANCELLED Reason=DependencyNeverSatisfied Dependency=afterok:5(failed) ExitCode=0:0 Partition=gpu ReqNodeList=(null) NodeList= Command=/x JobState=RUNNING";
        let shown = parse_shown(line).unwrap();
        assert_eq!(shown.stage, Stage::Cancelled);
        assert_eq!(
            (shown.reason.as_str(), shown.code, shown.nodes.as_str()),
            ("DependencyNeverSatisfied", Some(0), "")
        );
        assert_eq!(
            parse_shown("slurm_load_jobs error: Invalid job id specified"),
            None
        );
    }

    #[test]
    fn a_submission_says_its_job() {
        for (said, expected) in [
            ("12\n", Some("12")),
            ("sbatch: lua: welcome\n12;loop\n", Some("12")),
            ("", None),
            ("Submitted batch job 12", None),
        ] {
            assert_eq!(parse_submitted(said).as_deref(), expected, "{said}");
        }
    }
}
