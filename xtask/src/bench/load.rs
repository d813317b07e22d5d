//! `cargo xtask bench latency`: how long durable appends take while others are due, and what makes them wait.

use std::path::Path;

use evlog_benches::outcome::{Latency, Outcome};
use evlog_benches::subject::Workload;

use super::figures::fresh;
use super::programs::{Subject, Task};
use super::scale::Scale;
use super::statistics::{Spread, microseconds, rate, ratio};
use super::table::Table;
use crate::process::Failure;

/// Threads that append.
const THREADS: usize = 16;
/// Bytes of a payload.
const SIZE: usize = 128;
/// Of what is possible without a pause, so much is asked for.
const SHARES: [f64; 2] = [0.3, 0.6];

/// What is measured under each load: the subject, and how many threads read everything meanwhile.
const CASES: [(&str, usize); 5] =
    [("raw-zeroed", 0), ("evlog", 0), ("evlog", 1), ("evlog", 4), ("evlog-rolling", 0)];

/// A table of latencies at shares of what evlog can do at most.
///
/// # Errors
/// Where not even that can be measured.
pub(super) fn measure(subjects: &[Subject], scale: &Scale, folder: &Path) -> Result<Table, Failure> {
    let most = most_possible(subjects, scale, folder)?;
    let titles = [
        "load",
        "subject",
        "readers",
        "events/s",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "longest µs",
        "longest / p99 of evlog alone",
    ];
    let title = format!(
        "Latency of durable appends of {SIZE} bytes, {THREADS} threads, each timed from when it was due; at most {}/s are possible",
        rate(most)
    );
    let mut table = Table::new(title, &titles);
    for share in SHARES {
        let mut alone = None;
        for (name, readers) in CASES {
            let subject = named(subjects, name)?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate is positive and whole enough"
            )]
            let asked = ((most * share) as u64).max(1);
            eprintln!("latency at {asked}/s: {name}, {readers} readers");
            let measured = run(subject, readers, asked, scale, folder);
            let head = [format!("{:.0} %", share * 100.0), subject.title(), readers.to_string()];
            match measured.as_ref().map(|(outcome, latency)| (outcome, latency)) {
                Ok((outcome, latency)) => {
                    alone = alone.or((name == "evlog").then_some(latency.p99));
                    table.row(head.into_iter().chain(cells(outcome, latency, alone)));
                }
                Err(why) => table.row(head.into_iter().chain([format!("not measured: {why}")])),
            }
        }
    }
    Ok(table)
}

fn cells(outcome: &Outcome, latency: &Latency, alone: Option<f64>) -> Vec<String> {
    let mut cells = vec![rate(outcome.rate())];
    cells.extend([latency.p50, latency.p99, latency.p999, latency.longest].map(microseconds));
    cells.extend(alone.map(|p99| ratio(latency.longest / p99)));
    cells
}

fn named<'a>(subjects: &'a [Subject], name: &str) -> Result<&'a Subject, Failure> {
    let found = subjects.iter().find(|subject| subject.name == name);
    Ok(found.ok_or_else(|| format!("there is no subject {name}"))?)
}

/// What evlog does where every thread appends again as soon as it can.
fn most_possible(subjects: &[Subject], scale: &Scale, folder: &Path) -> Result<f64, Failure> {
    let mut rates = Vec::new();
    for _ in 0..scale.rounds {
        let fresh = fresh(folder)?;
        rates.push(scale.task(named(subjects, "evlog")?, Workload::W2, SIZE, fresh.path()).run()?.rate());
    }
    Ok(Spread::of(rates).ok_or("no rounds")?.median)
}

/// One load; of several rounds the one whose p99 is in the middle.
fn run(
    subject: &Subject,
    readers: usize,
    asked: u64,
    scale: &Scale,
    folder: &Path,
) -> Result<(Outcome, Latency), String> {
    let mut rounds = Vec::new();
    for _ in 0..scale.rounds {
        let fresh = fresh(folder).map_err(|failure| failure.to_string())?;
        let count = asked * scale.load_seconds;
        let task = scale.task(subject, Workload::Load, SIZE, fresh.path());
        let task = Task { count, threads: THREADS, rate: asked, readers, ..task };
        let outcome = task.run()?;
        // What was trimmed cannot be compared any more.
        if subject.name == "evlog" {
            task.check().map_err(|failure| format!("measured, but the check failed: {failure}"))?;
        }
        let latency = outcome.latency.clone().ok_or("it has no latencies")?;
        rounds.push((outcome, latency));
    }
    rounds.sort_by(|one, other| one.1.p99.total_cmp(&other.1.p99));
    let middle = rounds.len() / 2;
    Ok(rounds.swap_remove(middle))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_longest_is_compared_with_the_p99_of_evlog_alone() {
        let latency = Latency { p50: 100.0, p99: 400.0, p999: 800.0, longest: 1200.0, curve: Vec::new() };
        let outcome = Outcome::new(1000, Duration::from_secs(1));
        assert_eq!(cells(&outcome, &latency, Some(300.0)), ["1000", "100", "400", "800", "1200", "4.00 ×"]);
        assert_eq!(cells(&outcome, &latency, None).len(), 5);
    }
}
