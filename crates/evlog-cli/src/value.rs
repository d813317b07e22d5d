//! Events that are values: JSON in, JSON out, rkyv in between.

use std::borrow::Cow;

use evlog_core::Event;
use evlog_store::schema::{SchemaTag, Scratch};
use evlog_store::value::{JsonError, Value};

/// Knows events that are values by the schema number that stands with them.
#[derive(Debug)]
pub(crate) struct Values {
    number: u32,
}

impl Values {
    pub(crate) fn new() -> Values {
        Values { number: SchemaTag::of::<Value>().number() }
    }

    /// The schema number of events that are values.
    pub(crate) fn schema(&self) -> u32 {
        self.number
    }

    /// The payload of the value that `json` tells.
    ///
    /// # Errors
    /// Where it is no JSON, with line and column in it.
    pub(crate) fn encode<'a>(json: &[u8], scratch: &'a mut Scratch) -> Result<&'a [u8], String> {
        let value = Value::from_json(json).map_err(|error: JsonError| error.to_string())?;
        value.encode(scratch).map_err(|error| error.to_string())
    }

    /// The JSON of an event, if it is a value; one that cannot be read is shown as the bytes that it is.
    pub(crate) fn json(&self, event: &Event<'_>) -> Option<String> {
        if event.schema != self.number {
            return None;
        }
        Value::decode(event.payload, &mut Scratch::default()).ok()?.to_json().ok()
    }

    /// What stands for the payload in a text.
    pub(crate) fn text<'a>(&self, event: &Event<'a>) -> Cow<'a, [u8]> {
        self.json(event).map_or(Cow::Borrowed(event.payload), |json| Cow::Owned(json.into_bytes()))
    }
}
