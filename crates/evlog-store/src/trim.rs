//! The act of trimming, by whoever has the right to write: retention judges, the log removes.

use evlog_core::{Log, Position};

use crate::retention::{Retention, trim_position};

/// What came of a trim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trimmed {
    /// Where the log started.
    pub(crate) from: Position,
    /// Where it starts now.
    pub(crate) to: Position,
    /// Bytes of the segments that are gone.
    pub(crate) bytes: u64,
}

/// Drops what the policy does not keep.
pub(crate) fn by_policy(log: &mut Log, policy: &Retention) -> evlog_core::Result<Trimmed> {
    let start = log.range().start;
    let nothing = Trimmed { from: start, to: start, bytes: 0 };
    if *policy == Retention::everything() {
        return Ok(nothing);
    }
    match trim_position(log.view(), policy)? {
        Some(position) if position > start => before(log, position),
        _ => Ok(nothing),
    }
}

/// Drops whole segments from the front that end at or before `position`.
pub(crate) fn before(log: &mut Log, position: Position) -> evlog_core::Result<Trimmed> {
    // For the count alone, which must not stand in the way.
    let segments = log.segments().unwrap_or_default();
    let from = log.range().start;
    let to = log.trim_before(position)?;
    let gone = segments.iter().filter(|segment| segment.end <= to && segment.name.base < to);
    Ok(Trimmed { from, to, bytes: gone.map(|segment| segment.bytes).sum() })
}
