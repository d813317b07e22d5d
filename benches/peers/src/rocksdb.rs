//! RocksDB: one column family from position to payload.

use std::path::Path;

use evlog_benches::outcome::Result;
use evlog_benches::subject::{Candidate, Picker, Subject, Topics, Writer};
use rocksdb::{DB, IteratorMode, Options, WriteBatch, WriteOptions};

use crate::positions::{self, Positions};

/// With a synced write for every wait; its own group commit joins threads.
pub const PEER: Candidate = Candidate {
    name: "rocksdb",
    package: Some("rocksdb"),
    setting: "WriteOptions::sync for every wait; flush_wal(true) for W4 and R5; no compression",
    workloads: positions::ALL,
    open: |folder, _| Ok(Box::new(Rocks::open(folder)?)),
};

struct Rocks {
    database: DB,
    positions: Positions,
}

impl Rocks {
    fn open(folder: &Path) -> Result<Rocks> {
        let mut options = Options::default();
        options.create_if_missing(true);
        let database = DB::open(&options, folder)?;
        let last = database.iterator(IteratorMode::End).next().transpose()?;
        let last = last.and_then(|(key, _)| positions::position(&key));
        Ok(Rocks { database, positions: Positions::behind(last.map_or(0, |last| last + 1)) })
    }
}

fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

impl Subject for Rocks {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(In(self)))
    }

    fn topics(&self, count: usize) -> Result<Box<dyn Topics + '_>> {
        Ok(Box::new(Many { store: self, next: vec![0; count] }))
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        for found in self.database.iterator(IteratorMode::Start) {
            visit(&found?.1);
        }
        Ok(())
    }

    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        Ok(Box::new(In(self)))
    }

    fn newest(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        visit(&self.database.iterator(IteratorMode::End).next().ok_or("it is empty")??.1);
        Ok(())
    }
}

struct In<'a>(&'a Rocks);

impl Writer for In<'_> {
    fn append_durable(&mut self, payload: &[u8]) -> Result<()> {
        Ok(self.0.database.put_opt(positions::key(self.0.positions.next()), payload, &synced())?)
    }

    fn append_batch_durable(&mut self, payloads: &[&[u8]]) -> Result<()> {
        let mut batch = WriteBatch::default();
        for payload in payloads {
            batch.put(positions::key(self.0.positions.next()), payload);
        }
        Ok(self.0.database.write_opt(batch, &synced())?)
    }

    fn append(&mut self, payload: &[u8]) -> Result<()> {
        Ok(self.0.database.put(positions::key(self.0.positions.next()), payload)?)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(self.0.database.flush_wal(true)?)
    }
}

impl Picker for In<'_> {
    fn pick(&mut self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let found = self.0.database.get_pinned(positions::key(position))?;
        visit(&found.ok_or("there is no such event")?);
        Ok(())
    }
}

struct Many<'a> {
    store: &'a Rocks,
    next: Vec<u64>,
}

impl Topics for Many<'_> {
    fn append(&mut self, topic: usize, payload: &[u8]) -> Result<()> {
        let key = positions::key_in(topic, self.next[topic]);
        self.next[topic] += 1;
        Ok(self.store.database.put(key, payload)?)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(self.store.database.flush_wal(true)?)
    }

    fn count(&mut self) -> Result<u64> {
        Ok(self.store.database.iterator(IteratorMode::Start).count() as u64)
    }
}
