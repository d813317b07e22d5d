//! What is opened again is what was opened, or an error.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use evlog_core::storage::{Folder, LockKind, OpenMode, Storage};

use super::{read, watch, write};

#[test]
fn renames_through_the_pool_are_followed() {
    let watch = watch(1);
    watch.root.create_folder("new").unwrap();
    let folder = watch.root.open_folder("new").unwrap();
    let file = folder.open("new", OpenMode::CreateNew).unwrap();
    write(&*file, b"mine").unwrap();
    file.sync().unwrap();
    // Opened another time, it is still the same folder.
    watch.root.open_folder("new").unwrap().rename("new", "old").unwrap();
    folder.sync().unwrap();
    watch.root.rename("new", "old").unwrap();
    watch.crowd_out();
    assert_eq!(read(&*file).unwrap(), "mine");
    assert_eq!(folder.names().unwrap(), ["old"]);
    // What has the old name now is something else.
    let other = folder.open("new", OpenMode::CreateNew).unwrap();
    write(&*other, b"other").unwrap();
    other.sync().unwrap();
    watch.crowd_out();
    assert_eq!((read(&*file).unwrap(), read(&*other).unwrap()), ("mine".to_owned(), "other".to_owned()));
}

#[test]
fn a_rename_is_followed_whichever_way_it_came() {
    let watch = watch(1);
    watch.root.create_folder("folder").unwrap();
    let folder = watch.root.open_folder("folder").unwrap();
    folder.create_folder("inner").unwrap();
    let inner = folder.open_folder("inner").unwrap();
    let file = folder.open("0", OpenMode::CreateNew).unwrap();
    let path = watch.place.path().join("folder");
    let ways: [&dyn Fn() -> io::Result<Arc<dyn Folder>>; 3] =
        [&|| watch.root.open_folder("folder"), &|| inner.open_folder(".."), &|| {
            watch.pool.open_folder(&path)
        }];
    for (number, open) in ways.iter().enumerate() {
        folder.sync().unwrap();
        watch.crowd_out();
        assert_eq!(watch.seen.open_folders.load(SeqCst), 1);
        let again = open().unwrap();
        again.rename(&number.to_string(), &(number + 1).to_string()).unwrap();
        again.sync().unwrap();
        drop(again);
        watch.crowd_out();
        assert_eq!(file.len().unwrap(), 0);
    }
}

#[test]
fn no_change_of_names_waits_for_somebody_who_opens() {
    let watch = watch(1);
    let file = watch.make("a");
    watch.make("b");
    let change = |from: &'static str, to: &'static str| {
        let root = Arc::clone(&watch.root);
        move || root.rename(from, to).unwrap()
    };
    // It is another one by the time it is open: as if it had been asked for only then.
    watch.seen.after_opening.set(change("a", "c"));
    assert_eq!(watch.root.open("a", OpenMode::Read).unwrap_err().kind(), ErrorKind::NotFound);
    let root = Arc::clone(&watch.root);
    watch.seen.after_opening.set(move || {
        root.rename("c", "d").unwrap();
        root.rename("b", "c").unwrap();
    });
    let other = watch.root.open("c", OpenMode::Read).unwrap();
    assert_eq!(read(&*other).unwrap(), "b");
    // What is opened again is found under the name that it has got meanwhile.
    for (hook, from, to) in [(&watch.seen.before_opening, "d", "e"), (&watch.seen.after_opening, "e", "f")] {
        watch.crowd_out();
        hook.set(change(from, to));
        assert_eq!(read(&*file).unwrap(), "a");
    }
    watch.crowd_out();
    assert_eq!((read(&*file).unwrap(), read(&*other).unwrap()), ("a".to_owned(), "b".to_owned()));
    // Removed while it is opened again, it lives as long as it is open.
    watch.crowd_out();
    let root = Arc::clone(&watch.root);
    watch.seen.after_opening.set(move || root.remove("f").unwrap());
    assert_eq!(read(&*file).unwrap(), "a");
    watch.crowd_out();
    assert_eq!(read(&*file).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_removed_file_is_not_taken_for_a_new_one() {
    let watch = watch(1);
    let file = watch.make("a");
    watch.root.remove("a").unwrap();
    assert_eq!(read(&*file).unwrap(), "a");
    let other = watch.make("a");
    watch.crowd_out();
    assert_eq!(read(&*file).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(file.number().unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(read(&*other).unwrap(), "a");
}

#[test]
fn a_new_file_with_the_number_of_a_removed_one_is_another() {
    let watch = watch(1);
    let file = watch.make("a");
    watch.crowd_out();
    let path = watch.place.path().join("a");
    let number = || fs::metadata(&path).unwrap().ino();
    let removed = number();
    fs::remove_file(&path).unwrap();
    // Most file systems give it to the next file at once; where this one does not, it is another one in any case.
    fs::write(&path, "new").unwrap();
    let is_same_number = number() == removed;
    assert_eq!(read(&*file).unwrap_err().kind(), ErrorKind::StaleNetworkFileHandle, "{is_same_number}");
}

#[test]
fn what_others_removed_or_replaced_is_an_error() {
    let watch = watch(1);
    let path = watch.place.path();
    let files = ["gone", "replaced", "link", "moved"].map(|name| watch.make(name));
    watch.crowd_out();
    fs::write(path.join("new"), "new").unwrap();
    fs::remove_file(path.join("gone")).unwrap();
    fs::rename(path.join("new"), path.join("replaced")).unwrap();
    fs::rename(path.join("link"), path.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", path.join("link")).unwrap();
    fs::rename(path.join("moved"), path.join("there")).unwrap();
    let stale = ErrorKind::StaleNetworkFileHandle;
    for (file, wanted) in files.iter().zip([ErrorKind::NotFound, stale, stale, ErrorKind::NotFound]) {
        for found in [
            read(&**file).map(|_| ()),
            write(&**file, b"x").map(|_| ()),
            file.set_len(0),
            file.sync(),
            file.len().map(|_| ()),
            file.try_lock(0, LockKind::Shared).map(|_| ()),
        ] {
            assert_eq!(found.unwrap_err().kind(), wanted);
        }
    }
    assert_eq!(fs::read(path.join("replaced")).unwrap(), b"new");
    assert!(read(&*files[1]).unwrap_err().to_string().contains("replaced by somebody else"));
    fs::rename(path.join("there"), path.join("moved")).unwrap();
    assert_eq!(read(&*files[3]).unwrap(), "moved");
}

#[test]
fn what_is_in_a_lost_folder_is_not_missing() {
    let watch = watch(1);
    watch.root.create_folder("folder").unwrap();
    let folder = watch.root.open_folder("folder").unwrap();
    let file = folder.open("a", OpenMode::CreateNew).unwrap();
    folder.sync().unwrap();
    watch.crowd_out();
    let path = watch.place.path().join("folder");
    fs::rename(&path, path.with_extension("away")).unwrap();
    let kinds = || [folder.open("a", OpenMode::Read).unwrap_err().kind(), file.len().unwrap_err().kind()];
    assert_eq!(kinds(), [ErrorKind::StaleNetworkFileHandle; 2]);
    fs::create_dir(&path).unwrap();
    assert_eq!(kinds(), [ErrorKind::StaleNetworkFileHandle; 2]);
    fs::remove_dir(&path).unwrap();
    fs::rename(path.with_extension("away"), &path).unwrap();
    assert_eq!(file.len().unwrap(), 0);
}

#[test]
fn a_new_folder_with_the_number_of_a_removed_one_is_another() {
    let watch = watch(1);
    *watch.seen.twins.lock().unwrap() = Some("twin".to_owned());
    let mut removed = Vec::new();
    for _ in 0..2 {
        watch.root.create_folder("twin").unwrap();
        let folder = watch.root.open_folder("twin").unwrap();
        folder.open("a", OpenMode::CreateNew).unwrap().sync().unwrap();
        folder.remove("a").unwrap();
        folder.sync().unwrap();
        watch.crowd_out();
        watch.root.remove_folder("twin").unwrap();
        assert_eq!(folder.names().unwrap_err().kind(), ErrorKind::StaleNetworkFileHandle);
        // In use when the next one is made.
        removed.push(folder);
    }
    watch.root.create_folder("twin").unwrap();
    let folder = watch.root.open_folder("twin").unwrap();
    assert!(folder.names().unwrap().is_empty());
    for folder in &removed {
        watch.crowd_out();
        assert_eq!(folder.names().unwrap_err().kind(), ErrorKind::StaleNetworkFileHandle);
    }
}
