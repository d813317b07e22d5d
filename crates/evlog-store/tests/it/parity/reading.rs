//! Events are read: from a position, since a time, the last ones, the newest.

use evlog_sim::{OperationKind, SimDisk};
use evlog_store::{Place, Read, Store, Topic};

use super::{events, fill, positions, store, store_on, unhurried};

/// A topic with so many events, whose numbers are their timestamps too.
fn filled(count: i64) -> (tempfile::TempDir, Store, Topic) {
    let (folder, store) = store();
    let topic = store.topic("a").unwrap();
    fill(&topic, 0..count);
    (folder, store, topic)
}

#[test]
fn reading_begins_at_the_position_and_ends_after_so_many() {
    let (_folder, _store, topic) = filled(350);
    assert!(positions(&topic, Read::from(0).limit(100)).into_iter().eq(0..100));
    assert!(positions(&topic, Read::from(120).limit(100)).into_iter().eq(120..220));
    assert!(positions(&topic, Read::from(300).limit(100)).into_iter().eq(300..350));
    assert!(positions(&topic, 349).into_iter().eq(349..350));
    assert!(positions(&topic, 350).is_empty());
    assert!(positions(&topic, Read::from(0).limit(0)).is_empty());
    let error = topic.read(351).unwrap_err();
    assert!(matches!(error.log(), Some(evlog_core::Error::OutOfRange { asked: 351, end: 350 })), "{error}");
}

#[test]
fn only_events_of_that_time_or_later_are_read() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    // Times that go back now and then.
    let times = [10, 20, 15, 30, 30, 5, 40];
    for time in times {
        let _ = topic.append_at(time, 0, "x").unwrap();
    }
    topic.flush().unwrap();
    for since in [i64::MIN, 0, 5, 16, 30, 31, 40, 41, i64::MAX] {
        let wanted: Vec<u64> =
            (0..).zip(times).filter(|(_, time)| *time >= since).map(|(at, _)| at).collect();
        assert_eq!(positions(&topic, Read::from(0).since(since)), wanted, "since {since}");
        assert_eq!(
            positions(&topic, Read::from(2).since(since).limit(2)),
            wanted.into_iter().filter(|at| *at >= 2).take(2).collect::<Vec<_>>(),
            "since {since}, from 2, at most 2"
        );
    }
    assert_eq!(topic.find(16).unwrap(), 1);
    assert_eq!(positions(&topic, Place::Since(16)), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn the_last_300_of_5000_are_the_last_300() {
    let (_folder, _store, topic) = filled(5_000);
    let last = topic.last(300).unwrap();
    assert!(last.iter().map(|event| event.position).eq(4_700..5_000));
    assert!(
        last.iter()
            .map(|event| event.payload.clone())
            .eq((4_700..5_000).map(|n: u64| n.to_string().into_bytes()))
    );
}

#[test]
fn the_last_ones_of_fewer_are_all_and_of_none_are_none() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    assert!(topic.last(10).unwrap().is_empty());
    fill(&topic, 0..3);
    assert_eq!(topic.last(10).unwrap(), events(&topic, Place::Oldest));
    assert_eq!(topic.last(2).unwrap(), events(&topic, 1));
    assert_eq!(topic.last(u64::MAX).unwrap().len(), 3);
    assert!(topic.last(0).unwrap().is_empty());
}

#[test]
fn the_latest_event_is_the_newest_or_none() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    assert_eq!(topic.latest().unwrap(), None);
    for position in 0..5 {
        let text = format!("event {position}");
        topic.append(&text).unwrap().wait().unwrap();
        let latest = topic.latest().unwrap().unwrap();
        assert_eq!((latest.position, latest.payload), (position, text.into_bytes()));
    }
}

#[test]
fn a_read_forwards_and_one_backwards_are_the_same_events() {
    let (_folder, _store, topic) = filled(1_000);
    let mut backwards = events(&topic, Read::from(250).to(750).reverse());
    backwards.reverse();
    assert_eq!(backwards, events(&topic, Read::from(250).to(750)));
    assert_eq!(positions(&topic, Read::from(0).reverse().limit(3)), [999, 998, 997]);
}

#[test]
fn a_read_of_one_event_reads_little_of_the_log() {
    const EVENTS: u64 = 40_000;
    let disk = SimDisk::new(1);
    let topic = store_on(&disk, &unhurried()).unwrap().topic("a").unwrap();
    for _ in 0..EVENTS {
        let _ = topic.append([7; 500]).unwrap();
    }
    topic.flush().unwrap();
    disk.record();
    let read_bytes = || -> u64 {
        let record = disk.take_record();
        record.iter().filter(|done| done.kind == OperationKind::Read).map(|done| done.len).sum()
    };
    assert_eq!(positions(&topic, Read::from(EVENTS / 2).limit(1)), [EVENTS / 2]);
    let at_a_position = read_bytes();
    assert_eq!(topic.latest().unwrap().unwrap().position, EVENTS - 1);
    let the_latest = read_bytes();
    let all = EVENTS * 500;
    assert!((1..all / 20).contains(&at_a_position), "{at_a_position} of {all} bytes");
    assert!((1..all / 20).contains(&the_latest), "{the_latest} of {all} bytes");
}
