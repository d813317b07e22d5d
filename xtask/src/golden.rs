//! `cargo xtask golden`: what the log wrote once is written and read the same for ever, and by two readers of which
//! neither knows the other.
//!
//! The tests that compare are those of evlog-core; this runs them alone, and writes the golden logs where that is meant.

use clap::Args;

use crate::process::{self, Failure};
use crate::workspace;

#[derive(Args)]
pub(crate) struct Golden {
    /// Write the golden logs again first, where a change of the format is meant.
    #[arg(long)]
    write: bool,
}

/// Compares.
///
/// # Errors
/// Where something differs; the tests have said what by then.
pub(crate) fn run(asked: &Golden) -> Result<(), Failure> {
    if asked.write {
        let mut writing = tests();
        writing.env("EVLOG_GOLDEN", "write").arg("golden::the_writer");
        process::run(&mut writing)?;
    }
    process::run(tests().arg("golden::"))
}

fn tests() -> std::process::Command {
    let mut cargo = workspace::cargo();
    cargo.args(["test", "--locked", "--package", "evlog-core", "--test", "it", "--"]);
    cargo
}
