//! Retention: what is kept, and that nothing grows beyond it.

use std::path::Path;
use std::time::{Duration, Instant};

use evlog_sim::{Crash, SimDisk};
use evlog_store::retention::Retention;
use evlog_store::{Durability, Options, Place, Store};

use super::{PATIENCE, fill, positions, store, store_on};
use crate::alone::{self, kib_of_this_process};

#[test]
fn a_wrap_keeps_disk_and_memory_bounded() {
    const MIB: u64 = 1 << 20;
    let said = alone::run("parity::keeping::a_wrap_keeps_disk_and_memory_bounded", |folder| {
        let path = folder.join("store");
        let options = Options::new().retention(Retention::wrap(4, 1 << 20)).clone();
        let store = Store::open(&path, &options).unwrap();
        let topic = store.topic("a").unwrap();
        let _ = topic.append("x").unwrap().wait().unwrap();
        let kib = kib_of_this_process("VmRSS");
        let mut most_on_disk = 0;
        for _ in 0..64 {
            for _ in 0..1_000 {
                let _ = topic.append([7; 1_000]).unwrap();
            }
            let _ = topic.append("x").unwrap().wait_for(Durability::Written).unwrap();
            most_on_disk = most_on_disk.max(bytes_below(&path));
        }
        let memory = kib_of_this_process("VmHWM").saturating_sub(kib) * 1_024;
        let start = topic.enforce_retention().unwrap();
        store.close().unwrap();
        format!("{most_on_disk} {memory} {} {start}", bytes_below(&path))
    });
    let Some(said) = said else { return };
    let figures: Vec<u64> = said.split(' ').map(|figure| figure.parse().unwrap()).collect();
    let &[most_on_disk, memory, in_the_end, start] = figures.as_slice() else { panic!("{said}") };
    assert!(
        most_on_disk <= 6 * MIB,
        "four files and the one that is being written: {most_on_disk} bytes on disk"
    );
    assert!(memory < 10 * MIB, "{memory} bytes of memory");
    assert!(in_the_end <= 4 * MIB, "{in_the_end} bytes on disk in the end");
    assert!(start > 56_000, "what is kept is what came last: it starts at {start}");
}

fn bytes_below(folder: &Path) -> u64 {
    let sizes = std::fs::read_dir(folder).unwrap().map(|entry| {
        // What is trimmed between the listing and this is gone.
        let Ok(found) = entry.unwrap().metadata() else { return 0 };
        found.len()
    });
    let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    sizes.sum::<u64>() + folders.filter(|path| path.is_dir()).map(|path| bytes_below(&path)).sum::<u64>()
}

#[test]
fn retention_follows_every_roll_by_itself() {
    let (_folder, store) = super::store_with(Options::new().retention(Retention::wrap(4, 64 << 10)));
    let topic = store.topic("a").unwrap();
    for _ in 0..1_000 {
        let _ = topic.append([7; 1_000]).unwrap();
    }
    topic.flush().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while topic.range().start < 700 {
        assert!(Instant::now() < deadline, "{:?}", topic.range());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_the_policy_keeps_is_never_dropped() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    for start in (0..1_000).step_by(100) {
        fill(&topic, start..start + 100);
        topic.roll().unwrap();
    }
    assert_eq!(topic.enforce_retention().unwrap(), 0, "by default everything is kept");
    for (limit, start) in [(1_000, 0), (999, 0), (901, 0), (900, 100), (250, 700), (1, 900)] {
        topic.set_retention(Retention::everything().events(limit)).unwrap();
        assert_eq!(topic.enforce_retention().unwrap(), start, "{limit}");
        assert!(positions(&topic, Place::Oldest).into_iter().eq(start..1_000));
    }
}

#[test]
fn old_events_go_by_themselves_while_nobody_calls() {
    const HOUR: i64 = 3_600_000_000;
    let disk = SimDisk::new(1);
    disk.set_clock(1_000 * HOUR, 0);
    let options = Options::new().retention(Retention::everything().age(Duration::from_secs(3_600))).clone();
    let store = store_on(&disk, &options).unwrap();
    let topic = store.topic("a").unwrap();
    let _ = topic.append("old").unwrap().wait().unwrap();
    topic.roll().unwrap();
    let _ = topic.append("young").unwrap().wait().unwrap();
    assert_eq!(topic.enforce_retention().unwrap(), 0, "nothing is old yet");
    disk.set_clock(1_001 * HOUR, 0);
    let _ = topic.append_at(1_001 * HOUR, 0, "new").unwrap().wait().unwrap();
    topic.roll().unwrap();
    // Long enough for a look at which nothing is old yet.
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(topic.range().start, 0);
    disk.set_clock(1_001 * HOUR + 60_000_000, 0);
    let deadline = Instant::now() + PATIENCE;
    while topic.range().start == 0 {
        assert!(Instant::now() < deadline, "nobody looked");
        std::thread::sleep(Duration::from_millis(20));
    }
    // The young one shares its segment with the new one, which is not old.
    assert_eq!(positions(&topic, Place::Oldest), [1, 2]);
}

#[test]
fn limits_combine_and_change_while_the_topic_runs() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    for start in (0..1_000).step_by(100) {
        fill(&topic, start..start + 100);
        topic.roll().unwrap();
    }
    let sizes: Vec<u64> = topic.segments().unwrap().iter().map(|segment| segment.bytes).collect();
    let of_last = |segments: usize| sizes[sizes.len() - segments..].iter().sum::<u64>();
    // The active segment, which is empty here, counts as one of those that share the bytes.
    let wide = Retention::everything().bytes(of_last(11)).events(1_000).age(Duration::from_millis(4));
    let tighter_and_tighter = [
        (wide, 0),
        (wide.events(801), 100),
        (wide.events(801).bytes(of_last(9)), 200),
        (wide.events(801).bytes(of_last(9) - 1), 300),
        // Events have their positions as times. A quarter of the age is how far the clock may be ahead of the newest.
        (wide.events(801).bytes(of_last(9)).age(Duration::from_micros(400)), 600),
        (wide.events(101).bytes(of_last(4)), 800),
        (wide, 800),
        (Retention::everything(), 800),
    ];
    for (policy, start) in tighter_and_tighter {
        topic.set_retention(policy).unwrap();
        assert_eq!(topic.enforce_retention().unwrap(), start, "{policy:?}");
        assert!(positions(&topic, Place::Oldest).into_iter().eq(start..1_000));
    }
}

#[test]
fn a_wild_time_neither_drops_events_nor_keeps_them() {
    const HOUR: i64 = 3_600_000_000;
    for wild in [i64::MAX, i64::MAX / 2, 1_000_000 * HOUR] {
        let disk = SimDisk::new(1);
        disk.set_clock(1_000 * HOUR, 0);
        let options =
            Options::new().retention(Retention::everything().age(Duration::from_secs(3_600))).clone();
        let store = store_on(&disk, &options).unwrap();
        let topic = store.topic("a").unwrap();
        // Each in a segment of its own.
        let append = |time| {
            let position = topic.append_at(time, 0, "x").unwrap().wait().unwrap().start;
            topic.roll().unwrap();
            position
        };
        append(1_000 * HOUR);
        append(wild);
        let young = append(1_001 * HOUR);
        assert_eq!(
            topic.enforce_retention().unwrap(),
            0,
            "{wild}: nothing is old, though one claims the future"
        );
        disk.set_clock(1_001 * HOUR + HOUR / 2, 0);
        append(1_001 * HOUR + HOUR / 2);
        let start = topic.enforce_retention().unwrap();
        assert!(start > 0 && start <= young, "{wild}: what is old goes, and no more, but starts at {start}");
        disk.set_clock(1_004 * HOUR, 0);
        let newest = append(1_004 * HOUR);
        assert_eq!(topic.enforce_retention().unwrap(), newest, "{wild}: it goes with its neighbours");
    }
}

#[test]
fn no_position_is_given_again_after_everything_was_dropped_and_the_power_went() {
    for seed in 0..20 {
        let disk = SimDisk::new(seed);
        let store = store_on(&disk, Options::new().retention(Retention::everything().events(1))).unwrap();
        let topic = store.topic("a").unwrap();
        fill(&topic, 0..100);
        topic.roll().unwrap();
        assert_eq!(topic.trim_before(u64::MAX).unwrap(), 100);
        let disk = disk.crash(Crash::Adversarial(seed));
        let topic = store_on(&disk, &Options::new()).unwrap().topic("a").unwrap();
        assert_eq!(
            (topic.range(), topic.append("next").unwrap().wait().unwrap()),
            (100..100, 100..101),
            "{seed}"
        );
    }
}
