//! The values that the index's fields have, with how many documents have them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use semihv_domain::{DocumentKind, FacetCount, QueryError};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, Searcher, SegmentReader, TERMINATED};

use crate::query::{Named, WrittenValue, nearest};
use crate::schema::{Fields, read_fact};

/// More are neither listed nor offered; a value beyond them is still found when written exactly.
const MOST_VALUES: usize = 200_000;

/// Up to so many documents of a value are counted one by one when some were deleted; a larger
/// count may include rows deleted since the last merge.
const COUNTED_EXACTLY: u32 = 4_096;

/// All values of one state of the index.
#[derive(Debug, Default)]
pub(crate) struct Values {
    counts: BTreeMap<(DocumentKind, String), BTreeMap<String, u64>>,
    is_complete: bool,
}

/// What a written value of a field means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// These values of the kind asked for.
    These(Vec<String>),
    /// Only documents of other kinds have it.
    OtherKinds,
}

impl Values {
    pub(crate) fn read(searcher: &Searcher, fields: &Fields) -> tantivy::Result<Self> {
        let mut values = Self {
            counts: BTreeMap::new(),
            is_complete: true,
        };
        let mut kept = 0;
        for reader in searcher.segment_readers() {
            let inverted = reader.inverted_index(fields.facts())?;
            let mut stream = inverted.terms().stream()?;
            while stream.advance() {
                let Some((kind, name, value)) = read_fact(stream.key()) else {
                    continue;
                };
                let count = match stream.value().doc_freq {
                    few if reader.has_deletes() && few <= COUNTED_EXACTLY => {
                        let postings = inverted.read_postings_from_terminfo(
                            stream.value(),
                            IndexRecordOption::Basic,
                        )?;
                        alive(reader, postings)
                    }
                    all => u64::from(all),
                };
                if count == 0 {
                    continue;
                }
                if kept >= MOST_VALUES {
                    values.is_complete = false;
                    break;
                }
                kept += 1;
                let of_field = values.counts.entry((kind, name.to_owned())).or_default();
                *of_field.entry(value.to_owned()).or_default() += count;
            }
        }
        Ok(values)
    }

    /// The values of a field over all kinds, most documents first.
    pub(crate) fn of(&self, name: &str) -> Vec<FacetCount> {
        let mut total: BTreeMap<&str, u64> = BTreeMap::new();
        for kind in DocumentKind::ALL {
            for (value, count) in self.of_kind(kind, name) {
                *total.entry(value).or_default() += count;
            }
        }
        let mut values: Vec<FacetCount> = total
            .into_iter()
            .map(|(value, count)| FacetCount {
                value: value.to_owned(),
                count,
            })
            .collect();
        values.sort_by_key(|value| Reverse(value.count));
        values
    }

    pub(crate) fn of_kind(
        &self,
        kind: DocumentKind,
        name: &str,
    ) -> impl Iterator<Item = (&str, u64)> {
        self.counts
            .get(&(kind, name.to_owned()))
            .into_iter()
            .flatten()
            .map(|(value, &count)| (value.as_str(), count))
    }

    /// Exactly this value, or without such a one every value that contains it (case aside); a
    /// `*` at the end asks for every value that begins so.
    pub(crate) fn meaning(
        &self,
        kind: DocumentKind,
        field: Named,
        written: &WrittenValue,
    ) -> Result<Meaning, QueryError> {
        let here = matching(self.of_kind(kind, field.name()), &written.text);
        if !here.is_empty() {
            return Ok(Meaning::These(here));
        }
        let everywhere = self.of(field.name());
        let pairs = everywhere
            .iter()
            .map(|known| (known.value.as_str(), known.count));
        if !matching(pairs, &written.text).is_empty() {
            return Ok(Meaning::OtherKinds);
        }
        if !self.is_complete {
            return Ok(Meaning::These(vec![written.text.clone()]));
        }
        Err(unknown(field, written, &everywhere))
    }
}

fn matching<'a>(values: impl Iterator<Item = (&'a str, u64)>, written: &str) -> Vec<String> {
    let written = written.to_lowercase();
    let folded: Vec<(String, &str)> = values
        .map(|(value, _)| (value.to_lowercase(), value))
        .collect();
    let chosen = |is_meant: &dyn Fn(&str) -> bool| -> Vec<String> {
        folded
            .iter()
            .filter(|(folded, _)| is_meant(folded))
            .map(|&(_, value)| value.to_owned())
            .collect()
    };
    if let Some(beginning) = written.strip_suffix('*') {
        return chosen(&|value| value.starts_with(beginning));
    }
    let exact = chosen(&|value| value == written);
    if exact.is_empty() {
        chosen(&|value| value.contains(&written))
    } else {
        exact
    }
}

fn unknown(field: Named, written: &WrittenValue, known: &[FacetCount]) -> QueryError {
    let names = known.iter().map(|known| known.value.as_str());
    let hint = match nearest(&written.text, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("no row has a value of `{}`", field.name()),
        None => {
            let first: Vec<&str> = names.take(8).collect();
            format!("for example {}", first.join(", "))
        }
    };
    QueryError {
        message: format!("no row has the {} `{}`", field.name(), written.text),
        column: written.column,
        hint: Some(hint),
    }
}

fn alive(reader: &SegmentReader, mut postings: impl DocSet) -> u64 {
    let mut count = 0;
    let mut doc = postings.doc();
    while doc != TERMINATED {
        count += u64::from(!reader.is_deleted(doc));
        doc = postings.advance();
    }
    count
}
