//! Where files and folders are found again: by their name in a folder, which is found in the same way.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::super::{Folder, Identity, Storage};
use super::locks::{Holders, Locks};
use super::names::Names;
use super::recency::{Recency, Room};
use super::slot::{Handle, Slot};

/// What all handles of a pool share.
pub(super) struct Shared {
    pub(super) inner: Arc<dyn Storage>,
    pub(super) recency: Recency,
    pub(super) locks: Locks,
    /// The process that has made the pool.
    process: u32,
    /// The folders in use. Whoever opens one of them again, by whatever name, shares its handle and its names.
    folders: Mutex<HashMap<Identity, Weak<Node>>>,
    /// Counts slots, and whoever else may hold a lock.
    ids: AtomicU64,
}

impl Shared {
    pub(super) fn new(inner: Arc<dyn Storage>, limit: usize) -> Shared {
        Shared {
            process: inner.process(),
            inner,
            recency: Recency::new(limit),
            locks: Locks::default(),
            folders: Mutex::default(),
            ids: AtomicU64::new(0),
        }
    }

    fn folders(&self) -> MutexGuard<'_, HashMap<Identity, Weak<Node>>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that nothing else in the pool has.
    pub(super) fn new_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// A forked child has its parent's open files: what it takes there, the system gives to both, and what it gives
    /// back, both have lost.
    pub(super) fn check_process(&self) -> io::Result<()> {
        if self.inner.process() == self.process {
            return Ok(());
        }
        Err(io::Error::other("this pool was made before a fork: locks need one that is made in this process"))
    }

    fn known(&self, identity: Identity) -> Option<Arc<Node>> {
        self.folders().get(&identity).and_then(Weak::upgrade)
    }

    /// The folder that was just opened: the one that is known by its number, if that is open, too, or the `same` for
    /// another reason. (Once a folder is removed and nowhere open, another one gets its number.)
    fn share(&self, opened: Arc<Node>, same: impl FnOnce(&Node) -> bool) -> Arc<Node> {
        // Dropped after the lock, which the drop of a folder takes.
        let known;
        let mut folders = self.folders();
        known = folders.get(&opened.identity).and_then(Weak::upgrade);
        if let Some(known) = known.as_ref().filter(|known| known.is_open() || same(known)) {
            return Arc::clone(known);
        }
        folders.insert(opened.identity, Arc::downgrade(&opened));
        opened
    }
}

impl Debug for Shared {
    /// Without its handles: each of them leads here.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inner, limit) = (&self.inner, self.recency.limit());
        out.debug_struct("Pool").field("inner", inner).field("limit", &limit).finish_non_exhaustive()
    }
}

/// A folder in use: one for all who have opened it.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) shared: Arc<Shared>,
    pub(super) identity: Identity,
    pub(super) origin: Origin,
    pub(super) names: Names,
    /// Who holds the folder itself.
    pub(super) holders: Mutex<Holders>,
}

/// How a folder was opened.
#[derive(Debug)]
pub(super) enum Origin {
    /// Opened by a path, which may lead somewhere else by now: never closed.
    Path(Arc<dyn Folder>),
    Name(Member<dyn Folder>),
}

impl Node {
    fn new(shared: &Arc<Shared>, identity: Identity, origin: Origin) -> Arc<Node> {
        let shared = Arc::clone(shared);
        Arc::new(Node { shared, identity, origin, names: Names::default(), holders: Mutex::default() })
    }

    /// A folder that was opened by its path.
    pub(super) fn by_path(shared: &Arc<Shared>, handle: Arc<dyn Folder>) -> io::Result<Arc<Node>> {
        let identity = handle.identity()?;
        let node = Node::new(shared, identity, Origin::Path(handle));
        let known = shared.known(identity);
        let _open = known.as_ref().map(|known| known.handle());
        Ok(shared.share(node, |_| false))
    }

    /// Opens a folder by its name in this one.
    pub(super) fn open_folder(self: &Arc<Node>, name: &str) -> io::Result<Arc<Node>> {
        let folder = self.handle()?;
        let room = self.shared.recency.make_room();
        let member = Member::open(self, name, room, || folder.open_folder(name))?;
        if let (Origin::Name(here), "..") = (&self.origin, name)
            && here.parent.identity == member.identity
        {
            return Ok(Arc::clone(&here.parent));
        }
        let node = Node::new(&self.shared, member.identity, Origin::Name(member));
        Ok(self.shared.share(node, |known| known.is_in(self, name)))
    }

    /// Whether it is open right now. Then nothing else has its number.
    fn is_open(&self) -> bool {
        match &self.origin {
            Origin::Path(_) => true,
            Origin::Name(member) => member.slot.is_open(),
        }
    }

    fn is_in(&self, parent: &Arc<Node>, name: &str) -> bool {
        match &self.origin {
            Origin::Path(_) => false,
            Origin::Name(member) => {
                Arc::ptr_eq(&member.parent, parent) && parent.names.is(member.slot.id, name)
            }
        }
    }

    /// The open folder, opened again if need be.
    ///
    /// # Errors
    /// [`io::ErrorKind::StaleNetworkFileHandle`] where it is gone. Not [`io::ErrorKind::NotFound`]: that is said of
    /// what is missing in a folder that is there.
    pub(super) fn handle(&self) -> io::Result<Arc<dyn Folder>> {
        let member = match &self.origin {
            Origin::Path(handle) => return Ok(Arc::clone(handle)),
            Origin::Name(member) => member,
        };
        let found = member.handle(|folder, name| folder.open_folder(name));
        found.map_err(|error| if error.kind() == io::ErrorKind::NotFound { stale("folder") } else { error })
    }

    /// Changes names in the folder through its handle, which the caller has.
    pub(super) fn change<R>(&self, change: impl FnOnce() -> R) -> R {
        match &self.origin {
            Origin::Path(_) => change(),
            Origin::Name(member) => member.slot.change(change),
        }
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        let handle = self.handle()?;
        match &self.origin {
            Origin::Path(_) => handle.sync(),
            Origin::Name(member) => member.slot.sync(&*handle),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut folders = self.shared.folders();
        // By now there may be another one of the same number.
        if folders.get(&self.identity).is_some_and(|known| known.strong_count() == 0) {
            folders.remove(&self.identity);
        }
    }
}

/// A file or folder that is found again by its name.
#[derive(Debug)]
pub(super) struct Member<T: ?Sized> {
    pub(super) parent: Arc<Node>,
    pub(super) slot: Arc<Slot<T>>,
    pub(super) identity: Identity,
}

impl<T: ?Sized + Handle + 'static> Member<T> {
    /// Opens what has this name in `parent`.
    pub(super) fn open(
        parent: &Arc<Node>,
        name: &str,
        room: Room<'_>,
        open: impl Fn() -> io::Result<Arc<T>>,
    ) -> io::Result<Member<T>> {
        let slot = Arc::new(Slot::new(parent.shared.new_id()));
        let (handle, identity) = parent.names.open(slot.id, name, || {
            let handle = open()?;
            let identity = handle.identity()?;
            Ok((handle, identity))
        })?;
        room.fill(&slot, handle);
        Ok(Member { parent: Arc::clone(parent), slot, identity })
    }

    /// The open handle. Where it was closed, `open` opens it again in its folder.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] and [`io::ErrorKind::StaleNetworkFileHandle`] where it is gone or replaced; what
    /// `open` returns.
    pub(super) fn handle(
        &self,
        open: impl Fn(&dyn Folder, &str) -> io::Result<Arc<T>>,
    ) -> io::Result<Arc<T>> {
        match self.slot.handle(self.parent.shared.recency.now()) {
            Some(handle) => Ok(handle),
            None => self.open_again(open),
        }
    }

    #[cold]
    fn open_again(&self, open: impl Fn(&dyn Folder, &str) -> io::Result<Arc<T>>) -> io::Result<Arc<T>> {
        let folder = self.parent.handle()?;
        let room = self.parent.shared.recency.make_room();
        let handle = self.parent.names.open_again(self.slot.id, |name| {
            let handle = open(&*folder, name).map_err(|error| match error.kind() {
                // Something else has the name.
                io::ErrorKind::InvalidInput => stale("file or folder"),
                _ => error,
            })?;
            if handle.identity()? == self.identity { Ok(handle) } else { Err(stale("file or folder")) }
        })?;
        Ok(room.fill(&self.slot, handle))
    }
}

impl<T: ?Sized> Drop for Member<T> {
    fn drop(&mut self) {
        self.parent.names.forget(self.slot.id);
        self.parent.shared.recency.forget(&self.slot);
    }
}

fn stale(what: &str) -> io::Error {
    let reason = format!("the {what} was removed or replaced by somebody else while its handle was closed");
    io::Error::new(io::ErrorKind::StaleNetworkFileHandle, reason)
}
