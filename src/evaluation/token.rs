//! Answers cut into words, Chinese characters and marks.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Letters and digits in a row; an apostrophe or a decimal point inside belongs to it.
    Word,
    /// One Chinese character.
    Han,
    Mark,
    Newline,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// Folded to lower case.
    pub(crate) text: String,
    /// The letter of a token that is one ASCII letter, as written.
    pub(crate) letter: Option<char>,
    pub(crate) starts_upper: bool,
    /// Nothing stands between this token and the one before.
    pub(crate) is_glued: bool,
}

impl Token {
    pub(crate) fn is(&self, text: &str) -> bool {
        self.text == text
    }

    pub(crate) fn is_one_of(&self, texts: &[&str]) -> bool {
        texts.contains(&self.text.as_str())
    }

    pub(crate) fn is_capital_letter(&self) -> bool {
        self.letter
            .is_some_and(|letter| letter.is_ascii_uppercase())
    }

    pub(crate) fn is_silent(&self) -> bool {
        matches!(self.kind, Kind::Mark | Kind::Newline)
    }
}

pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut word = String::new();
    let mut is_glued = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let joins = match c {
            '\'' => {
                next_is(chars.peek(), char::is_alphabetic) && ends_with(&word, char::is_alphabetic)
            }
            '.' => {
                next_is(chars.peek(), |next| next.is_ascii_digit())
                    && ends_with(&word, |last| last.is_ascii_digit())
            }
            c => c.is_alphanumeric() && !is_han(c),
        };
        if joins {
            word.push(c);
            continue;
        }
        is_glued = push_word(&mut tokens, &mut word, is_glued);
        if c == '\n' {
            tokens.push(single(Kind::Newline, c, is_glued));
            is_glued = false;
        } else if c.is_whitespace() || c.is_control() {
            is_glued = false;
        } else {
            let kind = if is_han(c) { Kind::Han } else { Kind::Mark };
            tokens.push(single(kind, c, is_glued));
            is_glued = true;
        }
    }
    push_word(&mut tokens, &mut word, is_glued);
    tokens
}

/// Ends the word under way; returns whether what follows is glued to something.
fn push_word(tokens: &mut Vec<Token>, word: &mut String, is_glued: bool) -> bool {
    let mut chars = word.chars();
    let Some(first) = chars.next() else {
        return is_glued;
    };
    let is_single = chars.next().is_none();
    tokens.push(Token {
        kind: Kind::Word,
        text: word.to_lowercase(),
        letter: (is_single && first.is_ascii_alphabetic()).then_some(first),
        starts_upper: first.is_uppercase(),
        is_glued,
    });
    word.clear();
    true
}

fn single(kind: Kind, c: char, is_glued: bool) -> Token {
    Token {
        kind,
        text: c.to_string(),
        letter: None,
        starts_upper: false,
        is_glued,
    }
}

fn next_is(next: Option<&char>, test: impl Fn(char) -> bool) -> bool {
    next.is_some_and(|next| test(*next))
}

fn ends_with(word: &str, test: impl Fn(char) -> bool) -> bool {
    word.chars().next_back().is_some_and(test)
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// True when `wanted` stands at `at`. Hyphens count as blanks on both sides. Returns the end.
pub(crate) fn phrase_at(tokens: &[Token], at: usize, wanted: &[Token]) -> Option<usize> {
    let mut end = at;
    let mut wanted = wanted.iter().filter(|token| !token.is("-")).peekable();
    wanted.peek()?;
    for word in wanted {
        while end > at && tokens.get(end).is_some_and(|token| token.is("-")) {
            end += 1;
        }
        if tokens.get(end)?.text != word.text {
            return None;
        }
        end += 1;
    }
    Some(end)
}

/// The Chinese characters of a stretch, in a row.
pub(crate) fn han(tokens: &[Token]) -> String {
    tokens
        .iter()
        .filter(|token| token.kind == Kind::Han)
        .map(|token| token.text.as_str())
        .collect()
}

/// Words joined by single blanks, without marks: two texts that say the same compare equal.
pub(crate) fn normal_form(tokens: &[Token]) -> String {
    let mut form = String::new();
    let mut last = None;
    for token in tokens.iter().filter(|token| !token.is_silent()) {
        let is_apart = last.is_some_and(|kind| kind != Kind::Han || token.kind != Kind::Han);
        if is_apart {
            form.push(' ');
        }
        form.push_str(&token.text);
        last = Some(token.kind);
    }
    form
}
