//! Tests of the C interface that need no C.

#![cfg(feature = "test-hooks")]

mod random_calls;
