//! Who may write a log: one byte of a lock file, shared by all logs of a store.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::storage::{File, Folder, LockKind, OpenMode, Storage};

/// Name of the lock file, in the folder that holds the logs or in the log's own.
const LOCK_FILE: &str = "lock";
/// A reader holds the lock for the time of a scan: so often, and so long, a writer tries again.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// A byte held. Given back when dropped, unless by the child of a fork: the parent still needs it.
#[derive(Debug)]
pub(crate) struct Lock {
    storage: Arc<dyn Storage>,
    file: Arc<dyn File>,
    byte: u64,
    process: u32,
}

/// Whether somebody writes a log.
#[derive(Debug)]
pub(crate) enum WriterSeen {
    /// Nobody, and nobody begins while the lock is held. Without a lock file there is nothing to hold.
    None(#[expect(dead_code, reason = "held, not looked at")] Option<Lock>),
    /// Somebody does, or it cannot be known.
    AtWork,
}

impl Lock {
    /// Takes the log's byte for its only writer.
    ///
    /// # Errors
    /// [`Error::Locked`] where somebody else still has it after a second.
    pub(crate) fn exclusive(storage: &Arc<dyn Storage>, folder: &dyn Folder) -> Result<Lock> {
        for attempt in 0..ATTEMPTS {
            if let Some(lock) = Self::try_exclusive(storage, folder)? {
                return Ok(lock);
            }
            if attempt + 1 < ATTEMPTS {
                storage.pause(PAUSE);
            }
        }
        Err(Error::Locked { path: folder.path().to_owned() })
    }

    /// Takes the log's byte for its only writer, if nobody has it right now.
    pub(crate) fn try_exclusive(storage: &Arc<dyn Storage>, folder: &dyn Folder) -> Result<Option<Lock>> {
        let (holder, file) = match open_shared_file(folder, OpenMode::Write)? {
            Some(found) => found,
            None => (None, open_own_file(folder, OpenMode::Create)?),
        };
        let lock = Self::try_byte(storage, folder, Arc::clone(&file), LockKind::Exclusive)?;
        // The file may have been replaced between opening and locking it: then the lock is worth nothing.
        let Some(lock) = lock else { return Ok(None) };
        let place = holder.as_deref().unwrap_or(folder);
        let path = place.path().join(LOCK_FILE);
        let now = place.open(LOCK_FILE, OpenMode::Read).map_err(Error::io("open", &path, None))?;
        let is_same = file.is_same(&*now).map_err(Error::io("look at", &path, None))?;
        Ok(is_same.then_some(lock))
    }

    /// Takes the log's byte together with other readers, if nobody writes right now.
    pub(crate) fn try_shared(storage: &Arc<dyn Storage>, folder: &dyn Folder) -> Result<WriterSeen> {
        let own = || match folder.open(LOCK_FILE, OpenMode::Read) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("open", &folder.path().join(LOCK_FILE), None)(error)),
        };
        let file = match open_shared_file(folder, OpenMode::Read)? {
            Some((_, file)) => Some(file),
            None => own()?,
        };
        // Without a lock file nobody ever wrote here under a lock.
        let Some(file) = file else { return Ok(WriterSeen::None(None)) };
        let lock = Self::try_byte(storage, folder, file, LockKind::Shared)?;
        Ok(lock.map_or(WriterSeen::AtWork, |lock| WriterSeen::None(Some(lock))))
    }

    fn try_byte(
        storage: &Arc<dyn Storage>,
        folder: &dyn Folder,
        file: Arc<dyn File>,
        kind: LockKind,
    ) -> Result<Option<Lock>> {
        let byte = folder.number().map_err(Error::io("look at", folder.path(), None))?;
        let taken = file.try_lock(byte, kind).map_err(Error::io("lock", folder.path(), None))?;
        let process = storage.process();
        Ok(taken.then(|| Lock { storage: Arc::clone(storage), file, byte, process }))
    }

    /// Whether this is the process that took it.
    pub(crate) fn is_ours(&self) -> bool {
        self.storage.process() == self.process
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_ours() {
            // Closing the file gives the byte back in any case; this is for a child between fork and exec that
            // still has the file open.
            let _ = self.file.unlock(self.byte);
        }
    }
}

type Holder = Option<Arc<dyn Folder>>;

/// The lock file of the folder that holds the log, if there is one.
fn open_shared_file(folder: &dyn Folder, mode: OpenMode) -> Result<Option<(Holder, Arc<dyn File>)>> {
    let Ok(holder) = folder.open_folder("..") else { return Ok(None) };
    match holder.open(LOCK_FILE, mode) {
        Ok(file) => Ok(Some((Some(holder), file))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("open", &holder.path().join(LOCK_FILE), None)(error)),
    }
}

fn open_own_file(folder: &dyn Folder, mode: OpenMode) -> Result<Arc<dyn File>> {
    folder.open(LOCK_FILE, mode).map_err(Error::io("open", &folder.path().join(LOCK_FILE), None))
}
