//! The structures that may grow in later versions. Their first field is the size that the caller's header knows.

use crate::boundary::memory::{Optional, Plain, Word};

/// What to read. With all zeros but the size: every durable event, oldest first.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Read {
    /// Bytes of this structure: `sizeof(evlog_read)`.
    pub size: usize,
    /// The place of the first event, as text: `"oldest"`, `"42"`, `"-100"` for the last hundred,
    /// `"@2026-11-22T10:00:00Z"`, `"@-1h"`. Null: the oldest.
    pub from: Word,
    /// A place too: nothing at or behind it is read. Null: to the end.
    pub to: Word,
    /// At most so many events; 0: all.
    pub limit: u64,
    /// Where not null, only events whose timestamp is at or after this one, wherever they stand.
    pub since_us: Optional<i64>,
    /// `EVLOG_FORWARD` or `EVLOG_REVERSE`: the same events the other way round; a limit counts from the newest then.
    pub direction: i32,
    /// `EVLOG_READ_DURABLE` or `EVLOG_READ_WRITTEN`.
    pub level: i32,
}

/// How far a topic reaches. Set `size` to `sizeof(evlog_extent)` before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Extent {
    /// Bytes of this structure.
    pub size: usize,
    /// The first position that can be read.
    pub start: u64,
    /// The position of the next event. What was accepted and is not yet written does not count.
    pub end: u64,
    /// Everything before this position is durable.
    pub durable_end: u64,
    /// Bytes of all segments.
    pub bytes: u64,
    /// How many segments there are.
    pub segments: u64,
    /// No event has an earlier timestamp; `INT64_MAX` where there is no event.
    pub oldest_us: i64,
    /// No event has a later timestamp; `INT64_MIN` where there is no event.
    pub newest_us: i64,
}

/// What a topic has counted since it was opened. Set `size` to `sizeof(evlog_metrics)` before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Metrics {
    /// Bytes of this structure.
    pub size: usize,
    /// Events written.
    pub append_events: u64,
    /// Bytes of their payloads.
    pub append_bytes: u64,
    /// Batches written.
    pub append_batches: u64,
    /// Appends that were refused or failed.
    pub append_errors: u64,
    /// Syncs.
    pub syncs: u64,
    /// How long they took together, in nanoseconds.
    pub sync_nanos: u64,
    /// Waits for appended events.
    pub commit_waits: u64,
    /// How long they took together, in nanoseconds.
    pub commit_wait_nanos: u64,
    /// Groups: what was written at once.
    pub groups: u64,
    /// Reads of the topic: readers that were freed.
    pub reads: u64,
    /// Events that they read.
    pub read_events: u64,
    /// Bytes of their payloads.
    pub read_bytes: u64,
    /// Reads that failed for another reason than damage.
    pub read_errors: u64,
    /// Places of damage met.
    pub damage: u64,
    /// Opens that found the topic unfinished and recovered it.
    pub repairs: u64,
    /// Segments begun.
    pub segments_rolled: u64,
    /// Bytes of segments trimmed.
    pub trimmed_bytes: u64,
    /// How long the last group took to write, with its sync, in nanoseconds.
    pub last_write_nanos: u64,
    /// How long the last read took, in nanoseconds.
    pub last_read_nanos: u64,
    /// The first position that can be read.
    pub start: u64,
    /// The position of the next event.
    pub end: u64,
    /// Everything before this position is durable.
    pub durable_end: u64,
    /// Bytes of all segments.
    pub bytes: u64,
    /// How many segments there are.
    pub segments: u64,
    /// Bytes accepted and not yet written.
    pub pending_bytes: u64,
    /// 1 where the topic takes no appends until it is opened again, else 0.
    pub poisoned: u64,
}

/// What `evlog_verify` found. Set `size` to `sizeof(evlog_verification)` before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Verification {
    /// Bytes of this structure.
    pub size: usize,
    /// Events that are there and whole.
    pub events: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Segments that were read.
    pub segments: u64,
    /// Places of damage, also such that cost no event.
    pub damage: u64,
}

// SAFETY: `repr(C)`: a `usize`, pointers and numbers of 64 bits, then two of 32 bits side by side.
unsafe impl Plain for Read {
    const ZERO: Read = Read {
        size: size_of::<Read>(),
        from: Word::NULL,
        to: Word::NULL,
        limit: 0,
        since_us: Optional::NONE,
        direction: 0,
        level: 0,
    };
    const SHORTEST: usize = size_of::<Read>();
}

// SAFETY: `repr(C)`: a `usize` and then numbers of 64 bits.
unsafe impl Plain for Extent {
    const ZERO: Extent = Extent {
        size: size_of::<Extent>(),
        start: 0,
        end: 0,
        durable_end: 0,
        bytes: 0,
        segments: 0,
        oldest_us: 0,
        newest_us: 0,
    };
    const SHORTEST: usize = size_of::<Extent>();
}

// SAFETY: `repr(C)`: a `usize` and then numbers of 64 bits.
unsafe impl Plain for Metrics {
    const ZERO: Metrics = Metrics {
        size: size_of::<Metrics>(),
        append_events: 0,
        append_bytes: 0,
        append_batches: 0,
        append_errors: 0,
        syncs: 0,
        sync_nanos: 0,
        commit_waits: 0,
        commit_wait_nanos: 0,
        groups: 0,
        reads: 0,
        read_events: 0,
        read_bytes: 0,
        read_errors: 0,
        damage: 0,
        repairs: 0,
        segments_rolled: 0,
        trimmed_bytes: 0,
        last_write_nanos: 0,
        last_read_nanos: 0,
        start: 0,
        end: 0,
        durable_end: 0,
        bytes: 0,
        segments: 0,
        pending_bytes: 0,
        poisoned: 0,
    };
    const SHORTEST: usize = size_of::<Metrics>();
}

// SAFETY: `repr(C)`: a `usize` and then numbers of 64 bits.
unsafe impl Plain for Verification {
    const ZERO: Verification =
        Verification { size: size_of::<Verification>(), events: 0, bytes: 0, segments: 0, damage: 0 };
    const SHORTEST: usize = size_of::<Verification>();
}
