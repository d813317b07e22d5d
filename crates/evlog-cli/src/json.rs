//! The lines of JSON that commands put out. Times are integers: microseconds since the Unix epoch.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evlog_core::{Event, Gap, Position};
use evlog_store::TopicName;
use serde::Serialize;

/// Puts `value` and a newline behind what is in `out`.
pub(crate) fn write_line<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    write(out, value);
    out.push(b'\n');
}

fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Writing to memory does not fail, nor does any `Serialize` of this command.
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "{written:?}");
}

/// Puts `{"topic","position","timestamp","payload"}` and a newline behind what is in `out`, with `payload_base64` for a
/// payload that is not UTF-8, and `value` for one that is a value. Written by hand, because it is done for every event.
pub(crate) fn write_event(out: &mut Vec<u8>, topic: &TopicName, event: &Event<'_>, value: Option<&str>) {
    // Nothing in the name of a topic needs an escape.
    out.extend_from_slice(b"{\"topic\":\"");
    out.extend_from_slice(topic.as_str().as_bytes());
    out.extend_from_slice(b"\",\"position\":");
    write(out, &event.position);
    out.extend_from_slice(b",\"timestamp\":");
    write(out, &event.timestamp);
    if let Some(value) = value {
        out.extend_from_slice(b",\"value\":");
        out.extend_from_slice(value.as_bytes());
    } else if let Ok(text) = std::str::from_utf8(event.payload) {
        out.extend_from_slice(b",\"payload\":");
        write_string(out, text);
    } else {
        out.extend_from_slice(b",\"payload_base64\":");
        write_base64(out, event.payload);
    }
    out.extend_from_slice(b"}\n");
}

/// Most texts need no escape, and finding that out takes a fraction of the time of looking for escapes.
fn write_string(out: &mut Vec<u8>, text: &str) {
    let needs_escape = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    if text.bytes().fold(false, |found, byte| found | needs_escape(byte)) {
        return write(out, text);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn write_base64(out: &mut Vec<u8>, payload: &[u8]) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + payload.len().div_ceil(3) * 4, 0);
    // There is room for exactly as many characters as there are.
    let written = STANDARD.encode_slice(payload, &mut out[start..]);
    debug_assert_eq!(written.ok(), Some(out.len() - start));
    out.push(b'"');
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
        let topic = "orders".parse().expect("a name");
        write_event(&mut out, &topic, &Event { position: 7, timestamp: -1, schema: 0, payload }, None);
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

    #[test]
    fn every_character_comes_back() {
        for number in 0..0x300 {
            let text = format!("before{}behind", char::from_u32(number).expect("a character"));
            let found: serde_json::Value = serde_json::from_str(&line(text.as_bytes())).expect("JSON");
            assert_eq!(found["payload"], text, "{number:#x}");
        }
    }
}
