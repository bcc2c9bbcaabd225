//! The way through a graph to the rows nearest to a query: a beam of the best, each looked around
//! from once.

use crate::columns::Columns;
use crate::graph::Graph;
use crate::graph::shape::END;
use crate::kernels::{Kernel, prefetch};

/// How many are kept on the way down: entries to the ground.
const UPPER_BEAM: usize = 8;

/// So many times the wanted rows may be in the way without passing, then a scan is cheaper.
const MOST_IN_THE_WAY: usize = 8;

/// Rows whose codes are asked for at once.
const ASKED_FOR: usize = 12;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) score: f32,
    pub(crate) row: u32,
    is_done: bool,
    pub(crate) passes: bool,
}

/// What a walk needs; kept for the next one.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// The best first.
    pub(crate) beam: Vec<Step>,
    seen: Vec<u64>,
    seen_rows: Vec<u32>,
    fresh: Vec<u32>,
    products: Vec<i32>,
}

/// A query as it walks.
pub(crate) struct Walk<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) columns: &'a Columns,
    pub(crate) kernel: Kernel,
    pub(crate) codes: &'a [i8],
}

impl Walk<'_> {
    /// Leaves the best `wanted` rows that pass in the beam and says how many were looked at;
    /// `None`: too many that do not pass are in the way.
    pub(crate) fn run(
        &self,
        scratch: &mut Scratch,
        wanted: usize,
        passes: &dyn Fn(u32) -> bool,
    ) -> Option<usize> {
        let graph = self.graph;
        scratch.seen.resize(self.columns.rows().div_ceil(64), 0);
        scratch.beam.clear();
        let mut looked_at = 0;
        let mut entries = vec![graph.shape.entry];
        for layer in graph.shape.layers() {
            let mut beam = Beam::begin(self, scratch, UPPER_BEAM);
            beam.enter(&entries, &|_| true);
            beam.follow(&|row| graph.shape.above(graph.words(), layer, row), &|_| {
                true
            })?;
            looked_at += beam.looked_at;
            entries = scratch.beam.iter().map(|step| step.row).collect();
            scratch.forget();
        }
        let mut beam = Beam::begin(self, scratch, wanted);
        beam.enter(&entries, passes);
        let followed = beam.follow(&|row| graph.shape.ground(graph.words(), row), passes);
        looked_at += beam.looked_at;
        scratch.forget();
        followed.map(|()| looked_at)
    }
}

impl Scratch {
    fn forget(&mut self) {
        for row in self.seen_rows.drain(..) {
            if let Some(word) = self.seen.get_mut(row as usize / 64) {
                *word = 0;
            }
        }
    }

    /// Whether it is new.
    #[inline]
    fn see(&mut self, row: u32) -> bool {
        let Some(word) = self.seen.get_mut(row as usize / 64) else {
            return false;
        };
        let bit = 1 << (row % 64);
        if *word & bit != 0 {
            return false;
        }
        *word |= bit;
        self.seen_rows.push(row);
        true
    }
}

struct Beam<'a> {
    walk: &'a Walk<'a>,
    scratch: &'a mut Scratch,
    wanted: usize,
    /// Of those kept, how many pass.
    passing: usize,
    looked_at: usize,
}

impl<'a> Beam<'a> {
    fn begin(walk: &'a Walk<'a>, scratch: &'a mut Scratch, wanted: usize) -> Self {
        scratch.beam.clear();
        Self {
            walk,
            scratch,
            wanted: wanted.max(1),
            passing: 0,
            looked_at: 0,
        }
    }

    fn enter(&mut self, rows: &[u32], passes: &dyn Fn(u32) -> bool) {
        self.look_at(rows, passes);
    }

    fn follow<'w>(
        &mut self,
        neighbours: &dyn Fn(u32) -> &'w [u32],
        passes: &dyn Fn(u32) -> bool,
    ) -> Option<()> {
        let mut at = 0;
        while let Some(step) = self.scratch.beam.get_mut(at) {
            if step.is_done {
                at += 1;
                continue;
            }
            step.is_done = true;
            let row = step.row;
            if let Some(next) = self.scratch.beam.get(at + 1) {
                prefetch(neighbours(next.row));
            }
            let best = self.look_at(neighbours(row), passes);
            at = best.min(at + 1);
            if self.scratch.beam.len() > self.wanted * (MOST_IN_THE_WAY + 1) {
                return None;
            }
        }
        Some(())
    }

    /// The first place of the beam that is new.
    fn look_at(&mut self, rows: &[u32], passes: &dyn Fn(u32) -> bool) -> usize {
        let mut fresh = std::mem::take(&mut self.scratch.fresh);
        let mut products = std::mem::take(&mut self.scratch.products);
        fresh.clear();
        for &row in rows.iter().take_while(|&&row| row != END) {
            if self.scratch.see(row) {
                fresh.push(row);
            }
        }
        let (codes, stride) = (
            self.walk.columns.codes.as_slice(),
            self.walk.columns.stride(),
        );
        for &row in fresh.iter().take(ASKED_FOR) {
            prefetch(
                codes
                    .get(crate::fuse::stretch(row as usize, stride))
                    .unwrap_or_default(),
            );
        }
        products.resize(fresh.len(), 0);
        self.walk
            .kernel
            .picked(codes, self.walk.codes, &fresh, &mut products);
        let scales = self.walk.columns.scales.as_slice();
        let mut first = usize::MAX;
        for (&row, &product) in fresh.iter().zip(&products) {
            let scale = scales.get(row as usize).copied().unwrap_or_default();
            first = first.min(self.offer(product as f32 * scale, row, passes));
        }
        self.looked_at += fresh.len();
        self.scratch.fresh = fresh;
        self.scratch.products = products;
        first
    }

    #[inline]
    fn offer(&mut self, score: f32, row: u32, passes: &dyn Fn(u32) -> bool) -> usize {
        let is_full = self.passing >= self.wanted;
        let worst = self
            .scratch
            .beam
            .last()
            .map_or(f32::NEG_INFINITY, |step| step.score);
        if is_full && score <= worst {
            return usize::MAX;
        }
        let passes = passes(row);
        let at = self
            .scratch
            .beam
            .partition_point(|step| step.score >= score);
        let step = Step {
            score,
            row,
            is_done: false,
            passes,
        };
        self.scratch.beam.insert(at, step);
        self.passing += usize::from(passes);
        // Behind the last wanted one nothing is of use.
        while self.passing > self.wanted
            || (self.passing == self.wanted
                && self.scratch.beam.last().is_some_and(|step| !step.passes))
        {
            let Some(step) = self.scratch.beam.pop() else {
                break;
            };
            self.passing -= usize::from(step.passes);
        }
        at
    }
}
