//! A place for one handle, and what speaks against closing it.

use std::fmt::Debug;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::super::{File, Folder, Identity};

/// What can be open: a file or a folder.
pub(super) trait Handle: Debug + Send + Sync {
    fn sync(&self) -> io::Result<()>;

    fn identity(&self) -> io::Result<Identity>;
}

impl Handle for dyn File {
    fn sync(&self) -> io::Result<()> {
        File::sync(self)
    }

    fn identity(&self) -> io::Result<Identity> {
        File::identity(self)
    }
}

impl Handle for dyn Folder {
    fn sync(&self) -> io::Result<()> {
        Folder::sync(self)
    }

    fn identity(&self) -> io::Result<Identity> {
        Folder::identity(self)
    }
}

/// A place for one handle, open or closed.
///
/// Invariants: a handle that nobody forgets is taken out only while nobody else has it and nothing speaks against
/// closing it; one sync is under way at a time, as the system tells an error of theirs only once.
#[derive(Debug)]
pub(super) struct Slot<T: ?Sized> {
    /// Number of the slot in its pool.
    pub(super) id: u64,
    /// When it was last used, by a clock that counts openings: an exact order costs too much on each call.
    used: AtomicU64,
    syncing: Mutex<()>,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
pub(super) struct State<T: ?Sized> {
    pub(super) handle: Option<Arc<T>>,
    /// The time under which it stands among those that may be closed, if it does.
    pub(super) listed: Option<u64>,
    /// The handle has a lock, and so is not listed.
    pub(super) is_held: bool,
    /// Something was changed since the last sync began.
    is_changed: bool,
    /// How many changes have begun and not ended.
    under_way: u32,
    /// Another handle would not know what has befallen this one.
    must_stay: bool,
    /// What came of a sync that failed. No other sync can be believed afterwards.
    failed_sync: Option<io::Error>,
}

impl<T: ?Sized> State<T> {
    /// Whether the handle could be closed if it were synced.
    fn is_idle(&self) -> bool {
        // Copies are made under the lock alone, so one that is the only one stays it.
        let is_alone = self.handle.as_ref().is_some_and(|handle| Arc::strong_count(handle) == 1);
        is_alone && !self.must_stay && self.failed_sync.is_none()
    }

    /// Whether the handle may be closed.
    pub(super) fn is_closable(&self) -> bool {
        self.is_idle() && !self.is_changed
    }
}

/// What came of the attempt to close a handle.
pub(super) enum Closing {
    /// It is closed when this is dropped.
    Closed(Box<dyn Send>),
    /// It was used since, at this time.
    Used(u64),
    /// It has changes that are not synced, and nothing else speaks against closing it.
    Unsynced,
    /// It is in use right now, or must stay.
    Kept,
}

impl<T: ?Sized> Slot<T> {
    pub(super) fn new(id: u64) -> Slot<T> {
        let state = State {
            handle: None,
            listed: None,
            is_held: false,
            is_changed: false,
            under_way: 0,
            must_stay: false,
            failed_sync: None,
        };
        Slot { id, used: AtomicU64::new(0), syncing: Mutex::default(), state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State<T>> {
        // Every change below leaves the invariants in force at each step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handle, if it is open. While the caller has it, it stays open.
    pub(super) fn handle(&self, now: u64) -> Option<Arc<T>> {
        self.use_at(now);
        self.state().handle.clone()
    }

    pub(super) fn use_at(&self, now: u64) {
        // Most calls come soon after another one, and then there is nothing to share with other processors.
        if self.last_used() != now {
            self.used.store(now, Ordering::Relaxed);
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.state().handle.is_some()
    }

    pub(super) fn last_used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Makes a change through the handle, which the caller has.
    pub(super) fn change<R>(&self, change: impl FnOnce() -> R) -> R {
        {
            let mut state = self.state();
            state.is_changed = true;
            state.under_way += 1;
        }
        // Should it panic, it stays under way for ever, and the handle open.
        let outcome = change();
        self.state().under_way -= 1;
        outcome
    }

    /// Has the handle stay until it is forgotten.
    pub(super) fn keep(&self) {
        self.state().must_stay = true;
    }
}

impl<T: ?Sized + Handle + 'static> Slot<T> {
    /// Syncs through the handle, which the caller has. Once that has failed, it fails for ever.
    pub(super) fn sync(&self, handle: &T) -> io::Result<()> {
        let _syncing = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut state = self.state();
            if let Some(error) = &state.failed_sync {
                return Err(again(error));
            }
            // Of a change that is under way nobody knows whether this covers it.
            state.is_changed = state.under_way > 0;
        }
        handle.sync().inspect_err(|error| self.state().failed_sync = Some(again(error)))
    }
}

/// The same error once more.
fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// A slot, whatever it is for.
pub(super) trait Closable: Debug + Send + Sync {
    /// Takes the handle out, if nothing speaks against it and it was not used after `time`.
    fn close(&self, time: u64) -> Closing;

    /// Syncs the handle, for its owner, so that it can be closed. The owner hears of an error from its own next sync.
    fn settle(&self);
}

impl<T: ?Sized + Handle + 'static> Closable for Slot<T> {
    fn close(&self, time: u64) -> Closing {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(state)) => state.into_inner(),
            Err(TryLockError::WouldBlock) => return Closing::Kept,
        };
        let used = self.last_used();
        if used > time {
            state.listed = Some(used);
            return Closing::Used(used);
        }
        if !state.is_closable() {
            return if state.is_idle() { Closing::Unsynced } else { Closing::Kept };
        }
        state.listed = None;
        state.handle.take().map_or(Closing::Kept, |handle| Closing::Closed(Box::new(handle)))
    }

    fn settle(&self) {
        let handle = self.state().handle.clone();
        if let Some(handle) = handle {
            // The error is kept.
            let _ = self.sync(&handle);
        }
    }
}
