//! Why a run ended, from the last lines of its log: one cause, with the line that says so.

use serde::{Deserialize, Serialize};

use crate::plain_line::plain_line;

/// What a log says of its end. Which is worth another attempt is another question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
pub enum Cause {
    /// By the scheduler's own words.
    Cancelled {
        job: String,
        at: String,
    },
    TimeLimit {
        job: String,
        at: String,
    },
    NodeFailed {
        job: String,
    },
    Preempted {
        job: String,
    },
    /// A collective operation that some rank never joined.
    NcclTimeout {
        rank: u32,
        op: String,
        timeout_ms: u64,
        ran_ms: u64,
        /// The one that is behind, where the desync report names it.
        culprit_rank: Option<u32>,
    },
    CudaOutOfMemory {
        gpu: Option<u32>,
        tried: Option<String>,
        total: Option<String>,
        free: Option<String>,
    },
    DiskFull,
    /// The error that ended a Python program.
    Exception {
        name: String,
    },
}

/// A cause with its line, counted from 0 among those that were given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    #[serde(flatten)]
    pub cause: Cause,
    pub line: usize,
    pub evidence: String,
}

impl Cause {
    /// Another attempt may end otherwise, without any change of code or settings.
    pub fn is_worth_a_retry(&self) -> bool {
        matches!(
            self,
            Self::NcclTimeout { .. } | Self::NodeFailed { .. } | Self::Preempted { .. }
        )
    }

    /// In a few words.
    pub fn said(&self) -> String {
        match self {
            Self::Cancelled { .. } => "cancelled by the scheduler".to_owned(),
            Self::TimeLimit { .. } => "time limit".to_owned(),
            Self::NodeFailed { .. } => "node failed".to_owned(),
            Self::Preempted { .. } => "preempted".to_owned(),
            Self::NcclTimeout {
                op,
                culprit_rank: Some(rank),
                ..
            } => format!("NCCL time-out in {op}, rank {rank} is behind"),
            Self::NcclTimeout { op, rank, .. } => {
                format!("NCCL time-out in {op}, seen by rank {rank}")
            }
            Self::CudaOutOfMemory { gpu, tried, .. } => {
                let gpu = gpu.map(|gpu| format!(" on GPU {gpu}")).unwrap_or_default();
                let tried = tried
                    .as_ref()
                    .map(|tried| format!(", {tried} more were wanted"));
                format!("out of GPU memory{gpu}{}", tried.unwrap_or_default())
            }
            Self::DiskFull => "disk full".to_owned(),
            Self::Exception { name } => name.clone(),
        }
    }
}

/// The root cause: what follows from it (an exception on rank 0 after a time-out elsewhere) is
/// passed over, whatever stands last.
pub fn ending<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Ending> {
    let mut best: Option<(u8, Ending)> = None;
    let mut culprit_may_follow = false;
    for (line, text) in lines.into_iter().enumerate() {
        if culprit_may_follow && let Some(rank) = lagging_rank(text) {
            if let Some((
                _,
                Ending {
                    cause: Cause::NcclTimeout { culprit_rank, .. },
                    ..
                },
            )) = &mut best
            {
                culprit_rank.get_or_insert(rank);
            }
            culprit_may_follow = false;
        }
        let Some((rank, cause)) = cause(text) else {
            continue;
        };
        culprit_may_follow |= matches!(cause, Cause::NcclTimeout { .. });
        let is_better = match &best {
            None => true,
            // The first word of the weightier kind; of exceptions the last, which ended it.
            Some((known, _)) => rank < *known || rank == *known && rank == EXCEPTION,
        };
        if is_better {
            let evidence = plain_line(text.trim().as_bytes());
            best = Some((
                rank,
                Ending {
                    cause,
                    line,
                    evidence,
                },
            ));
        }
    }
    best.map(|(_, ending)| ending)
}

const EXCEPTION: u8 = 4;

/// Smaller is nearer to the root.
fn cause(text: &str) -> Option<(u8, Cause)> {
    if let Some(cause) = of_slurm(text) {
        return Some((0, cause));
    }
    if text.contains("No space left on device") || text.contains("Disk quota exceeded") {
        return Some((1, Cause::DiskFull));
    }
    if let Some(cause) = out_of_memory(text) {
        return Some((2, cause));
    }
    if let Some(cause) = nccl_timeout(text) {
        return Some((3, cause));
    }
    exception(text).map(|name| (EXCEPTION, Cause::Exception { name }))
}

/// `slurmstepd: error: *** JOB 7 ON h CANCELLED AT 2021-… DUE TO TIME LIMIT ***`.
fn of_slurm(text: &str) -> Option<Cause> {
    let (before, said) = text.split_once(": error: *** ")?;
    // Where a machine is several nodes, with the node's name: `slurmstepd-n1`.
    let speaker = before.rsplit(' ').next().unwrap_or_default();
    if !speaker.starts_with("slurmstepd") {
        return None;
    }
    let mut words = said.split_whitespace();
    let what = words.next().filter(|it| matches!(*it, "JOB" | "STEP"))?;
    let job = words.next()?;
    // A step is named as JOB.STEP.
    let job = job
        .split_once('.')
        .filter(|_| what == "STEP")
        .map_or(job, |(job, _)| job);
    let job = job.to_owned();
    let at = || {
        let (_, after) = said.split_once(" AT ").unwrap_or_default();
        after
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    if said.contains("DUE TO TIME LIMIT") {
        return Some(Cause::TimeLimit { job, at: at() });
    }
    if said.contains("DUE TO PREEMPTION") {
        return Some(Cause::Preempted { job });
    }
    if said.contains("DUE TO NODE FAILURE") {
        return Some(Cause::NodeFailed { job });
    }
    said.contains("CANCELLED AT")
        .then(|| Cause::Cancelled { job, at: at() })
}

/// `CUDA out of memory. Tried to allocate 55.88 GiB. GPU 0 has a total capacity of 178.35 GiB of
/// which 10.00 GiB is free.`, and the shape of older versions.
fn out_of_memory(text: &str) -> Option<Cause> {
    let (_, said) = text
        .split_once("CUDA out of memory")
        .or_else(|| text.split_once("HIP out of memory"))?;
    let size = |after: &str| -> Option<String> {
        let (_, rest) = said.split_once(after)?;
        let mut words = rest.split_whitespace();
        let (number, unit) = (words.next()?, words.next()?);
        number.parse::<f64>().ok()?;
        Some(format!(
            "{number} {}",
            unit.trim_end_matches(['.', ';', ')', ','])
        ))
    };
    let gpu = said.split_once("GPU ").map(|(_, rest)| rest);
    let digits = gpu.map(|rest| {
        rest.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    });
    Some(Cause::CudaOutOfMemory {
        gpu: digits.and_then(|digits| digits.parse().ok()),
        tried: size("Tried to allocate "),
        total: size("total capacity of "),
        free: size("of which "),
    })
}

/// `[Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=2, OpType=ALLREDUCE, …
/// Timeout(ms)=8000) ran for 8097 milliseconds before timing out.`
fn nccl_timeout(text: &str) -> Option<Cause> {
    let (before, said) = text.split_once("Watchdog caught collective operation timeout")?;
    let number = |text: &str, after: &str| -> Option<u64> {
        let (_, rest) = text.split_once(after)?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    let rank = number(before, "Rank ").or_else(|| number(before, "rank"))?;
    let (_, op) = said.split_once("OpType=")?;
    let op: String = op
        .chars()
        .take_while(|it| it.is_ascii_alphanumeric() || *it == '_')
        .collect();
    Some(Cause::NcclTimeout {
        rank: u32::try_from(rank).ok()?,
        op,
        timeout_ms: number(said, "Timeout(ms)=")?,
        ran_ms: number(said, "ran for ")?,
        culprit_rank: None,
    })
}

/// `[1] finished collective #2, but didn't join collective #3`.
fn lagging_rank(text: &str) -> Option<u32> {
    let (rank, said) = text.trim().strip_prefix('[')?.split_once(']')?;
    let is_behind =
        said.contains("didn't join collective") || said.contains("did not join collective");
    is_behind.then(|| rank.parse().ok()).flatten()
}

/// `torch.OutOfMemoryError: …`, `ValueError`: a dotted name that ends so, at the very start.
fn exception(text: &str) -> Option<String> {
    // Ranks are often put before it.
    let text = match text.strip_prefix("[rank") {
        Some(rest) => rest.split_once("]: ")?.1,
        None => text,
    };
    let name = text.split(':').next()?.trim_end();
    let is_name = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '.');
    let last = name.rsplit('.').next()?;
    let ends = ["Error", "Exception", "Interrupt", "Exit"]
        .iter()
        .any(|end| last.ends_with(end));
    let is_whole = text.len() == name.len() || text.get(name.len()..)?.starts_with(": ");
    (ends && is_whole && name.chars().all(is_name)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use semihv_testkit::real_data;

    use super::*;

    #[track_caller]
    fn check(log: &str, expected: Option<&str>) {
        let said = ending(log.lines()).map(|ending| ending.cause.said());
        assert_eq!(said.as_deref(), expected, "{log}");
    }

    #[rustfmt::skip]
    mod small {
        use super::*;

        #[test] fn no_end()                 { check("step 1\nUserWarning: slow\nNo Error here", None); }
        #[test] fn the_last_exception()     { check("KeyError: 'a'\nDuring handling …\nValueError: b", Some("ValueError")); }
        #[test] fn an_exception_of_a_rank() { check("[rank3]: RuntimeError: CUDA error", Some("RuntimeError")); }
        #[test] fn a_bare_exception()       { check("KeyboardInterrupt", Some("KeyboardInterrupt")); }
        #[test] fn a_named_node()           { check("slurmstepd-n1: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-01T00:00:00 DUE TO TIME LIMIT ***", Some("time limit")); }
        #[test] fn another_speaker()        { check("train: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-01T00:00:00 ***", None); }
        #[test] fn an_error_rate()          { check("Error: 0.5 of all", Some("Error")); }
        #[test] fn memory_before_exception(){ check("torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 3; 79.15 GiB total capacity)\nValueError: x", Some("out of GPU memory on GPU 3, 2.00 GiB more were wanted")); }
        #[test] fn a_full_disk()            { check("OSError: [Errno 28] No space left on device: 'x'", Some("disk full")); }
        #[test] fn a_preempted_job()        { check("slurmstepd: error: *** JOB 7 ON h CANCELLED AT 2026-01-01T00:00:00 DUE TO PREEMPTION ***", Some("preempted")); }
        #[test] fn a_dead_node()            { check("slurmstepd: error: *** JOB 7 ON h CANCELLED AT 2026-01-01T00:00:00 DUE TO NODE FAILURE, SEE SLURMCTLD LOG ***", Some("node failed")); }
    }

    #[test]
    fn the_ends_of_real_logs_are_told() {
        let Some(data) = real_data() else { return };
        let folder = data.join("training_logs");
        let text = std::fs::read_to_string(folder.join("expectations.json")).unwrap();
        let expectations: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        let mut told = 0;
        for expected in &expectations {
            let file = expected["file"].as_str().unwrap();
            let bytes = std::fs::read(folder.join(file)).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            let found = ending(text.lines()).map(|ending| ending.cause);
            let (name, fields): (_, &[&str]) = match expected["event"].as_str() {
                Some("cancelled") => ("cancelled", &["job", "at"]),
                Some("timeout") => ("time-limit", &["job", "at"]),
                Some("nccl_timeout") => (
                    "nccl-timeout",
                    &["rank", "op", "timeout_ms", "ran_ms", "culprit_rank"],
                ),
                Some("cuda_oom") => ("cuda-out-of-memory", &["gpu", "tried", "total", "free"]),
                _ => {
                    assert_eq!(found, None, "{file}");
                    continue;
                }
            };
            let found = serde_json::to_value(found.unwrap()).unwrap();
            assert_eq!(found["cause"], name, "{file}");
            for field in fields {
                assert_eq!(found[field], expected[field], "{file}: {field}");
            }
            told += 1;
        }
        assert_eq!(told, 4);
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read(line in "\\PC{0,80}") {
            ending([
                line.as_str(),
                &format!("slurmstepd: error: *** {line}"),
                &format!("[Rank 0] Watchdog caught collective operation timeout{line}"),
                &format!("CUDA out of memory{line}"),
            ]);
        }
    }
}
