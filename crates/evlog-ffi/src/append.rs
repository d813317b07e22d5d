//! Appending, and waiting for what was appended.

use evlog_core::Batch as Events;
use evlog_store::Durability;

use crate::batch::Batch;
use crate::boundary::{
    Answer, ErrorOut, Items, NewHandle, OptionalOut, Outcome, Owned, Shared, Slice, call, free,
};
use crate::error::EVLOG_ANY;
use crate::failure::Failure;
use crate::handle::{Held, Kind};
use crate::status::Status;
use crate::time::{EVLOG_NOW, span_of, time_of};
use crate::topic::Topic;

/// What an append or a wait waits for: what the option `durability` says.
pub const EVLOG_DEFAULT: i32 = -1;
/// Nothing: the event was accepted and has its position.
pub const EVLOG_BUFFERED: i32 = 0;
/// The system has the event: it outlives the process, not a power loss.
pub const EVLOG_WRITTEN: i32 = 1;
/// The event is on the disk.
pub const EVLOG_SYNCED: i32 = 2;

/// What a submit gives: where the events will be, and a way to wait for them. Any threads at once.
pub struct Ticket(evlog_store::Ticket);

impl Held for Ticket {
    const KIND: Kind = Kind::Ticket;
}

/// What to wait for; `None` for the default of the topic.
fn durability_of(number: i32) -> Result<Option<Durability>, Failure> {
    match number {
        EVLOG_DEFAULT => Ok(None),
        EVLOG_BUFFERED => Ok(Some(Durability::Buffered)),
        EVLOG_WRITTEN => Ok(Some(Durability::Written)),
        EVLOG_SYNCED => Ok(Some(Durability::Synced)),
        _ => Err(Failure::invalid(format!("{number} is no durability"))),
    }
}

/// Waits without an end, and gives the first position.
fn first_of(ticket: &evlog_store::Ticket, durability: Option<Durability>) -> Outcome<u64> {
    let positions = match durability {
        Some(Durability::Buffered) => ticket.positions(),
        Some(durability) => ticket.wait_for(durability)?,
        None => ticket.wait()?,
    };
    Ok(Answer::Done(positions.start))
}

/// A limit that passed is no error.
fn in_time<V>(waited: evlog_store::Result<V>) -> Outcome<V> {
    match waited {
        Err(evlog_store::Error::TimedOut { .. }) => Ok(Answer::TimedOut),
        other => Ok(Answer::Done(other?)),
    }
}

fn append_events(
    topic: &Topic,
    events: &Events,
    expected: u64,
) -> Result<evlog_store::Ticket, evlog_store::Error> {
    if expected == EVLOG_ANY { topic.0.append_batch(events) } else { topic.0.append_if(expected, events) }
}

/// Appends one event whose time is now, and waits until it is as durable as asked. With `EVLOG_BUFFERED` it returns at
/// once, unless the queue of the topic is full: the option `when_full` says how long it waits then.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_append(
    topic: Shared<Topic>,
    payload: Slice,
    durability: i32,
    position_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call(topic, position_out, err, |topic| {
        let durability = durability_of(durability)?;
        first_of(&topic.0.append(payload.bytes()?)?, durability)
    })
}

/// As `evlog_append`, with a timestamp (microseconds since 1970-01-01T00:00:00Z) and a schema, a number of yours.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_append_at(
    topic: Shared<Topic>,
    timestamp_us: i64,
    schema: u32,
    payload: Slice,
    durability: i32,
    position_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call(topic, position_out, err, |topic| {
        let durability = durability_of(durability)?;
        first_of(&topic.0.append_at(time_of(timestamp_us), schema, payload.bytes()?)?, durability)
    })
}

/// Appends `count` events as one batch: all or none of them are there after a crash. Their time is now. Where
/// `expected` is not `EVLOG_ANY`, only if the first of them gets that position, else `EVLOG_E_WRONG_POSITION`.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_append_many(
    topic: Shared<Topic>,
    payloads: Items<Slice>,
    count: usize,
    expected: u64,
    durability: i32,
    first_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call(topic, first_out, err, |topic| {
        let durability = durability_of(durability)?;
        let mut events = Events::new();
        let now = time_of(EVLOG_NOW);
        for payload in payloads.list(count)? {
            events.push(now, payload.bytes()?)?;
        }
        first_of(&append_events(topic, &events, expected)?, durability)
    })
}

/// As `evlog_append_many`, for a batch with its own times.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_append_batch(
    topic: Shared<Topic>,
    batch: Shared<Batch>,
    expected: u64,
    durability: i32,
    first_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call((topic, batch), first_out, err, |(topic, batch)| {
        let durability = durability_of(durability)?;
        first_of(&append_events(topic, &batch.0, expected)?, durability)
    })
}

/// Appends one event and does not wait: the ticket does. The time is that of the call with `EVLOG_NOW`. It is written and
/// synced within the option `batch_timeout_ms` also if nobody waits.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_submit(
    topic: Shared<Topic>,
    timestamp_us: i64,
    schema: u32,
    payload: Slice,
    ticket_out: NewHandle<Ticket>,
    err: ErrorOut,
) -> Status {
    call(topic, ticket_out, err, |topic| {
        Ok(Answer::Done(Ticket(topic.0.append_at(time_of(timestamp_us), schema, payload.bytes()?)?)))
    })
}

/// Appends a batch and does not wait: the ticket does. `expected` is that of `evlog_append_many`.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_submit_batch(
    topic: Shared<Topic>,
    batch: Shared<Batch>,
    expected: u64,
    ticket_out: NewHandle<Ticket>,
    err: ErrorOut,
) -> Status {
    call((topic, batch), ticket_out, err, |(topic, batch)| {
        Ok(Answer::Done(Ticket(append_events(topic, &batch.0, expected)?)))
    })
}

/// The positions of the events: from `*from_out` up to, not including, `*to_out`. They are certain once the ticket was
/// waited for: where a write fails, other events get them. Either pointer may be null.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_ticket_positions(
    ticket: Shared<Ticket>,
    from_out: OptionalOut<u64>,
    to_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call(ticket, (from_out, to_out), err, |ticket| {
        let positions = ticket.0.positions();
        Ok(Answer::Done((positions.start, positions.end)))
    })
}

/// Waits until the events are as durable as asked; `EVLOG_TIMEOUT` where that many milliseconds passed before, after
/// which one may wait again. A negative timeout stands for no limit; another needs a durability that is not
/// `EVLOG_DEFAULT`. Where nobody else is writing, the caller writes by itself, for as long as the disk takes.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_ticket_wait(
    ticket: Shared<Ticket>,
    durability: i32,
    timeout_ms: i64,
    err: ErrorOut,
) -> Status {
    call(ticket, (), err, |ticket| match (durability_of(durability)?, span_of(timeout_ms)) {
        (durability, None) => first_of(&ticket.0, durability).map(|_| Answer::Done(())),
        (Some(durability), Some(span)) => in_time(ticket.0.wait_timeout(durability, span).map(drop)),
        (None, Some(_)) => Err(Failure::invalid("a wait with a limit needs to know for which durability")),
    })
}

/// Makes everything durable that the topic accepted so far, and gives the position behind it; `EVLOG_TIMEOUT` where that
/// many milliseconds passed before. A negative timeout stands for no limit.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_flush(
    topic: Shared<Topic>,
    timeout_ms: i64,
    durable_end_out: OptionalOut<u64>,
    err: ErrorOut,
) -> Status {
    call(topic, durable_end_out, err, |topic| match span_of(timeout_ms) {
        None => Ok(Answer::Done(topic.0.flush()?)),
        Some(span) => {
            // An empty batch takes no position and stands behind everything that was accepted before it.
            let ticket = topic.0.append_batch(&Events::new())?;
            in_time(ticket.wait_timeout(Durability::Synced, span).map(|positions| positions.end))
        }
    })
}

/// Frees a ticket; null is fine. The events are written all the same.
#[unsafe(no_mangle)]
pub extern "C" fn evlog_ticket_free(ticket: Owned<Ticket>) -> Status {
    free(&ticket)
}
