//! The graph as hnsw_rs makes it, taken over into lists of our own.
//!
//! Rows are inserted by number and compared by their codes, so nothing is copied, and what is built
//! by is what is searched by. Inserted one after the other, with levels from a fixed seed: the same
//! rows give the same graph.

use std::collections::HashMap;

use hnsw_rs::prelude::{Distance, Hnsw};
use xxhash_rust::xxh3::xxh3_128;

use crate::builder::Progress;
use crate::columns::Columns;
use crate::fuse::stretch;
use crate::graph::build::GraphSettings;
use crate::graph::shape::{END, Lists, Upper};
use crate::kernels::Kernel;

/// As many as hnsw_rs allows.
const LAYERS: usize = 16;

/// Fewer layers, as its author advises: fewer rows are lost between them.
const LEVEL_SCALE: f64 = 0.5;

/// Progress is told after this many.
const PORTION: usize = 1000;

/// The cosine of rows by their codes.
pub(crate) struct Cosines<'a> {
    pub(crate) columns: &'a Columns,
    kernel: Kernel,
    /// One by the length of the codes.
    inverse: Vec<f32>,
}

impl<'a> Cosines<'a> {
    pub(crate) fn of(columns: &'a Columns) -> Self {
        let kernel = Kernel::best();
        let rows = columns.codes.as_slice().chunks(columns.stride().max(1));
        let inverse = rows.map(|row| 1.0 / (kernel.pair(row, row).max(1) as f32).sqrt());
        Self {
            inverse: inverse.collect(),
            columns,
            kernel,
        }
    }

    pub(crate) fn codes(&self, row: u32) -> &'a [i8] {
        let stride = self.columns.stride();
        let codes = self.columns.codes.as_slice();
        codes.get(stretch(row as usize, stride)).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn distance(&self, a: u32, b: u32) -> f32 {
        let inverse = |row: u32| self.inverse.get(row as usize).copied().unwrap_or_default();
        let product = self.kernel.pair(self.codes(a), self.codes(b)) as f32;
        (1.0 - product * inverse(a) * inverse(b)).max(0.0)
    }
}

impl Distance<u32> for &Cosines<'_> {
    fn eval(&self, a: &[u32], b: &[u32]) -> f32 {
        match (a, b) {
            (&[a], &[b]) => self.distance(a, b),
            _ => f32::MAX,
        }
    }
}

/// Rows that differ in their codes, and those that do not: a graph of many copies of one row has no
/// way to anything else.
pub(crate) fn distinct(cosines: &Cosines<'_>) -> (Vec<u32>, Vec<[u32; 2]>) {
    let mut first: HashMap<u128, u32> = HashMap::new();
    let (mut rows, mut twins) = (Vec::new(), Vec::new());
    for row in 0..cosines.columns.rows() as u32 {
        let known = first
            .entry(xxh3_128(bytemuck::cast_slice(cosines.codes(row))))
            .or_insert(row);
        if *known == row {
            rows.push(row);
        } else {
            twins.push([*known, row]);
        }
    }
    twins.sort_unstable();
    (rows, twins)
}

pub(crate) fn lists(
    cosines: &Cosines<'_>,
    settings: &GraphSettings,
    progress: &mut dyn FnMut(Progress),
) -> Lists {
    let (rows, twins) = distinct(cosines);
    let neighbours = settings.neighbours;
    let mut graph: Hnsw<'_, u32, &Cosines<'_>> =
        Hnsw::new(neighbours, rows.len(), LAYERS, settings.candidates, cosines);
    graph.modify_level_scale(LEVEL_SCALE);
    for (at, row) in shuffled(&rows).enumerate() {
        if at % PORTION == 0 {
            progress(Progress {
                step: "inserting",
                done: at,
                of: rows.len(),
            });
        }
        graph.insert((&[row], row as usize));
    }
    let mut lists = taken_over(&graph, cosines.columns.rows(), neighbours);
    lists.twins = twins;
    lists
}

/// In an order without meaning, always the same: rows often come sorted by their source.
fn shuffled(rows: &[u32]) -> impl Iterator<Item = u32> + '_ {
    let count = rows.len().max(1);
    // A step without a common divisor, near the golden section, visits every place once.
    let from = count * 5 / 8;
    let step = (from..from + count).find(|&step| common_divisor(step, count) == 1);
    let step = step.unwrap_or(1);
    (0..rows.len()).filter_map(move |at| rows.get(at * step % count).copied())
}

fn common_divisor(mut a: usize, mut b: usize) -> usize {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn taken_over(graph: &Hnsw<'_, u32, &Cosines<'_>>, rows: usize, neighbours: usize) -> Lists {
    let width = neighbours * 2;
    let mut lists = Lists {
        ground: vec![END; rows * width],
        width,
        upper_width: neighbours,
        ..Lists::default()
    };
    let mut upper: Vec<Vec<(u32, Vec<u32>)>> = Vec::new();
    let mut highest = None;
    for point in graph.get_point_indexation() {
        let (row, level) = (
            point.get_origin_id() as u32,
            usize::from(point.get_point_id().0),
        );
        if highest.is_none_or(|highest| level > highest) {
            (highest, lists.entry) = (Some(level), row);
        }
        upper.resize_with(upper.len().max(level), Vec::new);
        for (layer, near) in point
            .get_neighborhood_id()
            .iter()
            .enumerate()
            .take(level + 1)
        {
            // A list may name rows that are not in its layer.
            let here = near.iter().filter(|near| usize::from(near.p_id.0) >= layer);
            let here = here
                .map(|near| near.d_id as u32)
                .filter(|near| *near != row);
            if layer == 0 {
                let own = lists.ground.get_mut(stretch(row as usize, width));
                for (place, near) in own.unwrap_or_default().iter_mut().zip(here) {
                    *place = near;
                }
            } else if let Some(upper) = upper.get_mut(layer - 1) {
                upper.push((row, here.take(neighbours).collect()));
            }
        }
    }
    lists.upper = upper
        .into_iter()
        .map(|layer| packed(layer, neighbours))
        .collect();
    lists
}

fn packed(mut layer: Vec<(u32, Vec<u32>)>, width: usize) -> Upper {
    layer.sort_unstable();
    let mut upper = Upper::default();
    for (row, near) in layer {
        upper.rows.push(row);
        let end = std::iter::repeat(END);
        upper.lists.extend(near.into_iter().chain(end).take(width));
    }
    upper
}
