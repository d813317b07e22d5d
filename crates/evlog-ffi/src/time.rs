//! Times and spans, as C gives them.

use std::time::Duration;

use evlog_core::Timestamp;
use evlog_core::storage::{Disk, Storage};

use crate::boundary::{Answer, Outcome};

/// A timestamp that stands for the time of the call.
pub const EVLOG_NOW: i64 = i64::MIN;

pub(crate) fn time_of(timestamp_us: i64) -> Timestamp {
    if timestamp_us == EVLOG_NOW { Disk.now() } else { timestamp_us }
}

/// How long to wait: milliseconds; a negative number stands for no limit.
pub(crate) fn span_of(timeout_ms: i64) -> Option<Duration> {
    u64::try_from(timeout_ms).ok().map(Duration::from_millis)
}

/// As [`span_of`], where the longest of all spans stands for no limit.
pub(crate) fn limit_of(timeout_ms: i64) -> Duration {
    span_of(timeout_ms).unwrap_or(Duration::MAX)
}

/// What came of a call with a limit: that it passed is no error.
pub(crate) fn in_time<V>(called: evlog_store::Result<V>) -> Outcome<V> {
    match called {
        Err(evlog_store::Error::TimedOut { .. } | evlog_store::Error::StoreTimedOut { .. }) => {
            Ok(Answer::TimedOut)
        }
        other => Ok(Answer::Done(other?)),
    }
}
