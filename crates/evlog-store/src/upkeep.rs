//! What a topic needs beside its callers: writing what nobody waits for, marks, retention. Each is a step that a
//! batching thread takes; none of them loops or waits by itself.

use std::time::Duration;

use evlog_core::{Log, Position};

use crate::committer::{Access, Committer, Task};
use crate::error::Result;
use crate::retention::{Retention, SegmentFacts, trim_to};
use crate::sync::atomic::Ordering;

/// What a topic needs of its batching thread after a look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Another look at the next tick.
    Soon,
    /// A look now and then, for events grow old.
    Seldom,
    /// Nothing until it is told.
    Nothing,
}

impl Committer {
    // ---- what a batching thread does, one step at a time ----

    /// Writes all that is accepted; called when enough has come together, or when a task waits.
    pub(crate) fn commit_now(&self) {
        self.is_kicked.store(false, Ordering::Release);
        loop {
            let mut queue = self.queue.lock();
            let is_wanted = queue.has_pending() || queue.is_sync_wanted();
            if !is_wanted {
                return;
            }
            // Where somebody else is writing, that one or the next who waits goes on; a tick sees to the rest.
            let Some(turn) = queue.take_turn(self.elapsed(), self.options.batch_timeout) else {
                return;
            };
            drop(queue);
            self.use_turn(turn);
        }
    }

    /// A look at the topic, once a tick: writes and syncs what is due, marks what is idle, enforces retention.
    pub(crate) fn tick(&self) -> Need {
        if self.access == Access::ReadOnly {
            return self.look_for_tasks();
        }
        let now = self.elapsed();
        let timeout = self.options.batch_timeout;
        let is_due =
            |since: Option<Duration>| since.is_some_and(|since| now.saturating_sub(since) >= timeout);
        let mut queue = self.queue.lock();
        if queue.is_closing || queue.poison.is_some() {
            return Need::Nothing;
        }
        if is_due(queue.pending_since) || is_due(queue.unsynced_since) || queue.is_sync_wanted() {
            if let Some(turn) = queue.take_turn(now, timeout) {
                drop(queue);
                self.use_turn(turn);
            }
            return Need::Soon;
        }
        let is_busy = queue.is_behind() || !queue.is_idle();
        drop(queue);
        if self.retention_due.swap(false, Ordering::AcqRel) {
            // Its error, if there is one, comes back with the next run and with the metrics.
            if self.enforce_retention().is_err() {
                self.metrics.read_failed();
            }
            return Need::Soon;
        }
        if is_busy || !self.was_idle.swap(true, Ordering::AcqRel) {
            return Need::Soon;
        }
        // A mark is a cache: without it, other processes see the last group a little later.
        let _ = self.with_log(Log::mark);
        self.rest()
    }

    /// A look at another process's topic, for tasks that wait for it.
    fn look_for_tasks(&self) -> Need {
        let looked = self.check_readable();
        if looked.is_ok() && self.watermark.has_tasks() {
            return Need::Soon;
        }
        // The tasks look for themselves, and ask for the next watch.
        self.is_watched.store(false, Ordering::Release);
        self.watermark.wake();
        Need::Nothing
    }

    /// Has a batching thread look after the topic, if none does yet.
    pub(crate) fn begin_watch(&self) {
        if !self.is_watched.swap(true, Ordering::AcqRel) {
            self.tell(Task::Watch(self.downgrade()));
        }
    }

    /// Ends the watch, unless something came in the meantime.
    fn rest(&self) -> Need {
        // Reads what an append wrote that still found the watch on, so that its event is not forgotten.
        self.is_watched.swap(false, Ordering::AcqRel);
        let came = !self.was_idle.load(Ordering::Acquire);
        if came && !self.is_watched.swap(true, Ordering::AcqRel) {
            return Need::Soon;
        }
        if self.retention.lock().limit_age().is_some() { Need::Seldom } else { Need::Nothing }
    }

    /// A look now and then at a topic whose events grow old.
    pub(crate) fn look_at_age(&self) -> Need {
        if self.queue.lock().is_closing || self.retention.lock().limit_age().is_none() {
            return Need::Nothing;
        }
        if self.enforce_retention().is_err() {
            self.metrics.read_failed();
        }
        Need::Seldom
    }

    // ---- retention ----

    /// Changes what the topic keeps, from now on.
    pub(crate) fn set_retention(&self, retention: Retention) -> Result<()> {
        retention.check()?;
        let bytes = retention.segment_bytes(self.options.segment_bytes);
        self.with_log(|log| log.set_segment_bytes(bytes))?;
        *self.retention.lock() = retention;
        self.retention_due.store(true, Ordering::Release);
        self.begin_watch();
        Ok(())
    }

    /// Drops what the policy does not keep, and says where the topic starts now.
    pub(crate) fn enforce_retention(&self) -> Result<Position> {
        let retention = *self.retention.lock();
        let start = self.view.range().start;
        if retention == Retention::everything() {
            return Ok(start);
        }
        let facts: Vec<SegmentFacts> = self
            .view
            .segments()?
            .iter()
            .map(|segment| SegmentFacts {
                start: segment.name.base,
                end: segment.end,
                bytes: segment.bytes,
                greatest: (segment.end > segment.name.base).then_some(segment.greatest),
            })
            .collect();
        match trim_to(&facts, self.view.now(), &retention) {
            Some(position) if position > start => self.trim_before(position),
            _ => Ok(start),
        }
    }

    /// Drops whole segments from the front that end at or before `position`.
    pub(crate) fn trim_before(&self, position: Position) -> Result<Position> {
        let bytes_before = self.bytes()?;
        let start = self.with_log(|log| log.trim_before(position))?;
        self.metrics.trimmed(bytes_before.saturating_sub(self.bytes()?));
        self.watermark.wake();
        Ok(start)
    }

    /// Bytes of all segments.
    fn bytes(&self) -> Result<u64> {
        Ok(self.view.segments()?.iter().map(|segment| segment.bytes).sum())
    }

    /// Seals the active segment and starts the next one.
    pub(crate) fn roll(&self) -> Result<()> {
        self.flush()?;
        self.with_log(Log::roll)
    }
}
