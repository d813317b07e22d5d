//! The code in docs/GUIDE.md: what stands there stands here between `// guide` and `// end`, and is run.

#![allow(clippy::items_after_statements, reason = "each part names what it uses, wherever it stands")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to whoever reads it")]

use std::error::Error;
use std::path::Path;

use evlog_sim::{Errno, FailedSync, OperationKind, What};
use evlog_store::{Options, Store, Topic};

use crate::stage::Stage;

type Done = Result<(), Box<dyn Error>>;

fn first_steps(path: &Path) -> Done {
    // guide
    use evlog_store::{Options, Place, Store};

    let store = Store::open(path, &Options::new())?;
    let orders = store.topic("orders")?;

    let ticket = orders.append("one pair of shoes")?; // returns at once
    assert_eq!(ticket.wait()?, 0..1); // durable now, at position 0

    let mut reader = orders.read(Place::Oldest)?;
    while let Some(event) = reader.next()? {
        println!("{} {:?}", event.position, event.payload);
    }
    store.close()?;
    // end
    assert_eq!(reopened(path)?.range(), 0..1);
    Ok(())
}

fn batches(orders: &Topic) -> Done {
    // guide
    use evlog_store::Batch;

    let mut batch = Batch::new();
    batch.push(1_700_000_000_000_000, b"two pairs of socks")?; // time in microseconds since 1970, payload
    batch.push(1_700_000_000_000_000, b"three hats")?;
    let positions = orders.append_batch(&batch)?.wait()?;

    // Only if nobody else has appended meanwhile:
    orders.append_if(positions.end, &batch)?.wait()?;
    assert!(orders.append_if(positions.end, &batch).is_err());
    // end
    assert_eq!(orders.range(), 0..4);
    Ok(())
}

fn durability(orders: &Topic) -> Done {
    // guide
    use evlog_store::Durability;

    let first = orders.append("worth a sync")?;
    let second = orders.append("the same sync will do for this one")?;
    second.wait()?; // by the topic's default: Synced, unless the options say otherwise
    first.wait()?; // costs nothing any more: what comes before is durable, too

    let third = orders.append("shall survive this process")?;
    third.wait_for(Durability::Written)?;

    // Nobody waits: written when a thousand have come together, synced within a second.
    let _ = orders.append("one of many")?;
    assert_eq!(orders.flush()?, 4); // or now
    // end
    assert_eq!(orders.durable_end(), 4);
    Ok(())
}

fn reading(orders: &Topic) -> Done {
    for number in 0..200 {
        let _ = orders.append_at(number, 0, number.to_string())?;
    }
    orders.flush()?;
    // guide
    use evlog_store::{Place, Read};

    let newest_ten = orders.last(10)?; // oldest of them first
    let newest = orders.latest()?;

    let mut page = orders.read(Read::from(100).limit(50))?; // positions 100 to 149
    let mut since = orders.read(Place::Since(1_700_000_000_000_000))?; // from the first event of that time or later on
    let mut backwards = orders.read(Read::from(Place::Oldest).reverse().limit(3))?;
    let place: Place = "-100".parse()?; // as people write it: oldest, end, 42, -100, @2026-11-22T10:00:00Z, @-1h
    let mut last_hundred = orders.read(place)?;
    // end
    assert_eq!((newest_ten[0].position, newest.map(|event| event.position)), (190, Some(199)));
    assert_eq!(page.next()?.map(|event| event.position), Some(100));
    assert_eq!(since.next()?, None);
    assert_eq!(backwards.next()?.map(|event| event.position), Some(199));
    assert_eq!(last_hundred.next()?.map(|event| event.position), Some(100));
    Ok(())
}

fn lost_positions(orders: &Topic) -> Done {
    for number in 0..3 {
        orders.append(number.to_string())?.wait()?;
        orders.roll()?;
    }
    let mut reader = orders.read(evlog_store::Place::Oldest)?;
    let mut found = vec![reader.next()?.map(|event| event.position)];
    orders.trim_before(2)?;
    let mut process = |event: evlog_store::Event<'_>| found.push(Some(event.position));
    // guide
    use evlog_core::Error::{Gap, Trimmed};

    loop {
        match reader.next() {
            Ok(Some(event)) => process(event),
            Ok(None) => break,
            Err(error) => match error.log() {
                // Damage hides these positions. The next call goes on behind them.
                Some(Gap(gap)) => eprintln!("lost: {}..{}, {}", gap.from, gap.to, gap.reason),
                // Retention was faster than this reader.
                Some(Trimmed { start, .. }) => reader.seek(*start),
                _ => return Err(error.into()),
            },
        }
    }
    // end
    assert_eq!(found, [Some(0), Some(2)]);
    Ok(())
}

fn retention(path: &Path) -> Done {
    // guide
    use std::time::Duration;

    use evlog_store::retention::Retention;
    use evlog_store::{Options, Store};

    let week_or_gigabyte = Retention::everything().age(Duration::from_secs(7 * 86_400)).bytes(1 << 30);
    let store = Store::open(path, Options::new().retention(week_or_gigabyte))?;

    let clicks = store.topic("clicks")?;
    clicks.set_retention(Retention::wrap(4, 1 << 20))?; // four files of a mebibyte, for this topic
    let start = clicks.enforce_retention()?; // now, instead of with the next file
    // end
    assert_eq!(start, 0);
    (0..10).try_for_each(|_| clicks.append("x").map(drop))?;
    clicks.roll()?;
    clicks.trim_before(10)?;
    // guide
    let mut trims = clicks.trims(start);
    while let Some(gone) = trims.next(Some(Duration::from_millis(10)))? {
        println!("{} to {} are gone", gone.start, gone.end);
    }
    let told = trims.position(); // kept somewhere, it is where to go on after a restart
    // end
    assert_eq!(told, 10);
    Ok(())
}

fn following(orders: &Topic) -> Done {
    orders.append("first")?.wait()?;
    // guide
    use std::time::Duration;

    use evlog_store::Place;

    let mut follower = orders.follow(Place::Oldest)?;
    while let Some(event) = follower.next(Some(Duration::from_millis(100)))? {
        println!("{}", event.position);
    }
    // Nothing came for a tenth of a second. The next call goes on here:
    let next = follower.position();
    // end
    assert_eq!(next, 1);
    Ok(())
}

#[cfg(feature = "rkyv")]
fn typed(path: &Path) -> Done {
    let store = Store::open(path, &Options::new())?;
    // guide
    use evlog_store::Place;
    use evlog_store::rkyv::{Archive, Deserialize, Serialize};
    use evlog_store::schema::Schema;

    #[derive(Archive, Serialize, Deserialize)]
    #[rkyv(crate = evlog_store::rkyv)]
    struct Order {
        number: u64,
        customer: String,
    }

    impl Schema for Order {
        const NAME: &'static str = "shop.Order";
        const VERSION: u32 = 1; // another one with every change of the fields
    }

    let orders = store.typed::<Order>("typed-orders")?;
    orders.append(&Order { number: 7, customer: "Ada".into() })?.wait()?;

    let mut reader = orders.read(Place::Oldest)?;
    while let Some(event) = reader.next()? {
        println!("{} from {}", event.value.number, event.value.customer); // read in place
    }
    let newest = orders.latest()?.map(|event| event.value.customer); // decoded
    // end
    assert_eq!(newest.as_deref(), Some("Ada"));
    Ok(())
}

#[cfg(feature = "value")]
fn values(path: &Path) -> Done {
    let store = Store::open(path, &Options::new())?;
    // guide
    use evlog_store::value::{Map, Value};

    let notes = store.typed::<Value>("notes")?;
    let input = Map::from([("data", Value::from("any shape")), ("timestamp", Value::from(5))]);
    let wrapped = Value::from(input).wrap()?; // its field `data`, or else all of it; its time, if it has one
    match wrapped.timestamp {
        Some(time) => notes.append_at(time, &wrapped.data)?.wait()?,
        None => notes.append(&wrapped.data)?.wait()?,
    };
    // end
    let newest = notes.latest()?.map(|event| (event.timestamp, event.value));
    assert_eq!(newest, Some((5, Value::from("any shape"))));
    Ok(())
}

fn monitoring(path: &Path) -> Done {
    let store = Store::open(path, &Options::new())?;
    let orders = store.topic("orders")?;
    orders.append("x")?.wait()?;
    // guide
    let metrics = orders.metrics()?;
    println!("{} events appended, {} errors", metrics.append_events, metrics.errors());
    println!("99 of 100 syncs take at most {:?} ns", metrics.sync_nanos.at_most(0.99));

    let text = store.render_prometheus()?; // all open topics, for an HTTP server of yours
    // end
    assert!(text.contains("evlog_append_events_total{topic=\"orders\"} 1\n"));
    Ok(())
}

fn several_processes(path: &Path) -> Done {
    let writer = Store::open(path, &Options::new())?;
    writer.topic("orders")?.append("from another process")?.wait()?;
    // guide
    use evlog_store::{Options, Place, Store};

    let looking = Store::open_read_only(path, &Options::new())?;
    let orders = looking.existing_topic("orders")?;
    let mut follower = orders.follow(Place::Oldest)?; // also what the other process appends from now on
    // end
    assert_eq!(follower.next(Some(std::time::Duration::from_secs(60)))?.map(|event| event.position), Some(0));
    Ok(())
}

fn many_topics(path: &Path) -> Done {
    // guide
    use evlog_store::{Options, Store};

    let store = Store::open(path, Options::new().handles(4_000))?;
    // end
    assert!(store.topics()?.is_empty());
    Ok(())
}

fn errors(store: &Store) -> Done {
    let orders = store.topic("orders")?;
    // guide
    use evlog_core::Error::{Indeterminate, NoSpace, Poisoned};

    let appended = orders.append("one pair of shoes").and_then(|ticket| ticket.wait());
    match appended {
        Ok(positions) => println!("durable at {}", positions.start),
        Err(error) => match error.log() {
            Some(NoSpace { .. }) => eprintln!("{error}"), // trim or make room, then append again
            Some(Indeterminate { .. } | Poisoned { .. }) => {
                let _ = orders.close(); // says the same again
                let orders = store.topic("orders")?; // recovers
                println!("what is there ends at {}", orders.range().end); // decide again
            }
            _ => return Err(error.into()),
        },
    }
    // end
    store.topic("orders")?.append("and on it goes")?.wait()?;
    Ok(())
}

fn reopened(path: &Path) -> Result<Topic, Box<dyn Error>> {
    Ok(Store::open(path, &Options::new())?.existing_topic("orders")?)
}

/// Runs what needs a folder for a store.
fn with_path(example: fn(&Path) -> Done) {
    let folder = tempfile::tempdir().unwrap();
    example(&folder.path().join("store")).unwrap();
}

/// Runs what needs an empty topic.
fn with_topic(example: fn(&Topic) -> Done) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store"), &Options::new()).unwrap();
    example(&store.topic("orders").unwrap()).unwrap();
}

#[test]
fn what_the_guide_says_of_appending_works() {
    with_path(first_steps);
    with_topic(batches);
    with_topic(durability);
}

#[test]
fn what_the_guide_says_of_reading_works() {
    with_topic(reading);
    with_topic(lost_positions);
    with_topic(following);
    with_path(several_processes);
}

#[test]
fn what_the_guide_says_of_running_a_store_works() {
    with_path(retention);
    with_path(monitoring);
    with_path(many_topics);
}

#[test]
fn what_the_guide_says_of_errors_works() {
    let stage = Stage::new(1);
    let store = stage.open(&Options::new());
    errors(&store).unwrap();
    assert_eq!(store.topic("orders").unwrap().range(), 0..2, "nothing went wrong");
    stage.strike_next(OperationKind::Sync, What::Sync(FailedSync::Kept, Errno::IO));
    errors(&store).unwrap();
    assert_eq!(store.topic("orders").unwrap().range(), 0..4, "whole, as it turned out, and the next one");
}

#[cfg(feature = "value")]
#[test]
fn what_the_guide_says_of_typed_events_works() {
    with_path(typed);
    with_path(values);
}

const GUIDE: &str = include_str!("../../../../docs/GUIDE.md");

#[test]
fn the_metrics_that_the_guide_names_exist() {
    let (folder, options) = (tempfile::tempdir().unwrap(), Options::new());
    let store = Store::open(folder.path().join("store"), &options).unwrap();
    store.topic("a").unwrap();
    let rendered = store.render_prometheus().unwrap();
    let named: Vec<&str> =
        GUIDE.split('`').filter(|word| word.starts_with("evlog_") && !word.contains(':')).collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        assert!(rendered.contains(&format!("# TYPE {name} ")), "{name}");
    }
}

#[test]
fn the_guide_shows_the_code_that_is_run() {
    let run = parts(include_str!("guide.rs"), "// guide", "// end");
    let shown = parts(GUIDE, "```rust", "```");
    for part in &shown {
        assert!(run.contains(part), "this stands in docs/GUIDE.md and not in {}:\n\n{part}", file!());
    }
    for part in &run {
        assert!(shown.contains(part), "this stands in {} and not in docs/GUIDE.md:\n\n{part}", file!());
    }
    assert!(run.len() > 10, "{}", run.len());
}

/// What stands between a line that begins a part and one that ends it, without the indentation of the first.
fn parts(text: &str, begin: &str, end: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for line in text.lines() {
        if line.trim() == end {
            parts.extend(open.take().map(|(_, part)| part));
        }
        if let Some((indentation, part)) = &mut open {
            part.push_str(line.get(*indentation..).unwrap_or_default());
            part.push('\n');
        } else if line.trim() == begin {
            open = line.find(begin).map(|indentation| (indentation, String::new()));
        }
    }
    parts
}
