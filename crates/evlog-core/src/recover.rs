//! Acts on the judgement of the last segment: makes what is kept durable, and says what was found.
//!
//! Nothing is cut, changed or removed. What was judged is written again with itself and synced before anybody sees
//! it: after a failed sync or a kill, the page cache may hold what the disk does not, and the other way round.

use std::ops::Range;
use std::path::PathBuf;

use crate::error::{Error, Gap, Result};
use crate::format::MAX_SEGMENT;
use crate::format::batch::Kind;
use crate::format::tail::Tail;
use crate::position::Position;
use crate::scan::{self, Judgement, Unfinished};
use crate::segment::Segment;
use crate::segment::index::Boundary;
use crate::storage::{is_no_room, read_full, write_full};

/// Blank bytes behind the end that are still written again rather than left behind. Writers put far fewer there, so
/// more of them come from somebody else, and a giant sparse file must not be filled.
const MOST_BLANK: u32 = 1 << 20;
/// Bytes that are written again at once.
const PIECE: u32 = 1 << 20;
/// How often a tail may change under recovery before that counts as an error.
const ATTEMPTS: u32 = 3;

/// How a log was found when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// There was none; it was made.
    Nothing,
    /// Its writer had closed it.
    Closed,
    /// Its writer had stopped without closing it.
    Unclean,
}

/// What an open found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How the log was found.
    pub found: Found,
    /// Whether somebody else was writing the log. Also where the lock may not be looked at, so that nobody can tell.
    pub has_writer: bool,
    /// Bytes that were looked at to find the end.
    pub scanned_bytes: u64,
    /// Bytes that were written again with themselves and synced; always 0 where the open was read-only.
    pub rewritten_bytes: u64,
    /// Non-zero bytes that stay behind the end: a write that was never finished.
    pub leftover_bytes: u64,
    /// The positions that events in these bytes may have had. They are given to other events now.
    pub leftover_positions: Range<Position>,
    /// Positions that are shown but not proven to be durable; never any after a read-write open.
    pub unproven: Range<Position>,
    /// Positions that the last orderly stop still knew and that are gone since: trimmed, or lost with their files.
    pub gone: Range<Position>,
    /// Damage met in the last segment. Older segments are judged where a reader crosses them.
    pub gaps: Vec<Gap>,
    /// Files with the name of a segment that belong to another log or another place; they are not touched.
    pub foreign: Vec<PathBuf>,
}

impl Report {
    pub(crate) fn new(found: Found) -> Report {
        Report {
            found,
            has_writer: false,
            scanned_bytes: 0,
            rewritten_bytes: 0,
            leftover_bytes: 0,
            leftover_positions: 0..0,
            unproven: 0..0,
            gone: 0..0,
            gaps: Vec::new(),
            foreign: Vec::new(),
        }
    }

    /// Whether there is nothing in it that a person should know.
    pub fn is_uneventful(&self) -> bool {
        self.leftover_bytes == 0
            && self.unproven.is_empty()
            && self.gone.is_empty()
            && self.gaps.is_empty()
            && self.foreign.is_empty()
    }
}

/// The last segment after recovery.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// Where the log ends in this segment.
    pub(crate) end: u32,
    pub(crate) position: Position,
    /// Whether appending may go on in this segment, or needs the next one.
    pub(crate) next: Continue,
    /// Bytes of the file.
    pub(crate) length: u32,
    /// Non-zero bytes behind the end.
    pub(crate) leftover: u32,
    /// How far the segment is proven to be durable; `None` where it was ended in order.
    pub(crate) proven: Option<Boundary>,
}

/// Where appending goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Continue {
    /// In this segment, behind an orderly end.
    Behind(Kind, Tail),
    /// In this segment: only zeros stand behind its end.
    Here,
    /// In a new segment.
    InNext,
}

/// Judges the last segment without touching it.
pub(crate) fn look(segment: &Segment, report: &mut Report) -> Result<Recovered> {
    let judgement = scan::judge(segment)?;
    if let Judgement::Unfinished(judged) = &judgement {
        report.unproven = judged.proven_position..judged.position;
    }
    Ok(conclude(segment, judgement, report))
}

/// Judges the last segment and makes what is kept of it durable. Bounds everything first, writes then.
pub(crate) fn recover(segment: &Segment, report: &mut Report) -> Result<Recovered> {
    let mut judgement = scan::judge(segment)?;
    let mut has_room = true;
    for _ in 0..ATTEMPTS {
        let Judgement::Unfinished(judged) = &judgement else {
            if let Judgement::Finished { kind: Kind::Close, end, synced, .. } = &judgement {
                rewrite(segment, *synced, *end)?;
                segment.file.sync().map_err(Error::io("sync", &segment.path, None))?;
            }
            return Ok(conclude(segment, judgement, report));
        };
        report.rewritten_bytes += rewrite(segment, judged.proven, judged.end)?;
        if goes_on(segment, judged) {
            match rewrite(segment, judged.end, judged.length) {
                Ok(bytes) => report.rewritten_bytes += bytes,
                // Zeros that were never written take room. Where there is none they stay behind, as leftover bytes
                // do, so that the log can be opened, read and trimmed.
                Err(Error::Io { source, .. }) if is_no_room(&source) => has_room = false,
                Err(error) => return Err(error),
            }
        }
        segment.file.sync().map_err(Error::io("sync", &segment.path, None))?;
        // Now disk and page cache agree, so this verdict is the one that lasts.
        let again = scan::judge(segment)?;
        if again == judgement {
            let mut recovered = conclude(segment, judgement, report);
            if !has_room {
                recovered.next = Continue::InNext;
            }
            return Ok(recovered);
        }
        judgement = again;
    }
    let changed = std::io::Error::other("the end of the file changed while it was being recovered");
    Err(Error::io("recover", &segment.path, None)(changed))
}

/// Whether appending may go on in the segment: it has a header, and only zeros stand behind its end, few enough to be
/// ours, in a file that has not been lengthened beyond all measure.
fn goes_on(segment: &Segment, judged: &Unfinished) -> bool {
    let blank = judged.length.checked_sub(judged.end);
    segment.header.is_some()
        && judged.leftover == 0
        && judged.length < MAX_SEGMENT
        && blank.is_some_and(|bytes| bytes <= MOST_BLANK)
}

fn conclude(segment: &Segment, judgement: Judgement, report: &mut Report) -> Recovered {
    match judgement {
        Judgement::Finished { kind, end, position, tail, .. } => {
            report.found = Found::Closed;
            let is_whole = segment.header.is_some() || kind == Kind::Seal;
            Recovered {
                end,
                position,
                // To a segment without a header nothing is appended, however orderly it ends.
                next: if is_whole { Continue::Behind(kind, tail) } else { Continue::InNext },
                length: end,
                leftover: 0,
                proven: None,
            }
        }
        Judgement::Unfinished(judged) => {
            report.found = Found::Unclean;
            report.scanned_bytes = u64::from(judged.length - judged.scanned_from.min(judged.length));
            report.leftover_bytes = u64::from(judged.leftover);
            let most = u64::from(judged.length - judged.end.min(judged.length)) / 16;
            let hidden = if judged.leftover == 0 { 0 } else { most };
            report.leftover_positions = judged.position..judged.position.saturating_add(hidden);
            let next = if goes_on(segment, &judged) { Continue::Here } else { Continue::InNext };
            let (end, position, length, leftover) =
                (judged.end, judged.position, judged.length, judged.leftover);
            let proven =
                Boundary { offset: judged.proven.min(end), position: judged.proven_position.min(position) };
            report.gaps = judged.damage;
            Recovered { end, position, next, length, leftover, proven: Some(proven) }
        }
    }
}

/// Writes `from..to` again with the bytes that are there, and returns how many those are.
fn rewrite(segment: &Segment, from: u32, to: u32) -> Result<u64> {
    let mut at = from;
    let mut buffer = Vec::new();
    while at < to {
        buffer.resize(PIECE.min(to - at) as usize, 0);
        let offset = u64::from(at);
        let count = read_full(&*segment.file, &mut buffer, offset).map_err(Error::io(
            "read",
            &segment.path,
            offset,
        ))?;
        if count == 0 {
            break;
        }
        let written = write_full(&*segment.file, &[&buffer[..count]], offset);
        if let Some(error) = written.error {
            return Err(Error::io("write again", &segment.path, offset)(error));
        }
        at += count as u32;
    }
    Ok(u64::from(at - from))
}
