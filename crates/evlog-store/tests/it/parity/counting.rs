//! The seven figures: writes, reads, batches, errors, repairs, and how long the last write and the last read took.

use std::time::Duration;

use evlog_store::{Options, Place, Read};

use super::{batch, events, reopened, segment_files, store_with};

#[test]
fn seven_figures_count_what_happened() {
    let (folder, store) = store_with(Options::new().max_event_bytes(100));
    let topic = store.topic("a").unwrap();
    let fresh = topic.metrics().unwrap();
    assert_eq!(
        (fresh.append_events, fresh.append_batches, fresh.reads, fresh.errors(), fresh.repairs),
        (0, 0, 0, 0, 0)
    );
    assert_eq!((fresh.last_write, fresh.last_read), (Duration::ZERO, Duration::ZERO));

    topic.append("one").unwrap().wait().unwrap();
    let _ = topic.append_batch(&batch(&["two", "three", "four"])).unwrap().wait().unwrap();
    assert_eq!(events(&topic, Place::Oldest).len(), 4);
    assert_eq!(events(&topic, Read::from(1).limit(2)).len(), 2);
    assert!(topic.append([0; 101]).is_err());
    assert!(topic.append_if(17, &batch(&["x"])).is_err());

    let found = topic.metrics().unwrap();
    assert_eq!(found.append_events, 4, "writes");
    assert_eq!(found.append_batches, 2, "batches");
    assert_eq!((found.reads, found.read_events), (2, 6), "reads");
    assert_eq!(found.errors(), 2, "errors");
    assert_eq!(found.repairs, 0, "repairs");
    assert!(found.last_write > Duration::ZERO, "duration of the last write");
    assert!(found.last_read > Duration::ZERO, "duration of the last read");

    store.close().unwrap();
    let file = segment_files(&store, "a").remove(0);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.extend_from_slice(b"a write that was never finished");
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(reopened(&folder).topic("a").unwrap().metrics().unwrap().repairs, 1, "repairs");
}
