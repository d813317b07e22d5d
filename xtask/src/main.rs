//! The project's own chores: `cargo xtask CHORE`.
//!
//! Nothing here is part of the product; a chore prints what it does and ends with 1 where something is wrong.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to whoever runs it")]

mod process;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

/// The project's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Chore {
    /// Check the rules of the house that no compiler checks.
    Tidy,
}

fn main() -> ExitCode {
    let done = match Chore::parse() {
        Chore::Tidy => tidy::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
