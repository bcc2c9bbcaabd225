//! The environment variables that say something of the terminal, read once.

use serde::Serialize;

/// What the environment says. Empty strings stand for variables that are not set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Environment {
    pub term: String,
    pub term_program: String,
    pub lc_terminal: String,
    pub colorterm: String,
    /// From `LC_ALL`, `LC_CTYPE` or `LANG`, whichever counts.
    pub locale: String,
    pub no_color: bool,
    pub in_tmux: bool,
    /// GNU screen.
    has_sty: bool,
    pub over_ssh: bool,
    is_konsole: bool,
    is_windows_terminal: bool,
}

impl Environment {
    /// Reads this process's variables.
    pub fn read() -> Self {
        Self::from_lookup(|name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })
    }

    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| lookup(name).unwrap_or_default();
        let is_set = |name: &str| !text(name).is_empty();
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .map(text)
            .find(|value| !value.is_empty())
            .unwrap_or_default();
        Self {
            term: text("TERM"),
            term_program: text("TERM_PROGRAM"),
            lc_terminal: text("LC_TERMINAL"),
            colorterm: text("COLORTERM"),
            locale,
            no_color: is_set("NO_COLOR"),
            in_tmux: is_set("TMUX"),
            has_sty: is_set("STY"),
            over_ssh: is_set("SSH_CONNECTION") || is_set("SSH_TTY"),
            is_konsole: is_set("KONSOLE_VERSION"),
            is_windows_terminal: is_set("WT_SESSION"),
        }
    }

    /// True for a locale that can show more than ASCII. No locale at all is what a bare SSH
    /// command or a container gives; terminals of today show UTF-8 there too.
    pub fn is_utf8(&self) -> bool {
        let locale = self.locale.to_ascii_lowercase();
        locale.is_empty() || locale.contains("utf-8") || locale.contains("utf8")
    }

    pub fn is_dumb(&self) -> bool {
        self.term == "dumb"
    }

    pub fn is_linux_console(&self) -> bool {
        self.term == "linux"
    }

    pub fn in_screen(&self) -> bool {
        self.has_sty || (self.term.starts_with("screen") && !self.in_tmux)
    }

    /// tmux or GNU screen, here or on the machine that one came from.
    pub(crate) fn in_multiplexer(&self) -> bool {
        self.in_tmux || self.in_screen() || self.term.starts_with("tmux")
    }

    /// Terminals that print unknown strings instead of swallowing them.
    pub(crate) fn prints_unknown_strings(&self) -> bool {
        self.is_dumb() || self.is_linux_console() || self.term_program == "Apple_Terminal"
    }

    /// The variables name a terminal that answers for certain, if perhaps only after it has
    /// finished starting.
    pub(crate) fn names_a_terminal_that_answers(&self) -> bool {
        const ANSWER: [&str; 6] = ["kitty", "ghostty", "foot", "wezterm", "alacritty", "tmux"];
        self.in_tmux || ANSWER.iter().any(|name| self.term.contains(name))
    }

    /// A terminal known by its variables alone to take the protocol of iTerm2.
    pub(crate) fn iterm2_hint(&self) -> Option<&str> {
        const TAKES_IT: [&str; 7] = [
            "iTerm.app",
            "WezTerm",
            "mintty",
            "vscode",
            "Tabby",
            "Hyper",
            "rio",
        ];
        if TAKES_IT.contains(&self.term_program.as_str()) {
            return Some(&self.term_program);
        }
        if self.lc_terminal.starts_with("iTerm") {
            return Some(&self.lc_terminal);
        }
        self.is_konsole.then_some("Konsole")
    }

    /// A terminal known by its variables alone to take sixel.
    pub(crate) fn sixel_hint(&self) -> Option<&'static str> {
        if self.is_windows_terminal {
            Some("Windows Terminal")
        } else if self.term.starts_with("foot") {
            Some("foot")
        } else {
            None
        }
    }

    #[cfg(test)]
    pub(crate) fn from_pairs(variables: &str) -> Self {
        Self::from_lookup(|name| {
            variables.split_whitespace().find_map(|pair| {
                let (key, value) = pair.split_once('=')?;
                (key == name).then(|| value.to_owned())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_locale_variable_counts() {
        let environment = Environment::from_pairs("LC_ALL=C LANG=de_DE.UTF-8");
        assert!(!environment.is_utf8());
        assert!(Environment::from_pairs("LANG=C.utf8").is_utf8());
        assert!(Environment::from_pairs("").is_utf8());
    }

    #[test]
    fn tmux_may_call_itself_screen() {
        assert!(!Environment::from_pairs("TERM=screen TMUX=/tmp/s,1,0").in_screen());
        assert!(Environment::from_pairs("TERM=screen.xterm-256color").in_screen());
    }
}
