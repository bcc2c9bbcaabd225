//! When a frame may be drawn: at once after a pause, and at most thirty in a second for what
//! comes by itself. A key is seen without that wait: a person feels it.
//!
//! A few frames are kept in hand, so that a reply after a key is not made to wait; skipping a
//! frame never changes behaviour, only when it is seen.

use std::time::{Duration, Instant};

const PER_SECOND: u32 = 30;
/// Frames in hand after a pause.
const IN_HAND: u32 = 6;
const REFILL: Duration = Duration::from_nanos(1_000_000_000 / PER_SECOND as u64);

/// Keys come at thirty a second when one is held; only a flood of them (a paste, a script) is
/// gathered into frames of this distance.
const BETWEEN_KEYS: Duration = Duration::from_millis(8);

#[derive(Debug, Clone)]
pub(super) struct FrameBudget {
    left: u32,
    refilled: Instant,
    /// When the last frame for a key was drawn.
    for_key: Option<Instant>,
}

impl FrameBudget {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            left: IN_HAND,
            refilled: now,
            for_key: None,
        }
    }

    /// Takes a frame for a key.
    pub(super) fn take_for_key(&mut self, now: Instant) -> Result<(), Instant> {
        if let Some(last) = self.for_key
            && now.saturating_duration_since(last) < BETWEEN_KEYS
        {
            return Err(last + BETWEEN_KEYS);
        }
        self.for_key = Some(now);
        Ok(())
    }

    /// Takes a frame, or says when one will be there.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let passed = now.saturating_duration_since(self.refilled);
        let gained = u32::try_from(passed.as_nanos() / REFILL.as_nanos()).unwrap_or(u32::MAX);
        if self.left.saturating_add(gained) >= IN_HAND {
            self.left = IN_HAND;
            self.refilled = now;
        } else {
            self.left += gained;
            self.refilled += REFILL * gained;
        }
        if self.left == 0 {
            return Err(self.refilled + REFILL);
        }
        self.left -= 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_pause_frames_are_drawn_at_once() {
        let start = Instant::now();
        let mut budget = FrameBudget::new(start);
        for _ in 0..IN_HAND {
            assert_eq!(budget.take(start), Ok(()));
        }
        assert_eq!(budget.take(start), Err(start + REFILL));
    }

    #[test]
    fn a_held_key_never_waits_and_a_flood_of_keys_is_gathered() {
        let start = Instant::now();
        let mut budget = FrameBudget::new(start);
        for key in 0..100_u32 {
            let now = start + Duration::from_millis(33) * key;
            assert_eq!(budget.take_for_key(now), Ok(()));
            let soon = now + Duration::from_millis(1);
            assert_eq!(budget.take_for_key(soon), Err(now + BETWEEN_KEYS));
        }
    }

    #[test]
    fn a_flood_gets_thirty_frames_a_second() {
        let start = Instant::now();
        let mut budget = FrameBudget::new(start);
        let drawn = (0..10_000_u64)
            .filter(|millisecond| {
                let now = start + Duration::from_millis(*millisecond);
                budget.take(now).is_ok()
            })
            .count();
        assert!((300..=310).contains(&drawn), "{drawn}");
    }
}
