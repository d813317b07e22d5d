//! A measuring process for evlog and the raw limits; `cargo xtask bench` starts it.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    evlog_benches::program::of_this_project()
}
