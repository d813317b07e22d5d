//! `cargo xtask bench original`: the four tables of the store that evlog takes the place of.

use std::path::Path;
use std::process::Command;

use evlog_benches::original::{Original, TIMEOUTS};

use super::figures::fresh;
use super::goals::Judgement;
use super::programs;
use super::scale::Scale;
use super::statistics::{Spread, mebibytes, ratio};
use super::table::Table;
use crate::process::Failure;

/// Events of the original's benchmark.
const EVENTS: u64 = 10_000;

/// What the original said of itself, once, on a machine with two cores: for ratios, not for comparison of machines.
/// Its batch call, its force and its read of 10,000 events, and its restart, in seconds: the best it did.
const THEIRS: Theirs = Theirs { batch: 0.7e-3, force: 240e-3, read: 22e-3, restart: 3.1e-3 };

struct Theirs {
    batch: f64,
    force: f64,
    read: f64,
    restart: f64,
}

/// All rounds of all sizes: a list of rounds for each size.
pub(super) fn measure(program: &Path, scale: &Scale, folder: &Path) -> Result<Vec<Vec<Original>>, Failure> {
    let mut measured = vec![Vec::new(); scale.sizes.len()];
    for round in 0..scale.rounds {
        for (rounds, &size) in measured.iter_mut().zip(&scale.sizes) {
            eprintln!("round {} of {}: the original's tables, {size} bytes", round + 1, scale.rounds);
            let fresh = fresh(folder)?;
            let mut command = Command::new(program);
            command.args(["original", "--size", &size.to_string(), "--count", &EVENTS.to_string()]);
            command.args(["--cycles", &scale.cycles.to_string(), "--folder"]).arg(fresh.path());
            rounds.push(serde_json::from_str(&programs::answer_of(&mut command)?)?);
        }
    }
    Ok(measured)
}

/// The memory section and the four tables.
pub(super) fn tables(measured: &[Vec<Original>]) -> Vec<Table> {
    vec![memory(measured), writing(measured), timeouts(measured), reading(measured), restart(measured)]
}

/// The middle of all rounds.
fn median(rounds: &[Original], figure: impl Fn(&Original) -> f64) -> f64 {
    Spread::of(rounds.iter().map(figure)).map_or(f64::NAN, |spread| spread.median)
}

fn rows(measured: &[Vec<Original>]) -> impl Iterator<Item = (&Original, &[Original])> {
    measured.iter().filter_map(|rounds| Some((rounds.first()?, rounds.as_slice())))
}

fn memory(measured: &[Vec<Original>]) -> Table {
    let mut table = Table::new("Memory", &["Size", "Resident before", "Resident after"]);
    for (first, rounds) in rows(measured) {
        let shown =
            |figure: fn(&Original) -> u64| format!("{:.1} MiB", median(rounds, |it| mebibytes(figure(it))));
        table.row([first.size.to_string(), shown(|it| it.memory_before), shown(|it| it.memory_after)]);
    }
    table
}

/// Events and megabytes a second.
#[expect(clippy::cast_precision_loss, reason = "figures for people have few digits")]
fn rates(first: &Original, seconds: f64) -> (f64, f64) {
    let rate = first.events as f64 / seconds;
    (rate, rate * first.size as f64 / 1e6)
}

fn writing(measured: &[Vec<Original>]) -> Table {
    let titles = ["Size", "Batch Time", "Force Time", "Raw M/s", "Force M/s", "Raw MB/s", "Force MB/s"];
    let mut table = Table::new("Write performance: 10,000 messages in one batch, then a flush", &titles);
    for (first, rounds) in rows(measured) {
        let (batch, force) = (median(rounds, |it| it.batch), median(rounds, |it| it.force));
        let ((raw, raw_bytes), (forced, forced_bytes)) = (rates(first, batch), rates(first, force));
        table.row([
            first.size.to_string(),
            milliseconds(batch),
            milliseconds(force),
            format!("{raw:.0}"),
            format!("{forced:.0}"),
            format!("{raw_bytes:.1}"),
            format!("{forced_bytes:.1}"),
        ]);
    }
    table
}

/// For each timeout two figures: calculated as the original does, from the force time alone, and really measured.
fn timeouts(measured: &[Vec<Original>]) -> Table {
    let mut titles = vec!["Size".to_owned(), "Force Time".to_owned(), "Raw M/s".to_owned()];
    titles.extend(TIMEOUTS.iter().map(|timeout| format!("{timeout} ms calculated")));
    titles.extend(TIMEOUTS.iter().map(|timeout| format!("{timeout} ms measured")));
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let mut table = Table::new("Messages/s per batch timeout", &titles);
    for (first, rounds) in rows(measured) {
        let (raw, _) = rates(first, median(rounds, |it| it.batch));
        let force = median(rounds, |it| it.force);
        let shown = |rate: f64| format!("{rate:.0} ({:.1} %)", rate / raw * 100.0);
        let mut cells = vec![first.size.to_string(), milliseconds(force), format!("{raw:.0}")];
        cells.extend(TIMEOUTS.iter().map(|&timeout| shown(raw * accepting_share(timeout, force))));
        cells.extend((0..TIMEOUTS.len()).map(|at| shown(median(rounds, |it| it.sustained[at]))));
        table.row(cells);
    }
    table
}

/// The share of its time in which a store can take messages that takes none while it forces.
#[expect(clippy::cast_precision_loss, reason = "milliseconds up to a thousand")]
fn accepting_share(timeout: u64, force: f64) -> f64 {
    let whole = timeout as f64 / 1e3 + force;
    1.0 - force / whole
}

fn reading(measured: &[Vec<Original>]) -> Table {
    let mut table = Table::new("Read performance: all 10,000 messages", &["Size", "Time", "Msgs/s", "MB/s"]);
    for (first, rounds) in rows(measured) {
        let read = median(rounds, |it| it.read);
        let (rate, bytes) = rates(first, read);
        table.row([first.size.to_string(), milliseconds(read), format!("{rate:.0}"), format!("{bytes:.1}")]);
    }
    table
}

fn restart(measured: &[Vec<Original>]) -> Table {
    let title =
        "Restart performance, in microseconds: Pre-Init opens the store, Init its topic with 10,000 messages";
    let mut table = Table::new(title, &["Pre-Init", "Init", "Total"]);
    let all: Vec<Original> = measured.concat();
    let shown = |figure: fn(&Original) -> f64| format!("{:.0}", median(&all, figure) * 1e6);
    table.row([shown(|it| it.pre_init), shown(|it| it.init), shown(|it| it.pre_init + it.init)]);
    table
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.3} ms", seconds * 1e3)
}

/// How evlog's figures stand to the original's, of the size at which they stand worst.
pub(super) fn judge(measured: &[Vec<Original>]) -> Vec<Judgement> {
    let worst = |figure: fn(&Original) -> f64| {
        measured.iter().map(|rounds| median(rounds, figure)).fold(f64::NAN, f64::max)
    };
    let judged = |row: &str, goal: String, value: f64, met: bool| Judgement {
        row: format!("original: {row}"),
        goal,
        measured: ratio(value),
        met: (!value.is_nan()).then_some(met),
    };
    let faster = |row: &str, theirs: f64, own: f64, least: f64| {
        judged(row, format!("≥ {least:.0} × the original"), theirs / own, theirs / own >= least)
    };
    let restarted = worst(|it| it.pre_init + it.init) / THEIRS.restart;
    vec![
        faster("handed over", THEIRS.batch, worst(|it| it.batch), 10.0),
        faster("forced", THEIRS.force, worst(|it| it.force), 100.0),
        faster("read", THEIRS.read, worst(|it| it.read), 50.0),
        judged("restart", "≤ 0.3 × the original".to_owned(), restarted, restarted <= 0.3),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Vec<Vec<Original>> {
        let round = Original {
            size: 128,
            events: EVENTS,
            memory_before: 3 << 20,
            memory_after: 5 << 20,
            batch: 0.001,
            force: 0.05,
            sustained: vec![1e6, 2e6, 3e6, 4e6],
            read: 0.01,
            pre_init: 0.0001,
            init: 0.0004,
        };
        vec![vec![round]]
    }

    #[test]
    fn the_calculated_share_is_the_originals() {
        assert!((accepting_share(50, 0.05) - 0.5).abs() < 1e-9);
        assert!((accepting_share(1000, 0.25) - 0.8).abs() < 1e-9);
    }

    #[test]
    fn the_tables_are_those_of_the_original() {
        let text: String = tables(&measured()).iter().map(ToString::to_string).collect();
        assert!(
            text.contains(
                "| Size | Batch Time | Force Time | Raw M/s  | Force M/s | Raw MB/s | Force MB/s |"
            ),
            "{text}"
        );
        assert!(
            text.contains(
                "| 128  | 1.000 ms   | 50.000 ms  | 10000000 | 200000    | 1280.0   | 25.6       |"
            ),
            "{text}"
        );
        assert!(text.contains("5000000 (50.0 %)") && text.contains("1000000 (10.0 %)"), "{text}");
        assert!(
            text.contains("| Pre-Init | Init | Total |") && text.contains("| 100      | 400  | 500   |"),
            "{text}"
        );
    }

    #[test]
    fn goals_are_ratios_to_the_original() {
        let judged = judge(&measured());
        let met: Vec<Option<bool>> = judged.iter().map(|it| it.met).collect();
        // 0.7 / 1, 240 / 50, 22 / 10, 0.5 / 3.1
        assert_eq!(met, [Some(false), Some(false), Some(false), Some(true)]);
        assert_eq!(judged[1].measured, "4.80 ×");
        assert!(judge(&[]).iter().all(|it| it.met.is_none()));
    }
}
