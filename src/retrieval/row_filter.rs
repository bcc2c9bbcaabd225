//! A query that first gathers all its documents of a segment: for the beginnings of words and for
//! sets of rows that the store names.

use std::sync::Arc;

use tantivy::query::{
    BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError, Term};

use crate::collect::row_column;
use crate::live::RowSet;
use crate::schema::ROW_BLOCK;

/// Terms that begin with `text`, or are one of `whole`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beginning {
    pub(crate) field: Field,
    pub(crate) text: String,
    pub(crate) whole: Vec<String>,
}

/// Which documents of a segment match, with the score nought.
#[derive(Debug, Clone)]
pub(crate) enum RowFilter {
    Beginning(Arc<Beginning>),
    Rows(Arc<RowSet>),
}

impl RowFilter {
    fn bits(&self, reader: &SegmentReader) -> tantivy::Result<BitSet> {
        let mut bits = BitSet::with_max_value(reader.max_doc());
        match self {
            Self::Beginning(beginning) => beginning.gather(reader, &mut bits)?,
            Self::Rows(rows) => gather_rows(rows, reader, &mut bits)?,
        }
        Ok(bits)
    }
}

impl Beginning {
    fn gather(&self, reader: &SegmentReader, bits: &mut BitSet) -> tantivy::Result<()> {
        let inverted = reader.inverted_index(self.field)?;
        let mut add = |info: &tantivy::postings::TermInfo| -> tantivy::Result<()> {
            let mut postings =
                inverted.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?;
            loop {
                let docs = postings.docs();
                if docs.is_empty() {
                    return Ok(());
                }
                for &doc in docs {
                    bits.insert(doc);
                }
                postings.advance();
            }
        };
        self.each_term(inverted.terms(), |_, info| add(info))
    }

    /// Calls back with every term that is meant.
    pub(crate) fn each_term(
        &self,
        terms: &tantivy::termdict::TermDictionary,
        mut found: impl FnMut(&[u8], &tantivy::postings::TermInfo) -> tantivy::Result<()>,
    ) -> tantivy::Result<()> {
        let mut stream = terms.range().ge(&self.text).into_stream()?;
        while stream.advance() {
            if !stream.key().starts_with(self.text.as_bytes()) {
                break;
            }
            found(stream.key(), stream.value())?;
        }
        for term in &self.whole {
            if let Some(info) = terms.get(term)? {
                found(term.as_bytes(), &info)?;
            }
        }
        Ok(())
    }
}

fn gather_rows(rows: &RowSet, reader: &SegmentReader, bits: &mut BitSet) -> tantivy::Result<()> {
    let column = row_column(reader)?;
    let mut buffer = [0_i64; 256];
    let mut start: DocId = 0;
    while start < reader.max_doc() {
        let length = buffer.len().min((reader.max_doc() - start) as usize);
        let (values, _) = buffer.split_at_mut(length);
        column.get_range(u64::from(start), values);
        for (doc, &row) in (start..).zip(values.iter()) {
            if rows.contains(row) {
                bits.insert(doc);
            }
        }
        start += length as DocId;
    }
    Ok(())
}

/// The documents of these rows, by the blocks that they lie in.
fn look_up(rows: &RowSet, blocks: &[i64], reader: &SegmentReader) -> tantivy::Result<Listed> {
    let field = reader.schema().get_field(ROW_BLOCK)?;
    let inverted = reader.inverted_index(field)?;
    let column = row_column(reader)?;
    let mut docs = Vec::new();
    for &block in blocks {
        let term = Term::from_field_i64(field, block);
        let found = inverted.read_block_postings(&term, IndexRecordOption::Basic)?;
        let Some(mut postings) = found else {
            continue;
        };
        while !postings.docs().is_empty() {
            let there = postings.docs().iter().copied();
            docs.extend(there.filter(|&doc| rows.contains(column.get_val(doc))));
            postings.advance();
        }
    }
    docs.sort_unstable();
    Ok(Listed { docs, at: 0 })
}

/// A few documents in their order.
struct Listed {
    docs: Vec<DocId>,
    at: usize,
}

impl DocSet for Listed {
    fn advance(&mut self) -> DocId {
        self.at += 1;
        self.doc()
    }

    fn doc(&self) -> DocId {
        self.docs.get(self.at).copied().unwrap_or(TERMINATED)
    }

    fn size_hint(&self) -> u32 {
        self.docs.len() as u32
    }
}

impl Query for RowFilter {
    fn weight(&self, _scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for RowFilter {
    fn scorer(&self, reader: &SegmentReader, _boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        if let Self::Rows(rows) = self
            && let Some(blocks) = rows.blocks()
        {
            return Ok(Box::new(ConstScorer::new(
                look_up(rows, blocks, reader)?,
                0.0,
            )));
        }
        let docs = BitSetDocSet::from(self.bits(reader)?);
        Ok(Box::new(ConstScorer::new(docs, 0.0)))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(reader, 1.0)?;
        if scorer.doc() == TERMINATED || scorer.doc() > doc || scorer.seek(doc) != doc {
            return Err(TantivyError::InvalidArgument(format!(
                "document {doc} does not match"
            )));
        }
        Ok(Explanation::new("a filter, without a score", 0.0))
    }
}
