//! Builds a small log from a list of deeds, and knows what must be in it.

use std::ops::Range;
use std::sync::Arc;

use arbitrary::Arbitrary;
use evlog_core::format::batch::{self, BatchHeader, Kind};
use evlog_core::format::header::SegmentHeader;
use evlog_core::format::record::TableEntry;
use evlog_core::{Batch, Group, Log, Options, OwnedEvent, Position, Timestamp, checksum};

use super::folder::{FOLDER, PATH};
use super::input::list;
use super::view::View;
use crate::anatomy::segments;
use crate::{Crash, SimDisk};

/// When the first event happens; all others are counted from here.
const EPOCH: Timestamp = 1_700_000_000_000_000;

/// What is done to a log.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) struct History {
    shape: Shape,
    #[arbitrary(with = list::<_, 20>)]
    steps: Vec<Step>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Segments of 8 KiB.
    Small,
    /// Segments of 8 KiB, groups padded to 512 bytes.
    Padded,
    /// Segments of 64 KiB: room for zeros ahead.
    Large,
}

#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Step {
    /// Events that stay together.
    Append(#[arbitrary(with = list::<_, 4>)] Vec<Draft>),
    /// Events by themselves, in one write.
    Group(#[arbitrary(with = list::<_, 8>)] Vec<Draft>),
    Sync,
    Mark,
    Roll,
    /// In order.
    Reopen,
    /// After the process was killed.
    Kill,
    /// After the power failed.
    PowerLoss(u16),
    Trim(u8),
}

/// An event to be.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) time: i8,
    pub(crate) content: Content,
}

#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Content {
    Short(u8),
    Long(u16),
    /// The bytes of a batch that the log holds, so many bytes into the payload.
    OwnBatch(u8, u8),
    /// Magic words of batches.
    Magic(u8),
    /// A batch with this salt's checksum for the place where the payload is going to stand, but of another segment.
    ForeignBatch(u64),
    /// The same with the segment's own salt, as only somebody who reads the log's files can make it.
    #[arbitrary(skip)]
    PerfectBatch,
}

/// A log and what it must hold.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) disk: SimDisk,
    /// By position, from 0 on.
    pub(crate) events: Vec<OwnedEvent>,
    pub(crate) start: Position,
    /// Everything before this position was synced.
    pub(crate) synced: Position,
    log: Option<Log>,
    options: Options,
}

impl History {
    /// Does all of it, ends it without closing the log, and checks that the healthy log shows what was written.
    pub(crate) fn write(&self) -> Written {
        let mut written = Written::new(self.shape);
        for step in &self.steps {
            written.take(step);
        }
        written.stop();
        written.check();
        written
    }
}

impl Written {
    pub(crate) fn new(shape: Shape) -> Written {
        let disk = SimDisk::new(1);
        let mut options = Options::new();
        match shape {
            Shape::Small => options.segment_bytes(8 << 10),
            Shape::Padded => options.segment_bytes(8 << 10).pad_group_to(Some(512)),
            Shape::Large => options.segment_bytes(64 << 10),
        };
        let log = Some(options.open_on(Arc::new(disk.clone()), PATH).expect("a new log"));
        Written { disk, events: Vec::new(), start: 0, synced: 0, log, options }
    }

    fn log(&mut self) -> &mut Log {
        self.log.as_mut().expect("open but while a step is taken")
    }

    pub(crate) fn take(&mut self, step: &Step) {
        match step {
            Step::Append(drafts) => self.append(drafts),
            Step::Group(drafts) => self.append_group(drafts),
            Step::Sync => self.sync(),
            Step::Mark => self.log().mark().unwrap(),
            Step::Roll => {
                self.log().roll().unwrap();
                self.note_synced();
            }
            Step::Reopen => {
                self.note_synced();
                self.log.take().map(Log::close).transpose().unwrap();
                self.open();
            }
            Step::Kill => {
                self.stop();
                self.open();
            }
            Step::PowerLoss(seed) => self.lose_power(u64::from(*seed)),
            Step::Trim(back) => {
                let position = self.events.len() as Position;
                let before = position.saturating_sub(u64::from(*back));
                self.start = self.log().trim_before(before).unwrap();
            }
        }
    }

    pub(crate) fn append(&mut self, drafts: &[Draft]) {
        let mut batch = Batch::with_schema(drafts.len() as u32);
        for draft in drafts {
            let event = self.event(draft, drafts.len() as u32);
            batch.push(event.timestamp, &event.payload).unwrap();
            self.events.push(event);
        }
        let positions = self.log().append(&batch).unwrap();
        self.check_positions(&positions);
    }

    fn append_group(&mut self, drafts: &[Draft]) {
        let mut group = Group::new();
        for draft in drafts {
            let event = self.event(draft, 0);
            group.push(event.timestamp, 0, &event.payload, checksum(&event.payload)).unwrap();
            self.events.push(event);
        }
        let positions = self.log().append_group(&mut group).unwrap();
        self.check_positions(&positions);
    }

    fn check_positions(&self, positions: &Range<Position>) {
        assert_eq!(positions.end, self.events.len() as Position, "an append has got other positions");
    }

    pub(crate) fn sync(&mut self) {
        self.log().sync().unwrap();
        self.note_synced();
    }

    fn note_synced(&mut self) {
        self.synced = self.events.len() as Position;
    }

    /// Kills the process that writes.
    pub(crate) fn stop(&mut self) {
        self.disk.kill();
        self.log = None;
        self.disk = self.disk.spawn();
    }

    fn lose_power(&mut self, seed: u64) {
        let crashed = self.disk.crash(Crash::Adversarial(seed));
        self.stop();
        self.disk = crashed;
        self.open();
        let end = self.log().range().end;
        let possible = self.synced..=self.events.len() as Position;
        assert!(possible.contains(&end), "after a power loss the log ends with {end}, not in {possible:?}");
        self.events.truncate(end as usize);
    }

    fn open(&mut self) {
        let storage = Arc::new(self.disk.clone());
        self.log = Some(self.options.open_on(storage, PATH).expect("a log that was not damaged opens"));
        self.note_synced();
        if let Some(log) = &self.log {
            // An open makes durable what it shows.
            self.synced = log.range().end;
        }
    }

    /// The log, which nobody damaged yet, shows what was written and nothing else.
    pub(crate) fn check(&self) {
        let log = super::exercise::look(&self.disk).expect("a healthy log opens");
        let view = View::of(&log);
        assert_eq!(view.gaps, [], "a healthy log has gaps");
        assert_eq!(view.range, self.start..self.events.len() as Position, "a healthy log has another range");
        assert!(view.events.values().eq(&self.events[self.start as usize..]), "other events than written");
        view.check_honest(&log);
    }

    fn event(&self, draft: &Draft, schema: u32) -> OwnedEvent {
        let position = self.events.len() as Position;
        let timestamp = EPOCH + position as Timestamp + i64::from(draft.time);
        OwnedEvent { position, timestamp, schema, payload: self.payload(&draft.content) }
    }

    fn payload(&self, content: &Content) -> Vec<u8> {
        // Bytes that tell where they belong.
        let filling = |length: usize| {
            let first = self.events.len() * 31;
            (first..first + length).map(|byte| byte as u8).collect::<Vec<u8>>()
        };
        match *content {
            Content::Short(length) => filling(usize::from(length)),
            Content::Long(length) => filling(usize::from(length) % 10_000),
            Content::OwnBatch(which, shift) => {
                let mut payload = filling(usize::from(shift));
                payload.extend(self.own_batch(usize::from(which)));
                payload
            }
            Content::Magic(count) => batch::MAGIC.repeat(usize::from(count)),
            Content::ForeignBatch(salt) => self.batch_for_here(salt.max(1)),
            Content::PerfectBatch => self.batch_for_here(0),
        }
    }

    /// The bytes of one of the newest segment's batches.
    fn own_batch(&self, which: usize) -> Vec<u8> {
        let segments = segments(&self.disk);
        let Some(segment) = segments.last().filter(|segment| !segment.batches.is_empty()) else {
            return Vec::new();
        };
        let framed = &segment.batches[which % segment.batches.len()];
        segment.bytes[framed.range()].to_vec()
    }

    /// A batch with an event that was never appended, right in all but its salt, which differs in these bits, if it is
    /// going to stand where the first payload of the next batch begins.
    fn batch_for_here(&self, salt_bits: u64) -> Vec<u8> {
        let segments = segments(&self.disk);
        let last = segments.last().expect("a log has a segment");
        let own = SegmentHeader::decode_page(&last.bytes).unwrap().salt;
        let end = last.end() as u32;
        let offset = end + batch::SIZE as u32;
        let payload = *b"nobody appended this one";
        let entry = TableEntry { timestamp: EPOCH, end: payload.len() as u32, crc: checksum(&payload) };
        let header = BatchHeader {
            salt: own ^ salt_bits,
            base: self.events.len() as Position,
            offset,
            synced: end,
            length: (batch::SIZE + payload.len() + 16) as u32,
            payload_bytes: payload.len() as u32,
            count: 1,
            table_crc: checksum(&entry.encode()),
            payload_crc: None,
            schema: 0,
            kind: Kind::Events,
            has_origin: false,
        };
        [&header.encode()[..], &payload, &entry.encode()].concat()
    }

    /// Replaces the files of the log.
    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>) {
        self.disk.put(&format!("{FOLDER}/{name}"), bytes).unwrap();
    }
}
