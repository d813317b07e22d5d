//! The command as its users meet it: as a process with inputs, outputs, signals and an exit code.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption stops the test, also in what tests share"
)]

mod append;
mod change;
mod common;
mod damage;
mod examine;
mod follow;
mod help;
mod locks;
mod read;
mod refusals;
mod signals;
mod terminal;
mod tools;
mod values;
