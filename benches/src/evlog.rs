//! evlog itself, as a program uses it.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use evlog_store::retention::Retention;
use evlog_store::{Batch, Options, Place, Reader, Store, Timestamp, Topic};

use crate::outcome::Result;
use crate::subject::{Candidate, Picker, Subject, Topics, Workload, Writer};

/// evlog with its defaults.
pub(crate) const EVLOG: Candidate = Candidate {
    name: "evlog",
    package: None,
    setting: "the defaults; a wait waits for fdatasync",
    workloads: &[
        Workload::W1,
        Workload::W2,
        Workload::W3,
        Workload::W4,
        Workload::R1,
        Workload::R2,
        Workload::R3,
        Workload::R4,
        Workload::R5,
        Workload::Load,
    ],
    open: |folder, _| Ok(Box::new(Evlog::open(folder, &Options::new())?)),
};

/// evlog where segments are rolled and trimmed all the time.
pub(crate) const ROLLING: Candidate = Candidate {
    name: "evlog-rolling",
    package: None,
    setting: "wraps 4 segments of 1 MiB, so that it rolls and trims all the time",
    workloads: &[Workload::Load],
    open: |folder, _| {
        let mut options = Options::new();
        options.retention(Retention::wrap(4, 1 << 20));
        Ok(Box::new(Evlog::open(folder, &options)?))
    },
};

struct Evlog {
    store: Store,
    topic: Topic,
}

impl Evlog {
    fn open(folder: &Path, options: &Options) -> Result<Evlog> {
        let store = Store::open(folder, options)?;
        let topic = store.topic("measured")?;
        Ok(Evlog { store, topic })
    }
}

impl Subject for Evlog {
    fn writer(&self) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(TopicWriter { topic: &self.topic, batch: Batch::new() }))
    }

    fn topics(&self, count: usize) -> Result<Box<dyn Topics + '_>> {
        let topics: evlog_store::Result<Vec<Topic>> =
            (0..count).map(|number| self.store.topic(&format!("topic-{number}"))).collect();
        Ok(Box::new(ManyTopics { store: &self.store, topics: topics? }))
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut reader = self.topic.read(Place::Oldest)?;
        while let Some(event) = reader.next()? {
            visit(event.payload);
        }
        Ok(())
    }

    fn picker(&self) -> Result<Box<dyn Picker + '_>> {
        Ok(Box::new(Seeking(self.topic.read(Place::Oldest)?)))
    }

    fn newest(&self, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        visit(&self.topic.latest()?.ok_or("the topic is empty")?.payload);
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.store.close()?)
    }
}

struct TopicWriter<'a> {
    topic: &'a Topic,
    batch: Batch,
}

impl Writer for TopicWriter<'_> {
    fn append_durable(&mut self, payload: &[u8]) -> Result<()> {
        self.topic.append(payload)?.wait()?;
        Ok(())
    }

    fn append_batch_durable(&mut self, payloads: &[&[u8]]) -> Result<()> {
        self.batch.clear();
        let now = now();
        for payload in payloads {
            self.batch.push(now, payload)?;
        }
        self.topic.append_batch(&self.batch)?.wait()?;
        Ok(())
    }

    fn append(&mut self, payload: &[u8]) -> Result<()> {
        // Nobody waits for it alone: the flush tells of failures.
        let _ = self.topic.append(payload)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.topic.flush()?;
        Ok(())
    }
}

struct ManyTopics<'a> {
    store: &'a Store,
    topics: Vec<Topic>,
}

impl Topics for ManyTopics<'_> {
    fn append(&mut self, topic: usize, payload: &[u8]) -> Result<()> {
        let _ = self.topics[topic].append(payload)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(self.store.flush()?)
    }

    fn count(&mut self) -> Result<u64> {
        let mut events = 0;
        for topic in &self.topics {
            let mut reader = topic.read(Place::Oldest)?;
            while reader.advance()? {
                events += 1;
            }
        }
        Ok(events)
    }
}

struct Seeking(Reader);

impl Picker for Seeking {
    fn pick(&mut self, position: u64, visit: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.0.seek(position);
        visit(self.0.next()?.ok_or("there is no such event")?.payload);
        Ok(())
    }
}

/// Microseconds since the Unix epoch.
pub(crate) fn now() -> Timestamp {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |span| span.as_micros() as Timestamp)
}
