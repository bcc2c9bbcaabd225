//! Collectors: what a search gathers from the documents that match.

use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use semihv_domain::Facet;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{ColumnValues, StrColumn};
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, SegmentReader};

use crate::schema::{ROW_COLUMN, column_name, id_of};

type RowColumn = Arc<dyn ColumnValues<i64>>;

pub(crate) fn row_column(reader: &SegmentReader) -> tantivy::Result<RowColumn> {
    reader.fast_fields().column_first_or_default(ROW_COLUMN)
}

/// All ids in row order.
pub(crate) struct AllIds;

pub(crate) struct SegmentIds {
    column: RowColumn,
    ids: Vec<i64>,
}

impl Collector for AllIds {
    type Fruit = Vec<i64>;
    type Child = SegmentIds;

    fn for_segment(
        &self,
        _: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<SegmentIds> {
        Ok(SegmentIds {
            column: row_column(reader)?,
            ids: Vec::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, fruits: Vec<Vec<i64>>) -> tantivy::Result<Vec<i64>> {
        let mut ids = fruits.concat();
        #[expect(
            clippy::stable_sort_primitive,
            reason = "each segment comes in order, which only the merging sort uses"
        )]
        ids.sort();
        Ok(ids)
    }
}

impl SegmentCollector for SegmentIds {
    type Fruit = Vec<i64>;

    fn collect(&mut self, doc: DocId, _score: Score) {
        self.ids.push(id_of(self.column.get_val(doc)));
    }

    fn collect_block(&mut self, docs: &[DocId]) {
        let known = self.ids.len();
        self.ids.resize(known + docs.len(), 0);
        let (_, new) = self.ids.split_at_mut(known);
        self.column.get_vals(docs, new);
        for row in new {
            *row = id_of(*row);
        }
    }

    fn harvest(self) -> Vec<i64> {
        self.ids
    }
}

/// The first documents in row order and how many match in all.
pub(crate) struct FirstRows {
    pub(crate) limit: usize,
}

pub(crate) struct SegmentFirstRows {
    column: RowColumn,
    segment: SegmentOrdinal,
    limit: usize,
    /// The greatest row on top.
    first: BinaryHeap<(i64, DocId)>,
    count: u64,
}

/// Row, document, and the count of the segment.
type SegmentFirst = (Vec<(i64, DocAddress)>, u64);

impl Collector for FirstRows {
    type Fruit = (Vec<DocAddress>, u64);
    type Child = SegmentFirstRows;

    fn for_segment(
        &self,
        segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<SegmentFirstRows> {
        Ok(SegmentFirstRows {
            column: row_column(reader)?,
            segment,
            limit: self.limit,
            first: BinaryHeap::new(),
            count: 0,
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, fruits: Vec<SegmentFirst>) -> tantivy::Result<(Vec<DocAddress>, u64)> {
        let count = fruits.iter().map(|(_, count)| count).sum();
        let mut first: Vec<(i64, DocAddress)> =
            fruits.into_iter().flat_map(|(first, _)| first).collect();
        first.sort_unstable();
        first.truncate(self.limit);
        Ok((
            first.into_iter().map(|(_, address)| address).collect(),
            count,
        ))
    }
}

impl SegmentCollector for SegmentFirstRows {
    type Fruit = SegmentFirst;

    fn collect(&mut self, doc: DocId, _score: Score) {
        self.count += 1;
        let row = self.column.get_val(doc);
        if self.first.len() < self.limit {
            self.first.push((row, doc));
        } else if self
            .first
            .peek()
            .is_some_and(|&(greatest, _)| row < greatest)
        {
            self.first.pop();
            self.first.push((row, doc));
        }
    }

    fn harvest(self) -> SegmentFirst {
        let segment = self.segment;
        let first = self.first.into_iter();
        (
            first
                .map(|(row, doc)| (row, DocAddress::new(segment, doc)))
                .collect(),
            self.count,
        )
    }
}

/// How many of the matching documents have each value of some facets.
pub(crate) struct ValueCounts {
    pub(crate) facets: Vec<Facet>,
}

pub(crate) struct SegmentCounts {
    columns: Vec<(StrColumn, Vec<u64>)>,
}

/// For each facet in order: value to count.
pub(crate) type CountsByFacet = Vec<BTreeMap<String, u64>>;

impl Collector for ValueCounts {
    type Fruit = CountsByFacet;
    type Child = SegmentCounts;

    fn for_segment(
        &self,
        _: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<SegmentCounts> {
        let mut columns = Vec::new();
        for &facet in &self.facets {
            let column = match reader.fast_fields().str(column_name(facet))? {
                Some(column) => column,
                None => StrColumn::wrap(tantivy::columnar::BytesColumn::empty(reader.max_doc())),
            };
            let counts = vec![0; column.num_terms()];
            columns.push((column, counts));
        }
        Ok(SegmentCounts { columns })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(
        &self,
        fruits: Vec<tantivy::Result<CountsByFacet>>,
    ) -> tantivy::Result<CountsByFacet> {
        let mut total = vec![BTreeMap::new(); self.facets.len()];
        for fruit in fruits {
            for (sum, counts) in total.iter_mut().zip(fruit?) {
                for (value, count) in counts {
                    *sum.entry(value).or_default() += count;
                }
            }
        }
        Ok(total)
    }
}

impl SegmentCollector for SegmentCounts {
    type Fruit = tantivy::Result<CountsByFacet>;

    fn collect(&mut self, doc: DocId, _score: Score) {
        for (column, counts) in &mut self.columns {
            for value in column.term_ords(doc) {
                if let Some(count) = counts.get_mut(value as usize) {
                    *count += 1;
                }
            }
        }
    }

    fn harvest(self) -> tantivy::Result<CountsByFacet> {
        let mut by_facet = Vec::new();
        for (column, counts) in self.columns {
            let mut named = BTreeMap::new();
            for (number, count) in (0..).zip(counts).filter(|&(_, count)| count > 0) {
                let mut value = String::new();
                column.ord_to_str(number, &mut value)?;
                named.insert(value, count);
            }
            by_facet.push(named);
        }
        Ok(by_facet)
    }
}
