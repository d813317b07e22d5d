//! An embedded event store: topics over the logs of [`evlog_core`], with durability, retention, metrics and typed events.
//!
//! It is no server and needs no runtime; it copies nothing to other machines. A [`Store`] is a folder of topics, a
//! [`Topic`] takes events from all threads and is read by as many, and a [`Ticket`] says when an event is as durable as
//! its writer wants it. A few threads, two by default, write and sync for all topics of a store. Begin with the example
//! at [`Store`]; the guide, `docs/GUIDE.md`, goes on from there.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `rkyv` | yes | `TypedTopic`: events of one Rust type, checked and read in place |
//! | `value` | yes | `Value`: events whose shape is not known beforehand |
//! | `json` | no | `Value` from and to JSON |
//! | `async` | no | a ticket is a future, a follower a stream, with any runtime |
//! | `tracing` | no | word of what happens rarely, with the target `evlog` |
//!
//! With `tracing`, a topic says at `INFO` that it was opened, recovered, rolled or trimmed; at `WARN` that its log holds
//! surprises, that a sync took a second or more, or that retention failed; at `ERROR` that it was poisoned. Appends,
//! groups and reads say nothing: those are counted by the [`metrics`]. A listener may use the store, but should not
//! wait with a limit there: the thread that it keeps may be the one that would do the work, so that the limit passes.

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
mod limit;
mod options;

mod trim;

mod trace;
mod watermark;

mod queue;

mod committer;

mod appending;
mod lookout;

mod upkeep;

mod batching;
mod reader;
mod trims;

mod topic;

#[cfg(feature = "rkyv")]
pub mod typed;

mod store;

mod within;

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
pub use trims::Trims;
#[cfg(feature = "rkyv")]
pub use typed::TypedTopic;
pub use within::Within;

/// The example of the readme, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
