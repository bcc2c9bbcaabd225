//! BM25 as dot products of sparse vectors, with the very scores of the index on disk.
//!
//! The share of a term in a score is `idf · (k1 + 1) · tf / (tf + k1 · (1 − b + b · length / mean))`.
//! What depends on the document alone is its value there, what depends on the term alone is its
//! value in the query. A server can reckon `idf` itself (Qdrant's modifier), but over all points of
//! a collection, cases and guidelines together, while the index on disk keeps them apart; and it
//! knows neither that lengths are kept in one byte nor which words of a query are the telling ones.
//! So the numbers of terms are kept beside the rows, and both values are reckoned here.
//!
//! They are those of the time of the build: a row that is appended later is weighed by them too,
//! so that all scores of a generation compare.

use std::collections::{BTreeMap, HashMap};

use semihv_retrieval::terms::{TELLING_WORDS, document_terms, kept_length, query_terms};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::pools::Words;

/// Those of tantivy, which knows no others.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// About so many terms share one point of the numbers of terms.
const TERMS_A_BUCKET: usize = 512;

/// A sparse vector, its terms ascending.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub(crate) struct Sparse {
    pub(crate) indices: Vec<u32>,
    pub(crate) values: Vec<f32>,
}

impl Sparse {
    fn of(weights: BTreeMap<u32, f32>) -> Self {
        let (indices, values) = weights.into_iter().unzip();
        Self { indices, values }
    }
}

/// The number under which a server knows a term.
pub(crate) fn term_number(term: &str) -> u32 {
    xxh3_64(term.as_bytes()) as u32
}

/// The texts of all pools, as far as their weights depend on one another: read before a build.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Corpus {
    pub(crate) pools: BTreeMap<String, Counted>,
}

impl Corpus {
    /// Of pools that may stay empty.
    pub fn of_pools<'a>(pools: impl IntoIterator<Item = &'a str>) -> Self {
        let pools = pools.into_iter();
        Self {
            pools: pools
                .map(|pool| (pool.to_owned(), Counted::default()))
                .collect(),
        }
    }

    /// Takes a row's words into account. `None`: it has none, but its pool is there.
    pub fn count(&mut self, pool: &str, words: Option<&Words>) {
        let counted = self.pools.entry(pool.to_owned()).or_default();
        let Some(words) = words else { return };
        let numbers = frequencies(document_terms(&words.title, &words.body));
        counted.summary.documents += 1;
        counted.summary.terms += numbers.values().map(|&count| u64::from(count)).sum::<u64>();
        for number in numbers.into_keys() {
            *counted.documents_with.entry(number).or_default() += 1;
        }
    }

    /// Different for different corpora, whatever order they were read in.
    pub(crate) fn mark(&self) -> u64 {
        let mut mark = 0u64;
        let mut mix = |text: String| mark = mark.wrapping_add(xxh3_64(text.as_bytes()));
        for (pool, counted) in &self.pools {
            mix(format!(
                "{pool} {} {}",
                counted.summary.documents, counted.summary.terms
            ));
            for (number, count) in &counted.documents_with {
                mix(format!("{pool} {number} {count}"));
            }
        }
        mark
    }
}

/// The texts of one pool.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Counted {
    pub(crate) summary: Summary,
    pub(crate) documents_with: HashMap<u32, u32>,
}

impl Counted {
    /// How many points hold the numbers of its terms.
    pub(crate) fn buckets(&self) -> u32 {
        let full = self.documents_with.len().div_ceil(TERMS_A_BUCKET).max(1);
        full.next_power_of_two() as u32
    }
}

/// What every weight of a pool depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) documents: u64,
    pub(crate) terms: u64,
}

impl Summary {
    fn mean_length(self) -> f32 {
        if self.documents == 0 {
            return 1.0;
        }
        (self.terms as f32 / self.documents as f32).max(f32::MIN_POSITIVE)
    }

    /// The values of a document.
    pub(crate) fn document(self, words: &Words) -> Sparse {
        let terms = document_terms(&words.title, &words.body);
        let length = kept_length(terms.len() as u32) as f32;
        let norm = K1 * (1.0 - B + B * length / self.mean_length());
        let numbers = frequencies(terms).into_iter();
        let weights = numbers.map(|(number, count)| {
            let count = count as f32;
            (number, count / (count + norm))
        });
        Sparse::of(weights.collect())
    }

    fn idf(self, documents_with: u32) -> f32 {
        // An appended row may hold a term more often than the corpus had documents.
        let without = self.documents.saturating_sub(u64::from(documents_with)) as f32;
        let with = documents_with as f32;
        (1.0 + (without + 0.5) / (with + 0.5)).ln()
    }
}

/// The words of a query before it is known how rare they are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    /// In the order of the terms, which decides between equally telling ones.
    words: Vec<(u32, f32)>,
}

impl Asked {
    pub(crate) fn of(text: &str) -> Self {
        let mut counted: BTreeMap<String, f32> = BTreeMap::new();
        for term in query_terms(text) {
            *counted.entry(term).or_default() += 1.0;
        }
        let words = counted.into_iter();
        Self {
            words: words
                .map(|(term, count)| (term_number(&term), count))
                .collect(),
        }
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().map(|(number, _)| *number)
    }

    /// The values of the most telling words. A word that no document of the build has is kept: an
    /// appended row may have it.
    pub(crate) fn values(&self, summary: Summary, documents_with: &HashMap<u32, u32>) -> Sparse {
        let words = self.words.iter();
        let mut words: Vec<(f32, u32, f32)> = words
            .map(|(number, count)| {
                let idf = summary.idf(documents_with.get(number).copied().unwrap_or(0));
                (count * idf, *number, idf)
            })
            .collect();
        let is_known = |number: &u32| documents_with.get(number).is_some_and(|with| *with > 0);
        // Those that may be in no row must not take the places of those that are.
        words.sort_by(|left, right| {
            let known = is_known(&right.1).cmp(&is_known(&left.1));
            known.then(right.0.total_cmp(&left.0))
        });
        words.truncate(TELLING_WORDS);
        let values = words.into_iter();
        Sparse::of(
            values
                .map(|(_, number, idf)| (number, idf * (1.0 + K1)))
                .collect(),
        )
    }
}

fn frequencies(terms: Vec<String>) -> BTreeMap<u32, u32> {
    let mut numbers = BTreeMap::new();
    for term in terms {
        *numbers.entry(term_number(&term)).or_default() += 1;
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(body: &str) -> Words {
        Words {
            title: String::new(),
            body: body.to_owned(),
        }
    }

    fn corpus(bodies: &[&str]) -> Corpus {
        let mut corpus = Corpus::of_pools(["case"]);
        for body in bodies {
            corpus.count("case", Some(&words(body)));
        }
        corpus
    }

    #[test]
    fn the_order_of_reading_does_not_matter() {
        let mark = |bodies: &[&str]| corpus(bodies).mark();
        assert_eq!(
            mark(&["lung nodule", "effusion"]),
            mark(&["effusion", "lung nodule"])
        );
        assert_ne!(
            mark(&["lung nodule", "effusion"]),
            mark(&["lung nodule", "effusion", "effusion"])
        );
    }

    #[test]
    fn numbers_of_terms_fill_a_power_of_two_of_points() {
        let bodies: Vec<String> = (0..600).map(|number| format!("word{number}")).collect();
        let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
        let counted = corpus(&bodies).pools.remove("case").unwrap();
        assert_eq!(counted.buckets(), 2);
        assert_eq!(Counted::default().buckets(), 1);
    }

    #[test]
    fn a_word_that_no_row_had_is_still_looked_for() {
        let counted = corpus(&["lung"]).pools.remove("case").unwrap();
        let values = Asked::of("lung sarcoid").values(counted.summary, &counted.documents_with);
        assert_eq!(values.indices.len(), 2);
    }

    #[test]
    fn weights_of_an_empty_pool_are_numbers() {
        let values = Summary::default().document(&words("lung nodule"));
        assert!(
            values
                .values
                .iter()
                .all(|value| value.is_finite() && *value > 0.0)
        );
        let query = Asked::of("lung").values(Summary::default(), &HashMap::new());
        assert!(query.values.iter().all(|value| value.is_finite()));
    }
}
