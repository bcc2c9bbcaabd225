//! How bad a log line is, by its words.

use std::sync::LazyLock;

use regex::bytes::Regex;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Plain,
    Warning,
    Error,
}

/// `Error`, `RuntimeError:`, `[ERROR]`; not `error_rate`, `errors`, `stderr.txt`.
const ERROR: &str = r"(?i-u)traceback \(most recent|exception|fatal|out of memory|segmentation fault|core dumped|watchdog caught|oom-kill|critical|(?:^|[^_.-])error(?:[^a-z0-9_.-]|$)";
const WARNING: &str = "(?i-u)warn";

static ERRORS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&multi_line(ERROR)).ok());
static WARNINGS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&multi_line(&format!("{ERROR}|{WARNING}"))).ok());

/// For searches through many lines at once.
fn multi_line(pattern: &str) -> String {
    format!("(?m){pattern}")
}

/// The level of one line.
pub fn level(line: &str) -> Level {
    let holds = |pattern: &Option<Regex>| {
        let found = pattern.as_ref().map(|it| it.is_match(line.as_bytes()));
        found.unwrap_or(false)
    };
    // Most lines are plain: one look tells.
    if !holds(&WARNINGS) {
        Level::Plain
    } else if holds(&ERRORS) {
        Level::Error
    } else {
        Level::Warning
    }
}

impl Level {
    /// What lines of this level or above hold; `None`: all do.
    pub fn pattern(self) -> Option<Regex> {
        match self {
            Self::Plain => None,
            Self::Warning => WARNINGS.clone(),
            Self::Error => ERRORS.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    mod levels {
        use super::*;

        #[test] fn a_python_error()     { assert_eq!(level("RuntimeError: CUDA error"), Level::Error); }
        #[test] fn a_logged_error()     { assert_eq!(level("[2024] [ERROR] lost rank 3"), Level::Error); }
        #[test] fn an_error_at_the_end(){ assert_eq!(level("it ended with an error"), Level::Error); }
        #[test] fn a_figure_is_none()   { assert_eq!(level("error_rate: 0.1 mean_error=2"), Level::Plain); }
        #[test] fn files_are_none()     { assert_eq!(level("stderr.txt errors"), Level::Plain); }
        #[test] fn a_warning()          { assert_eq!(level("UserWarning: slow"), Level::Warning); }
    }

    #[test]
    fn the_patterns_find_lines_among_others() {
        let text = b"mean_error=2\nUserWarning: slow\nerror\n";
        let place = |level: Level| level.pattern().unwrap().find(text).unwrap().start();
        assert_eq!(place(Level::Warning), 17);
        assert!((29..32).contains(&place(Level::Error)));
        assert!(Level::Plain.pattern().is_none());
    }
}
