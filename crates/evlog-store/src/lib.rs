//! Topics over `evlog-core`: batching threads, durability, retention, metrics, typed events.

#![forbid(unsafe_code)]

// In dependency order: a module imports only modules above it.
mod name;
mod sync;

pub mod units;

pub mod metrics;
pub mod retention;

#[cfg(feature = "rkyv")]
pub mod schema;
#[cfg(feature = "value")]
pub mod value;

mod clock;
mod error;
mod options;

mod trim;
mod watermark;

mod queue;

mod committer;

mod appending;
mod lookout;

mod upkeep;

mod batching;
mod reader;

mod topic;

#[cfg(feature = "rkyv")]
pub mod typed;

mod store;

pub use clock::{Clock, MonotonicClock};
pub use error::{Error, Result};
pub use evlog_core::{
    Batch, Event, Gap, OwnedEvent, Place, Position, Read, ReadLevel, Recovery, Report, Timestamp,
};
pub use name::{InvalidName, NameFault, TopicName};
pub use options::{Durability, Options, Timestamps, WhenFull};
pub use reader::{Events, Follower, Reader};
#[cfg(feature = "rkyv")]
pub use rkyv;
pub use store::Store;
pub use topic::{Ticket, Topic};
#[cfg(feature = "rkyv")]
pub use typed::TypedTopic;

/// The example of the readme, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
