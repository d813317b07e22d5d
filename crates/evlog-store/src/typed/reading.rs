//! Reading values in place, and following as they come.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use evlog_core::{Event, Position, Timestamp};

use crate::error::{Error, Result};
use crate::name::TopicName;
use crate::reader::{Follower, Reader};
use crate::schema::{self, Decode, Schema, SchemaError, SchemaTag, Scratch};
use crate::sync::Arc;

/// One event, its value read where it lies: in the reader's buffer.
pub struct TypedEvent<'a, T: Schema> {
    /// Its place in the topic.
    pub position: Position,
    /// Its time in microseconds since the Unix epoch, as it was given.
    pub timestamp: Timestamp,
    /// The archived value, checked.
    pub value: &'a T::Archived,
    topic: &'a TopicName,
}

impl<T: Decode> TypedEvent<'_, T> {
    /// The value itself.
    ///
    /// # Errors
    /// [`Error::Payload`] where the type's own decoding refuses it.
    pub fn decode(&self) -> Result<T> {
        schema::take_out(self.value).map_err(|error| bad_payload(self.topic, self.position, error))
    }

    /// The event with a value of its own.
    ///
    /// # Errors
    /// As for [`TypedEvent::decode`].
    pub fn to_owned(&self) -> Result<OwnedTypedEvent<T>> {
        let TypedEvent { position, timestamp, .. } = *self;
        Ok(OwnedTypedEvent { position, timestamp, value: self.decode()? })
    }
}

impl<T: Schema<Archived: fmt::Debug>> fmt::Debug for TypedEvent<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TypedEvent { position, timestamp, value, .. } = self;
        out.debug_struct("TypedEvent")
            .field("position", position)
            .field("timestamp", timestamp)
            .field("value", value)
            .finish()
    }
}

/// One event with a value of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedTypedEvent<T> {
    /// Its place in the topic.
    pub position: Position,
    /// Its time in microseconds since the Unix epoch, as it was given.
    pub timestamp: Timestamp,
    /// Its value.
    pub value: T,
}

/// Reads values of a topic, each borrowed until the next call; see [`Reader`].
#[derive(Debug)]
pub struct TypedReader<T> {
    reader: Reader,
    check: Check<T>,
}

impl<T: Schema> TypedReader<T> {
    pub(super) fn new(reader: Reader, number: u32) -> TypedReader<T> {
        TypedReader { reader, check: Check::new(number) }
    }

    /// The next event; `None` at the end of what was to be read, or of the topic. Where the topic grows afterwards, a
    /// later call goes on.
    ///
    /// # Errors
    /// [`Error::Schema`] and [`Error::Payload`], for this one event: the next call goes on behind it. Else as for
    /// [`Reader::next`].
    #[expect(clippy::should_implement_trait, reason = "a lending iterator cannot implement Iterator")]
    pub fn next(&mut self) -> Result<Option<TypedEvent<'_, T>>> {
        self.reader.advance()?;
        self.check.show(&self.reader)
    }

    /// The position that the next call looks at first.
    pub fn position(&self) -> Position {
        self.reader.position()
    }

    /// Goes on at `position`.
    pub fn seek(&mut self, position: Position) {
        self.reader.seek(position);
    }

    /// The events with values of their own, as an iterator. An error does not end it: it goes on as
    /// [`TypedReader::next`] does.
    pub fn into_events(self) -> TypedEvents<T>
    where
        T: Decode,
    {
        TypedEvents { reader: self }
    }
}

/// Events with values of their own; see [`TypedReader::into_events`].
#[derive(Debug)]
pub struct TypedEvents<T> {
    reader: TypedReader<T>,
}

impl<T: Decode> Iterator for TypedEvents<T> {
    type Item = Result<OwnedTypedEvent<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.reader.next().transpose()?;
        Some(next.and_then(|event| event.to_owned()))
    }
}

/// Reads values on as their topic grows, waiting at its end; see [`Follower`].
#[derive(Debug)]
pub struct TypedFollower<T> {
    follower: Follower,
    check: Check<T>,
}

impl<T: Schema> TypedFollower<T> {
    pub(super) fn new(follower: Follower, number: u32) -> TypedFollower<T> {
        TypedFollower { follower, check: Check::new(number) }
    }

    /// The next event, once there is one; `None` where `timeout` passed before. Without a timeout it waits as long as
    /// the topic can grow.
    ///
    /// # Errors
    /// As for [`TypedReader::next`] and [`Follower::next`].
    pub fn next(&mut self, timeout: Option<Duration>) -> Result<Option<TypedEvent<'_, T>>> {
        self.follower.next(timeout)?;
        self.check.show(self.follower.reader())
    }

    /// The position that the next call looks at first.
    pub fn position(&self) -> Position {
        self.follower.position()
    }

    /// Goes on at `position`.
    pub fn seek(&mut self, position: Position) {
        self.follower.seek(position);
    }
}

#[cfg(feature = "async")]
impl<T: Decode> futures_core::Stream for TypedFollower<T> {
    type Item = Result<OwnedTypedEvent<T>>;

    /// The next event with a value of its own. It ends as the stream of a [`Follower`] does.
    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let TypedFollower { follower, check } = &mut *self;
        follower.poll_advance(context).map(|advanced| {
            let shown = advanced?.and_then(|()| check.show(follower.reader())).transpose()?;
            Some(shown.and_then(|event| event.to_owned()))
        })
    }
}

/// Checks that events are of the type.
#[derive(Debug)]
struct Check<T> {
    number: u32,
    /// Where payloads are copied that lie misaligned.
    scratch: Scratch,
    of: PhantomData<fn() -> T>,
}

impl<T: Schema> Check<T> {
    fn new(number: u32) -> Check<T> {
        Check { number, scratch: Scratch::default(), of: PhantomData }
    }

    /// The reader's current event as one of the type.
    fn show<'a>(&'a mut self, reader: &'a Reader) -> Result<Option<TypedEvent<'a, T>>> {
        let Some(Event { position, timestamp, schema, payload }) = reader.event() else { return Ok(None) };
        let topic = reader.topic();
        if schema != self.number {
            let expected = Box::new(SchemaTag::of::<T>());
            return Err(Error::Schema { topic: topic.clone(), position, found: schema, expected });
        }
        self.scratch.shrink();
        let value = schema::access::<T>(payload, &mut self.scratch)
            .map_err(|error| bad_payload(topic, position, error))?;
        Ok(Some(TypedEvent { position, timestamp, value, topic }))
    }
}

fn bad_payload(topic: &TopicName, position: Position, error: SchemaError) -> Error {
    Error::Payload { topic: topic.clone(), position, source: Arc::new(error) }
}

#[cfg(test)]
mod tests {
    use rkyv::Archive;

    use crate::schema::Schema;
    use crate::{Options, Place, Store};

    #[derive(Archive, rkyv::Serialize)]
    struct Reading {
        sensor: u64,
        name: String,
    }

    impl Schema for Reading {
        const NAME: &'static str = "test.Reading";
        const VERSION: u32 = 1;
    }

    #[test]
    fn values_are_read_where_they_lie() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store"), &Options::new()).unwrap();
        let topic = store.typed::<Reading>("a").unwrap();
        for sensor in 0..1_000 {
            let name = "x".repeat(sensor as usize % 50);
            let _ = topic.append(&Reading { sensor, name }).unwrap();
        }
        topic.topic().flush().unwrap();
        let mut reader = topic.read(Place::Oldest).unwrap();
        for sensor in 0..1_000 {
            let event = reader.next().unwrap().unwrap();
            assert_eq!(
                (event.value.sensor.to_native(), event.value.name.len() as u64),
                (sensor, sensor % 50)
            );
        }
        assert_eq!(format!("{:?}", reader.check.scratch), "Scratch([])", "nothing had to be copied");
    }
}
