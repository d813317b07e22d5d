//! Tests of the C interface that need no C.

#![cfg(feature = "test-hooks")]

mod fuzz_replay;
mod random_calls;
