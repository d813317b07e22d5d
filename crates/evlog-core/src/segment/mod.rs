//! One file of batches: its name, its header, and how it is opened.

pub(crate) mod index;
pub(crate) mod reader;
pub(crate) mod writer;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Gap, GapReason, Result, UnknownFeature};
use crate::format::batch::{self, BatchHeader};
use crate::format::header::{COPIES, HeaderFault, SegmentHeader};
use crate::format::{HEADER_PAGE, MAX_SEGMENT};
use crate::position::Position;
use crate::storage::{File, Folder, OpenMode, read_full};

/// Name of a segment's file: the position of its first event, and its number in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    /// Number of the segment in its log: 0, 1, 2 …
    pub ordinal: u64,
    /// Position of its first event.
    pub base: Position,
}

impl SegmentName {
    /// The name that a header tells.
    pub(crate) fn of(header: &SegmentHeader) -> SegmentName {
        SegmentName { ordinal: header.ordinal, base: header.base }
    }

    /// The name in `text`, if it is written exactly as this type writes it.
    pub fn parse(text: &str) -> Option<SegmentName> {
        let (base, ordinal) = text.strip_suffix(".seg")?.split_once('-')?;
        let name = SegmentName { ordinal: ordinal.parse().ok()?, base: base.parse().ok()? };
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:020}-{:010}.seg", self.base, self.ordinal)
    }
}

/// Where a log ends for those who see this much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) ordinal: u64,
    pub(crate) offset: u32,
    pub(crate) position: Position,
}

/// An open segment whose salt is known, so that its batches can be told from anything else.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) name: SegmentName,
    pub(crate) file: Arc<dyn File>,
    pub(crate) path: PathBuf,
    pub(crate) salt: u64,
    /// `None` where both copies are damaged: such a segment is read, never written.
    pub(crate) header: Option<SegmentHeader>,
}

/// What stands where a segment should be.
#[derive(Debug)]
pub(crate) enum Opened {
    Segment(Segment),
    /// Sound, but its header tells another name.
    Foreign,
    /// No sound header, and no batch that tells the salt.
    Unreadable,
}

impl Segment {
    /// Opens the segment of that name. Where its header is damaged, `known_salt`, which the next segment tells, or
    /// the first batch takes its place.
    pub(crate) fn open(
        folder: &dyn Folder,
        name: SegmentName,
        mode: OpenMode,
        known_salt: Option<u64>,
    ) -> Result<Opened> {
        let front = Front::read(folder, &name.to_string(), mode)?;
        let header = front.header(Some(name))?;
        if header.is_some_and(|header| SegmentName::of(&header) != name) {
            return Ok(Opened::Foreign);
        }
        let salt = header.map(|header| header.salt).or(known_salt);
        let salt = salt.or_else(|| front.first_batch().map(|batch| batch.salt));
        let Front { file, path, .. } = front;
        Ok(salt
            .map_or(Opened::Unreadable, |salt| Opened::Segment(Segment { name, file, path, salt, header })))
    }

    /// Opens a file of any name, to read, as the segment that it says it is: by its header; where that is damaged by its
    /// first batch, and then by its name. `None` where nothing of it is of a segment.
    pub(crate) fn open_stray(folder: &dyn Folder, file_name: &str) -> Result<Option<Segment>> {
        let front = Front::read(folder, file_name, OpenMode::Read)?;
        let own_name = SegmentName::parse(file_name);
        let header = front.header(own_name)?;
        let first = front.first_batch();
        let of_batch = first.map(|batch| SegmentName { ordinal: 0, base: batch.base });
        let name = header.as_ref().map(SegmentName::of).or(of_batch).or(own_name);
        let salt = header.map(|header| header.salt).or(first.map(|batch| batch.salt));
        let Front { file, path, .. } = front;
        Ok(name.zip(salt).map(|(name, salt)| Segment { name, file, path, salt, header }))
    }

    /// That the file is longer than any segment, if it is: damage that costs no event. `position` is where the log is.
    pub(crate) fn oversize(&self, position: Position) -> Result<Option<Gap>> {
        let length = self.file.len().map_err(Error::io("measure", &self.path, None))?;
        let offset = u64::from(MAX_SEGMENT);
        Ok((length > offset).then(|| Gap {
            from: position,
            to: position,
            reason: GapReason::Oversize,
            path: self.path.clone(),
            offset,
            length: length - offset,
        }))
    }

    /// Bytes of the file that can belong to a segment.
    pub(crate) fn length(&self) -> Result<u32> {
        let length = self.file.len().map_err(Error::io("measure", &self.path, None))?;
        Ok(u32::try_from(length).unwrap_or(MAX_SEGMENT))
    }
}

/// The first bytes of a file that may be a segment: its header page, and the header of its first batch.
struct Front {
    path: PathBuf,
    file: Arc<dyn File>,
    bytes: Vec<u8>,
}

impl Front {
    fn read(folder: &dyn Folder, file_name: &str, mode: OpenMode) -> Result<Front> {
        let path = folder.path().join(file_name);
        let file = folder.open(file_name, mode).map_err(Error::io("open", &path, None))?;
        let bytes = read_front(&*file).map_err(Error::io("read the header of", &path, 0))?;
        Ok(Front { path, file, bytes })
    }

    /// The header, if a copy of it is good; of two that differ, the one that tells this name.
    fn header(&self, name: Option<SegmentName>) -> Result<Option<SegmentHeader>> {
        let what = match header_for(name, &self.bytes[..self.bytes.len().min(HEADER_PAGE as usize)]) {
            Ok(header) => return Ok(Some(header)),
            Err(HeaderFault::Version(version)) => UnknownFeature::Version(version),
            Err(HeaderFault::Required(bits)) => UnknownFeature::Features(bits),
            Err(_) => return Ok(None),
        };
        Err(Error::Unsupported { path: self.path.clone(), what })
    }

    /// The batch behind the header page, if it is sound by its own salt.
    fn first_batch(&self) -> Option<BatchHeader> {
        let found: &[u8; batch::SIZE] = self.bytes.get(HEADER_PAGE as usize..)?.first_chunk()?;
        let salt = found[8..].first_chunk().map(|bytes| u64::from_le_bytes(*bytes))?;
        BatchHeader::decode(found, salt, HEADER_PAGE, MAX_SEGMENT).ok()
    }
}

/// The header page and the first batch header behind it. Where a sector of it cannot be read, that must not cost the
/// segment: then the half with the other copy of the header is enough.
fn read_front(file: &dyn File) -> std::io::Result<Vec<u8>> {
    let mut page = vec![0; HEADER_PAGE as usize + batch::SIZE];
    let error = match read_full(file, &mut page, 0) {
        Ok(length) => {
            page.truncate(length);
            return Ok(page);
        }
        Err(error) => error,
    };
    for half in [0..COPIES[1], COPIES[1]..page.len()] {
        let offset = half.start as u64;
        if read_full(file, &mut page[half.clone()], offset).is_err() {
            page[half].fill(0);
        }
    }
    match SegmentHeader::decode_page(&page) {
        // Nothing is concluded from what could not be read.
        Err(HeaderFault::Magic | HeaderFault::Damaged) => Err(error),
        _ => Ok(page),
    }
}

/// The header in the first page of the file of this name. Where the copy that counts tells another name, the other
/// copy counts if it tells this one: a sector of another segment was written here by mistake.
fn header_for(name: Option<SegmentName>, page: &[u8]) -> std::result::Result<SegmentHeader, HeaderFault> {
    let first = SegmentHeader::decode_page(page)?;
    let second = SegmentHeader::decode(page.get(COPIES[1]..).unwrap_or_default());
    let is_own = |header: &SegmentHeader| name.is_none_or(|name| SegmentName::of(header) == name);
    Ok(second.ok().filter(|second| !is_own(&first) && is_own(second)).unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::MAX_ORDINAL;

    #[test]
    fn only_canonical_names_are_segments() {
        let name = SegmentName { base: 42, ordinal: 7 };
        assert_eq!(name.to_string(), "00000000000000000042-0000000007.seg");
        assert_eq!(SegmentName::parse("00000000000000000042-0000000007.seg"), Some(name));
        let last = SegmentName { base: u64::MAX, ordinal: MAX_ORDINAL };
        assert_eq!(SegmentName::parse(&last.to_string()), Some(last));
        for text in [
            "42-7.seg",
            "00000000000000000042-0000000007",
            "00000000000000000042-0000000007.seg.tmp",
            "0000000000000000004a-0000000007.seg",
            "+0000000000000000042-0000000007.seg",
            "00000000000000000042-000000000007.seg",
            "99999999999999999999-0000000007.seg",
            "-0000000000000000001-0000000007.seg",
            "new-0123.tmp",
            "",
        ] {
            assert_eq!(SegmentName::parse(text), None, "{text}");
        }
    }
}
