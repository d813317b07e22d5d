//! A sparse index of one segment: the first batch that starts in each 4 KiB. A cache: it says where to begin to
//! look, never what is there.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::format::HEADER_PAGE;
use crate::format::batch::Kind;
use crate::format::checksum::checksum;
use crate::format::tail::{INDEX_SIZE, IndexEntry};
use crate::position::{Position, Timestamp};
use crate::segment::Segment;
use crate::segment::reader::Window;

/// One entry for so many bytes.
const STRIDE: u32 = 4 << 10;

/// Where batches start, in order of their offsets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    entries: Vec<IndexEntry>,
}

/// Bounds of the timestamps in a segment; `least > greatest` where there is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) least: Timestamp,
    pub(crate) greatest: Timestamp,
}

impl Times {
    pub(crate) const NONE: Times = Times { least: Timestamp::MAX, greatest: Timestamp::MIN };
    /// What is known of events that were not looked at.
    pub(crate) const ANY: Times = Times { least: Timestamp::MIN, greatest: Timestamp::MAX };

    pub(crate) fn include(&mut self, least: Timestamp, greatest: Timestamp) {
        self.least = self.least.min(least);
        self.greatest = self.greatest.max(greatest);
    }
}

/// A batch boundary: where a walk may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Boundary {
    pub(crate) offset: u32,
    pub(crate) position: Position,
}

impl Index {
    /// Notes a batch, if it is the first that starts in its 4 KiB. `greatest` bounds the timestamps before it.
    pub(crate) fn note(&mut self, offset: u32, position: Position, greatest: Timestamp) {
        let is_first = self.entries.last().is_none_or(|last| last.offset / STRIDE < offset / STRIDE);
        if is_first && offset > HEADER_PAGE {
            self.entries.push(IndexEntry { position, greatest, offset });
        }
    }

    /// The last known boundary at or before `position`; the beginning of the segment, if nothing better is known.
    pub(crate) fn floor(&self, position: Position, base: Position) -> Boundary {
        let behind = self.entries.partition_point(|entry| entry.position <= position);
        boundary_before(&self.entries[..behind], base)
    }

    /// A boundary such that all events before it are older than `time`: where to begin to look for it.
    pub(crate) fn floor_of_time(&self, time: Timestamp, base: Position) -> Boundary {
        let behind = self.entries.partition_point(|entry| entry.greatest < time);
        boundary_before(&self.entries[..behind], base)
    }

    /// The payload area of an index batch.
    pub(crate) fn encode(&self) -> Vec<u8> {
        self.entries.iter().flat_map(IndexEntry::encode).collect()
    }

    /// Puts the entries of `older` that lie before the first one here in front.
    fn complete_with(&mut self, mut older: Index) {
        let first = self.entries.first().map_or(u32::MAX, |entry| entry.offset);
        older.entries.retain(|entry| entry.offset < first);
        older.entries.append(&mut self.entries);
        *self = older;
    }

    /// The index in the batch at `offset`, if there is a sound one that agrees with itself. Where it disagrees with
    /// the segment, a walk that begins there notices, and begins at the front instead.
    pub(crate) fn load(segment: &Segment, window: &mut Window, offset: u32) -> Result<Option<Index>> {
        let limit = segment.length()?;
        let Some(header) = window.header(segment, offset, limit)? else { return Ok(None) };
        if header.kind != Kind::Index {
            return Ok(None);
        }
        let bytes = window.bytes(segment, offset, header.length as usize)?;
        let Some(area) = bytes.get(header.payload_range()) else { return Ok(None) };
        if header.payload_crc != Some(checksum(area)) {
            return Ok(None);
        }
        let (chunks, rest) = area.as_chunks::<INDEX_SIZE>();
        let entries: Option<Vec<IndexEntry>> = chunks.iter().map(IndexEntry::decode).collect();
        let agrees = |entries: &Vec<IndexEntry>| {
            entries.windows(2).all(|pair| {
                pair[0].offset < pair[1].offset
                    && pair[0].position <= pair[1].position
                    && pair[0].greatest <= pair[1].greatest
            }) && entries.iter().all(|entry| (HEADER_PAGE..offset).contains(&entry.offset))
        };
        Ok(entries.filter(|_| rest.is_empty()).filter(agrees).map(|entries| Index { entries }))
    }
}

/// What is known of the active segment while its writer lengthens it and readers look into it.
#[derive(Debug)]
pub(crate) struct LiveIndex {
    state: Mutex<LiveState>,
}

#[derive(Debug)]
struct LiveState {
    index: Index,
    /// Offset of the index batch with the entries from before the segment was opened; 0 for none, or once loaded.
    older: u32,
    /// Bounds of the timestamps from before the segment was opened.
    before: Times,
    /// Bounds of those that came since.
    since: Times,
}

impl LiveState {
    fn times(&self) -> Times {
        let mut times = self.before;
        times.include(self.since.least, self.since.greatest);
        times
    }
}

impl LiveIndex {
    /// An index whose older entries stand in the batch at offset `older`, 0 for none.
    pub(crate) fn new(older: u32, before: Times) -> LiveIndex {
        let (index, since) = (Index::default(), Times::NONE);
        LiveIndex { state: Mutex::new(LiveState { index, older, before, since }) }
    }

    /// Bounds of the timestamps in the segment.
    pub(crate) fn times(&self) -> Times {
        self.state().times()
    }

    /// Replaces bounds that were only a guess by what was counted, in a segment that may have grown meanwhile.
    pub(crate) fn tighten(&self, counted: Times) {
        let mut state = self.state();
        state.before = counted;
        // The guess has come into the index too, whose bounds must not fall.
        let greatest = state.times().greatest;
        for entry in &mut state.index.entries {
            entry.greatest = entry.greatest.min(greatest);
        }
    }

    fn state(&self) -> MutexGuard<'_, LiveState> {
        // Entries are added whole, so a panic elsewhere leaves nothing half-done here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the batches of a group, whose timestamps have these bounds.
    pub(crate) fn note(
        &self,
        boundaries: impl Iterator<Item = Boundary>,
        times: Option<(Timestamp, Timestamp)>,
    ) {
        let mut state = self.state();
        let before = state.times().greatest;
        if let Some((least, greatest)) = times {
            state.since.include(least, greatest);
        }
        let behind = state.times().greatest;
        for (number, boundary) in boundaries.enumerate() {
            // Behind the first batch the bound is that of the whole group: looser, never wrong.
            let greatest = if number == 0 { before } else { behind };
            state.index.note(boundary.offset, boundary.position, greatest);
        }
    }

    /// Calls `look` with the index, completed from the file if there was something to complete.
    pub(crate) fn with<T>(&self, segment: &Segment, look: impl FnOnce(&Index) -> T) -> Result<T> {
        let mut state = self.state();
        if state.older != 0 {
            let mut window = Window::new(64 << 10);
            if let Some(older) = Index::load(segment, &mut window, state.older)? {
                state.index.complete_with(older);
            }
            state.older = 0;
        }
        Ok(look(&state.index))
    }
}

fn boundary_before(entries: &[IndexEntry], base: Position) -> Boundary {
    match entries.last() {
        Some(entry) => Boundary { offset: entry.offset, position: entry.position },
        None => Boundary { offset: HEADER_PAGE, position: base },
    }
}
