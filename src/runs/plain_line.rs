//! A raw log line as a terminal would have left it: escape sequences gone, progress bars folded.

use std::borrow::Cow;

use semihv_domain::printable_line;

/// Longer lines are cut for the screen; nobody reads 16 KiB in one row.
const LONGEST: usize = 16 * 1024;

/// The line without its line end: invalid UTF-8 replaced, escape sequences removed, the last
/// state of a `\r` progress bar kept, everything printable.
pub fn plain_line(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let text = without_escapes(&text);
    let last = text
        .split('\r')
        .rev()
        .find(|state| !state.trim().is_empty())
        .unwrap_or_default();
    let mut line = printable_line(last.trim_end()).into_owned();
    if line.len() > LONGEST {
        let mut end = LONGEST;
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        line.truncate(end);
        line.push('…');
    }
    line
}

/// Drops CSI, OSC and two-character escape sequences. One that never ends takes its line along.
pub(crate) fn without_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains(['\x1b', '\u{9b}', '\u{9d}']) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let opener = match c {
            '\x1b' => chars.next(),
            '\u{9b}' => Some('['),
            '\u{9d}' => Some(']'),
            c => {
                kept.push(c);
                continue;
            }
        };
        match opener {
            Some('[') => {
                chars.by_ref().find(|c| matches!(c, '\x40'..='\x7e'));
            }
            // Strings (OSC, DCS, APC, PM) end with BEL or ESC \.
            Some(']' | 'P' | '_' | '^') => {
                while let Some(inside) = chars.next() {
                    if inside == '\x07' || inside == '\u{9c}' {
                        break;
                    }
                    if inside == '\x1b' {
                        chars.next_if_eq(&'\\');
                        break;
                    }
                }
            }
            // `ESC ( B` and its kin take one more character.
            Some('(' | ')' | '*' | '+' | '#' | '%') => {
                chars.next();
            }
            Some(_) | None => {}
        }
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_are_dropped() {
        assert_eq!(
            plain_line(b"\x1b[31;1merror\x1b[0m: \x1b]0;title\x07gone"),
            "error: gone"
        );
    }

    #[test]
    fn a_progress_bar_keeps_its_last_state() {
        assert_eq!(
            plain_line(b"\r 1%|#  | 1/9\r 2%|## | 2/9\x1b[A"),
            " 2%|## | 2/9"
        );
    }

    #[test]
    fn a_windows_line_end_is_no_progress() {
        assert_eq!(plain_line(b"loss 1.0\r"), "loss 1.0");
    }

    #[test]
    fn invalid_bytes_are_replaced() {
        assert_eq!(plain_line(b"a\xff\x00b"), "a\u{fffd}·b");
    }

    #[test]
    fn a_huge_line_is_cut() {
        assert_eq!(
            plain_line(&vec![b'x'; 1 << 20]).len(),
            LONGEST + '…'.len_utf8()
        );
    }

    proptest! {
        #[test]
        fn no_byte_reaches_a_terminal_as_control(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!plain_line(&raw).chars().any(char::is_control));
        }
    }
}
