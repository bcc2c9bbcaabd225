//! A flat Python dict or JSON object in one line: names and numbers, everything else skipped.

/// A value of a flat dict.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Other,
}

/// The pairs of a dict that fills the whole text; `None` when it is not one or is torn.
pub(super) fn flat_dict(text: &str) -> Option<Vec<(String, Value)>> {
    let mut cursor = Cursor { rest: text.trim() };
    let mut pairs = Vec::new();
    cursor.take('{')?;
    loop {
        if cursor.take('}').is_some() {
            return cursor.rest.trim().is_empty().then_some(pairs);
        }
        let key = cursor.quoted()?;
        cursor.take(':')?;
        pairs.push((key, cursor.value()?));
        if cursor.take(',').is_none() {
            cursor.take('}')?;
            return cursor.rest.trim().is_empty().then_some(pairs);
        }
    }
}

/// A number as Python, JSON and C print it.
pub(super) fn number(text: &str) -> Option<f64> {
    let plain = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_negative = text.starts_with('-');
    let is_word = |word: &str| plain.eq_ignore_ascii_case(word);
    if is_word("nan") {
        return Some(f64::NAN);
    }
    if is_word("inf") || is_word("infinity") {
        return Some(if is_negative {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        });
    }
    if !plain.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    text.parse().ok()
}

struct Cursor<'a> {
    rest: &'a str,
}

impl Cursor<'_> {
    fn take(&mut self, wanted: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(wanted)?;
        Some(())
    }

    fn quoted(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        let quote = self
            .rest
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\''))?;
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
                c if c == quote => {
                    self.rest = self.rest.get(at + c.len_utf8()..)?;
                    return Some(text);
                }
                c => text.push(c),
            }
        }
        None
    }

    fn value(&mut self) -> Option<Value> {
        self.rest = self.rest.trim_start();
        match self.rest.chars().next()? {
            '"' | '\'' => Some(number(&self.quoted()?).map_or(Value::Other, Value::Number)),
            '[' | '{' | '(' => {
                self.skip_nested()?;
                Some(Value::Other)
            }
            _ => {
                let end = self.rest.find([',', '}', ']', ' '])?;
                let (word, rest) = self.rest.split_at_checked(end)?;
                self.rest = rest;
                Some(number(word).map_or(Value::Other, Value::Number))
            }
        }
    }

    fn skip_nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        while let Some(c) = self.rest.chars().next() {
            match c {
                '"' | '\'' => {
                    self.quoted()?;
                    continue;
                }
                '[' | '{' | '(' => depth += 1,
                ']' | '}' | ')' => depth = depth.checked_sub(1)?,
                _ => {}
            }
            self.rest = self.rest.get(c.len_utf8()..)?;
            if depth == 0 {
                return Some(());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_values_are_skipped() {
        let pairs = flat_dict("{\"a\": [1, {\"b\": \"}\"}], \"c\": -2.5e-3}").unwrap();
        assert_eq!(
            pairs,
            [
                ("a".to_owned(), Value::Other),
                ("c".to_owned(), Value::Number(-0.0025))
            ]
        );
    }

    #[test]
    fn a_torn_dict_is_none() {
        assert_eq!(flat_dict("{'loss': 1.2, 'lear"), None);
        assert_eq!(flat_dict("{'loss': 1.2"), None);
    }

    #[test]
    fn infinities_have_a_sign() {
        assert_eq!(number("-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(number("information"), None);
    }
}
