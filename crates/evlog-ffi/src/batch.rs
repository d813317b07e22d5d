//! Batches: events that stay together.

use crate::boundary::{Alone, Answer, ErrorOut, Owned, Shared, Slice, ask, call, free, fresh};
use crate::handle::{Held, Kind};
use crate::status::Status;
use crate::time::time_of;

/// Events that are appended together: after a crash all of them are there, or none. One thread at a time.
pub struct Batch(pub(crate) evlog_core::Batch);

impl Held for Batch {
    const KIND: Kind = Kind::Batch;
}

/// An empty batch whose events all carry `schema`, a number of yours (0 for none). Null where there are too many
/// handles. It can be appended several times, and cleared and filled again.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_batch_new(schema: u32) -> *mut Batch {
    fresh(|| Batch(evlog_core::Batch::with_schema(schema)))
}

/// Adds an event, with a copy of its payload. Its time is in microseconds since 1970-01-01T00:00:00Z, or
/// `EVLOG_NOW`.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_batch_add(
    batch: Alone<Batch>,
    timestamp_us: i64,
    payload: Slice,
    err: ErrorOut,
) -> Status {
    call(batch, (), err, |batch| Ok(Answer::Done(batch.0.push(time_of(timestamp_us), payload.bytes()?)?)))
}

/// How many events are in the batch; 0 where there is no such handle.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_batch_len(batch: Shared<Batch>) -> usize {
    ask(&batch, 0, |batch| batch.0.len())
}

/// Removes all events and keeps the memory for new ones.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_batch_clear(batch: Alone<Batch>, err: ErrorOut) -> Status {
    call(batch, (), err, |batch| {
        batch.0.clear();
        Ok(Answer::Done(()))
    })
}

/// Frees a batch; null is fine.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_batch_free(batch: Owned<Batch>) -> Status {
    free(&batch)
}
