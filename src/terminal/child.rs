//! Small programs that are asked something, with a deadline.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// They answer in milliseconds, or something hangs.
const PATIENCE: Duration = Duration::from_millis(250);
const LONGEST_ANSWER: usize = 4096;

/// What `program` prints, on one line and printable. None: it failed, hung or said nothing.
pub(crate) fn answer_of(program: &str, arguments: &[&str]) -> Option<String> {
    let child = Command::new(program)
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
}
