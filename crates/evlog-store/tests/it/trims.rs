//! Word of what was trimmed: every position once, whoever trims, and an end when the topic ends.

use std::ops::Range;
use std::thread::scope;
use std::time::Duration;

use evlog_core::Error as LogError;
use evlog_sim::{Errno, OperationKind};
use evlog_store::retention::Retention;
use evlog_store::{Error, Options, Place, Store, Topic, Trims};

use crate::stage::{LONG, Stage, pause, refusal};

/// Options under which nothing is written unless somebody asks for it.
fn patient() -> Options {
    let mut options = Options::new();
    options.batch_timeout(Duration::from_secs(3_600));
    options
}

/// So many segments of ten events each, and an active one without any.
fn fill(topic: &Topic, segments: u64) {
    for _ in 0..segments {
        (0..10).for_each(|_| _ = topic.append("x").unwrap());
        topic.roll().unwrap();
    }
}

/// What was trimmed by now, if anything was.
fn told(trims: &mut Trims) -> Option<Range<u64>> {
    trims.next(Some(Duration::ZERO)).unwrap()
}

#[test]
fn every_position_is_told_once_whoever_trims() {
    let stage = Stage::new(1);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    let mut trims = topic.trims(topic.range().start);
    fill(&topic, 6);
    assert_eq!((told(&mut trims), trims.position()), (None, 0));
    // By hand.
    topic.trim_before(15).unwrap();
    assert_eq!((told(&mut trims), trims.position()), (Some(0..10), 10));
    assert_eq!(told(&mut trims), None);
    // By the policy, when asked.
    topic.set_retention(Retention::everything().events(35)).unwrap();
    topic.enforce_retention().unwrap();
    assert_eq!(told(&mut trims), Some(10..20));
    // By the policy, behind a roll.
    fill(&topic, 1);
    assert_eq!(told(&mut trims), Some(20..30));
    // A slow one is told at once what went in several steps, and each has a count of its own.
    let mut slow = topic.trims(5);
    fill(&topic, 2);
    assert_eq!((told(&mut trims), told(&mut slow)), (Some(30..50), Some(5..50)));
    assert_eq!((told(&mut trims), told(&mut slow), topic.range().start), (None, None, 50));
}

#[test]
fn what_goes_by_itself_wakes_who_waits() {
    let stage = Stage::new(2);
    let mut options = Options::new();
    options.retention(Retention::wrap(4, 64 << 10)).batch_timeout(Duration::from_millis(5));
    let store = stage.open(&options);
    let topic = store.topic("a").unwrap();
    let mut trims = topic.trims(0);
    let told = scope(|threads| {
        let listener = threads.spawn(|| {
            let mut told = vec![];
            while told.last().is_none_or(|last: &Range<u64>| last.end < 1_000) {
                told.extend(trims.next(Some(LONG)).unwrap());
            }
            told
        });
        // A batching thread writes them, and rolls and trims meanwhile.
        (0..2_000).for_each(|_| _ = topic.append([7; 1_000]).unwrap());
        topic.flush().unwrap();
        listener.join().unwrap()
    });
    assert_eq!(told[0].start, 0);
    assert!(told.windows(2).all(|pair| pair[0].end == pair[1].start), "{told:?}");
    assert!(told.iter().all(|range| !range.is_empty()), "{told:?}");
    assert!(told.last().unwrap().end <= topic.range().start);
}

#[test]
fn what_went_while_nobody_listened_is_told_after_a_restart() {
    let stage = Stage::new(3);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    fill(&topic, 3);
    topic.trim_before(10).unwrap();
    let mut trims = topic.trims(0);
    assert_eq!(told(&mut trims), Some(0..10));
    let noted = trims.position();
    drop(trims);
    topic.trim_before(20).unwrap();
    store.close().unwrap();
    // Now the policy drops more as soon as the topic is opened.
    let store = stage.open(patient().retention(Retention::everything().events(1)));
    let topic = store.topic("a").unwrap();
    let mut trims = topic.trims(noted);
    let mut end = noted;
    while end < 20 {
        let range = trims.next(Some(LONG)).unwrap().expect("nobody said that these are gone");
        assert_eq!(range.start, end);
        end = range.end;
    }
}

#[test]
fn a_close_is_told_behind_what_went_before() {
    let stage = Stage::new(4);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    let (mut late, mut waiting) = (topic.trims(0), topic.trims(20));
    fill(&topic, 2);
    topic.trim_before(20).unwrap();
    scope(|threads| {
        let waiting = threads.spawn(move || waiting.next(None));
        pause(Duration::from_millis(20));
        topic.close().unwrap();
        assert!(matches!(waiting.join().unwrap(), Err(Error::Closed { .. })));
    });
    assert_eq!(told(&mut late), Some(0..20));
    assert!(matches!(late.next(None), Err(Error::Closed { .. })));
}

#[test]
fn a_poison_is_told_behind_what_went_before() {
    let stage = Stage::new(5);
    let store = stage.open(&patient());
    let topic = store.topic("a").unwrap();
    fill(&topic, 3);
    let (mut late, mut waiting) = (topic.trims(0), topic.trims(30));
    topic.trim_before(10).unwrap();
    scope(|threads| {
        let waiting = threads.spawn(move || waiting.next(None).unwrap_err());
        pause(Duration::from_millis(20));
        stage.strike_next(OperationKind::SyncFolder, refusal(Errno::IO));
        topic.trim_before(30).unwrap_err();
        assert!(is_poisoned(&waiting.join().unwrap()));
    });
    // What went before, and what the log says is gone: reading agrees.
    let range = told(&mut late).unwrap();
    assert_eq!(range, 0..topic.range().start);
    assert_eq!(
        topic.read(Place::Oldest).unwrap().next().unwrap().map(|event| event.position),
        Some(range.end)
    );
    assert!(is_poisoned(&late.next(None).unwrap_err()));
}

fn is_poisoned(error: &Error) -> bool {
    matches!(error.log(), Some(LogError::Poisoned { .. }))
}

#[test]
fn another_process_is_told_what_the_writer_trims() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = Store::open(&path, &Options::new()).unwrap();
    let topic = store.topic("a").unwrap();
    fill(&topic, 3);
    let looking = Store::open_read_only(&path, &Options::new()).unwrap();
    let seen = looking.existing_topic("a").unwrap();
    let mut trims = seen.trims(seen.range().start);
    assert_eq!(told(&mut trims), None);
    scope(|threads| {
        let told = threads.spawn(|| (trims.next(Some(LONG)).unwrap(), trims));
        pause(Duration::from_millis(50));
        topic.trim_before(20).unwrap();
        let (first, mut trims) = told.join().unwrap();
        // Files go one by one, so that another process may look in between.
        let mut end = first.clone().unwrap().end;
        assert_eq!(first.unwrap().start, 0);
        while end < 20 {
            let more = trims.next(Some(LONG)).unwrap().unwrap();
            assert_eq!(more.start, end);
            end = more.end;
        }
        seen.close().unwrap();
        assert!(matches!(trims.next(None), Err(Error::Closed { .. })));
    });
}
