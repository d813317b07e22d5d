//! A batch: header, payloads, table. What is *sound* is decided here, and nowhere else.

use std::ops::Range;

use super::checksum::checksum;
use super::layout::layout;
use super::record::{self, TableEntry};
use super::{ALIGNMENT, HEADER_PAGE, MAX_BATCH, MAX_EVENTS, aligned};
use crate::position::Position;

/// Bytes of a batch header.
pub const SIZE: usize = 64;
/// The first bytes of every batch.
pub const MAGIC: [u8; 4] = *b"EVB1";
/// Bytes of an origin.
pub const ORIGIN_SIZE: usize = 16;
const FLAG_PAYLOAD_CRC: u8 = 1;
const FLAG_ORIGIN: u8 = 2;

layout! { at, LAYOUT = "batch-header", SIZE;
    MAGIC = "magic" @ 0 + 4;
    HEADER_CRC = "header crc" @ 4 + 4;
    SALT = "salt" @ 8 + 8;
    BASE = "base" @ 16 + 8;
    OFFSET = "offset" @ 24 + 4;
    SYNCED = "synced" @ 28 + 4;
    LENGTH = "length" @ 32 + 4;
    PAYLOAD_BYTES = "payload bytes" @ 36 + 4;
    COUNT = "count" @ 40 + 4;
    TABLE_CRC = "table crc" @ 44 + 4;
    PAYLOAD_CRC = "payload crc" @ 48 + 4;
    SCHEMA = "schema" @ 52 + 4;
    KIND = "kind" @ 56 + 1;
    FLAGS = "flags" @ 57 + 1;
    RESERVED = "reserved" @ 58 + 6;
}

/// What a batch carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Events.
    Events,
    /// Nothing: its `synced` says that all above it is durable.
    Mark,
    /// A [`Tail`](super::tail::Tail); a next segment exists.
    Seal,
    /// A [`Tail`](super::tail::Tail); the writer stopped in order. Later batches may follow.
    Close,
    /// [`IndexEntry`](super::tail::IndexEntry)s, a cache.
    Index,
    /// Something of a later version that may be stepped over.
    Other(u8),
}

impl Kind {
    /// The byte that stands for this kind.
    pub fn code(self) -> u8 {
        match self {
            Kind::Events => 1,
            Kind::Mark => 2,
            Kind::Seal => 3,
            Kind::Close => 4,
            Kind::Index => 5,
            Kind::Other(code) => code,
        }
    }

    fn from_code(code: u8) -> Option<Kind> {
        [Kind::Events, Kind::Mark, Kind::Seal, Kind::Close, Kind::Index]
            .into_iter()
            .find(|kind| kind.code() == code)
            .or((code >= 128).then_some(Kind::Other(code)))
    }
}

/// The header of a batch whose checksum was right and whose numbers agree with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Salt of the segment.
    pub salt: u64,
    /// Position of the first event; of the next event where there is none.
    pub base: Position,
    /// Own place in the file, in bytes.
    pub offset: u32,
    /// Everything in this segment below this offset had been synced before this batch was written.
    pub synced: u32,
    /// Bytes from here to the next batch, padding included.
    pub length: u32,
    /// Bytes of the payload area.
    pub payload_bytes: u32,
    /// Events; 0 unless the kind is [`Kind::Events`].
    pub count: u32,
    /// Checksum over origin and table.
    pub table_crc: u32,
    /// Checksum over the whole payload area, if the writer took one.
    pub payload_crc: Option<u32>,
    /// The caller's number, handed back with each event; 0 for none.
    pub schema: u32,
    /// What the batch carries.
    pub kind: Kind,
    /// Whether an origin stands before the table.
    pub has_origin: bool,
}

/// Why 64 bytes are no header of a batch that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatchFault {
    /// No sound header stands here.
    Unsound,
    /// A header with the right checksum, salt and offset, but of a kind or with flags that this code must not skip.
    Unsupported {
        /// Kind byte.
        kind: u8,
        /// Flags byte.
        flags: u8,
    },
}

impl BatchHeader {
    /// The 64 bytes of this header.
    pub fn encode(&self) -> [u8; SIZE] {
        let mut out = [0; SIZE];
        let flags = if self.payload_crc.is_some() { FLAG_PAYLOAD_CRC } else { 0 }
            | if self.has_origin { FLAG_ORIGIN } else { 0 };
        at::MAGIC.put(&mut out, &MAGIC);
        at::SALT.put(&mut out, &self.salt.to_le_bytes());
        at::BASE.put(&mut out, &self.base.to_le_bytes());
        at::OFFSET.put(&mut out, &self.offset.to_le_bytes());
        at::SYNCED.put(&mut out, &self.synced.to_le_bytes());
        at::LENGTH.put(&mut out, &self.length.to_le_bytes());
        at::PAYLOAD_BYTES.put(&mut out, &self.payload_bytes.to_le_bytes());
        at::COUNT.put(&mut out, &self.count.to_le_bytes());
        at::TABLE_CRC.put(&mut out, &self.table_crc.to_le_bytes());
        at::PAYLOAD_CRC.put(&mut out, &self.payload_crc.unwrap_or(0).to_le_bytes());
        at::SCHEMA.put(&mut out, &self.schema.to_le_bytes());
        at::KIND.put(&mut out, &[self.kind.code()]);
        at::FLAGS.put(&mut out, &[flags]);
        let crc = checksum(&out[at::SALT.offset..]);
        at::HEADER_CRC.put(&mut out, &crc.to_le_bytes());
        out
    }

    /// Reads the header of the batch at `offset` of the segment with this `salt`, of which bytes up to `limit`
    /// belong to the segment: the one place that decides what is *sound*.
    ///
    /// # Errors
    /// [`BatchFault`].
    pub fn decode(found: &[u8; SIZE], salt: u64, offset: u32, limit: u32) -> Result<BatchHeader, BatchFault> {
        let is_ours = found.starts_with(&MAGIC)
            && at::SALT.u64(found) == salt
            && at::OFFSET.u32(found) == offset
            && at::HEADER_CRC.u32(found) == checksum(&found[at::SALT.offset..]);
        if !is_ours {
            return Err(BatchFault::Unsound);
        }
        let (code, flags) = (at::KIND.u8(found), at::FLAGS.u8(found));
        let unknown_flags = flags & !(FLAG_PAYLOAD_CRC | FLAG_ORIGIN) != 0;
        let (Some(kind), false) = (Kind::from_code(code), unknown_flags) else {
            return Err(BatchFault::Unsupported { kind: code, flags });
        };
        let payload_crc = at::PAYLOAD_CRC.u32(found);
        let has_payload_crc = flags & FLAG_PAYLOAD_CRC != 0;
        let header = BatchHeader {
            salt,
            base: at::BASE.u64(found),
            offset,
            synced: at::SYNCED.u32(found),
            length: at::LENGTH.u32(found),
            payload_bytes: at::PAYLOAD_BYTES.u32(found),
            count: at::COUNT.u32(found),
            table_crc: at::TABLE_CRC.u32(found),
            payload_crc: has_payload_crc.then_some(payload_crc),
            schema: at::SCHEMA.u32(found),
            kind,
            has_origin: flags & FLAG_ORIGIN != 0,
        };
        let sound =
            at::RESERVED.is_zero(found) && (has_payload_crc || payload_crc == 0) && header.agrees(limit);
        if sound { Ok(header) } else { Err(BatchFault::Unsound) }
    }

    /// Whether the numbers agree with each other and with the segment. A right checksum proves who wrote them,
    /// not that they are harmless.
    fn agrees(&self, limit: u32) -> bool {
        let contents = SIZE as u64
            + u64::from(self.payload_bytes)
            + self.origin_size() as u64
            + u64::from(self.count) * record::SIZE as u64;
        let counted = if self.kind == Kind::Events { 1..=MAX_EVENTS } else { 0..=0 };
        (HEADER_PAGE..=self.offset).contains(&self.synced)
            && self.synced.is_multiple_of(ALIGNMENT)
            && self.length.is_multiple_of(ALIGNMENT)
            && self.length <= MAX_BATCH
            && u64::from(self.length) >= contents
            && u64::from(self.offset) + u64::from(self.length) <= u64::from(limit)
            && self.payload_bytes.is_multiple_of(ALIGNMENT)
            && counted.contains(&self.count)
            && self.base.checked_add(u64::from(self.count)).is_some()
    }

    /// Offset of the first byte behind this batch.
    pub fn end_offset(&self) -> u32 {
        self.offset + self.length
    }

    /// Position behind the last event of this batch.
    pub fn end_position(&self) -> Position {
        self.base + u64::from(self.count)
    }

    /// Where the payload area stands, from the beginning of the batch.
    pub fn payload_range(&self) -> Range<usize> {
        SIZE..SIZE + self.payload_bytes as usize
    }

    /// Where origin and table stand, from the beginning of the batch.
    pub fn table_range(&self) -> Range<usize> {
        let begin = self.payload_range().end;
        begin..begin + self.origin_size() + self.count as usize * record::SIZE
    }

    /// Bytes of the batch without the padding, which carries nothing.
    pub fn contents(&self) -> usize {
        self.table_range().end
    }

    fn origin_size(&self) -> usize {
        if self.has_origin { ORIGIN_SIZE } else { 0 }
    }
}

/// The table of a batch whose checksum was right and whose payload ends are in order.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    entries: &'a [[u8; record::SIZE]],
    origin: Option<Origin>,
}

/// Who appended a batch, and as its how-manieth, for appends that may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The writer's own number.
    pub writer: u64,
    /// Number of the batch among the writer's.
    pub sequence: u64,
}

impl Origin {
    /// The 16 bytes of this origin.
    pub fn encode(&self) -> [u8; ORIGIN_SIZE] {
        let mut out = [0; ORIGIN_SIZE];
        out[..8].copy_from_slice(&self.writer.to_le_bytes());
        out[8..].copy_from_slice(&self.sequence.to_le_bytes());
        out
    }

    fn decode(found: &[u8; ORIGIN_SIZE]) -> Origin {
        let number = |at: usize| found[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        Origin { writer: number(0), sequence: number(8) }
    }
}

impl<'a> Table<'a> {
    /// Reads and checks origin and table, `found`, of the batch with this header.
    pub fn decode(found: &'a [u8], header: &BatchHeader) -> Option<Table<'a>> {
        if found.len() != header.table_range().len() || checksum(found) != header.table_crc {
            return None;
        }
        let (origin, entries) = if header.has_origin {
            let (origin, entries) = found.split_first_chunk()?;
            (Some(Origin::decode(origin)), entries)
        } else {
            (None, found)
        };
        let table = Table { entries: entries.as_chunks().0, origin };
        let mut free = 0;
        for entry in table.iter() {
            if (entry.end as usize) < free || entry.end > header.payload_bytes {
                return None;
            }
            free = aligned(entry.end as usize);
        }
        (free == header.payload_bytes as usize).then_some(table)
    }

    /// The table of a batch whose bytes were checked before and have not changed since.
    pub(crate) fn checked_before(found: &'a [u8], header: &BatchHeader) -> Table<'a> {
        let entries = found.get(header.origin_size()..).unwrap_or_default();
        Table { entries: entries.as_chunks().0, origin: None }
    }

    /// Who appended the batch, if that was said.
    pub fn origin(&self) -> Option<Origin> {
        self.origin
    }

    /// All entries in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = TableEntry> + ExactSizeIterator + use<'a> {
        self.entries.iter().map(TableEntry::decode)
    }

    /// The entry of event `number` of the batch and the place of its payload in the payload area.
    pub fn event(&self, number: usize) -> Option<(TableEntry, Range<usize>)> {
        let entry = TableEntry::decode(self.entries.get(number)?);
        let begin = match number.checked_sub(1) {
            Some(before) => aligned(TableEntry::decode(self.entries.get(before)?).end as usize),
            None => 0,
        };
        Some((entry, begin..entry.end as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of docs/FORMAT.md.
    const HELLO: [u8; 88] = [
        0x45, 0x56, 0x42, 0x31, 0xf4, 0x15, 0x39, 0x50, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22,
        0x11, //
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x10, 0x00,
        0x00, //
        0x58, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0xae, 0xa5, 0xb4,
        0x49, //
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, //
        0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x00, 0x00, 0x00, 0x00, 0x40, 0x1e, 0x18, 0x24, 0x0a, 0x06,
        0x00, //
        0x05, 0x00, 0x00, 0x00, 0x86, 0xa6, 0x10, 0x36,
    ];
    const SALT: u64 = 0x1122_3344_5566_7788;

    fn hello() -> (BatchHeader, &'static [u8]) {
        let header = BatchHeader::decode(HELLO.first_chunk().unwrap(), SALT, 4096, 4096 + 88).unwrap();
        (header, &HELLO)
    }

    #[test]
    fn the_worked_example_is_read_and_written_to_the_byte() {
        let (header, bytes) = hello();
        assert_eq!(header.encode(), HELLO[..64]);
        let table = Table::decode(&bytes[header.table_range()], &header).unwrap();
        let (entry, place) = table.event(0).unwrap();
        assert_eq!(entry.timestamp, 1_700_000_000_000_000);
        let payload = &bytes[header.payload_range()][place];
        assert_eq!(payload, b"hello");
        assert_eq!(entry.crc, checksum(payload));
        assert_eq!(table.event(1), None);
        assert_eq!(table.iter().next().unwrap().encode(), HELLO[72..88]);
    }

    #[test]
    fn every_flipped_bit_of_header_and_table_is_noticed() {
        for bit in (0..64 * 8).chain(72 * 8..88 * 8) {
            let mut bad = HELLO;
            bad[bit / 8] ^= 1 << (bit % 8);
            let header = BatchHeader::decode(bad.first_chunk().unwrap(), SALT, 4096, 4096 + 88);
            let noticed = match header {
                Err(fault) => fault == BatchFault::Unsound,
                Ok(header) => Table::decode(&bad[header.table_range()], &header).is_none(),
            };
            assert!(noticed, "bit {bit}");
        }
    }

    /// Headers with a right checksum whose numbers would lead a reader astray.
    #[test]
    fn hostile_numbers_with_right_checksums_are_unsound() {
        let (good, _) = hello();
        let hostile = [
            BatchHeader { length: 0, ..good },
            BatchHeader { length: 80, ..good },
            BatchHeader { length: 89, ..good },
            BatchHeader { length: 96, ..good },
            BatchHeader { length: u32::MAX - 7, ..good },
            BatchHeader { payload_bytes: u32::MAX - 7, ..good },
            BatchHeader { payload_bytes: 7, ..good },
            BatchHeader { count: 0, ..good },
            BatchHeader { count: 2, ..good },
            BatchHeader { count: u32::MAX, ..good },
            BatchHeader { base: u64::MAX, ..good },
            BatchHeader { synced: 0, ..good },
            BatchHeader { synced: 4095, ..good },
            BatchHeader { synced: 4104, ..good },
            BatchHeader { kind: Kind::Mark, ..good },
            BatchHeader { has_origin: true, ..good },
        ];
        for header in hostile {
            let found = BatchHeader::decode(&header.encode(), SALT, 4096, 4096 + 88);
            assert_eq!(found, Err(BatchFault::Unsound), "{header:?}");
        }
        let read =
            |header: &BatchHeader, salt, offset| BatchHeader::decode(&header.encode(), salt, offset, 8192);
        assert!(read(&good, SALT, 4096).is_ok());
        assert_eq!(read(&good, SALT + 1, 4096), Err(BatchFault::Unsound));
        assert_eq!(read(&good, SALT, 4104), Err(BatchFault::Unsound));
    }

    #[test]
    fn unknown_kinds_are_stepped_over_or_refused() {
        let (good, _) = hello();
        let of_kind = |code| {
            let header = BatchHeader { kind: Kind::Other(code), count: 0, ..good };
            BatchHeader::decode(&header.encode(), SALT, 4096, 8192)
        };
        assert_eq!(of_kind(200).unwrap().kind, Kind::Other(200));
        for code in [0, 6, 127] {
            assert_eq!(of_kind(code), Err(BatchFault::Unsupported { kind: code, flags: 0 }));
        }
    }

    #[test]
    fn payload_ends_must_be_in_order_and_inside() {
        let entry = |end| TableEntry { timestamp: 0, end, crc: 0 };
        let decodes = |entries: &[TableEntry], payload_bytes| {
            let bytes: Vec<u8> = entries.iter().flat_map(TableEntry::encode).collect();
            let (good, _) = hello();
            let count = entries.len() as u32;
            let header = BatchHeader { count, payload_bytes, table_crc: checksum(&bytes), ..good };
            Table::decode(&bytes, &header).is_some()
        };
        assert!(decodes(&[entry(0)], 0));
        assert!(decodes(&[entry(3), entry(8), entry(17)], 24));
        assert!(!decodes(&[entry(3), entry(7)], 8));
        assert!(!decodes(&[entry(9)], 8));
        assert!(!decodes(&[entry(1)], 16));
        assert!(!decodes(&[entry(u32::MAX)], 8));
    }
}
