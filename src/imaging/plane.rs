//! A grey picture in real units.

/// Values of one slice or frame, rows from the top: HU for CT, whatever the file means else.
///
/// Single precision holds every integer of up to 24 bits exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    pub width: u32,
    pub height: u32,
    values: Vec<f32>,
}

impl Plane {
    /// `None` when `values` are not `width` x `height`, or none at all.
    pub fn new(width: u32, height: u32, values: Vec<f32>) -> Option<Self> {
        let wanted = (width as usize).checked_mul(height as usize)?;
        (wanted > 0 && values.len() == wanted).then_some(Self {
            width,
            height,
            values,
        })
    }

    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// `None` outside of the picture.
    pub fn value(&self, x: u32, y: u32) -> Option<f32> {
        if x >= self.width || y >= self.height {
            return None;
        }
        let at = y as usize * self.width as usize + x as usize;
        self.values.get(at).copied()
    }

    /// Smallest and largest number; `None` when there is none.
    pub fn range(&self) -> Option<(f32, f32)> {
        let finite = self.values.iter().copied().filter(|it| it.is_finite());
        let (low, high) = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        (low <= high).then_some((low, high))
    }

    /// Counts of values in `bins` equal steps from the smallest to the largest.
    pub fn histogram(&self, bins: usize) -> Vec<u64> {
        let mut counts = vec![0; bins];
        let Some((low, high)) = self.range() else {
            return counts;
        };
        let scale = bins as f32 / (high - low).max(f32::MIN_POSITIVE);
        for value in self.values.iter().filter(|it| it.is_finite()) {
            let bin = ((value - low) * scale) as usize;
            if let Some(count) = counts.get_mut(bin.min(bins.saturating_sub(1))) {
                *count += 1;
            }
        }
        counts
    }

    /// The values below and above which `part` of all lie.
    pub fn clipped_range(&self, part: f32) -> Option<(f32, f32)> {
        const BINS: usize = 1 << 16;
        let (low, high) = self.range()?;
        let counts = self.histogram(BINS);
        let clipped = (counts.iter().sum::<u64>() as f32 * part) as u64;
        let step = (high - low) / BINS as f32;
        let bins_below = |counts: &mut dyn Iterator<Item = u64>| {
            let mut seen = 0;
            counts
                .take_while(|count| {
                    seen += count;
                    seen <= clipped
                })
                .count()
        };
        let below = bins_below(&mut counts.iter().copied());
        let above = bins_below(&mut counts.iter().rev().copied());
        Some((low + below as f32 * step, high - above as f32 * step))
    }

    /// One byte a value, rounded and clamped; NaN becomes 0.
    pub(crate) fn map(&self, to: impl Fn(f32) -> f32) -> Vec<u8> {
        // `as` saturates and takes NaN for 0.
        self.values
            .iter()
            .map(|value| (to(*value) + 0.5) as u8)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_has_as_many_values_as_pixels() {
        assert!(Plane::new(2, 2, vec![0.0; 3]).is_none());
        assert!(Plane::new(0, 2, vec![]).is_none());
        assert!(Plane::new(u32::MAX, u32::MAX, vec![]).is_none());
    }

    #[test]
    fn what_is_no_number_counts_nowhere() {
        let plane = Plane::new(4, 1, vec![f32::NAN, -3.0, f32::INFINITY, 5.0]).unwrap();
        assert_eq!(plane.range(), Some((-3.0, 5.0)));
        assert_eq!(plane.histogram(2), [1, 1]);
        let empty = Plane::new(1, 1, vec![f32::NAN]).unwrap();
        assert_eq!((empty.range(), empty.clipped_range(0.1)), (None, None));
    }

    #[test]
    fn a_marker_in_the_corner_does_not_darken_the_picture() {
        let mut values = vec![100.0; 1000];
        values.extend([0.0, 30_000.0]);
        values.extend((0..998).map(|value| 100.0 + value as f32));
        let plane = Plane::new(1000, 2, values).unwrap();
        let (black, white) = plane.clipped_range(0.005).unwrap();
        assert!(
            black < 110.0 && (1000.0..1200.0).contains(&white),
            "{black} {white}"
        );
    }
}
