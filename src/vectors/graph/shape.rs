//! The file of a graph: words of 32 bits, and what must hold of them before one is followed.

use std::ops::Range;

use crate::fuse::stretch;

/// Ends a list of neighbours that is not full.
pub(crate) const END: u32 = u32::MAX;

/// Changes with the layout.
pub(crate) const VERSION: u32 = 1;

const MAGIC: [u32; 2] = [u32::from_le_bytes(*b"SEMI"), u32::from_le_bytes(*b"HVGR")];
const HEAD: usize = 16;

/// A graph as it is built.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    /// Neighbours of each row, `width` places a row.
    pub(crate) ground: Vec<u32>,
    pub(crate) width: usize,
    /// From the lowest one above the ground.
    pub(crate) upper: Vec<Upper>,
    pub(crate) upper_width: usize,
    pub(crate) entry: u32,
    /// A row in the graph and one with the same codes that is not, in order.
    pub(crate) twins: Vec<[u32; 2]>,
    /// Rows that no way leads to.
    pub(crate) stragglers: Vec<u32>,
}

/// A layer of few rows.
#[derive(Debug, Default)]
pub(crate) struct Upper {
    /// In order.
    pub(crate) rows: Vec<u32>,
    pub(crate) lists: Vec<u32>,
}

impl Lists {
    /// `codes` is the hash of the codes that it was built over.
    pub(crate) fn words(&self, codes: u64) -> Vec<u32> {
        let rows = self.ground.len() / self.width.max(1);
        let mut words = vec![0; HEAD];
        let head = [
            MAGIC[0],
            MAGIC[1],
            VERSION,
            rows as u32,
            self.width as u32,
            self.upper_width as u32,
            self.upper.len() as u32,
            self.entry,
            self.twins.len() as u32,
            self.stragglers.len() as u32,
            codes as u32,
            (codes >> 32) as u32,
        ];
        for (word, value) in words.iter_mut().zip(head) {
            *word = value;
        }
        words.extend(&self.ground);
        words.extend(self.upper.iter().map(|upper| upper.rows.len() as u32));
        for upper in &self.upper {
            words.extend(&upper.rows);
            words.extend(&upper.lists);
        }
        words.extend(self.twins.as_flattened());
        words.extend(&self.stragglers);
        words
    }
}

/// Where everything lies in the words of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) width: usize,
    pub(crate) entry: u32,
    ground: Range<usize>,
    /// Rows and lists of each, from the lowest one.
    upper: Vec<(Range<usize>, Range<usize>)>,
    upper_width: usize,
    twins: Range<usize>,
    stragglers: Range<usize>,
}

impl Shape {
    /// Only of words in which every number is in its bounds. `None`: they are not a graph over this
    /// many rows with these codes.
    pub(crate) fn of(words: &[u32], rows: usize, codes: u64) -> Option<Self> {
        let (head, _) = words.split_first_chunk::<HEAD>()?;
        let [
            a,
            b,
            version,
            of,
            width,
            upper_width,
            layers,
            entry,
            twins,
            stragglers,
            low,
            high,
            ..,
        ] = *head;
        let is_ours = [a, b] == MAGIC
            && version == VERSION
            && of as usize == rows
            && u64::from(high) << 32 | u64::from(low) == codes
            && (1..=1024).contains(&width)
            && (1..=1024).contains(&upper_width)
            && layers <= 32
            && (entry as usize) < rows;
        if !is_ours {
            return None;
        }
        let (width, upper_width) = (width as usize, upper_width as usize);
        let mut place = Place { at: HEAD };
        let ground = place.next(rows.checked_mul(width)?)?;
        let counts = words.get(place.next(layers as usize)?)?;
        let mut upper = Vec::new();
        for &count in counts {
            let of_rows = place.next(count as usize)?;
            let lists = place.next((count as usize).checked_mul(upper_width)?)?;
            upper.push((of_rows, lists));
        }
        let twins = place.next((twins as usize).checked_mul(2)?)?;
        let stragglers = place.next(stragglers as usize)?;
        let shape = Self {
            width,
            entry,
            ground,
            upper,
            upper_width,
            twins,
            stragglers,
        };
        (place.at == words.len() && shape.is_bounded(words, rows)).then_some(shape)
    }

    fn is_bounded(&self, words: &[u32], rows: usize) -> bool {
        let part = |range: &Range<usize>| words.get(range.clone()).unwrap_or_default();
        let is_row = |word: &u32| (*word as usize) < rows;
        let is_list = |word: &u32| *word == END || is_row(word);
        part(&self.ground).iter().all(is_list)
            && self.upper.iter().all(|(of_rows, lists)| {
                let of_rows = part(of_rows);
                of_rows.is_sorted() && of_rows.iter().all(is_row) && part(lists).iter().all(is_list)
            })
            && part(&self.twins).iter().all(is_row)
            && part(&self.twins).as_chunks::<2>().0.is_sorted()
            && part(&self.stragglers).iter().all(is_row)
    }

    /// The neighbours of a row among all rows.
    #[inline]
    pub(crate) fn ground<'a>(&self, words: &'a [u32], row: u32) -> &'a [u32] {
        let list = stretch(row as usize, self.width);
        let list = self.ground.start + list.start..self.ground.start + list.end;
        words.get(list).unwrap_or_default()
    }

    /// From the highest one.
    pub(crate) fn layers(&self) -> std::iter::Rev<std::ops::Range<usize>> {
        (0..self.upper.len()).rev()
    }

    pub(crate) fn above<'a>(&self, words: &'a [u32], layer: usize, row: u32) -> &'a [u32] {
        let list = || {
            let (of_rows, lists) = self.upper.get(layer)?;
            let at = words.get(of_rows.clone())?.binary_search(&row).ok()?;
            words.get(lists.clone())?.get(stretch(at, self.upper_width))
        };
        list().unwrap_or_default()
    }

    /// Rows with the codes of this one, which stands for them in the graph.
    pub(crate) fn twins<'a>(
        &self,
        words: &'a [u32],
        row: u32,
    ) -> impl Iterator<Item = u32> + use<'a> {
        let all = words.get(self.twins.clone()).unwrap_or_default();
        let pairs = all.as_chunks::<2>().0;
        let first = pairs.partition_point(|[of, _]| *of < row);
        let own = pairs
            .iter()
            .skip(first)
            .take_while(move |[of, _]| *of == row);
        own.map(|[_, twin]| *twin)
    }

    pub(crate) fn has_twins(&self) -> bool {
        !self.twins.is_empty()
    }

    pub(crate) fn stragglers<'a>(&self, words: &'a [u32]) -> &'a [u32] {
        words.get(self.stragglers.clone()).unwrap_or_default()
    }
}

struct Place {
    at: usize,
}

impl Place {
    fn next(&mut self, length: usize) -> Option<Range<usize>> {
        let from = self.at;
        self.at = from.checked_add(length)?;
        Some(from..self.at)
    }
}
