//! The one door to the outside: the disk, with the clock and randomness beside it.
//!
//! Everything the log asks of the machine passes through [`Storage`], [`Folder`] and [`File`], so that a crash, a
//! torn write or a full disk is nothing but another implementation of them. [`Disk`] is the real one.

use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::position::Timestamp;

mod disk;
mod pool;
mod watch;
mod whole;

pub use disk::Disk;
pub use pool::Pool;
pub(crate) use whole::{is_gone, is_no_room, read_full, write_full};

/// A machine: folders, a clock, randomness.
pub trait Storage: Debug + Send + Sync {
    /// Opens an existing folder. Links are followed: the path is the user's own word.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::NotFound`] where there is nothing.
    fn open_folder(&self, path: &Path) -> io::Result<Arc<dyn Folder>>;

    /// The time of day. It may jump, and nothing depends on its order.
    fn now(&self) -> Timestamp;

    /// Sixteen random bytes.
    ///
    /// # Errors
    /// What the system says.
    fn random(&self) -> io::Result<[u8; 16]>;

    /// Waits that long, or not at all where time is only played.
    fn pause(&self, span: Duration);

    /// Number of this process, to notice the child of a fork.
    fn process(&self) -> u32;
}

/// One open folder. Names are single path components; links are never followed.
pub trait Folder: Debug + Send + Sync {
    /// The path by which it was opened, for messages.
    fn path(&self) -> &Path;

    /// Number of the folder that no other folder of its file system has.
    ///
    /// # Errors
    /// What the system says.
    fn number(&self) -> io::Result<u64>;

    /// Which folder it is.
    ///
    /// # Errors
    /// What the system says.
    fn identity(&self) -> io::Result<Identity> {
        Ok(Identity { device: 0, number: self.number()?, born: 0 })
    }

    /// The kind of file system that holds the folder, if it is one whose locks and syncs cannot be relied on.
    ///
    /// # Errors
    /// What the system says.
    fn unreliable(&self) -> io::Result<Option<&'static str>>;

    /// The names in the folder, in no particular order, without `.` and `..`. Names that are not UTF-8 are
    /// shown with replacement characters, and so match no name of ours.
    ///
    /// # Errors
    /// What the system says.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Opens a file.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::InvalidInput`] where the name stands for something that is no
    /// regular file: a link, a folder, a pipe, a device.
    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>>;

    /// Opens a folder in this folder; `..` is the one that holds it.
    ///
    /// # Errors
    /// As for [`Folder::open`].
    fn open_folder(&self, name: &str) -> io::Result<Arc<dyn Folder>>;

    /// Makes a folder that only its owner may enter.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::AlreadyExists`] where the name is taken.
    fn create_folder(&self, name: &str) -> io::Result<()>;

    /// Gives another name to a file or folder of this folder.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::AlreadyExists`] where the new name is taken.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Removes an empty folder.
    ///
    /// # Errors
    /// What the system says.
    fn remove_folder(&self, name: &str) -> io::Result<()>;

    /// Watches the folder for changes of its files, beginning now.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::Unsupported`] where nothing can be watched, which is what this does
    /// unless an implementation knows better.
    fn watch(&self) -> io::Result<Box<dyn Watch>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Takes the folder itself, without waiting: `false` where somebody else has it, by whatever path. The lock
    /// belongs to this open folder and ends with it or with the process. Always granted on a machine where each folder
    /// has one path, and nobody removes lock files.
    ///
    /// # Errors
    /// What the system says.
    fn try_lock(&self, _kind: LockKind) -> io::Result<bool> {
        Ok(true)
    }

    /// Gives the folder back.
    ///
    /// # Errors
    /// What the system says.
    fn unlock(&self) -> io::Result<()> {
        Ok(())
    }

    /// Makes the names in this folder durable.
    ///
    /// # Errors
    /// What the system says. As with [`File::sync`], trying again proves nothing.
    fn sync(&self) -> io::Result<()>;
}

/// A look-out for changes in a folder.
pub trait Watch: Debug + Send {
    /// Waits until something has changed since the last call, or `timeout` has passed.
    ///
    /// # Errors
    /// What the system says.
    fn wait(&mut self, timeout: Duration) -> io::Result<()>;
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpenMode {
    /// An existing file, to read.
    Read,
    /// An existing file, to read and write.
    Write,
    /// A file that does not exist yet, to read and write.
    CreateNew,
    /// A file that is made where it does not exist, to read and write.
    Create,
}

/// Who else may hold a byte of a lock file at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockKind {
    /// Nobody.
    Exclusive,
    /// Others who share it.
    Shared,
}

/// One open file.
#[expect(clippy::len_without_is_empty, reason = "nobody asks whether a file is empty")]
pub trait File: Debug + Send + Sync {
    /// Bytes in the file.
    ///
    /// # Errors
    /// What the system says.
    fn len(&self) -> io::Result<u64>;

    /// Reads up to `buffer.len()` bytes at `offset`; 0 only at the end of the file.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// The first offset at or behind `offset` where anything but zeros may stand; `None` where nothing follows. A hint
    /// for files with giant holes: `offset` itself where the machine cannot tell.
    ///
    /// # Errors
    /// What the system says.
    fn behind_hole(&self, offset: u64) -> io::Result<Option<u64>> {
        Ok(Some(offset))
    }

    /// Writes the pieces one after the other at `offset`, in one call to the system; fewer bytes may be written.
    ///
    /// # Errors
    /// What the system says; then nothing is known of the bytes.
    fn write_at(&self, pieces: &[IoSlice<'_>], offset: u64) -> io::Result<usize>;

    /// Cuts or lengthens the file.
    ///
    /// # Errors
    /// What the system says.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes the bytes of the file and its length durable (`fdatasync`).
    ///
    /// # Errors
    /// What the system says. After an error the unsynced bytes are in an unknown state: on Linux a second call
    /// may succeed without having written them.
    fn sync(&self) -> io::Result<()>;

    /// Takes one byte of a lock file, without waiting: `false` where somebody else has it. The lock belongs to
    /// this open file, ends with it or with the process, and need not point at a byte that exists.
    ///
    /// # Errors
    /// What the system says.
    fn try_lock(&self, byte: u64, kind: LockKind) -> io::Result<bool>;

    /// Gives a byte back.
    ///
    /// # Errors
    /// What the system says.
    fn unlock(&self, byte: u64) -> io::Result<()>;

    /// Whether `other` is the same file, by whatever name.
    ///
    /// # Errors
    /// What the system says.
    fn is_same(&self, other: &dyn File) -> io::Result<bool> {
        Ok(self.number()? == other.number()?)
    }

    /// Whether the file still has a name: one that was removed lives on only as long as somebody has it open. Always
    /// so on a machine where nobody else removes anything.
    ///
    /// # Errors
    /// What the system says.
    fn has_name(&self) -> io::Result<bool> {
        Ok(true)
    }

    /// Device and number of the file: no other file has both.
    ///
    /// # Errors
    /// What the system says.
    fn number(&self) -> io::Result<(u64, u64)>;

    /// Which file it is.
    ///
    /// # Errors
    /// What the system says.
    fn identity(&self) -> io::Result<Identity> {
        let (device, number) = self.number()?;
        Ok(Identity { device, number, born: 0 })
    }
}

/// Which file or folder it is, of all that there are and that there were: a number is given again to another one once
/// its file is gone, so the time of birth belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Number of the file system; 0 on a machine that has one.
    pub device: u64,
    /// Number of the file or folder in it.
    pub number: u64,
    /// When it was made, in nanoseconds, however these are counted; 0 where numbers are not given again, or where the
    /// file system does not know.
    pub born: i128,
}
