//! Input of any shape as an event.

use super::{Map, Value};
use evlog_core::Timestamp;

/// Input taken apart: what to store, and its time.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Wrapped {
    /// What to store.
    pub data: Value,
    /// Microseconds since the Unix epoch, where the input says; else the topic takes its own time.
    pub timestamp: Option<Timestamp>,
}

impl Value {
    /// Makes an event of any input.
    ///
    /// - The data is the input's field `data`; where there is none, a map with the whole input as `value`.
    /// - The timestamp is the input's field `timestamp`: an integer, microseconds since the Unix epoch. Null and a
    ///   missing field mean none.
    /// - A field `position` counts for nothing: the topic alone gives positions.
    ///
    /// ```
    /// use evlog_store::value::{Map, Value};
    ///
    /// let input = Map::from([("data", Value::from("hello")), ("timestamp", Value::from(5))]);
    /// let wrapped = Value::from(input).wrap()?;
    /// assert_eq!((wrapped.data, wrapped.timestamp), (Value::from("hello"), Some(5)));
    ///
    /// let wrapped = Value::from(42).wrap()?;
    /// assert_eq!(wrapped.data.get("value"), Some(&Value::from(42)));
    /// assert_eq!(wrapped.timestamp, None);
    /// # Ok::<(), evlog_store::value::WrapError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WrapError`] where `timestamp` is anything else: to take another time silently would falsify the event.
    pub fn wrap(self) -> Result<Wrapped, WrapError> {
        let timestamp = match self.get("timestamp") {
            None | Some(Value::Null) => None,
            Some(time) => Some(time.as_i64().ok_or(WrapError { found: time.kind() })?),
        };
        let data = match self {
            Value::Map(mut map) => match map.remove("data") {
                Some(data) => data,
                None => whole(Value::Map(map)),
            },
            other => whole(other),
        };
        Ok(Wrapped { data, timestamp })
    }
}

/// Input whose `timestamp` is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("timestamp must be an integer, microseconds since 1970 that fit 64 bits, and is {found}")]
pub struct WrapError {
    /// What it is instead.
    pub found: &'static str,
}

fn whole(input: Value) -> Value {
    Value::Map(Map::from([("value", input)]))
}
