//! The command as its users meet it: as a process with inputs, outputs, signals and an exit code.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption stops the test, also in what tests share"
)]

mod append;
mod common;
mod damage;
mod examine;
mod help;
mod locks;
mod read;
mod refusals;
mod signals;
mod terminal;
