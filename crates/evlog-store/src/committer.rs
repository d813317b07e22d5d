//! When a topic is written and synced, and by whom: whoever waits and finds nobody writing, else a batching thread.
//!
//! One group is in flight at a time, and whoever has the log has the right to write; everybody who comes meanwhile is
//! in the next group. The lock of the queue is never held while the disk is busy.

use std::any::Any;
use std::ops::{Deref, Range};
#[cfg(feature = "async")]
use std::task::{Context, Poll};
use std::time::Duration;

use evlog_core::{Log, Position, Report, Timestamp, View};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::limit::Limit;
use crate::metrics::{AppendFailure, TopicMetrics};
use crate::name::TopicName;
use crate::options::{Durability, Options, Timestamps};
use crate::queue::{Accepted, Deeds, Life, Outcome, Queue, Turn, last_timestamp};
use crate::retention::Retention;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::Sender;
use crate::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use crate::trace;
use crate::trim;
#[cfg(feature = "async")]
use crate::watermark::Seat;
use crate::watermark::Watermark;

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

/// The way to the thread that looks after a topic.
#[derive(Clone, Debug)]
pub(crate) struct Batcher {
    pub(crate) tasks: Sender<Task>,
    /// Keeps the threads alive as long as a topic or a ticket may need them, and is not looked at.
    pub(crate) _threads: Arc<dyn Any + Send + Sync>,
}

impl Batcher {
    fn tell(&self, task: Task) {
        // The thread is there as long as this is; it would have to have been lost in a panic.
        let _ = self.tasks.send(task);
    }
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
    batcher: Batcher,
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

/// An open topic as its users share it. It ends when the last of them lets go, whatever a batching thread is doing with
/// the topic at that moment.
#[derive(Debug)]
pub(crate) struct OpenTopic {
    committer: Arc<Committer>,
}

impl Committer {
    pub(crate) fn new(
        name: TopicName,
        log: Log,
        options: Options,
        access: Access,
        clock: Arc<dyn Clock>,
        batcher: Batcher,
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
        let is_bounded = options.retention != Retention::everything() && access == Access::ReadWrite;
        let retention = Mutex::new(options.retention);
        let segment_bytes = options.retention.segment_bytes(options.segment_bytes);
        let queue = Queue::new(log, last_timestamp, segment_bytes);
        let committer = Arc::new_cyclic(|this| Committer {
            name,
            access,
            view,
            watermark: Watermark::new(queue.reach()),
            metrics,
            report,
            clock,
            batcher,
            this: this.clone(),
            queue: Mutex::new(queue),
            served: Condvar::new(),
            retention,
            is_watched: AtomicBool::new(false),
            is_kicked: AtomicBool::new(false),
            retention_due: AtomicBool::new(is_bounded),
            was_idle: AtomicBool::new(false),
            options,
        });
        if is_bounded {
            // What is there may have grown too old, or too much for what is kept now.
            committer.begin_watch();
        }
        Ok(committer)
    }

    /// What the open of the topic found and did.
    pub(crate) fn report(&self) -> &Report {
        &self.report
    }

    // ---- batching threads ----

    /// Has a batching thread look after the topic, if none does yet.
    pub(crate) fn begin_watch(&self) {
        if !self.is_watched.swap(true, Ordering::AcqRel) {
            self.batcher.tell(Task::Watch(self.this.clone()));
        }
    }

    /// Tells a batching thread to write.
    pub(crate) fn kick(&self) {
        if !self.is_kicked.swap(true, Ordering::AcqRel) {
            self.batcher.tell(Task::Commit(self.this.clone()));
        }
    }

    // ---- waiting ----

    /// Waits until what was accepted has reached `level`, or the limit has passed.
    pub(crate) fn wait(&self, accepted: &Accepted, level: Durability, limit: Limit) -> Result<()> {
        let begun = self.clock.elapsed();
        let mut queue = self.queue.lock();
        loop {
            if let Some(outcome) = queue.outcome(accepted, level, &self.name) {
                drop(queue);
                self.metrics.waited(self.clock.elapsed().saturating_sub(begun));
                return outcome;
            }
            if level == Durability::Synced {
                queue.want_sync(accepted);
            }
            let timed_out = |_| Error::TimedOut { topic: self.name.clone(), after: limit.after };
            queue = self.commit_or_wait(queue, limit).map_err(timed_out)?;
        }
    }

    /// As [`Committer::wait`], for a task: a batching thread does the work, and wakes it.
    #[cfg(feature = "async")]
    pub(crate) fn poll(
        &self,
        accepted: &Accepted,
        level: Durability,
        context: &Context<'_>,
        seat: &mut Option<Seat>,
    ) -> Poll<Result<()>> {
        let mut queue = self.queue.lock();
        if let Some(outcome) = queue.outcome(accepted, level, &self.name) {
            return Poll::Ready(outcome);
        }
        if level == Durability::Synced {
            queue.want_sync(accepted);
        }
        queue.ask();
        // Under the lock of the queue, so that no turn can end between the look and this.
        self.watermark.register(context.waker(), seat);
        drop(queue);
        self.kick();
        Poll::Pending
    }

    /// Makes everything accepted so far durable.
    pub(crate) fn flush(&self, limit: Limit) -> Result<Position> {
        let accepted = {
            let queue = self.queue.lock();
            self.check_open(&queue)?;
            queue.everything()
        };
        self.wait(&accepted, Durability::Synced, limit)?;
        Ok(accepted.positions.end)
    }

    /// Takes the right to write and uses it, or waits until somebody else has used it. Whoever has a limit leaves the
    /// work to a batching thread, for no limit holds inside a call to the disk. `Err` where it has passed.
    pub(crate) fn commit_or_wait<'a>(
        &'a self,
        mut queue: MutexGuard<'a, Queue>,
        limit: Limit,
    ) -> std::result::Result<MutexGuard<'a, Queue>, MutexGuard<'a, Queue>> {
        if let Some(left) = limit.left(|| self.clock.elapsed()) {
            queue.ask();
            self.kick();
            if left.is_zero() {
                return Err(queue);
            }
            self.served.wait_for(&mut queue, left);
            return Ok(queue);
        }
        if let Some(turn) = queue.take_turn(self.clock.elapsed(), self.options.batch_timeout) {
            drop(queue);
            self.use_turn(turn);
            return Ok(self.queue.lock());
        }
        queue.waiters += 1;
        self.served.wait(&mut queue);
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
        let mut deeds = Deeds::default();
        let begun = self.clock.elapsed();
        let segments = log.view().segment_count();
        let mut error = group.as_mut().and_then(|pending| log.append_group(&mut pending.group).err());
        // Where there was no room for the group, what was written before it is synced all the same.
        if sync && !error.as_ref().is_some_and(is_indeterminate) {
            let before = self.clock.elapsed();
            match log.sync() {
                Ok(()) => {
                    let took = self.clock.elapsed().saturating_sub(before);
                    self.metrics.synced(took);
                    deeds.synced = Some(took);
                }
                Err(failed) => error = Some(failed),
            }
        }
        let took = self.clock.elapsed().saturating_sub(begun);
        match (&group, &error) {
            (Some(pending), None) => self.metrics.committed(pending.counts(), took),
            (_, Some(error)) => self.metrics.append_failed(AppendFailure::of(error)),
            (None, None) => {}
        }
        let error = error.map(Arc::new).or(self.note_roll(segments, &mut log, &mut deeds));
        let (Range { start, end: written }, durable) = (log.range(), log.durable_end());
        Outcome { log, group, error, start, written, durable, deeds }
    }

    /// Counts a roll, where there were only so many segments before, and makes room for it at once: no writer shall
    /// outrun the policy. An error that comes back has poisoned the log.
    fn note_roll(&self, segments: usize, log: &mut Log, deeds: &mut Deeds) -> Option<Arc<evlog_core::Error>> {
        if log.view().segment_count() <= segments {
            return None;
        }
        self.metrics.rolled();
        deeds.rolled = Some(log.view().segment_count());
        let policy = *self.retention.lock();
        match trim::by_policy(log, &policy) {
            Ok(trimmed) => {
                self.metrics.trimmed(trimmed.bytes);
                deeds.trimmed = Some(trimmed);
            }
            Err(error) if is_indeterminate(&error) => return Some(Arc::new(error)),
            // A batching thread tries again.
            Err(_) => self.retention_due.store(true, Ordering::Release),
        }
        None
    }

    fn settle(&self, outcome: Outcome) {
        let deeds = outcome.deeds;
        let mut queue = self.queue.lock();
        queue.settle(outcome);
        let needs_turn = queue.needs_turn(self.options.batch_size);
        self.announce(queue);
        if needs_turn {
            self.kick();
        }
        deeds.synced.into_iter().for_each(|took| trace::synced(&self.name, took));
        deeds.rolled.into_iter().for_each(|segments| trace::rolled(&self.name, segments));
        deeds.trimmed.into_iter().for_each(|trimmed| trace::trimmed(&self.name, &trimmed));
    }

    /// Lets readers and all who wait know where the topic ends now.
    fn announce(&self, queue: MutexGuard<'_, Queue>) {
        self.metrics.pending(queue.bytes() as u64);
        let news = queue.poison.clone().filter(|_| self.metrics.poisoned());
        let wakeful = self.watermark.advance(queue.reach());
        drop(queue);
        self.served.notify_all();
        wakeful.wake();
        if let Some(error) = news {
            trace::poisoned(&self.name, &error);
        }
    }

    /// Does something with the log itself, once nobody writes.
    pub(crate) fn with_log<T>(&self, work: impl FnOnce(&mut Log) -> evlog_core::Result<T>) -> Result<T> {
        let mut queue = self.queue.lock();
        let mut turn = loop {
            if queue.is_closing() {
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
        let mut deeds = Deeds::default();
        let segments = turn.log.view().segment_count();
        let done = work(&mut turn.log).map_err(Arc::new);
        let trimmed = self.note_roll(segments, &mut turn.log, &mut deeds);
        std::mem::forget(guard);
        let (Range { start, end: written }, durable) = (turn.log.range(), turn.log.durable_end());
        // Only what leaves the log in doubt concerns the events of others.
        let poison = done.as_ref().err().filter(|error| is_indeterminate(error)).map(Arc::clone).or(trimmed);
        self.settle(Outcome { log: turn.log, group: None, error: poison, start, written, durable, deeds });
        done.map_err(Error::Log)
    }

    pub(crate) fn poisoned(&self) -> Error {
        evlog_core::Error::Poisoned { path: self.view.path().to_owned() }.into()
    }

    // ---- looking ----

    /// The clock's time.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Whether the topic was closed, or is being closed.
    pub(crate) fn is_closing(&self) -> bool {
        self.queue.lock().is_closing()
    }

    // ---- the end ----

    /// Commits everything, and ends the topic for all its handles. A second call finds it closed.
    pub(crate) fn close(&self) -> Result<()> {
        let mut queue = self.queue.lock();
        if queue.is_closing() {
            return Err(Error::Closed { topic: self.name.clone() });
        }
        queue.age(Life::Closing);
        let everything = queue.everything();
        drop(queue);
        let _gone = GoneGuard { committer: self };
        if self.access == Access::ReadOnly {
            return Ok(());
        }
        self.served.notify_all();
        let mut waited = self.wait(&everything, Durability::Synced, Limit::NONE);
        let mut queue = self.queue.lock();
        if waited.is_err() && queue.poison.is_none() {
            // What could not be written takes nothing along that was.
            let written = queue.everything();
            drop(queue);
            waited = waited.and(self.wait(&written, Durability::Synced, Limit::NONE));
            queue = self.queue.lock();
        }
        while !queue.is_idle() && !queue.is_lost() {
            self.served.wait(&mut queue);
        }
        let log = queue.close();
        drop(queue);
        // A panic has taken the log along, and poisoned the topic.
        let closed = log.map_or_else(|| Err(self.poisoned()), |log| log.close().map_err(Error::from));
        waited.and(closed)
    }

    /// Waits until a close that has begun has given back the log and its lock.
    pub(crate) fn wait_until_gone(&self) {
        let mut queue = self.queue.lock();
        while !queue.is_gone() {
            self.served.wait(&mut queue);
        }
    }
}

impl OpenTopic {
    pub(crate) fn new(committer: Arc<Committer>) -> OpenTopic {
        OpenTopic { committer }
    }
}

impl Deref for OpenTopic {
    type Target = Committer;

    fn deref(&self) -> &Committer {
        &self.committer
    }
}

impl Drop for OpenTopic {
    /// Best effort, for handles that were dropped without a close.
    fn drop(&mut self) {
        let _ = self.committer.close();
    }
}

/// Poisons the topic where a panic takes the log along: nobody knows what it was doing.
struct PanicGuard<'a> {
    committer: &'a Committer,
}

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        let path = self.committer.view.path().to_owned();
        let source = std::io::Error::other("a panic while the log was being written");
        let mut queue = self.committer.queue.lock();
        queue.lose(evlog_core::Error::Indeterminate { path, source });
        self.committer.announce(queue);
    }
}

/// Says that a topic is closed and gone, however its close ended.
struct GoneGuard<'a> {
    committer: &'a Committer,
}

impl Drop for GoneGuard<'_> {
    fn drop(&mut self) {
        let mut queue = self.committer.queue.lock();
        drop(queue.close());
        queue.age(Life::Gone);
        self.committer.announce(queue);
    }
}

fn is_indeterminate(error: &evlog_core::Error) -> bool {
    matches!(error, evlog_core::Error::Indeterminate { .. })
}
