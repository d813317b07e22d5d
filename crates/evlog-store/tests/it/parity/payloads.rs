//! What goes in comes out: values of every kind, times, and input that is wrapped.

use evlog_store::schema::Scratch;
use evlog_store::value::{Map, Value};
use evlog_store::{Durability, OwnedEvent, Place, Topic};

use super::{events, reopened, store};

fn append(topic: &Topic, value: &Value) -> u64 {
    let mut scratch = Scratch::default();
    let ticket = topic.append(value.encode(&mut scratch).unwrap()).unwrap();
    ticket.wait_for(Durability::Written).unwrap().start
}

fn value_of(event: &OwnedEvent) -> Value {
    Value::decode(&event.payload, &mut Scratch::default()).unwrap()
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::from(Map::from(entries))
}

/// Appends the values, and has them read back by another start of the store.
fn come_back_equal(values: &[Value]) {
    let (folder, store) = store();
    let topic = store.topic("a").unwrap();
    for value in values {
        append(&topic, value);
    }
    store.close().unwrap();
    let topic = reopened(&folder).topic("a").unwrap();
    let found: Vec<Value> = events(&topic, Place::Oldest).iter().map(value_of).collect();
    assert_eq!(found, values);
}

#[test]
fn every_kind_of_value_comes_back_equal() {
    let numbers = [0.0, -0.5, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY].map(Value::from);
    let integers = [0, -1, 42, i64::MIN, i64::MAX].map(Value::from);
    let list = Value::from(vec![Value::Null, Value::from("two"), Value::from(3), Value::List(Vec::new())]);
    let plain = [
        Value::Null,
        Value::from(true),
        Value::from(false),
        Value::from(u64::MAX),
        Value::from(""),
        Value::from("text"),
        Value::Bytes(vec![0, 255, 10, 0]),
        Value::Bytes(Vec::new()),
        Value::from(Map::new()),
        map([("name", Value::from("Ada")), ("", Value::from(1)), ("list", list.clone())]),
        list,
    ];
    come_back_equal(&[&plain[..], &numbers, &integers].concat());
}

#[test]
fn values_nested_ten_deep_come_back_equal() {
    let nested = |wrap: fn(Value) -> Value| (0..10).fold(Value::from("innermost"), |inner, _| wrap(inner));
    come_back_equal(&[
        nested(|inner| map([("level", inner), ("beside", Value::from(7))])),
        nested(|inner| Value::from(vec![inner, Value::Null])),
        nested(|inner| map([("levels", Value::from(vec![inner]))])),
    ]);
}

#[test]
fn emoji_and_control_characters_come_back_equal() {
    let control: String = (0..32).chain([127]).map(char::from).collect();
    let texts = [
        "😀 👩‍👩‍👧‍👦 🇩🇪 é e\u{301} \u{202e}rtl 漢字",
        "\0",
        "\r\n\t\u{1b}[31m",
        "\u{10ffff}\u{feff}",
        "\" \\ / \u{2028}",
        &control,
    ];
    let mut values: Vec<Value> = texts.into_iter().map(Value::from).collect();
    values.push(Value::from(texts.map(|text| (text, Value::from(text))).into_iter().collect::<Map>()));
    come_back_equal(&values);
}

#[test]
fn a_mebibyte_comes_back_equal() {
    let long: String = ('a'..='z').cycle().take(1 << 20).collect();
    come_back_equal(&[
        Value::from(long.as_str()),
        Value::Bytes(long.clone().into_bytes()),
        map([("data", Value::from(long))]),
    ]);
}

#[test]
fn the_data_of_the_input_is_stored_or_else_all_of_it_as_value() {
    let with_data = map([("data", map([("a", Value::from(1))])), ("ignored", Value::from(2))]);
    let cases = [
        (with_data, map([("a", Value::from(1))])),
        (map([("data", Value::Null)]), Value::Null),
        (map([("a", Value::from(1))]), map([("value", map([("a", Value::from(1))]))])),
        (Value::from("text"), map([("value", Value::from("text"))])),
        (Value::Null, map([("value", Value::Null)])),
        (Value::from(vec![Value::from(1)]), map([("value", Value::from(vec![Value::from(1)]))])),
    ];
    let inputs = cases.each_ref().map(|(input, _)| input.clone().wrap().unwrap().data);
    assert_eq!(inputs, cases.map(|(_, stored)| stored));
    come_back_equal(&inputs);
}

#[test]
fn a_position_in_the_input_counts_for_nothing() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    for claimed in [999, 0, -1] {
        let input = map([("data", Value::from("x")), ("position", Value::from(claimed))]);
        append(&topic, &input.wrap().unwrap().data);
    }
    topic.flush().unwrap();
    let found = events(&topic, Place::Oldest);
    let found: Vec<_> = found.iter().map(|event| (event.position, value_of(event))).collect();
    assert_eq!(found, [0, 1, 2].map(|position| (position, Value::from("x"))));
}

#[test]
fn the_time_of_the_input_is_kept_and_else_it_is_now() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    let now = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        since.as_micros() as i64
    };
    let given = map([("data", Value::from("x")), ("timestamp", Value::from(1_234_567))]).wrap().unwrap();
    assert_eq!(given.timestamp, Some(1_234_567));
    let _ = topic.append_at(given.timestamp.unwrap(), 0, "x").unwrap();
    assert_eq!(map([("data", Value::from("x"))]).wrap().unwrap().timestamp, None);
    let before = now();
    let _ = topic.append("x").unwrap();
    let after = now();
    topic.flush().unwrap();
    let found: Vec<i64> = events(&topic, Place::Oldest).iter().map(|event| event.timestamp).collect();
    assert_eq!(found[0], 1_234_567);
    assert!((before..=after).contains(&found[1]), "{before} {} {after}", found[1]);
}

#[test]
fn times_from_0_to_the_last_second_of_32_bits_come_back_equal() {
    let seconds = [0, 1, 1_700_000_000, i64::from(u32::MAX) - 1, i64::from(u32::MAX)];
    let mut times: Vec<i64> = seconds.iter().flat_map(|second| [*second, second * 1_000_000]).collect();
    times.extend([-1, i64::MIN, i64::MAX]);
    let (folder, store) = store();
    let topic = store.topic("a").unwrap();
    for &time in &times {
        let _ = topic.append_at(time, 0, time.to_string()).unwrap();
    }
    store.close().unwrap();
    let found = events(&reopened(&folder).topic("a").unwrap(), Place::Oldest);
    assert!(found.iter().map(|event| event.timestamp).eq(times.iter().copied()));
    assert!(
        found.iter().map(|event| event.position).eq(0..times.len() as u64),
        "times have no say in the order"
    );
}

#[test]
fn equal_times_keep_the_order_of_their_appends() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    for number in 0..200 {
        let _ = topic.append_at(42, 0, number.to_string()).unwrap();
    }
    topic.flush().unwrap();
    assert!(super::texts(&topic).into_iter().eq((0..200).map(|number| number.to_string())));
    assert_eq!(topic.find(42).unwrap(), 0);
    assert_eq!(topic.find(43).unwrap(), 200);
}
