//! Until when a call may wait.

use std::time::Duration;

/// Until when a call may wait; by the clock of its store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    deadline: Option<Duration>,
    /// How long that was when the call began.
    pub(crate) after: Duration,
}

impl Limit {
    /// As long as it takes.
    pub(crate) const NONE: Limit = Limit { deadline: None, after: Duration::MAX };

    /// So long, from what `now` says; the longest of all spans is no limit, and asks for no time.
    pub(crate) fn after(span: Duration, now: impl FnOnce() -> Duration) -> Limit {
        if span == Duration::MAX {
            return Limit::NONE;
        }
        Limit { deadline: now().checked_add(span), after: span }
    }

    /// What is left of it; `None` where there is no limit.
    pub(crate) fn left(self, now: impl FnOnce() -> Duration) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_sub(now()))
    }

    /// The one of both that ends first.
    pub(crate) fn or_sooner(self, other: Limit) -> Limit {
        match (self.deadline, other.deadline) {
            (Some(own), Some(others)) if others < own => other,
            (None, Some(_)) => other,
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_sooner_of_two_limits_holds() {
        let now = || SECOND;
        let (one, two) = (Limit::after(SECOND, now), Limit::after(2 * SECOND, now));
        for (own, other) in [(one, two), (two, one), (one, Limit::NONE), (Limit::NONE, one)] {
            let sooner = own.or_sooner(other);
            assert_eq!((sooner.left(now), sooner.after), (Some(SECOND), SECOND));
        }
        assert_eq!(one.left(|| 3 * SECOND), Some(Duration::ZERO));
    }

    #[test]
    fn the_longest_span_is_no_limit() {
        for span in [Duration::MAX, Duration::MAX.saturating_sub(SECOND)] {
            assert_eq!(Limit::after(span, || 2 * SECOND).left(|| SECOND), None);
        }
    }
}
