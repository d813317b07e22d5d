//! Readers: forwards and backwards, to the end or following it.

use std::time::Duration;

use evlog_core::{Place, Read as What, ReadLevel};
use evlog_store::Follower;

use crate::boundary::{
    Alone, Answer, ErrorOut, Growing, NewHandle, Out, Owned, Read, Room, Shared, Slice, Word, call, free,
};
use crate::failure::Failure;
use crate::handle::{Held, Kind};
use crate::status::Status;
use crate::time::span_of;
use crate::topic::Topic;

/// Oldest event first.
pub const EVLOG_FORWARD: i32 = 0;
/// Newest event first.
pub const EVLOG_REVERSE: i32 = 1;

/// Only events that a power loss cannot take away any more.
pub const EVLOG_READ_DURABLE: i32 = 0;
/// All events that were written, also those that a power loss may still take away.
pub const EVLOG_READ_WRITTEN: i32 = 1;

/// Events that one call hands out at most.
const MOST_AT_ONCE: usize = 4_096;
/// Bytes of payloads that one call hands out at most, but for a single larger event.
const LENT: usize = 1 << 20;

/// One event.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Event {
    /// Its place in the topic: 0, 1, 2 ...
    pub position: u64,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub timestamp_us: i64,
    /// Its bytes. They are the reader's: valid until the next call with it.
    pub payload: Slice,
    /// The number that was given with it; 0 for none.
    pub schema: u32,
}

impl Event {
    fn of(event: &evlog_core::Event<'_>) -> Event {
        Event {
            position: event.position,
            timestamp_us: event.timestamp,
            payload: Slice::of(event.payload),
            schema: event.schema,
        }
    }
}

/// Walks the events of a topic. One thread at a time; it may move between threads. It takes no file away from retention
/// and goes on to the end of what is there after its topic was closed.
pub struct Reader {
    walk: Walk,
    topic: evlog_store::Topic,
    /// The payloads that the last call handed out, where it was more than one.
    lent: Vec<u8>,
    /// What went wrong behind the events that the last call handed out: the next call says it.
    waiting: Option<Failure>,
}

impl Held for Reader {
    const KIND: Kind = Kind::Reader;
}

enum Walk {
    ToTheEnd(evlog_store::Reader),
    Follow(Follower),
}

impl Reader {
    fn new(topic: &Topic, walk: Walk) -> Reader {
        Reader { walk, topic: topic.0.clone(), lent: Vec::new(), waiting: None }
    }

    /// The next event. Only who follows waits for one.
    fn next(&mut self, wait: Option<Duration>) -> Result<Option<evlog_core::Event<'_>>, Failure> {
        if let Some(failure) = self.waiting.take() {
            return Err(failure);
        }
        Ok(match &mut self.walk {
            Walk::ToTheEnd(reader) => reader.next()?,
            Walk::Follow(follower) => follower.next(wait)?,
        })
    }

    /// What there is to say where there is no event.
    fn at_end<V>(&self) -> Answer<V> {
        match self.walk {
            Walk::ToTheEnd(_) => Answer::End,
            Walk::Follow(_) => Answer::TimedOut,
        }
    }

    /// As many events as fit, with copies of their payloads that last until the next call. Waits for the first alone.
    fn next_many(&mut self, wait: Option<Duration>, capacity: usize) -> Result<Vec<Event>, Failure> {
        let mut lent = std::mem::take(&mut self.lent);
        lent.clear();
        let mut events: Vec<Event> = Vec::with_capacity(capacity.min(MOST_AT_ONCE));
        while events.len() < capacity.min(MOST_AT_ONCE) && lent.len() < LENT {
            let wait = if events.is_empty() { wait } else { Some(Duration::ZERO) };
            match self.next(wait) {
                Ok(Some(event)) => {
                    lent.extend_from_slice(event.payload);
                    events.push(Event::of(&event));
                }
                Ok(None) => break,
                Err(failure) if events.is_empty() => return Err(failure),
                Err(failure) => {
                    self.waiting = Some(failure);
                    break;
                }
            }
        }
        self.lent = lent;
        let mut begin = 0;
        for event in &mut events {
            // The vector has moved as it grew; only now is it known where the payloads stand.
            let end = begin + event.payload.len;
            event.payload = Slice::of(&self.lent[begin..end]);
            begin = end;
        }
        Ok(events)
    }

    fn seek(&mut self, position: u64) {
        self.waiting = None;
        match &mut self.walk {
            Walk::ToTheEnd(reader) => reader.seek(position),
            Walk::Follow(follower) => follower.seek(position),
        }
    }
}

fn what_of(read: &Read) -> Result<What, Failure> {
    let place = |word: &Word, what| -> Result<Option<Place>, Failure> {
        Ok(word.text_or_null(what)?.map(str::parse).transpose()?)
    };
    let mut what =
        What::from(place(&read.from, "`from`")?.unwrap_or(Place::Oldest)).level(level_of(read.level)?);
    if let Some(to) = place(&read.to, "`to`")? {
        what = what.to(to);
    }
    if read.limit > 0 {
        what = what.limit(read.limit);
    }
    if let Some(since) = read.since_us.value("`since_us`")? {
        what = what.since(since);
    }
    match read.direction {
        EVLOG_FORWARD => Ok(what),
        EVLOG_REVERSE => Ok(what.reverse()),
        other => Err(Failure::invalid(format!("{other} is no direction"))),
    }
}

fn level_of(number: i32) -> Result<ReadLevel, Failure> {
    match number {
        EVLOG_READ_DURABLE => Ok(ReadLevel::Durable),
        EVLOG_READ_WRITTEN => Ok(ReadLevel::Written),
        other => Err(Failure::invalid(format!("{other} is no level of reading"))),
    }
}

/// A reader of what `read` says; null for every durable event, oldest first. It ends where the topic ends: a later call
/// goes on where the topic has grown.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_reader_open(
    topic: Shared<Topic>,
    read: Growing<Read>,
    reader_out: NewHandle<Reader>,
    err: ErrorOut,
) -> Status {
    call(topic, reader_out, err, |topic| {
        let reader = topic.0.read(what_of(&read.value()?)?)?;
        Ok(Answer::Done(Reader::new(topic, Walk::ToTheEnd(reader))))
    })
}

/// A reader that begins at the place `from` (null: the oldest event) and waits at the end for more.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_follow(
    topic: Shared<Topic>,
    from: Word,
    level: i32,
    reader_out: NewHandle<Reader>,
    err: ErrorOut,
) -> Status {
    call(topic, reader_out, err, |topic| {
        let from = from.text_or_null("the place")?.map(str::parse).transpose()?.unwrap_or(Place::Oldest);
        let follower = topic.0.follow_level(from, level_of(level)?)?;
        Ok(Answer::Done(Reader::new(topic, Walk::Follow(follower))))
    })
}

/// The next event. At the end a reader answers `EVLOG_END`; one that follows waits so many milliseconds for an event
/// (a negative number: without a limit; 0: not at all) and then answers `EVLOG_TIMEOUT`.
///
/// `EVLOG_E_CORRUPT`: the positions of `evlog_error_gap` cannot be read; the next call goes on behind them.
/// `EVLOG_E_TRIMMED`: retention was faster; seek to `evlog_error_position`.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_reader_next(
    reader: Alone<Reader>,
    timeout_ms: i64,
    event_out: Out<Event>,
    err: ErrorOut,
) -> Status {
    call(reader, event_out, err, |reader| {
        let event = reader.next(span_of(timeout_ms))?.as_ref().map(Event::of);
        Ok(event.map_or_else(|| reader.at_end(), Answer::Done))
    })
}

/// As `evlog_reader_next`, for up to `capacity` events at once: 4,096 or about 1 MiB of payloads at most. `*count_out` is
/// how many there are, at least one with `EVLOG_OK`. It waits for the first event only.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_reader_next_many(
    reader: Alone<Reader>,
    timeout_ms: i64,
    events_out: Room<Event>,
    capacity: usize,
    count_out: Out<usize>,
    err: ErrorOut,
) -> Status {
    call(reader, count_out, err, |reader| {
        if capacity == 0 {
            return Err(Failure::invalid("there is room for no event"));
        }
        events_out.check(capacity)?;
        let events = reader.next_many(span_of(timeout_ms), capacity)?;
        if events.is_empty() {
            return Ok(reader.at_end());
        }
        events_out.fill(events.iter().copied())?;
        Ok(Answer::Done(events.len()))
    })
}

/// The position that the next call looks at first.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_reader_position(
    reader: Shared<Reader>,
    position_out: Out<u64>,
    err: ErrorOut,
) -> Status {
    call(reader, position_out, err, |reader| {
        Ok(Answer::Done(match &reader.walk {
            Walk::ToTheEnd(reader) => reader.position(),
            Walk::Follow(follower) => follower.position(),
        }))
    })
}

/// Goes on at `position`, in the same direction. Errors of the position show with the next event.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_reader_seek(reader: Alone<Reader>, position: u64, err: ErrorOut) -> Status {
    call(reader, (), err, |reader| {
        reader.seek(position);
        Ok(Answer::Done(()))
    })
}

/// Goes on at a place: `oldest`, `end`, `-100`, `@2026-11-22T10:00:00Z`, `@-1h`.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_reader_seek_place(reader: Alone<Reader>, place: Word, err: ErrorOut) -> Status {
    call(reader, (), err, |reader| {
        let place: Place = place.text("the place")?.parse()?;
        let position = reader.topic.position_of(place)?;
        reader.seek(position);
        Ok(Answer::Done(()))
    })
}

/// Frees a reader, and with it the payloads of its last call; null is fine.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_reader_free(reader: Owned<Reader>) -> Status {
    free(&reader)
}
