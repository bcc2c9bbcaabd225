//! Where a text is cut into pieces of a length that a search can judge: between sentences, at best
//! at the end of a paragraph, with the last words of one piece repeated at the start of the next.
//!
//! Places only, in bytes of the text; nothing is copied. Words and sentences are Unicode's (UAX 29),
//! so that a language without blanks has words too.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// No piece holds more words.
pub(crate) const MAX_WORDS: usize = 240;
/// From here on a piece ends where a paragraph does.
const ENOUGH_WORDS: usize = 160;
/// What is repeated is about this long: whole sentences, at least one if it is not too long.
const OVERLAP_WORDS: usize = 40;
const MAX_OVERLAP_WORDS: usize = 60;
/// A sentence that is longer is cut behind a word.
const MAX_SENTENCE_WORDS: usize = 180;
/// A word that is longer is none (sequences, base64) and is cut anywhere.
const MAX_WORD_BYTES: usize = 1 << 10;
/// What has no words (rows of dots, codes) counts as one for so many bytes.
const BYTES_A_WORD: usize = 16;

/// Some of a sentence, or all of it.
struct Unit {
    range: Range<usize>,
    words: usize,
    ends_paragraph: bool,
}

/// The pieces in order. Together they hold everything but white space.
pub(crate) fn chunks(text: &str) -> Vec<Range<usize>> {
    let units = units(text);
    let mut chunks = Vec::new();
    // The piece being gathered is `units[first..next]`; those before `fresh` are repeated.
    let (mut first, mut fresh, mut words) = (0, 0, 0);
    for (next, unit) in units.iter().enumerate() {
        let is_full = words + unit.words > MAX_WORDS;
        let at_paragraph = next.checked_sub(1).and_then(|last| units.get(last));
        let is_enough =
            words >= ENOUGH_WORDS && at_paragraph.is_some_and(|last| last.ends_paragraph);
        if next > fresh && (is_full || is_enough) {
            chunks.extend(span(&units, first..next));
            first = overlap_start(&units, fresh..next, MAX_WORDS.saturating_sub(unit.words));
            fresh = next;
            words = word_count(&units, first..next);
        }
        words += unit.words;
    }
    chunks.extend(span(&units, first..units.len()));
    chunks
}

/// Where in the last piece the repeated words begin; its end if nothing is repeated.
fn overlap_start(units: &[Unit], last: Range<usize>, room: usize) -> usize {
    let mut start = last.end;
    let mut words = 0;
    // The first unit stays out, so that a piece is never the end of the one before and no more.
    for at in (last.start + 1..last.end).rev() {
        words += word_count(units, at..at + 1);
        let is_first = start == last.end;
        if words
            > room.min(if is_first {
                MAX_OVERLAP_WORDS
            } else {
                OVERLAP_WORDS
            })
        {
            break;
        }
        start = at;
    }
    start
}

fn word_count(units: &[Unit], range: Range<usize>) -> usize {
    let units = units.get(range).unwrap_or_default();
    units.iter().map(|unit| unit.words).sum()
}

fn span(units: &[Unit], range: Range<usize>) -> Option<Range<usize>> {
    let units = units.get(range)?;
    Some(units.first()?.range.start..units.last()?.range.end)
}

fn units(text: &str) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for (at, sentence) in text.split_sentence_bound_indices() {
        let begun = units.len();
        for range in parts(sentence, at) {
            let part = text.get(range.clone()).unwrap_or_default();
            let kept = part.trim();
            if kept.is_empty() {
                continue;
            }
            let start = range.start + (part.len() - part.trim_start().len());
            units.push(Unit {
                range: start..start + kept.len(),
                words: kept.unicode_words().count().max(kept.len() / BYTES_A_WORD),
                ends_paragraph: false,
            });
        }
        let is_below = units.len() > begun || sentence.trim().is_empty();
        if sentence.ends_with(['\n', '\r', '\u{2029}'])
            && let Some(last) = units.last_mut().filter(|_| is_below)
        {
            last.ends_paragraph = true;
        }
    }
    units
}

/// The sentence, or its parts behind every [`MAX_SENTENCE_WORDS`] words.
fn parts(sentence: &str, at: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut start, mut end, mut words) = (at, at, 0);
    for word in sentence.split_word_bounds() {
        let mut rest = word;
        while rest.len() > MAX_WORD_BYTES {
            let (head, tail) = rest.split_at(rest.floor_char_boundary(MAX_WORD_BYTES));
            end += head.len();
            parts.push(start..end);
            (start, words, rest) = (end, 0, tail);
        }
        words += rest.unicode_words().count();
        let is_long = words > MAX_SENTENCE_WORDS
            || end + rest.len() - start > MAX_SENTENCE_WORDS * BYTES_A_WORD;
        if is_long && end > start {
            parts.push(start..end);
            (start, words) = (end, rest.unicode_words().count());
        }
        end += rest.len();
    }
    parts.push(start..end);
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(text: &str) -> Vec<&str> {
        chunks(text).into_iter().map(|range| &text[range]).collect()
    }

    fn sentence(number: usize, words: usize) -> String {
        format!("Nr{number} {}.", "word ".repeat(words - 1).trim_end())
    }

    #[test]
    fn a_short_text_is_one_piece_without_the_space_around_it() {
        assert_eq!(pieces("  One. Two.\nThree.\n "), ["One. Two.\nThree."]);
        assert_eq!(pieces(" \n "), [""; 0]);
        assert_eq!(pieces(""), [""; 0]);
    }

    #[test]
    fn pieces_end_with_a_sentence_and_repeat_the_last_one() {
        let text: Vec<String> = (0..20).map(|number| sentence(number, 30)).collect();
        let text = text.join(" ");
        let found = pieces(&text);
        assert_eq!(found.len(), 3);
        assert!(found[0].starts_with("Nr0 ") && found[0].ends_with('.'));
        assert_eq!(found[0].unicode_words().count(), 240);
        assert!(found[1].starts_with("Nr7 "), "{}", found[1]);
        assert!(found[2].starts_with("Nr14 ") && found[2].ends_with('.'));
    }

    #[test]
    fn a_piece_that_is_long_enough_ends_with_its_paragraph() {
        let first = (0..6)
            .map(|number| sentence(number, 30))
            .collect::<Vec<_>>();
        let text = format!("{}\n{}", first.join(" "), sentence(6, 30));
        let found = pieces(&text);
        assert_eq!(found[0], first.join(" "));
        assert_eq!(
            found[1],
            format!("{}\n{}", sentence(5, 30), sentence(6, 30))
        );
    }

    #[test]
    fn a_sentence_without_end_is_cut_behind_a_word() {
        let text = "wörter ".repeat(1000);
        for piece in pieces(&text) {
            assert!(piece.starts_with("wörter") && piece.ends_with("wörter"));
        }
        for text in ["x".repeat(100_000), "- ".repeat(50_000)] {
            let found = pieces(&text);
            assert!(found.len() > 20 && found.iter().all(|piece| piece.len() <= 4096));
        }
    }

    #[test]
    fn a_language_without_blanks_has_words() {
        let text = "肺结节应当复查。".repeat(200);
        let found = pieces(&text);
        assert!(found.len() > 4 && found.iter().all(|piece| piece.ends_with('。')));
    }

    proptest! {
        #[test]
        fn pieces_hold_everything_in_order_and_are_never_too_long(
            text in "([a-zäé,]{1,9}[ .]{1,2}|[\n]{1,2}|结节|[0-9]{1,3}[.]){0,900}"
        ) {
            let found = chunks(&text);
            let mut covered = 0;
            let mut last_start = None;
            for range in &found {
                prop_assert!(text[range.clone()].unicode_words().count() <= MAX_WORDS);
                prop_assert!(last_start < Some(range.start) && range.end > covered);
                if range.start > covered {
                    prop_assert!(text[covered..range.start].trim().is_empty());
                }
                (last_start, covered) = (Some(range.start), range.end);
            }
            prop_assert!(text[covered..].trim().is_empty());
        }

        #[test]
        fn no_word_is_cut(text in "([a-z]{1,9} ){0,900}") {
            let words: std::collections::HashSet<&str> = text.split(' ').collect();
            for range in chunks(&text) {
                prop_assert!(text[range].split(' ').all(|word| words.contains(word)));
            }
        }

        #[test]
        fn any_text_is_cut(text in "\\PC{0,300}") {
            let _ = chunks(&text);
        }
    }
}
