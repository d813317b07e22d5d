//! JSON in and out: what goes out comes back, what comes in is read as it says or refused with its place.

use crate::value::{in_lists, in_maps, same, values};
use evlog_store::value::{JsonError, Map, Value};
use proptest::prelude::*;

fn read(text: &str) -> Value {
    Value::from_json(text).expect(text)
}

fn written(value: &Value) -> String {
    value.to_json().expect("within the limit")
}

fn one(name: &str, value: Value) -> Value {
    Value::Map(Map::from([(name, value)]))
}

#[test]
fn plain_json_is_read_as_it_says() {
    let cases = [
        ("null", Value::Null),
        (" true\n", Value::Bool(true)),
        ("0", Value::I64(0)),
        ("-9223372036854775808", Value::I64(i64::MIN)),
        ("9223372036854775807", Value::I64(i64::MAX)),
        ("9223372036854775808", Value::U64(1 << 63)),
        ("18446744073709551615", Value::U64(u64::MAX)),
        ("1.0", Value::F64(1.0)),
        ("1e3", Value::F64(1000.0)),
        ("-0.0", Value::F64(-0.0)),
        // A quick reader takes the float beside it.
        ("1.0715660391465826e-75", Value::F64(1.071_566_039_146_582_6e-75)),
        (r#""a\u00e9\ud83d\ude00\n""#, Value::from("aé😀\n")),
        ("[]", Value::List(vec![])),
        (
            r#"{"b":1,"a":[null]}"#,
            Value::Map(Map::from([("a", Value::List(vec![Value::Null])), ("b", 1.into())])),
        ),
        (r#"{"$ref":"x"}"#, one("$ref", "x".into())),
        (r#"{"$":"x"}"#, one("$", "x".into())),
    ];
    for (text, value) in cases {
        let read = read(text);
        assert!(same(&read, &value), "{text} was read as {read:?}");
    }
    assert!(matches!(read("5"), Value::I64(5)));
}

#[test]
fn an_integer_beyond_64_bits_is_the_nearest_float() {
    assert!(same(&read("18446744073709551617"), &Value::F64(18_446_744_073_709_551_616.0)));
    assert!(same(&read("-9223372036854775809"), &Value::F64(-9_223_372_036_854_775_808.0)));
}

#[test]
fn what_json_lacks_is_escaped() {
    let cases = [
        (Value::Bytes(b"hello".to_vec()), r#"{"$bytes":"aGVsbG8="}"#),
        (Value::Bytes(vec![]), r#"{"$bytes":""}"#),
        (Value::Bytes(vec![0xff, 0xfe]), r#"{"$bytes":"//4="}"#),
        (Value::F64(f64::NAN), r#"{"$f64":"NaN"}"#),
        (Value::F64(f64::INFINITY), r#"{"$f64":"Infinity"}"#),
        (Value::F64(f64::NEG_INFINITY), r#"{"$f64":"-Infinity"}"#),
        (one("$bytes", "aGVsbG8=".into()), r#"{"$$bytes":"aGVsbG8="}"#),
        (one("$$bytes", Value::Null), r#"{"$$$bytes":null}"#),
        (one("$f64", "NaN".into()), r#"{"$$f64":"NaN"}"#),
        (one("$bytes", Value::Bytes(vec![0])), r#"{"$$bytes":{"$bytes":"AA=="}}"#),
        (one("bytes", Value::Null), r#"{"bytes":null}"#),
        (one("$bytes2", Value::Null), r#"{"$bytes2":null}"#),
        (one("x$bytes", Value::Null), r#"{"x$bytes":null}"#),
        // A map of several names is never an escape.
        (Value::Map(Map::from([("$bytes", 1.into()), ("a", 2.into())])), r#"{"$bytes":1,"a":2}"#),
    ];
    for (value, text) in cases {
        assert_eq!(written(&value), text);
        assert!(same(&read(text), &value), "{text}");
    }
}

#[test]
fn the_text_is_short_and_in_order() {
    assert_eq!(
        written(&read("{ \"é\": 1, \"z\": 2,\n\"Z\": [ 1 , 2 ], \"\": {} }")),
        r#"{"":{},"Z":[1,2],"z":2,"é":1}"#
    );
    assert_eq!(written(&Value::U64(5)), "5");
    assert_eq!(written(&Value::F64(5.0)), "5.0");
    assert_eq!(written(&Value::F64(-0.0)), "-0.0");
}

#[test]
fn what_is_wrong_is_refused_with_its_place() {
    let cases = [
        ("", (1, 0), "EOF"),
        ("nul", (1, 3), "EOF"),
        ("[1,\n  x]", (2, 3), "expected value"),
        ("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}", (3, 4), "the name \"a\" stands twice"),
        ("1 2", (1, 3), "trailing characters"),
        ("[1,]", (1, 4), "trailing comma"),
        ("{a: 1}", (1, 2), "key must be a string"),
        ("NaN", (1, 1), "expected value"),
        ("1e400", (1, 5), "number out of range"),
        (r#""\ud800""#, (1, 8), "unexpected end of hex escape"),
        ("\"a\nb\"", (2, 0), "control character"),
        ("[\n{\"$bytes\": \"=\"}]", (2, 15), "$$bytes"),
        (r#"{"$bytes":"aGVsbG8"}"#, (1, 20), "padded Base64"),
        (r#"{"$bytes":"aGVsbG9="}"#, (1, 21), "padded Base64"),
        (r#"{"$bytes":[1]}"#, (1, 14), "padded Base64"),
        (r#"{"$f64":"nan"}"#, (1, 14), "$$f64"),
        (r#"{"$f64":1.5}"#, (1, 12), "$$f64"),
    ];
    for (text, place, what) in cases {
        let error = Value::from_json(text).expect_err(text);
        assert_eq!(error.line_and_column(), Some(place), "{text}: {error}");
        assert!(error.to_string().contains(what), "{text}: {error}");
        assert!(error.to_string().starts_with("not read from JSON: "), "{error}");
    }
    let error = Value::from_json(b"[\"\xff\"]").expect_err("not UTF-8");
    assert!(matches!(error, JsonError::Read(_)), "{error}");
}

#[test]
fn the_limit_of_depth_is_that_of_archives() {
    let inner = [
        (0, Value::Null),
        (0, Value::F64(f64::NAN)),
        (1, Value::from("text")),
        (1, Value::Bytes(vec![1, 2, 3])),
        (1, Value::List(vec![])),
        (1, Value::Map(Map::new())),
        (2, one("name", Value::Null)),
        (2, one("$bytes", Value::Null)),
        (2, one("$f64", Value::F64(f64::NAN))),
        (2, Value::Map(Map::from([("$bytes", 1.into()), ("a", 2.into())]))),
    ];
    for (levels, inner) in inner {
        // Around a map stands a name, which is a level too.
        for (around, levels) in [(in_lists as fn(_, _) -> _, levels), (in_maps, levels.max(1))] {
            let deepest = around(Value::LEVELS - levels, inner.clone());
            assert!(same(&read(&written(&deepest)), &deepest), "{inner:?}");

            let deeper = around(Value::LEVELS - levels + 1, inner.clone());
            let error = deeper.to_json().expect_err("too deep");
            assert_eq!(error.to_string(), "not written as JSON: nested deeper than 62 levels");
            assert_eq!(error.line_and_column(), None);
            // The text that it would have is refused as well.
            let text = written(&inner);
            let text = if deeper.get("a name that is long").is_some() {
                (0..=Value::LEVELS - levels).fold(text, |text, _| format!("{{\"name\":{text}}}"))
            } else {
                (0..=Value::LEVELS - levels).fold(text, |text, _| format!("[{text}]"))
            };
            let error = Value::from_json(&text).expect_err("too deep");
            assert!(error.to_string().contains("nested deeper than 62 levels"), "{inner:?}: {error}");
        }
    }
}

#[test]
fn a_bomb_of_depth_is_an_error() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"$bytes\":", "}"), ("{\"$$f64\":", "}")] {
        for depth in [100, 200_000] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let error = Value::from_json(text).expect_err("too deep");
            let (line, column) = error.line_and_column().expect("reading failed");
            assert!(line == 1 && column < 200 * open.len(), "found at once, not at the end: {error}");
        }
    }
}

proptest! {
    #[test]
    fn every_value_comes_back(value in values()) {
        let text = written(&value);
        let back = Value::from_json(&text);
        prop_assert!(back.as_ref().is_ok_and(|back| same(back, &value)), "{text} was read as {back:?}");
        prop_assert_eq!(written(&back.expect("just checked")), text);
    }

    #[test]
    fn every_float_comes_back(bits in any::<u64>()) {
        let value = Value::F64(f64::from_bits(bits));
        prop_assert!(same(&read(&written(&value)), &value));
    }

    #[test]
    fn what_is_written_is_one_line_of_json(value in values()) {
        let text = written(&value);
        prop_assert!(!text.contains('\n'));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
    }

    #[test]
    fn no_text_panics(text in "[\\[\\]{}\":,0-9eE.+$a-f\\\\ntrulse -]{0,40}") {
        if let Ok(value) = Value::from_json(&text) {
            prop_assert!(same(&read(&written(&value)), &value));
        }
    }
}
