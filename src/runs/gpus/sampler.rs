//! Samples the GPUs of this machine for as long as somebody asks: one `nvidia-smi` that prints rows by
//! itself, and now and then a question who computes there. AMD's tool has no such mode and is asked
//! again and again, slowly.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use semihv_domain::{GpuProcess, GpuTool};

use super::asking::{self, AskError, Asked};
use super::book::{Book, GpuMark, GpuNews};
use super::csv::{Header, LONGEST};
use super::trouble::GpuTrouble;
use super::{nvidia, owners, rocm, xml};
use crate::attempt::Moment;

/// Seconds between two rows of a GPU, as its tool wants them.
const INTERVAL: &str = "2";
/// Who computes changes seldom, and asking costs a process.
const PROCESSES: Duration = Duration::from_secs(10);
/// A tool that ended is tried again.
const RETRY: Duration = Duration::from_secs(15);
/// Nobody asked for so long: nobody looks.
const LEASE_MS: i64 = 30_000;
/// For a tool to end by itself once it has closed its output.
const AFTERMATH: Duration = Duration::from_secs(2);

/// How the tools are called here.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    pub(super) nvidia: PathBuf,
    /// The first that is there.
    pub(super) rocm: Vec<PathBuf>,
}

impl Default for Tools {
    fn default() -> Self {
        Self {
            nvidia: "nvidia-smi".into(),
            // Not on the PATH of every login.
            rocm: vec!["rocm-smi".into(), "/opt/rocm/bin/rocm-smi".into()],
        }
    }
}

/// Nothing runs before the first question, and nothing half a minute after the last one.
#[derive(Debug)]
pub struct GpuWatch {
    tools: Tools,
    /// The folder of runs that processes may belong to.
    runs: PathBuf,
    sampler: Option<Sampler>,
}

impl GpuWatch {
    pub fn new(runs: PathBuf) -> Self {
        Self::with_tools(runs, Tools::default())
    }

    pub(super) fn with_tools(runs: PathBuf, tools: Tools) -> Self {
        Self {
            tools,
            runs,
            sampler: None,
        }
    }

    /// What changed since; at once, which right after the start is nothing yet.
    pub fn news(&mut self, since: Option<GpuMark>) -> GpuNews {
        let is_alive = |sampler: &Sampler| !sampler.shared.is_over.load(Ordering::Relaxed);
        if !self.sampler.as_ref().is_some_and(is_alive) {
            self.sampler = None;
        }
        let sampler = self
            .sampler
            .get_or_insert_with(|| Sampler::start(&self.tools, &self.runs));
        sampler.shared.asked_at.store(now(), Ordering::Relaxed);
        sampler.shared.book().news(since, now())
    }

    /// Ends what runs.
    pub fn rest(&mut self) {
        self.sampler = None;
    }
}

fn now() -> i64 {
    Moment::now().boot_ms
}

#[derive(Debug)]
struct Sampler {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    tools: Tools,
    runs: PathBuf,
    book: Mutex<Book>,
    asked_at: AtomicI64,
    is_over: AtomicBool,
    pause: (Mutex<()>, Condvar),
    /// The long-lived one. It is reaped under this lock alone, so that its number is its own.
    child: Mutex<Option<Child>>,
}

impl Sampler {
    fn start(tools: &Tools, runs: &std::path::Path) -> Self {
        let shared = Arc::new(Shared {
            tools: tools.clone(),
            runs: runs.to_owned(),
            book: Mutex::new(Book::new(Moment::now().wall_ms as u64, now())),
            asked_at: AtomicI64::new(now()),
            is_over: AtomicBool::new(false),
            pause: (Mutex::new(()), Condvar::new()),
            child: Mutex::new(None),
        });
        let works: [fn(&Shared); 2] = [Shared::follow, Shared::look_around];
        let threads = works.into_iter().filter_map(|work| {
            let shared = Arc::clone(&shared);
            let named = thread::Builder::new().name("gpus".to_owned());
            let spawned = named.spawn(move || work(&shared));
            spawned
                .inspect_err(|error| tracing::warn!(%error, "the GPUs are not sampled"))
                .ok()
        });
        Self {
            threads: threads.collect(),
            shared,
        }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.shared.end();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        held(&self.book)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn end(&self) {
        let waiting = held(&self.pause.0);
        self.is_over.store(true, Ordering::Relaxed);
        self.pause.1.notify_all();
        drop(waiting);
        if let Some(child) = held(&self.child).as_mut() {
            asking::kill(child);
        }
    }

    /// False where it is to end.
    fn wait(&self, pause: Duration) -> bool {
        let waiting = held(&self.pause.0);
        let ended = self
            .pause
            .1
            .wait_timeout_while(waiting, pause, |()| !self.is_over());
        drop(ended);
        !self.is_over()
    }

    /// The tool that is there, until it ends; then again.
    fn follow(&self) {
        loop {
            let trouble = match self.follow_nvidia() {
                Err(AskError::Missing) => self.follow_rocm(),
                Ok(trouble) | Err(AskError::Trouble(trouble)) => Some(trouble),
                Err(AskError::Over) => None,
            };
            if let Some(trouble) = trouble.filter(|_| !self.is_over()) {
                self.book().fail(trouble);
            }
            if !self.wait(RETRY) {
                return;
            }
        }
    }

    fn ask(&self, program: &std::path::Path, arguments: &[&str]) -> Result<Asked, AskError> {
        asking::ask(program, arguments, || self.is_over())
    }

    /// Why it ended.
    fn follow_nvidia(&self) -> Result<GpuTrouble, AskError> {
        let program = &self.tools.nvidia;
        let name = GpuTool::NvidiaSmi.name();
        let help = self.ask(program, &["--help-query-gpu"])?;
        let Some(fields) = nvidia::known_fields(&help.text) else {
            return Ok(match help.code {
                Some(0) => GpuTrouble::unreadable(name),
                code => GpuTrouble::ended(name, code, help.last_line()),
            });
        };
        let query = format!("--query-gpu={}", fields.join(","));
        let arguments = [query.as_str(), "--format=csv,nounits", "-l", INTERVAL];
        let (child, output) = asking::spawn(program, &arguments)?;
        {
            let mut slot = held(&self.child);
            *slot = Some(child);
            // It was to end while this one was started.
            if let Some(child) = slot.as_mut().filter(|_| self.is_over()) {
                asking::kill(child);
            }
        }
        self.book().start(GpuTool::NvidiaSmi, now());
        let last = self.read(output);
        let code = self.reap();
        Ok(GpuTrouble::ended(name, code, &last))
    }

    /// Rows until the end; the last line that was none.
    fn read(&self, output: ChildStdout) -> String {
        let mut output = BufReader::new(output);
        let (mut header, mut said) = (None::<Header>, String::new());
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut limited = (&mut output).take(LONGEST as u64);
            if !matches!(limited.read_until(b'\n', &mut line), Ok(1..)) {
                return said;
            }
            let text = String::from_utf8_lossy(&line);
            // It stands above every sample of some versions, above the first of others.
            if let Some(known) = nvidia::header(&text) {
                header = Some(known);
            } else if let Some((card, figures)) = header
                .as_ref()
                .and_then(|header| nvidia::gpu(header, &text))
            {
                let is_first = self.book().is_empty();
                self.book().take(card, figures, now());
                if is_first {
                    self.pause.1.notify_all();
                }
            } else if !text.trim().is_empty() {
                said = crate::plain_line(&line);
            }
        }
    }

    /// It closed its output: it ends, or is made to.
    fn reap(&self) -> Option<i32> {
        let mut child = held(&self.child).take()?;
        let deadline = Instant::now() + AFTERMATH;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return status.code(),
                Ok(None) if Instant::now() < deadline && !self.is_over() => {
                    thread::sleep(Duration::from_millis(20));
                }
                _ => {
                    asking::kill(&mut child);
                    return child.wait().ok().and_then(|status| status.code());
                }
            }
        }
    }

    /// As long as it answers; why it does not.
    fn follow_rocm(&self) -> Option<GpuTrouble> {
        let name = GpuTool::RocmSmi.name();
        loop {
            let asked = self
                .tools
                .rocm
                .iter()
                .map(|program| self.ask(program, &rocm::ARGUMENTS));
            let asked = asked
                .into_iter()
                .find(|asked| !matches!(asked, Err(AskError::Missing)));
            let answer = match asked {
                None | Some(Err(AskError::Missing)) => return Some(GpuTrouble::no_tool()),
                Some(Err(AskError::Trouble(trouble))) => return Some(trouble),
                Some(Err(AskError::Over)) => return None,
                Some(Ok(answer)) => answer,
            };
            let Some((cards, processes)) = rocm::parse(&answer.text) else {
                return Some(match answer.code {
                    Some(0) => GpuTrouble::unreadable(name),
                    code => GpuTrouble::ended(name, code, answer.last_line()),
                });
            };
            let processes = self.with_runs(processes);
            let mut book = self.book();
            book.start(GpuTool::RocmSmi, now());
            for (card, figures) in cards {
                book.take(card, figures, now());
            }
            book.set_processes(processes);
            drop(book);
            if !self.wait(PROCESSES) {
                return None;
            }
        }
    }

    /// Who computes, and the parts of divided GPUs; ends all when nobody looks any more.
    fn look_around(&self) {
        loop {
            // Who computes is said of GPUs that are known.
            while !self.is_over() && !self.is_sampling_nvidia() && !self.is_unwanted() {
                self.wait_for_first();
            }
            if self.is_unwanted() {
                self.end();
            }
            if self.is_over() {
                return;
            }
            self.ask_around();
            if !self.wait(PROCESSES) {
                return;
            }
        }
    }

    fn wait_for_first(&self) {
        let waiting = held(&self.pause.0);
        drop(self.pause.1.wait_timeout(waiting, Duration::from_secs(1)));
    }

    fn is_unwanted(&self) -> bool {
        now() - self.asked_at.load(Ordering::Relaxed) > LEASE_MS
    }

    fn is_sampling_nvidia(&self) -> bool {
        held(&self.child).is_some() && !self.book().is_empty()
    }

    fn ask_around(&self) {
        let program = &self.tools.nvidia;
        let query = "--query-compute-apps=gpu_uuid,pid,process_name,used_gpu_memory";
        let apps = self.ask(program, &[query, "--format=csv,nounits"]);
        let apps = apps.ok().filter(|answer| answer.code == Some(0));
        let apps = apps.map(|answer| {
            let found = nvidia::processes(&answer.text);
            let (uuids, found): (Vec<String>, Vec<GpuProcess>) = found.into_iter().unzip();
            uuids.into_iter().zip(self.with_runs(found)).collect()
        });
        let has_mig = self.book().has_mig();
        let details = has_mig.then(|| self.ask(program, &["-q", "-x"]).ok());
        let instances = details.flatten().map(|answer| xml::instances(&answer.text));
        self.book().take_around(apps, instances);
    }

    fn with_runs(&self, mut processes: Vec<GpuProcess>) -> Vec<GpuProcess> {
        if processes.is_empty() {
            return processes;
        }
        let live = owners::live_runs(&self.runs);
        for process in &mut processes {
            process.run = owners::owner(process.pid, &process.name, &live);
        }
        processes
    }
}
