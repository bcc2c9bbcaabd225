//! Text from strangers made harmless for a terminal.

use std::borrow::Cow;

/// Replaces control characters (C0, C1, DEL) and bidirectional overrides by `·`, keeping line
/// feeds and turning tabs into four blanks. No escape sequence survives this.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text
        .chars()
        .any(|c| c == '\t' || (is_unsafe(c) && c != '\n'))
    {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => safe.push('\n'),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\t' => safe.push_str("    "),
            c if is_unsafe(c) => safe.push('·'),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// [`printable`] on one line: line feeds become blanks.
pub fn printable_line(text: &str) -> Cow<'_, str> {
    match printable(text) {
        Cow::Borrowed(safe) if !safe.contains('\n') => Cow::Borrowed(safe),
        safe => Cow::Owned(safe.replace('\n', " ")),
    }
}

fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_escape_sequence_does_not_survive() {
        assert_eq!(printable("a\x1b[31mred\u{9b}0m"), "a·[31mred·0m");
    }

    #[test]
    fn windows_line_ends_become_plain_ones() {
        assert_eq!(printable("a\r\nb\rc"), "a\nb·c");
    }

    proptest! {
        #[test]
        fn nothing_controlling_is_left(text in ".*") {
            prop_assert!(!printable(&text).chars().any(|c| c.is_control() && c != '\n'));
            prop_assert!(!printable_line(&text).chars().any(char::is_control));
        }
    }
}
