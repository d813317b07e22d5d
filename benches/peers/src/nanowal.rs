//! nano-wal: one segment; where events stand its writer must remember, so here they are all of one size.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use evlog_benches::outcome::Result;
use evlog_benches::subject::{Candidate, Picker, Plan, Subject, Workload, Writer};
use nano_wal::{ReadDescriptor, Wal, WalOptions, WriteEntry, read_batch};

/// It has no checksum: a torn or rotten record is read as it is.
pub const PEER: Candidate = Candidate {
    name: "nano-wal",
    package: Some("nano-wal"),
    setting: "durable for every wait; NO CHECKSUM; places of events computed by the reader",
    workloads: &[
        Workload::W1,
        Workload::W2,
        Workload::W3,
        Workload::W4,
        Workload::R1,
        Workload::R2,
        Workload::R3,
        Workload::R4,
    ],
    open: |folder, plan| Ok(Box::new(Nano::open(folder, plan)?)),
};

/// Bytes before the first record, and around each.
const FRAMING: u64 = 16;
/// Records that are read together.
const LOT: u64 = 1000;
/// Ten years: one segment holds everything, and nothing expires.
const LONG: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

struct Nano {
    log: Wal,
    folder: PathBuf,
    size: u64,
    file: OnceLock<(Arc<OwnedFd>, u64)>,
}

impl Nano {
    fn open(folder: &Path, plan: &Plan) -> Result<Nano> {
        let log = Wal::new(folder, "events", WalOptions { retention: LONG, segment_duration: LONG })?;
        Ok(Nano { log, folder: folder.to_owned(), size: plan.size as u64, file: OnceLock::new() })
    }

    /// The one file, and how many events it holds.
    fn file(&self) -> Result<&(Arc<OwnedFd>, u64)> {
        if self.file.get().is_none() {
            let found = fs::read_dir(&self.folder)?.next().ok_or("there is no segment")??;
            let events = (found.metadata()?.len() - FRAMING) / (FRAMING + self.size);
            let _ = self.file.set((Arc::new(File::open(found.path())?.into()), events));
        }
        Ok(self.file.get().ok_or("the file was opened and is not there")?)
    }

    fn place(&self, file: &Arc<OwnedFd>, position: u64) -> ReadDescriptor {
        let bytes = FRAMING + self.size;
        ReadDescriptor {
            read_fd: Arc::clone(file),
            file_offset: FRAMING + position * bytes,
            byte_size: bytes as usize,
        }
    }
}

impl Subject for Nano {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
        Ok(Box::new(NanoWriter { log: &self.log, now }))
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let (file, events) = self.file()?;
        for first in (0..*events).step_by(LOT as usize) {
            let lot: Vec<_> =
                (first..(first + LOT).min(*events)).map(|position| self.place(file, position)).collect();
            for record in read_batch(&lot)? {
                visit(&record.content);
            }
        }
        Ok(())
    }

    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        self.file()?;
        Ok(Box::new(At(self)))
    }

    fn newest(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        At(self).pick(self.file()?.1 - 1, visit)
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.log.shutdown()?)
    }
}

struct NanoWriter<'a> {
    log: &'a Wal,
    now: i64,
}

impl Writer for NanoWriter<'_> {
    fn append_durable(&mut self, payload: &[u8]) -> Result<()> {
        self.log.append(None, payload, self.now, true)?;
        Ok(())
    }

    fn append_batch_durable(&mut self, payloads: &[&[u8]]) -> Result<()> {
        let entries: Vec<_> = payloads.iter().map(|&content| WriteEntry { header: None, content }).collect();
        self.log.append_batch(&entries, self.now, true)?;
        Ok(())
    }

    fn append(&mut self, payload: &[u8]) -> Result<()> {
        self.log.append(None, payload, self.now, false)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(self.log.sync()?)
    }
}

struct At<'a>(&'a Nano);

impl Picker for At<'_> {
    fn pick(&mut self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let (file, _) = self.0.file()?;
        for record in read_batch(&[self.0.place(file, position)])? {
            visit(&record.content);
        }
        Ok(())
    }
}
