//! Plain text as blocks: headings are guessed, lines of a paragraph joined.
//!
//! A guess that is wrong costs nothing but a cut: every word stays, as heading or as text.

use crate::html::{Block, BlockKind};

const MAX_HEADING_CHARS: usize = 80;
const MAX_HEADING_WORDS: usize = 12;
const MAX_TITLE_CHARS: usize = 200;
/// A line of `===` or `---` this long underlines the line above it.
const MIN_UNDERLINE: usize = 3;

/// The first line if it may be a title, and the lines below it.
pub(crate) fn title<'a>(lines: &'a [&'a str]) -> (Option<&'a str>, &'a [&'a str]) {
    let Some(at) = lines.iter().position(|line| !line.trim().is_empty()) else {
        return (None, &[]);
    };
    let Some((first, rest)) = lines.get(at..).and_then(<[&str]>::split_first) else {
        return (None, &[]);
    };
    let title = first.trim().trim_start_matches('#').trim();
    let ends = title.ends_with(['.', ',', ';', ':']);
    let is_title =
        !ends && title.chars().any(char::is_alphabetic) && title.chars().count() <= MAX_TITLE_CHARS;
    if !is_title {
        return (None, lines);
    }
    let under = rest
        .iter()
        .take_while(|line| underline(line).is_some())
        .take(1);
    (Some(title), rest.get(under.count()..).unwrap_or_default())
}

/// Headings (`# …`, underlined, or short and alone) and paragraphs.
pub(crate) fn blocks(lines: &[&str]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut paragraph = String::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let line = line.trim();
        let before = at.checked_sub(1).and_then(|before| lines.get(before));
        let after = lines.get(at + 1);
        at += 1;
        let is_alone = |line: Option<&&str>| line.is_none_or(|line| line.trim().is_empty());
        let underlined = after
            .and_then(|after| underline(after))
            .filter(|_| may_be_heading(line));
        let guessed = (is_alone(before) && is_alone(after) && may_be_heading(line))
            .then(|| guessed_level(line));
        let level = marked_level(line).or(underlined).or(guessed);
        if line.is_empty() || level.is_some() || is_listed(line) {
            end_paragraph(&mut blocks, &mut paragraph);
        }
        if let Some(level) = level {
            at += usize::from(underlined.is_some());
            blocks.push(Block {
                kind: BlockKind::Heading(level),
                text: line.trim_matches('#').trim_matches([' ', ':']).to_owned(),
            });
        } else {
            join_line(&mut paragraph, line);
        }
    }
    end_paragraph(&mut blocks, &mut paragraph);
    blocks
}

/// Adds a line to a paragraph; a word that was parted at the end of a line is one again.
pub(crate) fn join_line(paragraph: &mut String, line: &str) {
    if line.is_empty() {
        return;
    }
    let is_parted = paragraph
        .strip_suffix(['-', '\u{ad}', '\u{2010}'])
        .is_some_and(|before| before.ends_with(char::is_lowercase))
        && line.starts_with(char::is_lowercase);
    if is_parted {
        paragraph.pop();
    } else if !paragraph.is_empty() {
        paragraph.push(' ');
    }
    paragraph.push_str(line);
}

fn end_paragraph(blocks: &mut Vec<Block>, paragraph: &mut String) {
    if !paragraph.is_empty() {
        blocks.push(Block {
            kind: BlockKind::Text,
            text: std::mem::take(paragraph),
        });
    }
}

fn underline(line: &str) -> Option<u8> {
    let line = line.trim();
    let is_of = |mark: char| line.len() >= MIN_UNDERLINE && line.chars().all(|c| c == mark);
    if is_of('=') {
        Some(1)
    } else {
        (is_of('-') || is_of('~')).then_some(2)
    }
}

fn marked_level(line: &str) -> Option<u8> {
    let hashes = line.bytes().take_while(|&byte| byte == b'#').count();
    let is_marked = (1..=6).contains(&hashes)
        && line.as_bytes().get(hashes) == Some(&b' ')
        && line.chars().any(char::is_alphanumeric);
    u8::try_from(hashes).ok().filter(|_| is_marked)
}

/// Short, begins like a sentence and does not end like one.
pub(crate) fn may_be_heading(line: &str) -> bool {
    let begins = line.chars().next().is_some_and(|first| {
        first.is_uppercase()
            || first.is_numeric()
            || (first.is_alphabetic() && !first.is_lowercase())
    });
    begins
        && !is_listed(line)
        && !line.ends_with(['.', ',', ';', '?', '!', '。', '-'])
        && line.chars().any(char::is_alphabetic)
        && line.chars().count() <= MAX_HEADING_CHARS
        && line.split_whitespace().count() <= MAX_HEADING_WORDS
}

/// `2.1 Follow-up` is of level 2, capitals are of level 1, all others in between.
fn guessed_level(line: &str) -> u8 {
    let number = line.split_whitespace().next().unwrap_or_default();
    let depth = number.split('.').filter(|part| !part.is_empty()).count();
    if number.chars().all(|c| c.is_ascii_digit() || c == '.') {
        u8::try_from(depth).unwrap_or(6).clamp(1, 6)
    } else if line.chars().any(char::is_lowercase) {
        2
    } else {
        1
    }
}

fn is_listed(line: &str) -> bool {
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    ["- ", "* ", "+ ", "• ", "– "]
        .iter()
        .any(|mark| line.starts_with(mark))
        || (digits.len() < line.len() && digits.starts_with(") "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let lines: Vec<&str> = text.lines().collect();
        let found: Vec<String> = blocks(&lines)
            .into_iter()
            .map(|block| match block.kind {
                BlockKind::Heading(level) => format!("{level}: {}", block.text),
                BlockKind::Text => block.text,
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn headings_are_marked_underlined_or_short_and_alone() {
        check("# A\ntext", &["1: A", "text"]);
        check(
            "Scope\n=====\nfor all\nof us",
            &["1: Scope", "for all of us"],
        );
        check(
            "one.\n\nFollow-up:\n\ntwo.",
            &["one.", "2: Follow-up", "two."],
        );
        check(
            "1.2 Small nodules\n\nWait.\n\nREFERENCES\n\nNone.",
            &["2: 1.2 Small nodules", "Wait.", "1: REFERENCES", "None."],
        );
    }

    #[test]
    fn sentences_lists_and_what_stands_in_a_paragraph_are_no_headings() {
        check(
            "One sentence.\n\nlower case\n\n- Item",
            &["One sentence.", "lower case", "- Item"],
        );
        check(
            "Title Like\nbut a paragraph",
            &["Title Like but a paragraph"],
        );
        check("- a\n- b\n", &["- a", "- b"]);
    }

    #[test]
    fn a_word_parted_at_the_end_of_a_line_is_one_again() {
        check(
            "the fol-\nlow-up of CT-\nscans - as\nsaid",
            &["the follow-up of CT- scans - as said"],
        );
    }

    #[test]
    fn the_first_line_is_the_title_unless_it_is_a_sentence() {
        assert_eq!(
            title(&["", "# Nodules", "===", "x"]),
            (Some("Nodules"), &["x"][..])
        );
        assert_eq!(title(&["This is a text."]).0, None);
        assert_eq!(title(&[]).0, None);
    }

    proptest! {
        #[test]
        fn every_word_stays(text in "([A-Za-z0-9.]{1,8}[ \n]{1,2}){0,60}") {
            let lines: Vec<&str> = text.lines().collect();
            let found: Vec<String> = blocks(&lines).into_iter().map(|block| block.text).collect();
            let words: Vec<&str> = found.iter().flat_map(|text| text.split_whitespace()).collect();
            prop_assert_eq!(words, text.split_whitespace().collect::<Vec<_>>());
        }

        #[test]
        fn any_text_has_blocks(text in "\\PC{0,200}|[#=\\- \n0-9.A]{0,80}") {
            let lines: Vec<&str> = text.lines().collect();
            let _ = (blocks(&lines), title(&lines));
        }
    }
}
