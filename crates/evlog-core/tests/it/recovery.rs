//! Opening what a kill, a power loss or a stranger has left behind.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use evlog_core::format::batch::Kind;
use evlog_core::format::header::{Cause, SegmentHeader};
use evlog_core::storage::Storage;
use evlog_core::{Batch, Error, Found, GapReason, Log, Options, Place, Read};

use crate::common::{batch, fill, payload, place, read_all};
use crate::craft::Craft;
use crate::faulty::{Answer, Call, Faulty, Kind as Asked};
use crate::process;
use crate::scene::{
    batches, contents, flip, kill, overwrite, read_everywhere, segments, small, told, truncate,
};

const EINTR: i32 = 4;
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// A log of one segment with this many numbered events, killed.
fn killed(path: &Path, events: u64) {
    let mut log = Log::open(path).unwrap();
    fill(&mut log, 0..events, 5);
    kill(log);
}

fn numbers(end: u64) -> Vec<u64> {
    (0..end).collect()
}

fn header_of(segment: &Path) -> SegmentHeader {
    SegmentHeader::decode_page(&fs::read(segment).unwrap()[..4096]).unwrap()
}

#[test]
fn a_kill_costs_nothing_and_goes_on_in_the_same_file() {
    let (_guard, path) = place();
    killed(&path, 60);
    let all = batches(&segments(&path)[0]);
    let log = Log::open(&path).unwrap();
    let report = log.report();
    assert_eq!((report.found, report.leftover_bytes, report.gaps.len()), (Found::Unclean, 0, 0));
    // Written again is what nothing proves to be on disk: the last batch, and whatever zeros stand behind it.
    let behind = fs::metadata(&segments(&path)[0]).unwrap().len() - u64::from(all[11].offset);
    assert_eq!(report.rewritten_bytes, behind);
    assert!(report.is_uneventful());
    assert_eq!(read_everywhere(&log), (numbers(60), vec![]));
    log.close().unwrap();
    assert_eq!(segments(&path).len(), 1);
}

#[test]
fn what_is_unproven_is_written_again_and_synced_before_it_is_shown() {
    let (_guard, path) = place();
    killed(&path, 60);
    let segment = segments(&path)[0].clone();
    let last = *batches(&segment).last().unwrap();
    let before = contents(&path);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let of_segment = segment.clone();
    let disk = Faulty::kept_by(move |call: &Call| {
        if call.path == of_segment && matches!(call.kind, Asked::Write | Asked::Sync) {
            seen.lock().unwrap().push((call.kind, call.offset, call.length));
        }
        Answer::Go
    });
    let log = Options::new().open_on(disk, &path).unwrap();
    let calls = calls.lock().unwrap().clone();
    let length = fs::metadata(&segment).unwrap().len();
    let mut at = u64::from(last.offset);
    for (kind, offset, bytes) in &calls[..calls.len() - 1] {
        assert_eq!((*kind, *offset), (Asked::Write, at), "{calls:?}");
        at += bytes;
    }
    assert_eq!((at, calls.last().unwrap().0), (length, Asked::Sync), "{calls:?}");
    assert!(contents(&path) == before, "written again with itself");
    drop(log);
}

/// A group of three batches whose middle one is torn, behind `events` good events. Returns the bytes from the tear on
/// that are not zero, and where that is.
fn torn(path: &Path, events: u64) -> (u64, u64) {
    let mut log = Log::open(path).unwrap();
    fill(&mut log, 0..events, 5);
    let mut group = evlog_core::Group::new();
    for number in events..events + 3 {
        let mut batch = Batch::new();
        batch.push(number as i64 * 10, &payload(number)).unwrap();
        group.push_batch(&batch);
    }
    log.append_group(&mut group).unwrap();
    kill(log);
    let segment = segments(path)[0].clone();
    // What the kill's drop did not write: the copy was taken before. Only the torn batch is made so here.
    let all = batches(&segment);
    let middle = all[all.len() - 2];
    assert_eq!(middle.base, events + 1);
    flip(&segment, u64::from(middle.offset) + 64);
    let bytes = fs::read(&segment).unwrap();
    let behind = &bytes[middle.offset as usize..];
    (behind.iter().filter(|&&byte| byte != 0).count() as u64, middle.offset.into())
}

#[test]
fn a_torn_tail_is_left_where_it_is_and_a_new_segment_says_so() {
    let (_guard, path) = place();
    let (leftover, offset) = torn(&path, 60);
    let first = segments(&path)[0].clone();
    let before = fs::read(&first).unwrap();
    let mut log = Log::open(&path).unwrap();
    let report = log.report();
    assert_eq!((report.leftover_bytes, report.gaps.len()), (leftover, 0));
    assert_eq!(report.leftover_positions.start, 61);
    assert!(report.leftover_positions.end >= 63 && !report.is_uneventful());
    assert_eq!(read_everywhere(&log), (numbers(61), vec![]));
    let header = header_of(&segments(&path)[1]);
    assert_eq!((header.base, header.cause), (61, Cause::Recovered));
    assert_eq!((u64::from(header.previous_end), u64::from(header.leftover)), (offset, leftover));
    assert_eq!(header.previous_salt, header_of(&first).salt);
    // The positions of what was torn go to others, and the old bytes never come back.
    fill(&mut log, 61..80, 2);
    assert_eq!(read_everywhere(&log), (numbers(80), vec![]));
    log.close().unwrap();
    assert_eq!(fs::read(&first).unwrap(), before);
    let log = Log::open(&path).unwrap();
    assert_eq!(read_everywhere(&log), (numbers(80), vec![]));
    assert!(log.report().is_uneventful());
}

#[test]
fn a_recovery_that_is_stopped_anywhere_comes_to_the_same_end() {
    for nth in 0.. {
        let (_guard, path) = place();
        torn(&path, 30);
        let count = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&count);
        // From the n-th changing call on nothing works any more.
        let disk = Faulty::kept_by(move |call: &Call| {
            let changes = matches!(
                call.kind,
                Asked::Write
                    | Asked::Sync
                    | Asked::SyncFolder
                    | Asked::Rename
                    | Asked::SetLength
                    | Asked::Remove
            );
            let mut count = counter.lock().unwrap();
            *count += usize::from(changes);
            if changes && *count > nth { Answer::Fail(EIO) } else { Answer::Go }
        });
        drop(Options::new().open_on(disk, &path));
        let total = *count.lock().unwrap();
        let mut log = Log::open(&path).unwrap();
        assert_eq!(read_everywhere(&log), (numbers(31), vec![]), "stopped at change {nth}");
        fill(&mut log, 31..41, 5);
        log.close().unwrap();
        assert_eq!(read_everywhere(&Log::open(&path).unwrap()), (numbers(41), vec![]), "stopped at {nth}");
        let names: Vec<_> = contents(&path).into_keys().collect();
        assert!(names.iter().all(|name| name.extension().is_none_or(|it| it != "tmp")), "{names:?}");
        if total <= nth {
            assert!(nth > 6, "{nth}");
            break;
        }
    }
}

#[test]
fn an_unclean_open_makes_the_names_durable_too() {
    let (guard, path) = place();
    killed(&path, 10);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let keeper = move |call: &Call| {
        seen.lock().unwrap().push((call.kind, call.path.clone()));
        Answer::Go
    };
    let log = Options::new().open_on(Faulty::kept_by(keeper), &path).unwrap();
    let synced =
        |kind, path: &Path| calls.lock().unwrap().iter().any(|call| call == &(kind, path.to_owned()));
    assert!(synced(Asked::SyncFolder, &path), "the segment's name");
    assert!(synced(Asked::SyncFolder, guard.path()), "the folder's name");
    assert!(synced(Asked::Sync, &segments(&path)[0]), "the bytes");
    log.close().unwrap();
    // An error there is an error of the open: nothing may be promised on such ground.
    killed(&path.with_extension("other"), 10);
    let disk = Faulty::kept_by(|call: &Call| match call.kind {
        Asked::SyncFolder => Answer::Fail(EIO),
        _ => Answer::Go,
    });
    let error = Options::new().open_on(disk, path.with_extension("other")).unwrap_err();
    assert!(matches!(error, Error::Io { operation: "sync", .. }), "{error}");
}

#[test]
fn zeros_behind_the_end_are_used_and_too_many_are_left() {
    for (blank, goes_on) in [(100, true), (300 << 10, true), (2 << 20, false), (40 << 20, false)] {
        let (_guard, path) = place();
        killed(&path, 20);
        let first = segments(&path)[0].clone();
        let length = fs::metadata(&first).unwrap().len();
        truncate(&first, length + blank);
        let mut log = Log::open(&path).unwrap();
        assert_eq!((log.report().leftover_bytes, log.report().gaps.len()), (0, 0));
        assert!(log.report().rewritten_bytes <= (1 << 20) + length, "{}", log.report().rewritten_bytes);
        assert_eq!(segments(&path).len(), if goes_on { 1 } else { 2 }, "{blank}");
        fill(&mut log, 20..40, 5);
        assert_eq!(read_everywhere(&log), (numbers(40), vec![]), "{blank}");
        log.close().unwrap();
        assert_eq!(read_everywhere(&Log::open(&path).unwrap()), (numbers(40), vec![]));
        if !goes_on {
            assert_eq!(header_of(&segments(&path)[1]).leftover, 0);
            assert_eq!(fs::metadata(&first).unwrap().len(), length + blank, "nothing is cut");
        }
    }
}

#[test]
fn a_last_segment_cut_into_its_header_page_is_reported_and_never_written_again() {
    let (_guard, path) = place();
    let mut log = small().open(&path).unwrap();
    fill(&mut log, 0..60, 5);
    kill(log);
    let last = segments(&path).pop().unwrap();
    let base = header_of(&last).base;
    let whole = fs::read(&last).unwrap();
    for length in [0, 1, 8, 127, 128, 1000, 2047, 2048, 2176, 4095] {
        fs::write(&last, &whole[..length]).unwrap();
        let before = contents(&path);
        let seen = small().open_read_only(&path).unwrap();
        assert_eq!(read_everywhere(&seen), (numbers(base), vec![]), "{length}");
        assert_eq!(seen.report().gaps.len(), 1, "{length}: {:?}", seen.report());
        assert_eq!(contents(&path), before);
        drop(seen);
        if length < 128 {
            assert!(matches!(small().open(&path), Err(Error::NotALog { .. })), "{length}");
            assert_eq!(contents(&path), before);
            continue;
        }
        let log = small().open(&path).unwrap();
        let name = last.file_name().unwrap().to_str().unwrap().to_owned();
        let told_gap = (base, base, GapReason::SegmentHeader, name, length as u64, 4096 - length as u64);
        assert_eq!(log.report().gaps.iter().map(told).collect::<Vec<_>>(), [told_gap], "{length}");
        drop(log);
        assert_eq!(fs::read(&last).unwrap(), whole[..length], "{length}");
        let mut log = small().open(&path).unwrap();
        fill(&mut log, base..base + 5, 5);
        assert_eq!(read_everywhere(&log), (numbers(base + 5), vec![]), "{length}");
        drop(log);
        fs::remove_file(segments(&path).pop().unwrap()).unwrap();
    }
    // Nothing but the header is an empty segment.
    fs::write(&last, &whole[..4096]).unwrap();
    let log = small().open(&path).unwrap();
    assert_eq!(log.range(), 0..base);
    assert_eq!(log.report().gaps.len(), 0);
}

#[test]
fn a_closed_segment_without_a_header_is_not_written_again() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    fill(&mut log, 0..20, 5);
    log.close().unwrap();
    let first = segments(&path)[0].clone();
    overwrite(&first, 0, &[0xEE; 4096]);
    let before = fs::read(&first).unwrap();
    let mut log = Log::open(&path).unwrap();
    fill(&mut log, 20..30, 5);
    assert_eq!(read_everywhere(&log), (numbers(30), vec![]));
    log.close().unwrap();
    assert_eq!(fs::read(&first).unwrap(), before);
}

/// A disk on which every write that needs new room fails while the switch is on: writes at or behind `length` of the
/// file `name`, and to any other file.
fn full(is_full: &Arc<AtomicBool>, name: &str, length: u64) -> Arc<dyn Storage> {
    let (is_full, name) = (Arc::clone(is_full), name.to_owned());
    Faulty::kept_by(move |call: &Call| {
        let needs_room =
            call.kind == Asked::Write && (!call.path.ends_with(&name) || call.offset + call.length > length);
        if needs_room && is_full.load(Ordering::Relaxed) { Answer::Fail(ENOSPC) } else { Answer::Go }
    })
}

#[test]
fn holes_that_cannot_be_filled_do_not_keep_a_log_from_being_opened_and_trimmed() {
    let (_guard, path) = place();
    let mut log = small().open(&path).unwrap();
    fill(&mut log, 0..60, 5);
    kill(log);
    let last = segments(&path).pop().unwrap();
    let length = fs::metadata(&last).unwrap().len();
    truncate(&last, length + (100 << 10));
    let is_full = Arc::new(AtomicBool::new(true));
    let name = last.file_name().unwrap().to_str().unwrap();
    let mut log = small().open_on(full(&is_full, name, length), &path).unwrap();
    assert_eq!(read_everywhere(&log), (numbers(60), vec![]));
    let error = log.append(&batch(600, &[&payload(60)])).unwrap_err();
    assert!(matches!(error, Error::NoSpace { .. }), "{error}");
    let start = log.trim_before(50).unwrap();
    assert!(start > 0);
    is_full.store(false, Ordering::Relaxed);
    assert_eq!(log.append(&batch(600, &[&payload(60)])).unwrap(), 60..61);
    log.close().unwrap();
    let log = small().open(&path).unwrap();
    assert_eq!(read_everywhere(&log), ((start..61).collect(), vec![]));
}

#[test]
fn without_room_for_a_new_segment_a_log_opens_and_appends_once_there_is_room() {
    let (_guard, path) = place();
    torn(&path, 20);
    let first = segments(&path)[0].clone();
    let length = fs::metadata(&first).unwrap().len();
    let is_full = Arc::new(AtomicBool::new(true));
    let name = first.file_name().unwrap().to_str().unwrap();
    let mut log = Options::new().open_on(full(&is_full, name, length), &path).unwrap();
    assert_eq!(read_everywhere(&log), (numbers(21), vec![]));
    for _ in 0..3 {
        let error = log.append(&batch(210, &[&payload(21)])).unwrap_err();
        assert!(matches!(error, Error::NoSpace { .. }), "{error}");
        assert_eq!(log.range(), 0..21);
    }
    assert_eq!(segments(&path).len(), 1, "no half of a segment");
    is_full.store(false, Ordering::Relaxed);
    assert_eq!(log.append(&batch(210, &[&payload(21)])).unwrap(), 21..22);
    log.sync().unwrap();
    assert_eq!(read_everywhere(&log), (numbers(22), vec![]));
}

#[test]
fn closing_needs_no_room_and_leaves_no_half_of_a_close() {
    let (_guard, path) = place();
    let is_full = Arc::new(AtomicBool::new(false));
    let state = Arc::clone(&is_full);
    let count = Mutex::new(0);
    let disk = Faulty::kept_by(move |call: &Call| {
        if call.kind != Asked::Write || !state.load(Ordering::Relaxed) {
            return Answer::Go;
        }
        // The first write gets half-way to the end of a page.
        *count.lock().unwrap() += 1;
        if *count.lock().unwrap() == 1 && call.length == 96 {
            Answer::Short(40)
        } else if call.length == 56 {
            Answer::Fail(ENOSPC)
        } else {
            Answer::Go
        }
    });
    let mut log = Options::new().open_on(disk, &path).unwrap();
    fill(&mut log, 0..20, 5);
    is_full.store(true, Ordering::Relaxed);
    log.close().unwrap();
    let log = Log::open(&path).unwrap();
    assert!(log.report().is_uneventful(), "{:?}", log.report());
    assert_eq!(read_everywhere(&log), (numbers(20), vec![]));
    assert_eq!(segments(&path).len(), 1);
}

#[test]
fn interrupted_and_short_calls_are_invisible() {
    let (_guard, path) = place();
    let count = Mutex::new(0_usize);
    let disk = || {
        let count = Mutex::new(*count.lock().unwrap());
        Faulty::kept_by(move |call: &Call| {
            let mut count = count.lock().unwrap();
            *count += 1;
            match (call.kind, *count % 5) {
                (Asked::Read | Asked::Write, 0 | 2) => Answer::Fail(EINTR),
                (Asked::Read | Asked::Write, 1) => Answer::Short(1 + *count % 70),
                (Asked::Read | Asked::Write, 3) => Answer::Short(900),
                _ => Answer::Go,
            }
        })
    };
    for round in 0..4 {
        let mut log = small().open_on(disk(), &path).unwrap();
        assert!(log.report().is_uneventful(), "{:?}", log.report());
        fill(&mut log, round * 60..round * 60 + 60, 7);
        assert_eq!(read_everywhere(&log), (numbers(round * 60 + 60), vec![]));
        if round % 2 == 0 {
            kill(log);
        } else {
            log.close().unwrap();
        }
    }
}

#[test]
fn a_failed_sync_poisons_and_the_next_open_decides() {
    let (_guard, path) = place();
    let fails = Arc::new(AtomicBool::new(false));
    let state = Arc::clone(&fails);
    let disk = Faulty::kept_by(move |call: &Call| {
        let hits = call.kind == Asked::Sync && state.load(Ordering::Relaxed);
        if hits { Answer::Fail(EIO) } else { Answer::Go }
    });
    let mut log = Options::new().open_on(disk, &path).unwrap();
    fill(&mut log, 0..20, 5);
    log.append(&batch(200, &[&payload(20)])).unwrap();
    fails.store(true, Ordering::Relaxed);
    assert!(matches!(log.sync(), Err(Error::Indeterminate { .. })));
    fails.store(false, Ordering::Relaxed);
    // A sync is never tried again, and nothing is appended.
    assert!(matches!(log.sync(), Err(Error::Poisoned { .. })));
    assert!(matches!(log.append(&batch(0, &[b"x"])), Err(Error::Poisoned { .. })));
    assert!(matches!(log.mark(), Err(Error::Poisoned { .. })));
    assert!(matches!(log.roll(), Err(Error::Poisoned { .. })));
    assert!(matches!(log.trim_before(5), Err(Error::Poisoned { .. })));
    assert_eq!(log.durable_end(), 20);
    assert_eq!(read_all(&log, Place::Oldest).0.len(), 20, "reading goes on");
    assert!(matches!(log.close(), Err(Error::Poisoned { .. })));
    let log = Log::open(&path).unwrap();
    assert_eq!(read_everywhere(&log), (numbers(21), vec![]), "it was there whole");
    assert!(log.report().rewritten_bytes > 0);
}

#[test]
fn positions_given_to_others_are_not_read_twice_where_a_header_is_lost() {
    let (_guard, path) = place();
    torn(&path, 20);
    // The tear is at 21; behind it stands a whole batch with position 22.
    let mut log = Log::open(&path).unwrap();
    fill(&mut log, 21..40, 5);
    log.close().unwrap();
    // The header that says where the first segment ends.
    overwrite(&segments(&path)[1], 0, &[0; 4096]);
    let log = Log::open(&path).unwrap();
    assert_eq!(read_everywhere(&log), (numbers(40), vec![]));
    for time in 0..400 {
        assert_eq!(log.find(time).unwrap(), time.cast_unsigned().div_ceil(10));
    }
    assert_eq!(log.view().segments().unwrap()[0].greatest, 200);
}

#[test]
fn marks_alone_fill_a_segment_too() {
    let (_guard, path) = place();
    let mut first = Craft::first(7);
    first.numbered(5);
    first.write(&path);
    let mut second = first.next();
    // A segment of the length at which ours are rolled, without an event.
    while second.end() < 9 << 10 {
        second.push_kind(Kind::Mark, &[]);
    }
    second.write(&path);
    let mut log = small().open(&path).unwrap();
    assert_eq!(log.range(), 0..5);
    fill(&mut log, 5..10, 5);
    assert_eq!(segments(&path).len(), 3);
    assert_eq!(read_everywhere(&log), (numbers(10), vec![]));
    assert_eq!(log.trim_before(5).unwrap(), 5);
    assert_eq!(segments(&path).len(), 1, "the segment without events went with the one before it");
    assert_eq!(read_everywhere(&log), ((5..10).collect(), vec![]));
}

#[test]
fn the_largest_batch_can_be_read_whatever_the_padding() {
    let (_guard, path) = place();
    let mut largest = Batch::new();
    // Header, origin, table entry, and room for the most padding.
    let size = (64 << 20) - 64 - 16 - 16 - (64 << 10);
    assert!(matches!(largest.push(0, &vec![7; size + 1]), Err(Error::TooLarge { .. })));
    largest.push(0, &vec![7; size]).unwrap();
    for padding in [None, Some(512), Some(4096), Some(64 << 10)] {
        let mut log = Options::new().pad_group_to(padding).open(&path).unwrap();
        let position = log.append(&largest).unwrap().start;
        log.sync().unwrap();
        kill(log);
        let log = Log::open(&path).unwrap();
        let (events, gaps) = read_all(&log, position);
        assert_eq!((events.len(), gaps.len()), (1, 0), "{padding:?}");
        assert_eq!(events[0].payload.len(), size);
        drop(log);
        fs::remove_dir_all(&path).unwrap();
    }
}

const PLACES: usize = 150_000;

/// So many events with a bit of junk behind each, in the last segment and in one before it.
fn strewn(path: &Path, places: usize) {
    let mut first = Craft::first(9);
    let fill = |segment: &mut Craft| {
        for _ in 0..places {
            segment.push(&[&segment.position.to_le_bytes()]).put(b"someJUNK", &[]);
        }
        // Proves all of it.
        segment.push_kind(Kind::Mark, &[]);
    };
    fill(&mut first);
    let mut second = first.next();
    fill(&mut second);
    first.write(path);
    second.write(path);
}

#[test]
fn damage_in_very_many_places_is_found_with_bounded_memory() {
    let (_guard, path) = place();
    strewn(&path, PLACES);
    process::expect(&[], "recovery::role_reads_what_is_strewn", &path);
}

#[test]
#[ignore = "a process of its own, in which memory can be measured"]
fn role_reads_what_is_strewn() {
    let path = process::place();
    let peak = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let before = peak();
    let log = Log::open(&path).unwrap();
    let end = 2 * PLACES as u64;
    assert_eq!(log.range(), 0..end);
    assert!((1..=4096).contains(&log.report().gaps.len()), "{}", log.report().gaps.len());
    let mut reader = log.read(Place::Oldest).unwrap();
    for position in 0..end {
        assert_eq!(reader.next().unwrap().unwrap().payload, position.to_le_bytes());
    }
    let mut reader = log.read(Read::from(Place::Oldest).reverse()).unwrap();
    for position in (0..end).rev() {
        assert_eq!(reader.next().unwrap().unwrap().payload, position.to_le_bytes());
    }
    assert!(reader.next().unwrap().is_none());
    let grown = peak() - before;
    assert!(grown < 12 << 10, "{grown} KiB for {PLACES} places");
}
