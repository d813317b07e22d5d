//! Topics over `evlog-core`: batching threads, durability, retention, metrics, typed events.

#![forbid(unsafe_code)]

// In dependency order: a module imports only modules above it.
mod sync;

pub mod retention;
pub mod units;
