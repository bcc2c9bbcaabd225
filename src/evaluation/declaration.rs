//! M1: places where an answer declares itself (`the answer is …`, `I choose …`, `答案是…`, `故选…`).

use crate::choice::Label;
use crate::clause::is_negated_before;
use crate::token::{Kind, Token};

const NOUNS: [&str; 4] = ["answer", "option", "choice", "response"];
const CHOOSERS: [&str; 6] = ["choose", "select", "pick", "chose", "selected", "picked"];
const CONCLUSIONS: [&str; 4] = ["therefore", "thus", "so", "hence"];
/// May stand between the declaration and what is declared.
const FILLERS: [&str; 15] = [
    "option",
    "choice",
    "letter",
    "the",
    "(",
    "[",
    "\"",
    "'",
    ":",
    "-",
    "likely",
    "probably",
    "definitely",
    "indeed",
    "clearly",
];
/// An article is never followed by one of these, so `A is …` is the label A.
const NOT_AFTER_ARTICLE: [&str; 20] = [
    "is", "was", "would", "could", "should", "can", "has", "and", "or", "because", "since", "as",
    "but", "due", "seems", "appears", "for", "isn't", "wasn't", "given",
];
/// `B and C is …`: the second label opens another statement.
const VERBS: [&str; 9] = [
    "is", "was", "has", "can", "would", "could", "isn't", "wasn't", "cannot",
];

/// A declared value: where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) at: usize,
    /// `therefore B` declares a label only when the sentence ends behind it.
    pub(crate) must_end: bool,
}

/// Places at which something is declared and not denied, in order.
pub(crate) fn declarations(tokens: &[Token]) -> Vec<Declared> {
    let mut found: Vec<Declared> = (0..tokens.len())
        .filter_map(|cue| declared_by(tokens, cue))
        .collect();
    found.dedup_by_key(|declared| declared.at);
    found
}

fn declared_by(tokens: &[Token], cue: usize) -> Option<Declared> {
    let token = tokens.get(cue)?;
    let (after, must_end) = match token.kind {
        Kind::Word if token.is_one_of(&NOUNS) => (after_noun(tokens, cue + 1)?, false),
        Kind::Word if token.is_one_of(&CHOOSERS) && follows_person(tokens, cue) => (cue + 1, false),
        Kind::Word if token.is("go") && tokens.get(cue + 1)?.is("with") => (cue + 2, false),
        Kind::Word if token.is_one_of(&CONCLUSIONS) => (cue + 1, true),
        Kind::Han => (after_chinese_cue(tokens, cue)?, false),
        _ => return None,
    };
    let sentence = (0..cue)
        .rev()
        .find(|&at| is_sentence_end(tokens, at))
        .map_or(0, |at| at + 1);
    if is_negated_before(tokens.get(sentence..cue).unwrap_or_default()) && !must_end {
        return None;
    }
    let at = skip_fillers(tokens, after, must_end);
    Some(Declared { at, must_end })
}

fn is_sentence_end(tokens: &[Token], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| {
        token.kind == Kind::Newline || token.is_one_of(&[".", "!", "?", ";", "。", ",", ":"])
    })
}

fn follows_person(tokens: &[Token], at: usize) -> bool {
    tokens
        .get(at.saturating_sub(3)..at)
        .unwrap_or_default()
        .iter()
        .any(|token| token.is_one_of(&["i", "we", "i'd", "i'll", "i'm"]))
}

/// Behind `answer`: at least one of `is`, `:`, `=`, `would be`, a new line; `is not` declares nothing.
fn after_noun(tokens: &[Token], from: usize) -> Option<usize> {
    let mut at = from;
    while tokens
        .get(at)
        .is_some_and(|token| token.is_one_of(&[")", "\"", "'", "*"]))
    {
        at += 1;
    }
    let connectors_from = at;
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1);
        if token.is_one_of(&["would", "should", "must"]) && next.is_some_and(|next| next.is("be")) {
            at += 2;
        } else if token.is_one_of(&["is", "was", ":", "=", "为", "是"])
            || token.kind == Kind::Newline
        {
            at += 1;
        } else {
            break;
        }
    }
    let is_denied = tokens
        .get(at)
        .is_some_and(|token| token.is_one_of(&["not", "isn't", "never"]));
    (at > connectors_from && !is_denied).then_some(at)
}

/// `答案是`, `答案：`, `选项为`, `故选`, `选择`: the position behind it.
fn after_chinese_cue(tokens: &[Token], cue: usize) -> Option<usize> {
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.is(text));
    let is_noun = (is(cue, "答") && is(cue + 1, "案")) || (is(cue, "选") && is(cue + 1, "项"));
    if is_noun {
        let mut at = cue + 2;
        while is(at, "应") || is(at, "该") {
            at += 1;
        }
        let behind = if is(at, "是") || is(at, "为") || is(at, ":") {
            at + 1
        } else {
            return None;
        };
        return (!is(behind, "不")).then_some(behind);
    }
    if !is(cue, "选")
        || cue
            .checked_sub(1)
            .is_some_and(|before| is(before, "不") || is(before, "备"))
    {
        return None;
    }
    Some(if is(cue + 1, "择") { cue + 2 } else { cue + 1 })
}

fn skip_fillers(tokens: &[Token], from: usize, may_have_comma: bool) -> usize {
    let mut at = from;
    while let Some(token) = tokens.get(at) {
        let is_filler = token.is_one_of(&FILLERS)
            || token.kind == Kind::Newline
            || (may_have_comma && token.is(","));
        if !is_filler || at >= from + 8 {
            break;
        }
        at += 1;
    }
    at
}

/// The label declared at `at`, in either case; `None` when the letter is a word (`a mass`).
pub(crate) fn declared_label(tokens: &[Token], declared: Declared, count: usize) -> Option<Label> {
    let token = tokens.get(declared.at)?;
    let label = Label::of_letter(token.letter?, count)?;
    if is_part_of_word(tokens, declared.at) || is_article(tokens, declared.at) {
        return None;
    }
    let next = tokens.get(declared.at + 1);
    let is_last = next.is_none_or(|next| {
        next.kind == Kind::Newline || next.is_one_of(&[".", ")", "]", "。", "!", ";", ","])
    });
    // In lower case a letter before a word is no label (`the answer is a left-sided mass`).
    let reads_as_label = token.is_capital_letter()
        || next.is_none_or(|next| next.kind != Kind::Word)
        || !token.is("a");
    (reads_as_label && (is_last || !declared.must_end)).then_some(label)
}

/// All labels declared from `at` on: more than one when they are joined (`B and C`).
pub(crate) fn joined_labels(tokens: &[Token], at: usize, count: usize) -> (Vec<Label>, usize) {
    let mut labels = Vec::new();
    let mut position = at;
    while let Some(label) = tokens
        .get(position)
        .and_then(|token| Label::of_letter(token.letter?, count))
    {
        labels.push(label);
        let Some(next) = joined_next(tokens, position, count) else {
            break;
        };
        position = next;
    }
    (labels, position + 1)
}

fn joined_next(tokens: &[Token], at: usize, count: usize) -> Option<usize> {
    let mut position = at + 1;
    while tokens
        .get(position)
        .is_some_and(|token| token.is_one_of(&[")", "]"]))
    {
        position += 1;
    }
    let connector = tokens.get(position)?;
    let is_strong =
        connector.is_one_of(&["and", "or", "/", "&", "和", "或", "、", "及", "与", "+"]);
    if !is_strong && !connector.is(",") {
        return None;
    }
    position += 1;
    while tokens.get(position).is_some_and(|token| {
        token.is_one_of(&["(", "[", "option", "choice", "and", "or", "either"])
    }) {
        position += 1;
    }
    let token = tokens.get(position)?;
    Label::of_letter(token.letter?, count)?;
    let behind = tokens.get(position + 1);
    let is_same_case = tokens.get(at)?.is_capital_letter() == token.is_capital_letter();
    let opens_statement = behind.is_some_and(|next| next.is_one_of(&VERBS));
    let ends =
        behind.is_none_or(|next| next.is_silent() || next.is_one_of(&["and", "or", "和", "或"]));
    let is_joined = is_same_case
        && !opens_statement
        && !is_part_of_word(tokens, position)
        && !is_article(tokens, position)
        && (is_strong || ends);
    is_joined.then_some(position)
}

/// `B-cell`, `non-A`, `B细胞`: the letter belongs to a longer word.
pub(crate) fn is_part_of_word(tokens: &[Token], at: usize) -> bool {
    let glued = |position: usize| tokens.get(position).filter(|token| token.is_glued);
    let hyphen_behind = glued(at + 1).is_some_and(|token| token.is("-"))
        && glued(at + 2).is_some_and(|token| token.kind == Kind::Word);
    let han_behind = glued(at + 1).is_some_and(|token| {
        token.is_one_of(&["细", "型", "超", "族", "期", "级", "区", "组", "淋", "肝"])
    });
    let hyphen_before = glued(at).is_some()
        && at
            .checked_sub(1)
            .and_then(|before| tokens.get(before))
            .is_some_and(|token| token.is("-"))
        && at
            .checked_sub(2)
            .and_then(|before| tokens.get(before))
            .is_some_and(|token| token.kind == Kind::Word);
    hyphen_behind || han_behind || hyphen_before
}

/// `A large effusion`, `I think`: a word, not a label.
pub(crate) fn is_article(tokens: &[Token], at: usize) -> bool {
    let Some(token) = tokens.get(at).filter(|token| token.is_one_of(&["a", "i"])) else {
        return false;
    };
    let Some(next) = tokens.get(at + 1).filter(|next| next.kind == Kind::Word) else {
        return false;
    };
    let pronoun_verb = token.is("i") && next.is_one_of(&["would", "could", "should", "can", "was"]);
    let is_word_case = !next.starts_upper && next.letter.is_none();
    is_word_case && (pronoun_verb || !next.is_one_of(&NOT_AFTER_ARTICLE))
}
