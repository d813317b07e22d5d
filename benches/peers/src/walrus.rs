//! walrus: one topic; its reader is one durable cursor, so events are read once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use evlog_benches::outcome::Result;
use evlog_benches::subject::{Candidate, Plan, Subject, Workload, Writer};
use walrus_rust::{FsyncSchedule, ReadConsistency, Walrus};

/// Its folder comes from the environment, `WALRUS_DATA_DIR`.
pub const PEER: Candidate = Candidate {
    name: "walrus",
    package: Some("walrus-rust"),
    setting: "FsyncSchedule::SyncEach (O_SYNC); for W3 and W4 NoFsync and its files synced beside it: it has no flush, and \
              syncs each event of a batch",
    workloads: &[Workload::W1, Workload::W2, Workload::W3, Workload::W4, Workload::R3],
    open: |folder, plan| Ok(Box::new(OneTopic::open(folder, plan)?)),
};

const TOPIC: &str = "events";
/// Most events that it takes as one batch.
const BATCH: usize = 2000;
/// Bytes that are read together.
const LOT: usize = 1 << 20;

struct OneTopic {
    log: Walrus,
    folder: PathBuf,
}

impl OneTopic {
    fn open(folder: &Path, plan: &Plan) -> Result<OneTopic> {
        let schedule = match plan.workload {
            // The events of a batch would be synced one by one.
            Workload::W3 | Workload::W4 | Workload::R3 => FsyncSchedule::NoFsync,
            _ => FsyncSchedule::SyncEach,
        };
        let consistency = ReadConsistency::AtLeastOnce { persist_every: u32::MAX };
        let log = Walrus::with_consistency_and_schedule(consistency, schedule)?;
        Ok(OneTopic { log, folder: folder.to_owned() })
    }
}

impl Subject for OneTopic {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(In(self)))
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        loop {
            let lot = self.log.batch_read_for_topic(TOPIC, LOT, true)?;
            if lot.is_empty() {
                return Ok(());
            }
            for found in lot {
                visit(&found.data);
            }
        }
    }
}

struct In<'a>(&'a OneTopic);

impl Writer for In<'_> {
    fn append_durable(&mut self, payload: &[u8]) -> Result<()> {
        self.append(payload)
    }

    fn append_batch_durable(&mut self, payloads: &[&[u8]]) -> Result<()> {
        for batch in payloads.chunks(BATCH) {
            self.0.log.batch_append_for_topic(TOPIC, batch)?;
        }
        self.flush()
    }

    fn append(&mut self, payload: &[u8]) -> Result<()> {
        Ok(self.0.log.append_for_topic(TOPIC, payload)?)
    }

    fn flush(&mut self) -> Result<()> {
        sync_below(&self.0.folder)
    }
}

fn sync_below(folder: &Path) -> Result<()> {
    for found in fs::read_dir(folder)? {
        let path = found?.path();
        if path.is_dir() { sync_below(&path)? } else { File::open(path)?.sync_data()? }
    }
    Ok(())
}
