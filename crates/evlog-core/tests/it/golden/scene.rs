//! Makes golden logs: the log itself writes them, on a machine whose clock and chance are known; then something may
//! happen to the bytes.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use evlog_core::format::batch::{BatchHeader, Kind};
use evlog_core::{Batch, Log, Options, Position, SegmentName, Timestamp, checksum};
use evlog_sim::SimDisk;

use super::lines::{self, Outcome};

/// One log and what is read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Golden {
    pub(super) name: &'static str,
    /// What can be seen in it.
    pub(super) about: String,
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) read: Outcome,
    /// Why it cannot be written to, if it cannot.
    pub(super) refusal: Option<String>,
}

impl Golden {
    /// Writes its files into a new folder.
    pub(super) fn lay(&self, path: &Path) {
        std::fs::create_dir(path).unwrap();
        for (name, bytes) in &self.files {
            std::fs::write(path.join(name), bytes).unwrap();
        }
    }

    /// Checks that nobody has changed a byte. Who locks a log may leave a lock file behind.
    pub(super) fn assert_untouched(&self, path: &Path) {
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir(path).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            found.insert(name, std::fs::read(entry.path()).unwrap());
        }
        assert_eq!(found.remove("lock").unwrap_or_default(), Vec::<u8>::new());
        assert!(found == self.files, "{} was changed", self.name);
    }
}

/// A log in the making.
pub(super) struct Scene {
    disk: SimDisk,
    options: Options,
    log: Option<Log>,
    events: Vec<(Timestamp, Vec<u8>)>,
    /// The files as they are changed from outside, once the log is let go.
    files: BTreeMap<String, Vec<u8>>,
}

/// When the logs were written: 2023-11-14 22:13:20 UTC, in microseconds.
const NOW: Timestamp = 1_700_000_000_000_000;

impl Scene {
    /// A new log. The seed decides incarnation and salts.
    pub(super) fn new(seed: u64) -> Scene {
        Scene::with(seed, &Options::new())
    }

    pub(super) fn with(seed: u64, options: &Options) -> Scene {
        let disk = SimDisk::new(seed);
        disk.set_clock(NOW, 0);
        let mut scene =
            Scene { disk, options: options.clone(), log: None, events: Vec::new(), files: BTreeMap::new() };
        scene.open();
        scene
    }

    pub(super) fn open(&mut self) -> &mut Scene {
        self.log = Some(self.options.open_on(Arc::new(self.disk.clone()), "/log").unwrap());
        self
    }

    pub(super) fn log(&mut self) -> &mut Log {
        self.log.as_mut().unwrap()
    }

    /// Appends these payloads as one batch, without syncing it. Timestamps count up with the positions.
    pub(super) fn write(&mut self, payloads: &[&[u8]]) -> &mut Scene {
        self.write_as(&mut Batch::new(), payloads)
    }

    pub(super) fn write_as(&mut self, batch: &mut Batch, payloads: &[&[u8]]) -> &mut Scene {
        for &payload in payloads {
            let time = NOW + self.events.len() as Timestamp;
            batch.push(time, payload).unwrap();
            self.events.push((time, payload.to_vec()));
        }
        self.log().append(batch).unwrap();
        self
    }

    /// Appends these payloads as one batch and syncs it.
    pub(super) fn append(&mut self, payloads: &[&[u8]]) -> &mut Scene {
        self.write(payloads).sync()
    }

    pub(super) fn sync(&mut self) -> &mut Scene {
        self.log().sync().unwrap();
        self
    }

    pub(super) fn mark(&mut self) -> &mut Scene {
        self.log().mark().unwrap();
        self
    }

    pub(super) fn roll(&mut self) -> &mut Scene {
        self.log().roll().unwrap();
        self
    }

    /// Ends the log in order.
    pub(super) fn close(&mut self) -> &mut Scene {
        self.log.take().unwrap().close().unwrap();
        self.look()
    }

    /// Ends the log as a killed process does.
    pub(super) fn kill(&mut self) -> &mut Scene {
        self.disk.kill();
        self.log = None;
        self.disk = self.disk.copy(1);
        self.disk.set_clock(NOW, 0);
        self.look()
    }

    /// Takes the files as the log has left them.
    fn look(&mut self) -> &mut Scene {
        let paths = self.disk.paths();
        let names = paths.iter().filter_map(|path| path.strip_prefix("log/"));
        let segments = names.filter(|name| SegmentName::parse(name).is_some());
        let bytes = |name: &str| (name.to_owned(), self.disk.bytes(&format!("log/{name}")).unwrap());
        self.files = segments.map(bytes).collect();
        self
    }

    /// Puts the changed files back, so that the log can be opened again.
    pub(super) fn put_back(&mut self) -> &mut Scene {
        for (name, bytes) in &self.files {
            self.disk.put(&format!("log/{name}"), bytes.clone()).unwrap();
        }
        self
    }

    /// The last events of what was appended do not count.
    pub(super) fn forget(&mut self, count: usize) -> &mut Scene {
        self.events.truncate(self.events.len() - count);
        self
    }

    /// The name of segment `ordinal`.
    pub(super) fn name(&self, ordinal: u64) -> String {
        let end = format!("-{ordinal:010}.seg");
        self.files.keys().find(|name| name.ends_with(&end)).unwrap().clone()
    }

    /// The bytes of segment `ordinal`, to be changed.
    pub(super) fn bytes(&mut self, ordinal: u64) -> &mut Vec<u8> {
        let name = self.name(ordinal);
        self.files.get_mut(&name).unwrap()
    }

    /// Turns a bit.
    pub(super) fn flip(&mut self, ordinal: u64, offset: usize) -> &mut Scene {
        self.bytes(ordinal)[offset] ^= 1;
        self
    }

    pub(super) fn zero(&mut self, ordinal: u64, range: Range<usize>) -> &mut Scene {
        self.bytes(ordinal)[range].fill(0);
        self
    }

    pub(super) fn cut(&mut self, ordinal: u64, length: usize) -> &mut Scene {
        assert!(length < self.bytes(ordinal).len());
        self.bytes(ordinal).truncate(length);
        self
    }

    pub(super) fn remove(&mut self, ordinal: u64) -> &mut Scene {
        let name = self.name(ordinal);
        self.files.remove(&name);
        self
    }

    pub(super) fn put(&mut self, name: &str, bytes: Vec<u8>) -> &mut Scene {
        self.files.insert(name.to_owned(), bytes);
        self
    }

    /// Ruins both copies of a segment's header.
    pub(super) fn ruin_header(&mut self, ordinal: u64) -> &mut Scene {
        self.zero(ordinal, 0..128).zero(ordinal, 2048..2176)
    }

    /// Where the batches of a segment start, as far as they are sound.
    pub(super) fn batches(&mut self, ordinal: u64) -> Vec<BatchHeader> {
        let bytes = self.bytes(ordinal);
        let mut found = Vec::new();
        let mut at = 4096;
        while let Some(header) = sound(bytes, at) {
            found.push(header);
            at = header.end_offset();
        }
        found
    }

    /// Puts a batch of this kind without events behind everything that is synced.
    pub(super) fn put_batch(&mut self, ordinal: u64, kind: u8, area: &[u8]) -> &mut Scene {
        let base = self.events.len() as Position;
        let bytes = self.bytes(ordinal);
        let offset = bytes.len() as u32;
        let header = BatchHeader {
            salt: u64::from_le_bytes(*bytes[40..].first_chunk().unwrap()),
            base,
            offset,
            synced: offset,
            length: 64 + area.len() as u32,
            payload_bytes: area.len() as u32,
            count: 0,
            table_crc: 0,
            payload_crc: Some(checksum(area)),
            schema: 0,
            kind: Kind::Other(kind),
            has_origin: false,
        };
        bytes.extend_from_slice(&header.encode());
        bytes.extend_from_slice(area);
        self
    }

    /// The golden log, of which all is read but these positions.
    pub(super) fn golden(&self, name: &'static str, about: &str, gaps: &[(Range<Position>, &str)]) -> Golden {
        self.golden_to(self.events.len() as Position, name, about, gaps)
    }

    /// The golden log, of which all before `end` is read but these positions.
    pub(super) fn golden_to(
        &self,
        end: Position,
        name: &'static str,
        about: &str,
        gaps: &[(Range<Position>, &str)],
    ) -> Golden {
        let mut read = Vec::new();
        let mut gaps = gaps.iter().peekable();
        let mut position = 0;
        while position < end {
            if let Some((range, reason)) = gaps.next_if(|(range, _)| range.start == position) {
                read.push(lines::gap(range, reason));
                position = range.end;
            } else {
                let (time, payload) = &self.events[position as usize];
                read.push(lines::event(position, *time, payload));
                position += 1;
            }
        }
        assert!(position == end && gaps.peek().is_none());
        let read = Outcome::Read(read);
        Golden { name, about: about.to_owned(), files: self.files.clone(), read, refusal: None }
    }

    /// The golden log that nobody may read.
    pub(super) fn refused(&self, name: &'static str, about: &str, why: &str) -> Golden {
        let refusal = Some(why.to_owned());
        Golden { name, about: about.to_owned(), files: self.files.clone(), read: Outcome::Refused, refusal }
    }
}

impl Golden {
    /// The same log, to which nobody may write.
    pub(super) fn but_not_written(mut self, why: &str) -> Golden {
        self.refusal = Some(why.to_owned());
        self
    }

    /// The same log, which starts behind the first `count` lines.
    pub(super) fn from(mut self, count: usize) -> Golden {
        if let Outcome::Read(lines) = &mut self.read {
            lines.drain(..count);
        }
        self
    }
}

/// The sound header at an offset of a segment, by the salt that itself tells.
pub(super) fn sound(bytes: &[u8], at: u32) -> Option<BatchHeader> {
    let found = bytes.get(at as usize..)?.first_chunk::<64>()?;
    let salt = u64::from_le_bytes(*found[8..].first_chunk()?);
    BatchHeader::decode(found, salt, at, u32::try_from(bytes.len()).unwrap()).ok()
}
