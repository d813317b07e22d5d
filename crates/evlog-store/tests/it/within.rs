//! Calls with a limit: they answer in time while the disk hangs, and what they began goes on.

use std::time::{Duration, Instant};

use evlog_sim::OperationKind;
use evlog_store::retention::Retention;
use evlog_store::{Batch, Durability, Error, Options, Result, Store, Topic};

use crate::stage::{Cue, LONG, Stage, pause};

const SHORT: Duration = Duration::from_millis(30);
/// Far longer than a limit that holds, far shorter than the patience of a stage.
const HANGS: Duration = Duration::from_secs(20);

/// Options under which nothing is written unless somebody asks for it.
fn patient() -> Options {
    let mut options = Options::new();
    options.batch_timeout(Duration::from_secs(3_600)).batch_size(u64::MAX);
    options
}

/// A store with a topic that has an event, and the event behind it accepted.
fn topic_of(stage: &Stage, options: &Options) -> (Store, Topic) {
    let store = stage.open(options);
    let topic = store.topic("a").unwrap();
    topic.append("durable").unwrap().wait().unwrap();
    let _ = topic.append("accepted").unwrap();
    (store, topic)
}

/// Asserts that the call answers in time, and that it is not done by then.
fn hangs<T: std::fmt::Debug>(what: &str, call: impl FnOnce() -> Result<T>) {
    let begun = Instant::now();
    let error = call().unwrap_err();
    let took = begun.elapsed();
    assert!((SHORT..HANGS).contains(&took), "{what}: {took:?}");
    let is_limit =
        matches!(error, Error::TimedOut { after: SHORT, .. } | Error::StoreTimedOut { after: SHORT });
    assert!(is_limit, "{what}: {error}");
}

type Call = (&'static str, fn(&Store, &Topic) -> Result<()>);

/// All that waits for a sync, with a limit.
const CALLS: &[Call] = &[
    ("wait", |_, topic| {
        let in_time = topic.within(SHORT);
        in_time.wait(&in_time.append("x")?, Durability::Synced).map(drop)
    }),
    ("flush", |_, topic| topic.within(SHORT).flush().map(drop)),
    ("roll", |_, topic| topic.within(SHORT).roll()),
    ("close", |_, topic| topic.within(SHORT).close()),
    ("flush of all", |store, _| store.within(SHORT).flush()),
    ("close of all", |store, _| store.within(SHORT).close()),
    ("removal", |store, _| store.within(SHORT).remove_topic("a")),
];

#[test]
fn a_sync_that_hangs_holds_up_nobody_who_has_a_limit() {
    for (what, call) in CALLS {
        let stage = Stage::new(1);
        let (store, topic) = topic_of(&stage, &patient());
        stage.cue(OperationKind::Sync, [Cue::Hold]);
        hangs(what, || call(&store, &topic));
        // It was begun, though nobody waits any more.
        stage.until_held(1);
        stage.release();
        let begun = Instant::now();
        while !topic.metrics().is_ok_and(|metrics| metrics.durable_position >= 2) && begun.elapsed() < LONG {
            pause(Duration::from_millis(1));
        }
        assert!(topic.durable_end() >= 2, "{what} was given up");
    }
}

#[test]
fn who_has_the_log_holds_up_nobody_who_has_a_limit() {
    let calls: &[Call] = &[
        ("trim", |_, topic| topic.within(SHORT).trim_before(1).map(drop)),
        ("retention", |_, topic| topic.within(SHORT).enforce_retention().map(drop)),
        ("policy", |_, topic| topic.within(SHORT).set_retention(Retention::everything().events(1))),
        ("written", |_, topic| {
            let in_time = topic.within(SHORT);
            in_time.wait(&in_time.append("x")?, Durability::Written).map(drop)
        }),
    ];
    let stage = Stage::new(2);
    let (store, topic) = topic_of(&stage, &patient());
    stage.cue(OperationKind::Sync, [Cue::Hold]);
    std::thread::scope(|threads| {
        let flush = threads.spawn(|| topic.flush());
        stage.until_held(1);
        for (what, call) in calls {
            hangs(what, || call(&store, &topic));
        }
        stage.release();
        flush.join().unwrap().unwrap();
    });
    topic.within(LONG).flush().unwrap();
    assert_eq!(topic.within(LONG).trim_before(0).unwrap(), 0);
}

#[test]
fn a_topic_that_is_being_closed_is_opened_in_time_or_later() {
    let stage = Stage::new(3);
    let (store, topic) = topic_of(&stage, &patient());
    stage.cue(OperationKind::Sync, [Cue::Hold]);
    hangs("close", || topic.within(SHORT).close());
    assert!(matches!(topic.append("x"), Err(Error::Closed { .. })));
    hangs("open", || store.within(SHORT).topic("a"));
    hangs("open what exists", || store.within(SHORT).existing_topic("a"));
    stage.release();
    assert_eq!(store.within(LONG).topic("a").unwrap().range(), 0..2);
    store.within(LONG).close().unwrap();
    assert!(matches!(store.within(LONG).close(), Err(Error::StoreClosed)));
}

#[test]
fn an_append_waits_for_room_no_longer_than_it_may() {
    let stage = Stage::new(4);
    let (_store, topic) = topic_of(&stage, patient().queue_bytes(4 << 10));
    stage.cue(OperationKind::Write, [Cue::Hold]);
    let _ = topic.append([0; 3_000]).unwrap();
    let mut batch = Batch::new();
    batch.push(0, &[0; 3_000]).unwrap();
    let appends: [fn(&Topic, &Batch) -> Result<()>; 4] = [
        |topic, _| topic.within(SHORT).append([0; 3_000]).map(drop),
        |topic, _| topic.within(SHORT).append_at(1, 2, [0; 3_000]).map(drop),
        |topic, batch| topic.within(SHORT).append_batch(batch).map(drop),
        |topic, batch| topic.within(SHORT).append_if(3, batch).map(drop),
    ];
    for append in appends {
        let begun = Instant::now();
        assert!(matches!(append(&topic, &batch), Err(Error::QueueFull { .. })));
        assert!((SHORT..HANGS).contains(&begun.elapsed()));
    }
    stage.release();
    assert_eq!(topic.within(LONG).append([0; 3_000]).unwrap().positions(), 3..4);
    assert_eq!(topic.within(Duration::MAX).flush().unwrap(), 4);
}

#[test]
fn all_calls_of_a_limit_share_it() {
    let stage = Stage::new(5);
    let (_store, topic) = topic_of(&stage, &patient());
    let in_time = topic.within(SHORT);
    pause(2 * SHORT);
    stage.cue(OperationKind::Sync, [Cue::Hold]);
    let begun = Instant::now();
    assert!(matches!(in_time.flush(), Err(Error::TimedOut { .. })));
    assert!(begun.elapsed() < SHORT, "the limit began anew");
    // It was begun all the same.
    stage.until_held(1);
    stage.release();
    assert_eq!(topic.flush().unwrap(), 2);
}

#[test]
fn a_panic_is_heard_by_who_called() {
    let stage = Stage::new(6);
    let (_store, topic) = topic_of(&stage, &patient());
    stage.cue(OperationKind::Sync, [Cue::Panic]);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| topic.within(LONG).roll()));
    assert!(caught.is_err(), "{caught:?}");
    assert!(matches!(topic.append("x").unwrap_err().log(), Some(evlog_core::Error::Poisoned { .. })));
}
