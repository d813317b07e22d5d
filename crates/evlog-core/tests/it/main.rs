//! Tests of the log as its users see it, on the real disk.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests play the part of others, who do to the disk what they like"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test a failed assumption should stop it, there and then"
)]
#![allow(clippy::cast_possible_wrap, reason = "positions in tests are small")]

mod append;
mod common;
