//! Few open handles for many logs: the one that was not used for longest is closed, and opened again when needed.
//!
//! Neither a cache of bytes nor another way to the disk: each call is passed on to the storage underneath, and the
//! only thing that is added is that its handle may have been closed in between.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Folder, Storage};
use crate::position::Timestamp;

mod slot;

mod recency;

mod locks;

mod names;

mod place;

mod file;

mod folder;

use folder::PooledFolder;
use place::{Node, Shared};

/// Another storage, of whose files and folders only so many are open at the same time.
///
/// One pool serves any number of logs: each keeps its folder and its active segment as before, but those that were
/// not used for longest have no descriptor. An open handle costs each call a lock that nobody contends for and a
/// reference count; a closed one costs an open, and another where its folder was closed too.
///
/// What the system has to say about changes it says to the descriptor that made them. So one with changes is synced
/// before it is closed. Where that fails it stays open, and each sync of its owner fails from then on; so does one
/// whose owner's own sync has failed, and one that could not be written stays open likewise.
///
/// The limit may be passed by
///
/// - what is in use at the moment, and what must stay open after an error;
/// - a folder that was opened by its path, once however often it was opened: a path may lead somewhere else by now,
///   a name in an open folder does not;
/// - what a folder is watched with.
///
/// # Locks
///
/// No lock on the byte of a file is ever given up: a lock file is open from the first lock on, once for all who take
/// its bytes (and once more for those who opened it to read). Between themselves, its users are kept apart by the pool,
/// others by the system.
///
/// A lock on a folder needs a handle of its own. As many are held as half the limit. Those beyond are taken and given
/// back at once: whoever else has one is respected, and the pool's own users are kept apart, but others are not kept
/// out. A log takes the lock of its folder beside its byte of the lock file; so of a log beyond those, another process
/// is kept away by the byte alone, which it does not see where the lock file was removed or replaced meanwhile, or
/// where the log's folder is mounted a second time.
///
/// After a fork, the child takes no locks through its parent's pool: it makes one of its own.
///
/// # What is different from handles that stay open
///
/// Renames that are made through the pool are followed. Otherwise what is opened again must be where it was, and the
/// same by [`File::identity`](super::File::identity) and [`Folder::identity`]:
///
/// - a file that was removed, by whomever, can be used until its handle is closed, and is
///   [`io::ErrorKind::NotFound`] from then on; it is never mistaken for a new one of the same name;
/// - a file that somebody else replaced, and a folder that somebody else removed or replaced, is
///   [`io::ErrorKind::StaleNetworkFileHandle`];
/// - whoever opened a file must remain allowed to open it.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path();
/// use std::sync::Arc;
///
/// use evlog_core::Options;
/// use evlog_core::storage::{Disk, Pool, Storage};
///
/// let pool: Arc<dyn Storage> = Arc::new(Pool::new(Arc::new(Disk), Pool::DEFAULT_LIMIT));
/// let logs = (0..300)
///     .map(|number| Options::new().open_on(Arc::clone(&pool), path.join(number.to_string())))
///     .collect::<Result<Vec<_>, _>>()?;
/// # drop(logs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Pool {
    shared: Arc<Shared>,
}

impl Pool {
    /// A limit that suits a store of any size whose busy topics are few.
    pub const DEFAULT_LIMIT: usize = 256;

    /// A pool over `inner` that keeps at most `limit` handles open, at least 1, but for those that must stay.
    pub fn new(inner: Arc<dyn Storage>, limit: usize) -> Pool {
        Pool { shared: Arc::new(Shared::new(inner, limit.max(1))) }
    }

    /// How many handles may be open.
    pub fn limit(&self) -> usize {
        self.shared.recency.limit()
    }

    /// How many handles are open, without folders that were opened by their path.
    pub fn open_handles(&self) -> usize {
        self.shared.recency.count()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(out)
    }
}

impl Storage for Pool {
    fn open_folder(&self, path: &Path) -> io::Result<Arc<dyn Folder>> {
        let handle = self.shared.inner.open_folder(path)?;
        let node = Node::by_path(&self.shared, handle)?;
        Ok(Arc::new(PooledFolder::new(node, path.to_owned())))
    }

    fn now(&self) -> Timestamp {
        self.shared.inner.now()
    }

    fn random(&self) -> io::Result<[u8; 16]> {
        self.shared.inner.random()
    }

    fn pause(&self, span: Duration) {
        self.shared.inner.pause(span);
    }

    fn process(&self) -> u32 {
        self.shared.inner.process()
    }
}
