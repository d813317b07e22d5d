//! okaywal: never checkpointed, so that it keeps everything; it reads all of it when it opens.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use evlog_benches::outcome::Result;
use evlog_benches::subject::{Candidate, Picker, Plan, Subject, Workload, Writer};
use okaywal::{
    Configuration, Entry, EntryId, EntryWriter, LogManager, LogPosition, ReadChunkResult, SegmentReader,
    WriteAheadLog,
};

/// Preallocated for everything that comes, as its documentation advises.
pub const PEER: Candidate = Candidate {
    name: "okaywal",
    package: Some("okaywal"),
    setting: "preallocated for all, never checkpointed; an entry an append, for W4 one for all; CRC-32C",
    workloads: &[Workload::W1, Workload::W2, Workload::W3, Workload::W4, Workload::R2, Workload::R3],
    open: |folder, plan| Ok(Box::new(Okay::open(folder, plan)?)),
};

/// Bytes of framing for each event, more than there are.
const FRAMING: u64 = 48;

struct Okay {
    log: WriteAheadLog,
    found: Arc<Mutex<Found>>,
}

/// What the log held when it was opened.
#[derive(Debug, Default)]
struct Found {
    payloads: Vec<Vec<u8>>,
    places: Vec<LogPosition>,
}

/// What becomes of what is found.
#[derive(Debug)]
struct Recovering {
    found: Arc<Mutex<Found>>,
    kept: Kept,
}

#[derive(Clone, Copy, Debug)]
enum Kept {
    Payloads,
    Places,
    Nothing,
}

impl LogManager for Recovering {
    /// Keeps what an entry holds once its end was read: one that was not committed may be torn anywhere.
    fn recover(&mut self, entry: &mut Entry<'_>) -> io::Result<()> {
        let mut read = Found::default();
        loop {
            let mut chunk = match entry.read_chunk()? {
                ReadChunkResult::Chunk(chunk) => chunk,
                ReadChunkResult::EndOfEntry => break,
                ReadChunkResult::AbortedEntry => return Ok(()),
            };
            let place = chunk.log_position();
            let payload = chunk.read_all()?;
            if !chunk.check_crc()? {
                return Ok(());
            }
            match self.kept {
                Kept::Payloads => read.payloads.push(payload),
                Kept::Places => read.places.push(place),
                Kept::Nothing => {}
            }
        }
        let mut found = self.found.lock().map_err(|_| io::Error::other("another thread panicked"))?;
        found.payloads.append(&mut read.payloads);
        found.places.append(&mut read.places);
        Ok(())
    }

    fn checkpoint_to(&mut self, _: EntryId, _: &mut SegmentReader, _: &WriteAheadLog) -> io::Result<()> {
        Err(io::Error::other("a checkpoint would lose events"))
    }
}

impl Okay {
    fn open(folder: &Path, plan: &Plan) -> Result<Okay> {
        let found = Arc::new(Mutex::new(Found::default()));
        let kept = match plan.workload {
            Workload::R2 => Kept::Places,
            Workload::R3 => Kept::Nothing,
            _ => Kept::Payloads,
        };
        let bytes = plan.payload_bytes() + (plan.count + 1) * FRAMING + (4 << 20);
        let configuration = Configuration::default_for(folder.join("log"))
            .preallocate_bytes(u32::try_from(bytes)?)
            .checkpoint_after_bytes(u64::MAX);
        let log = configuration.open(Recovering { found: Arc::clone(&found), kept })?;
        Ok(Okay { log, found })
    }
}

impl Subject for Okay {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(OkayWriter { log: &self.log, open: None }))
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let found = self.found.lock().map_err(|_| "another thread panicked")?;
        found.payloads.iter().for_each(|payload| visit(payload));
        Ok(())
    }

    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        let places = self.found.lock().map_err(|_| "another thread panicked")?.places.clone();
        Ok(Box::new(At { log: &self.log, places }))
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.log.shutdown()?)
    }
}

struct OkayWriter<'a> {
    log: &'a WriteAheadLog,
    open: Option<EntryWriter<'a>>,
}

impl Writer for OkayWriter<'_> {
    fn append_durable(&mut self, payload: &[u8]) -> Result<()> {
        self.append_batch_durable(&[payload])
    }

    fn append_batch_durable(&mut self, payloads: &[&[u8]]) -> Result<()> {
        let mut entry = self.log.begin_entry()?;
        for payload in payloads {
            entry.write_chunk(payload)?;
        }
        entry.commit()?;
        Ok(())
    }

    fn append(&mut self, payload: &[u8]) -> Result<()> {
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(self.log.begin_entry()?),
        };
        open.write_chunk(payload)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if let Some(open) = self.open.take() {
            open.commit()?;
        }
        Ok(())
    }
}

struct At<'a> {
    log: &'a WriteAheadLog,
    places: Vec<LogPosition>,
}

impl Picker for At<'_> {
    fn pick(&mut self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut payload = Vec::new();
        let mut chunk = self.log.read_at(self.places[position as usize])?;
        io::Read::read_to_end(&mut chunk, &mut payload)?;
        if !chunk.crc_is_valid()? {
            return Err("a checksum is wrong".into());
        }
        visit(&payload);
        Ok(())
    }
}
