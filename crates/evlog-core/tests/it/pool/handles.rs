//! What is closed, and what is not.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::channel;
use std::time::Duration;

use evlog_core::storage::{File, OpenMode, Storage};

use super::{Watch, read, watch, write};

#[test]
fn what_was_not_used_for_longest_is_closed_first() {
    let watch = watch(4);
    let files: Vec<_> = ["a", "b", "c", "d"].map(|name| watch.make(name)).into_iter().collect();
    read(&*files[0]).unwrap();
    let crowd = watch.make("e");
    let openings = watch.seen.openings.load(SeqCst);
    for kept in [0, 2, 3] {
        read(&*files[kept]).unwrap();
    }
    assert_eq!(watch.seen.openings.load(SeqCst), openings);
    read(&*files[1]).unwrap();
    assert_eq!(watch.seen.openings.load(SeqCst), openings + 1);
    assert_eq!((watch.pool.open_handles(), watch.seen.open_files.load(SeqCst)), (4, 4));
    drop(crowd);
}

/// Whether the file had to be opened again to be read.
fn is_closed(watch: &Watch, file: &Arc<dyn File>) -> bool {
    let openings = watch.seen.openings.load(SeqCst);
    read(&**file).unwrap();
    watch.seen.openings.load(SeqCst) > openings
}

#[test]
fn what_is_not_synced_is_synced_before_it_is_closed() {
    let watch = watch(2);
    let files: Vec<_> = (0..20).map(|number| watch.make(&number.to_string())).collect();
    assert_eq!(watch.seen.open_files.load(SeqCst), 2);
    let syncs = watch.seen.syncs.load(SeqCst);
    for (number, file) in files.iter().enumerate() {
        if number % 2 == 0 { write(&**file, b"x").map(|_| ()) } else { file.set_len(7) }.unwrap();
        assert_eq!(watch.seen.open_files.load(SeqCst), 2);
    }
    assert_eq!(watch.seen.syncs.load(SeqCst), syncs + 18, "the last two are open");
    assert_eq!(watch.seen.closed_unsettled.load(SeqCst), 0);
}

#[test]
fn what_is_synced_is_closed_before_what_is_not() {
    let watch = watch(3);
    let files = ["a", "b", "c"].map(|name| watch.make(name));
    write(&*files[0], b"x").unwrap();
    let syncs = watch.seen.syncs.load(SeqCst);
    watch.root.open("b", OpenMode::Read).unwrap();
    assert_eq!(watch.seen.syncs.load(SeqCst), syncs);
    assert!(!is_closed(&watch, &files[0]) && !is_closed(&watch, &files[2]) && is_closed(&watch, &files[1]));
}

#[test]
fn what_the_pool_could_not_sync_its_owner_cannot_sync_either() {
    let watch = watch(2);
    let file = watch.make("a");
    write(&*file, b"x").unwrap();
    let other = watch.make("b");
    write(&*other, b"x").unwrap();
    watch.seen.sync_fails.store(true, SeqCst);
    watch.crowd_out();
    assert!(!watch.seen.sync_fails.load(SeqCst), "the pool has tried");
    let syncs = watch.seen.syncs.load(SeqCst);
    for _ in 0..2 {
        assert!(file.sync().unwrap_err().to_string().contains("as was ordered"));
    }
    assert_eq!(watch.seen.syncs.load(SeqCst), syncs, "another try would prove nothing");
    other.sync().unwrap();
    assert!(!is_closed(&watch, &file));
    assert_eq!(watch.seen.closed_unsettled.load(SeqCst), 0);
}

#[test]
fn an_owner_who_syncs_while_the_pool_does_hears_of_its_error() {
    let watch = watch(1);
    let file = watch.make("a");
    write(&*file, b"x").unwrap();
    let (owner, (begun, has_begun)) = (Arc::clone(&file), channel());
    let (told, outcome) = channel();
    watch.seen.sync_fails.store(true, SeqCst);
    watch.seen.meanwhile.set(move || {
        let thread = std::thread::spawn(move || {
            begun.send(()).unwrap();
            told.send(owner.sync()).unwrap();
        });
        has_begun.recv().unwrap();
        // The system tells the error to one of the two only.
        std::thread::sleep(Duration::from_millis(50));
        drop(thread);
    });
    watch.crowd_out();
    outcome.recv().unwrap().unwrap_err();
}

#[test]
fn what_could_not_be_written_stays_open() {
    let watch = watch(1);
    let file = watch.make("a");
    watch.seen.write_fails.store(true, SeqCst);
    write(&*file, b"x").unwrap_err();
    file.sync().unwrap();
    watch.crowd_out();
    assert!(!is_closed(&watch, &file));
}

#[test]
fn a_sync_covers_what_was_written_before_it_began() {
    let watch = watch(1);
    // Without a sync of the pool's own.
    let closed_as_it_is = |file: &Arc<dyn File>| {
        let syncs = watch.seen.syncs.load(SeqCst);
        watch.crowd_out();
        is_closed(&watch, file) && watch.seen.syncs.load(SeqCst) == syncs
    };
    let is_covered_by_the_next = |file: &Arc<dyn File>| {
        assert!(!closed_as_it_is(file));
        write(&**file, b"x").unwrap();
        file.sync().unwrap();
        assert!(closed_as_it_is(file));
    };
    let changed_in_sync = watch.make("a");
    let same = Arc::clone(&changed_in_sync);
    watch.seen.meanwhile.set(move || assert_eq!(write(&*same, b"x").unwrap(), 1));
    changed_in_sync.sync().unwrap();
    is_covered_by_the_next(&changed_in_sync);
    let synced_in_change = watch.make("b");
    let same = Arc::clone(&synced_in_change);
    watch.seen.meanwhile.set(move || same.sync().unwrap());
    write(&*synced_in_change, b"x").unwrap();
    is_covered_by_the_next(&synced_in_change);
}

#[test]
fn after_a_failed_sync_the_handle_stays() {
    let watch = watch(1);
    let (changed, unchanged) = (watch.make("a"), watch.make("b"));
    write(&*changed, b"x").unwrap();
    for file in [&changed, &unchanged] {
        watch.seen.sync_fails.store(true, SeqCst);
        file.sync().unwrap_err();
        // That it might succeed now would say nothing about what was lost.
        file.sync().unwrap_err();
    }
    watch.crowd_out();
    let openings = watch.seen.openings.load(SeqCst);
    for file in [&changed, &unchanged] {
        read(&**file).unwrap();
    }
    assert_eq!(watch.seen.openings.load(SeqCst), openings);
    assert_eq!(watch.seen.closed_unsettled.load(SeqCst), 0);
    drop(changed);
    assert_eq!(watch.seen.closed_unsettled.load(SeqCst), 1);
}

#[test]
fn a_folder_with_unsynced_names_is_synced_before_it_is_closed() {
    let watch = watch(1);
    watch.root.create_folder("folder").unwrap();
    let folder = watch.root.open_folder("folder").unwrap();
    for (name, pool_syncs) in [("a", 1), ("b", 0)] {
        folder.open(name, OpenMode::CreateNew).unwrap();
        if pool_syncs == 0 {
            folder.sync().unwrap();
        }
        let syncs = watch.seen.syncs.load(SeqCst);
        watch.crowd_out();
        assert_eq!(watch.seen.syncs.load(SeqCst), syncs + pool_syncs);
        assert_eq!(watch.seen.open_folders.load(SeqCst), 1);
    }
    watch.seen.sync_fails.store(true, SeqCst);
    folder.sync().unwrap_err();
    watch.crowd_out();
    assert_eq!(watch.seen.open_folders.load(SeqCst), 2);
    assert_eq!(watch.seen.closed_unsettled.load(SeqCst), 0);
}

#[test]
fn a_folder_is_open_once_however_often_it_was_opened() {
    let watch = watch(100);
    watch.root.create_folder("folder").unwrap();
    let path = watch.place.path();
    let mut folders: Vec<_> = (0..5).map(|_| watch.root.open_folder("folder").unwrap()).collect();
    let folder = Arc::clone(&folders[0]);
    folders.extend((0..5).map(|_| folder.open_folder("..").unwrap()));
    folders.extend((0..5).map(|_| watch.pool.open_folder(path).unwrap()));
    folders.extend((0..5).map(|_| watch.pool.open_folder(&path.join("folder")).unwrap()));
    assert_eq!(watch.seen.open_folders.load(SeqCst), 2);
    assert_eq!(folders[5].path(), path.join("folder").join(".."));
    assert_eq!(folders[5].number().unwrap(), watch.root.number().unwrap());
    drop((folder, folders, watch.root));
    assert_eq!(watch.seen.open(), 0);
}

#[test]
fn a_closed_folder_is_watched_too() {
    let watch = watch(1);
    watch.root.create_folder("folder").unwrap();
    let folder = watch.root.open_folder("folder").unwrap();
    watch.crowd_out();
    let mut changes = folder.watch().unwrap();
    watch.crowd_out();
    fs::write(watch.place.path().join("folder").join("new"), "").unwrap();
    let begun = std::time::Instant::now();
    let long = Duration::from_secs(60);
    changes.wait(long).unwrap();
    assert!(begun.elapsed() < long);
}

#[test]
fn many_threads_share_few_handles() {
    let watch = watch(3);
    let names: Vec<String> = (0..12).map(|number| format!("file {number}")).collect();
    let files: Vec<_> = names.iter().map(|name| watch.make(name)).collect();
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (files, names, root) = (&files, &names, &watch.root);
            scope.spawn(move || {
                for round in 0..2_000 {
                    let which = (round * 7 + thread * 5) % files.len();
                    let opened = (round % 5 == 0).then(|| root.open(&names[which], OpenMode::Write).unwrap());
                    let file = opened.as_ref().unwrap_or(&files[which]);
                    match round % 11 {
                        0 => assert_eq!(write(&**file, names[which].as_bytes()).unwrap(), names[which].len()),
                        1 => file.sync().unwrap(),
                        _ => assert_eq!(read(&**file).unwrap(), names[which]),
                    }
                    if opened.is_some() {
                        file.sync().unwrap();
                    }
                }
            });
        }
    });
    for file in &files {
        file.sync().unwrap();
    }
    assert_eq!(watch.pool.open_handles(), watch.seen.open_files.load(SeqCst));
    assert!(watch.pool.open_handles() <= 3);
    assert_eq!(watch.seen.closed_unsettled.load(SeqCst), 0);
    drop((files, watch.root));
    assert_eq!((watch.pool.open_handles(), watch.seen.open()), (0, 0));
}
