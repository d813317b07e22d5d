//! The real disk, watched: what is open, and what is closed that should not be.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evlog_core::Timestamp;
use evlog_core::storage::{Disk, File, Folder, Identity, LockKind, OpenMode, Storage, Watch};

/// What was seen, and what is to go wrong.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) open_files: AtomicUsize,
    pub(crate) open_folders: AtomicUsize,
    /// How often a file was opened, and a folder.
    pub(crate) openings: AtomicUsize,
    /// Handles that have changes without a sync, or a failed sync.
    pub(crate) unsettled: AtomicUsize,
    /// How many of them were closed.
    pub(crate) closed_unsettled: AtomicUsize,
    /// Whether the next sync fails.
    pub(crate) sync_fails: AtomicBool,
    /// Whether the next write fails.
    pub(crate) write_fails: AtomicBool,
    /// How many syncs there were.
    pub(crate) syncs: AtomicUsize,
    /// Added to the number of the process, as if it had forked so often.
    pub(crate) forks: AtomicU32,
    /// The name of the folders that all have the same identity.
    pub(crate) twins: Mutex<Option<String>>,
    /// What happens in the midst of the next write or sync.
    pub(crate) meanwhile: Meanwhile,
    /// What happens right before and right after the next opening of a file.
    pub(crate) before_opening: Meanwhile,
    pub(crate) after_opening: Meanwhile,
}

#[derive(Default)]
pub(crate) struct Meanwhile(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Meanwhile {
    pub(crate) fn set(&self, what: impl FnOnce() + Send + 'static) {
        *self.0.lock().unwrap() = Some(Box::new(what));
    }

    fn happen(&self) {
        let what = self.0.lock().unwrap().take();
        if let Some(what) = what {
            what();
        }
    }
}

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Meanwhile")
    }
}

impl Seen {
    pub(crate) fn open(&self) -> usize {
        self.open_files.load(SeqCst) + self.open_folders.load(SeqCst)
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    pub(crate) seen: Arc<Seen>,
}

impl Storage for Watched {
    fn open_folder(&self, path: &Path) -> io::Result<Arc<dyn Folder>> {
        Ok(Arc::new(WatchedFolder::new(&self.seen, Disk.open_folder(path)?)))
    }

    fn now(&self) -> Timestamp {
        Disk.now()
    }

    fn random(&self) -> io::Result<[u8; 16]> {
        Disk.random()
    }

    /// Nobody is waited for.
    fn pause(&self, _: Duration) {}

    fn process(&self) -> u32 {
        Disk.process() + self.seen.forks.load(SeqCst)
    }
}

/// Whether a handle may be closed, counted.
#[derive(Debug)]
struct Settled {
    seen: Arc<Seen>,
    is_changed: AtomicBool,
    has_failed: AtomicBool,
}

impl Settled {
    fn new(seen: &Arc<Seen>) -> Settled {
        seen.openings.fetch_add(1, SeqCst);
        Settled {
            seen: Arc::clone(seen),
            is_changed: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
        }
    }

    fn change(&self) {
        if !self.is_changed.swap(true, SeqCst) && !self.has_failed.load(SeqCst) {
            self.seen.unsettled.fetch_add(1, SeqCst);
        }
    }

    /// Nobody pulls the plug, so nothing is really synced.
    fn sync(&self) -> io::Result<()> {
        self.seen.syncs.fetch_add(1, SeqCst);
        // Of two at the same time, the first is told what went wrong.
        let fails = self.seen.sync_fails.swap(false, SeqCst);
        self.seen.meanwhile.happen();
        let was_unsettled = self.is_changed.load(SeqCst) || self.has_failed.load(SeqCst);
        if fails {
            self.has_failed.store(true, SeqCst);
            self.seen.unsettled.fetch_add(usize::from(!was_unsettled), SeqCst);
            return Err(io::Error::other("as was ordered"));
        }
        if self.is_changed.swap(false, SeqCst) && !self.has_failed.load(SeqCst) {
            self.seen.unsettled.fetch_sub(1, SeqCst);
        }
        Ok(())
    }
}

impl Drop for Settled {
    fn drop(&mut self) {
        if self.is_changed.load(SeqCst) || self.has_failed.load(SeqCst) {
            self.seen.unsettled.fetch_sub(1, SeqCst);
            self.seen.closed_unsettled.fetch_add(1, SeqCst);
        }
    }
}

#[derive(Debug)]
struct WatchedFolder {
    inner: Arc<dyn Folder>,
    settled: Settled,
}

impl WatchedFolder {
    fn new(seen: &Arc<Seen>, inner: Arc<dyn Folder>) -> WatchedFolder {
        seen.open_folders.fetch_add(1, SeqCst);
        WatchedFolder { inner, settled: Settled::new(seen) }
    }
}

impl Drop for WatchedFolder {
    fn drop(&mut self) {
        self.settled.seen.open_folders.fetch_sub(1, SeqCst);
    }
}

impl Folder for WatchedFolder {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn number(&self) -> io::Result<u64> {
        self.inner.number()
    }

    fn identity(&self) -> io::Result<Identity> {
        let twins = self.settled.seen.twins.lock().unwrap();
        let is_twin = twins.as_ref().is_some_and(|name| self.path().ends_with(name));
        if is_twin { Ok(Identity { device: 0, number: 0, born: 0 }) } else { self.inner.identity() }
    }

    fn unreliable(&self) -> io::Result<Option<&'static str>> {
        self.inner.unreliable()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.inner.names()
    }

    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        if matches!(mode, OpenMode::Create | OpenMode::CreateNew) {
            self.settled.change();
        }
        let seen = &self.settled.seen;
        seen.before_opening.happen();
        let inner = self.inner.open(name, mode)?;
        seen.after_opening.happen();
        seen.open_files.fetch_add(1, SeqCst);
        Ok(Arc::new(WatchedFile { inner, settled: Settled::new(seen) }))
    }

    fn open_folder(&self, name: &str) -> io::Result<Arc<dyn Folder>> {
        Ok(Arc::new(WatchedFolder::new(&self.settled.seen, self.inner.open_folder(name)?)))
    }

    fn create_folder(&self, name: &str) -> io::Result<()> {
        self.settled.change();
        self.inner.create_folder(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.settled.change();
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.settled.change();
        self.inner.remove(name)
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        self.settled.change();
        self.inner.remove_folder(name)
    }

    fn try_lock(&self, kind: LockKind) -> io::Result<bool> {
        self.inner.try_lock(kind)
    }

    fn unlock(&self) -> io::Result<()> {
        self.inner.unlock()
    }

    fn watch(&self) -> io::Result<Box<dyn Watch>> {
        self.inner.watch()
    }

    fn sync(&self) -> io::Result<()> {
        self.settled.sync()
    }
}

#[derive(Debug)]
struct WatchedFile {
    inner: Arc<dyn File>,
    settled: Settled,
}

impl Drop for WatchedFile {
    fn drop(&mut self) {
        self.settled.seen.open_files.fetch_sub(1, SeqCst);
    }
}

impl File for WatchedFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn behind_hole(&self, offset: u64) -> io::Result<Option<u64>> {
        self.inner.behind_hole(offset)
    }

    fn write_at(&self, pieces: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.settled.change();
        self.settled.seen.meanwhile.happen();
        if self.settled.seen.write_fails.swap(false, SeqCst) {
            return Err(io::Error::other("as was ordered"));
        }
        self.inner.write_at(pieces, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.settled.change();
        self.inner.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.settled.sync()
    }

    fn try_lock(&self, byte: u64, kind: LockKind) -> io::Result<bool> {
        self.inner.try_lock(byte, kind)
    }

    fn unlock(&self, byte: u64) -> io::Result<()> {
        self.inner.unlock(byte)
    }

    fn has_name(&self) -> io::Result<bool> {
        self.inner.has_name()
    }

    fn number(&self) -> io::Result<(u64, u64)> {
        self.inner.number()
    }

    fn identity(&self) -> io::Result<Identity> {
        self.inner.identity()
    }
}
