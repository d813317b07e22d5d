//! `cargo xtask bench ffi`: what an append costs from C, beside what it costs from Rust.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Args;

use crate::dist_c;
use crate::process::{self, Failure};
use crate::workspace;

#[derive(Args)]
pub(crate) struct Ffi {
    /// Appends a round.
    #[arg(long, default_value_t = 1_000_000)]
    events: u32,
    /// Rounds, of which the medians count.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// The folder below which the stores are made, on a real disk; a temporary one where none is said.
    #[arg(long)]
    folder: Option<std::path::PathBuf>,
}

/// From C an append may take so many times as long as from Rust ..
const GOAL_RATIO: f64 = 1.15;
/// .. or so many nanoseconds longer.
const GOAL_NANOSECONDS: f64 = 30.0;

/// Measures both in turns.
///
/// # Errors
/// Where something cannot be built or run, or C costs more than the goal.
pub(crate) fn run(asked: &Ffi) -> Result<(), Failure> {
    let folder = match &asked.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let prefix = folder.path().join("installed");
    dist_c::install(&dist_c::build("release", &[])?, &prefix)?;
    let c = compile_c(&prefix, folder.path())?;
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--locked", "--release", "--package", "evlog-ffi", "--example", "append_rust"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    let rust = dist_c::artifact(&process::stdout_of(&mut cargo)?, "append_rust", "append_rust")?;

    println!("{} buffered appends of 128 bytes, nanoseconds each:\n\nround      C   Rust", asked.events);
    let (mut from_c, mut from_rust) = (Vec::new(), Vec::new());
    for round in 1..=asked.rounds {
        from_c.push(measure(c.as_os_str(), folder.path(), asked.events)?);
        from_rust.push(measure(rust.as_os_str(), folder.path(), asked.events)?);
        println!("{round:>5} {:>6.1} {:>6.1}", from_c[round - 1], from_rust[round - 1]);
    }
    judge(median(from_c), median(from_rust))
}

fn judge(c: f64, rust: f64) -> Result<(), Failure> {
    let ratio = c / rust;
    println!("\nmedian {c:.1} and {rust:.1}: C takes {ratio:.2} times as long, {:+.1} ns", c - rust);
    if ratio <= GOAL_RATIO || c - rust <= GOAL_NANOSECONDS {
        return Ok(());
    }
    Err(format!("the goal is {GOAL_RATIO} times as long, or {GOAL_NANOSECONDS} ns longer").into())
}

fn compile_c(prefix: &Path, folder: &Path) -> Result<std::path::PathBuf, Failure> {
    let program = folder.join("append_c");
    let lib = prefix.join("lib");
    let mut compiler = Command::new("gcc");
    compiler.args(["-O2", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
    compiler.arg(workspace::root().join("crates/evlog-ffi/examples/bench/append_c.c"));
    compiler.arg("-I").arg(prefix.join("include")).arg("-L").arg(&lib).arg("-levlog");
    compiler.arg(format!("-Wl,-rpath,{}", lib.display())).arg("-o").arg(&program);
    process::run(&mut compiler)?;
    Ok(program)
}

/// One round of a program: it says what an append took, in nanoseconds.
fn measure(program: &OsStr, folder: &Path, events: u32) -> Result<f64, Failure> {
    let store = folder.join("store");
    let printed = process::stdout_of(Command::new(program).arg(&store).arg(events.to_string()))?;
    fs::remove_dir_all(store)?;
    Ok(printed.trim().parse()?)
}

/// The one in the middle; of an even number the upper one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert!((median(vec![9.0, 1.0, 5.0]) - 5.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn either_goal_is_enough() {
        assert!(judge(114.0, 100.0).is_ok());
        assert!(judge(69.0, 40.0).is_ok());
        assert!(judge(231.0, 200.0).is_err());
        assert!(judge(f64::NAN, 1.0).is_err());
    }
}
