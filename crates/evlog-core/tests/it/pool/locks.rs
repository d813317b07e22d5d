//! Bytes of lock files, between the users of a pool and between pools.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use evlog_core::storage::{Disk, LockKind, OpenMode, Pool, Storage};

use super::watch;

fn pool_of(limit: usize) -> Arc<dyn Storage> {
    Arc::new(Pool::new(Arc::new(Disk), limit))
}

#[test]
fn a_byte_has_one_holder_within_a_pool_as_between_pools() {
    let place = tempfile::tempdir().unwrap();
    let pool = pool_of(8);
    let other = pool_of(8);
    let open = |storage: &dyn Storage, mode| {
        let folder = storage.open_folder(place.path()).unwrap();
        folder.open("lock", mode).unwrap()
    };
    let first = open(&*pool, OpenMode::Create);
    let second = open(&*pool, OpenMode::Create);
    let reader = open(&*pool, OpenMode::Read);
    let foreign = [open(&*other, OpenMode::Write), open(&Disk, OpenMode::Write), open(&Disk, OpenMode::Read)];
    let (exclusive, shared) = (LockKind::Exclusive, LockKind::Shared);
    assert!(first.try_lock(7, exclusive).unwrap());
    assert!(first.try_lock(7, exclusive).unwrap());
    for rival in [&second, &reader].into_iter().chain(&foreign) {
        assert!(!rival.try_lock(7, shared).unwrap());
    }
    assert!(!second.try_lock(7, exclusive).unwrap());
    assert!(second.try_lock(8, exclusive).unwrap());
    // Byte 8 does not go with byte 7.
    drop(first);
    assert!(!foreign[0].try_lock(8, shared).unwrap());
    for rival in [&second, &reader].into_iter().chain(&foreign) {
        assert!(rival.try_lock(7, shared).unwrap());
    }
    for rival in [&second, &foreign[0], &foreign[1]] {
        assert!(!rival.try_lock(7, exclusive).unwrap());
    }
    // What was opened to read takes no byte for itself alone, whoever else has it.
    for rival in [&reader, &open(&*pool, OpenMode::Read), &foreign[2]] {
        rival.try_lock(7, exclusive).unwrap_err();
    }
    for rival in [&reader, &foreign[0], &foreign[1]] {
        rival.unlock(7).unwrap();
    }
    assert!(!second.try_lock(7, exclusive).unwrap());
    assert!(second.try_lock(7, shared).unwrap());
    drop(foreign);
    assert!(second.try_lock(7, exclusive).unwrap());
}

#[test]
fn a_byte_is_shared_until_the_last_gives_it_back() {
    let place = tempfile::tempdir().unwrap();
    let folder = pool_of(8).open_folder(place.path()).unwrap();
    let open = || folder.open("lock", OpenMode::Create).unwrap();
    let outside = Disk.open_folder(place.path()).unwrap().open("lock", OpenMode::Create).unwrap();
    let [first, second, third] = [open(), open(), open()];
    for file in [&first, &second, &third] {
        assert!(file.try_lock(7, LockKind::Shared).unwrap());
    }
    first.unlock(7).unwrap();
    assert!(!outside.try_lock(7, LockKind::Exclusive).unwrap());
    drop(second);
    assert!(!outside.try_lock(7, LockKind::Exclusive).unwrap());
    third.unlock(7).unwrap();
    assert!(outside.try_lock(7, LockKind::Exclusive).unwrap());
    assert!(!third.try_lock(7, LockKind::Shared).unwrap());
}

#[test]
fn a_lock_file_is_open_once_and_never_closed() {
    let watch = watch(100);
    fs::write(watch.place.path().join("lock"), "").unwrap();
    let locks: Vec<_> = (0..50).map(|_| watch.root.open("lock", OpenMode::Write).unwrap()).collect();
    for (byte, lock) in (0..).zip(&locks) {
        assert!(lock.try_lock(byte, LockKind::Exclusive).unwrap());
    }
    assert_eq!(watch.seen.open_files.load(SeqCst), 1);
    watch.crowd_out();
    let outside = Disk.open_folder(watch.place.path()).unwrap().open("lock", OpenMode::Write).unwrap();
    for byte in 0..50 {
        assert!(!outside.try_lock(byte, LockKind::Exclusive).unwrap());
    }
    // The one who opened it first is not the one who has to stay.
    let mut locks = locks.into_iter();
    drop(locks.by_ref().take(40).collect::<Vec<_>>());
    watch.crowd_out();
    for byte in 0..50 {
        assert_eq!(outside.try_lock(byte, LockKind::Exclusive).unwrap(), byte < 40);
    }
}

#[test]
fn a_replaced_lock_file_is_noticed() {
    let watch = watch(1);
    let path = watch.place.path().join("lock");
    fs::write(&path, "").unwrap();
    let lock = watch.root.open("lock", OpenMode::Write).unwrap();
    assert!(lock.try_lock(1, LockKind::Exclusive).unwrap());
    let now = || watch.root.open("lock", OpenMode::Read).unwrap();
    assert!(lock.is_same(&*now()).unwrap());
    fs::write(path.with_extension("new"), "").unwrap();
    fs::rename(path.with_extension("new"), &path).unwrap();
    assert!(!lock.is_same(&*now()).unwrap());
    // The byte of the one is not that of the other.
    let other = watch.root.open("lock", OpenMode::Write).unwrap();
    assert!(other.try_lock(1, LockKind::Exclusive).unwrap());
}

#[test]
fn the_child_of_a_fork_neither_takes_nor_gives_back() {
    let watch = watch(8);
    watch.root.create_folder("folder").unwrap();
    let open = || watch.root.open("lock", OpenMode::Create).unwrap();
    let open_folder = || watch.root.open_folder("folder").unwrap();
    // Others of the parent keep the handles open that it shares with its child.
    let parents = (open(), open_folder());
    assert!(parents.0.try_lock(7, LockKind::Exclusive).unwrap());
    let (file, folder) = (open(), open_folder());
    assert!(file.try_lock(1, LockKind::Exclusive).unwrap());
    assert!(folder.try_lock(LockKind::Exclusive).unwrap());
    watch.seen.forks.store(1, SeqCst);
    // A child that took a byte would have it together with its parent.
    open().try_lock(2, LockKind::Exclusive).unwrap_err();
    watch.root.try_lock(LockKind::Exclusive).unwrap_err();
    drop((file, folder));
    watch.seen.forks.store(0, SeqCst);
    assert!(!open().try_lock(1, LockKind::Exclusive).unwrap());
    assert!(!open_folder().try_lock(LockKind::Exclusive).unwrap());
    let outside = Disk.open_folder(watch.place.path()).unwrap();
    assert!(!outside.open("lock", OpenMode::Write).unwrap().try_lock(1, LockKind::Exclusive).unwrap());
    assert!(!outside.open_folder("folder").unwrap().try_lock(LockKind::Exclusive).unwrap());
    drop(parents);
}

#[test]
fn as_many_folders_are_held_as_half_the_limit() {
    let watch = watch(6);
    let outside = Disk.open_folder(watch.place.path()).unwrap();
    let folders: Vec<_> = (0..10)
        .map(|number| {
            let name = number.to_string();
            watch.root.create_folder(&name).unwrap();
            let folder = watch.root.open_folder(&name).unwrap();
            assert!(folder.try_lock(LockKind::Exclusive).unwrap());
            folder
        })
        .collect();
    watch.crowd_out();
    assert_eq!(watch.seen.open_folders.load(SeqCst), 1 + 3);
    for (number, folder) in folders.iter().enumerate() {
        let again = watch.root.open_folder(&number.to_string()).unwrap();
        assert!(!again.try_lock(LockKind::Shared).unwrap());
        let rival = outside.open_folder(&number.to_string()).unwrap();
        let is_held = number < 3;
        assert_eq!(rival.try_lock(LockKind::Shared).unwrap(), !is_held);
        folder.unlock().unwrap();
        assert!(again.try_lock(LockKind::Shared).unwrap() && rival.try_lock(LockKind::Shared).unwrap());
        assert!(!folder.try_lock(LockKind::Exclusive).unwrap());
    }
    watch.crowd_out();
    assert_eq!(watch.seen.open_folders.load(SeqCst), 1, "what was given back is closed like any other");
    assert_eq!(watch.pool.open_handles(), 0);
    // Whoever drops a folder gives it back.
    assert!(folders[0].try_lock(LockKind::Exclusive).unwrap());
    assert!(!outside.open_folder("0").unwrap().try_lock(LockKind::Exclusive).unwrap());
    drop(folders);
    assert!(outside.open_folder("0").unwrap().try_lock(LockKind::Exclusive).unwrap());
}

#[test]
fn a_folder_lock_that_the_system_took_back_is_not_held() {
    let place = tempfile::tempdir().unwrap();
    let pool = pool_of(8);
    for storage in [&*pool, &Disk] {
        let [first, second, outside] =
            [storage, storage, &Disk].map(|storage| storage.open_folder(place.path()).unwrap());
        assert!(first.try_lock(LockKind::Shared).unwrap() && outside.try_lock(LockKind::Shared).unwrap());
        // To make it another kind, the system gives it back first.
        assert!(!first.try_lock(LockKind::Exclusive).unwrap());
        outside.unlock().unwrap();
        assert!(second.try_lock(LockKind::Exclusive).unwrap());
    }
}

#[test]
fn a_folder_that_cannot_be_held_is_refused_to_others_of_the_pool() {
    let watch = watch(1);
    watch.root.create_folder("folder").unwrap();
    let open = || watch.root.open_folder("folder").unwrap();
    let outside = Disk.open_folder(watch.place.path()).unwrap().open_folder("folder").unwrap();
    let (first, second) = (open(), open());
    assert!(outside.try_lock(LockKind::Exclusive).unwrap());
    assert!(!first.try_lock(LockKind::Exclusive).unwrap());
    outside.unlock().unwrap();
    assert!(first.try_lock(LockKind::Exclusive).unwrap());
    // That is what it does not do.
    assert!(outside.try_lock(LockKind::Exclusive).unwrap());
    outside.unlock().unwrap();
    watch.crowd_out();
    assert_eq!(watch.seen.open_folders.load(SeqCst), 1);
    assert!(!second.try_lock(LockKind::Exclusive).unwrap());
    drop(first);
    assert!(second.try_lock(LockKind::Exclusive).unwrap());
}
