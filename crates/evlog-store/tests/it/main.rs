//! Tests of evlog-store through its public face.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod campaign;
mod faults;
#[cfg(feature = "value")]
mod golden;
#[cfg(feature = "json")]
mod json;
mod metrics;
mod processes;
mod races;
mod retention;
#[cfg(feature = "rkyv")]
mod schema;
mod stage;
mod topic;
#[cfg(feature = "rkyv")]
mod typed;
mod units;
#[cfg(feature = "value")]
mod value;
