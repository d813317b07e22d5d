//! One topic of a store, as its users hold it.

use std::ops::Range;
use std::time::Duration;

use evlog_core::{
    Batch, OwnedEvent, Place, Position, Read, ReadLevel, Report, SegmentSummary, Timestamp, Verification,
};

use crate::committer::{Committer, OpenTopic};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::limit::Limit;
use crate::metrics::TopicSnapshot;
use crate::name::TopicName;
use crate::options::Durability;
use crate::queue::Accepted;
use crate::reader::{Follower, Reader};
use crate::retention::Retention;
use crate::sync::Arc;
use crate::trims::Trims;
use crate::watermark::Goal;
#[cfg(feature = "async")]
use crate::watermark::Seat;

/// A named log with its queue, its retention and its metrics. Cheap to clone, usable from all threads at once.
///
/// # When it was closed, and when it is poisoned
///
/// [`Topic::close`], or the store's, writes and syncs what was accepted before. A failed write or sync poisons a topic
/// until it is closed and opened again. What its handles answer then:
///
/// | | closed | poisoned |
/// |---|---|---|
/// | appends, `flush`, `roll`, `trim_before`, `set_retention`, `enforce_retention` | [`Error::Closed`] | [`evlog_core::Error::Poisoned`] |
/// | `read`, `last`, `latest`, `find`, `position_of`, `follow` | [`Error::Closed`] | what is durable |
/// | a [`Reader`] that was open | goes on to the end | goes on to the end |
/// | a [`Follower`], a [`Trims`], [`Topic::wait_past`] | what is there, then at once [`Error::Closed`] | what is there, then at once [`evlog_core::Error::Poisoned`] |
/// | a [`Ticket`] of before | what the close has made of it | its own error: see [`Ticket::wait_for`] |
/// | `range`, `durable_end`, `segments`, `metrics`, `recovery_report`, `verify` | as it was in the end | as it is |
/// | `close` | [`Error::Closed`] | what is in doubt, or [`evlog_core::Error::Poisoned`] |
///
/// Nobody waits on: threads and tasks that wait for any of this wake up. Who wants to go on gets the topic from its
/// store again.
#[derive(Clone, Debug)]
pub struct Topic {
    committer: Arc<OpenTopic>,
}

/// What an append gives: where the events will be, and a way to wait for them.
#[derive(Clone, Debug)]
#[must_use = "events that nobody waits for are durable within the batch timeout, but nobody hears of a failure"]
pub struct Ticket {
    accepted: Accepted,
    topic: Arc<OpenTopic>,
}

impl Ticket {
    /// The positions of the events. Provisional until the ticket is served: where a write fails, they are given to
    /// other events.
    pub fn positions(&self) -> Range<Position> {
        self.accepted.positions.clone()
    }

    /// What [`Ticket::wait`] waits for: the option `durability` of the store.
    pub fn durability(&self) -> Durability {
        self.topic.options.durability
    }

    /// Waits until the events have the topic's default durability.
    ///
    /// # Errors
    /// Why they never will; see [`Ticket::wait_for`].
    pub fn wait(&self) -> Result<Range<Position>> {
        self.wait_for(self.durability())
    }

    /// Waits until the events have this durability.
    ///
    /// # Errors
    /// [`evlog_core::Error::NoSpace`], [`evlog_core::Error::NotWritten`] and [`Error::NotWritten`]: they will never
    /// appear. [`evlog_core::Error::Indeterminate`]: all of them appear or none, and the next open decides.
    pub fn wait_for(&self, durability: Durability) -> Result<Range<Position>> {
        self.wait_until(durability, Limit::NONE)
    }

    /// As [`Ticket::wait_for`], no longer than `timeout`: a batching thread does the work, so that the limit holds
    /// whatever the disk does.
    ///
    /// # Errors
    /// [`Error::TimedOut`], after which one may wait again; else as for [`Ticket::wait_for`].
    pub fn wait_timeout(&self, durability: Durability, timeout: Duration) -> Result<Range<Position>> {
        self.wait_until(durability, Limit::after(timeout, || self.topic.elapsed()))
    }

    pub(crate) fn wait_until(&self, durability: Durability, limit: Limit) -> Result<Range<Position>> {
        self.topic.wait(&self.accepted, durability, limit).map(|()| self.positions())
    }
}

#[cfg(feature = "async")]
impl IntoFuture for Ticket {
    type Output = Result<Range<Position>>;
    type IntoFuture = Served;

    /// A future of [`Ticket::wait`], for any runtime: a batching thread does the work.
    fn into_future(self) -> Served {
        Served { ticket: self, seat: None }
    }
}

/// The future of a [`Ticket`].
#[cfg(feature = "async")]
#[derive(Debug)]
pub struct Served {
    ticket: Ticket,
    seat: Option<Seat>,
}

#[cfg(feature = "async")]
impl Future for Served {
    type Output = Result<Range<Position>>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        let Served { ticket: Ticket { accepted, topic }, seat } = &mut *self;
        topic
            .poll(accepted, topic.options.durability, context, seat)
            .map(|served| served.map(|()| accepted.positions.clone()))
    }
}

impl Topic {
    pub(crate) fn new(committer: Arc<OpenTopic>) -> Topic {
        Topic { committer }
    }

    /// The topic's name.
    pub fn name(&self) -> &str {
        self.full_name().as_str()
    }

    pub(crate) fn committer(&self) -> &Committer {
        &self.committer
    }

    pub(crate) fn full_name(&self) -> &TopicName {
        &self.committer.name
    }

    /// The time of day, as events get it.
    #[cfg(feature = "rkyv")]
    pub(crate) fn now(&self) -> Timestamp {
        self.committer.view.now()
    }

    /// Appends an event whose time is now. Returns at once, unless the queue is full.
    ///
    /// # Errors
    /// [`evlog_core::Error::TooLarge`], [`evlog_core::Error::Poisoned`], [`Error::Closed`], [`Error::QueueFull`].
    pub fn append(&self, payload: impl AsRef<[u8]>) -> Result<Ticket> {
        self.append_as(None, 0, payload.as_ref(), Limit::NONE)
    }

    /// Appends an event with a timestamp and a schema of its own.
    ///
    /// # Errors
    /// As for [`Topic::append`].
    pub fn append_at(&self, timestamp: Timestamp, schema: u32, payload: impl AsRef<[u8]>) -> Result<Ticket> {
        self.append_as(Some(timestamp), schema, payload.as_ref(), Limit::NONE)
    }

    /// As [`Topic::append_at`]; the time is now where none is given.
    pub(crate) fn append_as(
        &self,
        timestamp: Option<Timestamp>,
        schema: u32,
        payload: &[u8],
        limit: Limit,
    ) -> Result<Ticket> {
        self.ticket(self.committer.append(timestamp, schema, payload, limit)?)
    }

    /// Appends a batch, which stays whole. An empty one takes no position.
    ///
    /// # Errors
    /// As for [`Topic::append`].
    pub fn append_batch(&self, batch: &Batch) -> Result<Ticket> {
        self.append_batch_as(batch, None, Limit::NONE)
    }

    /// Appends a batch if its first event gets position `expected`.
    ///
    /// # Errors
    /// [`Error::WrongPosition`], and then nothing was appended; else as for [`Topic::append`].
    pub fn append_if(&self, expected: Position, batch: &Batch) -> Result<Ticket> {
        self.append_batch_as(batch, Some(expected), Limit::NONE)
    }

    /// As [`Topic::append_if`], or [`Topic::append_batch`] where nothing is expected.
    pub(crate) fn append_batch_as(
        &self,
        batch: &Batch,
        expected: Option<Position>,
        limit: Limit,
    ) -> Result<Ticket> {
        self.ticket(self.committer.append_batch(batch, expected, limit)?)
    }

    #[expect(clippy::unnecessary_wraps, reason = "it ends the appends above, which fail")]
    fn ticket(&self, accepted: Accepted) -> Result<Ticket> {
        Ok(Ticket { accepted, topic: Arc::clone(&self.committer) })
    }

    /// Makes everything accepted so far durable, and returns the position behind it.
    ///
    /// # Errors
    /// As for [`Ticket::wait_for`].
    pub fn flush(&self) -> Result<Position> {
        self.committer.flush(Limit::NONE)
    }

    /// A reader of what is asked for: durable events only, unless the [`Read`] says otherwise.
    ///
    /// # Errors
    /// [`Error::Log`] with [`evlog_core::Error::Trimmed`] or [`evlog_core::Error::OutOfRange`].
    pub fn read(&self, read: impl Into<Read>) -> Result<Reader> {
        self.committer.check_readable()?;
        Ok(Reader::new(self.committer.view.read(read)?, Arc::clone(&self.committer)))
    }

    /// The last `count` durable events, oldest first; fewer where there are fewer.
    ///
    /// # Errors
    /// As for [`Reader::next`].
    pub fn last(&self, count: u64) -> Result<Vec<OwnedEvent>> {
        self.read(Place::Last(count))?.into_events().collect()
    }

    /// The newest durable event.
    ///
    /// # Errors
    /// As for [`Reader::next`].
    pub fn latest(&self) -> Result<Option<OwnedEvent>> {
        self.read(Read::from(Place::Oldest).reverse().limit(1))?.into_events().next().transpose()
    }

    /// The position of the first durable event whose timestamp is at or after `time`; the durable end where there is
    /// none.
    ///
    /// # Errors
    /// See [`evlog_core::View::find`].
    pub fn find(&self, time: Timestamp) -> Result<Position> {
        self.position_of(Place::Since(time))
    }

    /// The position that a place stands for right now, among the durable events.
    ///
    /// # Errors
    /// As for [`Topic::find`], where it is a time.
    pub fn position_of(&self, place: impl Into<Place>) -> Result<Position> {
        self.committer.check_readable()?;
        Ok(self.committer.view.position_of(place.into(), ReadLevel::Durable)?)
    }

    /// Reads on from `place` as the topic grows: durable events only.
    ///
    /// # Errors
    /// As for [`Topic::read`].
    pub fn follow(&self, place: impl Into<Place>) -> Result<Follower> {
        self.follow_level(place, ReadLevel::Durable)
    }

    /// As [`Topic::follow`], for events of this level.
    ///
    /// # Errors
    /// As for [`Topic::read`].
    pub fn follow_level(&self, place: impl Into<Place>, level: ReadLevel) -> Result<Follower> {
        Ok(Follower::new(self.read(Read::from(place).level(level))?, level))
    }

    /// The readable positions: from the first one left up to the end of what was written.
    pub fn range(&self) -> Range<Position> {
        self.committer.view.range()
    }

    /// Everything before this position is durable.
    pub fn durable_end(&self) -> Position {
        self.committer.view.durable_end()
    }

    /// Waits until the event at `position` is durable; `false` where `timeout` passed before.
    ///
    /// # Errors
    /// [`Error::Closed`] and [`evlog_core::Error::Poisoned`] where it will not come.
    pub fn wait_past(&self, position: Position, timeout: Duration) -> Result<bool> {
        self.committer.wait_until(Goal::Event(position, ReadLevel::Durable), Some(timeout))
    }

    /// Drops whole segments from the front whose events all lie before `position`, and returns the new start.
    ///
    /// # Errors
    /// See [`evlog_core::Log::trim_before`].
    pub fn trim_before(&self, position: Position) -> Result<Position> {
        self.committer.trim_before(position)
    }

    /// Word of what is trimmed of the events from `from` on: of the first one that is left, to hear of what goes from
    /// now on; or where an earlier [`Trims`] has got to, to hear also of what went in between.
    pub fn trims(&self, from: Position) -> Trims {
        Trims::new(from, Arc::clone(&self.committer))
    }

    /// Changes what the topic keeps, from now on and until it is closed.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn set_retention(&self, retention: Retention) -> Result<()> {
        self.committer.set_retention(retention)
    }

    /// Drops now what the policy does not keep, and returns the start. It happens by itself after every roll, and as
    /// events grow old.
    ///
    /// # Errors
    /// As for [`Topic::trim_before`].
    pub fn enforce_retention(&self) -> Result<Position> {
        self.committer.enforce_retention()
    }

    /// Makes everything durable and starts a new segment, so that all events so far can be trimmed.
    ///
    /// # Errors
    /// As for [`Topic::flush`].
    pub fn roll(&self) -> Result<()> {
        self.committer.roll()
    }

    /// What the topic has counted since it was opened, and how far it reaches.
    ///
    /// # Errors
    /// [`Error::Log`] where its segments cannot be looked at.
    pub fn metrics(&self) -> Result<TopicSnapshot> {
        self.committer.snapshot()
    }

    /// What the open of the topic found and did.
    pub fn recovery_report(&self) -> &Report {
        self.committer.report()
    }

    /// What is known of each segment, oldest first.
    ///
    /// # Errors
    /// See [`evlog_core::View::segments`].
    pub fn segments(&self) -> Result<Vec<SegmentSummary>> {
        Ok(self.committer.view.segments()?)
    }

    /// Reads everything written and checks every checksum.
    ///
    /// # Errors
    /// See [`evlog_core::View::verify`].
    pub fn verify(&self) -> Result<Verification> {
        Ok(self.committer.view.verify(|_| {})?)
    }

    /// Commits everything and closes the topic for all its handles. The store opens it again when asked.
    ///
    /// # Errors
    /// That of the last sync; [`Error::Closed`] where it was closed before.
    pub fn close(&self) -> Result<()> {
        self.committer.close()
    }
}
