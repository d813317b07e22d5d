//! Tests of the log as its users see it, on the real disk.

mod append;
mod common;
