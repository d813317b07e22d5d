//! The fake disk keeps what was synced, and what was not only where a crash is kind.

use std::collections::BTreeSet;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use evlog_core::storage::{File, Folder, LockKind, OpenMode, Storage};
use evlog_sim::{
    At, Crash, Damage, Death, Errno, FailedSync, Fate, Fault, Fill, OperationKind, Quota, QuotaAt, Repeat,
    SECTOR, SimDisk, UnitKind, What,
};

fn root(disk: &SimDisk) -> Arc<dyn Folder> {
    disk.open_folder(Path::new("/")).unwrap()
}

fn write(file: &Arc<dyn File>, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.write_at(&[IoSlice::new(bytes)], offset)
}

/// A disk with a durable file of two sectors of `a`, open.
fn with_file() -> (SimDisk, Arc<dyn File>) {
    let disk = SimDisk::new(1);
    disk.put("file", vec![b'a'; 2 * SECTOR]).unwrap();
    let file = root(&disk).open("file", OpenMode::Write).unwrap();
    (disk, file)
}

/// How many bytes at the beginning of the file are `b`.
fn changed(disk: &SimDisk) -> usize {
    let bytes = disk.bytes("file").unwrap();
    bytes.iter().position(|&byte| byte != b'b').unwrap_or(bytes.len())
}

fn number(result: &io::Error) -> Option<Errno> {
    Errno::from_io_error(result)
}

#[test]
fn what_was_synced_survives_every_crash() {
    let (disk, file) = with_file();
    write(&file, b"hello", 510).unwrap();
    file.sync().unwrap();
    let expected = disk.bytes("file").unwrap();
    assert_eq!(&expected[508..517], b"aahelloaa");
    assert_eq!(disk.units(), []);
    for seed in 0..50 {
        assert_eq!(disk.crash(Crash::Tearing(seed)).bytes("file").unwrap(), expected);
    }
}

#[test]
fn each_sector_is_lost_or_kept_by_itself() {
    let (disk, file) = with_file();
    write(&file, &[b'b'; 2 * SECTOR], 0).unwrap();
    assert_eq!(disk.units().len(), 2);
    let found: BTreeSet<(u8, u8)> = (0..4)
        .map(|bits| disk.crash(Crash::Subset(bits)).bytes("file").unwrap())
        .map(|bytes| (bytes[0], bytes[SECTOR]))
        .collect();
    assert_eq!(found.len(), 4, "{found:?}");
    // The same by chance, and without garbage: both sectors were durable before.
    let by_chance: BTreeSet<(u8, u8)> = (0..100)
        .map(|seed| disk.crash(Crash::Adversarial(seed)).bytes("file").unwrap())
        .map(|bytes| (bytes[0], bytes[SECTOR]))
        .collect();
    assert_eq!(by_chance, found);
}

#[test]
fn a_sector_written_twice_may_hold_either() {
    let (disk, file) = with_file();
    write(&file, b"b", 0).unwrap();
    write(&file, b"c", 0).unwrap();
    let first = |bits| disk.crash(Crash::Subset(bits)).bytes("file").unwrap()[0];
    assert_eq!([first(0), first(1), first(2), first(3)], *b"abcc");
}

#[test]
fn length_and_bytes_come_in_any_order_and_new_sectors_hold_anything() {
    let (disk, file) = with_file();
    disk.put("older", vec![b'o'; 4 * SECTOR]).unwrap();
    write(&file, &[b'b'; SECTOR], 2 * SECTOR as u64).unwrap();
    let kinds: Vec<UnitKind> = disk.units().iter().map(|unit| unit.kind).collect();
    assert_eq!(
        kinds,
        [UnitKind::Sector { fresh: true, number: 2 }, UnitKind::Length { from: 2 * SECTOR, to: 3 * SECTOR }]
    );
    let bytes = |fates: &[Fate]| disk.crash_with(fates).bytes("file").unwrap();
    assert_eq!(bytes(&[Fate::Kept, Fate::Lost]).len(), 2 * SECTOR);
    assert_eq!(bytes(&[Fate::Lost, Fate::Kept])[2 * SECTOR..], [0; SECTOR]);
    assert_eq!(bytes(&[Fate::Kept, Fate::Between(1100)])[1024..], [b'b'; 76]);
    assert_eq!(bytes(&[Fate::Torn(3), Fate::Kept])[1024..1030], *b"bbb\0\0\0");
    let found: BTreeSet<Vec<u8>> =
        (0..300).map(|seed| disk.crash(Crash::Adversarial(seed)).bytes("file").unwrap()).collect();
    let is = |wanted: &dyn Fn(&[u8]) -> bool| found.iter().any(|bytes| wanted(&bytes[2 * SECTOR..]));
    assert!(is(&|rest| rest.is_empty()), "the length may be lost");
    assert!(is(&|rest| rest == [b'b'; SECTOR]), "all may be kept");
    assert!(is(&|rest| rest.len() == SECTOR && rest.iter().all(|&byte| byte == 0)), "zeros");
    assert!(
        is(&|rest| rest.len() == SECTOR && rest.iter().all(|&byte| byte == b'o')),
        "bytes of another file"
    );
    assert!(is(&|rest| !rest.is_empty() && rest.len() < SECTOR), "a length in between");
    assert!(found.iter().all(|bytes| bytes[..2 * SECTOR] == [b'a'; 2 * SECTOR]), "nothing else is touched");
}

#[test]
fn the_bytes_of_a_file_that_is_gone_come_back_in_a_new_one() {
    let disk = SimDisk::new(1);
    let folder = root(&disk);
    write(&folder.open("old", OpenMode::Create).unwrap(), &[b'o'; 3 * SECTOR], 0).unwrap();
    let disk = disk.crash(Crash::AllLost);
    let folder = root(&disk);
    let file = folder.open("new", OpenMode::Create).unwrap();
    file.sync().unwrap();
    folder.sync().unwrap();
    write(&file, &[b'n'; 3 * SECTOR], 0).unwrap();
    let found = |seed| disk.crash(Crash::Adversarial(seed)).bytes("new").unwrap();
    assert!((0..300).any(|seed| found(seed) == [b'o'; 3 * SECTOR]));
}

#[test]
fn torn_sectors_need_a_disk_that_tears() {
    let (disk, file) = with_file();
    write(&file, &[b'b'; SECTOR], 0).unwrap();
    let torn = |bytes: Vec<u8>| bytes[0] == b'b' && bytes[SECTOR - 1] == b'a';
    assert!(!(0..200).any(|seed| torn(disk.crash(Crash::Adversarial(seed)).bytes("file").unwrap())));
    assert!((0..200).any(|seed| torn(disk.crash(Crash::Tearing(seed)).bytes("file").unwrap())));
}

#[test]
fn an_ordered_disk_keeps_bytes_before_their_length() {
    let disk = SimDisk::new(3);
    let file = root(&disk).open("file", OpenMode::CreateNew).unwrap();
    for step in 0..4 {
        write(&file, &[b'a' + step; SECTOR], u64::from(step) * SECTOR as u64).unwrap();
    }
    let mut lengths = BTreeSet::new();
    for seed in 0..100 {
        let after = disk.crash(Crash::Ordered(seed));
        let Ok(bytes) = after.bytes("file") else { continue };
        lengths.insert(bytes.len() / SECTOR);
        for (step, sector) in bytes.chunks(SECTOR).enumerate() {
            assert_eq!(sector, [b'a' + step as u8; SECTOR]);
        }
    }
    assert_eq!(lengths, BTreeSet::from([0, 1, 2, 3, 4]));
}

#[test]
fn prefixes_and_single_losses_follow_the_order_of_time() {
    let disk = SimDisk::new(3);
    let folder = root(&disk);
    let one = folder.open("one", OpenMode::CreateNew).unwrap();
    let other = folder.open("other", OpenMode::CreateNew).unwrap();
    write(&other, b"x", 0).unwrap();
    write(&one, b"y", 0).unwrap();
    let len = |disk: &SimDisk, name| disk.bytes(name).map_or(99, |bytes| bytes.len());
    // In time: name, name, sector and length of `other`, sector and length of `one`.
    let after = disk.crash(Crash::Prefix(4));
    assert_eq!((len(&after, "one"), len(&after, "other")), (0, 1));
    let after = disk.crash(Crash::AllButOne(0));
    assert_eq!(after.paths(), ["other"]);
    let after = disk.crash(Crash::OnlyOne(1));
    assert_eq!((after.paths(), len(&after, "other")), (vec!["other".to_owned()], 0));
}

#[test]
fn names_are_durable_once_their_folder_is_synced() {
    let disk = SimDisk::new(1);
    let folder = root(&disk);
    folder.create_folder("new").unwrap();
    let inner = folder.open_folder("new").unwrap();
    let file = inner.open("a", OpenMode::CreateNew).unwrap();
    write(&file, b"a", 0).unwrap();
    file.sync().unwrap();
    inner.sync().unwrap();
    folder.rename("new", "old").unwrap();
    let names: BTreeSet<Vec<String>> = (0..4).map(|bits| disk.crash(Crash::Subset(bits)).paths()).collect();
    let path = |text: &str| vec![text.to_owned()];
    assert_eq!(names, BTreeSet::from([vec![], path("new/a"), path("old/a")]));
    folder.sync().unwrap();
    inner.remove("a").unwrap();
    assert_eq!(disk.crash(Crash::AllLost).paths(), ["old/a"]);
    assert_eq!(disk.crash(Crash::AllKept).paths(), Vec::<String>::new());
    // It has no name, but who has it open still reads it.
    assert_eq!(file.read_at(&mut [0; 4], 0).unwrap(), 1);
}

#[test]
fn names_and_modes_are_refused_as_the_system_does() {
    let (disk, file) = with_file();
    let folder = root(&disk);
    folder.create_folder("folder").unwrap();
    let kind = |result: io::Result<()>| result.unwrap_err().kind();
    assert_eq!(kind(folder.open("file", OpenMode::CreateNew).map(drop)), io::ErrorKind::AlreadyExists);
    assert_eq!(kind(folder.open("none", OpenMode::Write).map(drop)), io::ErrorKind::NotFound);
    assert_eq!(kind(folder.open("folder", OpenMode::Read).map(drop)), io::ErrorKind::InvalidInput);
    assert_eq!(kind(folder.open_folder("file").map(drop)), io::ErrorKind::InvalidInput);
    assert_eq!(kind(folder.rename("file", "folder")), io::ErrorKind::AlreadyExists);
    assert_eq!(kind(folder.create_folder("file")), io::ErrorKind::AlreadyExists);
    assert_eq!(kind(folder.remove("folder")), io::ErrorKind::IsADirectory);
    let inner = folder.open_folder("folder").unwrap();
    inner.open("a", OpenMode::Create).unwrap();
    assert_eq!(kind(folder.remove_folder("folder")), io::ErrorKind::DirectoryNotEmpty);
    inner.open_folder("..").unwrap().open("file", OpenMode::Read).unwrap();
    let reader = folder.open("file", OpenMode::Read).unwrap();
    assert_eq!(number(&write(&reader, b"x", 0).unwrap_err()), Some(Errno::BADF));
    assert!(reader.is_same(&*file).unwrap());
    disk.make_read_only();
    assert_eq!(number(&folder.open("new", OpenMode::Create).unwrap_err()), Some(Errno::ROFS));
    assert_eq!(number(&folder.remove("file").unwrap_err()), Some(Errno::ROFS));
    folder.open("file", OpenMode::Read).unwrap();
}

#[test]
fn locks_belong_to_the_open_file() {
    let disk = SimDisk::new(1);
    let first = root(&disk).open("lock", OpenMode::Create).unwrap();
    let other = disk.spawn();
    let second = root(&other).open("lock", OpenMode::Create).unwrap();
    assert!(first.try_lock(7, LockKind::Exclusive).unwrap());
    assert!(first.try_lock(7, LockKind::Exclusive).unwrap());
    assert!(!second.try_lock(7, LockKind::Shared).unwrap());
    assert!(second.try_lock(8, LockKind::Exclusive).unwrap());
    assert!(first.try_lock(7, LockKind::Shared).unwrap());
    assert!(second.try_lock(7, LockKind::Shared).unwrap());
    assert!(!first.try_lock(7, LockKind::Exclusive).unwrap());
    drop(second);
    assert!(first.try_lock(7, LockKind::Exclusive).unwrap());
    disk.kill();
    assert!(disk.is_dead() && first.len().is_err());
    let third = root(&other).open("lock", OpenMode::Write).unwrap();
    assert!(third.try_lock(7, LockKind::Exclusive).unwrap());
    drop(first);
    assert_eq!(other.open_files(), 1);
}

#[test]
fn a_failed_sync_leaves_what_its_kind_leaves() {
    let outcome = |how: FailedSync| {
        let (disk, file) = with_file();
        write(&file, &[b'b'; 3 * SECTOR], 0).unwrap();
        disk.arm(Fault {
            at: At::Nth(OperationKind::Sync, 0),
            repeat: Repeat::Once,
            what: What::Sync(how, Errno::IO),
        });
        let first = file.sync().is_ok();
        let second = file.sync().is_ok();
        let cached = disk.bytes("file").unwrap();
        let durable = disk.crash(Crash::AllLost).bytes("file").unwrap();
        disk.evict();
        assert_eq!(disk.bytes("file").unwrap(), durable);
        assert_eq!(disk.units(), []);
        let letters = |bytes: &[u8]| bytes.chunks(SECTOR).map(|sector| sector[0] as char).collect::<String>();
        (first, second, letters(&cached), letters(&durable))
    };
    let expected =
        |first, second, cached: &str, durable: &str| (first, second, cached.to_owned(), durable.to_owned());
    assert_eq!(outcome(FailedSync::Dropped), expected(false, true, "bbb", "aa\0"));
    assert_eq!(outcome(FailedSync::Late), expected(true, false, "bbb", "aa\0"));
    assert_eq!(outcome(FailedSync::Reverted), expected(false, true, "aa", "aa"));
    assert_eq!(outcome(FailedSync::Kept), expected(false, true, "bbb", "bbb"));
    let (first, second, cached, durable) = outcome(FailedSync::Partial);
    assert_eq!((first, second, &*cached), (false, true, "bbb"));
    assert_eq!(durable.len(), 3);
}

#[test]
fn a_rewrite_heals_what_a_failed_sync_dropped() {
    for how in FailedSync::ALL {
        let (disk, file) = with_file();
        write(&file, &[b'b'; 3 * SECTOR], 0).unwrap();
        let at = At::Nth(OperationKind::Sync, 0);
        disk.arm(Fault { at, repeat: Repeat::Once, what: What::Sync(how, Errno::IO) });
        drop(file.sync());
        assert_eq!(disk.struck(), 1);
        let known = vec![b'c'; 3 * SECTOR];
        write(&file, &known, 0).unwrap();
        // What is reported late is reported here, the next one tells the truth.
        drop(file.sync());
        file.sync().unwrap();
        assert_eq!(disk.crash(Crash::AllLost).bytes("file").unwrap(), known, "{how:?}");
    }
}

#[test]
fn names_of_a_failed_sync_may_be_lost_until_another_succeeds() {
    let disk = SimDisk::new(1);
    let folder = root(&disk);
    folder.open("a", OpenMode::Create).unwrap();
    let at = At::Nth(OperationKind::SyncFolder, 0);
    disk.arm(Fault { at, repeat: Repeat::Once, what: What::Sync(FailedSync::Dropped, Errno::IO) });
    folder.sync().unwrap_err();
    assert_eq!(disk.crash(Crash::AllLost).paths(), Vec::<String>::new());
    folder.sync().unwrap();
    assert_eq!(disk.crash(Crash::AllLost).paths(), ["a"]);
}

#[test]
fn faults_come_once_always_or_every_other_time() {
    let pattern = |repeat, at| {
        let (disk, file) = with_file();
        disk.arm(Fault { at, repeat, what: What::Error(Errno::NOSPC) });
        let mut seen = String::new();
        for _ in 0..6 {
            seen.push(if write(&file, b"x", 0).is_ok() { '+' } else { '-' });
            file.len().unwrap();
        }
        seen
    };
    let nth = At::Nth(OperationKind::Write, 1);
    assert_eq!(pattern(Repeat::Once, nth), "+-++++");
    assert_eq!(pattern(Repeat::Sticky, nth), "+-----");
    assert_eq!(pattern(Repeat::Flapping, nth), "+-+-+-");
    // Two operations opened the file, then writes and lengths take turns.
    assert_eq!(pattern(Repeat::Sticky, At::Operation(4)), "+-----");
}

#[test]
fn short_and_partial_operations_do_a_part() {
    let (disk, file) = with_file();
    let arm = |what| {
        disk.arm(Fault { at: At::Nth(OperationKind::Write, disk.struck()), repeat: Repeat::Once, what });
    };
    arm(What::Short(3));
    assert_eq!(write(&file, b"bbbbbb", 0).unwrap(), 3);
    assert_eq!(&disk.bytes("file").unwrap()[..4], b"bbba");
    let at = At::Nth(OperationKind::Read, 0);
    disk.arm(Fault { at, repeat: Repeat::Once, what: What::Short(5) });
    assert_eq!(file.read_at(&mut [0; 100], 0).unwrap(), 5);
    let mut parts = BTreeSet::new();
    for seed in 0..64 {
        let disk = SimDisk::new(seed);
        disk.put("file", vec![b'a'; 8]).unwrap();
        let file = root(&disk).open("file", OpenMode::Write).unwrap();
        let at = At::Nth(OperationKind::Write, 0);
        disk.arm(Fault { at, repeat: Repeat::Once, what: What::PartialError(Errno::IO) });
        write(&file, b"bbbb", 0).unwrap_err();
        parts.insert(changed(&disk));
    }
    assert_eq!(parts, BTreeSet::from([0, 1, 2, 3, 4]));
}

#[test]
fn a_full_disk_takes_exactly_what_fits() {
    let (disk, file) = with_file();
    disk.set_quota(Some(Quota { bytes: 2 * SECTOR as u64 + 5, at: QuotaAt::Write }));
    assert_eq!(write(&file, &[b'b'; 10], 2 * SECTOR as u64 - 2).unwrap(), 7);
    assert_eq!(number(&write(&file, b"b", 2 * SECTOR as u64 + 5).unwrap_err()), Some(Errno::NOSPC));
    assert_eq!(write(&file, b"b", 0).unwrap(), 1);
    disk.put("other", Vec::new()).unwrap();
    disk.set_quota(Some(Quota { bytes: 2 * SECTOR as u64 + 6, at: QuotaAt::Write }));
    let folder = root(&disk);
    let other = folder.open("other", OpenMode::Write).unwrap();
    assert_eq!(write(&other, b"bb", 0).unwrap(), 1);
    // What was removed makes room once nobody has it open.
    folder.remove("other").unwrap();
    write(&file, b"b", 2 * SECTOR as u64 + 5).unwrap_err();
    drop(other);
    write(&file, b"b", 2 * SECTOR as u64 + 5).unwrap();
}

#[test]
fn a_full_disk_may_show_at_the_sync_only() {
    let (disk, file) = with_file();
    disk.set_quota(Some(Quota { bytes: 2 * SECTOR as u64, at: QuotaAt::Sync(FailedSync::Dropped) }));
    write(&file, &[b'b'; SECTOR], 0).unwrap();
    file.sync().unwrap();
    write(&file, b"b", 2 * SECTOR as u64).unwrap();
    assert_eq!(number(&file.sync().unwrap_err()), Some(Errno::NOSPC));
}

#[test]
fn who_dies_does_nothing_more_and_leaves_what_was_done() {
    let (disk, file) = with_file();
    disk.die(Death::Before(disk.changes() + 1));
    write(&file, b"b", 0).unwrap();
    write(&file, b"c", 1).unwrap_err();
    file.sync().unwrap_err();
    assert!(disk.is_dead());
    assert_eq!(&disk.bytes("file").unwrap()[..2], b"ba");
    let parts: BTreeSet<usize> = (0..64)
        .map(|seed| {
            let disk = SimDisk::new(seed);
            disk.put("file", vec![b'a'; 8]).unwrap();
            let file = root(&disk).open("file", OpenMode::Write).unwrap();
            disk.die(Death::Within(disk.changes()));
            write(&file, b"bbb", 0).unwrap_err();
            changed(&disk)
        })
        .collect();
    assert_eq!(parts, BTreeSet::from([0, 1, 2, 3]));
}

#[test]
fn unreadable_sectors_give_what_stands_before_them() {
    let (disk, file) = with_file();
    disk.damage("file", &Damage::Unreadable(1, 2)).unwrap();
    let mut buffer = [0; 2 * SECTOR];
    assert_eq!(file.read_at(&mut buffer, 500).unwrap(), 12);
    assert_eq!(number(&file.read_at(&mut buffer, 512).unwrap_err()), Some(Errno::IO));
    assert_eq!(number(&file.read_at(&mut buffer, 1000).unwrap_err()), Some(Errno::IO));
    assert_eq!(file.read_at(&mut buffer, 512).unwrap(), SECTOR);
    disk.damage("file", &Damage::Unreadable(1, u32::MAX)).unwrap();
    for _ in 0..10 {
        file.read_at(&mut buffer, 512).unwrap_err();
    }
    write(&file, &[b'b'; SECTOR], 512).unwrap();
    assert_eq!(file.read_at(&mut buffer, 512).unwrap(), SECTOR);
}

#[test]
fn damage_changes_what_it_says() {
    let image: Vec<u8> = (0..3 * SECTOR).map(|at| (at / SECTOR) as u8 + b'a').collect();
    let damaged = |damage: Damage| {
        let disk = SimDisk::new(1);
        disk.put_folder("log").unwrap();
        disk.put("log/file", image.clone()).unwrap();
        disk.damage("log/file", &damage).unwrap();
        disk.crash(Crash::AllLost)
    };
    let bytes = |damage| damaged(damage).bytes("log/file").unwrap();
    let letters = |damage| bytes(damage).chunks(SECTOR).map(|sector| sector[0] as char).collect::<String>();
    assert_eq!(bytes(Damage::Flip(8 * 700 + 1))[700], b'b' ^ 2);
    assert_eq!(letters(Damage::Sector(1, Fill::Zeros)), "a\0c");
    assert_eq!(bytes(Damage::Sector(1, Fill::Ones))[1023], 0xFF);
    assert_eq!(letters(Damage::Swap(0, 2)), "cba");
    assert_eq!(letters(Damage::Misdirect(0, 1)), "aac");
    assert_eq!(letters(Damage::Truncate(513)), "ab");
    assert_eq!(letters(Damage::Extend(4 * SECTOR, Fill::Zeros)), "abc\0");
    assert_eq!(letters(Damage::Replace(vec![b'z'])), "z");
    assert_eq!(damaged(Damage::Delete).paths(), Vec::<String>::new());
    assert_eq!(damaged(Damage::Rename("x".to_owned())).paths(), ["log/x"]);
    assert_eq!(damaged(Damage::Duplicate("x".to_owned())).paths(), ["log/file", "log/x"]);
}

#[test]
fn the_same_seed_gives_the_same_machine() {
    let run = |seed| {
        let disk = SimDisk::new(seed);
        disk.record();
        let folder = root(&disk);
        for name in ["a", "b", "c", "d"] {
            write(&folder.open(name, OpenMode::Create).unwrap(), &disk.random().unwrap(), 3).unwrap();
        }
        let names = folder.names().unwrap();
        let after = disk.crash(Crash::Tearing(seed));
        let left: Vec<_> =
            after.paths().into_iter().map(|path| (after.bytes(&path).unwrap(), path)).collect();
        (names, disk.take_record(), left, after.random().unwrap())
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5).3, run(6).3);
    let operation = &run(5).1[2];
    assert_eq!(
        (operation.kind, &*operation.name, operation.offset, operation.len),
        (OperationKind::Random, "", 0, 0)
    );
}

#[test]
fn the_clock_is_set_by_hand() {
    let disk = SimDisk::new(1);
    disk.set_clock(100, -10);
    assert_eq!([disk.now(), disk.now(), disk.now()], [100, 90, 80]);
    let before = disk.process();
    disk.fork();
    assert_ne!(disk.process(), before);
}
