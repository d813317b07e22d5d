//! Who may write a log: one byte of a lock file, shared by all logs of a store, and the log's folder itself.
//!
//! The byte tells all processes that look for it the same, on any machine. But a lock file may be removed while it is
//! held, may come to be next to a log that is already written, and may not be there at all where the folder is mounted
//! a second time. So the folder is held beside it, which is the same by whatever path it is reached.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::storage::{File, Folder, LockKind, OpenMode, Storage};

/// Name of the lock file, in the folder that holds the logs or in the log's own.
const LOCK_FILE: &str = "lock";
/// A reader holds the lock for the time of a scan: so often, and so long, a writer tries again.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// A log held. Given back when dropped, unless by the child of a fork: the parent still needs it.
#[derive(Debug)]
pub(crate) struct Lock {
    storage: Arc<dyn Storage>,
    folder: Arc<dyn Folder>,
    /// The lock file and the byte of it. For readers there may be none.
    byte: Option<(Arc<dyn File>, u64)>,
    process: u32,
}

/// Whether somebody writes a log.
#[derive(Debug)]
pub(crate) enum WriterSeen {
    /// Nobody, and nobody begins while the lock is held.
    None(#[expect(dead_code, reason = "held, not looked at")] Lock),
    /// Somebody does, or it cannot be known.
    AtWork,
}

impl Lock {
    /// Takes the log for its only writer.
    ///
    /// # Errors
    /// [`Error::Locked`] where somebody else still has it after a second.
    pub(crate) fn exclusive(storage: &Arc<dyn Storage>, folder: &Arc<dyn Folder>) -> Result<Lock> {
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

    /// Takes the log for its only writer, if nobody has it right now.
    pub(crate) fn try_exclusive(
        storage: &Arc<dyn Storage>,
        folder: &Arc<dyn Folder>,
    ) -> Result<Option<Lock>> {
        let Some(mut lock) = Self::try_folder(storage, folder, LockKind::Exclusive)? else { return Ok(None) };
        let (holder, file) = match open_shared_file(&**folder, OpenMode::Write)? {
            Some(found) => found,
            None => (Arc::clone(folder), open_own_file(&**folder, OpenMode::Create)?),
        };
        if !lock.try_byte(&file, LockKind::Exclusive)? {
            return Ok(None);
        }
        // The file may have been replaced between opening and locking it: then the lock is worth nothing.
        let path = holder.path().join(LOCK_FILE);
        let now = match holder.open(LOCK_FILE, OpenMode::Read) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            now => now.map_err(Error::io("open", &path, None))?,
        };
        let is_same = file.is_same(&*now).map_err(Error::io("look at", &path, None))?;
        Ok(is_same.then_some(lock))
    }

    /// Takes the log together with other readers, if nobody writes right now.
    pub(crate) fn try_shared(storage: &Arc<dyn Storage>, folder: &Arc<dyn Folder>) -> Result<WriterSeen> {
        let Some(mut lock) = Self::try_folder(storage, folder, LockKind::Shared)? else {
            return Ok(WriterSeen::AtWork);
        };
        let own = || match folder.open(LOCK_FILE, OpenMode::Read) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("open", &folder.path().join(LOCK_FILE), None)(error)),
        };
        let file = match open_shared_file(&**folder, OpenMode::Read)? {
            Some((_, file)) => Some(file),
            None => own()?,
        };
        // Without a lock file nobody ever wrote here under a lock.
        if let Some(file) = file
            && !lock.try_byte(&file, LockKind::Shared)?
        {
            return Ok(WriterSeen::AtWork);
        }
        Ok(WriterSeen::None(lock))
    }

    fn try_folder(
        storage: &Arc<dyn Storage>,
        folder: &Arc<dyn Folder>,
        kind: LockKind,
    ) -> Result<Option<Lock>> {
        let taken = folder.try_lock(kind).map_err(Error::io("lock", folder.path(), None))?;
        let process = storage.process();
        let (storage, folder) = (Arc::clone(storage), Arc::clone(folder));
        Ok(taken.then_some(Lock { storage, folder, byte: None, process }))
    }

    fn try_byte(&mut self, file: &Arc<dyn File>, kind: LockKind) -> Result<bool> {
        let path = self.folder.path();
        let byte = self.folder.number().map_err(Error::io("look at", path, None))?;
        let taken = file.try_lock(byte, kind).map_err(Error::io("lock", path, None))?;
        if taken {
            self.byte = Some((Arc::clone(file), byte));
        }
        Ok(taken)
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
            // still has the file open. The folder stays open as long as there are readers.
            if let Some((file, byte)) = &self.byte {
                let _ = file.unlock(*byte);
            }
            let _ = self.folder.unlock();
        }
    }
}

/// A lock file and the folder that it stands in.
type LockFile = (Arc<dyn Folder>, Arc<dyn File>);

/// The lock file of the folder that holds the log, if there is one.
fn open_shared_file(folder: &dyn Folder, mode: OpenMode) -> Result<Option<LockFile>> {
    // Who may not look there is kept apart from others by the log's folder alone.
    let Ok(holder) = folder.open_folder("..") else { return Ok(None) };
    match holder.open(LOCK_FILE, mode) {
        Ok(file) => Ok(Some((holder, file))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("open", &holder.path().join(LOCK_FILE), None)(error)),
    }
}

fn open_own_file(folder: &dyn Folder, mode: OpenMode) -> Result<Arc<dyn File>> {
    folder.open(LOCK_FILE, mode).map_err(Error::io("open", &folder.path().join(LOCK_FILE), None))
}
