//! The project's own chores: `cargo xtask CHORE`.
//!
//! Nothing here is part of the product; a chore prints what it does and ends with 1 where something is wrong.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to whoever runs it")]

mod process;
mod workspace;
mod sample;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

/// The project's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Chore {
    /// Write JSON lines of real data: descriptions of the files of this machine.
    Sample(sample::Sample),
    /// Check the rules of the house that no compiler checks.
    Tidy,
}

fn main() -> ExitCode {
    let done = match Chore::parse() {
        Chore::Sample(asked) => sample::run(&asked),
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
