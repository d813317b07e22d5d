//! `--format TEMPLATE`: a text with places for the parts of an event.

use std::io::Write;
use std::str::FromStr;

use evlog_core::Event;

use crate::text::{Audience, readable_time, unescape, write_hex, write_payload};

/// A text such as `{position} {payload}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Vec<u8>),
    Topic,
    Position,
    /// Microseconds since the Unix epoch.
    Timestamp,
    /// The same, as a date and a time.
    Time,
    Schema,
    /// Bytes of the payload.
    Size,
    Payload,
    Hex,
}

const NAMES: &str = "{topic}, {position}, {timestamp}, {time}, {schema}, {size}, {payload}, {hex}";

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            rest = &rest[at..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                literal.push_str(&rest[..1]);
                rest = &rest[2..];
                continue;
            }
            let (name, behind) = rest
                .strip_prefix('{')
                .and_then(|inside| inside.split_once('}'))
                .ok_or("a single brace in a template is written twice: {{ or }}")?;
            if !literal.is_empty() {
                parts.push(Part::Literal(unescape(&literal)?));
                literal.clear();
            }
            parts.push(Part::named(name)?);
            rest = behind;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(unescape(&literal)?));
        }
        Ok(Template(parts))
    }
}

impl Part {
    fn named(name: &str) -> Result<Part, String> {
        Ok(match name {
            "topic" => Part::Topic,
            "position" => Part::Position,
            "timestamp" => Part::Timestamp,
            "time" => Part::Time,
            "schema" => Part::Schema,
            "size" => Part::Size,
            "payload" => Part::Payload,
            "hex" => Part::Hex,
            _ => return Err(format!("a template knows {NAMES}, not {{{name}}}")),
        })
    }
}

impl Template {
    /// Puts the text for `event` behind what is in `out`.
    pub(crate) fn write(&self, topic: &str, event: &Event<'_>, audience: Audience, out: &mut Vec<u8>) {
        for part in &self.0 {
            // Writing to memory does not fail.
            let _ = match part {
                Part::Literal(bytes) => out.write_all(bytes),
                Part::Topic => out.write_all(topic.as_bytes()),
                Part::Position => write!(out, "{}", event.position),
                Part::Timestamp => write!(out, "{}", event.timestamp),
                Part::Time => out.write_all(readable_time(event.timestamp).as_bytes()),
                Part::Schema => write!(out, "{}", event.schema),
                Part::Size => write!(out, "{}", event.payload.len()),
                Part::Payload => {
                    write_payload(event.payload, audience, out);
                    Ok(())
                }
                Part::Hex => {
                    write_hex(event.payload, out);
                    Ok(())
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(template: &str) -> Vec<u8> {
        let event = Event { position: 42, timestamp: 1_700_000_000_000_000, schema: 3, payload: b"hi\xff" };
        let mut out = Vec::new();
        let template: Template = template.parse().expect(template);
        template.write("orders", &event, Audience::Program, &mut out);
        out
    }

    #[test]
    fn every_part_has_its_place() {
        let all = "{topic}|{position}|{timestamp}|{time}|{schema}|{size}|{payload}|{hex}";
        assert_eq!(shown(all), b"orders|42|1700000000000000|2023-11-14T22:13:20Z|3|3|hi\xff|6869ff");
        for name in NAMES.split(", ") {
            assert!(all.contains(name), "{name} is not tried");
        }
    }

    #[test]
    fn braces_and_escapes_stand_for_bytes() {
        assert_eq!(shown("{{{position}}}\\t\\x00\\\\"), b"{42}\t\x00\\");
        assert_eq!(shown("{payload}{payload}"), b"hi\xffhi\xff");
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in
            ["{", "}", "{position", "position}", "{}", "{offset}", "{{}", "{position }", "{payload}\\q"]
        {
            text.parse::<Template>().expect_err(text);
        }
    }
}
