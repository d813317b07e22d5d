//! A file whose handle may be closed in between.

use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::{File, Identity, LockKind, OpenMode, is_no_room};
use super::locks::LockFile;
use super::place::Member;

#[derive(Debug)]
pub(super) struct PooledFile {
    member: Member<dyn File>,
    /// How it is opened again: never made.
    mode: OpenMode,
    /// From the first lock on.
    locks: Mutex<Option<Arc<LockFile>>>,
}

impl PooledFile {
    pub(super) fn new(member: Member<dyn File>, mode: OpenMode) -> PooledFile {
        let mode = match mode {
            OpenMode::Read => OpenMode::Read,
            OpenMode::Write | OpenMode::CreateNew | OpenMode::Create => OpenMode::Write,
        };
        PooledFile { member, mode, locks: Mutex::default() }
    }

    fn handle(&self) -> io::Result<Arc<dyn File>> {
        self.member.handle(|folder, name| folder.open(name, self.mode))
    }

    fn change<R>(&self, change: impl FnOnce(&dyn File) -> io::Result<R>) -> io::Result<R> {
        let handle = self.handle()?;
        let slot = &self.member.slot;
        slot.change(|| change(&*handle)).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted && !is_no_room(error) {
                slot.keep();
            }
        })
    }

    /// The open file that holds the locks of all users of this one.
    fn lock_file(&self) -> io::Result<Arc<LockFile>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*locks {
            return Ok(Arc::clone(known));
        }
        let shared = &self.member.parent.shared;
        let handle = self.handle()?;
        let found = shared.locks.share(self.member.identity, self.mode, &handle);
        *locks = Some(Arc::clone(&found));
        drop(handle);
        // Its own handle has served its purpose, unless it is the one that all share now.
        shared.recency.close(&self.member.slot);
        Ok(found)
    }
}

impl File for PooledFile {
    fn len(&self) -> io::Result<u64> {
        self.handle()?.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.handle()?.read_at(buffer, offset)
    }

    fn behind_hole(&self, offset: u64) -> io::Result<Option<u64>> {
        self.handle()?.behind_hole(offset)
    }

    fn write_at(&self, pieces: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.change(|file| file.write_at(pieces, offset))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(|file| file.set_len(len))
    }

    fn sync(&self) -> io::Result<()> {
        let handle = self.handle()?;
        self.member.slot.sync(&*handle)
    }

    fn try_lock(&self, byte: u64, kind: LockKind) -> io::Result<bool> {
        if kind == LockKind::Exclusive && self.mode == OpenMode::Read {
            // As the system would say, whoever holds the byte.
            return Err(rustix::io::Errno::BADF.into());
        }
        self.member.parent.shared.check_process()?;
        self.lock_file()?.try_lock(self.member.slot.id, byte, kind)
    }

    fn unlock(&self, byte: u64) -> io::Result<()> {
        let locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.as_ref().map_or(Ok(()), |file| file.unlock(self.member.slot.id, byte))
    }

    fn has_name(&self) -> io::Result<bool> {
        self.handle()?.has_name()
    }

    fn number(&self) -> io::Result<(u64, u64)> {
        self.identity().map(|it| (it.device, it.number))
    }

    fn identity(&self) -> io::Result<Identity> {
        let is_held = self.locks.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if !is_held {
            // Were it removed meanwhile, another file might have its number by now.
            self.handle()?;
        }
        Ok(self.member.identity)
    }
}

impl Drop for PooledFile {
    fn drop(&mut self) {
        let locks = self.locks.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = locks.take()
            // The child of a fork drops what its parent still needs.
            && self.member.parent.shared.check_process().is_ok()
        {
            file.release(self.member.slot.id);
        }
    }
}
