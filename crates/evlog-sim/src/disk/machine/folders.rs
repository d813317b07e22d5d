//! What a machine does with names.

use std::collections::BTreeMap;
use std::io;

use evlog_core::storage::OpenMode;

use super::{Course, Machine, Node, Open, ROOT, Request};
use crate::disk::contents::Contents;
use crate::disk::entries::{Entries, NameChange};
use crate::disk::fault::{Errno, FailedSync, OperationKind, What};

impl Machine {
    /// Follows a path from the root without counting as an operation.
    pub(crate) fn walk(&self, path: &str) -> io::Result<u64> {
        let mut node = ROOT;
        for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
            node = self.child(node, part)?;
        }
        Ok(node)
    }

    fn child(&self, folder: u64, name: &str) -> io::Result<u64> {
        let entries = self.entries(folder)?;
        match name {
            ".." => Ok(entries.parent),
            name => Ok(*entries.names().get(name).ok_or(Errno::NOENT)?),
        }
    }

    pub(crate) fn open_path(&mut self, process: u32, path: &str) -> io::Result<u64> {
        self.begin_whole(process, OperationKind::OpenFolder, path)?;
        let node = self.walk(path)?;
        self.entries(node)?;
        self.open_folders += 1;
        Ok(node)
    }

    pub(crate) fn open_folder(&mut self, process: u32, folder: u64, name: &str) -> io::Result<u64> {
        self.begin_whole(process, OperationKind::OpenFolder, name)?;
        let node = self.child(folder, name)?;
        if self.entries(node).is_err() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a folder"));
        }
        self.open_folders += 1;
        Ok(node)
    }

    pub(crate) fn folder_number(&mut self, process: u32, folder: u64) -> io::Result<u64> {
        self.begin_whole(process, OperationKind::FolderNumber, "")?;
        Ok(folder)
    }

    pub(crate) fn names(&mut self, process: u32, folder: u64) -> io::Result<Vec<String>> {
        self.begin_whole(process, OperationKind::Names, "")?;
        let mut names: Vec<String> = self.entries(folder)?.names().keys().cloned().collect();
        self.chance.shuffle(&mut names);
        Ok(names)
    }

    pub(crate) fn open(&mut self, process: u32, folder: u64, name: &str, mode: OpenMode) -> io::Result<u64> {
        let found = self.child(folder, name).ok();
        let creates = found.is_none() && matches!(mode, OpenMode::Create | OpenMode::CreateNew);
        let request =
            Request { process, kind: OperationKind::Open, name, offset: 0, len: 0, is_change: creates };
        self.begin(&request)?.whole()?;
        let writable = mode != OpenMode::Read;
        let node = match found {
            Some(_) if mode == OpenMode::CreateNew => return Err(Errno::EXIST.into()),
            Some(node) if self.entries(node).is_ok() => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
            }
            Some(_) if writable && self.is_read_only => return Err(Errno::ROFS.into()),
            Some(node) => node,
            None if !creates => return Err(Errno::NOENT.into()),
            None => self.add_node(folder, name, Node::File(Contents::default()))?,
        };
        let handle = self.next_handle;
        self.next_handle += 1;
        self.open.insert(handle, Open { process, node, name: name.into(), writable });
        self.done(process, handle)
    }

    fn add_node(&mut self, folder: u64, name: &str, node: Node) -> io::Result<u64> {
        let number = self.next_node;
        self.change_names(folder, NameChange::Added { name: name.to_owned(), node: number })?;
        self.next_node += 1;
        self.nodes.insert(number, node);
        Ok(number)
    }

    pub(crate) fn create_folder(&mut self, process: u32, folder: u64, name: &str) -> io::Result<()> {
        self.begin_whole(process, OperationKind::CreateFolder, name)?;
        if self.child(folder, name).is_ok() {
            return Err(Errno::EXIST.into());
        }
        self.add_node(folder, name, Node::Folder(Entries::new(folder)))?;
        self.done(process, ())
    }

    pub(crate) fn rename(&mut self, process: u32, folder: u64, from: &str, to: &str) -> io::Result<()> {
        self.begin_whole(process, OperationKind::Rename, to)?;
        let node = self.child(folder, from)?;
        if self.child(folder, to).is_ok() {
            return Err(Errno::EXIST.into());
        }
        self.change_names(folder, NameChange::Renamed { from: from.to_owned(), to: to.to_owned(), node })?;
        self.done(process, ())
    }

    pub(crate) fn remove(&mut self, process: u32, folder: u64, name: &str) -> io::Result<()> {
        self.begin_whole(process, OperationKind::Remove, name)?;
        if self.entries(self.child(folder, name)?).is_ok() {
            return Err(Errno::ISDIR.into());
        }
        self.change_names(folder, NameChange::Removed { name: name.to_owned() })?;
        self.done(process, ())
    }

    pub(crate) fn remove_folder(&mut self, process: u32, folder: u64, name: &str) -> io::Result<()> {
        self.begin_whole(process, OperationKind::RemoveFolder, name)?;
        if !self.entries(self.child(folder, name)?)?.names().is_empty() {
            return Err(Errno::NOTEMPTY.into());
        }
        self.change_names(folder, NameChange::Removed { name: name.to_owned() })?;
        self.done(process, ())
    }

    pub(crate) fn sync_folder(&mut self, process: u32, folder: u64) -> io::Result<()> {
        let kind = OperationKind::SyncFolder;
        let course = self.begin(&Request { process, kind, name: "", offset: 0, len: 0, is_change: true })?;
        let Some(Node::Folder(entries)) = self.nodes.get_mut(&folder) else {
            return Err(Errno::BADF.into());
        };
        // Names live in a journal: a failed sync takes them back or leaves them for later. It does not take them
        // for written, as it does with bytes.
        if let Course::Struck(What::Sync(FailedSync::Reverted, _)) = course {
            entries.revert();
        }
        course.whole()?;
        entries.sync();
        self.done(process, ())
    }

    /// Puts something durable there without counting as an operation, in the place of what has the name.
    pub(crate) fn put(&mut self, folder: u64, name: &str, node: Node) -> io::Result<()> {
        let number = self.next_node;
        let mut names = self.entries(folder)?.names().clone();
        names.insert(name.to_owned(), number);
        self.set_names(folder, names)?;
        self.next_node += 1;
        self.nodes.insert(number, node);
        Ok(())
    }

    /// Makes these the durable names of a folder.
    pub(crate) fn set_names(&mut self, folder: u64, names: BTreeMap<String, u64>) -> io::Result<()> {
        let parent = self.entries(folder)?.parent;
        self.nodes.insert(folder, Node::Folder(Entries::durable(names, parent)));
        Ok(())
    }
}
