//! `semihv agent`: what a host answers over the channel. One JSON object a line, both ways.
//!
//! It holds no state but the folder of runs; who talks to it may come and go.

use std::io::{BufRead, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use semihv_domain::{Failure, FailureKind};
use semihv_runs::{GpuMark, GpuWatch, StartRecord};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::local::LocalRuns;
use super::view::{KeptEndings, RunView};
use crate::code::Code;

pub(super) const PROTOCOL: u32 = 2;
/// Longer lines are no requests.
pub(super) const LONGEST_LINE: usize = 4 << 20;
/// Of a log in one answer.
pub(super) const MOST_BYTES: usize = 512 << 10;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub(super) enum AgentAsk {
    Hello {
        v: u32,
    },
    Launch {
        record: Box<StartRecord>,
        checks: Vec<Vec<String>>,
    },
    /// How these runs are; those that are not here are left out.
    Look {
        runs: Vec<String>,
    },
    Cancel {
        run: String,
        by: String,
        grace_seconds: u32,
    },
    Resume {
        run: String,
    },
    /// What changed of the GPUs here; they are sampled for as long as this is asked.
    Gpus {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<GpuMark>,
    },
    /// A part of what an attempt prints.
    Read {
        run: String,
        attempt: u32,
        offset: u64,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) v: u32,
    pub(super) version: String,
    pub(super) host: String,
    pub(super) runs: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Part {
    /// Of the whole log now.
    pub(super) size: u64,
    pub(super) data_b64: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) id: u64,
    #[serde(flatten)]
    pub(super) ask: AgentAsk,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Done(Value),
    Failed(Failure),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Response {
    pub(super) id: u64,
    #[serde(flatten)]
    pub(super) answer: Answer,
}

/// Answers until the input ends.
pub fn agent(mut input: impl BufRead, mut output: impl Write) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::of("agent", FailureKind::Network, &error);
    let mut here = Here::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = std::io::Read::take(&mut input, LONGEST_LINE as u64);
        if limited.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            return Ok(());
        }
        let Ok(request) = serde_json::from_slice::<Request>(&line) else {
            let summary = "a line is no request of this version; use the same semihv on both sides";
            return Err(Failure::new("agent", FailureKind::Config, summary));
        };
        let answer = match here.answer(request.ask) {
            Ok(done) => Answer::Done(done),
            Err(failure) => Answer::Failed(failure),
        };
        let id = request.id;
        let mut said = serde_json::to_vec(&Response { id, answer }).unwrap_or_default();
        said.push(b'\n');
        output
            .write_all(&said)
            .and_then(|()| output.flush())
            .map_err(failed)?;
    }
}

struct Here {
    runs: LocalRuns,
    home: PathBuf,
    endings: KeptEndings,
    gpus: GpuWatch,
}

impl Here {
    fn new() -> Self {
        let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        let data = std::env::var_os("XDG_DATA_HOME").filter(|it| !it.is_empty());
        let data = data.map_or_else(|| home.join(".local/share"), PathBuf::from);
        let runs = data.join("semihv/runs");
        Self {
            gpus: GpuWatch::new(runs.clone()),
            runs: LocalRuns::new(runs),
            home,
            endings: KeptEndings::default(),
        }
    }

    fn answer(&mut self, ask: AgentAsk) -> Result<Value, Failure> {
        let said = match ask {
            AgentAsk::Hello { v: PROTOCOL } => serde_json::to_value(self.hello()),
            AgentAsk::Hello { v } => {
                let summary = format!("the agent speaks version {PROTOCOL}, not {v}");
                return Err(Failure::new("agent", FailureKind::Config, summary)
                    .with_hint("use the same semihv on both sides"));
            }
            AgentAsk::Launch { record, checks } => {
                serde_json::to_value(self.launch(*record, &checks)?)
            }
            AgentAsk::Look { runs } => serde_json::to_value(self.look(&runs)),
            AgentAsk::Cancel {
                run,
                by,
                grace_seconds,
            } => serde_json::to_value(self.runs.cancel(plain(&run)?, &by, grace_seconds)?),
            AgentAsk::Resume { run } => serde_json::to_value(self.runs.resume(plain(&run)?)?),
            AgentAsk::Gpus { since } => serde_json::to_value(self.gpus.news(since)),
            AgentAsk::Read {
                run,
                attempt,
                offset,
            } => serde_json::to_value(self.read(plain(&run)?, (attempt, offset))?),
        };
        said.map_err(|error| Failure::of("agent", FailureKind::Internal, &error))
    }

    fn hello(&self) -> Hello {
        let name = host_name();
        Hello {
            v: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: name,
            runs: self.runs.root().to_owned(),
        }
    }

    /// The code is the one that lies here.
    fn launch(&self, mut record: StartRecord, checks: &[Vec<String>]) -> Result<RunView, Failure> {
        plain(&record.run)?;
        record.folder = self.home.join(&record.folder);
        let code = Code::read(&record.folder, self.runs.root());
        record.git = code.as_ref().map(|code| code.state.clone());
        self.runs.launch(&record, code.as_ref(), checks)
    }

    fn look(&mut self, runs: &[String]) -> Vec<RunView> {
        let known = runs.iter().filter(|run| plain(run).is_ok());
        let views = known.filter_map(|run| self.runs.view(run).ok());
        views
            .map(|view| view.with_ending(&mut self.endings))
            .collect()
    }

    fn read(&self, run: &str, (attempt, offset): (u32, u64)) -> Result<Part, Failure> {
        let failed = |error: std::io::Error| Failure::of("agent", FailureKind::Data, &error);
        let log = self.runs.log(run, attempt);
        let file = std::fs::File::open(log).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let length = size.saturating_sub(offset).min(MOST_BYTES as u64);
        let mut bytes = vec![0; length as usize];
        let read = file.read_at(&mut bytes, offset).map_err(failed)?;
        bytes.truncate(read);
        Ok(Part {
            size,
            data_b64: STANDARD.encode(bytes),
        })
    }
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// A run's name is one name: no path leaves the folder of runs.
pub(super) fn plain(run: &str) -> Result<&str, Failure> {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '-';
    if !run.is_empty() && run.len() <= 200 && run.chars().all(is_plain) {
        return Ok(run);
    }
    let summary = format!("{run:?} is no name of a run");
    Err(Failure::new("agent", FailureKind::User, summary))
}
