//! Threads that get in each other's way: nobody waits for ever, nothing is lost or doubled, and no promise of time is
//! broken.

#![expect(
    clippy::disallowed_types,
    reason = "these threads are the test's own, and no model checker runs them"
)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::{JoinHandle, scope};
use std::time::Duration;

use evlog_core::Error as LogError;
use evlog_sim::OperationKind;
use evlog_store::retention::Retention;
use evlog_store::{Batch, Durability, Error, Options, Place, ReadLevel, Ticket, Topic, WhenFull};

use crate::stage::{Cue, HandClock, LONG, Stage, pause};

const FAR: Duration = Duration::from_secs(3_600);

/// Options under which nothing is written unless somebody asks for it.
fn patient() -> Options {
    let mut options = Options::new();
    options.batch_timeout(FAR);
    options
}

/// Waits in a thread of its own, which does the work itself where nobody else does.
fn waiting(ticket: Ticket, durability: Durability) -> JoinHandle<()> {
    std::thread::spawn(move || _ = ticket.wait_for(durability).unwrap())
}

fn payloads(topic: &Topic) -> Vec<String> {
    let events = topic.read(Place::Oldest).unwrap().into_events();
    events.map(|event| String::from_utf8(event.unwrap().payload).unwrap()).collect()
}

// ---- in time ----

#[test]
fn the_batch_timeout_runs_from_the_append() {
    let clock = Arc::new(HandClock::default());
    let stage = Stage::new(1);
    let store = stage.open_with(clock.clone(), Options::new().batch_timeout(Duration::from_secs(1)));
    let topic = store.topic("a").unwrap();
    let ticket = topic.append("x").unwrap();
    clock.advance(Duration::from_millis(900));
    ticket.wait_for(Durability::Written).unwrap();
    assert_eq!(topic.durable_end(), 0);
    // Time passes as the batching threads look.
    let in_time = (0..30).any(|_| {
        clock.advance(Duration::from_millis(10));
        topic.wait_past(0, Duration::from_millis(100)).unwrap()
    });
    assert!(in_time, "not durable 1.2 s after it was accepted, with a timeout of 1 s");
}

#[test]
fn a_busy_topic_leaves_its_thread_to_the_others() {
    let stage = Stage::new(2);
    let mut options = Options::new();
    options.batching_threads(1).batch_timeout(Duration::from_millis(1)).batch_size(1);
    let store = stage.open(&options);
    let (busy, quiet) = (store.topic("busy").unwrap(), store.topic("quiet").unwrap());
    stage.cue(OperationKind::Write, [Cue::Hold; 100]);
    let _ = busy.append("x").unwrap();
    stage.until_held(1);
    let _ = quiet.append("x").unwrap();
    let in_time = (0..20).any(|_| {
        // Whenever the thread has written something, there is more.
        let _ = busy.append("x").unwrap();
        pause(Duration::from_millis(15));
        stage.release();
        stage.until_held(1);
        quiet.range().end == 1
    });
    stage.end();
    assert!(in_time, "20 groups of one topic were written before the other had its turn");
}

#[test]
fn a_full_batch_is_written_though_those_who_wait_are_served() {
    let stage = Stage::new(3);
    let store = stage.open(patient().batch_size(10));
    let topic = store.topic("a").unwrap();
    let tickets = [topic.append("0").unwrap(), topic.append("1").unwrap()];
    stage.cue(OperationKind::Write, [Cue::Hold]);
    // One of them writes and is held up, the other waits; both are served by that.
    let waiters = tickets.map(|ticket| waiting(ticket, Durability::Written));
    stage.until_held(1);
    for _ in 0..10 {
        let _ = topic.append("x").unwrap();
    }
    // By now the batching thread was told, and has found somebody else writing.
    pause(Duration::from_millis(50));
    stage.release();
    for waiter in waiters {
        waiter.join().unwrap();
    }
    let mut follower = topic.follow_level(Place::Oldest, ReadLevel::Written).unwrap();
    for position in 0..12 {
        assert_eq!(follower.next(Some(Duration::from_secs(20))).unwrap().unwrap().position, position);
    }
}

#[test]
fn a_queue_that_refuses_has_room_soon() {
    let stage = Stage::new(4);
    let store = stage.open(patient().queue_bytes(4 << 10).when_full(WhenFull::Fail));
    let topic = store.topic("a").unwrap();
    let mut follower = topic.follow_level(Place::Oldest, ReadLevel::Written).unwrap();
    let accepted = (0..100).find(|_| topic.append([0; 200]).is_err()).unwrap();
    for position in 0..accepted {
        assert_eq!(follower.next(Some(Duration::from_secs(20))).unwrap().unwrap().position, position);
    }
    let _ = topic.append([0; 200]).unwrap();
}

#[test]
fn a_wait_for_room_may_be_as_long_as_one_likes() {
    let stage = Stage::new(5);
    let store = stage.open(patient().queue_bytes(1 << 10).when_full(WhenFull::Wait(Duration::MAX)));
    let topic = store.topic("a").unwrap();
    for _ in 0..100 {
        let _ = topic.append([0; 200]).unwrap();
    }
    assert_eq!(topic.flush().unwrap(), 100);
}

#[test]
fn nothing_is_synced_that_nobody_asked_for() {
    let stage = Stage::new(6);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    let tickets = [topic.append("0").unwrap(), topic.append("1").unwrap()];
    stage.cue(OperationKind::Sync, [Cue::Hold]);
    let waiters = tickets.map(|ticket| waiting(ticket, Durability::Synced));
    stage.until_held(1);
    // The second one has asked for a sync by now, which is under way.
    pause(Duration::from_millis(50));
    stage.release();
    for waiter in waiters {
        waiter.join().unwrap();
    }
    topic.append("2").unwrap().wait_for(Durability::Written).unwrap();
    assert_eq!(topic.metrics().unwrap().sync_nanos.count(), 1);
    assert_eq!(topic.durable_end(), 2);
}

#[test]
fn an_empty_batch_is_no_group() {
    let stage = Stage::new(7);
    let store = stage.open(Options::new().batch_timeout(Duration::from_millis(1)));
    let topic = store.topic("a").unwrap();
    assert_eq!(topic.append_batch(&Batch::new()).unwrap().wait().unwrap(), 0..0);
    pause(Duration::from_millis(100));
    let metrics = topic.metrics().unwrap();
    assert_eq!((metrics.group_events.count(), metrics.append_batches), (0, 0));
}

// ---- followers ----

#[test]
fn the_last_event_wakes_a_follower_whoever_wrote_it() {
    let stage = Stage::new(8);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    let rounds = 3_000;
    let barrier = Barrier::new(3);
    scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                for _ in 0..rounds {
                    barrier.wait();
                    topic.append("x").unwrap().wait_for(Durability::Written).unwrap();
                }
            });
        }
        let mut follower = topic.follow_level(Place::Oldest, ReadLevel::Written).unwrap();
        for round in 0..rounds {
            barrier.wait();
            for _ in 0..2 {
                let event = follower.next(Some(Duration::from_secs(10))).unwrap();
                assert!(event.is_some(), "round {round}: the event is there and nobody said so");
            }
        }
    });
}

// ---- the end ----

#[test]
fn a_topic_that_is_being_closed_is_opened_again_behind_it() {
    let stage = Stage::new(9);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    let pending = topic.append("x").unwrap();
    stage.cue(OperationKind::Sync, [Cue::Hold]);
    scope(|threads| {
        let closed = threads.spawn(|| topic.close());
        stage.until_held(1);
        assert!(matches!(topic.append("y"), Err(Error::Closed { .. })));
        let again = threads.spawn(|| store.topic("a").map(|again| again.append("z").unwrap().positions()));
        pause(Duration::from_millis(50));
        assert!(!again.is_finished());
        stage.release();
        closed.join().unwrap().unwrap();
        assert_eq!(again.join().unwrap().unwrap(), 1..2);
    });
    pending.wait().unwrap();
}

#[test]
fn no_topic_outlives_the_close_of_its_store() {
    for round in 0..1_000 {
        let stage = Stage::new(round);
        let store = stage.open(&patient());
        let barrier = Barrier::new(5);
        let opened = scope(|threads| {
            let open = || {
                barrier.wait();
                store.topic("a")
            };
            let opened = [(); 4].map(|()| threads.spawn(open));
            barrier.wait();
            store.close().unwrap();
            opened.map(|opened| opened.join().unwrap())
        });
        for topic in opened.into_iter().flatten() {
            assert!(matches!(topic.append("x"), Err(Error::Closed { .. })), "round {round}");
        }
        let next = stage.open(&patient());
        assert!(next.topic("a").is_ok(), "round {round}: its lock is still held");
    }
}

#[test]
fn a_close_ends_all_that_go_on_meanwhile() {
    for round in 0..20 {
        let stage = Stage::new(round);
        let mut options = Options::new();
        options.batch_timeout(Duration::from_millis(5)).batch_size(10).queue_bytes(8 << 10);
        options.segment_bytes(64 << 10);
        let store = stage.open(&options);
        let topic = store.topic("a").unwrap();
        let durable = AtomicU64::new(0);
        let is_closed = |error: &Error| matches!(error, Error::Closed { .. });
        scope(|threads| {
            for writer in 0..6_u64 {
                let (topic, durable) = (topic.clone(), &durable);
                threads.spawn(move || {
                    loop {
                        let ticket = match topic.append(vec![writer as u8; 300]) {
                            Ok(ticket) => ticket,
                            Err(error) => return assert!(is_closed(&error), "{error}"),
                        };
                        if writer.is_multiple_of(2) {
                            // What was accepted before the close is written by it.
                            let positions = ticket.wait_timeout(Durability::Synced, LONG).unwrap();
                            durable.fetch_max(positions.end, Ordering::AcqRel);
                        }
                    }
                });
            }
            let followers = [topic.follow(Place::Oldest).unwrap(), topic.follow(Place::Oldest).unwrap()];
            for mut follower in followers {
                threads.spawn(move || {
                    let mut next = 0;
                    loop {
                        match follower.next(Some(LONG)) {
                            Ok(event) => assert_eq!(event.expect("nobody said that it ends").position, next),
                            Err(error) => return assert!(is_closed(&error), "{error}"),
                        }
                        next += 1;
                    }
                });
            }
            threads.spawn(|| {
                let error = topic.wait_past(u64::MAX - 1, LONG).unwrap_err();
                assert!(is_closed(&error), "{error}");
            });
            threads.spawn(|| while topic.flush().is_ok() {});
            threads.spawn(|| while topic.roll().is_ok() {});
            pause(Duration::from_millis(20 + round));
            topic.close().unwrap();
        });
        let again = store.topic("a").unwrap();
        let end = again.range().end;
        assert!(durable.into_inner() <= end);
        assert_eq!(again.read(Place::Oldest).unwrap().into_events().map(Result::unwrap).count() as u64, end);
    }
}

#[test]
fn a_removed_topic_ends_for_those_who_use_it() {
    let stage = Stage::new(10);
    let store = stage.open(&Options::new());
    for _ in 0..20 {
        let topic = store.topic("a").unwrap();
        assert_eq!(topic.append("first").unwrap().wait().unwrap(), 0..1);
        scope(|threads| {
            let writer = threads.spawn(|| {
                loop {
                    let ticket = topic.append("x");
                    if let Err(error) =
                        ticket.and_then(|ticket| ticket.wait_timeout(Durability::Synced, LONG))
                    {
                        return error;
                    }
                }
            });
            let mut follower = topic.follow(Place::End).unwrap();
            let follower = threads.spawn(move || {
                loop {
                    if let Err(error) = follower.next(Some(LONG)) {
                        return error;
                    }
                }
            });
            pause(Duration::from_millis(3));
            store.remove_topic("a").unwrap();
            assert!(matches!(writer.join().unwrap(), Error::Closed { .. }));
            // Its files went while it read, or it heard of the end.
            let _ = follower.join().unwrap();
        });
    }
}

// ---- retention ----

#[test]
fn retention_follows_a_roll_that_was_asked_for() {
    let stage = Stage::new(11);
    let store = stage.open(patient().retention(Retention::everything().events(5)));
    let topic = store.topic("a").unwrap();
    let append = |events| (0..events).for_each(|_| _ = topic.append("x").unwrap().wait().unwrap());
    // Afterwards the batching threads have nothing left to look at.
    let rest = || pause(Duration::from_millis(100));
    append(10);
    topic.roll().unwrap();
    rest();
    append(6);
    rest();
    assert_eq!(topic.range().start, 0);
    let first = topic.segments().unwrap()[0].bytes;
    topic.roll().unwrap();
    wait_until(|| topic.range().start == 10);
    let metrics = topic.metrics().unwrap();
    assert_eq!((metrics.segments_rolled, metrics.trimmed_bytes), (2, first));
}

fn wait_until(mut is_there: impl FnMut() -> bool) {
    for _ in 0..LONG.as_millis() {
        if is_there() {
            return;
        }
        pause(Duration::from_millis(1));
    }
    panic!("it did not happen");
}

#[test]
fn retention_looks_at_what_was_there_before() {
    let stage = Stage::new(12);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    for _ in 0..3 {
        topic.append("x").unwrap().wait().unwrap();
        topic.roll().unwrap();
    }
    store.close().unwrap();
    let store = stage.open(patient().retention(Retention::everything().events(1)));
    let topic = store.existing_topic("a").unwrap();
    wait_until(|| topic.range().start > 0);
}

#[test]
fn trims_rolls_and_policies_meet_without_harm() {
    let stage = Stage::new(13);
    let mut options = Options::new();
    options.segment_bytes(64 << 10).batch_timeout(Duration::from_millis(5));
    let store = stage.open(&options);
    let topic = store.topic("a").unwrap();
    let is_done = AtomicBool::new(false);
    let until_done = |mut step: Box<dyn FnMut() + Send>| {
        let is_done = &is_done;
        move || {
            while !is_done.load(Ordering::Acquire) {
                step();
            }
        }
    };
    scope(|threads| {
        let topic = &topic;
        for _ in 0..2 {
            threads.spawn(until_done(Box::new(|| {
                let end = topic.durable_end();
                assert!(topic.trim_before(end.saturating_sub(50)).unwrap() <= topic.durable_end());
            })));
            threads.spawn(until_done(Box::new(|| topic.roll().unwrap())));
            threads.spawn(until_done(Box::new(|| {
                topic.set_retention(Retention::everything().events(100)).unwrap();
                topic.enforce_retention().unwrap();
                topic.set_retention(Retention::everything().bytes(1 << 20)).unwrap();
            })));
        }
        threads.spawn(until_done(Box::new(|| {
            let mut expected = None;
            let mut reader = match topic.read(Place::Oldest) {
                Ok(reader) => reader,
                Err(error) => return assert!(is_trimmed(&error), "{error}"),
            };
            loop {
                match reader.next() {
                    Ok(None) => return,
                    Ok(Some(event)) => {
                        assert!(expected.is_none_or(|expected| expected == event.position));
                        assert_eq!(event.payload, event.position.to_string().as_bytes());
                        expected = Some(event.position + 1);
                    }
                    Err(error) => return assert!(is_trimmed(&error), "{error}"),
                }
            }
        })));
        for position in 0..2_000_u64 {
            let ticket = topic.append(position.to_string()).unwrap();
            assert_eq!(ticket.wait_timeout(Durability::Synced, LONG).unwrap(), position..position + 1);
        }
        is_done.store(true, Ordering::Release);
    });
    let range = topic.range();
    assert_eq!(range.end, 2_000);
    assert!(range.clone().map(|position| position.to_string()).eq(payloads(&topic)));
    store.close().unwrap();
    assert_eq!(stage.open(&options).topic("a").unwrap().range(), range);
}

fn is_trimmed(error: &Error) -> bool {
    matches!(error.log(), Some(LogError::Trimmed { .. }))
}
