//! A tool that is run: asked once, within bounds of time and size, or left running.

use std::io::{self, ErrorKind, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::trouble::GpuTrouble;

/// A driver that is loaded for every question takes seconds to start.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// No answer is longer: `-q -x` of eight GPUs is half of one.
const MOST_BYTES: u64 = 4 << 20;

pub(super) enum AskError {
    /// There is no such program.
    Missing,
    Trouble(GpuTrouble),
    /// Nobody wants the answer any more.
    Over,
}

pub(super) struct Asked {
    pub(super) text: String,
    pub(super) code: Option<i32>,
}

impl Asked {
    /// Where tools say what is wrong.
    pub(super) fn last_line(&self) -> &str {
        let mut lines = self.text.lines().rev().map(str::trim);
        lines.find(|line| !line.is_empty()).unwrap_or_default()
    }
}

/// Starts it in a group of its own, so that all of it can be ended. Where this process is killed
/// its output has no reader, and it ends at its next line.
pub(super) fn spawn(program: &Path, arguments: &[&str]) -> Result<(Child, ChildStdout), AskError> {
    let started = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    let failed = |error: io::Error| {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        AskError::Trouble(GpuTrouble::cannot_start(&name, &error))
    };
    let mut child = match started {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(AskError::Missing),
        started => started.map_err(failed)?,
    };
    match child.stdout.take() {
        Some(output) => Ok((child, output)),
        None => Err(failed(ErrorKind::BrokenPipe.into())),
    }
}

/// It and what it started. It must not have been waited for.
pub(super) fn kill(child: &mut Child) {
    if let Some(group) = Pid::from_raw(child.id() as i32) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
}

/// Its whole answer.
pub(super) fn ask(
    program: &Path,
    arguments: &[&str],
    is_over: impl Fn() -> bool,
) -> Result<Asked, AskError> {
    let (mut child, output) = spawn(program, arguments)?;
    let (send, answer) = sync_channel(1);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = output.take(MOST_BYTES).read_to_end(&mut bytes);
        let _ = send.send(read.map(|_| bytes));
    });
    let deadline = Instant::now() + PATIENCE;
    let bytes = loop {
        match answer.recv_timeout(LOOK_EVERY) {
            Ok(read) => break read.unwrap_or_default(),
            Err(RecvTimeoutError::Timeout) if !is_over() && Instant::now() < deadline => {}
            Err(_) => {
                kill(&mut child);
                let _ = child.wait();
                if is_over() {
                    return Err(AskError::Over);
                }
                let name = program.file_name().unwrap_or_default().to_string_lossy();
                return Err(AskError::Trouble(GpuTrouble::silent(&name)));
            }
        }
    };
    // It has closed its output and has nothing more to say.
    let code = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status.code(),
            Ok(None) if Instant::now() < deadline && !is_over() => thread::sleep(LOOK_EVERY / 10),
            _ => {
                kill(&mut child);
                break child.wait().ok().and_then(|status| status.code());
            }
        }
    };
    Ok(Asked {
        text: String::from_utf8_lossy(&bytes).into_owned(),
        code,
    })
}
