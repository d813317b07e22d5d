//! fjall: one keyspace, the journal written when it is synced.

use std::path::Path;

use evlog_benches::outcome::Result;
use evlog_benches::subject::{Candidate, Picker, Subject, Topics, Writer};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use crate::positions::{self, Positions};

/// With `manual_journal_persist`, as its documentation advises who persists by himself.
pub const PEER: Candidate = Candidate {
    name: "fjall",
    package: Some("fjall"),
    setting: "manual_journal_persist, PersistMode::SyncData; verifies blocks when it reads them from disk",
    workloads: positions::ALL,
    open: |folder, _| Ok(Box::new(Fjall::open(folder)?)),
};

struct Fjall {
    database: Database,
    events: Keyspace,
    positions: Positions,
}

impl Fjall {
    fn open(folder: &Path) -> Result<Fjall> {
        let database = Database::builder(folder).manual_journal_persist(true).open()?;
        let events = database.keyspace("events", KeyspaceCreateOptions::default)?;
        let last = match events.last_key_value() {
            Some(found) => positions::position(&found.key()?).map(|last| last + 1),
            None => None,
        };
        Ok(Fjall { database, events, positions: Positions::behind(last.unwrap_or(0)) })
    }
}

impl Subject for Fjall {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(In(self)))
    }

    fn topics(&self, count: usize) -> Result<Box<dyn Topics + '_>> {
        Ok(Box::new(Many { store: self, next: vec![0; count] }))
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        for found in self.events.iter() {
            visit(&found.value()?);
        }
        Ok(())
    }

    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        Ok(Box::new(In(self)))
    }

    fn newest(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        visit(&self.events.last_key_value().ok_or("it is empty")?.value()?);
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.database.persist(PersistMode::SyncData)?)
    }
}

struct In<'a>(&'a Fjall);

impl Writer for In<'_> {
    fn append_durable(&mut self, payload: &[u8]) -> Result<()> {
        self.append(payload)?;
        self.flush()
    }

    fn append_batch_durable(&mut self, payloads: &[&[u8]]) -> Result<()> {
        let mut batch = self.0.database.batch().durability(Some(PersistMode::SyncData));
        for payload in payloads {
            batch.insert(&self.0.events, positions::key(self.0.positions.next()), *payload);
        }
        Ok(batch.commit()?)
    }

    fn append(&mut self, payload: &[u8]) -> Result<()> {
        Ok(self.0.events.insert(positions::key(self.0.positions.next()), payload)?)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(self.0.database.persist(PersistMode::SyncData)?)
    }
}

impl Picker for In<'_> {
    fn pick(&mut self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        visit(&self.0.events.get(positions::key(position))?.ok_or("there is no such event")?);
        Ok(())
    }
}

struct Many<'a> {
    store: &'a Fjall,
    next: Vec<u64>,
}

impl Topics for Many<'_> {
    fn append(&mut self, topic: usize, payload: &[u8]) -> Result<()> {
        let key = positions::key_in(topic, self.next[topic]);
        self.next[topic] += 1;
        Ok(self.store.events.insert(key, payload)?)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(self.store.database.persist(PersistMode::SyncData)?)
    }

    fn count(&mut self) -> Result<u64> {
        Ok(self.store.events.len()? as u64)
    }
}
