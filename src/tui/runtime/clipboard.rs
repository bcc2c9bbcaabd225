//! Copying from a terminal that may be far away: OSC 52, tmux's buffer, and a file.

use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Terminals refuse longer sequences, some by hanging.
const LONGEST: usize = 74_000;

/// What lies between us and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Between {
    Nothing,
    Tmux,
    Screen,
}

impl Between {
    pub(super) fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let term = variable("TERM").unwrap_or_default();
        if variable("TMUX").is_some() {
            Self::Tmux
        } else if variable("STY").is_some() || term.starts_with("screen") {
            Self::Screen
        } else {
            Self::Nothing
        }
    }
}

/// The bytes that ask the terminal to take a text; `None` when it is too long for that.
pub(super) fn sequence(text: &str, between: Between) -> Option<Vec<u8>> {
    let encoded = STANDARD.encode(text);
    if encoded.len() > LONGEST {
        return None;
    }
    let plain = format!("\x1b]52;c;{encoded}\x07");
    Some(match between {
        Between::Nothing => plain.into_bytes(),
        // tmux takes the plain form itself; the wrapped one reaches the terminal outside.
        Between::Tmux => {
            let doubled = plain.replace('\x1b', "\x1b\x1b");
            format!("{plain}\x1bPtmux;{doubled}\x1b\\").into_bytes()
        }
        Between::Screen => format!("\x1bP{plain}\x1b\\").into_bytes(),
    })
}

/// Gives the text to tmux, which passes it on (`-w`) where it may. True when tmux took it.
pub(super) fn load_tmux_buffer(text: &str) -> bool {
    let child = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    let is_written = child
        .stdin
        .take()
        .is_some_and(|mut stdin| stdin.write_all(text.as_bytes()).is_ok());
    child.wait().is_ok_and(|status| status.success()) && is_written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_wrapped_for_what_lies_between() {
        let sent = |between| String::from_utf8(sequence("hi", between).unwrap()).unwrap();
        assert_eq!(sent(Between::Nothing), "\x1b]52;c;aGk=\x07");
        assert_eq!(sent(Between::Screen), "\x1bP\x1b]52;c;aGk=\x07\x1b\\");
        assert_eq!(
            sent(Between::Tmux),
            "\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\"
        );
    }

    #[test]
    fn a_text_that_a_terminal_would_refuse_is_not_sent() {
        assert_eq!(sequence(&"x".repeat(60_000), Between::Nothing), None);
    }
}
