//! What a topic needs beside its callers: writing what nobody waits for, marks, retention. Each is a step that a
//! batching thread takes; none of them loops or waits by itself.

use evlog_core::{Log, Position};

use crate::committer::{Access, Committer};
use crate::error::Result;
use crate::limit::Limit;
use crate::retention::Retention;
use crate::sync::atomic::Ordering;
use crate::trace;
use crate::trim::{self, Trimmed};

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

    /// Writes the next group; called when enough has come together, or when a task waits. Where more has to follow, the
    /// thread is told again, so that one busy topic does not keep it from the others.
    pub(crate) fn commit_now(&self) {
        self.is_kicked.store(false, Ordering::Release);
        let mut queue = self.queue.lock();
        if !queue.has_pending() && !queue.is_sync_wanted() {
            return;
        }
        // Where somebody else is writing, that one sees to the rest.
        if let Some(turn) = queue.take_turn(self.elapsed(), self.options.batch_timeout) {
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
        let mut queue = self.queue.lock();
        if queue.is_closing() || queue.poison.is_some() {
            return Need::Nothing;
        }
        if queue.is_due(now, timeout) || queue.is_sync_wanted() {
            if let Some(turn) = queue.take_turn(now, timeout) {
                drop(queue);
                self.use_turn(turn);
            }
            return Need::Soon;
        }
        let is_busy = queue.is_behind() || !queue.is_idle();
        drop(queue);
        if self.retention_due.swap(false, Ordering::AcqRel) {
            self.enforce_in_passing();
            return Need::Soon;
        }
        if is_busy || !self.was_idle.swap(true, Ordering::AcqRel) {
            return Need::Soon;
        }
        // A mark is a cache: without it, other processes see the last group a little later.
        let _ = self.with_log(Log::mark);
        // A thousand topics that were busy once must not hold a thousand groups of memory.
        self.queue.lock().release_memory();
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
        if self.queue.lock().is_closing() || self.retention.lock().limit_age().is_none() {
            return Need::Nothing;
        }
        self.enforce_in_passing();
        Need::Seldom
    }

    // ---- retention ----

    /// Changes what the topic keeps, from now on.
    pub(crate) fn set_retention(&self, retention: Retention) -> Result<()> {
        retention.check()?;
        let bytes = retention.segment_bytes(self.options.segment_bytes);
        self.with_log(|log| log.set_segment_bytes(bytes))?;
        self.queue.lock().set_segment_bytes(bytes);
        *self.retention.lock() = retention;
        self.retention_due.store(true, Ordering::Release);
        self.begin_watch();
        Ok(())
    }

    /// Drops what the policy does not keep, and says where the topic starts now.
    pub(crate) fn enforce_retention(&self) -> Result<Position> {
        let policy = *self.retention.lock();
        self.trim(|log| trim::by_policy(log, &policy))
    }

    /// As [`Committer::enforce_retention`], where nobody is there to take the error: it comes back with the next run.
    fn enforce_in_passing(&self) {
        if let Err(error) = self.enforce_retention() {
            self.metrics.read_failed();
            trace::retention_failed(&self.name, &error);
        }
    }

    /// Drops whole segments from the front that end at or before `position`.
    pub(crate) fn trim_before(&self, position: Position) -> Result<Position> {
        self.trim(|log| trim::before(log, position))
    }

    fn trim(&self, work: impl FnOnce(&mut Log) -> evlog_core::Result<Trimmed>) -> Result<Position> {
        let trimmed = self.with_log(work)?;
        self.metrics.trimmed(trimmed.bytes);
        trace::trimmed(&self.name, &trimmed);
        Ok(trimmed.to)
    }

    /// Seals the active segment and starts the next one.
    pub(crate) fn roll(&self) -> Result<()> {
        self.flush(Limit::NONE)?;
        self.with_log(Log::roll)?;
        // Retention may have something to do now.
        self.was_idle.store(false, Ordering::Relaxed);
        self.begin_watch();
        Ok(())
    }
}
