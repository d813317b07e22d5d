//! What can go wrong, and the places where damage hides events.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::position::Position;

/// A result whose error is [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Why the log could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused a read, or something around the events; nothing is concluded about the bytes, and
    /// trying again is safe.
    #[error("cannot {operation} {}{}", path.display(), at_offset(*offset))]
    Io {
        /// What was tried.
        operation: &'static str,
        /// File or folder.
        path: PathBuf,
        /// Byte offset in the file, where there is one.
        offset: Option<u64>,
        /// What the system said.
        source: io::Error,
    },
    /// There is no room: the events were not written and will never appear. The log is usable, and the same
    /// append succeeds once there is room.
    #[error("no room to write {}: nothing was written; free some space and append again", path.display())]
    NoSpace {
        /// The file that could not grow.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The events were not written and will never appear. The log is usable.
    #[error("nothing was written to {}", path.display())]
    NotWritten {
        /// The file or folder that could not be prepared.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A write or a sync failed half-way: the events appear whole or not at all, and the next open decides. The
    /// log is poisoned. A sync is never tried again: after a failed one, Linux may report success for bytes that
    /// never reached the disk.
    #[error("it is not known whether the last events reached {}: open the log again to find out", path.display())]
    Indeterminate {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An earlier write or sync failed: nothing is appended until the log is opened again. Reading goes on.
    #[error("{} takes no appends since a write or sync failed: close it and open it again", path.display())]
    Poisoned {
        /// The log's folder.
        path: PathBuf,
    },
    /// Somebody else writes this log.
    #[error("{} is locked: another process or another handle writes it; close that one, or open read-only", path.display())]
    Locked {
        /// The log's folder.
        path: PathBuf,
    },
    /// The log was opened to read only.
    #[error("{} was opened to read only", path.display())]
    ReadOnly {
        /// The log's folder.
        path: PathBuf,
    },
    /// There is no such log, and it was not to be made.
    #[error("there is no log in {}", path.display())]
    NotFound {
        /// The log's folder.
        path: PathBuf,
    },
    /// Segments are missing at the end, so that the next position is not known. Nothing was changed.
    #[error("segments are missing in {}: put them back, or read what is there with a read-only open", path.display())]
    MissingSegments {
        /// The log's folder.
        path: PathBuf,
    },
    /// The file is no segment, or one whose header is beyond reading. Nothing was changed.
    #[error("{} is no segment of a log: move the file away, or restore it", path.display())]
    NotALog {
        /// The file.
        path: PathBuf,
    },
    /// Written by a later version, or with features that this one does not have. Nothing was changed.
    #[error("{} has {what}, which this version does not know: use a newer one", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is not known.
        what: UnknownFeature,
    },
    /// A link, pipe, device or folder where a regular file should be, or a file where a folder should be.
    #[error("{} is a link or no regular file or folder: it is not touched", path.display())]
    UnsafeFile {
        /// The file.
        path: PathBuf,
    },
    /// The folder lies on a file system whose locks and syncs cannot be relied on.
    #[error("{} lies on {kind}: use a file system of this machine", path.display())]
    UnreliableStorage {
        /// The folder.
        path: PathBuf,
        /// The file system.
        kind: &'static str,
    },
    /// Damage met by an open that was told to be strict. Nothing was changed.
    #[error("damage found and the open was strict: {0}")]
    Damaged(Gap),
    /// Positions that cannot be read. A reader goes on behind them when it is asked for the next event.
    #[error("{0}")]
    Gap(Gap),
    /// More than the format or the options allow. Nothing was written and no position was taken.
    #[error("{what} of {size} is too large: at most {limit}")]
    TooLarge {
        /// What is too large, and its unit.
        what: &'static str,
        /// How large it is.
        size: u64,
        /// How large it may be.
        limit: u64,
    },
    /// The position was dropped from the front of the log.
    #[error("position {asked} is gone: the log starts at {start}")]
    Trimmed {
        /// The position asked for.
        asked: Position,
        /// The first position that is left.
        start: Position,
    },
    /// The position lies behind the end of the log.
    #[error("position {asked} lies behind the end: the next event gets {end}")]
    OutOfRange {
        /// The position asked for.
        asked: Position,
        /// The end of the log.
        end: Position,
    },
    /// An option has a value that makes no sense.
    #[error("option {name} cannot be {value}: {reason}")]
    InvalidOption {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: u64,
        /// Why not.
        reason: &'static str,
    },
    /// The log was opened before a fork, in the parent. The parent goes on using it.
    #[error("{} was opened before a fork: open it again in this process", path.display())]
    Forked {
        /// The log's folder.
        path: PathBuf,
    },
}

fn at_offset(offset: Option<u64>) -> String {
    offset.map_or_else(String::new, |offset| format!(" at offset {offset}"))
}

impl Error {
    /// A function that makes an [`Error::Io`] of what the system said, for `map_err`. What stands for an unsafe
    /// file becomes [`Error::UnsafeFile`].
    pub(crate) fn io(
        operation: &'static str,
        path: &Path,
        offset: impl Into<Option<u64>>,
    ) -> impl FnOnce(io::Error) -> Error {
        let offset = offset.into();
        move |source| match source.kind() {
            io::ErrorKind::InvalidInput if source.raw_os_error().is_none() => {
                Error::UnsafeFile { path: path.to_owned() }
            }
            _ => Error::Io { operation, path: path.to_owned(), offset, source },
        }
    }
}

/// What a file has that this version does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownFeature {
    /// A format version.
    Version(u16),
    /// Bits of features that a reader must have.
    Features(u32),
    /// A batch of a kind, or with flags, that a reader must know.
    Batch {
        /// Kind byte.
        kind: u8,
        /// Flags byte.
        flags: u8,
        /// Its offset in the file.
        offset: u64,
    },
}

impl fmt::Display for UnknownFeature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnknownFeature::Version(version) => write!(out, "format version {version}"),
            UnknownFeature::Features(bits) => write!(out, "required features {bits:#x}"),
            UnknownFeature::Batch { kind, flags, offset } => {
                write!(out, "a batch of kind {kind} with flags {flags:#x} at offset {offset}")
            }
        }
    }
}

/// Positions that cannot be read, because of damage or because a file is missing. The bytes stay as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// First position of the gap.
    pub from: Position,
    /// Position behind the gap; equal to `from` where damage hides no event.
    pub to: Position,
    /// What is wrong.
    pub reason: GapReason,
    /// The segment's file.
    pub path: PathBuf,
    /// Byte offset of the damage in it.
    pub offset: u64,
    /// Bytes of the damage; 0 where a file is missing.
    pub length: u64,
}

impl fmt::Display for Gap {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to.saturating_sub(self.from) {
            0 => write!(out, "no position is lost")?,
            1 => write!(out, "position {} is lost", self.from)?,
            _ => write!(out, "positions {}..{} are lost", self.from, self.to)?,
        }
        write!(out, ": {} in {}", self.reason, self.path.display())?;
        match self.length {
            0 => Ok(()),
            length => write!(out, ", {length} bytes at offset {}", self.offset),
        }
    }
}

/// What is wrong in a [`Gap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapReason {
    /// The payload of one event does not match its checksum.
    Payload,
    /// The table of a batch does not match its checksum: the whole batch is lost.
    Table,
    /// No batch stands where one should.
    Header,
    /// A segment is missing.
    MissingSegment,
    /// A segment belongs to another log, or to another place in this one.
    ForeignSegment,
    /// The header of a segment is beyond reading, and nothing else tells how to read the rest.
    SegmentHeader,
    /// A segment's file is longer than any segment: what lies at or behind 4 GiB - 1 is not looked at.
    Oversize,
}

impl GapReason {
    /// The one word that stands for the reason in JSON and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            GapReason::Payload => "payload",
            GapReason::Table => "table",
            GapReason::Header => "header",
            GapReason::MissingSegment => "missing-segment",
            GapReason::ForeignSegment => "foreign-segment",
            GapReason::SegmentHeader => "segment-header",
            GapReason::Oversize => "oversize",
        }
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            GapReason::Payload => "damaged payload",
            GapReason::Table => "damaged batch table",
            GapReason::Header => "damaged batch",
            GapReason::MissingSegment => "missing segment",
            GapReason::ForeignSegment => "foreign segment",
            GapReason::SegmentHeader => "damaged segment header",
            GapReason::Oversize => "file longer than any segment",
        })
    }
}
