//! Tests of evlog-store through its public face.

#![allow(clippy::expect_used, reason = "a test stops at the first surprise")]

mod metrics;
mod retention;
mod units;
