//! What a store must be able to do for those who come from an event store over Erlang's `disk_log`: one ability a
//! test. docs/PARITY.md says which test stands for which ability, the tests elsewhere among them.

mod appending;
mod counting;
mod failing;
mod keeping;
mod lasting;
#[cfg(feature = "value")]
mod payloads;
mod reading;
mod starting;
mod together;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use evlog_sim::SimDisk;
use evlog_store::{Batch, MonotonicClock, Options, OwnedEvent, Place, Read, Result, Store, Topic};

/// Long enough that nothing happens for a timeout.
const NEVER: Duration = Duration::from_secs(3_600);
/// Long enough for whatever has to happen, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where the store is on a [`SimDisk`].
const SIMULATED: &str = "/store";

/// A store with the default options, in a folder that goes away with the guard.
fn store() -> (tempfile::TempDir, Store) {
    store_with(&Options::new())
}

fn store_with(options: &Options) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store"), options).unwrap();
    (folder, store)
}

fn reopened(folder: &tempfile::TempDir) -> Store {
    Store::open(folder.path().join("store"), &Options::new()).unwrap()
}

/// The store on a disk that is played.
fn store_on(disk: &SimDisk, options: &Options) -> Result<Store> {
    Store::open_on(Arc::new(disk.clone()), Arc::new(MonotonicClock::default()), SIMULATED, options)
}

/// Nothing is written or synced unless somebody asks for it.
fn unhurried() -> Options {
    Options::new().batch_timeout(NEVER).batch_size(u64::MAX).clone()
}

fn batch(payloads: &[&str]) -> Batch {
    let mut batch = Batch::new();
    for (time, payload) in (0..).zip(payloads) {
        batch.push(time, payload.as_bytes()).unwrap();
    }
    batch
}

/// Appends events with the numbers as payloads and, in microseconds, as timestamps; the last one durably.
fn fill(topic: &Topic, numbers: std::ops::Range<i64>) {
    for number in numbers {
        let _ = topic.append_at(number, 0, number.to_string()).unwrap();
    }
    topic.flush().unwrap();
}

fn events(topic: &Topic, read: impl Into<Read>) -> Vec<OwnedEvent> {
    topic.read(read).unwrap().into_events().map(Result::unwrap).collect()
}

fn positions(topic: &Topic, read: impl Into<Read>) -> Vec<u64> {
    events(topic, read).iter().map(|event| event.position).collect()
}

fn texts(topic: &Topic) -> Vec<String> {
    let text = |event: OwnedEvent| String::from_utf8(event.payload).unwrap();
    events(topic, Place::Oldest).into_iter().map(text).collect()
}

/// The segment files of a topic, oldest first.
fn segment_files(store: &Store, topic: &str) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(store.path().join(format!("t-{topic}"))).unwrap();
    let mut files: Vec<PathBuf> = folder.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}
