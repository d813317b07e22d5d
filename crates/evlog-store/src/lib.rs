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

pub use name::{InvalidName, NameFault, TopicName};
#[cfg(feature = "rkyv")]
pub use rkyv;
