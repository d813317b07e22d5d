//! JSON in and out, without loss.
//!
//! JSON has no bytes, no NaN and no infinities. They are written as maps of one name:
//!
//! | value | JSON |
//! |---|---|
//! | bytes | `{"$bytes": "aGVsbG8="}`, standard Base64 with padding |
//! | NaN, infinities | `{"$f64": "NaN"}`, `"Infinity"`, `"-Infinity"` |
//! | a real map of one name, `$bytes` or `$f64` with any number of further `$` before it | the same with one `$` more |
//!
//! Whatever else begins with a dollar sign stands for itself: `{"$ref": "x"}` is a map. Only maps of one name are
//! looked at, so that a map that merely has such a name among others is written as it is.

use super::{Map, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_core::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_core::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

const BYTES: &str = "$bytes";
const FLOAT: &str = "$f64";

impl Value {
    /// Reads one JSON value; nothing but white space may stand around it.
    ///
    /// Each name may stand once in its map. An integer beyond 64 bits becomes the nearest float, as in JavaScript.
    /// `{"$bytes": "aGVsbG8="}` stands for bytes in Base64, `{"$f64": "NaN"}` (`Infinity`, `-Infinity`) for the floats
    /// that JSON lacks; a real map of one such name has one more `$`: `{"$$bytes": 1}`.
    ///
    /// ```
    /// use evlog_store::value::Value;
    ///
    /// let value = Value::from_json(r#"{"b": [1, 2.0, null], "a": 18446744073709551615}"#)?;
    /// assert_eq!(value.to_json()?, r#"{"a":18446744073709551615,"b":[1,2.0,null]}"#);
    ///
    /// let bytes = Value::from_json(r#"{"$bytes": "aGVsbG8="}"#)?;
    /// assert_eq!(bytes, Value::Bytes(b"hello".to_vec()));
    ///
    /// let error = Value::from_json("{\"a\": 1,\n \"a\": 2}").expect_err("two of one name");
    /// assert_eq!(error.to_string(), "not read from JSON: the name \"a\" stands twice at line 2 column 4");
    /// # Ok::<(), evlog_store::value::JsonError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`JsonError::Read`] with line and column: no JSON, not UTF-8, a name that stands twice, an escape with wrong
    /// content, or more than [`Value::LEVELS`] levels.
    pub fn from_json(text: impl AsRef<[u8]>) -> Result<Value, JsonError> {
        let mut json = serde_json::Deserializer::from_slice(text.as_ref());
        let value = Nested { levels: Value::LEVELS }.deserialize(&mut json).map_err(JsonError::Read)?;
        json.end().map_err(JsonError::Read)?;
        Ok(value)
    }

    /// The value as JSON on one line, in the shortest form; reading it gives the same value.
    ///
    /// Names ascend, so equal values have equal texts. Floats always have a point or an exponent, integers never. What
    /// JSON lacks is written as [`from_json`](Value::from_json) says; all NaNs are one.
    ///
    /// # Errors
    ///
    /// [`JsonError::Write`] beyond [`Value::LEVELS`].
    pub fn to_json(&self) -> Result<String, JsonError> {
        if !self.fits(Value::LEVELS) {
            return Err(JsonError::Write(serde_core::ser::Error::custom(TOO_DEEP)));
        }
        serde_json::to_string(&Plain(self)).map_err(JsonError::Write)
    }
}

/// A text that is no JSON or whose JSON is no [`Value`], or a value without JSON.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Reading failed; the source knows the line and the column.
    #[error("not read from JSON: {0}")]
    Read(#[source] serde_json::Error),
    /// The value is nested too deep.
    #[error("not written as JSON: {0}")]
    Write(#[source] serde_json::Error),
}

impl JsonError {
    /// Where reading failed: the line, from 1, and the byte in it, from 1, or 0 right behind the end of a line.
    ///
    /// None where writing failed.
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        match self {
            JsonError::Read(source) => Some((source.line(), source.column())),
            JsonError::Write(_) => None,
        }
    }
}

const TOO_DEEP: &str = "nested deeper than 62 levels";
const _: () = assert!(Value::LEVELS == 62, "TOO_DEEP says how many");

/// A value that goes to JSON.
struct Plain<'a>(&'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => out.serialize_unit(),
            Value::Bool(value) => out.serialize_bool(*value),
            Value::I64(number) => out.serialize_i64(*number),
            Value::U64(number) => out.serialize_u64(*number),
            Value::F64(number) if number.is_finite() => out.serialize_f64(*number),
            Value::F64(number) => single(out, FLOAT, name_of(*number)),
            Value::String(text) => out.serialize_str(text),
            Value::Bytes(bytes) => single(out, BYTES, BASE64.encode(bytes)),
            Value::List(values) => out.collect_seq(values.iter().map(Plain)),
            Value::Map(map) => match map.iter().next() {
                Some((name, value)) if map.len() == 1 && is_reserved(name) => {
                    single(out, &format!("${name}"), Plain(value))
                }
                _ => out.collect_map(map.iter().map(|(name, value)| (name, Plain(value)))),
            },
        }
    }
}

fn single<S: Serializer>(out: S, name: &str, value: impl Serialize) -> Result<S::Ok, S::Error> {
    let mut map = out.serialize_map(Some(1))?;
    map.serialize_entry(name, &value)?;
    map.end()
}

/// A value that comes from JSON, with the levels that are left for it.
struct Nested {
    levels: usize,
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::F64(number))
    }

    fn visit_str<E: serde_core::de::Error>(self, text: &str) -> Result<Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: serde_core::de::Error>(self, text: String) -> Result<Value, E> {
        self.needs(1)?;
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut json: A) -> Result<Value, A::Error> {
        self.needs(1)?;
        let mut values = Vec::new();
        while let Some(value) = json.next_element_seed(Nested { levels: self.levels - 1 })? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut json: A) -> Result<Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(name) = json.next_key::<String>()? {
            match entries.entry(name) {
                Entry::Occupied(entry) => {
                    return Err(A::Error::custom(format_args!("the name {:?} stands twice", entry.key())));
                }
                Entry::Vacant(entry) => {
                    let levels = self.levels_below(entry.key())?;
                    entry.insert(json.next_value_seed(Nested { levels })?);
                }
            }
        }
        if entries.len() == 1
            && let Some((name, value)) = entries.pop_first()
        {
            return self.lone(name, value);
        }
        self.needs(if entries.is_empty() { 1 } else { 2 })?;
        Ok(Value::Map(entries.into_iter().collect()))
    }
}

impl Nested {
    fn needs<E: serde_core::de::Error>(&self, levels: usize) -> Result<(), E> {
        if self.levels < levels { Err(E::custom(TOO_DEEP)) } else { Ok(()) }
    }

    /// The levels that are left for what stands under `name`. The text in an escape always has one, since the escape
    /// may vanish: bytes are one level, a float none.
    fn levels_below<E: serde_core::de::Error>(&self, name: &str) -> Result<usize, E> {
        if name == BYTES || name == FLOAT {
            return Ok(self.levels.saturating_sub(1).max(1));
        }
        self.needs(2)?;
        Ok(self.levels - 1)
    }

    /// A map of one name: an escape, an escaped map, or a map.
    fn lone<E: serde_core::de::Error>(&self, name: String, value: Value) -> Result<Value, E> {
        if name == FLOAT {
            return value.as_str().and_then(float_named).map(Value::F64).ok_or_else(|| {
                E::custom("$f64 holds NaN, Infinity or -Infinity; a map of this name is written as $$f64")
            });
        }
        if name == BYTES {
            self.needs(1)?;
            let bytes = value.as_str().and_then(|text| BASE64.decode(text).ok());
            return bytes.map(Value::Bytes).ok_or_else(|| {
                E::custom("$bytes holds padded Base64; a map of this name is written as $$bytes")
            });
        }
        let name = if is_reserved(&name) { name[1..].to_owned() } else { name };
        Ok(Value::Map(Map::from([(name, value)])))
    }
}

/// `$bytes` and `$f64`, with any number of dollar signs more.
fn is_reserved(name: &str) -> bool {
    [BYTES, FLOAT]
        .iter()
        .any(|escape| name.strip_suffix(escape).is_some_and(|before| before.bytes().all(|byte| byte == b'$')))
}

fn name_of(number: f64) -> &'static str {
    if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

fn float_named(name: &str) -> Option<f64> {
    match name {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}
