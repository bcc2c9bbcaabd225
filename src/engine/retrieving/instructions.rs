//! What is put before the text of a query to say what is looked for, as UniIR's models were trained
//! with: on queries only, one of several wordings, drawn by lot and recorded.

use semihv_domain::Pool;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// For a query of text alone, for one with an image.
type Wordings = ([&'static str; 3], [&'static str; 3]);

const CASES: Wordings = (
    [
        "Find a clinical case with images that fits this description.",
        "Which imaging case does this text describe?",
        "Get the patient's images and report that this text is about.",
    ],
    [
        "Find a clinical case whose image and report resemble this image.",
        "Which published case looks like this one?",
        "Get a case with findings like those of the image.",
    ],
);

const GUIDELINES: Wordings = (
    [
        "Find the guideline passage that tells what to do here.",
        "Which clinical recommendation covers this text?",
        "Get guidance for the condition that is described.",
    ],
    [
        "Find the guideline passage for what this image shows.",
        "Which clinical recommendation covers the finding of this image?",
        "Get guidance for the condition in the image.",
    ],
);

/// The wording for a query. The same seed and text give the same one.
pub(super) fn instruction(
    pool: Pool,
    has_image: bool,
    (text, seed): (&str, u64),
) -> Option<&'static str> {
    let (of_text, of_image) = match pool {
        Pool::Case => CASES,
        Pool::Guideline => GUIDELINES,
    };
    let wordings = if has_image { of_image } else { of_text };
    let drawn = xxh3_64_with_seed(text.as_bytes(), seed) as usize % wordings.len();
    wordings.get(drawn).copied()
}

/// One text of both: a capital first, a period last.
pub(super) fn instructed(instruction: &str, text: &str) -> String {
    let joined = format!("{instruction} {}", text.trim());
    let joined = joined.trim_end();
    let mut letters = joined.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    let end = if joined.ends_with(['.', '?', '!']) {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.unwrap_or_default(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_wording_and_others_draw_others() {
        let drawn = |seed| instruction(Pool::Case, true, ("a nodule", seed));
        assert_eq!(drawn(7), drawn(7));
        let all: std::collections::BTreeSet<_> = (0..50).map(drawn).collect();
        assert_eq!(all.len(), 3);
        assert_ne!(
            instruction(Pool::Guideline, true, ("a nodule", 7)),
            instruction(Pool::Guideline, false, ("a nodule", 7))
        );
    }

    #[test]
    fn instruction_and_text_are_one_sentence() {
        assert_eq!(instructed("find it", " a nodule "), "Find it a nodule.");
        assert_eq!(instructed("Find it.", ""), "Find it.");
    }
}
