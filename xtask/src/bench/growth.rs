//! `cargo xtask bench growth`: how cost grows with the log, its topics, its writers, its batches, its events, its readers.

use std::path::Path;

use evlog_benches::outcome::Outcome;
use evlog_benches::subject::Workload;
use serde::Serialize;

use super::figures::fresh;
use super::plots::{self, Axes, Line};
use super::programs::{Subject, Task};
use super::scale::Scale;
use super::statistics::{Spread, rate};
use super::table::Table;
use crate::process::Failure;

/// Something that grows, and what that does to something else.
#[derive(Debug, Serialize)]
pub(super) struct Series {
    /// For files.
    name: &'static str,
    title: &'static str,
    x: &'static str,
    y: &'static str,
    points: Vec<(f64, f64)>,
    /// Points that could not be measured, and why.
    missing: Vec<String>,
}

/// One series: a task for each step, and the figure that counts.
struct Question {
    name: &'static str,
    title: &'static str,
    x: &'static str,
    y: &'static str,
    steps: Vec<u64>,
    workload: Workload,
    resize: for<'a> fn(u64, Task<'a>) -> Task<'a>,
    figure: fn(&Outcome) -> Option<f64>,
}

/// Bytes of a payload, where it is not what grows.
const SIZE: usize = 128;
/// Appends a second beside readers.
const RATE: u64 = 500;

/// Steps from `least` to `most`, each ten times the one before.
fn decades(least: u64, most: u64) -> Vec<u64> {
    std::iter::successors(Some(least), |step| step.checked_mul(10)).take_while(|step| *step <= most).collect()
}

fn doublings(most: u64) -> Vec<u64> {
    std::iter::successors(Some(1), |step| Some(step * 2)).take_while(|step| *step <= most).collect()
}

/// All series, of evlog.
pub(super) fn measure(evlog: &Subject, scale: &Scale, folder: &Path) -> Result<Vec<Series>, Failure> {
    let mut all = Vec::new();
    for question in questions() {
        all.push(question.ask(evlog, scale, folder)?);
    }
    all.extend(with_the_log(evlog, scale, folder)?);
    Ok(all)
}

fn questions() -> Vec<Question> {
    vec![
        Question {
            name: "batch",
            title: "W3 over events in a batch",
            x: "events in a batch",
            y: "events/s",
            steps: decades(1, 10_000),
            workload: Workload::W3,
            resize: |batch, task| Task { count: batch.max(10) * 20, batch: batch as usize, ..task },
            figure: |outcome| Some(outcome.rate()),
        },
        Question {
            name: "event",
            title: "W3 over bytes of an event, a mebibyte in a batch",
            x: "bytes of an event",
            y: "MiB/s",
            steps: (2..=10).map(|power| 1 << (2 * power)).collect(),
            workload: Workload::W3,
            resize: |size, task| {
                let batch = (1 << 20) / size;
                Task { size: size as usize, count: batch * 20, batch: batch as usize, ..task }
            },
            figure: |outcome| Some(20.0 / outcome.seconds),
        },
        Question {
            name: "writers",
            title: "W2 over threads that write",
            x: "threads",
            y: "events/s",
            steps: doublings(64),
            workload: Workload::W2,
            resize: |threads, task| Task { count: threads * 200, threads: threads as usize, ..task },
            figure: |outcome| Some(outcome.rate()),
        },
        Question {
            name: "topics",
            title: "R5 over topics, 100,000 events",
            x: "topics",
            y: "events/s",
            steps: decades(1, 10_000),
            workload: Workload::R5,
            resize: |topics, task| Task { count: 100_000, topics: topics as usize, ..task },
            figure: |outcome| Some(outcome.rate()),
        },
        Question {
            name: "readers",
            title: "p99 of durable appends, 500 a second from 4 threads, over threads that read everything meanwhile",
            x: "readers",
            y: "µs",
            steps: doublings(16),
            workload: Workload::Load,
            resize: |readers, task| Task {
                count: 2 * RATE,
                threads: 4,
                rate: RATE,
                readers: readers as usize,
                ..task
            },
            figure: |outcome| outcome.latency.as_ref().map(|latency| latency.p99),
        },
    ]
}

impl Question {
    fn ask(&self, evlog: &Subject, scale: &Scale, folder: &Path) -> Result<Series, Failure> {
        let mut series = Series::new(self.name, self.title, self.x, self.y);
        for &step in &self.steps {
            eprintln!("growth: {}: {step}", self.title);
            let mut rounds = Vec::new();
            for _ in 0..scale.rounds {
                let fresh = fresh(folder)?;
                let task = (self.resize)(step, scale.task(evlog, self.workload, SIZE, fresh.path()));
                rounds.push(task.run().map(|outcome| (self.figure)(&outcome)));
            }
            series.add(step, rounds);
        }
        Ok(series)
    }
}

/// What depends on how long the log is: one log for each length, measured in every way.
fn with_the_log(evlog: &Subject, scale: &Scale, folder: &Path) -> Result<Vec<Series>, Failure> {
    let x = "events in the log";
    let mut append = Series::new("log-append", "W4 over events in the log", x, "events/s");
    let mut open = Series::new("log-open", "R3 after a close, over events in the log", x, "ms");
    let mut seek = Series::new("log-seek", "R2 over events in the log", x, "events/s");
    let mut newest = Series::new("log-newest", "R4, half of all reads, over events in the log", x, "µs");
    for count in decades(1_000, scale.longest) {
        eprintln!("growth: a log of {count} events");
        let (mut appended, mut opened, mut sought, mut read) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..scale.rounds {
            let fresh = fresh(folder)?;
            let task = Task { count, ..scale.task(evlog, Workload::W4, SIZE, fresh.path()) };
            let run = |workload| Task { workload, ..task }.run();
            appended.push(run(Workload::W4).map(|outcome| Some(outcome.rate())));
            opened.push(run(Workload::R3).map(|outcome| Some(outcome.seconds * 1e3)));
            sought.push(run(Workload::R2).map(|outcome| Some(outcome.rate())));
            read.push(run(Workload::R4).map(|outcome| outcome.latency.map(|latency| latency.p50)));
        }
        append.add(count, appended);
        open.add(count, opened);
        seek.add(count, sought);
        newest.add(count, read);
    }
    Ok(vec![append, open, seek, newest])
}

impl Series {
    fn new(name: &'static str, title: &'static str, x: &'static str, y: &'static str) -> Series {
        Series { name, title, x, y, points: Vec::new(), missing: Vec::new() }
    }

    /// Adds the middle of the rounds, or why there is none.
    #[expect(clippy::cast_precision_loss, reason = "steps are small or round")]
    fn add(&mut self, step: u64, rounds: Vec<Result<Option<f64>, String>>) {
        let mut figures = Vec::new();
        for round in rounds {
            match round {
                Ok(figure) => figures.extend(figure),
                Err(why) => self.missing.push(format!("{step}: {why}")),
            }
        }
        self.points.extend(Spread::of(figures).map(|spread| (step as f64, spread.median)));
    }
}

/// The series as tables.
pub(super) fn tables(all: &[Series]) -> Vec<Table> {
    let tables = all.iter().map(|series| {
        let mut table = Table::new(series.title, &[series.x, series.y, "not measured"]);
        for (step, figure) in &series.points {
            let figure = if *figure < 1e3 { format!("{figure:.2}") } else { rate(*figure) };
            table.row([format!("{step:.0}"), figure]);
        }
        for why in &series.missing {
            table.row([String::new(), String::new(), why.clone()]);
        }
        table
    });
    tables.collect()
}

/// A drawing for each series that has points.
pub(super) fn draw(folder: &Path, all: &[Series]) -> Result<(), Failure> {
    for series in all.iter().filter(|series| series.points.len() > 1) {
        let axes = Axes { title: series.title, x: series.x, y: series.y };
        let line = Line { name: "evlog".to_owned(), points: series.points.clone() };
        plots::draw_growth(&folder.join(format!("growth-{}.svg", series.name)), &axes, &[line])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_end_at_the_most() {
        assert_eq!(decades(1, 10_000), [1, 10, 100, 1_000, 10_000]);
        assert_eq!(doublings(16), [1, 2, 4, 8, 16]);
        assert!(questions().iter().all(|question| question.steps.len() > 4));
    }

    #[test]
    fn a_step_has_the_middle_of_its_rounds_or_says_why_not() {
        let mut series = Series::new("x", "title", "steps", "events/s");
        series.add(1, vec![Ok(Some(5.0)), Ok(Some(1.0)), Ok(Some(3.0))]);
        series.add(10, vec![Err("no room".into())]);
        assert_eq!((&*series.points, &*series.missing), (&[(1.0, 3.0)][..], &["10: no room".to_owned()][..]));
        let text = tables(&[series])[0].to_string();
        assert!(text.contains("3.00") && text.contains("10: no room"), "{text}");
    }
}
