//! A topic is started.

use std::time::Instant;

use evlog_store::{Error, Options, Place, Store};

use super::{NEVER, PATIENCE, positions, reopened, store, store_with};
use crate::alone;

#[test]
fn a_topic_makes_its_folder_and_opens_what_is_there() {
    let (folder, store) = store();
    assert!(!folder.path().join("store/t-orders").exists(), "nothing is made before it is asked for");
    store.topic("orders").unwrap().append("x").unwrap().wait().unwrap();
    assert!(folder.path().join("store/t-orders").is_dir());
    store.close().unwrap();
    assert_eq!(positions(&reopened(&folder).topic("orders").unwrap(), Place::Oldest), [0]);
}

#[test]
fn a_running_topic_is_shared_inside_its_store_and_refused_to_others() {
    const TEST: &str = "parity::starting::a_running_topic_is_shared_inside_its_store_and_refused_to_others";
    if let Some(folder) = alone::folder_of_child(TEST) {
        return is_locked(&Store::open(folder.join("store"), &Options::new()).unwrap());
    }
    let (folder, store) = store();
    let topic = store.topic("a").unwrap();
    store.topic("a").unwrap().append("through the other handle").unwrap().wait().unwrap();
    assert_eq!(topic.range(), 0..1);
    is_locked(&reopened(&folder));
    let output = alone::start(TEST, folder.path()).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    topic.append("and the topic runs on").unwrap().wait().unwrap();
}

fn is_locked(other: &Store) {
    let error = other.topic("a").unwrap_err();
    assert!(matches!(error.log(), Some(evlog_core::Error::Locked { .. })), "{error}");
    other.topic("b").unwrap().close().unwrap();
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    for path in [file.join("store"), file.clone(), folder.path().join("no/such/parent"), "/proc/store".into()]
    {
        let error = Store::open(&path, &Options::new()).unwrap_err();
        let Some(evlog_core::Error::Io { path: named, .. } | evlog_core::Error::UnsafeFile { path: named }) =
            error.log()
        else {
            panic!("{error}")
        };
        assert!(path.starts_with(named), "{error}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"not a folder");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_name_never_leaves_the_folder() {
    let (folder, store) = store();
    for name in ["", ".", "..", "../a", "a/b", "/etc", "a\0b", ".hidden", "ö", &"a".repeat(201)] {
        assert!(matches!(store.topic(name), Err(Error::InvalidName(_))), "{name:?}");
        assert!(matches!(store.remove_topic(name), Err(Error::InvalidName(_))), "{name:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(store.topics().unwrap().is_empty());
}

#[test]
fn by_default_a_thousand_events_start_a_write() {
    let (_folder, store) = store_with(Options::new().batch_timeout(NEVER));
    let topic = store.topic("a").unwrap();
    for _ in 0..999 {
        let _ = topic.append("x").unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(topic.range(), 0..0);
    let _ = topic.append("x").unwrap();
    let deadline = Instant::now() + PATIENCE;
    while topic.range() != (0..1_000) {
        assert!(Instant::now() < deadline, "{:?}", topic.range());
        std::thread::yield_now();
    }
}

#[test]
fn by_default_an_event_is_durable_after_a_second() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    let begun = Instant::now();
    let _ = topic.append("x").unwrap();
    assert!(topic.wait_past(0, PATIENCE).unwrap());
    assert!(begun.elapsed() >= std::time::Duration::from_secs(1), "{:?}", begun.elapsed());
}
