//! Events whose shape is not known beforehand: null, booleans, numbers, strings, bytes, lists and maps.
//!
//! [`Value`] is one ordinary [`Schema`]: archived with rkyv, checked, read in place as [`ArchivedValue`]. With the
//! feature `json` it comes from JSON and goes to JSON without loss.

mod archived;
#[cfg(feature = "json")]
mod json;
mod map;
mod wrap;

#[cfg(feature = "json")]
pub use json::JsonError;
pub use map::{ArchivedMap, Map};
pub use wrap::{WrapError, Wrapped};

use crate::schema::{self, MAX_DEPTH, Schema, SchemaError, Scratch};
use rkyv::rancor::{Error as ArchiveError, Source};
use rkyv::ser::{Allocator, Writer};
use rkyv::validation::ArchiveContext;
use rkyv::{Archive, Deserialize, Serialize};

/// Any plain data.
///
/// The two kinds of integers are one number line: `I64(5)` equals `U64(5)`, and what fits an `i64` is made one by
/// [`From`] and by JSON. Floats compare as floats do, so a NaN equals nothing.
///
/// At most [`Value::LEVELS`] lists, maps, strings and byte strings may lie in each other. A value can be *built* deeper;
/// encoding refuses it. (Beyond some ten thousand levels a value cannot even be dropped: that takes stack.)
///
/// ```
/// use evlog_store::schema::Scratch;
/// use evlog_store::value::{Map, Value};
///
/// let value = Value::from(Map::from([("name", Value::from("Ada")), ("born", Value::from(1815))]));
///
/// let mut scratch = Scratch::default();
/// let payload = value.encode(&mut scratch)?.to_vec();
/// assert_eq!(Value::decode(&payload, &mut scratch)?, value);
///
/// // In place, without decoding:
/// let archived = Value::access(&payload, &mut scratch)?;
/// assert_eq!(archived.get("born").and_then(|born| born.as_i64()), Some(1815));
/// # Ok::<(), evlog_store::schema::SchemaError>(())
/// ```
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default)]
#[rkyv(
    archived = ArchivedValue,
    derive(Debug),
    serialize_bounds(__S: Writer + Allocator, __S::Error: Source),
    deserialize_bounds(__D::Error: Source),
    bytecheck(bounds(__C: ArchiveContext, __C::Error: Source)),
)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// An integer from -2^63 to 2^63 - 1.
    I64(i64),
    /// An integer from 0 to 2^64 - 1; by custom only above the range of `I64`.
    U64(u64),
    /// A float of 64 bits, NaN and the infinities included.
    F64(f64),
    /// Text.
    String(String),
    /// Bytes that are no text.
    Bytes(Vec<u8>),
    /// Values in an order.
    List(#[rkyv(omit_bounds)] Vec<Value>),
    /// Values by name.
    Map(#[rkyv(omit_bounds)] Map),
}

impl Schema for Value {
    const NAME: &'static str = "evlog.Value";
    const VERSION: u32 = 1;

    fn check(&self) -> Result<(), SchemaError> {
        if self.fits(Value::LEVELS) {
            Ok(())
        } else {
            Err(SchemaError::TooDeep { name: Value::NAME, limit: Value::LEVELS })
        }
    }

    fn check_archived(archived: &ArchivedValue) -> Result<(), ArchiveError> {
        archived.check_order()
    }
}

impl Value {
    /// How many lists, maps, strings (keys too) and byte strings may lie in each other: 62.
    ///
    /// The check of archives counts two levels more: the root, and one that is never reached.
    pub const LEVELS: usize = MAX_DEPTH - 2;

    /// Encodes the value as a payload, which stands in `scratch` until its next use.
    ///
    /// # Errors
    ///
    /// [`SchemaError::TooDeep`] beyond [`Value::LEVELS`]; [`SchemaError::Encode`] beyond 2 GiB.
    pub fn encode<'a>(&self, scratch: &'a mut Scratch) -> Result<&'a [u8], SchemaError> {
        schema::encode(self, scratch)
    }

    /// Checks a payload and decodes the value in it.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Invalid`] where the bytes are no archived value.
    pub fn decode(payload: &[u8], scratch: &mut Scratch) -> Result<Value, SchemaError> {
        schema::decode(payload, scratch)
    }

    /// Checks a payload and shows the value in place; see [`schema::access`].
    ///
    /// # Errors
    ///
    /// [`SchemaError::Invalid`] where the bytes are no archived value.
    pub fn access<'a>(payload: &'a [u8], scratch: &'a mut Scratch) -> Result<&'a ArchivedValue, SchemaError> {
        schema::access::<Value>(payload, scratch)
    }

    /// What a map holds under `key`; none where this is no map.
    pub fn get(&self, key: &str) -> Option<&Value> {
        if let Value::Map(map) = self { map.get(key) } else { None }
    }

    /// The integer, if it is one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Value::I64(number) => Some(number),
            Value::U64(number) => i64::try_from(number).ok(),
            _ => None,
        }
    }

    /// The integer, if it is one and fits.
    pub fn as_u64(&self) -> Option<u64> {
        match *self {
            Value::I64(number) => u64::try_from(number).ok(),
            Value::U64(number) => Some(number),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = self { Some(text) } else { None }
    }

    /// What the value is, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::I64(_) | Value::U64(_) => "an integer",
            Value::F64(_) => "a float",
            Value::String(_) => "a string",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// At most so many levels lie in each other. Never looks deeper than that, so it needs little stack.
    fn fits(&self, levels: usize) -> bool {
        let below = levels.checked_sub(1);
        match self {
            Value::Null | Value::Bool(_) | Value::I64(_) | Value::U64(_) | Value::F64(_) => true,
            Value::String(_) | Value::Bytes(_) => below.is_some(),
            Value::List(values) => below.is_some_and(|below| values.iter().all(|value| value.fits(below))),
            // A key is a string inside the map.
            Value::Map(map) => below.is_some_and(|below| {
                map.is_empty() || (below > 0 && map.values().all(|value| value.fits(below)))
            }),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(one), Value::Bool(two)) => one == two,
            (Value::I64(one), Value::I64(two)) => one == two,
            (Value::U64(one), Value::U64(two)) => one == two,
            (Value::I64(_), Value::U64(number)) => self.as_u64() == Some(*number),
            (Value::U64(number), Value::I64(_)) => other.as_u64() == Some(*number),
            (Value::F64(one), Value::F64(two)) => one == two,
            (Value::String(one), Value::String(two)) => one == two,
            (Value::Bytes(one), Value::Bytes(two)) => one == two,
            (Value::List(one), Value::List(two)) => one == two,
            (Value::Map(one), Value::Map(two)) => one == two,
            _ => false,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Value {
        Value::I64(value.into())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::I64(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Value {
        i64::try_from(value).map_or(Value::U64(value), Value::I64)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::F64(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::String(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(value: Vec<Value>) -> Value {
        Value::List(value)
    }
}

impl From<Map> for Value {
    fn from(value: Map) -> Value {
        Value::Map(value)
    }
}
