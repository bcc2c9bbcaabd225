//! Small readings shared by all layouts: texts that say nothing, scalars, years, question kinds.

use std::fmt;

use semihv_domain::{Modality, QuestionKind, Section};
use serde::de::{Deserialize, Deserializer, Visitor};

const FILLERS: [&str; 7] = ["", "n/a", "na", "nan", "null", "-", "--"];

/// Trims, and turns what only fills a cell (`N/A`, `nan`, `-`) into nothing.
pub(crate) fn meaningful(text: &str) -> Option<&str> {
    let text = text.trim();
    let bare = text.trim_end_matches('.');
    let is_filler = FILLERS
        .iter()
        .any(|filler| bare.eq_ignore_ascii_case(filler));
    (!is_filler).then_some(text)
}

/// [`meaningful`] for a text that is kept: no copy unless it has to be trimmed.
pub(crate) fn kept(text: String) -> Option<String> {
    let length = meaningful(&text)?.len();
    if length == text.len() {
        return Some(text);
    }
    meaningful(&text).map(str::to_owned)
}

/// [`Modality::parse`], with a short way for names that are ours already.
pub(crate) fn modality(text: &str) -> Option<Modality> {
    Modality::ALL
        .into_iter()
        .find(|known| known.name() == text)
        .or_else(|| Modality::parse(text))
}

pub(crate) fn section(heading: &str, text: &str) -> Option<Section> {
    meaningful(text).map(|text| Section {
        heading: heading.to_owned(),
        text: text.to_owned(),
    })
}

/// What is wrong with a text that should name a year: without a word, `year:` would lose the case.
pub(crate) fn no_year(text: &str) -> Option<String> {
    let is_wrong = year_in(text).is_none() && meaningful(text).is_some();
    is_wrong.then(|| {
        let shown: String = text.chars().take(40).collect();
        format!("no year in `{shown}`; the case is taken without one")
    })
}

/// The last year (1800 to 2199) a text names: `2003 (revised 2013)` is of 2013, `03/16/20` of 2020.
pub(crate) fn year_in(text: &str) -> Option<i32> {
    if let Some(year) = text.parse().ok().filter(|year| (1800..2200).contains(year)) {
        return Some(year);
    }
    let digits = || text.split(|c: char| !c.is_ascii_digit());
    let long = digits()
        .filter(|part| part.len() == 4)
        .filter_map(|part| part.parse().ok())
        .rfind(|year| (1800..2200).contains(year));
    long.or_else(|| match text.trim().split('/').collect::<Vec<_>>()[..] {
        [_, _, year] if year.len() == 2 => year.parse::<i32>().ok().map(|year| 2000 + year),
        _ => None,
    })
}

/// What a file says of the kind, else what the gold answer tells.
pub(crate) fn question_kind(said: &str, options: &[String], gold: &str) -> QuestionKind {
    let said = said.trim();
    if said.eq_ignore_ascii_case("closed") {
        return QuestionKind::Closed;
    }
    if said.eq_ignore_ascii_case("open") {
        return QuestionKind::Open;
    }
    let gold = gold.trim().trim_end_matches('.').to_lowercase();
    if !options.is_empty() || matches!(gold.as_str(), "yes" | "no" | "是" | "不是" | "否") {
        QuestionKind::Closed
    } else {
        QuestionKind::Open
    }
}

/// The key of a question that has none of its own: what it asks of which case. Never a position,
/// so that two files about the same questions agree.
pub(crate) fn question_key(case: &str, question: &str) -> String {
    format!("{}: {}", case.trim(), question.trim())
}

/// A text that some files write as a number or a truth value. `null` is the empty text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scalar(pub(crate) String);

impl Scalar {
    pub(crate) fn kept(self) -> Option<String> {
        kept(self.0)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Scalar, E> {
        Ok(Scalar(text))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Scalar, E> {
        Ok(Scalar(truth.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::default())
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// Reads `null` like an absent field.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fillers_say_nothing() {
        for filler in ["", "  ", "N/A", "n/a.", "NA", "nan", "null", "-"] {
            assert_eq!(meaningful(filler), None, "{filler:?}");
        }
        assert_eq!(meaningful(" None. "), Some("None."));
    }

    #[test]
    fn years_are_found_in_published_dates() {
        assert_eq!(year_in("2003 (revised 2013)"), Some(2013));
        assert_eq!(year_in("January 22, 2020"), Some(2020));
        assert_eq!(year_in("2/29/2020"), Some(2020));
        assert_eq!(year_in("03/16/20"), Some(2020));
        assert_eq!(year_in("January 12"), None);
        assert_eq!(year_in("12345"), None);
    }

    #[test]
    fn numbers_and_truth_values_become_text() {
        let read = |json: &str| serde_json::from_str::<Scalar>(json).unwrap().0;
        assert_eq!(read("12"), "12");
        assert_eq!(read("-1.5"), "-1.5");
        assert_eq!(read("true"), "true");
        assert_eq!(read("null"), "");
        assert!(serde_json::from_str::<Scalar>("[1]").is_err());
    }

    #[test]
    fn a_trailing_blank_does_not_change_the_kind() {
        assert_eq!(question_kind("CLOSED ", &[], "3"), QuestionKind::Closed);
        assert_eq!(question_kind("", &[], "Yes."), QuestionKind::Closed);
        assert_eq!(question_kind("", &[], "left lung"), QuestionKind::Open);
    }
}
