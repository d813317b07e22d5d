//! The real file system, through open folders: a name that is checked is the name that is opened.

use std::fs;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::fcntl::{FcntlArg, fcntl};
use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags, StatxFlags};

use super::watch::FolderWatch;
use super::{File, Folder, Identity, LockKind, OpenMode, Storage, Watch};
use crate::position::Timestamp;

/// The real machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Storage for Disk {
    fn open_folder(&self, path: &Path) -> io::Result<Arc<dyn Folder>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptor = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Arc::new(DiskFolder { descriptor, path: path.to_owned() }))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place where core may look at the clock")]
    fn now(&self) -> Timestamp {
        let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => micros(since),
            Err(before) => -micros(before.duration()),
        }
    }

    fn random(&self) -> io::Result<[u8; 16]> {
        let mut bytes = [0; 16];
        let mut done = 0;
        while done < bytes.len() {
            match rustix::rand::getrandom(&mut bytes[done..], rustix::rand::GetRandomFlags::empty()) {
                Ok(count) => done += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(bytes)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place where core may wait")]
    fn pause(&self, span: Duration) {
        std::thread::sleep(span);
    }

    fn process(&self) -> u32 {
        std::process::id()
    }
}

#[derive(Debug)]
struct DiskFolder {
    descriptor: OwnedFd,
    path: PathBuf,
}

impl DiskFolder {
    /// An open that neither follows a link nor waits for the other end of a pipe.
    fn open_at(&self, name: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        rustix::fs::openat(&self.descriptor, name, flags, Mode::RUSR | Mode::WUSR).map_err(
            |error| match error {
                // A link; a folder opened for writing; a socket, or a device or pipe nobody serves.
                rustix::io::Errno::LOOP | rustix::io::Errno::ISDIR | rustix::io::Errno::NXIO => not_regular(),
                other => other.into(),
            },
        )
    }
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
}

impl Folder for DiskFolder {
    fn path(&self) -> &Path {
        &self.path
    }

    fn number(&self) -> io::Result<u64> {
        Ok(rustix::fs::fstat(&self.descriptor)?.st_ino)
    }

    fn identity(&self) -> io::Result<Identity> {
        identity_of(self.descriptor.as_fd())
    }

    fn unreliable(&self) -> io::Result<Option<&'static str>> {
        Ok(unreliable_kind(rustix::fs::fstatfs(&self.descriptor)?.f_type.cast_unsigned()))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.descriptor)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy();
            if name != "." && name != ".." {
                names.push(name.into_owned());
            }
        }
        Ok(names)
    }

    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let flags = match mode {
            OpenMode::Read => OFlags::RDONLY,
            OpenMode::Write => OFlags::RDWR,
            OpenMode::CreateNew => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
            OpenMode::Create => OFlags::RDWR | OFlags::CREATE,
        };
        let descriptor = self.open_at(name, flags)?;
        let found = rustix::fs::fstat(&descriptor)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(not_regular());
        }
        Ok(Arc::new(DiskFile { file: descriptor.into() }))
    }

    fn open_folder(&self, name: &str) -> io::Result<Arc<dyn Folder>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor =
            rustix::fs::openat(&self.descriptor, name, flags, Mode::empty()).map_err(|error| {
                let is_other = matches!(error, rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR);
                if is_other {
                    io::Error::new(io::ErrorKind::InvalidInput, "not a folder")
                } else {
                    error.into()
                }
            })?;
        Ok(Arc::new(DiskFolder { descriptor, path: self.path.join(name) }))
    }

    fn create_folder(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(&self.descriptor, name, Mode::RWXU)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let folder = &self.descriptor;
        Ok(rustix::fs::renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.descriptor, name, AtFlags::empty())?)
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.descriptor, name, AtFlags::REMOVEDIR)?)
    }

    fn watch(&self) -> io::Result<Box<dyn Watch>> {
        Ok(Box::new(FolderWatch::new(self.descriptor.as_fd())?))
    }

    fn try_lock(&self, kind: LockKind) -> io::Result<bool> {
        let operation = match kind {
            LockKind::Exclusive => FlockOperation::NonBlockingLockExclusive,
            LockKind::Shared => FlockOperation::NonBlockingLockShared,
        };
        match rustix::fs::flock(&self.descriptor, operation) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn unlock(&self) -> io::Result<()> {
        Ok(rustix::fs::flock(&self.descriptor, FlockOperation::NonBlockingUnlock)?)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.descriptor)?)
    }
}

/// Names the file systems of other machines, by the magic numbers of Linux's `statfs(2)`.
fn unreliable_kind(magic: u64) -> Option<&'static str> {
    match magic & 0xFFFF_FFFF {
        0x6969 => Some("NFS"),
        0x517B => Some("SMB"),
        0xFF53_4D42 => Some("CIFS"),
        0xFE53_4D42 => Some("SMB2"),
        0x0102_1997 => Some("9p"),
        _ => None,
    }
}

#[derive(Debug)]
#[expect(clippy::disallowed_types, reason = "the one place where core holds a file of the system")]
struct DiskFile {
    file: fs::File,
}

/// Where in a file the lock of a byte stands. Lock ranges are signed; numbers of folders use the low bits, so the
/// highest may be dropped.
pub(super) fn lock_offset(byte: u64) -> i64 {
    (byte & (u64::MAX >> 1)).cast_signed().min(i64::MAX - 1)
}

impl DiskFile {
    fn lock(&self, byte: u64, kind: i32) -> io::Result<()> {
        let range = nix::libc::flock {
            l_type: kind as i16,
            l_whence: nix::libc::SEEK_SET as i16,
            l_start: lock_offset(byte),
            l_len: 1,
            l_pid: 0,
        };
        fcntl(self.file.as_fd(), FcntlArg::F_OFD_SETLK(&range))?;
        Ok(())
    }
}

impl File for DiskFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn behind_hole(&self, offset: u64) -> io::Result<Option<u64>> {
        // The place where the next `read` would begin moves, and nobody uses it.
        match rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Data(offset)) {
            Ok(found) => Ok(Some(found)),
            Err(rustix::io::Errno::NXIO) => Ok(None),
            Err(rustix::io::Errno::INVAL) => Ok(Some(offset)),
            Err(error) => Err(error.into()),
        }
    }

    fn write_at(&self, pieces: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        Ok(rustix::io::pwritev(&self.file, pieces, offset)?)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn try_lock(&self, byte: u64, kind: LockKind) -> io::Result<bool> {
        let kind = match kind {
            LockKind::Exclusive => nix::libc::F_WRLCK,
            LockKind::Shared => nix::libc::F_RDLCK,
        };
        match self.lock(byte, kind) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.raw_os_error(), Some(nix::libc::EAGAIN | nix::libc::EACCES)) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn unlock(&self, byte: u64) -> io::Result<()> {
        self.lock(byte, nix::libc::F_UNLCK)
    }

    fn has_name(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.nlink() > 0)
    }

    fn number(&self) -> io::Result<(u64, u64)> {
        let found = self.file.metadata()?;
        Ok((found.dev(), found.ino()))
    }

    fn identity(&self) -> io::Result<Identity> {
        identity_of(self.file.as_fd())
    }
}

/// What an open file or folder is.
fn identity_of(descriptor: BorrowedFd<'_>) -> io::Result<Identity> {
    let wanted = StatxFlags::INO | StatxFlags::BTIME;
    let found = match rustix::fs::statx(descriptor, "", AtFlags::EMPTY_PATH, wanted) {
        Err(rustix::io::Errno::NOSYS) => {
            let found = rustix::fs::fstat(descriptor)?;
            return Ok(Identity { device: found.st_dev, number: found.st_ino, born: 0 });
        }
        found => found?,
    };
    let birth = found.stx_btime;
    Ok(Identity {
        device: u64::from(found.stx_dev_major) << 32 | u64::from(found.stx_dev_minor),
        number: found.stx_ino,
        // Zeros where the file system does not know it.
        born: i128::from(birth.tv_sec) * 1_000_000_000 + i128::from(birth.tv_nsec),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Arc<dyn Folder>) {
        let place = tempfile::tempdir().unwrap();
        let folder = Disk.open_folder(place.path()).unwrap();
        (place, folder)
    }

    #[test]
    fn file_systems_of_other_machines_are_named() {
        assert_eq!(unreliable_kind(0xEF53), None);
        assert_eq!(unreliable_kind(0x6969), Some("NFS"));
        assert_eq!(unreliable_kind(0xFFFF_FFFF_FF53_4D42), Some("CIFS"));
        assert_eq!(unreliable_kind(0x0102_1997), Some("9p"));
    }

    #[test]
    fn only_regular_files_are_opened() {
        let (place, folder) = folder();
        std::os::unix::fs::symlink("/etc/passwd", place.path().join("link")).unwrap();
        std::os::unix::fs::symlink("/etc", place.path().join("folder-link")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, place.path().join("pipe"), Mode::RWXU).unwrap();
        folder.create_folder("folder").unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(place.path().join("socket")).unwrap();
        for name in ["link", "pipe", "folder", "socket", "folder-link"] {
            for mode in [OpenMode::Read, OpenMode::Write, OpenMode::Create] {
                let error = folder.open(name, mode).expect_err(name);
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name}: {error}");
            }
        }
        for name in ["link", "pipe", "socket", "folder-link"] {
            let error = folder.open_folder(name).expect_err(name);
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name}: {error}");
        }
    }

    #[test]
    fn a_rename_never_replaces() {
        let (_place, folder) = folder();
        folder.open("a", OpenMode::CreateNew).unwrap();
        folder.open("b", OpenMode::CreateNew).unwrap();
        assert_eq!(folder.rename("a", "b").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        folder.rename("a", "c").unwrap();
        let mut names = folder.names().unwrap();
        names.sort();
        assert_eq!(names, ["b", "c"]);
    }

    #[test]
    fn a_byte_has_one_exclusive_owner_even_within_a_process() {
        let (_place, folder) = folder();
        let first = folder.open("lock", OpenMode::Create).unwrap();
        let second = folder.open("lock", OpenMode::Create).unwrap();
        assert!(first.is_same(&*second).unwrap());
        assert!(first.try_lock(u64::MAX, LockKind::Exclusive).unwrap());
        assert!(!second.try_lock(u64::MAX, LockKind::Exclusive).unwrap());
        assert!(!second.try_lock(u64::MAX, LockKind::Shared).unwrap());
        assert!(second.try_lock(7, LockKind::Exclusive).unwrap());
        first.unlock(u64::MAX).unwrap();
        assert!(second.try_lock(u64::MAX, LockKind::Shared).unwrap());
        assert!(first.try_lock(u64::MAX, LockKind::Shared).unwrap());
    }

    #[test]
    fn pieces_are_written_and_read_at_their_place() {
        let (_place, folder) = folder();
        let file = folder.open("file", OpenMode::CreateNew).unwrap();
        let written = super::super::write_full(&*file, &[b"ab", b"", b"cde"], 3);
        assert_eq!((written.bytes, written.error.is_none()), (5, true));
        let mut found = [1; 10];
        assert_eq!(super::super::read_full(&*file, &mut found, 0).unwrap(), 8);
        assert_eq!(&found[..8], b"\0\0\0abcde");
    }
}
