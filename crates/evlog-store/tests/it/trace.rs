//! What a listener hears: rare events, each once, and nothing while it would be in the way.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Once};
use std::time::Duration;

use evlog_core::Error as LogError;
use evlog_sim::{Crash, Damage, Errno, FailedSync, OperationKind, What};
use evlog_store::retention::Retention;
use evlog_store::{Durability, Options, Place, Store};
use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::stage::{Cue, HandClock, LONG, Stage};

const GUIDE: &str = include_str!("../../../../docs/GUIDE.md");

/// What was said: the level, what happened, and everything else by name.
#[derive(Clone, Debug)]
struct Said {
    level: Level,
    fields: BTreeMap<String, String>,
}

impl Said {
    fn what(&self) -> &str {
        &self.fields["message"]
    }
}

/// Keeps all that is said by the library. One for all tests of the process, which tell their topics apart by name.
struct Listener;

static SAID: Mutex<Vec<Said>> = Mutex::new(Vec::new());

type Deed = Box<dyn Fn() + Send>;

/// What to do, once, when something of this topic is heard.
static DEEDS: Mutex<BTreeMap<String, Deed>> = Mutex::new(BTreeMap::new());

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "evlog"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut said = Said { level: *event.metadata().level(), fields: BTreeMap::new() };
        event.record(&mut said);
        let deed = DEEDS.lock().remove(&said.fields["topic"]);
        SAID.lock().push(said);
        if let Some(deed) = deed {
            deed();
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// All that was said of this topic so far, and that the guide speaks of.
fn said(topic: &str) -> Vec<Said> {
    let said: Vec<Said> = SAID.lock().iter().filter(|said| said.fields["topic"] == topic).cloned().collect();
    for said in &said {
        stands_in_the_guide(said);
    }
    said
}

fn stands_in_the_guide(said: &Said) {
    let begin = format!("| `{}` | `{}` | ", said.level, said.what());
    let row = GUIDE.lines().find_map(|line| line.strip_prefix(&begin));
    let row = row.unwrap_or_else(|| panic!("no row of docs/GUIDE.md begins with {begin}"));
    for field in said.fields.keys().filter(|field| !["message", "topic"].contains(&field.as_str())) {
        assert!(row.contains(&format!("`{field}`")), "docs/GUIDE.md does not name {field} at {begin}");
    }
}

fn words(topic: &str) -> Vec<String> {
    said(topic).iter().map(|said| format!("{} {}", said.level, said.what())).collect()
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Listener).unwrap());
}

fn store(stage: &Stage) -> Store {
    listen();
    stage.open(Options::new().batch_timeout(Duration::from_secs(3_600)))
}

#[test]
fn what_happens_all_the_time_is_not_said() {
    let stage = Stage::new(1);
    let store = store(&stage);
    let topic = store.topic("quiet").unwrap();
    for _ in 0..500 {
        topic.append("x").unwrap().wait().unwrap();
    }
    assert_eq!(topic.read(Place::Oldest).unwrap().into_events().count(), 500);
    store.topic("quiet").unwrap();
    store.close().unwrap();
    assert_eq!(words("quiet"), ["INFO opened"]);
}

#[test]
fn a_recovery_is_said_and_what_it_left_behind() {
    let stage = Stage::new(2);
    let topic = store(&stage).topic("crashed").unwrap();
    topic.append("x").unwrap().wait().unwrap();
    let durable = stage.disk.crash(Crash::AllLost);
    // Of the next write, a bit is missing.
    topic.append([7; 3_000]).unwrap().wait_for(Durability::Written).unwrap();
    let torn = stage.disk.crash(Crash::AllKept);
    let path = torn.paths().into_iter().find(|path| path.contains(".seg")).unwrap();
    let offset = torn.bytes(&path).unwrap().windows(9).position(|bytes| bytes == [7; 9]).unwrap();
    torn.damage(&path, &Damage::Flip(offset as u64 * 8)).unwrap();
    store(&Stage::on(durable)).topic("crashed").unwrap();
    assert_eq!(words("crashed"), ["INFO opened", "INFO opened", "INFO recovered after an unclean stop"]);
    store(&Stage::on(torn)).topic("crashed").unwrap();
    let last = said("crashed").pop().unwrap();
    assert_eq!((last.level, last.what()), (Level::WARN, "the log holds surprises: see its recovery report"));
    assert_ne!(last.fields["leftover_bytes"], "0");
}

#[test]
fn rolls_and_trims_are_said_whoever_does_them() {
    let stage = Stage::new(3);
    let store = store(&stage);
    let topic = store.topic("rolled").unwrap();
    for _ in 0..3 {
        topic.append("x").unwrap().wait().unwrap();
        topic.roll().unwrap();
    }
    topic.trim_before(1).unwrap();
    topic.trim_before(1).unwrap();
    topic.set_retention(Retention::everything().events(1)).unwrap();
    topic.enforce_retention().unwrap();
    let rolled = "INFO rolled";
    let trimmed = "INFO trimmed";
    assert_eq!(words("rolled"), ["INFO opened", rolled, rolled, rolled, trimmed, trimmed]);
    let said = said("rolled");
    assert_eq!((&*said[3].fields["segments"], &*said[4].fields["to"]), ("4", "1"));
    assert_ne!(said[4].fields["bytes"], "0");
}

#[test]
fn a_slow_sync_is_said() {
    listen();
    let clock = Arc::new(HandClock::default());
    let stage = Stage::new(4);
    let topic = stage.open_with(clock.clone(), &Options::new()).topic("slow").unwrap();
    for (span, count) in [(Duration::from_millis(999), 0), (Duration::from_secs(1), 1)] {
        stage.cue(OperationKind::Sync, [Cue::Hold]);
        std::thread::scope(|threads| {
            let ticket = topic.append("x").unwrap();
            threads.spawn(move || ticket.wait_timeout(Durability::Synced, Duration::MAX).unwrap());
            stage.until_held(1);
            clock.advance(span);
            stage.release();
        });
        let slow: Vec<Said> =
            said("slow").into_iter().filter(|said| said.what() == "a sync was slow").collect();
        assert_eq!(slow.len(), count, "{span:?}");
        assert!(slow.iter().all(|said| said.level == Level::WARN && said.fields["took"] == "1s"));
    }
}

#[test]
fn a_poison_is_said_once_with_its_cause() {
    let stage = Stage::new(5);
    let topic = store(&stage).topic("poisoned").unwrap();
    stage.strike_next(OperationKind::Sync, What::Sync(FailedSync::Dropped, Errno::IO));
    topic.append("x").unwrap().wait().unwrap_err();
    for _ in 0..3 {
        topic.append("y").unwrap_err();
    }
    topic.close().unwrap_err();
    assert_eq!(words("poisoned"), ["INFO opened", "ERROR poisoned"]);
    let error = &said("poisoned")[1].fields["error"];
    assert!(error.contains("not known whether"), "{error}");
}

#[test]
fn a_panic_is_said_as_a_poison() {
    let stage = Stage::new(6);
    let topic = store(&stage).topic("panicked").unwrap();
    stage.cue(OperationKind::Write, [Cue::Panic]);
    let ticket = topic.append("x").unwrap();
    std::thread::spawn(move || ticket.wait()).join().unwrap_err();
    assert_eq!(words("panicked"), ["INFO opened", "ERROR poisoned"]);
}

#[test]
fn a_listener_may_use_the_store() {
    let stage = Stage::new(7);
    let store = store(&stage);
    let hear = |deed: Deed| DEEDS.lock().insert("heard".into(), deed);
    hear(Box::new({
        let store = store.clone();
        move || _ = store.topic("heard").unwrap().append("at the open").unwrap().wait().unwrap()
    }));
    let topic = store.topic("heard").unwrap();
    hear(Box::new({
        let topic = topic.clone();
        move || _ = topic.append("at the roll").unwrap().wait_timeout(Durability::Synced, LONG).unwrap()
    }));
    topic.roll().unwrap();
    hear(Box::new({
        let topic = topic.clone();
        move || topic.roll().unwrap()
    }));
    topic.trim_before(1).unwrap();
    hear(Box::new({
        let topic = topic.clone();
        move || {
            let error = topic.append("at the poison").unwrap_err();
            assert!(matches!(error.log(), Some(LogError::Poisoned { .. })), "{error}");
        }
    }));
    stage.strike_next(OperationKind::Sync, What::Sync(FailedSync::Dropped, Errno::IO));
    topic.append("x").unwrap().wait().unwrap_err();
    assert!(DEEDS.lock().is_empty(), "all were heard");
    let read: Vec<_> = topic.read(Place::Oldest).unwrap().into_events().collect();
    assert_eq!(read.len(), 1, "{read:?}");
}
