//! tmux's own settings, read and never changed.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;

/// tmux answers in milliseconds, or its server hangs.
const PATIENCE: Duration = Duration::from_millis(250);
const LONGEST_ANSWER: usize = 4096;

/// The settings that decide what reaches the terminal around tmux. None: unknown to this tmux,
/// or tmux did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TmuxSettings {
    pub version: Option<String>,
    /// `on`, `all` or `off`, as it counts in this pane.
    pub allow_passthrough: Option<String>,
    pub set_clipboard: Option<String>,
    pub focus_events: Option<String>,
    /// Milliseconds that tmux waits after Escape.
    pub escape_time: Option<String>,
}

impl TmuxSettings {
    /// False only when tmux says so: older ones have no such option and let everything through.
    pub fn may_pass(&self) -> bool {
        self.allow_passthrough.as_deref() != Some("off")
    }
}

/// Asks the tmux around us everything that `doctor` reports.
pub fn tmux_settings() -> TmuxSettings {
    TmuxSettings {
        version: answer(&["display-message", "-p", "#{version}"]),
        allow_passthrough: allow_passthrough(),
        set_clipboard: answer(&["show-options", "-gqv", "set-clipboard"])
            .or_else(|| answer(&["show-options", "-sqv", "set-clipboard"])),
        focus_events: answer(&["show-options", "-gqv", "focus-events"]),
        escape_time: answer(&["show-options", "-sqv", "escape-time"]),
    }
}

/// The one setting that start-up needs.
pub(crate) fn allow_passthrough() -> Option<String> {
    answer(&["show-options", "-Apqv", "allow-passthrough"])
}

fn answer(arguments: &[&str]) -> Option<String> {
    let child = Command::new("tmux")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let text = read_within(child, Instant::now() + PATIENCE)?;
    let text = semihv_domain::printable_line(text.trim()).into_owned();
    (!text.is_empty()).then_some(text)
}

/// What a child prints; a child that takes longer is ended.
fn read_within(mut child: Child, deadline: Instant) -> Option<String> {
    let text = child
        .stdout
        .take()
        .and_then(|pipe| read_pipe(pipe, deadline));
    if text.is_none() {
        let _ = child.kill();
    }
    let _ = child.wait();
    text
}

fn read_pipe(mut pipe: std::process::ChildStdout, deadline: Instant) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 512];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: left.as_secs() as i64,
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let mut fds = [PollFd::new(&pipe, PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(1..) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Ok(0) | Err(_) => return None,
        }
        let count = pipe.read(&mut buffer).ok()?;
        if count == 0 {
            return Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        bytes.extend_from_slice(buffer.get(..count)?);
        if bytes.len() > LONGEST_ANSWER {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, patience: Duration) -> Option<String> {
        let child = Command::new("sh")
            .args(["-c", script])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        read_within(child, Instant::now() + patience)
    }

    #[test]
    fn what_is_printed_in_time_is_taken() {
        let text = shell("printf on", Duration::from_secs(20));
        assert_eq!(text.as_deref(), Some("on"));
    }

    #[test]
    fn a_child_that_hangs_is_ended() {
        assert_eq!(shell("exec sleep 600", Duration::from_millis(50)), None);
    }

    #[test]
    fn a_child_that_prints_without_end_is_ended() {
        assert_eq!(shell("exec yes", Duration::from_secs(20)), None);
    }

    #[test]
    fn only_a_plain_off_keeps_pictures_back() {
        let with = |value: Option<&str>| TmuxSettings {
            allow_passthrough: value.map(str::to_owned),
            ..TmuxSettings::default()
        };
        assert!(!with(Some("off")).may_pass());
        assert!(with(Some("all")).may_pass());
        assert!(with(None).may_pass());
    }
}
