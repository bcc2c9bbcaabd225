//! The searches: ids for lists, hits with reasons, hits for a whole text, counts for facets.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::sync::Arc;

use semihv_domain::{DocumentKind, Facet, FacetCount, Hit, QueryError};
use tantivy::collector::{Count, TopDocs};
use tantivy::query::Query;
use tantivy::{DocAddress, Score, Searcher, TantivyError};

use crate::collect::{AllIds, CountsByFacet, FirstRows, ValueCounts, row_column};
use crate::free_text::RankedRow;
use crate::hits::{HitMaker, KindStatistics};
use crate::index::{State, guarded};
use crate::live::{LiveSets, RowSet};
use crate::plan::{Node, Planner, scored};
use crate::row_filter::RowFilter;
use crate::schema::id_of;
use crate::values::Values;
use crate::{Index, QueryText};

/// So many rows of a list come by their score; the others follow in row order.
const RANKED: usize = 2_000;

#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(
        "the search index at {path} cannot be read; build it again with `semihv index --rebuild`"
    )]
    Read { path: PathBuf, source: TantivyError },
}

/// One search under way: a query's plan on one state of the index.
pub(crate) struct Search<'a> {
    pub(crate) searcher: &'a Searcher,
    pub(crate) planner: Planner<'a>,
    pub(crate) node: Node,
}

fn most_first(facets: &[Facet], counted: CountsByFacet) -> Vec<(Facet, Vec<FacetCount>)> {
    let sorted = counted.into_iter().map(|counts| {
        let mut counts: Vec<FacetCount> = counts
            .into_iter()
            .map(|(value, count)| FacetCount { value, count })
            .collect();
        counts.sort_by_key(|value| Reverse(value.count));
        counts
    });
    facets.iter().copied().zip(sorted).collect()
}

impl Index {
    /// All rows of the kind that match, in row order; when there are words in the query, the best
    /// `RANKED` by score come first. Nobody reads on to the place where that ends, and scoring
    /// half a million rows takes longer than finding them.
    pub fn ids(
        &self,
        kind: DocumentKind,
        query: &QueryText,
        live: &dyn LiveSets,
    ) -> Result<Vec<i64>, SearchError> {
        self.search(kind, query, live, |search| {
            let searcher = search.searcher;
            if scored(&search.node).is_empty() {
                let query = search.planner.unscored_query(&search.node);
                return searcher.search(&query, &AllIds);
            }
            let statistics = KindStatistics::new(searcher, &self.fields, kind)?;
            let best = search.ranked_ids(&statistics)?;
            let query = search.planner.unscored_query(&search.node);
            Ok(best_first(best, searcher.search(&query, &AllIds)?))
        })
    }

    /// The best rows with snippet and reason, and how many match in all.
    pub fn hits(
        &self,
        kind: DocumentKind,
        query: &QueryText,
        limit: usize,
        live: &dyn LiveSets,
    ) -> Result<(Vec<Hit>, u64), SearchError> {
        self.search(kind, query, live, |search| {
            let (found, total) = search.best(&self.fields, limit)?;
            Ok((search.hits(self, &found)?, total))
        })
    }

    /// How many matching rows have each value; most first.
    pub fn facets(
        &self,
        kind: DocumentKind,
        query: &QueryText,
        facets: &[Facet],
        live: &dyn LiveSets,
    ) -> Result<Vec<(Facet, Vec<FacetCount>)>, SearchError> {
        let counted = self.search(kind, query, live, |search| search.count_values(facets))?;
        Ok(most_first(facets, counted))
    }

    /// How many of these rows have each value; most first.
    pub fn facets_of(
        &self,
        kind: DocumentKind,
        rows: Vec<i64>,
        facets: &[Facet],
    ) -> Result<Vec<(Facet, Vec<FacetCount>)>, SearchError> {
        let (state, values) = (self.state(), Values::default());
        let search = Search {
            searcher: &state.searcher,
            planner: Planner {
                kind,
                fields: &self.fields,
                values: &values,
                live: &crate::NoLiveSets,
            },
            node: Node::Filter(RowFilter::Rows(Arc::new(RowSet::new(kind, rows)))),
        };
        let counted = guarded(|| search.count_values(facets));
        let counted = counted.map_err(|source| self.read_error(source))?;
        Ok(most_first(facets, counted))
    }

    /// The values of a query field with their counts over all kinds; most first.
    pub fn values(&self, field: &str) -> Result<Vec<FacetCount>, SearchError> {
        let state = self.state();
        let values = guarded(|| state.values(&self.fields));
        Ok(values.map_err(|source| self.read_error(source))?.of(field))
    }

    fn search<T>(
        &self,
        kind: DocumentKind,
        query: &QueryText,
        live: &dyn LiveSets,
        run: impl FnOnce(&Search<'_>) -> tantivy::Result<T>,
    ) -> Result<T, SearchError> {
        let state: &State = &self.state();
        let values = guarded(|| state.values(&self.fields));
        let values = values.map_err(|source| self.read_error(source))?;
        let planner = Planner {
            kind,
            fields: &self.fields,
            values: &values,
            live,
        };
        let node = planner.plan(query.expression.as_ref())?;
        let search = Search {
            searcher: &state.searcher,
            planner,
            node,
        };
        guarded(|| run(&search)).map_err(|source| self.read_error(source))
    }

    pub(crate) fn read_error(&self, source: TantivyError) -> SearchError {
        SearchError::Read {
            path: self.folder(),
            source,
        }
    }
}

impl Search<'_> {
    fn count_values(&self, facets: &[Facet]) -> tantivy::Result<CountsByFacet> {
        let query = self.planner.unscored_query(&self.node);
        let facets = facets.to_vec();
        self.searcher.search(&query, &ValueCounts { facets })
    }

    fn best(
        &self,
        fields: &crate::schema::Fields,
        limit: usize,
    ) -> tantivy::Result<(Vec<(Score, DocAddress)>, u64)> {
        let query = self.planner.unscored_query(&self.node);
        if limit == 0 {
            return Ok((Vec::new(), query.count(self.searcher)? as u64));
        }
        if scored(&self.node).is_empty() {
            let (found, total) = self.searcher.search(&query, &FirstRows { limit })?;
            return Ok((
                found.into_iter().map(|address| (0.0, address)).collect(),
                total,
            ));
        }
        let statistics = KindStatistics::new(self.searcher, fields, self.planner.kind)?;
        if is_words_only(&self.node) {
            // Two passes: the best words are found by skipping what cannot be among them, and
            // counting needs no scores.
            let found = self.best_scored(&statistics, limit)?;
            return Ok((found, query.count(self.searcher)? as u64));
        }
        // Filters and phrases allow no skipping; they are walked once.
        let query = self.planner.scored_query(&self.node);
        let wanted = (TopDocs::with_limit(limit).order_by_score(), Count);
        let (found, total) =
            self.searcher
                .search_with_statistics_provider(&query, &wanted, &statistics)?;
        Ok((found, total as u64))
    }

    pub(crate) fn best_scored(
        &self,
        statistics: &KindStatistics<'_>,
        limit: usize,
    ) -> tantivy::Result<Vec<(Score, DocAddress)>> {
        let query = self.planner.scored_query(&self.node);
        let best = TopDocs::with_limit(limit).order_by_score();
        self.searcher
            .search_with_statistics_provider(&query, &best, statistics)
    }

    /// The best rows, best first; those of one score in row order.
    fn ranked_ids(&self, statistics: &KindStatistics<'_>) -> tantivy::Result<Vec<i64>> {
        let found = self.best_scored(statistics, RANKED)?;
        let ranked = self.with_ids(found)?;
        Ok(ranked.into_iter().map(|row| row.id).collect())
    }

    /// The best first; those of one score in row order.
    pub(crate) fn with_ids(
        &self,
        found: Vec<(Score, DocAddress)>,
    ) -> tantivy::Result<Vec<RankedRow>> {
        let mut ranked = Vec::with_capacity(found.len());
        let mut columns = BTreeMap::new();
        for (score, address) in found {
            let column = match columns.entry(address.segment_ord) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let reader = self.searcher.segment_reader(address.segment_ord);
                    place.insert(row_column(reader)?)
                }
            };
            ranked.push(RankedRow {
                id: id_of(column.get_val(address.doc_id)),
                score,
                address,
            });
        }
        ranked.sort_by(|left, right| {
            let by_score = right.score.total_cmp(&left.score);
            by_score.then(left.id.cmp(&right.id))
        });
        Ok(ranked)
    }

    pub(crate) fn hits(
        &self,
        index: &Index,
        found: &[(Score, DocAddress)],
    ) -> tantivy::Result<Vec<Hit>> {
        let kind = self.planner.kind;
        let statistics = KindStatistics::new(self.searcher, &index.fields, kind)?;
        let maker = HitMaker::new(
            self.searcher,
            &index.fields,
            &statistics,
            &self.planner,
            &self.node,
        )?;
        found
            .iter()
            .map(|&(score, address)| maker.hit(address, score))
            .collect()
    }
}

/// All ids once: `best` in its order, then the others in theirs. `all` is sorted.
fn best_first(best: Vec<i64>, all: Vec<i64>) -> Vec<i64> {
    let mut placed = best.clone();
    placed.sort_unstable();
    let mut placed = placed.into_iter().peekable();
    let mut ids = best;
    ids.reserve(all.len().saturating_sub(ids.len()));
    ids.extend(all.into_iter().filter(|id| {
        while placed.next_if(|next| next < id).is_some() {}
        placed.next_if_eq(id).is_none()
    }));
    ids
}

fn is_words_only(node: &Node) -> bool {
    match node {
        Node::Word(_) => true,
        Node::All(nodes) | Node::Any(nodes) => nodes.iter().all(is_words_only),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::best_first;

    #[test]
    fn the_best_come_first_and_nothing_comes_twice() {
        assert_eq!(best_first(vec![7, 2], vec![1, 2, 5, 7, 9]), [7, 2, 1, 5, 9]);
        assert_eq!(best_first(Vec::new(), vec![1, 2]), [1, 2]);
    }

    proptest! {
        #[test]
        fn no_id_is_lost(all in prop::collection::btree_set(0_i64..400, 0..200), pick in any::<u64>()) {
            let all: Vec<i64> = all.into_iter().collect();
            let best: Vec<i64> =
                all.iter().rev().copied().filter(|id| pick >> (id % 64) & 1 == 1).collect();
            let mut found = best_first(best.clone(), all.clone());
            prop_assert_eq!(found.get(..best.len()), Some(best.as_slice()));
            found.sort_unstable();
            prop_assert_eq!(found, all);
        }
    }
}
