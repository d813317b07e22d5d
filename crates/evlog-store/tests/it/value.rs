//! Values: there and back as archives, the limit of their depth, and input of any shape as an event.

use evlog_store::schema::{self, MAX_DEPTH, SchemaError, SchemaTag, Scratch};
use evlog_store::value::{ArchivedValue, Map, Value};
use proptest::prelude::*;
use rkyv::rancor;
use rkyv::util::AlignedVec;

/// Any value within the limit, with the awkward numbers and texts in good measure.
pub(crate) fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        prop::sample::select(vec![i64::MIN, -1, 0, i64::MAX]).prop_map(Value::I64),
        any::<u64>().prop_map(Value::U64),
        any::<f64>().prop_map(Value::F64),
        prop::sample::select(vec![
            0.0,
            -0.0,
            1e300,
            5e-324,
            2e16,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN
        ])
        .prop_map(Value::F64),
        texts().prop_map(Value::String),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::vec((texts(), inner), 0..6)
                .prop_map(|entries| Value::Map(entries.into_iter().collect())),
        ]
    })
}

/// Short and long texts, names that look like escapes, emoji and control characters.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        any::<String>(),
        prop::sample::select(vec![
            "",
            "$bytes",
            "$$bytes",
            "$f64",
            "$$$f64",
            "$",
            "$ref",
            "bytes",
            "data",
            "😀\u{0}\n\"\\"
        ])
        .prop_map(str::to_owned),
    ]
}

/// Equality, but that all NaNs are one and zeros keep their sign.
pub(crate) fn same(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::F64(one), Value::F64(two)) => {
            one.to_bits() == two.to_bits() || (one.is_nan() && two.is_nan())
        }
        (Value::List(one), Value::List(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(one, two))
        }
        (Value::Map(one), Value::Map(two)) => {
            one.len() == two.len()
                && one.iter().zip(two.iter()).all(|((one, a), (two, b))| one == two && same(a, b))
        }
        _ => one == two,
    }
}

fn there_and_back(value: &Value) -> Value {
    let mut scratch = Scratch::default();
    let payload = value.encode(&mut scratch).expect("encodes").to_vec();
    Value::decode(&payload, &mut scratch).expect("decodes")
}

/// `inner` in so many lists.
pub(crate) fn in_lists(lists: usize, inner: Value) -> Value {
    (0..lists).fold(inner, |inner, _| Value::List(vec![inner]))
}

/// `inner` in so many maps of one name.
pub(crate) fn in_maps(maps: usize, inner: Value) -> Value {
    (0..maps).fold(inner, |inner, _| Value::Map(Map::from([("a name that is long", inner)])))
}

#[test]
fn what_the_original_keeps_comes_back() {
    let inputs = [
        Value::Null,
        Value::from(true),
        Value::from(42),
        Value::from(-1.5),
        Value::from("text"),
        Value::from(""),
        Value::from("emoji 😀, controls \u{0}\u{7}\r\n"),
        Value::from("x".repeat(1 << 20)),
        Value::List(vec![]),
        Value::Map(Map::new()),
        Value::List(vec![Value::from(1), Value::from("two"), Value::Null]),
        in_maps(10, Value::from("ten deep")),
        in_lists(10, Value::from("ten deep")),
    ];
    for input in inputs {
        assert_eq!(there_and_back(&input), input);
    }
}

#[test]
fn integers_are_one_number_line() {
    assert_eq!(Value::U64(5), Value::I64(5));
    assert_eq!(Value::I64(5), Value::U64(5));
    assert_ne!(Value::U64(u64::MAX), Value::I64(-1));
    assert_ne!(Value::I64(5), Value::F64(5.0));
    assert!(matches!(Value::from(5_u64), Value::I64(5)));
    assert!(matches!(Value::from(1_u64 << 63), Value::U64(_)));
    assert_eq!((Value::I64(-1).as_u64(), Value::U64(u64::MAX).as_i64()), (None, None));
    assert_eq!(
        (Value::U64(7).as_i64(), Value::I64(7).as_u64(), Value::Null.as_i64()),
        (Some(7), Some(7), None)
    );
}

#[test]
fn a_map_keeps_its_names_in_order_and_once() {
    let mut map = Map::from([("b", Value::from(1)), ("a", Value::from(2)), ("b", Value::from(3))]);
    assert_eq!(map.iter().collect::<Vec<_>>(), [("a", &Value::from(2)), ("b", &Value::from(3))]);
    assert_eq!(map.insert("aa", "new"), None);
    assert_eq!(map.insert("a", Value::Null), Some(Value::from(2)));
    assert_eq!(map.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "aa", "b"]);
    assert_eq!((map.get("aa"), map.get("c")), (Some(&Value::from("new")), None));
    assert_eq!((map.remove("aa"), map.remove("aa")), (Some(Value::from("new")), None));
    assert_eq!((map.len(), map.is_empty(), Map::new().is_empty()), (2, false, true));
}

#[test]
fn an_archive_is_read_in_place() {
    let value = Value::Map(Map::from([
        ("name", Value::from("a name longer than eight bytes")),
        ("born", Value::from(1815)),
        ("stars", Value::U64(u64::MAX)),
        ("sub", Value::Map(Map::from([("x", Value::Null)]))),
    ]));
    let mut scratch = Scratch::default();
    let mut payload = AlignedVec::<16>::new();
    payload.extend_from_slice(value.encode(&mut scratch).expect("encodes"));
    let archived = Value::access(&payload, &mut scratch).expect("is sound");
    let name = archived.get("name").and_then(ArchivedValue::as_str).expect("is there");
    assert_eq!(name, "a name longer than eight bytes");
    assert!(payload.as_ptr_range().contains(&name.as_ptr()), "borrowed from the payload");
    assert_eq!(archived.get("born").and_then(ArchivedValue::as_i64), Some(1815));
    assert_eq!(archived.get("stars").and_then(ArchivedValue::as_u64), Some(u64::MAX));
    assert_eq!(archived.get("stars").and_then(ArchivedValue::as_i64), None);
    assert!(archived.get("sub").is_some_and(|sub| sub.get("x").is_some() && sub.get("y").is_none()));
}

/// What rkyv alone makes of a value, whatever the value's own limit says.
fn archived_without_limit(value: &Value) -> AlignedVec {
    rkyv::util::with_arena(|arena| {
        rkyv::api::low::to_bytes_in_with_alloc::<_, _, rancor::Error>(
            value,
            AlignedVec::new(),
            arena.acquire(),
        )
    })
    .expect("rkyv has no limit")
}

/// A value with so many levels.
type Shape = fn(usize) -> Value;

#[test]
fn the_limit_of_values_is_the_limit_of_the_check() {
    assert_eq!((Value::LEVELS, MAX_DEPTH), (62, 64));
    let long = || Value::from("a text of more than eight bytes");
    // Each shape with the most levels that it may have, and with one more.
    let shapes: [(&str, Shape); 5] = [
        ("lists", |levels| in_lists(levels, Value::Null)),
        ("an empty map in lists", |levels| in_lists(levels - 1, Value::Map(Map::new()))),
        ("a text in lists", |levels| in_lists(levels - 1, Value::from("a text of more than eight bytes"))),
        ("bytes in lists", |levels| in_lists(levels - 1, Value::Bytes(vec![1]))),
        ("names in maps", |levels| in_maps(levels - 1, Value::Null)),
    ];
    let mut scratch = Scratch::default();
    for (what, shape) in shapes {
        assert_eq!(there_and_back(&shape(Value::LEVELS)), shape(Value::LEVELS), "{what}");
        let deeper = shape(Value::LEVELS + 1);
        let refused = deeper.encode(&mut scratch).expect_err(what);
        assert!(matches!(refused, SchemaError::TooDeep { limit: 62, .. }), "{what}: {refused}");
        // Not one level was given away: rkyv's check refuses what the encoder refused.
        let archive = archived_without_limit(&deeper);
        assert!(Value::access(&archive, &mut scratch).is_err(), "{what}");
    }
    assert!(in_lists(61, long()).encode(&mut scratch).is_ok());
}

#[test]
fn a_value_of_many_levels_is_refused_and_not_followed() {
    // Deep enough to overflow the stack of a test's thread, were it followed to its end.
    let deep = in_lists(20_000, Value::Null);
    let error = deep.encode(&mut Scratch::default()).expect_err("too deep");
    assert_eq!(
        error.to_string(),
        "the evlog.Value is nested deeper than 62 levels; flatten it, or split it into events"
    );
}

#[test]
fn a_bomb_of_depth_is_an_error() {
    let mut scratch = Scratch::default();
    assert_eq!(
        bomb(3)[..],
        archived_without_limit(&in_lists(3, Value::Null))[..],
        "the bomb is a real archive"
    );
    assert_eq!(Value::decode(&bomb(62), &mut scratch).expect("is sound"), in_lists(62, Value::Null));
    for lists in [63, 64, 1_000, 200_000] {
        let error = Value::decode(&bomb(lists), &mut scratch).expect_err("too deep");
        assert_eq!(error.to_string(), "the payload is no evlog.Value of version 1", "{lists}");
    }
}

/// The archive of so many lists in each other: sixteen bytes each, the kind, the distance to the element, their number.
fn bomb(lists: usize) -> AlignedVec {
    let mut bytes = AlignedVec::new();
    bytes.extend_from_slice(&[0; 16]);
    for _ in 0..lists {
        bytes.extend_from_slice(&[7, 0, 0, 0]);
        bytes.extend_from_slice(&(-20_i32).to_le_bytes());
        bytes.extend_from_slice(&1_u32.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
    }
    bytes
}

#[test]
fn names_out_of_order_are_refused() {
    let value = Value::Map(Map::from([("aaaaaaaa1", Value::Null), ("aaaaaaaa2", Value::Null)]));
    let list = Value::List(vec![value.clone()]);
    let mut scratch = Scratch::default();
    for value in [value, list] {
        for (from, to) in [(b"aaaaaaaa1", b"aaaaaaaa3"), (b"aaaaaaaa1", b"aaaaaaaa2")] {
            let mut payload = value.encode(&mut scratch).expect("encodes").to_vec();
            let at = payload.windows(9).position(|window| window == from).expect("the name is there");
            payload[at..at + 9].copy_from_slice(to);
            let error = Value::access(&payload, &mut scratch).expect_err("unordered, or twice");
            let source = std::error::Error::source(&error).expect("says why").to_string();
            assert!(source.contains("the names of a map do not ascend"), "{source}");
        }
    }
}

#[test]
fn a_value_is_a_schema_like_any_other() {
    assert_eq!(SchemaTag::of::<Value>().to_string(), "evlog.Value version 1 (16 bytes, aligned to 8)");
    let mut scratch = Scratch::default();
    let payload = schema::encode(&Value::from(1), &mut scratch).expect("encodes").to_vec();
    assert_eq!(schema::decode::<Value>(&payload, &mut scratch).expect("decodes"), Value::from(1));
}

#[test]
fn input_of_any_shape_is_wrapped() {
    let map = |entries: &[(&str, Value)]| Value::Map(entries.iter().cloned().collect());
    let whole = |input: &Value| map(&[("value", input.clone())]);
    let number = Value::from(7);
    // Input, the data to store, the timestamp.
    let cases = [
        (map(&[("data", number.clone())]), number.clone(), None),
        (map(&[("data", Value::Null), ("more", number.clone())]), Value::Null, None),
        (map(&[("data", number.clone()), ("timestamp", Value::from(-5))]), number.clone(), Some(-5)),
        (map(&[("data", number.clone()), ("timestamp", Value::U64(5))]), number.clone(), Some(5)),
        (map(&[("data", number.clone()), ("timestamp", Value::Null)]), number.clone(), None),
        (map(&[("data", number.clone()), ("position", Value::from(999))]), number.clone(), None),
    ];
    for (input, data, timestamp) in cases {
        let wrapped = input.clone().wrap().expect("wraps");
        assert_eq!((wrapped.data, wrapped.timestamp), (data, timestamp), "{input:?}");
    }
    let all = [
        (Value::Null, None),
        (Value::from("text"), None),
        (Value::List(vec![number.clone()]), None),
        (Value::Map(Map::new()), None),
        (map(&[("a", number.clone()), ("position", Value::from(3))]), None),
        (map(&[("a", number.clone()), ("timestamp", Value::from(9))]), Some(9)),
    ];
    for (input, timestamp) in all {
        let wrapped = input.clone().wrap().expect("wraps");
        assert_eq!((wrapped.data, wrapped.timestamp), (whole(&input), timestamp), "{input:?}");
    }
}

#[test]
fn a_timestamp_that_is_none_is_refused() {
    for (time, found) in [
        (Value::from("2026-11-22T10:00:00Z"), "a string"),
        (Value::F64(1.5), "a float"),
        (Value::U64(u64::MAX), "an integer"),
    ] {
        let error = Value::Map(Map::from([("timestamp", time)])).wrap().expect_err("no time");
        assert_eq!(error.found, found);
    }
}

proptest! {
    #[test]
    fn every_value_comes_back(value in values()) {
        let back = there_and_back(&value);
        prop_assert!(same(&back, &value), "{back:?}");
    }

    #[test]
    fn equal_values_have_equal_archives(entries in prop::collection::vec((texts(), any::<i64>()), 0..8)) {
        let forward: Map = entries.iter().map(|(name, n)| (name.clone(), Value::from(*n))).collect();
        let mut by_hand = Map::new();
        for (name, n) in &entries {
            by_hand.insert(name.clone(), *n);
        }
        prop_assert_eq!(&forward, &by_hand);
        let (mut one, mut two) = (Scratch::default(), Scratch::default());
        prop_assert_eq!(
            Value::Map(forward).encode(&mut one).expect("encodes"),
            Value::Map(by_hand).encode(&mut two).expect("encodes")
        );
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        judged(&bytes)?;
    }

    #[test]
    fn a_changed_archive_is_a_value_or_an_error(
        value in values(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = value.encode(&mut Scratch::default()).expect("encodes").to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        judged(&bytes)?;
    }
}

/// Bytes that pass are a value like any other: they can be encoded again.
fn judged(bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut scratch = Scratch::default();
    if let Ok(value) = Value::decode(bytes, &mut scratch) {
        prop_assert!(same(&there_and_back(&value), &value));
    }
    Ok(())
}
