//! Tests of evlog-store through its public face.

mod units;
