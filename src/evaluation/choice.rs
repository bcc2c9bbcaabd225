//! What an answer can turn out to be.

use std::collections::BTreeSet;
use std::fmt;

/// The position of an option, shown as a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(pub(crate) usize);

impl Label {
    /// Labels are letters, so a question has at most 26 labelled options.
    pub(crate) const MOST: usize = 26;

    /// The label that a letter of either case names among `count` options.
    pub(crate) fn of_letter(letter: char, count: usize) -> Option<Self> {
        let letter = letter.to_ascii_uppercase();
        if !letter.is_ascii_uppercase() {
            return None;
        }
        let position = usize::from(letter as u8 - b'A');
        (position < count.min(Self::MOST)).then_some(Self(position))
    }

    /// Position among the options, from 0.
    pub fn position(self) -> usize {
        self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = u8::try_from(self.0).unwrap_or(u8::MAX).min(25) + b'A';
        write!(f, "{}", char::from(letter))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polarity {
    Yes,
    No,
}

/// What an answer commits to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Polarity(Polarity),
    /// One label, or several where the question asks for all that apply.
    Options(BTreeSet<Label>),
    /// The phrase of a closed question without listed options (`Which lobe?`), normalised.
    Phrase(String),
}

/// The reading of an answer. Everything but `Answered` counts as wrong, each for its own reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Answered(Choice),
    /// Several choices where one was asked for.
    Multiple,
    /// The label says one option and the text beside it another.
    Conflict,
    Refusal,
    NoAnswer,
    /// The answer ended while the model was still thinking.
    Truncated,
    /// Both yes and no.
    Ambiguous,
}

impl Outcome {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Answered(_) => "answered",
            Self::Multiple => "multiple",
            Self::Conflict => "conflict",
            Self::Refusal => "refusal",
            Self::NoAnswer => "no_answer",
            Self::Truncated => "truncated",
            Self::Ambiguous => "ambiguous",
        }
    }

    pub(crate) fn by(self, clause: &'static str) -> Parsed {
        Parsed {
            outcome: self,
            clause,
        }
    }
}

/// A reading with the clause of the rules that decided it (`M1` to `M9`, `Y1` to `Y6`, `X1`, `T1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    pub outcome: Outcome,
    pub clause: &'static str,
}

impl Parsed {
    pub(crate) fn one(label: Label, clause: &'static str) -> Self {
        Outcome::Answered(Choice::Options(BTreeSet::from([label]))).by(clause)
    }

    pub(crate) fn polarity(polarity: Polarity, clause: &'static str) -> Self {
        Outcome::Answered(Choice::Polarity(polarity)).by(clause)
    }
}
