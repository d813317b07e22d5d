//! Archives as bytes that a person can read: what was stored once must be read for ever.
//!
//! The file golden/archives.txt holds them. Where this test fails because the layout changed on purpose, every payload
//! stored so far has become unreadable: raise the version of the schema, keep the old page and add a new one.

use crate::schema::order;
use evlog_store::schema::{self, SchemaTag, Scratch};
use evlog_store::value::{Map, Value};
use std::fmt::Write;

const GOLDEN: &str = include_str!("golden/archives.txt");

/// A title, which is the value's JSON, and the value.
fn values() -> Vec<(&'static str, Value)> {
    let map = |entries: &[(&str, Value)]| Value::Map(entries.iter().cloned().collect());
    vec![
        ("null", Value::Null),
        ("true", Value::Bool(true)),
        ("-2", Value::I64(-2)),
        ("18446744073709551615", Value::U64(u64::MAX)),
        ("-1.5", Value::F64(-1.5)),
        (r#"{"$f64":"-Infinity"}"#, Value::F64(f64::NEG_INFINITY)),
        (r#""""#, Value::from("")),
        (r#""short""#, Value::from("short")),
        (r#""longer than eight""#, Value::from("longer than eight")),
        (r#"{"$bytes":"3q2+7w=="}"#, Value::Bytes(vec![0xde, 0xad, 0xbe, 0xef])),
        ("[]", Value::List(vec![])),
        ("{}", Value::Map(Map::new())),
        (r#"[1,"two",[null]]"#, Value::List(vec![1.into(), "two".into(), Value::List(vec![Value::Null])])),
        (
            r#"{"customer":"Ada Lovelace","lines":[{"cents":1999}],"paid":false}"#,
            map(&[
                ("customer", "Ada Lovelace".into()),
                ("lines", Value::List(vec![map(&[("cents", 1999.into())])])),
                ("paid", false.into()),
            ]),
        ),
    ]
}

#[test]
fn archives_are_what_they_always_were() {
    let mut scratch = Scratch::default();
    let mut pages = String::new();
    for (title, value) in values() {
        pages += &page(title, value.encode(&mut scratch).expect("encodes"));
    }
    pages += &page("order", schema::encode(&order(), &mut scratch).expect("encodes"));
    pages += &page("tag of order", &SchemaTag::of::<crate::schema::Order>().to_bytes());
    pages += &page("tag of value", &SchemaTag::of::<Value>().to_bytes());
    assert_eq!(pages, GOLDEN, "the layout changed; it is now\n{pages}");
}

#[test]
fn archives_of_old_are_read() {
    let mut scratch = Scratch::default();
    for (title, value) in values() {
        assert_eq!(Value::decode(&bytes_of(title), &mut scratch).expect(title), value, "{title}");
        #[cfg(feature = "json")]
        assert_eq!(value.to_json().expect(title), title);
    }
    assert_eq!(
        schema::decode::<crate::schema::Order>(&bytes_of("order"), &mut scratch).expect("reads"),
        order()
    );
    let tag = SchemaTag::from_bytes(&bytes_of("tag of order")).expect("reads");
    assert!(tag.expect::<crate::schema::Order>().is_ok());
}

fn page(title: &str, bytes: &[u8]) -> String {
    let mut page = format!("= {title}\n");
    for (line, sixteen) in bytes.chunks(16).enumerate() {
        let hex: Vec<_> = sixteen.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String = sixteen
            .iter()
            .map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' })
            .collect();
        writeln!(page, "{:04x}  {:47}  {text}", line * 16, hex.join(" ")).expect("a string takes all");
    }
    page
}

fn bytes_of(title: &str) -> Vec<u8> {
    GOLDEN
        .lines()
        .skip_while(|line| line.strip_prefix("= ") != Some(title))
        .skip(1)
        .take_while(|line| !line.starts_with("= "))
        .flat_map(|line| line[6..53].split_whitespace())
        .map(|byte| u8::from_str_radix(byte, 16).expect("hex"))
        .collect()
}
