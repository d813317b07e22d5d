//! The frame of one event inside a batch: its entry in the table.

use super::layout::layout;
use crate::position::Timestamp;

/// Bytes of a table entry.
pub const SIZE: usize = 16;

layout! { at, LAYOUT = "table-entry", SIZE;
    TIMESTAMP = "timestamp" @ 0 + 8;
    END = "end" @ 8 + 4;
    CRC = "crc" @ 12 + 4;
}

/// What the table says of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableEntry {
    /// The event's time.
    pub timestamp: Timestamp,
    /// Where its payload ends, in bytes from the beginning of the payload area.
    pub end: u32,
    /// Checksum of its payload alone.
    pub crc: u32,
}

impl TableEntry {
    /// The 16 bytes of this entry.
    pub fn encode(&self) -> [u8; SIZE] {
        let mut out = [0; SIZE];
        at::TIMESTAMP.put(&mut out, &self.timestamp.to_le_bytes());
        at::END.put(&mut out, &self.end.to_le_bytes());
        at::CRC.put(&mut out, &self.crc.to_le_bytes());
        out
    }

    /// Reads an entry from its 16 bytes.
    pub fn decode(found: &[u8; SIZE]) -> TableEntry {
        TableEntry { timestamp: at::TIMESTAMP.i64(found), end: at::END.u32(found), crc: at::CRC.u32(found) }
    }
}
