//! Lengthens the active segment. The only code that does: batches, marks, seals and closes, and the zeros ahead.

use std::io;
use std::sync::Arc;

use crate::batch::{Group, Landing};
use crate::error::Error;
use crate::format::batch::{self, BatchHeader, Kind};
use crate::format::checksum::checksum;
use crate::format::header::{HINT_OFFSET, Hint, SegmentHeader};
use crate::format::tail::{TAIL_BATCH, Tail};
use crate::format::{HEADER_PAGE, MAX_SEGMENT};
use crate::position::Position;
use crate::segment::index::{Boundary, Index, LiveIndex, Times};
use crate::segment::{End, Segment, SegmentName};
use crate::storage::{File, Folder, OpenMode, is_gone, is_no_room, write_full};

/// Synced groups after which zeros are written ahead: a topic that gets a handful of events never has any.
const GROUPS_BEFORE_ZEROS: u32 = 8;
/// Largest group that has zeros written behind it; larger ones gain less than the second writing costs.
const LARGEST_GROUP_WITH_ZEROS: usize = 64 << 10;
/// Fewest and most zeros written ahead at once, in bytes.
const ZEROS: std::ops::RangeInclusive<u32> = 16 << 10..=256 << 10;
/// A hint is written once for so many synced bytes.
const HINT_STRIDE: u32 = 1 << 20;
/// A close carries an index where so many bytes have none yet.
const INDEX_STRIDE: u32 = 1 << 20;
/// No group ends behind this offset: what is left up to the largest holds padding, a mark, the largest index and an
/// orderly end.
pub(crate) const LONGEST: u32 = MAX_SEGMENT - (64 << 20);

static ZERO_BYTES: [u8; *ZEROS.end() as usize] = [0; *ZEROS.end() as usize];

/// What became of a group that could not be written.
#[derive(Debug)]
pub(crate) enum WriteFailure {
    /// Nothing of it will ever appear.
    NotWritten(io::Error),
    /// It may appear, whole or not at all.
    Indeterminate(io::Error),
}

/// Invariants: `synced <= end <= length of the file`; all bytes in `end..ahead` are zeros that this writer wrote;
/// nothing at or behind `end` is of the log.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) segment: Segment,
    pub(crate) end: u32,
    pub(crate) synced: u32,
    ahead: u32,
    /// Zeros are not written at or behind this offset.
    zeros_limit: u32,
    pad_to: Option<u32>,
    synced_groups: u32,
    /// Where the newest group starts: what a hint tells, since a batch that is there confirms it.
    newest_group: Boundary,
    hint: u32,
    index: Arc<LiveIndex>,
    /// Offset of the newest index batch, 0 where there is none.
    stored_index: u32,
    /// Bytes from here on are in no stored index.
    indexed_until: u32,
    is_marked: bool,
    /// Whether an orderly end stands right before `end`.
    is_closed: bool,
}

/// Where a writer goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resume {
    pub(crate) end: u32,
    /// Bytes of the file; what lies behind `end` is zeros.
    pub(crate) length: u32,
    pub(crate) times: Times,
    /// Offset of the newest index batch, 0 where there is none.
    pub(crate) stored_index: u32,
    /// Whether an orderly end stands right before `end`.
    pub(crate) is_closed: bool,
}

/// How a writer treats its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriterOptions {
    pub(crate) segment_bytes: u32,
    pub(crate) pad_to: Option<u32>,
}

impl Writer {
    /// Makes a segment that holds nothing: complete under another name, then renamed, then the folder synced.
    /// `Err(Indeterminate)` where the name may or may not last.
    pub(crate) fn create(
        folder: &dyn Folder,
        header: &SegmentHeader,
        temporary: &str,
        options: &WriterOptions,
    ) -> Result<Writer, WriteFailure> {
        let name = SegmentName { ordinal: header.ordinal, base: header.base };
        let made = Self::make_file(folder, header, temporary, &name.to_string());
        let file = made.map_err(|error| {
            // Nothing refers to it, and open removes what could not be removed here.
            let _ = folder.remove(temporary);
            WriteFailure::NotWritten(error)
        })?;
        folder.sync().map_err(WriteFailure::Indeterminate)?;
        let segment = Segment {
            name,
            file,
            path: folder.path().join(name.to_string()),
            salt: header.salt,
            header: Some(*header),
        };
        let resume = Resume {
            end: HEADER_PAGE,
            length: HEADER_PAGE,
            times: Times::NONE,
            stored_index: 0,
            is_closed: false,
        };
        Ok(Writer::resume(segment, resume, options))
    }

    fn make_file(
        folder: &dyn Folder,
        header: &SegmentHeader,
        temporary: &str,
        name: &str,
    ) -> io::Result<Arc<dyn File>> {
        let file = folder.open(temporary, OpenMode::CreateNew)?;
        let written = write_full(&*file, &[&header.encode_page()], 0);
        written.error.map_or(Ok(()), Err)?;
        file.sync()?;
        folder.rename(temporary, name)?;
        Ok(file)
    }

    /// Goes on in a segment whose bytes up to `resume.end` are synced.
    pub(crate) fn resume(segment: Segment, resume: Resume, options: &WriterOptions) -> Writer {
        Writer {
            segment,
            end: resume.end,
            synced: resume.end,
            ahead: resume.length,
            zeros_limit: options.segment_bytes,
            pad_to: options.pad_to,
            synced_groups: 0,
            newest_group: Boundary { offset: resume.end, position: 0 },
            hint: resume.end,
            index: Arc::new(LiveIndex::new(resume.stored_index, resume.times)),
            stored_index: resume.stored_index,
            indexed_until: resume.end,
            is_marked: true,
            is_closed: resume.is_closed,
        }
    }

    /// Where batches of this segment start, for readers.
    pub(crate) fn index(&self) -> Arc<LiveIndex> {
        Arc::clone(&self.index)
    }

    /// Where the log ends for those who see everything written, if its next event gets `position`.
    pub(crate) fn reaches(&self, position: Position) -> End {
        End { ordinal: self.segment.name.ordinal, offset: self.end, position }
    }

    /// Whether nothing was written to this segment.
    pub(crate) fn is_empty(&self) -> bool {
        self.end == HEADER_PAGE
    }

    /// Whether what ends a segment might pass the largest offset. We never write a segment that long.
    fn is_too_long(&self) -> bool {
        self.end > LONGEST
    }

    /// Writes a group behind the end, in one call. Its first event gets position `base`.
    pub(crate) fn write(&mut self, group: &mut Group, base: Position) -> Result<(), WriteFailure> {
        let landing = Landing {
            salt: self.segment.salt,
            base,
            offset: self.end,
            synced: self.synced,
            pad_to: self.pad_to,
        };
        self.check_file()?;
        let bytes = group.place_at(&landing);
        let length = bytes.len();
        let zeros = self.zeros_behind(length);
        let written =
            write_full(&*self.segment.file, &[bytes, &ZERO_BYTES[..zeros as usize]], u64::from(self.end));
        if written.bytes < length {
            let error = written.error.unwrap_or_else(|| io::ErrorKind::WriteZero.into());
            return Err(self.take_back(written.bytes, error));
        }
        self.note(group, &landing);
        self.newest_group = Boundary { offset: self.end, position: base };
        self.end += length as u32;
        self.ahead = self.ahead.max(landing.offset + written.bytes as u32);
        self.is_marked = false;
        self.is_closed = false;
        Ok(())
    }

    /// Counts a written group into the index and into the bounds of the timestamps.
    fn note(&mut self, group: &Group, landing: &Landing) {
        let mut position = landing.base;
        let boundaries = group.starts().map(|(at, count)| {
            let boundary = Boundary { offset: landing.offset + at as u32, position };
            position += u64::from(count);
            boundary
        });
        self.index.note(boundaries, group.times());
    }

    /// A file that is shorter than what was written to it was cut by somebody else: going on would leave a hole. One
    /// that was removed would take everything along that is written to it.
    fn check_file(&self) -> Result<(), WriteFailure> {
        let file = &self.segment.file;
        let length = file.len().map_err(WriteFailure::of_look)?;
        let reason = if length < u64::from(self.end) {
            format!("the file was cut to {length} bytes by somebody else, {} were written", self.end)
        } else if !file.has_name().map_err(WriteFailure::of_look)? {
            "the file was removed by somebody else".to_owned()
        } else {
            return Ok(());
        };
        Err(WriteFailure::Indeterminate(io::Error::new(io::ErrorKind::UnexpectedEof, reason)))
    }

    /// How many zeros to write behind a group of `length` bytes.
    fn zeros_behind(&self, length: usize) -> u32 {
        let group_end = self.end as usize + length;
        let is_due = self.synced_groups >= GROUPS_BEFORE_ZEROS
            && length <= LARGEST_GROUP_WITH_ZEROS
            && group_end > self.ahead as usize;
        if !is_due {
            return 0;
        }
        (self.end - HEADER_PAGE)
            .clamp(*ZEROS.start(), *ZEROS.end())
            .min(self.zeros_limit.saturating_sub(group_end as u32))
    }

    /// After a write that stopped half-way: where there was only no room, the bytes that did arrive are made zeros
    /// again, durably, so that no later and shorter write can leave a stale batch behind itself.
    fn take_back(&mut self, bytes: usize, error: io::Error) -> WriteFailure {
        if !is_no_room(&error) {
            return WriteFailure::Indeterminate(error);
        }
        if bytes > 0 {
            let zeros = vec![0; bytes];
            let erased = write_full(&*self.segment.file, &[&zeros], u64::from(self.end));
            if let Some(error) = erased.error.or_else(|| self.segment.file.sync().err()) {
                return WriteFailure::Indeterminate(error);
            }
            self.ahead = self.ahead.max(self.end + bytes as u32);
        }
        WriteFailure::NotWritten(error)
    }

    /// Makes everything written durable.
    ///
    /// # Errors
    /// What the system says; nothing may be written to this segment afterwards.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.synced == self.end {
            return Ok(());
        }
        self.segment.file.sync()?;
        self.synced = self.end;
        self.synced_groups = self.synced_groups.saturating_add(1);
        if self.synced - self.hint >= HINT_STRIDE && self.pad_to.is_none() {
            self.hint = self.synced;
            let Boundary { offset, position } = self.newest_group;
            let hint = Hint { salt: self.segment.salt, position, offset };
            // A cache: without it the next unclean open takes longer, and that is all.
            let _ = write_full(&*self.segment.file, &[&hint.encode()], HINT_OFFSET);
        }
        Ok(())
    }

    /// Writes a mark, which tells readers in other processes that all above it is durable. Nothing depends on it:
    /// where it cannot be written, nothing has happened.
    pub(crate) fn mark(&mut self, position: Position) {
        if self.is_marked || self.synced != self.end || self.is_too_long() {
            return;
        }
        let mut length = batch::SIZE as u32;
        if let Some(to) = self.pad_to {
            length = (self.end + length).next_multiple_of(to) - self.end;
        }
        let bytes = self.without_events(Kind::Mark, self.end, position, &[], length);
        let written = write_full(&*self.segment.file, &[&bytes], u64::from(self.end));
        if written.bytes == bytes.len() {
            // The mark itself is not synced: no later batch may say that it is.
            self.end += length;
            self.ahead = self.ahead.max(self.end);
            self.is_marked = true;
        }
    }

    /// Ends the segment in order, for good or until it is opened again: index, tail, and no zeros behind them. All
    /// of these are caches; the caller decides whether an error matters and whether to sync.
    pub(crate) fn finish(&mut self, kind: Kind, position: Position, start: Position) -> io::Result<()> {
        if self.is_closed && kind == Kind::Close || self.is_too_long() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        let mut index_at = self.stored_index;
        let area = self.index.with(&self.segment, Index::encode).unwrap_or_default();
        let is_worth_it = kind == Kind::Seal || self.end - self.indexed_until >= INDEX_STRIDE;
        if !area.is_empty() && is_worth_it {
            index_at = self.end;
            let length = batch::SIZE + area.len();
            bytes = self.without_events(Kind::Index, self.end, position, &area, length as u32);
        }
        let times = self.index.times();
        let tail = Tail { start, least: times.least, greatest: times.greatest, index: index_at };
        let tail_at = self.end + bytes.len() as u32;
        bytes.extend(self.without_events(kind, tail_at, position, &tail.encode(), TAIL_BATCH as u32));
        let written = write_full(&*self.segment.file, &[&bytes], u64::from(self.end));
        if let Some(error) = written.error {
            self.drop_half_an_end(written.bytes);
            return Err(error);
        }
        let end = self.end + bytes.len() as u32;
        if self.segment.file.len()? > u64::from(end) {
            self.segment.file.set_len(u64::from(end))?;
        }
        Ok(())
    }

    /// Half an orderly end would be left over for the next open. Best effort: it would be no more than that.
    fn drop_half_an_end(&self, bytes: usize) {
        let erased = write_full(&*self.segment.file, &[&vec![0; bytes]], u64::from(self.end));
        if bytes > 0 && erased.error.is_none() {
            let _ = self.segment.file.set_len(u64::from(self.end));
        }
    }

    /// A batch without events.
    fn without_events(&self, kind: Kind, offset: u32, base: Position, area: &[u8], length: u32) -> Vec<u8> {
        let header = BatchHeader {
            salt: self.segment.salt,
            base,
            offset,
            synced: self.synced,
            length,
            payload_bytes: area.len() as u32,
            count: 0,
            table_crc: checksum(&[]),
            payload_crc: (!area.is_empty()).then(|| checksum(area)),
            schema: 0,
            kind,
            has_origin: false,
        };
        let mut bytes = header.encode().to_vec();
        bytes.extend_from_slice(area);
        bytes.resize(length as usize, 0);
        bytes
    }
}

impl WriteFailure {
    /// Before anything was written. A file that is gone has taken along what was written to it before.
    fn of_look(error: io::Error) -> WriteFailure {
        if is_gone(&error) { WriteFailure::Indeterminate(error) } else { WriteFailure::NotWritten(error) }
    }

    /// The error that the caller of an append sees.
    pub(crate) fn into_error(self, path: &std::path::Path) -> Error {
        let path = path.to_owned();
        match self {
            WriteFailure::NotWritten(source) if is_no_room(&source) => Error::NoSpace { path, source },
            WriteFailure::NotWritten(source) => Error::NotWritten { path, source },
            WriteFailure::Indeterminate(source) => Error::Indeterminate { path, source },
        }
    }
}
