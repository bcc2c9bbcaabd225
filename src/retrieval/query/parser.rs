//! From tokens to an expression, by recursive descent with a bounded depth.

use semihv_domain::{QueryError, Verdict};

use super::lexer::{Token, What, tokens};
use super::{Condition, Expression, LONGEST_QUERY, fields};

/// Deeper nesting is a mistake or an attack on the stack.
const DEEPEST: usize = 40;

pub(super) fn parse(text: &str) -> Result<Option<Expression>, QueryError> {
    if text.chars().count() > LONGEST_QUERY {
        return Err(QueryError {
            message: format!("a query has at most {LONGEST_QUERY} characters"),
            column: LONGEST_QUERY,
            hint: Some("search for the telling words only".to_owned()),
        });
    }
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Ok(None);
    }
    let mut parser = Parser {
        end: text.trim_end().chars().count(),
        tokens: tokens.into_iter().peekable(),
        depth: 0,
    };
    let expression = parser.any()?;
    match parser.tokens.next() {
        None => Ok(Some(expression)),
        Some(token) => Err(QueryError {
            message: "this parenthesis was never opened".to_owned(),
            column: token.column,
            hint: Some("remove it, or add `(` before".to_owned()),
        }),
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    /// The column behind the last token.
    end: usize,
    depth: usize,
}

impl Parser {
    fn next_is(&mut self, what: &What) -> bool {
        self.tokens.peek().is_some_and(|token| token.what == *what)
    }

    fn any(&mut self) -> Result<Expression, QueryError> {
        let mut sides = vec![self.all()?];
        while self.next_is(&What::Or) {
            self.tokens.next();
            sides.push(self.all()?);
        }
        Ok(group(sides, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, QueryError> {
        let mut parts = vec![self.part()?];
        loop {
            match self.tokens.peek().map(|token| &token.what) {
                None | Some(What::Or | What::Close) => return Ok(group(parts, Expression::All)),
                Some(What::And) => {
                    self.tokens.next();
                }
                Some(_) => {}
            }
            parts.push(self.part()?);
        }
    }

    fn part(&mut self) -> Result<Expression, QueryError> {
        let Some(token) = self.tokens.next() else {
            return Err(missing("the query ends too early", self.end));
        };
        match token.what {
            What::Not => {
                self.enter(token.column)?;
                let negated = self.part()?;
                self.depth -= 1;
                Ok(Expression::Not(Box::new(negated)))
            }
            What::Open => self.parenthesis(token.column),
            What::Close => Err(missing(
                "nothing stands before this parenthesis",
                token.column,
            )),
            What::Or => Err(missing("nothing stands before this `OR`", token.column)),
            What::And => Err(missing("nothing stands before this `AND`", token.column)),
            What::Word(word) => Ok(Expression::Condition(word_condition(word))),
            What::Phrase(text) => Ok(Expression::Condition(Condition::Text(text))),
            What::Field { name, values } => {
                fields::condition(&name, values, token.column).map(Expression::Condition)
            }
        }
    }

    fn parenthesis(&mut self, column: usize) -> Result<Expression, QueryError> {
        self.enter(column)?;
        let inner = self.any()?;
        self.depth -= 1;
        match self.tokens.next() {
            // Kept as a group of its own: a verdict looks for its models within its group.
            Some(token) if token.what == What::Close => Ok(match inner {
                condition @ Expression::Condition(_) => Expression::All(vec![condition]),
                inner => inner,
            }),
            _ => Err(QueryError {
                message: "this parenthesis is not closed".to_owned(),
                column,
                hint: Some("add `)`".to_owned()),
            }),
        }
    }

    fn enter(&mut self, column: usize) -> Result<(), QueryError> {
        self.depth += 1;
        if self.depth <= DEEPEST {
            return Ok(());
        }
        Err(QueryError {
            message: format!("more than {DEEPEST} parentheses and negations within each other"),
            column,
            hint: Some("write it flatter".to_owned()),
        })
    }
}

fn group(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}

fn word_condition(word: String) -> Condition {
    if let Some(verdict) = Verdict::parse(&word) {
        return Condition::Verdict(verdict);
    }
    match word.strip_suffix('*') {
        Some(beginning) if beginning.chars().any(char::is_alphanumeric) => {
            Condition::Prefix(beginning.to_owned())
        }
        _ => Condition::Text(word),
    }
}

fn missing(message: &str, column: usize) -> QueryError {
    QueryError {
        message: message.to_owned(),
        column,
        hint: Some("add a word or a condition there".to_owned()),
    }
}
