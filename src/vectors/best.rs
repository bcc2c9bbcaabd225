//! The best few of many scores, in one pass.

/// Keeps the `wanted` highest scores; of equal ones the lower number.
#[derive(Debug)]
pub(crate) struct Best {
    wanted: usize,
    /// What a score must exceed to be looked at.
    bar: f32,
    kept: Vec<(f32, u32)>,
}

impl Best {
    pub(crate) fn new(wanted: usize) -> Self {
        Self {
            wanted,
            bar: f32::NEG_INFINITY,
            // Twice as many before they are sorted out: that is then rare.
            kept: Vec::with_capacity(wanted.saturating_mul(2).min(1 << 16)),
        }
    }

    #[inline]
    pub(crate) fn is_worth(&self, score: f32) -> bool {
        score > self.bar
    }

    pub(crate) fn offer(&mut self, score: f32, number: u32) {
        if !self.is_worth(score) {
            return;
        }
        self.kept.push((score, number));
        if self.kept.len() >= self.wanted.saturating_mul(2) {
            self.sort_out();
        }
    }

    fn sort_out(&mut self) {
        if self.wanted == 0 {
            self.kept.clear();
            self.bar = f32::INFINITY;
            return;
        }
        if self.kept.len() <= self.wanted {
            return;
        }
        self.kept.select_nth_unstable_by(self.wanted - 1, |a, b| {
            b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
        });
        self.kept.truncate(self.wanted);
        if let Some(worst) = self.kept.last() {
            self.bar = worst.0;
        }
    }

    /// In no order.
    pub(crate) fn into_kept(mut self) -> Vec<(f32, u32)> {
        self.sort_out();
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_head_of_the_sorted_list(scores in prop::collection::vec(-9i8..9, 0..200), wanted in 0usize..20) {
            let mut best = Best::new(wanted);
            for (number, &score) in scores.iter().enumerate() {
                best.offer(f32::from(score), number as u32);
            }
            let mut kept = best.into_kept();
            kept.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let mut all: Vec<(f32, u32)> =
                scores.iter().enumerate().map(|(number, &score)| (f32::from(score), number as u32)).collect();
            all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            all.truncate(wanted);
            prop_assert_eq!(kept, all);
        }
    }
}
