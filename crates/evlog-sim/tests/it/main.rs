//! Tests of the fake disk, and of the log on it.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod crashes;
mod disk;
mod flips;
mod fuzz_replay;
mod processes;
mod properties;
