//! Topics as their users see them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use evlog_store::retention::Retention;
use evlog_store::{Batch, Durability, Error, Options, Place, Read, ReadLevel, Store, WhenFull};

fn store() -> (tempfile::TempDir, Store) {
    store_with(&Options::new())
}

fn store_with(options: &Options) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store"), options).unwrap();
    (folder, store)
}

fn payloads(topic: &evlog_store::Topic) -> Vec<Vec<u8>> {
    topic.read(Place::Oldest).unwrap().into_events().map(|event| event.unwrap().payload).collect()
}

#[test]
fn a_ticket_waits_until_its_event_is_durable() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    let ticket = topic.append("one").unwrap();
    assert_eq!(ticket.positions(), 0..1);
    assert_eq!(ticket.wait().unwrap(), 0..1);
    assert_eq!(topic.durable_end(), 1);
    assert_eq!(topic.latest().unwrap().unwrap().payload, b"one");
}

#[test]
fn singles_and_batches_keep_the_order_of_their_calls() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    let mut batch = Batch::new();
    batch.push(1, b"two").unwrap();
    batch.push(2, b"three").unwrap();
    let _ = topic.append("one").unwrap();
    let _ = topic.append_batch(&batch).unwrap();
    let _ = topic.append("four").unwrap();
    assert_eq!(topic.append_batch(&Batch::new()).unwrap().wait().unwrap(), 4..4);
    assert_eq!(topic.flush().unwrap(), 4);
    assert_eq!(payloads(&topic), [&b"one"[..], b"two", b"three", b"four"]);
}

#[test]
fn an_expected_position_decides_who_wins() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    let mut batch = Batch::new();
    batch.push(1, b"x").unwrap();
    let _ = topic.append_if(0, &batch).unwrap();
    let error = topic.append_if(0, &batch).unwrap_err();
    assert!(matches!(error, Error::WrongPosition { expected: 0, actual: 1, .. }), "{error}");
    let _ = topic.append_if(1, &batch).unwrap();
    assert_eq!(topic.flush().unwrap(), 2);
}

#[test]
fn a_hundred_writers_and_five_readers_lose_and_double_nothing() {
    const WRITERS: u64 = 100;
    const EACH: u64 = 1_000;
    let (folder, store) = store();
    let topic = store.topic("busy").unwrap();
    let is_done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..5)
        .map(|_| {
            let (topic, is_done) = (topic.clone(), Arc::clone(&is_done));
            std::thread::spawn(move || {
                let mut reader = topic.read(Place::Oldest).unwrap();
                let mut next = 0;
                loop {
                    let was_done = is_done.load(Ordering::Acquire);
                    while let Some(event) = reader.next().unwrap() {
                        assert_eq!(event.position, next);
                        next += 1;
                    }
                    if was_done {
                        return next;
                    }
                    std::thread::yield_now();
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let topic = topic.clone();
            std::thread::spawn(move || {
                for number in 0..EACH {
                    let ticket = topic.append(format!("{writer} {number}")).unwrap();
                    if number % 250 == 0 {
                        ticket.wait().unwrap();
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    topic.flush().unwrap();
    is_done.store(true, Ordering::Release);
    for reader in readers {
        assert_eq!(reader.join().unwrap(), WRITERS * EACH);
    }
    store.close().unwrap();
    drop((topic, store));
    let store = Store::open(folder.path().join("store"), &Options::new()).unwrap();
    let topic = store.existing_topic("busy").unwrap();
    assert_eq!(topic.range(), 0..WRITERS * EACH);
    let mut next = vec![0; WRITERS as usize];
    for payload in payloads(&topic) {
        let text = String::from_utf8(payload).unwrap();
        let (writer, number) = text.split_once(' ').unwrap();
        let writer: usize = writer.parse().unwrap();
        assert_eq!(number.parse(), Ok(next[writer]));
        next[writer] += 1;
    }
    assert!(next.iter().all(|&count: &u64| count == EACH));
}

#[test]
fn what_nobody_waits_for_is_durable_within_the_batch_timeout() {
    let (_folder, store) = store_with(Options::new().batch_timeout(Duration::from_millis(30)));
    let topic = store.topic("a").unwrap();
    let _ = topic.append("x").unwrap();
    assert!(topic.wait_past(0, Duration::from_secs(20)).unwrap());
    assert_eq!(payloads(&topic), [b"x"]);
}

#[test]
fn a_full_batch_is_written_without_being_asked_for() {
    let options = Options::new().batch_size(10).batch_timeout(Duration::from_secs(3_600)).clone();
    let (_folder, store) = store_with(&options);
    let topic = store.topic("a").unwrap();
    let mut follower = topic.follow_level(Place::Oldest, ReadLevel::Written).unwrap();
    for _ in 0..9 {
        let _ = topic.append("x").unwrap();
    }
    assert!(follower.next(Some(Duration::from_millis(50))).unwrap().is_none());
    let _ = topic.append("x").unwrap();
    for position in 0..10 {
        assert_eq!(follower.next(Some(Duration::from_secs(20))).unwrap().unwrap().position, position);
    }
}

#[test]
fn a_follower_hears_of_events_and_of_the_close() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    let mut follower = topic.follow(Place::Oldest).unwrap();
    assert!(follower.next(Some(Duration::ZERO)).unwrap().is_none());
    let heard = std::thread::spawn(move || {
        let mut positions = Vec::new();
        loop {
            match follower.next(None) {
                Ok(Some(event)) => positions.push(event.position),
                Ok(None) => unreachable!(),
                Err(error) => return (positions, error),
            }
        }
    });
    for _ in 0..100 {
        topic.append("x").unwrap().wait().unwrap();
    }
    topic.close().unwrap();
    let (positions, error) = heard.join().unwrap();
    assert!(positions.into_iter().eq(0..100));
    assert!(matches!(error, Error::Closed { .. }), "{error}");
}

#[test]
fn after_a_close_appends_say_so_and_readers_go_on() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    let pending = topic.append("x").unwrap();
    let mut reader = topic.read(Place::Oldest).unwrap();
    topic.close().unwrap();
    assert_eq!(pending.wait().unwrap(), 0..1);
    assert!(matches!(topic.append("y"), Err(Error::Closed { .. })));
    assert!(matches!(topic.flush(), Err(Error::Closed { .. })));
    assert!(matches!(topic.read(0), Err(Error::Closed { .. })));
    assert!(matches!(topic.close(), Err(Error::Closed { .. })));
    assert_eq!(reader.next().unwrap().unwrap().payload, b"x");
    assert!(reader.next().unwrap().is_none());
    let again = store.topic("a").unwrap();
    assert_eq!(again.append("y").unwrap().wait().unwrap(), 1..2);
    store.close().unwrap();
    assert!(matches!(store.topic("a"), Err(Error::StoreClosed)));
    assert!(matches!(again.append("z"), Err(Error::Closed { .. })));
}

#[test]
fn a_full_queue_fails_or_waits_as_told() {
    let mut options = Options::new();
    options.queue_bytes(4 << 10).max_event_bytes(1 << 20).batch_timeout(Duration::from_secs(3_600));
    options.when_full(WhenFull::Fail);
    let (_folder, store) = store_with(&options);
    let topic = store.topic("a").unwrap();
    let refused = (0..100).find_map(|_| topic.append([0; 200]).err()).unwrap();
    assert!(matches!(refused, Error::QueueFull { limit: 4_096, .. }), "{refused}");
    topic.flush().unwrap();
    let _ = topic.append(vec![0; 1 << 20]).unwrap();
    topic.flush().unwrap();

    options.when_full(WhenFull::Block);
    let (_folder, store) = store_with(&options);
    let topic = store.topic("a").unwrap();
    for _ in 0..1_000 {
        let _ = topic.append([0; 200]).unwrap();
    }
    assert_eq!(topic.flush().unwrap(), 1_000);
}

#[test]
fn too_large_events_take_no_position() {
    let (_folder, store) = store_with(Options::new().max_event_bytes(10));
    let topic = store.topic("a").unwrap();
    for error in [topic.append([0; 11]).unwrap_err(), {
        let mut batch = Batch::new();
        batch.push(0, &[0; 3]).unwrap();
        batch.push(0, &[0; 11]).unwrap();
        topic.append_batch(&batch).unwrap_err()
    }] {
        assert!(
            matches!(error.log(), Some(evlog_core::Error::TooLarge { size: 11, limit: 10, .. })),
            "{error}"
        );
    }
    assert_eq!(topic.append([0; 10]).unwrap().positions(), 0..1);
}

#[test]
fn retention_keeps_what_it_is_told_and_positions_go_on() {
    let mut options = Options::new();
    options.retention(Retention::wrap(4, 64 << 10));
    let (folder, store) = store_with(&options);
    let topic = store.topic("a").unwrap();
    for _ in 0..2_000 {
        let _ = topic.append([7; 1_000]).unwrap().wait_for(Durability::Written).unwrap();
    }
    topic.flush().unwrap();
    let start = topic.enforce_retention().unwrap();
    assert!(start > 1_500 && start < 2_000, "{start}");
    let bytes: u64 = topic.segments().unwrap().iter().map(|segment| segment.bytes).sum();
    assert!(bytes <= 256 << 10, "{bytes}");
    let error = topic.read(0).unwrap_err();
    assert!(matches!(error.log(), Some(evlog_core::Error::Trimmed { asked: 0, start: s }) if *s == start));
    topic.roll().unwrap();
    assert_eq!(topic.trim_before(u64::MAX).unwrap(), 2_000);
    store.close().unwrap();
    drop((topic, store));
    let store = Store::open(folder.path().join("store"), &options).unwrap();
    assert_eq!(store.topic("a").unwrap().append("x").unwrap().wait().unwrap(), 2_000..2_001);
}

#[test]
fn one_store_at_a_time_writes_a_topic() {
    let (folder, store) = store();
    let topic = store.topic("a").unwrap();
    let _ = topic.append("x").unwrap().wait().unwrap();
    let other = Store::open(folder.path().join("store"), &Options::new()).unwrap();
    let error = other.topic("a").unwrap_err();
    assert!(matches!(error.log(), Some(evlog_core::Error::Locked { .. })), "{error}");
    let _ = other.topic("b").unwrap().append("y").unwrap().wait().unwrap();
    let names: Vec<String> = other.topics().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["a", "b"]);
    topic.close().unwrap();
    assert_eq!(other.topic("a").unwrap().append("z").unwrap().wait().unwrap(), 1..2);
}

#[test]
fn a_removed_topic_is_gone_and_begins_anew() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    topic.append("x").unwrap().wait().unwrap();
    store.remove_topic("a").unwrap();
    assert!(matches!(topic.append("y"), Err(Error::Closed { .. })));
    assert!(store.topics().unwrap().is_empty());
    assert!(matches!(store.remove_topic("a"), Err(Error::UnknownTopic { .. })));
    assert!(matches!(store.existing_topic("a"), Err(Error::UnknownTopic { .. })));
    assert_eq!(store.topic("a").unwrap().append("z").unwrap().wait().unwrap(), 0..1);
}

#[test]
fn what_is_not_closed_is_not_lost() {
    let (folder, store) = store();
    let topic = store.topic("a").unwrap();
    for _ in 0..10 {
        let _ = topic.append("x").unwrap();
    }
    drop((topic, store));
    let store = Store::open(folder.path().join("store"), &Options::new()).unwrap();
    assert_eq!(store.topic("a").unwrap().range(), 0..10);
}

#[test]
fn metrics_count_what_happened() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    for _ in 0..3 {
        topic.append("12345").unwrap().wait().unwrap();
    }
    assert_eq!(topic.read(Read::from(1)).unwrap().into_events().count(), 2);
    let metrics = topic.metrics().unwrap();
    assert_eq!((metrics.append_events, metrics.append_bytes), (3, 15));
    assert_eq!((metrics.read_events, metrics.read_bytes, metrics.reads), (2, 10, 1));
    assert_eq!((metrics.end_position, metrics.durable_position, metrics.segments), (3, 3, 1));
    assert_eq!(metrics.errors(), 0);
    assert!(store.render_prometheus().unwrap().contains("evlog_append_events_total{topic=\"a\"} 3"));
    // All topics that are open, and no other.
    store.topic("b").unwrap();
    store.topic("closed").unwrap().close().unwrap();
    let metrics = store.metrics().unwrap();
    let counted: Vec<_> =
        metrics.iter().map(|(name, counts)| (name.as_str(), counts.append_events)).collect();
    assert_eq!(counted, [("a", 3), ("b", 0)]);
}
