//! Judges the last segment of a log: where it ends, what is damaged, what is left over. Writes nothing.
//!
//! The one place that tells a torn tail from damage. A batch says how far its segment had been synced when it was
//! written; the largest such offset in the segment is the *proven end*. Below it, whatever is wrong was whole once
//! and is **damage**: it stays, it is reported, and its positions are a gap. From there on nothing was ever
//! promised, and the log ends where the first thing is wrong: a **torn tail**.

use crate::error::{Gap, GapReason, Result};
use crate::format::HEADER_PAGE;
use crate::format::batch::Kind;
use crate::format::header::{HINT_OFFSET, HINT_SIZE, Hint};
use crate::format::tail::{TAIL_BATCH, Tail};
use crate::position::Position;
use crate::segment::Segment;
use crate::segment::index::Boundary;
use crate::segment::reader::{Step, Stretch, Walker, Window, body_is_good};
use crate::storage::read_full;

/// Bytes read at once while judging.
const PIECE: usize = 256 << 10;
/// So many stretches are kept from part one to part two, which searches for the later ones again, and so many gaps
/// are reported: no file may make a judgement take memory without bound.
const MOST_STRETCHES: usize = 4_096;

/// The judgement of a last segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It was ended in order, by a seal or a close; nothing else of it was looked at.
    Finished { kind: Kind, end: u32, synced: u32, position: Position, tail: Tail },
    /// It was not.
    Unfinished(Unfinished),
}

/// A last segment that was not ended in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfinished {
    /// Where the log ends, in bytes.
    pub(crate) end: u32,
    /// The next position.
    pub(crate) position: Position,
    /// Below this offset everything had been synced.
    pub(crate) proven: u32,
    /// The first position that is not proven; positions from here up to `position` are valid all the same.
    pub(crate) proven_position: Position,
    /// What is wrong below the proven end, as far as the judgement looked; the first 4,096 places.
    pub(crate) damage: Vec<Gap>,
    /// Bytes of the file.
    pub(crate) length: u32,
    /// How many bytes behind the end are not zero.
    pub(crate) leftover: u32,
    /// Where the judgement began to look.
    pub(crate) scanned_from: u32,
}

/// Judges a segment that has no successor.
pub(crate) fn judge(segment: &Segment) -> Result<Judgement> {
    let length = segment.length()?;
    if length < HEADER_PAGE {
        return Ok(Judgement::Unfinished(Unfinished::cut(segment, length)));
    }
    let mut window = Window::new(PIECE);
    if let Some(finished) = finished(segment, &mut window, length)? {
        return Ok(finished);
    }
    let first = hinted(segment, &mut window, length)?
        .unwrap_or(Boundary { offset: HEADER_PAGE, position: segment.name.base });
    let (proven, stretches) = find_proof(segment, &mut window, first, length)?;
    let mut judged = Unfinished {
        end: first.offset,
        position: first.position,
        proven,
        proven_position: first.position,
        damage: Vec::new(),
        length,
        leftover: 0,
        scanned_from: first.offset,
    };
    follow(segment, &mut window, &stretches, &mut judged)?;
    judged.damage.extend(segment.oversize(judged.position)?);
    judged.leftover = window.count_non_zero(segment, judged.end, length)?;
    Ok(Judgement::Unfinished(judged))
}

impl Unfinished {
    /// The judgement of a file that is not even as long as every segment is from its beginning: it was cut by
    /// somebody else, and nothing tells what it held.
    fn cut(segment: &Segment, length: u32) -> Unfinished {
        let base = segment.name.base;
        let gap = Gap {
            from: base,
            to: base,
            reason: GapReason::SegmentHeader,
            path: segment.path.clone(),
            offset: u64::from(length),
            length: u64::from(HEADER_PAGE - length),
        };
        Unfinished {
            end: HEADER_PAGE,
            position: base,
            proven: HEADER_PAGE,
            proven_position: base,
            damage: vec![gap],
            length,
            leftover: 0,
            scanned_from: HEADER_PAGE,
        }
    }
}

/// The seal or close that are the last bytes of the file, if they are one.
fn finished(segment: &Segment, window: &mut Window, length: u32) -> Result<Option<Judgement>> {
    let Some(at) = length.checked_sub(TAIL_BATCH as u32).filter(|&at| at >= HEADER_PAGE) else {
        return Ok(None);
    };
    let Some(header) = window.header(segment, at, length)? else { return Ok(None) };
    let bytes = window.bytes(segment, at, TAIL_BATCH)?;
    let tail = bytes.get(header.payload_range()).and_then(|area| Tail::decode(area, &header));
    let is_end = header.end_offset() == length && can_reach(segment, at, header.base);
    Ok(tail.filter(|_| is_end).map(|tail| Judgement::Finished {
        kind: header.kind,
        synced: header.synced,
        end: length,
        position: header.base,
        tail,
    }))
}

/// Whether so few bytes can hold the events up to `position`. What stands in a cache is bounded before it is used, as
/// a walk bounds what it meets.
fn can_reach(segment: &Segment, offset: u32, position: Position) -> bool {
    let front = Boundary { offset: HEADER_PAGE, position: segment.name.base };
    Walker::new(front, offset, Position::MAX).reaches(position, offset.saturating_sub(HEADER_PAGE))
}

/// Where the hint says to begin, if a batch stands there that confirms it.
fn hinted(segment: &Segment, window: &mut Window, length: u32) -> Result<Option<Boundary>> {
    let mut found = [0; HINT_SIZE];
    // A cache: one that cannot be read is one that is not there.
    let Ok(_) = read_full(&*segment.file, &mut found, HINT_OFFSET) else { return Ok(None) };
    let Some(hint) = Hint::decode(&found).filter(|hint| hint.salt == segment.salt) else { return Ok(None) };
    if hint.offset < HEADER_PAGE || !hint.offset.is_multiple_of(crate::format::ALIGNMENT) {
        return Ok(None);
    }
    let header = window.header(segment, hint.offset, length)?;
    Ok(header
        .filter(|header| header.base == hint.position && can_reach(segment, header.offset, header.base))
        .map(|header| Boundary { offset: header.offset, position: header.base }))
}

/// Part one, headers only and to the very end of the file: the proven end, and the stretches. A zero is no end
/// here: a zeroed sector among durable batches is damage, and only a later proof tells.
fn find_proof(
    segment: &Segment,
    window: &mut Window,
    first: Boundary,
    limit: u32,
) -> Result<(u32, Vec<Stretch>)> {
    let mut walker = Walker::new(first, limit, Position::MAX);
    let mut proven = first.offset;
    let mut stretches = Vec::new();
    loop {
        match walker.step(segment, window)? {
            Step::Batch(header) => proven = proven.max(header.synced),
            Step::Stretch(stretch) if stretches.len() < MOST_STRETCHES => stretches.push(stretch),
            Step::Stretch(_) => {}
            Step::End => return Ok((proven, stretches)),
        }
    }
}

/// Part two: walks again, reports what is damaged below the proof, checks every byte from the proof on, and stops at
/// the first thing that is wrong there.
fn follow(
    segment: &Segment,
    window: &mut Window,
    stretches: &[Stretch],
    judged: &mut Unfinished,
) -> Result<()> {
    let from = Boundary { offset: judged.end, position: judged.position };
    let mut walker = Walker::new(from, judged.length, Position::MAX);
    let mut stretches = stretches.iter();
    loop {
        if walker.at <= judged.proven {
            judged.proven_position = walker.position;
        }
        judged.end = walker.at;
        judged.position = walker.position;
        let step = match stretches.as_slice().first().filter(|stretch| stretch.from == walker.at) {
            Some(stretch) => {
                stretches.next();
                walker.pass(stretch)
            }
            None => walker.step(segment, window)?,
        };
        match step {
            Step::End => return Ok(()),
            Step::Batch(header) if header.offset < judged.proven => {}
            Step::Batch(header) => {
                let bytes = window.bytes(segment, header.offset, header.contents())?;
                if !body_is_good(&header, bytes) {
                    return Ok(());
                }
            }
            Step::Stretch(stretch) if stretch.from >= judged.proven => return Ok(()),
            Step::Stretch(stretch) => {
                if judged.damage.len() < MOST_STRETCHES {
                    judged.damage.push(stretch.as_damage(segment, stretch.to.min(judged.proven)));
                }
                if stretch.to > judged.proven {
                    // What was durable ends here; the position behind keeps clear of everything that may have been.
                    judged.end = judged.proven;
                    judged.position = walker.position;
                    judged.proven_position = walker.position;
                    return Ok(());
                }
            }
        }
    }
}

impl Stretch {
    /// The gap that a stretch below the proven end is.
    pub(crate) fn as_damage(&self, segment: &Segment, to: u32) -> Gap {
        Gap {
            from: self.expected,
            to: self.behind.unwrap_or(self.expected),
            reason: GapReason::Header,
            path: segment.path.clone(),
            offset: u64::from(self.from),
            length: u64::from(to - self.from),
        }
    }
}
