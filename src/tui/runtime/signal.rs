//! The bytes that make a terminal tell its person something.

use semihv_domain::printable_line;
use semihv_engine::AlertSignal;

use super::clipboard::Between;

/// Notifications are short.
const MOST_LETTERS: usize = 120;

/// What is written; nothing where nobody wants to be told.
pub(super) fn sequence(signal: AlertSignal, words: &str, between: Between) -> Vec<u8> {
    // A semicolon divides what is sent, and a number before one is another command to some.
    let words: String = printable_line(words)
        .replace(';', ",")
        .chars()
        .take(MOST_LETTERS)
        .collect();
    let plain = match signal {
        AlertSignal::None => return Vec::new(),
        // Whatever lies between has bells of its own.
        AlertSignal::Bell => return b"\x07".to_vec(),
        AlertSignal::Osc9 => format!("\x1b]9;semihv: {words}\x07"),
        AlertSignal::Osc777 => format!("\x1b]777;notify;semihv;{words}\x07"),
    };
    match between {
        Between::Nothing => plain,
        Between::Tmux => format!("\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b")),
        Between::Screen => format!("\x1bP{plain}\x1b\\"),
    }
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(signal: AlertSignal, words: &str, between: Between, expected: &str) {
        let sent = String::from_utf8(sequence(signal, words, between)).unwrap();
        assert_eq!(sent, expected);
    }

    #[rustfmt::skip]
    mod sent {
        use super::*;
        use AlertSignal::{Bell, Osc9, Osc777};

        #[test] fn nothing()       { check(AlertSignal::None, "a", Between::Nothing, ""); }
        #[test] fn a_bell()        { check(Bell, "a", Between::Tmux, "\x07"); }
        #[test] fn words()         { check(Osc9, "a: b", Between::Nothing, "\x1b]9;semihv: a: b\x07"); }
        #[test] fn a_title()       { check(Osc777, "a;b", Between::Nothing, "\x1b]777;notify;semihv;a,b\x07"); }
        #[test] fn through_tmux()  { check(Osc9, "a", Between::Tmux, "\x1bPtmux;\x1b\x1b]9;semihv: a\x07\x1b\\"); }
        #[test] fn through_screen(){ check(Osc9, "a", Between::Screen, "\x1bP\x1b]9;semihv: a\x07\x1b\\"); }
        #[test] fn no_escape()     { check(Osc9, "a\x07\x1b]0;b", Between::Nothing, "\x1b]9;semihv: a··]0,b\x07"); }
    }
}
