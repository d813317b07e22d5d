//! Many threads on a disk on which something goes wrong, no matter where: what each append was told is true afterwards.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::thread::scope;
use std::time::Duration;

use evlog_core::Error as LogError;
use evlog_sim::{At, Crash, ERRORS, Errno, FailedSync, Fault, OperationKind, Repeat, What};
use evlog_store::retention::Retention;
use evlog_store::{Batch, Durability, Error, Options, Place, Position, Ticket, Topic};

use crate::stage::{LONG, Stage};

const SEEDS: u64 = 400;
const WRITERS: u64 = 3;
const APPENDS: u64 = 30;

/// What an append was told in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Durable,
    NotWritten,
    InDoubt,
}

/// One append: its payloads, where they were to go, and what it was told.
struct Append {
    payloads: Vec<Vec<u8>>,
    positions: Range<Position>,
    told: Told,
}

#[test]
fn what_appends_are_told_is_true_afterwards() {
    let mut struck = 0;
    let mut told = BTreeMap::<String, u64>::new();
    for seed in 0..SEEDS {
        let stage = Stage::new(seed);
        let mut chance = fastrand::Rng::with_seed(seed);
        let store = stage.open(&options(seed));
        let topic = store.topic("a").unwrap();
        topic.append("first").unwrap().wait().unwrap();
        let fault = any_fault(&mut chance, &stage);
        stage.disk.arm(fault);
        let appends = run(&topic, &mut chance);
        for append in &appends {
            *told.entry(format!("{:?}", append.told)).or_default() += 1;
        }
        struck += u64::from(stage.disk.struck() > 0);
        let disk = match chance.u8(0..3) {
            0 => {
                // Its error says no more than the appends were told.
                let _ = store.close();
                stage.disk.copy(seed)
            }
            1 => stage.disk.crash(Crash::AllLost),
            _ => stage.disk.crash(Crash::Adversarial(seed)),
        };
        disk.disarm();
        check(&Stage::on(disk), seed, &appends, &format!("seed {seed}, {fault:?}"));
    }
    // Else the test has lost its teeth.
    assert!(struck > SEEDS / 2, "only {struck} of {SEEDS} faults struck");
    assert!(told.len() == 3 && told.values().all(|count| *count > SEEDS / 4), "{told:?}");
}

fn options(seed: u64) -> Options {
    let mut options = Options::new();
    if seed.is_multiple_of(2) {
        options.retention(Retention::everything().events(20));
    }
    if seed.is_multiple_of(3) {
        // Files and folders are closed and opened again all the time.
        options.handles(1);
    }
    options
        .batch_timeout(Duration::from_millis(2))
        .batch_size(8)
        .queue_bytes(6 << 10)
        .segment_bytes(64 << 10);
    options
}

fn any_fault(chance: &mut fastrand::Rng, stage: &Stage) -> Fault {
    use OperationKind::{Open, Remove, Rename, SetLen, Sync, SyncFolder, Write};
    let kind = [Write, Write, Write, Sync, Sync, Sync, SyncFolder, Rename, Open, SetLen, Remove]
        [chance.usize(0..11)];
    let errno = ERRORS[chance.usize(0..ERRORS.len())];
    // A kernel that tells late acknowledges what it has lost: nobody can do anything about that.
    let in_time =
        FailedSync::ALL.map(|failed| if failed == FailedSync::Late { FailedSync::Kept } else { failed });
    let what = match kind {
        // A write that finds no room for all of it says how much it has written.
        Write if chance.bool() => What::PartialError(Errno::IO),
        Write if chance.bool() => What::Short(chance.usize(1..700)),
        Sync | SyncFolder => What::Sync(in_time[chance.usize(0..5)], errno),
        _ => What::Error(errno),
    };
    let count = if matches!(kind, Write | Sync) { chance.u64(0..30) } else { chance.u64(0..5) };
    let repeat = [Repeat::Once, Repeat::Once, Repeat::Flapping, Repeat::Sticky][chance.usize(0..4)];
    // An interruption that never ends is no fault of a disk.
    let repeat = if errno == Errno::INTR { Repeat::Once } else { repeat };
    Fault { at: At::Nth(kind, stage.calls(kind) + count), repeat, what }
}

impl fmt::Debug for Append {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = String::from_utf8_lossy(&self.payloads[0]);
        write!(out, "{:?} {}.. at {:?}", self.told, name.trim_end_matches('.'), self.positions)
    }
}

fn run(topic: &Topic, chance: &mut fastrand::Rng) -> Vec<Append> {
    scope(|threads| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let mut chance = chance.fork();
                threads.spawn(move || write(topic, writer, &mut chance))
            })
            .collect();
        // Its own errors are those of the appends, or of nobody.
        threads.spawn(|| (0..5).for_each(|_| _ = topic.roll()));
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    })
}

fn write(topic: &Topic, writer: u64, chance: &mut fastrand::Rng) -> Vec<Append> {
    let mut tickets: Vec<(Vec<Vec<u8>>, Ticket)> = Vec::new();
    for number in 0..APPENDS {
        let events = if chance.u8(0..4) == 0 { 3 } else { 1 };
        let payloads: Vec<Vec<u8>> = (0..events)
            .map(|event| {
                let mut payload = format!("{writer} {number} {event} ").into_bytes();
                payload.resize(payload.len() + chance.usize(0..1_500), b'.');
                payload
            })
            .collect();
        let accepted = if let [payload] = payloads.as_slice() {
            topic.append(payload)
        } else {
            let mut batch = Batch::new();
            for payload in &payloads {
                batch.push(0, payload).unwrap();
            }
            topic.append_batch(&batch)
        };
        let ticket = match accepted {
            Ok(ticket) => ticket,
            Err(error) => {
                assert!(matches!(error.log(), Some(LogError::Poisoned { .. })), "{error}");
                break;
            }
        };
        match chance.u8(0..4) {
            0 => _ = ticket.wait_timeout(Durability::Synced, LONG),
            1 => _ = ticket.wait_timeout(Durability::Written, LONG),
            _ => {}
        }
        tickets.push((payloads, ticket));
    }
    let settle = |(payloads, ticket): (Vec<Vec<u8>>, Ticket)| {
        let told = told(&ticket.wait_timeout(Durability::Synced, LONG));
        Append { payloads, positions: ticket.positions(), told }
    };
    tickets.into_iter().map(settle).collect()
}

fn told(outcome: &evlog_store::Result<Range<Position>>) -> Told {
    match outcome {
        Ok(_) => Told::Durable,
        Err(Error::NotWritten { .. }) => Told::NotWritten,
        Err(error) => match error.log() {
            Some(LogError::NoSpace { .. } | LogError::NotWritten { .. }) => Told::NotWritten,
            Some(LogError::Indeterminate { .. }) => Told::InDoubt,
            _ => panic!("an append is told what became of it, not: {error}"),
        },
    }
}

/// Compares what is there with what the appends were told.
fn check(stage: &Stage, seed: u64, appends: &[Append], context: &str) {
    let store = stage.open(Options::new().segment_bytes(64 << 10));
    let topic = store.topic("a").unwrap_or_else(|error| panic!("{context}: {error}"));
    let start = topic.range().start;
    assert!(start == 0 || seed.is_multiple_of(2), "{context}: nothing was to be trimmed");
    let events = topic.read(Place::Oldest).unwrap().into_events();
    let there: Vec<Vec<u8>> = events
        .zip(start..)
        .map(|(event, position)| {
            let event = event.unwrap_or_else(|error| panic!("{context}: {error}"));
            assert_eq!(event.position, position, "{context}");
            event.payload
        })
        .collect();
    assert!(there.len() as u64 >= 20.min(topic.range().end), "{context}: too much was trimmed");
    let mut known = usize::from(start == 0);
    for append in appends.iter().filter(|append| append.positions.start >= start) {
        let Append { payloads, positions, told } = append;
        let range = (positions.start - start) as usize..(positions.end - start) as usize;
        let is_there = there.get(range).is_some_and(|there| there == payloads);
        let is_anywhere = payloads.iter().any(|payload| there.contains(payload));
        match told {
            Told::Durable => assert!(is_there, "{context}: {append:?} is lost"),
            Told::NotWritten => assert!(!is_anywhere, "{context}: {append:?} was written"),
            Told::InDoubt => assert_eq!(is_there, is_anywhere, "{context}: {append:?} is torn"),
        }
        known += if is_there { payloads.len() } else { 0 };
    }
    assert_eq!(known, there.len(), "{context}: an event is there twice, or was never appended");
    topic.append("last").unwrap().wait().unwrap_or_else(|error| panic!("{context}: {error}"));
    store.close().unwrap_or_else(|error| panic!("{context}: {error}"));
}
