//! How many colours text may have.

use serde::Serialize;

use crate::{Brand, Environment};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ColourDepth {
    /// `NO_COLOR`, or a terminal that has none.
    None,
    Ansi16,
    Ansi256,
    True,
}

/// Terminals that show 24-bit colours, by the name they answer with; over SSH `COLORTERM` is lost.
const TRUE_COLOUR_BRANDS: [&str; 11] = [
    "kitty", "ghostty", "wezterm", "iterm2", "foot", "konsole", "contour", "rio", "mintty", "vte",
    "xterm",
];

impl ColourDepth {
    /// `brand` is the name the terminal answered with, if it did.
    pub(crate) fn of(environment: &Environment, brand: Option<&Brand>) -> Self {
        if environment.no_color || environment.is_dumb() {
            return Self::None;
        }
        let term = environment.term.as_str();
        if environment.in_screen() {
            // GNU screen 4 garbles 24-bit colours whatever the terminal around it can do.
            return if term.contains("256color") {
                Self::Ansi256
            } else {
                Self::Ansi16
            };
        }
        let is_told = matches!(environment.colorterm.as_str(), "truecolor" | "24bit");
        let is_known = brand.is_some_and(|brand| TRUE_COLOUR_BRANDS.contains(&brand.name.as_str()));
        let is_named = ["direct", "kitty", "ghostty", "alacritty", "wezterm", "foot"]
            .iter()
            .any(|name| term.contains(name));
        // tmux itself translates 24-bit colours into what the terminal around it has.
        if is_told || is_known || is_named || environment.in_tmux {
            Self::True
        } else if term.contains("256color") {
            Self::Ansi256
        } else {
            Self::Ansi16
        }
    }
}

/// What the terminal database says of `TERM`, for the report: it is often out of date.
pub fn terminfo_colours() -> Option<u32> {
    crate::child::answer_of("tput", &["colors"])?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variables: &str, expected: ColourDepth) {
        let environment = Environment::from_pairs(variables);
        assert_eq!(ColourDepth::of(&environment, None), expected, "{variables}");
    }

    #[test]
    fn the_environment_tells_the_depth() {
        check("TERM=xterm-256color COLORTERM=truecolor", ColourDepth::True);
        check("TERM=xterm-256color", ColourDepth::Ansi256);
        check("TERM=xterm", ColourDepth::Ansi16);
        check("TERM=xterm-kitty", ColourDepth::True);
        check("TERM=linux", ColourDepth::Ansi16);
        check("TERM=dumb", ColourDepth::None);
        check("TERM=tmux-256color TMUX=/s,1,0", ColourDepth::True);
    }

    #[test]
    fn no_color_wins_over_everything() {
        check(
            "TERM=xterm-kitty COLORTERM=truecolor NO_COLOR=1",
            ColourDepth::None,
        );
    }

    #[test]
    fn an_empty_no_color_is_not_set() {
        check("TERM=xterm-kitty NO_COLOR=", ColourDepth::True);
    }

    #[test]
    fn screen_gets_no_true_colours() {
        check(
            "TERM=screen-256color STY=12.pts COLORTERM=truecolor",
            ColourDepth::Ansi256,
        );
        check("TERM=screen STY=12.pts", ColourDepth::Ansi16);
    }

    #[test]
    fn a_terminal_that_names_itself_needs_no_variable() {
        let environment = Environment::from_pairs("TERM=xterm-256color SSH_CONNECTION=a");
        let brand = Brand::parse("foot(1.16.2)");
        assert_eq!(
            ColourDepth::of(&environment, Some(&brand)),
            ColourDepth::True
        );
    }
}
