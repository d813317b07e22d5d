//! Times and spans, as C gives them.

use std::time::Duration;

use evlog_core::Timestamp;
use evlog_core::storage::{Disk, Storage};

/// A timestamp that stands for the time of the call.
pub const EVLOG_NOW: i64 = i64::MIN;

pub(crate) fn time_of(timestamp_us: i64) -> Timestamp {
    if timestamp_us == EVLOG_NOW { Disk.now() } else { timestamp_us }
}

/// How long to wait: milliseconds; a negative number stands for no limit.
pub(crate) fn span_of(timeout_ms: i64) -> Option<Duration> {
    u64::try_from(timeout_ms).ok().map(Duration::from_millis)
}
