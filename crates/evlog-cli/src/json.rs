//! The lines of JSON that commands put out. Times are integers: microseconds since the Unix epoch.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use evlog_core::{Event, Gap, Position};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// Puts `value` and a newline behind what is in `out`.
pub(crate) fn write_line<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    // Writing to memory does not fail, nor does any `Serialize` of this command.
    let written = serde_json::to_writer(&mut *out, value);
    debug_assert!(written.is_ok(), "{written:?}");
    out.push(b'\n');
}

/// `{"topic","position","timestamp","payload"}`, with `payload_base64` for a payload that is not UTF-8.
pub(crate) struct EventLine<'a> {
    pub(crate) topic: &'a str,
    pub(crate) event: Event<'a>,
}

impl Serialize for EventLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_struct("EventLine", 4)?;
        line.serialize_field("topic", self.topic)?;
        line.serialize_field("position", &self.event.position)?;
        line.serialize_field("timestamp", &self.event.timestamp)?;
        match std::str::from_utf8(self.event.payload) {
            Ok(text) => line.serialize_field("payload", text)?,
            Err(_) => line.serialize_field("payload_base64", &Base64(self.event.payload))?,
        }
        line.end()
    }
}

/// Bytes as base64, with padding.
struct Base64<'a>(&'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

/// `{"topic","gap":{"from","to","reason"}}`.
#[derive(Serialize)]
pub(crate) struct GapLine<'a> {
    pub(crate) topic: &'a str,
    pub(crate) gap: GapObject,
}

/// Positions that cannot be read, `[from, to)`, and why.
#[derive(Serialize)]
pub(crate) struct GapObject {
    from: Position,
    to: Position,
    reason: &'static str,
}

impl From<&Gap> for GapObject {
    fn from(gap: &Gap) -> GapObject {
        GapObject { from: gap.from, to: gap.to, reason: gap.reason.name() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(payload: &[u8]) -> String {
        let mut out = Vec::new();
        let event = Event { position: 7, timestamp: -1, schema: 0, payload };
        write_line(&mut out, &EventLine { topic: "orders", event });
        String::from_utf8(out).expect("JSON is text")
    }

    #[test]
    fn text_stays_text_and_other_bytes_become_base64() {
        let head = r#"{"topic":"orders","position":7,"timestamp":-1"#;
        assert_eq!(line(b"hello"), format!("{head},\"payload\":\"hello\"}}\n"));
        assert_eq!(line(b""), format!("{head},\"payload\":\"\"}}\n"));
        assert_eq!(
            line("\"\\\u{8}\n\u{1}é\u{1f600}".as_bytes()),
            format!("{head},\"payload\":\"\\\"\\\\\\b\\n\\u0001é\u{1f600}\"}}\n")
        );
        assert_eq!(line(&[0xff]), format!("{head},\"payload_base64\":\"/w==\"}}\n"));
        assert_eq!(line(&[b'a', 0xfe, 0xff]), format!("{head},\"payload_base64\":\"Yf7/\"}}\n"));
    }
}
