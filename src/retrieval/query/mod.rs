//! The query language: one for every pane and the command line.
//!
//! | written | finds |
//! | --- | --- |
//! | `pleural effusion` | both words, in any order and form (`effusions`) |
//! | `"pleural effusion"` | the words in this order |
//! | `calcif*` | words that begin so; filters, does not rank |
//! | `modality:CT source:slake` | both conditions |
//! | `modality:CT,MR` | one of the values |
//! | `part:"left lung"` | a value with blanks |
//! | `year:2018..2024`, `year:2018..`, `year:..2020` | a range, both ends included |
//! | `-has:region`, `NOT effusion` | what does not match |
//! | `CT OR MR`, `(a b) OR c` | either side; `OR` binds weaker than standing side by side |
//! | `right`, `wrong`, `unparsed`, `unjudged` | rows with an answer of this verdict |
//! | `model:huatuo wrong` | an answer of that model is wrong |
//! | `"wrong"` | the word itself |
//!
//! Words side by side must all match (`AND` may be written). Values of `source`, `model`, `lang`,
//! `class`, `split`, `licence` and `part` match whatever their case; where no value is exactly
//! the written one, every value that contains it is meant, and one that ends in `*` means every
//! value beginning so.
//!
//! A verdict belongs to the models named beside it: in `model:a wrong` the answer of `a` is
//! wrong, in `model:a,b wrong` one of the two, in `-wrong model:a` there is an answer of `a` that
//! is not wrong. Parentheses make groups of their own, which look outward only when they name no
//! model: `(model:a right) (model:b wrong)`, `model:a (right OR unparsed)`.

mod fields;
mod lexer;
mod parser;
#[cfg(test)]
mod parser_tests;

use semihv_domain::{Modality, QueryError, QuestionKind, Tag, Verdict};

pub(crate) use fields::{Field, has_names, nearest};
pub use fields::{FieldAbout, fields};
pub(crate) use lexer::is_quote;

use crate::Has;

/// Longer queries are refused: nobody types them.
pub const LONGEST_QUERY: usize = 4_000;

/// A query that was read without an error.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueryText {
    /// `None`: an empty query.
    pub(crate) expression: Option<Expression>,
}

impl QueryText {
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parser::parse(text).map(|expression| Self { expression })
    }

    /// Nothing was asked: everything matches, and the store answers faster.
    pub fn is_empty(&self) -> bool {
        self.expression.is_none()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Condition(Condition),
}

/// What a single part of a query asks for. Several values: one of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    /// Words as written; the analysis decides whether it is one term or several in a row.
    Text(String),
    Prefix(String),
    Verdict(Verdict),
    Modality(Vec<Modality>),
    Kind(Vec<QuestionKind>),
    Has(Vec<HasWhat>),
    Years(Vec<YearRange>),
    Ids(Vec<i64>),
    Keys(Vec<String>),
    Tags(Vec<Tag>),
    /// Values that only the index knows.
    Named(Named, Vec<WrittenValue>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HasWhat {
    Indexed(Has),
    Note,
    Tag,
}

/// Both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct YearRange {
    pub(crate) from: i32,
    pub(crate) to: i32,
}

/// Fields with values as the sources write them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    Source,
    Model,
    Language,
    Class,
    Split,
    Licence,
    Part,
}

impl Named {
    /// The field's name in queries and in the index.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Model => "model",
            Self::Language => "lang",
            Self::Class => "class",
            Self::Split => "split",
            Self::Licence => "licence",
            Self::Part => "part",
        }
    }
}

/// A value and where it stands (characters from 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrittenValue {
    pub(crate) text: String,
    pub(crate) column: usize,
}
