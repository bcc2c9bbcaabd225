//! The channel to a host's agent: one long-lived `ssh`, asked line by line.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use semihv_domain::{Failure, FailureKind};
use semihv_workspace::HostEntry;
use serde::de::DeserializeOwned;

use super::agent::{AgentAsk, Answer, Hello, LONGEST_LINE, PROTOCOL, Request, Response};
use super::view::shell_words;
use crate::engine::locked;

/// For `ssh` to connect and the agent to say hello: a jump host and a slow login take a while.
const HELLO: Duration = Duration::from_secs(30);
/// Checks of a recipe and a git on a slow disk may run on the host meanwhile.
const LAUNCH: Duration = Duration::from_mins(2);
/// One host that hangs must not keep the others from being asked.
const ANSWER: Duration = Duration::from_secs(20);
/// Of what `ssh` says on its standard error.
const SAID: usize = 2_000;
/// The shell's word for a program that is not there.
const NOT_FOUND: i32 = 127;

/// How a host is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) name: String,
    pub(super) entry: HostEntry,
}

impl Reach {
    /// The words that run `remote` there; `ssh` notices a dead link within seconds, never asks in the
    /// middle of a screen, and keeps its connection for the next one.
    fn words(&self, remote: &str) -> Vec<String> {
        let mut words = self.entry.command.clone();
        if words.is_empty() {
            words = vec!["ssh".to_owned(), self.name.clone()];
        }
        let is_ssh = words
            .first()
            .is_some_and(|it| it == "ssh" || it.ends_with("/ssh"));
        if is_ssh {
            let options = [
                "-T",
                "-oBatchMode=yes",
                "-oConnectTimeout=15",
                "-oServerAliveInterval=5",
                "-oServerAliveCountMax=3",
            ];
            let rest = words.split_off(1);
            words.extend(options.map(str::to_owned));
            words.extend(rest);
        }
        words.push(remote.to_owned());
        words
    }

    /// semihv there: named, or a copy of this one.
    fn program(&self) -> Result<String, Failure> {
        let own = || {
            std::env::current_exe()
                .ok()?
                .into_os_string()
                .into_string()
                .ok()
        };
        let own = self.entry.is_here().then(own).flatten();
        match self.entry.program.as_ref().or(own.as_ref()) {
            Some(program) => Ok(shell_words(std::slice::from_ref(program))),
            None => Ok(format!("\"$HOME/.cache/semihv/{}\"", own_name()?)),
        }
    }

    fn spawn(&self, remote: &str) -> Result<Child, Failure> {
        let words = if self.entry.is_here() {
            ["sh", "-c", remote].map(str::to_owned).to_vec()
        } else {
            self.words(remote)
        };
        let [program, arguments @ ..] = words.as_slice() else {
            return Err(self.unreachable("its command has no words"));
        };
        Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| self.unreachable(&format!("{program}: {error}")))
    }

    pub(super) fn unreachable(&self, why: &str) -> Failure {
        let summary = format!("{} cannot be asked: {why}", self.name);
        Failure::new("host", FailureKind::Network, summary).with_hint(format!(
            "see that `{}` works without a question, for example by an agent or a master connection",
            shell_words(&self.words("true"))
        ))
    }

    /// Copies this program there, under a name that says which it is, and has it say hello.
    pub(super) fn place(&self) -> Result<(), Failure> {
        let own = std::env::current_exe().and_then(std::fs::read);
        let own = own.map_err(|error| self.unreachable(&error.to_string()))?;
        let name = own_name()?;
        // Seen under its name only when it is whole.
        let remote = format!(
            "umask 077; mkdir -p \"$HOME/.cache/semihv\" && cd \"$HOME/.cache/semihv\" && cat > {name}.part && test \"$(wc -c < {name}.part)\" -eq {} && chmod 700 {name}.part && mv {name}.part {name}",
            own.len()
        );
        let mut child = self.spawn(&shell_words(&["sh".to_owned(), "-c".to_owned(), remote]))?;
        let written = child.stdin.take().map(|mut input| input.write_all(&own));
        let ran = child
            .wait_with_output()
            .map_err(|error| self.unreachable(&error.to_string()))?;
        if !ran.status.success() || !matches!(written, Some(Ok(()))) {
            return Err(self.unreachable(&last_line(&ran.stderr)));
        }
        Channel::open(self).map(drop)
    }
}

/// `semihv-0.1.0-HASH`: another program never passes for this one.
fn own_name() -> Result<String, Failure> {
    static NAME: Mutex<Option<String>> = Mutex::new(None);
    let mut name = locked(&NAME);
    if let Some(name) = name.as_ref() {
        return Ok(name.clone());
    }
    let own = std::env::current_exe().and_then(std::fs::read);
    let own = own.map_err(|error| Failure::of("host", FailureKind::Internal, &error))?;
    let hash = xxhash_rust::xxh3::xxh3_128(&own);
    let made = format!("semihv-{}-{hash:032x}", env!("CARGO_PKG_VERSION"));
    *name = Some(made.clone());
    Ok(made)
}

/// A running agent that has said hello.
#[derive(Debug)]
pub(super) struct Channel {
    reach: Reach,
    child: Child,
    input: ChildStdin,
    lines: Receiver<std::io::Result<Vec<u8>>>,
    said: Arc<Mutex<Vec<u8>>>,
    next: u64,
    pub(super) hello: Hello,
}

impl Channel {
    pub(super) fn open(reach: &Reach) -> Result<Self, Failure> {
        let mut child = reach.spawn(&format!("exec {} agent", reach.program()?))?;
        let missing = || reach.unreachable("a pipe is missing");
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        let errors = child.stderr.take().ok_or_else(missing)?;
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        thread::spawn(move || keep_end(errors, &heard));
        // Few: a host that babbles waits.
        let (send, lines) = sync_channel(2);
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            loop {
                let mut line = Vec::new();
                let read = (&mut output)
                    .take(LONGEST_LINE as u64)
                    .read_until(b'\n', &mut line);
                let is_last = !matches!(read, Ok(1..)) || line.last() != Some(&b'\n');
                if send.send(read.map(|_| line)).is_err() || is_last {
                    return;
                }
            }
        });
        let hello = Hello {
            v: 0,
            version: String::new(),
            host: String::new(),
            runs: Path::new("").to_owned(),
        };
        let mut channel = Self {
            reach: reach.clone(),
            child,
            input,
            lines,
            said,
            next: 0,
            hello,
        };
        channel.hello = channel.exchange(AgentAsk::Hello { v: PROTOCOL }, HELLO)?;
        Ok(channel)
    }

    pub(super) fn ask<T: DeserializeOwned>(&mut self, ask: AgentAsk) -> Result<T, Failure> {
        let patience = match ask {
            AgentAsk::Launch { .. } => LAUNCH,
            _ => ANSWER,
        };
        self.exchange(ask, patience)
    }

    fn exchange<T: DeserializeOwned>(
        &mut self,
        ask: AgentAsk,
        patience: Duration,
    ) -> Result<T, Failure> {
        self.next += 1;
        let id = self.next;
        let mut line = serde_json::to_vec(&Request { id, ask }).unwrap_or_default();
        line.push(b'\n');
        if self
            .input
            .write_all(&line)
            .and_then(|()| self.input.flush())
            .is_err()
        {
            return Err(self.ended());
        }
        let line = match self.lines.recv_timeout(patience) {
            Ok(Ok(line)) if line.last() == Some(&b'\n') => line,
            Err(RecvTimeoutError::Timeout) => {
                let why = format!("no answer within {} s", patience.as_secs());
                return Err(self.reach.unreachable(&why));
            }
            _ => return Err(self.ended()),
        };
        let response: Response = serde_json::from_slice(&line).map_err(|_| {
            let line = String::from_utf8_lossy(&line)
                .chars()
                .take(100)
                .collect::<String>();
            self.reach
                .unreachable(&format!("it said {:?}", line.trim()))
        })?;
        match response.answer {
            Answer::Failed(failure) => Err(failure),
            _ if response.id != id => Err(self.reach.unreachable("it answered another question")),
            Answer::Done(done) => serde_json::from_value(done).map_err(|error| {
                self.reach
                    .unreachable(&format!("its answer is none: {error}"))
            }),
        }
    }

    fn ended(&mut self) -> Failure {
        let status = self.child.wait().ok();
        let said = last_line(&locked(&self.said));
        if status.and_then(|status| status.code()) == Some(NOT_FOUND) {
            let name = &self.reach.name;
            let summary = format!("there is no semihv on {name}");
            return Failure::new("host", FailureKind::Config, summary).with_hint(format!(
                "`semihv hosts --place {name}` copies this one into its ~/.cache/semihv; or say where it is by `program`"
            ));
        }
        let why = if said.is_empty() {
            status.map_or("the connection ended".to_owned(), |status| {
                status.to_string()
            })
        } else {
            said
        };
        self.reach.unreachable(&why)
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        // Its runs are its supervisors': they go on.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep_end(mut from: impl Read, said: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let mut said = locked(said);
        said.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let excess = said.len().saturating_sub(SAID);
        said.drain(..excess);
    }
}

fn last_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    semihv_domain::printable_line(last.unwrap_or_default().trim()).into_owned()
}
