//! What a terminal answers, read byte by byte.
//!
//! Replies come split over reads, mixed with typed keys, or as nonsense; a sequence longer than
//! [`LONGEST`] is dropped, so a hostile terminal costs nothing.

use semihv_domain::printable_line;

use crate::{CellSize, Rgb};

/// No reply we ask for is longer.
const LONGEST: usize = 1024;
/// Typed-ahead keys kept while the terminal is asked.
const MOST_TYPED: usize = 4096;
/// How the reply to our kitty query is known; a reply to somebody else's is not ours.
const KITTY_QUERY: &str = "i=31";

/// What was answered so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replies {
    /// The kitty graphics query was answered with OK.
    pub kitty_graphics: bool,
    /// The terminal's own name and version (XTVERSION).
    pub brand: Option<Brand>,
    pub cell: Option<CellSize>,
    /// Mode 2026; None: no answer.
    pub sync_output: Option<bool>,
    pub background: Option<Rgb>,
    /// DA1, which every terminal answers; asked last, so its answer ends the waiting.
    pub attributes: Option<Vec<u16>>,
}

/// A terminal's name and version, as in `kitty(0.41.1)` or `tmux 3.5a`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Brand {
    /// Lower case.
    pub name: String,
    pub version: (u32, u32),
    /// As answered, made printable.
    pub said: String,
}

impl Brand {
    pub fn parse(said: &str) -> Self {
        let said: String = printable_line(said).trim().chars().take(64).collect();
        let (name, version) = said.split_once(['(', ' ']).unwrap_or((said.as_str(), ""));
        let mut numbers = version
            .split(|c: char| !c.is_ascii_digit())
            .map(|number| number.parse().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        Self {
            name: name.to_ascii_lowercase(),
            version,
            said,
        }
    }
}

impl Replies {
    /// Everything asked has been answered or never will be.
    pub fn is_settled(&self) -> bool {
        self.attributes.is_some()
    }

    fn take_csi(&mut self, body: &str, last: u8) -> bool {
        match (last, body.strip_prefix('?')) {
            (b'c', Some(attributes)) => {
                self.attributes = Some(numbers(attributes).collect());
            }
            (b't', None) if body.starts_with("6;") => {
                let mut sizes = numbers(body).skip(1);
                let (height, width) = (sizes.next(), sizes.next());
                self.cell = width
                    .zip(height)
                    .and_then(|(width, height)| CellSize::sensible(width, height));
            }
            (b'y', Some(mode)) if mode.starts_with("2026;") => {
                let state = numbers(mode.trim_end_matches('$')).nth(1);
                self.sync_output = Some(matches!(state, Some(1..=3)));
            }
            _ => return false,
        }
        true
    }

    fn take_string(&mut self, kind: StringKind, body: &str) {
        match kind {
            StringKind::Apc => {
                let graphics = body.strip_prefix('G').and_then(|body| body.split_once(';'));
                if let Some((keys, answer)) = graphics
                    && keys.split(',').any(|key| key == KITTY_QUERY)
                {
                    self.kitty_graphics = answer == "OK";
                }
            }
            StringKind::Dcs => {
                if let Some(brand) = body.strip_prefix(">|") {
                    self.brand = Some(Brand::parse(brand));
                }
            }
            StringKind::Osc => {
                if let Some(colour) = body.strip_prefix("11;") {
                    self.background = parse_colour(colour);
                }
            }
        }
    }
}

fn numbers(list: &str) -> impl Iterator<Item = u16> + '_ {
    list.split(';').map(|number| number.parse().unwrap_or(0))
}

/// `rgb:1a1a/2b2b/3c3c` with one to four hexadecimal digits a channel.
fn parse_colour(text: &str) -> Option<Rgb> {
    let channels = text
        .strip_prefix("rgb:")
        .or_else(|| text.strip_prefix("rgba:"))?;
    let mut values = channels.split('/').map(|channel| {
        let digits = channel.len();
        let value = u32::from_str_radix(channel, 16).ok()?;
        (1..=4)
            .contains(&digits)
            .then(|| (value * 255 / ((1 << (4 * digits)) - 1)) as u8)
    });
    Some([values.next()??, values.next()??, values.next()??])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StringKind {
    Apc,
    Dcs,
    Osc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Ground,
    Escape,
    Csi,
    String(StringKind),
    /// An escape inside a string: its end, if a backslash follows.
    StringEscape(StringKind),
}

/// Reads replies from a stream of bytes; what is no reply was typed by a person.
#[derive(Debug, Default)]
pub struct ReplyParser {
    state: State,
    sequence: Vec<u8>,
    replies: Replies,
    typed: Vec<u8>,
}

impl ReplyParser {
    pub fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.step(byte);
        }
    }

    pub fn replies(&self) -> &Replies {
        &self.replies
    }

    /// The replies and the keys typed in between.
    pub fn finish(self) -> (Replies, Vec<u8>) {
        (self.replies, self.typed)
    }

    fn step(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            (State::Ground, 0x1b) => State::Escape,
            (State::Ground, _) => {
                self.keep_typed(&[byte]);
                State::Ground
            }
            (State::Escape, b'[') => State::Csi,
            (State::Escape, b'_') => State::String(StringKind::Apc),
            (State::Escape, b'P') => State::String(StringKind::Dcs),
            (State::Escape, b']') => State::String(StringKind::Osc),
            (State::Escape, 0x1b) => {
                self.keep_typed(&[0x1b]);
                State::Escape
            }
            (State::Escape, _) => {
                self.keep_typed(&[0x1b, byte]);
                State::Ground
            }
            (State::Csi, 0x40..=0x7e) => {
                self.end_csi(byte);
                State::Ground
            }
            (State::String(kind), 0x07) | (State::StringEscape(kind), b'\\') => {
                self.end_string(kind);
                State::Ground
            }
            (State::String(kind), 0x1b) => State::StringEscape(kind),
            (State::StringEscape(_), b'[') => {
                // The string was cut off and a new sequence began.
                self.sequence.clear();
                State::Csi
            }
            (State::Csi | State::StringEscape(_), 0x1b) => {
                self.sequence.clear();
                State::Escape
            }
            (State::StringEscape(kind), _) => State::String(kind),
            (state @ (State::Csi | State::String(_)), _) => self.collect(state, byte),
        };
    }

    fn collect(&mut self, state: State, byte: u8) -> State {
        if self.sequence.len() < LONGEST {
            self.sequence.push(byte);
            state
        } else {
            self.sequence.clear();
            State::Ground
        }
    }

    fn end_csi(&mut self, last: u8) {
        let body = std::mem::take(&mut self.sequence);
        let is_reply =
            std::str::from_utf8(&body).is_ok_and(|body| self.replies.take_csi(body, last));
        if !is_reply {
            self.keep_typed(b"\x1b[");
            self.keep_typed(&body);
            self.keep_typed(&[last]);
        }
    }

    fn end_string(&mut self, kind: StringKind) {
        let body = std::mem::take(&mut self.sequence);
        self.replies
            .take_string(kind, &String::from_utf8_lossy(&body));
    }

    fn keep_typed(&mut self, bytes: &[u8]) {
        if self.typed.len() + bytes.len() <= MOST_TYPED {
            self.typed.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(super) const KITTY_0_41: &[u8] = b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.41.1)\x1b\\\
        \x1b[6;18;9t\x1b[?2026;2$y\x1b]11;rgb:1a1a/2020/ffff\x1b\\\x1b[?62;c";

    fn read(bytes: &[u8]) -> (Replies, Vec<u8>) {
        let mut parser = ReplyParser::default();
        parser.feed(bytes);
        parser.finish()
    }

    #[test]
    fn everything_that_kitty_answers_is_understood() {
        let (replies, typed) = read(KITTY_0_41);
        assert_eq!(
            replies,
            Replies {
                kitty_graphics: true,
                brand: Some(Brand {
                    name: "kitty".to_owned(),
                    version: (0, 41),
                    said: "kitty(0.41.1)".to_owned(),
                }),
                cell: Some(CellSize::GUESS),
                sync_output: Some(true),
                background: Some([0x1a, 0x20, 0xff]),
                attributes: Some(vec![62, 0]),
            }
        );
        assert!(typed.is_empty());
    }

    #[test]
    fn an_unknown_mode_2026_is_told_from_no_answer() {
        assert_eq!(read(b"\x1b[?2026;0$y").0.sync_output, Some(false));
        assert_eq!(read(b"\x1b[?63;1;2;4c").0.sync_output, None);
    }

    #[test]
    fn keys_typed_meanwhile_are_kept() {
        let (replies, typed) = read(b"j\x1b[A\x1b[?62;4c\x1bx");
        assert!(replies.is_settled());
        assert_eq!(typed, b"j\x1b[A\x1bx");
    }

    #[test]
    fn an_error_to_the_kitty_query_is_no() {
        assert!(!read(b"\x1b_Gi=31;EINVAL:bad\x1b\\").0.kitty_graphics);
        assert!(!read(b"\x1b_Gi=32;OK\x1b\\").0.kitty_graphics);
    }

    #[test]
    fn a_name_with_escapes_in_it_is_made_harmless() {
        let (replies, _) = read(b"\x1bP>|evil\x9b31m\x07\x1b[c");
        let said = replies.brand.unwrap().said;
        assert!(!said.chars().any(char::is_control), "{said:?}");
    }

    #[test]
    fn absurd_cell_sizes_are_not_believed() {
        assert_eq!(read(b"\x1b[6;60000;60000t").0.cell, None);
    }

    #[test]
    fn versions_are_read_in_every_spelling() {
        for (said, name, version) in [
            ("kitty(0.26.5)", "kitty", (0, 26)),
            ("tmux 3.5a", "tmux", (3, 5)),
            ("XTerm(379)", "xterm", (379, 0)),
            (
                "WezTerm 20240203-110809-5046fc22",
                "wezterm",
                (20_240_203, 110_809),
            ),
            ("ghostty 1.1.3", "ghostty", (1, 1)),
            ("", "", (0, 0)),
        ] {
            let brand = Brand::parse(said);
            assert_eq!((brand.name.as_str(), brand.version), (name, version));
        }
    }

    proptest! {
        #[test]
        fn where_reads_are_split_changes_nothing(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(KITTY_0_41.len())).collect();
            cuts.sort_unstable();
            let mut parser = ReplyParser::default();
            let mut from = 0;
            for cut in cuts {
                parser.feed(&KITTY_0_41[from..cut]);
                from = cut;
            }
            parser.feed(&KITTY_0_41[from..]);
            prop_assert_eq!(parser.finish(), read(KITTY_0_41));
        }

        #[test]
        fn no_bytes_are_too_wild(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
            let (replies, typed) = read(&bytes);
            prop_assert!(typed.len() <= bytes.len());
            let said = replies.brand.unwrap_or_default().said;
            prop_assert!(!said.chars().any(char::is_control));
        }
    }
}
