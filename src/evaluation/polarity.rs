//! Y1 to Y6: yes or no, in English and Chinese; and M7: refusals.

use crate::choice::{Outcome, Parsed, Polarity};
use crate::clause::is_negated_before;
use crate::declaration::declarations;
use crate::token::{Kind, Token, han};

const YES: [&str; 4] = ["yes", "true", "yeah", "yep"];
const NO: [&str; 3] = ["no", "false", "nope"];
/// Longest first: `没有` must not be read as `有`.
const HAN_POLARITY: [(&str, Option<Polarity>); 35] = [
    ("不确定", None),
    ("不清楚", None),
    ("不知道", None),
    ("不一定", None),
    ("不可能", Some(Polarity::No)),
    ("有可能", None),
    ("是否", None),
    ("能否", None),
    ("有无", None),
    ("无法", None),
    ("没有", Some(Polarity::No)),
    ("不是", Some(Polarity::No)),
    ("不包含", Some(Polarity::No)),
    ("不包括", Some(Polarity::No)),
    ("不存在", Some(Polarity::No)),
    ("不可以", Some(Polarity::No)),
    ("未见", Some(Polarity::No)),
    ("没", Some(Polarity::No)),
    ("无", Some(Polarity::No)),
    ("否", Some(Polarity::No)),
    ("未", Some(Polarity::No)),
    ("不", Some(Polarity::No)),
    ("错", Some(Polarity::No)),
    ("可能", None),
    ("也许", None),
    ("是", Some(Polarity::Yes)),
    ("有", Some(Polarity::Yes)),
    ("包含", Some(Polarity::Yes)),
    ("包括", Some(Polarity::Yes)),
    ("存在", Some(Polarity::Yes)),
    ("可以", Some(Polarity::Yes)),
    ("可见", Some(Polarity::Yes)),
    ("能", Some(Polarity::Yes)),
    ("对", Some(Polarity::Yes)),
    ("正确", Some(Polarity::Yes)),
];
const HEDGES: [&str; 11] = [
    "possibly",
    "maybe",
    "perhaps",
    "probably",
    "likely",
    "may",
    "might",
    "could",
    "uncertain",
    "unclear",
    "sure",
];
/// Words of a question that carry nothing to be restated.
const HOLLOW: [&str; 40] = [
    "is", "are", "was", "were", "do", "does", "did", "has", "have", "can", "there", "the", "a",
    "an", "any", "this", "that", "these", "in", "on", "of", "at", "to", "it", "image", "picture",
    "scan", "study", "shown", "seen", "present", "visible", "evidence", "sign", "signs", "patient",
    "show", "you", "see", "here",
];
/// Asking for one of these, `no …` can mean either.
const NORMALITY: [&str; 6] = [
    "normal",
    "healthy",
    "unremarkable",
    "clear",
    "intact",
    "正常",
];

/// What a word of its own says, with the position behind it.
fn polarity_at(tokens: &[Token], at: usize) -> Option<(Option<Polarity>, usize)> {
    let token = tokens.get(at)?;
    match token.kind {
        Kind::Word if token.is_one_of(&YES) => Some((Some(Polarity::Yes), at + 1)),
        Kind::Word if token.is_one_of(&NO) => Some((Some(Polarity::No), at + 1)),
        Kind::Han => {
            let rest = tokens.get(at..)?;
            let run: String = rest
                .iter()
                .take_while(|token| token.kind == Kind::Han)
                .map(|token| token.text.as_str())
                .collect();
            HAN_POLARITY
                .iter()
                .find(|(word, _)| run.starts_with(word))
                .map(|(word, polarity)| (*polarity, at + word.chars().count()))
        }
        _ => None,
    }
}

/// The polarity that a whole text is (`Yes`, `不包含`), as gold answers say it.
pub(crate) fn polarity_of(tokens: &[Token]) -> Option<Polarity> {
    let spoken: Vec<Token> = tokens
        .iter()
        .filter(|token| !token.is_silent())
        .cloned()
        .collect();
    let (polarity, end) = polarity_at(&spoken, 0)?;
    let is_whole = end == spoken.len() || (end + 1 == spoken.len() && spoken.get(end)?.is("的"));
    polarity.filter(|_| is_whole)
}

pub(crate) fn say_yes_or_no(tokens: &[Token], question: &[Token]) -> Parsed {
    let Some(first) = tokens.iter().position(|token| !token.is_silent()) else {
        return Outcome::NoAnswer.by("M8");
    };
    let declared = declarations(tokens).into_iter().rev().find_map(|declared| {
        let (polarity, _) = polarity_at(tokens, declared.at)?;
        polarity
    });
    if let Some(polarity) = declared {
        return Parsed::polarity(polarity, "M1");
    }
    if let Some(parsed) = by_letter(tokens) {
        return parsed;
    }
    if is_refusal(tokens) {
        return Outcome::Refusal.by("M7");
    }
    match polarity_at(tokens, first) {
        Some((Some(polarity), end)) => opening(tokens, question, polarity, end),
        Some((None, _)) => Outcome::NoAnswer.by("Y6"),
        None => by_statement(tokens, question, first),
    }
}

/// `y` or `n` and nothing else.
fn by_letter(tokens: &[Token]) -> Option<Parsed> {
    let mut spoken = tokens.iter().filter(|token| !token.is_silent());
    let only = spoken.next().filter(|_| spoken.next().is_none())?;
    match only.letter?.to_ascii_lowercase() {
        'y' => Some(Parsed::polarity(Polarity::Yes, "Y1")),
        'n' => Some(Parsed::polarity(Polarity::No, "Y1")),
        _ => None,
    }
}

/// The answer opens with yes or no.
fn opening(tokens: &[Token], question: &[Token], polarity: Polarity, end: usize) -> Parsed {
    let rest = tokens.get(end..).unwrap_or_default();
    let next = rest.first();
    let contradiction = match polarity {
        Polarity::Yes => stands_alone(rest, &NO),
        Polarity::No => rest.iter().any(|token| token.is("yes")),
    };
    if contradiction {
        return Outcome::Ambiguous.by("Y5");
    }
    let is_english_no =
        polarity == Polarity::No && tokens.get(end - 1).is_some_and(|no| no.is("no"));
    let opens_phrase = is_english_no && next.is_some_and(|next| next.kind == Kind::Word);
    if !opens_phrase {
        let is_number = is_english_no
            && next.is_some_and(|next| next.is("."))
            && rest
                .get(1)
                .is_some_and(|token| token.text.starts_with(|c: char| c.is_ascii_digit()));
        return if is_number {
            Outcome::NoAnswer.by("Y2")
        } else {
            Parsed::polarity(polarity, "Y1")
        };
    }
    if next.is_some_and(|next| next.is_one_of(&["doubt", "change", "wonder", "matter"]))
        || asks_for_normality(question, rest)
    {
        return Outcome::Ambiguous.by("Y3");
    }
    Parsed::polarity(Polarity::No, "Y3")
}

/// `no abnormality` answers `is it normal` with a yes that says no.
fn asks_for_normality(question: &[Token], rest: &[Token]) -> bool {
    let asked = |token: &&Token| token.is_one_of(&NORMALITY);
    question
        .iter()
        .find(asked)
        .is_some_and(|word| !rest.iter().any(|token| token.text == word.text))
}

fn stands_alone(tokens: &[Token], words: &[&str]) -> bool {
    tokens.iter().enumerate().any(|(at, token)| {
        token.is_one_of(words) && tokens.get(at + 1).is_none_or(Token::is_silent)
    })
}

/// No yes or no at the start: a leading denial, one polarity anywhere, or the question restated.
fn by_statement(tokens: &[Token], question: &[Token], first: usize) -> Parsed {
    let said = tokens.get(first..).unwrap_or_default();
    let has_yes = said.iter().any(|token| token.is("yes"));
    let has_no = stands_alone(said, &NO);
    let is_hedged = said.iter().any(|token| token.is_one_of(&HEDGES)) || han(said).contains("可能");
    match (has_yes, has_no) {
        (true, true) => return Outcome::Ambiguous.by("Y5"),
        (true, false) if !is_negated_before(said) => return Parsed::polarity(Polarity::Yes, "Y1"),
        (false, true) => return Parsed::polarity(Polarity::No, "Y1"),
        _ => {}
    }
    if is_hedged {
        return Outcome::NoAnswer.by("Y6");
    }
    if opens_with_denial(said) {
        return if asks_for_normality(question, said) {
            Outcome::Ambiguous.by("Y3")
        } else {
            Parsed::polarity(Polarity::No, "Y3")
        };
    }
    restated(said, question)
}

fn opens_with_denial(said: &[Token]) -> bool {
    let word = |at: usize| said.get(at).map_or("", |token| token.text.as_str());
    matches!(
        (word(0), word(1), word(2)),
        ("there", "is" | "are" | "was" | "were", "no" | "not")
            | ("there", "isn't" | "aren't", _)
            | ("i", "see", "no")
            | ("without" | "none" | "absent" | "negative", _, _)
            | (
                "not",
                "seen" | "present" | "visible" | "identified" | "detected" | "evident",
                _
            )
    )
}

/// Y4: the first sentence holds every word the question asks for.
fn restated(said: &[Token], question: &[Token]) -> Parsed {
    let end = said
        .iter()
        .position(|token| token.is_one_of(&[".", "!", ";", "?"]) || token.kind == Kind::Newline)
        .unwrap_or(said.len());
    let sentence = said.get(..end).unwrap_or_default();
    let asked: Vec<&Token> = question
        .iter()
        .filter(|token| token.kind == Kind::Word && !token.is_one_of(&HOLLOW))
        .collect();
    let offers_choice = question.iter().any(|token| token.is("or"));
    let holds_all = asked.iter().all(|wanted| {
        sentence
            .iter()
            .any(|token| singular(&token.text) == singular(&wanted.text))
    });
    if asked.is_empty() || offers_choice || !holds_all {
        return Outcome::NoAnswer.by("Y2");
    }
    let negations = sentence
        .iter()
        .filter(|token| {
            token.is_one_of(&[
                "no", "not", "without", "never", "absent", "negative", "cannot",
            ]) || token.text.ends_with("n't")
        })
        .count();
    match negations {
        0 if !is_negated_before(sentence) => Parsed::polarity(Polarity::Yes, "Y4"),
        1 => Parsed::polarity(Polarity::No, "Y4"),
        _ => Outcome::NoAnswer.by("Y2"),
    }
}

fn singular(word: &str) -> &str {
    word.strip_suffix('s')
        .filter(|stem| stem.len() > 3)
        .unwrap_or(word)
}

/// M7: the model says that it will not or cannot answer.
pub(crate) fn is_refusal(tokens: &[Token]) -> bool {
    let chinese = han(tokens);
    if [
        "无法",
        "抱歉",
        "对不起",
        "不能提供",
        "作为人工智能",
        "没有提供图",
        "看不到图",
    ]
    .iter()
    .any(|pattern| chinese.contains(pattern))
    {
        return true;
    }
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    (0..tokens.len()).any(|at| declines((word(at), word(at + 1), word(at + 2))))
}

fn declines(words: (&str, &str, &str)) -> bool {
    matches!(
        words,
        ("sorry", _, _)
            | ("as", "an", "ai")
            | (
                "no",
                "image" | "images",
                "" | "." | "was" | "is" | "provided" | "attached" | "available"
            )
            | (
                "i" | "we" | "i'm" | "we're",
                "cannot" | "can't" | "unable" | "couldn't",
                _
            )
            | ("i" | "we", "am" | "are" | "can", "unable" | "not")
            | (
                "unable",
                "to",
                "view" | "see" | "determine" | "answer" | "provide" | "assess" | "interpret"
            )
            | (
                "cannot" | "can't",
                "determine" | "answer" | "view" | "see" | "provide" | "assist" | "help",
                _
            )
            | ("cannot", "be", "determined" | "answered" | "assessed")
    )
}
