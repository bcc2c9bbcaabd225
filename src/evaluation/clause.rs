//! Whether a mention is rejected where it stands (`not the liver`, `were negative`, `不是`).

use crate::token::{Kind, Token, han};

/// Words after which a new statement begins, also behind a comma.
const TURNS: [&str; 8] = [
    "but", "however", "although", "though", "whereas", "while", "yet", "instead",
];
const AFTER_COMMA: [&str; 16] = [
    "so",
    "therefore",
    "thus",
    "hence",
    "it",
    "this",
    "which",
    "because",
    "making",
    "suggesting",
    "consistent",
    "i",
    "we",
    "the",
    "most",
    "rather",
];
const NEGATORS: [&str; 14] = [
    "no",
    "not",
    "without",
    "neither",
    "nor",
    "never",
    "cannot",
    "exclude",
    "excludes",
    "excluding",
    "unlikely",
    "unlike",
    "against",
    "lacks",
];
/// Phrases that hold a negator and negate nothing.
const HARMLESS: [(&str, &str); 4] = [
    ("no", "doubt"),
    ("no", "wonder"),
    ("not", "only"),
    ("not", "surprisingly"),
];
const COPULAS: [&str; 12] = [
    "is", "are", "was", "were", "be", "been", "seems", "appears", "isn't", "aren't", "wasn't",
    "weren't",
];
const DENIALS: [&str; 14] = [
    "not",
    "negative",
    "absent",
    "excluded",
    "unlikely",
    "contraindicated",
    "incorrect",
    "wrong",
    "false",
    "ruled",
    "inappropriate",
    "never",
    "no",
    "less",
];
const HAN_NEGATORS: [&str; 14] = [
    "不是",
    "并非",
    "非",
    "无",
    "没有",
    "未",
    "排除",
    "不考虑",
    "不支持",
    "不符合",
    "不像",
    "否认",
    "不选",
    "不属于",
];
const HAN_HARMLESS: [&str; 4] = ["非常", "非典型", "无疑", "无非"];
const HAN_DENIALS: [&str; 11] = [
    "阴性",
    "不存在",
    "可排除",
    "已排除",
    "可以排除",
    "不支持",
    "不对",
    "错误",
    "不正确",
    "可能性小",
    "可能性低",
];

/// True when the clause around `start..end` denies what stands there.
pub(crate) fn is_rejected(tokens: &[Token], start: usize, end: usize) -> bool {
    let first = (0..start)
        .rev()
        .find(|&at| is_boundary(tokens, at))
        .map_or(0, |at| at + 1);
    let last = (end..tokens.len())
        .find(|&at| is_boundary(tokens, at))
        .unwrap_or(tokens.len());
    let before = tokens.get(first..start).unwrap_or_default();
    let after = tokens.get(end..last).unwrap_or_default();
    is_negated_before(before) || is_denied_after(after)
}

fn is_boundary(tokens: &[Token], at: usize) -> bool {
    let Some(token) = tokens.get(at) else {
        return true;
    };
    let next = tokens.get(at + 1);
    match token.kind {
        Kind::Newline => true,
        Kind::Mark if token.is(",") => {
            next.is_some_and(|next| next.kind == Kind::Han || next.is_one_of(&AFTER_COMMA))
        }
        Kind::Mark => token.is_one_of(&[".", ";", "!", "?", ":", "。"]),
        Kind::Word => token.is_one_of(&TURNS),
        Kind::Han => token.is("但") || (token.is("而") && next.is_some_and(|next| next.is("是"))),
    }
}

pub(crate) fn is_negated_before(before: &[Token]) -> bool {
    let negates = |at: usize, token: &Token| {
        let next = before.get(at + 1).map_or("", |next| next.text.as_str());
        let pair = (token.text.as_str(), next);
        (token.is_one_of(&NEGATORS) && !HARMLESS.contains(&pair))
            || token.text.ends_with("n't")
            || matches!(
                pair,
                ("rather" | "other", "than") | ("instead", "of") | ("less", "likely")
            )
            || (token.text.starts_with("rul") && next == "out")
    };
    if before
        .iter()
        .enumerate()
        .any(|(at, token)| negates(at, token))
    {
        return true;
    }
    let mut chinese = han(before);
    for harmless in HAN_HARMLESS {
        chinese = chinese.replace(harmless, "");
    }
    HAN_NEGATORS.iter().any(|negator| chinese.contains(negator))
}

/// `… is unlikely`, `… were negative`, `…可排除`: the predicate must follow its verb closely.
fn is_denied_after(after: &[Token]) -> bool {
    let chinese = han(after);
    if HAN_DENIALS.iter().any(|denial| chinese.contains(denial)) {
        return true;
    }
    let until_comma = after
        .iter()
        .position(|token| token.is(","))
        .unwrap_or(after.len());
    let reach = after.get(..until_comma).unwrap_or_default();
    let Some(verb) = reach.iter().position(|token| token.is_one_of(&COPULAS)) else {
        return false;
    };
    if reach
        .get(verb)
        .is_some_and(|token| token.text.ends_with("n't"))
    {
        return true;
    }
    reach
        .iter()
        .skip(verb + 1)
        .take(3)
        .any(|token| token.is_one_of(&DENIALS))
}
