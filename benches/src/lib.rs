//! The workloads that `cargo xtask bench` measures, and what evlog is measured against on the same disk: the raw limits.
//!
//! Each measurement is a process of its own, which [`program`] is the whole of: it opens one [`subject`] in a fresh
//! folder, runs one [`workload`] on it, and says on a line of JSON what came out. Another process then reopens the folder
//! and compares every event. Peers are subjects in a workspace of their own, `benches/peers`, around the same program.

#![forbid(unsafe_code)]

pub mod outcome;

pub mod payload;

pub mod machine;

pub mod subject;

mod raw;

mod evlog;

pub mod workload;

pub mod original;

pub mod program;
