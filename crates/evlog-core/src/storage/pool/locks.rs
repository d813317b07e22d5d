//! Who holds what within a pool.
//!
//! The system keeps apart open files and folders, not those who share one. So within an open one, holders are counted
//! here.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::super::disk::lock_offset;
use super::super::{File, Identity, LockKind, OpenMode};

/// Those who hold one thing. Invariant: who holds it exclusively is alone.
#[derive(Debug, Default)]
pub(super) struct Holders {
    holders: Vec<(u64, LockKind)>,
}

impl Holders {
    pub(super) fn is_empty(&self) -> bool {
        self.holders.is_empty()
    }

    /// Whether this user holds it, and nobody else does.
    pub(super) fn are_only(&self, user: u64) -> bool {
        !self.is_empty() && self.holders.iter().all(|&(holder, _)| holder == user)
    }

    /// Whether somebody else's hold forbids this one.
    pub(super) fn refuse(&self, user: u64, kind: LockKind) -> bool {
        let mut others = self.holders.iter().filter(|&&(holder, _)| holder != user);
        others.any(|&(_, held)| held == LockKind::Exclusive || kind == LockKind::Exclusive)
    }

    /// Counts a user in, in the place of an earlier hold.
    pub(super) fn add(&mut self, user: u64, kind: LockKind) {
        self.remove(user);
        self.holders.push((user, kind));
    }

    pub(super) fn remove(&mut self, user: u64) {
        self.holders.retain(|&(holder, _)| holder != user);
    }
}

/// The lock files of a pool, each open once for all who take its bytes; and once more for those who opened it to read,
/// and so take no byte exclusively.
#[derive(Debug, Default)]
pub(super) struct Locks {
    files: Mutex<HashMap<LockFileKey, Weak<LockFile>>>,
}

/// Which lock file, and how it was opened.
type LockFileKey = (Identity, OpenMode);

impl Locks {
    /// The lock file; where it is not known yet, it is this open file.
    pub(super) fn share(&self, identity: Identity, mode: OpenMode, file: &Arc<dyn File>) -> Arc<LockFile> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = files.get(&(identity, mode)).and_then(Weak::upgrade) {
            return known;
        }
        let new = Arc::new(LockFile { file: Arc::clone(file), held: Mutex::default() });
        files.retain(|_, known| known.strong_count() > 0);
        files.insert((identity, mode), Arc::downgrade(&new));
        new
    }
}

/// A lock file that is open until the last of its users drops it.
///
/// Invariant: the system holds each byte in here for the open file, in the kind of its holders.
#[derive(Debug)]
pub(super) struct LockFile {
    file: Arc<dyn File>,
    held: Mutex<BTreeMap<i64, Holders>>,
}

impl LockFile {
    fn held(&self) -> MutexGuard<'_, BTreeMap<i64, Holders>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a byte for a user, or makes its hold on it another kind.
    pub(super) fn try_lock(&self, user: u64, byte: u64, kind: LockKind) -> io::Result<bool> {
        let mut held = self.held();
        let is_refused = held.get(&lock_offset(byte)).is_some_and(|holders| holders.refuse(user, kind));
        if is_refused || !self.file.try_lock(byte, kind)? {
            return Ok(false);
        }
        held.entry(lock_offset(byte)).or_default().add(user, kind);
        Ok(true)
    }

    /// Gives back a byte of a user. The system keeps it where others share it.
    pub(super) fn unlock(&self, user: u64, byte: u64) -> io::Result<()> {
        let mut held = self.held();
        let Some(holders) = held.get_mut(&lock_offset(byte)) else { return Ok(()) };
        if holders.are_only(user) {
            self.file.unlock(byte)?;
        }
        holders.remove(user);
        if holders.is_empty() {
            held.remove(&lock_offset(byte));
        }
        Ok(())
    }

    /// Gives back all bytes of a user who drops the file.
    pub(super) fn release(&self, user: u64) {
        self.held().retain(|&byte, holders| {
            if holders.are_only(user) {
                // Where this fails, other processes are kept out until the open file ends, and that is all.
                let _ = self.file.unlock(byte.cast_unsigned());
            }
            holders.remove(user);
            !holders.is_empty()
        });
    }
}
