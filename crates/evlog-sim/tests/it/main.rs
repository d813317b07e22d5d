//! Tests of the fake disk, and of the log on it.
#![allow(clippy::print_stderr, reason = "what a campaign counted is shown with its failures")]
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod crashes;
mod disk;
mod flips;
