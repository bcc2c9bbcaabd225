//! How bad a log line is, by its words.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Plain,
    Warning,
    Error,
}

const ERRORS: [&str; 9] = [
    "traceback (most recent",
    "exception",
    "fatal",
    "out of memory",
    "segmentation fault",
    "core dumped",
    "watchdog caught",
    "oom-kill",
    "critical",
];

pub(super) fn level(line: &str) -> Level {
    let lower = line.to_lowercase();
    if ERRORS.iter().any(|word| lower.contains(word)) || says_error(&lower) {
        Level::Error
    } else if lower.contains("warn") {
        Level::Warning
    } else {
        Level::Plain
    }
}

/// `Error`, `RuntimeError:`, `[ERROR]`; not `error_rate`, `errors`, `stderr.txt`.
fn says_error(lower: &str) -> bool {
    lower.match_indices("error").any(|(at, word)| {
        let behind = lower
            .get(at + word.len()..)
            .and_then(|rest| rest.chars().next());
        let before = lower.get(..at).and_then(|head| head.chars().next_back());
        let ends = behind.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.'));
        ends && before.is_none_or(|c| !matches!(c, '_' | '-' | '.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    mod levels {
        use super::*;

        #[test] fn a_python_error()     { assert_eq!(level("RuntimeError: CUDA error"), Level::Error); }
        #[test] fn a_logged_error()     { assert_eq!(level("[2024] [ERROR] lost rank 3"), Level::Error); }
        #[test] fn a_figure_is_none()   { assert_eq!(level("error_rate: 0.1 mean_error=2"), Level::Plain); }
        #[test] fn a_warning()          { assert_eq!(level("UserWarning: slow"), Level::Warning); }
    }
}
