//! What a wait waits for, who sees what meanwhile, and how long an append waits for room.

use std::thread::scope;
use std::time::{Duration, Instant};

use evlog_sim::OperationKind;
use evlog_store::{Batch, Durability, Error, Options, Place, Read, ReadLevel, Topic, WhenFull};

use crate::stage::{Cue, LONG, Stage, pause};

/// Options under which nothing is written unless somebody asks for it.
fn patient() -> Options {
    let mut options = Options::new();
    options.batch_timeout(Duration::from_secs(3_600)).batch_size(u64::MAX);
    options
}

/// Ends of what is accepted and written, and what is durable.
fn ends(topic: &Topic) -> (u64, u64) {
    (topic.range().end, topic.durable_end())
}

#[test]
fn each_wait_waits_for_its_durability_and_no_more() {
    for by_default in [Durability::Buffered, Durability::Written, Durability::Synced] {
        let stage = Stage::new(1);
        let topic = stage.open(patient().durability(by_default)).topic("a").unwrap();
        let tickets = [(); 3].map(|()| topic.append("x").unwrap());
        assert_eq!((tickets[2].wait_for(Durability::Buffered).unwrap(), ends(&topic)), (2..3, (0, 0)));
        assert_eq!((tickets[0].wait_for(Durability::Written).unwrap(), ends(&topic)), (0..1, (3, 0)));
        // By its sync, what came before is durable, too.
        assert_eq!((tickets[1].wait_for(Durability::Synced).unwrap(), ends(&topic)), (1..2, (3, 3)));
        assert_eq!(topic.append("y").unwrap().wait().unwrap(), 3..4);
        let expected = match by_default {
            Durability::Buffered => (3, 3),
            Durability::Written => (4, 3),
            Durability::Synced => (4, 4),
        };
        assert_eq!(ends(&topic), expected, "{by_default:?}");
    }
}

#[test]
fn a_wait_that_timed_out_says_so_and_may_be_repeated() {
    let stage = Stage::new(2);
    let topic = stage.open(&patient()).topic("a").unwrap();
    stage.cue(OperationKind::Sync, [Cue::Hold]);
    let first = topic.append("x").unwrap();
    scope(|threads| {
        threads.spawn(|| first.wait().unwrap());
        stage.until_held(1);
        let span = Duration::from_millis(30);
        let second = topic.append("y").unwrap();
        let begun = Instant::now();
        for ticket in [&first, &second] {
            let error = ticket.wait_timeout(Durability::Synced, span).unwrap_err();
            assert!(matches!(error, Error::TimedOut { after, .. } if after == span), "{error}");
        }
        assert!(begun.elapsed() >= 2 * span);
        assert!(!topic.wait_past(0, span).unwrap());
        stage.release();
        assert_eq!(second.wait_timeout(Durability::Synced, LONG).unwrap(), 1..2);
    });
    assert_eq!(first.wait_timeout(Durability::Synced, Duration::ZERO).unwrap(), 0..1);
}

#[test]
fn only_what_is_durable_is_read_unless_more_is_asked_for() {
    let stage = Stage::new(3);
    let topic = stage.open(&patient()).topic("a").unwrap();
    topic.append_at(10, 0, "durable").unwrap().wait().unwrap();
    topic.append_at(20, 0, "written").unwrap().wait_for(Durability::Written).unwrap();
    let accepted = topic.append_at(30, 0, "accepted").unwrap();
    let count = |read: Read| topic.read(read).unwrap().into_events().map(Result::unwrap).count();
    let of_level = |level| {
        (
            count(Read::from(Place::Oldest).level(level)),
            count(Read::from(Place::Oldest).reverse().level(level)),
        )
    };
    assert_eq!((count(Place::Oldest.into()), of_level(ReadLevel::Durable)), (1, (1, 1)));
    assert_eq!(of_level(ReadLevel::Written), (2, 2));
    assert_eq!(topic.latest().unwrap().unwrap().payload, b"durable");
    assert_eq!(topic.last(5).unwrap().len(), 1);
    assert_eq!((topic.find(10).unwrap(), topic.find(11).unwrap(), topic.find(21).unwrap()), (0, 1, 1));
    assert_eq!(topic.position_of(Place::End).unwrap(), 1);
    let (mut durable, mut written) =
        (topic.follow(1).unwrap(), topic.follow_level(1, ReadLevel::Written).unwrap());
    assert!(durable.next(Some(Duration::ZERO)).unwrap().is_none());
    assert_eq!(written.next(Some(Duration::ZERO)).unwrap().unwrap().payload, b"written");
    assert!(!topic.wait_past(1, Duration::ZERO).unwrap());
    accepted.wait().unwrap();
    assert_eq!(topic.last(5).unwrap().len(), 3);
    assert_eq!((topic.find(11).unwrap(), topic.find(21).unwrap(), topic.find(31).unwrap()), (1, 2, 3));
    assert_eq!(durable.next(Some(Duration::ZERO)).unwrap().unwrap().payload, b"written");
    assert!(topic.wait_past(2, Duration::ZERO).unwrap());
}

// ---- room in the queue ----

/// A topic whose queue is full while a write is held up.
fn full(stage: &Stage, when_full: WhenFull) -> Topic {
    let topic = stage.open(patient().queue_bytes(4 << 10).when_full(when_full)).topic("a").unwrap();
    stage.cue(OperationKind::Write, [Cue::Hold]);
    let first = topic.append([0; 3_000]).unwrap();
    std::thread::spawn(move || first.wait_timeout(Durability::Synced, LONG));
    stage.until_held(1);
    topic
}

#[test]
fn a_full_queue_fails_an_append_at_once_or_after_a_while() {
    for (when_full, least) in [
        (WhenFull::Fail, Duration::ZERO),
        (WhenFull::Wait(Duration::from_millis(50)), Duration::from_millis(50)),
    ] {
        let stage = Stage::new(4);
        let topic = full(&stage, when_full);
        let mut batch = Batch::new();
        batch.push(0, &[0; 3_000]).unwrap();
        let begun = Instant::now();
        let refused = [topic.append([0; 3_000]).unwrap_err(), topic.append_batch(&batch).unwrap_err()];
        assert!(begun.elapsed() >= 2 * least, "{when_full:?}");
        for error in refused {
            let Error::QueueFull { pending, limit: 4_096, .. } = error else { panic!("{error}") };
            assert!(pending >= 3_000, "{pending}");
        }
        let metrics = topic.metrics().unwrap();
        assert_eq!(metrics.errors(), 2);
        assert!(metrics.pending_bytes < 4_096);
        stage.release();
        // It took no position.
        topic.flush().unwrap();
        assert_eq!(topic.append("x").unwrap().wait().unwrap(), 1..2);
    }
}

#[test]
fn an_append_waits_for_room_as_long_as_it_takes() {
    for when_full in [WhenFull::Block, WhenFull::Wait(LONG)] {
        let stage = Stage::new(5);
        let topic = full(&stage, when_full);
        scope(|threads| {
            let waiting = threads.spawn(|| topic.append([1; 3_000]).unwrap().positions());
            pause(Duration::from_millis(50));
            assert!(!waiting.is_finished(), "{when_full:?}");
            stage.release();
            assert_eq!(waiting.join().unwrap(), 1..2);
        });
        assert_eq!(topic.flush().unwrap(), 2);
    }
}
