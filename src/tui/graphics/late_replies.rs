//! Answers of the terminal that come after nobody waits for them any more.
//!
//! The key reader takes them for keys: `Alt+_`, `G`, `i`, … This filter keeps them out for the
//! first seconds, and only when the terminal had not answered in time. What they say is not lost:
//! [`LateReplies::learned`] hands it to whoever decides on the graphics.

use std::time::{Duration, Instant};

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use semihv_terminal::{Replies, ReplyParser};

/// Round trips longer than this are no terminal session.
const WINDOW: Duration = Duration::from_secs(5);
/// The bytes of one reply come together; a person types slower.
const GAP: Duration = Duration::from_millis(150);
/// No reply is longer.
const LONGEST: u16 = 512;

/// Tells the keys of a person from the late answers of a terminal.
#[derive(Debug)]
pub struct LateReplies {
    until: Instant,
    inside: Option<Inside>,
    parser: ReplyParser,
    told: Replies,
}

#[derive(Debug, Clone, Copy)]
struct Inside {
    last: Instant,
    length: u16,
}

impl LateReplies {
    /// To be made when detection ended; `is_settled` as it said.
    pub fn new(is_settled: bool, now: Instant) -> Self {
        Self {
            until: if is_settled { now } else { now + WINDOW },
            inside: None,
            parser: ReplyParser::default(),
            told: Replies::default(),
        }
    }

    /// Everything answered late so far; once after each answer that says something new.
    pub fn learned(&mut self) -> Option<Replies> {
        let replies = self.parser.replies();
        let is_new = *replies != self.told;
        self.told = replies.clone();
        is_new.then(|| self.told.clone())
    }

    /// False for a key that is a piece of a late answer.
    pub fn admits(&mut self, key: &KeyEvent, now: Instant) -> bool {
        if let Some(Inside { last, length }) = self.inside {
            let goes_on = now.saturating_duration_since(last) < GAP && length < LONGEST;
            self.inside = (goes_on && !is_end(key)).then_some(Inside {
                last: now,
                length: length + 1,
            });
            if goes_on {
                self.parser.feed(&bytes_of(key));
                return false;
            }
        }
        if now < self.until && is_begin(key) {
            self.inside = Some(Inside {
                last: now,
                length: 1,
            });
            self.parser.feed(&bytes_of(key));
            return false;
        }
        true
    }
}

/// The bytes that the key reader made a key of.
fn bytes_of(key: &KeyEvent) -> Vec<u8> {
    let KeyCode::Char(character) = key.code else {
        return Vec::new();
    };
    if is_bell(key) {
        return vec![0x07];
    }
    let mut bytes = Vec::new();
    if key.modifiers.contains(KeyModifiers::ALT) {
        bytes.push(0x1b);
    }
    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    bytes
}

/// The beginnings of APC, DCS and OSC.
fn is_begin(key: &KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::ALT) && matches!(key.code, KeyCode::Char('_' | 'P' | ']'))
}

/// ST or BEL.
fn is_end(key: &KeyEvent) -> bool {
    let is_st = key.code == KeyCode::Char('\\') && key.modifiers.contains(KeyModifiers::ALT);
    is_st || is_bell(key)
}

fn is_bell(key: &KeyEvent) -> bool {
    key.code == KeyCode::Char('g') && key.modifiers.contains(KeyModifiers::CONTROL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alt(character: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(character), KeyModifiers::ALT)
    }

    fn plain(character: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE)
    }

    fn late_kitty() -> Vec<KeyEvent> {
        let mut keys = vec![alt('_')];
        keys.extend("Gi=31;OK".chars().map(plain));
        keys.push(alt('\\'));
        keys.push(alt('P'));
        keys.extend(">|kitty(0.41.1)".chars().map(plain));
        keys.push(alt('\\'));
        keys
    }

    #[test]
    fn a_late_answer_is_swallowed_whole_and_keys_after_it_are_not() {
        let start = Instant::now();
        let mut filter = LateReplies::new(false, start);
        let now = start + Duration::from_secs(2);
        assert!(late_kitty().iter().all(|key| !filter.admits(key, now)));
        assert!(filter.admits(&plain('j'), now));
    }

    #[test]
    fn what_a_late_answer_says_is_learned_once() {
        let start = Instant::now();
        let mut filter = LateReplies::new(false, start);
        assert_eq!(filter.learned(), None);
        for key in late_kitty() {
            filter.admits(&key, start);
        }
        let learned = filter.learned().unwrap();
        assert!(learned.kitty_graphics);
        assert_eq!(learned.brand.unwrap().version, (0, 41));
        assert_eq!(filter.learned(), None);
    }

    #[test]
    fn a_terminal_that_answered_in_time_leaves_all_keys_alone() {
        let start = Instant::now();
        let mut filter = LateReplies::new(true, start);
        assert!(late_kitty().iter().all(|key| filter.admits(key, start)));
    }

    #[test]
    fn after_five_seconds_all_keys_are_a_persons() {
        let start = Instant::now();
        let mut filter = LateReplies::new(false, start);
        assert!(filter.admits(&alt(']'), start + Duration::from_secs(6)));
    }

    #[test]
    fn a_person_who_types_alt_p_loses_one_key_only() {
        let start = Instant::now();
        let mut filter = LateReplies::new(false, start);
        assert!(!filter.admits(&alt('P'), start));
        assert!(filter.admits(&plain('j'), start + Duration::from_millis(400)));
    }

    #[test]
    fn an_answer_without_an_end_does_not_swallow_for_ever() {
        let start = Instant::now();
        let mut filter = LateReplies::new(false, start);
        assert!(!filter.admits(&alt('_'), start));
        let admitted = (0..2000)
            .filter(|_| filter.admits(&plain('x'), start))
            .count();
        assert!(admitted > 1400, "{admitted}");
    }
}
