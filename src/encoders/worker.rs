//! The other side of `semihv-torch serve`: a child process that makes vectors from models.
//!
//! The child may be `ssh` to a machine with a GPU; nothing here knows the difference. It dies with
//! its [`Worker`], and whatever it does (dies, hangs, babbles) becomes an error that says so.

use std::ffi::OsString;
use std::io::{BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use semihv_domain::worker::{
    Ask, Embedded, LONGEST_LINE, OpenedModel, Outcome, PROTOCOL, Refusal, RefusalCode, Reply,
    Request, UnpackError, Welcome, pack_picture,
};
use serde::de::DeserializeOwned;

use crate::lines::{Line, read_line};

/// What a worker needs said before it begins; one that was not told starts itself again.
pub const ENVIRONMENT: [(&str, &str); 3] = [
    // Threads that spin while they wait starve everything else.
    ("OMP_WAIT_POLICY", "PASSIVE"),
    // glibc would give the memory of every layer back and ask for it anew: a seventh of the time.
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
    ("MALLOC_TRIM_THRESHOLD_", "268435456"),
];
/// Names a libtorch for a worker that does not find its own.
pub const LIBTORCH: &str = "SEMIHV_LIBTORCH";
/// The end of what the child said on its standard error.
const TAIL: usize = 4096;
/// Room for everything in a line that is not texts, pictures or vectors.
const ENVELOPE: usize = 4096;
/// More a request would only make its progress coarser.
const MOST_A_REQUEST: usize = 256;
/// How long a child that closed its output may take to end by itself.
const LAST_BREATH: Duration = Duration::from_millis(500);

/// How long to wait before the worker counts as stuck.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the start of the process: `ssh`, loading libtorch.
    pub hello: Duration,
    /// For reading the weights of a model.
    pub open: Duration,
    /// For one request, and besides for each of its texts and pictures: somebody may wait for the
    /// single one of a query.
    pub embed: Duration,
    pub each: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            hello: Duration::from_mins(1),
            open: Duration::from_mins(10),
            embed: Duration::from_secs(20),
            each: Duration::from_secs(10),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("no command for the worker; say one, such as `semihv-torch serve --stdio`")]
    NoCommand,
    #[error("cannot start {program}")]
    Start {
        program: String,
        source: std::io::Error,
    },
    #[error("the worker ended while it was to {doing} ({status}){said}")]
    Ended {
        doing: &'static str,
        status: String,
        said: Said,
    },
    #[error("the worker did not {doing} within {seconds} s and was stopped{said}")]
    Slow {
        doing: &'static str,
        seconds: f64,
        said: Said,
    },
    #[error(
        "the worker speaks version {theirs} of the protocol, this is {ours}; install the same semihv on both sides"
    )]
    Version { ours: u32, theirs: u32 },
    #[error("the worker sent a line that is no reply: {line:?}{said}")]
    Garbage { line: String, said: Said },
    #[error("the worker sent a line of more than {LONGEST_LINE} bytes")]
    LineTooLong,
    #[error("one text or picture of {bytes} bytes does not fit in a line of {LONGEST_LINE}")]
    TooBig { bytes: usize },
    #[error("a prepared picture has {found} bytes, the model takes {expected}")]
    Picture { found: usize, expected: usize },
    #[error("{0}")]
    Refused(Refusal),
    #[error("the worker sent vectors that do not fit")]
    Vectors(#[source] UnpackError),
    #[error("the worker was stopped after an error; start it again")]
    Stopped,
}

/// The end of the child's standard error, as part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said(String);

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, "; it said: {}", self.0)
    }
}

impl WorkerError {
    /// The same may succeed with a worker that is started anew.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Ended { .. } | Self::Slow { .. } | Self::Stopped => true,
            Self::Refused(refusal) => refusal.retriable,
            _ => false,
        }
    }

    /// The worker still answers: only what was asked was wrong.
    fn leaves_it_running(&self) -> bool {
        matches!(
            self,
            Self::Refused(_) | Self::TooBig { .. } | Self::Picture { .. }
        )
    }
}

type Heard = std::io::Result<Line>;

/// A running worker that has said hello.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    heard: Receiver<Heard>,
    /// None once something went wrong.
    asks: Option<SyncSender<Vec<u8>>>,
    said: Arc<Mutex<Vec<u8>>>,
    listener: JoinHandle<()>,
    patience: Patience,
    next: u64,
    welcome: Welcome,
}

impl Worker {
    /// Starts `command` and exchanges hellos. `client` is what the worker writes in its log.
    pub fn start(
        command: &[String],
        client: &str,
        patience: Patience,
    ) -> Result<Self, WorkerError> {
        let [program, arguments @ ..] = command else {
            return Err(WorkerError::NoCommand);
        };
        let start = |source| WorkerError::Start {
            program: program.clone(),
            source,
        };
        let mut child = Command::new(program)
            .args(arguments)
            .envs(ENVIRONMENT)
            .envs(libraries())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(start)?;
        let (asks, heard, said, listener) = connect(&mut child).map_err(start)?;
        let mut worker = Self {
            child,
            heard,
            asks: Some(asks),
            said,
            listener,
            patience,
            next: 0,
            welcome: nobody(),
        };
        worker.welcome = worker.hello(client)?;
        Ok(worker)
    }

    fn hello(&mut self, client: &str) -> Result<Welcome, WorkerError> {
        let ask = Ask::Hello {
            v: PROTOCOL,
            client: client.to_owned(),
        };
        let welcome: Welcome = self.ask(ask, "say hello", self.patience.hello)?;
        if welcome.v != PROTOCOL {
            self.stop();
            return Err(WorkerError::Version {
                ours: PROTOCOL,
                theirs: welcome.v,
            });
        }
        Ok(welcome)
    }

    /// What the worker said of itself.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Loads the model in `folder`, a path where the worker runs.
    pub fn open(&mut self, folder: &str) -> Result<OpenedModel, WorkerError> {
        let ask = Ask::Open {
            folder: folder.to_owned(),
        };
        self.ask(ask, "open the model", self.patience.open)
    }

    /// Raw vectors of texts, in their order, in as many requests as it takes.
    pub fn embed_texts(
        &mut self,
        model: &OpenedModel,
        texts: &[&str],
    ) -> Result<Vec<Vec<f32>>, WorkerError> {
        // What JSON makes of it is longer, never shorter.
        let length = |text: &&str| serde_json::to_string(text).map_or(text.len(), |it| it.len());
        let mut vectors = Vec::with_capacity(texts.len());
        for range in batches(texts.iter().map(length), model.dim)? {
            let texts = texts.get(range).unwrap_or_default();
            let texts = texts.iter().map(|text| (*text).to_owned()).collect();
            vectors.extend(self.embed(model, texts, Vec::new())?);
        }
        Ok(vectors)
    }

    /// Raw vectors of pictures that [`crate::prepare()`] made for this model.
    pub fn embed_pictures(
        &mut self,
        model: &OpenedModel,
        pictures: &[Vec<u8>],
    ) -> Result<Vec<Vec<f32>>, WorkerError> {
        let side = model.picture.as_ref().map_or(0, |spec| spec.side as usize);
        let expected = side * side * 3;
        if let Some(odd) = pictures.iter().find(|it| it.len() != expected) {
            return Err(WorkerError::Picture {
                found: odd.len(),
                expected,
            });
        }
        let length = |picture: &Vec<u8>| picture.len().div_ceil(3) * 4;
        let mut vectors = Vec::with_capacity(pictures.len());
        for range in batches(pictures.iter().map(length), model.dim)? {
            let pictures = pictures.get(range).unwrap_or_default();
            let pictures = pictures.iter().map(|it| pack_picture(it)).collect();
            vectors.extend(self.embed(model, Vec::new(), pictures)?);
        }
        Ok(vectors)
    }

    fn embed(
        &mut self,
        model: &OpenedModel,
        texts: Vec<String>,
        pictures: Vec<String>,
    ) -> Result<Vec<Vec<f32>>, WorkerError> {
        let expected = texts.len() + pictures.len();
        let ask = Ask::Embed {
            model: model.name.clone(),
            texts,
            pictures,
        };
        let patience = self.patience.embed + self.patience.each * expected as u32;
        let embedded: Embedded = self.ask(ask, "embed", patience)?;
        let found = embedded.dim;
        let vectors = embedded.unpack(expected).map_err(WorkerError::Vectors)?;
        if found != model.dim {
            let dim = model.dim;
            let wrong = UnpackError::Size {
                found: found * expected * 4,
                expected,
                dim,
            };
            return Err(WorkerError::Vectors(wrong));
        }
        Ok(vectors)
    }

    fn ask<T: DeserializeOwned>(
        &mut self,
        ask: Ask,
        doing: &'static str,
        patience: Duration,
    ) -> Result<T, WorkerError> {
        let answer = self.exchange(ask, doing, patience);
        if answer
            .as_ref()
            .is_err_and(|error| !error.leaves_it_running())
        {
            self.stop();
        }
        answer
    }

    fn exchange<T: DeserializeOwned>(
        &mut self,
        ask: Ask,
        doing: &'static str,
        patience: Duration,
    ) -> Result<T, WorkerError> {
        let deadline = Instant::now() + patience;
        self.next += 1;
        let id = self.next;
        // Texts and numbers always become JSON.
        let mut line = serde_json::to_vec(&Request { id, ask }).unwrap_or_default();
        if line.len() > LONGEST_LINE {
            return Err(WorkerError::TooBig { bytes: line.len() });
        }
        line.push(b'\n');
        let asks = self.asks.as_ref().ok_or(WorkerError::Stopped)?;
        if asks.send(line).is_err() {
            return Err(self.ended(doing));
        }
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = match self.heard.recv_timeout(left) {
                Ok(Ok(Line::Whole(line))) => line,
                Ok(Ok(Line::TooLong)) => return Err(WorkerError::LineTooLong),
                Ok(Ok(Line::End) | Err(_)) | Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.ended(doing));
                }
                Err(RecvTimeoutError::Timeout) => return Err(self.slow(doing, patience)),
            };
            if let Some(answer) = self.answer(&line, id) {
                return answer;
            }
        }
    }

    /// None where the line answers an older question.
    fn answer<T: DeserializeOwned>(&self, line: &[u8], id: u64) -> Option<Result<T, WorkerError>> {
        let Ok(reply) = serde_json::from_slice::<Reply<T>>(line) else {
            let line = String::from_utf8_lossy(line).chars().take(200).collect();
            let said = self.said();
            return Some(Err(WorkerError::Garbage { line, said }));
        };
        if reply.id.is_some_and(|other| other < id) {
            return None;
        }
        if reply.id.is_some_and(|other| other > id) {
            let line = String::from_utf8_lossy(line).chars().take(200).collect();
            let said = self.said();
            return Some(Err(WorkerError::Garbage { line, said }));
        }
        Some(match reply.outcome {
            Outcome::Done(done) => Ok(done),
            Outcome::Refused(refusal) => Err(WorkerError::Refused(refusal)),
        })
    }

    fn said(&self) -> Said {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        Said(String::from_utf8_lossy(&said).trim().to_owned())
    }

    fn slow(&mut self, doing: &'static str, patience: Duration) -> WorkerError {
        self.stop();
        WorkerError::Slow {
            doing,
            seconds: patience.as_secs_f64(),
            said: self.said(),
        }
    }

    fn ended(&mut self, doing: &'static str) -> WorkerError {
        let deadline = Instant::now() + LAST_BREATH;
        let mut status = None;
        while status.is_none() && Instant::now() < deadline {
            status = self.child.try_wait().ok().flatten();
            thread::sleep(Duration::from_millis(5));
        }
        // Its last words may still be on their way.
        while !self.listener.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        self.stop();
        WorkerError::Ended {
            doing,
            status: status.map_or("it closed its output".to_owned(), |it| it.to_string()),
            said: self.said(),
        }
    }

    fn stop(&mut self) {
        self.asks = None;
        // Both fail only where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

fn nobody() -> Welcome {
    Welcome {
        v: 0,
        version: String::new(),
        torch: String::new(),
        cuda: None,
        threads: 0,
        host: String::new(),
        pid: 0,
        caps: Vec::new(),
    }
}

type Ends = (
    SyncSender<Vec<u8>>,
    Receiver<Heard>,
    Arc<Mutex<Vec<u8>>>,
    JoinHandle<()>,
);

/// Where the loader looks last: a worker that does not find libtorch ends before it can look itself.
pub fn libraries() -> Option<(&'static str, OsString)> {
    let named = std::env::var_os(LIBTORCH).filter(|named| !named.is_empty())?;
    Some((
        "LD_LIBRARY_PATH",
        with_library(named, std::env::var_os("LD_LIBRARY_PATH")),
    ))
}

fn with_library(named: OsString, before: Option<OsString>) -> OsString {
    let mut folders = PathBuf::from(named).join("lib").into_os_string();
    if let Some(before) = before.filter(|before| !before.is_empty()) {
        folders.push(":");
        folders.push(before);
    }
    folders
}

/// A thread each for what goes in and what comes out, so that no full pipe blocks us.
fn connect(child: &mut Child) -> std::io::Result<Ends> {
    let missing = || std::io::Error::other("a pipe is missing");
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let stderr = child.stderr.take().ok_or_else(missing)?;
    let (asks, to_write) = sync_channel::<Vec<u8>>(1);
    thread::spawn(move || write_all(stdin, &to_write));
    // Bounded: a babbling worker waits, and is stopped when its request is over.
    let (hear, heard) = sync_channel(4);
    thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        loop {
            let line = read_line(&mut reader, LONGEST_LINE);
            let is_last = !matches!(line, Ok(Line::Whole(_) | Line::TooLong));
            if hear.send(line).is_err() || is_last {
                return;
            }
        }
    });
    let said = Arc::new(Mutex::new(Vec::new()));
    let listener = thread::spawn({
        let said = Arc::clone(&said);
        move || keep_tail(stderr, &said)
    });
    Ok((asks, heard, said, listener))
}

fn write_all(mut stdin: ChildStdin, lines: &Receiver<Vec<u8>>) {
    for line in lines {
        if stdin.write_all(&line).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

fn keep_tail(mut stderr: impl Read, said: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut buffer) {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let excess = said.len().saturating_sub(TAIL);
        said.drain(..excess);
    }
}

/// Ranges of items that fit in one line each, there and back.
fn batches(
    lengths: impl Iterator<Item = usize>,
    dim: usize,
) -> Result<Vec<std::ops::Range<usize>>, WorkerError> {
    let room = LONGEST_LINE - ENVELOPE;
    let most = (room / (dim * 16).div_ceil(3).max(1)).clamp(1, MOST_A_REQUEST);
    let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
    let mut used = 0;
    for (at, length) in lengths.enumerate() {
        // Quotes and a comma.
        let length = length + 3;
        if length > room {
            return Err(WorkerError::TooBig { bytes: length });
        }
        match ranges.last_mut() {
            Some(range) if range.len() < most && used + length <= room => {
                range.end = at + 1;
                used += length;
            }
            _ => {
                ranges.push(at..at + 1);
                used = length;
            }
        }
    }
    Ok(ranges)
}

/// The refusal of a worker that speaks another version, in the words of both sides.
pub fn version_refusal(theirs: u32) -> Refusal {
    Refusal {
        code: RefusalCode::Version,
        msg: format!(
            "the client speaks version {theirs} of the protocol, this worker {PROTOCOL}; install \
             the same semihv on both sides"
        ),
        retriable: false,
    }
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
