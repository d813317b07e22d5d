//! What a topic keeps: the policy, and the pure judgement which segments it lets go.
//!
//! Trimming itself is the log's act; nothing here touches a file or a clock. Whole sealed segments go, from the front,
//! as soon as *one* of the limits lets them go. The last segment is the active one: its bytes count, it never goes.

use crate::units::{OptionError, Problem};
use evlog_core::{Position, Timestamp, View};

use std::time::Duration;

/// No limit makes segments smaller than this: 64 KiB.
pub const LEAST_SEGMENT_BYTES: u64 = 64 << 10;

/// How far a clock is believed to run ahead of the newest event, at most: one day. See [`Retention::age`].
pub const GREATEST_SKEW: Duration = Duration::from_secs(24 * 60 * 60);

/// What a topic keeps. By default everything; limits combine, and the tightest decides.
///
/// ```
/// use evlog_store::retention::Retention;
/// use std::time::Duration;
///
/// let week_or_gigabyte = Retention::everything().bytes(1 << 30).age(Duration::from_secs(7 * 86_400));
/// assert_eq!(week_or_gigabyte.limit_bytes(), Some(1 << 30));
///
/// // Four files of a mebibyte, the oldest makes room for the next.
/// let wrap = Retention::wrap(4, 1 << 20);
/// assert_eq!(wrap.limit_bytes(), Some(4 << 20));
/// assert_eq!(wrap.segment_bytes(64 << 20), 1 << 20);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    bytes: Option<u64>,
    age: Option<Duration>,
    events: Option<u64>,
    /// The file size of [`Retention::wrap`].
    file_bytes: Option<u64>,
}

impl Retention {
    /// Keeps everything, for ever: the default.
    pub const fn everything() -> Retention {
        Retention { bytes: None, age: None, events: None, file_bytes: None }
    }

    /// Keeps at most `files` files of `bytes` bytes each: a limit of their product, and segments of `bytes`.
    ///
    /// A product beyond 64 bits means 2^64 - 1.
    pub const fn wrap(files: u64, bytes: u64) -> Retention {
        Retention { file_bytes: Some(bytes), ..Retention::everything().bytes(files.saturating_mul(bytes)) }
    }

    /// Keeps at most so many bytes of segments, the active one included.
    ///
    /// The oldest segments go until the rest is within the limit or only the active one is left.
    pub const fn bytes(self, limit: u64) -> Retention {
        Retention { bytes: Some(limit), ..self }
    }

    /// Keeps events that are younger than `limit`, and with them whatever shares their segment.
    ///
    /// A segment goes when its youngest event is too old, measured against the earlier of the given time and the
    /// newest event's timestamp plus an allowance: [`GREATEST_SKEW`], or a quarter of `limit` where that is less.
    /// So a clock that jumps ahead cannot empty a topic; the other side of the coin is that a topic which nobody
    /// appends to keeps its last events. A timestamp further ahead of the clock than the allowance is disbelieved:
    /// its segment goes when the segments beside it go.
    pub const fn age(self, limit: Duration) -> Retention {
        Retention { age: Some(limit), ..self }
    }

    /// Keeps the newest `limit` events, and with them whatever shares their segment.
    pub const fn events(self, limit: u64) -> Retention {
        Retention { events: Some(limit), ..self }
    }

    /// The limit in bytes, if there is one.
    pub const fn limit_bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// The limit in age, if there is one.
    pub const fn limit_age(&self) -> Option<Duration> {
        self.age
    }

    /// The limit in events, if there is one.
    pub const fn limit_events(&self) -> Option<u64> {
        self.events
    }

    /// Refuses limits of zero, which would keep nothing.
    ///
    /// # Errors
    ///
    /// [`Problem::Zero`], naming the option.
    pub fn check(&self) -> Result<(), OptionError> {
        let zero = |key| Err(OptionError::new(key, "0", Problem::Zero));
        match self {
            Retention { file_bytes: Some(0), .. } | Retention { bytes: Some(0), file_bytes: Some(_), .. } => {
                zero("wrap")
            }
            Retention { bytes: Some(0), .. } => zero("retention_bytes"),
            Retention { age: Some(Duration::ZERO), .. } => zero("retention_age"),
            Retention { events: Some(0), .. } => zero("retention_events"),
            _ => Ok(()),
        }
    }

    /// The size at which segments are rolled, in bytes, where the options ask for `wanted`.
    ///
    /// A quarter of the limit at most, so that dropping one segment drops little; but no limit brings it below
    /// [`LEAST_SEGMENT_BYTES`].
    pub fn segment_bytes(&self, wanted: u64) -> u64 {
        let quarter = self.bytes.map_or(u64::MAX, |limit| limit / 4);
        let most = quarter.min(self.file_bytes.unwrap_or(u64::MAX));
        wanted.min(most.max(LEAST_SEGMENT_BYTES))
    }
}

/// What retention knows of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentFacts {
    /// Position of its first event.
    pub start: Position,
    /// Position behind its last event: the start of the next segment, or the end of the log.
    pub end: Position,
    /// Bytes that its file holds.
    pub bytes: u64,
    /// The greatest timestamp in it; none where it is empty or its summary is lost.
    pub greatest: Option<Timestamp>,
}

/// Where the log may start at `now`: the position before which `policy` keeps nothing, always a segment's start.
///
/// `segments` is the whole chain, oldest first, the last one active. The answer is the first segment's start where
/// nothing goes, and none where there are no segments.
///
/// ```
/// use evlog_store::retention::{Retention, SegmentFacts, trim_to};
///
/// let segments = [
///     SegmentFacts { start: 0, end: 100, bytes: 70_000, greatest: Some(1) },
///     SegmentFacts { start: 100, end: 200, bytes: 70_000, greatest: Some(2) },
///     SegmentFacts { start: 200, end: 210, bytes: 7_000, greatest: Some(3) },
/// ];
/// assert_eq!(trim_to(&segments, 4, &Retention::everything()), Some(0));
/// assert_eq!(trim_to(&segments, 4, &Retention::everything().bytes(100_000)), Some(100));
/// ```
pub fn trim_to(segments: &[SegmentFacts], now: Timestamp, policy: &Retention) -> Option<Position> {
    let (active, sealed) = segments.split_last()?;
    let ages = policy.age.map(|limit| Ages::judge(segments, now, limit));
    let mut bytes: u128 = segments.iter().map(|segment| u128::from(segment.bytes)).sum();
    for (index, segment) in sealed.iter().enumerate() {
        let too_many_bytes = policy.bytes.is_some_and(|limit| bytes > u128::from(limit));
        let too_many_events =
            policy.events.is_some_and(|limit| active.end.saturating_sub(segment.end) >= limit);
        let too_old = ages.as_ref().is_some_and(|ages| ages.too_old(index));
        if !(too_many_bytes || too_many_events || too_old) {
            return Some(segment.start);
        }
        bytes -= u128::from(segment.bytes);
    }
    Some(active.start)
}

/// Where a log may start now; see [`trim_to`].
///
/// # Errors
/// See [`View::segments`].
pub fn trim_position(view: &View, policy: &Retention) -> evlog_core::Result<Option<Position>> {
    let segments = view.segments()?;
    let facts = segments.iter().map(|segment| SegmentFacts {
        start: segment.name.base,
        end: segment.end,
        bytes: segment.bytes,
        greatest: (segment.end > segment.name.base).then_some(segment.greatest),
    });
    Ok(trim_to(&facts.collect::<Vec<_>>(), view.now(), policy))
}

/// The times by which segments are judged, and the time before which they are too old.
struct Ages {
    /// Of each segment its greatest timestamp; where that is not believed, the next segment's that is.
    times: Vec<Option<Timestamp>>,
    oldest_kept: Timestamp,
}

impl Ages {
    fn judge(segments: &[SegmentFacts], now: Timestamp, limit: Duration) -> Ages {
        let skew = micros(GREATEST_SKEW.min(limit / 4));
        let believed_until = now.saturating_add(skew);
        let mut times = Vec::with_capacity(segments.len());
        let (mut next, mut newest) = (None, None);
        for segment in segments.iter().rev() {
            let believed = segment.greatest.filter(|time| *time <= believed_until);
            newest = newest.max(believed);
            next = believed.or(next);
            times.push(next);
        }
        times.reverse();
        // Where no timestamp is believed, no segment has a time and none is too old.
        let present = newest.map_or(now, |newest| now.min(newest.saturating_add(skew)));
        Ages { times, oldest_kept: present.saturating_sub(micros(limit)) }
    }

    fn too_old(&self, index: usize) -> bool {
        self.times[index].is_some_and(|time| time < self.oldest_kept)
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
