//! What a topic answers when it was closed and when it is poisoned, call by call, and that nobody waits on.

use std::thread::scope;
use std::time::Duration;

use evlog_core::Error as LogError;
use evlog_sim::{Errno, FailedSync, OperationKind, What};
use evlog_store::retention::Retention;
use evlog_store::{Batch, Durability, Error, Options, Place, ReadLevel, Result, Store, Topic, WhenFull};

use crate::stage::{Cue, LONG, Stage, pause};

/// Options under which nothing is written unless somebody asks for it.
fn patient() -> Options {
    let mut options = Options::new();
    options.batch_timeout(Duration::from_secs(3_600)).batch_size(u64::MAX);
    options
}

fn is_closed(error: &Error) -> bool {
    matches!(error, Error::Closed { topic } if topic.as_str() == "a")
}

fn is_poisoned(error: &Error) -> bool {
    matches!(error, Error::Log(source) if matches!(**source, LogError::Poisoned { .. }))
}

/// What every call says that changes the topic.
fn changes(topic: &Topic) -> Vec<(&'static str, Result<()>)> {
    let mut batch = Batch::new();
    batch.push(0, b"x").unwrap();
    vec![
        ("append", topic.append("x").map(drop)),
        ("append_at", topic.append_at(0, 0, "x").map(drop)),
        ("append_batch", topic.append_batch(&batch).map(drop)),
        ("append_batch, empty", topic.append_batch(&Batch::new()).map(drop)),
        ("append_if", topic.append_if(topic.range().end, &batch).map(drop)),
        ("flush", topic.flush().map(drop)),
        ("roll", topic.roll()),
        ("trim_before", topic.trim_before(1).map(drop)),
        ("set_retention", topic.set_retention(Retention::everything().events(1))),
        ("enforce_retention", topic.enforce_retention().map(drop)),
    ]
}

/// What every call says that begins to read.
fn reads(topic: &Topic) -> Vec<(&'static str, Result<()>)> {
    vec![
        ("read", topic.read(Place::Oldest).map(drop)),
        ("last", topic.last(1).map(drop)),
        ("latest", topic.latest().map(drop)),
        ("find", topic.find(0).map(drop)),
        ("position_of", topic.position_of(Place::End).map(drop)),
        ("follow", topic.follow(0).map(drop)),
        ("follow_level", topic.follow_level(0, ReadLevel::Written).map(drop)),
    ]
}

/// What can be known of a topic whatever its state.
fn check_what_is_known(topic: &Topic, end: u64) {
    assert_eq!((topic.name(), topic.range(), topic.durable_end()), ("a", 0..end, end));
    assert_eq!(topic.segments().unwrap().iter().map(|segment| segment.end).max(), Some(end));
    assert_eq!(topic.metrics().unwrap().durable_position, end);
    assert!(topic.recovery_report().is_uneventful());
    assert_eq!(topic.verify().unwrap().events, end);
}

#[test]
fn a_closed_topic_refuses_all_but_what_is_known() {
    let stage = Stage::new(1);
    let closings: [fn(&Store, &Topic); 2] =
        [|_, topic| topic.close().unwrap(), |store, _| store.close().unwrap()];
    for close in closings {
        let store = stage.open(&patient());
        let topic = store.topic("a").unwrap();
        let end = topic.range().end + 1;
        let ticket = topic.append("x").unwrap();
        let (mut reader, mut follower) = (topic.read(0).unwrap(), topic.follow(0).unwrap());
        let mut backwards = topic.read(evlog_store::Read::from(Place::Oldest).reverse()).unwrap();
        close(&store, &topic);
        for (call, outcome) in changes(&topic).into_iter().chain(reads(&topic)) {
            let error = outcome.expect_err(call);
            assert!(is_closed(&error), "{call}: {error}");
        }
        assert!(is_closed(&topic.close().unwrap_err()));
        check_what_is_known(&topic, end);
        // What was accepted before is durable, and readers that were open come to it.
        assert_eq!(ticket.wait().unwrap(), end - 1..end);
        for position in 0..end {
            assert_eq!(reader.next().unwrap().unwrap().position, position);
            assert_eq!(follower.next(None).unwrap().unwrap().position, position);
        }
        assert!(reader.next().unwrap().is_none());
        assert!(is_closed(&follower.next(None).unwrap_err()));
        // This one began at what was durable then, and goes down from there.
        assert_eq!(backwards.next().unwrap().map(|event| event.position), (end - 1).checked_sub(1));
        assert!(topic.wait_past(end - 1, LONG).unwrap());
        assert!(is_closed(&topic.wait_past(end, LONG).unwrap_err()));
    }
}

#[test]
fn a_poisoned_topic_refuses_changes_and_is_read() {
    let stage = Stage::new(2);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    topic.append("durable").unwrap().wait().unwrap();
    let mut follower = topic.follow(0).unwrap();
    stage.strike_next(OperationKind::Sync, What::Sync(FailedSync::Dropped, Errno::IO));
    let lost = topic.append("lost").unwrap();
    lost.wait().unwrap_err();
    for (call, outcome) in changes(&topic) {
        let error = outcome.expect_err(call);
        assert!(is_poisoned(&error), "{call}: {error}");
    }
    for (call, outcome) in reads(&topic) {
        outcome.unwrap_or_else(|error| panic!("{call}: {error}"));
    }
    assert_eq!(topic.last(5).unwrap().len(), 1);
    assert_eq!(follower.next(None).unwrap().unwrap().payload, b"durable");
    assert!(is_poisoned(&follower.next(None).unwrap_err()));
    assert!(topic.wait_past(0, LONG).unwrap());
    assert!(is_poisoned(&topic.wait_past(1, LONG).unwrap_err()));
    assert!(topic.metrics().unwrap().poisoned);
    topic.close().unwrap_err();
    let again = store.topic("a").unwrap();
    again.append("next").unwrap().wait().unwrap();
}

/// Everybody who can wait for a topic, waiting; what they are told when something happens to it.
fn all_who_wait(stage: &Stage, topic: &Topic, happens: impl FnOnce()) -> Vec<Error> {
    stage.cue(OperationKind::Sync, [Cue::Hold]);
    let in_flight = topic.append([0; 3_000]).unwrap();
    scope(|threads| {
        let writer = threads.spawn(|| in_flight.wait_for(Durability::Synced));
        stage.until_held(1);
        // What is in flight fills half of the queue, this the other half.
        let behind = topic.append([0; 3_000]).unwrap();
        let told = [
            threads.spawn(|| topic.append([0; 3_000]).map(drop)),
            threads.spawn(|| topic.follow(Place::End)?.next(None).map(drop)),
            threads.spawn(|| topic.wait_past(100, LONG).map(drop)),
            threads.spawn(|| topic.trims(0).next(None).map(drop)),
        ];
        let behind = threads.spawn(move || behind.wait_for(Durability::Synced).map(drop));
        pause(Duration::from_millis(50));
        assert!(!told.iter().any(std::thread::ScopedJoinHandle::is_finished));
        happens();
        let _ = (writer.join().unwrap(), behind.join().unwrap());
        told.into_iter().filter_map(|waiting| waiting.join().unwrap().err()).collect()
    })
}

#[test]
fn a_close_wakes_all_who_wait() {
    let stage = Stage::new(3);
    let store = stage.open(patient().queue_bytes(7 << 10).when_full(WhenFull::Block));
    let topic = store.topic("a").unwrap();
    scope(|threads| {
        let told = all_who_wait(&stage, &topic, || {
            threads.spawn(|| topic.close().unwrap());
            pause(Duration::from_millis(50));
            stage.release();
        });
        // The follower was given what the close has written, and ended then.
        assert!(told.iter().all(is_closed), "{told:?}");
        assert!(told.len() >= 3, "{told:?}");
    });
    assert_eq!(topic.range(), 0..2, "what was accepted before it, and no more");
}

#[test]
fn a_poison_wakes_all_who_wait() {
    let stage = Stage::new(4);
    let store = stage.open(patient().queue_bytes(7 << 10).when_full(WhenFull::Block));
    let topic = store.topic("a").unwrap();
    stage.strike_next(OperationKind::Sync, What::Sync(FailedSync::Dropped, Errno::IO));
    let told = all_who_wait(&stage, &topic, || stage.release());
    assert!(told.len() == 4 && told.iter().all(is_poisoned), "{told:?}");
}
