//! Reading a topic, and following it as it grows.

#[cfg(feature = "async")]
use std::pin::Pin;
#[cfg(feature = "async")]
use std::task::{Context, Poll, ready};
use std::time::Duration;

use evlog_core::{Event, OwnedEvent, Position, ReadLevel};

use crate::committer::OpenTopic;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
#[cfg(feature = "rkyv")]
use crate::name::TopicName;
use crate::sync::Arc;
use crate::watermark::Goal;
#[cfg(feature = "async")]
use crate::watermark::Seat;

/// Reads events of a topic, each borrowed until the next call. It holds no lock that an append needs, keeps no file
/// from being trimmed, and goes on reading what is there after its topic was closed.
#[derive(Debug)]
pub struct Reader {
    inner: evlog_core::Reader,
    topic: Arc<OpenTopic>,
    began: Duration,
    events: u64,
    bytes: u64,
}

impl Reader {
    pub(crate) fn new(inner: evlog_core::Reader, topic: Arc<OpenTopic>) -> Reader {
        let began = topic.elapsed();
        Reader { inner, topic, began, events: 0, bytes: 0 }
    }

    /// The next event; `None` at the end of what was to be read, or of the topic. Where the topic grows afterwards, a
    /// later call goes on.
    ///
    /// # Errors
    /// [`Error::Log`] with [`evlog_core::Error::Gap`] for positions that cannot be read: the next call goes on behind
    /// them. With [`evlog_core::Error::Trimmed`] where retention was faster: [`Reader::seek`] to the start it names.
    #[expect(clippy::should_implement_trait, reason = "a lending iterator cannot implement Iterator")]
    pub fn next(&mut self) -> Result<Option<Event<'_>>> {
        self.advance()?;
        Ok(self.event())
    }

    /// Goes to the next event, which [`Reader::event`] then returns; `false` where [`Reader::next`] returns none.
    ///
    /// # Errors
    /// As for [`Reader::next`].
    pub fn advance(&mut self) -> Result<bool> {
        match self.inner.advance() {
            Ok(is_there) => {
                if let Some(event) = self.inner.event() {
                    self.events += 1;
                    self.bytes += event.payload.len() as u64;
                }
                Ok(is_there)
            }
            Err(error) => {
                match error {
                    evlog_core::Error::Gap(_) => self.topic.metrics.met_damage(),
                    evlog_core::Error::Trimmed { .. } => {}
                    _ => self.topic.metrics.read_failed(),
                }
                Err(error.into())
            }
        }
    }

    /// The current event: the one that was returned last.
    pub fn event(&self) -> Option<Event<'_>> {
        self.inner.event()
    }

    /// The name of the topic.
    #[cfg(feature = "rkyv")]
    pub(crate) fn topic(&self) -> &TopicName {
        &self.topic.name
    }

    /// The position that the next call looks at first.
    pub fn position(&self) -> Position {
        self.inner.position()
    }

    /// Goes on at `position`.
    pub fn seek(&mut self, position: Position) {
        self.inner.seek(position);
    }

    /// The events with payloads of their own, as an iterator. An error does not end it: it goes on as
    /// [`Reader::next`] does.
    pub fn into_events(self) -> Events {
        Events { reader: self }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let took = self.topic.elapsed().saturating_sub(self.began);
        self.topic.metrics.read(self.events, self.bytes, took);
    }
}

/// Events with payloads of their own; see [`Reader::into_events`].
#[derive(Debug)]
pub struct Events {
    reader: Reader,
}

impl Iterator for Events {
    type Item = Result<OwnedEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        self.reader.next().map(|event| event.as_ref().map(Event::to_owned)).transpose()
    }
}

/// Reads a topic on as it grows, waiting at its end; see [`Topic::follow`](crate::Topic::follow).
#[derive(Debug)]
pub struct Follower {
    reader: Reader,
    level: ReadLevel,
    #[cfg(feature = "async")]
    seat: Option<Seat>,
    /// The stream has said how it ends.
    #[cfg(feature = "async")]
    is_over: bool,
}

impl Follower {
    pub(crate) fn new(reader: Reader, level: ReadLevel) -> Follower {
        Follower {
            reader,
            level,
            #[cfg(feature = "async")]
            seat: None,
            #[cfg(feature = "async")]
            is_over: false,
        }
    }

    /// The next event, once there is one; `None` where `timeout` passed before. Without a timeout it waits as long as
    /// the topic can grow.
    ///
    /// # Errors
    /// As for [`Reader::next`]. Behind the last event, [`Error::Closed`] where the topic was closed, and
    /// [`evlog_core::Error::Poisoned`] where it takes no more appends.
    pub fn next(&mut self, timeout: Option<Duration>) -> Result<Option<Event<'_>>> {
        let deadline = timeout.map(|span| self.reader.topic.elapsed().saturating_add(span));
        while !self.reader.advance()? {
            let topic = &self.reader.topic;
            let left = deadline.map(|end| end.saturating_sub(topic.elapsed()));
            if !topic.wait_until(self.goal(), left)? {
                return Ok(None);
            }
        }
        Ok(self.reader.event())
    }

    /// What there must be for the next call to give an event.
    fn goal(&self) -> Goal {
        Goal::Event(self.reader.position(), self.level)
    }

    /// What was read last.
    #[cfg(feature = "rkyv")]
    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The position that the next call looks at first.
    pub fn position(&self) -> Position {
        self.reader.position()
    }

    /// Goes on at `position`.
    pub fn seek(&mut self, position: Position) {
        self.reader.seek(position);
    }
}

#[cfg(feature = "async")]
impl Follower {
    /// Goes to the next event, which its reader then has, or has the task woken once there may be one; `None` where
    /// there will be none.
    pub(crate) fn poll_advance(&mut self, context: &Context<'_>) -> Poll<Option<Result<()>>> {
        let topic = Arc::clone(&self.reader.topic);
        while !self.is_over {
            match self.reader.advance() {
                Ok(true) => return Poll::Ready(Some(Ok(()))),
                Ok(false) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            if let Err(error) = ready!(topic.poll_until(self.goal(), context, &mut self.seat)) {
                self.is_over = error.is_the_end();
                return Poll::Ready((!error.is_close()).then_some(Err(error)));
            }
        }
        Poll::Ready(None)
    }
}

#[cfg(feature = "async")]
impl futures_core::Stream for Follower {
    type Item = Result<OwnedEvent>;

    /// The next event with a payload of its own. The stream ends where the topic was closed, and behind the error that
    /// says that it was poisoned; no other error ends it.
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.poll_advance(context).map(|advanced| match advanced? {
            Ok(()) => this.reader.event().as_ref().map(Event::to_owned).map(Ok),
            Err(error) => Some(Err(error)),
        })
    }
}
