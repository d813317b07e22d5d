//! What a topic counts, always: relaxed atomics, touched once a group or a read, never once an event.
//!
//! [`TopicMetrics`] is the running count, written by whoever runs a topic. [`TopicSnapshot`] is its value at one moment,
//! and [`prometheus`] shows snapshots in Prometheus' text format.
//!
//! A snapshot is no cut through time: it is read while others count, so two of its numbers may be a group apart.

mod histogram;
mod prometheus;

pub use histogram::HistogramSnapshot;
pub use prometheus::prometheus;

use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use evlog_core::Position;
use histogram::{EVENTS, Histogram, NANOSECONDS};
use std::time::Duration;

/// The running counts of one topic.
///
/// ```
/// use evlog_store::metrics::{AppendFailure, Group, TopicMetrics, prometheus};
/// use std::time::Duration;
///
/// let metrics = TopicMetrics::default();
/// metrics.committed(Group { batches: 1, events: 3, bytes: 300 }, Duration::from_micros(80));
/// metrics.append_failed(AppendFailure::NoSpace);
///
/// let snapshot = metrics.snapshot();
/// assert_eq!((snapshot.append_events, snapshot.errors()), (3, 1));
///
/// let text = prometheus(&[("orders", snapshot)]).to_string();
/// assert!(text.contains("evlog_append_events_total{topic=\"orders\"} 3\n"));
/// assert!(text.contains("evlog_append_errors_total{topic=\"orders\",kind=\"no_space\"} 1\n"));
/// ```
#[derive(Debug)]
pub struct TopicMetrics {
    append_events: AtomicU64,
    append_bytes: AtomicU64,
    append_batches: AtomicU64,
    append_errors: [AtomicU64; AppendFailure::ALL.len()],
    sync_nanos: Histogram,
    commit_wait_nanos: Histogram,
    group_events: Histogram,
    reads: AtomicU64,
    read_events: AtomicU64,
    read_bytes: AtomicU64,
    read_errors: AtomicU64,
    damage: AtomicU64,
    repairs: AtomicU64,
    segments_rolled: AtomicU64,
    trimmed_bytes: AtomicU64,
    last_write_nanos: AtomicU64,
    last_read_nanos: AtomicU64,
    start_position: AtomicU64,
    end_position: AtomicU64,
    durable_position: AtomicU64,
    bytes: AtomicU64,
    segments: AtomicU64,
    pending_bytes: AtomicU64,
    poisoned: AtomicBool,
}

impl Default for TopicMetrics {
    fn default() -> TopicMetrics {
        let zero = AtomicU64::default;
        TopicMetrics {
            append_events: zero(),
            append_bytes: zero(),
            append_batches: zero(),
            append_errors: std::array::from_fn(|_| zero()),
            sync_nanos: Histogram::new(NANOSECONDS),
            commit_wait_nanos: Histogram::new(NANOSECONDS),
            group_events: Histogram::new(EVENTS),
            reads: zero(),
            read_events: zero(),
            read_bytes: zero(),
            read_errors: zero(),
            damage: zero(),
            repairs: zero(),
            segments_rolled: zero(),
            trimmed_bytes: zero(),
            last_write_nanos: zero(),
            last_read_nanos: zero(),
            start_position: zero(),
            end_position: zero(),
            durable_position: zero(),
            bytes: zero(),
            segments: zero(),
            pending_bytes: zero(),
            poisoned: AtomicBool::default(),
        }
    }
}

impl TopicMetrics {
    /// Counts a group that was written, which took `took` with its sync, if it had one.
    pub fn committed(&self, group: Group, took: Duration) {
        self.append_batches.fetch_add(group.batches, Relaxed);
        self.append_events.fetch_add(group.events, Relaxed);
        self.append_bytes.fetch_add(group.bytes, Relaxed);
        self.group_events.count(group.events);
        self.last_write_nanos.store(nanos(took), Relaxed);
    }

    /// Counts an append that was refused, or that failed.
    pub fn append_failed(&self, why: AppendFailure) {
        self.append_errors[why as usize].fetch_add(1, Relaxed);
    }

    /// Counts a sync that succeeded.
    pub fn synced(&self, took: Duration) {
        self.sync_nanos.count(nanos(took));
    }

    /// Counts the time that a caller waited for its ticket.
    pub fn waited(&self, took: Duration) {
        self.commit_wait_nanos.count(nanos(took));
    }

    /// Counts one read of the log, which yielded so many events with so many bytes of payload.
    pub fn read(&self, events: u64, bytes: u64, took: Duration) {
        self.reads.fetch_add(1, Relaxed);
        self.read_events.fetch_add(events, Relaxed);
        self.read_bytes.fetch_add(bytes, Relaxed);
        self.last_read_nanos.store(nanos(took), Relaxed);
    }

    /// Counts a read that failed for another reason than damage.
    pub fn read_failed(&self) {
        self.read_errors.fetch_add(1, Relaxed);
    }

    /// Counts a place of damage that a read or an open met.
    pub fn met_damage(&self) {
        self.damage.fetch_add(1, Relaxed);
    }

    /// Counts an open that found the log unfinished and recovered it.
    pub fn repaired(&self) {
        self.repairs.fetch_add(1, Relaxed);
    }

    /// Counts a new segment.
    pub fn rolled(&self) {
        self.segments_rolled.fetch_add(1, Relaxed);
    }

    /// Counts bytes of segments that were trimmed.
    pub fn trimmed(&self, bytes: u64) {
        self.trimmed_bytes.fetch_add(bytes, Relaxed);
    }

    /// Says how far the topic reaches now.
    pub fn reaches(&self, extent: Extent) {
        self.start_position.store(extent.start, Relaxed);
        self.end_position.store(extent.end, Relaxed);
        self.durable_position.store(extent.durable, Relaxed);
        self.bytes.store(extent.bytes, Relaxed);
        self.segments.store(extent.segments, Relaxed);
    }

    /// Says how many bytes were accepted and are not yet written.
    pub fn pending(&self, bytes: u64) {
        self.pending_bytes.store(bytes, Relaxed);
    }

    /// Says that the topic takes no appends until it is opened again; returns whether that is news.
    pub fn poisoned(&self) -> bool {
        !self.poisoned.swap(true, Relaxed)
    }

    /// All counts as they stand.
    pub fn snapshot(&self) -> TopicSnapshot {
        let value = |count: &AtomicU64| count.load(Relaxed);
        TopicSnapshot {
            append_events: value(&self.append_events),
            append_bytes: value(&self.append_bytes),
            append_batches: value(&self.append_batches),
            append_errors: AppendFailure::ALL.map(|why| (why, value(&self.append_errors[why as usize]))),
            sync_nanos: self.sync_nanos.snapshot(),
            commit_wait_nanos: self.commit_wait_nanos.snapshot(),
            group_events: self.group_events.snapshot(),
            reads: value(&self.reads),
            read_events: value(&self.read_events),
            read_bytes: value(&self.read_bytes),
            read_errors: value(&self.read_errors),
            damage: value(&self.damage),
            repairs: value(&self.repairs),
            segments_rolled: value(&self.segments_rolled),
            trimmed_bytes: value(&self.trimmed_bytes),
            last_write: Duration::from_nanos(value(&self.last_write_nanos)),
            last_read: Duration::from_nanos(value(&self.last_read_nanos)),
            start_position: value(&self.start_position),
            end_position: value(&self.end_position),
            durable_position: value(&self.durable_position),
            bytes: value(&self.bytes),
            segments: value(&self.segments),
            pending_bytes: value(&self.pending_bytes),
            poisoned: self.poisoned.load(Relaxed),
        }
    }
}

/// What one commit took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Batches in it.
    pub batches: u64,
    /// Events in them.
    pub events: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
}

/// How far a topic reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The first readable position.
    pub start: Position,
    /// The position of the next event.
    pub end: Position,
    /// The position up to which everything is synced.
    pub durable: Position,
    /// Bytes of all segments.
    pub bytes: u64,
    /// How many segments there are.
    pub segments: u64,
}

/// Why an append was refused or failed: the label `kind` of `evlog_append_errors_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AppendFailure {
    /// The disk reported an error.
    Io,
    /// The disk, the quota or the file size is at its limit.
    NoSpace,
    /// An earlier failure closed the topic for appends.
    Poisoned,
    /// The event or the batch is larger than the options allow.
    TooLarge,
    /// Too many bytes were pending.
    QueueFull,
    /// The topic did not end where the caller expected.
    WrongPosition,
}

impl AppendFailure {
    /// All of them, in the order of their declaration.
    pub const ALL: [AppendFailure; 6] = [
        AppendFailure::Io,
        AppendFailure::NoSpace,
        AppendFailure::Poisoned,
        AppendFailure::TooLarge,
        AppendFailure::QueueFull,
        AppendFailure::WrongPosition,
    ];

    /// The kind of an error of the log.
    pub(crate) fn of(error: &evlog_core::Error) -> AppendFailure {
        match error {
            evlog_core::Error::NoSpace { .. } => AppendFailure::NoSpace,
            evlog_core::Error::Poisoned { .. } => AppendFailure::Poisoned,
            evlog_core::Error::TooLarge { .. } => AppendFailure::TooLarge,
            _ => AppendFailure::Io,
        }
    }

    /// The label: `io`, `no_space`, `poisoned`, `too_large`, `queue_full` or `wrong_position`.
    pub const fn as_str(self) -> &'static str {
        match self {
            AppendFailure::Io => "io",
            AppendFailure::NoSpace => "no_space",
            AppendFailure::Poisoned => "poisoned",
            AppendFailure::TooLarge => "too_large",
            AppendFailure::QueueFull => "queue_full",
            AppendFailure::WrongPosition => "wrong_position",
        }
    }
}

/// The counts of one topic at one moment, since it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicSnapshot {
    /// Events written.
    pub append_events: u64,
    /// Bytes of their payloads.
    pub append_bytes: u64,
    /// Batches written.
    pub append_batches: u64,
    /// Appends that were refused or failed, by reason.
    pub append_errors: [(AppendFailure, u64); AppendFailure::ALL.len()],
    /// Duration of each sync, in nanoseconds.
    pub sync_nanos: HistogramSnapshot,
    /// How long callers waited for their tickets, in nanoseconds.
    pub commit_wait_nanos: HistogramSnapshot,
    /// Events in each group.
    pub group_events: HistogramSnapshot,
    /// Reads of the log.
    pub reads: u64,
    /// Events read.
    pub read_events: u64,
    /// Bytes of their payloads.
    pub read_bytes: u64,
    /// Reads that failed for another reason than damage.
    pub read_errors: u64,
    /// Places of damage met.
    pub damage: u64,
    /// Opens that found the log unfinished and recovered it.
    pub repairs: u64,
    /// Segments begun.
    pub segments_rolled: u64,
    /// Bytes of segments trimmed.
    pub trimmed_bytes: u64,
    /// How long the last group took to write, with its sync.
    pub last_write: Duration,
    /// How long the last read took.
    pub last_read: Duration,
    /// The first readable position.
    pub start_position: Position,
    /// The position of the next event.
    pub end_position: Position,
    /// The position up to which everything is synced.
    pub durable_position: Position,
    /// Bytes of all segments.
    pub bytes: u64,
    /// How many segments there are.
    pub segments: u64,
    /// Bytes accepted and not yet written.
    pub pending_bytes: u64,
    /// The topic takes no appends until it is opened again.
    pub poisoned: bool,
}

impl TopicSnapshot {
    /// Everything that went wrong: appends and reads that failed, and places of damage.
    pub fn errors(&self) -> u64 {
        self.append_errors.iter().map(|(_, count)| count).sum::<u64>() + self.read_errors + self.damage
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
