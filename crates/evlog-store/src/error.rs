//! What can go wrong with a store and its topics.

use std::sync::Arc;
use std::time::Duration;

use evlog_core::Position;

use crate::name::{InvalidName, TopicName};
#[cfg(feature = "rkyv")]
use crate::schema::{SchemaError, SchemaTag};
use crate::units::OptionError;

/// A result whose error is [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Why a store or a topic could not do what it was asked. Cheap to clone: the waiters of a group share one.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log below said no; see there what it means and what to do.
    #[error(transparent)]
    Log(Arc<evlog_core::Error>),
    /// The events were not written and will never appear, because an earlier group of the topic failed: they would
    /// have stood behind it. The cause is that group's error.
    #[error("nothing was written to topic {topic}: an earlier append failed")]
    NotWritten {
        /// The topic.
        topic: TopicName,
        /// What happened to the earlier group.
        source: Arc<evlog_core::Error>,
    },
    /// The text is no name of a topic.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// An option was refused.
    #[error(transparent)]
    InvalidOption(#[from] OptionError),
    /// The store has no such topic.
    #[error("there is no topic {topic}")]
    UnknownTopic {
        /// The topic.
        topic: TopicName,
    },
    /// The topic, or its store, was closed through one of its handles.
    #[error("topic {topic} is closed: get it from its store again")]
    Closed {
        /// The topic.
        topic: TopicName,
    },
    /// The store was closed.
    #[error("the store is closed: open it again")]
    StoreClosed,
    /// The topic does not end where the caller expected; nothing was appended.
    #[error("topic {topic} ends at {actual}, not at {expected}: read what came and decide again")]
    WrongPosition {
        /// The topic.
        topic: TopicName,
        /// The position that was expected to be next.
        expected: Position,
        /// The position that is next.
        actual: Position,
    },
    /// Too many bytes wait to be written, and the options say not to wait for room.
    #[error(
        "topic {topic} has {pending} bytes waiting to be written, {limit} are allowed: append more slowly"
    )]
    QueueFull {
        /// The topic.
        topic: TopicName,
        /// Bytes waiting.
        pending: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The event was appended as another type than it is read as, or untyped. The next read goes on behind it.
    #[cfg(feature = "rkyv")]
    #[error(
        "the event at {position} of topic {topic} has schema number {found:#010x}, not {:#010x} of {expected}: read \
         it as what it is, or untyped",
        expected.number()
    )]
    Schema {
        /// The topic.
        topic: TopicName,
        /// The event's position.
        position: Position,
        /// The number that stands with the event; 0 where it was appended untyped.
        found: u32,
        /// The type that it was read as.
        expected: Box<SchemaTag>,
    },
    /// The event has the right schema number, and its bytes are no such value: whoever appended it did not encode it as
    /// this does. The next read goes on behind it.
    #[cfg(feature = "rkyv")]
    #[error("the event at {position} of topic {topic} cannot be read as what its schema number says")]
    Payload {
        /// The topic.
        topic: TopicName,
        /// The event's position.
        position: Position,
        /// What the check found.
        source: Arc<SchemaError>,
    },
    /// The value cannot be stored; nothing was appended.
    #[cfg(feature = "rkyv")]
    #[error("nothing was appended to topic {topic}")]
    Value {
        /// The topic.
        topic: TopicName,
        /// Why not.
        source: Arc<SchemaError>,
    },
    /// What was waited for did not happen in time; it may still happen.
    #[error("topic {topic}: not within {after:?}")]
    TimedOut {
        /// The topic.
        topic: TopicName,
        /// How long was waited.
        after: Duration,
    },
    /// What the store was asked for is not done yet; it goes on.
    #[error("the store: not within {after:?}")]
    StoreTimedOut {
        /// How long was waited.
        after: Duration,
    },
}

impl From<evlog_core::Error> for Error {
    fn from(error: evlog_core::Error) -> Error {
        Error::Log(Arc::new(error))
    }
}

impl Error {
    /// The error of the log that is behind this one, if there is one.
    pub fn log(&self) -> Option<&evlog_core::Error> {
        match self {
            Error::Log(error) | Error::NotWritten { source: error, .. } => Some(error),
            _ => None,
        }
    }

    /// Whether it says that a topic was closed: how a stream ends that has nothing to complain of.
    #[cfg(feature = "async")]
    pub(crate) fn is_close(&self) -> bool {
        matches!(self, Error::Closed { .. })
    }

    /// Whether nothing can follow it in a stream.
    #[cfg(feature = "async")]
    pub(crate) fn is_the_end(&self) -> bool {
        self.is_close() || matches!(self.log(), Some(evlog_core::Error::Poisoned { .. }))
    }
}
