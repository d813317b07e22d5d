//! Counts of topics, and their text for Prometheus, which Prometheus' own checker judges.

use evlog_store::metrics::{AppendFailure, Extent, Group, TopicMetrics, TopicSnapshot, prometheus};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

/// One of everything, no two numbers alike.
fn busy() -> TopicMetrics {
    let metrics = TopicMetrics::default();
    metrics.committed(Group { batches: 2, events: 30, bytes: 4_000 }, Duration::from_micros(1_500));
    metrics.committed(Group { batches: 1, events: 1, bytes: 5 }, Duration::from_micros(250));
    for (times, why) in (1..).zip(AppendFailure::ALL) {
        (0..times).for_each(|_| metrics.append_failed(why));
    }
    metrics.synced(Duration::from_micros(10));
    metrics.synced(Duration::from_nanos(10_001));
    metrics.synced(Duration::from_secs(11));
    metrics.waited(Duration::from_millis(3));
    metrics.read(7, 700, Duration::from_micros(40));
    metrics.read(1, 1, Duration::from_micros(41));
    (0..8).for_each(|_| metrics.read_failed());
    (0..9).for_each(|_| metrics.met_damage());
    (0..10).for_each(|_| metrics.repaired());
    (0..11).for_each(|_| metrics.rolled());
    metrics.trimmed(12_000);
    metrics.reaches(Extent { start: 13, end: 29, durable: 28, bytes: 14_000, segments: 15 });
    metrics.pending(16);
    metrics.poisoned();
    metrics
}

#[test]
fn a_snapshot_holds_what_was_counted() {
    let snapshot = busy().snapshot();
    // What the original counts: writes, reads, batches, errors, repairs, and the two durations.
    assert_eq!((snapshot.append_events, snapshot.reads, snapshot.append_batches), (31, 2, 3));
    assert_eq!((snapshot.errors(), snapshot.repairs), (1 + 2 + 3 + 4 + 5 + 6 + 8 + 9, 10));
    assert_eq!(snapshot.last_write, Duration::from_micros(250));
    assert_eq!(snapshot.last_read, Duration::from_micros(41));
    // And the rest.
    assert_eq!(snapshot.append_bytes, 4_005);
    assert_eq!((snapshot.read_events, snapshot.read_bytes), (8, 701));
    assert_eq!((snapshot.read_errors, snapshot.damage), (8, 9));
    assert_eq!(snapshot.append_errors[1], (AppendFailure::NoSpace, 2));
    assert_eq!((snapshot.segments_rolled, snapshot.trimmed_bytes), (11, 12_000));
    assert_eq!((snapshot.start_position, snapshot.end_position, snapshot.durable_position), (13, 29, 28));
    assert_eq!((snapshot.bytes, snapshot.segments, snapshot.pending_bytes), (14_000, 15, 16));
    assert!(snapshot.poisoned);
}

#[test]
fn a_new_topic_has_counted_nothing() {
    let snapshot = TopicMetrics::default().snapshot();
    assert_eq!((snapshot.append_events, snapshot.reads, snapshot.errors()), (0, 0, 0));
    assert_eq!((snapshot.sync_nanos.count(), snapshot.sync_nanos.sum()), (0, 0));
    assert_eq!(snapshot.sync_nanos.at_most(0.5), None);
    assert!(!snapshot.poisoned);
}

#[test]
fn a_bucket_holds_what_is_at_most_its_bound() {
    let syncs = busy().snapshot().sync_nanos;
    let below: Vec<_> = syncs.cumulative().collect();
    assert_eq!(below[..2], [(10_000, 1), (20_000, 2)]);
    assert_eq!(below.last(), Some(&(10_000_000_000, 2)), "eleven seconds are above every bound");
    assert_eq!((syncs.count(), syncs.sum()), (3, 11_000_020_001));
    assert_eq!(
        (syncs.at_most(0.3), syncs.at_most(0.6), syncs.at_most(1.0)),
        (Some(10_000), Some(20_000), None)
    );
}

#[test]
fn threads_lose_no_count() {
    let metrics = TopicMetrics::default();
    from_four_threads(|_| metrics.append_failed(AppendFailure::QueueFull));
    from_four_threads(|_| metrics.repaired());
    from_four_threads(|bytes| metrics.trimmed(bytes));
    from_four_threads(|nanos| metrics.synced(Duration::from_nanos(nanos)));
    from_four_threads(|events| metrics.committed(Group { batches: 1, events, bytes: 8 }, Duration::ZERO));
    let (snapshot, sum) = (metrics.snapshot(), 4 * (TIMES - 1) * TIMES / 2);
    assert_eq!((snapshot.errors(), snapshot.repairs, snapshot.trimmed_bytes), (4 * TIMES, 4 * TIMES, sum));
    assert_eq!((snapshot.sync_nanos.count(), snapshot.sync_nanos.sum()), (4 * TIMES, sum));
    assert_eq!(
        (snapshot.append_batches, snapshot.append_bytes, snapshot.append_events),
        (4 * TIMES, 32 * TIMES, sum)
    );
    assert_eq!((snapshot.group_events.count(), snapshot.group_events.sum()), (4 * TIMES, sum));
}

/// Long enough that the threads surely count at the same time.
const TIMES: u64 = 3_000_000;

/// One kind of count at a time: among others of the same cache line a lost one hardly ever shows.
fn from_four_threads(count: impl Fn(u64) + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..TIMES).for_each(&count));
        }
    });
}

#[test]
fn every_name_of_the_interface_is_shown_with_its_value() {
    let text = prometheus(&[("orders", busy().snapshot())]).to_string();
    let samples = samples(&text);
    let expected = [
        ("append_events_total", "31"),
        ("append_bytes_total", "4005"),
        ("append_batches_total", "3"),
        ("sync_total", "3"),
        ("reads_total", "2"),
        ("read_events_total", "8"),
        ("read_bytes_total", "701"),
        ("read_errors_total", "8"),
        ("damage_total", "9"),
        ("repairs_total", "10"),
        ("segments_rolled_total", "11"),
        ("trimmed_bytes_total", "12000"),
        ("start_position", "13"),
        ("end_position", "29"),
        ("durable_position", "28"),
        ("bytes", "14000"),
        ("segments", "15"),
        ("pending_bytes", "16"),
        ("poisoned", "1"),
        ("last_write_seconds", "0.00025"),
        ("last_read_seconds", "0.000041"),
        ("sync_seconds_sum", "11.000020001"),
        ("sync_seconds_count", "3"),
        ("commit_wait_seconds_sum", "0.003"),
        ("commit_wait_seconds_count", "1"),
        ("group_events_sum", "31"),
        ("group_events_count", "2"),
    ];
    for (name, value) in expected {
        assert_eq!(samples.get(&format!("evlog_{name}{{topic=\"orders\"}}")).copied(), Some(value), "{name}");
    }
    let labelled = [
        ("append_errors_total{topic=\"orders\",kind=\"io\"}", "1"),
        ("append_errors_total{topic=\"orders\",kind=\"no_space\"}", "2"),
        ("append_errors_total{topic=\"orders\",kind=\"poisoned\"}", "3"),
        ("append_errors_total{topic=\"orders\",kind=\"too_large\"}", "4"),
        ("append_errors_total{topic=\"orders\",kind=\"queue_full\"}", "5"),
        ("append_errors_total{topic=\"orders\",kind=\"wrong_position\"}", "6"),
        ("sync_seconds_bucket{topic=\"orders\",le=\"0.00001\"}", "1"),
        ("sync_seconds_bucket{topic=\"orders\",le=\"10\"}", "2"),
        ("sync_seconds_bucket{topic=\"orders\",le=\"+Inf\"}", "3"),
        ("group_events_bucket{topic=\"orders\",le=\"20\"}", "1"),
        ("group_events_bucket{topic=\"orders\",le=\"50\"}", "2"),
    ];
    for (name, value) in labelled {
        assert_eq!(samples.get(&format!("evlog_{name}")).copied(), Some(value), "{name}");
    }
    let others = samples.len() - expected.len() - labelled.len();
    // What was not named above are further buckets, and nothing else.
    assert_eq!(others, samples.keys().filter(|name| name.contains("_bucket{")).count() - 5);
}

#[test]
fn a_family_stands_together_whatever_the_number_of_topics() {
    let topics = [("a", busy().snapshot()), ("b", TopicMetrics::default().snapshot())];
    let text = prometheus(&topics).to_string();
    let mut families: Vec<&str> = Vec::new();
    for line in text.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split(' ').next()) {
            assert!(!families.contains(&family), "{family} is announced twice");
            families.push(family);
        } else if !line.starts_with('#') {
            let family = families.last().expect("a sample follows its family's type");
            assert!(line.starts_with(*family), "{line} stands in {family}");
        }
    }
    assert_eq!(families.len(), 12 + 1 + 7 + 2 + 3);
    assert_eq!(samples(&text).len(), 2 * samples(&prometheus(&topics[..1]).to_string()).len());
}

#[test]
fn what_ends_a_label_is_escaped() {
    let text = prometheus(&[("a\"b\\c\nd{e}", TopicMetrics::default().snapshot())]).to_string();
    assert!(text.contains("evlog_bytes{topic=\"a\\\"b\\\\c\\nd{e}\"} 0\n"));
    promtool(&text);
}

#[test]
fn the_checker_of_prometheus_has_no_complaint() {
    let names = ["orders", "Grüße-😀", ""];
    let topics: Vec<_> = names.iter().map(|name| (name, busy().snapshot())).collect();
    promtool(&prometheus(&topics).to_string());
    promtool(&prometheus::<&str>(&[]).to_string());
}

#[test]
fn the_checker_of_prometheus_can_complain() {
    let good = prometheus(&[("orders", busy().snapshot())]).to_string();
    for (what, bad) in [
        ("a name that is no counter's", good.replace("sync_total", "sync")),
        ("a label that does not end", good.replace("orders\"", "orders")),
        ("no help", good.replace("# HELP evlog_bytes Bytes of all segments.\n", "")),
    ] {
        assert_ne!(good, bad, "{what}");
        if let Some(verdict) = ask_promtool(&bad) {
            assert!(verdict.is_err(), "{what}");
        }
    }
}

fn promtool(text: &str) {
    if let Some(verdict) = ask_promtool(text) {
        assert_eq!(verdict, Ok(()), "{text}");
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says how strict they are")]
fn promtool_is_required() -> bool {
    std::env::var_os("EVLOG_REQUIRE_PROMTOOL").is_some_and(|value| value == "1")
}

/// What `promtool check metrics` says; none where it is not installed, which a strict run does not accept.
fn ask_promtool(text: &str) -> Option<Result<(), String>> {
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            assert!(
                !promtool_is_required(),
                "EVLOG_REQUIRE_PROMTOOL is 1, and promtool cannot be started: {error}"
            );
            // Straight to the terminal: what a test prints with the macros is shown only where it fails.
            let _ = writeln!(
                std::io::stderr(),
                "skipped: promtool cannot be started ({error}); Debian has it in the package prometheus"
            );
            return None;
        }
    };
    // A checker that stops reading at the first fault has answered; its answer is read below.
    let _ = child.stdin.take().expect("piped").write_all(text.as_bytes());
    let output = child.wait_with_output().expect("promtool ends");
    let said = [output.stdout, output.stderr].concat();
    let clean = output.status.success() && said.is_empty();
    Some(if clean { Ok(()) } else { Err(String::from_utf8_lossy(&said).into_owned()) })
}

/// Sample names with labels, and their values as text.
fn samples(text: &str) -> BTreeMap<String, &str> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit_once(' ').expect("a name and a value"))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn counted(values: &[u64]) -> TopicSnapshot {
    let metrics = TopicMetrics::default();
    for nanos in values {
        metrics.synced(Duration::from_nanos(*nanos));
    }
    metrics.snapshot()
}

proptest! {
    #[test]
    fn cumulative_counts_are_those_of_sorting(values in prop::collection::vec(0_u64..20_000_000_000, 0..200)) {
        let syncs = counted(&values).sync_nanos;
        for (bound, below) in syncs.cumulative() {
            prop_assert_eq!(below, values.iter().filter(|value| **value <= bound).count() as u64);
        }
        prop_assert_eq!(syncs.count(), values.len() as u64);
        prop_assert_eq!(syncs.sum(), values.iter().sum::<u64>());
    }
}
