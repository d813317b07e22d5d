//! What a topic keeps: examples of each limit, and the promises over any chain of segments.

use evlog_store::retention::{GREATEST_SKEW, LEAST_SEGMENT_BYTES, Retention, SegmentFacts, trim_to};
use evlog_store::units::{OptionError, Problem};
use proptest::prelude::*;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
const DAY_MICROS: i64 = 86_400_000_000;
const WEEK: Duration = Duration::from_secs(7 * 86_400);
/// 2099-01-01T00:00:00Z.
const FAR_FUTURE: i64 = 4_070_908_800_000_000;

/// Segments of a hundred events and 1,000 bytes each, the greatest timestamp in days.
fn daily(days: &[i64]) -> Vec<SegmentFacts> {
    (0_u64..)
        .zip(days)
        .map(|(index, day)| SegmentFacts {
            start: index * 100,
            end: index * 100 + 100,
            bytes: 1_000,
            greatest: Some(day * DAY_MICROS),
        })
        .collect()
}

fn kept_from(segments: &[SegmentFacts], now_day: i64, policy: Retention) -> Option<u64> {
    trim_to(segments, now_day * DAY_MICROS, &policy)
}

#[test]
fn by_default_everything_is_kept() {
    assert_eq!(Retention::default(), Retention::everything());
    assert_eq!(kept_from(&daily(&[0, 1, 2]), 100_000, Retention::everything()), Some(0));
    assert_eq!(kept_from(&[], 0, Retention::everything().bytes(1).age(DAY).events(1)), None);
}

#[test]
fn the_active_segment_counts_but_never_goes() {
    let segments = daily(&[0, 1, 2, 3]);
    assert_eq!(kept_from(&segments, 3, Retention::everything().bytes(4_000)), Some(0));
    assert_eq!(kept_from(&segments, 3, Retention::everything().bytes(3_999)), Some(100));
    assert_eq!(kept_from(&segments, 3, Retention::everything().bytes(1_000)), Some(300));
    assert_eq!(kept_from(&segments, 3, Retention::everything().bytes(1)), Some(300));
}

#[test]
fn so_many_events_are_kept_at_least() {
    let segments = daily(&[0, 1, 2, 3]);
    assert_eq!(kept_from(&segments, 3, Retention::everything().events(301)), Some(0));
    assert_eq!(kept_from(&segments, 3, Retention::everything().events(300)), Some(100));
    assert_eq!(kept_from(&segments, 3, Retention::everything().events(1)), Some(300));
}

#[test]
fn a_segment_goes_when_its_youngest_event_is_too_old() {
    let segments = daily(&[0, 1, 9, 10]);
    assert_eq!(kept_from(&segments, 10, Retention::everything().age(WEEK)), Some(200));
    // Ten days minus a week is the third day; what is exactly a week old stays.
    assert_eq!(kept_from(&daily(&[2, 3, 9, 10]), 10, Retention::everything().age(WEEK)), Some(100));
}

#[test]
fn old_events_behind_a_young_one_stay() {
    let segments = daily(&[9, 0, 9, 10]);
    assert_eq!(kept_from(&segments, 10, Retention::everything().age(WEEK)), Some(0));
}

#[test]
fn the_tightest_limit_decides() {
    let segments = daily(&[0, 1, 9, 10]);
    let policy = Retention::everything().age(WEEK).bytes(3_000).events(100);
    assert_eq!(kept_from(&segments, 10, policy), Some(300));
    // A young segment that went for its bytes no longer shields the old one behind it.
    let policy = Retention::everything().age(WEEK).bytes(3_000);
    assert_eq!(kept_from(&daily(&[9, 0, 9, 10]), 10, policy), Some(200));
}

#[test]
fn a_clock_that_jumps_ahead_does_not_empty_the_topic() {
    let segments = daily(&[0, 1, 9, 10]);
    // As if it were the eleventh day: the newest event's, and one more.
    assert_eq!(trim_to(&segments, FAR_FUTURE, &Retention::everything().age(WEEK)), Some(200));
    assert_eq!(trim_to(&segments, i64::MAX, &Retention::everything().age(WEEK)), Some(200));
    // The allowance is never more than a quarter of the age.
    let hour = Duration::from_secs(3_600);
    assert!(GREATEST_SKEW > hour);
    let minutes = [0, 30, 55, 60].map(|minute| minute * 60_000_000);
    let mut segments = daily(&[0; 4]);
    for (segment, time) in segments.iter_mut().zip(minutes) {
        segment.greatest = Some(time);
    }
    assert_eq!(trim_to(&segments, FAR_FUTURE, &Retention::everything().age(hour)), Some(100));
}

#[test]
fn a_clock_that_jumps_back_lets_nothing_go() {
    for now in [i64::MIN, -1, 0, DAY_MICROS] {
        assert_eq!(
            trim_to(&daily(&[5, 6, 9, 10]), now, &Retention::everything().age(WEEK)),
            Some(0),
            "{now}"
        );
    }
}

#[test]
fn one_wild_timestamp_neither_triggers_nor_freezes() {
    let policy = Retention::everything().age(WEEK);
    for wild in 0..4 {
        let mut segments = daily(&[0, 1, 9, 10]);
        segments[wild].greatest = Some(FAR_FUTURE);
        // The second segment's time is then taken from the third, which is young.
        let expected = if wild == 1 { 100 } else { 200 };
        assert_eq!(kept_from(&segments, 10, policy), Some(expected), "wild in segment {wild}");
        // The topic goes on for eight days, and all of this is too old; the wild segment goes with the one behind it.
        segments.push(SegmentFacts { start: 400, end: 500, bytes: 1_000, greatest: Some(18 * DAY_MICROS) });
        let expected = if wild == 3 { 300 } else { 400 };
        assert_eq!(kept_from(&segments, 18, policy), Some(expected), "wild in segment {wild}");
        segments.push(SegmentFacts { start: 500, end: 600, bytes: 1_000, greatest: Some(26 * DAY_MICROS) });
        assert_eq!(kept_from(&segments, 26, policy), Some(500), "wild in segment {wild}");
    }
}

#[test]
fn a_segment_without_a_summary_goes_with_the_next() {
    let mut segments = daily(&[0, 1, 9, 10]);
    segments[0].greatest = None;
    assert_eq!(kept_from(&segments, 10, Retention::everything().age(WEEK)), Some(200));
    for segment in &mut segments {
        segment.greatest = None;
    }
    assert_eq!(kept_from(&segments, 10, Retention::everything().age(WEEK)), Some(0));
}

#[test]
fn a_wrap_limits_the_product_and_the_size_of_files() {
    let wrap = Retention::wrap(10, 1 << 20);
    assert_eq!((wrap.limit_bytes(), wrap.limit_age(), wrap.limit_events()), (Some(10 << 20), None, None));
    assert_eq!(wrap.segment_bytes(64 << 20), 1 << 20);
    assert_eq!(wrap.segment_bytes(1 << 18), 1 << 18);
    assert_eq!(Retention::wrap(u64::MAX, 2).limit_bytes(), Some(u64::MAX));
}

#[test]
fn segments_are_a_quarter_of_the_limit_at_most() {
    assert_eq!(Retention::everything().segment_bytes(64 << 20), 64 << 20);
    assert_eq!(Retention::everything().bytes(1 << 20).segment_bytes(64 << 20), 1 << 18);
    assert_eq!(Retention::everything().bytes(1).segment_bytes(64 << 20), LEAST_SEGMENT_BYTES);
    assert_eq!(Retention::everything().segment_bytes(1), 1, "what was asked for, no limit says otherwise");
    assert_eq!(Retention::everything().bytes(1).segment_bytes(1), 1);
}

#[test]
fn limits_of_zero_are_refused_by_name() {
    let cases = [
        (Retention::everything().bytes(0), "retention_bytes"),
        (Retention::everything().age(Duration::ZERO), "retention_age"),
        (Retention::everything().events(0), "retention_events"),
        (Retention::wrap(0, 1 << 20), "wrap"),
        (Retention::wrap(4, 0), "wrap"),
    ];
    for (policy, key) in cases {
        assert_eq!(policy.check(), Err(OptionError::new(key, "0", Problem::Zero)));
    }
    assert_eq!(Retention::wrap(1, 1).age(DAY).events(1).check(), Ok(()));
}

/// Any chain: starts and ends meet, times in any order, some unknown.
fn chains() -> impl Strategy<Value = Vec<SegmentFacts>> {
    let time = prop_oneof![
        1 => Just(None),
        8 => (-30 * DAY_MICROS..30 * DAY_MICROS).prop_map(Some),
        1 => any::<i64>().prop_map(Some),
    ];
    let segment = (0_u64..50, 0_u64..5_000, time);
    (0_u64..1_000, prop::collection::vec(segment, 1..12)).prop_map(|(mut start, segments)| {
        segments
            .into_iter()
            .map(|(events, bytes, greatest)| {
                let end = start + events;
                SegmentFacts { start: std::mem::replace(&mut start, end), end, bytes, greatest }
            })
            .collect()
    })
}

/// A chain whose times ascend, all of them known and none ahead of day 30.
fn orderly_chains() -> impl Strategy<Value = Vec<SegmentFacts>> {
    (chains(), prop::collection::vec(0..30 * DAY_MICROS, 12)).prop_map(|(mut segments, mut times)| {
        times.truncate(segments.len());
        times.sort_unstable();
        for (segment, time) in segments.iter_mut().zip(times) {
            segment.greatest = Some(time);
        }
        segments
    })
}

fn policies() -> impl Strategy<Value = Retention> {
    let limits = (prop::option::of(0_u64..20_000), prop::option::of(0_u64..40), prop::option::of(0_u64..300));
    limits.prop_map(|(bytes, days, events)| {
        let policy = bytes.map_or(Retention::everything(), |limit| Retention::everything().bytes(limit));
        let policy = days.map_or(policy, |days| policy.age(Duration::from_secs(days * 86_400)));
        events.map_or(policy, |limit| policy.events(limit))
    })
}

fn clocks() -> impl Strategy<Value = i64> {
    prop_oneof![-40 * DAY_MICROS..40 * DAY_MICROS, any::<i64>()]
}

/// The segments that remain, found the slow way: ask whether the oldest goes, drop it, ask again.
fn remaining_by_hand(segments: &[SegmentFacts], now: i64, policy: &Retention) -> Vec<SegmentFacts> {
    let mut rest = segments.to_vec();
    let newest = segments.iter().filter_map(|segment| believed(segment, now, policy)).max();
    while rest.len() > 1 && oldest_goes(&rest, newest, now, policy) {
        rest.remove(0);
    }
    rest
}

fn oldest_goes(rest: &[SegmentFacts], newest: Option<i64>, now: i64, policy: &Retention) -> bool {
    let end = rest[rest.len() - 1].end;
    let by_bytes =
        policy.limit_bytes().is_some_and(|limit| rest.iter().map(|s| s.bytes).sum::<u64>() > limit);
    let by_events = policy.limit_events().is_some_and(|limit| (rest[0].end..end).count() as u64 >= limit);
    let by_age = policy.limit_age().is_some_and(|limit| {
        let time = rest.iter().find_map(|segment| believed(segment, now, policy));
        let age_limit = i128::try_from(limit.as_micros()).expect("small");
        let present = i128::from(now).min(i128::from(newest.unwrap_or(now)) + skew(limit));
        time.is_some_and(|time| present - i128::from(time) > age_limit)
    });
    by_bytes || by_events || by_age
}

fn skew(limit: Duration) -> i128 {
    i128::try_from((limit / 4).min(DAY).as_micros()).expect("small")
}

fn believed(segment: &SegmentFacts, now: i64, policy: &Retention) -> Option<i64> {
    let skew = policy.limit_age().map_or(0, skew);
    segment.greatest.filter(|time| i128::from(*time) <= i128::from(now) + skew)
}

proptest! {
    #[test]
    fn the_answer_is_the_slow_one(segments in chains(), now in clocks(), policy in policies()) {
        let rest = remaining_by_hand(&segments, now, &policy);
        prop_assert_eq!(trim_to(&segments, now, &policy), Some(rest[0].start));
    }

    #[test]
    fn asking_again_lets_nothing_more_go(segments in chains(), now in clocks(), policy in policies()) {
        let rest = remaining_by_hand(&segments, now, &policy);
        prop_assert_eq!(trim_to(&rest, now, &policy), Some(rest[0].start));
    }

    #[test]
    fn what_remains_is_within_the_limits_or_alone(segments in chains(), now in clocks(), policy in policies()) {
        let start = trim_to(&segments, now, &policy).expect("a chain is never empty");
        let end = segments[segments.len() - 1].end;
        // Where empty segments share the start, the fewest that the answer can mean.
        let rest: Vec<_> = segments.iter().filter(|segment| segment.start >= start).collect();
        let fewest: u64 = {
            let last_with_start = rest.iter().rposition(|s| s.start == start).expect("a segment's start");
            rest[last_with_start..].iter().map(|s| s.bytes).sum()
        };
        if let Some(limit) = policy.limit_bytes() {
            prop_assert!(fewest <= limit || start == segments[segments.len() - 1].start);
        }
        if let (Some(limit), None, None) = (policy.limit_events(), policy.limit_bytes(), policy.limit_age()) {
            prop_assert!(end - start >= limit.min(end - segments[0].start), "the newest events are kept");
        }
    }

    #[test]
    fn no_clock_lets_more_go_than_a_day_after_the_newest_event(
        segments in orderly_chains(),
        now in any::<i64>(),
        days in 1_u64..40,
    ) {
        let policy = Retention::everything().age(Duration::from_secs(days * 86_400));
        let newest = segments.iter().filter_map(|segment| segment.greatest).max().expect("all known");
        let allowed = trim_to(&segments, newest + DAY_MICROS, &policy);
        prop_assert!(trim_to(&segments, now, &policy) <= allowed);
    }

    #[test]
    fn one_wild_timestamp_lets_nothing_more_go_and_delays_one_segment_at_most(
        segments in orderly_chains(),
        wild in any::<prop::sample::Index>(),
        days in 1_u64..40,
        today in 30_i64..40,
    ) {
        let policy = Retention::everything().age(Duration::from_secs(days * 86_400));
        let wild = wild.index(segments.len());
        let with = |time| {
            let mut changed = segments.clone();
            changed[wild].greatest = time;
            kept_from(&changed, today, policy)
        };
        let sane = kept_from(&segments, today, policy);
        prop_assert!(with(Some(FAR_FUTURE)) <= sane);
        // The wild segment is taken to be as old as the next; as the last of all it says nothing.
        if let Some(next) = segments.get(wild + 1) {
            prop_assert_eq!(with(Some(FAR_FUTURE)), with(next.greatest));
        }
    }
}
