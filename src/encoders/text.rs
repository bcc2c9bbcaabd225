//! A text as counts of its words and their parts, hashed into a fixed number of places.

use std::collections::HashMap;

use crate::{DIM, TEXT, normalise};

/// Letters of a part of a word.
const PART: usize = 4;
/// What all parts of a word weigh beside the word itself.
const PARTS: f32 = 0.7;
/// Longer texts say nothing new.
const MOST_WORDS: usize = 4_000;

/// Words that stand in every text.
const COMMON: [&str; 48] = [
    "a", "after", "all", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can",
    "for", "from", "had", "has", "have", "he", "her", "his", "in", "into", "is", "it", "its",
    "may", "no", "not", "of", "on", "or", "she", "such", "than", "that", "the", "their", "there",
    "these", "this", "to", "was", "were", "which", "who", "with",
];

/// The vector of a text, of length 1; all zero when it has no word.
pub fn encode_text(text: &str) -> Vec<f32> {
    let mut counts: HashMap<u64, (f32, f32)> = HashMap::new();
    let mut count = |feature: u64, weight: f32| {
        let (count, _) = counts.entry(feature).or_insert((0.0, weight));
        *count += 1.0;
    };
    for word in words(text).into_iter().take(MOST_WORDS) {
        count(hash(&word, 0), 1.0);
        let bounded: Vec<char> = format!("^{word}$").chars().collect();
        let parts = bounded.windows(PART);
        let weight = PARTS / (parts.len().max(1) as f32).sqrt();
        for part in parts {
            let part: String = part.iter().collect();
            count(hash(&part, 1), weight);
        }
    }
    let mut vector = vec![0.0; DIM];
    let mut features: Vec<_> = counts.into_iter().collect();
    // Sums of many small numbers depend on their order.
    features.sort_unstable_by_key(|(feature, _)| *feature);
    for (feature, (count, weight)) in features {
        let sign = if feature >> 63 == 0 { 1.0 } else { -1.0 };
        if let Some(place) = vector.get_mut((feature % TEXT as u64) as usize) {
            // A word said ten times is not ten times as telling.
            *place += sign * weight * (1.0 + count.ln());
        }
    }
    normalise(&mut vector);
    vector
}

/// Lower-case words without the common ones; Chinese has no spaces: pairs of signs.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in text.split(|letter: char| !letter.is_alphanumeric()) {
        let word = word.to_lowercase();
        let signs: Vec<char> = word.chars().collect();
        if signs.iter().any(|sign| is_ideograph(*sign)) {
            words.extend(signs.windows(2).map(|pair| pair.iter().collect()));
            if let [only] = signs.as_slice() {
                words.push(only.to_string());
            }
        } else if !word.is_empty() && COMMON.binary_search(&word.as_str()).is_err() {
            words.push(word);
        }
    }
    words
}

fn is_ideograph(sign: char) -> bool {
    matches!(sign, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{3040}'..='\u{30ff}')
}

/// FNV-1a of 64 bits, mixed once more: it must be the same in every version of semihv.
fn hash(text: &str, kind: u8) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64 ^ u64::from(kind);
    let hashed = text.bytes().fold(start, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hashed ^ (hashed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(one: &str, other: &str) -> f32 {
        let (one, other) = (encode_text(one), encode_text(other));
        one.iter().zip(&other).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn the_common_words_are_sorted_for_the_binary_search() {
        assert!(COMMON.is_sorted());
    }

    #[test]
    fn shared_words_and_parts_of_words_bring_texts_near() {
        let asked = "solitary pulmonary nodule in a smoker";
        let same = near(asked, "A smoker with a solitary nodule of the lung");
        let part = near(asked, "pulmonology: nodular opacities");
        let other = near(asked, "fracture of the distal radius after a fall");
        assert!(same > part && part > other + 0.05, "{same} {part} {other}");
        assert!(other.abs() < 0.15, "{other}");
    }

    #[test]
    fn chinese_is_read_in_pairs_of_signs() {
        assert!(near("肺部结节", "右肺部结节影") > near("肺部结节", "桡骨远端骨折") + 0.3);
    }

    #[test]
    fn a_text_without_words_is_nothing() {
        assert!(
            encode_text(" ... the of")
                .iter()
                .all(|it| it.to_bits() == 0)
        );
    }

    proptest! {
        #[test]
        fn every_text_has_length_one_or_none(text in ".{0,200}") {
            let vector = encode_text(&text);
            prop_assert_eq!(vector.len(), DIM);
            let square: f32 = vector.iter().map(|it| it * it).sum();
            prop_assert!(square.to_bits() == 0 || (square - 1.0).abs() < 1e-4);
        }
    }
}
