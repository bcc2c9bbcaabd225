//! Keys as the keymap writes them: `g`, `<C-s>`, `<S-Tab>`, `<Space>`, `<Enter>`.
//!
//! Terminals report the same key in several ways; everything is folded into one form here, so
//! that the rest compares keys with `==`.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// One key press, folded: a letter carries its case instead of a shift modifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub code: KeyCode,
    pub modifiers: KeyModifiers,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseKeyError {
    #[error("`{0}` is no key; write one character or a name such as <Enter>, <C-s>, <S-Tab>, <F2>")]
    Unknown(String),
    #[error("`<` opens a key name that is never closed; write <lt> for the sign itself")]
    Unclosed,
}

const NAMES: [(&str, KeyCode); 15] = [
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("Backspace", KeyCode::Backspace),
    ("Delete", KeyCode::Delete),
    ("Insert", KeyCode::Insert),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PageUp", KeyCode::PageUp),
    ("PageDown", KeyCode::PageDown),
    ("Space", KeyCode::Char(' ')),
];

impl Key {
    pub const ESC: Self = Self::plain(KeyCode::Esc);
    pub const ENTER: Self = Self::plain(KeyCode::Enter);
    pub const UP: Self = Self::plain(KeyCode::Up);
    pub const DOWN: Self = Self::plain(KeyCode::Down);

    pub const fn plain(code: KeyCode) -> Self {
        Self {
            code,
            modifiers: KeyModifiers::NONE,
        }
    }

    /// `None` for releases and for keys that are only modifiers.
    pub fn from_event(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        match event.code {
            KeyCode::Modifier(_) | KeyCode::CapsLock | KeyCode::NumLock | KeyCode::Null => None,
            code => Some(Self::fold(code, event.modifiers)),
        }
    }

    fn fold(code: KeyCode, modifiers: KeyModifiers) -> Self {
        let kept = modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let without_shift = kept - KeyModifiers::SHIFT;
        let is_shifted = kept.contains(KeyModifiers::SHIFT);
        match code {
            KeyCode::Char(c) if is_shifted && c.is_lowercase() => Self {
                code: KeyCode::Char(c.to_uppercase().next().unwrap_or(c)),
                modifiers: without_shift,
            },
            KeyCode::Char(_) | KeyCode::BackTab => Self {
                code,
                modifiers: without_shift,
            },
            KeyCode::Tab if is_shifted => Self {
                code: KeyCode::BackTab,
                modifiers: without_shift,
            },
            _ => Self {
                code,
                modifiers: kept,
            },
        }
    }

    /// The character this key types into a text, if it types one.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if (self.modifiers - KeyModifiers::SHIFT).is_empty() => Some(c),
            _ => None,
        }
    }

    /// Reads one key: a character, or a name in angle brackets.
    pub fn parse(text: &str) -> Result<Self, ParseKeyError> {
        let unknown = || ParseKeyError::Unknown(text.to_owned());
        let mut chars = text.chars();
        if let (Some(c), None) = (chars.next(), chars.next()) {
            return Ok(Self::plain(KeyCode::Char(c)));
        }
        let mut name = text
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix('>'))
            .ok_or_else(unknown)?;
        let mut modifiers = KeyModifiers::NONE;
        while name.is_char_boundary(2) && name.len() > 2 && name.as_bytes().get(1) == Some(&b'-') {
            modifiers |= match name.as_bytes().first() {
                Some(b'C') => KeyModifiers::CONTROL,
                Some(b'A') => KeyModifiers::ALT,
                Some(b'S') => KeyModifiers::SHIFT,
                _ => return Err(unknown()),
            };
            name = name.get(2..).unwrap_or_default();
        }
        let code = code_named(name).ok_or_else(unknown)?;
        Ok(Self::fold(code, modifiers))
    }

    /// Reads a run of keys as a test or a person writes them: `jjt<Enter>`.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, ParseKeyError> {
        let mut keys = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = if first == '<' {
                rest.find('>').ok_or(ParseKeyError::Unclosed)? + 1
            } else {
                first.len_utf8()
            };
            let (key, tail) = rest.split_at(length);
            keys.push(Self::parse(key)?);
            rest = tail;
        }
        Ok(keys)
    }
}

fn code_named(name: &str) -> Option<KeyCode> {
    if name == "lt" {
        return Some(KeyCode::Char('<'));
    }
    if let Some((_, code)) = NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
    {
        return Some(*code);
    }
    if let Some(number) = name.strip_prefix('F').and_then(|n| n.parse().ok()) {
        return (1..=24).contains(&number).then_some(KeyCode::F(number));
    }
    let mut chars = name.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Some(KeyCode::Char(c)),
        _ => None,
    }
}

/// As people read it: `g`, `Ctrl-s`, `Shift-Tab`, `Space`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (flag, word) in [
            (KeyModifiers::CONTROL, "Ctrl-"),
            (KeyModifiers::ALT, "Alt-"),
            (KeyModifiers::SHIFT, "Shift-"),
        ] {
            if self.modifiers.contains(flag) {
                f.write_str(word)?;
            }
        }
        match self.code {
            KeyCode::BackTab => f.write_str("Shift-Tab"),
            KeyCode::F(number) => write!(f, "F{number}"),
            code => match NAMES.iter().find(|(_, known)| *known == code) {
                Some((name, _)) => f.write_str(name),
                None => match code {
                    KeyCode::Char(c) => write!(f, "{c}"),
                    other => write!(f, "{other:?}"),
                },
            },
        }
    }
}

/// A sequence as people read it: letters stand together, names apart (`g g`, `Space w v`).
pub fn shown(keys: &[Key]) -> String {
    let words: Vec<String> = keys.iter().map(ToString::to_string).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: &str) {
        assert_eq!(Key::parse(text).unwrap().to_string(), shown);
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        check("g", "g");
        check("<C-s>", "Ctrl-s");
        check("<S-Tab>", "Shift-Tab");
        check("<Space>", "Space");
        check("<A-Enter>", "Alt-Enter");
        check("<lt>", "<");
        check("<F2>", "F2");
        check("é", "é");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["<Nope>", "ab", "", "<C->", "<F99>"] {
            assert!(Key::parse(text).is_err(), "{text}");
        }
        assert_eq!(Key::parse_all("a<b"), Err(ParseKeyError::Unclosed));
    }

    #[test]
    fn a_shifted_letter_is_one_key_however_it_is_reported() {
        let one = Key::from_event(KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT));
        let other = Key::from_event(KeyEvent::new(KeyCode::Char('g'), KeyModifiers::SHIFT));
        assert_eq!(one, Some(Key::plain(KeyCode::Char('G'))));
        assert_eq!(one, other);
    }
}
