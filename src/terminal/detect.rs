//! Detection from end to end: read the environment, ask, decide.

use std::fs::OpenOptions;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use crate::tmux::allow_passthrough;
use crate::{
    AskError, Capabilities, Choice, Conversation, Environment, Evidence, Heard, Passthrough,
    WindowSize, decide, question, question_through_tmux,
};

/// How long an unknown terminal on this machine may take.
const PATIENCE_HERE: Duration = Duration::from_millis(300);
/// For round trips over a bad link, and for terminals that are known to answer: kitty takes most
/// of a second when semihv is what it was started with.
const LONG_PATIENCE: Duration = Duration::from_secs(2);

/// What was found out, and what that leaves to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detection {
    pub capabilities: Capabilities,
    /// What it was decided on, for answers that come later.
    pub evidence: Evidence,
    /// Keys typed while the terminal was asked.
    pub typed: Vec<u8>,
    /// False when answers may still come and have to be kept out of the keys.
    pub is_settled: bool,
}

/// Asks the terminal of this process. Call it before anything reads keys.
pub fn detect(choice: Choice) -> Result<Detection, AskError> {
    let tty = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .map_err(|source| AskError::NoTerminal { source })?;
    let environment = Environment::read();
    let may_pass =
        || environment.in_tmux && allow_passthrough().is_none_or(|setting| setting != "off");
    detect_on(tty.as_fd(), &environment, choice, may_pass)
}

/// Asks the terminal behind `tty`; `may_pass` tells whether tmux lets a wrapped query through,
/// so that nobody waits for an answer that cannot come.
pub fn detect_on(
    tty: BorrowedFd<'_>,
    environment: &Environment,
    choice: Choice,
    may_pass: impl FnOnce() -> bool,
) -> Result<Detection, AskError> {
    let patience = if environment.over_ssh || environment.names_a_terminal_that_answers() {
        LONG_PATIENCE
    } else {
        PATIENCE_HERE
    };
    let conversation = Conversation::open(tty)?;
    let Heard { replies, mut typed } = conversation.ask(&question(environment), patience)?;
    let mut is_settled = replies.is_settled();
    let mut passthrough = Passthrough::NotAsked;
    if environment.in_tmux && is_settled && may_pass() {
        let outer = conversation.ask(&question_through_tmux(), patience)?;
        typed.extend(outer.typed);
        is_settled = outer.replies.is_settled();
        passthrough = if is_settled {
            Passthrough::Answered(outer.replies)
        } else {
            Passthrough::Unanswered
        };
    }
    let evidence = Evidence {
        environment: environment.clone(),
        replies,
        passthrough,
        window: window_size(tty),
    };
    Ok(Detection {
        capabilities: decide(&evidence, choice),
        evidence,
        typed,
        is_settled,
    })
}

fn window_size(tty: BorrowedFd<'_>) -> WindowSize {
    rustix::termios::tcgetwinsize(tty)
        .map(|size| WindowSize {
            columns: size.ws_col,
            rows: size.ws_row,
            width_px: size.ws_xpixel,
            height_px: size.ws_ypixel,
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::path::PathBuf;
    use std::sync::mpsc;
    use std::time::Instant;

    use portable_pty::{MasterPty, PtySize, native_pty_system};

    use super::*;
    use crate::{Placement, Protocol};

    /// A terminal of our own: the far end of a PTY that answers as it is told.
    struct Terminal {
        master: Box<dyn MasterPty + Send>,
        tty: File,
    }

    impl Terminal {
        fn open() -> Self {
            let size = PtySize {
                rows: 24,
                cols: 80,
                pixel_width: 800,
                pixel_height: 480,
            };
            let pair = native_pty_system().openpty(size).unwrap();
            let path: PathBuf = pair.master.tty_name().unwrap();
            let tty = OpenOptions::new()
                .read(true)
                .write(true)
                .open(path)
                .unwrap();
            Self {
                master: pair.master,
                tty,
            }
        }

        /// Answers each batch that ends in DA1 with the next of `answers`, piece by piece.
        /// The sender is kept by the caller so that the terminal stays open.
        fn answering(&self, answers: Vec<Vec<&'static [u8]>>) {
            let mut reader = self.master.try_clone_reader().unwrap();
            let mut writer = self.master.take_writer().unwrap();
            std::thread::spawn(move || {
                let mut asked = Vec::new();
                let mut buffer = [0_u8; 256];
                for pieces in answers {
                    while !asked.ends_with(b"[c") && !asked.ends_with(b"[c\x1b\\") {
                        let Ok(count @ 1..) = reader.read(&mut buffer) else {
                            return;
                        };
                        asked.extend_from_slice(&buffer[..count]);
                    }
                    asked.clear();
                    for piece in pieces {
                        writer.write_all(piece).unwrap();
                        writer.flush().unwrap();
                        std::thread::yield_now();
                    }
                }
                // Stays until the terminal is closed.
                while matches!(reader.read(&mut buffer), Ok(1..)) {}
            });
        }

        fn detect(&self, variables: &str) -> Detection {
            let environment = Environment::from_pairs(variables);
            detect_on(self.tty.as_fd(), &environment, Choice::Auto, || true).unwrap()
        }
    }

    const KITTY: &[u8] =
        b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.41.1)\x1b\\\x1b[6;18;9t\x1b[?2026;2$y\x1b[?62;c";

    #[test]
    fn a_mute_terminal_costs_only_the_time_out() {
        let terminal = Terminal::open();
        terminal.answering(vec![vec![]]);
        let begun = Instant::now();
        let found = terminal.detect("TERM=xterm");
        assert!(begun.elapsed() >= PATIENCE_HERE);
        assert!(!found.is_settled);
        assert_eq!(found.capabilities.protocol, Protocol::Halfblocks);
        assert_eq!(
            (
                found.capabilities.cell.width,
                found.capabilities.cell.height
            ),
            (10, 20)
        );
    }

    #[test]
    fn the_answer_to_the_last_query_ends_the_wait_at_once() {
        let terminal = Terminal::open();
        terminal.answering(vec![vec![b"\x1b[?62;4;22c"]]);
        let conversation = Conversation::open(terminal.tty.as_fd()).unwrap();
        // Were the answer not noticed, this test would take an hour.
        let heard = conversation
            .ask(b"\x1b[c", Duration::from_hours(1))
            .unwrap();
        assert_eq!(heard.replies.attributes, Some(vec![62, 4, 22]));
    }

    #[test]
    fn replies_split_over_many_writes_are_joined() {
        let terminal = Terminal::open();
        terminal.answering(vec![KITTY.chunks(3).collect()]);
        let found = terminal.detect("TERM=xterm-kitty SSH_CONNECTION=here");
        assert_eq!(
            found.capabilities.protocol,
            Protocol::Kitty(Placement::Placeholders)
        );
    }

    #[test]
    fn keys_typed_meanwhile_are_handed_on() {
        let terminal = Terminal::open();
        terminal.answering(vec![vec![b"jj", b"\x1b[?62;22c"]]);
        assert_eq!(
            terminal.detect("TERM=xterm SSH_TTY=/dev/pts/1").typed,
            b"jj"
        );
    }

    #[test]
    fn tmux_is_asked_twice_and_the_outer_terminal_counts() {
        let terminal = Terminal::open();
        terminal.answering(vec![
            vec![b"\x1bP>|tmux 3.5a\x1b\\\x1b[6;18;9t\x1b[?1;2;4c"],
            vec![KITTY],
        ]);
        let found = terminal.detect("TERM=tmux-256color TMUX=/s,1,0 SSH_CONNECTION=here");
        assert_eq!(
            found.capabilities.protocol,
            Protocol::Kitty(Placement::Placeholders)
        );
    }

    #[test]
    fn what_comes_too_late_is_left_in_the_line_and_said() {
        let terminal = Terminal::open();
        let mut reader = terminal.master.try_clone_reader().unwrap();
        let mut writer = terminal.master.take_writer().unwrap();
        let (end_of_wait, waited) = mpsc::channel::<()>();
        let late = std::thread::spawn(move || {
            let mut buffer = [0_u8; 256];
            let _ = reader.read(&mut buffer);
            waited.recv().unwrap();
            writer.write_all(KITTY).unwrap();
            (reader, writer)
        });
        let found = terminal.detect("TERM=xterm");
        end_of_wait.send(()).unwrap();
        let _ends = late.join().unwrap();
        assert!(!found.is_settled);
        assert_eq!(found.capabilities.protocol, Protocol::Halfblocks);
    }

    #[test]
    fn the_mode_of_the_terminal_is_put_back() {
        let terminal = Terminal::open();
        terminal.answering(vec![vec![b"\x1b[?62c"]]);
        let before = rustix::termios::tcgetattr(&terminal.tty).unwrap();
        terminal.detect("TERM=xterm");
        let after = rustix::termios::tcgetattr(&terminal.tty).unwrap();
        assert_eq!(before.local_modes, after.local_modes);
        assert_eq!(before.input_modes, after.input_modes);
    }

    #[test]
    fn what_is_no_terminal_is_not_asked() {
        let file = File::open("/dev/null").unwrap();
        let outcome = detect_on(file.as_fd(), &Environment::default(), Choice::Auto, || true);
        assert!(matches!(outcome, Err(AskError::NoTerminal { .. })));
    }
}
