//! What goes wrong is an error value, and everything else goes on.

use evlog_sim::{Quota, QuotaAt, SimDisk};
use evlog_store::{Error, MonotonicClock, Place, Store};
use std::sync::Arc;

use super::{SIMULATED, fill, positions, reopened, segment_files, store, store_on, texts, unhurried};

#[test]
fn an_unknown_topic_is_an_error_value() {
    let (folder, store) = store();
    assert!(matches!(store.existing_topic("a"), Err(Error::UnknownTopic { .. })));
    assert!(matches!(store.remove_topic("a"), Err(Error::UnknownTopic { .. })));
    assert!(matches!(store.existing_topic("../a"), Err(Error::InvalidName(_))));
    assert!(!folder.path().join("store/t-a").exists(), "asking makes nothing");
    store.topic("a").unwrap().append("x").unwrap().wait().unwrap();
    assert_eq!(texts(&store.existing_topic("a").unwrap()), ["x"]);
}

#[test]
fn a_missing_log_is_an_error_value_and_never_begins_anew() {
    let (folder, store) = store();
    fill(&store.topic("a").unwrap(), 0..10);
    fill(&store.topic("b").unwrap(), 0..20);
    store.close().unwrap();
    for file in segment_files(&store, "a") {
        std::fs::remove_file(file).unwrap();
    }
    let store = reopened(&folder);
    for _ in 0..2 {
        let error = store.topic("a").unwrap_err();
        assert!(matches!(error.log(), Some(evlog_core::Error::MissingSegments { .. })), "{error}");
    }
    assert_eq!(store.topic("b").unwrap().append("x").unwrap().wait().unwrap(), 20..21);
}

#[test]
fn a_file_that_vanishes_under_a_running_topic_is_told_and_the_process_lives() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    for start in [0, 10, 20] {
        fill(&topic, start..start + 10);
        topic.roll().unwrap();
    }
    std::fs::remove_file(segment_files(&store, "a").remove(1)).unwrap();
    let mut reader = topic.read(9).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().position, 9);
    let error = reader.next().unwrap_err();
    let Some(evlog_core::Error::Gap(gap)) = error.log() else { panic!("{error}") };
    assert_eq!((gap.from..gap.to, gap.reason), (10..20, evlog_core::GapReason::MissingSegment));
    assert_eq!(reader.next().unwrap().unwrap().position, 20);
    assert_eq!(topic.append("x").unwrap().wait().unwrap(), 30..31);
}

#[test]
fn a_full_disk_is_an_error_value_and_passes() {
    let disk = SimDisk::new(1);
    let store = store_on(&disk, &unhurried()).unwrap();
    let topic = store.topic("a").unwrap();
    fill(&topic, 0..10);
    disk.set_quota(Some(Quota { bytes: 16 << 10, at: QuotaAt::Write }));
    let large = vec![7; 20_000];
    for _ in 0..3 {
        let ticket = topic.append(&large).unwrap();
        let error = ticket.wait().unwrap_err();
        assert!(matches!(error.log(), Some(evlog_core::Error::NoSpace { .. })), "{error}");
    }
    assert_eq!(positions(&topic, Place::Oldest).len(), 10, "what was there is there");
    assert_eq!(topic.append("small").unwrap().wait().unwrap(), 10..11, "what has room is taken");
    disk.set_quota(None);
    assert_eq!(topic.append(&large).unwrap().wait().unwrap(), 11..12);
    assert_eq!(topic.latest().unwrap().unwrap().payload, large);
    assert_eq!(topic.metrics().unwrap().errors(), 3);
    store.close().unwrap();
}

#[test]
fn a_read_only_folder_is_an_error_value_and_can_be_read() {
    let disk = SimDisk::new(1);
    let store = store_on(&disk, &unhurried()).unwrap();
    fill(&store.topic("a").unwrap(), 0..10);
    store.close().unwrap();
    let before = disk.paths();
    disk.make_read_only();
    for path in [SIMULATED, "/another"] {
        let clock = Arc::new(MonotonicClock::default());
        let error = Store::open_on(Arc::new(disk.clone()), clock, path, &unhurried()).unwrap_err();
        let Some(evlog_core::Error::Io { source, path: named, .. }) = error.log() else { panic!("{error}") };
        assert_eq!(source.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
        assert!(std::path::Path::new(path).starts_with(named), "{error}");
    }
    assert_eq!(disk.paths(), before, "nothing is left behind");
    let clock = Arc::new(MonotonicClock::default());
    let store = Store::open_read_only_on(Arc::new(disk.clone()), clock, SIMULATED, &unhurried()).unwrap();
    let topic = store.existing_topic("a").unwrap();
    assert!(positions(&topic, Place::Oldest).into_iter().eq(0..10));
    assert!(topic.append("x").is_err());
}
