//! `cargo xtask crash`: the log on a disk that crashes, tears and refuses, many times, within a span of time.
//!
//! Every failure has a name by which `--case` repeats it alone.

pub(crate) mod mutant;
mod mutants;
mod real;

use std::str::FromStr;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use evlog_sim::{Checked, Outcome, Tally, errors, files, flips, random, workloads};

use crate::process::Failure;
use real::{full, kill, powercut, syscalls, writer};

/// What `crash` is asked for.
#[derive(Args)]
pub(crate) struct Crash {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Every short workload, ended everywhere, by every kind of power loss.
    Workloads(Bounds),
    /// Every operation fails in every way; disks fill up.
    Errors(Bounds),
    /// Many lives of a log, with everything that can go wrong, by chance.
    Random(Bounds),
    /// Bits flip, files are cut, sectors are lost and misdirected.
    Flips(Bounds),
    /// Whole files are gone, doubled, renamed, exchanged, or back in an older state.
    Files(Bounds),
    /// Each of them, with its share of the time.
    All(Bounds),
    /// Kill writers on real files, again and again.
    Kill(kill::Kill),
    /// Have each system call of a writer fail, by strace.
    Faults(syscalls::Faults),
    /// Fill real disks to the last byte.
    Full(full::Full),
    /// Cut the power of real file systems.
    Powercut(powercut::Powercut),
    /// Append until stopped, and say what was told.
    #[command(hide = true)]
    Writer(writer::Writer),
    /// Break the product on purpose, in many ways, and see the campaigns and the tests notice.
    Mutants(mutants::Mutants),
}

/// How far a campaign goes.
#[derive(Args)]
struct Bounds {
    /// How long it may take: 90s, 5m, 1h. What is left of a campaign then is left out.
    #[arg(long, default_value = "60s", value_parser = span)]
    budget: Duration,
    /// Decides the order of what is enumerated and everything that is left to chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Ends a campaign behind about so many cases.
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
    cases: u64,
    /// Ends it with the first case that breaks a promise.
    #[arg(long)]
    first: bool,
    /// Repeats only this case, by the name that a failure printed.
    #[arg(long)]
    case: Option<String>,
}

/// A campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Campaign {
    Files,
    Workloads,
    Errors,
    Random,
    Flips,
}

impl Campaign {
    const EACH: [Campaign; 5] =
        [Campaign::Files, Campaign::Workloads, Campaign::Errors, Campaign::Random, Campaign::Flips];

    fn name(self) -> &'static str {
        match self {
            Campaign::Files => "files",
            Campaign::Workloads => "workloads",
            Campaign::Errors => "errors",
            Campaign::Random => "random",
            Campaign::Flips => "flips",
        }
    }
}

pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let seconds = match text.char_indices().last() {
        Some((at, 's')) => text[..at].parse(),
        Some((at, 'm')) => text[..at].parse().map(|minutes: u64| minutes * 60),
        Some((at, 'h')) => text[..at].parse().map(|hours: u64| hours * 3600),
        _ => text.parse(),
    };
    seconds.map(Duration::from_secs).map_err(|_| format!("{text:?} is no span of time such as 90s, 5m or 1h"))
}

/// Runs what was asked for and says what came of it.
///
/// # Errors
/// Where a promise was broken; what was printed by then says which and how to repeat it.
pub(crate) fn run(asked: &Crash) -> Result<(), Failure> {
    match &asked.chore {
        Chore::Workloads(bounds) => run_one(Campaign::Workloads, bounds),
        Chore::Errors(bounds) => run_one(Campaign::Errors, bounds),
        Chore::Random(bounds) => run_one(Campaign::Random, bounds),
        Chore::Flips(bounds) => run_one(Campaign::Flips, bounds),
        Chore::Files(bounds) => run_one(Campaign::Files, bounds),
        Chore::All(Bounds { case: Some(_), .. }) => {
            Err("a case is of one campaign: name it instead of all".into())
        }
        Chore::All(bounds) => run_each(&Campaign::EACH, bounds),
        Chore::Kill(asked) => kill::run(asked),
        Chore::Faults(asked) => syscalls::run(asked),
        Chore::Full(asked) => full::run(asked),
        Chore::Powercut(asked) => powercut::run(asked),
        Chore::Writer(asked) => writer::run(asked),
        Chore::Mutants(asked) => mutants::run(asked),
    }
}

/// Runs every campaign within `budget`.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_all(budget: Duration, seed: u64) -> Result<(), Failure> {
    run_each(&Campaign::EACH, &Bounds { budget, seed, cases: u64::MAX, first: false, case: None })
}

fn run_one(campaign: Campaign, bounds: &Bounds) -> Result<(), Failure> {
    bounds.case.as_ref().map_or_else(|| run_each(&[campaign], bounds), |case| repeat(campaign, case))
}

fn run_each(campaigns: &[Campaign], bounds: &Bounds) -> Result<(), Failure> {
    let share = bounds.budget / campaigns.len() as u32;
    let mut failed = 0;
    for &campaign in campaigns {
        let begin = Instant::now();
        let mut outcome = Outcome::bounded(bounds.cases, if bounds.first { 1 } else { MOST_FAILURES });
        attempt(campaign, bounds.seed, share, &mut outcome)?;
        report(campaign, bounds.seed, begin.elapsed(), &outcome);
        failed += outcome.failed;
    }
    if failed == 0 { Ok(()) } else { Err(format!("crash: {failed} cases broke a promise").into()) }
}

/// After so many failures a campaign ends: more of them tell nothing new.
const MOST_FAILURES: u64 = 2_000;

fn attempt(campaign: Campaign, seed: u64, budget: Duration, outcome: &mut Outcome) -> Result<(), Failure> {
    let begin = Instant::now();
    let mut goes_on = || begin.elapsed() < budget;
    match campaign {
        Campaign::Workloads => all_workloads(seed, outcome, &mut goes_on)?,
        Campaign::Errors => errors::run(seed, outcome, &mut goes_on)?,
        Campaign::Random => random::run(seed, outcome, &mut goes_on),
        Campaign::Files => {
            for shape in flips::Shape::ALL {
                files::run(shape, outcome)?;
            }
        }
        Campaign::Flips => {
            for shape in flips::Shape::ALL {
                flips::run(shape, seed, outcome, &mut goes_on)?;
            }
        }
    }
    Ok(())
}

/// Short ones as a whole, longer ones in a chance order as long as there is time.
fn all_workloads(seed: u64, outcome: &mut Outcome, goes_on: &mut dyn FnMut() -> bool) -> Checked {
    let thorough = |subsets_up_to, inner_every| workloads::Thoroughness { subsets_up_to, inner_every };
    workloads::run(1, thorough(6, 8), seed, outcome, goes_on)?;
    workloads::run(2, thorough(6, 16), seed, outcome, goes_on)?;
    workloads::run(3, thorough(6, 16), seed, outcome, goes_on)?;
    workloads::run(4, thorough(6, 64), seed, outcome, goes_on)
}

/// A case of the random campaign is a number.
struct Number(u64);

impl FromStr for Number {
    type Err = String;

    fn from_str(text: &str) -> Result<Number, String> {
        text.parse().map(Number).map_err(|_| format!("{text} is no number"))
    }
}

fn repeat(campaign: Campaign, case: &str) -> Result<(), Failure> {
    fn replay<C: FromStr<Err = String>>(case: &str, run: fn(&C) -> Checked<Tally>) -> Result<(), Failure> {
        let tally = run(&case.parse::<C>()?)?;
        println!("{case} keeps every promise: {tally:?}");
        Ok(())
    }
    match campaign {
        Campaign::Workloads => replay(case, workloads::replay),
        Campaign::Errors => replay(case, errors::replay),
        Campaign::Random => replay(case, |number: &Number| random::replay(number.0)),
        Campaign::Files => replay(case, files::replay),
        Campaign::Flips => replay(case, flips::replay),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people has few digits")]
fn report(campaign: Campaign, seed: u64, took: Duration, outcome: &Outcome) {
    let seconds = took.as_secs_f64().max(0.001);
    let Outcome { tally, failures, failed, .. } = outcome;
    println!("== {}, seed {seed}", campaign.name());
    println!(
        "{} cases, {} opens in {seconds:.1} s: {:.0} opens/s",
        tally.cases,
        tally.opens(),
        tally.opens() as f64 / seconds
    );
    for (fault, count) in &tally.faults {
        println!("{count:>12}  {fault}");
    }
    println!("the opens found");
    for (verdict, count) in &tally.verdicts {
        println!("{count:>12}  {verdict}");
    }
    for failure in failures {
        println!(
            "FAILED {failure}\n       again: cargo xtask crash {} --case {}",
            campaign.name(),
            failure.case
        );
    }
    println!("{failed} failed");
}
