//! commitlog: it never syncs by itself, so its files are synced beside it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use commitlog::message::{MessageBuf, MessageSet};
use commitlog::{CommitLog, LogOptions, ReadLimit};
use evlog_benches::outcome::Result;
use evlog_benches::subject::{Candidate, Picker, Plan, Subject, Writer};

use crate::positions;

/// One segment with its index, both synced for every wait; no group commit.
pub const PEER: Candidate = Candidate {
    name: "commitlog",
    package: Some("commitlog"),
    setting: "flush(), then its log and index synced beside it: it never syncs; CRC-32C on reads",
    workloads: positions::ONE_TOPIC,
    open: |folder, plan| Ok(Box::new(Shared::open(folder, plan)?)),
};

/// Bytes that are read together.
const LOT: usize = 256 << 10;

struct Shared {
    log: Mutex<CommitLog>,
    folder: PathBuf,
    size: usize,
}

impl Shared {
    fn open(folder: &Path, plan: &Plan) -> Result<Shared> {
        let mut options = LogOptions::new(folder);
        options.segment_max_bytes(u32::MAX as usize).index_max_items(plan.count as usize + (2 << 20));
        options.message_max_bytes(64 << 20);
        Ok(Shared { log: Mutex::new(CommitLog::new(options)?), folder: folder.to_owned(), size: plan.size })
    }

    fn lock(&self) -> Result<MutexGuard<'_, CommitLog>> {
        Ok(self.log.lock().map_err(|_| "another thread panicked")?)
    }

    fn first_at(&self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let limit = ReadLimit::max_bytes(2 * self.size);
        let found = self.lock()?.read(position, limit)?;
        visit(found.iter().next().ok_or("there is no such event")?.payload());
        Ok(())
    }
}

impl Subject for Shared {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        let files: std::io::Result<Vec<File>> =
            fs::read_dir(&self.folder)?.map(|found| File::open(found?.path())).collect();
        Ok(Box::new(Beside { shared: self, files: files? }))
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let log = self.lock()?;
        let mut next = 0;
        while next < log.next_offset() {
            let found = log.read(next, ReadLimit::max_bytes(LOT))?;
            next += found.len() as u64;
            found.iter().for_each(|event| visit(event.payload()));
        }
        Ok(())
    }

    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        Ok(Box::new(At(self)))
    }

    fn newest(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let last = self.lock()?.last_offset().ok_or("it is empty")?;
        self.first_at(last, visit)
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.writer()?.flush()
    }
}

struct Beside<'a> {
    shared: &'a Shared,
    files: Vec<File>,
}

impl Writer for Beside<'_> {
    fn append_durable(&mut self, payload: &[u8]) -> Result<()> {
        self.append(payload)?;
        self.flush()
    }

    fn append_batch_durable(&mut self, payloads: &[&[u8]]) -> Result<()> {
        let mut batch = MessageBuf::default();
        for payload in payloads {
            batch.push(payload).map_err(|error| format!("{error:?}"))?;
        }
        self.shared.lock()?.append(&mut batch)?;
        self.flush()
    }

    fn append(&mut self, payload: &[u8]) -> Result<()> {
        self.shared.lock()?.append_msg(payload)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.shared.lock()?.flush()?;
        for file in &self.files {
            file.sync_data()?;
        }
        Ok(())
    }
}

struct At<'a>(&'a Shared);

impl Picker for At<'_> {
    fn pick(&mut self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.0.first_at(position, visit)
    }
}
