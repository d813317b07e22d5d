//! A folder whose handle may be closed in between, and that knows which of its files and folders are in use.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard, PoisonError};

use super::super::{File, Folder, Identity, LockKind, OpenMode, Watch};
use super::file::PooledFile;
use super::locks::Holders;
use super::place::{Member, Node, Origin};

#[derive(Debug)]
pub(super) struct PooledFolder {
    node: Arc<Node>,
    path: PathBuf,
    /// As whom it holds a lock.
    user: u64,
}

impl PooledFolder {
    pub(super) fn new(node: Arc<Node>, path: PathBuf) -> PooledFolder {
        PooledFolder { user: node.shared.new_id(), node, path }
    }

    fn change_names<R>(&self, change: impl FnOnce() -> R) -> R {
        let _changing = self.node.names.changing();
        self.node.change(change)
    }

    fn holders(&self) -> MutexGuard<'_, Holders> {
        self.node.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, holders: &mut Holders) -> io::Result<()> {
        let is_last = holders.are_only(self.user);
        holders.remove(self.user);
        match &self.node.origin {
            _ if !is_last => Ok(()),
            Origin::Path(handle) => handle.unlock(),
            Origin::Name(member) => self.node.shared.recency.let_go(&member.slot, Folder::unlock),
        }
    }
}

impl Folder for PooledFolder {
    fn path(&self) -> &Path {
        &self.path
    }

    fn number(&self) -> io::Result<u64> {
        Ok(self.identity()?.number)
    }

    fn identity(&self) -> io::Result<Identity> {
        // Were it removed meanwhile, another folder might have its number by now.
        self.node.handle().map(|_| self.node.identity)
    }

    fn unreliable(&self) -> io::Result<Option<&'static str>> {
        self.node.handle()?.unreliable()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.node.handle()?.names()
    }

    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let folder = self.node.handle()?;
        let room = self.node.shared.recency.make_room();
        let open = || Member::open(&self.node, name, room, || folder.open(name, mode));
        let member = match mode {
            OpenMode::Read | OpenMode::Write => open(),
            OpenMode::CreateNew | OpenMode::Create => self.change_names(open),
        }?;
        Ok(Arc::new(PooledFile::new(member, mode)))
    }

    fn open_folder(&self, name: &str) -> io::Result<Arc<dyn Folder>> {
        let node = self.node.open_folder(name)?;
        Ok(Arc::new(PooledFolder::new(node, self.path.join(name))))
    }

    fn create_folder(&self, name: &str) -> io::Result<()> {
        let folder = self.node.handle()?;
        self.change_names(|| folder.create_folder(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let folder = self.node.handle()?;
        self.change_names(|| {
            folder.rename(from, to)?;
            self.node.names.renamed(from, to);
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let folder = self.node.handle()?;
        self.change_names(|| {
            folder.remove(name)?;
            self.node.names.removed(name);
            Ok(())
        })
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        let folder = self.node.handle()?;
        self.change_names(|| {
            folder.remove_folder(name)?;
            self.node.names.removed(name);
            Ok(())
        })
    }

    fn watch(&self) -> io::Result<Box<dyn Watch>> {
        self.node.handle()?.watch()
    }

    fn try_lock(&self, kind: LockKind) -> io::Result<bool> {
        self.node.shared.check_process()?;
        let mut holders = self.holders();
        if holders.refuse(self.user, kind) {
            return Ok(false);
        }
        let handle = self.node.handle()?;
        if !handle.try_lock(kind)? {
            // The system has taken back what this user may have held in another kind.
            self.give_back(&mut holders)?;
            return Ok(false);
        }
        if let Origin::Name(member) = &self.node.origin
            && !self.node.shared.recency.hold(&member.slot)
        {
            handle.unlock()?;
        }
        holders.add(self.user, kind);
        Ok(true)
    }

    fn unlock(&self) -> io::Result<()> {
        self.give_back(&mut self.holders())
    }

    fn sync(&self) -> io::Result<()> {
        self.node.sync()
    }
}

impl Drop for PooledFolder {
    fn drop(&mut self) {
        if self.node.shared.check_process().is_ok() {
            // Where this fails, others are kept out until the handle is closed, and that is all.
            let _ = self.unlock();
        }
    }
}
