//! Lines for people, or JSON lines for programs; a closed pipe is no error.

use std::io::{self, IsTerminal, Write};

use semihv_domain::{Failure, FailureKind, printable, printable_line};
use serde::Serialize;

/// Where results go, and in which shape.
pub(crate) struct Output {
    pub(crate) format: Format,
    out: io::BufWriter<io::Stdout>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Words,
    JsonLines,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let format = if json {
            Format::JsonLines
        } else {
            Format::Words
        };
        Self {
            format,
            out: io::BufWriter::new(io::stdout()),
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::JsonLines
    }

    /// A line of text, made harmless for a terminal.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", printable_line(text))
    }

    /// Text that may have several lines.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", printable(text))
    }

    pub(crate) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        writeln!(self.out)?;
        self.out.flush()
    }

    /// Bytes as they are: pictures, man pages.
    pub(crate) fn raw(&mut self) -> &mut impl Write {
        &mut self.out
    }

    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Why a verb ended without success.
#[derive(Debug)]
pub(crate) enum VerbError {
    Failure(Box<Failure>),
    Output(io::Error),
    /// What was run ended so, and said why itself.
    Ended(i32),
}

impl From<Failure> for VerbError {
    fn from(failure: Failure) -> Self {
        Self::Failure(Box::new(failure))
    }
}

impl From<io::Error> for VerbError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// 1 failed, 2 usage.
pub(crate) fn exit_code(failure: &Failure) -> u8 {
    if failure.kind == FailureKind::User {
        2
    } else {
        1
    }
}

/// Says a failure on standard error: what, why, and what to do.
pub fn report_failure(failure: &Failure) {
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "semihv: {}", printable_line(&failure.summary));
    for cause in &failure.causes {
        let _ = writeln!(err, "  because: {}", printable_line(cause));
    }
    if let Some(hint) = &failure.hint {
        let _ = writeln!(err, "  hint: {}", printable_line(hint));
    }
}

/// Whether progress bars make sense.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// `1 234 567`, for columns of counts.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
    }
}
