//! A search by the graph of a pool: where it pays, and what it cannot see is scanned.

use std::sync::Arc;

use crate::graph::Graph;
use crate::graph::walk::{Scratch, Walk};
use crate::kernels::Kernel;
use crate::rows::{Chosen, Half, Pool, RowSet};
use crate::search::{Asked, Found, How, Kind, found, scan_all, scan_chosen, scan_rows};

/// A row that a walk looks at costs so many rows of a scan, because it may lie anywhere: 159 ns and
/// 34 ns at 100,000 rows of 384.
const ROWS_OF_A_SCAN: f64 = 4.5;

/// `None`: a scan is cheaper, or finds what the graph does not.
pub(crate) fn search(
    pool: &Pool,
    queries: &mut [Asked],
    (k, how): (usize, How),
    among: Option<&RowSet>,
) -> Option<Vec<Found>> {
    let graph = Arc::clone(pool.graph.as_ref()?);
    let ef = graph.audit.width(k);
    let chosen = among.map(
        |RowSet {
             halves: [in_generation, _],
             ..
         }| in_generation,
    );
    let is_wanted = match how {
        How::Exact => false,
        How::Graph => true,
        How::Auto => is_cheaper(&graph, ef, &pool.generation, chosen),
    };
    is_wanted.then(|| search_at(pool, queries, (k, ef), among))?
}

/// With this width, in any case.
pub(crate) fn search_at(
    pool: &Pool,
    queries: &mut [Asked],
    (k, ef): (usize, usize),
    among: Option<&RowSet>,
) -> Option<Vec<Found>> {
    let graph = pool.graph.as_ref()?;
    let chosen = among.map(|set| set.halves.each_ref());
    let [in_generation, in_tail] = match chosen {
        Some([generation, tail]) => [Some(generation), Some(tail)],
        None => [None, None],
    };
    let kernel = Kernel::best();
    let mut scanned = Vec::with_capacity(queries.len());
    for query in &mut *queries {
        let view = View {
            graph,
            half: &pool.generation,
            chosen: in_generation,
            kernel,
        };
        scanned.push(view.best(query, ef)?);
    }
    let tail = match in_tail {
        Some(chosen) => scan_chosen(kernel, &pool.tail, chosen, queries, 1),
        None => scan_all(kernel, &pool.tail, queries, 1),
    };
    let mut all = found(pool, queries, k, among);
    for (found, scanned) in all.iter_mut().zip(scanned) {
        found.kind = Kind::Hnsw { ef };
        found.scanned = scanned + tail;
    }
    // Fewer than there are: the way to the others was not found.
    let live = among.map_or_else(|| pool.documents(), RowSet::len);
    let is_short = |found: &Found| found.hits.len() < k.min(live);
    (!all.iter().any(is_short)).then_some(all)
}

fn is_cheaper(graph: &Arc<Graph>, ef: usize, half: &Half, chosen: Option<&Chosen>) -> bool {
    let rows = half.columns.rows() as f64;
    let passing = chosen.map_or(rows, |chosen| chosen.rows.count() as f64);
    let looked_at = graph.audit.looked_at(ef) * rows / passing.max(1.0);
    looked_at * ROWS_OF_A_SCAN < passing
}

struct View<'a> {
    graph: &'a Graph,
    half: &'a Half,
    chosen: Option<&'a Chosen>,
    kernel: Kernel,
}

impl View<'_> {
    /// Offers what the walk found and the stragglers. How many rows were looked at; `None`: too many
    /// that do not pass were in the way.
    fn best(&self, query: &mut Asked, ef: usize) -> Option<usize> {
        let mut scratch = self.graph.scratch();
        let looked_at = self.walk(&mut scratch, query, ef);
        if looked_at.is_some() {
            self.offer(&scratch, query);
        }
        self.graph.give_back(scratch);
        let stragglers = self.graph.shape.stragglers(self.graph.words());
        let rows: Vec<u32> = stragglers
            .iter()
            .flat_map(|&row| self.with_twins(row))
            .filter(|&row| self.passes(row))
            .collect();
        scan_rows(
            self.kernel,
            self.half,
            &rows,
            std::slice::from_mut(query),
            0,
        );
        looked_at.map(|looked_at| looked_at + rows.len())
    }

    fn walk(&self, scratch: &mut Scratch, query: &Asked, ef: usize) -> Option<usize> {
        let walk = Walk {
            graph: self.graph,
            columns: &self.half.columns,
            kernel: self.kernel,
            codes: &query.codes,
        };
        if self.chosen.is_none() && self.half.erased.is_none() {
            return walk.run(scratch, ef, &|_| true);
        }
        let has_twins = self.graph.shape.has_twins();
        walk.run(scratch, ef, &|row| {
            self.passes(row) || has_twins && self.with_twins(row).any(|row| self.passes(row))
        })
    }

    fn offer(&self, scratch: &Scratch, query: &mut Asked) {
        let scales = self.half.columns.scales.as_slice();
        let scale = |row: u32| scales.get(row as usize).copied().unwrap_or_default();
        let has_twins = self.graph.shape.has_twins();
        let [best, _] = &mut query.best;
        for step in scratch.beam.iter().filter(|step| step.passes) {
            if !has_twins {
                best.offer(step.score, step.row);
                continue;
            }
            let product = step.score / scale(step.row);
            for row in self.with_twins(step.row).filter(|&row| self.passes(row)) {
                best.offer(product * scale(row), row);
            }
        }
    }

    fn with_twins(&self, row: u32) -> impl Iterator<Item = u32> {
        let twins = self.graph.shape.twins(self.graph.words(), row);
        std::iter::once(row).chain(twins)
    }

    fn passes(&self, row: u32) -> bool {
        match self.chosen {
            Some(chosen) => chosen.rows.contains(row as usize),
            None => self.half.is_row_live(row as usize),
        }
    }
}
