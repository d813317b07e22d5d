//! Tests of the log as its users see it, on the real disk.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests play the part of others, who do to the disk what they like"
)]
#![allow(clippy::cast_possible_wrap, reason = "positions in tests are small")]

mod append;
mod common;
