//! The reading side of a log: looks at the chain of segments while somebody else may lengthen it.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::chain::{Chain, Entered, Facts, Link, Scope};
use crate::error::{Error, Result};
use crate::format::HEADER_PAGE;
use crate::format::batch::Table;
use crate::format::header::SegmentHeader;
use crate::position::{Place, Position, Timestamp};
use crate::read::{Direction, Event, OwnedEvent, Read, ReadLevel};
use crate::reader::{Reader, confirm};
use crate::segment::index::{Boundary, Times};
use crate::segment::reader::{Step, Walker, Window};
use crate::segment::{Opened, Segment, SegmentName};
use crate::storage::{Folder, OpenMode, Storage, Watch};

/// Bytes read at once while looking for a time.
const PIECE: usize = 256 << 10;

/// What is known of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentSummary {
    /// Its name.
    pub name: SegmentName,
    /// Position behind its last event.
    pub end: Position,
    /// Bytes of its file.
    pub bytes: u64,
    /// No event of it has an earlier timestamp; `i64::MAX` where it has no event.
    pub least: Timestamp,
    /// No event of it has a later timestamp; `i64::MIN` where it has no event.
    pub greatest: Timestamp,
    /// Its header; `None` where that is damaged.
    pub header: Option<SegmentHeader>,
}

/// What can be read of a [`Log`](crate::Log), for any thread, while the log itself is appended to by one.
#[derive(Clone, Debug)]
pub struct View {
    storage: Arc<dyn Storage>,
    chain: Arc<Chain>,
}

impl View {
    pub(crate) fn new(storage: Arc<dyn Storage>, chain: Chain) -> View {
        View { storage, chain: Arc::new(chain) }
    }

    pub(crate) fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    pub(crate) fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// A reader of what is asked for.
    ///
    /// # Errors
    /// [`Error::Trimmed`] and [`Error::OutOfRange`] where it starts before the start or behind the end; what
    /// [`View::find`] returns where it starts at a time.
    pub fn read(&self, read: impl Into<Read>) -> Result<Reader> {
        let read = read.into();
        let low = self.position_of(read.from, read.level)?;
        let (start, end) = (self.start(), self.end());
        if low < start {
            return Err(Error::Trimmed { asked: low, start });
        }
        if low > end {
            return Err(Error::OutOfRange { asked: low, end });
        }
        let visible = self.chain.end(read.level).position;
        let high = match (read.to, read.direction) {
            (Some(place), Direction::Forward) => self.position_of(place, read.level)?,
            (Some(place), Direction::Reverse) => self.position_of(place, read.level)?.min(visible),
            (None, Direction::Forward) => Position::MAX,
            (None, Direction::Reverse) => visible,
        };
        Ok(Reader::new(Arc::clone(&self.chain), &read, low, high))
    }

    /// The position that a place stands for right now, for those who see events of this level.
    ///
    /// # Errors
    /// As for [`View::find`], where it is a time.
    pub fn position_of(&self, place: Place, level: ReadLevel) -> Result<Position> {
        let end = self.chain.end(level).position;
        Ok(match place {
            Place::Oldest => self.start(),
            Place::At(position) => position,
            Place::Since(time) => self.find(time)?.min(end),
            Place::Ago(span) => {
                let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
                self.find(self.storage.now().saturating_sub(micros))?.min(end)
            }
            Place::Last(count) => end.saturating_sub(count).max(self.start()),
            Place::End => end,
        })
    }

    /// The last `count` durable events, oldest first; fewer where there are fewer.
    ///
    /// # Errors
    /// As for [`Reader::next`]: damage among them is an [`Error::Gap`].
    pub fn last(&self, count: u64) -> Result<Vec<OwnedEvent>> {
        let mut reader = self.read(Place::Last(count))?;
        let mut events = Vec::new();
        while let Some(event) = reader.next()? {
            events.push(event.to_owned());
        }
        Ok(events)
    }

    /// The newest durable event.
    ///
    /// # Errors
    /// As for [`Reader::next`].
    pub fn latest(&self) -> Result<Option<OwnedEvent>> {
        let mut reader = self.read(Read::from(Place::Oldest).reverse().limit(1))?;
        Ok(reader.next()?.as_ref().map(Event::to_owned))
    }

    /// The position of the first event whose timestamp is at or after `time`, whatever the order of the timestamps;
    /// the end where there is none. Events whose batch is damaged are passed over.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Unsupported`].
    pub fn find(&self, time: Timestamp) -> Result<Position> {
        for link in self.chain.links() {
            if link.facts.get().is_some_and(|facts| facts.times.greatest < time) {
                continue;
            }
            if let Some(position) = self.find_in(&link, time)? {
                return Ok(position);
            }
        }
        Ok(self.end())
    }

    fn find_in(&self, link: &Arc<Link>, time: Timestamp) -> Result<Option<Position>> {
        let Some(scope) = self.scope_of(link)? else { return Ok(None) };
        if !scope.is_last && scope.tail()?.is_some_and(|tail| tail.greatest < time) {
            return Ok(None);
        }
        let base = link.name.base;
        let mut window = Window::new(PIECE);
        let indexed = scope.with_index(&mut None, |index| index.floor_of_time(time, base))?;
        let from = confirm(indexed, &scope, &mut window)?;
        let mut walker = Walker::new(from, scope.limit, scope.end);
        loop {
            let header = match walker.step(&scope.segment, &mut window)? {
                Step::Batch(header) => header,
                Step::Stretch(_) => continue,
                Step::End => return Ok(None),
            };
            let range = header.table_range();
            let bytes = window.bytes(&scope.segment, header.offset + range.start as u32, range.len())?;
            let table = Table::decode(bytes, &header);
            let found = table.and_then(|table| table.iter().position(|entry| entry.timestamp >= time));
            if let Some(number) = found {
                return Ok(Some(header.base + number as u64));
            }
        }
    }

    /// A segment opened for reading, if there is anything to read in it.
    fn scope_of(&self, link: &Arc<Link>) -> Result<Option<Scope>> {
        match self.chain.enter_link(link, ReadLevel::Written)? {
            Entered::Scope(scope) => Ok(Some(scope)),
            Entered::Gap(_) | Entered::Trimmed(_) => Ok(None),
        }
    }

    /// The readable positions: from the first one left up to the end of what was written.
    pub fn range(&self) -> Range<Position> {
        self.start()..self.end()
    }

    /// First position that is left.
    fn start(&self) -> Position {
        self.chain.start()
    }

    /// The position that the next event gets.
    fn end(&self) -> Position {
        self.chain.end(ReadLevel::Written).position
    }

    /// Everything before this position is durable.
    pub fn durable_end(&self) -> Position {
        self.chain.end(ReadLevel::Durable).position
    }

    /// Random number of this log's life: a log that was removed and made anew has another one.
    pub fn incarnation(&self) -> [u8; 16] {
        self.chain.incarnation()
    }

    /// The log's folder.
    pub fn path(&self) -> &Path {
        self.chain.folder().path()
    }

    /// The time of day, as the storage tells it.
    pub fn now(&self) -> Timestamp {
        self.storage.now()
    }

    /// A look-out for changes that another process makes to the log.
    ///
    /// # Errors
    /// [`Error::Io`] where the folder cannot be watched.
    pub fn watch(&self) -> Result<Box<dyn Watch>> {
        let folder = self.chain.folder();
        folder.watch().map_err(Error::io("watch", folder.path(), None))
    }

    /// How many segments there are.
    pub fn segment_count(&self) -> usize {
        self.chain.len()
    }

    /// What is known of each segment, oldest first. The headers are the ledger of the log: when and why each segment
    /// was made, and what recovery left behind in the one before.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn segments(&self) -> Result<Vec<SegmentSummary>> {
        let links = self.chain.links();
        let ends = links.iter().skip(1).map(|next| next.name.base).chain([self.end()]);
        links.iter().zip(ends).map(|(link, end)| self.summary(link, end)).collect()
    }

    fn summary(&self, link: &Arc<Link>, end: Position) -> Result<SegmentSummary> {
        let facts = match (link.facts.get(), &link.live) {
            (Some(facts), _) => *facts,
            (None, Some(_)) => self.look_at(link)?,
            (None, None) => {
                let facts = self.look_at(link)?;
                *link.facts.get_or_init(|| facts)
            }
        };
        let Facts { bytes, times, header } = facts;
        Ok(SegmentSummary {
            name: link.name,
            end,
            bytes,
            least: times.least,
            greatest: times.greatest,
            header,
        })
    }

    fn look_at(&self, link: &Arc<Link>) -> Result<Facts> {
        let folder: &dyn Folder = &**self.chain.folder();
        let path = folder.path().join(link.name.to_string());
        let (bytes, header) = match Segment::open(folder, link.name, OpenMode::Read, None) {
            Ok(Opened::Segment(segment)) => {
                (segment.file.len().map_err(Error::io("measure", &path, None))?, segment.header)
            }
            Ok(_) => (0, None),
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => (0, None),
            Err(error) => return Err(error),
        };
        Ok(Facts { bytes, times: self.times_of(link)?, header })
    }

    /// Bounds of the timestamps of a segment: from its end, or counted where that does not tell them.
    fn times_of(&self, link: &Arc<Link>) -> Result<Times> {
        let known = if let Some(live) = &link.live {
            live.times()
        } else {
            let tail = self.scope_of(link)?.and_then(|scope| scope.tail().transpose()).transpose()?;
            tail.map_or(Times::ANY, |tail| Times { least: tail.least, greatest: tail.greatest })
        };
        if known != Times::ANY {
            return Ok(known);
        }
        let counted = self.count_times(link)?;
        let Some(live) = &link.live else { return Ok(counted) };
        live.tighten(counted);
        Ok(live.times())
    }

    fn count_times(&self, link: &Arc<Link>) -> Result<Times> {
        let mut times = Times::NONE;
        let Some(scope) = self.scope_of(link)? else { return Ok(times) };
        let mut window = Window::new(PIECE);
        let front = Boundary { offset: HEADER_PAGE, position: link.name.base };
        let mut walker = Walker::new(front, scope.limit, scope.end);
        loop {
            match walker.step(&scope.segment, &mut window)? {
                Step::End => return Ok(times),
                Step::Stretch(_) => {}
                Step::Batch(header) => {
                    let range = header.table_range();
                    let bytes =
                        window.bytes(&scope.segment, header.offset + range.start as u32, range.len())?;
                    for entry in Table::decode(bytes, &header).iter().flat_map(Table::iter) {
                        times.include(entry.timestamp, entry.timestamp);
                    }
                }
            }
        }
    }
}
