//! What is there after a stop, orderly or not, and after damage.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use evlog_sim::{At, Errno, FailedSync, Fault, OperationKind, Repeat, SimDisk, What};
use evlog_store::{Durability, Options, Place, Store, Topic};

use super::{
    PATIENCE, events, fill, positions, reopened, segment_files, store, store_on, store_with, texts, unhurried,
};
use crate::alone;

#[test]
fn positions_are_dense_from_0_and_go_on_after_a_restart() {
    let (folder, mut store) = store();
    for round in 0..5 {
        let topic = store.topic("a").unwrap();
        fill(&topic, round * 10..round * 10 + 10);
        assert!(
            positions(&topic, Place::Oldest)
                .into_iter()
                .map(i64::try_from)
                .map(Result::unwrap)
                .eq(0..round * 10 + 10)
        );
        store.close().unwrap();
        store = reopened(&folder);
    }
}

#[test]
fn after_5000_events_of_200_bytes_and_a_restart_the_next_position_is_5000() {
    let (folder, store) = store();
    let topic = store.topic("a").unwrap();
    for _ in 0..5_000 {
        let _ = topic.append([b'x'; 200]).unwrap();
    }
    store.close().unwrap();
    let topic = reopened(&folder).topic("a").unwrap();
    assert_eq!(topic.append("next").unwrap().wait().unwrap(), 5_000..5_001);
    let latest = topic.latest().unwrap().unwrap();
    assert_eq!((latest.position, latest.payload.as_slice()), (5_000, &b"next"[..]));
}

#[test]
fn no_position_is_given_again_after_everything_was_dropped() {
    let (folder, store) = store();
    let topic = store.topic("a").unwrap();
    fill(&topic, 0..1_000);
    topic.roll().unwrap();
    assert_eq!(topic.trim_before(u64::MAX).unwrap(), 1_000);
    assert_eq!(topic.latest().unwrap(), None);
    store.close().unwrap();
    let topic = reopened(&folder).topic("a").unwrap();
    assert_eq!(topic.append("next").unwrap().wait().unwrap(), 1_000..1_001);
}

#[test]
fn a_batch_that_is_not_full_is_written_by_an_orderly_stop() {
    let (folder, store) = store_with(&unhurried());
    let topic = store.topic("a").unwrap();
    for number in 0..7 {
        let _ = topic.append(number.to_string()).unwrap();
    }
    assert_eq!(topic.range(), 0..0, "it was still waiting");
    store.close().unwrap();
    let found = texts(&reopened(&folder).topic("a").unwrap());
    assert_eq!(found, ["0", "1", "2", "3", "4", "5", "6"]);
}

#[test]
fn a_stop_says_whether_all_of_it_is_durable() {
    let disk = SimDisk::new(1);
    disk.record();
    let store = store_on(&disk, &unhurried()).unwrap();
    let topic = store.topic("a").unwrap();
    topic.append("x").unwrap().wait().unwrap();
    let _ = topic.append("y").unwrap();
    let syncs = disk.take_record().iter().filter(|done| done.kind == OperationKind::Sync).count();
    disk.arm(Fault {
        at: At::Nth(OperationKind::Sync, syncs as u64),
        repeat: Repeat::Once,
        what: What::Sync(FailedSync::Dropped, Errno::IO),
    });
    let error = store.close().unwrap_err();
    assert!(matches!(error.log(), Some(evlog_core::Error::Indeterminate { .. })), "{error}");
    assert_eq!(disk.struck(), 1);
}

#[test]
fn what_was_flushed_survives_a_kill_and_positions_go_on() {
    const TEST: &str = "parity::lasting::what_was_flushed_survives_a_kill_and_positions_go_on";
    const FLUSHED: u64 = 2_000;
    if let Some(folder) = alone::folder_of_child(TEST) {
        append_until_killed(&folder, FLUSHED);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = alone::start(TEST, folder.path());
    let said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.map(Result::unwrap).any(|line| line == "flushed"), "it ended before");
    child.kill().unwrap();
    child.wait().unwrap();
    let topic = reopened(&folder).topic("a").unwrap();
    let end = topic.range().end;
    assert!(end >= FLUSHED, "{end}");
    assert!(texts(&topic).into_iter().eq((0..end).map(|number| number.to_string())));
    assert_eq!(topic.append("next").unwrap().wait().unwrap(), end..end + 1);
}

fn append_until_killed(folder: &Path, flushed: u64) -> ! {
    let store = Store::open(folder.join("store"), &Options::new()).unwrap();
    let topic = store.topic("a").unwrap();
    for number in 0.. {
        let _ = topic.append(number.to_string()).unwrap();
        if number + 1 == flushed {
            topic.flush().unwrap();
            alone::say("flushed");
        }
    }
    unreachable!("there are always more numbers")
}

#[test]
fn damage_costs_the_event_it_touches_and_the_topic_stays_usable() {
    let (folder, store) = store();
    fill(&store.topic("a").unwrap(), 1_000..2_000);
    store.close().unwrap();
    let file = segment_files(&store, "a").remove(0);
    let bytes = std::fs::read(&file).unwrap();
    let victim = bytes.windows(8).position(|window| window == b"1500\0\0\0\0").unwrap();
    let damaged = OpenOptions::new().write(true).open(&file).unwrap();
    damaged.write_all_at(b"X", victim as u64).unwrap();

    let topic = reopened(&folder).topic("a").unwrap();
    let mut reader = topic.read(Place::Oldest).unwrap();
    let (mut found, mut gaps) = (Vec::new(), Vec::new());
    loop {
        match reader.next() {
            Ok(Some(event)) => found.push(event.position),
            Ok(None) => break,
            Err(error) => match error.log() {
                Some(evlog_core::Error::Gap(gap)) => gaps.push((gap.from, gap.to)),
                _ => panic!("{error}"),
            },
        }
    }
    assert_eq!(gaps, [(500, 501)]);
    assert!(found.into_iter().eq((0..500).chain(501..1_000)));
    assert_eq!(topic.append("next").unwrap().wait().unwrap(), 1_000..1_001);
    assert_eq!(topic.metrics().unwrap().damage, 1);
    assert_eq!(std::fs::read(&file).unwrap()[victim], b'X', "nothing is repaired by changing it");
}

#[test]
fn an_unfinished_write_is_reported_and_left_where_it_is() {
    let (folder, store) = store();
    fill(&store.topic("a").unwrap(), 0..100);
    store.close().unwrap();
    let file = segment_files(&store, "a").remove(0);
    OpenOptions::new().append(true).open(&file).unwrap().write_all(b"EVB1 and then the power went").unwrap();
    let torn = std::fs::read(&file).unwrap();

    let topic = reopened(&folder).topic("a").unwrap();
    let report = topic.recovery_report();
    assert_eq!(report.found, evlog_core::Found::Unclean);
    assert_eq!(report.leftover_bytes, 28);
    assert!(report.gaps.is_empty(), "{:?}", report.gaps);
    assert_eq!(topic.metrics().unwrap().repairs, 1);
    fill(&topic, 100..200);
    assert!(events(&topic, Place::Oldest).iter().map(|event| event.timestamp).eq(0..200));
    assert_eq!(std::fs::read(&file).unwrap(), torn);
}

#[test]
fn everything_written_is_durable_in_the_end_without_a_stop() {
    let disk = SimDisk::new(1);
    let options = Options::new().batch_timeout(std::time::Duration::from_millis(20)).clone();
    let store = store_on(&disk, &options).unwrap();
    let topic: Topic = store.topic("a").unwrap();
    let _ = topic.append("x").unwrap().wait_for(Durability::Written).unwrap();
    assert!(topic.wait_past(0, PATIENCE).unwrap());
    let kept = store_on(&disk.crash(evlog_sim::Crash::AllLost), &options).unwrap();
    assert_eq!(texts(&kept.topic("a").unwrap()), ["x"]);
}
