//! What a machine does with the bytes of files, and with locks.

use std::io;

use evlog_core::storage::LockKind;

use super::{Course, Held, Machine, Open, Quota, QuotaAt, Request};
use crate::disk::fault::{Errno, FailedSync, OperationKind, What};

impl Machine {
    fn begin_file(
        &mut self,
        kind: OperationKind,
        handle: u64,
        offset: u64,
        len: usize,
    ) -> io::Result<Course> {
        let Some(Open { process, name, .. }) = self.open.get(&handle).cloned() else {
            return Err(Errno::BADF.into());
        };
        let is_change = kind.is_change();
        self.begin(&Request { process, kind, name: &name, offset, len: len as u64, is_change })
    }

    fn begin_whole_file(&mut self, kind: OperationKind, handle: u64) -> io::Result<()> {
        self.begin_file(kind, handle, 0, 0)?.whole()
    }

    fn done_file<T>(&self, handle: u64, value: T) -> io::Result<T> {
        match self.open.get(&handle) {
            Some(open) => self.done(open.process, value),
            None => Err(Errno::BADF.into()),
        }
    }

    fn is_writable(&self, handle: u64) -> bool {
        self.open.get(&handle).is_some_and(|open| open.writable)
    }

    pub(crate) fn len(&mut self, handle: u64) -> io::Result<u64> {
        self.begin_whole_file(OperationKind::Len, handle)?;
        Ok(self.contents(handle)?.len() as u64)
    }

    pub(crate) fn file_number(&mut self, handle: u64) -> io::Result<(u64, u64)> {
        self.begin_whole_file(OperationKind::Number, handle)?;
        let open = self.open.get(&handle).ok_or(Errno::BADF)?;
        Ok((1, open.node))
    }

    pub(crate) fn read(&mut self, handle: u64, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let course = self.begin_file(OperationKind::Read, handle, offset, buffer.len())?;
        course.whole()?;
        let limit = match course {
            Course::Struck(What::Short(bytes)) => buffer.len().min(bytes.max(1)),
            _ => buffer.len(),
        };
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(self.contents(handle)?.read(&mut buffer[..limit], offset)?)
    }

    pub(crate) fn write(&mut self, handle: u64, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let course = self.begin_file(OperationKind::Write, handle, offset, bytes.len())?;
        if !self.is_writable(handle) {
            return Err(Errno::BADF.into());
        }
        let offset = usize::try_from(offset).map_err(|_| Errno::FBIG)?;
        let (count, error) = match course {
            Course::Whole => (bytes.len(), None),
            Course::Dying => (self.chance.usize(0..=bytes.len()), None),
            Course::Struck(What::Short(count)) => (bytes.len().min(count.max(1)), None),
            Course::Struck(What::PartialError(errno)) => (self.chance.usize(0..=bytes.len()), Some(errno)),
            Course::Struck(What::Error(errno) | What::Sync(_, errno)) => (0, Some(errno)),
        };
        let fitting = self.fitting(handle, offset, count)?;
        self.struck += u64::from(fitting < count);
        let order = self.changes;
        self.contents(handle)?.write(&bytes[..fitting], offset, order);
        match error {
            Some(errno) => Err(errno.into()),
            None if fitting == 0 && count > 0 => Err(Errno::NOSPC.into()),
            None => self.done_file(handle, fitting),
        }
    }

    /// How many of `count` bytes at `offset` the quota lets through.
    fn fitting(&mut self, handle: u64, offset: usize, count: usize) -> io::Result<usize> {
        let Some(Quota { bytes, at: QuotaAt::Write }) = self.quota else {
            return Ok(count);
        };
        let free = bytes.saturating_sub(self.used()) as usize;
        let len = self.contents(handle)?.len();
        Ok(count.min((len + free).saturating_sub(offset)))
    }

    pub(crate) fn set_len(&mut self, handle: u64, len: u64) -> io::Result<()> {
        let course = self.begin_file(OperationKind::SetLen, handle, len, 0)?;
        if !self.is_writable(handle) {
            return Err(Errno::INVAL.into());
        }
        course.whole()?;
        let len = usize::try_from(len).map_err(|_| Errno::FBIG)?;
        let order = self.changes;
        self.contents(handle)?.set_len(len, order);
        self.done_file(handle, ())
    }

    pub(crate) fn sync(&mut self, handle: u64) -> io::Result<()> {
        let course = self.begin_file(OperationKind::Sync, handle, 0, 0)?;
        let is_full = |quota: Quota| quota.bytes < self.used();
        let failed = match (course, self.quota) {
            (Course::Struck(What::Sync(how, errno)), _) => Some((how, errno)),
            (Course::Struck(What::Error(errno) | What::PartialError(errno)), _) => {
                Some((FailedSync::Dropped, errno))
            }
            (_, Some(quota @ Quota { at: QuotaAt::Sync(how), .. })) if is_full(quota) => {
                Some((how, Errno::NOSPC))
            }
            _ => None,
        };
        let is_struck = matches!(course, Course::Struck(_));
        self.struck += u64::from(failed.is_some() && !is_struck);
        if matches!(failed, Some((FailedSync::Late, _))) {
            self.lied += 1;
        }
        let mut chance = self.chance.fork();
        let contents = self.contents(handle)?;
        let late = contents.take_late_error();
        let is_late = late.is_some();
        if failed.is_none() {
            contents.sync();
        }
        let error = failed.and_then(|(how, errno)| contents.fail_sync(how, errno, &mut chance));
        self.struck += u64::from(is_late);
        match error.or(late) {
            Some(errno) => Err(errno.into()),
            None => self.done_file(handle, ()),
        }
    }

    pub(crate) fn try_lock(&mut self, handle: u64, byte: u64, kind: LockKind) -> io::Result<bool> {
        self.begin_whole_file(OperationKind::Lock, handle)?;
        if kind == LockKind::Exclusive && !self.is_writable(handle) {
            return Err(Errno::BADF.into());
        }
        let node = self.open.get(&handle).ok_or(Errno::BADF)?.node;
        let conflicts = self.held.iter().any(|held| {
            held.node == node
                && held.byte == byte
                && held.handle != handle
                && (held.kind == LockKind::Exclusive || kind == LockKind::Exclusive)
        });
        if !conflicts {
            self.held.retain(|held| (held.handle, held.byte) != (handle, byte));
            self.held.push(Held { handle, node, byte, kind });
        }
        Ok(!conflicts)
    }

    pub(crate) fn unlock(&mut self, handle: u64, byte: u64) -> io::Result<()> {
        self.begin_whole_file(OperationKind::Unlock, handle)?;
        self.held.retain(|held| (held.handle, held.byte) != (handle, byte));
        Ok(())
    }
}
