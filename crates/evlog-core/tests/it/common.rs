//! What several tests need.

use std::path::PathBuf;

use evlog_core::{Batch, Error, Gap, Log, OwnedEvent, Read};
use tempfile::TempDir;

/// A place for a log, removed with the returned guard.
pub(crate) fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    (folder, path)
}

/// A batch of these payloads; the timestamps count up from `time`.
pub(crate) fn batch(time: i64, payloads: &[&[u8]]) -> Batch {
    let mut batch = Batch::new();
    for (number, payload) in payloads.iter().enumerate() {
        batch.push(time + number as i64, payload).unwrap();
    }
    batch
}

/// The payload that stands for a number: of varying length, and telling its number.
pub(crate) fn payload(number: u64) -> Vec<u8> {
    let mut bytes = format!("event {number} ").into_bytes();
    bytes.resize(bytes.len() + (number % 97) as usize * 3, b'.');
    bytes
}

/// Appends numbered events, so many to a batch, and syncs each batch.
pub(crate) fn fill(log: &mut Log, numbers: std::ops::Range<u64>, per_batch: usize) {
    let numbers: Vec<u64> = numbers.collect();
    for part in numbers.chunks(per_batch) {
        let mut batch = Batch::new();
        for &number in part {
            batch.push(number as i64 * 10, &payload(number)).unwrap();
        }
        log.append(&batch).unwrap();
        log.sync().unwrap();
    }
}

/// Everything a reader returns: events, and gaps beside them.
pub(crate) fn read_all(log: &Log, read: impl Into<Read>) -> (Vec<OwnedEvent>, Vec<Gap>) {
    let mut reader = log.read(read).unwrap();
    let (mut events, mut gaps) = (Vec::new(), Vec::new());
    loop {
        match reader.next() {
            Ok(Some(event)) => events.push(event.to_owned()),
            Ok(None) => return (events, gaps),
            Err(Error::Gap(gap)) => gaps.push(gap),
            Err(other) => panic!("{other}"),
        }
    }
}
