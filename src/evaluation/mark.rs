//! Compares what an answer commits to with the gold answer.

use std::collections::BTreeSet;

use semihv_domain::{Question, QuestionKind, Verdict};

use crate::choice::{Choice, Label, Outcome, Parsed, Polarity};
use crate::clean::{Cleaned, clean};
use crate::parse::{Form, parse};
use crate::polarity::polarity_of;
use crate::token::{Token, normal_form, tokens};

/// Name and version of the rules for closed questions. A change of any verdict is a new version.
pub const CLOSED_RULE: &str = "closed-1";
/// Open questions wait for a judge.
pub const OPEN_RULE: &str = "open-1";

/// A verdict, who gave it, and the reading behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    pub verdict: Verdict,
    /// What goes into `judged_by`.
    pub rule: &'static str,
    /// What was read; `None` for open questions and for golds that name no option.
    pub parsed: Option<Parsed>,
}

/// The gold answer of a closed question, understood.
enum Gold {
    Polarity(Polarity),
    Options(BTreeSet<Label>),
    Phrase,
}

pub fn mark(question: &Question, answer_text: &str) -> Marked {
    if question.kind == QuestionKind::Open {
        return Marked {
            verdict: Verdict::Unjudged,
            rule: OPEN_RULE,
            parsed: None,
        };
    }
    let options = plain_options(&question.options);
    let gold = understand(&question.gold, &options);
    let form = match &gold {
        Gold::Polarity(_) => Form::YesNo {
            question: &question.text,
        },
        Gold::Options(labels) if labels.len() > 1 => Form::AllThatApply(&options),
        Gold::Options(_) => Form::One(&options),
        Gold::Phrase => Form::Phrase {
            question: &question.text,
            gold: &question.gold,
        },
    };
    let parsed = match &gold {
        Gold::Polarity(_) => labelled_polarity(answer_text, &options),
        Gold::Options(_) | Gold::Phrase => None,
    }
    .unwrap_or_else(|| parse(answer_text, form));
    Marked {
        verdict: compare(&parsed.outcome, &gold, &question.gold),
        rule: CLOSED_RULE,
        parsed: Some(parsed),
    }
}

/// Where yes and no are listed as options, a bare or declared letter chooses between them.
fn labelled_polarity(answer_text: &str, options: &[String]) -> Option<Parsed> {
    if options.is_empty() {
        return None;
    }
    let parsed = parse(answer_text, Form::One(options));
    let Outcome::Answered(Choice::Options(labels)) = &parsed.outcome else {
        return None;
    };
    let option = options.get(labels.first()?.position())?;
    let is_by_letter = matches!(parsed.clause, "M1" | "M2");
    polarity_of(&tokens(option))
        .filter(|_| is_by_letter)
        .map(|polarity| Parsed::polarity(polarity, parsed.clause))
}

fn compare(outcome: &Outcome, gold: &Gold, gold_text: &str) -> Verdict {
    let Outcome::Answered(choice) = outcome else {
        return Verdict::Unparsed;
    };
    let is_right = match (choice, gold) {
        (Choice::Polarity(said), Gold::Polarity(wanted)) => said == wanted,
        (Choice::Options(said), Gold::Options(wanted)) => said == wanted,
        (Choice::Phrase(said), Gold::Phrase) => *said == normal_form(&cleaned(gold_text)),
        _ => false,
    };
    if is_right {
        Verdict::Right
    } else {
        Verdict::Wrong
    }
}

fn cleaned(text: &str) -> Vec<Token> {
    match clean(text) {
        Cleaned::Text(plain) => tokens(&plain),
        Cleaned::Truncated => Vec::new(),
    }
}

/// Option texts without a label of their own (`A. Liver`), when every one carries its letter.
fn plain_options(options: &[String]) -> Vec<String> {
    let bare: Option<Vec<String>> = options
        .iter()
        .enumerate()
        .map(|(position, option)| {
            let trimmed = option.trim().trim_start_matches('(');
            let mut chars = trimmed.chars();
            let label = Label::of_letter(chars.next()?, options.len())?;
            let rest = chars
                .as_str()
                .strip_prefix(['.', ')', ':', '、', '：', '．'])?;
            (label.position() == position && !rest.trim().is_empty())
                .then(|| rest.trim().to_owned())
        })
        .collect();
    bare.unwrap_or_else(|| options.to_vec())
}

fn understand(gold: &str, options: &[String]) -> Gold {
    let gold_tokens = cleaned(gold);
    let polarity = polarity_of(&gold_tokens);
    if options.is_empty() {
        return polarity.map_or(Gold::Phrase, Gold::Polarity);
    }
    let forms: Vec<String> = options
        .iter()
        .map(|option| normal_form(&tokens(option)))
        .collect();
    let position_of = |text: &str| forms.iter().position(|form| form == text).map(Label);
    if let Some(label) = position_of(&normal_form(&gold_tokens)) {
        let is_yes_no = options.len() == 2
            && options
                .iter()
                .all(|option| polarity_of(&tokens(option)).is_some());
        return match polarity.filter(|_| is_yes_no) {
            Some(polarity) => Gold::Polarity(polarity),
            None => Gold::Options(BTreeSet::from([label])),
        };
    }
    labels_of(gold, options).map_or(Gold::Phrase, Gold::Options)
}

/// `B`, `B. Meningioma`, `A, C` or `AC`: the labels a gold answer gives instead of a text.
fn labels_of(gold: &str, options: &[String]) -> Option<BTreeSet<Label>> {
    let count = options.len();
    let trimmed = gold.trim();
    let is_letters = trimmed.len() <= count && trimmed.chars().all(|c| c.is_ascii_uppercase());
    if is_letters && !trimmed.is_empty() {
        return trimmed
            .chars()
            .map(|letter| Label::of_letter(letter, count))
            .collect();
    }
    let parsed = parse(trimmed, Form::AllThatApply(options));
    match parsed.outcome {
        Outcome::Answered(Choice::Options(labels)) => Some(labels),
        _ => None,
    }
}

#[cfg(test)]
#[path = "mark_tests.rs"]
mod tests;
