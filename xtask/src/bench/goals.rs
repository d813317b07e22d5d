//! What must be reached, and whether it was.

use evlog_benches::subject::Workload;
use serde::Serialize;

use super::figures::{Deed, Figures};
use super::programs::Subject;
use super::rows::{disk_ratio, memory_over_the_start};
use super::statistics::{microseconds, ratio};
use super::table::Table;

/// A goal as it stands in the table, with what it asks for.
pub(super) struct Goal {
    deed: Deed,
    size: usize,
    wants: &'static [Want],
}

/// A condition on evlog's median.
#[derive(Clone, Copy)]
enum Want {
    /// A rate of at least so many times that of a limit.
    OfLimit(&'static str, f64),
    /// A rate of at least so many times that of the best peer.
    OfBestPeer(f64),
    /// A p99 of at most so many times that of a limit.
    LatestOfLimit(&'static str, f64),
    /// At least so many events a second.
    Rate(f64),
    /// At most so many microseconds a step.
    Microseconds(f64),
    /// At most so many milliseconds to open, for so many segments.
    Milliseconds(f64),
    /// At most so many bytes on disk for each byte of payload.
    Disk(f64),
    /// At most so many mebibytes over the start.
    Memory(f64),
    Threads(u64),
    Handles(u64),
}

/// Of one goal: what it says, what was measured, whether that is enough.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Judgement {
    pub(super) row: String,
    pub(super) goal: String,
    pub(super) measured: String,
    /// Nothing where something is missing to tell.
    pub(super) met: Option<bool>,
}

const ZEROED: &str = "raw-zeroed";
const MAPPED: &str = "mmap-crc";

/// One for each row of the goals.
const GOALS: &[Goal] = &[
    goal(
        Workload::W1,
        128,
        &[Want::OfLimit(ZEROED, 0.97), Want::LatestOfLimit(ZEROED, 1.1), Want::OfBestPeer(1.0)],
    ),
    goal(Workload::W1, 1024, &[Want::OfLimit(ZEROED, 0.97)]),
    goal(Workload::W2, 128, &[Want::OfLimit(ZEROED, 1.3)]),
    goal(Workload::W2, 1024, &[Want::OfLimit(ZEROED, 1.0)]),
    goal(Workload::W3, 128, &[Want::OfLimit(ZEROED, 0.7), Want::OfBestPeer(1.0)]),
    goal(Workload::W3, 1024, &[Want::OfLimit(ZEROED, 0.65), Want::OfBestPeer(1.0)]),
    goal(Workload::W4, 128, &[Want::OfLimit(ZEROED, 0.55), Want::OfBestPeer(3.0)]),
    goal(Workload::W4, 1024, &[Want::OfLimit(ZEROED, 0.5), Want::OfBestPeer(2.0)]),
    goal(Workload::R1, 128, &[Want::OfLimit(MAPPED, 1.0)]),
    goal(Workload::R1, 1024, &[Want::OfLimit(MAPPED, 0.75)]),
    goal(Workload::R2, 128, &[Want::OfLimit("pread", 0.8), Want::OfBestPeer(1.0)]),
    goal(Workload::R2, 1024, &[Want::OfLimit("pread", 0.8), Want::OfBestPeer(1.0)]),
    // Sixteen segments of 64 MiB at 0.3 µs each.
    goal(Workload::R3, 1024, &[Want::Milliseconds(0.505)]),
    Goal { deed: Deed::OpenKilled, size: 1024, wants: &[Want::Milliseconds(5.0)] },
    goal(Workload::R4, 128, &[Want::Microseconds(1.5)]),
    goal(Workload::R5, 128, &[Want::Rate(1e6), Want::Threads(6), Want::Handles(300), Want::Memory(40.0)]),
    goal(Workload::W4, 128, &[Want::Disk(1.20), Want::Memory(16.0)]),
    goal(Workload::W4, 1024, &[Want::Disk(1.03), Want::Memory(16.0)]),
];

const fn goal(workload: Workload, size: usize, wants: &'static [Want]) -> Goal {
    Goal { deed: Deed::Plain(workload), size, wants }
}

/// All goals, judged.
pub(super) fn judge(figures: &Figures, subjects: &[Subject]) -> Vec<Judgement> {
    GOALS.iter().map(|goal| goal.judge(figures, subjects)).collect()
}

/// Judgements as a table.
pub(super) fn table(judgements: &[Judgement]) -> Table {
    let mut table = Table::new("Goals", &["row", "goal", "measured", "met"]);
    for Judgement { row, goal, measured, met } in judgements {
        let met = match met {
            Some(true) => "yes",
            Some(false) => "no",
            None => "not measured",
        };
        table.row([row.clone(), goal.clone(), measured.clone(), met.to_owned()]);
    }
    table
}

impl Goal {
    fn judge(&self, figures: &Figures, subjects: &[Subject]) -> Judgement {
        let parts: Vec<Part> = self.wants.iter().map(|want| self.measure(*want, figures, subjects)).collect();
        let has_failed = parts.iter().any(|part| part.met == Some(false));
        let is_complete = parts.iter().all(|part| part.met.is_some());
        let join = |words: Vec<String>| words.join("; ");
        let name = match self.deed {
            Deed::Plain(Workload::R3) => "R3 clean".to_owned(),
            Deed::Plain(workload) => format!("{workload:?}"),
            Deed::OpenKilled => "R3 killed".to_owned(),
        };
        Judgement {
            row: format!("{name} {} B", self.size),
            goal: join(self.wants.iter().map(ToString::to_string).collect()),
            measured: join(parts.into_iter().map(|part| part.measured).collect()),
            met: (has_failed || is_complete).then_some(!has_failed),
        }
    }

    fn measure(&self, want: Want, figures: &Figures, subjects: &[Subject]) -> Part {
        let own = |figure: &dyn Fn(&evlog_benches::outcome::Outcome) -> Option<f64>| {
            figures.of(self.deed, self.size, "evlog")?.spread(figure).map(|spread| spread.median)
        };
        let rate = figures.rate(self.deed, self.size, "evlog").map(|spread| spread.median);
        let times = |part: Option<f64>, whole: Option<f64>| Some(part? / whole?);
        match want {
            Want::OfLimit(limit, least) => {
                let limit_rate = figures.rate(self.deed, self.size, limit).map(|spread| spread.median);
                Part::at_least(times(rate, limit_rate), least, |value| format!("{} {limit}", ratio(value)))
            }
            Want::OfBestPeer(least) => {
                let best = figures.best_peer(subjects, self.deed, self.size);
                let name = best.map_or("", |(peer, _)| &peer.name);
                Part::at_least(times(rate, best.map(|(_, rate)| rate)), least, |value| {
                    format!("{} {name}, the best peer", ratio(value))
                })
            }
            Want::LatestOfLimit(limit, most) => {
                let p99 = |subject: &str| {
                    let spread = figures.of(self.deed, self.size, subject)?;
                    Some(spread.spread(|outcome| outcome.latency.as_ref().map(|it| it.p99))?.median)
                };
                Part::at_most(times(p99("evlog"), p99(limit)), most, |value| format!("p99 {}", ratio(value)))
            }
            Want::Rate(least) => {
                Part::at_least(rate, least, |value| format!("{}/s", super::statistics::rate(value)))
            }
            Want::Microseconds(most) => {
                let p50 = own(&|outcome| outcome.latency.as_ref().map(|it| it.p50));
                Part::at_most(p50, most, |value| format!("{} µs", microseconds(value)))
            }
            Want::Milliseconds(most) => {
                Part::at_most(rate.map(|rate| 1e3 / rate), most, |value| format!("{value:.2} ms"))
            }
            Want::Disk(most) => {
                Part::at_most(own(&|outcome| disk_ratio(outcome, self.size)), most, |value| {
                    format!("{value:.3} on disk")
                })
            }
            Want::Memory(most) => {
                Part::at_most(own(&memory_over_the_start), most, |value| format!("{value:.1} MiB"))
            }
            #[expect(clippy::cast_precision_loss, reason = "a few threads")]
            Want::Threads(most) => {
                let threads = own(&|outcome| outcome.threads.map(|count| count as f64));
                Part::at_most(threads, most as f64, |value| format!("{value:.0} threads"))
            }
            #[expect(clippy::cast_precision_loss, reason = "a few hundred files")]
            Want::Handles(most) => {
                let handles = own(&|outcome| outcome.handles.map(|count| count as f64));
                Part::at_most(handles, most as f64, |value| format!("{value:.0} handles"))
            }
        }
    }
}

/// One condition, judged.
struct Part {
    measured: String,
    met: Option<bool>,
}

impl Part {
    fn at_least(value: Option<f64>, least: f64, words: impl Fn(f64) -> String) -> Part {
        Part::of(value, words, |value| value >= least)
    }

    fn at_most(value: Option<f64>, most: f64, words: impl Fn(f64) -> String) -> Part {
        Part::of(value, words, |value| value <= most)
    }

    fn of(value: Option<f64>, words: impl Fn(f64) -> String, is_met: impl Fn(f64) -> bool) -> Part {
        Part { measured: value.map_or("–".to_owned(), words), met: value.map(is_met) }
    }
}

impl std::fmt::Display for Want {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Want::OfLimit(limit, least) => write!(f, "≥ {least:.2} × {limit}"),
            Want::OfBestPeer(least) => write!(f, "≥ {least:.0} × the best peer"),
            Want::LatestOfLimit(limit, most) => write!(f, "p99 ≤ {most} × {limit}"),
            Want::Rate(least) => write!(f, "≥ {}/s", super::statistics::rate(*least)),
            Want::Microseconds(most) => write!(f, "≤ {most} µs"),
            Want::Milliseconds(most) => write!(f, "≤ {most} ms"),
            Want::Disk(most) => write!(f, "≤ {most:.2} bytes on disk a byte"),
            Want::Memory(most) => write!(f, "≤ {most:.0} MiB over the start"),
            Want::Threads(most) => write!(f, "≤ {most} threads"),
            Want::Handles(most) => write!(f, "≤ {most} handles"),
        }
    }
}

#[cfg(test)]
mod tests {
    use evlog_benches::outcome::Outcome;

    use super::*;
    use crate::bench::figures::{Key, Rounds};

    fn figures(rates: &[(&str, u64)]) -> Figures {
        let mut figures = Figures::default();
        for (subject, events) in rates {
            let key = Key { workload: Deed::Plain(Workload::W1), size: 1024, subject: (*subject).to_owned() };
            let outcome = Outcome { events: *events, seconds: 1.0, ..Outcome::default() };
            figures.rounds.insert(key, Rounds { outcomes: vec![outcome], ..Rounds::default() });
        }
        figures
    }

    fn judgement(rates: &[(&str, u64)]) -> Judgement {
        GOALS[1].judge(&figures(rates), &[])
    }

    #[test]
    fn a_goal_is_met_missed_or_unknown() {
        let met = judgement(&[("evlog", 97), (ZEROED, 100)]);
        assert_eq!((met.met, met.measured.as_str()), (Some(true), "0.97 × raw-zeroed"));
        assert_eq!(judgement(&[("evlog", 96), (ZEROED, 100)]).met, Some(false));
        assert_eq!(judgement(&[("evlog", 97)]).met, None);
        assert_eq!((met.row.as_str(), met.goal.as_str()), ("W1 1024 B", "≥ 0.97 × raw-zeroed"));
    }

    #[test]
    fn one_condition_that_fails_is_enough() {
        let figures = figures(&[("evlog", 50), (ZEROED, 100)]);
        let both = Goal { size: 1024, ..goal(Workload::W1, 128, GOALS[0].wants) };
        assert_eq!(both.judge(&figures, &[]).met, Some(false));
    }
}
