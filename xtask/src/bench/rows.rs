//! The figures as tables: one for each workload, a row for each size and subject.

use evlog_benches::outcome::{Latency, Outcome};
use evlog_benches::subject::Workload;

use super::figures::{Deed, Figures, Rounds};
use super::programs::Subject;
use super::scale::Scale;
use super::statistics::{Spread, mebibytes, microseconds, rate, rate_with_spread, ratio};
use super::table::Table;

/// What tables show, in this order.
pub(super) const DEEDS: [Deed; 10] = [
    Deed::Plain(Workload::W1),
    Deed::Plain(Workload::W2),
    Deed::Plain(Workload::W3),
    Deed::Plain(Workload::W4),
    Deed::Plain(Workload::R1),
    Deed::Plain(Workload::R2),
    Deed::Plain(Workload::R3),
    Deed::OpenKilled,
    Deed::Plain(Workload::R4),
    Deed::Plain(Workload::R5),
];

impl Deed {
    fn title(self, scale: &Scale) -> String {
        let log = format!("{} events of {} bytes", scale.unawaited(), scale.opened_size());
        let words = match self {
            Deed::Plain(Workload::W1) => "W1: one thread appends an event and waits until it is durable",
            Deed::Plain(Workload::W2) => "W2: 16 threads append an event each and wait until it is durable",
            Deed::Plain(Workload::W3) => "W3: one thread appends batches of 1,000 events and waits for each",
            Deed::Plain(Workload::W4) => "W4: one thread appends without waiting, a flush at the end",
            Deed::Plain(Workload::R1) => "R1: read everything in order, from the page cache",
            Deed::Plain(Workload::R2) => "R2: read by position, here and there",
            Deed::Plain(Workload::R3) => return format!("R3: open a log of {log} after an orderly close"),
            Deed::OpenKilled => {
                return format!("R3: open a log of {log} and a mebibyte more after its writer was killed");
            }
            Deed::Plain(Workload::R4) => "R4: read the newest event",
            Deed::Plain(Workload::Load) => "durable appends at a fixed rate",
            Deed::Plain(Workload::R5) => {
                "R5: append to a thousand topics in turns, one flush of all at the end"
            }
        };
        words.to_owned()
    }

    /// The limit that a row is compared with.
    pub(super) fn limit(self) -> Option<&'static str> {
        match self {
            Deed::Plain(Workload::W1 | Workload::W2 | Workload::W3 | Workload::W4) => Some("raw-zeroed"),
            Deed::Plain(Workload::R1 | Workload::R4) => Some("mmap-crc"),
            Deed::Plain(Workload::R2) => Some("pread"),
            Deed::Plain(Workload::R3 | Workload::R5 | Workload::Load) | Deed::OpenKilled => None,
        }
    }

    fn opens(self) -> bool {
        matches!(self, Deed::OpenKilled | Deed::Plain(Workload::R3))
    }
}

/// All tables that have rows.
pub(super) fn tables(figures: &Figures, subjects: &[Subject], scale: &Scale) -> Vec<Table> {
    DEEDS.iter().filter_map(|&deed| table(figures, subjects, scale, deed)).collect()
}

fn table(figures: &Figures, subjects: &[Subject], scale: &Scale, deed: Deed) -> Option<Table> {
    let titles = if deed.opens() {
        vec!["bytes", "subject", "ms (least–most)", "checked"]
    } else {
        let against = deed.limit().map_or("× limit".to_owned(), |limit| format!("× {limit}"));
        let titles = [
            "bytes",
            "subject",
            "events/s (least–most)",
            "MB/s",
            "p50 µs",
            "p99 µs",
            "p99.9 µs",
            &against,
            "× best peer",
            "checked",
        ];
        let mut titles = titles.map(str::to_owned).to_vec();
        titles.extend(extra_titles(deed).iter().map(|&title| title.to_owned()));
        return filled(
            figures,
            subjects,
            scale,
            deed,
            Table::new(deed.title(scale), &titles.iter().map(String::as_str).collect::<Vec<_>>()),
        );
    };
    filled(figures, subjects, scale, deed, Table::new(deed.title(scale), &titles))
}

/// Columns that only some tables have.
fn extra_titles(deed: Deed) -> &'static [&'static str] {
    match deed {
        Deed::Plain(Workload::W1 | Workload::W2) => &["syncs for 100 appends"],
        Deed::Plain(Workload::W3) => &["syncs for 100 batches"],
        Deed::Plain(Workload::W4) => &["MiB over the start", "bytes on disk / payload"],
        Deed::Plain(Workload::R5) => &["MiB over the start", "threads", "handles"],
        _ => &[],
    }
}

fn filled(
    figures: &Figures,
    subjects: &[Subject],
    scale: &Scale,
    deed: Deed,
    mut table: Table,
) -> Option<Table> {
    let mut has_rows = false;
    for &size in &scale.sizes {
        for subject in subjects {
            let Some(rounds) = figures.of(deed, size, &subject.name) else { continue };
            has_rows = true;
            table.row(row(figures, subjects, deed, size, subject, rounds));
        }
    }
    has_rows.then_some(table)
}

fn row(
    figures: &Figures,
    subjects: &[Subject],
    deed: Deed,
    size: usize,
    subject: &Subject,
    rounds: &Rounds,
) -> Vec<String> {
    let mut cells = vec![size.to_string(), subject.title()];
    let Some(spread) = figures.rate(deed, size, &subject.name) else {
        let why = rounds.failure.as_deref().unwrap_or("it was not run");
        cells.push(format!("not measured: {why}"));
        return cells;
    };
    let checked = checked(deed, rounds);
    if deed.opens() {
        let milliseconds =
            Spread { median: 1e3 / spread.median, least: 1e3 / spread.most, most: 1e3 / spread.least };
        cells
            .push(format!("{:.2} ({:.2}–{:.2})", milliseconds.median, milliseconds.least, milliseconds.most));
        cells.push(checked);
        return cells;
    }
    #[expect(clippy::cast_precision_loss, reason = "figures for people have few digits")]
    let megabytes = spread.median * size as f64 / 1e6;
    cells.extend([rate_with_spread(spread), format!("{megabytes:.0}")]);
    let latency = |part: fn(&Latency) -> f64| {
        let spread = rounds.spread(|outcome| outcome.latency.as_ref().map(part));
        spread.map_or(String::new(), |spread| microseconds(spread.median))
    };
    cells.extend([latency(|it| it.p50), latency(|it| it.p99), latency(|it| it.p999)]);
    let limit = deed.limit().and_then(|limit| figures.rate(deed, size, limit));
    cells.push(limit.map_or(String::new(), |limit| ratio(spread.median / limit.median)));
    let best = figures.best_peer(subjects, deed, size).map(|(_, best)| ratio(spread.median / best));
    cells.push(best.unwrap_or_default());
    cells.push(checked);
    cells.extend(extra_cells(figures, deed, size, subject, rounds));
    cells
}

fn checked(deed: Deed, rounds: &Rounds) -> String {
    match (&rounds.failure, rounds.is_checked) {
        (Some(failure), _) => format!("once not: {failure}"),
        (None, true) => "yes".to_owned(),
        (None, false) if deed.opens() => "by W4".to_owned(),
        (None, false) => "while reading".to_owned(),
    }
}

fn extra_cells(
    figures: &Figures,
    deed: Deed,
    size: usize,
    subject: &Subject,
    rounds: &Rounds,
) -> Vec<String> {
    let count = |figure: fn(&Outcome) -> Option<u64>| {
        #[expect(clippy::cast_precision_loss, reason = "a number of threads or files")]
        let spread = rounds.spread(|outcome| figure(outcome).map(|count| count as f64));
        spread.map_or(String::new(), |spread| rate(spread.most))
    };
    let memory =
        rounds.spread(memory_over_the_start).map_or(String::new(), |spread| format!("{:.1}", spread.most));
    match deed {
        Deed::Plain(workload @ (Workload::W1 | Workload::W2 | Workload::W3)) => {
            let counted = figures.syncs.get(&(workload, subject.name.clone()));
            let words = match counted {
                Some(Ok(syncs)) if figures.is_durable(deed, &subject.name) => syncs.to_string(),
                Some(Ok(syncs)) => format!("**not durable**: {syncs}"),
                Some(Err(failure)) => format!("not counted: {failure}"),
                None => "not counted: no strace".to_owned(),
            };
            vec![words]
        }
        Deed::Plain(Workload::W4) => {
            let disk = rounds.spread(|outcome| disk_ratio(outcome, size));
            vec![memory, disk.map_or(String::new(), |spread| format!("{:.3}", spread.median))]
        }
        Deed::Plain(Workload::R5) => {
            vec![memory, count(|outcome| outcome.threads), count(|outcome| outcome.handles)]
        }
        _ => Vec::new(),
    }
}

/// Resident memory over what the process had before, in mebibytes.
pub(super) fn memory_over_the_start(outcome: &Outcome) -> Option<f64> {
    Some(mebibytes(outcome.memory_at_most?.saturating_sub(outcome.memory_before?)))
}

/// Bytes on disk for each byte of payload.
#[expect(clippy::cast_precision_loss, reason = "figures for people have few digits")]
pub(super) fn disk_ratio(outcome: &Outcome, size: usize) -> Option<f64> {
    Some(outcome.disk_bytes? as f64 / (outcome.events as f64 * size as f64))
}
