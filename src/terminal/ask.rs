//! The edge: queries out, answers in, with a deadline on both.
//!
//! Reads the terminal itself, before anybody else listens to keys, and puts its mode back.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read, retry_on_intr, write};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::{Environment, Replies, ReplyParser};

/// Why the terminal could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("there is no terminal to ask")]
    NoTerminal { source: io::Error },
    #[error("semihv runs in the background; bring it to the front with `fg`")]
    Background,
    #[error("the terminal cannot be read or written")]
    Talk { source: io::Error },
}

/// What came back within the time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    pub replies: Replies,
    /// Keys typed meanwhile.
    pub typed: Vec<u8>,
}

const KITTY: &str = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\";
const NAME: &str = "\x1b[>0q";
const CELL: &str = "\x1b[16t";
const SYNC: &str = "\x1b[?2026$p";
const BACKGROUND: &str = "\x1b]11;?\x1b\\";
const ATTRIBUTES: &str = "\x1b[c";

/// The one batch of queries; what every terminal answers (DA1) comes last.
pub fn question(environment: &Environment) -> Vec<u8> {
    let queries: &[&str] = if environment.prints_unknown_strings() {
        &[ATTRIBUTES]
    } else if environment.in_multiplexer() {
        // tmux and screen would take the kitty query for the title of their window.
        &[NAME, CELL, SYNC, BACKGROUND, ATTRIBUTES]
    } else {
        &[KITTY, NAME, CELL, SYNC, BACKGROUND, ATTRIBUTES]
    };
    queries.concat().into_bytes()
}

/// The batch for the terminal around tmux, handed through.
pub fn question_through_tmux() -> Vec<u8> {
    let queries = [KITTY, NAME, CELL, SYNC, BACKGROUND, ATTRIBUTES];
    wrapped_for_tmux(queries.concat().as_bytes())
}

/// Makes tmux hand a sequence to the terminal around it: escapes are doubled.
pub fn wrapped_for_tmux(sequence: &[u8]) -> Vec<u8> {
    let mut wrapped = b"\x1bPtmux;".to_vec();
    for &byte in sequence {
        if byte == 0x1b {
            wrapped.push(0x1b);
        }
        wrapped.push(byte);
    }
    wrapped.extend_from_slice(b"\x1b\\");
    wrapped
}

/// A terminal in raw mode for as long as this lives.
pub struct Conversation<'tty> {
    tty: BorrowedFd<'tty>,
    mode: Termios,
}

impl<'tty> Conversation<'tty> {
    pub fn open(tty: BorrowedFd<'tty>) -> Result<Self, AskError> {
        let mode = tcgetattr(tty).map_err(|errno| AskError::NoTerminal {
            source: errno.into(),
        })?;
        // Changing the mode from the background would stop the whole program.
        if rustix::termios::tcgetpgrp(tty).is_ok_and(|front| front != rustix::process::getpgrp()) {
            return Err(AskError::Background);
        }
        let mut raw = mode.clone();
        raw.make_raw();
        tcsetattr(tty, OptionalActions::Now, &raw).map_err(talk)?;
        Ok(Self { tty, mode })
    }

    /// Sends `question` and listens until the last query of the batch is answered or `patience`
    /// has run out.
    pub fn ask(&self, question: &[u8], patience: Duration) -> Result<Heard, AskError> {
        let deadline = Instant::now() + patience;
        let mut parser = ReplyParser::default();
        if self.send(question, deadline)? {
            self.listen(&mut parser, deadline)?;
        }
        let (replies, typed) = parser.finish();
        Ok(Heard { replies, typed })
    }

    /// False when the terminal takes no bytes, as after Ctrl-S.
    fn send(&self, mut question: &[u8], deadline: Instant) -> Result<bool, AskError> {
        while !question.is_empty() {
            if !self.wait_for(PollFlags::OUT, deadline)? {
                return Ok(false);
            }
            let sent = retry_on_intr(|| write(self.tty, question)).map_err(talk)?;
            question = question.get(sent..).unwrap_or_default();
        }
        Ok(true)
    }

    fn listen(&self, parser: &mut ReplyParser, deadline: Instant) -> Result<(), AskError> {
        let mut buffer = [0_u8; 1024];
        while !parser.replies().is_settled() && self.wait_for(PollFlags::IN, deadline)? {
            let count = retry_on_intr(|| read(self.tty, &mut buffer)).map_err(talk)?;
            if count == 0 {
                break;
            }
            parser.feed(buffer.get(..count).unwrap_or_default());
        }
        Ok(())
    }

    /// False when the deadline passes first.
    fn wait_for(&self, flags: PollFlags, deadline: Instant) -> Result<bool, AskError> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec {
                tv_sec: left.as_secs() as i64,
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            let mut fds = [PollFd::from_borrowed_fd(self.tty.as_fd(), flags)];
            match poll(&mut fds, Some(&timeout)) {
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(talk(errno)),
            }
        }
    }
}

impl Drop for Conversation<'_> {
    fn drop(&mut self) {
        // Nothing can be done when the terminal is gone, and then nothing needs to be.
        let _ = tcsetattr(self.tty, OptionalActions::Now, &self.mode);
    }
}

fn talk(errno: Errno) -> AskError {
    AskError::Talk {
        source: errno.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_every_terminal_answers_comes_last() {
        let asked = question(&Environment::default());
        assert!(asked.starts_with(b"\x1b_Gi=31,"));
        assert!(asked.ends_with(b"\x1b[c"));
    }

    #[test]
    fn terminals_that_print_unknown_strings_are_asked_only_what_they_know() {
        for variables in ["TERM=linux", "TERM=dumb", "TERM_PROGRAM=Apple_Terminal"] {
            assert_eq!(question(&Environment::from_pairs(variables)), b"\x1b[c");
        }
    }

    #[test]
    fn a_multiplexer_is_not_given_a_new_title() {
        for variables in [
            "TERM=screen STY=1.a",
            "TERM=tmux-256color",
            "TERM=screen TMUX=/s,1,0",
        ] {
            let asked = question(&Environment::from_pairs(variables));
            assert!(!asked.contains(&b'_'), "{variables}");
            assert!(asked.ends_with(b"\x1b[c"));
        }
        assert!(question_through_tmux().starts_with(b"\x1bPtmux;\x1b\x1b_Gi=31,"));
    }

    #[test]
    fn escapes_are_doubled_for_tmux() {
        assert_eq!(wrapped_for_tmux(b"\x1b[c"), b"\x1bPtmux;\x1b\x1b[c\x1b\\");
    }
}
