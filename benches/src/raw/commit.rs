//! A plain group commit: the first who waits leads, takes what is there at that moment, writes and syncs it once.

use std::mem;

use parking_lot::{Condvar, Mutex};

use super::sink::{PIECE, Sink};
use crate::outcome::Result;
use crate::subject::Writer;

/// One file, written by many threads.
pub(super) struct Commit {
    pending: Mutex<Pending>,
    turned: Condvar,
    sink: Mutex<Sink>,
}

#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    /// Events that were ever added.
    added: u64,
    /// Of those, the first so many are durable.
    durable: u64,
    is_led: bool,
    has_failed: bool,
    /// Memory of the group before.
    spare: Vec<u8>,
}

impl Commit {
    pub(super) fn new(sink: Sink) -> Commit {
        Commit { pending: Mutex::default(), turned: Condvar::new(), sink: Mutex::new(sink) }
    }

    pub(super) fn writer(&self) -> RawWriter<'_> {
        RawWriter { commit: self, piece: Vec::with_capacity(PIECE) }
    }

    fn append_and_wait(&self, payloads: &[&[u8]]) -> Result<()> {
        let mut pending = self.pending.lock();
        for payload in payloads {
            pending.bytes.extend_from_slice(payload);
        }
        pending.added += payloads.len() as u64;
        let mine = pending.added;
        while pending.durable < mine {
            if pending.has_failed {
                return Err("another thread could not write".into());
            }
            if pending.is_led {
                self.turned.wait(&mut pending);
                continue;
            }
            pending.is_led = true;
            let spare = mem::take(&mut pending.spare);
            let mut group = mem::replace(&mut pending.bytes, spare);
            let end = pending.added;
            drop(pending);
            let written = self.write(&group);
            group.clear();
            pending = self.pending.lock();
            pending.spare = group;
            pending.is_led = false;
            pending.has_failed |= written.is_err();
            pending.durable = if written.is_ok() { end } else { pending.durable };
            self.turned.notify_all();
            written?;
        }
        Ok(())
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut sink = self.sink.lock();
        sink.write(bytes)?;
        sink.sync()
    }
}

/// What one thread writes with.
pub(super) struct RawWriter<'a> {
    commit: &'a Commit,
    /// Events that nobody waits for, until there are enough of them.
    piece: Vec<u8>,
}

impl RawWriter<'_> {
    fn put_out(&mut self) -> Result<()> {
        self.commit.sink.lock().write(&self.piece)?;
        self.piece.clear();
        Ok(())
    }
}

impl Writer for RawWriter<'_> {
    fn append_durable(&mut self, payload: &[u8]) -> Result<()> {
        self.commit.append_and_wait(&[payload])
    }

    fn append_batch_durable(&mut self, payloads: &[&[u8]]) -> Result<()> {
        self.commit.append_and_wait(payloads)
    }

    fn append(&mut self, payload: &[u8]) -> Result<()> {
        if self.piece.len() + payload.len() > PIECE {
            self.put_out()?;
        }
        self.piece.extend_from_slice(payload);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.put_out()?;
        self.commit.sink.lock().sync()
    }
}
