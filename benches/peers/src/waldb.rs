//! wal-db: one file; a place is a byte offset, so a position is known where all events are of one size.

use std::path::Path;

use evlog_benches::outcome::Result;
use evlog_benches::subject::{Candidate, Picker, Plan, Subject, Workload, Writer};
use wal_db::{Lsn, Wal};

/// As its readme uses it.
pub const PEER: Candidate = Candidate {
    name: "wal-db",
    package: Some("wal-db"),
    setting: "append and sync(), which joins threads; CRC-32C; places of events computed by the reader",
    workloads: &[
        Workload::W1,
        Workload::W2,
        Workload::W3,
        Workload::W4,
        Workload::R1,
        Workload::R2,
        Workload::R3,
    ],
    open: |folder, plan| Ok(Box::new(WalDb::open(folder, plan)?)),
};

struct WalDb {
    log: Wal,
    count: u64,
}

impl WalDb {
    fn open(folder: &Path, plan: &Plan) -> Result<WalDb> {
        Ok(WalDb { log: Wal::open(folder.join("events.wal"))?, count: plan.count })
    }
}

impl Subject for WalDb {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(In(&self.log)))
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        for record in self.log.iter()? {
            visit(record?.data());
        }
        Ok(())
    }

    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        Ok(Box::new(At { log: &self.log, stride: self.log.len() / self.count }))
    }
}

struct In<'a>(&'a Wal);

impl Writer for In<'_> {
    fn append_durable(&mut self, payload: &[u8]) -> Result<()> {
        let _ = self.0.append_and_sync(payload)?;
        Ok(())
    }

    fn append_batch_durable(&mut self, payloads: &[&[u8]]) -> Result<()> {
        for payload in payloads {
            let _ = self.0.append(payload)?;
        }
        Ok(self.0.sync()?)
    }

    fn append(&mut self, payload: &[u8]) -> Result<()> {
        let _ = self.0.append(payload)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(self.0.sync()?)
    }
}

struct At<'a> {
    log: &'a Wal,
    stride: u64,
}

impl Picker for At<'_> {
    fn pick(&mut self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let found = self.log.iter_from(Lsn::new(position * self.stride))?.next();
        visit(found.ok_or("there is no such event")??.data());
        Ok(())
    }
}
