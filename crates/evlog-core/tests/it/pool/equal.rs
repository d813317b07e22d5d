//! Whatever is asked of a pool, it answers as the storage underneath would.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, IoSlice};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use evlog_core::storage::{File, Folder, LockKind, OpenMode, Pool, Storage};
use proptest::prelude::*;
use tempfile::TempDir;

use super::watched::{Seen, Watched};

const FILES: usize = 5;
const FOLDERS: usize = 3;
const NAMES: [&str; 3] = ["a", "b", "c"];

/// What is asked. Numbers tell which of the open files and folders is meant.
#[derive(Clone, Debug)]
enum Ask {
    Open { file: usize, folder: usize, name: &'static str, mode: OpenMode },
    OpenFolder { folder: usize, holder: usize, name: &'static str },
    Drop(usize),
    Read(usize, u64),
    Write(usize, u64, Vec<u8>),
    SetLen(usize, u64),
    Len(usize),
    HasName(usize),
    BehindHole(usize, u64),
    Sync(usize),
    Lock(usize, u64, LockKind),
    Unlock(usize, u64),
    Same(usize, usize),
    Names(usize),
    CreateFolder(usize, &'static str),
    Rename(usize, &'static str, &'static str),
    Remove(usize, &'static str),
    RemoveFolder(usize, &'static str),
    SyncFolder(usize),
    LockFolder(usize, LockKind),
    UnlockFolder(usize),
}

fn ask() -> impl Strategy<Value = Ask> {
    use Ask::*;
    let (file, folder) = (|| 0..FILES, || 0..FOLDERS);
    let name = || prop::sample::select(&NAMES[..]);
    let byte = || prop::sample::select(vec![0, 1, u64::MAX]);
    let mode = prop::sample::select(vec![
        OpenMode::Read,
        OpenMode::Write,
        OpenMode::Create,
        OpenMode::Create,
        OpenMode::CreateNew,
    ]);
    let kind = || prop::sample::select(vec![LockKind::Exclusive, LockKind::Shared]);
    let bytes = prop::collection::vec(any::<u8>(), 0..9);
    prop_oneof![
        6 => (file(), folder(), name(), mode)
            .prop_map(|(file, folder, name, mode)| Open { file, folder, name, mode }),
        2 => (1..FOLDERS, folder(), prop::sample::select(vec!["a", "b", "c", ".."]))
            .prop_map(|(folder, holder, name)| OpenFolder { folder, holder, name }),
        1 => file().prop_map(Drop),
        3 => (file(), 0..20_u64).prop_map(|(file, at)| Read(file, at)),
        3 => (file(), 0..20_u64, bytes).prop_map(|(file, at, bytes)| Write(file, at, bytes)),
        1 => (file(), 0..20_u64).prop_map(|(file, len)| SetLen(file, len)),
        2 => file().prop_map(Len),
        1 => file().prop_map(HasName),
        1 => (file(), 0..20_u64).prop_map(|(file, at)| BehindHole(file, at)),
        3 => file().prop_map(Sync),
        4 => (file(), byte(), kind()).prop_map(|(file, byte, kind)| Lock(file, byte, kind)),
        2 => (file(), byte()).prop_map(|(file, byte)| Unlock(file, byte)),
        1 => (file(), file()).prop_map(|(one, other)| Same(one, other)),
        1 => folder().prop_map(Names),
        1 => (folder(), name()).prop_map(|(folder, name)| CreateFolder(folder, name)),
        2 => (folder(), name(), name()).prop_map(|(folder, from, to)| Rename(folder, from, to)),
        1 => (folder(), name()).prop_map(|(folder, name)| Remove(folder, name)),
        1 => (folder(), name()).prop_map(|(folder, name)| RemoveFolder(folder, name)),
        1 => folder().prop_map(SyncFolder),
        3 => (folder(), kind()).prop_map(|(folder, kind)| LockFolder(folder, kind)),
        1 => folder().prop_map(UnlockFolder),
    ]
}

/// One storage, and what is open in it.
struct World {
    place: TempDir,
    seen: Arc<Seen>,
    files: [Option<Arc<dyn File>>; FILES],
    folders: [Option<(Arc<dyn Folder>, usize)>; FOLDERS],
}

fn show<T: std::fmt::Debug>(result: io::Result<T>) -> Result<String, ErrorKind> {
    result.map(|value| format!("{value:?}")).map_err(|error| error.kind())
}

impl World {
    fn new(storage: impl FnOnce(Watched) -> Arc<dyn Storage>) -> World {
        let place = tempfile::tempdir().unwrap();
        let watched = Watched::default();
        let seen = Arc::clone(&watched.seen);
        let root = storage(watched).open_folder(place.path()).unwrap();
        World { place, seen, files: Default::default(), folders: [Some((root, 0)), None, None] }
    }

    /// What is answered; nothing where there is nobody to ask.
    fn answer(&mut self, ask: &Ask) -> Option<Result<String, ErrorKind>> {
        Some(match ask {
            Ask::Open { file, folder, name, mode } => {
                self.files[*file] = None;
                let opened = self.folder(*folder)?.open(name, *mode);
                show(opened.map(|opened| self.files[*file] = Some(opened)))
            }
            Ask::OpenFolder { folder, holder, name } => {
                let depth = self.folders[*holder].as_ref()?.1;
                let depth = if *name == ".." { depth.checked_sub(1)? } else { depth + 1 };
                let opened = self.folder(*holder)?.open_folder(name);
                self.folders[*folder] = None;
                show(opened.map(|opened| self.folders[*folder] = Some((opened, depth))))
            }
            Ask::Drop(file) => {
                self.files[*file] = None;
                return None;
            }
            Ask::Read(file, at) => {
                let mut buffer = [0; 8];
                show(self.file(*file)?.read_at(&mut buffer, *at).map(|count| buffer[..count].to_vec()))
            }
            Ask::Write(file, at, bytes) => show(self.file(*file)?.write_at(&[IoSlice::new(bytes)], *at)),
            Ask::SetLen(file, len) => show(self.file(*file)?.set_len(*len)),
            Ask::Len(file) => show(self.file(*file)?.len()),
            Ask::HasName(file) => show(self.file(*file)?.has_name()),
            Ask::BehindHole(file, at) => show(self.file(*file)?.behind_hole(*at)),
            Ask::Sync(file) => show(self.file(*file)?.sync()),
            Ask::Lock(file, byte, kind) => show(self.file(*file)?.try_lock(*byte, *kind)),
            Ask::Unlock(file, byte) => show(self.file(*file)?.unlock(*byte)),
            Ask::Same(one, other) => show(self.file(*one)?.is_same(&**self.file(*other)?)),
            Ask::Names(folder) => show(self.folder(*folder)?.names().map(|mut names| {
                names.sort();
                names
            })),
            Ask::CreateFolder(folder, name) => show(self.folder(*folder)?.create_folder(name)),
            Ask::Rename(folder, from, to) => show(self.folder(*folder)?.rename(from, to)),
            Ask::Remove(folder, name) => show(self.folder(*folder)?.remove(name)),
            Ask::RemoveFolder(folder, name) => show(self.folder(*folder)?.remove_folder(name)),
            Ask::SyncFolder(folder) => show(self.folder(*folder)?.sync()),
            Ask::LockFolder(folder, kind) => {
                // To make a lock another kind, the system gives it back first, and may not get it again.
                let folder = self.folder(*folder)?;
                show(folder.unlock().and_then(|()| folder.try_lock(*kind)))
            }
            Ask::UnlockFolder(folder) => show(self.folder(*folder)?.unlock()),
        })
    }

    fn file(&self, number: usize) -> Option<&Arc<dyn File>> {
        self.files[number].as_ref()
    }

    fn folder(&self, number: usize) -> Option<&Arc<dyn Folder>> {
        self.folders[number].as_ref().map(|(folder, _)| folder)
    }

    /// Which of the open files and folders have no name any more.
    fn removed(&self) -> (Vec<usize>, Vec<usize>) {
        let mut named = BTreeSet::new();
        collect(self.place.path(), &mut named);
        let files = (0..FILES)
            .filter(|&file| self.file(file).is_some_and(|file| !named.contains(&file.number().unwrap().1)));
        let folders = (0..FOLDERS)
            .filter(|&folder| self.folder(folder).is_some_and(|it| !named.contains(&it.number().unwrap())));
        (files.collect(), folders.collect())
    }
}

fn collect(path: &Path, named: &mut BTreeSet<u64>) {
    let found = fs::symlink_metadata(path).unwrap();
    named.insert(found.ino());
    if found.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), named);
        }
    }
}

/// The files and folders that are asked.
fn subjects(ask: &Ask) -> (Vec<usize>, Vec<usize>) {
    match *ask {
        Ask::Same(one, other) => (vec![one, other], vec![]),
        Ask::Drop(file)
        | Ask::Read(file, _)
        | Ask::Write(file, ..)
        | Ask::SetLen(file, _)
        | Ask::Len(file)
        | Ask::HasName(file)
        | Ask::BehindHole(file, _)
        | Ask::Sync(file)
        | Ask::Lock(file, ..)
        | Ask::Unlock(file, _) => (vec![file], vec![]),
        Ask::Open { folder, .. }
        | Ask::OpenFolder { holder: folder, .. }
        | Ask::Names(folder)
        | Ask::CreateFolder(folder, _)
        | Ask::Rename(folder, ..)
        | Ask::Remove(folder, _)
        | Ask::RemoveFolder(folder, _)
        | Ask::SyncFolder(folder)
        | Ask::LockFolder(folder, _)
        | Ask::UnlockFolder(folder) => (vec![], vec![folder]),
    }
}

fn compare(limit: usize, asked: &[Ask]) {
    let mut plain = World::new(|disk| Arc::new(disk));
    let mut pooled = World::new(|disk| Arc::new(Pool::new(Arc::new(disk), limit)));
    for ask in asked {
        let (removed_files, removed_folders) = plain.removed();
        let (files, folders) = subjects(ask);
        let was_removed = files.iter().any(|file| removed_files.contains(file))
            || folders.iter().any(|folder| removed_folders.contains(folder));
        if let Ask::Open { file, .. } = *ask {
            plain.files[file] = None;
            pooled.files[file] = None;
        }
        if let Ask::Drop(_) = ask {
            plain.answer(ask);
            pooled.answer(ask);
            continue;
        }
        let closed = pooled.seen.closed_unsettled.load(SeqCst);
        let (wanted, found) = (plain.answer(ask), pooled.answer(ask));
        if let Ask::OpenFolder { .. } = ask {
            // The folder that was in its place may have been dropped, whatever its state.
        } else {
            assert_eq!(pooled.seen.closed_unsettled.load(SeqCst), closed, "{ask:?}");
        }
        let is_gone = matches!(found, Some(Err(ErrorKind::NotFound | ErrorKind::StaleNetworkFileHandle)));
        if was_removed && is_gone && found != wanted {
            // Removed and closed: that is the one thing that a pool does not hide. Nobody asks for it again.
            for file in removed_files {
                plain.files[file] = None;
                pooled.files[file] = None;
            }
            for folder in removed_folders {
                plain.folders[folder] = None;
                pooled.folders[folder] = None;
            }
        } else {
            assert_eq!(found, wanted, "{ask:?}");
        }
        // The root, a lock file in two modes for each open file, one that could not be written for each, the folder of
        // what is being opened.
        let most = limit + 1 + 3 * FILES + 1;
        assert!(pooled.seen.open() <= most, "{} handles after {ask:?}", pooled.seen.open());
    }
    drop((pooled.files, pooled.folders));
    assert_eq!(pooled.seen.open(), 0);
}

proptest! {
    #[test]
    fn a_pool_answers_as_the_storage_underneath(
        limit in prop::sample::select(vec![1, 2, 8]),
        asked in prop::collection::vec(ask(), 1..120),
    ) {
        compare(limit, &asked);
    }
}
