//! What happens rarely and is worth a line to whoever listens through `tracing`. Without the feature of that name all of
//! it is nothing.
//!
//! Everything has the target `evlog` and the field `topic`. Nothing is said while a lock is held or a log is in use, so
//! a listener may use the store.

#![cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nobody listens"))]

use std::time::Duration;

use evlog_core::Report;

use crate::name::TopicName;
use crate::trim::Trimmed;

/// A sync that takes so long is said.
const SLOW: Duration = Duration::from_secs(1);

#[cfg(feature = "tracing")]
macro_rules! say {
    ($level:ident, $($what:tt)*) => { tracing::$level!(target: "evlog", $($what)*) };
}

#[cfg(not(feature = "tracing"))]
macro_rules! say {
    ($($what:tt)*) => {};
}

/// A topic was opened; a warning where its log holds surprises.
pub(crate) fn opened(topic: &TopicName, report: &Report) {
    say!(info, %topic, found = ?report.found, scanned_bytes = report.scanned_bytes, "opened");
    if report.found == evlog_core::Found::Unclean {
        say!(info, %topic, rewritten_bytes = report.rewritten_bytes, "recovered after an unclean stop");
    }
    if !report.is_uneventful() {
        say!(
            warn,
            %topic,
            leftover_bytes = report.leftover_bytes,
            leftover_positions = ?report.leftover_positions,
            unproven = ?report.unproven,
            gone = ?report.gone,
            gaps = report.gaps.len(),
            foreign = report.foreign.len(),
            "the log holds surprises: see its recovery report"
        );
    }
}

/// A new segment was started, and there are so many now.
pub(crate) fn rolled(topic: &TopicName, segments: usize) {
    say!(info, %topic, segments, "rolled");
}

/// Segments were dropped from the front; said only where there were any.
pub(crate) fn trimmed(topic: &TopicName, trimmed: &Trimmed) {
    if trimmed.bytes > 0 {
        say!(info, %topic, from = trimmed.from, to = trimmed.to, bytes = trimmed.bytes, "trimmed");
    }
}

/// A sync took so long; said only where that is long.
pub(crate) fn synced(topic: &TopicName, took: Duration) {
    if took >= SLOW {
        say!(warn, %topic, ?took, "a sync was slow");
    }
}

/// Retention could not drop what it should; it tries again behind the next roll.
pub(crate) fn retention_failed(topic: &TopicName, error: &crate::error::Error) {
    say!(warn, %topic, error = error as &dyn std::error::Error, "retention failed");
}

/// The topic takes no more appends until it is opened again.
pub(crate) fn poisoned(topic: &TopicName, error: &evlog_core::Error) {
    say!(error, %topic, error = error as &dyn std::error::Error, "poisoned");
}
