//! Appending and reading back, without faults.

use std::path::Path;

use evlog_core::{Batch, Error, Found, Log, Options, Place, Read, ReadLevel};

use crate::common::{batch, fill, payload, place, read_all};

#[test]
fn what_is_appended_is_read_back_in_order() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    assert_eq!(log.report().found, Found::Nothing);
    assert_eq!(log.append(&batch(5, &[b"a", b"", b"ccc"])).unwrap(), 0..3);
    assert_eq!(log.append(&Batch::new()).unwrap(), 3..3);
    assert_eq!(log.append(&batch(-7, &[b"d"])).unwrap(), 3..4);
    log.sync().unwrap();
    let (events, gaps) = read_all(&log, Place::Oldest);
    let found: Vec<_> = events.iter().map(|e| (e.position, e.timestamp, e.payload.as_slice())).collect();
    assert_eq!(found, [(0, 5, &b"a"[..]), (1, 6, b""), (2, 7, b"ccc"), (3, -7, b"d")]);
    assert!(gaps.is_empty());
}

#[test]
fn readers_see_durable_events_unless_they_ask_for_more() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    log.append(&batch(0, &[b"a"])).unwrap();
    assert_eq!(read_all(&log, Place::Oldest).0.len(), 0);
    assert_eq!(read_all(&log, Read::from(Place::Oldest).level(ReadLevel::Written)).0.len(), 1);
    assert_eq!((log.durable_end(), log.range()), (0, 0..1));
    let mut reader = log.read(Place::Oldest).unwrap();
    assert!(reader.next().unwrap().is_none());
    log.sync().unwrap();
    assert_eq!(reader.next().unwrap().unwrap().payload, b"a");
    assert!(reader.next().unwrap().is_none());
}

#[test]
fn positions_go_on_after_a_restart_with_and_without_a_close() {
    let (_guard, path) = place();
    for (round, found) in [(0, Found::Nothing), (1, Found::Closed), (2, Found::Unclean), (3, Found::Closed)] {
        let mut log = Log::open(&path).unwrap();
        assert_eq!(log.report().found, found);
        assert!(log.report().is_uneventful(), "{:?}", log.report());
        assert_eq!(log.range(), 0..round * 100);
        fill(&mut log, round * 100..(round + 1) * 100, 7);
        let (events, _) = read_all(&log, Place::Oldest);
        assert!(events.iter().map(|event| event.payload.clone()).eq((0..(round + 1) * 100).map(payload)));
        if round == 1 {
            let copy = path.with_extension("copy");
            copy_as_after_a_kill(&path, &copy);
            drop(log);
            std::fs::remove_dir_all(&path).unwrap();
            std::fs::rename(copy, &path).unwrap();
        } else {
            log.close().unwrap();
        }
    }
}

/// A copy of a log as a kill leaves it: nothing of its handle runs any more, not even its drop.
fn copy_as_after_a_kill(path: &Path, copy: &Path) {
    std::fs::create_dir(copy).unwrap();
    for file in std::fs::read_dir(path).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
}

#[test]
fn an_unclean_open_looks_at_the_tail_alone() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    let payload = vec![7; 64 << 10];
    for number in 0..40_u32 {
        log.append(&batch(i64::from(number), &[&payload])).unwrap();
        log.sync().unwrap();
        let copy = path.with_extension(number.to_string());
        copy_as_after_a_kill(&path, &copy);
        let opened = Log::open(&copy).unwrap();
        assert_eq!((opened.report().found, opened.range()), (Found::Unclean, 0..u64::from(number) + 1));
        let scanned = opened.report().scanned_bytes;
        assert!(scanned < 3 << 19, "{number}: {scanned}");
    }
}

#[test]
fn every_place_and_direction_gives_the_same_events_over_many_segments() {
    let (_guard, path) = place();
    let mut log = Options::new().segment_bytes(8 << 10).open(&path).unwrap();
    fill(&mut log, 0..1_000, 13);
    assert!(log.segments().unwrap().len() > 10);
    let (forward, gaps) = read_all(&log, Place::Oldest);
    assert!(gaps.is_empty());
    assert_eq!(forward.len(), 1_000);
    for (number, event) in (0..).zip(&forward) {
        assert_eq!((event.position, event.timestamp), (number, number as i64 * 10));
        assert_eq!(event.payload, payload(number));
    }
    let (mut backward, _) = read_all(&log, Read::from(Place::Oldest).reverse());
    backward.reverse();
    assert_eq!(backward, forward);
    for from in (0..=1_000).step_by(37) {
        assert_eq!(read_all(&log, from).0, forward[from as usize..]);
        let to = (from + 55).min(1_000);
        assert_eq!(read_all(&log, Read::from(from).to(to)).0, forward[from as usize..to as usize]);
        let (mut reverse, _) = read_all(&log, Read::from(from).to(to).reverse());
        reverse.reverse();
        assert_eq!(reverse, forward[from as usize..to as usize]);
        assert_eq!(log.last(from).unwrap(), forward[1_000 - from as usize..]);
        let time = from as i64 * 10 - 5;
        assert_eq!(log.find(time).unwrap(), from);
        assert_eq!(read_all(&log, Place::Since(time)).0, forward[from as usize..]);
        assert_eq!(read_all(&log, Read::from(Place::Oldest).since(time)).0, forward[from as usize..]);
    }
    assert_eq!(log.latest().unwrap().as_ref(), forward.last());
    assert_eq!(read_all(&log, Read::from(Place::Oldest).limit(3)).0, forward[..3]);
    let mut reader = log.read(Place::Oldest).unwrap();
    for position in [500, 3, 999, 4, 4, 0, 700] {
        reader.seek(position);
        assert_eq!(reader.next().unwrap().unwrap().to_owned(), forward[position as usize]);
    }
}

#[test]
fn a_time_is_found_where_timestamps_go_back() {
    let (_guard, path) = place();
    let mut log = Options::new().segment_bytes(8 << 10).open(&path).unwrap();
    let times: Vec<i64> = (0..600).map(|n: i64| (n * 7_919) % 1_000).collect();
    for &time in &times {
        log.append(&batch(time, &[&[7; 90]])).unwrap();
    }
    log.sync().unwrap();
    let reopened = |log: Log| {
        log.close().unwrap();
        Options::new().segment_bytes(8 << 10).open(&path).unwrap()
    };
    let check = |log: &Log| {
        for wanted in (0..=1_000).step_by(11).chain([i64::MIN, i64::MAX]) {
            let first = times.iter().position(|&time| time >= wanted).unwrap_or(times.len());
            assert_eq!(log.find(wanted).unwrap(), first as u64, "{wanted}");
        }
    };
    check(&log);
    let log = reopened(log);
    check(&log);
    let log = reopened(log);
    check(&log);
}

#[test]
fn trimming_drops_whole_segments_and_never_a_position() {
    let (_guard, path) = place();
    let mut log = Options::new().segment_bytes(8 << 10).open(&path).unwrap();
    fill(&mut log, 0..300, 10);
    let start = log.trim_before(150).unwrap();
    assert!(start > 0 && start <= 150);
    assert_eq!(log.range(), start..300);
    assert!(matches!(log.read(0), Err(Error::Trimmed { asked: 0, start: s }) if s == start));
    assert!(matches!(log.read(301), Err(Error::OutOfRange { asked: 301, end: 300 })));
    assert_eq!(read_all(&log, Place::Oldest).0.len() as u64, 300 - start);
    log.roll().unwrap();
    assert_eq!(log.trim_before(u64::MAX).unwrap(), 300);
    assert_eq!(log.latest().unwrap(), None);
    log.close().unwrap();
    let mut log = Log::open(&path).unwrap();
    assert_eq!(log.range(), 300..300);
    assert_eq!(log.append(&batch(0, &[b"next"])).unwrap(), 300..301);
}

#[test]
fn a_reader_that_is_overtaken_is_told_so() {
    let (_guard, path) = place();
    let mut log = Options::new().segment_bytes(8 << 10).open(&path).unwrap();
    fill(&mut log, 0..300, 10);
    let mut reader = log.read(Place::Oldest).unwrap();
    reader.next().unwrap();
    let start = log.trim_before(290).unwrap();
    let mut seen = 1;
    let error = loop {
        match reader.next() {
            Ok(Some(event)) => {
                assert_eq!(event.position, seen);
                seen += 1;
            }
            Ok(None) => panic!("the end came without a word"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Trimmed { asked, start: s } if s == start && asked == seen), "{error}");
    reader.seek(start);
    assert_eq!(reader.next().unwrap().unwrap().position, start);
}

#[test]
fn large_and_small_events_come_back_equal() {
    let (_guard, path) = place();
    let mut log = Options::new().segment_bytes(1 << 20).open(&path).unwrap();
    let sizes = [0, 1, 7, 8, 9, 511, 512, 4_096, 65_537, 1 << 20, 3 << 20];
    for &size in &sizes {
        log.append(&batch(0, &[&vec![b'x'; size], b"y"])).unwrap();
    }
    log.close().unwrap();
    let log = Log::open(&path).unwrap();
    let (events, _) = read_all(&log, Place::Oldest);
    let found: Vec<usize> = events.iter().map(|event| event.payload.len()).collect();
    let wanted: Vec<usize> = sizes.iter().flat_map(|&size| [size, 1]).collect();
    assert_eq!(found, wanted);
}

#[test]
fn too_large_a_batch_takes_no_position() {
    let mut batch = Batch::new();
    assert!(matches!(batch.push(0, &vec![0; 64 << 20]), Err(Error::TooLarge { .. })));
    assert!(batch.is_empty());
    batch.push(0, b"small").unwrap();
    let (_guard, path) = place();
    assert_eq!(Log::open(&path).unwrap().append(&batch).unwrap(), 0..1);
}
