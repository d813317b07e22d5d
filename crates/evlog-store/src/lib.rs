//! Topics over `evlog-core`: batching threads, durability, retention, metrics, typed events.

#![forbid(unsafe_code)]

// In dependency order: a module imports only modules above it. Blank lines keep rustfmt from sorting them.
mod sync;

mod name;

pub mod units;

pub mod metrics;

pub mod retention;

pub use name::{InvalidName, NameFault, TopicName};
