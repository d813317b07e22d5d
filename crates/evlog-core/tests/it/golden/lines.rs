//! What is read of a log, as the lines that `evlog read --format json` puts out.

use std::ops::Range;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evlog_core::{Error, Gap, Log, Options, Place, Position, Read, ReadLevel, Result, Timestamp};

use crate::common::batch;

/// What came of reading a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Read(Vec<String>),
    /// The log is none that can be read.
    Refused,
}

pub(super) fn event(position: Position, timestamp: Timestamp, payload: &[u8]) -> String {
    let (name, text) = match std::str::from_utf8(payload) {
        Ok(text) => ("payload", text.to_owned()),
        Err(_) => ("payload_base64", STANDARD.encode(payload)),
    };
    let text = serde_json::to_string(&text).unwrap();
    format!(r#"{{"topic":"log","position":{position},"timestamp":{timestamp},"{name}":{text}}}"#)
}

pub(super) fn gap(positions: &Range<Position>, reason: &str) -> String {
    let Range { start, end } = positions;
    format!(r#"{{"topic":"log","gap":{{"from":{start},"to":{end},"reason":"{reason}"}}}}"#)
}

/// Everything that can be read of a log, proven or not.
pub(super) fn read_only(opened: Result<Log>) -> Outcome {
    match opened.and_then(|log| read(&log)) {
        Ok(lines) => Outcome::Read(lines),
        Err(error) if name_of(&error) != "other" => Outcome::Refused,
        Err(error) => panic!("{error}: {error:?}"),
    }
}

fn read(log: &Log) -> Result<Vec<String>> {
    let mut reader = log.read(Read::from(Place::Oldest).level(ReadLevel::Written))?;
    let mut lines = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(found)) => lines.push(event(found.position, found.timestamp, found.payload)),
            Ok(None) => return Ok(lines),
            Err(Error::Gap(Gap { from, to, reason, .. })) => lines.push(gap(&(from..to), reason.name())),
            Err(error) => return Err(error),
        }
    }
}

/// Appends an event to a log and to the lines that are expected of it, closes it, and reads it anew.
pub(super) fn append_and_read(mut log: Log, path: &Path, expected: &mut Vec<String>) -> Outcome {
    let positions = log.append(&batch(-1, &[b"one more"])).unwrap();
    expected.push(event(positions.start, -1, b"one more"));
    log.close().unwrap();
    read_only(Options::new().open_read_only(path))
}

/// The word for why a log is refused, or `other`.
pub(super) fn name_of(error: &Error) -> &'static str {
    match error {
        Error::MissingSegments { .. } => "missing segments",
        Error::NotALog { .. } => "not a log",
        Error::Unsupported { .. } => "unsupported",
        Error::UnsafeFile { .. } => "unsafe file",
        _ => "other",
    }
}
