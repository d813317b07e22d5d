//! Many topics in one store: what each of them costs while nobody uses it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use evlog_store::{Durability, Options, Store, Topic};

use crate::alone::{self, kib_of_this_process};

const TOPICS: u64 = 1_000;
const EVENTS: u64 = 10;
/// What an idle topic may take, in bytes.
const MEMORY_OF_ONE: u64 = 10 << 10;

/// What a store of a thousand topics takes of its process and of the disk.
#[derive(Clone, Copy, Debug)]
struct Cost {
    threads: u64,
    handles: u64,
    memory_bytes: u64,
    most_disk_bytes: u64,
}

/// Measured once for all tests here, in a process of its own: others would count too.
fn cost() -> Option<Cost> {
    static COST: OnceLock<Option<Cost>> = OnceLock::new();
    let measured = || {
        let said = alone::run("many::a_thousand_topics_cost_no_thread_each", |folder| {
            let Cost { threads, handles, memory_bytes, most_disk_bytes } = measure(folder);
            format!("{threads} {handles} {memory_bytes} {most_disk_bytes}")
        })?;
        let figures: Vec<u64> = said.split(' ').map(|figure| figure.parse().unwrap()).collect();
        let &[threads, handles, memory_bytes, most_disk_bytes] = figures.as_slice() else { panic!("{said}") };
        Some(Cost { threads, handles, memory_bytes, most_disk_bytes })
    };
    *COST.get_or_init(measured)
}

fn measure(folder: &Path) -> Cost {
    let path = folder.join("store");
    let (threads, handles, kib) = (entries("task"), entries("fd"), kib_of_this_process("VmRSS"));
    let store = Store::open(&path, Options::new().batch_timeout(Duration::from_millis(50))).unwrap();
    let topics: Vec<Topic> =
        (0..TOPICS).map(|number| store.topic(&format!("topic-{number}")).unwrap()).collect();
    for number in 0..EVENTS {
        for topic in &topics {
            let _ = topic.append(format!("event {number} of {}", topic.name())).unwrap();
        }
    }
    // One that is there from the start would be as good as a thousand, were they not really in use.
    store.flush().unwrap();
    assert!(topics.iter().all(|topic| topic.durable_end() == EVENTS));
    assert!(topics.iter().all(|topic| topic.last(EVENTS).unwrap().len() as u64 == EVENTS));
    // Each topic is looked at once more, and then left alone. On a busy machine that takes its time.
    let memory_bytes = || (kib_of_this_process("VmRSS") - kib) * 1_024;
    for _ in 0..30 {
        std::thread::sleep(Duration::from_secs(1));
        if memory_bytes() <= TOPICS * MEMORY_OF_ONE {
            break;
        }
    }
    Cost {
        threads: entries("task") - threads,
        handles: entries("fd").saturating_sub(handles),
        memory_bytes: memory_bytes(),
        most_disk_bytes: topics
            .iter()
            .map(|topic| allocated(&path.join(format!("t-{}", topic.name()))))
            .max()
            .unwrap(),
    }
}

/// How many names there are in this folder of `/proc/self`.
fn entries(folder: &str) -> u64 {
    std::fs::read_dir(Path::new("/proc/self").join(folder)).unwrap().count() as u64
}

/// Bytes that the disk sets aside for a topic's folder and its files.
fn allocated(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.chain([folder.to_owned()]).map(|path| std::fs::metadata(path).unwrap().blocks() * 512).sum()
}

#[test]
fn a_thousand_topics_cost_no_thread_each() {
    let Some(cost) = cost() else { return };
    assert_eq!(cost.threads, 2, "the batching threads, which all topics share: {cost:?}");
}

#[test]
fn an_idle_topic_costs_at_most_64_kib_of_disk() {
    let Some(cost) = cost() else { return };
    assert!(cost.most_disk_bytes <= 64 << 10, "{cost:?}");
}

#[test]
fn an_idle_topic_costs_a_few_kib_of_memory() {
    let Some(cost) = cost() else { return };
    assert!(cost.memory_bytes <= TOPICS * MEMORY_OF_ONE, "{cost:?}");
}

#[test]
fn a_thousand_topics_share_300_handles() {
    let Some(cost) = cost() else { return };
    assert!(cost.handles <= 300, "{cost:?}");
}

#[test]
fn topics_that_share_too_few_handles_lose_nothing() {
    const FEW: u64 = 20;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store"), Options::new().handles(3).batch_size(4)).unwrap();
    let topics: Vec<Topic> = (0..FEW).map(|number| store.topic(&number.to_string()).unwrap()).collect();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for number in 0..EVENTS {
                    for topic in &topics {
                        let ticket = topic.append(topic.name()).unwrap();
                        if number % 3 == 0 {
                            ticket.wait_for(Durability::Written).unwrap();
                        }
                    }
                }
            });
        }
    });
    store.flush().unwrap();
    for topic in &topics {
        let events = topic.last(u64::MAX).unwrap();
        assert_eq!(events.len() as u64, 4 * EVENTS);
        assert!(events.iter().all(|event| event.payload == topic.name().as_bytes()));
        topic.roll().unwrap();
        assert_eq!(topic.trim_before(u64::MAX).unwrap(), 4 * EVENTS);
        assert!(topic.verify().unwrap().damage.is_empty());
    }
    store.close().unwrap();
}

#[test]
fn memory_of_busy_topics_is_given_back_when_they_fall_idle() {
    const BUSY: u64 = 32;
    const EACH: u64 = 4 << 20;
    let said = alone::run("many::memory_of_busy_topics_is_given_back_when_they_fall_idle", |folder| {
        let options = Options::new().batch_timeout(Duration::from_millis(50)).clone();
        let store = Store::open(folder.join("store"), &options).unwrap();
        let topics: Vec<Topic> =
            (0..BUSY).map(|number| store.topic(&format!("topic-{number}")).unwrap()).collect();
        let kib = kib_of_this_process("VmRSS");
        for topic in &topics {
            for _ in 0..EACH / 1_024 {
                let _ = topic.append([7; 1_024]).unwrap();
            }
            topic.flush().unwrap();
        }
        std::thread::sleep(Duration::from_secs(1));
        ((kib_of_this_process("VmRSS").saturating_sub(kib)) * 1_024).to_string()
    });
    let Some(kept) = said else { return };
    let kept: u64 = kept.parse().unwrap();
    assert!(kept <= BUSY * EACH / 8, "{kept} bytes");
}
