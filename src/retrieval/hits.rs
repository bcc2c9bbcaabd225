//! From a document's address to a hit: its snippet with highlights and the reason for its score.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use semihv_domain::{DocumentKind, Hit, MatchedTerm, Reason, Snippet, printable_line};
use serde::Deserialize;
use tantivy::query::{Bm25StatisticsProvider, EnableScoring, Weight};
use tantivy::schema::{Field, Value as _};
use tantivy::snippet::{SnippetGenerator, collapse_overlapped_ranges};
use tantivy::{DocAddress, Score, Searcher, TantivyDocument, Term};

use crate::plan::{Node, Planner, ScoredPart, part_query, scored, scored_parts};
use crate::row_filter::{Beginning, RowFilter};
use crate::schema::{Fields, ROW_COLUMN, cut, id_of};

/// About one line of a wide pane. In bytes, so that Chinese gets a third in characters and the
/// same width on screen or a little less.
const SNIPPET_LENGTH: usize = 200;

/// So many words that a beginning stands for are highlighted.
const MOST_HIGHLIGHTED: usize = 256;

/// BM25 among the documents of one kind: those of the others are no part of its averages.
pub(crate) struct KindStatistics<'a> {
    searcher: &'a Searcher,
    documents: u64,
    /// Asked before: a term is looked up in every segment, which is most of a query's time.
    known: Option<&'a HashMap<Term, u64>>,
}

impl<'a> KindStatistics<'a> {
    pub(crate) fn new(
        searcher: &'a Searcher,
        fields: &Fields,
        kind: DocumentKind,
    ) -> tantivy::Result<Self> {
        let documents = searcher.doc_freq(&fields.kind_term(kind))?.max(1);
        Ok(Self {
            searcher,
            documents,
            known: None,
        })
    }

    /// Of what was asked before on the same state.
    pub(crate) fn known(
        searcher: &'a Searcher,
        documents: u64,
        known: &'a HashMap<Term, u64>,
    ) -> Self {
        Self {
            searcher,
            documents,
            known: Some(known),
        }
    }

    pub(crate) fn documents(&self) -> u64 {
        self.documents
    }
}

impl Bm25StatisticsProvider for KindStatistics<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        self.searcher.total_num_tokens(field)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.documents)
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        match self.known.and_then(|known| known.get(term)) {
            Some(documents) => Ok(*documents),
            None => self.searcher.doc_freq(term),
        }
    }
}

/// Makes the hits of one search.
pub(crate) struct HitMaker<'a> {
    searcher: &'a Searcher,
    fields: &'a Fields,
    kind: DocumentKind,
    parts: Vec<Part>,
    /// `None`: no word is to be marked.
    snippets: Option<SnippetGenerator>,
}

/// A word or phrase of the query, ready to explain its share.
struct Part {
    weight: Box<dyn Weight>,
    /// It counts only in a document that these match: the groups of an `OR` it stands in.
    within: Vec<Box<dyn Weight>>,
    written: String,
    documents: u64,
}

impl<'a> HitMaker<'a> {
    pub(crate) fn new(
        searcher: &'a Searcher,
        fields: &'a Fields,
        statistics: &KindStatistics<'_>,
        planner: &Planner<'_>,
        node: &Node,
    ) -> tantivy::Result<Self> {
        let kind = planner.kind;
        let analyzer = searcher.index().tokenizer_for_field(fields.text(kind))?;
        let scoring = EnableScoring::enabled_from_statistics_provider(statistics, searcher);
        let mut parts = Vec::new();
        for ScoredPart { node: part, within } in scored_parts(node) {
            let Some(query) = part_query(part) else {
                continue;
            };
            let within = within
                .iter()
                .map(|group| {
                    let without = EnableScoring::disabled_from_searcher(searcher);
                    planner.unscored_query(group).weight(without)
                })
                .collect::<tantivy::Result<_>>()?;
            let (written, terms) = match part {
                Node::Word(word) => (&word.written, vec![&word.term]),
                Node::Phrase(phrase) => (
                    &phrase.written,
                    phrase.terms.iter().map(|(_, term)| term).collect(),
                ),
                _ => continue,
            };
            parts.push(Part {
                weight: query.weight(scoring)?,
                within,
                written: printable_line(written).into_owned(),
                documents: rarest(searcher, &terms)?,
            });
        }
        let highlighted = highlighted_terms(searcher, fields.text(kind), node)?;
        Ok(Self {
            searcher,
            fields,
            kind,
            parts,
            snippets: (!highlighted.is_empty()).then(|| {
                SnippetGenerator::new(highlighted, analyzer, fields.text(kind), SNIPPET_LENGTH)
            }),
        })
    }

    pub(crate) fn hit(&self, address: DocAddress, score: Score) -> tantivy::Result<Hit> {
        let document: TantivyDocument = self.searcher.doc(address)?;
        let source = document.get_first(self.fields.source);
        let source = source.and_then(|value| value.as_str()).unwrap_or_default();
        let mut texts = document
            .get_all(self.fields.text(self.kind))
            .filter_map(|value| value.as_str());
        let title = texts.next().unwrap_or_default();
        let body = texts.next().unwrap_or_default();
        let reader = self.searcher.segment_reader(address.segment_ord);
        let rows = reader
            .fast_fields()
            .column_first_or_default::<i64>(ROW_COLUMN)?;
        Ok(Hit {
            kind: self.kind,
            id: id_of(rows.get_val(address.doc_id)),
            score,
            title: printable_line(title).into_owned(),
            source: printable_line(source).into_owned(),
            snippet: self.snippet(title, body),
            reason: self.reason(address),
        })
    }

    /// The best place of the body; of the title when only that matches; else the beginning.
    fn snippet(&self, title: &str, body: &str) -> Snippet {
        let marked = self.snippets.iter();
        for (snippets, text) in marked.flat_map(|snippets| [(snippets, body), (snippets, title)]) {
            let found = snippets.snippet(text);
            if !found.highlighted().is_empty() {
                let highlights = collapse_overlapped_ranges(found.highlighted());
                return made_printable(found.fragment(), &highlights);
            }
        }
        let text = if body.is_empty() { title } else { body };
        made_printable(cut(text, SNIPPET_LENGTH), &[])
    }

    fn reason(&self, address: DocAddress) -> Reason {
        let reader = self.searcher.segment_reader(address.segment_ord);
        let mut terms: Vec<MatchedTerm> = Vec::new();
        for part in &self.parts {
            let is_matched = |group: &dyn Weight| {
                let scorer = group.scorer(reader, 1.0);
                scorer.is_ok_and(|mut found| {
                    let document = address.doc_id;
                    found.doc() == document
                        || (found.doc() < document && found.seek(document) == document)
                })
            };
            // One side of an `OR` may not match; its weight then has nothing to explain.
            let within = part.within.iter().map(AsRef::as_ref);
            if !within.chain([part.weight.as_ref()]).all(is_matched) {
                continue;
            }
            let Ok(explanation) = part.weight.explain(reader, address.doc_id) else {
                continue;
            };
            let tree = serde_json::from_str::<Explained>(&explanation.to_pretty_json());
            let tree = tree.unwrap_or_default();
            terms.push(MatchedTerm {
                field: "text".to_owned(),
                term: part.written.clone(),
                score: explanation.value(),
                idf: tree.find("idf").unwrap_or_default(),
                frequency: tree.find("freq, ").unwrap_or_default(),
                documents: part.documents,
            });
        }
        terms.sort_by(|left, right| right.score.total_cmp(&left.score));
        Reason { terms }
    }
}

/// Tantivy's explanation as it serialises it.
#[derive(Debug, Default, Deserialize)]
struct Explained {
    value: f32,
    description: String,
    #[serde(default)]
    details: Vec<Self>,
}

impl Explained {
    fn find(&self, beginning: &str) -> Option<f32> {
        if self.description.starts_with(beginning) {
            return Some(self.value);
        }
        self.details
            .iter()
            .find_map(|detail| detail.find(beginning))
    }
}

/// How many documents hold the term; of a phrase, its rarest word.
fn rarest(searcher: &Searcher, terms: &[&Term]) -> tantivy::Result<u64> {
    let mut documents = u64::MAX;
    for term in terms {
        documents = documents.min(searcher.doc_freq(term)?);
    }
    Ok(documents)
}

fn highlighted_terms(
    searcher: &Searcher,
    field: Field,
    node: &Node,
) -> tantivy::Result<BTreeMap<String, Score>> {
    let mut terms = BTreeSet::new();
    for part in scored(node) {
        match part {
            Node::Word(word) => terms.extend(word.term.value().as_str().map(str::to_owned)),
            Node::Phrase(phrase) => terms.extend(
                phrase
                    .terms
                    .iter()
                    .filter_map(|(_, term)| Some(term.value().as_str()?.to_owned())),
            ),
            _ => {}
        }
    }
    for beginning in beginnings(node, field) {
        let enough = terms.len() + MOST_HIGHLIGHTED;
        for reader in searcher.segment_readers() {
            let inverted = reader.inverted_index(field)?;
            beginning.each_term(inverted.terms(), |term, _| {
                if terms.len() < enough {
                    terms.extend(std::str::from_utf8(term).ok().map(str::to_owned));
                }
                Ok(())
            })?;
        }
    }
    let mut weighted = BTreeMap::new();
    for term in terms {
        let documents = searcher.doc_freq(&Term::from_field_text(field, &term))?;
        // Rare words decide which place is shown.
        weighted.insert(term, 1.0 / (1.0 + documents as Score));
    }
    Ok(weighted)
}

fn beginnings(node: &Node, field: Field) -> Vec<&Beginning> {
    match node {
        Node::Filter(RowFilter::Beginning(beginning)) if beginning.field == field => {
            vec![beginning]
        }
        Node::All(nodes) | Node::Any(nodes) => nodes
            .iter()
            .flat_map(|node| beginnings(node, field))
            .collect(),
        _ => Vec::new(),
    }
}

/// One safe line, with the highlights moved along.
fn made_printable(text: &str, highlights: &[Range<usize>]) -> Snippet {
    let mut snippet = Snippet::default();
    let mut at = 0;
    for highlight in highlights {
        let (Some(before), Some(marked)) =
            (text.get(at..highlight.start), text.get(highlight.clone()))
        else {
            continue;
        };
        snippet.text.push_str(&printable_line(before));
        let start = snippet.text.len();
        snippet.text.push_str(&printable_line(marked));
        snippet.highlights.push(start..snippet.text.len());
        at = highlight.end;
    }
    snippet
        .text
        .push_str(&printable_line(text.get(at..).unwrap_or_default()));
    snippet
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn highlights_move_with_what_is_made_printable() {
        let snippet = made_printable("a\tb\u{1b}[1m lung\nx", std::slice::from_ref(&(8..12)));
        assert_eq!(snippet.text, "a    b·[1m lung x");
        let marked: Vec<&str> = snippet
            .highlights
            .iter()
            .map(|range| &snippet.text[range.clone()])
            .collect();
        assert_eq!(marked, ["lung"]);
    }

    proptest! {
        #[test]
        fn highlights_stay_on_character_borders(
            text in "[a-c\t\r\n\u{1b}é肺]{0,40}",
            borders in prop::collection::btree_set(0_usize..60, 0..6),
        ) {
            let borders: Vec<usize> =
                borders.into_iter().filter(|&at| text.is_char_boundary(at)).collect();
            let highlights: Vec<Range<usize>> =
                borders.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            let snippet = made_printable(&text, &highlights);
            prop_assert!(!snippet.text.chars().any(char::is_control));
            prop_assert_eq!(snippet.highlights.len(), highlights.len());
            for range in &snippet.highlights {
                prop_assert!(snippet.text.get(range.clone()).is_some());
            }
        }
    }
}
