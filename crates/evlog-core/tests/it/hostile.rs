//! Files that were made to do harm, and surroundings that do: nothing panics, hangs, grows without bound, touches what it
//! should not, or invents an event.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use evlog_core::format::batch::{BatchHeader, Kind};
use evlog_core::format::checksum::checksum;
use evlog_core::format::header::{Cause, SegmentHeader};
use evlog_core::format::record::TableEntry;
use evlog_core::format::tail::{IndexEntry, Tail};
use evlog_core::{
    Batch, Create, Error, Found, GapReason, Group, Log, Options, Place, Read, ReadLevel, UnknownFeature,
};

use crate::common::{batch, fill, payload, place, read_all};
use crate::craft::{Craft, seal};
use crate::faulty::{Answer, Call, Faulty, Kind as Asked};
use crate::process;
use crate::scene::{
    batches, contents, flip, kill, name, overwrite, read_everywhere, segments, small, three_segments,
    truncate,
};

fn numbers(end: u64) -> Vec<u64> {
    (0..end).collect()
}

/// Opens to write and says how that ended; what was there before must be there still.
fn open_untouched(path: &Path) -> Result<Log, Error> {
    let before = contents(path);
    let opened = small().open(path);
    let after = contents(path);
    for (name, what) in &before {
        assert!(after.get(name) == Some(what), "{} was changed", name.display());
    }
    if opened.is_err() {
        let added: Vec<_> = after.keys().filter(|name| !before.contains_key(*name)).collect();
        assert!(added.iter().all(|name| name.to_str() == Some("lock")), "{added:?}");
    }
    opened
}

// What stands where a file or a folder should be.

#[test]
fn what_is_no_regular_file_or_folder_is_refused_and_never_waited_for() {
    let (guard, path) = place();
    let (log, _) = three_segments(&path);
    log.close().unwrap();
    let last = segments(&path).pop().unwrap();
    let (beside, aside) = (guard.path().join("beside"), guard.path().join("aside"));
    for victim in [path.clone(), last, path.join("lock")] {
        fs::rename(&victim, &aside).unwrap();
        for what in ["link", "dangling link", "pipe", "socket", "folder", "file"] {
            let _socket = match what {
                "link" => symlink(&aside, &victim).map(|()| None).unwrap(),
                "dangling link" => symlink("/nowhere/at/all", &victim).map(|()| None).unwrap(),
                "pipe" => {
                    assert!(Command::new("mkfifo").arg(&victim).status().unwrap().success());
                    None
                }
                "socket" => Some(UnixListener::bind(&victim).unwrap()),
                "folder" if victim != path => fs::create_dir(&victim).map(|()| None).unwrap(),
                "file" if victim == path => fs::write(&victim, b"a file").map(|()| None).unwrap(),
                _ => continue,
            };
            let begun = Instant::now();
            for error in [small().open(&path).unwrap_err(), small().open_read_only(&path).unwrap_err()] {
                assert!(
                    matches!(&error, Error::UnsafeFile { path } if *path == victim),
                    "{what} at {}: {error:?}",
                    victim.display()
                );
            }
            assert!(begun.elapsed() < Duration::from_secs(5), "{what}");
            if fs::symlink_metadata(&victim).unwrap().is_dir() {
                fs::remove_dir(&victim).unwrap();
            } else {
                fs::remove_file(&victim).unwrap();
            }
        }
        fs::rename(&aside, &victim).unwrap();
    }
    assert!(!beside.exists());
    drop(small().open(&path).unwrap());
}

#[test]
fn a_pipe_in_the_place_of_an_older_segment_stops_a_reader_there_and_nowhere_else() {
    let (_guard, path) = place();
    let (log, end) = three_segments(&path);
    log.close().unwrap();
    let all = segments(&path);
    let middle = all[1].clone();
    let (from, to) = (Craft::base_of(&middle), Craft::base_of(&all[2]));
    fs::remove_file(&middle).unwrap();
    assert!(Command::new("mkfifo").arg(&middle).status().unwrap().success());
    let log = small().open(&path).unwrap();
    let mut reader = log.read(Place::Oldest).unwrap();
    for position in 0..from {
        assert_eq!(reader.next().unwrap().unwrap().position, position);
    }
    for _ in 0..3 {
        assert!(matches!(reader.next(), Err(Error::UnsafeFile { path }) if path == middle));
    }
    reader.seek(to);
    for position in to..end {
        assert_eq!(reader.next().unwrap().unwrap().position, position);
    }
}

#[test]
fn a_folder_that_is_no_log_is_left_as_it_is() {
    let (_guard, path) = place();
    fs::create_dir(&path).unwrap();
    fs::write(path.join("notes.txt"), b"mine").unwrap();
    fs::write(path.join("00000000000000000000-000000000.seg"), b"one digit short").unwrap();
    let before = contents(&path);
    assert!(matches!(Log::open(&path), Err(Error::MissingSegments { path: told }) if told == path));
    assert!(matches!(Options::new().open_read_only(&path), Err(Error::MissingSegments { .. })));
    assert_eq!(contents(&path), before, "not even a lock file");
    // The same where there was a log once: it never starts anew at 0.
    let (_guard, path) = place();
    Log::open(&path).unwrap().close().unwrap();
    fs::remove_file(&segments(&path)[0]).unwrap();
    assert!(matches!(Log::open(&path), Err(Error::MissingSegments { .. })));
}

#[test]
fn files_that_are_no_segments_are_refused_by_their_kind_and_not_touched() {
    let mut sqlite = b"SQLite format 3\0".to_vec();
    sqlite.resize(8192, 0);
    let elf = fs::read(std::env::current_exe().unwrap()).unwrap()[..20_000].to_vec();
    let mut other_version = Craft::first(3);
    other_version.numbered(3);
    let mut other_version = other_version.bytes();
    let mut other_feature = other_version.clone();
    for (bytes, at) in [(&mut other_version, 12), (&mut other_feature, 16)] {
        for copy in [0, 2048] {
            bytes[copy + at] = 9;
            let crc = checksum(&bytes[copy + 12..copy + 128]);
            bytes[copy + 8..copy + 12].copy_from_slice(&crc.to_le_bytes());
        }
    }
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("empty", Vec::new(), "NotALog"),
        ("one byte", vec![b'E'], "NotALog"),
        ("zeros", vec![0; 9000], "NotALog"),
        ("all ones", vec![0xFF; 9000], "NotALog"),
        ("only the magic", b"EVLOGSEG".to_vec(), "NotALog"),
        ("SQLite", sqlite, "NotALog"),
        ("a program", elf, "NotALog"),
        ("another version", other_version, "Unsupported"),
        ("another feature", other_feature, "Unsupported"),
    ];
    for (what, bytes, expected) in cases {
        // Alone, and as the last of two.
        let (_guard, path) = place();
        let mut first = Craft::first(3);
        let alone = first.write(&path);
        fs::write(&alone, &bytes).unwrap();
        assert_eq!(name(&open_untouched(&path).unwrap_err()), expected, "{what}, alone");
        assert_eq!(name(&small().open_read_only(&path).unwrap_err()), expected, "{what}, alone");
        first.numbered(3).write(&path);
        let second = first.next().write(&path);
        fs::write(&second, &bytes).unwrap();
        let error = open_untouched(&path).unwrap_err();
        assert_eq!(name(&error), expected, "{what}, last");
        assert!(error.to_string().contains(second.file_name().unwrap().to_str().unwrap()), "{error}");
        match small().open_read_only(&path) {
            Ok(log) => assert_eq!(read_everywhere(&log), (numbers(3), vec![]), "{what}, last"),
            Err(error) => assert_eq!(name(&error), "Unsupported", "{what}, last"),
        }
    }
    // A header and nothing else is an empty log.
    let (_guard, path) = place();
    Craft::first(3).write(&path);
    assert_eq!(open_untouched(&path).unwrap().range(), 0..0);
}

// Numbers at their limits, with right checksums.

/// Three batches of three numbered events, the middle one with another header, all proven by a mark behind them.
fn with_middle(segment: &mut Craft, change: impl Fn(&mut BatchHeader), patch: impl Fn(&mut [u8; 64])) {
    segment.numbered(3);
    let numbered: Vec<Vec<u8>> = (segment.position..segment.position + 3).map(payload).collect();
    let (mut header, body) = segment.sound(&numbered.iter().map(Vec::as_slice).collect::<Vec<_>>());
    change(&mut header);
    let mut bytes = header.encode();
    patch(&mut bytes);
    seal(&mut bytes);
    segment.put(&bytes, &body);
    segment.position += 3;
    segment.numbered(3);
    segment.push_kind(Kind::Mark, &[]);
}

type Change = Box<dyn Fn(&mut BatchHeader)>;

/// What a batch header may say so that it cannot be believed.
fn lies() -> Vec<(String, Change)> {
    let mut lies: Vec<(String, Change)> = Vec::new();
    for length in [0, 8, 56, 63, 64, 72, u32::MAX, u32::MAX - 7, (64 << 20) + 8, 1 << 31, 100_000] {
        lies.push((format!("length {length}"), Box::new(move |header| header.length = length)));
    }
    for bytes in [u32::MAX, u32::MAX - 7, 1 << 31, 64 << 20, 1, 9, 1 << 20] {
        lies.push((format!("payload bytes {bytes}"), Box::new(move |header| header.payload_bytes = bytes)));
    }
    for count in [0, (1 << 20) + 1, u32::MAX, 1 << 28, 1000] {
        lies.push((format!("count {count}"), Box::new(move |header| header.count = count)));
    }
    for base in [u64::MAX, u64::MAX - 2, u64::MAX - 3, 1 << 63, 0, 2, 4, 1_000_000] {
        lies.push((format!("base {base}"), Box::new(move |header| header.base = base)));
    }
    for synced in [0, 8, 4095, 4097, u32::MAX, 1 << 30] {
        lies.push((format!("synced {synced}"), Box::new(move |header| header.synced = synced)));
    }
    for offset in [0, 4096, u32::MAX, u32::MAX - 63] {
        lies.push((format!("offset {offset}"), Box::new(move |header| header.offset = offset)));
    }
    for salt in [0, 1, u64::MAX] {
        lies.push((format!("salt {salt}"), Box::new(move |header| header.salt = salt)));
    }
    lies.push(("has an origin".into(), Box::new(|header| header.has_origin = true)));
    lies.push(("another kind".into(), Box::new(|header| header.kind = Kind::Other(200))));
    lies
}

#[test]
fn a_batch_header_that_cannot_be_is_a_gap_and_nothing_else_suffers() {
    for (what, change) in lies() {
        for is_last in [true, false] {
            let (_guard, path) = place();
            let mut segment = Craft::first(5);
            with_middle(&mut segment, &change, |_| {});
            segment.write(&path);
            if !is_last {
                segment.next().numbered(3).write(&path);
            }
            let end = if is_last { 9 } else { 12 };
            let log = open_untouched(&path).unwrap();
            assert_eq!(log.range(), 0..end, "{what}");
            let (events, gaps) = read_everywhere(&log);
            let expected: Vec<u64> = (0..end).filter(|position| !(3..6).contains(position)).collect();
            assert_eq!(events, expected, "{what}");
            assert_eq!(gaps.iter().map(|gap| (gap.0, gap.1)).collect::<Vec<_>>(), [(3, 6)], "{what}");
            assert_eq!(!log.report().gaps.is_empty(), is_last, "{what}: {:?}", log.report());
        }
    }
}

#[test]
fn a_last_batch_header_that_cannot_be_ends_the_log() {
    for (what, change) in lies() {
        let (_guard, path) = place();
        let mut segment = Craft::first(5);
        segment.numbered(3);
        let (mut header, body) = segment.sound(&[b"never"]);
        change(&mut header);
        segment.put(&header.encode(), &body);
        segment.write(&path);
        let mut log = open_untouched(&path).unwrap();
        // Only a kind that may be stepped over is no end. Then its bytes are not even leftover.
        assert_eq!(log.range(), 0..3, "{what}");
        fill(&mut log, 3..6, 3);
        assert_eq!(read_everywhere(&log), (numbers(6), vec![]), "{what}");
        log.close().unwrap();
        assert_eq!(read_everywhere(&small().open(&path).unwrap()), (numbers(6), vec![]), "{what}");
    }
}

#[test]
fn kinds_and_flags_that_must_be_known_refuse_the_log_and_others_are_stepped_over() {
    for (kind, flags, is_refused) in [
        (0, 0, true),
        (6, 0, true),
        (127, 0, true),
        (1, 4, true),
        (1, 0x80, true),
        (200, 4, true),
        (128, 0, false),
    ] {
        let (_guard, path) = place();
        let mut segment = Craft::first(5);
        segment.numbered(3);
        let mut header = BatchHeader { count: 0, ..segment.sound(&[]).0 }.encode();
        (header[56], header[57]) = (kind, flags);
        seal(&mut header);
        segment.put(&header, &[]);
        segment.numbered(3);
        segment.push_kind(Kind::Mark, &[]);
        segment.write(&path);
        match open_untouched(&path) {
            Err(Error::Unsupported { what: UnknownFeature::Batch { kind: k, flags: f, offset }, .. }) => {
                assert!(is_refused);
                assert_eq!((k, f), (kind, flags));
                assert!(offset > 4096);
                assert_eq!(name(&small().open_read_only(&path).unwrap_err()), "Unsupported");
            }
            Ok(log) => {
                assert!(!is_refused, "kind {kind}, flags {flags}");
                assert_eq!(read_everywhere(&log), (numbers(6), vec![]));
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_table_whose_ends_cannot_be_costs_its_batch() {
    let ends: [[u32; 3]; 8] = [
        [8, 4, 24],
        [8, 16, 8],
        [16, 15, 24],
        [8, 16, 25],
        [8, 16, 16],
        [u32::MAX, 16, 24],
        [8, 16, u32::MAX],
        [8, u32::MAX - 7, 24],
    ];
    for ends in ends {
        let (_guard, path) = place();
        let mut segment = Craft::first(6);
        segment.numbered(3);
        let (mut header, mut body) = segment.sound(&[b"11111111", b"22222222", b"33333333"]);
        let table: Vec<u8> = ends
            .iter()
            .flat_map(|&end| TableEntry { timestamp: 0, end, crc: checksum(b"11111111") }.encode())
            .collect();
        body.truncate(24);
        body.extend_from_slice(&table);
        header.table_crc = checksum(&table);
        header.payload_crc = Some(checksum(&body[..24]));
        segment.put(&header.encode(), &body);
        segment.position += 3;
        segment.numbered(3);
        segment.push_kind(Kind::Mark, &[]);
        segment.write(&path);
        let log = open_untouched(&path).unwrap();
        let (events, gaps) = read_everywhere(&log);
        assert_eq!(events, [0, 1, 2, 6, 7, 8], "{ends:?}");
        assert_eq!(
            gaps.iter().map(|gap| (gap.0, gap.1, gap.2)).collect::<Vec<_>>(),
            [(3, 6, GapReason::Table)]
        );
        assert_eq!(log.find(1).unwrap(), 1);
    }
}

#[test]
fn a_cache_that_names_a_position_out_of_reach_is_not_believed() {
    for base in [u64::MAX, 1_000_000] {
        // A close, and a hint at a batch, that tell a position which the bytes before them cannot reach.
        for is_close in [true, false] {
            let (_guard, path) = place();
            let mut segment = Craft::first(5);
            segment.numbered(3);
            let tail = Tail { start: 0, least: 0, greatest: 0, index: 0 };
            let at = segment.end();
            segment.position = base;
            segment.push_kind(if is_close { Kind::Close } else { Kind::Mark }, &[]);
            if is_close {
                segment.batches.truncate((at - 4096) as usize);
                segment.push_kind(Kind::Close, &tail.encode());
            }
            let file = segment.write(&path);
            if !is_close {
                let hint = evlog_core::format::header::Hint {
                    salt: segment.header.salt,
                    position: base,
                    offset: at,
                };
                overwrite(&file, 1024, &hint.encode());
            }
            let mut log = open_untouched(&path).unwrap();
            assert_eq!(log.range(), 0..3, "{base}, close {is_close}");
            fill(&mut log, 3..6, 3);
            assert_eq!(read_everywhere(&log), (numbers(6), vec![]));
        }
    }
}

#[test]
fn positions_reach_to_the_last_one_and_not_beyond() {
    let (_guard, path) = place();
    let header = SegmentHeader {
        ordinal: 7,
        base: u64::MAX - 2,
        previous_end: 4096,
        cause: Cause::Rolled,
        ..Craft::first(2).header
    };
    Craft::with(header).write(&path);
    let mut log = open_untouched(&path).unwrap();
    assert_eq!(log.range(), u64::MAX - 2..u64::MAX - 2);
    assert!(matches!(log.append(&batch(0, &[b"a", b"b", b"c"])), Err(Error::TooLarge { .. })));
    assert_eq!(log.append(&batch(0, &[b"a", b"b"])).unwrap(), u64::MAX - 2..u64::MAX);
    log.sync().unwrap();
    assert!(matches!(log.append(&batch(0, &[b"c"])), Err(Error::TooLarge { .. })));
    for read in [Read::from(Place::Oldest), Read::from(Place::Oldest).reverse(), Read::from(u64::MAX - 2)] {
        assert_eq!(read_all(&log, read).0.len(), 2);
    }
    assert_eq!(read_all(&log, u64::MAX).0.len(), 0);
    assert_eq!(log.find(1).unwrap(), u64::MAX - 1);
    assert_eq!(log.find(2).unwrap(), u64::MAX);
    assert_eq!(log.last(5).unwrap().len(), 2);
    log.roll().unwrap();
    log.close().unwrap();
    let log = small().open(&path).unwrap();
    assert_eq!(log.range(), u64::MAX - 2..u64::MAX);
    assert_eq!(log.latest().unwrap().unwrap().position, u64::MAX - 1);
}

#[test]
fn the_largest_ordinal_is_the_last_segment() {
    let (_guard, path) = place();
    let header = SegmentHeader {
        ordinal: 9_999_999_999,
        previous_end: 4096,
        cause: Cause::Rolled,
        ..Craft::first(2).header
    };
    Craft::with(header).write(&path);
    let mut log = open_untouched(&path).unwrap();
    fill(&mut log, 0..5, 5);
    assert!(matches!(log.roll(), Err(Error::TooLarge { .. })));
    assert!(matches!(log.append(&batch(0, &[&[7; 9000]])), Err(Error::TooLarge { .. })));
    assert_eq!(read_everywhere(&log), (numbers(5), vec![]));
    fill(&mut log, 5..10, 5);
    assert_eq!(read_everywhere(&log), (numbers(10), vec![]));
}

#[test]
fn an_index_that_lies_costs_nothing() {
    let entry = |position, greatest, offset| IndexEntry { position, greatest, offset };
    let lies: Vec<Vec<IndexEntry>> = vec![
        vec![entry(u64::MAX, i64::MIN, 4096)],
        vec![entry(10, i64::MIN, u32::MAX)],
        vec![entry(10, i64::MIN, 0)],
        vec![entry(10, i64::MIN, 4097)],
        vec![entry(0, i64::MIN, 5000), entry(9, i64::MIN, 4800)],
        vec![entry(9, i64::MIN, 4800), entry(3, i64::MIN, 5000)],
        vec![entry(9, 70, 4800), entry(12, 30, 5000)],
        (0..50).map(|number| entry(number, i64::MAX, 4096 + number as u32 * 8)).collect(),
    ];
    for (number, entries) in lies.iter().enumerate() {
        let (_guard, path) = place();
        let mut first = Craft::first(8);
        for _ in 0..10 {
            first.numbered(3);
        }
        let stated = first.end();
        let area: Vec<u8> = entries.iter().flat_map(IndexEntry::encode).collect();
        first.push_kind(Kind::Index, &area);
        first.push_kind(Kind::Seal, &Tail { start: 0, least: 0, greatest: 290, index: stated }.encode());
        first.write(&path);
        let mut second = first.next();
        second.header.previous_end = stated;
        second.numbered(3).write(&path);
        let log = open_untouched(&path).unwrap();
        assert_eq!(read_everywhere(&log), (numbers(33), vec![]), "lie {number}");
        for position in 0..33 {
            assert_eq!(log.find(position as i64 * 10).unwrap(), position, "lie {number}");
            assert_eq!(read_all(&log, position).0[0].position, position, "lie {number}");
        }
    }
}

#[test]
fn batches_inside_of_payloads_never_surface() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    fill(&mut log, 0..20, 5);
    // A copy of the segment as it is, twice, at places where its batches do not belong; and the beginnings of batches.
    let copy = fs::read(&segments(&path)[0]).unwrap();
    let mut traps = copy.clone();
    traps.extend_from_slice(&copy);
    traps.extend_from_slice(&b"EVB1".repeat(1000));
    // One that has everything right but its place.
    let stray = BatchHeader { base: 21, ..*batches(&segments(&path)[0]).last().unwrap() };
    traps.extend_from_slice(&stray.encode());
    traps.extend_from_slice(&copy[(stray.offset + 64) as usize..stray.end_offset() as usize]);
    log.append(&batch(200, &[&traps])).unwrap();
    log.sync().unwrap();
    fill(&mut log, 21..30, 3);
    let all = batches(&segments(&path)[0]);
    kill(log);
    let trap = all.iter().find(|header| header.base == 20).unwrap();
    flip(&segments(&path)[0], u64::from(trap.offset) + 30);
    let log = Log::open(&path).unwrap();
    let (events, gaps) = read_everywhere(&log);
    assert_eq!(events, (0..20).chain(21..30).collect::<Vec<_>>());
    assert_eq!((gaps[0].0, gaps[0].1, gaps.len()), (20, 21, 1));
}

// Files as large and as many as can be.

#[test]
fn a_giant_sparse_last_segment_is_opened_in_bounded_time_and_never_cut() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    fill(&mut log, 0..20, 5);
    kill(log);
    let giant = segments(&path)[0].clone();
    let sizes = [i64::MAX as u64, (16 << 40) - 4096, 1 << 40, 5 << 30];
    let file = fs::File::options().write(true).open(&giant).unwrap();
    let size = sizes.into_iter().find(|&size| file.set_len(size).is_ok()).unwrap();
    let begun = Instant::now();
    let mut log = Log::open(&path).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert_eq!((log.report().found, log.report().rewritten_bytes < 10_000), (Found::Unclean, true));
    let told: Vec<_> = log.report().gaps.iter().map(|gap| (gap.from, gap.to, gap.reason)).collect();
    assert_eq!(told, [(20, 20, GapReason::Oversize)]);
    fill(&mut log, 20..30, 5);
    assert_eq!(read_everywhere(&log), (numbers(30), vec![]));
    assert!(log.verify(|_| {}).unwrap().damage.iter().any(|gap| gap.reason == GapReason::Oversize));
    log.close().unwrap();
    assert_eq!(fs::metadata(&giant).unwrap().len(), size, "nothing is cut");
    let begun = Instant::now();
    drop(Log::open(&path).unwrap());
    assert!(begun.elapsed() < Duration::from_secs(1), "it is not the last one any more");
}

#[test]
fn batches_up_to_the_largest_offset_neither_wrap_nor_hang() {
    let (_guard, path) = place();
    let mut segment = Craft::first(5);
    segment.numbered(3);
    let file = segment.write(&path);
    let open = fs::File::options().write(true).open(&file).unwrap();
    // Marks with as much padding as there may be, up to the very last place where a batch could end.
    let mut at = segment.end();
    let last = u32::MAX - 7;
    while at < last {
        let length = (last - at).min(64 << 20);
        let length = if last - at - length < 64 && length < last - at { length - 64 } else { length };
        let header = BatchHeader {
            offset: at,
            synced: at,
            length,
            kind: Kind::Mark,
            table_crc: 0,
            ..segment.sound(&[]).0
        };
        open.write_all_at(&header.encode(), at.into()).unwrap();
        at += length;
    }
    open.set_len(5 << 30).unwrap();
    let begun = Instant::now();
    let mut log = Log::open(&path).unwrap();
    assert_eq!(log.range(), 0..3);
    assert!(begun.elapsed() < Duration::from_secs(60));
    fill(&mut log, 3..6, 3);
    log.mark().unwrap();
    assert_eq!(read_everywhere(&log), (numbers(6), vec![]));
    log.close().unwrap();
    assert_eq!(fs::metadata(&file).unwrap().len(), 5 << 30);
    assert_eq!(read_everywhere(&Log::open(&path).unwrap()), (numbers(6), vec![]));
}

#[test]
fn a_segment_near_the_largest_offset_is_ended_without_wrapping() {
    let (_guard, path) = place();
    let mut segment = Craft::first(5);
    segment.numbered(3);
    let file = segment.write(&path);
    let open = fs::File::options().write(true).open(&file).unwrap();
    let mut at = segment.end();
    let last = u32::MAX - 95 - 88;
    while at < last / 8 * 8 {
        let length = (last / 8 * 8 - at).min(60 << 20);
        let header = BatchHeader {
            offset: at,
            synced: at,
            length,
            kind: Kind::Mark,
            table_crc: 0,
            ..segment.sound(&[]).0
        };
        open.write_all_at(&header.encode(), at.into()).unwrap();
        at += length;
    }
    open.set_len(at.into()).unwrap();
    let mut log = Log::open(&path).unwrap();
    let length = fs::metadata(&file).unwrap().len();
    log.mark().unwrap();
    fill(&mut log, 3..6, 3);
    log.roll().unwrap();
    log.close().unwrap();
    assert!(fs::metadata(&file).unwrap().len() >= length, "cut to {}", fs::metadata(&file).unwrap().len());
    assert_eq!(read_everywhere(&Log::open(&path).unwrap()), (numbers(6), vec![]));
}

#[test]
fn many_files_cost_no_more_calls_than_few() {
    let calls = |segments: u64, junk: u64| {
        let (_guard, path) = place();
        let mut segment = Craft::first(4);
        for _ in 0..segments {
            segment.push(&[&segment.position.to_le_bytes()]).write(&path);
            segment = segment.next();
        }
        segment.write(&path);
        for number in 0..junk {
            fs::write(path.join(format!("{number:020}-{number:010}.seg.bak")), b"").unwrap();
        }
        let count = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&count);
        let disk = Faulty::kept_by(move |_: &Call| {
            *counter.lock().unwrap() += 1;
            Answer::Go
        });
        let mut log = small().open_on(disk, &path).unwrap();
        let opened = *count.lock().unwrap();
        assert_eq!(log.range(), 0..segments);
        let mut reader = log.read(Place::Oldest).unwrap();
        for position in 0..segments {
            assert_eq!(reader.next().unwrap().unwrap().payload, position.to_le_bytes());
        }
        assert_eq!(log.trim_before(segments).unwrap(), segments);
        log.close().unwrap();
        assert_eq!(
            fs::read_dir(&path).unwrap().count() as u64,
            junk + 2,
            "segment, lock and what is not ours"
        );
        opened
    };
    assert_eq!(calls(300, 1000), calls(10, 0));
}

#[test]
fn a_thousand_strangers_are_set_aside() {
    let (_guard, path) = place();
    let mut ours = Craft::first(1);
    let mut theirs = Craft::first(2);
    for number in 0..300 {
        theirs.push(&[b"not ours", b"nor this"]);
        if number % 2 == 1 {
            theirs.write(&path);
        }
        theirs = theirs.next();
        for _ in 0..2 {
            ours.push(&[&ours.position.to_le_bytes()]).write(&path);
            ours = ours.next();
        }
    }
    ours.write(&path);
    // They have the ordinals of ours and other bases.
    let log = small().open(&path).unwrap();
    let (events, gaps) = read_all(&log, Place::Oldest);
    assert_eq!((log.range(), log.report().foreign.len(), gaps.len()), (0..600, 150, 0));
    assert!(
        events.iter().map(|event| event.payload.clone()).eq((0..600_u64).map(|n| n.to_le_bytes().to_vec()))
    );
}

// Names.

#[test]
fn names_that_only_look_like_segments_are_left_alone() {
    let (_guard, path) = place();
    let (log, end) = three_segments(&path);
    log.close().unwrap();
    let bytes = fs::read(&segments(&path)[0]).unwrap();
    for name in [
        "0-0.seg",
        "00000000000000000000-0000000000.SEG",
        "00000000000000000000-0000000000.seg ",
        "00000000000000000000-00000000000.seg",
        "000000000000000000000-0000000000.seg",
        "0x000000000000000000-0000000009.seg",
        "-0000000000000000001-0000000009.seg",
        "+0000000000000000001-0000000009.seg",
        "99999999999999999999-0000000009.seg",
        "18446744073709551616-0000000009.seg",
        "00000000000000000000-0000000009.seg.tmp",
        "new-.tmp",
        "new-0123.tmp",
        "new-0123456789abcdef0123456789abcdeg.tmp",
    ] {
        fs::write(path.join(name), &bytes).unwrap();
    }
    fs::write(path.join(std::ffi::OsStr::from_bytes(b"\xff\xfe-0000000009.seg")), &bytes).unwrap();
    // A folder whose name is that of a file which would be removed.
    fs::create_dir(path.join("new-0123456789abcdef0123456789abcdef.tmp")).unwrap();
    let before = contents(&path);
    let log = open_untouched(&path).unwrap();
    assert_eq!(read_everywhere(&log), (numbers(end), vec![]));
    assert!(log.report().foreign.is_empty());
    log.close().unwrap();
    assert_eq!(contents(&path), before);
}

#[test]
fn strangers_twins_and_renamed_segments_are_reported_and_never_read() {
    type Deed = fn(&Path);
    let deeds: [(&str, Deed); 6] = [
        ("two segments swapped", |path| {
            let all = segments(path);
            let aside = path.join("aside");
            fs::rename(&all[0], &aside).unwrap();
            fs::rename(&all[1], &all[0]).unwrap();
            fs::rename(aside, &all[1]).unwrap();
        }),
        ("a copy of the first behind the last", |path| {
            fs::copy(&segments(path)[0], path.join("00000000000000000900-0000000009.seg")).unwrap();
        }),
        ("a copy of the second in its place, with another base", |path| {
            fs::copy(&segments(path)[1], path.join("00000000000000000003-0000000001.seg")).unwrap();
        }),
        ("a twin of another log, below", |path| {
            let mut other = Craft::first(99);
            other.push(&[b"not ours"]);
            let mut other = other.next();
            other.push(&[b"nor this"]);
            other.write(path);
        }),
        ("a twin of another log, above", |path| {
            let mut other = Craft::first(99);
            for _ in 0..60 {
                other.push(&[b"not ours"]);
            }
            other.next().push(&[b"nor this"]).write(path);
        }),
        ("an empty file with the greatest base", |path| {
            fs::write(path.join("18446744073709551615-0000000001.seg"), b"").unwrap();
        }),
    ];
    for (what, deed) in deeds {
        let (_guard, path) = place();
        let (log, end) = three_segments(&path);
        log.close().unwrap();
        deed(&path);
        let log = open_untouched(&path).unwrap();
        let (events, gaps) = read_everywhere(&log);
        if what == "two segments swapped" {
            assert!(
                gaps.iter()
                    .all(|gap| gap.2 == GapReason::ForeignSegment || gap.2 == GapReason::MissingSegment)
            );
            assert!(log.range().end == end && !events.is_empty());
        } else {
            assert_eq!((events, gaps), (numbers(end), vec![]), "{what}");
            assert_eq!(log.report().foreign.len(), 1, "{what}");
        }
    }
}

/// A file that claims to follow, but with positions that were given before, is none of the log. What recovery makes in
/// its place has its ordinal, and the same segment before it.
#[test]
fn beside_a_stranger_with_the_next_ordinal_a_recovered_log_goes_on() {
    let (_guard, path) = place();
    let mut first = Craft::first(1);
    first.numbered(20).write(&path);
    let mut second = first.next();
    second.numbered(20);
    let next = second.next().header;
    second.put(&[0xAA; 64], &[]);
    second.write(&path);
    Craft::with(SegmentHeader { base: 10, ..next }).numbered(5).write(&path);
    for end in [40, 41, 42] {
        let mut log = open_untouched(&path).unwrap();
        assert_eq!((read_everywhere(&log), log.report().foreign.len()), ((numbers(end), vec![]), 1));
        log.append(&batch(end as i64 * 10, &[&payload(end)])).unwrap();
        kill(log);
    }
}

// Asked for too much, or for what is not there.

#[test]
fn sizes_beyond_the_limits_take_no_position() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    let mut many = Batch::new();
    for _ in 0..1 << 20 {
        many.push(i64::MIN, b"").unwrap();
    }
    assert!(matches!(many.push(0, b""), Err(Error::TooLarge { .. })));
    assert_eq!(log.append(&many).unwrap(), 0..1 << 20);
    let mut group = Group::new();
    let giant = vec![0; 64 << 20];
    assert!(matches!(group.push(0, 0, &giant, checksum(&giant)), Err(Error::TooLarge { .. })));
    assert_eq!(log.append_group(&mut group).unwrap(), 1 << 20..1 << 20);
    assert_eq!(log.append(&batch(i64::MAX, &[b""])).unwrap(), 1 << 20..(1 << 20) + 1);
    log.sync().unwrap();
    let mut reader = log.read(Place::Oldest).unwrap();
    let mut count = 0;
    while let Some(event) = reader.next().unwrap() {
        assert_eq!((event.position, event.payload), (count, &b""[..]));
        count += 1;
    }
    assert_eq!(count, (1 << 20) + 1);
    assert_eq!(log.find(i64::MIN).unwrap(), 0);
    assert_eq!(log.find(i64::MIN + 1).unwrap(), 1 << 20);
    assert_eq!(log.find(i64::MAX).unwrap(), 1 << 20);
}

#[test]
fn options_that_make_no_sense_are_named() {
    let (_guard, path) = place();
    for bytes in [0, 1, (8 << 10) - 1, (3 << 30) + 1, u64::MAX] {
        let error = Options::new().segment_bytes(bytes).open(&path).unwrap_err();
        let Error::InvalidOption { name, value, .. } = error else { panic!("{error}") };
        assert_eq!((name, value), ("segment_bytes", bytes));
    }
    for bytes in [0, 1, 511, 513, 4095, 65_537, 1 << 17, u32::MAX] {
        let error = Options::new().pad_group_to(Some(bytes)).open_read_only(&path).unwrap_err();
        let Error::InvalidOption { name, value, .. } = error else { panic!("{error}") };
        assert_eq!((name, value), ("pad_group_to", u64::from(bytes)));
    }
    assert!(!path.exists());
    assert!(matches!(Options::new().create(Create::Never).open(&path), Err(Error::NotFound { .. })));
    assert!(!path.exists());
}

#[test]
fn positions_that_are_not_there_are_told_apart() {
    let (_guard, path) = place();
    let (mut log, end) = three_segments(&path);
    let start = log.trim_before(50).unwrap();
    for asked in [end + 1, u64::MAX - 1, u64::MAX] {
        assert!(
            matches!(log.read(asked), Err(Error::OutOfRange { asked: a, end: e }) if (a, e) == (asked, end))
        );
    }
    for asked in [0, start - 1] {
        assert!(
            matches!(log.read(asked), Err(Error::Trimmed { asked: a, start: s }) if (a, s) == (asked, start))
        );
    }
    assert!(log.read(end).unwrap().next().unwrap().is_none());
    assert!(log.read(Read::from(end).reverse()).unwrap().next().unwrap().is_none());
    assert_eq!(read_all(&log, Read::from(Place::Oldest).to(u64::MAX)).0.len() as u64, end - start);
    assert_eq!(read_all(&log, Read::from(Place::Last(u64::MAX))).0.len() as u64, end - start);
    assert_eq!(read_all(&log, Read::from(end - 1).to(start)).0.len(), 0);
    // A seek asks again: the answers come with the next event.
    let mut reader = log.read(Place::Oldest).unwrap();
    reader.seek(0);
    assert!(matches!(reader.next(), Err(Error::Trimmed { asked: 0, .. })));
    reader.seek(u64::MAX);
    assert!(reader.next().unwrap().is_none());
    reader.seek(end - 1);
    assert_eq!(reader.next().unwrap().unwrap().position, end - 1);
    let mut reader = log.read(Read::from(Place::Oldest).reverse()).unwrap();
    reader.seek(u64::MAX);
    assert_eq!(reader.next().unwrap().unwrap().position, end - 1, "from behind the end down");
    reader.seek(start);
    assert!(reader.next().unwrap().is_none());
}

#[test]
fn times_reach_from_the_first_to_the_last() {
    let (_guard, path) = place();
    let mut log = small().open(&path).unwrap();
    assert_eq!((log.find(i64::MIN).unwrap(), log.find(i64::MAX).unwrap()), (0, 0));
    for time in [i64::MAX, i64::MIN, 0, i64::MAX - 1, i64::MIN + 1] {
        log.append(&batch(time, &[&[b'x'; 3000]])).unwrap();
        log.sync().unwrap();
    }
    let check = |log: &Log| {
        assert_eq!(log.find(i64::MIN).unwrap(), 0);
        assert_eq!(log.find(i64::MAX).unwrap(), 0);
        assert_eq!(read_all(log, Read::from(1).since(i64::MAX - 1)).0.len(), 1);
        assert_eq!(read_all(log, Place::Ago(Duration::MAX)).0.len(), 5);
        assert_eq!(read_all(log, Place::Since(i64::MAX)).0.len(), 5);
    };
    check(&log);
    log.close().unwrap();
    check(&small().open(&path).unwrap());
}

#[test]
fn bounds_of_times_counted_while_events_come_hold() {
    let (_guard, path) = place();
    let mut log = small().open(&path).unwrap();
    fill(&mut log, 0..5, 5);
    kill(log);
    // Opened unclean, the bounds of the times are only a guess, and are counted when somebody asks.
    let (asked, is_asked) = channel();
    let (go, may_go) = channel();
    let may_go = Arc::new(Mutex::new(may_go));
    let counting = Arc::new(Mutex::new(false));
    let state = Arc::clone(&counting);
    let disk = Faulty::kept_by(move |call: &Call| {
        if call.kind == Asked::Read && call.offset >= 4096 && std::mem::take(&mut *state.lock().unwrap()) {
            asked.send(()).unwrap();
            // The door stays open meanwhile: the other side must pass.
            return Answer::Wait(Arc::clone(&may_go));
        }
        Answer::Go
    });
    let mut log = small().open_on(disk, &path).unwrap();
    let view = log.view().clone();
    *counting.lock().unwrap() = true;
    let thread = std::thread::spawn(move || view.segments().unwrap());
    is_asked.recv_timeout(Duration::from_secs(10)).unwrap();
    log.append(&batch(1_000_000, &[b"late"])).unwrap();
    log.sync().unwrap();
    go.send(()).unwrap();
    thread.join().unwrap();
    assert_eq!(log.segments().unwrap()[0].greatest, 1_000_000);
    log.roll().unwrap();
    assert_eq!(log.find(1_000_000).unwrap(), 5);
    log.close().unwrap();
    assert_eq!(small().open(&path).unwrap().find(1_000_000).unwrap(), 5);
}

// Others, who do to the files what they like while they are open.

#[test]
fn a_sealed_segment_cut_under_a_reader_is_a_gap_and_kills_nobody() {
    for length in [0, 100, 4096, 5000] {
        let (_guard, path) = place();
        let (log, end) = three_segments(&path);
        let first = segments(&path)[0].clone();
        let next = Craft::base_of(&segments(&path)[1]);
        let mut readers =
            [log.read(Place::Oldest).unwrap(), log.read(Read::from(Place::Oldest).reverse()).unwrap()];
        for reader in &mut readers {
            reader.next().unwrap().unwrap();
        }
        truncate(&first, length);
        for mut reader in readers {
            let (mut events, mut lost) = (1, 0);
            loop {
                match reader.next() {
                    Ok(Some(event)) => {
                        crate::scene::check_event(&event.to_owned());
                        events += 1;
                    }
                    Ok(None) => break,
                    Err(Error::Gap(gap)) => {
                        assert!(gap.to <= next);
                        lost += gap.to - gap.from;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            assert_eq!(events + lost, end, "{length}");
        }
    }
}

#[test]
fn an_active_segment_that_is_cut_poisons_at_the_next_group() {
    for length in [0, 4096, 5000] {
        let (_guard, path) = place();
        let mut log = Log::open(&path).unwrap();
        fill(&mut log, 0..60, 5);
        let active = segments(&path)[0].clone();
        truncate(&active, length);
        let error = log.append(&batch(0, &[b"x"])).unwrap_err();
        assert!(matches!(error, Error::Indeterminate { .. }), "{error}");
        assert!(error.to_string().contains(".seg"), "{error}");
        assert!(matches!(log.append(&batch(0, &[b"x"])), Err(Error::Poisoned { .. })));
        assert_eq!(fs::metadata(&active).unwrap().len(), length, "nothing was written");
        let (events, gaps) = read_everywhere(&log);
        assert_eq!(events.len() as u64 + gaps.iter().map(|gap| gap.1 - gap.0).sum::<u64>(), 60);
        assert!(matches!(log.close(), Err(Error::Poisoned { .. })));
    }
}

#[test]
fn an_active_segment_that_is_removed_poisons_at_the_next_group() {
    let (_guard, path) = place();
    let (mut log, end) = three_segments(&path);
    let active = segments(&path).pop().unwrap();
    fs::remove_file(&active).unwrap();
    let error = log.append(&batch(0, &[b"x"])).unwrap_err();
    assert!(matches!(error, Error::Indeterminate { .. }), "{error}");
    assert!(matches!(log.append(&batch(0, &[b"x"])), Err(Error::Poisoned { .. })));
    let base = read_everywhere(&log).0.len() as u64;
    assert!(base < end, "what was in it is a gap");
    drop(log);
    // The segment before it knows that there was another one: positions are not given again.
    assert!(matches!(small().open(&path), Err(Error::MissingSegments { .. })));
    assert_eq!(read_everywhere(&small().open_read_only(&path).unwrap()).0.len() as u64, base);
}

#[test]
fn an_active_segment_that_is_renamed_keeps_what_it_has() {
    let (_guard, path) = place();
    let (mut log, end) = three_segments(&path);
    let active = segments(&path).pop().unwrap();
    let away = path.join("away");
    fs::rename(&active, &away).unwrap();
    fill(&mut log, end..end + 5, 5);
    let base = Craft::base_of(&active);
    let (events, gaps) = read_all(&log, Place::Oldest);
    assert_eq!((events.len() as u64, gaps.len()), (base, 1));
    assert_eq!((gaps[0].from, gaps[0].to, gaps[0].reason), (base, end + 5, GapReason::MissingSegment));
    fs::rename(&away, &active).unwrap();
    assert_eq!(read_everywhere(&log), (numbers(end + 5), vec![]));
    log.close().unwrap();
    assert_eq!(read_everywhere(&small().open(&path).unwrap()), (numbers(end + 5), vec![]));
}

#[test]
fn segments_removed_under_a_log_are_trimmed_at_the_front_and_gaps_elsewhere() {
    let (_guard, path) = place();
    let mut log = small().open(&path).unwrap();
    let mut end = 0;
    while log.segments().unwrap().len() < 5 {
        fill(&mut log, end..end + 5, 5);
        end += 5;
    }
    let all = segments(&path);
    fs::remove_file(&all[2]).unwrap();
    let (from, to) = (Craft::base_of(&all[2]), Craft::base_of(&all[3]));
    let (events, gaps) = read_everywhere(&log);
    assert_eq!(events, (0..from).chain(to..end).collect::<Vec<_>>());
    assert_eq!((gaps.len(), gaps[0].0, gaps[0].1, gaps[0].2), (1, from, to, GapReason::MissingSegment));
    fs::remove_file(&all[0]).unwrap();
    let start = Craft::base_of(&all[1]);
    let mut reader = log.read(0).unwrap();
    assert!(matches!(reader.next(), Err(Error::Trimmed { asked: 0, start: told }) if told == start));
    assert_eq!(log.range(), start..end);
    assert_eq!(log.trim_before(to).unwrap(), to, "what is gone already is no obstacle");
    assert_eq!(read_everywhere(&log), ((to..end).collect(), vec![]));
}

#[test]
fn new_files_are_for_their_owner_only() {
    let (_guard, path) = place();
    let (log, _) = three_segments(&path);
    log.close().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in fs::read_dir(&path).unwrap().map(Result::unwrap) {
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
}

// A machine that has run out of something.

#[test]
fn without_handles_for_a_new_segment_nothing_is_written_and_the_log_goes_on() {
    let (_guard, path) = place();
    let words = process::after("ulimit -n 40");
    process::expect(
        &words.iter().map(String::as_str).collect::<Vec<_>>(),
        "hostile::role_has_few_handles",
        &path,
    );
}

#[test]
#[ignore = "a process of its own, with few handles"]
fn role_has_few_handles() {
    let path = process::place();
    let mut log = small().open(&path).unwrap();
    fill(&mut log, 0..5, 5);
    let mut hoard = Vec::new();
    while let Ok(file) = fs::File::open("/dev/null") {
        hoard.push(file);
    }
    assert!(hoard.len() < 40);
    let before = contents_without_handles(&path, &mut hoard);
    for _ in 0..3 {
        let error = log.append(&batch(50, &[&[1; 9000]])).unwrap_err();
        assert!(
            matches!(&error, Error::NotWritten { source, .. } if source.raw_os_error() == Some(24)),
            "{error}"
        );
        assert!(matches!(log.roll(), Err(Error::NotWritten { .. })));
    }
    let mut reader = log.read(Place::Oldest).unwrap();
    assert!(matches!(reader.next(), Err(Error::Io { .. })));
    assert!(matches!(small().open(&path), Err(Error::Io { .. })));
    // What fits into the segment needs no handle.
    assert_eq!(log.append(&batch(50, &[&payload(5)])).unwrap(), 5..6);
    log.sync().unwrap();
    drop(hoard);
    assert_eq!(segments(&path).len(), before);
    assert_eq!(reader.next().unwrap().unwrap().position, 0);
    assert_eq!(log.append(&batch(60, &[&[1; 9000]])).unwrap(), 6..7);
    log.close().unwrap();
    let log = small().open(&path).unwrap();
    assert_eq!((log.range(), log.segments().unwrap().len()), (0..7, before + 1));
}

/// How many segments there are; for a moment with a handle less in the hoard.
fn contents_without_handles(path: &Path, hoard: &mut Vec<fs::File>) -> usize {
    hoard.pop();
    let count = segments(path).len();
    hoard.push(fs::File::open("/dev/null").unwrap());
    count
}

#[test]
fn a_limit_of_file_size_is_no_room() {
    let (_guard, path) = place();
    let words = process::after("trap '' XFSZ && ulimit -S -f 64");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    process::expect(&words, "hostile::role_may_not_lengthen_files", &path);
}

#[test]
#[ignore = "a process of its own, whose files may not grow beyond 32 KiB"]
fn role_may_not_lengthen_files() {
    let path = process::place();
    let mut log = Log::open(&path).unwrap();
    let mut end = 0;
    let error = loop {
        match log.append(&batch(end as i64 * 10, &[&payload(end)])) {
            Ok(_) => end += 1,
            Err(error) => break error,
        }
        log.sync().unwrap();
    };
    assert!(matches!(error, Error::NoSpace { .. }), "{error}");
    assert!(end > 100, "{end}");
    for _ in 0..3 {
        assert!(matches!(log.append(&batch(0, &[&[7; 3000]])), Err(Error::NoSpace { .. })));
    }
    assert_eq!(read_everywhere(&log), (numbers(end), vec![]));
    // A new segment is another file.
    log.roll().unwrap();
    fill(&mut log, end..end + 5, 5);
    log.close().unwrap();
    let limit = format!("--pid={}", std::process::id());
    assert!(Command::new("prlimit").args([&limit, "--fsize=unlimited"]).status().unwrap().success());
    let log = Log::open(&path).unwrap();
    assert_eq!(read_everywhere(&log), (numbers(end + 5), vec![]));
}

/// The words that start a command with a small file system of its own, in memory, at `at`.
fn on_a_small_disk(at: &Path) -> Vec<String> {
    let words = process::after(&format!("mount -t tmpfs -o size=512k none {}", at.display()));
    ["unshare".to_owned(), "-rm".to_owned()].into_iter().chain(words).collect()
}

#[test]
fn a_full_disk_is_no_room_and_nothing_else() {
    if !process::has_namespaces() {
        return;
    }
    let guard = tempfile::tempdir().unwrap();
    let words = on_a_small_disk(guard.path());
    process::expect(
        &words.iter().map(String::as_str).collect::<Vec<_>>(),
        "hostile::role_fills_the_disk",
        guard.path(),
    );
}

/// Fills what is left of the disk but for so many bytes.
fn ballast(at: &Path, left: u64) -> std::path::PathBuf {
    let path = at.join("ballast");
    let bytes = vec![1; 4096];
    let file = fs::File::create(&path).unwrap();
    let mut length = 0;
    while file.write_all_at(&bytes, length).is_ok() {
        length += 4096;
    }
    file.set_len(length.saturating_sub(left)).unwrap();
    path
}

#[test]
#[ignore = "a process of its own, with a small disk"]
fn role_fills_the_disk() {
    let at = process::place();
    let path = at.join("log");
    // No room for a first segment: nothing is left behind.
    let full = ballast(&at, 0);
    let error = Log::open(&path).unwrap_err();
    assert!(matches!(error, Error::NoSpace { .. }), "{error}");
    let left: Vec<_> = contents(&at).into_keys().collect();
    assert_eq!(left, [Path::new("ballast")]);
    fs::remove_file(&full).unwrap();

    let mut log = small().open(&path).unwrap();
    fill(&mut log, 0..60, 5);
    let full = ballast(&at, 4096);
    let mut end = 60;
    let error = loop {
        match log.append(&batch(end as i64 * 10, &[&payload(end)])) {
            Ok(_) => end += 1,
            Err(error) => break error,
        }
        log.sync().unwrap();
    };
    assert!(matches!(error, Error::NoSpace { .. }), "{error}");
    // Nothing is changed by trying again, and reading goes on.
    for size in [1, 100, 5000, 20_000] {
        assert!(
            matches!(log.append(&batch(0, &[&vec![7; size]])), Err(Error::NoSpace { .. }) | Ok(_))
                || size < 100
        );
        assert_eq!(log.range().end, end, "{size} bytes found room");
    }
    assert_eq!(read_everywhere(&log), (numbers(end), vec![]));
    // Closing, opening and trimming need no room.
    log.close().unwrap();
    let mut log = small().open(&path).unwrap();
    assert_eq!((log.range(), log.report().leftover_bytes), (0..end, 0));
    assert!(matches!(log.append(&batch(0, &[&vec![7; 20_000]])), Err(Error::NoSpace { .. })));
    let start = log.trim_before(50).unwrap();
    assert!(start > 0);
    // That has made room: the same append gets the position that it would have had.
    fs::remove_file(&full).unwrap();
    assert_eq!(log.append(&batch(end as i64 * 10, &[&payload(end)])).unwrap(), end..end + 1);
    log.close().unwrap();
    let log = small().open(&path).unwrap();
    assert_eq!(read_everywhere(&log), ((start..=end).collect(), vec![]));
}

#[test]
fn signals_during_calls_are_invisible() {
    let (_guard, path) = place();
    process::expect(&[], "hostile::role_is_interrupted_all_the_time", &path);
}

#[test]
#[ignore = "a process of its own, with a timer that interrupts it"]
fn role_is_interrupted_all_the_time() {
    extern "C" fn nothing(_: i32) {}
    // SAFETY: the handler does nothing; both structures are valid when they are all zeros but for what is set.
    unsafe {
        let mut action: nix::libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as *const () as usize;
        assert_eq!(nix::libc::sigaction(nix::libc::SIGALRM, &raw const action, std::ptr::null_mut()), 0);
        let often = nix::libc::timeval { tv_sec: 0, tv_usec: 300 };
        let timer = nix::libc::itimerval { it_interval: often, it_value: often };
        assert_eq!(nix::libc::setitimer(nix::libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()), 0);
    }
    let path = process::place();
    for round in 0..3 {
        let mut log = small().open(&path).unwrap();
        fill(&mut log, round * 100..round * 100 + 100, 5);
        assert_eq!(read_everywhere(&log), (numbers(round * 100 + 100), vec![]));
        if round == 1 { kill(log) } else { log.close().unwrap() }
    }
}

#[test]
fn a_reader_of_written_events_survives_what_is_taken_back() {
    let (_guard, path) = place();
    let fails = Arc::new(Mutex::new(false));
    let state = Arc::clone(&fails);
    let disk = Faulty::kept_by(move |call: &Call| {
        if call.kind != Asked::Write || call.offset < 4096 || !*state.lock().unwrap() {
            return Answer::Go;
        }
        // Half of it gets there, then there is no room; the erasing of that half works.
        match call.length {
            300.. => Answer::Short(200),
            200 => Answer::Go,
            _ => Answer::Fail(28),
        }
    });
    let mut log = Options::new().open_on(disk, &path).unwrap();
    fill(&mut log, 0..10, 5);
    let mut reader = log.read(Read::from(Place::Oldest).level(ReadLevel::Written)).unwrap();
    for position in 0..10 {
        assert_eq!(reader.next().unwrap().unwrap().position, position);
    }
    *fails.lock().unwrap() = true;
    for _ in 0..3 {
        let error = log.append(&batch(0, &[b"short one", &[7; 400]])).unwrap_err();
        assert!(matches!(error, Error::NoSpace { .. }), "{error}");
        assert!(reader.next().unwrap().is_none());
    }
    let bytes = fs::read(&segments(&path)[0]).unwrap();
    let end = batches(&segments(&path)[0]).last().unwrap().end_offset() as usize;
    assert!(bytes[end..].iter().all(|&byte| byte == 0), "what had been written is zeros again");
    *fails.lock().unwrap() = false;
    fill(&mut log, 10..20, 5);
    for position in 10..20 {
        crate::scene::check_event(&reader.next().unwrap().unwrap().to_owned());
        assert_eq!(reader.position(), position + 1);
    }
    assert_eq!(read_everywhere(&log), (numbers(20), vec![]));
}
