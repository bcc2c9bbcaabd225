//! Which protocol is used, and why: one pure function over what was answered, what the
//! environment says and what the user wants.

use crate::{
    Brand, Capabilities, CellSize, Choice, ColourDepth, Environment, Placement, Protocol, Replies,
    Tmux, WindowSize,
};

/// Everything that is known of the terminal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evidence {
    pub environment: Environment,
    /// Answers to the plain query: inside tmux these are tmux's own.
    pub replies: Replies,
    /// The second, wrapped query inside tmux.
    pub passthrough: Passthrough,
    pub window: WindowSize,
}

/// Whether the terminal around tmux can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Passthrough {
    /// Not asked: no tmux, or tmux says that it lets nothing through.
    #[default]
    NotAsked,
    Unanswered,
    Answered(Replies),
}

impl Evidence {
    /// Adds an answer that came after the wait. True when there was something new in it.
    pub fn learn(&mut self, late: &Replies) -> bool {
        let is_outer = late
            .brand
            .as_ref()
            .is_some_and(|brand| brand.name != "tmux");
        let known = match (&mut self.passthrough, is_outer) {
            (Passthrough::Answered(outer), _) => outer,
            (passthrough @ Passthrough::Unanswered, true) => {
                *passthrough = Passthrough::Answered(late.clone());
                return true;
            }
            (Passthrough::Unanswered | Passthrough::NotAsked, _) => &mut self.replies,
        };
        let before = known.clone();
        known.kitty_graphics |= late.kitty_graphics;
        known.brand = late.brand.clone().or(known.brand.take());
        known.background = late.background.or(known.background);
        *known != before
    }
}

/// Weighs the evidence; the user's choice stands above it.
pub fn decide(evidence: &Evidence, choice: Choice) -> Capabilities {
    let outer = outer_replies(evidence);
    let brand = outer.brand.as_ref().or(evidence.replies.brand.as_ref());
    let terminal = brand.map_or_else(
        || semihv_domain::printable_line(&evidence.environment.term).into_owned(),
        |brand| brand.said.clone(),
    );
    let is_tmux = is_in_tmux(evidence);
    let colours = ColourDepth::of(&evidence.environment, brand);
    let (protocol, why) = match chosen(choice, &terminal, is_tmux) {
        Some(protocol) => (
            protocol,
            format!("`--graphics {}` asks for it", choice.name()),
        ),
        None => detected(evidence, outer, colours),
    };
    Capabilities {
        protocol,
        why,
        cell: outer
            .cell
            .or(evidence.replies.cell)
            .or_else(|| evidence.window.cell())
            .unwrap_or(CellSize::GUESS),
        background: outer.background.or(evidence.replies.background),
        sync_output: evidence.replies.sync_output == Some(true),
        terminal,
        tmux: is_tmux.then_some(Tmux {
            passes_graphics: matches!(evidence.passthrough, Passthrough::Answered(_)),
        }),
        colours,
    }
}

/// The protocol a choice names; None leaves it to the evidence.
pub(crate) fn chosen(choice: Choice, terminal: &str, is_tmux: bool) -> Option<Protocol> {
    match choice {
        Choice::Auto => None,
        Choice::Kitty => Some(Protocol::Kitty(
            if is_tmux || has_placeholders(&Brand::parse(terminal)) {
                Placement::Placeholders
            } else {
                Placement::Direct
            },
        )),
        Choice::Iterm2 => Some(Protocol::Iterm2),
        Choice::Sixel => Some(Protocol::Sixel),
        Choice::Halfblocks => Some(Protocol::Halfblocks),
        Choice::Ascii => Some(Protocol::Ascii),
        Choice::None => Some(Protocol::None),
    }
}

/// What the terminal that really draws has answered.
fn outer_replies(evidence: &Evidence) -> &Replies {
    match &evidence.passthrough {
        Passthrough::Answered(replies) => replies,
        Passthrough::NotAsked | Passthrough::Unanswered => &evidence.replies,
    }
}

fn is_in_tmux(evidence: &Evidence) -> bool {
    let names_itself = |brand: &Brand| brand.name == "tmux";
    evidence.environment.in_tmux || evidence.replies.brand.as_ref().is_some_and(names_itself)
}

fn detected(evidence: &Evidence, outer: &Replies, colours: ColourDepth) -> (Protocol, String) {
    let environment = &evidence.environment;
    if environment.is_dumb() {
        return (Protocol::Ascii, "TERM is dumb".to_owned());
    }
    if is_in_tmux(evidence) {
        return in_tmux(evidence, outer, colours);
    }
    if environment.in_screen() {
        let why = "GNU screen lets no pictures through";
        return with_characters(environment, colours, why);
    }
    pixels(environment, outer).unwrap_or_else(|| {
        let why = if outer.is_settled() {
            "the terminal offers no graphics protocol"
        } else {
            "the terminal did not answer in time"
        };
        with_characters(environment, colours, why)
    })
}

/// tmux answers for itself and claims sixel whether the terminal around it has it or not, so
/// only what comes back through a wrapped query counts; and only placeholders follow tmux's
/// panes and windows.
fn in_tmux(evidence: &Evidence, outer: &Replies, colours: ColourDepth) -> (Protocol, String) {
    let why = match &evidence.passthrough {
        Passthrough::NotAsked if !evidence.environment.in_tmux => {
            "tmux runs on another machine; try `--graphics kitty` if it lets pictures through"
        }
        Passthrough::NotAsked => {
            "tmux keeps pictures back; `tmux set -g allow-passthrough on` lets them through"
        }
        Passthrough::Unanswered => "the terminal around tmux did not answer through it",
        Passthrough::Answered(_) => {
            let can_place = outer.brand.as_ref().is_some_and(has_placeholders);
            if outer.kitty_graphics && can_place {
                let why = "the terminal around tmux answered the kitty query";
                return (Protocol::Kitty(Placement::Placeholders), why.to_owned());
            }
            "the terminal around tmux cannot place pictures inside tmux"
        }
    };
    with_characters(&evidence.environment, colours, why)
}

/// A protocol that sends pixels, when there is good reason to believe in one.
fn pixels(environment: &Environment, replies: &Replies) -> Option<(Protocol, String)> {
    /// Terminals whose kitty graphics are missing or broken, but that take iTerm2's protocol.
    const BETTER_AS_ITERM2: [&str; 5] = ["wezterm", "konsole", "iterm2", "mintty", "warp"];

    let brand = replies.brand.as_ref();
    if let Some(brand) = brand.filter(|brand| BETTER_AS_ITERM2.contains(&brand.name.as_str())) {
        let why = format!("{} takes iTerm2's inline images", brand.said);
        return Some((Protocol::Iterm2, why));
    }
    if replies.kitty_graphics {
        let placement = if brand.is_some_and(has_placeholders) {
            Placement::Placeholders
        } else {
            Placement::Direct
        };
        let why = "the terminal answered the kitty query".to_owned();
        return Some((Protocol::Kitty(placement), why));
    }
    if let Some(hint) = environment.iterm2_hint() {
        let why = format!(
            "the environment names {}",
            semihv_domain::printable_line(hint)
        );
        return Some((Protocol::Iterm2, why));
    }
    let attributes = replies.attributes.as_deref().unwrap_or_default();
    // The first number is the terminal's class, where 4 means something else.
    if attributes.iter().skip(1).any(|&attribute| attribute == 4) {
        let why = "the terminal's attributes (DA1) name sixel".to_owned();
        return Some((Protocol::Sixel, why));
    }
    let hint = environment.sixel_hint()?;
    Some((Protocol::Sixel, format!("the environment names {hint}")))
}

fn with_characters(
    environment: &Environment,
    colours: ColourDepth,
    why: &str,
) -> (Protocol, String) {
    if !environment.is_utf8() {
        return (
            Protocol::Ascii,
            format!("{why}, and the locale is not UTF-8"),
        );
    }
    if colours == ColourDepth::None {
        return (Protocol::Ascii, format!("{why}, and NO_COLOR is set"));
    }
    (Protocol::Halfblocks, why.to_owned())
}

/// Known to follow unicode placeholders: from kitty 0.28 on, and Ghostty.
fn has_placeholders(brand: &Brand) -> bool {
    match brand.name.as_str() {
        "kitty" => brand.version >= (0, 28),
        "ghostty" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReplyParser;

    const KITTY_0_41: &str = "\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.41.1)\x1b\\\x1b[6;18;9t\x1b[?2026;2$y\
         \x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;c";
    const KITTY_0_26: &str =
        "\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.26.5)\x1b\\\x1b[6;18;9t\x1b[?2026;2$y\x1b[?62;c";
    const XTERM_VT340: &str = "\x1bP>|XTerm(379)\x1b\\\x1b[?2026;0$y\
         \x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?63;1;2;4;6;9;15;16;22;28c";
    const TMUX_3_5: &str = "\x1bP>|tmux 3.5a\x1b\\\x1b[6;18;9t\x1b[?1;2;4c";
    const WEZTERM: &str =
        "\x1b_Gi=31;OK\x1b\\\x1bP>|WezTerm 20240203-110809\x1b\\\x1b[?65;4;6;18;22c";

    fn replies(bytes: &str) -> Replies {
        let mut parser = ReplyParser::default();
        parser.feed(bytes.as_bytes());
        parser.finish().0
    }

    fn evidence(variables: &str, answered: &str) -> Evidence {
        Evidence {
            environment: Environment::from_pairs(variables),
            replies: replies(answered),
            ..Evidence::default()
        }
    }

    fn in_tmux(passthrough: Passthrough) -> Evidence {
        Evidence {
            passthrough,
            ..evidence("TERM=tmux-256color TMUX=/tmp/s,1,0 LANG=C.UTF-8", TMUX_3_5)
        }
    }

    #[track_caller]
    fn check(evidence: &Evidence, protocol: Protocol, why: &str) {
        let found = decide(evidence, Choice::Auto);
        assert_eq!((found.protocol, found.why.as_str()), (protocol, why));
    }

    const PLACED: Protocol = Protocol::Kitty(Placement::Placeholders);
    const DIRECT: Protocol = Protocol::Kitty(Placement::Direct);

    #[test]
    fn kitty_0_41_places_by_placeholders() {
        let found = decide(&evidence("TERM=xterm-kitty", KITTY_0_41), Choice::Auto);
        assert_eq!(found.protocol, PLACED);
        assert_eq!(
            found.cell,
            CellSize {
                width: 9,
                height: 18
            }
        );
        assert!(found.sync_output);
        assert_eq!(found.is_light(), Some(false));
        assert_eq!(found.terminal, "kitty(0.41.1)");
    }

    #[test]
    fn kitty_0_26_knows_no_placeholders() {
        let why = "the terminal answered the kitty query";
        check(&evidence("TERM=xterm-kitty", KITTY_0_26), DIRECT, why);
    }

    #[test]
    fn xterm_as_a_vt340_takes_sixel_and_tells_its_cell_by_the_window() {
        let mut seen = evidence("TERM=xterm-256color", XTERM_VT340);
        seen.window = WindowSize {
            columns: 100,
            rows: 40,
            width_px: 700,
            height_px: 560,
        };
        let found = decide(&seen, Choice::Auto);
        assert_eq!(found.protocol, Protocol::Sixel);
        assert_eq!(
            found.cell,
            CellSize {
                width: 7,
                height: 14
            }
        );
        assert!(!found.sync_output);
        assert_eq!(found.is_light(), Some(true));
    }

    #[test]
    fn wezterm_is_better_off_with_inline_images() {
        let why = "WezTerm 20240203-110809 takes iTerm2's inline images";
        check(
            &evidence("TERM=xterm-256color", WEZTERM),
            Protocol::Iterm2,
            why,
        );
    }

    #[test]
    fn tmux_is_not_believed_when_it_claims_sixel() {
        check(
            &in_tmux(Passthrough::NotAsked),
            Protocol::Halfblocks,
            "tmux keeps pictures back; `tmux set -g allow-passthrough on` lets them through",
        );
        check(
            &in_tmux(Passthrough::Unanswered),
            Protocol::Halfblocks,
            "the terminal around tmux did not answer through it",
        );
    }

    #[test]
    fn tmux_that_lets_kitty_through_gets_placeholders() {
        let seen = in_tmux(Passthrough::Answered(replies(KITTY_0_41)));
        let found = decide(&seen, Choice::Auto);
        assert_eq!(found.protocol, PLACED);
        assert_eq!(
            found.tmux,
            Some(Tmux {
                passes_graphics: true
            })
        );
        assert_eq!(found.terminal, "kitty(0.41.1)");
    }

    #[test]
    fn an_old_kitty_around_tmux_cannot_be_used() {
        check(
            &in_tmux(Passthrough::Answered(replies(KITTY_0_26))),
            Protocol::Halfblocks,
            "the terminal around tmux cannot place pictures inside tmux",
        );
    }

    #[test]
    fn tmux_is_known_by_its_answer_where_the_variable_is_lost() {
        let found = decide(&evidence("TERM=screen-256color", TMUX_3_5), Choice::Auto);
        assert_eq!(found.protocol, Protocol::Halfblocks);
        assert!(found.tmux.is_some());
    }

    #[test]
    fn screen_gets_half_blocks_whatever_the_terminal_claims() {
        let why = "GNU screen lets no pictures through";
        let seen = evidence("TERM=screen.xterm-256color STY=1.a", "\x1b[?1;2;4c");
        check(&seen, Protocol::Halfblocks, why);
    }

    #[test]
    fn a_mute_terminal_gets_half_blocks() {
        let why = "the terminal did not answer in time";
        check(&evidence("TERM=xterm", ""), Protocol::Halfblocks, why);
    }

    #[test]
    fn an_answer_that_comes_late_is_still_believed() {
        let mut seen = evidence("TERM=xterm", "");
        assert!(seen.learn(&replies(KITTY_0_26)));
        check(&seen, DIRECT, "the terminal answered the kitty query");
        assert!(!seen.learn(&replies(KITTY_0_26)));

        let mut seen = in_tmux(Passthrough::Unanswered);
        assert!(seen.learn(&replies(KITTY_0_41)));
        assert_eq!(decide(&seen, Choice::Auto).protocol, PLACED);
    }

    #[test]
    fn a_terminal_with_nothing_to_offer_gets_half_blocks() {
        let why = "the terminal offers no graphics protocol";
        let seen = evidence("TERM=xterm-256color", "\x1b[?62;22c");
        check(&seen, Protocol::Halfblocks, why);
    }

    #[test]
    fn iterm2_over_ssh_is_known_by_the_one_variable_that_arrives() {
        let seen = evidence("TERM=xterm-256color LC_TERMINAL=iTerm2", "\x1b[?62;4c");
        check(&seen, Protocol::Iterm2, "the environment names iTerm2");
    }

    #[test]
    fn without_utf8_or_colours_plain_characters_are_drawn() {
        let none = "the terminal offers no graphics protocol";
        check(
            &evidence("TERM=xterm LC_ALL=C", "\x1b[?62c"),
            Protocol::Ascii,
            &format!("{none}, and the locale is not UTF-8"),
        );
        check(
            &evidence("TERM=xterm NO_COLOR=1", "\x1b[?62c"),
            Protocol::Ascii,
            &format!("{none}, and NO_COLOR is set"),
        );
        check(&evidence("TERM=dumb", ""), Protocol::Ascii, "TERM is dumb");
    }

    #[test]
    fn no_color_is_about_text_and_keeps_real_pictures() {
        let seen = evidence("TERM=xterm-kitty NO_COLOR=1", KITTY_0_41);
        assert_eq!(decide(&seen, Choice::Auto).protocol, PLACED);
    }

    #[test]
    fn the_users_choice_stands_above_the_evidence() {
        let seen = evidence("TERM=xterm-kitty", KITTY_0_26);
        let by_choice = |choice| decide(&seen, choice).protocol;
        assert_eq!(by_choice(Choice::Sixel), Protocol::Sixel);
        assert_eq!(by_choice(Choice::None), Protocol::None);
        assert_eq!(by_choice(Choice::Kitty), DIRECT);
        let why = decide(&seen, Choice::Halfblocks).why;
        assert_eq!(why, "`--graphics halfblocks` asks for it");
    }

    #[test]
    fn kitty_chosen_inside_tmux_uses_placeholders() {
        let seen = in_tmux(Passthrough::NotAsked);
        assert_eq!(decide(&seen, Choice::Kitty).protocol, PLACED);
    }
}
