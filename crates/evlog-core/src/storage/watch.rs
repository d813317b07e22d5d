//! Waits for changes in a real folder, by Linux's inotify.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};
use rustix::io::Errno;

use super::Watch;

/// Bytes for the system's messages, which are thrown away: that there are any is all that counts.
const MESSAGES: usize = 4 << 10;

#[derive(Debug)]
pub(super) struct FolderWatch {
    descriptor: OwnedFd,
}

impl FolderWatch {
    pub(super) fn new(folder: BorrowedFd<'_>) -> io::Result<FolderWatch> {
        let descriptor = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        // The open folder itself, whatever name it has by now.
        let path = format!("/proc/self/fd/{}", folder.as_raw_fd());
        let changes = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::DELETE;
        add_watch(&descriptor, path, changes)?;
        Ok(FolderWatch { descriptor })
    }

    /// Takes all messages that are there.
    fn drain(&self) -> io::Result<()> {
        let mut buffer = [MaybeUninit::uninit(); MESSAGES];
        let mut messages = Reader::new(self.descriptor.as_fd(), &mut buffer);
        loop {
            match messages.next() {
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Watch for FolderWatch {
    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        let limit = Timespec::try_from(timeout).ok();
        let mut waited = [PollFd::new(&self.descriptor, PollFlags::IN)];
        match poll(&mut waited, limit.as_ref()) {
            Ok(0) | Err(Errno::INTR) => Ok(()),
            Ok(_) => self.drain(),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Disk, OpenMode, Storage, write_full};

    #[test]
    fn a_write_wakes_and_an_idle_folder_does_not() {
        let place = tempfile::tempdir().unwrap();
        let folder = Disk.open_folder(place.path()).unwrap();
        let file = folder.open("file", OpenMode::CreateNew).unwrap();
        let mut watch = folder.watch().unwrap();
        let wakes_for_good = std::thread::scope(|scope| {
            let waiter = scope.spawn(|| watch.wait(Duration::from_secs(60)));
            write_full(&*file, &[b"x"], 0);
            waiter.join().unwrap()
        });
        wakes_for_good.unwrap();
        watch.wait(Duration::ZERO).unwrap();
    }
}
