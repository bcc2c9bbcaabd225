//! M0: the wrapping is taken off an answer before it is read (thinking, markdown, LaTeX, JSON).

/// An answer without its wrapping.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cleaned {
    Text(String),
    /// A thinking block was opened and never closed: what follows it never came.
    Truncated,
}

pub(crate) fn clean(raw: &str) -> Cleaned {
    let folded = fold_width(raw);
    let Some(said) = without_thinking(&folded) else {
        return Cleaned::Truncated;
    };
    let unfenced: String = said
        .lines()
        .filter(|line| !line.trim_start().starts_with("```"))
        .collect::<Vec<_>>()
        .join("\n");
    let value = answer_of_json(&unfenced).unwrap_or(unfenced);
    let plain = without_latex(&value);
    Cleaned::Text(plain.replace(['*', '`'], "").replace("__", ""))
}

/// Full-width forms to plain ones, invisible characters dropped: what NFKC does to the characters
/// that answers hold, without its tables.
fn fold_width(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => None,
            '\u{a0}' | '\u{3000}' | '\u{2000}'..='\u{200a}' => Some(' '),
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0),
            '\u{2018}' | '\u{2019}' => Some('\''),
            '\u{201c}' | '\u{201d}' => Some('"'),
            '\u{2010}' | '\u{2011}' => Some('-'),
            '\u{24b6}'..='\u{24cf}' => char::from_u32(u32::from(c) - 0x24b6 + u32::from('A')),
            c => Some(c),
        })
        .collect()
}

/// `None` when a thinking block is open at the end.
fn without_thinking(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let mut kept = String::new();
    let mut at = 0;
    loop {
        let rest = lower.get(at..).unwrap_or_default();
        match (rest.find("<think>"), rest.find("</think>")) {
            // A template that opens the block itself leaves only its end in the answer.
            (open, Some(close)) if open.is_none_or(|open| close < open) => {
                kept.clear();
                at += close + "</think>".len();
            }
            (Some(open), Some(close)) => {
                kept.push_str(text.get(at..at + open).unwrap_or_default());
                kept.push('\n');
                at += close + "</think>".len();
            }
            (Some(_), None) => return None,
            (None, _) => {
                kept.push_str(text.get(at..).unwrap_or_default());
                return Some(kept);
            }
        }
    }
}

fn answer_of_json(text: &str) -> Option<String> {
    let trimmed = text.trim();
    if !trimmed.starts_with('{') {
        return None;
    }
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(trimmed).ok()?;
    let value = object.iter().find_map(|(key, value)| {
        let key = key.to_ascii_lowercase();
        ["answer", "choice", "option"]
            .iter()
            .any(|wanted| key == *wanted || key.ends_with(&format!("_{wanted}")))
            .then_some(value)
    })?;
    match value {
        serde_json::Value::String(said) => Some(said.clone()),
        serde_json::Value::Bool(said) => Some(if *said { "yes" } else { "no" }.to_owned()),
        serde_json::Value::Number(said) => Some(said.to_string()),
        serde_json::Value::Array(several) => Some(
            several
                .iter()
                .filter_map(serde_json::Value::as_str)
                .collect::<Vec<_>>()
                .join(", "),
        ),
        serde_json::Value::Null | serde_json::Value::Object(_) => None,
    }
}

/// `\boxed{X}` is how mathematics models declare their answer; `\text{X}` is only typesetting.
fn without_latex(text: &str) -> String {
    let boxed = unwrap_command(text, "\\boxed{", "\nanswer: ", "\n");
    unwrap_command(&boxed, "\\text{", "", "")
}

fn unwrap_command(text: &str, command: &str, before: &str, after: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once(command) {
        plain.push_str(head);
        let end = closing_brace(tail).unwrap_or(tail.len());
        let (inside, behind) = tail.split_at(end);
        plain.push_str(before);
        plain.push_str(inside);
        plain.push_str(after);
        rest = behind.strip_prefix('}').unwrap_or(behind);
    }
    plain.push_str(rest);
    plain
}

fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, expected: &str) {
        assert_eq!(clean(raw), Cleaned::Text(expected.to_owned()));
    }

    #[test]
    fn full_width_letters_become_plain() {
        check("故选Ｂ项", "故选B项");
    }

    #[test]
    fn a_closed_thought_is_dropped() {
        check("<think>sagittal? no</think>C", "\nC");
    }

    #[test]
    fn a_thought_opened_by_the_template_is_dropped() {
        check("maybe A</think>B", "B");
    }

    #[test]
    fn an_open_thought_means_the_answer_was_cut_off() {
        assert_eq!(clean("<think>so B. But A could"), Cleaned::Truncated);
    }

    #[test]
    fn json_gives_its_answer() {
        check("```json\n{\"reason\": \"A\", \"answer\": \"B\"}\n```", "B");
    }

    #[test]
    fn a_box_is_a_declaration() {
        check("so $\\boxed{\\text{B}}$", "so $\nanswer: B\n$");
    }
}
