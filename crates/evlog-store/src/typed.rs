//! Topics whose events are values of one Rust type: encoded on the way in, checked and read in place on the way out.
//!
//! # What a topic remembers of its type
//!
//! One number, [`SchemaTag::number`], made of the type's name, its version, and the size and alignment of its archived
//! root. It stands with every event, as [`Event::schema`](crate::Event::schema). It is compared
//!
//! - when a topic is opened as a type, with the number of the newest event that can be read, as far as it was written
//!   by then;
//! - with every event that is read.
//!
//! Whatever has another number is an [`Error::Schema`]: another type or another version of it, and with number 0 what
//! was appended untyped. Nothing else is remembered, and so it is *not* noticed
//!
//! - when two programs open a topic as two types while it has no events: both may append, and whoever reads meets the
//!   error at the other's events;
//! - when a topic is opened as another type after all its events were trimmed;
//! - when the archived form changes and name, version, size and alignment stay: raise [`Schema::VERSION`] with every
//!   change;
//! - when two tags happen to have one number: one pair in 2^32.
//!
//! The tag itself is not stored. Who has only the number can compare it with the tags that they know, and no more.

mod reading;

pub use reading::{OwnedTypedEvent, TypedEvent, TypedEvents, TypedFollower, TypedReader};

use std::borrow::Borrow;
use std::marker::PhantomData;

use evlog_core::{Batch, Place, Position, Read, ReadLevel, Timestamp};

use crate::error::{Error, Result};
use crate::limit::Limit;
use crate::schema::{self, Decode, Schema, SchemaTag, Scratch};
use crate::sync::{Arc, Mutex};
use crate::topic::{Ticket, Topic};

/// A [`Topic`] whose events are values of the type `T`. Cheap to clone, usable from all threads at once.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("events");
/// use evlog_store::rkyv::{Archive, Deserialize, Serialize};
/// use evlog_store::schema::Schema;
/// use evlog_store::{Options, Place, Store};
///
/// #[derive(Archive, Serialize, Deserialize)]
/// # #[rkyv(crate = evlog_store::rkyv)]
/// struct Order {
///     number: u64,
///     customer: String,
/// }
///
/// impl Schema for Order {
///     const NAME: &'static str = "shop.Order";
///     const VERSION: u32 = 1;
/// }
///
/// let store = Store::open(&path, &Options::new())?;
/// let orders = store.typed::<Order>("orders")?;
/// orders.append(&Order { number: 7, customer: "Ada".into() })?.wait()?;
///
/// let mut reader = orders.read(Place::Oldest)?;
/// while let Some(event) = reader.next()? {
///     // The archived order, where it lies in the reader's buffer.
///     assert_eq!((event.value.number.to_native(), event.value.customer.as_str()), (7, "Ada"));
/// }
/// assert_eq!(orders.latest()?.map(|event| event.value.customer).as_deref(), Some("Ada"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TypedTopic<T> {
    topic: Topic,
    /// The number that stands with every event of the type.
    number: u32,
    /// Where values are encoded, for whoever comes first.
    room: Mutex<Scratch>,
    of: PhantomData<fn(T) -> T>,
}

impl<T> Clone for TypedTopic<T> {
    fn clone(&self) -> TypedTopic<T> {
        TypedTopic { topic: self.topic.clone(), number: self.number, room: Mutex::default(), of: PhantomData }
    }
}

impl Topic {
    /// This topic, for values of one type.
    ///
    /// # Errors
    /// [`Error::Schema`] where the newest event that can be read is of another type; else as for [`Topic::read`].
    pub fn typed<T: Schema>(&self) -> Result<TypedTopic<T>> {
        let number = SchemaTag::of::<T>().number();
        match newest_schema(self)? {
            Some((position, found)) if found != number => Err(other_schema::<T>(self, position, found)),
            _ => Ok(TypedTopic { topic: self.clone(), number, room: Mutex::default(), of: PhantomData }),
        }
    }
}

/// Position and schema number of the newest event that can be read.
fn newest_schema(topic: &Topic) -> Result<Option<(Position, u32)>> {
    let mut reader = topic.read(Read::from(Place::Oldest).reverse().limit(1).level(ReadLevel::Written))?;
    loop {
        match reader.next() {
            Ok(event) => return Ok(event.map(|event| (event.position, event.schema))),
            // Damage hides this one; the one before it will do.
            Err(error) if matches!(error.log(), Some(evlog_core::Error::Gap(_))) => {}
            Err(error) => return Err(error),
        }
    }
}

fn other_schema<T: Schema>(topic: &Topic, position: Position, found: u32) -> Error {
    let (topic, expected) = (topic.full_name().clone(), Box::new(SchemaTag::of::<T>()));
    Error::Schema { topic, position, found, expected }
}

impl<T: Schema> TypedTopic<T> {
    /// The topic itself, for everything that has nothing to do with the type.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Appends a value whose time is now. Returns at once, unless the queue is full.
    ///
    /// # Errors
    /// [`Error::Value`] where it cannot be encoded; else as for [`Topic::append`].
    pub fn append(&self, value: &T) -> Result<Ticket> {
        self.encoded(value, |payload| self.topic.append_as(None, self.number, payload, Limit::NONE))
    }

    /// Appends a value with a time of its own.
    ///
    /// # Errors
    /// As for [`TypedTopic::append`].
    pub fn append_at(&self, timestamp: Timestamp, value: &T) -> Result<Ticket> {
        self.encoded(value, |payload| {
            self.topic.append_as(Some(timestamp), self.number, payload, Limit::NONE)
        })
    }

    /// Appends values that stay together, and whose time is now. Without any, it takes no position.
    ///
    /// # Errors
    /// As for [`TypedTopic::append`]; nothing is appended then.
    pub fn append_batch(&self, values: impl IntoIterator<Item: Borrow<T>>) -> Result<Ticket> {
        self.topic.append_batch(&self.batch_of_now(values)?)
    }

    /// Appends values that stay together, each with its time.
    ///
    /// # Errors
    /// As for [`TypedTopic::append_batch`].
    pub fn append_batch_at<V: Borrow<T>>(
        &self,
        values: impl IntoIterator<Item = (Timestamp, V)>,
    ) -> Result<Ticket> {
        self.topic.append_batch(&self.batch(values)?)
    }

    /// Appends values that stay together, if the first one gets position `expected`.
    ///
    /// # Errors
    /// [`Error::WrongPosition`], and then nothing was appended; else as for [`TypedTopic::append_batch`].
    pub fn append_if(
        &self,
        expected: Position,
        values: impl IntoIterator<Item: Borrow<T>>,
    ) -> Result<Ticket> {
        self.topic.append_if(expected, &self.batch_of_now(values)?)
    }

    /// A reader of what is asked for: durable events only, unless the [`Read`] says otherwise.
    ///
    /// # Errors
    /// As for [`Topic::read`].
    pub fn read(&self, read: impl Into<Read>) -> Result<TypedReader<T>> {
        Ok(TypedReader::new(self.topic.read(read)?, self.number))
    }

    /// The last `count` durable values, oldest first; fewer where there are fewer. To look at them in place, read from
    /// [`Place::Last`].
    ///
    /// # Errors
    /// As for [`TypedReader::next`].
    pub fn last(&self, count: u64) -> Result<Vec<OwnedTypedEvent<T>>>
    where
        T: Decode,
    {
        self.read(Place::Last(count))?.into_events().collect()
    }

    /// The newest durable value.
    ///
    /// # Errors
    /// As for [`TypedReader::next`].
    pub fn latest(&self) -> Result<Option<OwnedTypedEvent<T>>>
    where
        T: Decode,
    {
        self.read(Read::from(Place::Oldest).reverse().limit(1))?.into_events().next().transpose()
    }

    /// Reads on from `place` as the topic grows: durable events only.
    ///
    /// # Errors
    /// As for [`Topic::read`].
    pub fn follow(&self, place: impl Into<Place>) -> Result<TypedFollower<T>> {
        self.follow_level(place, ReadLevel::Durable)
    }

    /// As [`TypedTopic::follow`], for events of this level.
    ///
    /// # Errors
    /// As for [`Topic::read`].
    pub fn follow_level(&self, place: impl Into<Place>, level: ReadLevel) -> Result<TypedFollower<T>> {
        Ok(TypedFollower::new(self.topic.follow_level(place, level)?, self.number))
    }

    fn batch_of_now(&self, values: impl IntoIterator<Item: Borrow<T>>) -> Result<Batch> {
        let now = self.topic.now();
        self.batch(values.into_iter().map(|value| (now, value)))
    }

    fn batch<V: Borrow<T>>(&self, values: impl IntoIterator<Item = (Timestamp, V)>) -> Result<Batch> {
        let mut batch = Batch::with_schema(self.number);
        for (timestamp, value) in values {
            self.encoded(value.borrow(), |payload| Ok(batch.push(timestamp, payload)?))?;
        }
        Ok(batch)
    }

    /// Encodes a value and does something with its payload.
    fn encoded<R>(&self, value: &T, work: impl FnOnce(&[u8]) -> Result<R>) -> Result<R> {
        // Where another thread is encoding, waiting for its room would take longer than making some.
        let (mut shared, mut own) = (self.room.try_lock(), Scratch::default());
        let room = shared.as_deref_mut().unwrap_or(&mut own);
        let done = match schema::encode(value, room) {
            Ok(payload) => work(payload),
            Err(error) => {
                Err(Error::Value { topic: self.topic.full_name().clone(), source: Arc::new(error) })
            }
        };
        room.shrink();
        done
    }
}
