//! Reads what an answer commits to. Never guesses; the clauses are those of the evaluation rules.

use crate::choice::{Outcome, Parsed};
use crate::clean::{Cleaned, clean};
use crate::options::{Wanted, choose};
use crate::polarity::say_yes_or_no;
use crate::term::name_phrase;
use crate::token::tokens;

/// How a closed question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form<'a> {
    YesNo {
        question: &'a str,
    },
    One(&'a [String]),
    AllThatApply(&'a [String]),
    /// No options are listed; the gold phrase says what to look for.
    Phrase {
        question: &'a str,
        gold: &'a str,
    },
}

pub fn parse(text: &str, form: Form<'_>) -> Parsed {
    let Cleaned::Text(said) = clean(text) else {
        return Outcome::Truncated.by("M0");
    };
    let said = tokens(&said);
    let cut = |options: &[String]| {
        options
            .iter()
            .map(|option| tokens(option))
            .collect::<Vec<_>>()
    };
    match form {
        Form::YesNo { question } => say_yes_or_no(&said, &tokens(question)),
        Form::One(options) => choose(&said, &cut(options), Wanted::One),
        Form::AllThatApply(options) => choose(&said, &cut(options), Wanted::AllThatApply),
        Form::Phrase { question, gold } => name_phrase(&said, &tokens(question), &tokens(gold)),
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
