//! Takes whole segments apart by the format alone, without the log: which byte belongs to which event.

use std::collections::BTreeSet;
use std::ops::Range;

use evlog_core::format::HEADER_PAGE;
use evlog_core::format::batch::{self, BatchHeader, Kind, Table};
use evlog_core::format::header::{self, SegmentHeader};
use evlog_core::{Position, SegmentName};

use crate::disk::SimDisk;

/// One segment file and what stands where in it.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) path: String,
    pub(crate) name: SegmentName,
    pub(crate) bytes: Vec<u8>,
    pub(crate) batches: Vec<Framed>,
    previous_end: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Framed {
    pub(crate) header: BatchHeader,
    /// The places of the payloads.
    payloads: Vec<Range<usize>>,
}

impl Framed {
    /// Where it stands in the file.
    pub(crate) fn range(&self) -> Range<usize> {
        self.at(0..self.header.length as usize)
    }

    pub(crate) fn header_range(&self) -> Range<usize> {
        self.at(0..batch::SIZE)
    }

    pub(crate) fn table_range(&self) -> Range<usize> {
        self.at(self.header.table_range())
    }

    fn at(&self, range: Range<usize>) -> Range<usize> {
        let offset = self.header.offset as usize;
        offset + range.start..offset + range.end
    }
}

/// The segments of the log on a disk that holds nothing wrong, oldest first. What recovery left behind the end of one
/// is none of its batches.
pub(crate) fn segments(disk: &SimDisk) -> Vec<Segment> {
    let paths = disk.paths().into_iter().filter(|path| path.ends_with(".seg"));
    let mut segments: Vec<Segment> =
        paths.filter_map(|path| disk.bytes(&path).ok().and_then(|bytes| Segment::new(path, bytes))).collect();
    segments.sort_unstable_by_key(|segment| segment.name);
    let ends: Vec<u32> = segments.iter().skip(1).map(|next| next.previous_end).collect();
    for (segment, end) in segments.iter_mut().zip(ends) {
        segment.batches.retain(|framed| framed.header.end_offset() <= end);
    }
    segments
}

impl Segment {
    fn new(path: String, bytes: Vec<u8>) -> Option<Segment> {
        let SegmentHeader { salt, previous_end, .. } = SegmentHeader::decode_page(&bytes).ok()?;
        let name = SegmentName::parse(path.rsplit('/').next()?)?;
        let mut batches = Vec::new();
        let mut at = HEADER_PAGE as usize;
        while let Some(found) = bytes.get(at..).and_then(|rest| rest.first_chunk::<{ batch::SIZE }>()) {
            let Ok(header) = BatchHeader::decode(found, salt, at as u32, bytes.len() as u32) else { break };
            let mut payloads = Vec::new();
            if header.kind == Kind::Events {
                let table = Table::decode(bytes.get(at..)?.get(header.table_range())?, &header)?;
                let area = at + header.payload_range().start;
                let events = (0..header.count as usize).filter_map(|number| table.event(number));
                payloads.extend(events.map(|(_, place)| area + place.start..area + place.end));
            }
            batches.push(Framed { header, payloads });
            at = header.end_offset() as usize;
        }
        Some(Segment { path, name, bytes, batches, previous_end })
    }

    /// The events that must still be read once the file has become `damaged`: a header or a table costs its batch, a
    /// payload its event, anything else nothing. Of the last segment, what nothing proves any more ends where the
    /// first thing is wrong.
    pub(crate) fn required(&self, damaged: &[u8], is_last: bool) -> BTreeSet<Position> {
        let is_whole = |range: Range<usize>| damaged.get(range.clone()) == self.bytes.get(range);
        // A batch of which the file has lost a part is none, were it only padding.
        let is_framed =
            |framed: &Framed| is_whole(framed.header_range()) && framed.range().end <= damaged.len();
        let torn_at = if is_last { self.torn_at(damaged, &is_whole, &is_framed) } else { usize::MAX };
        let mut required = BTreeSet::new();
        for framed in self.batches.iter().filter(|framed| (framed.header.offset as usize) < torn_at) {
            if !is_framed(framed) || !is_whole(framed.table_range()) {
                continue;
            }
            let whole = framed.payloads.iter().enumerate().filter(|(_, place)| is_whole((*place).clone()));
            required.extend(whole.map(|(number, _)| framed.header.base + number as Position));
        }
        required
    }

    fn torn_at(
        &self,
        damaged: &[u8],
        is_whole: &dyn Fn(Range<usize>) -> bool,
        is_framed: &dyn Fn(&Framed) -> bool,
    ) -> usize {
        let last = self.batches.last();
        let is_ended = last.is_some_and(|last| {
            matches!(last.header.kind, Kind::Close | Kind::Seal)
                && damaged.len() == self.bytes.len()
                && is_whole(last.range())
        });
        if is_ended {
            return usize::MAX;
        }
        let framed = self.batches.iter().filter(|framed| is_framed(framed));
        let proven = framed.map(|framed| framed.header.synced).max().unwrap_or(HEADER_PAGE);
        let unproven = self.batches.iter().filter(|framed| framed.header.offset >= proven);
        let mut wrong = unproven.filter(|framed| {
            let body = framed.payloads.iter().cloned().chain([framed.table_range()]);
            let padding = framed.header.payload_crc.map(|_| framed.at(framed.header.payload_range()));
            !is_framed(framed) || !body.chain(padding).all(is_whole)
        });
        wrong.next().map_or(usize::MAX, |framed| framed.header.offset as usize)
    }

    /// Whether the file still says by itself what it is.
    pub(crate) fn is_named(&self, damaged: &[u8]) -> bool {
        header::COPIES.into_iter().any(|copy| {
            let range = copy..copy + header::SIZE;
            damaged.get(range.clone()) == self.bytes.get(range)
        })
    }

    /// How many events it has.
    pub(crate) fn events(&self) -> Position {
        self.batches.iter().map(|framed| framed.payloads.len() as Position).sum()
    }

    /// Where its batches end.
    pub(crate) fn end(&self) -> usize {
        self.batches.last().map_or(HEADER_PAGE as usize, |last| last.header.end_offset() as usize)
    }
}
