//! Time for policy: how much has passed. The time of day comes from the storage, with everything else of the machine.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// A clock that never goes back.
pub trait Clock: Debug + Send + Sync {
    /// Time passed since some fixed moment.
    fn elapsed(&self) -> Duration;
}

/// The real clock.
#[derive(Clone, Copy, Debug)]
pub struct MonotonicClock {
    origin: Instant,
}

impl Default for MonotonicClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
    fn default() -> MonotonicClock {
        MonotonicClock { origin: Instant::now() }
    }
}

impl Clock for MonotonicClock {
    fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }
}
