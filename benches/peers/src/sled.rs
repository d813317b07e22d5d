//! sled: one tree from position to payload.

use std::path::Path;

use evlog_benches::outcome::Result;
use evlog_benches::subject::{Candidate, Picker, Subject, Writer};
use sled::{Batch, Config, Db, Mode};

use crate::positions::{self, Positions};

/// Its flush is no sync of the disk: strace shows what it is.
pub const PEER: Candidate = Candidate {
    name: "sled",
    package: Some("sled"),
    setting: "Mode::HighThroughput, flush() for every wait, no flushing in between",
    workloads: positions::ONE_TOPIC,
    open: |folder, _| Ok(Box::new(Sled::open(folder)?)),
};

struct Sled {
    database: Db,
    positions: Positions,
}

impl Sled {
    fn open(folder: &Path) -> Result<Sled> {
        let database = Config::new().path(folder).mode(Mode::HighThroughput).flush_every_ms(None).open()?;
        let last = database.last()?.and_then(|(key, _)| positions::position(&key));
        Ok(Sled { database, positions: Positions::behind(last.map_or(0, |last| last + 1)) })
    }
}

impl Subject for Sled {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(In(self)))
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        for found in self.database.iter() {
            visit(&found?.1);
        }
        Ok(())
    }

    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        Ok(Box::new(In(self)))
    }

    fn newest(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        visit(&self.database.last()?.ok_or("it is empty")?.1);
        Ok(())
    }
}

struct In<'a>(&'a Sled);

impl Writer for In<'_> {
    fn append_durable(&mut self, payload: &[u8]) -> Result<()> {
        self.append(payload)?;
        self.flush()
    }

    fn append_batch_durable(&mut self, payloads: &[&[u8]]) -> Result<()> {
        let mut batch = Batch::default();
        for payload in payloads {
            batch.insert(&positions::key(self.0.positions.next()), *payload);
        }
        self.0.database.apply_batch(batch)?;
        self.flush()
    }

    fn append(&mut self, payload: &[u8]) -> Result<()> {
        self.0.database.insert(positions::key(self.0.positions.next()), payload)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.0.database.flush()?;
        Ok(())
    }
}

impl Picker for In<'_> {
    fn pick(&mut self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        visit(&self.0.database.get(positions::key(position))?.ok_or("there is no such event")?);
        Ok(())
    }
}
