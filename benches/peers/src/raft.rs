//! raft-engine: a group for each writer, because the entries of a group must come in order.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use evlog_benches::outcome::Result;
use evlog_benches::subject::{Candidate, Picker, Plan, Subject, Topics, Writer};
use protobuf::descriptor::UninterpretedOption;
use raft_engine::{Config, Engine, LogBatch, MessageExt, ReadableSize};

use crate::positions;

/// As it comes, but for the compression.
pub const PEER: Candidate = Candidate {
    name: "raft-engine",
    package: Some("raft-engine"),
    setting: "write(_, sync = true) for every wait, no compression; a group a thread; CRC-32C",
    workloads: positions::ALL,
    open: |folder, plan| Ok(Box::new(Groups::open(folder, plan, Files::Growing)?)),
};

/// With files that were written before.
pub const PREFILLED: Candidate = Candidate {
    name: "raft-engine-prefilled",
    package: Some("raft-engine"),
    setting: "as raft-engine, with prefill_for_recycle: its files are written before the clock starts",
    workloads: positions::ALL,
    open: |folder, plan| Ok(Box::new(Groups::open(folder, plan, Files::Prefilled)?)),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Files {
    Growing,
    Prefilled,
}

/// An entry: a message that has a number and bytes, of those that come with protobuf.
struct Numbered;

impl MessageExt for Numbered {
    type Entry = UninterpretedOption;

    fn index(entry: &UninterpretedOption) -> u64 {
        entry.get_positive_int_value()
    }
}

/// Entries that are read together.
const LOT: u64 = 1000;
/// The group of a lone writer.
const FIRST: u64 = 1;

struct Groups {
    log: Engine,
    next_group: AtomicU64,
}

impl Groups {
    fn open(folder: &Path, plan: &Plan, files: Files) -> Result<Groups> {
        let is_prefilled = files == Files::Prefilled;
        let config = Config {
            dir: folder.join("log").to_string_lossy().into_owned(),
            batch_compression_threshold: ReadableSize(0),
            prefill_for_recycle: is_prefilled,
            prefill_limit: is_prefilled.then(|| ReadableSize(2 * plan.payload_bytes() + (256 << 20))),
            ..Config::default()
        };
        Ok(Groups { log: Engine::open(config)?, next_group: AtomicU64::new(FIRST) })
    }

    fn scan_group(&self, group: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let (Some(first), Some(last)) = (self.log.first_index(group), self.log.last_index(group)) else {
            return Ok(());
        };
        let mut lot = Vec::new();
        for begin in (first..=last).step_by(LOT as usize) {
            lot.clear();
            let end = (begin + LOT).min(last + 1);
            self.log.fetch_entries_to::<Numbered>(group, begin, end, None, &mut lot)?;
            lot.iter().for_each(|entry| visit(entry.get_string_value()));
        }
        Ok(())
    }

    fn at(&self, index: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let found = self.log.get_entry::<Numbered>(FIRST, index)?;
        visit(found.ok_or("there is no such entry")?.get_string_value());
        Ok(())
    }
}

impl Subject for Groups {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        let group = self.next_group.fetch_add(1, Ordering::Relaxed);
        let next = self.log.last_index(group).map_or(1, |last| last + 1);
        Ok(Box::new(GroupWriter { log: &self.log, group, next, batch: LogBatch::default() }))
    }

    fn topics(&self, count: usize) -> Result<Box<dyn Topics + '_>> {
        let writers = (0..count).map(|group| GroupWriter {
            log: &self.log,
            group: FIRST + group as u64,
            next: 1,
            batch: LogBatch::default(),
        });
        Ok(Box::new(Many { store: self, writers: writers.collect() }))
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut groups = self.log.raft_groups();
        groups.sort_unstable();
        groups.into_iter().try_for_each(|group| self.scan_group(group, visit))
    }

    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        Ok(Box::new(At(self)))
    }

    fn newest(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.at(self.log.last_index(FIRST).ok_or("it is empty")?, visit)
    }
}

struct GroupWriter<'a> {
    log: &'a Engine,
    group: u64,
    next: u64,
    batch: LogBatch,
}

impl GroupWriter<'_> {
    fn write(&mut self, payloads: &[&[u8]], sync: bool) -> Result<()> {
        let entries: Vec<_> = payloads.iter().map(|payload| self.entry(payload)).collect();
        self.batch.add_entries::<Numbered>(self.group, &entries)?;
        self.log.write(&mut self.batch, sync)?;
        Ok(())
    }

    fn entry(&mut self, payload: &[u8]) -> UninterpretedOption {
        let mut entry = UninterpretedOption::new();
        entry.set_positive_int_value(self.next);
        entry.set_string_value(payload.to_vec());
        self.next += 1;
        entry
    }
}

/// Its `sync()` writes nothing and so syncs nothing; a key does.
fn flush(log: &Engine, group: u64) -> Result<()> {
    let mut batch = LogBatch::default();
    batch.put(group, b"flushed".to_vec(), b"yes".to_vec())?;
    log.write(&mut batch, true)?;
    Ok(())
}

impl Writer for GroupWriter<'_> {
    fn append_durable(&mut self, payload: &[u8]) -> Result<()> {
        self.write(&[payload], true)
    }

    fn append_batch_durable(&mut self, payloads: &[&[u8]]) -> Result<()> {
        self.write(payloads, true)
    }

    fn append(&mut self, payload: &[u8]) -> Result<()> {
        self.write(&[payload], false)
    }

    fn flush(&mut self) -> Result<()> {
        flush(self.log, self.group)
    }
}

struct At<'a>(&'a Groups);

impl Picker for At<'_> {
    fn pick(&mut self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.0.at(position + 1, visit)
    }
}

struct Many<'a> {
    store: &'a Groups,
    writers: Vec<GroupWriter<'a>>,
}

impl Topics for Many<'_> {
    fn append(&mut self, topic: usize, payload: &[u8]) -> Result<()> {
        self.writers[topic].write(&[payload], false)
    }

    fn flush(&mut self) -> Result<()> {
        flush(&self.store.log, FIRST)
    }

    fn count(&mut self) -> Result<u64> {
        let mut events = 0;
        self.store.scan(&mut |_| events += 1)?;
        Ok(events)
    }
}
