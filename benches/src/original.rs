//! What the benchmark of the store measures that evlog takes the place of: the figures of its four tables, for one size.

use std::path::Path;
use std::time::{Duration, Instant};

use evlog_store::{Batch, Options, Place, Store};
use serde::{Deserialize, Serialize};

use crate::evlog::now;
use crate::machine;
use crate::outcome::Result;
use crate::payload::{Payloads, Tally};

/// Batch timeouts of the second table, in milliseconds.
pub const TIMEOUTS: [u64; 4] = [50, 100, 500, 1000];

/// The figures of one size; times in seconds, memory in bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Original {
    /// Bytes of a payload.
    pub size: usize,
    /// How many events there are.
    pub events: u64,
    /// Resident memory before the store was opened.
    pub memory_before: u64,
    /// Resident memory after everything was read.
    pub memory_after: u64,
    /// Until the call returned that appends all events as one batch.
    pub batch: f64,
    /// Until the flush behind it returned, counted from the beginning of that call.
    pub force: f64,
    /// For each of [`TIMEOUTS`]: events a second that a store with this batch timeout took and made durable.
    pub sustained: Vec<f64>,
    /// One reader over all events.
    pub read: f64,
    /// Opening the store, before its topic is opened.
    pub pre_init: f64,
    /// Opening the topic.
    pub init: f64,
}

/// Measures one size, in a fresh folder.
///
/// # Errors
/// What the store met, and where it gave back something else than was put in.
pub fn run(folder: &Path, size: usize, events: u64, cycles: u32) -> Result<Original> {
    let payloads = Payloads::letters(size);
    let batch = batch_of(&payloads, events)?;
    let memory_before = machine::resident()?;
    let (handed_over, force) = append(&folder.join("store"), &batch)?;
    let began = Instant::now();
    let store = Store::open(folder.join("store"), &Options::new())?;
    let pre_init = began.elapsed();
    let began = Instant::now();
    let topic = store.topic("measured")?;
    let init = began.elapsed();

    let mut expected = Tally::default();
    (0..events).for_each(|number| expected.touch(payloads.nth(number)));
    let mut tally = Tally::default();
    let began = Instant::now();
    let mut reader = topic.read(Place::Oldest)?;
    while let Some(event) = reader.next()? {
        tally.touch(event.payload);
    }
    let read = began.elapsed();
    tally.expect(&expected)?;
    let memory_after = machine::resident()?;
    drop(reader);
    store.close()?;

    let sustained: Result<Vec<f64>> = TIMEOUTS
        .iter()
        .map(|&timeout| sustain(&folder.join(timeout.to_string()), &batch, timeout, cycles))
        .collect();
    Ok(Original {
        size,
        events,
        memory_before,
        memory_after,
        batch: handed_over.as_secs_f64(),
        force: force.as_secs_f64(),
        sustained: sustained?,
        read: read.as_secs_f64(),
        pre_init: pre_init.as_secs_f64(),
        init: init.as_secs_f64(),
    })
}

fn batch_of(payloads: &Payloads, events: u64) -> Result<Batch> {
    let mut batch = Batch::new();
    for number in 0..events {
        batch.push(now(), payloads.nth(number))?;
    }
    Ok(batch)
}

/// Appends the batch and forces it; the times until the one and the other returned.
fn append(folder: &Path, batch: &Batch) -> Result<(Duration, Duration)> {
    let store = Store::open(folder, &Options::new())?;
    let topic = store.topic("measured")?;
    let began = Instant::now();
    let ticket = topic.append_batch(batch)?;
    let handed_over = began.elapsed();
    topic.flush()?;
    let force = began.elapsed();
    ticket.wait()?;
    store.close()?;
    Ok((handed_over, force))
}

/// Hands over batches for so many timeouts, as fast as they are taken, and makes the rest durable in the end.
fn sustain(folder: &Path, batch: &Batch, timeout: u64, cycles: u32) -> Result<f64> {
    let timeout = Duration::from_millis(timeout);
    let mut options = Options::new();
    options.batch_timeout(timeout);
    let store = Store::open(folder, &options)?;
    let topic = store.topic("measured")?;
    let began = Instant::now();
    let mut events = 0;
    while began.elapsed() < timeout * cycles {
        // The flush tells of failures.
        let _ = topic.append_batch(batch)?;
        events += batch.len() as u64;
    }
    topic.flush()?;
    let took = began.elapsed();
    store.close()?;
    std::fs::remove_dir_all(folder)?;
    #[expect(clippy::cast_precision_loss, reason = "figures for people have few digits")]
    Ok(events as f64 / took.as_secs_f64())
}
