//! `cargo xtask fuzz`: the fuzz targets, each for its share of a given time.
//!
//! They need a nightly compiler, for the address sanitizer, and nothing else. What a target finds is kept below
//! `fuzz/artifacts`, what it learns on the way below `fuzz/target/corpus`.

mod toolchain;
mod build;
mod seeds;
mod planted;

use std::path::Path;
use std::time::Duration;

use clap::Args;
use evlog_sim::fuzzing;

use self::build::{Build, Outcome, Run};
use self::toolchain::Toolchain;
use crate::crash::span;
use crate::process::Failure;
use crate::workspace;

/// What `fuzz` is asked for.
#[derive(Args)]
pub(crate) struct Fuzz {
    /// Time for all targets together, such as 90s, 5m or 1h; building is left out.
    #[arg(long, default_value = "2m", value_parser = span)]
    budget: Duration,
    /// Plant a bug for each target, in a copy of the workspace, and see that the target finds it in its share.
    #[arg(long, conflicts_with = "seeds")]
    planted: bool,
    /// Make the committed inputs anew: the smallest set of golden logs, committed inputs and those that fuzzing came
    /// upon that goes through all the code that they go through together.
    #[arg(long)]
    seeds: bool,
    /// Only these targets.
    targets: Vec<String>,
}

/// The targets above the log, and the tests that replay their inputs.
const ABOVE_THE_LOG: &[(&str, &str)] = &[
    ("topic_name", "--package evlog-store --test it topic_name"),
    ("ffi_calls", "--package evlog-ffi --features test-hooks --test it fuzz_replay"),
];

/// The names of all targets.
fn all() -> Vec<&'static str> {
    let of_log = fuzzing::TARGETS.iter().map(|target| target.name);
    of_log.chain(ABOVE_THE_LOG.iter().map(|(name, _)| *name)).collect()
}

/// What cargo runs to replay the inputs of a target.
fn replay(target: &str) -> &'static str {
    let above = ABOVE_THE_LOG.iter().find(|(name, _)| *name == target);
    above.map_or("--package evlog-sim --test it fuzz_replay", |(_, test)| test)
}

/// Runs the targets.
///
/// # Errors
/// Where an input breaks a promise, where nothing can be built, and where a planted bug is not found.
pub(crate) fn run(asked: &Fuzz) -> Result<(), Failure> {
    let targets = asked.targets()?;
    let toolchain = Toolchain::nightly().ok_or_else(|| format!("fuzz: {}", toolchain::MISSING))?;
    match asked {
        Fuzz { planted: true, .. } => planted::run(&toolchain, &targets, asked.budget),
        Fuzz { seeds: true, .. } => seeds::make(&toolchain, &targets),
        _ => fuzz(&toolchain, &targets, asked.budget),
    }
}

/// All targets, each for a short time, where there is a compiler for them. Their inputs are tests in any case.
///
/// # Errors
/// As for [`run`].
pub(crate) fn run_if_possible(budget: Duration) -> Result<(), Failure> {
    let Some(toolchain) = Toolchain::nightly() else {
        println!("skipped: no nightly compiler");
        return Ok(());
    };
    fuzz(&toolchain, &all(), budget)
}

fn fuzz(toolchain: &Toolchain, targets: &[&'static str], budget: Duration) -> Result<(), Failure> {
    let build = Build::of_workspace(toolchain);
    build.make(targets)?;
    let mut found = Vec::new();
    println!("{TITLES}");
    for (target, share) in shares(targets, budget) {
        let run = build.fuzz(target, share)?;
        println!("{}", row(target, &run));
        if let Outcome::Found(input) = &run.outcome {
            report(target, input, &run.text, &build.program(target));
            found.push(target);
        }
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(format!("fuzz: broken promises in {}", found.join(", ")).into())
    }
}

impl Fuzz {
    fn targets(&self) -> Result<Vec<&'static str>, Failure> {
        let all = all();
        if let Some(unknown) = self.targets.iter().find(|name| !all.contains(&name.as_str())) {
            return Err(format!("there is no target {unknown}: there are {}", all.join(", ")).into());
        }
        let is_asked =
            |name: &&str| self.targets.is_empty() || self.targets.iter().any(|asked| asked == name);
        Ok(all.into_iter().filter(is_asked).collect())
    }
}

/// Of a budget, how many parts a target gets: those that build whole logs need more time for the same number of runs.
fn weight(target: &str) -> u32 {
    match target {
        "corrupt_log" => 4,
        "crafted_log" | "open_segment" | "resync_embed" | "ffi_calls" => 2,
        _ => 1,
    }
}

fn shares<'a>(
    targets: &'a [&'static str],
    budget: Duration,
) -> impl Iterator<Item = (&'static str, Duration)> + 'a {
    let all: u32 = targets.iter().map(|target| weight(target)).sum();
    targets.iter().map(move |&target| (target, budget * weight(target) / all))
}

const TITLES: &str = "target          executions  a second  seconds  result";

/// A line of the table under [`TITLES`].
fn row(target: &str, run: &Run) -> String {
    let Run { executions, took, outcome, .. } = run;
    let rate = u128::from(*executions) * 1000 / took.as_millis().max(1);
    let result = match outcome {
        Outcome::Clean => "clean",
        Outcome::Found(_) => "FOUND A BROKEN PROMISE",
    };
    format!("{target:14}  {executions:>10}  {rate:>8}  {:>7.1}  {result}", took.as_secs_f64())
}

/// Says what was found, where it lies and how to see it again.
fn report(target: &str, input: &Path, text: &str, program: &Path) {
    let said = text.lines().skip_while(|line| !line.contains("panicked at") && !line.contains("ERROR:"));
    for line in said.take_while(|line| !line.starts_with("stack backtrace")).take(12) {
        println!("    {line}");
    }
    let shown = |path: &Path| path.strip_prefix(workspace::root()).unwrap_or(path).display().to_string();
    let (input, program) = (shown(input), shown(program));
    println!("    input:  {input}");
    println!("    again:  {program} {input}");
    println!("    keep:   cp {input} fuzz/regressions/{target}/WHAT-IT-SHOWS");
    println!("    then:   cargo test {}", replay(target));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_gets_its_share() {
        let targets = all();
        let shares: Vec<_> = shares(&targets, Duration::from_secs(160)).collect();
        assert_eq!(shares.iter().map(|(_, share)| *share).sum::<Duration>(), Duration::from_secs(160));
        assert!(shares.contains(&("corrupt_log", Duration::from_secs(40))), "{shares:?}");
    }

    #[test]
    fn unknown_targets_are_refused_by_name() {
        let asked =
            Fuzz { budget: Duration::ZERO, planted: false, seeds: false, targets: vec!["no_such".into()] };
        let refused = asked.targets().unwrap_err().to_string();
        assert!(refused.starts_with("there is no target no_such: there are decode_header, "), "{refused}");
    }

    #[test]
    fn rows_stand_under_their_titles() {
        let run = Run {
            executions: 3000,
            took: Duration::from_millis(1500),
            outcome: Outcome::Clean,
            text: String::new(),
        };
        assert_eq!(row("places", &run), "places                3000      2000      1.5  clean");
        assert_eq!(row("places", &run).find("  clean"), TITLES.find("  result"));
    }

    /// The targets of the fuzzer and those whose inputs are replayed by a test are the same.
    #[test]
    fn every_target_has_a_program_a_patch_and_inputs() {
        let fuzz = workspace::root().join("fuzz");
        let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
        assert_eq!(manifest.matches("[[bin]]").count(), all().len());
        for name in all() {
            let program = std::fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
            assert!(program.contains(&format!("check(\"{name}\", bytes)")), "{program}");
            assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name}");
            assert!(fuzz.join(format!("planted/{name}.patch")).is_file(), "{name}");
            assert!(fuzz.join("corpus").join(name).is_dir(), "{name}");
        }
    }
}
