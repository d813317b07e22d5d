//! Typed topics: values go in and come out, and nothing else is taken for them.

use std::error::Error as _;
use std::time::Duration;

use evlog_core::Error as LogError;
use evlog_sim::Damage;
use evlog_store::schema::{MAX_DEPTH, Schema, SchemaError, SchemaTag};
use evlog_store::{Batch, Durability, Error, Options, Place, Read, Result, Store, Topic, TypedTopic};
use rkyv::{Archive, Deserialize, Serialize};

use crate::schema::{Nest, Order, Wide, nest, nest_bomb, order};
use crate::stage::{LONG, Stage};

fn store() -> (Stage, Store) {
    let stage = Stage::new(1);
    let store = stage.open(&Options::new());
    (stage, store)
}

fn numbered(number: u64) -> Order {
    Order { number, ..order() }
}

fn number_of<T: Schema>() -> u32 {
    SchemaTag::of::<T>().number()
}

fn append_raw(topic: &Topic, schema: u32, payload: &[u8]) {
    topic.append_at(0, schema, payload).unwrap().wait().unwrap();
}

/// Position and found number of a schema error, which must name `T`.
fn mismatch<T: Schema, R>(outcome: Result<R>) -> (u64, u32) {
    match outcome.err().expect("another schema") {
        Error::Schema { position, found, expected, .. } => {
            assert_eq!(*expected, SchemaTag::of::<T>());
            (position, found)
        }
        other => panic!("{other}"),
    }
}

#[test]
fn values_come_back_however_they_are_read() {
    let (_stage, store) = store();
    let topic = store.typed::<Order>("a").unwrap();
    assert!(topic.latest().unwrap().is_none());
    assert!(topic.last(3).unwrap().is_empty());
    let before = topic.append(&numbered(0)).unwrap().wait().unwrap();
    assert_eq!(before, 0..1);
    assert_eq!(topic.append_at(50, &numbered(1)).unwrap().positions(), 1..2);
    assert_eq!(topic.append_batch([numbered(2), numbered(3)]).unwrap().positions(), 2..4);
    assert_eq!(topic.append_batch(&[numbered(4)]).unwrap().positions(), 4..5);
    assert_eq!(topic.append_batch_at([(60, numbered(5)), (70, numbered(6))]).unwrap().positions(), 5..7);
    let refused = topic.append_if(6, &[numbered(7)]).unwrap_err();
    assert!(matches!(refused, Error::WrongPosition { expected: 6, actual: 7, .. }), "{refused}");
    assert_eq!(topic.append_if(7, &[numbered(7)]).unwrap().positions(), 7..8);
    assert_eq!(topic.append_batch(<[Order; 0]>::default()).unwrap().positions(), 8..8);
    assert_eq!(topic.topic().flush().unwrap(), 8);

    let mut reader = topic.read(Place::Oldest).unwrap();
    for position in 0..8 {
        let event = reader.next().unwrap().unwrap();
        assert_eq!((event.position, event.value.number.to_native()), (position, position));
        assert_eq!(event.value.customer.as_str(), "Ada Lovelace");
        assert_eq!(event.decode().unwrap(), numbered(position));
        let given = [None, Some(50), None, None, None, Some(60), Some(70), None][position as usize];
        assert!(given.is_none_or(|given| given == event.timestamp));
    }
    assert!(reader.next().unwrap().is_none());
    reader.seek(6);
    assert_eq!((reader.position(), reader.next().unwrap().unwrap().position), (6, 6));

    let numbers = |events: Vec<evlog_store::typed::OwnedTypedEvent<Order>>| -> Vec<u64> {
        events.into_iter().map(|event| event.value.number).collect()
    };
    assert_eq!(numbers(topic.last(3).unwrap()), [5, 6, 7]);
    let reverse = topic.read(Read::from(2).to(5).reverse()).unwrap().into_events();
    assert_eq!(numbers(reverse.collect::<Result<_>>().unwrap()), [4, 3, 2]);
    let latest = topic.latest().unwrap().unwrap();
    assert_eq!((latest.position, latest.value), (7, numbered(7)));
}

#[test]
fn a_follower_is_given_values_as_they_come() {
    let (_stage, store) = store();
    let topic = store.typed::<Order>("a").unwrap();
    let mut follower = topic.follow(Place::Oldest).unwrap();
    assert!(follower.next(Some(Duration::ZERO)).unwrap().is_none());
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for number in 0..50 {
                topic.append(&numbered(number)).unwrap().wait().unwrap();
            }
            store.close().unwrap();
        });
        for number in 0..50 {
            let event = follower.next(Some(LONG)).unwrap().unwrap();
            assert_eq!((event.position, event.value.number.to_native()), (number, number));
        }
        assert!(matches!(follower.next(Some(LONG)), Err(Error::Closed { .. })));
    });
}

#[test]
fn every_event_carries_the_number_of_its_schema() {
    let (_stage, store) = store();
    let topic = store.typed::<Order>("a").unwrap();
    let _ = topic.append(&order()).unwrap();
    let _ = topic.append_at(1, &order()).unwrap();
    let _ = topic.append_batch(&[order(), order()]).unwrap();
    topic.topic().flush().unwrap();
    let events = topic.topic().last(4).unwrap();
    assert!(events.iter().map(|event| event.schema).eq([number_of::<Order>(); 4]));
}

#[test]
fn a_topic_is_opened_as_what_its_newest_event_is() {
    let (stage, store) = store();
    // Without an event it is nothing yet.
    store.typed::<Wide>("a").unwrap();
    let orders = store.typed::<Order>("a").unwrap();
    // Written is enough to be seen, durable or not.
    orders.append(&order()).unwrap().wait_for(Durability::Written).unwrap();
    assert_eq!(mismatch::<Wide, _>(store.typed::<Wide>("a")), (0, number_of::<Order>()));
    let error = store.typed::<Wide>("a").unwrap_err().to_string();
    let number = number_of::<Order>();
    for part in ["at 0 of topic a", &format!("{number:#010x}"), "test.Wide version 1 (16 bytes"] {
        assert!(error.contains(part), "{error}");
    }
    store.typed::<Order>("a").unwrap();
    // Untyped events are of no type.
    orders.topic().append("bytes").unwrap().wait().unwrap();
    assert_eq!(mismatch::<Order, _>(store.typed::<Order>("a")), (1, 0));
    // The newest one decides, and the older ones are met when they are read.
    append_raw(orders.topic(), number_of::<Wide>(), &[7; 16]);
    let wides = store.typed::<Wide>("a").unwrap();
    let mut reader = wides.read(Place::Oldest).unwrap();
    assert_eq!(mismatch::<Wide, _>(reader.next()), (0, number_of::<Order>()));
    assert_eq!(mismatch::<Wide, _>(reader.next()), (1, 0));
    assert_eq!(reader.next().unwrap().unwrap().position, 2);
    // It is remembered over a restart, and as long as there is an event.
    store.close().unwrap();
    let store = stage.open(&Options::new());
    assert_eq!(mismatch::<Order, _>(store.typed::<Order>("a")), (2, number_of::<Wide>()));
    let topic = store.topic("a").unwrap();
    topic.roll().unwrap();
    assert_eq!(topic.trim_before(u64::MAX).unwrap(), 3);
    assert_eq!(store.typed::<Order>("a").unwrap().append(&order()).unwrap().wait().unwrap(), 3..4);
}

/// As an order is, under its name, after a change that was not made known.
#[derive(Archive, Serialize, Deserialize)]
struct Silent {
    number: u64,
    note: String,
    lines: Vec<u64>,
    discount: Option<i32>,
}

impl Schema for Silent {
    const NAME: &'static str = Order::NAME;
    const VERSION: u32 = Order::VERSION;
}

#[test]
fn a_change_that_was_not_made_known_is_not_noticed_at_the_open() {
    assert_eq!(number_of::<Silent>(), number_of::<Order>(), "name, version, size and alignment are the same");
    let (_stage, store) = store();
    store.typed::<Order>("a").unwrap().append(&order()).unwrap().wait().unwrap();
    // What is documented as not noticed; the check of the archive finds what breaks memory, and no more.
    store.typed::<Silent>("a").unwrap();
}

#[test]
fn damage_hides_the_newest_event_and_the_one_before_decides() {
    let (stage, store) = store();
    let topic = store.typed::<Order>("a").unwrap();
    topic.append(&order()).unwrap().wait().unwrap();
    // Each event has a checksum of its own, being large.
    append_raw(topic.topic(), 0, &[0xaa; 2_000]);
    store.close().unwrap();
    drop((topic, store));
    let store = stage.open(&Options::new());
    assert_eq!(mismatch::<Order, _>(store.typed::<Order>("a")), (1, 0));
    store.close().unwrap();
    let path = stage.disk.paths().into_iter().find(|path| path.contains(".seg")).unwrap();
    let bytes = stage.disk.bytes(&path).unwrap();
    let offset = bytes.windows(100).position(|window| window == [0xaa; 100]).unwrap();
    stage.disk.damage(&path, &Damage::Flip(offset as u64 * 8)).unwrap();
    let store = stage.open(&Options::new());
    let topic = store.typed::<Order>("a").unwrap();
    let mut reader = topic.read(Place::Oldest).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().position, 0);
    let gap = reader.next().unwrap_err();
    assert!(matches!(gap.log(), Some(LogError::Gap(_))), "{gap}");
}

#[test]
fn bad_payloads_under_the_right_number_cost_only_themselves() {
    let (_stage, store) = store();
    let topic = store.typed::<Order>("a").unwrap();
    let _ = topic.append(&numbered(0)).unwrap();
    append_raw(topic.topic(), number_of::<Order>(), b"no order at all");
    append_raw(topic.topic(), number_of::<Order>(), b"");
    let _ = topic.append(&numbered(3)).unwrap();
    topic.topic().flush().unwrap();
    let mut reader = topic.read(Place::Oldest).unwrap();
    let mut follower = topic.follow(Place::Oldest).unwrap();
    for position in 0..4 {
        let read = reader.next().map(|event| event.unwrap().value.number.to_native());
        let heard = follower.next(Some(LONG)).map(|event| event.unwrap().value.number.to_native());
        for outcome in [read, heard] {
            match (position, outcome) {
                (0 | 3, Ok(number)) => assert_eq!(number, position),
                (1 | 2, Err(error @ Error::Payload { .. })) => {
                    assert!(error.to_string().contains(&format!("at {position} of topic a")), "{error}");
                    let source = error.source().unwrap().to_string();
                    assert_eq!(source, "the payload is no shop.Order of version 3");
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let iterated = topic.read(Place::Oldest).unwrap().into_events();
    assert!(iterated.map(|event| event.is_ok()).eq([true, false, false, true]));
}

#[test]
fn bombs_of_depth_are_errors_on_every_path() {
    // A thread with little stack: what nests without limit ends the process here.
    let test = || {
        let (_stage, store) = store();
        let topic = store.typed::<Nest>("a").unwrap();
        let _ = topic.append(&nest(MAX_DEPTH - 2)).unwrap();
        for refused in [
            topic.append(&nest(MAX_DEPTH - 1)),
            topic.append_at(0, &nest(MAX_DEPTH - 1)),
            topic.append_batch([nest(1), nest(MAX_DEPTH - 1)]),
            topic.append_if(1, [nest(1), nest(MAX_DEPTH - 1)]),
        ] {
            let Err(Error::Value { source, .. }) = &refused else { panic!("{refused:?}") };
            assert!(matches!(**source, SchemaError::Unreadable { .. }), "{source}");
        }
        assert_eq!(topic.topic().flush().unwrap(), 1, "nothing of what was refused took a position");
        append_raw(topic.topic(), number_of::<Nest>(), &nest_bomb(200_000));
        let mut batch = Batch::with_schema(number_of::<Nest>());
        batch.push(0, &nest_bomb(100_000)).unwrap();
        topic.topic().append_batch(&batch).unwrap().wait().unwrap();
        let _ = topic.append(&nest(1)).unwrap().wait().unwrap();
        // The check at the open looks at numbers only, and so does not mind.
        let topic = store.typed::<Nest>("a").unwrap();
        let outcomes = topic.read(Place::Oldest).unwrap().into_events();
        let depths: Vec<Option<usize>> =
            outcomes.map(|event| event.ok().map(|event| depth(&event.value))).collect();
        assert_eq!(depths, [Some(MAX_DEPTH - 2), None, None, Some(1)]);
        assert!(matches!(topic.last(2), Err(Error::Payload { position: 2, .. })));
        let mut follower = topic.follow(1).unwrap();
        assert!(matches!(follower.next(Some(LONG)), Err(Error::Payload { position: 1, .. })));
    };
    std::thread::Builder::new().stack_size(512 << 10).spawn(test).unwrap().join().unwrap();
}

fn depth(nest: &Nest) -> usize {
    1 + nest.0.iter().map(depth).max().unwrap_or(0)
}

#[test]
fn a_type_of_any_alignment_is_read_wherever_it_lies() {
    let (_stage, store) = store();
    let topic = store.typed::<Wide>("a").unwrap();
    for number in 0..100_u128 {
        // Single events share batches, and payloads of 16 bytes need not begin at multiples of 16.
        let _ = topic.append(&Wide(number)).unwrap();
    }
    topic.topic().flush().unwrap();
    let values = topic.last(100).unwrap().into_iter().map(|event| event.value.0);
    assert!(values.eq(0..100));
}

#[test]
fn threads_share_a_typed_topic() {
    fn is_shared<T: Send + Sync + Clone>(topic: T) -> T {
        topic
    }
    let (_stage, store) = store();
    let topic: TypedTopic<Order> = is_shared(store.typed("a").unwrap());
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let topic = &topic;
            threads.spawn(move || {
                for number in 0..250 {
                    let _ = topic.append(&numbered(thread * 1_000 + number)).unwrap();
                }
            });
        }
    });
    topic.topic().flush().unwrap();
    let mut numbers: Vec<u64> =
        topic.last(2_000).unwrap().into_iter().map(|event| event.value.number).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq((0..4).flat_map(|thread| thread * 1_000..thread * 1_000 + 250)));
}

#[cfg(feature = "value")]
#[test]
fn values_of_any_shape_are_typed_as_well() {
    use evlog_store::value::{ArchivedValue, Map, Value};

    let (_stage, store) = store();
    let topic = store.typed::<Value>("a").unwrap();
    let value = Value::from(Map::from([("name", "Ada".into()), ("born", 1815.into())]));
    topic.append(&value).unwrap().wait().unwrap();
    let mut reader = topic.read(Place::Oldest).unwrap();
    let event = reader.next().unwrap().unwrap();
    assert_eq!(event.value.get("born").and_then(ArchivedValue::as_i64), Some(1815));
    assert_eq!(topic.latest().unwrap().unwrap().value, value);
    // Deeper than it can be read back is deeper than it can be written.
    let deep = (0..200).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    let error = topic.append(&deep).unwrap_err();
    assert!(matches!(&error, Error::Value { source, .. } if matches!(**source, SchemaError::TooDeep { .. })));
    assert_eq!(mismatch::<Order, _>(store.typed::<Order>("a")), (0, number_of::<Value>()));
    // Lists in lists, as a stranger's program could write them: 16 bytes each, kind, and where the elements lie.
    append_raw(topic.topic(), number_of::<Value>(), &value_bomb(100_000));
    let mut reader = topic.read(1).unwrap();
    assert!(matches!(reader.next(), Err(Error::Payload { position: 1, .. })));
}

/// Archived values that are lists of one list: kind, padding, distance to the elements, their number, each four bytes
/// of sixteen.
#[cfg(feature = "value")]
fn value_bomb(depth: usize) -> Vec<u8> {
    use evlog_store::schema::Scratch;
    use evlog_store::value::Value;

    let mut scratch = Scratch::default();
    let one = Value::List(vec![Value::Null]).encode(&mut scratch).unwrap().to_vec();
    let (null, list) = one.split_at(16);
    let bomb = [null.to_vec(), list.repeat(depth)].concat();
    // The trick is right: so much of it is a value.
    let sound = &bomb[..16 * (Value::LEVELS + 1)];
    assert!(Value::decode(sound, &mut scratch).is_ok());
    bomb
}
