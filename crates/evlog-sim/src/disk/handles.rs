//! The fake disk as the log sees it.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use evlog_core::Timestamp;
use evlog_core::storage::{File, Folder, LockKind, OpenMode, Storage};

use super::SimDisk;

impl Storage for SimDisk {
    fn open_folder(&self, path: &Path) -> io::Result<Arc<dyn Folder>> {
        let text = path.to_str().ok_or(io::ErrorKind::NotFound)?;
        let node = self.machine().open_path(self.process, text)?;
        Ok(Arc::new(SimFolder { disk: self.clone(), node, path: path.to_owned() }))
    }

    fn now(&self) -> Timestamp {
        self.machine().tick()
    }

    fn random(&self) -> io::Result<[u8; 16]> {
        self.machine().random(self.process)
    }

    fn pause(&self, span: Duration) {
        self.machine().wait(span);
    }

    fn process(&self) -> u32 {
        let is_forked = self.machine().forked.contains(&self.process);
        if is_forked { self.process + (1 << 16) } else { self.process }
    }
}

#[derive(Debug)]
struct SimFolder {
    disk: SimDisk,
    node: u64,
    path: PathBuf,
}

impl Drop for SimFolder {
    fn drop(&mut self) {
        self.disk.machine().open_folders -= 1;
    }
}

impl Folder for SimFolder {
    fn path(&self) -> &Path {
        &self.path
    }

    fn number(&self) -> io::Result<u64> {
        self.disk.machine().folder_number(self.disk.process, self.node)
    }

    fn unreliable(&self) -> io::Result<Option<&'static str>> {
        self.number().map(|_| None)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.disk.machine().names(self.disk.process, self.node)
    }

    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let handle = self.disk.machine().open(self.disk.process, self.node, name, mode)?;
        Ok(Arc::new(SimFile { disk: self.disk.clone(), handle }))
    }

    fn open_folder(&self, name: &str) -> io::Result<Arc<dyn Folder>> {
        let node = self.disk.machine().open_folder(self.disk.process, self.node, name)?;
        Ok(Arc::new(SimFolder { disk: self.disk.clone(), node, path: self.path.join(name) }))
    }

    fn create_folder(&self, name: &str) -> io::Result<()> {
        self.disk.machine().create_folder(self.disk.process, self.node, name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.machine().rename(self.disk.process, self.node, from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.machine().remove(self.disk.process, self.node, name)
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        self.disk.machine().remove_folder(self.disk.process, self.node, name)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.machine().sync_folder(self.disk.process, self.node)
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    handle: u64,
}

impl Drop for SimFile {
    fn drop(&mut self) {
        self.disk.machine().close(self.handle);
    }
}

impl File for SimFile {
    fn len(&self) -> io::Result<u64> {
        self.disk.machine().len(self.handle)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.machine().read(self.handle, buffer, offset)
    }

    fn write_at(&self, pieces: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let joined;
        let bytes = if let [one] = pieces {
            &**one
        } else {
            joined = pieces.iter().map(|piece| &**piece).collect::<Vec<_>>().concat();
            &joined
        };
        self.disk.machine().write(self.handle, bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.machine().set_len(self.handle, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.machine().sync(self.handle)
    }

    fn try_lock(&self, byte: u64, kind: LockKind) -> io::Result<bool> {
        self.disk.machine().try_lock(self.handle, byte, kind)
    }

    fn unlock(&self, byte: u64) -> io::Result<()> {
        self.disk.machine().unlock(self.handle, byte)
    }

    fn number(&self) -> io::Result<(u64, u64)> {
        self.disk.machine().file_number(self.handle)
    }
}
