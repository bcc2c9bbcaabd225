//! A set of row numbers.

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bits {
    words: Vec<u64>,
    length: usize,
}

impl Bits {
    pub(crate) fn none(length: usize) -> Self {
        Self {
            words: vec![0; length.div_ceil(64)],
            length,
        }
    }

    /// All below `length`.
    pub(crate) fn all(length: usize) -> Self {
        let mut words = vec![u64::MAX; length.div_ceil(64)];
        if let Some(last) = words.last_mut()
            && !length.is_multiple_of(64)
        {
            *last = (1 << (length % 64)) - 1;
        }
        Self { words, length }
    }

    pub(crate) fn remove(&mut self, number: usize) {
        if let Some(word) = self.words.get_mut(number / 64) {
            *word &= !(1 << (number % 64));
        }
    }

    /// Room for more numbers.
    pub(crate) fn grow(&mut self, length: usize) {
        self.length = self.length.max(length);
        self.words.resize(self.length.div_ceil(64), 0);
    }

    pub(crate) fn insert(&mut self, number: usize) {
        if number < self.length
            && let Some(word) = self.words.get_mut(number / 64)
        {
            *word |= 1 << (number % 64);
        }
    }

    pub(crate) fn contains(&self, number: usize) -> bool {
        self.words
            .get(number / 64)
            .is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    pub(crate) fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let bit = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                Some(at * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(numbers in prop::collection::btree_set(0usize..300, 0..80)) {
            let mut bits = Bits::none(256);
            for &number in &numbers {
                bits.insert(number);
            }
            let within: BTreeSet<usize> = numbers.into_iter().filter(|&number| number < 256).collect();
            prop_assert_eq!(bits.count(), within.len());
            prop_assert!((0..400).all(|number| bits.contains(number) == within.contains(&number)));
            prop_assert_eq!(bits.iter().collect::<BTreeSet<_>>(), within);
            let mut rest = Bits::all(256);
            for number in bits.iter() {
                rest.remove(number);
            }
            let left = |number: usize| number < 256 && !bits.contains(number);
            prop_assert!((0..400).all(|number| rest.contains(number) == left(number)));
            prop_assert_eq!(Bits::all(70).count(), 70);
        }
    }
}
