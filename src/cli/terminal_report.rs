//! What `doctor` says of the terminal: what was found, why, and what would make it better.
//!
//! Nothing is changed here: for every setting that is in the way the command is told.

use semihv_domain::printable_line;
use semihv_terminal::{
    AskError, Capabilities, Choice, ColourDepth, Detection, Environment, TmuxSettings, WindowSize,
    detect, terminfo_colours, tmux_settings,
};
use serde::Serialize;

/// The terminal as `doctor` reports it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TerminalReport {
    /// As the terminal calls itself; none when it could not be asked.
    pub terminal: Option<String>,
    /// `TERM`.
    pub term: String,
    pub connection: Connection,
    /// `kitty`, `sixel`, `halfblocks`, …
    pub graphics: Option<String>,
    pub why: String,
    pub cell: Option<String>,
    pub window: WindowSize,
    pub background: Option<String>,
    pub synchronized_output: bool,
    pub colours: ColourDepth,
    /// What was looked at: `COLORTERM`, `NO_COLOR`, terminfo.
    pub colours_from: String,
    pub locale: String,
    pub is_utf8: bool,
    pub tmux: Option<TmuxSettings>,
    pub advice: Vec<Advice>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Connection {
    Local,
    Ssh,
}

/// Something that could be better, and the command that makes it so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Advice {
    pub about: String,
    pub command: String,
}

/// Asks the terminal, tmux and the environment.
pub(crate) fn terminal_report() -> TerminalReport {
    let environment = Environment::read();
    let detection = detect(Choice::Auto);
    let tmux = environment.in_tmux.then(tmux_settings);
    report(detection, &environment, tmux, terminfo_colours())
}

fn report(
    detection: Result<Detection, AskError>,
    environment: &Environment,
    tmux: Option<TmuxSettings>,
    terminfo: Option<u32>,
) -> TerminalReport {
    let mut report = TerminalReport {
        terminal: None,
        term: printable_line(&environment.term).into_owned(),
        connection: if environment.over_ssh {
            Connection::Ssh
        } else {
            Connection::Local
        },
        graphics: None,
        why: String::new(),
        cell: None,
        window: WindowSize::default(),
        background: None,
        synchronized_output: false,
        colours: ColourDepth::None,
        colours_from: colours_from(environment, terminfo),
        locale: printable_line(&environment.locale).into_owned(),
        is_utf8: environment.is_utf8(),
        advice: advice(environment, tmux.as_ref()),
        tmux,
    };
    match detection {
        Ok(detection) => report.take(&detection.capabilities, detection.evidence.window),
        Err(error) => report.why = error.to_string(),
    }
    report
}

fn colours_from(environment: &Environment, terminfo: Option<u32>) -> String {
    let variable = |name: &str, value: &str| {
        if value.is_empty() {
            format!("{name} is not set")
        } else {
            format!("{name}={}", printable_line(value))
        }
    };
    let no_color = if environment.no_color {
        "NO_COLOR is set"
    } else {
        "NO_COLOR is not set"
    };
    let terminfo = terminfo.map_or_else(
        || "terminfo says nothing".to_owned(),
        |colours| format!("terminfo says {colours}"),
    );
    format!(
        "{}, {no_color}, {terminfo}",
        variable("COLORTERM", &environment.colorterm)
    )
}

fn advice(environment: &Environment, tmux: Option<&TmuxSettings>) -> Vec<Advice> {
    let mut advice = Vec::new();
    let mut advise = |about: &str, command: &str| {
        advice.push(Advice {
            about: about.to_owned(),
            command: command.to_owned(),
        });
    };
    if !environment.is_utf8() {
        let about = "the locale is not UTF-8: pictures and signs are drawn in ASCII";
        advise(about, "export LANG=C.UTF-8");
    }
    let Some(tmux) = tmux else {
        return advice;
    };
    if !tmux.may_pass() {
        let about = "tmux keeps pictures back; kitty 0.28 and Ghostty could show them";
        advise(about, "tmux set -g allow-passthrough on");
    }
    if tmux.set_clipboard.as_deref() == Some("off") {
        let about = "tmux keeps copied text from the clipboard";
        advise(about, "tmux set -s set-clipboard on");
    }
    if tmux.focus_events.as_deref() == Some("off") {
        let about = "tmux does not tell when the window gets the focus";
        advise(about, "tmux set -g focus-events on");
    }
    let escape_time = tmux
        .escape_time
        .as_deref()
        .and_then(|time| time.parse().ok());
    if escape_time.is_some_and(|milliseconds: u32| milliseconds > 50) {
        let about = "tmux waits before it hands Escape on";
        advise(about, "tmux set -s escape-time 10");
    }
    advice
}

impl TerminalReport {
    fn take(&mut self, capabilities: &Capabilities, window: WindowSize) {
        self.terminal = Some(capabilities.terminal.clone());
        self.graphics = Some(capabilities.protocol.to_string());
        self.why.clone_from(&capabilities.why);
        let cell = capabilities.cell;
        self.cell = Some(format!("{} x {}", cell.width, cell.height));
        self.window = window;
        self.background = capabilities
            .background
            .map(|[red, green, blue]| format!("#{red:02x}{green:02x}{blue:02x}"));
        self.synchronized_output = capabilities.sync_output;
        self.colours = capabilities.colours;
    }

    /// The same for a person, one line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("terminal    {}", self.named()),
            format!(
                "graphics    {}: {}",
                self.graphics.as_deref().unwrap_or("none"),
                self.why
            ),
            format!(
                "colours     {} ({})",
                depth(self.colours),
                self.colours_from
            ),
            format!("size        {}", self.size()),
            format!("locale      {}", self.locale_said()),
        ];
        if let Some(background) = &self.background {
            lines.push(format!("background  {background}"));
        }
        if let Some(tmux) = &self.tmux {
            lines.push(format!("tmux        {}", tmux_said(tmux)));
        }
        for Advice { about, command } in &self.advice {
            lines.push(format!("  ! {about}: `{command}`"));
        }
        lines
    }

    fn named(&self) -> String {
        let connection = match self.connection {
            Connection::Local => "local",
            Connection::Ssh => "over SSH",
        };
        let name = self.terminal.as_deref().unwrap_or("not asked");
        format!("{name}, TERM={}, {connection}", self.term)
    }

    fn size(&self) -> String {
        let window = self.window;
        let pixels = if window.width_px == 0 {
            "pixels unknown".to_owned()
        } else {
            format!("{} x {} pixels", window.width_px, window.height_px)
        };
        let cell = self.cell.as_deref().unwrap_or("unknown");
        format!(
            "{} x {} cells, {pixels}, a cell {cell}",
            window.columns, window.rows
        )
    }

    fn locale_said(&self) -> String {
        match (self.locale.as_str(), self.is_utf8) {
            ("", _) => "not set, taken for UTF-8".to_owned(),
            (locale, true) => locale.to_owned(),
            (locale, false) => format!("{locale}, not UTF-8"),
        }
    }
}

fn depth(colours: ColourDepth) -> &'static str {
    match colours {
        ColourDepth::None => "none",
        ColourDepth::Ansi16 => "16",
        ColourDepth::Ansi256 => "256",
        ColourDepth::True => "24 bits",
    }
}

fn tmux_said(tmux: &TmuxSettings) -> String {
    let settings = [
        ("allow-passthrough", &tmux.allow_passthrough),
        ("set-clipboard", &tmux.set_clipboard),
        ("focus-events", &tmux.focus_events),
        ("escape-time", &tmux.escape_time),
    ];
    let version = tmux.version.as_deref().unwrap_or("does not answer");
    settings
        .into_iter()
        .fold(version.to_owned(), |said, (name, value)| {
            format!("{said}, {name} {}", value.as_deref().unwrap_or("unknown"))
        })
}

#[cfg(test)]
mod tests {
    use std::io;

    use semihv_terminal::{Evidence, Replies, decide};

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::from_lookup(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn detection(environment: &Environment) -> Detection {
        let evidence = Evidence {
            environment: environment.clone(),
            replies: Replies {
                attributes: Some(vec![62, 4]),
                background: Some([16, 32, 48]),
                ..Replies::default()
            },
            window: WindowSize {
                columns: 80,
                rows: 24,
                width_px: 720,
                height_px: 432,
            },
            ..Evidence::default()
        };
        Detection {
            capabilities: decide(&evidence, Choice::Auto),
            evidence,
            typed: Vec::new(),
            is_settled: true,
        }
    }

    fn tmux(passthrough: &str, escape_time: &str) -> TmuxSettings {
        TmuxSettings {
            version: Some("3.5a".to_owned()),
            allow_passthrough: Some(passthrough.to_owned()),
            set_clipboard: Some("external".to_owned()),
            focus_events: Some("off".to_owned()),
            escape_time: Some(escape_time.to_owned()),
        }
    }

    #[test]
    fn everything_found_is_told_line_by_line() {
        let environment = environment(&[
            ("TERM", "xterm-256color"),
            ("LANG", "C.UTF-8"),
            ("SSH_CONNECTION", "here there"),
        ]);
        let report = report(Ok(detection(&environment)), &environment, None, Some(256));
        assert_eq!(
            report.lines(),
            [
                "terminal    xterm-256color, TERM=xterm-256color, over SSH",
                "graphics    sixel: the terminal's attributes (DA1) name sixel",
                "colours     256 (COLORTERM is not set, NO_COLOR is not set, terminfo says 256)",
                "size        80 x 24 cells, 720 x 432 pixels, a cell 9 x 18",
                "locale      C.UTF-8",
                "background  #102030",
            ]
        );
    }

    #[test]
    fn settings_in_the_way_come_with_their_command() {
        let environment = environment(&[("TERM", "tmux-256color"), ("TMUX", "/s,1,0")]);
        let settings = tmux("off", "500");
        let commands: Vec<String> = advice(&environment, Some(&settings))
            .into_iter()
            .map(|advice| advice.command)
            .collect();
        assert_eq!(
            commands,
            [
                "tmux set -g allow-passthrough on",
                "tmux set -g focus-events on",
                "tmux set -s escape-time 10",
            ]
        );
    }

    #[test]
    fn a_good_tmux_needs_little_advice() {
        let settings = tmux("on", "10");
        assert_eq!(advice(&environment(&[]), Some(&settings)).len(), 1);
        assert_eq!(
            tmux_said(&settings),
            "3.5a, allow-passthrough on, set-clipboard external, focus-events off, escape-time 10"
        );
    }

    #[test]
    fn without_a_terminal_the_report_says_why() {
        let error = AskError::NoTerminal {
            source: io::Error::other("none"),
        };
        let environment = environment(&[("TERM", "xterm\x1b[31m")]);
        let report = report(Err(error), &environment, None, None);
        assert_eq!(report.graphics, None);
        let lines = report.lines();
        assert_eq!(lines[0], "terminal    not asked, TERM=xterm·[31m, local");
        assert_eq!(lines[1], "graphics    none: there is no terminal to ask");
    }

    #[test]
    fn an_ascii_locale_is_told() {
        let environment = environment(&[("LC_ALL", "POSIX")]);
        assert_eq!(advice(&environment, None)[0].command, "export LANG=C.UTF-8");
    }
}
