//! Tests of evlog-store through its public face.

mod retention;
mod units;
