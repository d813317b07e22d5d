//! The segments of a log in order, shared by the one who writes and all who read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::error::{Error, Gap, GapReason, Result};
use crate::format::header::SegmentHeader;
use crate::format::tail::{TAIL_BATCH, Tail};
use crate::position::Position;
use crate::read::ReadLevel;
use crate::segment::index::{Index, LiveIndex, Times};
use crate::segment::reader::Window;
use crate::segment::{End, MAX_ORDINAL, Opened, Segment, SegmentName};
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
        incarnation: [u8; 16],
        links: Vec<Arc<Link>>,
        written: End,
        durable: End,
    ) -> Chain {
        Chain { folder, incarnation, state: RwLock::new(State { links, written, durable }) }
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
    pub(crate) fn replace(&self, links: Vec<Arc<Link>>, written: End, durable: End) {
        *self.change() = State { links, written, durable };
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

    /// Opens the segment that holds `position`, as far as readers of `level` see it.
    pub(crate) fn enter(&self, position: Position, level: ReadLevel) -> Result<Entered> {
        match self.find(position) {
            (Some(link), next) => self.enter_found(link, next, position, level),
            (None, _) => Ok(Entered::Trimmed(self.start())),
        }
    }

    /// Opens this very segment, as far as readers of `level` see it.
    pub(crate) fn enter_link(&self, link: &Arc<Link>, level: ReadLevel) -> Result<Entered> {
        let next = {
            let state = self.state();
            let behind = state.links.partition_point(|other| other.name.ordinal <= link.name.ordinal);
            state.links.get(behind).cloned()
        };
        self.enter_found(Arc::clone(link), next, link.name.base, level)
    }

    fn enter_found(
        &self,
        link: Arc<Link>,
        next: Option<Arc<Link>>,
        position: Position,
        level: ReadLevel,
    ) -> Result<Entered> {
        let next_header = match &next {
            Some(next) => self.successor_header(link.name, next.name)?,
            None => None,
        };
        let known_salt = next_header.map(|header| header.previous_salt);
        let opened = Segment::open(&*self.folder, link.name, OpenMode::Read, known_salt);
        let segment = match opened {
            Ok(Opened::Segment(segment)) => segment,
            Ok(Opened::Foreign) => return Ok(self.lost(&link, next.as_deref(), GapReason::ForeignSegment)),
            Ok(Opened::Unreadable) => return Ok(self.lost(&link, next.as_deref(), GapReason::SegmentHeader)),
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                let start = self.start();
                if start > position {
                    return Ok(Entered::Trimmed(start));
                }
                return Ok(self.lost(&link, next.as_deref(), GapReason::MissingSegment));
            }
            Err(error) => return Err(error),
        };
        let is_other = segment.header.is_some_and(|header| header.incarnation != self.incarnation)
            || known_salt.is_some_and(|salt| salt != segment.salt);
        if is_other {
            return Ok(self.lost(&link, next.as_deref(), GapReason::ForeignSegment));
        }
        let length = segment.length()?;
        let Some(next) = next else {
            let end = self.end(level);
            // One that is not reached is not durable yet, or was made after the end was asked for.
            let is_reached = end.ordinal == link.name.ordinal;
            let (limit, end) = if is_reached { (end.offset, end.position) } else { (0, link.name.base) };
            let missing = GapReason::Header;
            return Ok(Entered::Scope(Scope { link, segment, limit, end, is_last: true, missing }));
        };
        let follows = next.name.ordinal == link.name.ordinal + 1;
        let missing = if follows { GapReason::Header } else { GapReason::MissingSegment };
        let limit = next_header.map_or(length, |header| header.previous_end.min(length));
        Ok(Entered::Scope(Scope { link, segment, limit, end: next.name.base, is_last: false, missing }))
    }

    /// The header of `next`, where it can be read and is the direct successor in this log.
    fn successor_header(&self, name: SegmentName, next: SegmentName) -> Result<Option<SegmentHeader>> {
        if next.ordinal != name.ordinal + 1 {
            return Ok(None);
        }
        match Segment::open(&*self.folder, next, OpenMode::Read, None) {
            Ok(Opened::Segment(segment)) => {
                Ok(segment.header.filter(|header| header.incarnation == self.incarnation))
            }
            Ok(_) => Ok(None),
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
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

/// The segments that the names in a folder tell, and the files that only look like segments.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) names: Vec<SegmentName>,
    pub(crate) foreign: Vec<PathBuf>,
    pub(crate) incarnation: [u8; 16],
}

impl Listing {
    /// Lists the segments of a log. Where everything agrees, only the first and the last header are read.
    pub(crate) fn read(folder: &dyn Folder) -> Result<Listing> {
        let found = folder.names().map_err(Error::io("list", folder.path(), None))?;
        let mut by_ordinal: BTreeMap<u64, Vec<SegmentName>> = BTreeMap::new();
        for name in found.iter().filter_map(|name| SegmentName::parse(name)) {
            if name.ordinal <= MAX_ORDINAL {
                by_ordinal.entry(name.ordinal).or_default().push(name);
            }
        }
        let mut listing = Listing { names: Vec::new(), foreign: Vec::new(), incarnation: [0; 16] };
        for mut names in by_ordinal.into_values() {
            names.sort_unstable();
            listing.names.push(names[0]);
            if names.len() > 1 {
                listing.settle(folder, &names)?;
            }
        }
        listing.drop_foreign_ends(folder)?;
        listing.drop_overlaps(folder);
        if listing.names.is_empty() {
            return Err(Error::MissingSegments { path: folder.path().to_owned() });
        }
        Ok(listing)
    }

    fn set_aside(&mut self, folder: &dyn Folder, name: SegmentName) {
        self.foreign.push(folder.path().join(name.to_string()));
    }

    /// Several files claim the same ordinal: those whose header disagrees with their name are foreign.
    fn settle(&mut self, folder: &dyn Folder, names: &[SegmentName]) -> Result<()> {
        self.names.pop();
        let mut kept = None;
        for &name in names {
            match Segment::open(folder, name, OpenMode::Read, None)? {
                Opened::Segment(segment) if segment.header.is_some() && kept.is_none() => kept = Some(name),
                _ => self.set_aside(folder, name),
            }
        }
        self.names.extend(kept);
        Ok(())
    }

    /// Takes files off both ends that are no segments of this log. The log is the one that most headers name.
    fn drop_foreign_ends(&mut self, folder: &dyn Folder) -> Result<()> {
        let (Some(&first), Some(&last)) = (self.names.first(), self.names.last()) else { return Ok(()) };
        let of_first = incarnation_of(folder, first)?;
        let of_last = if first == last { of_first } else { incarnation_of(folder, last)? };
        if let (Some(incarnation), true) = (of_first, of_first == of_last) {
            self.incarnation = incarnation;
            return Ok(());
        }
        let mut counts: BTreeMap<[u8; 16], usize> = BTreeMap::new();
        let mut known = Vec::with_capacity(self.names.len());
        for &name in &self.names {
            let incarnation = incarnation_of(folder, name)?;
            *counts.entry(incarnation.unwrap_or_default()).or_default() += usize::from(incarnation.is_some());
            known.push((name, incarnation));
        }
        let most = counts.into_iter().max_by_key(|&(_, count)| count).filter(|&(_, count)| count > 0);
        let Some((incarnation, _)) = most else {
            // No header can be read. One damaged segment alone may still be judged by its batches.
            return Ok(());
        };
        self.incarnation = incarnation;
        for (name, found) in known {
            // A damaged header is no foreign one: the segment is still read as far as it goes.
            let is_foreign = match found {
                Some(found) => found != incarnation,
                None => matches!(Segment::open(folder, name, OpenMode::Read, None)?, Opened::Foreign),
            };
            if is_foreign {
                self.names.retain(|&kept| kept != name);
                self.set_aside(folder, name);
            }
        }
        Ok(())
    }

    /// Bases must rise with ordinals; a segment that goes back is not of this chain.
    fn drop_overlaps(&mut self, folder: &dyn Folder) {
        let mut base = 0;
        let names = std::mem::take(&mut self.names);
        for name in names {
            if name.base < base {
                self.set_aside(folder, name);
            } else {
                base = name.base;
                self.names.push(name);
            }
        }
    }
}

/// The incarnation that a segment's header tells, if it is sound and agrees with the name.
fn incarnation_of(folder: &dyn Folder, name: SegmentName) -> Result<Option<[u8; 16]>> {
    Ok(match Segment::open(folder, name, OpenMode::Read, None)? {
        Opened::Segment(segment) => segment.header.map(|header| header.incarnation),
        Opened::Foreign | Opened::Unreadable => None,
    })
}
