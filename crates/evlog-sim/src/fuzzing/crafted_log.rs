//! Logs in which every checksum is right and hardly a number is: nothing is believed for its checksum alone.

use arbitrary::Arbitrary;
use evlog_core::format::batch::{self, BatchHeader, Kind, Origin};
use evlog_core::format::header::{self, Cause, Hint, SegmentHeader};
use evlog_core::format::record::{self, TableEntry};
use evlog_core::format::tail;
use evlog_core::format::{HEADER_PAGE, aligned};
use evlog_core::{SegmentName, checksum};

use super::exercise::{Honesty, exercise, size};
use super::folder::{FOLDER, files};
use super::forge::{self, Value};
use super::input::{Case, list};
use super::open_segment::dump;
use crate::SimDisk;

#[derive(Arbitrary, Debug)]
pub(crate) struct CraftedLog {
    #[arbitrary(with = list::<_, 3>)]
    segments: Vec<Segment>,
}

#[derive(Arbitrary, Debug)]
struct Segment {
    #[arbitrary(with = list::<_, 2>)]
    header: Vec<Lie>,
    #[arbitrary(with = list::<_, 1>)]
    hints: Vec<CraftedHint>,
    #[arbitrary(with = list::<_, 16>)]
    batches: Vec<Crafted>,
    /// Zeros behind the last batch: how many KiB above 223.
    zeros: u8,
}

#[derive(Arbitrary, Debug)]
struct CraftedHint {
    batch: u8,
    #[arbitrary(with = list::<_, 2>)]
    lies: Vec<Lie>,
}

/// Another value for a field.
#[derive(Arbitrary, Debug)]
struct Lie {
    field: u8,
    value: Value,
}

#[derive(Arbitrary, Debug)]
struct Crafted {
    kind: CraftedKind,
    flags: u8,
    #[arbitrary(with = list::<_, 8>)]
    payloads: Vec<u8>,
    #[arbitrary(with = list::<_, 2>)]
    header: Vec<Lie>,
    /// In which entry of the table, of the tail or of the index.
    #[arbitrary(with = list::<_, 2>)]
    inside: Vec<(u8, Lie)>,
    /// The same once more, so many times.
    repeated: u8,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum CraftedKind {
    Events,
    Mark,
    Seal,
    Close,
    Index,
    Other(u8),
}

impl Case for CraftedLog {
    fn check(&self) -> usize {
        let disk = SimDisk::new(1);
        disk.put_folder(FOLDER).unwrap();
        let mut before = SegmentHeader::first([1; 16], 1, 0);
        let mut end = 0;
        for (number, segment) in self.segments.iter().enumerate() {
            let header = SegmentHeader {
                ordinal: number as u64,
                salt: number as u64 + 1,
                previous_salt: number as u64,
                previous_end: end,
                cause: Cause::Rolled,
                ..before
            };
            let (image, position) = segment.image(header);
            let claimed = SegmentHeader::decode_page(&image).unwrap_or(header);
            let name = SegmentName { ordinal: claimed.ordinal, base: claimed.base };
            disk.put(&format!("{FOLDER}/{name}"), image.clone()).unwrap();
            dump(&disk, &name, &image);
            end = image.len() as u32;
            before = SegmentHeader { base: position, ..header };
        }
        let _ = exercise(&disk, Honesty::Forged);
        size(&files(&disk))
    }
}

fn apply(lies: &[Lie], layout: &evlog_core::format::Layout, bytes: &mut [u8]) {
    for lie in lies {
        forge::put(bytes, forge::field(layout, lie.field), lie.value);
    }
}

impl Segment {
    /// The bytes of the file, and the position behind its events.
    fn image(&self, header: SegmentHeader) -> (Vec<u8>, u64) {
        let mut image = header.encode_page();
        for copy in header::COPIES {
            apply(&self.header, &header::LAYOUT, &mut image[copy..copy + header::SIZE]);
            forge::seal_segment_header(&mut image, copy);
        }
        let salt = SegmentHeader::decode_page(&image).map_or(header.salt, |header| header.salt);
        let mut base = SegmentHeader::decode_page(&image).map_or(header.base, |header| header.base);
        let mut starts = vec![(HEADER_PAGE, base)];
        for crafted in &self.batches {
            for _ in 0..=crafted.repeated.saturating_sub(192) {
                base = crafted.push(&mut image, salt, base);
                starts.push((image.len() as u32, base));
            }
        }
        for CraftedHint { batch, lies } in &self.hints {
            let (offset, position) = starts[usize::from(*batch) % starts.len()];
            let at = header::HINT_OFFSET as usize;
            let hint = &mut image[at..at + header::HINT_SIZE];
            hint.copy_from_slice(&Hint { salt, position, offset }.encode());
            apply(lies, &header::HINT_LAYOUT, hint);
            forge::seal_hint(&mut image);
        }
        image.resize(image.len() + usize::from(self.zeros.saturating_sub(223)) * 1024, 0);
        (image, base)
    }
}

impl Crafted {
    /// Puts the batch behind the image and returns the position behind its events, as its header has it.
    fn push(&self, image: &mut Vec<u8>, salt: u64, base: u64) -> u64 {
        let at = image.len();
        let (area, table) = self.contents(base);
        let body = [&area[..], &table].concat();
        let header = BatchHeader {
            salt,
            base,
            offset: at as u32,
            synced: at as u32,
            length: (batch::SIZE + body.len()) as u32,
            payload_bytes: area.len() as u32,
            count: if matches!(self.kind, CraftedKind::Events) { self.payloads.len() as u32 } else { 0 },
            table_crc: 0,
            payload_crc: (self.flags & 1 != 0).then_some(0),
            schema: 0,
            kind: self.kind.kind(),
            has_origin: self.flags & 2 != 0,
        };
        image.extend(header.encode());
        image.extend(body);
        apply(&self.header, &batch::LAYOUT, &mut image[at..at + batch::SIZE]);
        forge::seal_batch(image, at);
        base.wrapping_add(u64::from(header.count))
    }

    fn contents(&self, base: u64) -> (Vec<u8>, Vec<u8>) {
        let mut area = Vec::new();
        let mut table = if self.flags & 2 == 0 { Vec::new() } else { ORIGIN.encode().to_vec() };
        let entries = match self.kind {
            CraftedKind::Events => {
                let first = table.len();
                for (time, &length) in self.payloads.iter().enumerate() {
                    let payload = vec![length; usize::from(length)];
                    area.extend_from_slice(&payload);
                    let end = area.len() as u32;
                    area.resize(aligned(area.len()), 0);
                    let crc = checksum(&payload);
                    table.extend(TableEntry { timestamp: time as i64, end, crc }.encode());
                }
                Some((&mut table, first, record::SIZE, &record::LAYOUT))
            }
            CraftedKind::Seal | CraftedKind::Close => {
                let end = tail::Tail { start: 0, least: 0, greatest: 255, index: HEADER_PAGE };
                area.extend(end.encode());
                Some((&mut area, 0, tail::TAIL_SIZE, &tail::TAIL_LAYOUT))
            }
            CraftedKind::Index => {
                for &step in &self.payloads {
                    let offset = HEADER_PAGE + u32::from(step) * 8;
                    let position = base.saturating_sub(u64::from(step));
                    area.extend(tail::IndexEntry { position, greatest: 0, offset }.encode());
                }
                Some((&mut area, 0, tail::INDEX_SIZE, &tail::INDEX_LAYOUT))
            }
            CraftedKind::Mark | CraftedKind::Other(_) => None,
        };
        if let Some((bytes, first, size, layout)) = entries {
            for (number, lie) in &self.inside {
                let count = ((bytes.len() - first) / size).max(1);
                let at = first + usize::from(*number) % count * size;
                if let Some(entry) = bytes.get_mut(at..at + size) {
                    forge::put(entry, forge::field(layout, lie.field), lie.value);
                }
            }
        }
        (area, table)
    }
}

const ORIGIN: Origin = Origin { writer: 1, sequence: 2 };

impl CraftedKind {
    fn kind(self) -> Kind {
        match self {
            CraftedKind::Events => Kind::Events,
            CraftedKind::Mark => Kind::Mark,
            CraftedKind::Seal => Kind::Seal,
            CraftedKind::Close => Kind::Close,
            CraftedKind::Index => Kind::Index,
            CraftedKind::Other(code) => Kind::Other(code),
        }
    }
}
