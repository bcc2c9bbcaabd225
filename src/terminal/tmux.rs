//! tmux's own settings, read and never changed.

use serde::Serialize;

use crate::child::answer_of;

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
        version: tmux(&["display-message", "-p", "#{version}"]),
        allow_passthrough: allow_passthrough(),
        set_clipboard: tmux(&["show-options", "-gqv", "set-clipboard"])
            .or_else(|| tmux(&["show-options", "-sqv", "set-clipboard"])),
        focus_events: tmux(&["show-options", "-gqv", "focus-events"]),
        escape_time: tmux(&["show-options", "-sqv", "escape-time"]),
    }
}

/// The one setting that start-up needs.
pub(crate) fn allow_passthrough() -> Option<String> {
    tmux(&["show-options", "-Apqv", "allow-passthrough"])
}

fn tmux(arguments: &[&str]) -> Option<String> {
    answer_of("tmux", arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

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
