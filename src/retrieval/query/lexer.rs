//! Cuts a query into tokens, each with its character column.

use semihv_domain::QueryError;

use super::WrittenValue;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) column: usize,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Open,
    Close,
    And,
    Or,
    Not,
    Word(String),
    Phrase(String),
    /// `name:value,value`; the values may be none.
    Field {
        name: String,
        values: Vec<WrittenValue>,
    },
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, QueryError> {
    let mut lexer = Lexer {
        chars: text.chars().collect(),
        at: 0,
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.token()? {
        tokens.push(token);
    }
    Ok(tokens)
}

/// Straight and typographic quotation marks: queries are pasted from papers too.
pub(crate) fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„')
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn token(&mut self) -> Result<Option<Token>, QueryError> {
        loop {
            let column = self.at;
            let Some(c) = self.peek() else {
                return Ok(None);
            };
            let what = match c {
                c if c.is_whitespace() => {
                    self.at += 1;
                    continue;
                }
                '(' => self.single(What::Open),
                ')' => self.single(What::Close),
                c if is_quote(c) => What::Phrase(self.quoted()?),
                '-' => {
                    self.at += 1;
                    // A dash on its own is punctuation.
                    if self.peek().is_none_or(|c| c.is_whitespace() || c == ')') {
                        continue;
                    }
                    What::Not
                }
                _ => self.word()?,
            };
            return Ok(Some(Token { column, what }));
        }
    }

    fn single(&mut self, what: What) -> What {
        self.at += 1;
        what
    }

    fn word(&mut self) -> Result<What, QueryError> {
        let mut word = String::new();
        while let Some(c) = self.peek() {
            if ends_word(c) {
                break;
            }
            self.at += 1;
            if c == ':' && is_field_name(&word) {
                let values = self.values()?;
                return Ok(What::Field { name: word, values });
            }
            word.push(c);
        }
        Ok(match word.as_str() {
            "AND" => What::And,
            "OR" => What::Or,
            "NOT" => What::Not,
            _ => What::Word(word),
        })
    }

    fn values(&mut self) -> Result<Vec<WrittenValue>, QueryError> {
        let mut values = Vec::new();
        loop {
            let column = self.at;
            let text = match self.peek() {
                Some(c) if is_quote(c) => self.quoted()?,
                _ => self.bare_value(),
            };
            if !text.is_empty() {
                values.push(WrittenValue { text, column });
            }
            if self.peek() != Some(',') {
                return Ok(values);
            }
            self.at += 1;
        }
    }

    fn bare_value(&mut self) -> String {
        let mut value = String::new();
        while let Some(c) = self.peek() {
            if ends_word(c) || c == ',' {
                break;
            }
            value.push(c);
            self.at += 1;
        }
        value
    }

    /// From an opening quotation mark to behind the closing one; `\` keeps the next character.
    fn quoted(&mut self) -> Result<String, QueryError> {
        let column = self.at;
        let mut text = String::new();
        self.at += 1;
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                c if is_quote(c) => return Ok(text),
                '\\' => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                c => text.push(c),
            }
        }
        Err(QueryError {
            message: "this quotation mark is not closed".to_owned(),
            column,
            hint: Some("add a `\"` behind the last word of the phrase".to_owned()),
        })
    }
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')') || is_quote(c)
}

/// Letters and `_` only, so that `12:30` and `T2:high` stay words.
fn is_field_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
}
