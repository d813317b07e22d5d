//! `cargo xtask bench`: what things cost, measured side by side on the machine at hand.

mod ffi;

use clap::{Args, Subcommand};

use crate::process::Failure;

#[derive(Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// An append from C beside one from Rust.
    Ffi(ffi::Ffi),
}

/// Measures.
///
/// # Errors
/// Where something cannot be built or run, or misses its goal.
pub(crate) fn run(asked: &Bench) -> Result<(), Failure> {
    match &asked.what {
        What::Ffi(asked) => ffi::run(asked),
    }
}
