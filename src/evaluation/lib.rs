//! Marks what models answered. For now closed questions: which choice an answer commits to, and
//! whether that is the gold one. And measures what a search found against human judgements
//! ([`ranking`]).
//!
//! Deliberately absent: guessing. An answer that does not commit to a choice is reported as what
//! it is (several choices, a contradiction, a refusal, cut off, nothing) and never drawn by lot,
//! matched to the nearest string, or left out of the denominator. Open answers need a judge.

mod choice;
mod clause;
mod clean;
mod declaration;
mod mark;
mod options;
mod parse;
mod polarity;
pub mod ranking;
mod term;
mod token;

#[cfg(test)]
mod data_tests;

pub use choice::{Choice, Label, Outcome, Parsed, Polarity};
pub use mark::{CLOSED_RULE, Marked, OPEN_RULE, mark};
pub use parse::{Form, parse};
