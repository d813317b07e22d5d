//! The log: one folder of segments, appended to by one, read by many.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::batch::{Batch, Group};
use crate::chain::{Chain, Link};
use crate::create::{salt, temporary_name};
use crate::error::{Error, Result};
use crate::format::batch::Kind;
use crate::format::header::{Cause, SegmentHeader};
use crate::format::{HEADER_PAGE, MAX_ORDINAL};
use crate::lock::Lock;
use crate::open::{self, OpenedLog, Predecessor, Writing};
use crate::options::{Create, Options, Recovery};
use crate::position::Position;
use crate::recover::Report;
use crate::segment::writer::{LONGEST, Writer};
use crate::storage::{Disk, Storage, is_no_room};
use crate::view::View;

mod reading;

/// Memory kept from one append to the next, in bytes.
const KEPT_SCRATCH: usize = 4 << 20;
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
    view: View,
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

impl Log {
    /// Opens the log in the folder `path`, or makes it, with the options' defaults.
    ///
    /// # Errors
    /// As for [`Options::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Log> {
        Options::new().open(path)
    }

    pub(crate) fn open_with(storage: Arc<dyn Storage>, path: &Path, options: &Options) -> Result<Log> {
        let located = open::locate(&storage, path, options)?;
        let OpenedLog { lock, chain, writing, report } = open::open(&storage, located, options)?;
        let mut log = Log {
            view: View::new(storage, chain),
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
        let folder = open::locate(&storage, path, options.create(Create::Never))?.folder;
        let seen = open::look(&storage, &folder)?;
        if options.recovery == Recovery::Strict {
            seen.check_undamaged()?;
        }
        Ok(Log {
            view: View::new(storage, seen.chain),
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
            let seen = open::look(self.view.storage(), self.chain().folder())?;
            self.chain().replace(seen.chain);
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
        // Until it is known how this ends: a panic on the way leaves it so.
        self.is_poisoned = true;
        let done = writer.write(group, base);
        self.is_poisoned = false;
        if let Err(failure) = done {
            let path = writer.segment.path.clone();
            return Err(self.after(failure.into_error(&path)));
        }
        let written = writer.reaches(end);
        self.chain().set_written(written);
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
            self.is_poisoned = true;
            let done = writer.sync();
            self.is_poisoned = false;
            if let Err(source) = done {
                let path = writer.segment.path.clone();
                return Err(self.after(Error::Indeterminate { path, source }));
            }
            let durable = writer.reaches(end);
            self.chain().set_durable(durable);
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
            let written = writer.reaches(position);
            self.chain().set_written(written);
        }
        Ok(())
    }

    /// Syncs, seals the active segment and starts the next one. Does nothing where the active one is empty.
    ///
    /// # Errors
    /// As for [`Log::append`].
    pub fn roll(&mut self) -> Result<()> {
        let position = self.end();
        match &self.writing {
            Some(Writing::Here(writer)) if position == writer.segment.name.base => self.sync(),
            _ => self.start_next(),
        }
    }

    fn start_next(&mut self) -> Result<()> {
        self.sync()?;
        let position = self.end();
        let Some(Writing::Here(writer)) = &self.writing else { return self.make_next(Cause::Recovered) };
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
        let limit = u64::from(LONGEST - HEADER_PAGE);
        if bytes > limit {
            return Err(Error::TooLarge { what: "a group (bytes)", size: bytes, limit });
        }
        self.make_next(Cause::Recovered)?;
        let Some(Writing::Here(writer)) = &self.writing else { return Err(self.read_only()) };
        let is_full = u64::from(writer.end) + bytes > self.options.segment_bytes;
        if is_full && !writer.is_empty() {
            // Also where it holds no event, only marks: they take room too.
            self.start_next()?;
        }
        Ok(())
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
        let folder = Arc::clone(self.chain().folder());
        let path = folder.path().to_owned();
        if predecessor.name.ordinal >= MAX_ORDINAL {
            return Err(Error::TooLarge {
                what: "a log (segments)",
                size: MAX_ORDINAL + 1,
                limit: MAX_ORDINAL,
            });
        }
        let prepared = salt(&**self.view.storage(), &path)
            .and_then(|salt| Ok((salt, temporary_name(&**self.view.storage(), &path, ".tmp")?)))
            .map_err(not_written)?;
        let header = SegmentHeader {
            start: self.start(),
            cause,
            ..SegmentHeader::first(self.chain().incarnation(), prepared.0, self.view.storage().now())
        };
        let header = predecessor.successor(header);
        Writer::create(&*folder, &header, &prepared.1, &self.options.writer())
            .map_err(|failure| self.after(failure.into_error(&path)))
    }

    /// Shows the new active segment to readers.
    fn link_next(&mut self) {
        if let Some(Writing::Here(writer)) = &self.writing {
            let name = writer.segment.name;
            self.chain().push(Link::active(name, writer.index()), writer.reaches(name.base));
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
        let folder = Arc::clone(self.chain().folder());
        while let Some((first, second)) = self.chain().first_two() {
            if second.base > position {
                break;
            }
            let name = first.to_string();
            let path = folder.path().join(&name);
            match folder.remove(&name) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", &path, None)(error));
                }
                _ => {}
            }
            // One at a time: if two names went in one sync, the older file might survive the younger one.
            self.chain().pop_front(first);
            if let Err(source) = folder.sync() {
                return Err(self.after(Error::Indeterminate { path, source }));
            }
        }
        Ok(self.start())
    }

    /// Changes the size at which the next segment is started; see [`Options::segment_bytes`].
    ///
    /// # Errors
    /// [`Error::InvalidOption`]; the size stays as it was.
    pub fn set_segment_bytes(&mut self, bytes: u64) -> Result<()> {
        let mut options = self.options.clone();
        options.segment_bytes(bytes).check()?;
        self.options = options;
        Ok(())
    }

    fn chain(&self) -> &Arc<Chain> {
        self.view.chain()
    }

    fn start(&self) -> Position {
        self.view.range().start
    }

    fn end(&self) -> Position {
        self.view.range().end
    }

    /// What the open found and did; after a [`Log::refresh`], what that found.
    pub fn report(&self) -> &Report {
        &self.report
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
            Err(error) if !is_no_room(&error) => Err(Error::io("close", &path, None)(error)),
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
