//! A pool behaves as the storage underneath, with few handles.

use std::fs;
use std::io::{self, IoSlice};
use std::sync::Arc;

use evlog_core::storage::{File, Folder, OpenMode, Pool, Storage};
use tempfile::TempDir;

mod equal;
mod handles;
mod locks;
mod logs;
mod names;
mod watched;

use watched::{Seen, Watched};

/// A folder on the real disk, opened through a pool whose handles are watched.
struct Watch {
    place: TempDir,
    seen: Arc<Seen>,
    pool: Arc<Pool>,
    root: Arc<dyn Folder>,
}

fn watch(limit: usize) -> Watch {
    let place = tempfile::tempdir().unwrap();
    let storage = Watched::default();
    let seen = Arc::clone(&storage.seen);
    let pool = Arc::new(Pool::new(Arc::new(storage), limit));
    let root = pool.open_folder(place.path()).unwrap();
    Watch { place, seen, pool, root }
}

impl Watch {
    /// Has everything closed that may be.
    fn crowd_out(&self) {
        fs::write(self.place.path().join("crowd"), "").unwrap();
        let crowd: Vec<_> =
            (0..self.pool.limit()).map(|_| self.root.open("crowd", OpenMode::Read).unwrap()).collect();
        drop(crowd);
    }

    /// A synced file with its name as contents.
    fn make(&self, name: &str) -> Arc<dyn File> {
        let file = self.root.open(name, OpenMode::CreateNew).unwrap();
        write(&*file, name.as_bytes()).unwrap();
        file.sync().unwrap();
        file
    }
}

fn write(file: &dyn File, bytes: &[u8]) -> io::Result<usize> {
    file.write_at(&[IoSlice::new(bytes)], 0)
}

fn read(file: &dyn File) -> io::Result<String> {
    let mut buffer = [0; 100];
    let count = file.read_at(&mut buffer, 0)?;
    Ok(String::from_utf8_lossy(&buffer[..count]).into_owned())
}
