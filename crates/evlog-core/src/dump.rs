//! Shows the batches of one segment file, whatever state it is in; writes nothing.

use std::path::Path;

use crate::error::{Error, Result};
use crate::format::HEADER_PAGE;
use crate::format::batch::BatchHeader;
use crate::format::header::SegmentHeader;
use crate::position::Position;
use crate::segment::Segment;
use crate::segment::index::Boundary;
use crate::segment::reader::{Step, Walker, Window, body_is_good};
use crate::storage::{Disk, Storage};

/// One thing in a segment file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DumpItem {
    /// A sound batch; `is_good` where its table and payloads are as they were written.
    Batch {
        /// Its header.
        header: BatchHeader,
        /// Whether table and payloads match their checksums.
        is_good: bool,
    },
    /// Bytes in which no sound batch stands.
    Stretch {
        /// First byte.
        offset: u64,
        /// Bytes.
        length: u64,
        /// How many of them are not zero; 0 for room written ahead.
        non_zero: u64,
        /// The position that was expected here.
        position: Position,
    },
}

/// The contents of one segment file, in order.
#[derive(Debug)]
pub struct Dump {
    segment: Segment,
    walker: Walker,
    window: Window,
}

impl Dump {
    /// Opens a segment file, whatever its name: a copy of one is as good.
    ///
    /// # Errors
    /// [`Error::NotALog`] where nothing of it is of a segment, [`Error::Unsupported`], [`Error::UnsafeFile`],
    /// [`Error::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Dump> {
        Dump::open_on(&Disk, path.as_ref())
    }

    /// As [`Dump::open`], on another machine than the real one.
    ///
    /// # Errors
    /// As for [`Dump::open`].
    pub fn open_on(storage: &dyn Storage, path: &Path) -> Result<Dump> {
        let not_a_log = || Error::NotALog { path: path.to_owned() };
        let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(not_a_log)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = storage.open_folder(parent).map_err(Error::io("open", parent, None))?;
        let segment = Segment::open_stray(&*folder, name)?.ok_or_else(not_a_log)?;
        let limit = segment.length()?;
        let front = Boundary { offset: HEADER_PAGE, position: segment.name.base };
        let walker = Walker::new(front, limit, Position::MAX);
        Ok(Dump { segment, walker, window: Window::new(1 << 20) })
    }

    /// The segment's header; `None` where both its copies are damaged.
    pub fn header(&self) -> Option<&SegmentHeader> {
        self.segment.header.as_ref()
    }

    /// The next thing in the file; `None` at its end.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Unsupported`].
    // Not an iterator: an error may come again and again, and the caller decides.
    #[expect(clippy::should_implement_trait, reason = "an error does not end it, as it would an iterator")]
    pub fn next(&mut self) -> Result<Option<DumpItem>> {
        Ok(match self.walker.step(&self.segment, &mut self.window)? {
            Step::End => None,
            Step::Batch(header) => {
                let bytes = self.window.bytes(&self.segment, header.offset, header.length as usize)?;
                Some(DumpItem::Batch { header, is_good: body_is_good(&header, bytes) })
            }
            Step::Stretch(stretch) => {
                let length = stretch.to - stretch.from;
                Some(DumpItem::Stretch {
                    offset: u64::from(stretch.from),
                    length: u64::from(length),
                    non_zero: u64::from(self.window.count_non_zero(
                        &self.segment,
                        stretch.from,
                        stretch.to,
                    )?),
                    position: stretch.expected,
                })
            }
        })
    }
}
