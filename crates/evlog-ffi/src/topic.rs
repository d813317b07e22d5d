//! Topics: opening and closing, how far they reach, and what they keep.

use evlog_core::Place;

use crate::boundary::{
    Answer, ErrorOut, Extent, GrowingOut, NewHandle, OptionalOut, Out, Owned, Plain, Shared, Word, call, free,
};
use crate::handle::{Held, Kind};
use crate::options::Options;
use crate::status::Status;
use crate::store::Store;
use crate::time::{in_time, limit_of};

/// A named log of a store. Any threads at once. It keeps its store alive until that is closed.
pub struct Topic(pub(crate) evlog_store::Topic);

impl Held for Topic {
    const KIND: Kind = Kind::Topic;
}

/// The topic of this name; it is made where it is missing. It is opened behind a close that is under way. With
/// `EVLOG_TIMEOUT` it is being opened: call again. Free the handle with `evlog_topic_free`, which leaves the
/// topic open, or close the topic with `evlog_topic_close`.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_topic_open(
    store: Shared<Store>,
    name: Word,
    timeout_ms: i64,
    topic_out: NewHandle<Topic>,
    err: ErrorOut,
) -> Status {
    call(store, topic_out, err, |store| {
        in_time(store.0.within(limit_of(timeout_ms)).topic(name.text("the name")?).map(Topic))
    })
}

/// As `evlog_topic_open`, but `EVLOG_E_NOT_FOUND` where the store has no such topic.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_topic_open_existing(
    store: Shared<Store>,
    name: Word,
    timeout_ms: i64,
    topic_out: NewHandle<Topic>,
    err: ErrorOut,
) -> Status {
    call(store, topic_out, err, |store| {
        in_time(store.0.within(limit_of(timeout_ms)).existing_topic(name.text("the name")?).map(Topic))
    })
}

/// Makes everything durable that was accepted, closes the topic for all its handles, and frees this one, whatever it
/// answers. The store opens the topic again when asked. With `EVLOG_TIMEOUT` it is being closed, and nobody hears how
/// that ends.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_topic_close(topic: Owned<Topic>, timeout_ms: i64, err: ErrorOut) -> Status {
    call(topic, (), err, |topic| in_time(topic.0.within(limit_of(timeout_ms)).close()))
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
        // Before the range: what is durable by now lies within it, also while the topic grows or is trimmed.
        let durable_end = topic.0.durable_end();
        let range = topic.0.range();
        let segments = topic.0.segments()?;
        Ok(Answer::Done(Extent {
            start: range.start,
            end: range.end,
            durable_end: durable_end.max(range.start),
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

/// Waits until the event at `position` is durable.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_wait_past(
    topic: Shared<Topic>,
    position: u64,
    timeout_ms: i64,
    err: ErrorOut,
) -> Status {
    call(topic, (), err, |topic| {
        let is_there = topic.0.wait_past(position, limit_of(timeout_ms))?;
        Ok(if is_there { Answer::Done(()) } else { Answer::TimedOut })
    })
}

/// Drops whole segments from the front whose events all lie before `position`, and gives the new start.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_trim(
    topic: Shared<Topic>,
    position: u64,
    timeout_ms: i64,
    start_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call(topic, start_out, err, |topic| in_time(topic.0.within(limit_of(timeout_ms)).trim_before(position)))
}

/// Drops now what the retention does not keep, and gives the start. It happens by itself after every roll, and as
/// events grow old.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_retention_run(
    topic: Shared<Topic>,
    timeout_ms: i64,
    start_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call(topic, start_out, err, |topic| in_time(topic.0.within(limit_of(timeout_ms)).enforce_retention()))
}

/// Changes what the topic keeps, until it is closed, to what the `retention_*` and `wrap` of the options say.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_retention_set(
    topic: Shared<Topic>,
    options: Shared<Options>,
    timeout_ms: i64,
    err: ErrorOut,
) -> Status {
    call((topic, options), (), err, |(topic, options)| {
        in_time(topic.0.within(limit_of(timeout_ms)).set_retention(*options.0.kept()))
    })
}

/// Makes everything durable and starts a new segment, so that all events so far can be trimmed.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_roll(topic: Shared<Topic>, timeout_ms: i64, err: ErrorOut) -> Status {
    call(topic, (), err, |topic| in_time(topic.0.within(limit_of(timeout_ms)).roll()))
}
