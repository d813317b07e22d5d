//! The segments of a log in order, shared by the one who writes and all who read.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::ops::Range;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::error::{Error, Gap, GapReason, Result};
use crate::format::header::SegmentHeader;
use crate::format::tail::{TAIL_BATCH, Tail};
use crate::listing::{self, Listing};
use crate::position::Position;
use crate::read::ReadLevel;
use crate::scan::{self, Judgement};
use crate::segment::index::{Index, LiveIndex, Times};
use crate::segment::reader::Window;
use crate::segment::{End, Opened, Segment, SegmentName};
use crate::storage::{Folder, OpenMode};

/// Bytes read at once where only a few are wanted.
const SMALL_PIECE: usize = 4 << 10;

/// One segment as the chain knows it without opening it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) name: SegmentName,
    /// The index of the active segment, while it is written.
    pub(crate) live: Option<Arc<LiveIndex>>,
    /// What the file of a segment that has a successor tells, once somebody looked.
    pub(crate) facts: OnceLock<Facts>,
}

impl Link {
    pub(crate) fn new(name: SegmentName) -> Link {
        Link { name, live: None, facts: OnceLock::new() }
    }

    pub(crate) fn active(name: SegmentName, index: Arc<LiveIndex>) -> Link {
        Link { name, live: Some(index), facts: OnceLock::new() }
    }
}

/// What does not change any more once a segment has a successor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) bytes: u64,
    pub(crate) times: Times,
    /// `None` where both copies are damaged.
    pub(crate) header: Option<SegmentHeader>,
}

/// Invariants: links are in order of their ordinals and bases, there is at least one, and the ends lie in the last
/// ones; `durable <= written`.
#[derive(Debug)]
struct State {
    links: Vec<Arc<Link>>,
    /// Ordinals of foreign files: why positions are missing where they stand.
    foreign: BTreeSet<u64>,
    written: End,
    durable: End,
}

#[derive(Debug)]
pub(crate) struct Chain {
    folder: Arc<dyn Folder>,
    incarnation: [u8; 16],
    state: RwLock<State>,
}

/// A segment opened for reading, and how far it counts.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) link: Arc<Link>,
    pub(crate) segment: Segment,
    /// Bytes from here on do not count.
    pub(crate) limit: u32,
    /// Position behind the last event that counts.
    pub(crate) end: Position,
    /// Whether more may come behind the limit.
    pub(crate) is_last: bool,
    /// Why positions before `end` may be missing at the end of this segment.
    pub(crate) missing: GapReason,
}

/// A file that only looks like a segment of this log.
#[derive(Debug)]
struct Foreign;

/// What opening a segment for reading came to.
#[derive(Debug)]
pub(crate) enum Entered {
    Scope(Scope),
    /// Nothing of the segment can be read.
    Gap(Gap),
    /// It was trimmed; the log starts here now.
    Trimmed(Position),
}

impl Chain {
    pub(crate) fn new(
        folder: Arc<dyn Folder>,
        listing: &Listing,
        links: Vec<Arc<Link>>,
        written: End,
        durable: End,
    ) -> Chain {
        let foreign = listing.foreign.iter().map(|name| name.ordinal).collect();
        let state = RwLock::new(State { links, foreign, written, durable });
        Chain { folder, incarnation: listing.incarnation, state }
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        // Every change below is a single assignment or leaves the invariants in force at each step.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn folder(&self) -> &Arc<dyn Folder> {
        &self.folder
    }

    pub(crate) fn incarnation(&self) -> [u8; 16] {
        self.incarnation
    }

    /// First position that is left.
    pub(crate) fn start(&self) -> Position {
        self.state().links.first().map_or(0, |link| link.name.base)
    }

    pub(crate) fn end(&self, level: ReadLevel) -> End {
        let state = self.state();
        match level {
            ReadLevel::Durable => state.durable,
            ReadLevel::Written => state.written,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.state().links.len()
    }

    /// All links, oldest first.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.state().links.clone()
    }

    pub(crate) fn set_written(&self, end: End) {
        self.change().written = end;
    }

    pub(crate) fn set_durable(&self, end: End) {
        self.change().durable = end;
    }

    /// Puts a new active segment behind the last one. The one before is read by its own index from now on.
    pub(crate) fn push(&self, link: Link, end: End) {
        let mut state = self.change();
        if let Some(last) = state.links.pop() {
            state.links.push(Arc::new(Link::new(last.name)));
        }
        state.links.push(Arc::new(link));
        state.written = end;
        state.durable = end;
    }

    /// Replaces everything, after another process has changed the log.
    pub(crate) fn replace(&self, newer: Chain) {
        *self.change() = newer.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    }

    /// The names of the two oldest segments, if there is more than one.
    pub(crate) fn first_two(&self) -> Option<(SegmentName, SegmentName)> {
        let state = self.state();
        let [first, second, ..] = state.links.as_slice() else { return None };
        Some((first.name, second.name))
    }

    /// Takes the first link off, once its file is gone, unless it was taken off before.
    pub(crate) fn pop_front(&self, name: SegmentName) {
        let mut state = self.change();
        if state.links.len() > 1 && state.links[0].name == name {
            state.links.remove(0);
        }
    }

    /// The segment that holds `position`, and the one behind it.
    fn find(&self, position: Position) -> (Option<Arc<Link>>, Option<Arc<Link>>) {
        let state = self.state();
        let behind = state.links.partition_point(|link| link.name.base <= position);
        let at = behind.checked_sub(1);
        (at.and_then(|at| state.links.get(at)).cloned(), state.links.get(behind).cloned())
    }

    /// The segment behind this one.
    fn next_of(&self, link: &Link) -> Option<Arc<Link>> {
        let state = self.state();
        let behind = state.links.partition_point(|other| other.name.ordinal <= link.name.ordinal);
        state.links.get(behind).cloned()
    }

    /// Opens the segment that holds `position`, as far as readers of `level` see it.
    pub(crate) fn enter(&self, position: Position, level: ReadLevel) -> Result<Entered> {
        loop {
            let (Some(link), next) = self.find(position) else { return Ok(Entered::Trimmed(self.start())) };
            // Where the chain was not what it seemed it is another one now.
            if let Some(entered) = self.try_enter(&link, next.as_deref(), level)? {
                return Ok(entered);
            }
        }
    }

    /// Opens this very segment, as far as readers of `level` see it.
    pub(crate) fn enter_link(&self, link: &Arc<Link>, level: ReadLevel) -> Result<Entered> {
        loop {
            let is_known = {
                let links = &self.state().links;
                links.binary_search_by_key(&link.name.ordinal, |known| known.name.ordinal).is_ok()
            };
            if !is_known {
                return Ok(Entered::Trimmed(self.start()));
            }
            if let Some(entered) = self.try_enter(link, self.next_of(link).as_deref(), level)? {
                return Ok(entered);
            }
        }
    }

    /// Opens a segment; `None` where it, or the one behind it, turned out to be no segment of this log any more, and
    /// was taken off the chain.
    fn try_enter(&self, link: &Arc<Link>, next: Option<&Link>, level: ReadLevel) -> Result<Option<Entered>> {
        let next_header = match next {
            Some(next) => self.successor_header(link.name, next.name)?,
            None => Ok(None),
        };
        let Ok(next_header) = next_header else {
            if self.set_foreign_aside()? {
                return Ok(None);
            }
            return Ok(Some(self.lost(link, next, GapReason::ForeignSegment)));
        };
        let known_salt = next_header.map(|header| header.previous_salt);
        let opened = match Segment::open(&*self.folder, link.name, OpenMode::Read, known_salt) {
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                if self.drop_trimmed(link.name)? {
                    return Ok(None);
                }
                return Ok(Some(self.lost(link, next, GapReason::MissingSegment)));
            }
            opened => opened?,
        };
        let segment = match opened {
            Opened::Unreadable => {
                return Ok(Some(self.lost(link, next, GapReason::SegmentHeader)));
            }
            Opened::Segment(segment) if !self.is_other(&segment, known_salt) => segment,
            Opened::Segment(_) | Opened::Foreign => {
                if self.set_foreign_aside()? {
                    return Ok(None);
                }
                return Ok(Some(self.lost(link, next, GapReason::ForeignSegment)));
            }
        };
        self.scope(Arc::clone(link), segment, next, next_header, level).map(Some)
    }

    fn is_other(&self, segment: &Segment, known_salt: Option<u64>) -> bool {
        segment.header.is_some_and(|header| {
            header.incarnation != self.incarnation || known_salt.is_some_and(|salt| salt != header.salt)
        })
    }

    /// How far an opened segment counts.
    fn scope(
        &self,
        link: Arc<Link>,
        segment: Segment,
        next: Option<&Link>,
        next_header: Option<SegmentHeader>,
        level: ReadLevel,
    ) -> Result<Entered> {
        let length = segment.length()?;
        let Some(next) = next else {
            let end = self.end(level);
            // One that is not reached is not durable yet, or was made after the end was asked for.
            let is_reached = end.ordinal == link.name.ordinal;
            let (limit, end) = if is_reached { (end.offset, end.position) } else { (0, link.name.base) };
            let missing = GapReason::Header;
            return Ok(Entered::Scope(Scope { link, segment, limit, end, is_last: true, missing }));
        };
        let skipped = link.name.ordinal + 1..next.name.ordinal;
        let limit = match next_header {
            Some(header) => header.previous_end.min(length),
            None if skipped.is_empty() => length,
            // Nobody states where it ends.
            None => match scan::judge(&segment)? {
                Judgement::Finished { end, .. } => end,
                Judgement::Unfinished(judged) => judged.end.min(length),
            },
        };
        let missing = self.reason_of(skipped);
        Ok(Entered::Scope(Scope { link, segment, limit, end: next.name.base, is_last: false, missing }))
    }

    /// Why positions are missing at the end of a segment behind which these ordinals are.
    pub(crate) fn reason_of(&self, skipped: Range<u64>) -> GapReason {
        if skipped.is_empty() {
            GapReason::Header
        } else if self.state().foreign.range(skipped).next().is_some() {
            GapReason::ForeignSegment
        } else {
            GapReason::MissingSegment
        }
    }

    /// Takes files off the chain that are no segments of this log, after one of them was met. Only the names of a
    /// chain were looked at before. `false` where there are none.
    fn set_foreign_aside(&self) -> Result<bool> {
        let names: Vec<SegmentName> = self.links().iter().map(|link| link.name).collect();
        let sorted = Listing::sort_out(&*self.folder, &names, Some(self.incarnation))?;
        let mut state = self.change();
        let before = state.links.len();
        // The last one stays in any case: the ends lie in it.
        let last = state.links.last().map(|link| link.name);
        state.links.retain(|link| !sorted.foreign.contains(&link.name) || Some(link.name) == last);
        state.foreign.extend(sorted.foreign.iter().map(|name| name.ordinal));
        Ok(state.links.len() < before)
    }

    /// Takes the links off the front whose files are gone, after this one was missed: somebody has trimmed the log.
    /// `false` where the link stays, as there are files in front of it.
    fn drop_trimmed(&self, missed: SegmentName) -> Result<bool> {
        let (names, _) = listing::names(&*self.folder)?;
        let Some(first) = names.first().map(|name| name.ordinal) else { return Ok(false) };
        let mut state = self.change();
        let gone = state.links.partition_point(|link| link.name.ordinal < first);
        let gone = gone.min(state.links.len() - 1);
        state.links.drain(..gone);
        // Whoever trimmed may have been quicker, so that there was nothing left to take off.
        Ok(state.links.iter().all(|link| link.name != missed))
    }

    /// The header of `next`, where it can be read and is of the direct successor; `Err` where it is of another log.
    fn successor_header(
        &self,
        name: SegmentName,
        next: SegmentName,
    ) -> Result<std::result::Result<Option<SegmentHeader>, Foreign>> {
        if next.ordinal != name.ordinal + 1 {
            return Ok(Ok(None));
        }
        Ok(match Segment::open(&*self.folder, next, OpenMode::Read, None) {
            Ok(Opened::Segment(Segment { header: Some(header), .. })) => {
                if header.incarnation == self.incarnation { Ok(Some(header)) } else { Err(Foreign) }
            }
            Ok(Opened::Foreign) => Err(Foreign),
            // What cannot be read there must not keep from being read what stands before it. That there is a next
            // segment is enough to know which positions count.
            Ok(_) | Err(Error::Io { .. } | Error::UnsafeFile { .. }) => Ok(None),
            Err(error) => return Err(error),
        })
    }

    /// The gap that a whole segment is.
    fn lost(&self, link: &Link, next: Option<&Link>, reason: GapReason) -> Entered {
        let to = next.map_or_else(|| self.end(ReadLevel::Written).position, |next| next.name.base);
        let path = self.folder.path().join(link.name.to_string());
        Entered::Gap(Gap { from: link.name.base, to, reason, path, offset: 0, length: 0 })
    }
}

impl Scope {
    /// Calls `look` with the index of the segment; with an empty one where there is none.
    pub(crate) fn with_index<T>(
        &self,
        loaded: &mut Option<Index>,
        look: impl FnOnce(&Index) -> T,
    ) -> Result<T> {
        if let Some(live) = &self.link.live {
            return live.with(&self.segment, look);
        }
        if loaded.is_none() {
            let stored = match self.tail()? {
                Some(tail) if tail.index != 0 => {
                    Index::load(&self.segment, &mut Window::new(SMALL_PIECE), tail.index)?
                }
                _ => None,
            };
            *loaded = Some(stored.unwrap_or_default());
        }
        Ok(look(loaded.as_ref().unwrap_or(&Index::default())))
    }

    /// What the last bytes of the file say of the segment, if they are an orderly end.
    pub(crate) fn tail(&self) -> Result<Option<Tail>> {
        let length = self.segment.length()?;
        let Some(at) = length.checked_sub(TAIL_BATCH as u32) else { return Ok(None) };
        let mut window = Window::new(SMALL_PIECE);
        let Some(header) = window.header(&self.segment, at, length)? else { return Ok(None) };
        let bytes = window.bytes(&self.segment, at, TAIL_BATCH)?;
        Ok(bytes.get(header.payload_range()).and_then(|area| Tail::decode(area, &header)))
    }
}
