//! What a run asks a scheduler for: the host's defaults, and the recipe's own over them.

use serde::{Deserialize, Serialize};

/// What starts commands on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheduler {
    Slurm,
}

/// `[host.NAME.job]` and `[recipe.NAME.job]`. What is absent is the scheduler's to decide.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobEntry {
    pub partition: Option<String>,
    /// `MINUTES`, `HOURS:MINUTES:SECONDS` or `DAYS-HOURS:MINUTES:SECONDS`.
    pub time: Option<String>,
    pub nodes: Option<u32>,
    /// A task.
    pub cpus: Option<u32>,
    /// A node: `64G`.
    pub memory: Option<String>,
    /// A node.
    pub gpus: Option<u32>,
    /// Other resources, or a kind of GPU: `gpu:h100:2`.
    pub gres: Option<String>,
    /// Tasks, each a run of its own: `0-7`, `1,3,5`, `0-99%4` for four at once.
    pub array: Option<String>,
    /// Begun again by the scheduler when a node fails or it is preempted; default: where the recipe
    /// has retries.
    pub requeue: Option<bool>,
    /// How many seconds before its time limit the command is told to end.
    pub warn_seconds: Option<u32>,
    /// More words for `sbatch`.
    pub sbatch: Vec<String>,
}

/// Why a job cannot be asked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    #[error(
        "the job's time {given:?} is none: write minutes, HOURS:MINUTES:SECONDS or DAYS-HOURS:MINUTES:SECONDS"
    )]
    Time { given: String },
    #[error("the job's memory {given:?} is none: write a number with K, M, G or T")]
    Memory { given: String },
    #[error("the job's array {given:?} is none: write 0-7, 1,3,5 or 0-99%4")]
    Array { given: String },
    #[error("the job's array {given:?} has {count} tasks; {MOST_TASKS} is the most")]
    Tasks { given: String, count: usize },
    #[error("the job's {key} {given:?} is no single word")]
    Word { key: &'static str, given: String },
    #[error("the job's {key} is 0; leave it out for the scheduler's default")]
    Zero { key: &'static str },
    #[error("the job's gpus and gres both ask for GPUs; keep one of them")]
    Gpus,
}

/// Each is a folder and a line on the screen.
const MOST_TASKS: usize = 1_000;

impl JobEntry {
    /// What is said here, and where nothing is, what `defaults` say.
    pub fn over(self, defaults: Self) -> Self {
        let has_gpus = self.gpus.is_some() || self.gres.is_some();
        let (gpus, gres) = if has_gpus {
            (self.gpus, self.gres)
        } else {
            (defaults.gpus, defaults.gres)
        };
        Self {
            partition: self.partition.or(defaults.partition),
            time: self.time.or(defaults.time),
            nodes: self.nodes.or(defaults.nodes),
            cpus: self.cpus.or(defaults.cpus),
            memory: self.memory.or(defaults.memory),
            gpus,
            gres,
            array: self.array.or(defaults.array),
            requeue: self.requeue.or(defaults.requeue),
            warn_seconds: self.warn_seconds.or(defaults.warn_seconds),
            sbatch: [defaults.sbatch, self.sbatch].concat(),
        }
    }

    /// Refused here in words rather than by the scheduler in its own.
    pub fn check(&self) -> Result<(), JobError> {
        let words = [
            ("partition", &self.partition),
            ("time", &self.time),
            ("memory", &self.memory),
            ("gres", &self.gres),
        ];
        for (key, given) in words {
            if let Some(given) = given.as_ref().filter(|given| !is_word(given)) {
                let given = given.clone();
                return Err(JobError::Word { key, given });
            }
        }
        let numbers = [
            ("nodes", self.nodes),
            ("cpus", self.cpus),
            ("gpus", self.gpus),
        ];
        if let Some((key, _)) = numbers.iter().find(|(_, number)| *number == Some(0)) {
            return Err(JobError::Zero { key });
        }
        if let Some(given) = self.time.as_ref().filter(|time| !is_time(time)) {
            let given = given.clone();
            return Err(JobError::Time { given });
        }
        if let Some(given) = self.memory.as_ref().filter(|memory| !is_memory(memory)) {
            let given = given.clone();
            return Err(JobError::Memory { given });
        }
        let asks_for_gpus = |gres: &String| gres.split(',').any(|it| it.starts_with("gpu"));
        if self.gpus.is_some() && self.gres.as_ref().is_some_and(asks_for_gpus) {
            return Err(JobError::Gpus);
        }
        self.tasks().map(drop)
    }

    /// Numbers of the array's tasks, in their order; none: it is no array.
    pub fn tasks(&self) -> Result<Vec<u32>, JobError> {
        let Some(given) = &self.array else {
            return Ok(Vec::new());
        };
        let odd = || JobError::Array {
            given: given.clone(),
        };
        let (ranges, at_once) = given.split_once('%').unwrap_or((given, "1"));
        at_once.parse::<u32>().map_err(|_| odd())?;
        let mut tasks = Vec::new();
        for range in ranges.split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let number = |text: &str| text.parse::<u32>().map_err(|_| odd());
            let (first, last) = (number(first)?, number(last)?);
            let count = tasks.len() + (last.saturating_sub(first) as usize) + 1;
            if last < first {
                return Err(odd());
            }
            if count > MOST_TASKS {
                let given = given.clone();
                return Err(JobError::Tasks { given, count });
            }
            tasks.extend(first..=last);
        }
        tasks.sort_unstable();
        tasks.dedup();
        Ok(tasks)
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|it| it.is_ascii_graphic())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 9 && text.bytes().all(|it| it.is_ascii_digit())
}

fn is_time(text: &str) -> bool {
    let (days, clock) = text.split_once('-').unwrap_or(("0", text));
    let parts: Vec<&str> = clock.split(':').collect();
    is_number(days) && parts.len() <= 3 && parts.into_iter().all(is_number)
}

fn is_memory(text: &str) -> bool {
    is_number(text.strip_suffix(['K', 'M', 'G', 'T']).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, expected: &str) {
        let job: JobEntry = toml::from_str(written).unwrap();
        let said = job
            .check()
            .map_or_else(|error| error.to_string(), |()| String::new());
        assert!(
            said.starts_with(expected) && said.is_empty() == expected.is_empty(),
            "{said}"
        );
    }

    #[rustfmt::skip]
    mod small {
        use super::*;

        #[test] fn nothing()        { check("", ""); }
        #[test] fn minutes()        { check("time = '90'", ""); }
        #[test] fn days()           { check("time = '2-12:00:00'", ""); }
        #[test] fn memory()         { check("memory = '64G'", ""); }
        #[test] fn an_array()       { check("array = '0-3,7%2'", ""); }
        #[test] fn no_time()        { check("time = 'tomorrow'", "the job's time \"tomorrow\" is none"); }
        #[test] fn no_memory()      { check("memory = 'lots'", "the job's memory \"lots\" is none"); }
        #[test] fn backwards()      { check("array = '3-0'", "the job's array \"3-0\" is none"); }
        #[test] fn huge()           { check("array = '0-4294967295'", "the job's array \"0-4294967295\" has 4294967296 tasks"); }
        #[test] fn two_words()      { check("partition = 'a b'", "the job's partition \"a b\" is no single word"); }
        #[test] fn no_gpus()        { check("gpus = 0", "the job's gpus is 0"); }
        #[test] fn gpus_twice()     { check("gpus = 2\ngres = 'gpu:h100:2'", "the job's gpus and gres"); }
    }

    #[test]
    fn a_recipe_says_more_than_its_host() {
        let host: JobEntry =
            toml::from_str("partition = 'gpu'\ngpus = 1\nsbatch = ['--qos=low']").unwrap();
        let recipe: JobEntry =
            toml::from_str("gres = 'gpu:h100:2'\nsbatch = ['--exclusive']").unwrap();
        let job = recipe.over(host);
        assert_eq!(
            (job.partition.as_deref(), job.gpus, job.gres.as_deref()),
            (Some("gpu"), None, Some("gpu:h100:2"))
        );
        assert_eq!(job.sbatch, ["--qos=low", "--exclusive"]);
    }

    #[test]
    fn tasks_are_counted_once() {
        let job: JobEntry = toml::from_str("array = '3,0-2,2%4'").unwrap();
        assert_eq!(job.tasks().unwrap(), [0, 1, 2, 3]);
    }
}
