//! `cargo xtask crash mutants`: the checker is checked. Each mutant is a small patch that breaks the product on purpose,
//! applied to a copy of it; a campaign or a test that its first lines name must then fail.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use super::mutant::{Checker, Mutant};
use crate::process::{self, Failure};
use crate::workspace;

/// Within so many cases a campaign has to notice.
const MOST_CASES: u64 = 50_000;
/// So many cases show that a campaign does not fail anyway.
const CONTROL_CASES: u64 = 1_000;
/// A mutant may well run in circles: after so long it has done so, and counts as noticed.
const PATIENCE: Duration = Duration::from_secs(600);

/// Which mutants are wanted; without a word about it, all.
#[derive(Args)]
pub(crate) struct Mutants {
    /// Only those that break this promise, by its number in docs/DURABILITY.md.
    #[arg(long)]
    promise: Option<u8>,
    /// Only those whose names contain one of these.
    names: Vec<String>,
}

/// Applies one mutant after the other, and prints what noticed it.
///
/// # Errors
/// Where one stays unnoticed, does not apply or does not compile, or where a checker fails without any.
pub(crate) fn run(asked: &Mutants) -> Result<(), Failure> {
    let is_wanted = |mutant: &Mutant| {
        asked.promise.is_none_or(|promise| mutant.promises.contains(&promise))
            && (asked.names.is_empty() || asked.names.iter().any(|name| mutant.name.contains(name)))
    };
    let mutants: Vec<Mutant> = Mutant::all()?.into_iter().filter(is_wanted).collect();
    if mutants.is_empty() {
        return Err("there is no such mutant: see xtask/mutants".into());
    }
    let copy = Copy::of_the_workspace()?;
    let checkers: BTreeSet<&Checker> = mutants.iter().map(|mutant| &mutant.red).collect();
    for checker in checkers {
        if let Noticed::Yes { how, .. } = copy.check(checker, CONTROL_CASES)? {
            return Err(format!("{checker} fails though nothing is broken: {how}").into());
        }
        println!("green without a mutant: {checker}");
    }
    let mut unnoticed = Vec::new();
    for mutant in &mutants {
        copy.restore()?;
        mutant.apply_to(&copy.tree)?;
        match copy.check(&mutant.red, MOST_CASES)? {
            Noticed::Yes { after, how } => {
                println!("caught {mutant}\n       {} {after}: {how}", mutant.red);
            }
            Noticed::No { after } => {
                println!("MISSED {mutant}\n       {} {after}", mutant.red);
                unnoticed.push(mutant.name.clone());
            }
        }
    }
    println!("{} of {} caught", mutants.len() - unnoticed.len(), mutants.len());
    if unnoticed.is_empty() { Ok(()) } else { Err(format!("not noticed: {}", unnoticed.join(", ")).into()) }
}

/// What a checker makes of a tree.
enum Noticed {
    Yes { after: String, how: String },
    No { after: String },
}

/// A copy of the workspace that may be broken.
struct Copy {
    tree: PathBuf,
    build: PathBuf,
}

impl Copy {
    fn of_the_workspace() -> Result<Copy, Failure> {
        let folder = workspace::root().join("target/mutants");
        let copy = Copy { tree: folder.join("tree"), build: folder.join("build") };
        copy.restore()?;
        Ok(copy)
    }

    /// Makes the copy equal to the workspace. Files that are equal keep their times, so that little is built again.
    fn restore(&self) -> Result<(), Failure> {
        for name in workspace::files()? {
            let (from, to) = (workspace::root().join(&name), self.tree.join(&name));
            let wanted = std::fs::read(&from)?;
            if std::fs::read(&to).is_ok_and(|found| found == wanted) {
                continue;
            }
            if let Some(folder) = to.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&to, wanted)?;
        }
        Ok(())
    }

    fn check(&self, checker: &Checker, cases: u64) -> Result<Noticed, Failure> {
        self.build(checker)?;
        let mut cargo = self.cargo();
        match checker {
            Checker::Campaign(name) => {
                let cases = cases.to_string();
                cargo.args(["run", "--quiet", "--package", "xtask", "--", "crash", name, "--first"]);
                cargo.args(["--budget", "10m", "--cases", &cases]);
            }
            Checker::Test { package, filter } => {
                cargo.args(["test", "--quiet", "--package", package, "--all-features", "--", filter]);
            }
        }
        let begin = Instant::now();
        let Some((is_green, said)) = process::output_within(&mut cargo, PATIENCE)? else {
            let after = format!("after {} s", PATIENCE.as_secs());
            return Ok(Noticed::Yes { after, how: "it did not come to an end".to_owned() });
        };
        let after = match said.lines().find_map(|line| line.split_once(" cases, ")) {
            Some((cases, _)) => format!("after {cases} cases"),
            None => format!("after {:.1} s", begin.elapsed().as_secs_f64()),
        };
        if is_green {
            return Ok(Noticed::No { after });
        }
        let how =
            checker.verdict(&said).ok_or_else(|| format!("{checker} ends without a verdict:\n{said}"))?;
        Ok(Noticed::Yes { after, how })
    }

    /// What does not compile has not been noticed by anything.
    fn build(&self, checker: &Checker) -> Result<(), Failure> {
        let mut cargo = self.cargo();
        match checker {
            Checker::Campaign(_) => cargo.args(["build", "--quiet", "--package", "xtask"]),
            Checker::Test { package, .. } => {
                cargo.args(["test", "--quiet", "--no-run", "--package", package, "--all-features"])
            }
        };
        // A mutant may leave something unused.
        process::run(cargo.env("RUSTFLAGS", "-Awarnings"))
    }

    fn cargo(&self) -> std::process::Command {
        let mut cargo = workspace::cargo();
        cargo.current_dir(&self.tree);
        cargo.env("CARGO_TARGET_DIR", &self.build).env("RUSTFLAGS", "-Awarnings");
        cargo
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A patch that does not apply any more has to be made anew from what it says it breaks.
    #[test]
    fn every_mutant_applies() {
        for mutant in Mutant::all().unwrap() {
            mutant.apply_check(workspace::root()).unwrap();
        }
    }
}
