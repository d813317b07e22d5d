//! What comes before an append is in the queue: limits, room, and word to those who will write it.

use evlog_core::{Batch, Position, Timestamp, checksum};

use crate::committer::{Access, Committer};
use crate::error::{Error, Result};
use crate::limit::Limit;
use crate::metrics::AppendFailure;
use crate::options::{Timestamps, WhenFull};
use crate::queue::{Accepted, Queue};
use crate::sync::MutexGuard;
use crate::sync::atomic::Ordering;

/// Largest batch that a queue of any size takes, in bytes; what a batch can have at most.
const LARGEST_BATCH: usize = 64 << 20;

impl Committer {
    /// Takes up one event; `timestamp` is now where none is given.
    pub(crate) fn append(
        &self,
        timestamp: Option<Timestamp>,
        schema: u32,
        payload: &[u8],
        limit: Limit,
    ) -> Result<Accepted> {
        let largest = self.options.max_event_bytes;
        if payload.len() > largest {
            return Err(self.refuse(too_large("an event (bytes)", payload.len(), largest)));
        }
        let crc = checksum(payload);
        let mut timestamp = timestamp.unwrap_or_else(|| self.view.now());
        let mut queue = self.admit(payload.len(), limit)?;
        if self.options.timestamps == Timestamps::Monotone {
            timestamp = timestamp.max(queue.last_timestamp);
            queue.last_timestamp = timestamp;
        }
        let accepted = queue.accept(timestamp, schema, payload, crc, self.elapsed());
        self.after_accept(queue);
        accepted.map_err(|error| self.refuse(error))
    }

    /// Takes up a batch, if the topic ends at `expected` or nothing is expected.
    pub(crate) fn append_batch(
        &self,
        batch: &Batch,
        expected: Option<Position>,
        limit: Limit,
    ) -> Result<Accepted> {
        let queue_limit = self.options.queue_bytes.max(LARGEST_BATCH);
        if batch.bytes() > queue_limit {
            return Err(self.refuse(too_large("a batch (bytes)", batch.bytes(), queue_limit)));
        }
        let largest = batch.largest_payload();
        if largest > self.options.max_event_bytes {
            let allowed = self.options.max_event_bytes;
            return Err(self.refuse(too_large("an event (bytes)", largest, allowed)));
        }
        let mut queue = self.admit(batch.bytes(), limit)?;
        let actual = queue.next();
        if let Some(expected) = expected.filter(|&expected| expected != actual) {
            self.metrics.append_failed(AppendFailure::WrongPosition);
            return Err(Error::WrongPosition { topic: self.name.clone(), expected, actual });
        }
        let accepted = queue.accept_batch(batch, self.elapsed());
        self.after_accept(queue);
        Ok(accepted)
    }

    /// The queue, once there is room for so many bytes in it; the options may have less patience than the caller.
    fn admit(&self, bytes: usize, limit: Limit) -> Result<MutexGuard<'_, Queue>> {
        let most = self.options.queue_bytes;
        let mut queue = self.queue.lock();
        self.check_open(&queue)?;
        if queue.has_room(bytes, most) {
            return Ok(queue);
        }
        let limit = match self.options.when_full {
            WhenFull::Block => limit,
            WhenFull::Wait(span) => limit.or_sooner(Limit::after(span, || self.elapsed())),
            WhenFull::Fail => {
                let full = self.full(&queue);
                drop(queue);
                // Nobody may be about to make room.
                self.kick();
                return Err(full);
            }
        };
        loop {
            queue = self.commit_or_wait(queue, limit).map_err(|queue| self.full(&queue))?;
            self.check_open(&queue)?;
            if queue.has_room(bytes, most) {
                return Ok(queue);
            }
        }
    }

    fn full(&self, queue: &Queue) -> Error {
        self.metrics.append_failed(AppendFailure::QueueFull);
        let limit = self.options.queue_bytes;
        Error::QueueFull { topic: self.name.clone(), pending: queue.bytes(), limit }
    }

    /// Refuses what is closed, only looked at, or poisoned.
    pub(crate) fn check_open(&self, queue: &Queue) -> Result<()> {
        if queue.is_closing() {
            return Err(Error::Closed { topic: self.name.clone() });
        }
        if self.access == Access::ReadOnly {
            return Err(evlog_core::Error::ReadOnly { path: self.view.path().to_owned() }.into());
        }
        if queue.poison.is_some() {
            self.metrics.append_failed(AppendFailure::Poisoned);
            return Err(self.poisoned());
        }
        Ok(())
    }

    fn refuse(&self, error: evlog_core::Error) -> Error {
        self.metrics.append_failed(AppendFailure::TooLarge);
        error.into()
    }

    /// Sees to it that what was accepted is written in time, also if nobody waits for it.
    fn after_accept(&self, queue: MutexGuard<'_, Queue>) {
        let is_full = queue.pending_events() >= self.options.batch_size;
        drop(queue);
        self.was_idle.store(false, Ordering::Relaxed);
        self.begin_watch();
        if is_full {
            self.kick();
        }
    }
}

fn too_large(what: &'static str, size: usize, limit: usize) -> evlog_core::Error {
    evlog_core::Error::TooLarge { what, size: size as u64, limit: limit as u64 }
}
