//! Right checksums over wrong bytes: what a checksum cannot keep out, bounds must.

use arbitrary::Arbitrary;
use evlog_core::checksum;
use evlog_core::format::batch::{self, BatchHeader};
use evlog_core::format::header::{self, SegmentHeader};
use evlog_core::format::{Field, HEADER_PAGE, Layout};

/// A number of a field, seldom the right one.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Value {
    /// The right one, and so much more or less.
    Near(i8),
    /// A multiple of the alignment away from the right one.
    Aligned(i16),
    /// Where code likes to go wrong.
    Edge(Edge),
    /// Anything.
    Any(u64),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Edge {
    Zero,
    MostEvents,
    MostBatch,
    HalfOf32,
    LastAligned32,
    LastOf32,
    HalfOf64,
    LastOf64,
}

impl Value {
    pub(crate) fn of(self, right: u64) -> u64 {
        match self {
            Value::Near(step) => right.wrapping_add_signed(i64::from(step)),
            Value::Aligned(steps) => right.wrapping_add_signed(i64::from(steps) * 8),
            Value::Edge(edge) => match edge {
                Edge::Zero => 0,
                Edge::MostEvents => 1 << 20,
                Edge::MostBatch => 64 << 20,
                Edge::HalfOf32 => 1 << 31,
                Edge::LastAligned32 => 0xFFFF_FFF8,
                Edge::LastOf32 => 0xFFFF_FFFF,
                Edge::HalfOf64 => 1 << 63,
                Edge::LastOf64 => u64::MAX,
            },
            Value::Any(value) => value,
        }
    }
}

/// The field with this number, counted over and over; magic words and checksums are left alone.
pub(crate) fn field(layout: &Layout, number: u8) -> Field {
    let open: Vec<&Field> = layout
        .fields
        .iter()
        .filter(|field| !["magic", "crc", "header crc", "table crc", "payload crc"].contains(&field.name))
        .collect();
    *open[usize::from(number) % open.len()]
}

/// Changes a field of the structure that begins with `bytes`.
pub(crate) fn put(bytes: &mut [u8], field: Field, value: Value) {
    let Some(place) = bytes.get_mut(field.offset..field.offset + field.size) else { return };
    let mut number = [0; 8];
    let size = field.size.min(8);
    number[..size].copy_from_slice(&place[..size]);
    let number = value.of(u64::from_le_bytes(number)).to_le_bytes();
    place[..size].copy_from_slice(&number[..size]);
}

/// Puts the right checksum into the 4 bytes of `field`, over everything behind them.
fn seal(bytes: &mut [u8], field: usize) {
    let crc = checksum(&bytes[field + 4..]);
    bytes[field..field + 4].copy_from_slice(&crc.to_le_bytes());
}

/// Gives a copy of the segment header its checksum.
pub(crate) fn seal_segment_header(image: &mut [u8], copy: usize) {
    if let Some(bytes) = image.get_mut(copy..copy + header::SIZE) {
        seal(bytes, 8);
    }
}

/// Gives the hint its checksum.
pub(crate) fn seal_hint(image: &mut [u8]) {
    let at = header::HINT_OFFSET as usize;
    if let Some(bytes) = image.get_mut(at..at + header::HINT_SIZE) {
        seal(bytes, 4);
    }
}

/// Gives the batch at `at` its checksums, from the inside to the outside, as far as its own numbers stay within the
/// file.
pub(crate) fn seal_batch(image: &mut [u8], at: usize) {
    let Some(bytes) = image.get_mut(at..).filter(|bytes| bytes.len() >= batch::SIZE) else { return };
    let number = |bytes: &[u8], at: usize| u32::from_le_bytes(*bytes[at..].first_chunk().unwrap()) as usize;
    let (payload_bytes, count, flags) = (number(bytes, 36), number(bytes, 40), bytes[57]);
    let area = batch::SIZE..batch::SIZE + payload_bytes;
    let table = area.end..area.end + if flags & 2 == 0 { 0 } else { 16 } + count.saturating_mul(16);
    if let Some(table) = bytes.get(table).map(checksum) {
        bytes[44..48].copy_from_slice(&table.to_le_bytes());
    }
    let payload_crc = if flags & 1 == 0 { Some(0) } else { bytes.get(area).map(checksum) };
    if let Some(crc) = payload_crc {
        bytes[48..52].copy_from_slice(&crc.to_le_bytes());
    }
    seal(&mut bytes[..batch::SIZE], 4);
}

/// Makes the checksums of a segment right wherever something has the magic word of what has one: whatever mutated the
/// bytes, they get past the checksums. Own offset and salt of batches are made right too.
pub fn reseal(image: &mut [u8]) {
    for copy in header::COPIES {
        seal_segment_header(image, copy);
    }
    seal_hint(image);
    let Ok(SegmentHeader { salt, .. }) = SegmentHeader::decode_page(image) else { return };
    let mut at = HEADER_PAGE as usize;
    while at + batch::SIZE <= image.len() {
        if !image[at..].starts_with(&batch::MAGIC) {
            at += 8;
            continue;
        }
        image[at + 8..at + 16].copy_from_slice(&salt.to_le_bytes());
        image[at + 24..at + 28].copy_from_slice(&(at as u32).to_le_bytes());
        seal_batch(image, at);
        let limit = image.len() as u32;
        let sound = image[at..].first_chunk().map(|found| BatchHeader::decode(found, salt, at as u32, limit));
        at += sound.and_then(Result::ok).map_or(8, |header| header.length as usize);
    }
}
