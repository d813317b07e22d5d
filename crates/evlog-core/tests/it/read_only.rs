//! Reading without writing anything: beside a living writer, behind a dead one, and where nothing may be written.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use evlog_core::{Error, Found, GapReason, Log, Options, Place, Read, ReadLevel};

use crate::common::{batch, fill, payload, place, read_all};
use crate::faulty::{Answer, Call, Faulty, Kind};
use crate::process;
use crate::scene::{batches, contents, flip, kill, read_everywhere, segments, small, three_segments, told};

fn look(path: &Path) -> Log {
    small().open_read_only(path).unwrap()
}

fn times(path: &Path) -> Vec<(PathBuf, SystemTime, SystemTime)> {
    let mut found: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .chain([path.to_owned(), path.parent().unwrap().to_owned()])
        .map(|path| {
            let about = fs::metadata(&path).unwrap();
            let changed = SystemTime::UNIX_EPOCH
                + std::time::Duration::new(
                    about.ctime().cast_unsigned(),
                    about.ctime_nsec().try_into().unwrap(),
                );
            (path, about.modified().unwrap(), changed)
        })
        .collect();
    found.sort();
    found
}

#[test]
fn reading_changes_no_byte_no_name_and_no_time() {
    for state in ["closed", "killed", "torn", "without a lock"] {
        let (_guard, path) = place();
        let (log, end) = three_segments(&path);
        if state == "closed" {
            log.close().unwrap();
        } else {
            kill(log);
        }
        if state == "torn" {
            let last = segments(&path).pop().unwrap();
            let batch = *batches(&last).last().unwrap();
            flip(&last, u64::from(batch.offset) + 70);
        }
        if state == "without a lock" {
            fs::remove_file(path.join("lock")).unwrap();
        }
        fs::write(path.join("new-0123456789abcdef0123456789abcdef.tmp"), b"half a segment").unwrap();
        let before = (contents(&path), times(&path));
        let mut log = look(&path);
        let end = if state == "torn" { end - 5 } else { end };
        assert_eq!(read_everywhere(&log), ((0..end).collect(), vec![]), "{state}");
        log.refresh().unwrap();
        log.find(55).unwrap();
        log.segments().unwrap();
        assert_eq!(log.report().rewritten_bytes, 0);
        let expected = if state == "closed" { Found::Closed } else { Found::Unclean };
        assert_eq!(log.report().found, expected, "{state}");
        assert_eq!(log.report().leftover_bytes > 0, state == "torn");
        log.close().unwrap();
        assert!((contents(&path), times(&path)) == before, "{state}");
    }
}

#[test]
fn a_log_opened_to_read_refuses_to_write() {
    let (_guard, path) = place();
    let (log, _) = three_segments(&path);
    log.close().unwrap();
    let mut log = look(&path);
    assert!(matches!(log.append(&batch(0, &[b"x"])), Err(Error::ReadOnly { .. })));
    assert!(matches!(log.sync(), Err(Error::ReadOnly { .. })));
    assert!(matches!(log.mark(), Err(Error::ReadOnly { .. })));
    assert!(matches!(log.roll(), Err(Error::ReadOnly { .. })));
    assert!(matches!(log.trim_before(9), Err(Error::ReadOnly { .. })));
    let (_guard, nowhere) = place();
    assert!(matches!(Options::new().open_read_only(&nowhere), Err(Error::NotFound { .. })));
    assert!(!nowhere.exists());
}

#[test]
fn beside_a_writer_events_show_when_they_are_marked_as_durable() {
    let (_guard, path) = place();
    let mut writer = Log::open(&path).unwrap();
    fill(&mut writer, 0..10, 5);
    let mut log = look(&path);
    assert!(log.report().has_writer);
    // The second batch says that the first is durable; nothing says it of the second.
    assert_eq!((log.durable_end(), log.range()), (5, 0..10));
    assert_eq!(read_everywhere(&log).0, [0, 1, 2, 3, 4]);
    assert_eq!(log.report().unproven, 5..10);
    let all = read_all(&log, Read::from(Place::Oldest).level(ReadLevel::Written)).0;
    assert_eq!(all.len(), 10);
    let mut reader = log.read(Place::Oldest).unwrap();
    for position in 0..5 {
        assert_eq!(reader.next().unwrap().unwrap().position, position);
    }
    assert!(reader.next().unwrap().is_none());
    writer.mark().unwrap();
    log.refresh().unwrap();
    assert_eq!(log.durable_end(), 10);
    for position in 5..10 {
        assert_eq!(reader.next().unwrap().unwrap().position, position);
    }
    // What is written and not synced does not show, whatever comes behind it.
    writer.append(&batch(100, &[&payload(10)])).unwrap();
    writer.append(&batch(110, &[&payload(11)])).unwrap();
    log.refresh().unwrap();
    assert_eq!((log.durable_end(), log.range()), (10, 0..12));
    assert!(reader.next().unwrap().is_none());
    drop(writer);
    log.refresh().unwrap();
    assert_eq!((log.durable_end(), log.report().has_writer), (12, false));
    assert_eq!(reader.next().unwrap().unwrap().position, 10);
}

#[test]
fn a_reader_follows_a_writer_of_another_handle_over_segments() {
    let (_guard, path) = place();
    let mut writer = small().open(&path).unwrap();
    fill(&mut writer, 0..5, 5);
    let mut log = look(&path);
    let mut reader = log.read(Place::Oldest).unwrap();
    let mut seen = 0;
    for round in 0..40 {
        fill(&mut writer, 5 + round * 5..10 + round * 5, 5);
        if round % 3 == 0 {
            writer.mark().unwrap();
        }
        log.refresh().unwrap();
        while let Some(event) = reader.next().unwrap() {
            crate::scene::check_event(&event.to_owned());
            assert_eq!(event.position, seen);
            seen += 1;
        }
        assert!(seen + 5 >= 10 + round * 5, "{seen}");
        assert!(seen <= writer.durable_end());
    }
    assert!(segments(&path).len() > 2);
}

#[test]
fn a_writer_that_is_gone_without_a_close_has_lost_nothing() {
    let (_guard, path) = place();
    let mut writer = Log::open(&path).unwrap();
    fill(&mut writer, 0..10, 5);
    writer.append(&batch(100, &[&payload(10)])).unwrap();
    kill(writer);
    let log = look(&path);
    // Nobody writes: what is valid was synced by the look itself.
    assert_eq!((log.durable_end(), log.range()), (11, 0..11));
    assert_eq!(log.report().unproven, 10..11);
    // Where that sync fails, only what is proven is durable.
    let disk =
        Faulty::kept_by(|call: &Call| if call.kind == Kind::Sync { Answer::Fail(5) } else { Answer::Go });
    let log = Options::new().open_read_only_on(disk, &path).unwrap();
    assert_eq!((log.durable_end(), log.range()), (10, 0..11));
}

#[test]
fn a_place_that_looks_bad_below_the_durable_end_is_read_once_more() {
    let (_guard, path) = place();
    let mut writer = Log::open(&path).unwrap();
    fill(&mut writer, 0..20, 5);
    writer.mark().unwrap();
    let segment = segments(&path)[0].clone();
    let late = batches(&segment)[2];
    // The first look finds nothing there yet, and behind it the proof that there must be something.
    let (from, to) = (u64::from(late.offset), u64::from(late.end_offset()));
    let reads = Mutex::new(0);
    let disk = Faulty::kept_by(move |call: &Call| {
        let is_tail = call.is_of(Kind::Read, ".seg") && call.touches(from);
        if !is_tail {
            return Answer::Go;
        }
        *reads.lock().unwrap() += 1;
        if *reads.lock().unwrap() == 1 { Answer::Blank(from..to) } else { Answer::Go }
    });
    let log = Options::new().open_read_only_on(disk, &path).unwrap();
    assert_eq!(log.report().gaps, [], "taken for damage");
    assert_eq!(read_everywhere(&log), ((0..20).collect(), vec![]));
    // What stays bad is damage.
    flip(&segment, from + 20);
    let log = look(&path);
    assert!(log.report().has_writer);
    let name = segment.file_name().unwrap().to_str().unwrap().to_owned();
    let lost = (10, 15, GapReason::Header, name, from, to - from);
    assert_eq!(log.report().gaps.iter().map(told).collect::<Vec<_>>(), [lost]);
}

#[test]
fn a_writer_that_rolls_or_trims_meanwhile_does_not_disturb_a_look() {
    // At each call of the look, the writer rolls and trims.
    for nth in 0.. {
        let (_guard, path) = place();
        let (mut writer, end) = three_segments(&path);
        writer.mark().unwrap();
        let state = std::sync::Arc::new(Mutex::new((Some(writer), 0)));
        let shared = std::sync::Arc::clone(&state);
        let disk = Faulty::kept_by(move |_: &Call| {
            let mut state = shared.lock().unwrap();
            state.1 += 1;
            if state.1 == nth + 1
                && let Some(writer) = &mut state.0
            {
                writer.roll().unwrap();
                writer.trim_before(50).unwrap();
            }
            Answer::Go
        });
        let log = small().open_read_only_on(disk, &path).unwrap();
        let calls = state.lock().unwrap().1;
        assert_eq!(log.durable_end(), end, "call {nth}");
        assert!(log.report().gaps.is_empty(), "call {nth}: {:?}", log.report().gaps);
        let mut reader = log.read(Place::Oldest).unwrap();
        let mut expected = log.range().start;
        loop {
            match reader.next() {
                Ok(Some(event)) => {
                    assert_eq!(event.position, expected, "call {nth}");
                    expected += 1;
                }
                Ok(None) => break,
                Err(Error::Trimmed { asked, start }) => {
                    assert_eq!(asked, expected);
                    expected = start;
                    reader.seek(start);
                }
                Err(error) => panic!("call {nth}: {error}"),
            }
        }
        assert_eq!(expected, end, "call {nth}");
        if calls <= nth {
            assert!(nth > 10);
            break;
        }
    }
}

#[test]
fn what_was_trimmed_beside_a_reader_is_told_as_trimmed() {
    for is_reverse in [false, true] {
        let (_guard, path) = place();
        let (mut writer, end) = three_segments(&path);
        writer.mark().unwrap();
        let log = look(&path);
        let start = writer.trim_before(50).unwrap();
        assert!(start > 0);
        let read = Read::from(0);
        let mut reader = log.read(if is_reverse { read.reverse() } else { read }).unwrap();
        let mut seen = Vec::new();
        let error = loop {
            match reader.next() {
                Ok(Some(event)) => seen.push(event.position),
                Ok(None) => panic!("the end came without a word"),
                Err(error) => break error,
            }
        };
        let Error::Trimmed { asked, start: told } = error else { panic!("{error}") };
        assert_eq!(told, start);
        let expected: Vec<u64> = if is_reverse { (start..end).rev().collect() } else { Vec::new() };
        assert_eq!((seen, asked), (expected, if is_reverse { start - 1 } else { 0 }));
        assert_eq!(log.range(), start..end);
        assert!(matches!(log.read(0), Err(Error::Trimmed { .. })));
        reader.seek(if is_reverse { end } else { start });
        assert!(reader.next().unwrap().is_some());
    }
}

#[test]
fn on_a_read_only_file_system_a_log_is_read_and_not_written() {
    if !process::has_namespaces() {
        return;
    }
    for is_clean in [true, false] {
        let (_guard, path) = place();
        let (log, _) = three_segments(&path);
        if is_clean {
            log.close().unwrap();
        } else {
            kill(log);
        }
        let before = contents(&path);
        let at = path.to_str().unwrap();
        let words = process::after(&format!("mount --bind {at} {at} && mount -o remount,ro,bind {at}"));
        let words: Vec<&str> =
            ["unshare", "-rm"].into_iter().chain(words.iter().map(String::as_str)).collect();
        process::expect(&words, "read_only::role_may_only_read", &path);
        assert_eq!(contents(&path), before);
    }
}

#[test]
#[ignore = "a process of its own, that may write nothing"]
fn role_may_only_read() {
    let path = process::place();
    let error = small().open(&path).unwrap_err();
    let Error::Io { path: told, source, .. } = &error else { panic!("{error}") };
    assert!(told.starts_with(&path), "{error}");
    let kind = source.kind();
    assert!(
        matches!(kind, std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied),
        "{source}"
    );
    let log = small().open_read_only(&path).unwrap();
    let (events, gaps) = read_everywhere(&log);
    assert_eq!((events.len() as u64, gaps.len()), (log.durable_end(), 0));
    assert!(log.durable_end() >= 45, "{:?}", log.report());
}

/// The words that start a command as nobody, who owns nothing here; says so where that is not possible.
fn as_nobody() -> Option<Vec<&'static str>> {
    let words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let own = std::env::current_exe().unwrap();
    let can = std::process::Command::new(words[0])
        .args(&words[1..])
        .arg(own)
        .arg("--list")
        .output()
        .is_ok_and(|output| output.status.success());
    if !can {
        println!("skipped: only root may become nobody, and nobody may run this program");
    }
    can.then(|| words.to_vec())
}

/// Makes a log readable by everybody and writable by nobody else.
fn open_to_all(guard: &Path, log: &Path) {
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(guard, 0o755);
    set(log, 0o555);
    for entry in fs::read_dir(log).unwrap() {
        set(&entry.unwrap().path(), 0o444);
    }
}

#[test]
fn in_a_folder_of_somebody_else_a_log_is_read_and_not_written() {
    let Some(words) = as_nobody() else { return };
    for is_clean in [true, false] {
        let (guard, path) = place();
        let (log, _) = three_segments(&path);
        if is_clean {
            log.close().unwrap();
        } else {
            kill(log);
        }
        open_to_all(guard.path(), &path);
        let before = (contents(&path), times(&path));
        process::expect(&words, "read_only::role_may_only_read", &path);
        assert!((contents(&path), times(&path)) == before);
    }
}

#[test]
fn where_the_lock_may_not_be_looked_at_only_what_is_proven_is_trusted() {
    let Some(words) = as_nobody() else { return };
    let (guard, path) = place();
    let (log, _) = three_segments(&path);
    kill(log);
    open_to_all(guard.path(), &path);
    fs::set_permissions(path.join("lock"), fs::Permissions::from_mode(0o000)).unwrap();
    process::expect(&words, "read_only::role_may_not_see_the_lock", &path);
}

#[test]
#[ignore = "a process of its own, that may not open the lock file"]
fn role_may_not_see_the_lock() {
    let log = small().open_read_only(process::place()).unwrap();
    assert!(log.report().has_writer, "nobody can tell");
    assert_eq!(log.durable_end() + 5, log.range().end);
    assert_eq!(read_everywhere(&log).0.len() as u64, log.durable_end());
}

#[test]
fn a_file_that_may_not_be_read_is_an_error_with_its_path() {
    let Some(words) = as_nobody() else { return };
    let (guard, path) = place();
    let (log, _) = three_segments(&path);
    log.close().unwrap();
    open_to_all(guard.path(), &path);
    let middle = segments(&path)[1].clone();
    fs::set_permissions(&middle, fs::Permissions::from_mode(0o000)).unwrap();
    process::expect(&words, "read_only::role_may_not_read_the_second_segment", &path);
}

#[test]
#[ignore = "a process of its own, that may not open one file"]
fn role_may_not_read_the_second_segment() {
    let path = process::place();
    let middle = segments(&path)[1].clone();
    let log = small().open_read_only(&path).unwrap();
    let mut reader = log.read(Place::Oldest).unwrap();
    let mut seen = 0;
    let error = loop {
        match reader.next() {
            Ok(Some(_)) => seen += 1,
            Ok(None) => panic!("passed over"),
            Err(error) => break error,
        }
    };
    let Error::Io { path: told, source, .. } = &error else { panic!("{error}") };
    assert_eq!((told, source.kind()), (&middle, std::io::ErrorKind::PermissionDenied));
    let name = middle.file_name().unwrap().to_str().unwrap();
    assert_eq!(seen, evlog_core::SegmentName::parse(name).unwrap().base, "all that stands before it");
    assert!(matches!(reader.next(), Err(Error::Io { .. })), "an error is no gap");
}
