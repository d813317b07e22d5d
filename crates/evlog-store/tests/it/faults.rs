//! Disks that fail under a topic: who is told what, that nobody waits for ever, and what is there afterwards.

use std::thread::JoinHandle;
use std::time::Duration;

use evlog_core::Error as LogError;
use evlog_sim::{Errno, FailedSync, OperationKind, Quota, QuotaAt, What};
use evlog_store::{Batch, Durability, Error, Options, Place, Position, Result, Ticket, Topic};

use crate::stage::{Cue, LONG, Stage, refusal};

/// Options under which nothing is written unless somebody asks for it.
fn patient() -> Options {
    let mut options = Options::new();
    options.batch_timeout(Duration::from_secs(3_600));
    options
}

fn payloads(topic: &Topic) -> Vec<Vec<u8>> {
    topic.read(Place::Oldest).unwrap().into_events().map(|event| event.unwrap().payload).collect()
}

/// Waits in a thread of its own, which does the work itself where nobody else does.
fn waiting(ticket: Ticket) -> JoinHandle<Result<std::ops::Range<Position>>> {
    std::thread::spawn(move || ticket.wait_for(Durability::Synced))
}

/// Bytes of all files, as a quota counts them.
fn bytes(stage: &Stage) -> u64 {
    stage.disk.paths().iter().map(|path| stage.disk.bytes(path).unwrap().len() as u64).sum()
}

fn is_no_space(error: &Error) -> bool {
    matches!(error.log(), Some(LogError::NoSpace { .. }))
}

fn is_indeterminate(error: &Error) -> bool {
    matches!(error, Error::Log(source) if matches!(**source, LogError::Indeterminate { .. }))
}

fn is_poisoned(error: &Error) -> bool {
    matches!(error, Error::Log(source) if matches!(**source, LogError::Poisoned { .. }))
}

#[test]
fn a_full_disk_fails_what_waits_and_positions_are_given_again() {
    let stage = Stage::new(1);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    topic.append("kept").unwrap().wait().unwrap();
    stage.disk.set_quota(Some(Quota { bytes: bytes(&stage) + 100, at: QuotaAt::Write }));
    let failed: Vec<Ticket> = (0..20).map(|number| topic.append([number; 500]).unwrap()).collect();
    let waiters: Vec<_> = failed.iter().cloned().map(waiting).collect();
    for waiter in waiters {
        let error = waiter.join().unwrap().unwrap_err();
        assert!(is_no_space(&error), "{error}");
    }
    assert_eq!(topic.range(), 0..1);
    stage.disk.set_quota(None);
    let again: Vec<Ticket> = (0..20).map(|number| topic.append([number + 100; 500]).unwrap()).collect();
    assert_eq!(again[0].wait().unwrap(), 1..2);
    topic.flush().unwrap();
    for (old, new) in failed.iter().zip(&again) {
        assert_eq!(old.positions(), new.positions());
        // Durable is the event that has the position now, not the one that had it before.
        for durability in [Durability::Buffered, Durability::Written, Durability::Synced] {
            assert!(is_no_space(&old.wait_for(durability).unwrap_err()), "{durability:?}");
        }
        new.wait().unwrap();
    }
    store.close().unwrap();
    let topic = stage.open(&patient()).topic("a").unwrap();
    let read = payloads(&topic);
    assert_eq!(read[0], b"kept");
    assert!(read[1..].iter().map(|payload| payload[0]).eq(100..120));
}

#[test]
fn a_full_disk_takes_along_what_came_meanwhile_and_leaves_what_was_written() {
    let stage = Stage::new(2);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    let written = topic.append("written").unwrap();
    written.wait_for(Durability::Written).unwrap();
    stage.cue(OperationKind::Write, [Cue::Hold]);
    stage.disk.set_quota(Some(Quota { bytes: bytes(&stage) + 100, at: QuotaAt::Write }));
    let first = topic.append([1; 500]).unwrap();
    let first = waiting(first);
    stage.until_held(1);
    let meanwhile = topic.append([2; 500]).unwrap();
    let mut batch = Batch::new();
    batch.push(0, b"x").unwrap();
    let expected = topic.append_if(3, &batch).unwrap();
    let meanwhile = [meanwhile, expected].map(waiting);
    let flushed = std::thread::spawn({
        let topic = topic.clone();
        move || topic.flush()
    });
    stage.release();
    assert!(is_no_space(&first.join().unwrap().unwrap_err()));
    assert_eq!(topic.durable_end(), 1, "the sync was asked for, and there was something to sync");
    for waiter in meanwhile {
        assert!(is_no_space(&waiter.join().unwrap().unwrap_err()));
    }
    // It came before the failure or after it.
    let flushed = flushed.join().unwrap();
    assert!(matches!(&flushed, Ok(1)) || flushed.is_err_and(|error| is_no_space(&error)));
    assert_eq!(written.wait().unwrap(), 0..1);
    assert!(matches!(topic.append_if(3, &batch), Err(Error::WrongPosition { actual: 1, .. })));
    stage.disk.set_quota(None);
    assert_eq!(topic.append_if(1, &batch).unwrap().wait().unwrap(), 1..2);
    assert_eq!(payloads(&topic), [&b"written"[..], b"x"]);
}

#[test]
fn a_failed_sync_tells_everybody_what_is_known() {
    // A kernel that tells late says nothing at this sync, but at the next one.
    for failed in FailedSync::ALL.into_iter().filter(|failed| *failed != FailedSync::Late) {
        let stage = Stage::new(3);
        let store = stage.open(&patient());
        let topic = store.topic("a").unwrap();
        topic.append("durable").unwrap().wait().unwrap();
        let mut follower = topic.follow(1).unwrap();
        let follower = std::thread::spawn(move || follower.next(Some(LONG)).unwrap_err());
        stage.cue(OperationKind::Sync, [Cue::Hold]);
        stage.strike_next(OperationKind::Sync, What::Sync(failed, Errno::IO));
        let in_flight: Vec<Ticket> = (0..5).map(|_| topic.append("in flight").unwrap()).collect();
        let waiters: Vec<_> = in_flight.iter().cloned().map(waiting).collect();
        stage.until_held(1);
        let behind: Vec<Ticket> = (0..5).map(|_| topic.append("behind").unwrap()).collect();
        let waiters_behind: Vec<_> = behind.iter().cloned().map(waiting).collect();
        let past = std::thread::spawn({
            let topic = topic.clone();
            move || topic.wait_past(3, LONG)
        });
        stage.release();
        for waiter in waiters {
            let error = waiter.join().unwrap().unwrap_err();
            assert!(is_indeterminate(&error), "{failed:?}: {error}");
        }
        for waiter in waiters_behind {
            let error = waiter.join().unwrap().unwrap_err();
            assert!(matches!(error, Error::NotWritten { .. }), "{failed:?}: {error}");
            assert!(matches!(error.log(), Some(LogError::Indeterminate { .. })));
        }
        assert!(is_poisoned(&past.join().unwrap().unwrap_err()));
        assert!(is_poisoned(&follower.join().unwrap()));
        let refused = [
            topic.append("late").unwrap_err(),
            topic.flush().unwrap_err(),
            topic.roll().unwrap_err(),
            topic.trim_before(1).unwrap_err(),
        ];
        for error in refused {
            assert!(is_poisoned(&error), "{failed:?}: {error}");
        }
        assert_eq!(payloads(&topic), [b"durable"]);
        assert!(topic.metrics().unwrap().poisoned);
        // What was in doubt stays so, whatever happens to the file afterwards.
        assert!(is_indeterminate(&topic.close().unwrap_err()));
        assert!(is_indeterminate(&in_flight[0].wait().unwrap_err()));
        let again = store.topic("a").unwrap();
        let read = payloads(&again);
        assert_eq!(read[0], b"durable");
        assert!(read.len() == 1 || read.len() == 6, "whole or not at all: {read:?}");
        assert!(read[1..].iter().all(|payload| payload == b"in flight"));
        again.append("next").unwrap().wait().unwrap();
    }
}

#[test]
fn a_failed_write_poisons_and_a_flush_does_not_call_it_unwritten() {
    let stage = Stage::new(4);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    topic.append("durable").unwrap().wait().unwrap();
    stage.cue(OperationKind::Write, [Cue::Hold]);
    stage.strike_next(OperationKind::Write, What::PartialError(Errno::IO));
    let in_flight = topic.append([7; 3_000]).unwrap();
    let flushed = std::thread::spawn({
        let topic = topic.clone();
        move || topic.flush()
    });
    stage.until_held(1);
    let behind = topic.append("behind").unwrap();
    stage.release();
    let error = flushed.join().unwrap().unwrap_err();
    assert!(is_indeterminate(&error), "{error}");
    assert!(is_indeterminate(&in_flight.wait().unwrap_err()));
    assert!(matches!(behind.wait().unwrap_err(), Error::NotWritten { .. }));
    topic.close().unwrap_err();
    assert_eq!(payloads(&store.topic("a").unwrap())[0], b"durable");
}

#[test]
fn a_trim_that_fails_half_way_leaves_unsynced_events_in_doubt() {
    let stage = Stage::new(5);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    topic.append("old").unwrap().wait().unwrap();
    topic.roll().unwrap();
    let unsynced = topic.append("unsynced").unwrap();
    unsynced.wait_for(Durability::Written).unwrap();
    let pending = topic.append("pending").unwrap();
    stage.strike_next(OperationKind::SyncFolder, refusal(Errno::IO));
    assert!(is_indeterminate(&topic.trim_before(1).unwrap_err()));
    let error = unsynced.wait().unwrap_err();
    assert!(is_indeterminate(&error), "{error}");
    assert!(matches!(pending.wait().unwrap_err(), Error::NotWritten { .. }));
    assert!(is_poisoned(&topic.append("later").unwrap_err()));
}

#[test]
fn a_panic_poisons_its_topic_and_no_other() {
    let stage = Stage::new(6);
    let mut options = Options::new();
    options.batching_threads(1).batch_timeout(Duration::from_millis(20)).batch_size(3);
    let store = stage.open(&options);
    let (topic, other) = (store.topic("a").unwrap(), store.topic("b").unwrap());
    topic.append("durable").unwrap().wait().unwrap();
    stage.cue(OperationKind::Write, [Cue::Panic]);
    let calls = stage.calls(OperationKind::Write);
    // Nobody waits, so the batching thread writes.
    let in_flight = topic.append("in flight").unwrap();
    while stage.calls(OperationKind::Write) == calls {
        std::thread::yield_now();
    }
    assert!(is_indeterminate(&waiting(in_flight).join().unwrap().unwrap_err()));
    assert!(is_poisoned(&topic.append("x").unwrap_err()));
    let ticket = other.append("nobody waits").unwrap();
    assert!(other.wait_past(ticket.positions().start, LONG).unwrap(), "its batching thread is gone");
    assert!(topic.close().is_err());
    let again = store.topic("a").unwrap();
    again.append("again").unwrap().wait().unwrap();
    assert_eq!(payloads(&again).first().unwrap(), b"durable");
    assert_eq!(payloads(&again).last().unwrap(), b"again");
}

#[test]
fn a_panic_in_a_caller_leaves_nobody_waiting() {
    let stage = Stage::new(7);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    stage.cue(OperationKind::Sync, [Cue::Hold]);
    let first = waiting(topic.append("in flight").unwrap());
    stage.until_held(1);
    stage.cue(OperationKind::Write, [Cue::Panic]);
    let tickets: Vec<Ticket> = (0..4).map(|_| topic.append("next").unwrap()).collect();
    let waiters: Vec<_> = tickets.into_iter().map(waiting).collect();
    stage.release();
    first.join().unwrap().unwrap();
    let (mut panicked, mut told) = (0, 0);
    for waiter in waiters {
        match waiter.join() {
            Err(_) => panicked += 1,
            Ok(outcome) => {
                assert!(is_indeterminate(&outcome.unwrap_err()));
                told += 1;
            }
        }
    }
    assert_eq!((panicked, told), (1, 3));
    topic.close().unwrap_err();
    assert_eq!(payloads(&store.topic("a").unwrap())[0], b"in flight");
}
