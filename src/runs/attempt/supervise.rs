//! The process that stays with a command until nothing of it is left, and writes down how it ended.
//!
//! It holds the attempt's lock for life, leads a session of its own so that no closed terminal ends
//! it, and adopts what daemonises out of the command. Everything it knows is in the folder.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, getpid, kill_process_group, pidfd_open,
    set_child_subreaper, setsid,
};
use semihv_workspace::{LockError, free_bytes, lock};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use super::control::{Wish, wishes};
use super::exit::{EndReason, ExitRecord, Reserved};
use super::identity::{Member, ProcessId, boot_id, descendants};
use super::journal::{Event, Journal, Moment, Writer};
use super::record::{ReadRecordError, StartRecord};
use super::turn::{Turn, turn};
use super::{EVENTS, LOG};
use crate::resume::{supervise_again, try_again};
use crate::slurm::attempt_of_job;

/// How soon a wish is heard, and what is left behind is seen to end.
const TICK: Duration = Duration::from_millis(250);
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often it is looked whether its turn has come.
const TURN: Duration = Duration::from_millis(500);
/// Less is no room for a line.
const FULL: u64 = 16 << 10;
/// Where the machine wants the supervisor to end, it does not wait long.
const GRACE_AT_TERMINATION: Duration = Duration::from_secs(10);
/// Longer than any warning comes before the end.
const GRACE_AT_WARNING: Duration = Duration::from_hours(24);

#[derive(Debug, thiserror::Error)]
pub enum SuperviseError {
    #[error(transparent)]
    Record(#[from] ReadRecordError),
    #[error("this attempt is supervised already ({holder})")]
    Held { holder: String },
    #[error("this attempt was started already; a new start is a new attempt")]
    StartedBefore,
    #[error("cannot supervise in {path}")]
    Io { path: PathBuf, source: io::Error },
}

/// Starts the command of an attempt and stays until nothing of it is alive; in a job, also for the
/// attempts after it.
pub fn supervise(attempt: &Path) -> Result<ExitRecord, SuperviseError> {
    let record = StartRecord::read(attempt)?;
    if record.job.is_none() {
        let (exit, next) = supervise_one(attempt, record)?;
        if let Some(next) = next
            && let Err(error) = supervise_again(&next)
        {
            tracing::warn!(%error, "another attempt could not be started");
        }
        return Ok(exit);
    }
    let restarts = std::env::var("SLURM_RESTART_COUNT").ok();
    let restarts = restarts.and_then(|it| it.parse().ok()).unwrap_or(0);
    let mut attempt = attempt_of_job(attempt, restarts).map_err(|why| SuperviseError::Io {
        path: attempt.to_owned(),
        source: io::Error::other(why),
    })?;
    loop {
        let record = StartRecord::read(&attempt)?;
        // Slurm ends what a job leaves behind: the next one is supervised by this process.
        match supervise_one(&attempt, record)? {
            (_, Some(next)) => attempt = next,
            (exit, None) => return Ok(exit),
        }
    }
}

/// With the folder of the next attempt, where there is to be one.
fn supervise_one(
    attempt: &Path,
    record: StartRecord,
) -> Result<(ExitRecord, Option<PathBuf>), SuperviseError> {
    let io = |source| SuperviseError::Io {
        path: attempt.to_owned(),
        source,
    };
    let _lock = lock(&attempt.join("lock")).map_err(|error| match error {
        LockError::Held { holder } => SuperviseError::Held { holder },
        LockError::Io { path, source } => SuperviseError::Io { path, source },
    })?;
    let before = Journal::read(&attempt.join(EVENTS)).map_err(io)?;
    let has_ended = ExitRecord::read(attempt).map_err(io)?.is_some();
    // A supervisor that was killed may have started it and not have come to say so.
    if has_ended || !before.lines.is_empty() {
        return Err(SuperviseError::StartedBefore);
    }
    // It leads a session already where a scheduler started it so.
    let _ = setsid();
    set_child_subreaper(Some(getpid())).map_err(|errno| io(errno.into()))?;
    let supervisor = Supervisor::new(attempt, record.clone()).map_err(io)?;
    let exit = supervisor.run().map_err(io)?;
    let next = try_again(attempt, &record, &exit).unwrap_or_else(|why| {
        tracing::warn!(%why, "another attempt could not be started");
        None
    });
    Ok((exit, next))
}

struct Supervisor<'a> {
    attempt: &'a Path,
    record: StartRecord,
    journal: Writer,
    reserved: Reserved,
    started: Moment,
    kills_before: u64,
    /// SIGTERM or SIGINT came.
    is_terminated: Arc<AtomicBool>,
    /// A scheduler's SIGUSR1: its time is nearly over.
    is_warned: Arc<AtomicBool>,
    ending: Option<Ending>,
    heard: usize,
    beat: Heartbeat,
}

/// Somebody wants it to end.
struct Ending {
    reason: EndReason,
    /// None: the machine does.
    by: Option<String>,
    kill_at: Instant,
    is_killed: bool,
}

impl<'a> Supervisor<'a> {
    fn new(attempt: &'a Path, record: StartRecord) -> io::Result<Self> {
        let is_terminated = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            signal_hook::flag::register(signal, Arc::clone(&is_terminated))?;
        }
        let is_warned = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGUSR1, Arc::clone(&is_warned))?;
        // Heard and not minded: the terminal that started it may go.
        signal_hook::flag::register(SIGHUP, Arc::default())?;
        let reserved = Reserved::new(attempt)?;
        let mut journal = Writer::open(&attempt.join(EVENTS))?;
        journal.append(Event::Supervised {
            supervisor: ProcessId::current()?,
            host: host(),
        })?;
        Ok(Self {
            attempt,
            record,
            journal,
            reserved,
            started: Moment::now(),
            kills_before: out_of_memory_kills(),
            is_terminated,
            is_warned,
            ending: None,
            heard: 0,
            beat: Heartbeat::new(attempt)?,
        })
    }

    fn run(mut self) -> io::Result<ExitRecord> {
        match self.wait_for_turn() {
            Ok(true) => {}
            Ok(false) => return self.end(Ok(None)),
            Err(why) => return self.end(Err(why)),
        }
        self.started = Moment::now();
        let child = match self.start() {
            Ok(child) => child,
            Err(error) => {
                let why = self.why(&error);
                return self.end(Err(why));
            }
        };
        let status = self.stay(child.id() as i32)?;
        self.end(Ok(Some(status)))
    }

    /// False where somebody wants it to end before it began.
    fn wait_for_turn(&mut self) -> Result<bool, String> {
        let mut said = String::new();
        let mut had_failed = false;
        loop {
            match turn(self.attempt, &self.record) {
                Turn::Now => return Ok(true),
                Turn::Later(why) => {
                    had_failed = false;
                    if why != said {
                        self.note(Event::Waiting { why: why.clone() });
                        said = why;
                    }
                }
                // Looked at twice: it may just be tried again.
                Turn::Never(why) if had_failed => return Err(why),
                Turn::Never(_) => had_failed = true,
            }
            self.hear(0);
            if self.ending.is_some() {
                return Ok(false);
            }
            self.beat.beat();
            thread::sleep(TURN);
        }
    }

    fn start(&mut self) -> io::Result<Child> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.attempt.join(LOG))?;
        let own = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let [program, arguments @ ..] = self.record.command.as_slice() else {
            return Err(io::Error::other("the command has no words"));
        };
        let child = Command::new(program)
            .args(arguments)
            .current_dir(&self.record.folder)
            .env_clear()
            .envs(self.record.environment(own))
            .env("SEMIHV_RUN", &self.record.run)
            .env("SEMIHV_ATTEMPT", self.record.attempt.to_string())
            .env("SEMIHV_RUN_DIR", self.attempt)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        let id = ProcessId::of(child.id() as i32)?;
        self.note(Event::Started { child: id });
        Ok(child)
    }

    /// Until the command and all that it left behind have ended.
    fn stay(&mut self, pid: i32) -> io::Result<WaitStatus> {
        let held = Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let mut ended = None;
        let mut said = false;
        loop {
            let is_alone = reap(pid, &mut ended);
            if let (true, Some(status)) = (is_alone, ended) {
                // A scheduler tells the command and its supervisor at once.
                self.hear_signals(pid);
                return Ok(status);
            }
            if is_alone {
                return Err(io::Error::other(
                    "the command is no child of its supervisor",
                ));
            }
            if ended.is_some() && !said {
                said = true;
                let processes = descendants(own_pid()).map_or(0, |all| all.len() as u32);
                self.note(Event::LeftBehind { processes });
            }
            self.hear(pid);
            self.press(pid);
            self.beat.beat();
            wait(held.as_ref().filter(|_| ended.is_none()));
        }
    }

    /// New wishes, and what the machine wants.
    fn hear(&mut self, pid: i32) {
        let wishes = wishes(self.attempt).unwrap_or_default();
        let new = wishes.get(self.heard..).unwrap_or_default().to_vec();
        self.heard += new.len();
        for Wish::Cancel { by, grace_seconds } in new {
            self.note(Event::Asked { by: by.clone() });
            let grace = Duration::from_secs(u64::from(grace_seconds));
            self.begin_ending(pid, (EndReason::Cancelled, Some(by)), grace);
        }
        self.hear_signals(pid);
    }

    fn hear_signals(&mut self, pid: i32) {
        if self.is_warned.swap(false, Ordering::Relaxed) {
            // The scheduler itself ends what takes too long.
            self.begin_ending(pid, (EndReason::TimeLimit, None), GRACE_AT_WARNING);
        }
        if self.is_terminated.swap(false, Ordering::Relaxed) {
            self.begin_ending(pid, (EndReason::Terminated, None), GRACE_AT_TERMINATION);
        }
    }

    /// The second who asks may only shorten the grace.
    fn begin_ending(
        &mut self,
        pid: i32,
        (reason, by): (EndReason, Option<String>),
        grace: Duration,
    ) {
        let kill_at = Instant::now() + grace;
        if let Some(ending) = &mut self.ending {
            ending.kill_at = ending.kill_at.min(kill_at);
            return;
        }
        self.ending = Some(Ending {
            reason,
            by,
            kill_at,
            is_killed: false,
        });
        self.signal(pid, Signal::TERM, "SIGTERM");
    }

    /// Kills what is left when the grace is over.
    fn press(&mut self, pid: i32) {
        let is_due = |ending: &Ending| Instant::now() >= ending.kill_at;
        if !self.ending.as_ref().is_some_and(is_due) {
            return;
        }
        let is_first = self.ending.as_mut().is_some_and(|ending| {
            let is_first = !ending.is_killed;
            ending.is_killed = true;
            is_first
        });
        if is_first {
            self.signal(pid, Signal::KILL, "SIGKILL");
        } else {
            // Whoever was born since.
            signal_all(pid, Signal::KILL);
        }
    }

    fn signal(&mut self, pid: i32, signal: Signal, name: &str) {
        let processes = signal_all(pid, signal);
        self.note(Event::Signalled {
            signal: name.to_owned(),
            processes,
        });
    }

    /// A full disk must not end what it keeps from being written down.
    fn note(&mut self, event: Event) {
        if let Err(error) = self.journal.append(event) {
            tracing::warn!(%error, "an event could not be written");
        }
    }

    fn end(mut self, outcome: Result<Option<WaitStatus>, String>) -> io::Result<ExitRecord> {
        let (status, trouble) = match outcome {
            Ok(status) => (status, None),
            Err(why) => (None, Some(why)),
        };
        let code = status.and_then(WaitStatus::exit_status);
        let signal = status.and_then(WaitStatus::terminating_signal);
        let reason = match (&self.ending, signal) {
            _ if trouble.is_some() => EndReason::StartFailed,
            (Some(ending), _) => ending.reason,
            (None, Some(_)) => EndReason::Signalled,
            (None, None) => EndReason::Exited,
        };
        let was_killed = signal == Some(Signal::KILL.as_raw());
        let record = ExitRecord {
            reason,
            code,
            signal,
            has_core: status.is_some_and(has_core),
            was_out_of_memory: was_killed && out_of_memory_kills() > self.kills_before,
            disk_was_full: free_bytes(self.attempt).is_ok_and(|free| free < FULL),
            by: self.ending.as_ref().and_then(|ending| ending.by.clone()),
            trouble,
            boot_id: boot_id()?,
            started: self.started,
            ended: Moment::now(),
        };
        self.reserved.write(&record)?;
        if let Err(error) = self.journal.append(Event::Ended) {
            tracing::warn!(%error, "the last event could not be written");
        }
        Ok(record)
    }

    fn why(&self, error: &io::Error) -> String {
        let program = self.record.command.first().map_or("", String::as_str);
        if error.kind() == io::ErrorKind::NotFound && !self.record.folder.is_dir() {
            return format!("there is no folder {}", self.record.folder.display());
        }
        format!("{program}: {error}")
    }
}

/// Asks all children that ended how; true where none is left.
fn reap(pid: i32, ended: &mut Option<WaitStatus>) -> bool {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((of, status))) => {
                if of.as_raw_nonzero().get() == pid {
                    *ended = Some(status);
                }
            }
            Ok(None) => return false,
            Err(Errno::INTR) => {}
            Err(_) => return true,
        }
    }
}

/// The group of the command, and all that left it; how many there were.
fn signal_all(pid: i32, signal: Signal) -> u32 {
    let all = descendants(own_pid()).unwrap_or_default();
    let (inside, outside): (Vec<Member>, Vec<Member>) =
        all.iter().partition(|member| member.group == pid);
    // Whoever has a member of the group below itself cannot have another group of that number.
    if let Some(group) = Pid::from_raw(pid).filter(|_| !inside.is_empty()) {
        let _ = kill_process_group(group, signal);
    }
    for member in outside {
        if let Ok(id) = ProcessId::of(member.pid) {
            let _ = id.signal(signal);
        }
    }
    all.len() as u32
}

fn own_pid() -> i32 {
    getpid().as_raw_nonzero().get()
}

/// For one tick, or until the command ends.
fn wait(held: Option<&OwnedFd>) {
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: TICK.as_nanos() as i64,
    };
    let mut ends: Vec<PollFd<'_>> = held
        .iter()
        .map(|held| PollFd::new(*held, PollFlags::IN))
        .collect();
    // Interrupted by a signal is as good as over.
    let _ = poll(&mut ends, Some(&timeout));
}

fn has_core(status: WaitStatus) -> bool {
    status.as_raw() & 0x80 != 0 && status.signaled()
}

fn host() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

/// How often the kernel killed for want of memory since the boot.
fn out_of_memory_kills() -> u64 {
    let counts = std::fs::read_to_string("/proc/vmstat").unwrap_or_default();
    let count = counts
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "));
    count
        .and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
}

/// A file that is written anew in its place: who cannot see the process can see its time.
struct Heartbeat {
    file: File,
    last: Option<Instant>,
}

impl Heartbeat {
    fn new(attempt: &Path) -> io::Result<Self> {
        let path = attempt.join("heartbeat");
        let file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .open(path)?;
        Ok(Self { file, last: None })
    }

    fn beat(&mut self) {
        if self.last.is_some_and(|last| last.elapsed() < HEARTBEAT) {
            return;
        }
        self.last = Some(Instant::now());
        // Always as long: the one before is overwritten.
        let line = format!("{:>20}\n", Moment::now().wall_ms);
        let _ = self.file.write_all_at(line.as_bytes(), 0);
    }
}
