//! Several threads at once, and retention between them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use evlog_sim::OperationKind;
use evlog_store::retention::Retention;
use evlog_store::{Durability, Options, Place, Topic};

use super::{store, store_with, texts};
use crate::stage::{Cue, Stage};

#[test]
fn five_topics_at_once_keep_apart_and_in_order() {
    const WRITERS: usize = 4;
    const EACH: usize = 500;
    let (_folder, store) = store();
    thread::scope(|scope| {
        for number in 0..5 {
            let topic = store.topic(&format!("topic-{number}")).unwrap();
            for writer in 0..WRITERS {
                let topic = topic.clone();
                scope.spawn(move || {
                    for count in 0..EACH {
                        let ticket = topic.append(format!("{number} {writer} {count}")).unwrap();
                        if count % 100 == 0 {
                            ticket.wait().unwrap();
                        }
                    }
                });
            }
            scope.spawn(move || follow_to(&topic, (WRITERS * EACH) as u64));
        }
    });
    for number in 0..5 {
        let found = texts(&store.topic(&format!("topic-{number}")).unwrap());
        assert_eq!(found.len(), WRITERS * EACH);
        for writer in 0..WRITERS {
            let start = format!("{number} {writer} ");
            let own = found.iter().filter_map(|text| text.strip_prefix(&start));
            assert!(own.eq((0..EACH).map(|count| count.to_string())), "{start}");
        }
    }
}

fn follow_to(topic: &Topic, end: u64) {
    let mut follower = topic.follow(Place::Oldest).unwrap();
    for position in 0..end {
        assert_eq!(follower.next(None).unwrap().unwrap().position, position);
    }
}

#[test]
fn retention_races_readers_and_writers_and_nobody_is_misled() {
    const WRITERS: u64 = 3;
    const EACH: u64 = 8_000;
    let options = Options::new().retention(Retention::wrap(4, 64 << 10)).clone();
    let (_folder, store) = store_with(&options);
    let topic = store.topic("a").unwrap();
    let is_done = AtomicBool::new(false);
    let trimmed = AtomicU64::new(0);
    thread::scope(|scope| {
        let (topic, is_done, trimmed) = (&topic, &is_done, &trimmed);
        let readers = [Pace::Quick, Pace::Quick, Pace::Slow]
            .map(|pace| scope.spawn(move || read_until(topic, pace, is_done, trimmed)));
        let retention = scope.spawn(|| {
            while !is_done.load(Ordering::Acquire) {
                topic.enforce_retention().unwrap();
            }
        });
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(|| write(topic, EACH))).collect();
        let mut given: Vec<u64> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
        given.sort_unstable();
        assert!(given.into_iter().eq(0..WRITERS * EACH), "every position was given once");
        topic.flush().unwrap();
        is_done.store(true, Ordering::Release);
        retention.join().unwrap();
        for reader in readers {
            assert_eq!(reader.join().unwrap(), WRITERS * EACH, "each reader came to the end");
        }
    });
    let start = topic.enforce_retention().unwrap();
    assert!(start > WRITERS * EACH / 2, "retention was at work: {start}");
    assert!(topic.verify().unwrap().damage.is_empty());
    assert!(trimmed.load(Ordering::Relaxed) > 5, "the slow reader is overtaken again and again");
}

#[test]
fn a_reader_that_is_overtaken_on_its_way_is_told_where_to_go_on() {
    let stage = Stage::new(1);
    let topic = stage.open(&Options::new()).topic("a").unwrap();
    for number in 0..10 {
        topic.append(number.to_string()).unwrap().wait().unwrap();
        topic.roll().unwrap();
    }
    let mut reader = topic.read(Place::Oldest).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().position, 0);
    // It knows already which segment comes next, and finds it gone.
    stage.cue(OperationKind::Open, [Cue::Hold]);
    let on_its_way = thread::spawn(move || {
        let error = reader.next().map(|event| event.map(|event| event.position)).unwrap_err();
        (reader, error)
    });
    stage.until_held(1);
    assert_eq!(topic.trim_before(7).unwrap(), 7);
    stage.release();
    let (mut reader, error) = on_its_way.join().unwrap();
    assert!(matches!(error.log(), Some(evlog_core::Error::Trimmed { asked: 1, start: 7 })), "{error}");
    reader.seek(7);
    assert_eq!(reader.next().unwrap().unwrap().position, 7);
}

/// Appends events that say which position they have got, and returns those.
fn write(topic: &Topic, count: u64) -> Vec<u64> {
    let position = |number: u64| {
        let ticket = topic.append([number.to_le_bytes().as_slice(), &[7; 92]].concat()).unwrap();
        if number.is_multiple_of(50) {
            ticket.wait_for(Durability::Written).unwrap();
        }
        ticket.positions().start
    };
    (0..count).map(position).collect()
}

/// Events that make more than two segments: who is so far behind has lost the segment it is in, and the next one.
const AHEAD: u64 = 1_200;

/// How a reader reads.
#[derive(Clone, Copy, PartialEq)]
enum Pace {
    /// As fast as it can.
    Quick,
    /// After every hundred events it lets retention get far ahead.
    Slow,
}

/// Reads to the end, and where it is told that positions are gone goes on where it is told.
fn read_until(topic: &Topic, pace: Pace, is_done: &AtomicBool, trimmed: &AtomicU64) -> u64 {
    let mut reader = topic.read(Place::Oldest).unwrap();
    let mut next = reader.position();
    loop {
        let was_done = is_done.load(Ordering::Acquire);
        match reader.next() {
            Ok(Some(event)) => {
                assert_eq!((event.position, event.payload.len()), (next, 100));
                next += 1;
                let waits = pace == Pace::Slow && next.is_multiple_of(100);
                while waits && topic.range().start < next + AHEAD && !is_done.load(Ordering::Acquire) {
                    thread::yield_now();
                }
            }
            Ok(None) if was_done => return next,
            Ok(None) => thread::yield_now(),
            Err(error) => {
                let Some(&evlog_core::Error::Trimmed { asked, start }) = error.log() else {
                    panic!("{error}")
                };
                assert!(asked == next && start > next, "asked {asked}, start {start}, next {next}");
                trimmed.fetch_add(1, Ordering::Relaxed);
                reader.seek(start);
                next = start;
            }
        }
    }
}
