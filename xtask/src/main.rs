//! The project's own chores: `cargo xtask CHORE`.
//!
//! Nothing here is part of the product; a chore prints what it does and ends with 1 where something is wrong.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to whoever runs it")]

mod process;
mod workspace;
mod sample;
mod demo;
mod golden;
mod header;
mod dist_c;
mod ffi_test;
mod bench;
mod crash;
mod fuzz;
mod tidy;
mod ci;

use std::process::ExitCode;

use clap::Parser;

/// The project's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Chore {
    /// Write JSON lines of real data: descriptions of the files of this machine.
    Sample(sample::Sample),
    /// Do the main job on real input through the real command, and compare every byte.
    Demo(demo::Demo),
    /// Compare golden logs and a thousand simulated ones, byte by byte and by two readers.
    Golden(golden::Golden),
    /// Write evlog.h from the code of the C interface.
    Header(header::Header),
    /// Build the C interface and install it below a folder.
    DistC(dist_c::DistC),
    /// Compile C programs against the C interface, in every dialect, and run them, under valgrind too.
    FfiTest(ffi_test::FfiTest),
    /// Measure what things cost, side by side.
    Bench(bench::Bench),
    /// Break the disk under the log in every way, and check what it promised.
    Crash(crash::Crash),
    /// Throw what nobody would think of at the code that reads.
    Fuzz(fuzz::Fuzz),
    /// Check the rules of the house that no compiler checks.
    Tidy,
    /// Run every check that must be green before a change goes in.
    Ci,
}

fn main() -> ExitCode {
    let done = match Chore::parse() {
        Chore::Sample(asked) => sample::run(&asked),
        Chore::Demo(asked) => demo::run(&asked),
        Chore::Golden(asked) => golden::run(&asked),
        Chore::Header(asked) => header::run(&asked),
        Chore::DistC(asked) => dist_c::run(&asked),
        Chore::FfiTest(asked) => ffi_test::run(&asked),
        Chore::Bench(asked) => bench::run(&asked),
        Chore::Crash(asked) => crash::run(&asked),
        Chore::Fuzz(asked) => fuzz::run(&asked),
        Chore::Tidy => tidy::run(),
        Chore::Ci => ci::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
