//! T1: closed questions whose choices stand in the question or nowhere (`left or right?`,
//! `which organ?`): the gold phrase is looked for, nothing is guessed.

use crate::choice::{Choice, Outcome, Parsed};
use crate::clause::is_rejected;
use crate::polarity::is_refusal;
use crate::token::{Token, normal_form, phrase_at};

/// An answer of at most this many words without the gold phrase is another phrase, so wrong;
/// a longer one may say the same in other words and is left open.
const BARE_WORDS: usize = 4;

pub(crate) fn name_phrase(tokens: &[Token], question: &[Token], gold: &[Token]) -> Parsed {
    let said = normal_form(tokens);
    if said.is_empty() {
        return Outcome::NoAnswer.by("M8");
    }
    let wanted = normal_form(gold);
    if said == wanted {
        return Outcome::Answered(Choice::Phrase(wanted)).by("T1");
    }
    if is_refusal(tokens) {
        return Outcome::Refusal.by("M7");
    }
    let names_gold = stands_unrejected(tokens, gold);
    let names_rival = rivals(question, gold)
        .iter()
        .any(|rival| stands_unrejected(tokens, std::slice::from_ref(rival)));
    match (names_gold, names_rival) {
        (true, false) => Outcome::Answered(Choice::Phrase(wanted)).by("T1"),
        (true, true) => Outcome::Multiple.by("M5"),
        (false, _) if said.split(' ').count() <= BARE_WORDS => {
            Outcome::Answered(Choice::Phrase(said)).by("T1")
        }
        (false, _) => Outcome::NoAnswer.by("T1"),
    }
}

fn stands_unrejected(tokens: &[Token], phrase: &[Token]) -> bool {
    (0..tokens.len()).any(|start| {
        phrase_at(tokens, start, phrase).is_some_and(|end| !is_rejected(tokens, start, end))
    })
}

/// The words on both sides of `or` in the question that are not the gold answer's.
fn rivals(question: &[Token], gold: &[Token]) -> Vec<Token> {
    (1..question.len())
        .filter(|&at| {
            question
                .get(at)
                .is_some_and(|token| token.is_one_of(&["or", "还", "或"]))
        })
        .flat_map(|at| [question.get(at - 1), question.get(at + 1)])
        .flatten()
        .filter(|token| !token.is_silent() && !gold.iter().any(|word| word.text == token.text))
        .cloned()
        .collect()
}
