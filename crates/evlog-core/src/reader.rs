//! Walks the events of a log, in both directions, over segments, damage and trimmed ranges.

use std::sync::Arc;

use crate::chain::{Chain, Entered, Scope};
use crate::error::{Error, Gap, GapReason, Result};
use crate::format::HEADER_PAGE;
use crate::format::batch::{BatchHeader, Kind, Table};
use crate::format::checksum::checksum;
use crate::position::{Position, Timestamp};
use crate::read::{Direction, Event, Read, ReadLevel};
use crate::segment::index::{Boundary, Index};
use crate::segment::reader::{Step, Walker, Window, payload_is_good};
use crate::storage::is_gone;

/// Bytes that a reader takes from a file at once.
const PIECE: usize = 256 << 10;
/// Steps that a reader in reverse keeps; those before them are walked again when it is their turn.
const MOST_STEPS: usize = 4_096;

/// Reads events one after the other, each borrowed until the next call.
///
/// A reader is independent of the [`Log`](crate::Log) that made it: it may move to another thread, and it goes on
/// where the log has grown. It never skips anything silently: what cannot be read is an error that names the
/// positions, and the next call goes on behind them.
#[derive(Debug)]
pub struct Reader {
    chain: Arc<Chain>,
    level: ReadLevel,
    since: Option<Timestamp>,
    direction: Direction,
    /// How many more events may be returned.
    remaining: u64,
    /// Positions still to be read.
    low: Position,
    high: Position,
    scope: Option<Scope>,
    /// The index of the current segment, once it was needed.
    index: Option<Index>,
    window: Window,
    walker: Walker,
    /// Reading in reverse: steps that were walked and not yet looked at, the newest last.
    steps: Vec<Step>,
    /// Reading in reverse: boundaries met on the way from the front of a segment, where no index told one.
    walked: Index,
    batch: Option<Current>,
    /// The current event.
    found: Option<Found>,
}

/// The batch whose events are being returned.
#[derive(Clone, Copy, Debug)]
struct Current {
    header: BatchHeader,
    /// Events of it that are still to come.
    low: u32,
    high: u32,
    /// Whether one checksum has vouched for all payloads.
    is_verified: bool,
}

/// Where an event stands in the window.
#[derive(Clone, Copy, Debug)]
struct Found {
    position: Position,
    timestamp: Timestamp,
    schema: u32,
    offset: u32,
    length: usize,
}

impl Reader {
    /// A reader of the positions `low..high`; `high` may lie behind the end.
    pub(crate) fn new(chain: Arc<Chain>, read: &Read, low: Position, high: Position) -> Reader {
        Reader {
            chain,
            level: read.level,
            since: read.since,
            direction: read.direction,
            remaining: read.limit.unwrap_or(u64::MAX),
            low,
            high: high.max(low),
            scope: None,
            index: None,
            window: Window::new(PIECE),
            walker: Walker::new(Boundary { offset: HEADER_PAGE, position: 0 }, 0, 0),
            steps: Vec::new(),
            walked: Index::default(),
            batch: None,
            found: None,
        }
    }

    /// The next event; `None` at the end of what was to be read, or of the log. Where the log grows afterwards, a
    /// later call goes on.
    ///
    /// # Errors
    /// [`Error::Gap`] for positions that cannot be read: the next call goes on behind them. [`Error::Trimmed`] where
    /// the log starts behind what was to be read by now. [`Error::Io`] where the system refuses: the next call tries
    /// again.
    // Not an iterator: the event borrows from the reader.
    #[expect(clippy::should_implement_trait, reason = "a lending iterator cannot implement Iterator")]
    pub fn next(&mut self) -> Result<Option<Event<'_>>> {
        self.advance()?;
        Ok(self.event())
    }

    /// Goes to the next event, which [`Reader::event`] then returns; `false` where [`Reader::next`] returns none.
    ///
    /// # Errors
    /// As for [`Reader::next`]; there is no current event then.
    pub fn advance(&mut self) -> Result<bool> {
        self.found = None;
        self.found = self.find()?;
        Ok(self.found.is_some())
    }

    /// The current event: the one that was returned last.
    pub fn event(&self) -> Option<Event<'_>> {
        self.found.map(|found| Event {
            position: found.position,
            timestamp: found.timestamp,
            schema: found.schema,
            payload: self.window.loaded(found.offset, found.length),
        })
    }

    /// The position that the next call looks at first.
    pub fn position(&self) -> Position {
        match self.direction {
            Direction::Forward => self.low,
            Direction::Reverse => self.high,
        }
    }

    /// Goes on at `position`, forwards or backwards as before. Errors of the place show with the next call.
    pub fn seek(&mut self, position: Position) {
        let stays = self.scope.as_ref().is_some_and(|scope| {
            position >= scope.link.name.base
                && (position < scope.end || scope.is_last && position <= scope.end)
        });
        match self.direction {
            Direction::Forward => self.low = position,
            Direction::Reverse => self.high = position,
        }
        self.batch = None;
        self.found = None;
        self.steps.clear();
        if stays && self.direction == Direction::Forward && self.place_walker().is_ok() {
            return;
        }
        self.leave();
    }

    fn leave(&mut self) {
        self.scope = None;
        self.index = None;
        self.walked = Index::default();
        self.window.clear();
    }

    fn find(&mut self) -> Result<Option<Found>> {
        match self.find_in_scope() {
            // The storage had closed the file, and now it is not there any more: what became of the segment shows
            // when it is entered again.
            Err(Error::Io { source, .. }) if is_gone(&source) => {
                self.leave();
                self.steps.clear();
                self.find_in_scope()
            }
            found => found,
        }
    }

    fn find_in_scope(&mut self) -> Result<Option<Found>> {
        while self.remaining > 0 && self.low < self.high {
            if self.batch.is_some() {
                if let Some(found) = self.next_in_batch()? {
                    self.remaining -= 1;
                    return Ok(Some(found));
                }
                self.batch = None;
                continue;
            }
            let has_more = match self.direction {
                Direction::Forward => self.walk_forward()?,
                Direction::Reverse => self.walk_backward()?,
            };
            if !has_more {
                break;
            }
        }
        Ok(None)
    }

    /// The next event of the current batch that is wanted.
    fn next_in_batch(&mut self) -> Result<Option<Found>> {
        let Some(batch) = &mut self.batch else { return Ok(None) };
        let header = batch.header;
        let range = header.table_range();
        let table_bytes = self.window.loaded(header.offset + range.start as u32, range.len());
        let table = Table::checked_before(table_bytes, &header);
        while batch.low < batch.high {
            let number = match self.direction {
                Direction::Forward => batch.low,
                Direction::Reverse => batch.high - 1,
            };
            let position = header.base + u64::from(number);
            match self.direction {
                Direction::Forward => {
                    batch.low += 1;
                    self.low = position + 1;
                }
                Direction::Reverse => {
                    batch.high -= 1;
                    self.high = position;
                }
            }
            let Some((entry, place)) = table.event(number as usize) else { continue };
            if self.since.is_some_and(|since| entry.timestamp < since) {
                continue;
            }
            let area_at = header.offset + header.payload_range().start as u32;
            let found = Found {
                position,
                timestamp: entry.timestamp,
                schema: header.schema,
                offset: area_at + place.start as u32,
                length: place.len(),
            };
            if !batch.is_verified {
                let area = self.window.loaded(area_at, header.payload_bytes as usize);
                if !payload_is_good(&table, area, number as usize) {
                    let path =
                        self.scope.as_ref().map(|scope| scope.segment.path.clone()).unwrap_or_default();
                    return Err(Error::Gap(Gap {
                        from: position,
                        to: position + 1,
                        reason: GapReason::Payload,
                        path,
                        offset: u64::from(found.offset),
                        length: found.length as u64,
                    }));
                }
            }
            return Ok(Some(found));
        }
        Ok(None)
    }

    /// Forwards: brings the next wanted batch into memory. `false` at the end.
    fn walk_forward(&mut self) -> Result<bool> {
        loop {
            if self.scope.is_none() && !self.enter(self.low)? {
                return Ok(false);
            }
            let Some(scope) = &self.scope else { continue };
            let before = self.walker;
            match self.walker.step(&scope.segment, &mut self.window)? {
                Step::Batch(header) if header.end_position() <= self.low => {}
                Step::Batch(header) => {
                    return match self.take(header) {
                        Ok(()) => Ok(true),
                        Err(gap @ Error::Gap(_)) => Err(gap),
                        Err(error) => {
                            // Nothing was read of it, so the next call has to meet it again.
                            self.walker = before;
                            Err(error)
                        }
                    };
                }
                Step::Stretch(stretch) => {
                    let gap = stretch.as_damage(&scope.segment, stretch.to);
                    let to = if stretch.behind.is_none() { scope.end } else { gap.to };
                    self.walker.position = to;
                    self.pass_gap(Gap { to, ..gap })?;
                }
                Step::End => {
                    if !self.pass_end()? {
                        return Ok(false);
                    }
                }
            }
            if self.low >= self.high {
                return Ok(false);
            }
        }
    }

    /// Forwards, at the end of what counts of a segment: goes on where there is more. `false` where there is not.
    fn pass_end(&mut self) -> Result<bool> {
        let Some(scope) = &mut self.scope else { return Ok(true) };
        if !scope.is_last {
            let (expected, end, missing) = (self.walker.position, scope.end, scope.missing);
            let path = scope.segment.path.clone();
            let offset = u64::from(self.walker.limit);
            self.leave();
            if expected < end {
                self.pass_gap(Gap { from: expected, to: end, reason: missing, path, offset, length: 0 })?;
            }
            return Ok(true);
        }
        let now = self.chain.end(self.level);
        let same = now.ordinal == scope.link.name.ordinal;
        if same && now.offset == self.walker.limit || now.ordinal < scope.link.name.ordinal {
            return Ok(false);
        }
        if same {
            scope.limit = now.offset;
            scope.end = now.position;
            self.walker.limit = now.offset;
            self.walker.end = now.position;
        } else {
            // It was sealed meanwhile: opened again, it says where it ends.
            self.leave();
        }
        Ok(true)
    }

    /// Opens the segment that holds `position` and places the walker at it. `false` at the end of the log.
    fn enter(&mut self, position: Position) -> Result<bool> {
        if position >= self.chain.end(self.level).position {
            return Ok(false);
        }
        match self.chain.enter(position, self.level)? {
            Entered::Trimmed(start) => Err(Error::Trimmed { asked: position, start }),
            Entered::Gap(gap) => self.pass_gap(gap).map(|()| true),
            Entered::Scope(scope) => {
                self.leave();
                self.scope = Some(scope);
                self.place_walker().map(|()| true)
            }
        }
    }

    /// Places the walker at the last known boundary before the wanted position. Where that fails it stands nowhere,
    /// and the segment has to be entered again.
    fn place_walker(&mut self) -> Result<()> {
        let Some(scope) = &self.scope else { return Ok(()) };
        let base = scope.link.name.base;
        let wanted = match self.direction {
            Direction::Forward => self.low,
            Direction::Reverse => self.high.saturating_sub(1),
        };
        let walked = self.walked.floor(wanted, base);
        let placed =
            scope.with_index(&mut self.index, |index| index.floor(wanted, base)).and_then(|indexed| {
                let nearest = if walked.offset > indexed.offset { walked } else { indexed };
                confirm(nearest, scope, &mut self.window)
            });
        match placed {
            Ok(from) => {
                self.walker = Walker::new(from, scope.limit, scope.end);
                Ok(())
            }
            Err(error) => {
                self.leave();
                Err(error)
            }
        }
    }

    /// Counts a gap as read, and returns the part of it that was wanted as an error, if there is one.
    fn pass_gap(&mut self, mut gap: Gap) -> Result<()> {
        gap.from = gap.from.max(self.low);
        gap.to = gap.to.min(self.high);
        if gap.from >= gap.to {
            return Ok(());
        }
        match self.direction {
            Direction::Forward => self.low = gap.to,
            Direction::Reverse => self.high = gap.from,
        }
        Err(Error::Gap(gap))
    }

    /// Makes a batch the current one, if it carries events and its table can be trusted.
    fn take(&mut self, header: BatchHeader) -> Result<()> {
        let Some(scope) = &self.scope else { return Ok(()) };
        if header.kind != Kind::Events {
            return Ok(());
        }
        self.window.load(&scope.segment, header.offset, header.contents(), self.walker.limit)?;
        let bytes = self.window.loaded(header.offset, header.contents());
        let table = bytes.get(header.table_range()).and_then(|table| Table::decode(table, &header));
        let Some((_, area)) = table.zip(bytes.get(header.payload_range())) else {
            let path = scope.segment.path.clone();
            let table = header.table_range();
            let (offset, length) = (u64::from(header.offset) + table.start as u64, table.len() as u64);
            let (from, to) = (header.base, header.end_position());
            return self.pass_gap(Gap { from, to, reason: GapReason::Table, path, offset, length });
        };
        let is_verified = header.payload_crc.is_some_and(|crc| crc == checksum(area));
        let low = self.low.saturating_sub(header.base).min(u64::from(header.count)) as u32;
        let high = self.high.saturating_sub(header.base).min(u64::from(header.count)) as u32;
        self.batch = Some(Current { header, low, high, is_verified });
        Ok(())
    }

    /// In reverse: brings the next wanted batch into memory. `false` at the end.
    fn walk_backward(&mut self) -> Result<bool> {
        while self.low < self.high && self.batch.is_none() {
            match self.steps.pop() {
                Some(Step::Batch(header)) => match self.take(header) {
                    Err(error) if !matches!(error, Error::Gap(_)) => {
                        self.steps.push(Step::Batch(header));
                        return Err(error);
                    }
                    taken => taken?,
                },
                Some(Step::Stretch(stretch)) => {
                    let Some(scope) = &self.scope else { continue };
                    let gap = stretch.as_damage(&scope.segment, stretch.to);
                    self.pass_gap(gap)?;
                }
                Some(Step::End) => {}
                None => self.walk_before()?,
            }
        }
        Ok(self.batch.is_some())
    }

    /// In reverse: walks the part of a segment that ends with the highest wanted position.
    fn walk_before(&mut self) -> Result<()> {
        let wanted = self.high - 1;
        let stays = self.scope.as_ref().is_some_and(|it| (it.link.name.base..it.end).contains(&wanted));
        if stays {
            self.place_walker()?;
        } else {
            self.leave();
            if !self.enter(wanted)? {
                // Nothing is there yet; what lies below may be read all the same.
                self.high = self.high.min(self.chain.end(self.level).position).max(self.low);
                return Ok(());
            }
        }
        self.walk_up_to(wanted)
    }

    /// In reverse: takes the steps from the walker's place up to `wanted`, to look at them from the newest on.
    fn walk_up_to(&mut self, wanted: Position) -> Result<()> {
        let Some(scope) = &self.scope else { return Ok(()) };
        let is_from_front = self.walker.at == HEADER_PAGE;
        while self.walker.position <= wanted {
            // After an error everything is walked again, else what was not walked would be skipped.
            let step =
                self.walker.step(&scope.segment, &mut self.window).inspect_err(|_| self.steps.clear())?;
            match step {
                Step::End => break,
                Step::Stretch(mut stretch) => {
                    let behind = stretch.behind.unwrap_or(scope.end);
                    stretch.behind = Some(behind);
                    self.walker.position = behind;
                    if stretch.expected < behind {
                        self.steps.push(Step::Stretch(stretch));
                    }
                }
                Step::Batch(header) => {
                    if is_from_front {
                        self.walked.note(header.offset, header.base, Timestamp::MAX);
                    }
                    if header.count > 0 {
                        self.steps.push(step);
                    }
                }
            }
            if self.steps.len() > MOST_STEPS {
                self.steps.drain(..MOST_STEPS / 2);
            }
        }
        if self.walker.position <= wanted {
            let (from, to, reason) = (self.walker.position, scope.end, scope.missing);
            let offset = u64::from(self.walker.limit);
            let path = scope.segment.path.clone();
            self.pass_gap(Gap { from, to, reason, path, offset, length: 0 })?;
        }
        Ok(())
    }
}

/// The boundary that an index tells, if a batch stands there that confirms it; else the front of the segment.
pub(crate) fn confirm(indexed: Boundary, scope: &Scope, window: &mut Window) -> Result<Boundary> {
    let front = Boundary { offset: HEADER_PAGE, position: scope.link.name.base };
    if indexed == front {
        return Ok(front);
    }
    let header = window.header(&scope.segment, indexed.offset, scope.limit)?;
    let is_confirmed = header.is_some_and(|header| header.base == indexed.position);
    Ok(if is_confirmed { indexed } else { front })
}
