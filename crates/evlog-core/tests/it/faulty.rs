//! The real disk behind a door-keeper, who may refuse a call, cut it short, or show other bytes than there are.

use std::fmt;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evlog_core::storage::{Disk, File, Folder, LockKind, OpenMode, Storage};

/// What is asked of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    OpenFolder,
    CreateFolder,
    Names,
    Open,
    Rename,
    Remove,
    RemoveFolder,
    SyncFolder,
    Length,
    Read,
    Write,
    SetLength,
    Sync,
    Lock,
}

/// One call, before it reaches the disk.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) kind: Kind,
    pub(crate) path: PathBuf,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

impl Call {
    pub(crate) fn is_of(&self, kind: Kind, suffix: &str) -> bool {
        self.kind == kind && self.path.to_str().is_some_and(|path| path.ends_with(suffix))
    }

    /// Whether a read or write touches this byte.
    pub(crate) fn touches(&self, byte: u64) -> bool {
        (self.offset..self.offset + self.length).contains(&byte)
    }
}

/// What becomes of a call.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Go,
    /// The system's error of this number.
    Fail(i32),
    /// At most so many bytes are read or written.
    Short(usize),
    /// The read shows zeros in this range of the file.
    Blank(std::ops::Range<u64>),
    /// The call waits for a word, while others go on.
    Wait(Arc<Mutex<Receiver<()>>>),
}

type Keeper = Arc<Mutex<dyn FnMut(&Call) -> Answer + Send>>;

/// A machine whose calls are all shown to somebody first.
#[derive(Clone)]
pub(crate) struct Faulty {
    keeper: Keeper,
}

impl Faulty {
    pub(crate) fn kept_by(keeper: impl FnMut(&Call) -> Answer + Send + 'static) -> Arc<dyn Storage> {
        Arc::new(Faulty { keeper: Arc::new(Mutex::new(keeper)) })
    }

    fn ask(&self, kind: Kind, path: &Path, offset: u64, length: u64) -> io::Result<Answer> {
        let call = Call { kind, path: path.to_owned(), offset, length };
        let answer = (self.keeper.lock().unwrap())(&call);
        match answer {
            Answer::Wait(word) => {
                let _ = word.lock().unwrap().recv_timeout(Duration::from_secs(10));
                Ok(Answer::Go)
            }
            Answer::Fail(number) => Err(io::Error::from_raw_os_error(number)),
            answer => Ok(answer),
        }
    }

    fn folder(&self, inner: Arc<dyn Folder>) -> Arc<dyn Folder> {
        Arc::new(FaultyFolder { inner, machine: self.clone() })
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Faulty")
    }
}

impl Storage for Faulty {
    fn open_folder(&self, path: &Path) -> io::Result<Arc<dyn Folder>> {
        self.ask(Kind::OpenFolder, path, 0, 0)?;
        Disk.open_folder(path).map(|inner| self.folder(inner))
    }

    fn now(&self) -> i64 {
        Disk.now()
    }

    fn random(&self) -> io::Result<[u8; 16]> {
        Disk.random()
    }

    fn pause(&self, span: Duration) {
        Disk.pause(span);
    }

    fn process(&self) -> u32 {
        Disk.process()
    }
}

#[derive(Debug)]
struct FaultyFolder {
    inner: Arc<dyn Folder>,
    machine: Faulty,
}

impl FaultyFolder {
    fn ask(&self, kind: Kind, name: &str) -> io::Result<()> {
        let path = if name.is_empty() { self.inner.path().to_owned() } else { self.inner.path().join(name) };
        self.machine.ask(kind, &path, 0, 0).map(drop)
    }
}

impl Folder for FaultyFolder {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn number(&self) -> io::Result<u64> {
        self.inner.number()
    }

    fn unreliable(&self) -> io::Result<Option<&'static str>> {
        self.inner.unreliable()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.ask(Kind::Names, "")?;
        self.inner.names()
    }

    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        self.ask(Kind::Open, name)?;
        let inner = self.inner.open(name, mode)?;
        let path = self.inner.path().join(name);
        Ok(Arc::new(FaultyFile { inner, path, machine: self.machine.clone() }))
    }

    fn open_folder(&self, name: &str) -> io::Result<Arc<dyn Folder>> {
        self.ask(Kind::OpenFolder, name)?;
        self.inner.open_folder(name).map(|inner| self.machine.folder(inner))
    }

    fn create_folder(&self, name: &str) -> io::Result<()> {
        self.ask(Kind::CreateFolder, name)?;
        self.inner.create_folder(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.ask(Kind::Rename, to)?;
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.ask(Kind::Remove, name)?;
        self.inner.remove(name)
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        self.ask(Kind::RemoveFolder, name)?;
        self.inner.remove_folder(name)
    }

    fn try_lock(&self, kind: LockKind) -> io::Result<bool> {
        self.inner.try_lock(kind)
    }

    fn unlock(&self) -> io::Result<()> {
        self.inner.unlock()
    }

    fn sync(&self) -> io::Result<()> {
        self.ask(Kind::SyncFolder, "")?;
        self.inner.sync()
    }
}

#[derive(Debug)]
struct FaultyFile {
    inner: Arc<dyn File>,
    path: PathBuf,
    machine: Faulty,
}

impl FaultyFile {
    fn ask(&self, kind: Kind, offset: u64, length: u64) -> io::Result<Answer> {
        self.machine.ask(kind, &self.path, offset, length)
    }
}

impl File for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.ask(Kind::Length, 0, 0)?;
        self.inner.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self.ask(Kind::Read, offset, buffer.len() as u64)? {
            Answer::Short(most) => {
                let most = most.min(buffer.len());
                self.inner.read_at(&mut buffer[..most], offset)
            }
            Answer::Blank(range) => {
                let count = self.inner.read_at(buffer, offset)?;
                for (byte, at) in buffer[..count].iter_mut().zip(offset..) {
                    if range.contains(&at) {
                        *byte = 0;
                    }
                }
                Ok(count)
            }
            _ => self.inner.read_at(buffer, offset),
        }
    }

    fn write_at(&self, pieces: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let length = pieces.iter().map(|piece| piece.len() as u64).sum();
        match self.ask(Kind::Write, offset, length)? {
            Answer::Short(most) => {
                let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
                self.inner.write_at(&[IoSlice::new(&bytes[..most.min(bytes.len())])], offset)
            }
            _ => self.inner.write_at(pieces, offset),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.ask(Kind::SetLength, len, 0)?;
        self.inner.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.ask(Kind::Sync, 0, 0)?;
        self.inner.sync()
    }

    fn try_lock(&self, byte: u64, kind: LockKind) -> io::Result<bool> {
        self.ask(Kind::Lock, byte, 1)?;
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
}
