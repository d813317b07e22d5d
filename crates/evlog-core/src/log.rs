//! The log: one folder of segments, appended to by one, read by many.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::batch::{Batch, Group};
use crate::chain::{Chain, End, Entered, Link, Scope};
use crate::create::{salt, temporary_name};
use crate::error::{Error, Result};
use crate::format::HEADER_PAGE;
use crate::format::batch::{Kind, Table};
use crate::format::header::{Cause, SegmentHeader};
use crate::lock::Lock;
use crate::open::{self, OpenedLog, Predecessor, Writing};
use crate::options::Options;
use crate::position::{Place, Position, Timestamp};
use crate::read::{Direction, Event, OwnedEvent, Read, ReadLevel};
use crate::reader::{Reader, confirm};
use crate::recover::Report;
use crate::segment::index::Boundary;
use crate::segment::reader::{Step, Walker, Window};
use crate::segment::writer::{Times, Writer};
use crate::segment::{MAX_ORDINAL, Opened, Segment, SegmentName};
use crate::storage::{Disk, Folder, OpenMode, Storage};

/// Memory kept from one append to the next, in bytes.
const KEPT_SCRATCH: usize = 4 << 20;
/// Bytes read at once while looking for a time.
const PIECE: usize = 256 << 10;

/// One log in one folder: events in, events out, by position and by time.
///
/// Everything happens in the call that asks for it. [`Log::append`] gives bytes to the system, [`Log::sync`] makes
/// them durable; readers see durable events unless they ask for more.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("log");
/// use evlog_core::{Batch, Log, Place};
///
/// let mut log = Log::open(&path)?;
/// let mut batch = Batch::new();
/// batch.push(1_700_000_000_000_000, b"hello")?;
/// let positions = log.append(&batch)?;
/// log.sync()?;
///
/// let mut reader = log.read(Place::Oldest)?;
/// while let Some(event) = reader.next()? {
///     assert_eq!((event.position, event.payload), (positions.start, &b"hello"[..]));
/// }
/// log.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Log {
    storage: Arc<dyn Storage>,
    chain: Arc<Chain>,
    options: Options,
    report: Report,
    /// `None` where the log was opened to read only.
    writing: Option<Writing>,
    lock: Option<Lock>,
    is_poisoned: bool,
    scratch: Group,
}

impl Options {
    /// Opens the log in the folder `path` for reading and writing. Its parent must exist.
    ///
    /// # Errors
    /// [`Error::Locked`] where it is being written, [`Error::NotFound`], [`Error::MissingSegments`] for a folder
    /// without a segment, [`Error::NotALog`], [`Error::Unsupported`], [`Error::UnsafeFile`],
    /// [`Error::UnreliableStorage`], [`Error::Damaged`], [`Error::InvalidOption`], [`Error::Io`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Log> {
        self.open_on(Arc::new(Disk), path)
    }

    /// Opens the log in the folder `path` for reading, and writes nothing at all. It may be written by somebody else
    /// meanwhile: then as much of it is seen as its writer has marked as durable.
    ///
    /// # Errors
    /// As for [`Options::open`], but [`Error::Locked`].
    pub fn open_read_only(&self, path: impl AsRef<Path>) -> Result<Log> {
        self.open_read_only_on(Arc::new(Disk), path)
    }

    /// As [`Options::open`], on another machine than the real one.
    ///
    /// # Errors
    /// As for [`Options::open`].
    pub fn open_on(&self, storage: Arc<dyn Storage>, path: impl AsRef<Path>) -> Result<Log> {
        self.check()?;
        Log::open_with(storage, path.as_ref(), self)
    }

    /// As [`Options::open_read_only`], on another machine than the real one.
    ///
    /// # Errors
    /// As for [`Options::open_read_only`].
    pub fn open_read_only_on(&self, storage: Arc<dyn Storage>, path: impl AsRef<Path>) -> Result<Log> {
        self.check()?;
        Log::look_with(storage, path.as_ref(), self)
    }
}

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

impl Log {
    /// Opens the log in the folder `path`, or makes it, with the options' defaults.
    ///
    /// # Errors
    /// As for [`Options::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Log> {
        Options::new().open(path)
    }

    pub(crate) fn open_with(storage: Arc<dyn Storage>, path: &Path, options: &Options) -> Result<Log> {
        let (folder, found) = open::folder(&storage, path, options)?;
        let OpenedLog { lock, chain, writing, report } = open::open(&storage, folder, found, options)?;
        let mut log = Log {
            storage,
            chain: Arc::new(chain),
            options: options.clone(),
            report,
            writing: Some(writing),
            lock: Some(lock),
            is_poisoned: false,
            scratch: Group::new(),
        };
        match log.make_next(Cause::Recovered) {
            // Without room the log is read and trimmed all the same, and the next append tries again.
            Ok(()) | Err(Error::NoSpace { .. }) => Ok(log),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn look_with(storage: Arc<dyn Storage>, path: &Path, options: &Options) -> Result<Log> {
        let mut options = options.clone();
        let (folder, _) = open::folder(&storage, path, options.create(crate::Create::Never))?;
        let seen = open::look(&storage, &folder)?;
        let chain = Chain::new(folder, seen.incarnation, seen.links, seen.written, seen.durable);
        Ok(Log {
            storage,
            chain: Arc::new(chain),
            options,
            report: seen.report,
            writing: None,
            lock: None,
            is_poisoned: false,
            scratch: Group::new(),
        })
    }

    /// Looks again at a log that was opened to read only, and shows what has come since, to its readers too. Without
    /// effect on a log that was opened to write.
    ///
    /// # Errors
    /// As for [`Options::open_read_only`].
    pub fn refresh(&mut self) -> Result<()> {
        if self.writing.is_none() {
            let seen = open::look(&self.storage, self.chain.folder())?;
            self.chain.replace(seen.links, seen.written, seen.durable);
            self.report = seen.report;
        }
        Ok(())
    }

    /// Appends a batch behind the last event, in one write, and returns its positions. It is not durable before
    /// [`Log::sync`]. An empty batch takes no position.
    ///
    /// # Errors
    /// [`Error::NoSpace`] and [`Error::NotWritten`]: it will never appear, and the log is as before.
    /// [`Error::Indeterminate`], and from then on [`Error::Poisoned`]: see there. [`Error::ReadOnly`],
    /// [`Error::Forked`].
    pub fn append(&mut self, batch: &Batch) -> Result<Range<Position>> {
        let mut group = std::mem::take(&mut self.scratch);
        group.push_batch(batch);
        let appended = self.append_group(&mut group);
        if group.bytes() <= KEPT_SCRATCH {
            group.clear();
            self.scratch = group;
        }
        appended
    }

    /// Appends all batches of a group, in one write. See [`Log::append`].
    ///
    /// # Errors
    /// As for [`Log::append`]; [`Error::TooLarge`] where the group does not fit into a segment.
    pub fn append_group(&mut self, group: &mut Group) -> Result<Range<Position>> {
        self.check_writable()?;
        let base = self.end();
        if group.is_empty() {
            return Ok(base..base);
        }
        let end = base.checked_add(group.len()).ok_or(Error::TooLarge {
            what: "a log (events)",
            size: group.len(),
            limit: u64::MAX - base,
        })?;
        self.make_room(group.bytes() as u64)?;
        let Some(Writing::Here(writer)) = &mut self.writing else { return Err(self.read_only()) };
        if let Err(failure) = writer.write(group, base) {
            let path = writer.segment.path.clone();
            return Err(self.after(failure.into_error(&path)));
        }
        let ordinal = writer.segment.name.ordinal;
        self.chain.set_written(End { ordinal, offset: writer.end, position: end });
        Ok(base..end)
    }

    /// Makes everything appended so far durable, and visible to readers.
    ///
    /// # Errors
    /// [`Error::Indeterminate`]: the log is poisoned. [`Error::Poisoned`], [`Error::ReadOnly`], [`Error::Forked`].
    pub fn sync(&mut self) -> Result<()> {
        self.check_writable()?;
        let end = self.end();
        if let Some(Writing::Here(writer)) = &mut self.writing {
            if let Err(source) = writer.sync(end) {
                let path = writer.segment.path.clone();
                return Err(self.after(Error::Indeterminate { path, source }));
            }
            let ordinal = writer.segment.name.ordinal;
            self.chain.set_durable(End { ordinal, offset: writer.end, position: end });
        }
        Ok(())
    }

    /// Tells readers in other processes that everything synced is durable. They learn it anyway with the next append;
    /// without one, a mark of 64 bytes is what tells them. Does nothing where there is nothing new to tell, or where
    /// events are unsynced.
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::ReadOnly`], [`Error::Forked`].
    pub fn mark(&mut self) -> Result<()> {
        self.check_writable()?;
        let position = self.end();
        if let Some(Writing::Here(writer)) = &mut self.writing {
            writer.mark(position);
            let end = End { ordinal: writer.segment.name.ordinal, offset: writer.end, position };
            self.chain.set_written(end);
        }
        Ok(())
    }

    /// Syncs, seals the active segment and starts the next one. Does nothing where the active one is empty.
    ///
    /// # Errors
    /// As for [`Log::append`].
    pub fn roll(&mut self) -> Result<()> {
        self.sync()?;
        let position = self.end();
        let Some(Writing::Here(writer)) = &self.writing else { return self.make_next(Cause::Recovered) };
        if position == writer.segment.name.base {
            return Ok(());
        }
        let predecessor = Predecessor {
            name: writer.segment.name,
            salt: writer.segment.salt,
            end: writer.end,
            leftover: 0,
            position,
        };
        let next = self.make_segment(&predecessor, Cause::Rolled)?;
        let start = self.start();
        if let Some(Writing::Here(mut sealed)) = self.writing.replace(Writing::Here(next)) {
            // Index and seal are caches behind the end that the next header states.
            let _ = sealed.finish(Kind::Seal, position, start);
        }
        self.link_next();
        Ok(())
    }

    /// Rolls where the group would make the active segment too large, or where there is none to write to.
    fn make_room(&mut self, bytes: u64) -> Result<()> {
        self.make_next(Cause::Recovered)?;
        let Some(Writing::Here(writer)) = &self.writing else { return Err(self.read_only()) };
        let is_full = u64::from(writer.end) + bytes > self.options.segment_bytes;
        if is_full && !writer.is_empty() {
            self.roll()?;
        }
        // Only a group that is larger than any segment is left to refuse.
        let limit = u64::from(u32::MAX - HEADER_PAGE - (1 << 20));
        if bytes > limit {
            Err(Error::TooLarge { what: "a group (bytes)", size: bytes, limit })
        } else {
            Ok(())
        }
    }

    /// Makes the segment that recovery has left to be made.
    fn make_next(&mut self, cause: Cause) -> Result<()> {
        let Some(Writing::Next(predecessor)) = &self.writing else { return Ok(()) };
        let predecessor = *predecessor;
        let next = self.make_segment(&predecessor, cause)?;
        self.writing = Some(Writing::Here(next));
        self.link_next();
        Ok(())
    }

    fn make_segment(&mut self, predecessor: &Predecessor, cause: Cause) -> Result<Writer> {
        let folder = Arc::clone(self.chain.folder());
        let path = folder.path().to_owned();
        if predecessor.name.ordinal >= MAX_ORDINAL {
            return Err(Error::TooLarge {
                what: "a log (segments)",
                size: MAX_ORDINAL + 1,
                limit: MAX_ORDINAL,
            });
        }
        let prepared = salt(&*self.storage, &path)
            .and_then(|salt| Ok((salt, temporary_name(&*self.storage, &path, ".tmp")?)))
            .map_err(not_written)?;
        let header = SegmentHeader {
            start: self.start(),
            cause,
            ..SegmentHeader::first(self.chain.incarnation(), prepared.0, self.storage.now())
        };
        let header = predecessor.successor(header);
        Writer::create(&*folder, &header, &prepared.1, &self.options.writer())
            .map_err(|failure| self.after(failure.into_error(&path)))
    }

    /// Shows the new active segment to readers.
    fn link_next(&mut self) {
        if let Some(Writing::Here(writer)) = &self.writing {
            let name = writer.segment.name;
            let end = End { ordinal: name.ordinal, offset: writer.end, position: name.base };
            self.chain.push(Link::active(name, writer.index()), end);
        }
    }

    /// Drops whole segments from the front whose events all lie before `position`, and returns the new start. The
    /// active segment stays; to drop it too, roll first.
    ///
    /// # Errors
    /// [`Error::Io`] where a file cannot be removed; [`Error::Indeterminate`] where the folder cannot be synced: the
    /// log is poisoned. [`Error::Poisoned`], [`Error::ReadOnly`], [`Error::Forked`].
    pub fn trim_before(&mut self, position: Position) -> Result<Position> {
        self.check_writable()?;
        let folder = Arc::clone(self.chain.folder());
        loop {
            let links = self.chain.links();
            let [first, second, ..] = links.as_slice() else { break };
            if second.name.base > position {
                break;
            }
            let name = first.name.to_string();
            let path = folder.path().join(&name);
            match folder.remove(&name) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", &path, None)(error));
                }
                _ => {}
            }
            // One at a time: if two names went in one sync, the older file might survive the younger one.
            if let Err(source) = folder.sync() {
                return Err(self.after(Error::Indeterminate { path, source }));
            }
            self.chain.pop_front();
        }
        Ok(self.start())
    }

    /// A reader of what is asked for.
    ///
    /// # Errors
    /// [`Error::Trimmed`] and [`Error::OutOfRange`] where it starts before the start or behind the end; what
    /// [`Log::find`] returns where it starts at a time.
    pub fn read(&self, read: impl Into<Read>) -> Result<Reader> {
        let read = read.into();
        let low = self.resolve(read.from, read.level)?;
        let (start, end) = (self.start(), self.end());
        if low < start {
            return Err(Error::Trimmed { asked: low, start });
        }
        if low > end {
            return Err(Error::OutOfRange { asked: low, end });
        }
        let visible = self.chain.end(read.level).position;
        let high = match (read.to, read.direction) {
            (Some(place), Direction::Forward) => self.resolve(place, read.level)?,
            (Some(place), Direction::Reverse) => self.resolve(place, read.level)?.min(visible),
            (None, Direction::Forward) => Position::MAX,
            (None, Direction::Reverse) => visible,
        };
        Ok(Reader::new(Arc::clone(&self.chain), &read, low, high))
    }

    fn resolve(&self, place: Place, level: ReadLevel) -> Result<Position> {
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
            if link.times.get().is_some_and(|times| times.greatest < time) {
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
        if !scope.is_last
            && let Some(tail) = scope.tail()?
        {
            let times = *link.times.get_or_init(|| Times { least: tail.least, greatest: tail.greatest });
            if times.greatest < time {
                return Ok(None);
            }
        }
        let base = link.name.base;
        let mut window = Window::new(PIECE);
        let indexed = scope.with_index(&mut None, |index| index.floor_of_time(time, base))?;
        let from = confirm(indexed, &scope, &mut window)?;
        let mut walker = Walker::new(from, scope.limit);
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

    /// What the open found and did; after a [`Log::refresh`], what that found.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Random number of this log's life: a log that was removed and made anew has another one.
    pub fn incarnation(&self) -> [u8; 16] {
        self.chain.incarnation()
    }

    /// The log's folder.
    pub fn path(&self) -> &Path {
        self.chain.folder().path()
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
        let folder: &dyn Folder = &**self.chain.folder();
        let path = folder.path().join(link.name.to_string());
        let opened = Segment::open(folder, link.name, OpenMode::Read, None);
        let (bytes, header) = match opened {
            Ok(Opened::Segment(segment)) => {
                (segment.file.len().map_err(Error::io("measure", &path, None))?, segment.header)
            }
            Ok(_) => (0, None),
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => (0, None),
            Err(error) => return Err(error),
        };
        let times = match &self.writing {
            Some(Writing::Here(writer)) if writer.segment.name == link.name => writer.times,
            _ => self.times_of(link)?,
        };
        let times = if times == Times::ANY { self.count_times(link)? } else { times };
        Ok(SegmentSummary {
            name: link.name,
            end,
            bytes,
            least: times.least,
            greatest: times.greatest,
            header,
        })
    }

    fn times_of(&self, link: &Arc<Link>) -> Result<Times> {
        if let Some(times) = link.times.get() {
            return Ok(*times);
        }
        let tail = self.scope_of(link)?.and_then(|scope| scope.tail().transpose()).transpose()?;
        Ok(tail.map_or(Times::ANY, |tail| Times { least: tail.least, greatest: tail.greatest }))
    }

    /// Bounds of the timestamps of a segment whose end does not tell them.
    fn count_times(&self, link: &Arc<Link>) -> Result<Times> {
        let mut times = Times::NONE;
        let Some(scope) = self.scope_of(link)? else { return Ok(times) };
        let mut window = Window::new(PIECE);
        let front = Boundary { offset: HEADER_PAGE, position: link.name.base };
        let mut walker = Walker::new(front, scope.limit);
        loop {
            match walker.step(&scope.segment, &mut window)? {
                Step::End => break,
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
        if !scope.is_last {
            let _ = link.times.set(times);
        }
        Ok(times)
    }

    pub(crate) fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    /// Ends the log in order: everything synced, and a note that makes the next open quick.
    ///
    /// # Errors
    /// That of the last sync: [`Error::Indeterminate`]; [`Error::Poisoned`] where the log was poisoned before.
    pub fn close(mut self) -> Result<()> {
        if self.writing.is_none() {
            return Ok(());
        }
        self.finish()
    }

    fn finish(&mut self) -> Result<()> {
        self.sync()?;
        let (position, start) = (self.end(), self.start());
        // Whatever comes of it, this handle writes no more.
        let Some(Writing::Here(mut writer)) = self.writing.take() else { return Ok(()) };
        let path = writer.segment.path.clone();
        // The note is a cache and needs room that may not be there; what counts was synced above.
        let noted = writer.finish(Kind::Close, position, start);
        let synced = writer.segment.file.sync();
        synced.map_err(|source| Error::Indeterminate { path: path.clone(), source })?;
        match noted {
            Err(error) if !crate::segment::writer::is_no_room(&error) => {
                Err(Error::io("close", &path, None)(error))
            }
            _ => Ok(()),
        }
    }

    fn check_writable(&self) -> Result<()> {
        match &self.lock {
            _ if self.writing.is_none() => Err(self.read_only()),
            None => Err(self.read_only()),
            Some(lock) if !lock.is_ours() => Err(Error::Forked { path: self.path().to_owned() }),
            Some(_) if self.is_poisoned => Err(Error::Poisoned { path: self.path().to_owned() }),
            Some(_) => Ok(()),
        }
    }

    fn read_only(&self) -> Error {
        Error::ReadOnly { path: self.path().to_owned() }
    }

    /// Poisons the log where the error says that nobody knows what the disk holds.
    fn after(&mut self, error: Error) -> Error {
        self.is_poisoned |= matches!(error, Error::Indeterminate { .. });
        error
    }
}

impl Drop for Log {
    /// Best effort: a log that is dropped without [`Log::close`] is opened a little more slowly, and that is all.
    fn drop(&mut self) {
        if self.check_writable().is_ok() {
            let _ = self.finish();
        }
    }
}

/// What was not even begun.
fn not_written(error: Error) -> Error {
    match error {
        Error::Io { path, source, .. } => Error::NotWritten { path, source },
        other => other,
    }
}
