//! redb: one table from position to payload.

use std::path::Path;

use evlog_benches::outcome::Result;
use evlog_benches::subject::{Candidate, Picker, Subject, Writer};
use redb::{
    Database, Durability, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction,
};

use crate::positions::{self, Positions};

/// W4 in one transaction: it keeps what is not committed in its own cache.
pub const PEER: Candidate = Candidate {
    name: "redb",
    package: Some("redb"),
    setting: "Durability::Immediate, a transaction an append, for W4 one for all; does not verify when it reads",
    workloads: positions::ONE_TOPIC,
    open: |folder, _| Ok(Box::new(Redb::open(folder)?)),
};

const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
/// Payloads that go into the open transaction together: a table is opened for each lot.
const LOT: usize = 1000;

struct Redb {
    database: Database,
    positions: Positions,
}

impl Redb {
    fn open(folder: &Path) -> Result<Redb> {
        let database = Database::create(folder.join("events.redb"))?;
        let transaction = database.begin_write()?;
        let last = transaction.open_table(EVENTS)?.last()?.map(|(key, _)| key.value() + 1);
        transaction.commit()?;
        Ok(Redb { database, positions: Positions::behind(last.unwrap_or(0)) })
    }

    fn table(&self) -> Result<ReadOnlyTable<u64, &'static [u8]>> {
        Ok(self.database.begin_read()?.open_table(EVENTS)?)
    }
}

impl Subject for Redb {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(RedbWriter { store: self, open: None, lot: Vec::new() }))
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        for found in self.table()?.iter()? {
            visit(found?.1.value());
        }
        Ok(())
    }

    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        Ok(Box::new(InTable(self.table()?)))
    }

    fn newest(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        visit(self.table()?.last()?.ok_or("it is empty")?.1.value());
        Ok(())
    }
}

struct RedbWriter<'a> {
    store: &'a Redb,
    open: Option<WriteTransaction>,
    lot: Vec<Vec<u8>>,
}

impl RedbWriter<'_> {
    fn put_out(&mut self) -> Result<()> {
        let open = match &self.open {
            Some(open) => open,
            None => self.open.insert(self.store.database.begin_write()?),
        };
        let mut table = open.open_table(EVENTS)?;
        for payload in self.lot.drain(..) {
            table.insert(self.store.positions.next(), &*payload)?;
        }
        Ok(())
    }
}

impl Writer for RedbWriter<'_> {
    fn append_durable(&mut self, payload: &[u8]) -> Result<()> {
        self.append_batch_durable(&[payload])
    }

    fn append_batch_durable(&mut self, payloads: &[&[u8]]) -> Result<()> {
        let mut transaction = self.store.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        {
            let mut table = transaction.open_table(EVENTS)?;
            for payload in payloads {
                table.insert(self.store.positions.next(), *payload)?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn append(&mut self, payload: &[u8]) -> Result<()> {
        self.lot.push(payload.to_vec());
        if self.lot.len() < LOT { Ok(()) } else { self.put_out() }
    }

    fn flush(&mut self) -> Result<()> {
        self.put_out()?;
        if let Some(open) = self.open.take() {
            open.commit()?;
        }
        Ok(())
    }
}

struct InTable(ReadOnlyTable<u64, &'static [u8]>);

impl Picker for InTable {
    fn pick(&mut self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        visit(self.0.get(position)?.ok_or("there is no such event")?.value());
        Ok(())
    }
}
