//! Topics: opening and closing, how far they reach, and what they keep.

use std::time::Duration;

use evlog_core::Place;

use crate::boundary::{
    Answer, ErrorOut, Extent, GrowingOut, NewHandle, OptionalOut, Out, Owned, Plain, Shared, Word, call, free,
};
use crate::handle::{Held, Kind};
use crate::options::Options;
use crate::status::Status;
use crate::store::Store;
use crate::time::span_of;

/// A named log of a store. Any threads at once. It keeps its store alive until that is closed.
pub struct Topic(pub(crate) evlog_store::Topic);

impl Held for Topic {
    const KIND: Kind = Kind::Topic;
}

/// The topic of this name; it is made where it is missing. Free the handle with `evlog_topic_free`, which leaves the
/// topic open, or close the topic with `evlog_topic_close`.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_topic_open(
    store: Shared<Store>,
    name: Word,
    topic_out: NewHandle<Topic>,
    err: ErrorOut,
) -> Status {
    call(store, topic_out, err, |store| Ok(Answer::Done(Topic(store.0.topic(name.text("the name")?)?))))
}

/// The topic of this name; `EVLOG_E_NOT_FOUND` where the store has none.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_topic_open_existing(
    store: Shared<Store>,
    name: Word,
    topic_out: NewHandle<Topic>,
    err: ErrorOut,
) -> Status {
    call(store, topic_out, err, |store| {
        Ok(Answer::Done(Topic(store.0.existing_topic(name.text("the name")?)?)))
    })
}

/// Makes everything durable that was accepted, closes the topic for all its handles, and frees this one, whatever it
/// answers. The store opens the topic again when asked.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_topic_close(topic: Owned<Topic>, err: ErrorOut) -> Status {
    call(topic, (), err, |topic| Ok(Answer::Done(topic.0.close()?)))
}

/// Frees a handle of a topic, which stays open; null is fine.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_topic_free(topic: Owned<Topic>) -> Status {
    free(&topic)
}

/// How far the topic reaches.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_topic_extent(
    topic: Shared<Topic>,
    extent_out: GrowingOut<Extent>,
    err: ErrorOut,
) -> Status {
    call(topic, extent_out, err, |topic| {
        let range = topic.0.range();
        let segments = topic.0.segments()?;
        Ok(Answer::Done(Extent {
            start: range.start,
            end: range.end,
            durable_end: topic.0.durable_end(),
            bytes: segments.iter().map(|segment| segment.bytes).sum(),
            segments: segments.len() as u64,
            oldest_us: segments.iter().map(|segment| segment.least).min().unwrap_or(i64::MAX),
            newest_us: segments.iter().map(|segment| segment.greatest).max().unwrap_or(i64::MIN),
            ..Extent::ZERO
        }))
    })
}

/// The position of the first event whose timestamp is at or after `timestamp_us`; the end where there is none.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_find(
    topic: Shared<Topic>,
    timestamp_us: i64,
    position_out: Out<u64>,
    err: ErrorOut,
) -> Status {
    call(topic, position_out, err, |topic| Ok(Answer::Done(topic.0.find(timestamp_us)?)))
}

/// The position that a place stands for right now: `oldest`, `end`, `42`, `-100` (so many before the end),
/// `@2026-11-22T10:00:00Z`, `@-1h`.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_position_of(
    topic: Shared<Topic>,
    place: Word,
    position_out: Out<u64>,
    err: ErrorOut,
) -> Status {
    call(topic, position_out, err, |topic| {
        let place: Place = place.text("the place")?.parse()?;
        Ok(Answer::Done(topic.0.position_of(place)?))
    })
}

/// Waits until the event at `position` is durable; `EVLOG_TIMEOUT` where that many milliseconds passed before. A
/// negative timeout stands for no limit.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_wait_past(
    topic: Shared<Topic>,
    position: u64,
    timeout_ms: i64,
    err: ErrorOut,
) -> Status {
    call(topic, (), err, |topic| {
        let is_there = topic.0.wait_past(position, span_of(timeout_ms).unwrap_or(Duration::MAX))?;
        Ok(if is_there { Answer::Done(()) } else { Answer::TimedOut })
    })
}

/// Drops whole segments from the front whose events all lie before `position`, and gives the new start.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_trim(
    topic: Shared<Topic>,
    position: u64,
    start_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call(topic, start_out, err, |topic| Ok(Answer::Done(topic.0.trim_before(position)?)))
}

/// Drops now what the retention does not keep, and gives the start. It happens by itself after every roll, and as
/// events grow old.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_retention_run(
    topic: Shared<Topic>,
    start_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call(topic, start_out, err, |topic| Ok(Answer::Done(topic.0.enforce_retention()?)))
}

/// Changes what the topic keeps, until it is closed, to what the `retention_*` and `wrap` of the options say.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_retention_set(
    topic: Shared<Topic>,
    options: Shared<Options>,
    err: ErrorOut,
) -> Status {
    call((topic, options), (), err, |(topic, options)| {
        topic.0.set_retention(*options.0.kept())?;
        Ok(Answer::Done(()))
    })
}

/// Makes everything durable and starts a new segment, so that all events so far can be trimmed.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_roll(topic: Shared<Topic>, err: ErrorOut) -> Status {
    call(topic, (), err, |topic| Ok(Answer::Done(topic.0.roll()?)))
}
