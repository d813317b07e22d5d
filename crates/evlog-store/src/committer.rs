//! When a topic is written and synced, and by whom: whoever waits and finds nobody writing, else a batching thread.
//!
//! One group is in flight at a time, and whoever has the log has the right to write; everybody who comes meanwhile is
//! in the next group. The lock of the queue is never held while the disk is busy.

#[cfg(feature = "async")]
use std::task::{Context, Poll};
use std::time::Duration;

use evlog_core::{Batch, Log, Position, Report, Timestamp, View, checksum};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::metrics::{AppendFailure, TopicMetrics};
use crate::name::TopicName;
use crate::options::{Durability, Options, Timestamps, WhenFull};
use crate::queue::{Accepted, Outcome, Queue, Turn, last_timestamp};
use crate::retention::Retention;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::Sender;
use crate::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use crate::watermark::{Growth, Watermark};

/// What a batching thread is told.
#[derive(Debug)]
pub(crate) enum Task {
    /// Look after this topic until it needs nothing more.
    Watch(Weak<Committer>),
    /// Write what this topic has accepted, now.
    Commit(Weak<Committer>),
    /// The store is closed.
    Stop,
}

/// Who changes a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// This store.
    ReadWrite,
    /// Another process, if any: here it is only looked at.
    ReadOnly,
}

/// One open topic.
#[derive(Debug)]
pub(crate) struct Committer {
    pub(crate) name: TopicName,
    pub(crate) options: Options,
    pub(crate) access: Access,
    pub(crate) view: View,
    pub(crate) watermark: Watermark,
    pub(crate) metrics: TopicMetrics,
    report: Report,
    clock: Arc<dyn Clock>,
    batcher: Sender<Task>,
    this: Weak<Committer>,
    pub(crate) queue: Mutex<Queue>,
    /// Told when a turn ends and when room was made.
    served: Condvar,
    pub(crate) retention: Mutex<Retention>,
    /// A batching thread looks after this topic.
    pub(crate) is_watched: AtomicBool,
    /// A batching thread has been told to write.
    pub(crate) is_kicked: AtomicBool,
    /// A segment was rolled, or the policy changed, since retention was last enforced.
    pub(crate) retention_due: AtomicBool,
    /// Nothing was accepted since the last tick.
    pub(crate) was_idle: AtomicBool,
}

impl Committer {
    pub(crate) fn new(
        name: TopicName,
        log: Log,
        options: Options,
        access: Access,
        clock: Arc<dyn Clock>,
        batcher: Sender<Task>,
    ) -> Result<Arc<Committer>> {
        let last_timestamp = match options.timestamps {
            Timestamps::AsGiven => Timestamp::MIN,
            Timestamps::Monotone => last_timestamp(log.view())?,
        };
        let view = log.view().clone();
        let report = log.report().clone();
        let metrics = TopicMetrics::default();
        if report.found == evlog_core::Found::Unclean {
            metrics.repaired();
        }
        report.gaps.iter().for_each(|_| metrics.met_damage());
        let watermark = Watermark::new(log.range().end, log.durable_end());
        let retention = Mutex::new(options.retention);
        Ok(Arc::new_cyclic(|this| Committer {
            name,
            access,
            view,
            watermark,
            metrics,
            report,
            clock,
            batcher,
            this: this.clone(),
            queue: Mutex::new(Queue::new(log, last_timestamp)),
            served: Condvar::new(),
            retention,
            is_watched: AtomicBool::new(false),
            is_kicked: AtomicBool::new(false),
            retention_due: AtomicBool::new(options.retention != Retention::everything()),
            was_idle: AtomicBool::new(false),
            options,
        }))
    }

    /// What the open of the topic found and did.
    pub(crate) fn report(&self) -> &Report {
        &self.report
    }

    // ---- appending ----

    /// Takes up one event; `timestamp` is now where none is given.
    pub(crate) fn append(
        &self,
        timestamp: Option<Timestamp>,
        schema: u32,
        payload: &[u8],
    ) -> Result<Accepted> {
        let limit = self.options.max_event_bytes;
        if payload.len() > limit {
            return Err(self.refuse(too_large("an event (bytes)", payload.len(), limit)));
        }
        let crc = checksum(payload);
        let mut timestamp = timestamp.unwrap_or_else(|| self.view.now());
        let mut queue = self.admit(payload.len())?;
        if self.options.timestamps == Timestamps::Monotone {
            timestamp = timestamp.max(queue.last_timestamp);
            queue.last_timestamp = timestamp;
        }
        let accepted = queue.accept(timestamp, schema, payload, crc, self.clock.elapsed());
        self.after_accept(queue);
        accepted.map_err(|error| self.refuse(error))
    }

    /// Takes up a batch, if the topic ends at `expected` or nothing is expected.
    pub(crate) fn append_batch(&self, batch: &Batch, expected: Option<Position>) -> Result<Accepted> {
        let queue_limit = self.options.queue_bytes.max(64 << 20);
        if batch.bytes() > queue_limit {
            return Err(self.refuse(too_large("a batch (bytes)", batch.bytes(), queue_limit)));
        }
        let largest = batch.largest_payload();
        if largest > self.options.max_event_bytes {
            let limit = self.options.max_event_bytes;
            return Err(self.refuse(too_large("an event (bytes)", largest, limit)));
        }
        let mut queue = self.admit(batch.bytes())?;
        let actual = queue.next();
        if let Some(expected) = expected.filter(|&expected| expected != actual) {
            self.metrics.append_failed(AppendFailure::WrongPosition);
            return Err(Error::WrongPosition { topic: self.name.clone(), expected, actual });
        }
        let accepted = queue.accept_batch(batch, self.clock.elapsed());
        self.after_accept(queue);
        Ok(accepted)
    }

    /// The queue, once there is room for so many bytes in it.
    fn admit(&self, bytes: usize) -> Result<MutexGuard<'_, Queue>> {
        let limit = self.options.queue_bytes;
        let mut queue = self.queue.lock();
        self.check_open(&queue)?;
        if queue.has_room(bytes, limit) {
            return Ok(queue);
        }
        let patience = match self.options.when_full {
            WhenFull::Block => None,
            WhenFull::Wait(span) => Some(span),
            WhenFull::Fail => return Err(self.full(&queue)),
        };
        let deadline = patience.map(|span| self.clock.elapsed() + span);
        loop {
            queue = self.commit_or_wait(queue, deadline).map_err(|queue| self.full(&queue))?;
            self.check_open(&queue)?;
            if queue.has_room(bytes, limit) {
                return Ok(queue);
            }
        }
    }

    fn full(&self, queue: &Queue) -> Error {
        self.metrics.append_failed(AppendFailure::QueueFull);
        let limit = self.options.queue_bytes;
        Error::QueueFull { topic: self.name.clone(), pending: queue.bytes(), limit }
    }

    fn check_open(&self, queue: &Queue) -> Result<()> {
        if queue.is_closing {
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

    pub(crate) fn poisoned(&self) -> Error {
        evlog_core::Error::Poisoned { path: self.view.path().to_owned() }.into()
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

    /// Gives the topic's batching thread something to do.
    pub(crate) fn tell(&self, task: Task) {
        // Without a thread there is no store any more, and nobody to write but those who wait.
        let _ = self.batcher.send(task);
    }

    pub(crate) fn downgrade(&self) -> Weak<Committer> {
        self.this.clone()
    }

    /// Tells a batching thread to write.
    fn kick(&self) {
        if !self.is_kicked.swap(true, Ordering::AcqRel) {
            self.tell(Task::Commit(self.downgrade()));
        }
    }

    // ---- waiting ----

    /// Waits until what was accepted has reached `level`; with a deadline, no longer than that.
    pub(crate) fn wait(
        &self,
        accepted: &Accepted,
        level: Durability,
        timeout: Option<Duration>,
    ) -> Result<()> {
        let begun = self.clock.elapsed();
        let deadline = timeout.map(|span| begun.saturating_add(span));
        let mut queue = self.queue.lock();
        loop {
            if let Some(outcome) = queue.outcome(accepted, level, &self.name) {
                drop(queue);
                self.metrics.waited(self.clock.elapsed().saturating_sub(begun));
                return outcome;
            }
            if level == Durability::Synced {
                queue.want_sync();
            }
            let after = timeout.unwrap_or_default();
            let timed_out = |_| Error::TimedOut { topic: self.name.clone(), after };
            queue = self.commit_or_wait(queue, deadline).map_err(timed_out)?;
        }
    }

    #[cfg(feature = "async")]
    /// As [`Committer::wait`], for a task: a batching thread does the work, and wakes it.
    pub(crate) fn poll(
        &self,
        accepted: &Accepted,
        level: Durability,
        context: &Context<'_>,
    ) -> Poll<Result<()>> {
        let mut queue = self.queue.lock();
        if let Some(outcome) = queue.outcome(accepted, level, &self.name) {
            return Poll::Ready(outcome);
        }
        if level == Durability::Synced {
            queue.want_sync();
        }
        // Under the lock of the queue, so that no turn can end between the look and this.
        self.watermark.register(context.waker());
        drop(queue);
        self.kick();
        Poll::Pending
    }

    /// Makes everything accepted so far durable.
    pub(crate) fn flush(&self) -> Result<Position> {
        let accepted = {
            let queue = self.queue.lock();
            self.check_open(&queue)?;
            queue.everything()
        };
        self.wait(&accepted, Durability::Synced, None)?;
        Ok(accepted.positions.end)
    }

    /// Takes the right to write and uses it, or waits until somebody else has used it. `Err` where the deadline has
    /// passed.
    fn commit_or_wait<'a>(
        &'a self,
        mut queue: MutexGuard<'a, Queue>,
        deadline: Option<Duration>,
    ) -> std::result::Result<MutexGuard<'a, Queue>, MutexGuard<'a, Queue>> {
        if let Some(turn) = queue.take_turn(self.clock.elapsed(), self.options.batch_timeout) {
            drop(queue);
            self.use_turn(turn);
            return Ok(self.queue.lock());
        }
        let left = deadline.map(|deadline| deadline.saturating_sub(self.clock.elapsed()));
        if left == Some(Duration::ZERO) {
            return Err(queue);
        }
        queue.waiters += 1;
        match left {
            None => self.served.wait(&mut queue),
            Some(left) => _ = self.served.wait_for(&mut queue, left),
        }
        queue.waiters -= 1;
        Ok(queue)
    }

    // ---- committing ----

    /// Writes the group of a turn, syncs by the rules, gives the right to write back and wakes all who wait.
    pub(crate) fn use_turn(&self, turn: Turn) {
        let guard = PanicGuard { committer: self };
        let outcome = self.commit(turn);
        std::mem::forget(guard);
        self.settle(outcome);
    }

    fn commit(&self, turn: Turn) -> Outcome {
        let Turn { mut log, mut group, sync } = turn;
        let begun = self.clock.elapsed();
        let segments = log.view().segment_count();
        let mut error = None;
        if let Some(pending) = &mut group {
            error = log.append_group(&mut pending.group).err();
        }
        if sync && error.is_none() {
            let before = self.clock.elapsed();
            error = log.sync().err();
            if error.is_none() {
                self.metrics.synced(self.clock.elapsed().saturating_sub(before));
            }
        }
        let at = self.clock.elapsed();
        match (&group, &error) {
            (Some(pending), None) => self.metrics.committed(pending.counts(), at.saturating_sub(begun)),
            (_, Some(error)) => self.metrics.append_failed(AppendFailure::of(error)),
            (None, None) => {}
        }
        if log.view().segment_count() > segments {
            self.metrics.rolled();
            self.retention_due.store(true, Ordering::Release);
        }
        let (written, durable) = (log.range().end, log.durable_end());
        Outcome { log, group, error, written, durable, at }
    }

    fn settle(&self, outcome: Outcome) {
        let mut queue = self.queue.lock();
        queue.settle(outcome);
        // Whoever waits goes on; where nobody does, a batching thread has to.
        let is_full = queue.pending_events() >= self.options.batch_size;
        let needs_kick = queue.waiters == 0 && (is_full || queue.is_sync_wanted());
        self.announce(queue);
        if needs_kick {
            self.kick();
        }
    }

    /// Lets readers and all who wait know where the topic ends now.
    fn announce(&self, queue: MutexGuard<'_, Queue>) {
        let growth = match (&queue.poison, queue.is_closed()) {
            (_, true) => Growth::Closed,
            (Some(_), _) => Growth::Poisoned,
            (None, false) => Growth::Open,
        };
        let (written, durable) = (queue.written, queue.durable);
        self.metrics.pending(queue.bytes() as u64);
        drop(queue);
        if growth == Growth::Poisoned {
            self.metrics.poisoned();
        }
        self.served.notify_all();
        self.watermark.advance(written, durable, growth);
    }

    /// Does something with the log itself, once nobody writes.
    pub(crate) fn with_log<T>(&self, work: impl FnOnce(&mut Log) -> evlog_core::Result<T>) -> Result<T> {
        let mut queue = self.queue.lock();
        let mut turn = loop {
            if queue.is_closing {
                return Err(Error::Closed { topic: self.name.clone() });
            }
            if queue.poison.is_some() {
                return Err(self.poisoned());
            }
            match queue.take_empty_turn() {
                Some(turn) => break turn,
                None => self.served.wait(&mut queue),
            }
        };
        drop(queue);
        let guard = PanicGuard { committer: self };
        let done = work(&mut turn.log);
        std::mem::forget(guard);
        let (written, durable) = (turn.log.range().end, turn.log.durable_end());
        let poison = match &done {
            Err(evlog_core::Error::Indeterminate { .. }) => {
                Some(evlog_core::Error::Poisoned { path: self.view.path().to_owned() })
            }
            _ => None,
        };
        let at = self.clock.elapsed();
        self.settle(Outcome { log: turn.log, group: None, error: poison, written, durable, at });
        done.map_err(Error::from)
    }

    // ---- looking ----

    /// The clock's time.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Whether the topic was closed, or is being closed.
    pub(crate) fn is_closing(&self) -> bool {
        self.queue.lock().is_closing
    }

    // ---- the end ----

    /// Commits everything, and ends the topic for all its handles. A second call finds it closed.
    pub(crate) fn close(&self) -> Result<()> {
        let mut queue = self.queue.lock();
        if queue.is_closing {
            return Err(Error::Closed { topic: self.name.clone() });
        }
        queue.is_closing = true;
        if self.access == Access::ReadOnly {
            drop(queue.close());
            self.announce(queue);
            return Ok(());
        }
        let everything = queue.everything();
        drop(queue);
        self.served.notify_all();
        let waited = self.wait(&everything, Durability::Synced, None);
        let mut queue = self.queue.lock();
        while !queue.is_idle() && !queue.is_lost() {
            self.served.wait(&mut queue);
        }
        let log = queue.close();
        self.announce(queue);
        let closed = log.map_or(Ok(()), |log| log.close().map_err(Error::from));
        waited.and(closed)
    }
}

impl Drop for Committer {
    /// Best effort, for handles that were dropped without a close.
    fn drop(&mut self) {
        let _ = self.close();
    }
}

/// Poisons the topic where a panic takes the log along: nobody knows what it was doing.
struct PanicGuard<'a> {
    committer: &'a Committer,
}

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        let mut queue = self.committer.queue.lock();
        queue.lose(evlog_core::Error::Poisoned { path: self.committer.view.path().to_owned() });
        self.committer.announce(queue);
    }
}

fn too_large(what: &'static str, size: usize, limit: usize) -> evlog_core::Error {
    evlog_core::Error::TooLarge { what, size: size as u64, limit: limit as u64 }
}
