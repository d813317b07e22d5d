//! The first page of a segment: its header, twice, and the hint.

use super::checksum::checksum;
use super::layout::layout;
use super::{ALIGNMENT, HEADER_PAGE, MAX_ORDINAL, VERSION};
use crate::position::{Position, Timestamp};

/// Bytes of a segment header.
pub const SIZE: usize = 128;
/// Where the two copies of the header stand.
pub const COPIES: [usize; 2] = [0, 2048];
/// Where the hint stands.
pub const HINT_OFFSET: u64 = 1024;
/// Bytes of a hint.
pub const HINT_SIZE: usize = 32;

const MAGIC: &[u8; 8] = b"EVLOGSEG";
const HINT_MAGIC: &[u8; 4] = b"EVHT";

layout! { at, LAYOUT = "segment-header", SIZE;
    MAGIC = "magic" @ 0 + 8;
    CRC = "crc" @ 8 + 4;
    VERSION = "version" @ 12 + 2;
    RESERVED = "reserved" @ 14 + 2;
    REQUIRED = "required" @ 16 + 4;
    OPTIONAL = "optional" @ 20 + 4;
    INCARNATION = "incarnation" @ 24 + 16;
    SALT = "salt" @ 40 + 8;
    ORDINAL = "ordinal" @ 48 + 8;
    BASE = "base" @ 56 + 8;
    PREVIOUS_SALT = "previous salt" @ 64 + 8;
    PREVIOUS_END = "previous end" @ 72 + 4;
    LEFTOVER = "leftover" @ 76 + 4;
    CREATED = "created" @ 80 + 8;
    START = "start" @ 88 + 8;
    CAUSE = "cause" @ 96 + 1;
    REST = "reserved" @ 97 + 31;
}

layout! { hint_at, HINT_LAYOUT = "hint", HINT_SIZE;
    MAGIC = "magic" @ 0 + 4;
    CRC = "crc" @ 4 + 4;
    SALT = "salt" @ 8 + 8;
    POSITION = "position" @ 16 + 8;
    OFFSET = "offset" @ 24 + 4;
    RESERVED = "reserved" @ 28 + 4;
}

/// Why a segment was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The log was made.
    Created,
    /// The segment before it was full, or rolling was asked for.
    Rolled,
    /// The segment before it ended in bytes that recovery left behind.
    Recovered,
    /// A repair wrote it.
    Repaired,
}

impl Cause {
    fn code(self) -> u8 {
        match self {
            Cause::Created => 1,
            Cause::Rolled => 2,
            Cause::Recovered => 3,
            Cause::Repaired => 4,
        }
    }

    fn from_code(code: u8) -> Option<Cause> {
        [Cause::Created, Cause::Rolled, Cause::Recovered, Cause::Repaired]
            .into_iter()
            .find(|cause| cause.code() == code)
    }
}

/// What a segment says of itself and of the one before it; never rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Random, the same in all segments of a log.
    pub incarnation: [u8; 16],
    /// Random, never 0, new for every segment; stands in every batch of it.
    pub salt: u64,
    /// Number of the segment in its log: 0, 1, 2 …
    pub ordinal: u64,
    /// Position of the first event; the end position of the segment before it.
    pub base: Position,
    /// Salt of the segment before it, 0 in ordinal 0.
    pub previous_salt: u64,
    /// Byte offset where the segment before it ends; everything below had been synced. 0 in ordinal 0.
    pub previous_end: u32,
    /// Non-zero bytes found behind that end.
    pub leftover: u32,
    /// When the segment was made.
    pub created: Timestamp,
    /// First readable position of the log when the segment was made.
    pub start: Position,
    /// Why the segment was made.
    pub cause: Cause,
}

/// Why a page begins no segment that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderFault {
    /// It does not begin with the magic word.
    Magic,
    /// The checksum, or a field that it covers, is wrong.
    Damaged,
    /// Sound, but of a version that this code does not know.
    Version(u16),
    /// Sound, but needs features that this code does not have.
    Required(u32),
}

impl SegmentHeader {
    /// The header of a log's first segment: ordinal 0, position 0.
    pub fn first(incarnation: [u8; 16], salt: u64, created: Timestamp) -> SegmentHeader {
        SegmentHeader {
            incarnation,
            salt,
            ordinal: 0,
            base: 0,
            previous_salt: 0,
            previous_end: 0,
            leftover: 0,
            created,
            start: 0,
            cause: Cause::Created,
        }
    }

    /// The 128 bytes of this header.
    pub fn encode(&self) -> [u8; SIZE] {
        let mut out = [0; SIZE];
        at::MAGIC.put(&mut out, MAGIC);
        at::VERSION.put(&mut out, &VERSION.to_le_bytes());
        at::INCARNATION.put(&mut out, &self.incarnation);
        at::SALT.put(&mut out, &self.salt.to_le_bytes());
        at::ORDINAL.put(&mut out, &self.ordinal.to_le_bytes());
        at::BASE.put(&mut out, &self.base.to_le_bytes());
        at::PREVIOUS_SALT.put(&mut out, &self.previous_salt.to_le_bytes());
        at::PREVIOUS_END.put(&mut out, &self.previous_end.to_le_bytes());
        at::LEFTOVER.put(&mut out, &self.leftover.to_le_bytes());
        at::CREATED.put(&mut out, &self.created.to_le_bytes());
        at::START.put(&mut out, &self.start.to_le_bytes());
        at::CAUSE.put(&mut out, &[self.cause.code()]);
        let crc = checksum(&out[at::VERSION.offset..]);
        at::CRC.put(&mut out, &crc.to_le_bytes());
        out
    }

    /// The whole first page: the header at both its places, the rest zeros.
    pub fn encode_page(&self) -> Vec<u8> {
        let header = self.encode();
        let mut page = vec![0; HEADER_PAGE as usize];
        for copy in COPIES {
            page[copy..copy + SIZE].copy_from_slice(&header);
        }
        page
    }

    /// Reads a header from its first 128 bytes.
    ///
    /// # Errors
    /// A [`HeaderFault`]; version and required features are looked at only where the checksum is right.
    pub fn decode(found: &[u8]) -> Result<SegmentHeader, HeaderFault> {
        if found.len() < SIZE || !found.starts_with(MAGIC) {
            return Err(HeaderFault::Magic);
        }
        let found = &found[..SIZE];
        if at::CRC.u32(found) != checksum(&found[at::VERSION.offset..]) {
            return Err(HeaderFault::Damaged);
        }
        match (at::VERSION.u16(found), at::REQUIRED.u32(found)) {
            (VERSION, 0) => {}
            (VERSION, required) => return Err(HeaderFault::Required(required)),
            (version, _) => return Err(HeaderFault::Version(version)),
        }
        let salt = at::SALT.u64(found);
        let reserved_zero = at::RESERVED.is_zero(found) && at::REST.is_zero(found);
        let (Some(cause), true, true) = (Cause::from_code(at::CAUSE.u8(found)), salt != 0, reserved_zero)
        else {
            return Err(HeaderFault::Damaged);
        };
        let header = SegmentHeader {
            incarnation: at::INCARNATION.array(found),
            salt,
            ordinal: at::ORDINAL.u64(found),
            base: at::BASE.u64(found),
            previous_salt: at::PREVIOUS_SALT.u64(found),
            previous_end: at::PREVIOUS_END.u32(found),
            leftover: at::LEFTOVER.u32(found),
            created: at::CREATED.i64(found),
            start: at::START.u64(found),
            cause,
        };
        if header.follows_rightly() { Ok(header) } else { Err(HeaderFault::Damaged) }
    }

    /// Whether what it says of the segment before it can be true.
    fn follows_rightly(&self) -> bool {
        match self.ordinal {
            0 => self.previous_end == 0 && self.previous_salt == 0,
            1..=MAX_ORDINAL => {
                self.previous_end >= HEADER_PAGE && self.previous_end.is_multiple_of(ALIGNMENT)
            }
            _ => false,
        }
    }

    /// Reads the header from a first page: the first copy, or the second where that one is damaged.
    ///
    /// # Errors
    /// A [`HeaderFault`], of the two copies' the one that says more: an unknown version or feature counts more
    /// than damage, and damage more than a missing magic word.
    pub fn decode_page(page: &[u8]) -> Result<SegmentHeader, HeaderFault> {
        let [first, second] = COPIES.map(|copy| SegmentHeader::decode(page.get(copy..).unwrap_or_default()));
        match (first, second) {
            (Err(HeaderFault::Magic), second) => second,
            (Err(HeaderFault::Damaged), second) if second != Err(HeaderFault::Magic) => second,
            (first, _) => first,
        }
    }
}

/// Where a scan may begin: a batch starts at `offset`, and everything below it had been synced. A cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Salt of the segment.
    pub salt: u64,
    /// Base position of the batch at `offset`.
    pub position: Position,
    /// Where that batch starts, in bytes from the beginning of the file.
    pub offset: u32,
}

impl Hint {
    /// The 32 bytes of this hint.
    pub fn encode(&self) -> [u8; HINT_SIZE] {
        let mut out = [0; HINT_SIZE];
        hint_at::MAGIC.put(&mut out, HINT_MAGIC);
        hint_at::SALT.put(&mut out, &self.salt.to_le_bytes());
        hint_at::POSITION.put(&mut out, &self.position.to_le_bytes());
        hint_at::OFFSET.put(&mut out, &self.offset.to_le_bytes());
        let crc = checksum(&out[hint_at::SALT.offset..]);
        hint_at::CRC.put(&mut out, &crc.to_le_bytes());
        out
    }

    /// The hint in `found`, if it is sound. Being a cache, it has no errors: there is one, or there is none.
    pub fn decode(found: &[u8]) -> Option<Hint> {
        let found = found.get(..HINT_SIZE)?;
        let sound = found.starts_with(HINT_MAGIC)
            && hint_at::CRC.u32(found) == checksum(&found[hint_at::SALT.offset..])
            && hint_at::RESERVED.is_zero(found);
        sound.then(|| Hint {
            salt: hint_at::SALT.u64(found),
            position: hint_at::POSITION.u64(found),
            offset: hint_at::OFFSET.u32(found),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader {
            incarnation: *b"0123456789abcdef",
            salt: 0x1122_3344_5566_7788,
            ordinal: 3,
            base: 1_000,
            previous_salt: 9,
            previous_end: 8_192,
            leftover: 17,
            created: -5,
            start: 4,
            cause: Cause::Recovered,
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        assert_eq!(SegmentHeader::decode(&header().encode()), Ok(header()));
        let hint = Hint { salt: 7, position: 8, offset: 9 };
        assert_eq!(Hint::decode(&hint.encode()), Some(hint));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = header().encode();
        for bit in 0..SIZE * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&bad).is_err(), "bit {bit}");
        }
        let good = Hint { salt: 7, position: 8, offset: 9 }.encode();
        for bit in 0..HINT_SIZE * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Hint::decode(&bad), None, "bit {bit}");
        }
    }

    #[test]
    fn one_bad_copy_costs_nothing() {
        for copy in COPIES {
            let mut page = header().encode_page();
            page[copy..copy + SIZE].fill(0);
            assert_eq!(SegmentHeader::decode_page(&page), Ok(header()));
        }
        let mut page = header().encode_page();
        page[COPIES[0]] ^= 1;
        page[COPIES[1] + 30] ^= 1;
        assert_eq!(SegmentHeader::decode_page(&page), Err(HeaderFault::Damaged));
        assert_eq!(SegmentHeader::decode_page(&[]), Err(HeaderFault::Magic));
    }

    #[test]
    fn what_this_code_does_not_know_is_said_and_not_guessed() {
        for (field, fault) in
            [(at::VERSION, HeaderFault::Version(VERSION + 7)), (at::REQUIRED, HeaderFault::Required(7))]
        {
            let mut page = header().encode_page();
            for copy in COPIES {
                page[copy + field.offset] += 7;
                let crc = checksum(&page[copy + at::VERSION.offset..copy + SIZE]);
                page[copy + at::CRC.offset..][..4].copy_from_slice(&crc.to_le_bytes());
            }
            assert_eq!(SegmentHeader::decode_page(&page), Err(fault));
            page[COPIES[0]] = 0;
            assert_eq!(SegmentHeader::decode_page(&page), Err(fault));
        }
    }
}
