//! The command of the user's own settings that is run for an alert. Its words are arguments and
//! never pass through a shell.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use semihv_domain::printable_line;
use semihv_runs::{Alert, Severity};

/// It is ended when it takes longer.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(100);

/// Starts it and returns; how it ends is said in semihv's log.
pub(super) fn start(command: &[String], alert: &Alert) {
    let mut words = command.iter().map(|word| filled(word, alert));
    let Some(program) = words.next() else { return };
    let spawned = Command::new(&program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C in the terminal is not meant for it.
        .process_group(0)
        .spawn();
    let waiting = match spawned {
        Ok(child) => thread::Builder::new()
            .name("alert".to_owned())
            .spawn(move || wait(child)),
        Err(error) => {
            tracing::warn!(program, %error, "alert_command cannot be run");
            return;
        }
    };
    if let Err(error) = waiting {
        tracing::warn!(%error, "nobody waits for alert_command");
    }
}

fn wait(mut child: Child) {
    let due = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return,
            Ok(Some(status)) => {
                tracing::warn!(%status, "alert_command did not succeed");
                return;
            }
            Ok(None) if Instant::now() < due => thread::sleep(LOOK),
            Ok(None) => {
                tracing::warn!("alert_command took too long and is ended");
                let _ = child.kill();
                let _ = child.wait();
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "alert_command cannot be waited for");
                return;
            }
        }
    }
}

/// What is put in begins with no `-`: it must not be taken for an option.
fn filled(word: &str, alert: &Alert) -> String {
    let severity = match alert.severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
    };
    let mut filled = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        let value = match name {
            "run" => alert.run.as_str(),
            "words" => alert.words.as_str(),
            "cause" => alert.cause.name(),
            "severity" => severity,
            // No name of ours: it stays.
            _ => {
                filled.push('{');
                rest = after;
                continue;
            }
        };
        filled.push_str(printable_line(value).trim_start_matches('-'));
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use semihv_runs::{AlertCause, Finding};

    use super::*;

    #[track_caller]
    fn check(word: &str, expected: &str) {
        let finding = Finding::new(AlertCause::NotFinite, "--loss is NaN; rm -rf {run}");
        assert_eq!(filled(word, &Alert::new("tune", finding, 0)), expected);
    }

    #[rustfmt::skip]
    mod words {
        use super::*;

        #[test] fn plain()            { check("notify-send", "notify-send"); }
        #[test] fn filled_in()        { check("{run}: {cause} ({severity})", "tune: not-finite (high)"); }
        #[test] fn no_option()        { check("{words}", "loss is NaN; rm -rf {run}"); }
        #[test] fn other_braces()     { check("{x} {run", "{x} tune"); check("a{{run}}", "a{tune}"); }
    }
}
