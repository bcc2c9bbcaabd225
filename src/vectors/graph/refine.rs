//! What hnsw_rs leaves to be done: it drops the farthest neighbour of a full list whatever lies
//! there, which loses ways out. Here every list is chosen again from both ends of all edges, and
//! rows that no way leads to get one.

use crate::fuse::stretch;
use crate::graph::insert::Cosines;
use crate::graph::shape::{END, Lists};

/// Places of a list that are kept for rows that nothing leads to.
const SPARE: usize = 2;

/// A neighbour is left out when one that was chosen is nearer to it than the row, by this factor.
const SLACK: f32 = 1.1;

/// Rounds of leading a way to rows; each may reach some by those before.
const ROUNDS: usize = 4;

pub(crate) fn refine(lists: &mut Lists, cosines: &Cosines<'_>) {
    let back = Reverse::of(lists);
    let width = lists.width;
    let rows = cosines.columns.rows();
    let mut refined = vec![END; lists.ground.len()];
    let mut near: Vec<(f32, u32)> = Vec::new();
    for row in 0..rows as u32 {
        near.clear();
        let all = out(lists, row).chain(back.of_row(row).iter().copied());
        near.extend(all.map(|other| (cosines.distance(row, other), other)));
        near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        near.dedup();
        if let Some(list) = refined.get_mut(stretch(row as usize, width)) {
            choose(&near, cosines, list);
        }
    }
    lists.ground = refined;
    lead_to_all(lists, cosines);
}

/// The nearest, but not those that are reached by a nearer one anyway; then those, nearest first.
fn choose(near: &[(f32, u32)], cosines: &Cosines<'_>, list: &mut [u32]) {
    let most = list.len() - SPARE.min(list.len() / 2);
    let mut chosen: Vec<u32> = Vec::with_capacity(most);
    let mut passed_over = Vec::new();
    for &(distance, other) in near {
        if chosen.len() == most {
            break;
        }
        let is_reached = chosen
            .iter()
            .any(|&nearer| cosines.distance(nearer, other) * SLACK < distance);
        if is_reached {
            passed_over.push(other);
        } else {
            chosen.push(other);
        }
    }
    let all = chosen.into_iter().chain(passed_over).take(most);
    for (place, other) in list.iter_mut().zip(all) {
        *place = other;
    }
}

fn out(lists: &Lists, row: u32) -> impl Iterator<Item = u32> + '_ {
    let list = lists.ground.get(stretch(row as usize, lists.width));
    list.unwrap_or_default()
        .iter()
        .copied()
        .take_while(|&other| other != END)
}

/// Who names a row.
struct Reverse {
    starts: Vec<u32>,
    from: Vec<u32>,
}

impl Reverse {
    fn of(lists: &Lists) -> Self {
        let rows = lists.ground.len() / lists.width.max(1);
        let mut starts = vec![0u32; rows + 1];
        for &to in lists.ground.iter().filter(|&&to| to != END) {
            if let Some(start) = starts.get_mut(to as usize + 1) {
                *start += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut from = vec![0u32; sum as usize];
        for row in 0..rows as u32 {
            for to in out(lists, row) {
                if let Some(at) = next.get_mut(to as usize) {
                    if let Some(place) = from.get_mut(*at as usize) {
                        *place = row;
                    }
                    *at += 1;
                }
            }
        }
        Self { starts, from }
    }

    fn of_row(&self, row: u32) -> &[u32] {
        let start = |at: usize| self.starts.get(at).copied().unwrap_or(0) as usize;
        let range = start(row as usize)..start(row as usize + 1);
        self.from.get(range).unwrap_or_default()
    }
}

fn lead_to_all(lists: &mut Lists, cosines: &Cosines<'_>) {
    for _ in 0..ROUNDS {
        let unreached = unreached(lists);
        if unreached.is_empty() {
            return;
        }
        for row in unreached {
            let near: Vec<u32> = out(lists, row).collect();
            let has_room = |other: &&u32| {
                let list = lists.ground.get(stretch(**other as usize, lists.width));
                list.is_some_and(|list| list.last() == Some(&END))
            };
            let nearest = near.iter().filter(has_room).min_by(|a, b| {
                let distance = |other: u32| cosines.distance(row, other);
                distance(**a).total_cmp(&distance(**b))
            });
            if let Some(&nearest) = nearest {
                let list = lists.ground.get_mut(stretch(nearest as usize, lists.width));
                let free = list.and_then(|list| list.iter_mut().find(|place| **place == END));
                if let Some(place) = free {
                    *place = row;
                }
            }
        }
    }
}

/// Rows of the graph that no way from the entry leads to.
pub(crate) fn unreached(lists: &Lists) -> Vec<u32> {
    let rows = lists.ground.len() / lists.width.max(1);
    let mut is_reached = vec![false; rows];
    for [_, twin] in &lists.twins {
        if let Some(twin) = is_reached.get_mut(*twin as usize) {
            *twin = true;
        }
    }
    let mut waiting = vec![lists.entry];
    while let Some(row) = waiting.pop() {
        if let Some(reached) = is_reached.get_mut(row as usize)
            && !std::mem::replace(reached, true)
        {
            waiting.extend(out(lists, row));
        }
    }
    let reached = (0..).zip(is_reached);
    reached
        .filter(|(_, reached)| !reached)
        .map(|(row, _)| row)
        .collect()
}
