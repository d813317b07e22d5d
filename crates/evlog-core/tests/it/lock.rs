//! One writer, by whatever path, in whatever process, and whatever becomes of the lock file.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use evlog_core::storage::{Disk, LockKind, OpenMode, Storage};
use evlog_core::{Error, Found, Log, Options, Place};

use crate::common::{batch, fill, place, read_all};
use crate::faulty::{Answer, Call, Faulty, Kind};
use crate::process;
use crate::scene::{contents, read_everywhere, segments};

fn is_locked(path: &Path) -> bool {
    match Log::open(path) {
        Err(Error::Locked { path: told }) => {
            assert_eq!(told, path);
            true
        }
        Ok(_) => false,
        Err(other) => panic!("{other}"),
    }
}

/// A store's folder, with its lock file, and the path of a log in it.
fn in_a_store() -> (tempfile::TempDir, PathBuf) {
    let guard = tempfile::tempdir().unwrap();
    fs::write(guard.path().join("lock"), b"").unwrap();
    let path = guard.path().join("t-log");
    (guard, path)
}

#[test]
fn a_second_writer_in_the_same_process_is_refused_after_a_second() {
    for (_guard, path) in [place(), in_a_store()] {
        let log = Log::open(&path).unwrap();
        let begun = Instant::now();
        assert!(is_locked(&path));
        assert!(begun.elapsed() > Duration::from_millis(900), "a reader may hold the lock for a moment");
        drop(log);
        assert!(!is_locked(&path));
    }
}

#[test]
fn the_byte_of_the_lock_file_is_what_other_programs_see() {
    for (guard, path) in [place(), in_a_store()] {
        drop(Log::open(&path).unwrap());
        let holder = if path.join("lock").exists() { path.clone() } else { guard.path().to_owned() };
        let file = Disk.open_folder(&holder).unwrap().open("lock", OpenMode::Write).unwrap();
        let byte = Disk.open_folder(&path).unwrap().number().unwrap();
        // Somebody who holds the byte alone is a writer.
        assert!(file.try_lock(byte, LockKind::Exclusive).unwrap());
        assert!(is_locked(&path));
        assert!(Options::new().open_read_only(&path).unwrap().report().has_writer);
        file.unlock(byte).unwrap();
        // And a writer holds the byte, and no other.
        let log = Log::open(&path).unwrap();
        assert!(!file.try_lock(byte, LockKind::Shared).unwrap());
        assert!(file.try_lock(byte + 1, LockKind::Exclusive).unwrap());
        drop(log);
        assert!(file.try_lock(byte, LockKind::Exclusive).unwrap());
    }
}

#[test]
fn a_second_writer_by_another_path_is_refused() {
    let (guard, path) = in_a_store();
    let _log = Log::open(&path).unwrap();
    let other = tempfile::tempdir().unwrap();
    symlink(guard.path(), other.path().join("store")).unwrap();
    assert!(is_locked(&other.path().join("store").join("t-log")));
    assert!(is_locked(&guard.path().join(".").join("t-log")));
    assert!(is_locked(&path.join("..").join("t-log")));
}

#[test]
fn a_second_writer_by_another_mount_is_refused() {
    if !process::has_namespaces() {
        return;
    }
    // Seen through the second mount, the folder has no lock file beside it.
    let (_guard, path) = in_a_store();
    let _log = Log::open(&path).unwrap();
    let other = tempfile::tempdir().unwrap();
    let (from, to) = (path.to_str().unwrap(), other.path().to_str().unwrap());
    let words = process::after(&format!("mount --bind {from} {to}"));
    let words: Vec<&str> = ["unshare", "-rm"].into_iter().chain(words.iter().map(String::as_str)).collect();
    process::expect(&words, "lock::role_is_refused", other.path());
}

#[test]
#[ignore = "a process of its own"]
fn role_is_refused() {
    assert!(is_locked(&process::place()));
}

#[test]
#[ignore = "a process of its own, which is killed"]
fn role_holds_the_log() {
    let mut log = Log::open(process::place()).unwrap();
    fill(&mut log, 0..10, 5);
    println!("ready");
    std::thread::sleep(Duration::from_secs(60));
}

/// A process that holds the log and has ten events in it.
fn holder(path: &Path) -> std::process::Child {
    let mut child =
        process::command(&[], "lock::role_holds_the_log", path).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("ready")), "it never began");
    child
}

#[test]
fn a_lock_ends_with_its_process() {
    for (_guard, path) in [place(), in_a_store()] {
        let mut child = holder(&path);
        assert!(is_locked(&path));
        child.kill().unwrap();
        child.wait().unwrap();
        let log = Log::open(&path).unwrap();
        assert_eq!(read_everywhere(&log), ((0..10).collect(), vec![]));
    }
}

#[test]
fn two_processes_write_two_logs_of_one_store() {
    let (guard, path) = in_a_store();
    let mut child = holder(&path);
    let mut other = Log::open(guard.path().join("t-other")).unwrap();
    fill(&mut other, 0..10, 5);
    assert!(!guard.path().join("t-other/lock").exists() && !path.join("lock").exists());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_lock_file_that_is_removed_or_made_anew_lets_nobody_in() {
    for (guard, path) in [place(), in_a_store()] {
        let mut log = Log::open(&path).unwrap();
        fill(&mut log, 0..10, 5);
        let file = if path.join("lock").exists() { path.join("lock") } else { guard.path().join("lock") };
        fs::remove_file(&file).unwrap();
        assert!(is_locked(&path), "removed");
        assert!(Options::new().open_read_only(&path).unwrap().report().has_writer);
        fs::write(&file, b"").unwrap();
        assert!(is_locked(&path), "made anew");
        fs::rename(&file, file.with_extension("away")).unwrap();
        assert!(is_locked(&path), "renamed");
        fill(&mut log, 10..20, 5);
        drop(log);
        assert_eq!(read_everywhere(&Log::open(&path).unwrap()), ((0..20).collect(), vec![]));
    }
}

#[test]
fn a_lock_file_that_comes_to_stand_beside_a_log_in_use_lets_nobody_in() {
    let (guard, path) = place();
    let log = Log::open(&path).unwrap();
    fs::write(guard.path().join("lock"), b"").unwrap();
    assert!(is_locked(&path));
    assert!(Options::new().open_read_only(&path).unwrap().report().has_writer);
    drop(log);
    assert!(!is_locked(&path));
}

#[test]
fn a_reader_neither_needs_nor_keeps_the_lock() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    fill(&mut log, 0..10, 5);
    log.mark().unwrap();
    let seen = Options::new().open_read_only(&path).unwrap();
    assert_eq!((seen.report().has_writer, seen.range()), (true, 0..10));
    drop(log);
    let seen = Options::new().open_read_only(&path).unwrap();
    assert!(!seen.report().has_writer);
    let mut reader = seen.read(Place::Oldest).unwrap();
    reader.next().unwrap().unwrap();
    let begun = Instant::now();
    let mut log = Log::open(&path).unwrap();
    assert!(begun.elapsed() < Duration::from_millis(900), "nobody held the lock");
    fill(&mut log, 10..20, 5);
    drop((seen, reader));
    assert!(is_locked(&path));
}

#[test]
fn a_reader_that_outlives_its_log_does_not_keep_the_lock() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    fill(&mut log, 0..10, 5);
    let mut reader = log.read(Place::Oldest).unwrap();
    let view = log.view().clone();
    log.close().unwrap();
    let mut log = Log::open(&path).unwrap();
    fill(&mut log, 10..20, 5);
    assert_eq!(reader.next().unwrap().unwrap().position, 0);
    assert_eq!(view.range(), 0..10);
}

#[test]
fn a_handle_from_before_a_fork_refuses_and_harms_nothing() {
    for (_guard, path) in [place(), in_a_store()] {
        process::expect(&[], "lock::role_forks", &path);
    }
}

#[test]
#[ignore = "a process of its own, which forks"]
fn role_forks() {
    let path = process::place();
    let mut log = Log::open(&path).unwrap();
    fill(&mut log, 0..10, 5);
    log.append(&batch(100, &[&crate::common::payload(10)])).unwrap();
    let before = contents(&path);
    let go_on = path.with_extension("go-on");
    // SAFETY: the child only calls into the log, reads a file's name now and then, and ends with `_exit`.
    match unsafe { nix::libc::fork() } {
        0 => {
            let refused = matches!(log.append(&batch(0, &[b"x"])), Err(Error::Forked { .. }))
                && matches!(log.sync(), Err(Error::Forked { .. }))
                && matches!(log.mark(), Err(Error::Forked { .. }))
                && matches!(log.roll(), Err(Error::Forked { .. }))
                && matches!(log.trim_before(5), Err(Error::Forked { .. }));
            let reads = read_all(&log, Place::Oldest).0.len() == 10;
            drop(log);
            // The handles stay open here as long as the process: the parent's way of letting go must be enough.
            while !go_on.exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
            unsafe { nix::libc::_exit(i32::from(!(refused && reads))) }
        }
        child => {
            assert!(child > 0);
            std::thread::sleep(Duration::from_millis(200));
            assert_eq!(contents(&path), before, "the child's drop wrote something");
            assert!(is_locked(&path), "the child's drop let go of the lock");
            log.sync().unwrap();
            fill(&mut log, 11..20, 5);
            log.close().unwrap();
            let log = Log::open(&path).unwrap();
            assert_eq!(read_everywhere(&log), ((0..20).collect(), vec![]));
            fs::write(&go_on, b"").unwrap();
            let mut status = 0;
            assert_eq!(unsafe { nix::libc::waitpid(child, &raw mut status, 0) }, child);
            assert_eq!(status, 0, "the child was not refused");
        }
    }
}

#[test]
fn a_create_that_is_taken_for_abandoned_begins_anew() {
    let (guard, path) = place();
    let other = guard.path().join("other");
    // Somebody else makes a log beside it, at each step between the making of the folder and its lock.
    for step in [Kind::OpenFolder, Kind::Open, Kind::Lock] {
        let (path, other) =
            (path.with_extension(format!("{step:?}")), other.with_extension(format!("{step:?}")));
        let mut is_first = true;
        let disk = Faulty::kept_by(move |call: &Call| {
            let is_temporary = call.path.to_str().unwrap().contains("/new-");
            if is_temporary && call.kind == step && std::mem::take(&mut is_first) {
                drop(Log::open(&other).unwrap());
            }
            Answer::Go
        });
        let mut log = Options::new().open_on(disk, &path).unwrap();
        fill(&mut log, 0..10, 5);
        assert_eq!(read_everywhere(&log), ((0..10).collect(), vec![]), "{step:?}");
        let left: Vec<_> = fs::read_dir(guard.path())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().starts_with("new-"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_log_that_somebody_else_made_meanwhile_is_opened_as_theirs() {
    let (guard, path) = place();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let theirs = path.clone();
    let disk = Faulty::kept_by(move |call: &Call| {
        seen.lock().unwrap().push((call.kind, call.path.clone()));
        if call.kind == Kind::Rename && call.path == theirs && !theirs.exists() {
            let mut log = Log::open(&theirs).unwrap();
            fill(&mut log, 0..10, 5);
            crate::scene::kill(log);
        }
        Answer::Go
    });
    let log = Options::new().open_on(disk, &path).unwrap();
    assert_eq!(log.report().found, Found::Unclean);
    assert_eq!(read_everywhere(&log), ((0..10).collect(), vec![]));
    // Whether its maker had come to sync the names, nobody knows.
    let synced = |folder: &Path| calls.lock().unwrap().contains(&(Kind::SyncFolder, folder.to_owned()));
    assert!(synced(guard.path()) && synced(&path));
    assert_eq!(fs::read_dir(guard.path()).unwrap().count(), 1, "nothing half-made is left");
}

/// Waits for the other side, but not for ever.
fn wait(signal: &Receiver<()>) {
    let _ = signal.recv_timeout(Duration::from_secs(5));
}

fn tell(signal: &Sender<()>) {
    let _ = signal.send(());
}

#[test]
fn a_slow_sweep_takes_no_segment_from_a_log_that_is_being_made() {
    let (guard, path) = place();
    let (sweep, may_sweep) = channel();
    let (locked, is_locked) = channel();
    let (made, is_made) = channel();
    let (swept, is_swept) = channel();
    // The maker: lets the sweep take the lock just before taking it, and the segment just before the last step.
    let mut took_turns = (false, false);
    let final_path = path.clone();
    let maker = Faulty::kept_by(move |call: &Call| {
        if call.kind == Kind::Open
            && call.path.ends_with("lock")
            && !std::mem::replace(&mut took_turns.0, true)
        {
            tell(&sweep);
            wait(&is_locked);
        }
        if call.kind == Kind::Rename && call.path == final_path && !std::mem::replace(&mut took_turns.1, true)
        {
            tell(&made);
            wait(&is_swept);
        }
        Answer::Go
    });
    let is_made = Mutex::new(is_made);
    let sweeper = Faulty::kept_by(move |call: &Call| {
        if call.kind == Kind::Names && call.path.to_str().unwrap().contains("/new-") {
            tell(&locked);
            wait(&is_made.lock().unwrap());
        }
        Answer::Go
    });
    let beside = guard.path().join("beside");
    let thread = std::thread::spawn(move || {
        wait(&may_sweep);
        let log = Options::new().open_on(sweeper, &beside).unwrap();
        tell(&swept);
        drop(log);
    });
    let mut log = Options::new().open_on(maker, &path).unwrap();
    fill(&mut log, 0..10, 5);
    drop(log);
    thread.join().unwrap();
    assert_eq!(segments(&path).len(), 1);
    assert_eq!(read_everywhere(&Log::open(&path).unwrap()), ((0..10).collect(), vec![]));
}

#[test]
fn a_lock_file_replaced_between_opening_and_locking_is_taken_again() {
    let (_guard, path) = place();
    drop(Log::open(&path).unwrap());
    let mut times = 0;
    let file = path.join("lock");
    let disk = Faulty::kept_by(move |call: &Call| {
        if call.kind == Kind::Lock {
            times += 1;
            if times <= 2 {
                fs::remove_file(&file).unwrap();
            }
            if times == 1 {
                fs::write(&file, b"").unwrap();
            }
        }
        Answer::Go
    });
    let log = Options::new().open_on(Arc::clone(&disk), &path).unwrap();
    assert!(is_locked(&path));
    drop(log);
}
