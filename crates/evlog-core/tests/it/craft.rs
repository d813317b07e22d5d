//! Segments made by hand, byte by byte, with right checksums: what no writer of ours would ever write.

use std::fs;
use std::path::{Path, PathBuf};

use evlog_core::SegmentName;
use evlog_core::format::HEADER_PAGE;
use evlog_core::format::batch::{BatchHeader, Kind};
use evlog_core::format::checksum::checksum;
use evlog_core::format::header::{Cause, SegmentHeader};
use evlog_core::format::record::TableEntry;

/// One segment in the making.
#[derive(Clone)]
pub(crate) struct Craft {
    pub(crate) header: SegmentHeader,
    /// What stands behind the header page.
    pub(crate) batches: Vec<u8>,
    /// The next position.
    pub(crate) position: u64,
}

impl Craft {
    /// The first segment of a log with this incarnation.
    pub(crate) fn first(incarnation: u8) -> Craft {
        Craft::with(SegmentHeader::first([incarnation; 16], 0x5A17_0000 + u64::from(incarnation), 0))
    }

    pub(crate) fn with(header: SegmentHeader) -> Craft {
        Craft { position: header.base, header, batches: Vec::new() }
    }

    /// The segment that follows.
    pub(crate) fn next(&self) -> Craft {
        Craft::with(SegmentHeader {
            salt: self.header.salt.wrapping_mul(31) + 7,
            ordinal: self.header.ordinal + 1,
            base: self.position,
            previous_salt: self.header.salt,
            previous_end: self.end(),
            cause: Cause::Rolled,
            ..self.header
        })
    }

    /// Offset of the next batch.
    pub(crate) fn end(&self) -> u32 {
        HEADER_PAGE + self.batches.len() as u32
    }

    /// The header and the body of a sound batch with these payloads at the end, all before it synced.
    pub(crate) fn sound(&self, payloads: &[&[u8]]) -> (BatchHeader, Vec<u8>) {
        let mut area = Vec::new();
        let mut table = Vec::new();
        for (number, payload) in payloads.iter().enumerate() {
            area.extend_from_slice(payload);
            let timestamp = (self.position as i64).wrapping_add(number as i64).wrapping_mul(10);
            let entry = TableEntry { timestamp, end: area.len() as u32, crc: checksum(payload) };
            table.extend_from_slice(&entry.encode());
            area.resize(area.len().next_multiple_of(8), 0);
        }
        let header = BatchHeader {
            salt: self.header.salt,
            base: self.position,
            offset: self.end(),
            synced: self.end(),
            length: (64 + area.len() + table.len()) as u32,
            payload_bytes: area.len() as u32,
            count: payloads.len() as u32,
            table_crc: checksum(&table),
            payload_crc: None,
            schema: 0,
            kind: Kind::Events,
            has_origin: false,
        };
        area.extend_from_slice(&table);
        (header, area)
    }

    /// Puts a sound batch with these payloads behind the others.
    pub(crate) fn push(&mut self, payloads: &[&[u8]]) -> &mut Craft {
        let (header, body) = self.sound(payloads);
        self.put(&header.encode(), &body);
        self.position += payloads.len() as u64;
        self
    }

    /// Puts a sound batch of numbered events behind the others: those that stand for their positions.
    pub(crate) fn numbered(&mut self, count: u64) -> &mut Craft {
        let payloads: Vec<Vec<u8>> =
            (self.position..self.position + count).map(crate::common::payload).collect();
        self.push(&payloads.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Puts a batch without events behind the others.
    pub(crate) fn push_kind(&mut self, kind: Kind, area: &[u8]) -> &mut Craft {
        let header = BatchHeader {
            kind,
            count: 0,
            length: 64 + area.len() as u32,
            payload_bytes: area.len() as u32,
            table_crc: 0,
            payload_crc: (!area.is_empty()).then(|| checksum(area)),
            ..self.sound(&[]).0
        };
        self.put(&header.encode(), area);
        self
    }

    pub(crate) fn put(&mut self, header: &[u8], body: &[u8]) {
        self.batches.extend_from_slice(header);
        self.batches.extend_from_slice(body);
    }

    /// The base in the name of a segment's file.
    pub(crate) fn base_of(segment: &Path) -> u64 {
        SegmentName::parse(segment.file_name().unwrap().to_str().unwrap()).unwrap().base
    }

    pub(crate) fn name(&self) -> SegmentName {
        SegmentName { ordinal: self.header.ordinal, base: self.header.base }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.header.encode_page();
        bytes.extend_from_slice(&self.batches);
        bytes
    }

    /// Writes the segment into the folder of a log, which is made if it is missing.
    pub(crate) fn write(&self, folder: &Path) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        let path = folder.join(self.name().to_string());
        fs::write(&path, self.bytes()).unwrap();
        path
    }
}

/// Makes the checksum of a batch header right again after it was changed.
pub(crate) fn seal(header: &mut [u8; 64]) {
    let crc = checksum(&header[8..]);
    header[4..8].copy_from_slice(&crc.to_le_bytes());
}
