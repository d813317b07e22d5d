//! What stands at the end of a segment that was ended in order: its tail, and its index. Caches, both of them.

use super::batch::{self, BatchHeader, Kind};
use super::checksum::checksum;
use super::layout::layout;
use crate::position::{Position, Timestamp};

/// Bytes of the payload area of a seal or a close.
pub const TAIL_SIZE: usize = 32;
/// Bytes of a seal or close batch, the last ones of a finished segment.
pub const TAIL_BATCH: usize = batch::SIZE + TAIL_SIZE;
/// Bytes of an index entry.
pub const INDEX_SIZE: usize = 24;

layout! { tail_at, TAIL_LAYOUT = "tail", TAIL_SIZE;
    START = "start position" @ 0 + 8;
    LEAST = "least timestamp" @ 8 + 8;
    GREATEST = "greatest timestamp" @ 16 + 8;
    INDEX = "offset of the index" @ 24 + 4;
    RESERVED = "reserved" @ 28 + 4;
}

layout! { index_at, INDEX_LAYOUT = "index-entry", INDEX_SIZE;
    POSITION = "position" @ 0 + 8;
    GREATEST = "greatest timestamp" @ 8 + 8;
    OFFSET = "offset" @ 16 + 4;
    RESERVED = "reserved" @ 20 + 4;
}

/// What a seal or a close says of its segment: bounds and a place, all of them caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// First readable position of the log when this was written.
    pub start: Position,
    /// No event of the segment has an earlier timestamp.
    pub least: Timestamp,
    /// No event of the segment has a later timestamp.
    pub greatest: Timestamp,
    /// Offset of the newest index batch, 0 where there is none.
    pub index: u32,
}

impl Tail {
    /// The 32 bytes of this tail.
    pub fn encode(&self) -> [u8; TAIL_SIZE] {
        let mut out = [0; TAIL_SIZE];
        tail_at::START.put(&mut out, &self.start.to_le_bytes());
        tail_at::LEAST.put(&mut out, &self.least.to_le_bytes());
        tail_at::GREATEST.put(&mut out, &self.greatest.to_le_bytes());
        tail_at::INDEX.put(&mut out, &self.index.to_le_bytes());
        out
    }

    /// The tail in the payload area of a seal or close with this header, if its checksum is right.
    pub fn decode(found: &[u8], header: &BatchHeader) -> Option<Tail> {
        let is_tail = matches!(header.kind, Kind::Seal | Kind::Close) && found.len() == TAIL_SIZE;
        let sound =
            is_tail && header.payload_crc == Some(checksum(found)) && tail_at::RESERVED.is_zero(found);
        sound.then(|| Tail {
            start: tail_at::START.u64(found),
            least: tail_at::LEAST.i64(found),
            greatest: tail_at::GREATEST.i64(found),
            index: tail_at::INDEX.u32(found),
        })
    }
}

/// One line of an index: where a batch starts, and what the events before it can be at the latest. A cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Base position of the batch.
    pub position: Position,
    /// No event of the segment before this batch has a later timestamp.
    pub greatest: Timestamp,
    /// Where the batch starts, in bytes from the beginning of the file.
    pub offset: u32,
}

impl IndexEntry {
    /// The 24 bytes of this entry.
    pub fn encode(&self) -> [u8; INDEX_SIZE] {
        let mut out = [0; INDEX_SIZE];
        index_at::POSITION.put(&mut out, &self.position.to_le_bytes());
        index_at::GREATEST.put(&mut out, &self.greatest.to_le_bytes());
        index_at::OFFSET.put(&mut out, &self.offset.to_le_bytes());
        out
    }

    /// Reads an entry; `None` where its reserved bytes are not zero.
    pub fn decode(found: &[u8; INDEX_SIZE]) -> Option<IndexEntry> {
        index_at::RESERVED.is_zero(found).then(|| IndexEntry {
            position: index_at::POSITION.u64(found),
            greatest: index_at::GREATEST.i64(found),
            offset: index_at::OFFSET.u32(found),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_and_index_entries_are_read_back() {
        let tail = Tail { start: 1, least: -2, greatest: 3, index: 4 };
        let bytes = tail.encode();
        let header = BatchHeader {
            salt: 1,
            base: 0,
            offset: 4096,
            synced: 4096,
            length: TAIL_BATCH as u32,
            payload_bytes: TAIL_SIZE as u32,
            count: 0,
            table_crc: 0,
            payload_crc: Some(checksum(&bytes)),
            schema: 0,
            kind: Kind::Seal,
            has_origin: false,
        };
        assert_eq!(Tail::decode(&bytes, &header), Some(tail));
        assert_eq!(Tail::decode(&bytes, &BatchHeader { payload_crc: None, ..header }), None);
        let entry = IndexEntry { position: 1, greatest: 2, offset: 3 };
        assert_eq!(IndexEntry::decode(&entry.encode()), Some(entry));
    }
}
