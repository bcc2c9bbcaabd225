//! Pairs in running text: `loss: 1.2`, `lr=1e-5`, `iter time (s): 0.3`, `train loss 2.1`.

use super::dict::number;

/// Units that may be glued to a number or follow it.
const UNITS: [&str; 22] = [
    "ms", "s", "us", "ns", "sec", "m", "h", "%", "x", "it/s", "s/it", "tok/s", "k", "K", "M", "G",
    "B", "MB", "GB", "MiB", "GiB", "TFLOPs",
];
/// A name of more words than this is prose.
const MOST_WORDS: usize = 4;
const LONGEST_NAME: usize = 48;

/// The pairs of a text and whether nothing else stood in it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Pairs {
    pub(super) found: Vec<(String, f64)>,
    pub(super) is_all: bool,
}

pub(super) fn pairs(text: &str) -> Pairs {
    let mut pairs = Pairs {
        found: Vec::new(),
        is_all: true,
    };
    for chunk in text.split([',', '|', ';', '\t']) {
        read_chunk(chunk, &mut pairs);
    }
    pairs
}

fn read_chunk(chunk: &str, pairs: &mut Pairs) {
    let mut name: Vec<&str> = Vec::new();
    let mut follows_value = false;
    for word in chunk.split_whitespace() {
        let (left, value) = match word.rfind([':', '=']) {
            Some(at) => (
                word.get(..at).unwrap_or_default(),
                word.get(at + 1..).unwrap_or_default(),
            ),
            None if number_with_unit(word).is_some() => ("", word),
            None if follows_value && UNITS.contains(&word) => continue,
            None => {
                name.push(word);
                follows_value = false;
                continue;
            }
        };
        if !left.is_empty() {
            name.push(left);
        }
        if value.is_empty() {
            continue;
        }
        let full = name.join(" ");
        match number_with_unit(value) {
            Some(number) if is_name(&full) => pairs.found.push((full, number)),
            _ => pairs.is_all = false,
        }
        name.clear();
        follows_value = true;
    }
    pairs.is_all &= name.is_empty();
}

fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.split(' ').count() <= MOST_WORDS
        && name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| {
            c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ' | '(' | ')' | '%' | '@')
        })
}

/// `204345ms`, `nanms`, `71.2%`, `1.5e-3`.
pub(super) fn number_with_unit(text: &str) -> Option<f64> {
    let text = text.trim_end_matches([')', ']']);
    if let Some(value) = number(text) {
        return Some(value);
    }
    UNITS
        .iter()
        .find_map(|unit| number(text.strip_suffix(unit)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, f64)]) {
        let found = pairs(text).found;
        let expected: Vec<(String, f64)> = expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[rustfmt::skip]
    mod shapes {
        use super::*;

        #[test] fn names_of_several_words()  { check("loss: 1.5 iter time (s): 0.3 samples/sec: 9", &[("loss", 1.5), ("iter time (s)", 0.3), ("samples/sec", 9.0)]); }
        #[test] fn units_are_dropped()       { check("loss 2.5, time 100ms, mfu 1.2%", &[("loss", 2.5), ("time", 100.0), ("mfu", 1.2)]); }
        #[test] fn a_clock_is_no_figure()    { check("2024-10-26 01:01:49.115 | x:train:58", &[]); }
        #[test] fn code_is_no_figure()       { check("print(f\"loss:{loss:.4f}\")", &[]); }
        #[test] fn a_unit_of_its_own()       { check("time: 5 ms loss: 1", &[("time", 5.0), ("loss", 1.0)]); }
    }
}
