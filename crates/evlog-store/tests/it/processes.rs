//! Several stores on one folder, as several processes have them: locks belong to open files, not to processes.

use std::time::Duration;

use evlog_store::retention::Retention;
use evlog_store::{Error, Options, Place, Read, ReadLevel, Store};

const LONG: Option<Duration> = Some(Duration::from_secs(30));

fn writer() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store"), &Options::new()).unwrap();
    (folder, store)
}

fn looker(folder: &tempfile::TempDir) -> Store {
    Store::open_read_only(folder.path().join("store"), &Options::new()).unwrap()
}

#[test]
fn a_follower_sees_what_another_store_commits() {
    let (folder, store) = writer();
    let topic = store.topic("a").unwrap();
    topic.append("0").unwrap().wait().unwrap();
    let looker = looker(&folder);
    let mut follower = looker.existing_topic("a").unwrap().follow(Place::Oldest).unwrap();
    for number in 0..50 {
        let event = follower.next(LONG).unwrap().unwrap();
        assert_eq!((event.position, event.payload), (number, number.to_string().as_bytes()));
        topic.append((number + 1).to_string()).unwrap().wait().unwrap();
    }
}

#[test]
fn what_is_only_written_is_seen_by_those_who_ask() {
    let (folder, store) = writer();
    let topic = store.topic("a").unwrap();
    let ticket = topic.append("x").unwrap();
    ticket.wait_for(evlog_store::Durability::Written).unwrap();
    let seen = looker(&folder).existing_topic("a").unwrap();
    let written = Read::from(Place::Oldest).level(ReadLevel::Written);
    assert_eq!(seen.read(written).unwrap().into_events().count(), 1);
}

#[test]
fn a_reader_writes_nothing_and_says_so() {
    let (folder, store) = writer();
    store.topic("a").unwrap().append("x").unwrap().wait().unwrap();
    let looker = looker(&folder);
    let topic = looker.existing_topic("a").unwrap();
    let refused =
        [topic.append("y").unwrap_err(), topic.roll().unwrap_err(), looker.remove_topic("a").unwrap_err()];
    for error in refused {
        assert!(matches!(error.log(), Some(evlog_core::Error::ReadOnly { .. })), "{error}");
    }
    assert!(matches!(looker.topic("b"), Err(Error::UnknownTopic { .. })));
    topic.close().unwrap();
    assert!(matches!(topic.read(0), Err(Error::Closed { .. })));
    looker.close().unwrap();
}

#[test]
fn all_that_a_writer_left_is_seen_once_it_is_gone() {
    let (folder, store) = writer();
    let topic = store.topic("a").unwrap();
    topic.append("x").unwrap().wait().unwrap();
    let looker = looker(&folder);
    let mut follower = looker.existing_topic("a").unwrap().follow(Place::Oldest).unwrap();
    assert_eq!(follower.next(LONG).unwrap().unwrap().position, 0);
    for _ in 0..5 {
        let _ = topic.append("y").unwrap();
    }
    store.close().unwrap();
    for position in 1..6 {
        assert_eq!(follower.next(LONG).unwrap().unwrap().position, position);
    }
    assert!(follower.next(Some(Duration::from_millis(20))).unwrap().is_none());
}

#[test]
fn a_reader_follows_over_rolls_and_is_told_what_was_trimmed() {
    let (folder, store) = writer();
    let topic = store.topic("a").unwrap();
    topic.append("0").unwrap().wait().unwrap();
    let looker = looker(&folder);
    let seen = looker.existing_topic("a").unwrap();
    let mut follower = seen.follow(Place::Oldest).unwrap();
    for number in 1..20 {
        topic.append(number.to_string()).unwrap().wait().unwrap();
        topic.roll().unwrap();
    }
    for position in 0..20 {
        assert_eq!(follower.next(LONG).unwrap().unwrap().position, position);
    }
    topic.set_retention(Retention::everything().events(5)).unwrap();
    let start = topic.enforce_retention().unwrap();
    assert!(start >= 10, "{start}");
    let error = seen.read(0).unwrap_err();
    assert!(matches!(error.log(), Some(evlog_core::Error::Trimmed { asked: 0, .. })), "{error}");
    assert_eq!(seen.range(), start..20);
}

#[test]
fn a_reader_of_another_store_that_is_overtaken_is_told_so() {
    let (folder, store) = writer();
    let topic = store.topic("a").unwrap();
    for number in 0..20 {
        topic.append(number.to_string()).unwrap().wait().unwrap();
        topic.roll().unwrap();
    }
    let looker = looker(&folder);
    let mut reader = looker.existing_topic("a").unwrap().read(Place::Oldest).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().position, 0);
    assert_eq!(topic.trim_before(10).unwrap(), 10);
    let error = reader.next().unwrap_err();
    assert!(matches!(error.log(), Some(evlog_core::Error::Trimmed { asked: 1, start: 10 })), "{error}");
    reader.seek(10);
    assert_eq!(reader.next().unwrap().unwrap().position, 10);
}
