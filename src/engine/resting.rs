//! What failed slowly is left alone for a while: a batch does not wait anew for every line.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use semihv_domain::Failure;

use crate::engine::locked;

/// Who fails sooner may be asked again at once.
const SLOW: Duration = Duration::from_secs(5);
/// As often as long as the failing took.
const RESTS: u32 = 3;

/// A failure and until when it stands.
#[derive(Debug, Default)]
pub(crate) struct Rest(Mutex<Option<(Instant, Failure)>>);

impl Rest {
    /// Asks, or gives the failure of a short while ago.
    pub(crate) fn guard<T>(&self, ask: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        let began = Instant::now();
        if let Some(failure) = self.standing(began) {
            return Err(failure);
        }
        let answer = ask();
        self.note(answer.as_ref().err(), began, Instant::now());
        answer
    }

    fn standing(&self, now: Instant) -> Option<Failure> {
        let resting = locked(&self.0);
        let (until, failure) = resting.as_ref().filter(|(until, _)| *until > now)?;
        let left = until.duration_since(now).as_secs_f64().ceil();
        let mut failure = failure.clone();
        failure.summary = format!("{}; it is asked again in {left} s", failure.summary);
        Some(failure)
    }

    fn note(&self, failure: Option<&Failure>, began: Instant, ended: Instant) {
        let took = ended.duration_since(began);
        let slow = failure.filter(|_| took >= SLOW);
        *locked(&self.0) = slow.map(|failure| (ended + took * RESTS, failure.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use semihv_domain::FailureKind;

    /// What is said at each second after a failure that took so many.
    #[track_caller]
    fn check(took: u64, said: &[(u64, Option<&str>)]) {
        let rest = Rest::default();
        let began = Instant::now();
        let ended = began + Duration::from_secs(took);
        let failure = Failure::new("encoder", FailureKind::Network, "no answer");
        rest.note(Some(&failure), began, ended);
        for (after, expected) in said {
            let failure = rest.standing(ended + Duration::from_secs(*after));
            let summary = failure.map(|failure| failure.summary);
            assert_eq!(summary.as_deref(), *expected, "after {after} s");
        }
    }

    #[test]
    fn who_failed_slowly_is_left_alone_for_a_while() {
        let (first, last) = (
            "no answer; it is asked again in 60 s",
            "no answer; it is asked again in 1 s",
        );
        check(20, &[(0, Some(first)), (59, Some(last)), (60, None)]);
    }

    #[test]
    fn who_failed_at_once_is_asked_again() {
        check(4, &[(0, None)]);
    }

    #[test]
    fn what_stands_is_given_without_asking() {
        let rest = Rest::default();
        let now = Instant::now();
        let failure = Failure::new("encoder", FailureKind::Network, "no answer");
        rest.note(Some(&failure), now, now + Duration::from_hours(1));
        assert!(rest.guard(|| Ok(())).is_err());
        let rest = Rest::default();
        assert_eq!(rest.guard(|| Ok(7)), Ok(7));
    }
}
