//! What a workload asks of a log or store, whoever made it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::outcome::Result;

/// A workload, as docs/BENCHMARKS.md describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "UPPERCASE")]
pub enum Workload {
    /// One thread appends an event and waits until it is durable.
    W1,
    /// Many threads do.
    W2,
    /// One thread appends batches and waits for each.
    W3,
    /// One thread appends without waiting; a flush at the end.
    W4,
    /// Reads everything in order.
    R1,
    /// Reads by position, here and there.
    R2,
    /// Opens.
    R3,
    /// Reads the newest event.
    R4,
    /// A thousand topics, written in turns; one flush at the end.
    R5,
    /// Threads append at a fixed rate and wait, each append timed from when it was due.
    Load,
}

/// How much of a workload is run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What is done.
    pub workload: Workload,
    /// Bytes of a payload.
    pub size: usize,
    /// Events that are in the log, or will be.
    pub count: u64,
    /// Threads that write.
    pub threads: usize,
    /// Events of a batch.
    pub batch: usize,
    /// Topics that are written in turns.
    pub topics: usize,
    /// Appends a second, of all threads together, under load.
    pub rate: u64,
    /// Threads that read everything again and again, under load.
    pub readers: usize,
}

impl Plan {
    /// Bytes of all payloads.
    pub fn payload_bytes(&self) -> u64 {
        self.count * self.size as u64
    }
}

/// A log or store that can be measured.
pub struct Candidate {
    /// Its name in tables.
    pub name: &'static str,
    /// The package whose version tables show; none for what is part of this project.
    pub package: Option<&'static str>,
    /// How it was set up, and what it promises.
    pub setting: &'static str,
    /// What it is measured with.
    pub workloads: &'static [Workload],
    /// Opens it in a folder, or makes it there. Takes as long as it likes, but for R3.
    pub open: fn(&Path, &Plan) -> Result<Box<dyn Subject>>,
}

/// An open log or store. A method whose default is not replaced cannot be measured, and the table says so.
pub trait Subject: Sync {
    /// A way in for one thread.
    ///
    /// # Errors
    /// [`Unsupported`].
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        unsupported("it does not write")
    }

    /// A way in for many topics.
    ///
    /// # Errors
    /// [`Unsupported`].
    fn topics(&self, count: usize) -> Result<Box<dyn Topics + '_>> {
        let _ = count;
        unsupported("it has no topics")
    }

    /// Gives every payload to `visit`, oldest first.
    ///
    /// # Errors
    /// [`Unsupported`], or what reading met.
    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let _ = visit;
        unsupported("it does not read in order")
    }

    /// A way to read by position.
    ///
    /// # Errors
    /// [`Unsupported`].
    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        unsupported("it does not read by position")
    }

    /// Gives the newest payload to `visit`.
    ///
    /// # Errors
    /// [`Unsupported`], or what reading met.
    fn newest(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let _ = visit;
        unsupported("it does not know its newest event")
    }

    /// Stops in order.
    ///
    /// # Errors
    /// What it met.
    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// What one thread writes with.
pub trait Writer {
    /// Appends an event, and returns when it is durable.
    ///
    /// # Errors
    /// What writing met.
    fn append_durable(&mut self, payload: &[u8]) -> Result<()>;

    /// Appends events together, and returns when they are durable.
    ///
    /// # Errors
    /// What writing met.
    fn append_batch_durable(&mut self, payloads: &[&[u8]]) -> Result<()>;

    /// Appends an event.
    ///
    /// # Errors
    /// What writing met.
    fn append(&mut self, payload: &[u8]) -> Result<()>;

    /// Makes durable what was appended.
    ///
    /// # Errors
    /// What writing met.
    fn flush(&mut self) -> Result<()>;
}

/// What writes to many topics.
pub trait Topics {
    /// Appends an event to the topic of this number.
    ///
    /// # Errors
    /// What writing met.
    fn append(&mut self, topic: usize, payload: &[u8]) -> Result<()>;

    /// Makes everything durable that was appended to any of them.
    ///
    /// # Errors
    /// What writing met.
    fn flush(&mut self) -> Result<()>;

    /// Reads all topics and says how many events there are.
    ///
    /// # Errors
    /// What reading met.
    fn count(&mut self) -> Result<u64>;
}

/// What reads by position.
pub trait Picker {
    /// Gives the payload at `position` to `visit`.
    ///
    /// # Errors
    /// What reading met; there must be one.
    fn pick(&mut self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()>;
}

/// What a subject cannot do, and why: no failure of the measurement.
#[derive(Debug)]
pub struct Unsupported(pub String);

impl std::fmt::Display for Unsupported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unsupported {}

/// The answer of a subject that cannot do what it is asked for.
///
/// # Errors
/// Always [`Unsupported`].
pub fn unsupported<T>(why: &str) -> Result<T> {
    Err(Unsupported(why.to_owned()).into())
}
