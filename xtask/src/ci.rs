//! `cargo xtask ci`: every check that must be green before a change goes in, one after the other.
//!
//! A step that fails does not keep the others from running: one run says all that is wrong. The tests come last, and
//! the summary has the form in which cargo reports tests, so that whatever reads their results finds it.

use std::time::{Duration, Instant};

use crate::process::{self, Failure};
use crate::{crash, ffi_test, fuzz, tidy, workspace};

/// A check, by the name under which it is reported.
type Step = (&'static str, fn() -> Result<(), Failure>);

/// In the order in which they run: what is quick and often wrong first.
const STEPS: &[Step] = &[
    ("format", || cargo("fmt --all --check")),
    ("tidy", tidy::run),
    // The lint incompatible_msrv is among them: nothing younger than `rust-version` is used.
    ("lints", || cargo("clippy --locked --workspace --all-targets --all-features -- -D warnings")),
    ("docs", docs),
    ("package", package),
    ("ffi-test", ffi_test::check),
    ("crash", crashes),
    ("fuzz", || fuzz::run_if_possible(FUZZ_BUDGET)),
    ("tests", tests),
];

/// How long the crash campaigns may take. They go on for an hour where somebody asks them to.
const CRASH_BUDGET: Duration = Duration::from_secs(240);

/// For all fuzz targets together: with what building them takes on two cores, about two minutes.
const FUZZ_BUDGET: Duration = Duration::from_secs(60);

/// How a step went.
struct Outcome {
    name: &'static str,
    result: Result<(), Failure>,
    took: Duration,
}

/// Runs every step.
///
/// # Errors
/// Where a step failed; the summary has said which by then.
pub(crate) fn run() -> Result<(), Failure> {
    let start = Instant::now();
    let outcomes: Vec<Outcome> = STEPS.iter().map(run_step).collect();
    println!("{}", summary(&outcomes, start.elapsed()));
    let failed = outcomes.iter().filter(|outcome| outcome.result.is_err()).count();
    if failed == 0 { Ok(()) } else { Err(format!("ci: {failed} of {} checks failed", STEPS.len()).into()) }
}

fn run_step((name, check): &Step) -> Outcome {
    println!("\n== {name}");
    let start = Instant::now();
    let outcome = Outcome { name, result: check(), took: start.elapsed() };
    if let Err(failure) = &outcome.result {
        println!("{failure}");
    }
    println!("== {name}: {} after {:.1} s", verdict(&outcome.result), outcome.took.as_secs_f64());
    outcome
}

fn cargo(arguments: &str) -> Result<(), Failure> {
    process::run(workspace::cargo().args(arguments.split(' ')))
}

fn docs() -> Result<(), Failure> {
    let mut cargo = workspace::cargo();
    cargo
        .args(["doc", "--locked", "--workspace", "--all-features", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings");
    process::run(&mut cargo)
}

/// The tests of the readme's command. What a test needs of the machine must be there, or it fails instead of skipping.
fn tests() -> Result<(), Failure> {
    let mut cargo = workspace::cargo();
    cargo.args(["test", "--locked", "--workspace", "--all-features", "--no-fail-fast"]);
    cargo.env("EVLOG_REQUIRE_PROMTOOL", "1");
    process::run(&mut cargo)
}

/// The campaigns, sampled by a seed that is another for every commit and the same for everybody who has it.
fn crashes() -> Result<(), Failure> {
    let revision = workspace::revision()?;
    let seed = u64::from_str_radix(revision.get(..8).unwrap_or_default(), 16)?;
    crash::run_all(CRASH_BUDGET, seed)
}

/// The crate that others depend on must build from what its package holds.
fn package() -> Result<(), Failure> {
    let mut cargo = workspace::cargo();
    cargo.args(["package", "--locked", "--package", "evlog-core"]);
    // Whoever tries this before a commit has changes that are not committed.
    if std::env::var_os("CI").is_none() {
        cargo.arg("--allow-dirty");
    }
    process::run(&mut cargo)
}

/// As cargo reports tests, with the time that each step took.
fn summary(outcomes: &[Outcome], took: Duration) -> String {
    let line = |Outcome { name, result, took }: &Outcome| {
        format!("test ci::{name} ... {} <{:.3}s>\n", verdict(result), took.as_secs_f64())
    };
    let lines: String = outcomes.iter().map(line).collect();
    let failed = outcomes.iter().filter(|outcome| outcome.result.is_err()).count();
    let all = if failed == 0 { "ok" } else { "FAILED" };
    format!(
        "\nrunning {count} tests\n{lines}\ntest result: {all}. {passed} passed; {failed} failed; 0 ignored; \
         0 measured; 0 filtered out; finished in {seconds:.2}s",
        count = outcomes.len(),
        passed = outcomes.len() - failed,
        seconds = took.as_secs_f64()
    )
}

fn verdict(result: &Result<(), Failure>) -> &'static str {
    if result.is_ok() { "ok" } else { "FAILED" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_reads_like_that_of_tests() {
        let outcomes = [
            Outcome { name: "format", result: Ok(()), took: Duration::from_millis(1500) },
            Outcome { name: "tests", result: Err("one failed".into()), took: Duration::from_secs(60) },
        ];
        assert_eq!(
            summary(&outcomes, Duration::from_secs(62)),
            "\nrunning 2 tests\ntest ci::format ... ok <1.500s>\ntest ci::tests ... FAILED <60.000s>\n\n\
             test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 62.00s"
        );
    }
}
