//! What is known of a topic: recovery, verification, segments, metrics.

use std::ops::Range;

use evlog_core::{Found, Gap, Position, Report, Verification as Verified};
use evlog_store::metrics::TopicSnapshot;
use serde_json::{Value, json};

use crate::boundary::{
    Answer, ErrorOut, GrowingOut, Metrics, NewHandle, OptionalGrowingOut, OptionalHandle, Plain, Shared,
    Verification, call,
};
use crate::status::Status;
use crate::text::Text;
use crate::topic::Topic;

/// What the open of the topic found and did, as a JSON object: `found` (`new`, `closed`, `unclean`), `has_writer`,
/// `scanned_bytes`, `rewritten_bytes`, `leftover_bytes`, `leftover_positions`, `unproven`, `gone` (each an object with
/// `from` and `to`, or null), `gaps` (as `damage` of `evlog_verify`), `foreign` (files).
#[unsafe(no_mangle)]
pub extern "C" fn evlog_recovery_report(
    topic: Shared<Topic>,
    json_out: NewHandle<Text>,
    err: ErrorOut,
) -> Status {
    call(topic, json_out, err, |topic| {
        Ok(Answer::Done(Text::new(&json_of_report(topic.0.recovery_report()).to_string())))
    })
}

/// Reads everything written and checks every checksum. Damage is no error here: it is counted, and listed in a JSON
/// object with `events`, `bytes`, `segments` and `damage`, an array of `from`, `to`, `reason`, `file`, `offset`, `length`.
/// Either pointer may be null.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_verify(
    topic: Shared<Topic>,
    verification_out: OptionalGrowingOut<Verification>,
    json_out: OptionalHandle<Text>,
    err: ErrorOut,
) -> Status {
    call(topic, (json_out, verification_out), err, |topic| {
        let verified = topic.0.verify()?;
        let text = Text::new(&json_of_verified(&verified).to_string());
        let counts = Verification {
            events: verified.events,
            bytes: verified.bytes,
            segments: verified.segments,
            damage: verified.damage.len() as u64,
            ..Verification::ZERO
        };
        Ok(Answer::Done((text, counts)))
    })
}

/// What is known of each segment, oldest first: a JSON array of objects with `segment` (its file), `start`, `end`,
/// `bytes`, and, where it has events, `least_timestamp` and `greatest_timestamp`.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_segments(topic: Shared<Topic>, json_out: NewHandle<Text>, err: ErrorOut) -> Status {
    call(topic, json_out, err, |topic| {
        let segments: Vec<Value> = topic
            .0
            .segments()?
            .iter()
            .map(|segment| {
                let has_events = segment.least <= segment.greatest;
                json!({
                    "segment": segment.name.to_string(),
                    "start": segment.name.base,
                    "end": segment.end,
                    "bytes": segment.bytes,
                    "least_timestamp": has_events.then_some(segment.least),
                    "greatest_timestamp": has_events.then_some(segment.greatest),
                })
            })
            .collect();
        Ok(Answer::Done(Text::new(&Value::from(segments).to_string())))
    })
}

/// What the topic has counted since it was opened.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_topic_metrics(
    topic: Shared<Topic>,
    metrics_out: GrowingOut<Metrics>,
    err: ErrorOut,
) -> Status {
    call(topic, metrics_out, err, |topic| Ok(Answer::Done(metrics_of(&topic.0.metrics()?))))
}

fn json_of_report(report: &Report) -> Value {
    let found = match report.found {
        Found::Nothing => "new",
        Found::Closed => "closed",
        _ => "unclean",
    };
    let foreign: Vec<_> = report.foreign.iter().map(|path| path.to_string_lossy()).collect();
    json!({
        "found": found,
        "has_writer": report.has_writer,
        "scanned_bytes": report.scanned_bytes,
        "rewritten_bytes": report.rewritten_bytes,
        "leftover_bytes": report.leftover_bytes,
        "leftover_positions": json_of_range(&report.leftover_positions),
        "unproven": json_of_range(&report.unproven),
        "gone": json_of_range(&report.gone),
        "gaps": json_of_gaps(&report.gaps),
        "foreign": foreign,
    })
}

fn json_of_verified(verified: &Verified) -> Value {
    json!({
        "events": verified.events,
        "bytes": verified.bytes,
        "segments": verified.segments,
        "damage": json_of_gaps(&verified.damage),
    })
}

fn json_of_range(range: &Range<Position>) -> Value {
    if range.is_empty() { Value::Null } else { json!({ "from": range.start, "to": range.end }) }
}

fn json_of_gaps(gaps: &[Gap]) -> Vec<Value> {
    let object = |gap: &Gap| {
        json!({
            "from": gap.from,
            "to": gap.to,
            "reason": gap.reason.name(),
            "file": gap.path.to_string_lossy(),
            "offset": gap.offset,
            "length": gap.length,
        })
    };
    gaps.iter().map(object).collect()
}

fn metrics_of(snapshot: &TopicSnapshot) -> Metrics {
    let nanos = |span: std::time::Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    Metrics {
        append_events: snapshot.append_events,
        append_bytes: snapshot.append_bytes,
        append_batches: snapshot.append_batches,
        append_errors: snapshot.append_errors.iter().map(|(_, count)| count).sum(),
        syncs: snapshot.sync_nanos.count(),
        sync_nanos: snapshot.sync_nanos.sum(),
        commit_waits: snapshot.commit_wait_nanos.count(),
        commit_wait_nanos: snapshot.commit_wait_nanos.sum(),
        groups: snapshot.group_events.count(),
        reads: snapshot.reads,
        read_events: snapshot.read_events,
        read_bytes: snapshot.read_bytes,
        read_errors: snapshot.read_errors,
        damage: snapshot.damage,
        repairs: snapshot.repairs,
        segments_rolled: snapshot.segments_rolled,
        trimmed_bytes: snapshot.trimmed_bytes,
        last_write_nanos: nanos(snapshot.last_write),
        last_read_nanos: nanos(snapshot.last_read),
        start: snapshot.start_position,
        end: snapshot.end_position,
        durable_end: snapshot.durable_position,
        bytes: snapshot.bytes,
        segments: snapshot.segments,
        pending_bytes: snapshot.pending_bytes,
        poisoned: u64::from(snapshot.poisoned),
        ..Metrics::ZERO
    }
}
