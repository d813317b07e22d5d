//! `--format`: what an event looks like in the output.

use std::str::FromStr;

use evlog_core::Event;
use evlog_store::TopicName;

use crate::delimiter::Delimiter;
use crate::json;
use crate::template::Template;
use crate::text::{Audience, write_hex, write_payload};
use crate::value::Values;

/// How events are put out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The payload and nothing else.
    Raw,
    /// The payload and a newline.
    Text,
    /// One JSON object a line.
    Json,
    /// The payload in hexadecimal digits, and a newline.
    Hex,
    /// A text of the user's with places for the parts of an event, and a newline.
    Template(Template),
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        match text {
            "raw" => Ok(Format::Raw),
            "text" => Ok(Format::Text),
            "json" => Ok(Format::Json),
            "hex" => Ok(Format::Hex),
            _ if text.contains('{') => text.parse().map(Format::Template),
            _ => Err("say raw, text, json, hex, or a template such as '{position} {payload}'".to_owned()),
        }
    }
}

impl Format {
    /// What stands behind each event unless the user says otherwise.
    pub(crate) fn delimiter(&self) -> Delimiter {
        match self {
            Format::Raw => Delimiter::Nothing,
            _ => Delimiter::NEWLINE,
        }
    }
}

/// Puts events out in one format.
#[derive(Debug)]
pub(crate) struct EventFormatter {
    topic: TopicName,
    format: Format,
    delimiter: Delimiter,
    audience: Audience,
    values: Values,
}

impl EventFormatter {
    pub(crate) fn new(
        topic: &TopicName,
        format: Format,
        delimiter: Option<Delimiter>,
        audience: Audience,
    ) -> EventFormatter {
        let delimiter = delimiter.unwrap_or_else(|| format.delimiter());
        EventFormatter { topic: topic.clone(), format, delimiter, audience, values: Values::new() }
    }

    /// The topic whose events they are.
    pub(crate) fn topic(&self) -> &TopicName {
        &self.topic
    }

    /// Whether the lines are JSON, so that gaps are lines too.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Puts `event` behind what is in `out`.
    pub(crate) fn write(&self, event: &Event<'_>, out: &mut Vec<u8>) {
        match &self.format {
            Format::Json => {
                return json::write_event(out, &self.topic, event, self.values.json(event).as_deref());
            }
            Format::Raw => out.extend_from_slice(&self.values.text(event)),
            Format::Text => write_payload(&self.values.text(event), self.audience, out),
            Format::Hex => write_hex(event.payload, out),
            Format::Template(template) => {
                let shown = Event { payload: &self.values.text(event), ..*event };
                template.write(self.topic.as_str(), &shown, self.audience, out);
            }
        }
        self.delimiter.write(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(format: &str, delimiter: Option<&str>, audience: Audience, payload: &[u8]) -> Vec<u8> {
        let delimiter = delimiter.map(|text| text.parse().expect(text));
        let formatter = EventFormatter::new(
            &"orders".parse().expect("a name"),
            format.parse().expect(format),
            delimiter,
            audience,
        );
        let mut out = b"before ".to_vec();
        formatter
            .write(&Event { position: 42, timestamp: 1_700_000_000_000_000, schema: 3, payload }, &mut out);
        out.strip_prefix(b"before ").expect("what was there is still there").to_vec()
    }

    #[test]
    fn programs_get_every_byte() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(shown("raw", None, Audience::Program, &all), all);
        assert_eq!(shown("text", None, Audience::Program, &all), [&all[..], b"\n"].concat());
        assert_eq!(shown("text", Some("none"), Audience::Program, &all), all);
        assert_eq!(shown("raw", Some("\\0"), Audience::Program, &all), [&all[..], b"\0"].concat());
        assert_eq!(shown("raw", None, Audience::Terminal, &all), all, "raw is raw everywhere");
    }

    #[test]
    fn hex_has_two_digits_for_each_byte() {
        assert_eq!(shown("hex", None, Audience::Program, &[0, 0x0f, 0xa0, 0xff]), b"000fa0ff\n");
        assert_eq!(shown("hex", Some(","), Audience::Program, b""), b",");
    }

    #[test]
    fn unknown_formats_are_refused() {
        for text in ["", "xml", "Text", "JSON", "raw "] {
            text.parse::<Format>().expect_err(text);
        }
    }
}
