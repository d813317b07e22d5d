//! Tests of evlog-store through its public face.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests play the part of others, who do to the disk and to the process what they like"
)]

mod alone;
mod campaign;
mod endings;
mod examples;
mod faults;
#[cfg(feature = "value")]
mod golden;
mod guide;
#[cfg(feature = "json")]
mod json;
mod many;
mod metrics;
mod parity;
mod processes;
mod races;
mod retention;
#[cfg(feature = "rkyv")]
mod schema;
mod stage;
#[cfg(feature = "async")]
mod tasks;
mod topic;
mod topic_name;
#[cfg(feature = "tracing")]
mod trace;
mod trims;
#[cfg(feature = "rkyv")]
mod typed;
mod units;
#[cfg(feature = "value")]
mod value;
mod waiting;
mod within;
