//! Events on their way to the log: a [`Batch`] that stays whole, and a [`Group`] that one write takes.

use crate::error::{Error, Result};
use crate::format::batch::{self, BatchHeader, Kind, Origin};
use crate::format::checksum::checksum;
use crate::format::record::{self, TableEntry};
use crate::format::{MAX_BATCH, MAX_EVENTS, aligned};
use crate::position::{Position, Timestamp};

/// Most events that share a batch without having been appended together.
const SINGLES: u32 = 32;
/// Most payload bytes of a batch of such events, unless one event alone has more.
const SINGLES_BYTES: usize = 8 << 10;
/// Most bytes that padding may add to a batch.
pub(crate) const MOST_PADDING: u32 = 64 << 10;
/// Most bytes of a batch that is appended: padded it is still one that can be read.
const LARGEST: u32 = MAX_BATCH - MOST_PADDING;
/// Below this average size of payloads, in bytes, one checksum over all of them saves time when reading.
const SMALL_PAYLOAD: u32 = 512;

/// Events that are appended together: after a crash all of them are there, or none.
///
/// ```
/// use evlog_core::Batch;
///
/// let mut batch = Batch::new();
/// batch.push(1_700_000_000_000_000, b"first")?;
/// batch.push(1_700_000_000_000_001, b"second")?;
/// assert_eq!(batch.len(), 2);
/// # Ok::<(), evlog_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Batch {
    payloads: Vec<u8>,
    table: Vec<u8>,
    schema: u32,
    origin: Option<Origin>,
}

impl Batch {
    /// An empty batch whose events have schema 0.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// An empty batch whose events all have this schema: a number of the caller's that comes back with each event.
    pub fn with_schema(schema: u32) -> Batch {
        Batch { schema, ..Batch::default() }
    }

    /// Says who appends this batch, and as its how-manieth.
    pub fn set_origin(&mut self, origin: Option<Origin>) {
        self.origin = origin;
    }

    /// Adds an event: its time in microseconds since the Unix epoch, and its payload, which may be empty.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where the batch would pass 64 MiB less 64 KiB, framing included, or 2^20 events; the batch is
    /// as it was.
    pub fn push(&mut self, timestamp: Timestamp, payload: &[u8]) -> Result<()> {
        check_events(self.len() as u64 + 1)?;
        check_bytes(batch_bytes(self.payloads.len() + payload.len(), self.len() + 1))?;
        add_event(&mut self.payloads, 0, &mut self.table, timestamp, payload, checksum(payload));
        Ok(())
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.table.len() / record::SIZE
    }

    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Bytes of the largest payload; 0 where there is no event.
    pub fn largest_payload(&self) -> usize {
        let mut begin = 0;
        let sizes = self.table.as_chunks().0.iter().map(|entry| {
            let end = TableEntry::decode(entry).end as usize;
            let size = end - begin;
            begin = aligned(end);
            size
        });
        sizes.max().unwrap_or(0)
    }

    /// Bytes of all payloads, each rounded up to a multiple of 8.
    pub fn payload_bytes(&self) -> usize {
        self.payloads.len()
    }

    /// Bytes that the batch takes in memory and on disk, framing included.
    pub fn bytes(&self) -> usize {
        batch_bytes(self.payloads.len(), self.len())
    }

    /// Removes all events and keeps the memory for new ones.
    pub fn clear(&mut self) {
        self.payloads.clear();
        self.table.clear();
    }
}

/// Largest size that a batch of so many payload bytes and events can have.
fn batch_bytes(payload_bytes: usize, events: usize) -> usize {
    batch::SIZE + aligned(payload_bytes) + batch::ORIGIN_SIZE + events * record::SIZE
}

fn check_bytes(size: usize) -> Result<()> {
    let limit = LARGEST as usize;
    if size > limit {
        return Err(Error::TooLarge { what: "a batch (bytes)", size: size as u64, limit: limit as u64 });
    }
    Ok(())
}

fn check_events(size: u64) -> Result<()> {
    let limit = u64::from(MAX_EVENTS);
    if size > limit { Err(Error::TooLarge { what: "a batch (events)", size, limit }) } else { Ok(()) }
}

/// Puts a payload behind `bytes`, padded to the alignment, and its entry behind `table`; the payload area begins
/// at `area`.
fn add_event(
    bytes: &mut Vec<u8>,
    area: usize,
    table: &mut Vec<u8>,
    timestamp: Timestamp,
    payload: &[u8],
    crc: u32,
) {
    bytes.extend_from_slice(payload);
    let end = (bytes.len() - area) as u32;
    bytes.resize(area + aligned(end as usize), 0);
    table.extend_from_slice(&TableEntry { timestamp, end, crc }.encode());
}

/// Batches that are written with one call and synced once. Single events share batches as they come.
///
/// Payloads are copied once, to where they are written from; only the headers are filled in later, when it is
/// known where the group lands.
#[derive(Debug, Default)]
pub struct Group {
    /// Whole batches with room for their headers, and behind them the open batch without its table.
    bytes: Vec<u8>,
    members: Vec<Member>,
    /// Table of the open batch.
    table: Vec<u8>,
    events: u64,
    least: Option<Timestamp>,
    greatest: Option<Timestamp>,
}

/// One batch of a group.
#[derive(Clone, Copy, Debug)]
struct Member {
    /// Where its header goes.
    at: usize,
    payload_bytes: u32,
    count: u32,
    schema: u32,
    has_origin: bool,
    /// Whether the next single event may join it.
    is_open: bool,
}

impl Group {
    /// An empty group.
    pub fn new() -> Group {
        Group::default()
    }

    /// Adds one event with the checksum of its payload, which the caller may have taken beforehand.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where the payload does not fit into a batch; the group is as it was.
    pub fn push(&mut self, timestamp: Timestamp, schema: u32, payload: &[u8], crc: u32) -> Result<()> {
        check_bytes(batch_bytes(payload.len(), 1))?;
        let joins = self.members.last().is_some_and(|member| {
            let bytes = self.bytes.len() - member.at - batch::SIZE + payload.len();
            member.is_open && member.schema == schema && member.count < SINGLES && bytes <= SINGLES_BYTES
        });
        if !joins {
            self.close_batch();
            self.open_batch(schema, false);
        }
        if let Some(member) = self.members.last_mut() {
            let area = member.at + batch::SIZE;
            add_event(&mut self.bytes, area, &mut self.table, timestamp, payload, crc);
            member.payload_bytes = (self.bytes.len() - area) as u32;
            member.count += 1;
        }
        self.count_in(1, timestamp, timestamp);
        Ok(())
    }

    /// Adds a batch that stays whole. An empty one changes nothing.
    pub fn push_batch(&mut self, batch: &Batch) {
        if batch.is_empty() {
            return;
        }
        self.close_batch();
        self.open_batch(batch.schema, batch.origin.is_some());
        if let Some(member) = self.members.last_mut() {
            member.payload_bytes = batch.payloads.len() as u32;
            member.count = batch.len() as u32;
            member.is_open = false;
        }
        self.bytes.extend_from_slice(&batch.payloads);
        if let Some(origin) = batch.origin {
            self.bytes.extend_from_slice(&origin.encode());
        }
        self.bytes.extend_from_slice(&batch.table);
        for entry in batch.table.as_chunks().0.iter().map(TableEntry::decode) {
            self.count_in(1, entry.timestamp, entry.timestamp);
        }
    }

    fn count_in(&mut self, events: u64, least: Timestamp, greatest: Timestamp) {
        self.events += events;
        self.least = Some(self.least.map_or(least, |known| known.min(least)));
        self.greatest = self.greatest.max(Some(greatest));
    }

    fn open_batch(&mut self, schema: u32, has_origin: bool) {
        let at = self.bytes.len();
        self.bytes.resize(at + batch::SIZE, 0);
        self.members.push(Member { at, payload_bytes: 0, count: 0, schema, has_origin, is_open: true });
    }

    /// Puts the table of the open batch behind its payloads.
    fn close_batch(&mut self) {
        if let Some(member) = self.members.last_mut() {
            member.is_open = false;
        }
        self.bytes.append(&mut self.table);
    }

    /// How many events there are.
    pub fn len(&self) -> u64 {
        self.events
    }

    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// How many batches the events stand in.
    pub fn batches(&self) -> u64 {
        self.members.len() as u64
    }

    /// Bytes that the group takes in memory and on disk, framing included.
    pub fn bytes(&self) -> usize {
        self.bytes.len() + self.table.len()
    }

    /// Removes all events and keeps the memory for new ones.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.members.clear();
        self.table.clear();
        self.events = 0;
        self.least = None;
        self.greatest = None;
    }

    /// The earliest and the latest timestamp, if there is an event.
    pub(crate) fn times(&self) -> Option<(Timestamp, Timestamp)> {
        self.least.zip(self.greatest)
    }

    /// Fills in the headers for the place where the group is going to be written and returns all its bytes.
    pub(crate) fn place_at(&mut self, place: &Landing) -> &[u8] {
        self.close_batch();
        let total = self.bytes.len();
        let pad = place.pad_to.map_or(0, |to| {
            (place.offset as usize + total).next_multiple_of(to as usize) - place.offset as usize - total
        });
        self.bytes.resize(total + pad, 0);
        let mut base = place.base;
        for number in 0..self.members.len() {
            let member = self.members[number];
            let end = self.members.get(number + 1).map_or(total + pad, |next| next.at);
            let header = member.header(&self.bytes[member.at..end], base, place);
            self.bytes[member.at..member.at + batch::SIZE].copy_from_slice(&header.encode());
            base += u64::from(member.count);
        }
        &self.bytes
    }

    /// Where each batch starts, from the beginning of the group, and how many events it has.
    pub(crate) fn starts(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        self.members.iter().map(|member| (member.at, member.count))
    }
}

/// Where a group is going to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Landing {
    pub(crate) salt: u64,
    pub(crate) base: Position,
    pub(crate) offset: u32,
    pub(crate) synced: u32,
    /// The end of the group is padded to a multiple of this.
    pub(crate) pad_to: Option<u32>,
}

impl Member {
    fn header(&self, bytes: &[u8], base: Position, place: &Landing) -> BatchHeader {
        let mut header = BatchHeader {
            salt: place.salt,
            base,
            offset: place.offset + self.at as u32,
            synced: place.synced,
            length: bytes.len() as u32,
            payload_bytes: self.payload_bytes,
            count: self.count,
            table_crc: 0,
            payload_crc: None,
            schema: self.schema,
            kind: Kind::Events,
            has_origin: self.has_origin,
        };
        header.table_crc = checksum(&bytes[header.table_range()]);
        if self.payload_bytes / self.count.max(1) < SMALL_PAYLOAD {
            header.payload_crc = Some(checksum(&bytes[header.payload_range()]));
        }
        header
    }
}
