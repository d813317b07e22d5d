//! What to read: where from, how far, how many, in which direction.

use crate::position::{Place, Position, Timestamp};

/// Which events a reader sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadLevel {
    /// Those that a power loss cannot take away any more.
    #[default]
    Durable,
    /// All that were written, also those that a power loss may still take away.
    Written,
}

/// What to read. A [`Place`] or a [`Position`] alone reads everything from there on.
///
/// ```
/// use evlog_core::{Place, Read};
///
/// let newest_ten_of_the_first_hundred = Read::from(Place::Oldest).to(100).reverse().limit(10);
/// # let _ = newest_ten_of_the_first_hundred;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub(crate) from: Place,
    pub(crate) to: Option<Place>,
    pub(crate) limit: Option<u64>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) direction: Direction,
    pub(crate) level: ReadLevel,
}

/// Which way a reader walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Reverse,
}

impl Read {
    /// Everything from `place` on, oldest first, durable events only.
    pub fn from(place: impl Into<Place>) -> Read {
        Read {
            from: place.into(),
            to: None,
            limit: None,
            since: None,
            direction: Direction::Forward,
            level: ReadLevel::default(),
        }
    }

    /// Nothing at or behind `place`. Without this, reading ends with the log.
    pub fn to(mut self, place: impl Into<Place>) -> Read {
        self.to = Some(place.into());
        self
    }

    /// At most so many events.
    pub fn limit(mut self, events: u64) -> Read {
        self.limit = Some(events);
        self
    }

    /// Only events whose timestamp is at or after `time`, wherever they stand. To begin at such an event and read
    /// all that follow, whatever their timestamps, read from [`Place::Since`].
    pub fn since(mut self, time: Timestamp) -> Read {
        self.since = Some(time);
        self
    }

    /// The same events, newest first; a [`Read::limit`] then counts from the newest.
    pub fn reverse(mut self) -> Read {
        self.direction = Direction::Reverse;
        self
    }

    /// Which events are seen; [`ReadLevel::Durable`] unless this says otherwise.
    pub fn level(mut self, level: ReadLevel) -> Read {
        self.level = level;
        self
    }
}

impl From<Place> for Read {
    fn from(place: Place) -> Read {
        Read::from(place)
    }
}

impl From<Position> for Read {
    fn from(position: Position) -> Read {
        Read::from(Place::At(position))
    }
}

impl From<Position> for Place {
    fn from(position: Position) -> Place {
        Place::At(position)
    }
}

/// One event, its payload borrowed from the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Its place in the log.
    pub position: Position,
    /// Its time, as it was given.
    pub timestamp: Timestamp,
    /// The caller's number, 0 for none.
    pub schema: u32,
    /// Its bytes.
    pub payload: &'a [u8],
}

impl Event<'_> {
    /// The event with a payload of its own.
    pub fn to_owned(&self) -> OwnedEvent {
        OwnedEvent {
            position: self.position,
            timestamp: self.timestamp,
            schema: self.schema,
            payload: self.payload.to_vec(),
        }
    }
}

/// One event with a payload of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedEvent {
    /// Its place in the log.
    pub position: Position,
    /// Its time, as it was given.
    pub timestamp: Timestamp,
    /// The caller's number, 0 for none.
    pub schema: u32,
    /// Its bytes.
    pub payload: Vec<u8>,
}
