//! M2 to M9: which of the listed options an answer commits to.

use std::collections::BTreeSet;

use crate::choice::{Choice, Label, Outcome, Parsed};
use crate::clause::is_rejected;
use crate::declaration::{
    declarations, declared_label, is_article, is_part_of_word, joined_labels,
};
use crate::polarity::is_refusal;
use crate::token::{Kind, Token, normal_form, phrase_at};

/// A letter behind one of these names a kind of something, not an option.
const KIND_WORDS: [&str; 16] = [
    "vitamin",
    "hepatitis",
    "influenza",
    "type",
    "stage",
    "grade",
    "class",
    "group",
    "figure",
    "fig",
    "panel",
    "factor",
    "point",
    "category",
    "zone",
    "haemophilia",
];

/// Whether one option or a set is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    One,
    AllThatApply,
}

/// An option's text found in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) option: Label,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

pub(crate) fn choose(tokens: &[Token], options: &[Vec<Token>], wanted: Wanted) -> Parsed {
    if tokens.iter().all(Token::is_silent) {
        return Outcome::NoAnswer.by("M8");
    }
    let mentions = mentions(tokens, options);
    by_declaration(tokens, options.len(), &mentions, wanted)
        .or_else(|| by_label_line(tokens, options.len(), &mentions, wanted))
        .or_else(|| whole_text(tokens, options).map(|label| Parsed::one(label, "M4")))
        .or_else(|| is_refusal(tokens).then(|| Outcome::Refusal.by("M7")))
        .unwrap_or_else(|| by_survivors(tokens, options, &mentions, wanted))
}

/// All option texts in the answer, the longest first: what it takes no shorter one takes again.
pub(crate) fn mentions(tokens: &[Token], options: &[Vec<Token>]) -> Vec<Mention> {
    let mut by_length: Vec<usize> = (0..options.len()).collect();
    by_length.sort_by_key(|&option| std::cmp::Reverse(options.get(option).map_or(0, Vec::len)));
    let mut taken = vec![false; tokens.len()];
    let mut found = Vec::new();
    for option in by_length {
        let Some(text) = options.get(option) else {
            continue;
        };
        for start in 0..tokens.len() {
            let Some(end) = phrase_at(tokens, start, text) else {
                continue;
            };
            let Some(span) = taken.get_mut(start..end) else {
                continue;
            };
            if !span.contains(&true) {
                span.fill(true);
                found.push(Mention {
                    option: Label(option),
                    start,
                    end,
                });
            }
        }
    }
    found.sort_by_key(|mention| mention.start);
    found
}

/// M1: the last declaration that names a label.
fn by_declaration(
    tokens: &[Token],
    count: usize,
    mentions: &[Mention],
    wanted: Wanted,
) -> Option<Parsed> {
    let declared = declarations(tokens)
        .into_iter()
        .rev()
        .find(|&declared| declared_label(tokens, declared, count).is_some())?;
    let (labels, end) = joined_labels(tokens, declared.at, count);
    let labels: BTreeSet<Label> = labels.into_iter().collect();
    let first = *labels.first()?;
    Some(match wanted {
        Wanted::AllThatApply => Outcome::Answered(Choice::Options(labels)).by("X1"),
        Wanted::One if labels.len() > 1 => Outcome::Multiple.by("M1"),
        Wanted::One if contradicts(tokens, end, first, mentions) => Outcome::Conflict.by("M6"),
        Wanted::One => Parsed::one(first, "M1"),
    })
}

/// True when the text right behind a label is that of another option.
fn contradicts(tokens: &[Token], end: usize, label: Label, mentions: &[Mention]) -> bool {
    let text = (end..tokens.len()).find(|&at| {
        tokens.get(at).is_some_and(|token| {
            !token.is_one_of(&[")", "]", ".", ":", ",", "-", "(", "\"", "–", "—"])
        })
    });
    mentions
        .iter()
        .any(|mention| Some(mention.start) == text && mention.option != label)
}

/// M2: the whole answer is a label, or lines begin with one.
fn by_label_line(
    tokens: &[Token],
    count: usize,
    mentions: &[Mention],
    wanted: Wanted,
) -> Option<Parsed> {
    let mut spoken = tokens.iter().filter(|token| !token.is_silent());
    let whole = spoken.next().filter(|_| spoken.next().is_none());
    if let Some(label) = whole.and_then(|token| Label::of_letter(token.letter?, count)) {
        return Some(Parsed::one(label, "M2"));
    }
    let mut labels = BTreeSet::new();
    let mut is_contradicted = false;
    for start in line_starts(tokens) {
        if let Some((label, end)) = label_line(tokens, start, count, mentions) {
            is_contradicted |= contradicts(tokens, end, label, mentions);
            labels.insert(label);
        }
    }
    let first = *labels.first()?;
    Some(match wanted {
        _ if labels.len() == count && count > 2 => Outcome::NoAnswer.by("M9"),
        _ if is_contradicted => Outcome::Conflict.by("M6"),
        Wanted::AllThatApply => Outcome::Answered(Choice::Options(labels)).by("X1"),
        Wanted::One if labels.len() > 1 => Outcome::Multiple.by("M5"),
        Wanted::One => Parsed::one(first, "M2"),
    })
}

fn line_starts(tokens: &[Token]) -> impl Iterator<Item = usize> {
    (0..tokens.len()).filter(|&at| {
        let is_first = at
            .checked_sub(1)
            .and_then(|before| tokens.get(before))
            .is_none_or(|before| before.kind == Kind::Newline);
        is_first
            && tokens
                .get(at)
                .is_some_and(|token| token.kind != Kind::Newline)
    })
}

/// `(b) …`, `B. …`, `B: …` at the start of a line: the label and the end of its punctuation.
fn label_line(
    tokens: &[Token],
    start: usize,
    count: usize,
    mentions: &[Mention],
) -> Option<(Label, usize)> {
    let is_open = tokens.get(start)?.is_one_of(&["(", "["]);
    let at = if is_open { start + 1 } else { start };
    let token = tokens.get(at)?;
    let label = Label::of_letter(token.letter?, count)?;
    let mark = tokens.get(at + 1)?;
    if !mark.is_one_of(&[".", ")", "]", ":", "、"]) {
        return None;
    }
    let mut end = at + 2;
    while tokens
        .get(end)
        .is_some_and(|token| token.is_one_of(&[".", ")", ":", "-"]))
    {
        end += 1;
    }
    let has_own_text = mentions
        .iter()
        .any(|mention| mention.start == end && mention.option == label);
    let reads_as_label =
        has_own_text || (!names_species(tokens, at) && (token.is_capital_letter() || is_open));
    reads_as_label.then_some((label, end))
}

/// `E. coli`: a species, not a label.
fn names_species(tokens: &[Token], at: usize) -> bool {
    let is_abbreviated = tokens.get(at + 1).is_some_and(|mark| mark.is("."));
    is_abbreviated
        && tokens.get(at + 2).is_some_and(|next| {
            next.kind == Kind::Word && !next.starts_upper && !is_explanation(next)
        })
}

fn is_explanation(token: &Token) -> bool {
    token.text.starts_with(|c: char| c.is_ascii_digit())
        || token.is_one_of(&[
            "because", "since", "as", "the", "it", "this", "due", "given",
        ])
}

fn whole_text(tokens: &[Token], options: &[Vec<Token>]) -> Option<Label> {
    let said = normal_form(tokens);
    options
        .iter()
        .position(|option| normal_form(option) == said)
        .map(Label)
}

/// M3 to M6, M9: what is left of labels and texts when the rejected ones are gone.
fn by_survivors(
    tokens: &[Token],
    options: &[Vec<Token>],
    mentions: &[Mention],
    wanted: Wanted,
) -> Parsed {
    let texts: BTreeSet<Label> = mentions
        .iter()
        .filter(|mention| !is_rejected(tokens, mention.start, mention.end))
        .map(|mention| mention.option)
        .collect();
    let labels = standing_labels(tokens, options.len(), mentions);
    let named: BTreeSet<Label> = texts.union(&labels).copied().collect();
    let names_all =
        options.len() > 2 && (texts.len() == options.len() || labels.len() == options.len());
    let Some(&first) = named.first() else {
        return Outcome::NoAnswer.by("M9");
    };
    if names_all && wanted == Wanted::One {
        return Outcome::NoAnswer.by("M9");
    }
    match wanted {
        Wanted::AllThatApply if labels.is_empty() || texts.is_subset(&labels) => {
            Outcome::Answered(Choice::Options(named)).by("X1")
        }
        Wanted::AllThatApply => Outcome::Conflict.by("M6"),
        Wanted::One if labels.len() == 1 && texts.len() == 1 && named.len() == 2 => {
            Outcome::Conflict.by("M6")
        }
        Wanted::One if named.len() > 1 => Outcome::Multiple.by("M5"),
        Wanted::One => Parsed::one(first, if texts.is_empty() { "M3" } else { "M4" }),
    }
}

/// M3: capital letters that stand alone and are neither words, nor kinds, nor denied.
fn standing_labels(tokens: &[Token], count: usize, mentions: &[Mention]) -> BTreeSet<Label> {
    let mut labels = BTreeSet::new();
    let mut last_kind_letter = None;
    for (at, token) in tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| token.is_capital_letter())
    {
        let is_inside_text = mentions
            .iter()
            .any(|mention| (mention.start..mention.end).contains(&at));
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let names_kind = is_inside_text
            || before.is_some_and(|before| before.is_one_of(&KIND_WORDS))
            || last_kind_letter.is_some_and(|letter| is_only_joined(tokens, letter + 1, at));
        if names_kind {
            last_kind_letter = Some(at);
            continue;
        }
        let Some(label) = token
            .letter
            .and_then(|letter| Label::of_letter(letter, count))
        else {
            continue;
        };
        let is_word =
            is_part_of_word(tokens, at) || is_article(tokens, at) || names_species(tokens, at);
        if !is_word && !is_rejected(tokens, at, at + 1) {
            labels.insert(label);
        }
    }
    labels
}

/// `hepatitis A and B`: only connectors stand between.
fn is_only_joined(tokens: &[Token], from: usize, to: usize) -> bool {
    tokens.get(from..to).is_some_and(|between| {
        between
            .iter()
            .all(|token| token.is_one_of(&["and", "or", ",", "/"]))
    })
}
