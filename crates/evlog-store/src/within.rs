//! Calls with a limit: nothing that a disk does, or does not do, holds up whoever calls.
//!
//! What is asked of the disk is done by another thread: appends are written by a batching thread, and what is rare, as a
//! close, by a thread of its own. So a limit holds also where a write or a sync never returns.

use std::ops::Range;
use std::panic::resume_unwind;
use std::path::Path;
use std::time::Duration;

use evlog_core::{Batch, Position, Timestamp};

use crate::error::{Error, Result};
use crate::limit::Limit;
use crate::name::TopicName;
use crate::options::Durability;
use crate::retention::Retention;
use crate::store::Store;
use crate::sync::channel::{RecvTimeoutError, bounded};
use crate::topic::{Ticket, Topic};

/// A topic or a store whose calls answer in time; see [`Topic::within`] and [`Store::within`].
///
/// All calls share one limit, which began with `within`. Where it passes, the answer is [`Error::TimedOut`] or
/// [`Error::StoreTimedOut`]: what was asked for goes on, and whoever wants to know how it ends asks again. Only an append
/// that found no room in time has not happened: that is [`Error::QueueFull`].
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// use std::time::Duration;
/// use evlog_store::{Durability, Error, Options, Store};
///
/// let store = Store::open(folder.path(), &Options::new())?;
/// let topic = store.within(Duration::from_secs(5)).topic("orders")?;
/// let in_time = topic.within(Duration::from_secs(1));
/// let ticket = in_time.append("a hat")?;
/// match in_time.wait(&ticket, Durability::Synced) {
///     Ok(positions) => println!("at {positions:?}"),
///     Err(Error::TimedOut { .. }) => println!("accepted, and on its way"),
///     Err(error) => return Err(error.into()),
/// }
/// store.within(Duration::from_secs(5)).close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Within<'a, T> {
    of: &'a T,
    limit: Limit,
}

impl Topic {
    /// The topic, for calls that together take no longer than `limit`; [`Duration::MAX`] is no limit.
    pub fn within(&self, limit: Duration) -> Within<'_, Topic> {
        Within { of: self, limit: Limit::after(limit, || self.committer().elapsed()) }
    }
}

impl Within<'_, Topic> {
    /// See [`Topic::append`].
    ///
    /// # Errors
    /// As there; [`Error::QueueFull`] where there was no room in time.
    pub fn append(&self, payload: impl AsRef<[u8]>) -> Result<Ticket> {
        self.of.append_as(None, 0, payload.as_ref(), self.limit)
    }

    /// See [`Topic::append_at`].
    ///
    /// # Errors
    /// As for [`Within::append`].
    pub fn append_at(&self, timestamp: Timestamp, schema: u32, payload: impl AsRef<[u8]>) -> Result<Ticket> {
        self.of.append_as(Some(timestamp), schema, payload.as_ref(), self.limit)
    }

    /// See [`Topic::append_batch`].
    ///
    /// # Errors
    /// As for [`Within::append`].
    pub fn append_batch(&self, batch: &Batch) -> Result<Ticket> {
        self.of.append_batch_as(batch, None, self.limit)
    }

    /// See [`Topic::append_if`].
    ///
    /// # Errors
    /// As for [`Within::append`] and [`Topic::append_if`].
    pub fn append_if(&self, expected: Position, batch: &Batch) -> Result<Ticket> {
        self.of.append_batch_as(batch, Some(expected), self.limit)
    }

    /// Waits until the events of a ticket have this durability.
    ///
    /// # Errors
    /// As for [`Ticket::wait_timeout`].
    pub fn wait(&self, ticket: &Ticket, durability: Durability) -> Result<Range<Position>> {
        ticket.wait_until(durability, self.limit)
    }

    /// See [`Topic::flush`].
    ///
    /// # Errors
    /// As there; [`Error::TimedOut`].
    pub fn flush(&self) -> Result<Position> {
        self.of.committer().flush(self.limit)
    }

    /// See [`Topic::roll`].
    ///
    /// # Errors
    /// As there; [`Error::TimedOut`].
    pub fn roll(&self) -> Result<()> {
        self.have_done(Topic::roll)
    }

    /// See [`Topic::trim_before`].
    ///
    /// # Errors
    /// As there; [`Error::TimedOut`].
    pub fn trim_before(&self, position: Position) -> Result<Position> {
        self.have_done(move |topic| topic.trim_before(position))
    }

    /// See [`Topic::enforce_retention`].
    ///
    /// # Errors
    /// As there; [`Error::TimedOut`].
    pub fn enforce_retention(&self) -> Result<Position> {
        self.have_done(Topic::enforce_retention)
    }

    /// See [`Topic::set_retention`].
    ///
    /// # Errors
    /// As there; [`Error::TimedOut`].
    pub fn set_retention(&self, retention: Retention) -> Result<()> {
        self.have_done(move |topic| topic.set_retention(retention))
    }

    /// See [`Topic::close`]. Where the limit passes, the topic is being closed: its store opens it again behind that.
    ///
    /// # Errors
    /// As there; [`Error::TimedOut`].
    pub fn close(&self) -> Result<()> {
        self.have_done(Topic::close)
    }

    fn have_done<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Topic) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let topic = self.of.clone();
        let Some(left) = self.limit.left(|| topic.committer().elapsed()) else { return call(&topic) };
        let path = topic.committer().view.path().to_owned();
        let done = by_another_thread(left, &path, move || call(&topic))?;
        done.unwrap_or_else(|| Err(timed_out(self.of.full_name(), self.limit)))
    }
}

impl Store {
    /// The store, for calls that together take no longer than `limit`; [`Duration::MAX`] is no limit.
    pub fn within(&self, limit: Duration) -> Within<'_, Store> {
        Within { of: self, limit: Limit::after(limit, || self.clock().elapsed()) }
    }
}

impl Within<'_, Store> {
    /// See [`Store::topic`]. Where the limit passes, the topic is being opened: a later call finds it open.
    ///
    /// # Errors
    /// As there; [`Error::TimedOut`].
    pub fn topic(&self, name: &str) -> Result<Topic> {
        self.have_done_for(name, Store::topic)
    }

    /// See [`Store::existing_topic`] and [`Within::topic`].
    ///
    /// # Errors
    /// As there; [`Error::TimedOut`].
    pub fn existing_topic(&self, name: &str) -> Result<Topic> {
        self.have_done_for(name, Store::existing_topic)
    }

    /// See [`Store::remove_topic`].
    ///
    /// # Errors
    /// As there; [`Error::TimedOut`].
    pub fn remove_topic(&self, name: &str) -> Result<()> {
        self.have_done_for(name, Store::remove_topic)
    }

    /// See [`Store::flush`].
    ///
    /// # Errors
    /// As there; [`Error::StoreTimedOut`].
    pub fn flush(&self) -> Result<()> {
        let done = self.have_done(Store::flush)?;
        done.unwrap_or(Err(Error::StoreTimedOut { after: self.limit.after }))
    }

    /// See [`Store::close`]. Where the limit passes, the store is being closed.
    ///
    /// # Errors
    /// As there; [`Error::StoreTimedOut`].
    pub fn close(&self) -> Result<()> {
        let done = self.have_done(Store::close)?;
        done.unwrap_or(Err(Error::StoreTimedOut { after: self.limit.after }))
    }

    fn have_done_for<T: Send + 'static>(&self, name: &str, call: fn(&Store, &str) -> Result<T>) -> Result<T> {
        let topic: TopicName = name.parse()?;
        let called = topic.clone();
        let done = self.have_done(move |store| call(store, called.as_str()))?;
        done.unwrap_or_else(|| Err(timed_out(&topic, self.limit)))
    }

    /// `None` where the limit passed before.
    fn have_done<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> Result<Option<Result<T>>> {
        let store = self.of.clone();
        match self.limit.left(|| store.clock().elapsed()) {
            None => Ok(Some(call(&store))),
            Some(left) => by_another_thread(left, self.of.path(), move || call(&store)),
        }
    }
}

fn timed_out(topic: &TopicName, limit: Limit) -> Error {
    Error::TimedOut { topic: topic.clone(), after: limit.after }
}

/// Has a thread of its own make the call, and waits for it so long. `None` where that passed before: the call goes on,
/// and nobody hears what comes of it.
fn by_another_thread<T: Send + 'static>(
    limit: Duration,
    path: &Path,
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<Option<T>> {
    let (answer, answered) = bounded(1);
    let thread = std::thread::Builder::new().name("evlog-errand".into()).spawn(move || {
        // Where nobody waits any more there is nobody to be told.
        let _ = answer.send(call());
    });
    let thread = thread.map_err(|source| {
        let path = path.to_owned();
        evlog_core::Error::Io { operation: "start a thread for", path, offset: None, source }
    })?;
    match answered.recv_timeout(limit) {
        Ok(answer) => {
            // It has nothing left to do, so that no thread outlives a call that was done in time.
            let _ = thread.join();
            Ok(Some(answer))
        }
        Err(RecvTimeoutError::Timeout) => Ok(None),
        // It ended without an answer: whoever called hears the panic, as if there had been no other thread.
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => resume_unwind(panic),
            Ok(()) => Ok(None),
        },
    }
}
