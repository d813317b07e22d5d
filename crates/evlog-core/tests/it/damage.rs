//! One bit of each structure is flipped: what exactly is lost, where it is reported, and that nothing else suffers.

use std::fs;
use std::path::{Path, PathBuf};

use evlog_core::format::batch::{BatchHeader, Kind};
use evlog_core::{Dump, DumpItem, Error, Found, GapReason, Log, Options, Place, Read, Recovery, SegmentName};

use crate::common::{batch, fill, place, read_all};
use crate::faulty::{Answer, Faulty, Kind as Asked};
use crate::scene::{
    Told, batches, contents, damage, flip, kill, overwrite, read_everywhere, segments, small, three_segments,
    truncate,
};

/// A closed log of three segments or more, and the middle one of its first three.
fn closed(path: &Path) -> (u64, PathBuf) {
    let (log, end) = three_segments(path);
    log.close().unwrap();
    (end, segments(path)[1].clone())
}

fn name_of(segment: &Path) -> String {
    segment.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Opens the log, reads it everywhere and returns all events that are left and all gaps.
fn look(path: &Path) -> (Vec<u64>, Vec<Told>) {
    let log = small().open(path).unwrap();
    read_everywhere(&log)
}

fn all_but(end: u64, lost: std::ops::Range<u64>) -> Vec<u64> {
    (0..end).filter(|position| !lost.contains(position)).collect()
}

/// Offset of the payload of event `number`, and its length, by the table of its batch.
fn payload_place(segment: &Path, header: &BatchHeader, number: usize) -> (u64, u64) {
    let bytes = fs::read(segment).unwrap();
    let table = header.offset as usize + header.table_range().start;
    let end = |number: usize| {
        let at = table + number * 16 + 8;
        u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()))
    };
    let begin = number.checked_sub(1).map_or(0, |before| end(before).next_multiple_of(8));
    (u64::from(header.offset) + 64 + begin, end(number) - begin)
}

#[test]
fn a_bit_in_a_batch_header_costs_that_batch() {
    let (_guard, path) = place();
    let (end, middle) = closed(&path);
    let hurt = batches(&middle)[1];
    flip(&middle, u64::from(hurt.offset) + 17);
    let (events, gaps) = look(&path);
    let (from, to) = (hurt.base, hurt.base + 5);
    let gap = (from, to, GapReason::Header, name_of(&middle), hurt.offset.into(), hurt.length.into());
    assert_eq!(gaps, std::slice::from_ref(&gap));
    assert_eq!(events, all_but(end, from..to));
    assert_eq!(damage(&Log::open(&path).unwrap()), [gap]);
}

#[test]
fn a_bit_in_a_table_costs_that_batch() {
    let (_guard, path) = place();
    let (end, middle) = closed(&path);
    let hurt = batches(&middle)[1];
    let table = u64::from(hurt.offset) + hurt.table_range().start as u64;
    flip(&middle, table + 16 + 3);
    let (events, gaps) = look(&path);
    let (from, to) = (hurt.base, hurt.base + 5);
    let gap = (from, to, GapReason::Table, name_of(&middle), table, 5 * 16);
    assert_eq!(gaps, std::slice::from_ref(&gap));
    assert_eq!(events, all_but(end, from..to));
    assert_eq!(damage(&Log::open(&path).unwrap()), [gap]);
}

#[test]
fn a_bit_in_a_payload_costs_that_event() {
    let (_guard, path) = place();
    let (end, middle) = closed(&path);
    let hurt = batches(&middle)[1];
    let (offset, length) = payload_place(&middle, &hurt, 3);
    flip(&middle, offset + length - 1);
    let (events, gaps) = look(&path);
    let lost = hurt.base + 3;
    let gap = (lost, lost + 1, GapReason::Payload, name_of(&middle), offset, length);
    assert_eq!(gaps, std::slice::from_ref(&gap));
    assert_eq!(events, all_but(end, lost..lost + 1));
    assert_eq!(damage(&Log::open(&path).unwrap()), [gap]);
}

#[test]
fn filling_bytes_cost_nothing_and_are_reported_where_something_covers_them() {
    let (_guard, path) = place();
    // The payload of one byte has seven filling bytes behind it.
    let mut log = Options::new().pad_group_to(Some(4096)).open(&path).unwrap();
    log.append(&batch(0, &[b"a", b"b"])).unwrap();
    log.sync().unwrap();
    log.close().unwrap();
    let segment = segments(&path)[0].clone();
    let only = batches(&segment)[0];
    assert_eq!(only.length, 4096, "padded");
    // Padding behind the table: covered by nothing.
    flip(&segment, u64::from(only.offset) + 2000);
    let log = Log::open(&path).unwrap();
    assert_eq!(damage(&log), []);
    assert_eq!(read_all(&log, Place::Oldest).0.len(), 2);
    log.close().unwrap();
    // Filling bytes between the payloads: the checksum over all of them.
    flip(&segment, u64::from(only.offset) + 64 + 3);
    let log = Log::open(&path).unwrap();
    let area = (u64::from(only.offset) + 64, u64::from(only.payload_bytes));
    assert_eq!(damage(&log), [(0, 0, GapReason::Payload, name_of(&segment), area.0, area.1)]);
    for read in [Read::from(Place::Oldest), Read::from(Place::Oldest).reverse()] {
        let (events, gaps) = read_all(&log, read);
        assert_eq!((events.len(), gaps.len()), (2, 0));
    }
}

#[test]
fn a_seal_or_an_index_costs_nothing_at_all() {
    let (_guard, path) = place();
    let (end, middle) = closed(&path);
    let ends = batches(&middle);
    let [.., index, seal] = ends.as_slice() else { panic!("{ends:?}") };
    assert_eq!((index.kind, seal.kind), (Kind::Index, Kind::Seal));
    for offset in [index.offset + 20, index.offset + 70, seal.offset + 20, seal.offset + 64 + 10] {
        let good = fs::read(&middle).unwrap();
        flip(&middle, offset.into());
        let (events, gaps) = look(&path);
        assert_eq!((events, gaps), (all_but(end, 0..0), vec![]), "offset {offset}");
        let log = small().open(&path).unwrap();
        assert_eq!(damage(&log), [], "offset {offset}");
        for time in [0, 5, end as i64 * 5, end as i64 * 10 - 10, end as i64 * 10] {
            assert_eq!(log.find(time).unwrap(), time.cast_unsigned().div_ceil(10), "offset {offset}");
        }
        fs::write(&middle, good).unwrap();
    }
}

#[test]
fn a_mark_costs_no_event_and_is_reported() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    fill(&mut log, 0..10, 5);
    log.mark().unwrap();
    fill(&mut log, 10..20, 5);
    log.mark().unwrap();
    kill(log);
    let segment = segments(&path)[0].clone();
    let mark = batches(&segment)[2];
    assert_eq!((mark.kind, mark.length), (Kind::Mark, 64));
    flip(&segment, u64::from(mark.offset) + 9);
    let log = Log::open(&path).unwrap();
    let told = (10, 10, GapReason::Header, name_of(&segment), mark.offset.into(), 64);
    assert_eq!(
        log.report().gaps.iter().map(crate::scene::told).collect::<Vec<_>>(),
        std::slice::from_ref(&told)
    );
    assert_eq!(read_everywhere(&log), (all_but(20, 0..0), vec![]));
    assert_eq!(damage(&log), [told]);
}

#[test]
fn one_copy_of_a_segment_header_costs_nothing_and_both_cost_nothing_in_the_middle() {
    let (_guard, path) = place();
    let (end, middle) = closed(&path);
    let copy = |offset| {
        (
            segment_base(&middle),
            segment_base(&middle),
            GapReason::SegmentHeader,
            name_of(&middle),
            offset,
            128,
        )
    };
    for offset in [0, 2048] {
        let good = fs::read(&middle).unwrap();
        flip(&middle, offset + 50);
        assert_eq!(look(&path), (all_but(end, 0..0), vec![]));
        assert_eq!(damage(&Log::open(&path).unwrap()), [copy(offset)]);
        fs::write(&middle, good).unwrap();
    }
    flip(&middle, 50);
    flip(&middle, 2048 + 90);
    // The next header knows the salt, the name knows the rest.
    assert_eq!(look(&path), (all_but(end, 0..0), vec![]));
    assert_eq!(damage(&Log::open(&path).unwrap()), [copy(0), copy(2048)]);
}

/// A write that went astray: a sector with the header of one segment stands in another one, too.
#[test]
fn the_header_of_another_segment_in_place_of_one_copy_costs_nothing() {
    let (_guard, path) = place();
    let (end, _) = closed(&path);
    let all = segments(&path);
    let sector = fs::read(&all[0]).unwrap()[..512].to_vec();
    for segment in &all[1..] {
        for offset in [0, 2048] {
            let good = fs::read(segment).unwrap();
            overwrite(segment, offset, &sector);
            assert_eq!(look(&path), (all_but(end, 0..0), vec![]));
            let base = segment_base(segment);
            let gap = (base, base, GapReason::SegmentHeader, name_of(segment), offset, 128);
            assert_eq!(damage(&Log::open(&path).unwrap()), [gap]);
            fs::write(segment, good).unwrap();
        }
    }
}

/// A file whose header is gone has nothing but its name to tell its base, and may have another one's.
#[test]
fn an_end_in_order_before_the_base_of_its_segment_is_none() {
    let (_guard, path) = place();
    let (end, _) = closed(&path);
    let last = segments(&path).pop().unwrap();
    overwrite(&last, 0, &[0; 4096]);
    let name = SegmentName::parse(&name_of(&last)).unwrap();
    let renamed = SegmentName { base: end + 100, ..name };
    fs::rename(&last, path.join(renamed.to_string())).unwrap();
    let log = Options::new().open_read_only(&path).unwrap();
    assert_eq!(log.range(), 0..end + 100);
    let (events, gaps) = read_everywhere(&log);
    assert_eq!(events, all_but(end, name.base..end));
    assert_eq!(gaps.len(), 1, "{gaps:?}");
}

fn segment_base(segment: &Path) -> u64 {
    SegmentName::parse(&name_of(segment)).unwrap().base
}

#[test]
fn a_wrong_hint_costs_nothing() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    // Enough for a hint, and something behind it.
    for number in 0..20 {
        log.append(&batch(number, &[&vec![7; 70 << 10]])).unwrap();
        log.sync().unwrap();
    }
    kill(log);
    let segment = segments(&path)[0].clone();
    let page = fs::read(&segment).unwrap()[1024..1056].to_vec();
    assert_eq!(&page[..4], b"EVHT", "there is a hint");
    let mut lie = page.clone();
    // A place where no batch stands, and one where a batch of another position stands, both with a right checksum.
    for (position, offset) in
        [(20_u64, 8192_u32), (19, 4096), (0, u32::MAX), (u64::MAX, 4096), (0, 0), (0, 4097)]
    {
        lie[16..24].copy_from_slice(&position.to_le_bytes());
        lie[24..28].copy_from_slice(&offset.to_le_bytes());
        let crc = evlog_core::checksum(&lie[8..]);
        lie[4..8].copy_from_slice(&crc.to_le_bytes());
        overwrite(&segment, 1024, &lie);
        let log = Log::open(&path).unwrap();
        assert_eq!((log.range(), log.report().gaps.len()), (0..20, 0), "{position} at {offset}");
        assert_eq!(read_all(&log, Place::Oldest).0.len(), 20);
        kill(log);
    }
    for bit in [0, 5, 30] {
        overwrite(&segment, 1024, &page);
        flip(&segment, 1024 + bit);
        let log = Log::open(&path).unwrap();
        assert_eq!((log.range(), log.report().gaps.len()), (0..20, 0));
        kill(log);
    }
}

#[test]
fn a_missing_segment_in_the_middle_is_a_gap_and_not_the_end() {
    let (_guard, path) = place();
    let (end, middle) = closed(&path);
    let (from, to) = (segment_base(&middle), segment_base(&segments(&path)[2]));
    fs::remove_file(&middle).unwrap();
    let log = small().open(&path).unwrap();
    let reported: Vec<_> = log.report().gaps.iter().map(|gap| (gap.from, gap.to, gap.reason)).collect();
    assert_eq!(reported, [(from, to, GapReason::MissingSegment)]);
    let (events, gaps) = read_everywhere(&log);
    assert_eq!(gaps.len(), 1);
    assert_eq!((gaps[0].0, gaps[0].1, gaps[0].2), (from, to, GapReason::MissingSegment));
    assert_eq!(events, all_but(end, from..to));
    // Reading from inside of the gap tells the rest of it.
    let (events, gaps) = read_all(&log, from + 2);
    assert_eq!((gaps[0].from, gaps[0].to), (from + 2, to));
    assert_eq!(events[0].position, to);
}

#[test]
fn a_sealed_segment_that_was_cut_is_a_gap_up_to_the_next_one() {
    for is_before_last in [false, true] {
        let (_guard, path) = place();
        let (end, _) = closed(&path);
        let all = segments(&path);
        let hurt = all[if is_before_last { all.len() - 2 } else { 0 }].clone();
        let next = segment_base(&all[all.iter().position(|path| *path == hurt).unwrap() + 1]);
        let victim = batches(&hurt)[2];
        truncate(&hurt, u64::from(victim.offset) + 30);
        let log = small().open(&path).unwrap();
        assert_eq!(log.report().gaps.len(), usize::from(is_before_last), "{:?}", log.report().gaps);
        let (events, gaps) = read_everywhere(&log);
        let gap = (victim.base, next, GapReason::Header, name_of(&hurt), victim.offset.into(), 30);
        assert_eq!(gaps, [gap]);
        assert_eq!(events, all_but(end, victim.base..next));
        truncate(&hurt, 0);
        let (events, gaps) = read_everywhere(&log);
        assert_eq!(gaps.len(), 1);
        assert_eq!(events, all_but(end, segment_base(&hurt)..next));
    }
}

#[test]
fn a_sealed_segment_that_was_lengthened_is_read_as_before() {
    let (_guard, path) = place();
    let (end, middle) = closed(&path);
    let mut bytes = fs::read(&middle).unwrap();
    bytes.extend_from_within(4096..);
    fs::write(&middle, bytes).unwrap();
    assert_eq!(look(&path), (all_but(end, 0..0), vec![]));
}

#[test]
fn zeroed_sectors_below_the_proof_are_damage_and_behind_it_the_end() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    fill(&mut log, 0..60, 5);
    kill(log);
    let segment = segments(&path)[0].clone();
    let all = batches(&segment);
    // Batch 4 and 5 and whatever shares their sectors.
    overwrite(&segment, all[4].offset.into(), &vec![0; (all[4].length + all[5].length) as usize]);
    let log = Log::open(&path).unwrap();
    let (from, to) = (all[4].base, all[6].base);
    let length = u64::from(all[4].length + all[5].length);
    let told = (from, to, GapReason::Header, name_of(&segment), all[4].offset.into(), length);
    assert_eq!(
        log.report().gaps.iter().map(crate::scene::told).collect::<Vec<_>>(),
        std::slice::from_ref(&told)
    );
    assert_eq!(read_everywhere(&log), (all_but(60, from..to), vec![told]));
    assert_eq!(log.report().found, Found::Unclean);
    kill(log);
    // The last batch: nothing behind it proves that it had been there.
    let last = all.last().unwrap();
    overwrite(&segment, last.offset.into(), &vec![0; last.length as usize]);
    let log = Log::open(&path).unwrap();
    assert_eq!(log.range(), 0..last.base);
    assert_eq!(log.report().gaps.len(), 1);
}

#[test]
fn a_strict_open_refuses_damage_and_changes_nothing() {
    let (_guard, path) = place();
    let mut log = Log::open(&path).unwrap();
    fill(&mut log, 0..60, 5);
    kill(log);
    let segment = segments(&path)[0].clone();
    let strict = |path: &Path| Options::new().recovery(Recovery::Strict).open(path);
    drop(strict(&path).unwrap());
    let all = batches(&segment);
    // Without the close that the drop has written.
    truncate(&segment, u64::from(all[12].offset));
    flip(&segment, u64::from(all[3].offset) + 40);
    let before = contents(&path);
    let error = strict(&path).unwrap_err();
    let Error::Damaged(gap) = &error else { panic!("{error}") };
    assert_eq!((gap.from, gap.to, gap.offset), (15, 20, all[3].offset.into()));
    assert_eq!(contents(&path), before);
    // Reading alone can be told to be strict too.
    let error = Options::new().recovery(Recovery::Strict).open_read_only(&path).unwrap_err();
    assert!(matches!(&error, Error::Damaged(found) if found == gap), "{error}");
    let log = Log::open(&path).unwrap();
    assert_eq!(read_everywhere(&log).0, all_but(60, 15..20));
    assert_eq!(
        fs::read(&segment).unwrap()[all[3].offset as usize..][..64],
        before[Path::new(&name_of(&segment))][all[3].offset as usize..][..64],
        "damaged bytes stay"
    );
}

/// Reads on after every error of the system, as often as it takes.
fn read_stubbornly(log: &Log, read: impl Into<Read>) -> Vec<u64> {
    let mut reader = log.read(read).unwrap();
    let mut seen = Vec::new();
    let mut errors = 0;
    loop {
        match reader.next() {
            Ok(Some(event)) => {
                crate::scene::check_event(&event.to_owned());
                seen.push(event.position);
            }
            Ok(None) => return seen,
            Err(Error::Io { source, path, .. }) => {
                assert_eq!(source.raw_os_error(), Some(5));
                assert!(path.extension().is_some_and(|it| it == "seg"), "{}", path.display());
                errors += 1;
                assert!(errors < 1_000, "it never ends");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn an_error_of_the_system_is_no_damage_and_reading_goes_on_where_it_was() {
    let (_guard, path) = place();
    let (end, _) = closed(&path);
    for is_reverse in [false, true] {
        let read = Read::from(Place::Oldest);
        let read = if is_reverse { read.reverse() } else { read };
        // The n-th read of a segment's bytes fails once, for every n; and each opening and measuring too.
        let mut fails = 0;
        for nth in 0.. {
            let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(usize::MAX / 2));
            let counter = std::sync::Arc::clone(&count);
            let disk = Faulty::kept_by(move |call| {
                let is_counted = matches!(call.kind, Asked::Read | Asked::Open | Asked::Length);
                // Twice, as a read that fails is tried again with less.
                let number =
                    if is_counted { counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed) } else { 0 };
                if is_counted && (nth..nth + 2).contains(&number) {
                    return Answer::Fail(5);
                }
                Answer::Go
            });
            let log = small().open_read_only_on(disk, &path).unwrap();
            count.store(0, std::sync::atomic::Ordering::Relaxed);
            let mut seen = read_stubbornly(&log, read.clone());
            if is_reverse {
                seen.reverse();
            }
            assert_eq!(seen, all_but(end, 0..0), "reverse {is_reverse}, call {nth}");
            if count.load(std::sync::atomic::Ordering::Relaxed) <= nth {
                break;
            }
            fails += 1;
        }
        assert!(fails > 10, "{fails}");
    }
}

#[test]
fn a_sector_that_cannot_be_read_is_an_error_each_time_and_costs_nothing_once_it_can() {
    let (_guard, path) = place();
    let (end, middle) = closed(&path);
    let bad = u64::from(batches(&middle)[1].offset) + 100;
    let name = name_of(&middle);
    let is_bad = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let state = std::sync::Arc::clone(&is_bad);
    let disk = Faulty::kept_by(move |call| {
        let hits = call.is_of(Asked::Read, &name) && call.touches(bad);
        if hits && state.load(std::sync::atomic::Ordering::Relaxed) { Answer::Fail(5) } else { Answer::Go }
    });
    let before = contents(&path);
    let log = small().open_read_only_on(disk, &path).unwrap();
    let mut reader = log.read(Place::Oldest).unwrap();
    let mut seen = 0;
    let stuck = loop {
        match reader.next() {
            Ok(Some(event)) => seen = event.position + 1,
            Ok(None) => panic!("the end came first"),
            Err(error) => break error,
        }
    };
    assert_eq!(seen, batches(&middle)[1].base, "everything before it was read");
    let Error::Io { path: told, offset, .. } = &stuck else { panic!("{stuck}") };
    assert_eq!((told, offset.is_some()), (&middle, true));
    assert!(matches!(reader.next(), Err(Error::Io { .. })), "the same again");
    assert!(matches!(log.verify(|_| {}), Err(Error::Io { .. })), "no verdict about what cannot be read");
    is_bad.store(false, std::sync::atomic::Ordering::Relaxed);
    while let Some(event) = reader.next().unwrap() {
        assert_eq!(event.position, seen);
        seen += 1;
    }
    assert_eq!(seen, end);
    drop(log);
    assert_eq!(contents(&path), before);
}

#[test]
fn a_sector_of_one_header_copy_that_cannot_be_read_costs_nothing() {
    let (_guard, path) = place();
    let (end, _) = closed(&path);
    for bad in [100, 2048 + 100] {
        let disk = Faulty::kept_by(move |call| {
            let hits = call.is_of(Asked::Read, ".seg") && call.touches(bad);
            if hits { Answer::Fail(5) } else { Answer::Go }
        });
        let log = small().open_read_only_on(disk, &path).unwrap();
        assert_eq!(read_all(&log, Place::Oldest).0.len() as u64, end);
    }
    let disk = Faulty::kept_by(move |call| {
        let hits = call.is_of(Asked::Read, ".seg") && (call.touches(100) || call.touches(2148));
        if hits { Answer::Fail(5) } else { Answer::Go }
    });
    assert!(matches!(small().open_read_only_on(disk, &path), Err(Error::Io { .. })));
}

#[test]
fn a_last_segment_whose_header_is_gone_is_read_and_continued_in_a_new_one() {
    let (_guard, path) = place();
    let (log, end) = three_segments(&path);
    kill(log);
    let last = segments(&path).pop().unwrap();
    overwrite(&last, 0, &[0; 4096]);
    let before = fs::read(&last).unwrap();
    let mut log = small().open(&path).unwrap();
    assert_eq!(read_everywhere(&log), (all_but(end, 0..0), vec![]));
    fill(&mut log, end..end + 5, 5);
    assert_eq!(read_everywhere(&log), (all_but(end + 5, 0..0), vec![]));
    log.close().unwrap();
    assert_eq!(fs::read(&last).unwrap(), before, "nothing is ever written to it");
    assert_eq!(look(&path), (all_but(end + 5, 0..0), vec![]));
}

#[test]
fn a_last_segment_beyond_reading_refuses_writers_and_costs_readers_only_itself() {
    let (_guard, path) = place();
    let (log, _) = three_segments(&path);
    kill(log);
    let last = segments(&path).pop().unwrap();
    // Header page and the first batch, which would tell the salt.
    overwrite(&last, 0, &[0; 5000]);
    let before = contents(&path);
    let error = small().open(&path).unwrap_err();
    assert!(matches!(&error, Error::NotALog { path } if *path == last), "{error}");
    let log = small().open_read_only(&path).unwrap();
    let base = segment_base(&last);
    assert_eq!(read_everywhere(&log), (all_but(base, 0..0), vec![]));
    let told: Vec<_> = log.report().gaps.iter().map(crate::scene::told).collect();
    assert_eq!(told, [(base, base, GapReason::SegmentHeader, name_of(&last), 0, 4096)]);
    assert_eq!(contents(&path), before);
}

/// The offsets of all batches that a file shows.
fn dumped(file: &Path) -> Vec<u64> {
    let mut dump = Dump::open(file).unwrap();
    let mut offsets = Vec::new();
    while let Some(item) = dump.next().unwrap() {
        if let DumpItem::Batch { header, is_good: true } = item {
            offsets.push(u64::from(header.offset));
        }
    }
    offsets
}

#[test]
fn a_copy_of_a_segment_is_dumped_under_any_name_and_with_any_part_of_its_front() {
    let (_guard, path) = place();
    closed(&path);
    let segment = segments(&path)[1].clone();
    let offsets = dumped(&segment);
    assert!(offsets.len() > 2);
    let (copy, other) = (path.join("kept"), path.join(SegmentName { base: 7, ordinal: 9 }.to_string()));
    for name in [&copy, &other] {
        fs::copy(&segment, name).unwrap();
        assert_eq!(dumped(name), offsets);
        // Without a header the first batch tells the salt, and where the name tells no base that, too.
        overwrite(name, 0, &[0; 4096]);
    }
    assert_eq!(dumped(&copy), offsets);
    assert_eq!(dumped(&other), offsets);
    assert!(Dump::open(&copy).unwrap().header().is_none());
    overwrite(&copy, 4096, &[0; 64]);
    assert!(matches!(Dump::open(&copy), Err(Error::NotALog { path }) if path == copy));
}
