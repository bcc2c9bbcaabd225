//! Documents that are like a whole text: nothing in it is read as query syntax.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use semihv_domain::{DocumentKind, Hit};
use tantivy::{DocAddress, Score, Searcher, Term};

use crate::Index;
use crate::analysis::query_terms;
use crate::hits::KindStatistics;
use crate::index::{State, guarded};
use crate::live::RowSet;
use crate::plan::{Node, Planner, ScoredTerm};
use crate::row_filter::RowFilter;
use crate::schema::cut;
use crate::search::{Search, SearchError};
use crate::values::Values;

/// Of a long text only so many words are searched for: the most telling ones.
pub const TELLING_WORDS: usize = 24;

/// Read of a text that is to be compared; more would tell no more.
pub(crate) const COMPARED_TEXT: usize = 64 << 10;

/// A row by its score, not yet explained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankedRow {
    pub id: i64,
    pub score: Score,
    /// Where it lies in the state of the index that was searched.
    pub(crate) address: DocAddress,
}

/// A text's most telling words on one state of the index: ranking many rows is cheap, explaining
/// the few that are shown is not.
#[derive(Clone)]
pub struct FreeText {
    index: Arc<Index>,
    state: Arc<State>,
    kind: DocumentKind,
    words: Vec<ScoredTerm>,
    /// Documents of the kind, and of them those with each word.
    documents: u64,
    frequencies: Arc<HashMap<Term, u64>>,
    /// Only these rows.
    among: Option<Arc<RowSet>>,
    /// None of these rows.
    without: Option<Arc<RowSet>>,
}

/// A text's words and what was counted to choose them.
struct Told {
    words: Vec<ScoredTerm>,
    documents: u64,
    frequencies: HashMap<Term, u64>,
}

impl Index {
    pub fn free_text(
        self: &Arc<Self>,
        kind: DocumentKind,
        text: &str,
    ) -> Result<FreeText, SearchError> {
        let state = self.state();
        let told = guarded(|| self.telling_words(&state.searcher, kind, text));
        let told = told.map_err(|source| self.read_error(source))?;
        Ok(FreeText {
            words: told.words,
            documents: told.documents,
            frequencies: Arc::new(told.frequencies),
            index: Arc::clone(self),
            state,
            kind,
            among: None,
            without: None,
        })
    }

    /// By how often a word stands in the text times how rare it is in the index.
    fn telling_words(
        &self,
        searcher: &Searcher,
        kind: DocumentKind,
        text: &str,
    ) -> tantivy::Result<Told> {
        let statistics = KindStatistics::new(searcher, &self.fields, kind)?;
        let mut counted: BTreeMap<String, (f32, String)> = BTreeMap::new();
        for word in query_terms(cut(text, COMPARED_TEXT)) {
            let entry = counted.entry(word.term).or_insert((0.0, word.written));
            entry.0 += 1.0;
        }
        let all = statistics.documents() as f32;
        let mut words: Vec<(f32, Term, String)> = Vec::new();
        let mut frequencies = HashMap::new();
        for (word, (count, written)) in counted {
            let term = self.fields.word_term(kind, &word);
            let with = searcher.doc_freq(&term)?;
            let documents = with as f32;
            if with > 0 {
                frequencies.insert(term.clone(), with);
                let rarity = (1.0 + (all - documents + 0.5) / (documents + 0.5)).ln();
                words.push((count * rarity, term, written));
            }
        }
        words.sort_by(|left, right| right.0.total_cmp(&left.0));
        words.truncate(TELLING_WORDS);
        let words = words
            .into_iter()
            .map(|(_, term, written)| ScoredTerm { term, written });
        Ok(Told {
            words: words.collect(),
            documents: statistics.documents(),
            frequencies,
        })
    }
}

impl FreeText {
    #[must_use]
    pub fn among(mut self, ids: Vec<i64>) -> Self {
        self.among = Some(Arc::new(RowSet::new(self.kind, ids)));
        self
    }

    #[must_use]
    pub fn without(mut self, ids: Vec<i64>) -> Self {
        self.without = (!ids.is_empty()).then(|| Arc::new(RowSet::new(self.kind, ids)));
        self
    }

    /// The rows that are most like the text, best first; those of one score in row order.
    pub fn ranked(&self, limit: usize) -> Result<Vec<RankedRow>, SearchError> {
        if self.words.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        self.with(|search| {
            let (documents, known) = (self.documents, &self.frequencies);
            let statistics = KindStatistics::known(search.searcher, documents, known);
            search.with_ids(search.best_scored(&statistics, limit)?)
        })
    }

    /// Snippet and reason of rows that `ranked` gave, in their order.
    pub fn explained(&self, rows: &[RankedRow]) -> Result<Vec<Hit>, SearchError> {
        if self.words.is_empty() || rows.is_empty() {
            return Ok(Vec::new());
        }
        let found: Vec<_> = rows.iter().map(|row| (row.score, row.address)).collect();
        self.with(|search| search.hits(&self.index, &found))
    }

    fn with<T>(
        &self,
        run: impl FnOnce(&Search<'_>) -> tantivy::Result<T>,
    ) -> Result<T, SearchError> {
        let values = Values::default();
        let words = self.words.iter().cloned().map(Node::Word).collect();
        let rows = |rows: &Arc<RowSet>| Node::Filter(RowFilter::Rows(Arc::clone(rows)));
        let mut all = vec![Node::Any(words)];
        all.extend(self.among.as_ref().map(rows));
        all.extend(
            self.without
                .as_ref()
                .map(|it| Node::Not(Box::new(rows(it)))),
        );
        // Words alone allow skipping what cannot be among the best.
        let node = match all.pop() {
            Some(words) if all.is_empty() => words,
            last => {
                all.extend(last);
                Node::All(all)
            }
        };
        let search = Search {
            searcher: &self.state.searcher,
            planner: Planner {
                kind: self.kind,
                fields: &self.index.fields,
                values: &values,
                live: &crate::NoLiveSets,
            },
            node,
        };
        guarded(|| run(&search)).map_err(|source| self.index.read_error(source))
    }
}
